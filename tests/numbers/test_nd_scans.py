"""Passes over recurrences keep results: random scans before and after, at several sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nd_programs import context, same_bits
from random_programs import random_inputs
from random_scans import random_scans
from xdsl.dialects.builtin import ModuleOp

from irc.dtypes import BOOL, F32, F64, I32
from irc.execution import execute
from irc.execution.outcome import Outcome
from irc.passes.nd.batch_scans import BatchScansPass
from irc.passes.nd.canonicalize import CanonicalizePass
from irc.passes.nd.hoist_invariants import HoistInvariantsPass
from irc.passes.nd.simplify_scans import SimplifyScansPass

EXACT = (HoistInvariantsPass, SimplifyScansPass)
SIZES = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0}, {"n": 7, "m": 1})
seeds = st.integers(0, 2**32 - 1)


def apply(module: ModuleOp, *passes: Any) -> None:
    for one in passes:
        one().apply(context(), module)
        module.verify()


def outcomes(module: ModuleOp, seed: int) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    return [execute(module, "f", random_inputs(module, rng, sizes)) for sizes in SIZES]


@settings(max_examples=25)
@given(seed=seeds)
@pytest.mark.parametrize("one", EXACT)
def test_to_the_bit(one: Any, seed: int) -> None:
    module = random_scans(np.random.default_rng(seed), dtypes=(F64, F32, I32, BOOL))
    before = outcomes(module, seed)
    apply(module, one)
    for a, b in zip(before, outcomes(module, seed), strict=True):
        assert a.failure is None and b.failure is None
        assert all(map(same_bits, a.results, b.results))


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal where both are finite, as far as 16 digits tell; what overflows is noise."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    both = np.isfinite(a) & np.isfinite(b) & (np.abs(a) < 1e30)
    return bool(np.allclose(a[both], b[both], rtol=1e-9, atol=1e-9))


@settings(max_examples=50)
@given(seed=seeds)
def test_equal_in_exact_arithmetic(seed: int) -> None:
    module = random_scans(np.random.default_rng(seed), tame=True)
    changed = module.clone()
    apply(changed, CanonicalizePass, SimplifyScansPass, HoistInvariantsPass, BatchScansPass)
    for sizes in SIZES:
        inputs = random_inputs(module, np.random.default_rng(seed), sizes)
        still = [np.asarray(np.nan_to_num(np.tanh(x))).astype(x.dtype) for x in inputs]
        a, b = (execute(m, "f", still) for m in (module, changed))
        assert a.failure is None and b.failure is None
        assert all(map(near, a.results, b.results))
