"""Tensors made longer, turned round and repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import dims_of
from irc.dtypes import I64
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    adapts,
    common_dtype,
    merged_batch,
    spread,
)
from irc.frontend.analysis.builtins.ordered import picked
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.sizing import known_size
from irc.frontend.analysis.values import Tensor, Value
from irc.sizes import Poly, Size, poly

Pair = tuple[Poly, Poly]


# -- roll


@builtin(
    "roll(x: tensor, shift: number, axis: axis = none)",
    "x moved by `shift` places along an axis; what leaves at the end comes in at the beginning. "
    "Without an axis, of all elements in row-major order.",
    as_method=True,
)
def roll(env: Env, call: Call, x: Tensor, shift: Operand, axis: int | None) -> Value:
    if axis is None:
        with env.at(call.span) as b:
            batch = dims_of(x.ssa)[: len(x.batch)]
            line = b.reshape(x.ssa, [*batch, sizes.product(x.dims)])
            rolled = _rolled(env, call, Tensor(line, x.origin, x.batch), shift, 0)
            own = dims_of(rolled.ssa)[: len(rolled.batch)]
            ssa = b.reshape(rolled.ssa, [*own, *x.dims])
            return Tensor(ssa, call.origin, rolled.batch)
    with env.at(call.span):
        return _rolled(env, call, x, shift, axis)


def _rolled(env: Env, call: Call, x: Tensor, shift: Operand, axis: int) -> Tensor:
    """Two slices when it is known where to cut; else a read at computed positions."""
    size, at = x.dims[axis], axis + len(x.batch)
    known = known_size(shift.value)
    cut = None if known is None else _cut(env, poly(size), known)
    if cut is not None:
        parts = [
            _slice(env, x.ssa, at, poly(size) - cut, cut),
            _slice(env, x.ssa, at, sizes.const(0), poly(size) - cut),
        ]
        kept = [p for p in parts if dims_of(p)[at] != 0]
        return Tensor(env.b.concat(kept or parts[:1], at), call.origin, x.batch)
    b, by = env.b, _integer(env, shift)
    batch = merged_batch(env, [x, by])
    whole = spread(env, x, batch, x.dims)
    dims = dims_of(whole.ssa)
    line = axis + len(batch)
    count = b.broadcast(b.size(size), [], dims_of(by.ssa))
    moved = Tensor(b.scalar("mod", b.cast(by.ssa, I64), count), batch=by.batch)
    cuts = b.broadcast(spread(env, moved, batch, ()).ssa, range(len(batch)), dims)
    here = b.iota(dims, I64, line)
    back = b.sub(here, cuts)
    entering = b.scalar("lt", here, cuts)
    order = b.where(entering, b.add(back, b.broadcast(b.size(size), [], dims)), back)
    return Tensor(picked(b, whole.ssa, order, line), call.origin, batch)


def _integer(env: Env, shift: Operand) -> Tensor:
    if adapts(shift.value, I64):
        by = env.tensor(shift.value, I64)
        if by.dtype.is_integer and not by.rank:
            return by
    raise env.error(
        "E0302",
        "`shift` must be one integer",
        shift.node.span,
        f"`{spelled(env, shift.node)}` is {shift.value.type}",
    )


def _cut(env: Env, size: Poly, shift: Poly) -> Poly | None:
    """How many elements come in at the beginning, when that is known."""
    n, k = size.constant, shift.constant
    if n is not None and k is not None:
        return sizes.const(k % n if n else 0)
    for moved in (shift, shift + size):
        if env.nonnegative(moved) and env.nonnegative(size - moved):
            return moved
    return None


def _slice(env: Env, x: SSAValue, axis: int, start: Poly, length: Poly) -> SSAValue:
    dims, offsets = list(dims_of(x)), [sizes.size(0) for _ in dims_of(x)]
    dims[axis], offsets[axis] = sizes.size(length), sizes.size(start)
    if tuple(dims) == dims_of(x):
        return x
    return env.b.slice(x, dims, offsets, [1] * len(dims))


# -- repetition


@builtin(
    "repeat(x: tensor, count: size, axis: axis = none)",
    "Each element `count` times, one after the other, along an axis; without an axis, of all "
    "elements in row-major order.",
    as_method=True,
)
def repeat(env: Env, call: Call, x: Tensor, count: Size, axis: int | None) -> Value:
    with env.at(call.span) as b:
        ssa, own = x.ssa, len(x.batch)
        if axis is None:
            ssa, axis = b.reshape(ssa, [*dims_of(ssa)[:own], sizes.product(x.dims)]), 0
        dims, at = dims_of(ssa), axis + own
        axes = [d if d <= at else d + 1 for d in range(len(dims))]
        copies = b.broadcast(ssa, axes, [*dims[: at + 1], count, *dims[at + 1 :]])
        total = sizes.product([dims[at], count])
        result = b.reshape(copies, [*dims[:at], total, *dims[at + 1 :]])
        return Tensor(result, call.origin, x.batch)


@builtin(
    "tile(x: tensor, counts: shape)",
    "x as a whole repeated: `counts` times along each axis, aligned at the last one.",
    as_method=True,
)
def tile(env: Env, call: Call, x: Tensor, counts: tuple[Size, ...]) -> Value:
    rank = max(x.rank, len(counts))
    times = [*(1 for _ in range(rank - len(counts))), *counts]
    own: list[Size] = [*(1 for _ in range(rank - x.rank)), *x.dims]
    with env.at(call.span) as b:
        batch = dims_of(x.ssa)[: len(x.batch)]
        offset, first = len(batch), rank - x.rank
        axes = [*range(offset), *(offset + 2 * (first + d) + 1 for d in range(x.rank))]
        pairs = [s for pair in zip(times, own, strict=True) for s in pair]
        copies = b.broadcast(x.ssa, axes, [*batch, *pairs])
        dims = [sizes.product(pair) for pair in zip(times, own, strict=True)]
        return Tensor(b.reshape(copies, [*batch, *dims]), call.origin, x.batch)


# -- pad

# How each mode reads behind the ends: the position that element i of the line stands for, given
# i, the size n and a function that writes numbers.
_Position = Callable[[Env, SSAValue, SSAValue], SSAValue]


def _edge(env: Env, i: SSAValue, n: SSAValue) -> SSAValue:
    b = env.b
    last = b.sub(n, b.like(n, 1))
    return b.scalar("minimum", b.scalar("maximum", i, b.like(i, 0)), last)


def _wrap(env: Env, i: SSAValue, n: SSAValue) -> SSAValue:
    return env.b.scalar("mod", i, n)


def _symmetric(env: Env, i: SSAValue, n: SSAValue) -> SSAValue:
    """0 1 2 | 2 1 0 | 0 1 2"""
    b = env.b
    place = b.scalar("mod", i, b.add(n, n))
    return b.scalar("minimum", place, b.sub(b.sub(b.add(n, n), b.like(n, 1)), place))


def _reflect(env: Env, i: SSAValue, n: SSAValue) -> SSAValue:
    """0 1 2 | 1 | 0 1 2"""
    b = env.b
    period = b.sub(b.add(n, n), b.like(n, 2))
    place = b.scalar("mod", i, b.scalar("maximum", period, b.like(n, 1)))
    return b.scalar("minimum", place, b.scalar("maximum", b.sub(period, place), b.like(n, 0)))


_MODES: dict[str, _Position] = {
    "edge": _edge,
    "reflect": _reflect,
    "symmetric": _symmetric,
    "wrap": _wrap,
}


@builtin(
    "pad(x: tensor, widths: pairs, value: number = none, mode: text = none)",
    "x with more elements before and behind: `pad(x, 1)`, `pad(x, (0, 2))` for every axis, "
    "`pad(x, [(1, 1), (0, n)])` for each; a negative width crops. They are `value`, 0 when left "
    'out; or with `mode` "edge", "reflect", "symmetric" or "wrap" taken from x, as in NumPy.',
    as_method=True,
)
def pad(
    env: Env, call: Call, x: Tensor, widths: list[Pair], value: Operand | None, mode: str | None
) -> Value:
    pairs = _for_each_axis(env, call, x, widths)
    if mode not in (None, "constant", *_MODES):
        raise env.error(
            "E0302",
            f'`pad` has no mode "{mode}"',
            call.span_of("mode"),
            "unknown mode",
            helps=["modes are " + ", ".join(f'"{m}"' for m in ("constant", *_MODES))],
        )
    dims = [_padded(env, call, axis, size, *pairs[axis]) for axis, size in enumerate(x.dims)]
    if mode in _MODES:
        if value is not None:
            raise env.error(
                "E0109", f'`pad` with mode "{mode}" takes no value', call.span_of("value"),
                "the elements of x are taken",
            )  # fmt: skip
        return _by_position(env, call, x, pairs, dims, mode or "")
    with env.at(call.span):
        return _with_value(env, call, x, pairs, dims, value)


def _for_each_axis(env: Env, call: Call, x: Tensor, widths: list[Pair]) -> list[Pair]:
    if len(widths) == 1:
        return widths * x.rank
    if len(widths) != x.rank:
        raise env.error(
            "E0203",
            f"{len(widths)} pairs of widths for a tensor of rank {x.rank}",
            call.span_of("widths"),
            f"`{spelled(env, call.node('x'))}` is {x.type}",
            helps=["one pair for each axis, or one for all"],
        )
    return widths


def _padded(env: Env, call: Call, axis: int, size: Size, low: Poly, high: Poly) -> Size:
    total = sizes.poly(sizes.size(env.facts.normal(size + low + high)))
    if env.nonnegative(-total - 1):
        raise env.error(
            "E0205",
            f"`pad` crops more of dimension {axis} than there is",
            call.span_of("widths"),
            f"{size} and {low} and {high} make {total}",
        )
    message = f"pad crops more of dimension {axis} than there is (size {{0}})"
    env.require(total, message, call.span_of("widths"), shown=(size,))
    return sizes.size(total)


def _with_value(
    env: Env, call: Call, x: Tensor, pairs: list[Pair], dims: Sequence[Size], value: Operand | None
) -> Tensor:
    """
    What the crops leave of x, put into a tensor of `value`. Where they may take more than x has,
    x is put there whole, and the result is cut.
    """
    filler = _filler(env, call, x, value)
    batch = merged_batch(env, [x, filler])
    whole = spread(env, x, batch, x.dims)
    own, offset = dims_of(whole.ssa)[: len(batch)], len(batch)

    def filled(dims: Sequence[Size]) -> SSAValue:
        one = spread(env, filler, batch, ()).ssa
        return env.b.broadcast(one, range(offset), [*own, *dims])

    if not all(_sign(env, width) for pair in pairs for width in pair):
        return _chosen(env, call, whole, pairs, filled(dims))
    kept = [_cropped(env, s, *pair) for s, pair in zip(x.dims, pairs, strict=True)]
    ssa, after = whole.ssa, list(dims)
    for axis, crop in enumerate(kept):
        if crop is not None:
            ssa = _slice(env, ssa, axis + offset, *crop)
        else:  # it may take more than there is, of what is added at the other end
            added = [_added(env, w) for w in pairs[axis]]
            after[axis] = sizes.size(sizes.poly(x.dims[axis]) + added[0] + added[1])
    result = filled(after)
    if 0 not in dims_of(ssa):
        at = [*(0 for _ in batch), *(sizes.size(_added(env, low)) for low, _ in pairs)]
        result = env.b.insert_slice(result, ssa, at, [1] * len(at))
    for axis, (low, _) in enumerate(pairs):
        start = _added(env, low) - low if kept[axis] is None else sizes.const(0)
        result = _slice(env, result, axis + offset, start, sizes.poly(dims[axis]))
    return Tensor(result, call.origin, batch)


def _filler(env: Env, call: Call, x: Tensor, value: Operand | None) -> Tensor:
    if value is None:
        return Tensor(env.b.full((), x.dtype, 0))
    common_dtype(env, Site("`pad`", call.span), [Operand(call.node("x"), x), value])
    filler = env.tensor(value.value, x.dtype)
    if filler.rank:
        raise env.error("E0302", "`pad` takes one value", value.node.span, f"this is {filler.type}")
    return filler


def _sign(env: Env, width: Poly) -> bool:
    """Whether it is known if a width adds or crops."""
    return env.nonnegative(width) or env.nonnegative(-width)


def _added(env: Env, width: Poly) -> Poly:
    """What a width adds: nothing when it crops."""
    return width if env.nonnegative(width) else sizes.const(0)


def _cropped(env: Env, size: Size, low: Poly, high: Poly) -> tuple[Poly, Poly] | None:
    """Start and length of what the widths leave; None when that could be less than nothing."""
    start = _added(env, low) - low
    length = size - start - (_added(env, high) - high)
    return (start, length) if env.nonnegative(length) else None


def _chosen(env: Env, call: Call, x: Tensor, pairs: list[Pair], filled: SSAValue) -> Tensor:
    """Element by element: that of x where there is one."""
    b, dims, own = env.b, dims_of(filled), len(x.batch)
    places, inside = [], None
    for axis in range(len(dims)):
        place = b.iota(dims, I64, axis)
        if axis >= own:
            low = b.broadcast(b.size(sizes.size(pairs[axis - own][0])), [], dims)
            size = b.broadcast(b.size(x.dims[axis - own]), [], dims)
            place = b.sub(place, low)
            here = b.scalar(
                "and", b.scalar("ge", place, b.like(place, 0)), b.scalar("lt", place, size)
            )
            inside = here if inside is None else b.scalar("and", inside, here)
        places.append(place)
    if inside is None:
        return x
    found = b.gather(x.ssa, places, range(len(dims)))
    return Tensor(b.where(inside, found, filled), call.origin, x.batch)


def _by_position(
    env: Env, call: Call, x: Tensor, pairs: list[Pair], dims: Sequence[Size], mode: str
) -> Tensor:
    """One axis after the other, read at the positions that the mode gives."""
    own = len(x.batch)
    with env.at(call.span) as b:
        ssa = x.ssa
        for axis, (size, (low, high)) in enumerate(zip(x.dims, pairs, strict=True)):
            if low == 0 and high == 0:
                continue
            _need_elements(env, call, axis, size)
            line = (dims[axis],)
            start = b.broadcast(b.size(sizes.size(low)), [], line)
            count = b.broadcast(b.size(size), [], line)
            place = _MODES[mode](env, b.sub(b.iota(line, I64, 0), start), count)
            at = axis + own
            found = b.gather(ssa, [place], [at], in_bounds=True)
            ssa = b.transpose(found, [*range(1, at + 1), 0, *range(at + 1, len(dims_of(ssa)))])
        return Tensor(ssa, call.origin, x.batch)


def _need_elements(env: Env, call: Call, axis: int, size: Size) -> None:
    if size == 0:
        raise _nothing_to_repeat(env, call, axis)
    env.require(sizes.poly(size) - 1, f"pad of dimension {axis}, which has no elements", call.span)


def _nothing_to_repeat(env: Env, call: Call, axis: int) -> Problem:
    return env.error(
        "E0210", f"`pad` of dimension {axis}, which has no elements", call.span, "nothing to repeat"
    )
