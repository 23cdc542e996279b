"""Convolution, whose derivatives are convolutions again, and the extremum of windows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc import sizes
from irc.dialects.nd.rows import to_front
from irc.dialects.nd.scalar import NUMBER
from irc.dialects.nd.types import (
    DimsAttr,
    IntsAttr,
    TensorType,
    dims_of,
    dtype_of,
    rank_of,
    type_text,
)
from irc.dtypes import I64
from irc.sizes import Poly, Size


def reach(count: Size, step: int) -> Poly:
    """Positions from the first to the last of `count` that are `step` apart, both included."""
    return (sizes.poly(count) - 1) * step + 1


def window_count(whole: Size, window: Size, stride: int, dilation: int) -> Size:
    """How many windows of `window` elements, `dilation` apart, start `stride` apart in `whole`."""
    return sizes.size((sizes.poly(whole) - reach(window, dilation)) // stride + 1)


def conv_dims(
    x: Sequence[Size],
    w: Sequence[Size],
    stride: Sequence[int],
    low: Sequence[Size],
    high: Sequence[Size],
    x_dilation: Sequence[int],
    w_dilation: Sequence[int],
) -> tuple[Size, ...]:
    """Sizes of a convolution: batch, images, output channels, positions."""
    first = len(x) - len(stride)
    positions = [
        window_count(reach(s, xd) + lo + hi, k, st, wd)
        for s, k, st, lo, hi, xd, wd in zip(
            x[first:], w[first:], stride, low, high, x_dilation, w_dilation, strict=True
        )
    ]
    return (*x[: first - 1], w[first - 2], *positions)


@irdl_op_definition
class ConvOp(IRDLOperation):
    """
    `w` under windows of `x`: with q = p*stride + k*w_dilation,
    `res[b.., n, o, p..] = sum over c and k.. of x'[b.., n, c, q..] * w[b.., o, c, k..]`.

    There x' is `x` with its elements `x_dilation` apart, `low` zeros before and `high` after them;
    a negative number takes elements away. Between elements there is nothing, and no product: an
    infinite weight gives NaN over a zero and nothing over a hole. `w` is not turned round. Batch
    axes lead, as in dot: those of a convolution in groups.

    (C1) One rank of `x`, `w` and `res`, at least 2 more than `stride` has numbers, which is not 0.
    (C2) `stride`, `low`, `high` and both dilations have one number for each of the last axes;
         strides and dilations are at least 1.
    (C3) Batch sizes and channels of `x` and `w` are equal.
    (C4) One dtype, a number.
    (C5) The result has the batch, images of `x`, channels of `w`, and as many positions as fit.

    The order of the sum is not defined, as for every product; see --reproducible.
    """

    name = "nd.conv"
    x = operand_def(TensorType)
    w = operand_def(TensorType)
    stride = prop_def(IntsAttr)
    low = prop_def(DimsAttr)
    high = prop_def(DimsAttr)
    x_dilation = prop_def(IntsAttr)
    w_dilation = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $w `stride` $stride `pad` $low `,` $high `dilate` $x_dilation `,` $w_dilation "
        "attr-dict `:` type($x) `,` type($w) `to` type($res)"
    )

    @property
    def spatial(self) -> int:
        """How many axes windows slide along."""
        return len(self.stride.data)

    @property
    def is_plain(self) -> bool:
        """Whether windows slide over `x` as it is, without zeros in it or around it."""
        return all(p == 0 for p in (*self.low.data, *self.high.data)) and all(
            d == 1 for d in self.x_dilation.data
        )

    def verify_(self) -> None:
        x, w, count = dims_of(self.x), dims_of(self.w), self.spatial
        if not len(x) == len(w) == rank_of(self.res) or not 0 < count <= len(x) - 2:
            raise VerifyException(
                f"conv (C1): {type_text(self.x)} and {type_text(self.w)} for {count} strides"
            )
        steps = (self.stride.data, self.x_dilation.data, self.w_dilation.data)
        pads = (self.low.data, self.high.data)
        if any(len(p) != count for p in (*steps, *pads)) or any(k < 1 for s in steps for k in s):
            raise VerifyException("conv (C2): strides, padding and dilations")
        first = len(x) - count
        if x[: first - 2] != w[: first - 2] or x[first - 1] != w[first - 1]:
            raise VerifyException(
                f"conv (C3): {type_text(self.x)} and {type_text(self.w)} differ in channels"
            )
        dtype = dtype_of(self.x)
        one = dtype is dtype_of(self.w) and dtype is dtype_of(self.res)
        if not one or dtype.kind not in NUMBER:
            raise VerifyException("conv (C4): operands and result need one dtype, a number")
        dims = conv_dims(x, w, steps[0], *pads, *steps[1:])
        if dims_of(self.res) != dims:
            raise VerifyException(f"conv (C5): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """
        dx: dy with stride and x_dilation exchanged, under `w` turned round.
        dw: `x` under dy, with stride and w_dilation exchanged; images are summed, so they take
        the place of the channels. Or, where that has fewer holes, dy under `x`, turned round.
        """
        x, w, dims = dims_of(self.x), dims_of(self.w), dims_of(self.res)
        rank, first = len(x), len(x) - self.spatial
        stride, xd, wd = self.stride.data, self.x_dilation.data, self.w_dilation.data
        swapped = [*range(first - 2), first - 1, first - 2, *range(first, rank)]
        spread_x, spread_w, spread_y = (
            [reach(n, by) for n, by in zip(dims_[first:], steps, strict=True)]
            for dims_, steps in ((x, xd), (w, wd), (dims, stride))
        )
        # What remains after the last window gets no gradient, and gives none: `high` says so.
        low = [k - 1 - lo for k, lo in zip(spread_w, self.low.data, strict=True)]
        whole = [n + k - 1 for n, k in zip(spread_x, spread_w, strict=True)]
        high = [n - lo - p for n, lo, p in zip(whole, low, spread_y, strict=True)]
        turned = b.transpose(_turned(b, self.w, first), swapped)
        dx = b.conv(dy, turned, xd, low, high, stride, wd)
        images, weights = b.transpose(self.x, swapped), b.transpose(dy, swapped)
        if prod(stride) < prod(xd):
            dw = b.conv(weights, images, wd, low, high, stride, xd)
            return dx, _turned(b, dw, first)
        low = list(self.low.data)
        whole = [p + k - 1 for p, k in zip(spread_y, spread_w, strict=True)]
        high = [n - lo - s for n, lo, s in zip(whole, low, spread_x, strict=True)]
        dw = b.conv(images, weights, wd, low, high, xd, stride)
        return dx, b.transpose(dw, swapped)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue:
        """Rows of both are a batch; those of `x` are more images, those of `w` more channels."""
        x, w = xs
        steps = (
            self.stride.data, self.low.data, self.high.data,
            self.x_dilation.data, self.w_dilation.data,
        )  # fmt: skip
        if all(rows):
            return b.conv(x, w, *steps)
        rank = rank_of(self.res)
        batch = rank - self.spatial - 2
        axis = batch if rows[0] else batch + 1
        if rows[0]:
            x = _merged(b, x, batch)
        else:
            w = _merged(b, w, batch)
        result, dims = b.conv(x, w, *steps), dims_of(self.res)
        apart = b.reshape(result, [*dims[:axis], count, *dims[axis:]])
        return to_front(b, apart, axis)


def _merged(b: Any, x: SSAValue, axis: int) -> SSAValue:
    """The first axis taken into the one behind it that was `axis`."""
    dims = dims_of(x)
    moved = b.transpose(x, [*range(1, axis + 1), 0, *range(axis + 1, len(dims))])
    joined = sizes.product([dims[0], dims[axis + 1]])
    return b.reshape(moved, [*dims[1 : axis + 1], joined, *dims[axis + 2 :]])


def _turned(b: Any, w: SSAValue, first: int) -> SSAValue:
    """`w` backwards along its axes from `first` on."""
    dims = dims_of(w)
    if all(s == 1 for s in dims[first:]):
        return w
    at = [sizes.poly(s) - 1 if d >= first else 0 for d, s in enumerate(dims)]
    return b.slice(w, dims, at, [-1 if d >= first else 1 for d in range(len(dims))])


class WindowExtremumOp(IRDLOperation):
    """
    Shared by max_pool and max_pool_index: windows over the last axes of `x`, all inside it.

    Window p of an axis has the elements `p*stride + k*dilation` for k below `window`.
    """

    x = operand_def(TensorType)
    window = prop_def(IntsAttr)
    stride = prop_def(IntsAttr)
    dilation = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `window` $window `stride` $stride `dilate` $dilation attr-dict "
        "`:` type($x) `to` type($res)"
    )

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue:
        """Windows slide along the last axes, whatever stands before."""
        write = getattr(b, self.name.removeprefix("nd."))
        return write(xs[0], self.window.data, self.stride.data, self.dilation.data)

    def check_windows(self) -> None:
        """Raises VerifyException for (C1) to (C3)."""
        title, count = self.name.removeprefix("nd."), len(self.window.data)
        steps = (self.window.data, self.stride.data, self.dilation.data)
        one = all(len(s) == count for s in steps)
        if not one or not 0 < count <= rank_of(self.x) or any(k < 1 for s in steps for k in s):
            raise VerifyException(f"{title} (C1): windows for {type_text(self.x)}")
        if dtype_of(self.x).kind not in NUMBER:
            raise VerifyException(f"{title} (C2): not defined for {dtype_of(self.x)}")
        if dims_of(self.res) != pool_dims(dims_of(self.x), *steps):
            raise VerifyException(f"{title} (C3): result is {type_text(self.res)}")


def pool_dims(
    x: Sequence[Size], window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Size, ...]:
    """Sizes of what pooling gives: one element for each window that fits."""
    first = len(x) - len(window)
    steps = zip(x[first:], window, stride, dilation, strict=True)
    return (*x[:first], *(window_count(s, k, st, d) for s, k, st, d in steps))


@irdl_op_definition
class MaxPoolOp(WindowExtremumOp):
    """
    The largest element of each window; NaN if there is one.

    (C1) `window`, `stride` and `dilation` have one number, at least 1, for each of the last axes.
    (C2) The dtype is a number.
    (C3) The result has the leading sizes of `x`, as many positions as windows fit, and its dtype.

    The gradient goes to the first of equal elements, as `max_pool_index` finds it.
    """

    name = "nd.max_pool"

    def verify_(self) -> None:
        self.check_windows()
        if dtype_of(self.res) is not dtype_of(self.x):
            raise VerifyException("max_pool (C3): the dtype changes")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        dims, pooled, dtype = dims_of(self.x), dims_of(self.res), dtype_of(self.x)
        first = len(dims) - len(self.window.data)
        rows, row = sizes.product(dims[:first]), sizes.product(dims[first:])
        steps = (self.window.data, self.stride.data, self.dilation.data)
        # One long row for all: a place in it is that in its own row, and the rows before.
        place = b.reshape(b.max_pool_index(self.x, *steps), [rows, sizes.product(pooled[first:])])
        before = b.iota(dims_of(place), I64, 0)
        before = b.mul(before, b.broadcast(b.size(row), [], dims_of(place)))
        count = sizes.product(pooled)
        place = b.reshape(b.add(before, place), [count])
        zero = b.full([sizes.product(dims)], dtype, 0)
        dx = b.scatter(zero, b.reshape(dy, [count]), [place], [0], "add", in_bounds=True)
        return (b.reshape(dx, dims),)


@irdl_op_definition
class MaxPoolIndexOp(WindowExtremumOp):
    """
    Where the largest element of each window lies: its row-major place in the last axes of `x`.

    (C1), (C2) as for max_pool.
    (C3) The result is i64 with the sizes that max_pool gives.

    The first of equals in the order of the window; the first NaN is larger than everything.
    """

    name = "nd.max_pool_index"

    def verify_(self) -> None:
        self.check_windows()
        if dtype_of(self.res) is not I64:
            raise VerifyException("max_pool_index (C3): the result is not i64")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (None,)
