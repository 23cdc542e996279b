"""
Cost of a call from Python: three arrays of 16 float32, beside the work itself and NumPy.

The work is the same C function called from a loop in C. `python -m benchmarks.calls` is the child.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT, run_child
from benchmarks.measure import Noise, Spread, interleaved, pin
from benchmarks.report import Table, seconds, times, verdict
from benchmarks.setting import Setting

ELEMENTS = 16
GOAL_S = 0.5e-6  # above the work
WORK = "the work: C calls C"


def run(setting: Setting, folder: Path) -> list[dict[str, Any]]:
    """Measures and prints. `folder` has kernels.so and kernels.h, and gets the C loop."""
    library = compile_loop(folder)
    task = {"rounds": setting.rounds, "batch_s": setting.batch_s, "loop": str(library)}
    task["module"] = setting.modules["kernels"]
    records = list(run_child("benchmarks.calls", task, {"OMP_NUM_THREADS": "1"}))
    work = next(r["seconds"]["median"] for r in records if r["what"] == WORK)
    table = Table(
        f"Cost of a call, three f32[{ELEMENTS}], a*b + c",
        ("what", "median", "min..max", "above work", "goal"),
    )
    for record in records:
        above = record["seconds"]["median"] - work
        record["above_work"] = above
        mine = record["what"].startswith("m.")
        goal = verdict(above, GOAL_S).removeprefix("goal ") if mine else ""
        extra = "" if record["what"] == WORK else seconds(above)
        table.row(record["what"], *times(record["seconds"]), extra, goal)
    return records


def compile_loop(folder: Path) -> Path:
    from irc.codegen.c.toolchain import find_compiler

    library = folder / "calls.so"
    source = ROOT / "benchmarks" / "programs" / "calls.c"
    paths = [str(source), str(folder / "kernels.so"), f"-I{folder}", f"-Wl,-rpath,{folder}"]
    flags = ["-std=c99", "-O2", "-fPIC", "-shared"]
    subprocess.run([*find_compiler().argv, *flags, *paths, "-o", str(library)], check=True)
    return library


# ---- in the child


def measure(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    import ctypes

    import numpy as np

    import irc

    pin()
    loop = ctypes.CDLL(task["loop"]).call_seconds
    loop.argtypes, loop.restype = [ctypes.c_int64, ctypes.c_int64], ctypes.c_double
    f = irc.load(task["module"]).multiply_add
    a, b, c, out = (np.arange(ELEMENTS, dtype=np.float32) + i for i in range(4))
    if not np.array_equal(f(a, b, c), a * b + c):
        sys.exit("multiply_add: irc and NumPy differ")
    batch = 20_000

    def work() -> None:
        if loop(batch, ELEMENTS) < 0:
            sys.exit("the loop in C failed")

    def nothing() -> None:
        pass

    def numpy_out() -> None:
        np.multiply(a, b, out)
        np.add(out, c, out)

    rows = {
        WORK: work,
        "m.f(a, b, c)": lambda: f(a, b, c),
        "m.f(a, b, c, out=out)": lambda: f(a, b, c, out=out),
        "m.f(a=a, b=b, c=c)": lambda: f(a=a, b=b, c=c),
        "numpy: a*b + c": lambda: a * b + c,
        "numpy: multiply and add with out": numpy_out,
        "a Python function that does nothing": nothing,
    }
    found = interleaved(rows, task["rounds"], task["batch_s"])
    empty = Spread.of(found["a Python function that does nothing"]).low
    noise = Noise()
    noise.probe()
    for what, values in found.items():
        # The lambda around a call is no part of it.
        per_call = [v / batch for v in values] if what == WORK else [v - empty for v in values]
        if what.startswith("a Python"):
            per_call = values
        yield {"what": what, "seconds": Spread.of(per_call).data(), "noise": noise.seconds}


if __name__ == "__main__":
    for row in measure(json.load(sys.stdin)):
        print(json.dumps(row), flush=True)
