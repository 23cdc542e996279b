"""Largest and mean elements of windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder, dims_of, dtype_of
from irc.dtypes import BOOL, I64
from irc.frontend.analysis.broadcasting import Operand
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.builtins.windows import Given, Windows, check_fit, padding, steps, zeros
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Tensor, Value
from irc.sizes import Size

_AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def _max_pool(count: int) -> None:
    @builtin(
        f"max_pool{count}d(x: tensor, size: written, stride: written = none, pad: written = 0, "
        "dilation: written = 1)",
        "Largest element of each window of x[N, C, ..]; windows do not overlap unless `stride` "
        "says so, and padding is never the largest.",
        as_method=True,
    )
    def build(
        env: Env, call: Call, x: Tensor, size: Given, stride: Given, pad: Given, dilation: Given
    ) -> Value:
        if x.dtype is BOOL:
            raise env.error(
                "E0302", f"`{call.entry.name}` is not defined for bool", call.span,
                "a number is needed",
            )  # fmt: skip
        w = _windows(env, call, x, count, size, stride, pad, dilation)
        with env.at(call.span) as b:
            first = len(dims_of(x.ssa)) - count
            inside = _repeated(b, x.ssa, first, w)
            found = b.max_pool(inside, _numbers(w.taps), w.stride, w.dilation)
            return Tensor(found, call.origin, x.batch)


def _avg_pool(count: int) -> None:
    @builtin(
        f"avg_pool{count}d(x: float, size: written, stride: written = none, pad: written = 0, "
        "dilation: written = 1, include_pad: flag = false)",
        "Mean of each window of x[N, C, ..]; zeros of the padding count with `include_pad`.",
        as_method=True,
    )
    def build(
        env: Env, call: Call, x: Tensor, size: Given, stride: Given, pad: Given, dilation: Given,
        include_pad: bool,
    ) -> Value:  # fmt: skip
        w = _windows(env, call, x, count, size, stride, pad, dilation)
        with env.at(call.span) as b:
            total = _sums(b, x.ssa, count, w)
            if include_pad or (not any(w.low) and not any(w.high)):
                elements = b.like(total, math.prod(_numbers(w.taps)))
            else:
                spatial = dims_of(x.ssa)[-count:]
                ones = b.full([1, 1, *spatial], dtype_of(x.ssa), 1)
                counts = _sums(b, ones, count, w)
                rank = len(dims_of(total))
                counts = b.reshape(counts, dims_of(counts)[2:])
                elements = b.broadcast(counts, range(rank - count, rank), dims_of(total))
            return Tensor(b.div(total, elements), call.origin, x.batch)


for _count in (1, 2, 3):
    _max_pool(_count)
    _avg_pool(_count)


def _windows(
    env: Env, call: Call, x: Tensor, count: int, size: Given, stride: Given, pad: Given,
    dilation: Given,
) -> Windows:  # fmt: skip
    """
    Raises E0214 for the rank, E0215 for windows that do not fit or see nothing but padding.
    """
    node = next(iter(call.nodes.values()))
    if x.rank != count + 2:
        raise env.error(
            "E0214",
            f"`{call.entry.name}` needs {count + 2} axes: batch, channels, {_AXES[count]}",
            node.span,
            f"`{spelled(env, node)}` is {x.type}",
            helps=[f"to reduce whole axes, write `max({spelled(env, node)}, axis=...)`"]
            if x.rank > 1 and call.entry.name.startswith("max")
            else [],
        )
    taps = steps(env, call, "size", size, count)
    jumps = taps if stride is None else steps(env, call, "stride", stride, count)
    apart = steps(env, call, "dilation", dilation, count)
    given = padding(env, call, pad, count)
    low, high = zeros(env, call, given, x.dims[2:], taps, jumps, apart)
    w = Windows(taps, jumps, apart, low, high)
    sides = zip(_numbers(low), _numbers(high), strict=True)
    for k, d, (lo, hi), whole in zip(taps, apart, sides, x.dims[2:], strict=True):
        reach = (k - 1) * d
        if max(lo, hi) > reach:
            raise env.error(
                "E0215",
                f"padding of {max(lo, hi)} for windows of {reach + 1}",
                call.span_of("pad"),
                "a window would see nothing but padding",
                helps=["the largest that is useful is " + f"`pad={reach}`"],
            )
        if max(lo, hi) > 0:
            env.require(
                sizes.size(sizes.poly(whole) - d),
                f"{call.entry.name}: a window sees nothing but padding of an axis of {{0}}",
                call.span,
                shown=[whole],
            )
    check_fit(env, call, "the window", Operand(node, x), w, 2)
    return w


def _numbers(known: Sequence[Size]) -> list[int]:
    """Sizes that are literals."""
    return [k for k in known if isinstance(k, int)]


def _sums(b: Builder, x: SSAValue, count: int, w: Windows) -> SSAValue:
    """Sums of windows: the convolution of each channel by itself with ones."""
    dims = dims_of(x)
    first = len(dims) - count
    rows = b.reshape(x, [sizes.product(dims[:first]), 1, *dims[first:]])
    ones = b.full([1, 1, *w.taps], dtype_of(x), 1)
    total = b.conv(rows, ones, w.stride, w.low, w.high, [1] * count, w.dilation)
    return b.reshape(total, [*dims[:first], *dims_of(total)[2:]])


def _repeated(b: Builder, x: SSAValue, first: int, w: Windows) -> SSAValue:
    """
    `x` with its own elements in the place of padding, so that no window has a new one.

    A place outside becomes the nearest inside that is a multiple of `dilation` away: all windows
    that reach the one have the other too, and the first of equals stays the first.
    """
    sides = zip(_numbers(w.low), _numbers(w.high), strict=True)
    for axis, ((lo, hi), step) in enumerate(zip(sides, w.dilation, strict=True), first):
        if lo == 0 and hi == 0:
            continue
        size = dims_of(x)[axis]
        length = sizes.size(sizes.poly(size) + lo + hi)
        dims: list[Size] = list(dims_of(x))
        if lo <= 0 and hi <= 0:
            dims[axis] = length
            at: list[Size] = [-lo if d == axis else 0 for d in range(len(dims))]
            x = b.slice(x, dims, at, [1] * len(dims))
            continue
        place = b.iota((length,), I64, 0)
        place = b.sub(place, b.like(place, lo))
        last = b.broadcast(b.size(sizes.size(sizes.poly(size) - 1)), [], (length,))
        apart, zero = b.like(place, step), b.like(place, 0)
        before = b.scalar("mod", place, apart)
        after = b.sub(last, b.scalar("mod", b.sub(last, place), apart))
        place = b.where(b.scalar("lt", place, zero), before, place)
        place = b.where(b.scalar("gt", place, last), after, place)
        rows = b.gather(x, [place], [axis], in_bounds=True)
        x = b.transpose(rows, [*range(1, axis + 1), 0, *range(axis + 1, len(dims))])
    return x
