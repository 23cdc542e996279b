"""Zeros around and between the elements of a tensor, from the ops that there are."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.convolution import reach
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64
from irc.sizes import Poly, Size


def pad(
    b: Builder,
    x: SSAValue,
    low: Sequence[Poly],
    high: Sequence[Poly],
    dilation: Sequence[int],
) -> SSAValue:
    """
    `x` with zeros in and around its last axes; negative numbers take elements away.

    One copy where the signs of `low` and `high` are known: a window of zeros is replaced by `x`,
    what is too much is a slice. Else elements are fetched one by one, as `low` and `high` turn
    out to be.
    """
    first = len(dims_of(x)) - len(low)
    grown: dict[int, tuple[Poly, Poly, int]] = {}
    cut: dict[int, tuple[Poly, Poly]] = {}
    for axis, (lo, hi, step) in enumerate(zip(low, high, dilation, strict=True), first):
        size = dims_of(x)[axis]
        around = _positive(lo), _positive(hi)
        away = _positive(-lo), _positive(-hi)
        known = all(p.nonnegative() or (-p).nonnegative() for p in (lo, hi))
        if not known or (step != 1 and not (sizes.poly(size) - 1).nonnegative()):
            x = _fetched(b, x, axis, lo, hi, step)
            continue
        if step != 1 or around != (0, 0):
            grown[axis] = (*around, step)
        if away != (0, 0):
            cut[axis] = away
    if grown:
        x = _grown(b, x, grown)
    return _cut(b, x, cut) if cut else x


def _positive(p: Poly) -> Poly:
    return p if p.nonnegative() else sizes.const(0)


def _grown(b: Builder, x: SSAValue, axes: dict[int, tuple[Poly, Poly, int]]) -> SSAValue:
    dims: list[Size] = list(dims_of(x))
    at: list[Size] = [0] * len(dims)
    steps = [1] * len(dims)
    for axis, (lo, hi, step) in axes.items():
        dims[axis] = sizes.size(reach(dims[axis], step) + lo + hi)
        at[axis], steps[axis] = sizes.size(lo), step
    return b.insert_slice(b.full(dims, dtype_of(x), 0), x, at, steps)


def _cut(b: Builder, x: SSAValue, axes: dict[int, tuple[Poly, Poly]]) -> SSAValue:
    dims: list[Size] = list(dims_of(x))
    at: list[Size] = [0] * len(dims)
    for axis, (lo, hi) in axes.items():
        dims[axis], at[axis] = sizes.size(dims[axis] - lo - hi), sizes.size(lo)
    return b.slice(x, dims, at, [1] * len(dims))


def _fetched(b: Builder, x: SSAValue, axis: int, low: Poly, high: Poly, step: int) -> SSAValue:
    """Element i is element (i - low) / step of `x`, and 0 where there is none."""
    size = sizes.size(reach(dims_of(x)[axis], step) + low + high)
    place = b.iota((size,), I64, 0)
    place = b.sub(place, b.broadcast(b.size(sizes.size(low)), [], (size,)))
    if step != 1:
        whole = b.floordiv(place, b.like(place, step))
        fits = b.eq(b.mul(whole, b.like(whole, step)), place)
        place = b.where(fits, whole, b.like(place, -1))
    rows = b.gather(x, [place], [axis])  # a place outside gives 0
    rank = len(dims_of(x))
    order = [d for d in range(rank) if d != axis]
    order.insert(axis, -1)
    return b.transpose(rows, [0 if d == -1 else 1 + d - (d > axis) for d in order])
