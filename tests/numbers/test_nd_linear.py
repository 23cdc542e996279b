"""Factorizations and solutions of linear systems: values, derivatives, what is singular."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.linalg
from derivatives import check
from nd_programs import program, run
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder

RNG = np.random.default_rng(3)
SHAPES = [(0, 0), (1, 1), (2, 2), (7, 7), (3, 4, 4), (2, 0, 3, 3), (2, 3, 1, 1)]


def matrices(shape: Sequence[int], dtype: str = "f64") -> np.ndarray:
    """Well conditioned, with pivots off the diagonal."""
    n = shape[-1]
    x = RNG.normal(size=shape) + 3 * np.roll(np.eye(n), 1, axis=0)
    return x.astype(f"float{dtype[1:]}")


def definite(shape: Sequence[int], dtype: str = "f64") -> np.ndarray:
    x = matrices(shape)
    return (x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])).astype(f"float{dtype[1:]}")


def evaluated(f: Callable[..., object], *xs: np.ndarray) -> list[np.ndarray]:
    types = [({"f": "f", "i": "i"}[x.dtype.kind] + str(8 * x.dtype.itemsize), x.shape) for x in xs]
    return run(program(types, f), *xs)  # type: ignore[arg-type]


def close(found: np.ndarray, expected: np.ndarray) -> None:
    single = found.dtype == np.float32
    np.testing.assert_allclose(found, expected, *((2e-3, 2e-3) if single else (1e-10, 1e-10)))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_factors_give_the_matrix_back(shape: tuple[int, ...], dtype: str) -> None:
    a, s = matrices(shape, dtype), definite(shape, dtype)
    (lower,) = evaluated(lambda b, x: b.cholesky(x), s)
    close(lower, np.linalg.cholesky(s))
    assert (np.triu(lower, 1) == 0).all()
    factors, pivots = evaluated(lambda b, x: list(b.lu(x)), a)
    assert pivots.dtype == np.int32 and pivots.shape == shape[:-1]
    if a.size:
        flat = zip(factors.reshape(-1, *shape[-2:]), pivots.reshape(-1, shape[-1]),
                   a.reshape(-1, *shape[-2:]), strict=True)  # fmt: skip
        for f, p, x in flat:
            expected, rows = scipy.linalg.lu_factor(x)
            close(f, expected)
            assert p.tolist() == rows.tolist()


def solution(transpose: bool) -> Callable[..., SSAValue]:
    return lambda b, a, r: b.solve(a, *b.lu(a), r, transpose=transpose)


def triangular(lower: bool, transpose: bool, unit: bool) -> Callable[..., SSAValue]:
    return lambda b, a, r: b.triangular_solve(a, r, lower, transpose, unit)


FLAGS = [(low, t, unit) for low in (True, False) for t in (True, False) for unit in (True, False)]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("columns", [0, 1, 5])
def test_solutions_are_those_of_numpy(shape: tuple[int, ...], columns: int, dtype: str) -> None:
    a = matrices(shape, dtype)
    r = RNG.normal(size=(*shape[:-1], columns)).astype(a.dtype)
    for transpose in (False, True):
        (x,) = evaluated(solution(transpose), a, r)
        close(x, np.linalg.solve(np.swapaxes(a, -1, -2) if transpose else a, r))
    a = a / 4 + 2 * np.eye(shape[-1], dtype=a.dtype)
    for lower, transpose, unit in FLAGS:
        (x,) = evaluated(triangular(lower, transpose, unit), a, r)
        t = np.tril(a) if lower else np.triu(a)
        t = t * (1 - np.eye(shape[-1])) + np.eye(shape[-1]) if unit else t
        close(x, np.linalg.solve(np.swapaxes(t, -1, -2) if transpose else t, r))


def test_exchanges_are_undone() -> None:
    x = RNG.normal(size=(2, 4, 3))
    pivots = np.array([[2, 3, 2, 3], [0, 1, 2, 3]], np.int32)
    swapped, back = evaluated(
        lambda b, x, p: [b.swap_rows(x, p), b.swap_rows(b.swap_rows(x, p), p, inverse=True)],
        x, pivots,
    )  # fmt: skip
    np.testing.assert_array_equal(swapped[0], x[0][[2, 3, 0, 1]])
    np.testing.assert_array_equal(swapped[1], x[1])
    np.testing.assert_array_equal(back, x)
    outside = np.array([[9, -1, 2, 3]] * 2, np.int32)
    (same,) = evaluated(lambda b, x, p: b.swap_rows(x, p), x, outside)
    np.testing.assert_array_equal(same, x)


def test_what_has_no_factors() -> None:
    """A column without a pivot is left alone; a negative pivot makes NaN from there on."""
    a = np.array([[1.0, 2, 3], [2, 4, 6], [1, 2, 4]])
    factors, pivots = evaluated(lambda b, x: list(b.lu(x)), a)
    np.testing.assert_array_equal(factors, [[2, 4, 6], [0.5, 0, 0], [0.5, 0, 1]])
    assert pivots.tolist() == [1, 1, 2]
    indefinite = np.array([[4.0, 9, 9], [2, 1, 9], [2, 5, 30]])
    (lower,) = evaluated(lambda b, x: b.cholesky(x), indefinite)
    np.testing.assert_array_equal(lower, [[2, 0, 0], [1, 0, 0], [1, np.inf, np.nan]])
    (lower,) = evaluated(lambda b, x: b.cholesky(x), -np.eye(2))
    np.testing.assert_array_equal(lower, [[np.nan, 0], [np.nan, np.nan]])


def test_nan_is_no_pivot_unless_it_is_there() -> None:
    a = np.array([[0.0, 1], [np.nan, 2]])
    factors, pivots = evaluated(lambda b, x: list(b.lu(x)), a)
    assert pivots.tolist() == [0, 1] and np.isnan(factors[1]).all()
    a = np.array([[np.nan, 1], [3.0, 2]])
    factors, pivots = evaluated(lambda b, x: list(b.lu(x)), a)
    assert pivots.tolist() == [0, 1] and np.isnan(factors[0, 0]) and np.isnan(factors[1]).all()


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 3), (2, 3, 3)])
@pytest.mark.parametrize("orders", [1, 2])
def test_derivatives(shape: tuple[int, ...], orders: int) -> None:
    a = matrices(shape)
    r = RNG.normal(size=(*shape[:-1], 2))
    check(lambda b, x: b.cholesky(x), definite(shape), orders=orders)
    check(lambda b, x: b.lu(x)[0], a, orders=orders)
    for transpose in (False, True):
        check(solution(transpose), a, r, orders=orders)
    a = a / 3 + np.eye(shape[-1])
    for flags in FLAGS if orders == 1 else FLAGS[1:6:2]:
        check(triangular(*flags), a, r, orders=orders)
    pivots = np.broadcast_to(np.arange(shape[-1])[::-1], shape[:-1]).astype(np.int32)
    check(lambda b, x: b.swap_rows(x, exchanged(b, pivots)), r, orders=orders)


def exchanged(b: Builder, pivots: np.ndarray) -> SSAValue:
    from irc.dtypes import I32

    return b.constant(pivots, I32)
