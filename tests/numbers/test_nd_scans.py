"""Passes over recurrences keep results: random scans before and after, at several sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nd_programs import context, parse, program, same_bits
from random_programs import random_inputs
from random_scans import random_scans
from work import LINEAR, growth
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder, ScanDraft
from irc.dtypes import BOOL, F32, F64, I32
from irc.execution import execute
from irc.execution.outcome import Outcome
from irc.passes.nd.batch_scans import BatchScansPass
from irc.passes.nd.canonicalize import CanonicalizePass
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.passes.nd.hoist_invariants import HoistInvariantsPass
from irc.passes.nd.merge_products import MergeProductsPass
from irc.passes.nd.simplify_scans import SimplifyScansPass
from irc.passes.nd.stabilize import StabilizePass
from irc.passes.nd.stabilize_scans import StabilizeScansPass
from irc.sizes import var

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


LIKELIHOOD = """
func.func @f(%u: tensor<?x3xf64, #nd.dims<"T">>, %w: tensor<3x3xf64>, %x0: tensor<1x3xf64>)
    -> (tensor<f64>, tensor<3x3xf64>) {
  %h = nd.scan "T" over (%u[0]) from (history %x0[1])
      : (tensor<?x3xf64, #nd.dims<"T">>, tensor<1x3xf64>) -> (tensor<?x3xf64, #nd.dims<"T + 1">>) {
  ^bb0(%t: tensor<i64>, %u0: tensor<3xf64>, %x1: tensor<3xf64>):
    %p = nd.dot %w, %x1 batch [], [] contract [1], [0]
        : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
    %z = nd.add %p, %u0 : tensor<3xf64>
    %s = nd.sigmoid %z : tensor<3xf64>
    nd.yield %s : tensor<3xf64>
  }
  %s = nd.slice %h[] at <"1", "0"> step [1, 1]
      : tensor<?x3xf64, #nd.dims<"T + 1">> to tensor<?x3xf64, #nd.dims<"T">>
  %l = nd.log %s : tensor<?x3xf64, #nd.dims<"T">>
  %one = nd.full 1.0 : f64 : tensor<?x3xf64, #nd.dims<"T">>
  %r = nd.sub %one, %s : tensor<?x3xf64, #nd.dims<"T">>
  %m = nd.log %r : tensor<?x3xf64, #nd.dims<"T">>
  %both = nd.add %l, %m : tensor<?x3xf64, #nd.dims<"T">>
  %c = nd.sum %both axes = [0, 1] : tensor<?x3xf64, #nd.dims<"T">> to tensor<f64>
  %g = nd.grad %c wrt %w : tensor<f64> wrt tensor<3x3xf64> -> tensor<3x3xf64>
  func.return %c, %g : tensor<f64>, tensor<3x3xf64>
}
"""


def test_the_log_of_a_scanned_sigmoid_is_stable() -> None:
    """-softplus(-z) - softplus(z), where the state feeds back; its derivative too."""
    plain, stable = parse(LIKELIHOOD), parse(LIKELIHOOD)
    apply(stable, StabilizeScansPass, SimplifyScansPass, HoistInvariantsPass, StabilizePass)
    for module in (plain, stable):
        apply(module, ExpandGradPass, CanonicalizePass, SimplifyScansPass, BatchScansPass)
    rng = np.random.default_rng(2)
    calm = [rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=(1, 3))]
    a, b = (execute(module, "f", calm).results for module in (plain, stable))
    assert all(np.allclose(x, y, rtol=1e-12) for x, y in zip(a, b, strict=True))
    wild = [np.array([[1000.0, -1000.0, 0.0]]), np.zeros((3, 3)), np.zeros((1, 3))]
    a, b = (execute(module, "f", wild).results for module in (plain, stable))
    assert a[0] == -np.inf and np.isclose(b[0], -2000 - 2 * np.log(2), rtol=1e-15)
    assert np.isfinite(b[1]).all()


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
    apply(changed, MergeProductsPass)
    for sizes in SIZES:
        inputs = random_inputs(module, np.random.default_rng(seed), sizes)
        still = [np.asarray(np.nan_to_num(np.tanh(x))).astype(x.dtype) for x in inputs]
        a, b = (execute(m, "f", still) for m in (module, changed))
        assert a.failure is None and b.failure is None
        assert all(map(near, a.results, b.results))


def long_body(length: int) -> ModuleOp:
    """A recurrence with products before, in and behind it, and a sum, `length` times over."""

    def body(b: Builder, u: SSAValue, w: SSAValue, x0: SSAValue, s0: SSAValue) -> list[SSAValue]:
        scan = ScanDraft(var("T"))
        x, s = scan.state(x0), scan.state(s0)
        row, total = scan.tap(x, 1), scan.tap(s, 1)
        inside = Builder(scan.block)
        for _ in range(length):
            early = inside.dot(w, inside.sin(scan.row(u)), ([], []), ([1], [0]))
            row = inside.sigmoid(inside.add(inside.dot(w, row, ([], []), ([1], [0])), early))
            total = inside.add(total, inside.dot(row, scan.row(u), ([], []), ([], [])))
            scan.output(inside.dot(inside.neg(row), w, ([], []), ([0], [0])))
        x.next, s.next = row, total
        return [b.log(r) for r in b.insert(scan.finish()).results]

    types = [("f64", (var("T"), 3)), ("f64", (3, 3)), ("f64", (1, 3)), ("f64", (1, 3, 3))]
    return program(types, body)


def many_scans(count: int) -> ModuleOp:
    def body(b: Builder, u: SSAValue, w: SSAValue, x: SSAValue) -> SSAValue:
        for _ in range(count):
            scan = ScanDraft(var("T"))
            state = scan.state(x, history=True)
            inside = Builder(scan.block)
            product = inside.dot(w, inside.exp(scan.row(u)), ([], []), ([1], [0]))
            state.next = inside.sigmoid(inside.add(scan.tap(state, 1), product))
            (rows,) = b.insert(scan.finish()).results
            x = b.log(b.slice(rows, (1, 3), (var("T"), 0), [1, 1]))
        return x

    return program([("f64", (var("T"), 3)), ("f64", (3, 3)), ("f64", (1, 3))], body)


PASSES = (*EXACT, StabilizeScansPass, BatchScansPass, MergeProductsPass)


@pytest.mark.parametrize("one", PASSES)
@pytest.mark.parametrize(("make", "size"), [(long_body, 20), (many_scans, 20)])
def test_work_is_linear(one: Any, make: Callable[[int], ModuleOp], size: int) -> None:
    def prepare(size: int) -> Callable[[], None]:
        module = make(size)
        return lambda: one().apply(context(), module)

    assert growth(prepare, size) < LINEAR
