"""Recurrences give the same at every level: the reference, linalg, loops, C at -O0 and -O2."""

from __future__ import annotations

import shutil

import pytest
from levels import CLANG_O2, GCC_O2, Road, differences
from recurrence_programs import (
    a_few,
    early,
    half_products,
    moves,
    nested,
    products,
    random_case,
    searches,
    sequences,
    simple,
    stateful,
)

pytestmark = pytest.mark.cc


@pytest.mark.parametrize("dtype", ["i8", "u8", "i32", "u64", "bool", "f16", "bf16", "f32", "f64"])
def test_dtypes(dtype: str) -> None:
    cases = [c for reverse in (False, True) for c in simple(dtype, reverse)]
    assert differences(cases) == []


def test_products() -> None:
    assert differences([*products(), *half_products()]) == []


def test_moves() -> None:
    assert differences(list(moves())) == []


def test_sequences() -> None:
    assert differences(list(sequences())) == []


def test_until() -> None:
    assert differences(list(early())) == []


def test_searches() -> None:
    assert differences(list(searches())) == []


def test_nesting() -> None:
    assert differences(list(nested())) == []


def test_updates() -> None:
    assert differences(list(stateful())) == []
    assert differences(list(stateful()), Road(opt_level=0), [GCC_O2]) == []


@pytest.mark.parametrize("until", [False, True])
def test_random_recurrences(until: bool) -> None:
    cases = [random_case(seed, (0, 1, 2, 5, 50)[seed % 5], until) for seed in range(20)]
    assert differences(cases) == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(5))
def test_more_random_recurrences(first_seed: int, block: int) -> None:
    seeds = range(first_seed + 100 * block, first_seed + 100 * (block + 1))
    cases = [random_case(seed, seed % 7, seed % 3 == 0) for seed in seeds]
    assert differences(cases) == []


def test_without_optimization() -> None:
    assert differences([*a_few(), *nested()], Road(opt_level=0), [GCC_O2]) == []


def test_through_text_and_clang() -> None:
    """Without checks: their messages tell the place, which is another in the text."""
    if shutil.which("clang") is None:
        pytest.skip("no clang")
    cases = [c for c in a_few() if "checks" not in c.name]
    assert differences(cases, Road(reparse=True), [CLANG_O2]) == []
