"""The benchmark measures what it says, and refuses to time wrong results."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """xDSL installs a package of the same name."""
    monkeypatch.syspath_prepend(str(ROOT))
    loaded = sys.modules.get("benchmarks")
    if loaded is not None and str(ROOT) not in str(loaded.__file__):
        monkeypatch.delitem(sys.modules, "benchmarks")


def peer(name: str, result: Callable[[], Any]) -> Any:
    return SimpleNamespace(NAME=name, layer=lambda **inputs: result)


def test_a_peer_with_other_results_ends_the_run() -> None:
    from benchmarks import speed
    from benchmarks.workloads import product

    workload = product("tiny", "layer", 2, 3, 4)
    right, wrong = np.ones((2, 4), np.float32), np.full((2, 4), 1.001, np.float32)
    speed.check(workload, [peer("a", lambda: right), peer("b", lambda: right)])
    with pytest.raises(SystemExit, match=r"tiny: b differs by 0\.001"):
        speed.check(workload, [peer("a", lambda: right), peer("b", lambda: wrong)])
    with pytest.raises(SystemExit, match="differs by nan"):
        speed.check(workload, [peer("a", lambda: right), peer("b", lambda: wrong * np.nan)])


def test_both_peers_know_every_workload() -> None:
    from benchmarks.peers import irc_peer, numpy_peer
    from benchmarks.workloads import workloads

    for workload in workloads():
        assert callable(getattr(irc_peer, workload.kind))
        call = getattr(numpy_peer, workload.kind)(**workload.make(np.random.default_rng(0), True))
        assert callable(call)


def test_rounds_are_interleaved_and_short_calls_are_batched() -> None:
    from benchmarks.measure import Spread, interleaved, ratios

    seen: list[str] = []

    def slow() -> None:
        seen.append("slow")
        time.sleep(0.003)

    def fast() -> None:
        if seen[-1:] != ["fast"]:
            seen.append("fast")
        time.sleep(0.001)

    found = interleaved(
        {"slow": slow, "fast": fast}, rounds=3, batch_s=0.001, clock=time.perf_counter
    )
    assert len(found["slow"]) == len(found["fast"]) == 3
    assert 1.5 < ratios(found["slow"], found["fast"]).median < 6
    turns = "".join(name[0] for name in seen).replace("ss", "s")
    assert "sfsf" in turns.replace("ff", "f")
    assert Spread.of([3.0, 1.0, 2.0]).data() == {"min": 1.0, "median": 2.0, "max": 3.0}


def test_the_exponent_of_linear_time_is_one() -> None:
    from benchmarks.program_size import exponent, program

    records: list[dict[str, Any]] = [{"ops": n, "total": 0.002 * n} for n in (10, 100, 1000)]
    assert exponent(records) == pytest.approx(1.0)
    assert program(100).count("let") == 46  # 45 statements of one to four ops each, and v0


@pytest.mark.long
@pytest.mark.cc
@pytest.mark.timeout(600)
def test_the_whole_benchmark_runs(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "tools" / "bench"), "--quick", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for title in ("cold", "warm", "Cost of a call", "1 thread", "time exponent"):
        assert title in done.stdout
    assert path.stat().st_size > 1000
