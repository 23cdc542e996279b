"""
Speed of results: irc against its peers on the workloads, in a process for each number of threads.

The number of threads of OpenBLAS and OpenMP is read when they are loaded, hence the processes:
`python -m benchmarks.speed` reads what to do as JSON from stdin and prints a JSON line a workload.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.child import run_child
from benchmarks.measure import Noise, Spread, interleaved, pin, ratios
from benchmarks.report import Table, gigaflops, times
from benchmarks.setting import Setting

PEERS = ("irc_peer", "numpy_peer")  # irc first; ratios are to it


def run(setting: Setting) -> list[dict[str, Any]]:
    """Measures and prints; gives a record for every workload and number of threads."""
    records: list[dict[str, Any]] = []
    for threads in (1, 2):
        if threads > len(os.sched_getaffinity(0)):
            print(f"\nno second core: nothing is measured with {threads} threads")
            continue
        core = "one core" if threads == 1 else "two cores"
        table = Table(
            f"Speed, {threads} thread{'s' * (threads > 1)}, {core} (times faster than NumPy)",
            ("workload", "irc", "min..max", "NumPy", "min..max", "irc/NumPy", "GFLOP/s", "goal"),
        )
        for record in _child(setting, threads):
            records.append(record)
            table.row(*_cells(record))
        table.close()
    return records


def _child(setting: Setting, threads: int) -> Iterator[dict[str, Any]]:
    variables = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    task = {
        "threads": threads,
        "rounds": setting.rounds,
        "batch_s": setting.batch_s,
        "only": setting.only,
        "paths": setting.modules,
    }
    return run_child("benchmarks.speed", task, dict.fromkeys(variables, str(threads)))


def _cells(record: dict[str, Any]) -> tuple[str, ...]:
    irc, numpy = record["seconds"]["irc"], record["seconds"]["numpy"]
    ratio, goal = record["ratio"]["numpy"], record["goal"]
    verdict = f"{goal:g} {'ok' if ratio['median'] >= goal else 'MISSED'}" if goal else ""
    return (
        record["workload"],
        *times(irc),
        *times(numpy),
        f"{ratio['median']:.2f} ({ratio['min']:.2f}..{ratio['max']:.2f})",
        gigaflops(record["flops"], irc["median"]),
        verdict,
    )


# ---- in the child


def measure(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from benchmarks.peers import irc_peer
    from benchmarks.workloads import workloads

    clock = time.perf_counter
    if task["threads"] == 1:
        pin()
        clock = time.process_time
    irc_peer.paths = task["paths"]
    peers = [importlib.import_module(f"benchmarks.peers.{name}") for name in PEERS]
    for workload in workloads():
        if task["threads"] not in workload.threads or task["only"] not in workload.name:
            continue
        check(workload, peers)
        noise = Noise()
        noise.probe()
        inputs = _inputs(workload, checking=False)
        calls = {p.NAME: _call(p, workload, inputs) for p in peers if hasattr(p, workload.kind)}
        found = interleaved(calls, task["rounds"], task["batch_s"], clock)
        noise.probe()
        others = [name for name in found if name != "irc"]
        yield {
            "workload": workload.name,
            "threads": task["threads"],
            "seconds": {name: Spread.of(values).data() for name, values in found.items()},
            "ratio": {name: ratios(found[name], found["irc"]).data() for name in others},
            "flops": workload.flops,
            "goal": workload.goal,
            "noise": noise.seconds,
        }


def check(workload: Any, peers: list[Any]) -> None:
    """
    Three calls of every peer agree: for training steps the third sees what the others learned.

    Ends the process when they do not: times of wrong results are worth nothing.
    """
    import numpy as np

    expected: list[Any] = []
    for peer in peers:
        if not hasattr(peer, workload.kind):
            continue
        call = _call(peer, workload, _inputs(workload, checking=True))
        results = [_copies(call()) for _ in range(3)]
        expected = expected or results
        for one, other in zip(expected, results, strict=True):
            for a, b in zip(one, other, strict=True):
                bound = workload.tolerance * max(float(np.max(np.abs(a))), 1e-30)
                worst = float(np.max(np.abs(a - b)))
                if not worst <= bound:
                    sys.exit(f"{workload.name}: {peer.NAME} differs by {worst:.3g} of {bound:.3g}")


def _inputs(workload: Any, checking: bool) -> Any:
    import numpy as np

    return workload.make(np.random.default_rng(1), checking)


def _call(peer: Any, workload: Any, inputs: Any) -> Callable[[], Any]:
    call: Callable[[], Any] = getattr(peer, workload.kind)(**inputs)
    return call


def _copies(results: Any) -> list[Any]:
    import numpy as np

    parts = results if isinstance(results, tuple) else (results,)
    return [np.array(part, np.float64) for part in parts]


if __name__ == "__main__":
    for row in measure(json.load(sys.stdin)):
        print(json.dumps(row), flush=True)
