"""Tables on stdout, and the dated file."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTHS = {"workload": 21, "what": 44, "program": 24, "irc/NumPy": 18}


class Table:
    """A table whose rows appear as they are measured."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self.widths = [WIDTHS.get(name, max(len(name), 9)) for name in columns]
        print(f"\n{title}")
        self.row(*columns)
        print("  ".join("-" * width for width in self.widths))

    def row(self, *cells: str) -> None:
        """The first cell stands left, numbers right."""
        rest = zip(cells[1:], self.widths[1:], strict=True)
        text = "  ".join([f"{cells[0]:<{self.widths[0]}}", *(f"{c:>{w}}" for c, w in rest)])
        print(text.rstrip(), flush=True)

    def close(self, *notes: str) -> None:
        for note in notes:
            print(f"  {note}", flush=True)


def seconds(value: float) -> str:
    """Three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}" if value * factor < 999.5 else f"{value:.4g} s"
    return f"{value * 1e9:.3g} ns"


def times(spread: Mapping[str, float]) -> tuple[str, str]:
    """The median, and the span of the rounds as factors of it."""
    low, middle, high = (spread[key] for key in ("min", "median", "max"))
    return seconds(middle), f"{low / middle:.2f}..{high / middle:.2f}"


def gigaflops(flops: float, time_s: float) -> str:
    return f"{flops / time_s / 1e9:.1f}" if flops else ""


def verdict(value: float, goal: float) -> str:
    return f"goal {seconds(goal)}: {'ok' if value <= goal else 'MISSED'}"


def machine() -> dict[str, Any]:
    """What the figures depend on, and nothing that tells whose machine it is."""
    import numpy as np

    from irc.codegen.c.toolchain import find_compiler
    from irc.release import __version__

    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cc": find_compiler().version(),
        "irc": __version__,
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, default=float) + "\n")
