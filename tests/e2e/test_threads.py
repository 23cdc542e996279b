"""Loops on one thread and on several: the same numbers, and the same loop for what stays on one."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.driver import Options, Source, compile_source

ADD = "export def f(a: f32[n], b: f32[n]) -> f32[n] = a * 2 + b\n"
EXP = "export def f(a: f32[n]) -> f32[n] = exp(a)\n"

pytestmark = pytest.mark.cc


@pytest.mark.parametrize("program", [ADD, EXP])
def test_a_short_loop_keeps_its_vectors_and_enters_no_parallel_region(program: str) -> None:
    text = compile_source(Source(program, "t.irc"), Options(), ["c"]).texts["c"]
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
