"""
Factorizations and solutions of linear systems in NumPy: what the ops of `linear.py` mean.

Each element goes through the same operations in the same order as in `irc/codegen/c/linear.h`, so
results agree to the bit, also of singular systems. Arrays have one leading axis: the number of
systems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from irc.dialects.nd.linear import CholeskyOp, LuOp, SolveOp, SwapRowsOp, TriangularSolveOp

Array = NDArray[Any]


def cholesky(a: Array) -> Array:
    """
    The lower triangular l with l lᵀ = a, of which only the lower triangle is read.

    NaN from the first pivot on that is negative; a pivot of 0 divides by 0.
    """
    x = np.tril(a)
    for j in range(a.shape[-1]):
        x[:, j, j] = np.sqrt(x[:, j, j])
        x[:, j + 1 :, j] /= x[:, j, j, None]
        column = x[:, j + 1 :, j]
        x[:, j + 1 :, j + 1 :] -= np.tril(column[:, :, None] * column[:, None, :])
    return x


def lu(a: Array) -> tuple[Array, Array]:
    """
    Factors of a with rows exchanged, l (unit lower triangle) and u (upper) in one array; pivots.

    Row i was exchanged with row pivots[i] >= i, the first of those with the largest size there; a
    NaN on the diagonal stays. Where all are 0, u has a 0 on its diagonal and nothing is divided.
    """
    x, (count, n, _) = a.copy(), a.shape
    pivots = np.zeros((count, n), np.int32)
    every = np.arange(count)
    for k in range(n):
        size = np.abs(x[:, k:, k])
        best = np.argmax(np.where(np.isnan(size), -1, size), axis=1)
        row = k + np.where(np.isnan(size[:, 0]), 0, best)
        pivots[:, k] = row
        x[every, k], x[every, row] = x[every, row], x[every, k]
        pivot = x[:, k, k, None]
        x[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot).astype(x.dtype)
        x[:, k + 1 :, k + 1 :] -= x[:, k + 1 :, k, None] * x[:, k, None, k + 1 :]
    return x, pivots


def swap_rows(x: Array, pivots: Array, inverse: bool) -> Array:
    """The exchanges of `lu` on the rows of x; `inverse` undoes them."""
    x, n = x.copy(), pivots.shape[-1]
    every = np.arange(x.shape[0])
    for i in reversed(range(n)) if inverse else range(n):
        row = np.where((pivots[:, i] >= 0) & (pivots[:, i] < n), pivots[:, i], i)
        x[every, i], x[every, row] = x[every, row], x[every, i]
    return x


def triangular_solve(a: Array, b: Array, lower: bool, transpose: bool, unit: bool) -> Array:
    """
    The x with a x = b, or aᵀ x = b; one triangle of a is read, with `unit` without its diagonal.

    Each element of x takes off what is known in the order in which it becomes known.
    """
    if transpose:
        a, lower = np.swapaxes(a, -1, -2), not lower
    x, n = b.copy(), a.shape[-1]
    for k in range(n) if lower else reversed(range(n)):
        if not unit:
            x[:, k] /= a[:, k, k, None]
        rest = slice(k + 1, n) if lower else slice(0, k)
        x[:, rest] -= a[:, rest, k, None] * x[:, None, k]
    return x


def solve(factors: Array, pivots: Array, b: Array, transpose: bool) -> Array:
    """The x with a x = b, or aᵀ x = b, for the results of `lu` of a."""
    if transpose:
        x = triangular_solve(factors, b, lower=False, transpose=True, unit=False)
        x = triangular_solve(factors, x, lower=True, transpose=True, unit=True)
        return swap_rows(x, pivots, inverse=True)
    x = triangular_solve(factors, swap_rows(b, pivots, inverse=False), True, False, True)
    return triangular_solve(factors, x, lower=False, transpose=False, unit=False)


# -- stacks of systems


def on_stacks(routine: Callable[..., Any], *arrays: Array, **flags: bool) -> tuple[Array, ...]:
    """
    The results of one of the functions above for arrays whose other axes count systems.

    The first array and each result end with the axes of a matrix, or of a vector of pivots.
    """
    shape, inner = arrays[0].shape[:-2], []
    for x in arrays:
        inner.append(x.reshape(math.prod(shape), *x.shape[len(shape) :]))
    made = routine(*inner, **flags)
    results = made if isinstance(made, tuple) else (made,)
    return tuple(x.reshape(*shape, *x.shape[1:]) for x in results)


def _cholesky(op: CholeskyOp, xs: Sequence[Array], sizes: object) -> tuple[Array, ...]:
    return on_stacks(cholesky, *xs)


def _lu(op: LuOp, xs: Sequence[Array], sizes: object) -> tuple[Array, ...]:
    return on_stacks(lu, *xs)


def _swap_rows(op: SwapRowsOp, xs: Sequence[Array], sizes: object) -> tuple[Array, ...]:
    return on_stacks(swap_rows, *xs, inverse=op.inverse is not None)


def _triangular_solve(
    op: TriangularSolveOp, xs: Sequence[Array], sizes: object
) -> tuple[Array, ...]:
    return on_stacks(triangular_solve, *xs, **op.flags)


def _solve(op: SolveOp, xs: Sequence[Array], sizes: object) -> tuple[Array, ...]:
    return on_stacks(solve, *xs[1:], transpose=op.transpose is not None)


EVALUATE: dict[type[Operation], Callable[..., tuple[Array, ...]]] = {
    CholeskyOp: _cholesky,
    LuOp: _lu,
    SolveOp: _solve,
    SwapRowsOp: _swap_rows,
    TriangularSolveOp: _triangular_solve,
}
