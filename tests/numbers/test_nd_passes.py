"""Passes of `nd` keep results: to the bit where they say so, else within a few ulps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nd_programs import context, parse, program, same_bits
from random_programs import ALL_DTYPES, random_inputs, random_program
from work import LINEAR, growth
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder
from irc.dtypes import F32, F64, I32
from irc.execution import execute
from irc.execution.outcome import Outcome
from irc.passes.nd.canonicalize import CanonicalizePass
from irc.passes.nd.cse import CsePass
from irc.passes.nd.dce import DcePass
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.passes.nd.fold_constants import FoldConstantsPass
from irc.passes.nd.raise_contractions import RaiseContractionsPass
from irc.passes.nd.simplify_gathers import SimplifyGathersPass
from irc.passes.nd.stabilize import StabilizePass

EXACT = (CanonicalizePass, CsePass, DcePass, FoldConstantsPass, SimplifyGathersPass)
NEAR = (RaiseContractionsPass, StabilizePass)
SIZES = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0})
seeds = st.integers(0, 2**32 - 1)


def apply(module: ModuleOp, *passes: Any) -> None:
    for one in passes:
        one().apply(context(), module)
        module.verify()


def outcomes(module: ModuleOp, seed: int) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    found = []
    for sizes in SIZES:
        inputs = random_inputs(module, rng, sizes)
        found.append(execute(module, "f", inputs))
    return found


def same(a: Outcome, b: Outcome) -> bool:
    arrays = zip([*a.results, *a.state.values()], [*b.results, *b.state.values()], strict=True)
    return a.prints == b.prints and a.failure == b.failure and all(same_bits(*p) for p in arrays)


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal where both are finite, as far as f32 tells."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    both = np.isfinite(a) & np.isfinite(b)
    return bool(np.allclose(a[both], b[both], rtol=1e-4, atol=1e-4))


@settings(max_examples=40)
@given(seed=seeds)
@pytest.mark.parametrize("one", EXACT)
def test_to_the_bit(one: Any, seed: int) -> None:
    module = random_program(np.random.default_rng(seed), dtypes=ALL_DTYPES)
    apply(module, ExpandGradPass)
    before = outcomes(module, seed)
    apply(module, one)
    for a, b in zip(before, outcomes(module, seed), strict=True):
        assert same(a, b)


@settings(max_examples=50)
@given(seed=seeds, order=st.permutations(EXACT))
def test_in_any_order(seed: int, order: Sequence[Any]) -> None:
    """Also before derivatives are taken: what they are taken by stands for itself."""
    module = random_program(np.random.default_rng(seed))
    plain = module.clone()
    apply(plain, ExpandGradPass)
    at = seed % len(order)
    apply(module, *order[:at], ExpandGradPass, *order[at:])
    for a, b in zip(outcomes(plain, seed), outcomes(module, seed), strict=True):
        assert a.failure == b.failure
        for x, y in zip(a.results, b.results, strict=True):
            assert near(x, y)


@settings(max_examples=30)
@given(seed=seeds)
def test_passes_reach_a_fixed_point(seed: int) -> None:
    module = random_program(np.random.default_rng(seed))
    apply(module, ExpandGradPass, CanonicalizePass)
    once = str(module)
    apply(module, CanonicalizePass)
    assert str(module) == once


@settings(max_examples=40)
@given(seed=seeds)
def test_text_reads_back(seed: int) -> None:
    text = str(random_program(np.random.default_rng(seed), dtypes=ALL_DTYPES))
    assert str(parse(text)) == text


@settings(max_examples=40)
@given(seed=seeds)
@pytest.mark.parametrize("one", NEAR)
def test_equal_in_exact_arithmetic(one: Any, seed: int) -> None:
    """On well-behaved numbers: no special values, whose order in a sum shows."""
    module = random_program(np.random.default_rng(seed), dtypes=(F32, F64, I32), grads=False)
    changed = module.clone()
    apply(changed, CanonicalizePass, one)
    for sizes in SIZES:
        inputs = random_inputs(module, np.random.default_rng(seed), sizes)
        tame = [np.asarray(np.nan_to_num(np.tanh(x))).astype(x.dtype) for x in inputs]
        a, b = (execute(m, "f", tame) for m in (module, changed))
        assert a.failure == b.failure
        assert all(near(x, y) for x, y in zip(a.results, b.results, strict=True))


@pytest.mark.parametrize("one", [*EXACT, *NEAR])
def test_work_is_linear_in_the_number_of_ops(one: Any) -> None:
    def chain(length: int) -> Callable[[], None]:
        def body(b: Builder, x: SSAValue) -> SSAValue:
            for i in range(length):
                x = b.add(b.sin(b.mul(x, b.full((3,), F32, i))), b.full((3,), F32, 0.5))
            return x

        module = program([("f32", (3,))], body)
        return lambda: one().apply(context(), module)

    assert growth(chain, 200) < LINEAR
