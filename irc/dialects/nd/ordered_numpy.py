"""What the ops of ordered.py give, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from irc.dialects.nd.arrays import Array, numpy_dtype, rounded
from irc.dialects.nd.ordered import ArgsortOp, CumulativeOp, carry
from irc.dialects.nd.types import dtype_of


def cumulative(op: CumulativeOp, xs: Sequence[Array], sizes: Mapping[str, int]) -> Array:
    """Totals in order; NumPy's own `accumulate` takes the elements one after the other, too."""
    (x,), dtype, axis = xs, dtype_of(op.x), op.axis.value.data
    reverse, exclusive = op.reverse is not None, op.exclusive is not None
    lines = np.moveaxis(x, axis, 0)
    lines = (lines[::-1] if reverse else lines).astype(numpy_dtype(carry(dtype)))
    combine, start = (np.add, 0) if op.kind.data == "sum" else (np.multiply, 1)
    if op.compensated:
        totals = _two_sums(lines)
    else:
        begun = np.concatenate([np.full_like(lines[:1], start, shape=(1, *lines.shape[1:])), lines])
        totals = combine.accumulate(begun, axis=0, dtype=begun.dtype)
    totals = totals[:-1] if exclusive else totals[1:]
    totals = np.moveaxis(totals[::-1] if reverse else totals, 0, axis)
    return rounded(totals, dtype) if dtype.is_float else totals.astype(x.dtype)


def _two_sums(lines: Array) -> Array:
    """0 and all running sums along axis 0, each with what rounding has taken so far put back."""
    totals = np.zeros((len(lines) + 1, *lines.shape[1:]))
    total, lost = np.zeros(lines.shape[1:]), np.zeros(lines.shape[1:])
    for k, x in enumerate(lines):
        new = total + x
        back = new - total
        error = (total - (new - back)) + (x - back)
        lost = lost + np.where(np.isnan(error), 0.0, error)
        total = new
        totals[k + 1] = total + lost
    return totals


def argsort(op: ArgsortOp, xs: Sequence[Array], sizes: Mapping[str, int]) -> Array:
    """NumPy's stable sort; a descending one sorts the line from its end, and is read backwards."""
    (x,), axis = xs, op.axis.value.data
    if op.descending is None:
        order = np.argsort(x, axis=axis, kind="stable")
    else:
        backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
        order = x.shape[axis] - 1 - np.flip(backwards, axis)
    return order.astype(numpy_dtype(dtype_of(op.res)))
