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


@settings(max_examples=60)
@given(seed=seeds)
@pytest.mark.parametrize("one", EXACT)
def test_to_the_bit(one: Any, seed: int) -> None:
    module = random_scans(np.random.default_rng(seed), dtypes=(F64, F32, I32, BOOL))
    before = outcomes(module, seed)
    apply(module, one)
    for a, b in zip(before, outcomes(module, seed), strict=True):
        assert a.failure is None and b.failure is None
        assert all(map(same_bits, a.results, b.results))
