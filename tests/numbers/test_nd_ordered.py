"""Running totals and sorting: the reference against oracles, and derivatives."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from derivatives import Function, check
from nd_programs import DTYPE_NAMES, one, values
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder
from irc.dtypes import DTYPES, I32, I64

NUMBERS = [d for d in DTYPE_NAMES if d != "bool"]
FLAGS = list(itertools.product((False, True), repeat=2))


def totals(x: np.ndarray, kind: str, axis: int, reverse: bool, exclusive: bool) -> np.ndarray:
    """NumPy's own running totals, turned round and moved by one where that is asked for."""
    x = np.flip(x, axis) if reverse else x
    y = (np.cumsum if kind == "sum" else np.cumprod)(x, axis=axis, dtype=x.dtype)
    if exclusive:
        first = np.full_like(np.take(y, [0], axis), kind == "prod")
        y = np.concatenate([first, np.delete(y, -1, axis)], axis)
    return np.flip(y, axis) if reverse else y


@pytest.mark.parametrize("reverse, exclusive", FLAGS)
@pytest.mark.parametrize("kind", ["sum", "prod"])
def test_running_totals(kind: str, reverse: bool, exclusive: bool) -> None:
    rng = np.random.default_rng(1)
    for dtype, axis in itertools.product(NUMBERS, (0, 1)):
        x = rng.integers(1, 3, (3, 4)).astype("f4" if dtype == "bf16" else DTYPES[dtype].numpy)
        got = one(
            [(dtype, [3, 4])],
            lambda b, v, axis=axis: b.cumulative(kind, v, axis, reverse, exclusive),
            x,
        )
        np.testing.assert_array_equal(got, totals(x, kind, axis, reverse, exclusive))


def running(x: np.ndarray, dtype: str) -> np.ndarray:
    return one([(dtype, x.shape)], lambda b, v: b.cumulative("sum", v, 0), x)


def test_a_running_sum_is_as_good_as_rounded_once() -> None:
    rng = np.random.default_rng(2)
    for dtype, ulps in (("f32", 0.51), ("f64", 1.01)):
        x = (rng.normal(size=3000) * 10.0 ** rng.integers(-6, 6, 3000)).astype(DTYPES[dtype].numpy)
        got, exact = running(x, dtype), Fraction(0)
        for k in range(len(x)):
            exact += Fraction(float(x[k]))
            error = abs(Fraction(float(got[k])) - exact)
            assert error <= Fraction(ulps) * Fraction(float(np.spacing(abs(got[k]))))


def test_infinities_in_a_running_sum() -> None:
    for dtype in ("f16", "bf16", "f32", "f64"):
        x = np.array([1, math.inf, 2, -math.inf, 1], {"f64": "f8", "f16": "f2"}.get(dtype, "f4"))
        wanted = [1, math.inf, math.inf, math.nan, math.nan]
        np.testing.assert_array_equal(running(x, dtype), wanted)
    big = np.array([1e308, 1e308, -1e308])
    np.testing.assert_array_equal(running(big, "f64"), [1e308, math.inf, math.inf])


@pytest.mark.parametrize("reverse, exclusive", FLAGS)
def test_derivatives_of_running_totals(reverse: bool, exclusive: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0.5, 1.5, (2, 4))
    with_zero = x.copy()
    with_zero[0, 1] = with_zero[1, 3] = 0
    with_zeros = with_zero.copy()
    with_zeros[0, 2] = with_zeros[1, 0] = 0

    def f(kind: Literal["sum", "prod"], axis: int) -> Function:
        return lambda b, v: b.cumulative(kind, v, axis, reverse, exclusive)

    for axis in (0, 1):
        check(f("sum", axis), x)
        for v in (x, with_zero, with_zeros):
            check(f("prod", axis), v)
    check(lambda b, v: b.square(b.cumulative("sum", v, 1, reverse, exclusive)), x, orders=2)
    check(f("prod", 1), x, orders=2)
    check(f("prod", 1), with_zero, orders=2)
    check(f("sum", 0), np.zeros((0, 3)))


# -- sorting


def by_python(x: np.ndarray, descending: bool) -> list[int]:
    """Python's stable sort by a key in which NaN is the largest and -0 is 0."""

    def key(k: int) -> tuple[bool, float]:
        nan = bool(np.isnan(x[k])) if x.dtype.kind == "f" else False
        return nan, 0 if nan else x[k] + 0

    return sorted(range(len(x)), key=key, reverse=descending)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_sorting(dtype: str, descending: bool) -> None:
    def body(b: Builder, v: SSAValue) -> SSAValue:
        return b.argsort(v, 0, I64, descending)

    for n in (0, 1, 2, 60):
        x = values(dtype, (n,))
        x = np.concatenate([x, x[: n // 2]])
        if x.dtype.kind == "f" and n > 2:
            x[[3, 20, 40, 50]] = [np.nan, -0.0, 0.0, np.nan]
        wanted = by_python(x, descending)
        assert one([(dtype, x.shape)], body, x).tolist() == wanted


def test_sorting_along_an_axis() -> None:
    x = np.random.default_rng(4).integers(0, 5, (3, 4, 5)).astype(np.int16)
    for axis in range(3):
        got = one([("i16", x.shape)], lambda b, v, axis=axis: b.argsort(v, axis, I32), x)
        assert got.dtype == np.int32
        np.testing.assert_array_equal(got, np.argsort(x, axis, kind="stable"))


def test_the_derivative_goes_through_the_positions() -> None:
    def ordered(b: Builder, x: SSAValue) -> SSAValue:
        return b.gather(x, [b.argsort(x, 0)], [0], True)

    check(ordered, np.array([3.0, 1.0, 2.0]))
    check(lambda b, x: b.square(ordered(b, x)), np.array([3.0, 1.0, 2.0]), orders=2)
