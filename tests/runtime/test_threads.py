"""Threads, forks and calls inside calls."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from modules_by_hand import Program, array, result

import irc
from irc.abi import FunctionSpec, ModuleSpec, StateSpec
from irc.runtime.module import Module

ROOT = Path(__file__).parents[2]
X = np.arange(12, dtype=np.float32).reshape(4, 3) / 12
Y = np.ones(4, np.float32)

# count adds n ones to a state, one by one and slowly enough to be interrupted.
COUNT = Program(
    ModuleSpec(
        "slow",
        states=(StateSpec("total", "i64"),),
        functions=(
            FunctionSpec(
                "count",
                sizes=("n",),
                params=(array("x", "u8", "n"),),
                results=(result(None, "i64"),),
                pure=False,
                writes=("total",),
            ),
        ),
    ),
    r"""
static int32_t k_count(struct slow *ctx, int64_t n, const uint8_t *x, int64_t *out, char *arena)
{
    (void)arena;
    volatile int64_t *total = ctx->total;
    for (int64_t i = 0; i < n; ++i)
        *total = *total + x[i];
    *out = *total;
    return IRC_OK;
}
""",
)

# The same sum over OpenMP's threads.
PARALLEL = replace(
    COUNT,
    kernels=r"""
static int32_t k_count(struct slow *ctx, int64_t n, const uint8_t *x, int64_t *out, char *arena)
{
    int64_t sum = 0;
    (void)arena;
#pragma omp parallel for reduction(+ : sum) num_threads(2)
    for (int64_t i = 0; i < n; ++i)
        sum += x[i];
    *ctx->total += sum;
    *out = sum;
    return IRC_OK;
}
""",
)


@pytest.fixture(scope="session")
def slow_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slow") / "slow.so"
    path.write_bytes(COUNT.shared_object(optimize=1))
    return path


def test_eight_threads_on_one_module_are_serialized(loader: str, slow_path: Path) -> None:
    m = irc.load(slow_path)
    ones = np.ones(100_000, np.uint8)  # enough for the interpreter to be released
    few = ones[:3]
    errors = []

    def work() -> None:
        try:
            for _ in range(20):
                m.count(ones)
                m.count(few)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert m.state.total == 8 * 20 * 100_003


def test_large_work_lets_other_threads_run(loader: str, slow_path: Path) -> None:
    m = irc.load(slow_path)
    big = np.ones(100_000_000, np.uint8)
    ticks, started, done = 0, threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        m.count(big)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 5


def test_a_call_from_its_own_print_is_an_error(
    fit: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recursive:
        def write(self, text: str) -> int:
            fit.predict(X)
            return 0

    monkeypatch.setattr("sys.stdout", Recursive())
    with pytest.raises(RuntimeError, match="this module is running already, in the same thread"):
        fit.tell(Y)
    assert fit.predict(X).shape == (4,)


FORK = """
import os, sys, threading
import numpy as np
import irc
m = irc.load(sys.argv[1])
big = np.ones(int(sys.argv[2]), np.uint8)
m.count(big[:10])
if sys.argv[3] == "busy":     # another thread is inside while we fork
    threading.Thread(target=m.count, args=(big,), daemon=True).start()
else:
    m.count(big)
before = int(m.state.total)
for _ in range(3):
    child = os.fork()
    if child == 0:
        m.state.total = 0
        ok = m.count(big[:1000]) == 1000
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("fine")
"""


@pytest.mark.parametrize("kind", ["extension", "ctypes"])
@pytest.mark.parametrize("how", ["idle", "busy"])
def test_a_child_process_can_call(slow_path: Path, kind: str, how: str) -> None:
    command = [sys.executable, "-c", FORK, str(slow_path), "60000000", how]
    env = {**os.environ, "IRC_LOADER": kind}
    out = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert out.stdout == "fine\n", out.stderr


def test_a_child_process_can_call_after_openmp_ran(tmp_path: Path) -> None:
    path = tmp_path / "slow.so"
    path.write_bytes(PARALLEL.shared_object(openmp=True))
    command = [sys.executable, "-c", FORK, str(path), "100000", "idle"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert out.stdout == "fine\n", out.stderr


def test_processes_of_a_pool_get_the_module(fit_path: Path) -> None:
    code = """
import multiprocessing, sys
import numpy as np
import irc
if __name__ == "__main__":
    m = irc.load(sys.argv[1])
    rows = [np.full((1, 3), i, np.float32) for i in range(6)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        there = pool.map(m.predict, rows)
    assert all(np.array_equal(a, m.predict(r)) for a, r in zip(there, rows))
    print("fine")
"""
    command = [sys.executable, "-c", code, str(fit_path)]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert out.stdout == "fine\n", out.stderr
