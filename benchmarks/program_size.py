"""Compile time against program size: chains of 10 to 10,000 `nd` ops, up to the C text."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.child import run_child
from benchmarks.report import Table, seconds
from benchmarks.setting import Setting

GROUPS = ("front end", "nd", "linalg", "loops", "codegen")
EXPONENT_GOAL = 1.2
# (statement, its nd ops)
STEPS = (("tanh({v}) + x", 2), ("{v} * 0.5 + c", 2), ("exp(-{v} * {v}) + x", 4), ("max({v}, x)", 1))


def run(setting: Setting) -> list[dict[str, Any]]:
    """Measures and prints, the longest program once and the others as often as others are."""
    records: list[dict[str, Any]] = []
    columns = ("program", *GROUPS, "total", "memory")
    table = Table(
        "Compile time against size, CPU time: a chain of nd ops, to C, imports apart", columns
    )
    for size in setting.sizes:
        repeats = 1 if size >= 10_000 else setting.compiles
        found = [
            r for _ in range(repeats) for r in run_child("benchmarks.program_size", size_task(size))
        ]
        best = min(found, key=lambda r: r["total"])
        records.append(best)
        cells = [seconds(best["seconds"].get(group, 0.0)) for group in GROUPS]
        table.row(f"{size:,} ops", *cells, seconds(best["total"]), f"{best['peak_mib']:.0f} MiB")
    for record in records[-1:]:
        record["exponent"] = exponent(records)
        good = "ok" if record["exponent"] <= EXPONENT_GOAL else "MISSED"
        table.close(
            f"time exponent {record['exponent']:.2f} between the two longest, "
            f"goal {EXPONENT_GOAL}: {good}"
        )
    return records


def size_task(size: int) -> dict[str, Any]:
    return {"ops": size}


def exponent(records: list[dict[str, Any]]) -> float:
    """b in time = a * size ** b, from the two longest programs."""
    small, large = records[-2:]
    return math.log(large["total"] / small["total"]) / math.log(large["ops"] / small["ops"])


def program(ops: int) -> str:
    lines = ["export def chain(x: f32[n], c: f32) -> f32[n] {", "    let v0 = x"]
    made = i = 0
    while made < ops:
        text, count = STEPS[i % len(STEPS)]
        lines.append(f"    let v{i + 1} = {text.format(v=f'v{i}')}")
        made, i = made + count, i + 1
    return "\n".join([*lines, f"    return v{i}", "}", ""])


# ---- in the child


def measure(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    time.perf_counter = time.process_time  # before irc reads the clock
    from benchmarks.compile_time import import_compiler
    from irc.driver import Options, Source, Watch, compile_source

    import_compiler()
    watch = Watch()
    compile_source(
        Source(program(task["ops"]), "chain.irc"), Options(use_cache=False), ["c"], watch
    )
    by_group: dict[str, float] = {}
    for group, _, time_s in watch.seconds:
        by_group[group] = by_group.get(group, 0.0) + time_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(by_group.values())
    yield {"ops": task["ops"], "seconds": by_group, "total": total, "peak_mib": peak_mib}


if __name__ == "__main__":
    for row in measure(json.load(sys.stdin)):
        print(json.dumps(row), flush=True)
