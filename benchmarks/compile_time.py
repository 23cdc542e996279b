"""
Compile time of the examples: cold, split by stage, and warm, from the cache.

Every number is the first of its process, as a user meets it; `python -m benchmarks.compile_time`
is that process. Imports are a column of their own. Goals are about CPU time, which other programs
on the machine hardly change.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT, run_child
from benchmarks.measure import Spread
from benchmarks.report import Table, seconds, times, verdict
from benchmarks.setting import Setting

PROGRAMS = (
    ("1_logreg.irc", ()),
    ("2_mlp.irc", ()),
    ("2_mlp.irc, train only", ("train",)),
)
GROUPS = ("imports", "front end", "nd", "linalg", "loops", "codegen", "cc")
PASSES = ("nd", "linalg", "loops")
PASSES_GOAL_S = 0.150
MODULES = (
    *("driver.road", "frontend.actions", "frontend.analysis.program"),
    *("frontend.analysis.expressions", "codegen.c.emit", "codegen.c.module"),
)
WARM_GOAL_S = 0.020
COMPILER = {"xdsl", "lark"}


def run(setting: Setting) -> list[dict[str, Any]]:
    """Measures and prints."""
    return [*run_cold(setting), *run_warm(setting)]


def run_cold(setting: Setting) -> list[dict[str, Any]]:
    columns = ("program", *GROUPS, "total", "passes", "min..max", "CPU", "min..max")
    table = Table("Compile time, cold: medians of fresh processes", columns)
    records = []
    list(child({"work": "warm up"}))  # Python compiles what it imports once
    for name, entry in PROGRAMS:
        task = {"work": "cold", "source": name.partition(",")[0], "entry": entry}
        found = [r for _ in range(setting.compiles) for r in child(task)]
        cpu = [r for _ in range(setting.compiles) for r in child({**task, "work": "cpu"})]
        spreads = {g: Spread.of([r["first"].get(g, 0.0) for r in found]).data() for g in GROUPS}
        passes = Spread.of([in_passes(r["first"]) for r in found]).data()
        cpu_passes = Spread.of([in_passes(r["first"]) for r in cpu]).data()
        total = Spread.of([sum(r["first"].values()) for r in found]).data()
        record = {"program": name, "seconds": spreads, "total": total}
        records.append({**record, "passes": passes, "cpu_passes": cpu_passes})
        cells = [seconds(spreads[g]["median"]) for g in GROUPS]
        table.row(name, *cells, seconds(total["median"]), *times(passes), *times(cpu_passes))
    step = records[-1]["cpu_passes"]["median"]
    table.close(
        f"passes of the training step, CPU time {seconds(step)}, {verdict(step, PASSES_GOAL_S)}"
    )
    return records


def run_warm(setting: Setting) -> list[dict[str, Any]]:
    columns = ("what", "median", "min..max", "CPU", "goal for CPU")
    table = Table("Compile time, warm: from the cache, in fresh processes", columns)
    records = []
    rounds = max(setting.compiles * 2 - 1, 1)
    with tempfile.TemporaryDirectory() as cache:
        for name in ("1_logreg.irc", "2_mlp.irc"):
            task = {"work": "warm", "source": name, "cache": cache}
            list(child(task))  # fills the cache
            found = [r for _ in range(rounds) for r in child(task)]
            if not all(r["cached"] for r in found):
                sys.exit(f"tools/bench: {name} was compiled again although it is in the cache")
            if foreign := sorted({m for r in found for m in r["compiler_modules"]}):
                sys.exit(f"tools/bench: a cache hit and irc.load imported {', '.join(foreign)}")
            for key, what in (("hit", "irc.compile"), ("load", "irc.load"), ("imports", "imports")):
                wall, cpu = (Spread.of([r[key][i] for r in found]).data() for i in range(2))
                records.append({"program": name, "what": key, "seconds": wall, "cpu": cpu})
                goal = verdict(cpu["median"], WARM_GOAL_S) if key == "hit" else ""
                cells = (seconds(cpu["median"]), goal.removeprefix("goal "))
                table.row(f"{name}: {what}", *times(wall), *cells)
    table.close("neither xDSL nor lark was imported")
    return records


def child(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """On one thread: CPU time would count what a second one waits."""
    work = {**task, "examples": str(ROOT / "examples")}
    return run_child("benchmarks.compile_time", work, {"OMP_NUM_THREADS": "1"})


def in_passes(groups: dict[str, float]) -> float:
    return sum(groups.get(group, 0.0) for group in PASSES)


# ---- in the child


def measure(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    match task["work"]:
        case "cold":
            yield cold(task, "so")
        case "cpu":
            time.perf_counter = time.process_time  # before irc reads the clock
            yield cold(task, "c")
        case "warm":
            yield warm(task)
        case _:
            import_compiler()


def import_compiler() -> None:
    """Everything that a compilation imports, so that stages are not charged for it."""
    from irc.pipeline import PASSES, pass_class

    for module in MODULES:
        importlib.import_module(f"irc.{module}")
    for name in PASSES:
        pass_class(name)


def cold(task: dict[str, Any], kind: str) -> dict[str, Any]:
    start = time.perf_counter()
    import_compiler()
    imports = time.perf_counter() - start
    return {"first": {"imports": imports, **stages(task, kind)}}


def stages(task: dict[str, Any], kind: str) -> dict[str, float]:
    """Seconds of each group of a compilation."""
    from irc.driver import Options, Source, Watch, compile_source

    path = Path(task["examples"]) / task["source"]
    options = Options(use_cache=False, entry=tuple(task["entry"]))
    watch = Watch()
    compile_source(Source(path.read_text(), str(path)), options, [kind], watch)
    groups: dict[str, float] = {}
    for group, _, time_s in watch.seconds:
        groups[group] = groups.get(group, 0.0) + time_s
    return groups


def warm(task: dict[str, Any]) -> dict[str, Any]:
    os.environ["XDG_CACHE_HOME"] = task["cache"]
    clock = Clock()
    import irc
    import irc.driver.caching
    import irc.runtime.module
    from irc.driver import Options, Source, Watch, compile_source
    from irc.runtime.backend import backend

    backend()  # the loader's extension
    imports = clock.lap()
    path = Path(task["examples"]) / task["source"]
    irc.compile(path)
    hit = clock.lap()
    outputs = compile_source(Source(path.read_text(), str(path)), Options(), ["so"], Watch())
    clock.lap()
    irc.load(str(outputs.path))
    return {
        "imports": imports,
        "hit": hit,
        "load": clock.lap(),
        "cached": outputs.cached,
        "compiler_modules": sorted({name.partition(".")[0] for name in sys.modules} & COMPILER),
    }


class Clock:
    """Wall time and CPU time between laps."""

    def __init__(self) -> None:
        self.lap()

    def lap(self) -> tuple[float, float]:
        now = time.perf_counter(), time.process_time()
        last, self.last = getattr(self, "last", now), now
        return now[0] - last[0], now[1] - last[1]


if __name__ == "__main__":
    for row in measure(json.load(sys.stdin)):
        print(json.dumps(row), flush=True)
