"""
Random programs give the same at every level, under each subset of the optional passes.

    pytest tests/levels -m long                       # thousands
    pytest tests/levels -m long --first-seed 5000000  # other ones
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from levels import CLANG_O2, GCC_O0, GCC_O2, Call, Case, Road, differences
from nd_programs import values
from random_programs import ALL_DTYPES, PLAIN, random_inputs, random_program

from irc.pipeline import STAGES

pytestmark = pytest.mark.cc
SIZES = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0}, {"n": 5, "m": 9})
OPTIONAL = sorted({p.name for stage in STAGES for p in stage.passes if p.level})


def exact(rng: np.random.Generator) -> Any:
    """Every result is defined to the bit."""
    return random_program(rng, dtypes=ALL_DTYPES, grads=False, smooth=True)


def mixed(rng: np.random.Generator) -> Any:
    """With derivatives and elementary functions."""
    return random_program(rng, dtypes=ALL_DTYPES)


def long_ones(rng: np.random.Generator) -> Any:
    return random_program(rng, ops=60, dtypes=PLAIN, smooth=True)


def cases(make: Callable[[np.random.Generator], Any], seeds: Sequence[int]) -> list[Case]:
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        module = make(rng)
        calls = [
            Call(random_inputs(module, rng, sizes), {"s": values("f32", (2, 3), seed)})
            for sizes in SIZES
        ]
        found.append(Case(f"{make.__name__}, seed {seed}", module, calls))
    return found


@pytest.mark.parametrize("make", [exact, mixed])
def test_as_written(make: Any) -> None:
    assert differences(cases(make, range(12)), Road(opt_level=0), [GCC_O0, GCC_O2]) == []


@pytest.mark.parametrize("make", [exact, mixed])
def test_optimized(make: Any) -> None:
    road = Road(near=make is mixed, reparse=True)
    assert differences(cases(make, range(40, 52)), road, [GCC_O0, GCC_O2]) == []


@pytest.mark.parametrize("left_out", OPTIONAL)
def test_without_one_pass(left_out: str) -> None:
    road = Road(without=frozenset({left_out}), executors=("loops",))
    assert differences(cases(exact, range(80, 88)), road, []) == []


@pytest.mark.parametrize("seed", range(3))
def test_with_some_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    without = frozenset(name for name in OPTIONAL if rng.random() < 0.5)
    road = Road(without=without, executors=("loops",))
    some = cases(exact, range(100 + 8 * seed, 108 + 8 * seed))
    assert differences(some, road, [GCC_O2] if seed == 0 else []) == []


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("batch", range(10))
def test_many(batch: int, first_seed: int) -> None:
    rng = np.random.default_rng(batch)
    for make in (exact, mixed, long_ones):
        start = first_seed + 1000 * batch
        for part in (range(start, start + 60), range(start + 60, start + 120)):
            without = frozenset(n for n in OPTIONAL if rng.random() < 0.3 and make is exact)
            level = 0 if part[0] == start else 2
            road = Road(opt_level=level, without=without, near=make is not exact, reparse=True)
            assert differences(cases(make, part), road, [GCC_O0, GCC_O2, CLANG_O2]) == []
