"""
Convolutions over zeros become convolutions of what is there.

    conv(x, w, pad)                 ->   conv(x with zeros around it, w)
    conv(x with holes, w)           ->   several convolutions of x, each with a part of w

Zeros around are made once, so that windows need no bounds; the copy is shared by what slides over
the same tensor, forward and backward. Zeros between elements (a transposed convolution, the
gradient of a strided one) would be multiplied for nothing: the windows that start at one remainder
modulo the dilation meet elements at the same places of `w`, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.convolution import ConvOp, reach
from irc.dialects.nd.types import dims_of
from irc.passes.nd.padding import pad
from irc.passes.nd.rules import Rewriter, Rewritten, Rules, apply_rules, rule
from irc.sizes import Poly, Size

MAX_PARTS = 64  # convolutions made of one; beyond that, zeros are multiplied


@dataclass(frozen=True)
class ExpandConvolutionsPass(ModulePass):
    """
    Writes out the zeros in and around what convolutions slide over, and keeps out of those
    between elements.

    Needs nd. Leaves nd whose convolutions have windows inside their operand, and no holes in it.
    """

    name = "nd-expand-convolutions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_rules(op, Rules(expand))


@rule(ConvOp)
def expand(op: ConvOp, b: Rewriter) -> Rewritten:
    """The rule for all three: nothing to add, zeros in between, zeros around."""
    x, w, dims = dims_of(op.x), dims_of(op.w), dims_of(op.res)
    if 0 in x or 0 in w or 0 in dims:
        return b.like(op.res, 0)
    if op.is_plain:
        return None
    axes = _parts_of_axes(op)
    if axes is not None:
        return _in_parts(op, axes, b)
    full = pad(b, op.x, op.low.data, op.high.data, op.x_dilation.data)
    none = [0] * op.spatial
    return b.conv(full, op.w, op.stride.data, none, none, [1] * op.spatial, op.w_dilation.data)


@dataclass(frozen=True)
class Part:
    """
    The positions `first`, `first + step`, ... of an axis, and the convolution that gives them.

    count       how many positions
    tap, taps, tap_step   the elements of `w` that meet elements of `x`: first, number, distance
    low, stride, dilation   of the convolution without holes
    """

    first: int
    step: int
    count: Size
    tap: int
    taps: Size
    tap_step: int
    low: int
    stride: int
    dilation: int


def _parts_of_axes(op: ConvOp) -> list[list[Part]] | None:
    """For each axis its parts; None without holes, or where the parts are not known or too many."""
    if all(d == 1 for d in op.x_dilation.data):
        return None
    first = len(dims_of(op.x)) - op.spatial
    w, dims = dims_of(op.w)[first:], dims_of(op.res)[first:]
    axes, total = [], 1
    steps = zip(op.stride.data, op.x_dilation.data, op.w_dilation.data, strict=True)
    for (stride, xd, wd), low, taps, count in zip(steps, op.low.data, w, dims, strict=True):
        if low.constant is None:
            return None
        parts = list(_parts(stride, xd, wd, low.constant, taps, count))
        total *= len(parts)
        axes.append(parts)
    return axes if total <= MAX_PARTS else None


def _parts(
    stride: int, hole: int, dilation: int, low: int, taps: Size, count: Size
) -> Iterator[Part]:
    """
    Position q and tap k meet element (q*stride + k*dilation - low) / hole, if that is whole.

    With q = first + step*t that depends, up to multiples of `hole`, on `first` alone, and the taps
    that fit are one out of hole / gcd(dilation, hole).
    """
    step = hole // gcd(stride, hole)
    tap_step = hole // gcd(dilation, hole)
    for first in range(step):
        fits = [k for k in range(tap_step) if (first * stride + k * dilation - low) % hole == 0]
        positions = sizes.size((sizes.poly(count) - first + step - 1) // step)
        if not fits:
            yield Part(first, step, positions, 0, 0, 1, 0, 1, 1)
            continue
        (tap,) = fits
        yield Part(
            first, step, positions,
            tap, sizes.size((sizes.poly(taps) - tap + tap_step - 1) // tap_step), tap_step,
            -((first * stride + tap * dilation - low) // hole),
            step * stride // hole, tap_step * dilation // hole,
        )  # fmt: skip


def _in_parts(op: ConvOp, axes: Sequence[Sequence[Part]], b: Builder) -> SSAValue:
    """The result put together; positions that only zeros reach stay 0."""
    x, w, dims = dims_of(op.x), dims_of(op.w), dims_of(op.res)
    first = len(x) - op.spatial
    result = b.like(op.res, 0)
    for parts in product(*axes):
        counts, taps = [p.count for p in parts], [p.taps for p in parts]
        if 0 in counts or 0 in taps:
            continue
        start = [0] * first
        some = b.slice(
            op.w, [*w[:first], *taps],
            [*start, *(p.tap for p in parts)], [1] * first + [p.tap_step for p in parts],
        )  # fmt: skip
        low: list[Size] = [p.low for p in parts]
        high = [_high(p, s) for p, s in zip(parts, x[first:], strict=True)]
        strides, dilations = [p.stride for p in parts], [p.dilation for p in parts]
        part = b.conv(op.x, some, strides, low, high, [1] * op.spatial, dilations)
        if tuple(dims_of(part)) == tuple(dims):
            return part
        result = b.insert_slice(
            result, part,
            [*start, *(p.first for p in parts)], [1] * first + [p.step for p in parts],
        )  # fmt: skip
    return result


def _high(part: Part, size: Size) -> Poly:
    """Zeros after an axis so that exactly the positions of the part fit."""
    last = (sizes.poly(part.count) - 1) * part.stride
    return last + reach(part.taps, part.dilation) - part.low - size
