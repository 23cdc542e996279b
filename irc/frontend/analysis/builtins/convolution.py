"""Convolutions of one to three axes."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder, dims_of
from irc.dialects.nd.convolution import reach
from irc.dtypes import BOOL
from irc.frontend.analysis.broadcasting import Operand, Site, common_dtype, merged_batch, spread
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.builtins.windows import Given, Windows, check_fit, padding, steps, zeros
from irc.frontend.analysis.describe import dimension_label, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Tensor, Value
from irc.sizes import Size

_DOC = (
    "w[O, C/groups, ..] under windows of x[N, C, ..], not turned round unless `flip`; pad is "
    '"valid", "same", "full", zeros around, or (before, after) for each axis.'
)
_DOC_TRANSPOSE = (
    "The transposed convolution of x[N, C, ..] by w[C, O/groups, ..]: each element of x adds w, "
    "`stride` apart; `pad` is cropped from the result, `output_pad` added at its end."
)
_AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def _convolution(count: int) -> None:
    @builtin(
        f"conv{count}d(x: number, w: number, stride: written = 1, pad: written = 0, "
        "dilation: written = 1, groups: int = 1, flip: flag = false)",
        _DOC,
    )
    def build(
        env: Env, call: Call, x: Operand, w: Operand, stride: Given, pad: Given, dilation: Given,
        groups: int, flip: bool,
    ) -> Value:  # fmt: skip
        left, right = _operands(env, call, x, w, count)
        outputs = _channels(env, call, left, right, groups, transposed=False)
        taps = right.value.dims[2:]
        jumps = steps(env, call, "stride", stride, count)
        apart = steps(env, call, "dilation", dilation, count)
        given = padding(env, call, pad, count)
        low, high = zeros(env, call, given, left.value.dims[2:], taps, jumps, apart)
        check_fit(env, call, "the kernel", left, Windows(taps, jumps, apart, low, high), 2)
        with env.at(call.span) as b:
            weights = right.value
            assert isinstance(weights, Tensor)
            if flip:
                weights = _turned(b, weights)
            return _convolved(
                env, call, left, weights, groups, outputs, jumps, low, high, [1] * count, apart
            )


def _transposed(count: int) -> None:
    @builtin(
        f"conv{count}d_transpose(x: number, w: number, stride: written = 1, pad: written = 0, "
        "output_pad: written = 0, dilation: written = 1, groups: int = 1)",
        _DOC_TRANSPOSE,
    )
    def build(
        env: Env, call: Call, x: Operand, w: Operand, stride: Given, pad: Given, more: Given,
        dilation: Given, groups: int,
    ) -> Value:  # fmt: skip
        left, right = _operands(env, call, x, w, count)
        outputs = _channels(env, call, left, right, groups, transposed=True)
        taps = right.value.dims[2:]
        jumps = steps(env, call, "stride", stride, count)
        apart = steps(env, call, "dilation", dilation, count)
        added = steps(env, call, "output_pad", more, count, least=0)
        low, high = _around(env, call, padding(env, call, pad, count), taps, jumps, apart, added)
        _check_result(env, call, left, taps, jumps, apart, low, high)
        with env.at(call.span) as b:
            weights = right.value
            assert isinstance(weights, Tensor)
            weights = _exchanged(b, _turned(b, weights), groups)
            return _convolved(
                env, call, left, weights, groups, outputs, [1] * count, low, high, jumps, apart
            )


for _count in (1, 2, 3):
    _convolution(_count)
    _transposed(_count)


# -- the operands


def _operands(env: Env, call: Call, x: Operand, w: Operand, count: int) -> tuple[Operand, Operand]:
    """Both in the IR with one dtype; raises E0214 for ranks, E0301 and E0302 for dtypes."""
    dtype = common_dtype(env, Site(f"`{call.entry.name}`", call.span), [x, w], call.expected)
    if dtype is BOOL:
        raise env.error(
            "E0302", f"`{call.entry.name}` is not defined for bool", call.span, "needs numbers"
        )
    for name, o in (("x", x), ("w", w)):
        rank = len(o.value.dims)
        if rank != count + 2:
            what, outer = ("images", "batch") if name == "x" else ("weights", "channels out")
            raise env.error(
                "E0214",
                f"{what} of `{call.entry.name}` need {count + 2} axes: {outer}, channels, "
                f"{_AXES[count]}",
                o.node.span,
                f"`{spelled(env, o.node)}` is {o.value.type}",
                labels=[o.value.origin.label(f"`{o.value.origin.name}` is {o.value.type}")]
                if o.value.origin.declared
                else [],
                helps=_rank_help(env, name, o, rank - count - 2),
            )
    with env.at(call.span):
        return Operand(x.node, env.tensor(x.value, dtype)), Operand(
            w.node, env.tensor(w.value, dtype)
        )


def _rank_help(env: Env, name: str, o: Operand, extra: int) -> list[str]:
    text = spelled(env, o.node)
    if extra != -1:
        return []
    one = "image" if name == "x" else "channel out"
    return [f"for one channel, `{text}[:, newaxis]`; for one {one}, `{text}[newaxis]`"]


def _channels(env: Env, call: Call, x: Operand, w: Operand, groups: int, transposed: bool) -> Size:
    """The channels of the result; raises E0214 where those of `x` and `w` do not go together."""
    own, first, second = x.value.dims[1], *w.value.dims[:2]
    if groups < 1:
        raise env.error(
            "E0215", f"`groups` of `{call.entry.name}` is {groups}", call.span_of("groups"),
            "1 or more is needed",
        )  # fmt: skip
    divided = first  # channels of w that the groups share out
    if _quotient(divided, groups) is None:
        raise _not_divided(env, call, w, divided, groups, "of `{}`")
    if _quotient(own, groups) is None:
        raise _not_divided(env, call, x, own, groups, "of `{}`")
    needed = sizes.size(sizes.poly(first if transposed else second) * (1 if transposed else groups))
    if not env.same_size(own, needed):
        axis = 0 if transposed else 1
        times = f" in {groups} groups" if groups != 1 and not transposed else ""
        taken = "its first" if transposed else "its second"
        raise env.error(
            "E0214",
            f"channels of `{call.entry.name}` do not match: {own} of `{spelled(env, x.node)}`, "
            f"{w.value.dims[axis]} of `{spelled(env, w.node)}`{times}",
            call.span,
            f"{w.value.type} takes {needed} channel{'' if needed == 1 else 's'}, {taken} axis"
            + (f" times {groups}" if times else ""),
            labels=[
                dimension_label(env, x.node, x.value, 1),
                dimension_label(env, w.node, w.value, axis),
            ],
            helps=_channel_help(env, call, x, w, transposed, groups),
        )
    return sizes.size(sizes.poly(second) * groups) if transposed else first


def _channel_help(
    env: Env, call: Call, x: Operand, w: Operand, transposed: bool, groups: int
) -> list[str]:
    own, (first, second) = x.value.dims[1], w.value.dims[:2]
    name = call.entry.name
    if groups == 1 and transposed and own == second:
        return [f"`{name}` takes weights [C, O, ..], the input's channels first"]
    if groups == 1 and not transposed and own == first:
        return [f"`{name}` takes weights [O, C, ..], the result's channels first"]
    if isinstance(own, int) and isinstance(second, int) and second and own % second == 0:
        if not transposed and own // second > 1 and _quotient(first, own // second) is not None:
            return [f"for a convolution in groups write `groups={own // second}`"]
    return _other_layout(env, call, x, w, transposed)


def _other_layout(env: Env, call: Call, x: Operand, w: Operand, transposed: bool) -> list[str]:
    """What to write where channels stand last, as in TensorFlow."""
    rank, taken = x.value.rank, w.value.dims[0 if transposed else 1]  # type: ignore[union-attr]
    if rank > 2 and x.value.dims[-1] == taken:
        axes = ", ".join(map(str, (0, rank - 1, *range(1, rank - 1))))
        text = f"`transpose({spelled(env, x.node)}, ({axes}))`"
        return [f"`{call.entry.name}` takes images [N, C, ..], channels before places: {text}"]
    height, width, channels = *w.value.dims[:2], w.value.dims[-2]
    if not transposed and rank == 4 and height == width and channels == x.value.dims[1]:
        axes = ", ".join(map(str, (rank - 1, rank - 2, *range(rank - 2))))
        text = f"`transpose({spelled(env, w.node)}, ({axes}))`"
        return [f"`{call.entry.name}` takes weights [O, C, ..]: {text}"]
    return []


def _not_divided(env: Env, call: Call, o: Operand, size: Size, groups: int, of: str) -> Problem:
    return env.error(
        "E0214",
        f"{groups} groups do not divide the {size} channels {of.format(spelled(env, o.node))}",
        call.span_of("groups"),
        "each group takes the same number of channels",
        labels=[o.value.origin.label(f"`{o.value.origin.name}` is {o.value.type}")]
        if o.value.origin.name
        else [],
    )


def _quotient(size: Size, divisor: int) -> Size | None:
    """size / divisor where that is whole."""
    quotient = sizes.poly(size) // divisor
    return sizes.size(quotient) if quotient * divisor == sizes.poly(size) else None


# -- transposed convolutions


def _around(
    env: Env,
    call: Call,
    pad: str | list[tuple[int, int]],
    taps: Sequence[Size],
    stride: Sequence[int],
    dilation: Sequence[int],
    added: Sequence[int],
) -> tuple[list[Size], list[Size]]:
    """
    Zeros around the spread-out input: a window short of everything, less what is cropped.

    "same" gives stride times the size, "valid" crops nothing.
    """
    low: list[Size] = []
    high: list[Size] = []
    for axis, (k, st, d, more) in enumerate(zip(taps, stride, dilation, added, strict=True)):
        edge = reach(k, d) - 1
        if not isinstance(pad, str):
            before, after = (sizes.const(p) for p in pad[axis])
        elif pad == "full":
            raise env.error(
                "E0215", f'`pad="full"` means nothing to `{call.entry.name}`',
                call.span_of("pad"), 'it crops the result; `"valid"` keeps all of it',
            )  # fmt: skip
        else:
            total = edge + 1 - st if pad == "same" else sizes.const(0)
            before = total // 2
            after = total - before
        low.append(sizes.size(edge - before))
        high.append(sizes.size(edge - after + more))
    return low, high


def _check_result(
    env: Env,
    call: Call,
    x: Operand,
    taps: Sequence[Size],
    stride: Sequence[int],
    dilation: Sequence[int],
    low: Sequence[Size],
    high: Sequence[Size],
) -> None:
    """Makes sure that something is left of each axis, and that there is something to spread."""
    for axis, size in enumerate(x.value.dims[2:]):
        spread_out = reach(size, stride[axis])
        left = spread_out + low[axis] + high[axis] - reach(taps[axis], dilation[axis])
        if env.nonnegative(-left - 1) or size == 0:
            raise env.error(
                "E0215",
                f"nothing is left of axis {axis + 2} of the result of `{call.entry.name}`",
                call.span_of("pad"),
                f"its size would be {sizes.size(left + 1)}",
                helps=["crop less: a smaller `pad`"],
            )
        message = f"{call.entry.name}: nothing is left of axis {axis + 2}, which is {{0}}"
        env.require(sizes.size(sizes.poly(size) - 1), message, call.span, shown=[size])
        env.require(sizes.size(left), message, call.span, shown=[size])


def _exchanged(b: Builder, w: Tensor, groups: int) -> Tensor:
    """w[C, O/groups, ..] as w[O, C/groups, ..], group by group."""
    offset = len(w.batch)
    batch, dims = dims_of(w.ssa)[:offset], w.dims
    share = _quotient(dims[0], groups)
    assert share is not None
    lead = list(range(offset))
    if groups == 1:
        rest = range(offset + 2, len(dims) + offset)
        return Tensor(b.transpose(w.ssa, [*lead, offset + 1, offset, *rest]), w.origin, w.batch)
    apart = b.reshape(w.ssa, [*batch, groups, share, *dims[1:]])
    rest = range(offset + 3, len(dims) + offset + 1)
    turned = b.transpose(apart, [*lead, offset, offset + 2, offset + 1, *rest])
    outputs = sizes.size(sizes.poly(dims[1]) * groups)
    return Tensor(b.reshape(turned, [*batch, outputs, share, *dims[2:]]), w.origin, w.batch)


# -- the op


def _turned(b: Builder, w: Tensor) -> Tensor:
    """`w` backwards along all axes but those of channels."""
    dims, first = dims_of(w.ssa), len(w.batch) + 2
    at: list[Size] = [sizes.poly(s) - 1 if d >= first else 0 for d, s in enumerate(dims)]
    by = [-1 if d >= first else 1 for d in range(len(dims))]
    return Tensor(b.slice(w.ssa, dims, at, by), w.origin, w.batch)


def _convolved(
    env: Env,
    call: Call,
    x: Operand,
    w: Tensor,
    groups: int,
    outputs: Size,
    stride: Sequence[int],
    low: Sequence[Size],
    high: Sequence[Size],
    x_dilation: Sequence[int],
    w_dilation: Sequence[int],
) -> Tensor:
    """
    The op for w[O, C/groups, ..]. Groups and the index variables of `w` are its batch axes; those
    of `x` alone count as images.
    """
    b, images = env.b, x.value
    assert isinstance(images, Tensor)
    batch = merged_batch(env, [images, w])
    if w.batch:
        w, images = spread(env, w, batch, w.dims), spread(env, images, batch, images.dims)
    elif batch:
        images = spread(env, images, batch, images.dims)
    lead = dims_of(images.ssa)[: len(batch)]
    count, channels = images.dims[0], sizes.size(sizes.poly(w.dims[1]) * groups)
    place: SSAValue = images.ssa
    shared = lead if w.batch else ()
    if not w.batch:
        count = sizes.product([*lead, count])
    place = b.reshape(place, [*shared, count, channels, *images.dims[2:]])
    weights, depth = w.ssa, len(shared)
    if groups != 1:
        share = sizes.size(sizes.poly(outputs) // groups)
        place = b.reshape(place, [*shared, count, groups, w.dims[1], *images.dims[2:]])
        place = b.transpose(place, _swapped(dims_of(place), depth))
        weights = b.reshape(weights, [*shared, groups, share, *w.dims[1:]])
    result = b.conv(place, weights, stride, low, high, x_dilation, w_dilation)
    if groups != 1:
        result = b.transpose(result, _swapped(dims_of(result), depth))
    spatial = dims_of(result)[-len(stride) :]
    result = b.reshape(result, [*lead, images.dims[0], outputs, *spatial])
    return Tensor(result, call.origin, batch)


def _swapped(dims: Sequence[Size], axis: int) -> list[int]:
    """The order of axes with `axis` and its neighbour exchanged."""
    order = list(range(len(dims)))
    order[axis : axis + 2] = [axis + 1, axis]
    return order
