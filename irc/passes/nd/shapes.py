"""Identities of ops that move elements: each stands once, broadcasts last."""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd.reduction import REDUCE_OPS, ReduceOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WindowOp,
    is_dynamic,
)
from irc.dialects.nd.types import dims_of, dtype_of, rank_of
from irc.passes.nd.match import all_positive, unit_axes_apart, windows_apart
from irc.passes.nd.rules import Rewriter, Rewritten, rule

MOVES = (BroadcastOp, ReshapeOp, TransposeOp, SliceOp)
FEW = 16  # parts of a concatenation that are looked through
EXTREMA = tuple(REDUCE_OPS[name] for name in ("max", "min", "any", "all"))


@rule(*MOVES)
def move_number(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """broadcast(full c) -> full c, and so for reshape, transpose and slice"""
    c = b.number_of(op.x)
    return None if c is None else b.like(op.res, c)


@rule(ConcatOp)
def concat_numbers(op: ConcatOp, b: Rewriter) -> Rewritten:
    """concat(full c, full c) -> full c"""
    numbers = {repr(b.number_of(x)) for x in op.parts}
    c = b.number_of(op.parts[0])
    return b.like(op.res, c) if c is not None and len(numbers) == 1 else None


@rule(BroadcastOp, ReshapeOp)
def move_nothing(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """reshape(x) -> x and broadcast(x) -> x where the shape stays"""
    return op.x if op.x.type == op.res.type else None


@rule(TransposeOp)
def transpose_nothing(op: TransposeOp, b: Rewriter) -> Rewritten:
    """transpose(x) -> x with the axes in order"""
    perm = op.perm.data
    return op.x if list(perm) == list(range(len(perm))) else None


@rule(SliceOp)
def slice_everything(op: SliceOp, b: Rewriter) -> Rewritten:
    """x[0:n] -> x"""
    return op.x if op.x.type == op.res.type and _is_whole(op) else None


def _is_whole(op: WindowOp) -> bool:
    return all(p == 0 for p in op.offsets.data) and all(k == 1 for k in op.steps.data)


@rule(BroadcastOp)
def broadcast_again(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """broadcast(broadcast(x)) -> broadcast(x)"""
    inner = b.made_by(op.x, BroadcastOp)
    if not inner:
        return None
    return b.broadcast(inner.x, [op.dims.data[d] for d in inner.dims.data], dims_of(op.res))


@rule(BroadcastOp)
def broadcast_of_new_axes(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """broadcast(reshape(x)) -> broadcast(x) where the reshape only inserts axes of size 1"""
    inner = b.made_by(op.x, ReshapeOp)
    if not inner or rank_of(inner.x) >= rank_of(op.x):
        return None
    axes = unit_axes_apart(dims_of(inner.x), dims_of(op.x))
    if axes is None:
        return None
    return b.broadcast(inner.x, [op.dims.data[a] for a in axes], dims_of(op.res))


@rule(BroadcastOp)
def broadcast_of_unit_axes(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """broadcast(x[n, 1]) -> broadcast(reshape(x)[n]): what is stretched has no axis before"""
    source, dims = dims_of(op.x), op.dims.data
    kept = [i for i, s in enumerate(source) if s != 1]
    if len(kept) == len(source) or rank_of(op.res) == 0:
        return None
    small = b.reshape(op.x, [source[i] for i in kept])
    return b.broadcast(small, [dims[i] for i in kept], dims_of(op.res))


@rule(BroadcastOp)
def broadcast_adds_unit_axes(op: BroadcastOp, b: Rewriter) -> Rewritten:
    """broadcast(x) -> reshape(x) where only axes of size 1 are new"""
    source, target = dims_of(op.x), dims_of(op.res)
    if sizes.product(source) != sizes.product(target) or 0 in source:
        return None
    stretched = any(s != target[d] for s, d in zip(source, op.dims.data, strict=True))
    return None if stretched else b.reshape(op.x, target)


@rule(ReshapeOp)
def reshape_again(op: ReshapeOp, b: Rewriter) -> Rewritten:
    """reshape(reshape(x)) -> reshape(x)"""
    inner = b.made_by(op.x, ReshapeOp)
    return b.reshape(inner.x, dims_of(op.res)) if inner else None


@rule(ReshapeOp)
def reshape_of_broadcast(op: ReshapeOp, b: Rewriter) -> Rewritten:
    """reshape(broadcast(x)) -> broadcast(x) where the reshape only moves axes of size 1"""
    inner = b.made_by(op.x, BroadcastOp)
    if not inner or 1 in dims_of(inner.x):
        return None
    axes = unit_axes_apart(dims_of(op.x), dims_of(op.res))
    if axes is None:
        return None
    return b.broadcast(inner.x, [axes[d] for d in inner.dims.data], dims_of(op.res))


@rule(TransposeOp)
def transpose_again(op: TransposeOp, b: Rewriter) -> Rewritten:
    """transpose(transpose(x)) -> transpose(x)"""
    inner = b.made_by(op.x, TransposeOp)
    if not inner:
        return None
    return b.transpose(inner.x, [inner.perm.data[p] for p in op.perm.data])


@rule(TransposeOp)
def transpose_of_broadcast(op: TransposeOp, b: Rewriter) -> Rewritten:
    """transpose(broadcast(x)) -> broadcast(transpose(x))"""
    inner = b.made_by(op.x, BroadcastOp)
    if not inner:
        return None
    perm = op.perm.data
    places = [perm.index(d) for d in inner.dims.data]
    order = sorted(range(len(places)), key=places.__getitem__)
    small = b.transpose(inner.x, order)
    return b.broadcast(small, sorted(places), dims_of(op.res))


@rule(TransposeOp)
def transpose_of_unit_axes(op: TransposeOp, b: Rewriter) -> Rewritten:
    """transpose(x) -> reshape(x) where only axes of size 1 change their order"""
    source = dims_of(op.x)
    moved = [p for p in op.perm.data if source[p] != 1]
    return b.reshape(op.x, dims_of(op.res)) if moved == sorted(moved) else None


@rule(SliceOp)
def slice_again(op: SliceOp, b: Rewriter) -> Rewritten:
    """x[p::k][q::l] -> x[p + k*q::k*l]"""
    inner = b.made_by(op.x, SliceOp)
    if not inner or op.starts or inner.starts:
        return None
    (p, k), (q, step) = ((w.offsets.data, w.steps.data) for w in (inner, op))
    at = [p[d] + q[d] * k[d] for d in range(len(p))]
    return b.slice(inner.x, dims_of(op.res), at, [k[d] * step[d] for d in range(len(p))])


@rule(SliceOp)
def slice_of_insert(op: SliceOp, b: Rewriter) -> Rewritten:
    """(x with [w] = v)[w] -> v"""
    inner = b.made_by(op.x, InsertSliceOp)
    return inner.value if inner and _same_window(op, inner, op.res, inner.value) else None


@rule(SliceOp)
def slice_beside_insert(op: SliceOp, b: Rewriter) -> Rewritten:
    """(x with [w] = v)[u] -> x[u] where the windows do not meet"""
    inner = b.made_by(op.x, InsertSliceOp)
    if not inner or not windows_apart(op, op.res, inner, inner.value):
        return None
    return b.slice(inner.x, dims_of(op.res), op.offsets.data, op.steps.data)


@rule(SliceOp)
def slice_of_concat(op: SliceOp, b: Rewriter) -> Rewritten:
    """concat(x, y)[w] -> x[w], or y[w], where the window lies in one of them"""
    inner = b.made_by(op.x, ConcatOp)
    if not inner or op.starts or len(inner.parts) > FEW:
        return None
    axis, at = inner.axis.value.data, list(op.offsets.data)
    other = at[axis] + (sizes.poly(dims_of(op.res)[axis]) - 1) * op.steps.data[axis]
    low, high = (at[axis], other) if op.steps.data[axis] > 0 else (other, at[axis])
    start = sizes.const(0)
    for x in inner.parts:
        end = start + dims_of(x)[axis]
        if (low - start).nonnegative() and (end - high - 1).nonnegative():
            at[axis] = at[axis] - start
            return b.slice(x, dims_of(op.res), at, op.steps.data)
        start = end
    return None


@rule(InsertSliceOp)
def insert_everything(op: InsertSliceOp, b: Rewriter) -> Rewritten:
    """x with [0:n] = v -> v"""
    return op.value if op.x.type == op.value.type and _is_whole(op) else None


@rule(InsertSliceOp)
def insert_same(op: InsertSliceOp, b: Rewriter) -> Rewritten:
    """x with [w] = x[w] -> x"""
    inner = b.made_by(op.value, SliceOp)
    if inner and inner.x is op.x and _same_window(op, inner, op.value, inner.res):
        return op.x
    return None


@rule(InsertSliceOp)
def insert_over(op: InsertSliceOp, b: Rewriter) -> Rewritten:
    """(x with [w] = u) with [w] = v -> x with [w] = v"""
    inner = b.made_by(op.x, InsertSliceOp)
    if not inner or not _same_window(op, inner, op.value, inner.value):
        return None
    return b.insert_slice(inner.x, op.value, op.offsets.data, op.steps.data, op.starts)


def _same_window(a: WindowOp, b: WindowOp, of_a: SSAValue, of_b: SSAValue) -> bool:
    windows = a.offsets == b.offsets and a.steps == b.steps and of_a.type == of_b.type
    return windows and all(x is y for x, y in zip(_starts(a), _starts(b), strict=True))


def _starts(op: WindowOp) -> list[SSAValue]:
    dynamic = sum(is_dynamic(p) for p in op.offsets.data)
    return list(op.operands)[len(op.operands) - dynamic :]


@rule(ConcatOp)
def concat_nothing(op: ConcatOp, b: Rewriter) -> Rewritten:
    """concat(x) -> x, and parts of size 0 leave"""
    axis = op.axis.value.data
    kept = [x for x in op.parts if dims_of(x)[axis] != 0] or [op.parts[0]]
    if len(kept) == len(op.parts) and len(kept) > 1:
        return None
    return b.concat(kept, axis)


@rule(ConcatOp)
def concat_again(op: ConcatOp, b: Rewriter) -> Rewritten:
    """concat(concat(x, y), z) -> concat(x, y, z) on one axis"""
    parts: list[SSAValue] = []
    for x in op.parts:
        inner = b.made_by(x, ConcatOp)
        parts += inner.parts if inner and inner.axis == op.axis else [x]
    return b.concat(parts, op.axis.value.data) if len(parts) > len(op.parts) else None


@rule(*REDUCE_OPS.values())
def reduce_unit_axes(op: ReduceOp, b: Rewriter) -> Rewritten:
    """sum(x) -> reshape(x) along axes of size 1; of floats reshape(x) + 0, as 0 + -0 is 0"""
    source = dims_of(op.x)
    if any(source[a] != 1 for a in op.axes.data):
        return None
    x = b.reshape(op.x, dims_of(op.res))
    if isinstance(op, REDUCE_OPS["sum"]) and dtype_of(x).is_float:
        return b.add(x, b.like(x, 0.0))
    return x


@rule(*EXTREMA)
def extremum_of_repeated(op: ReduceOp, b: Rewriter) -> Rewritten:
    """max(broadcast(x)) -> broadcast(x) along axes that only repeat, when they are not empty"""
    moved = b.made_by(op.x, BroadcastOp)
    axes = op.axes.data
    if not moved or 1 in dims_of(moved.x) or not all_positive(op.x, axes):
        return None
    if any(a in moved.dims.data for a in axes):
        return None
    kept = [d for d in range(rank_of(op.x)) if d not in axes]
    return b.broadcast(moved.x, [kept.index(d) for d in moved.dims.data], dims_of(op.res))


@rule(*EXTREMA)
def extremum_again(op: ReduceOp, b: Rewriter) -> Rewritten:
    """max(max(x)) -> max(x), no order of which can show"""
    inner = b.made_by(op.x, type(op))
    if not inner or not op.axes.data:
        return None
    kept = [d for d in range(rank_of(inner.x)) if d not in inner.axes.data]
    axes = sorted([*inner.axes.data, *(kept[a] for a in op.axes.data)])
    return b.reduce(op.REDUCTION.name, inner.x, axes)


SHAPES = (
    move_number,
    concat_numbers,
    move_nothing,
    transpose_nothing,
    slice_everything,
    broadcast_again,
    broadcast_of_new_axes,
    broadcast_of_unit_axes,
    broadcast_adds_unit_axes,
    reshape_again,
    reshape_of_broadcast,
    transpose_again,
    transpose_of_broadcast,
    transpose_of_unit_axes,
    slice_again,
    slice_of_insert,
    slice_beside_insert,
    slice_of_concat,
    insert_everything,
    insert_same,
    insert_over,
    concat_nothing,
    concat_again,
    reduce_unit_axes,
    extremum_of_repeated,
    extremum_again,
)
