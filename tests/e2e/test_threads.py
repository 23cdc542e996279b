"""Loops on one thread and on several: the same numbers, and no price for what stays on one."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

import irc
from irc.driver import Options, Source, compile_source

ADD = "export def f(a: f32[n], b: f32[n]) -> f32[n] = a * 2 + b\n"
EXP = "export def f(a: f32[n]) -> f32[n] = exp(a)\n"

pytestmark = pytest.mark.cc


def test_a_short_loop_does_not_enter_a_parallel_region() -> None:
    text = compile_source(Source(ADD, "add.irc"), Options(), ["c"]).texts["c"]
    assert isinstance(text, str)
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("#pragma omp parallel for simd schedule(static)")
    assert lines[at - 2] == "#ifdef _OPENMP" and lines[at - 1].startswith("if (")
    loop = lines[at + 1 : lines.index("} else")]
    after = lines.index("} else") + 1
    assert lines[after : after + 2] == ["#endif", "IRC_SIMD"]
    assert lines[after + 2 : after + 2 + len(loop)] == loop
    assert " if (" not in lines[at], "a clause would also switch vectors off"


@pytest.mark.parametrize("n", [0, 1, 17, 10_000, 1_000_000])
def test_both_loops_give_the_same_numbers(n: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, n), np.float32)
    assert np.array_equal(irc.compile(ADD).f(a, b), a * 2 + b)
    assert np.allclose(irc.compile(EXP).f(a), np.exp(a), rtol=1e-6)


def test_short_arrays_use_vectors() -> None:
    """Ten elements may not cost ten times what they do in a long array; scalar code costs eight."""
    f = irc.compile(EXP).f
    per_element = []
    for n in (1_000, 16_000):  # below and above what is worth a second thread
        x, out = np.zeros(n, np.float32), np.zeros(n, np.float32)

        def call(x: np.ndarray = x, out: np.ndarray = out) -> None:
            f(x, out=out)

        per_element.append(fastest(call, 200) / n)
    assert per_element[0] < 5 * per_element[1] + 1e-9


def fastest(call: Callable[[], None], count: int) -> float:
    call()
    times = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return min(times)
