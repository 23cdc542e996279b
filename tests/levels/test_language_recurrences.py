"""Scans and loops of the language: the same at every level, and compiled."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from levels import GCC_O0, GCC_O2, Call, Case, Compiler, Road, differences
from random_recurrences import random_program
from recurrence_cases import CASES

from irc.frontend import load_program

pytestmark = pytest.mark.cc

DRAWS = """export def f() -> (f32[5], f32[5, 3], f64[5]) {
    scan t < 5 {
        a[t] = uniform([])
        scan s < 3 { b[s] = normal([]) }
        c[t] = b
        loop q = 0.0 while q < 0.8 { next q = uniform([]) }
        d[t] = f64(q)
    }
    return a, c, d
}
"""
SPEAKS = """export def f(u: f64[T]) -> f64 {
    scan t < T {
        init s[-1] = 0
        s[t] = s[t-1] + u[t]
        print "{t}: {s[t]:.3f}"
        if s[t] > 1 { print "large" }
    }
    loop y = 1.0f64 for i < 5 while y < 3 {
        assert i < 9, "{y} after {i}"
        next y = y + u[i]
    }
    return y
}
"""


def case(name: str, text: str, inputs: Iterable[np.ndarray]) -> Case:
    """The signature goes: functions of a level test have names of their own."""
    module = load_program(text, file="t.irc").module
    for op in module.ops:
        op.attributes.pop("irc.signature", None)
    return Case(name, module, [Call(list(inputs))])


def written() -> list[Case]:
    more = [case("draws", DRAWS, [])]
    more += [case(f"speaks {k}", SPEAKS, [np.full(5, x)]) for k, x in enumerate((0.1, 0.7))]
    return [case(c.name, c.text, c.inputs) for c in CASES] + more


def drawn(seeds: Iterable[int]) -> list[Case]:
    found = []
    for seed in seeds:
        steps, dtype = (0, 1, 2, 50)[seed % 4], ("f64", "i32", "f32", "i64")[seed // 4 % 4]
        program = random_program(seed, steps, dtype)
        found.append(case(f"seed {seed}", program.text, program.inputs))
    return found


@pytest.mark.parametrize(("level", "compiler"), [(0, GCC_O0), (2, GCC_O2)])
def test_programs(level: int, compiler: Compiler) -> None:
    assert differences(written(), Road(opt_level=level, near=level > 0), [compiler]) == []


@pytest.mark.parametrize("level", [0, 2])
def test_random_recurrences(level: int) -> None:
    road = Road(opt_level=level, near=level > 0)
    assert differences(drawn(range(12)), road, [GCC_O2]) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(100, 1100, 100))
def test_many_random_recurrences(first: int) -> None:
    road = Road(near=True)
    assert differences(drawn(range(first, first + 100)), road, [GCC_O2]) == []
