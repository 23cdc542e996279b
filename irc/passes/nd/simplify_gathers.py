"""Reads and writes at computed positions that follow a plan, as slices and selections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd import scalar as fn
from irc.dialects.nd.indexing import GatherOp, IndexedOp, ScatterOp
from irc.dialects.nd.sources import IotaOp
from irc.dialects.nd.structure import BroadcastOp, CastOp
from irc.dialects.nd.types import dims_of, dtype_of, rank_of
from irc.dtypes import I64, DType
from irc.passes.nd.rules import Rewriter, Rewritten, Rules, apply_rules, rule
from irc.sizes import Poly, Size


@dataclass(frozen=True)
class SimplifyGathersPass(ModulePass):
    """
    Replaces gathers and scatters whose positions count along axes, or stand still, by slices,
    and scatters that write once in each row by selections, which fuse.

    Needs nd in normal form. Leaves nd with the same bits.
    """

    name = "nd-simplify-gathers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_rules(op, GATHERS)


@dataclass(frozen=True)
class Counter:
    """Positions `start + i`, where i counts along `axis` of the index tensors."""

    axis: int
    start: Poly


def _counter(index: SSAValue, b: Rewriter) -> Counter | None:
    """How `index` counts, when no number on the way can wrap."""
    start = highest = sizes.const(0)
    places = list(range(rank_of(index)))
    while True:
        if moved := b.made_by(index, BroadcastOp):
            if 1 in dims_of(moved.x):
                return None
            places, index = [places[d] for d in moved.dims.data], moved.x
        elif added := b.made_by(index, fn.AddOp):
            c = b.number_of(added.operands[1])
            if c is None or not dtype_of(index).is_integer:
                return None
            start, highest = start + int(c), highest + max(int(c), 0)
            index = added.operands[0]
        elif cast := b.made_by(index, CastOp):
            if not dtype_of(cast.x).is_integer or dtype_of(cast.res).bits < dtype_of(cast.x).bits:
                return None
            index = cast.x
        elif counting := b.made_by(index, IotaOp):
            axis = counting.axis.value.data
            fits = _fits(dims_of(index)[axis] + highest, dtype_of(index))
            return Counter(places[axis], start) if fits else None
        else:
            return None


def _fits(size: Size, dtype: DType) -> bool:
    """Whether `dtype` counts to `size`; sizes stay below 2**63."""
    known = sizes.poly(size).constant
    return dtype.bits == 64 if known is None else known - 1 <= dtype.max


@rule(GatherOp)
def gather_at_number(op: GatherOp, b: Rewriter) -> Rewritten:
    """x[c, y] -> x[c][y] for a number c inside x"""
    dims = dims_of(op.x)
    numbers = {a: b.number_of(i) for a, i in zip(op.axes.data, op.indices, strict=True)}
    fixed = {a: int(c) for a, c in numbers.items() if c is not None}
    if not fixed or any(not _inside(c, 1, dims[a]) for a, c in fixed.items()):
        return None
    x = b.slice(
        op.x, [1 if a in fixed else s for a, s in enumerate(dims)],
        [fixed.get(a, 0) for a in range(len(dims))], [1] * len(dims),
    )  # fmt: skip
    left = [a for a in range(len(dims)) if a not in fixed]
    x = b.reshape(x, [dims[a] for a in left])
    others = {a: i for a, i in zip(op.axes.data, op.indices, strict=True) if a not in fixed}
    if others:
        axes = [left.index(a) for a in others]
        return b.gather(x, list(others.values()), axes, in_bounds=op.in_bounds is not None)
    shape = rank_of(op.indices[0])
    return b.broadcast(x, range(shape, shape + len(left)), dims_of(op.res))


def _inside(start: Size, count: Size, size: Size) -> bool:
    """Whether positions start to start + count - 1 are proved to be below `size`."""
    first = sizes.poly(start)
    return first.nonnegative() and (sizes.poly(size) - first - count).nonnegative()


@rule(GatherOp)
def gather_by_counting(op: GatherOp, b: Rewriter) -> Rewritten:
    """res[i, j] = x[j, i + 1] -> broadcast(transpose(x[:, 1:]))"""
    plan = _plan(op, b)
    if plan is None:
        return None
    shape, dims = dims_of(op.indices[0]), dims_of(op.x)
    window, at = list(dims), [sizes.const(0)] * len(dims)
    for a, counter in plan.items():
        window[a], at[a] = shape[counter.axis], counter.start
    x = b.slice(op.x, window, at, [1] * len(dims))
    rest = [d for d in range(len(dims)) if d not in plan]
    counted = sorted(plan, key=lambda a: plan[a].axis)
    x = b.transpose(x, [*counted, *rest])
    places = [plan[a].axis for a in counted] + [len(shape) + i for i in range(len(rest))]
    return b.broadcast(x, places, dims_of(op.res))


@rule(ScatterOp)
def scatter_by_counting(op: ScatterOp, b: Rewriter) -> Rewritten:
    """scatter set v into x at [i, j + 1] -> x with [:, 1:] = v; add: x with [:, 1:] += v"""
    plan = _plan(op, b)
    shape, dims = dims_of(op.indices[0]), dims_of(op.x)
    if plan is None or len(plan) != len(shape):
        return None
    window, at = list(dims), [sizes.const(0)] * len(dims)
    for a, counter in plan.items():
        window[a], at[a] = shape[counter.axis], counter.start
    rest = [d for d in range(len(dims)) if d not in plan]
    places = [plan[a].axis if a in plan else len(shape) + rest.index(a) for a in range(len(dims))]
    value, steps = b.transpose(op.value, places), [1] * len(dims)
    if op.kind.data == "add":
        value = b.add(b.slice(op.x, window, at, steps), value)
    return b.insert_slice(op.x, value, at, steps)


def _plan(op: IndexedOp, b: Rewriter) -> dict[int, Counter] | None:
    """How each index tensor counts: inside `x`, and each along another axis."""
    plan: dict[int, Counter] = {}
    x, indices = op.operands[0], op.operands[-len(op.axes.data) :]
    shape, dims = dims_of(indices[0]), dims_of(x)
    for a, index in zip(op.axes.data, indices, strict=True):
        counter = _counter(index, b)
        if counter is None:
            return None
        safe = op.in_bounds is not None or _inside(counter.start, shape[counter.axis], dims[a])
        if not safe or any(c.axis == counter.axis for c in plan.values()):
            return None
        plan[a] = counter
    return plan


@rule(ScatterOp)
def scatter_once_in_each_row(op: ScatterOp, b: Rewriter) -> Rewritten:
    """
    scatter add v into x at [i, y[i]]   ->   res[i, j] = where(j == y[i], x + v[i], x)

    where i counts all rows: each row is written once, so nothing depends on an order. Positions
    outside x hit no j. The derivative of `logp[i, y[i]]` is of this kind.
    """
    axes, dims, shape = op.axes.data, dims_of(op.x), dims_of(op.indices[0])
    counters = [_counter(index, b) for index in op.indices]
    if counters.count(None) != 1 or len(counters) != len(shape) + 1:
        return None
    chosen = counters.index(None)
    rows: dict[int, int] = {}  # axis of the index tensors -> axis of x
    for a, counter in zip(axes, counters, strict=True):
        if counter is not None:
            if counter.start != 0 or shape[counter.axis] != dims[a]:
                return None
            rows[counter.axis] = a
    if len(rows) != len(shape):
        return None
    rest = [d for d in range(len(dims)) if d not in axes]
    order = sorted(range(len(shape)), key=rows.__getitem__)
    hit = _hits(b, op.indices[chosen], order, [rows[k] for k in order], axes[chosen], dims, axes)
    value = _aligned(b, op, [rows[k] for k in range(len(shape))] + rest)
    return b.where(b.broadcast(hit, axes, dims), value, op.x)


def _hits(
    b: Rewriter, y: SSAValue, order: Sequence[int], rows: Sequence[int], axis: int,
    dims: Sequence[Size], axes: Sequence[int],
) -> SSAValue:  # fmt: skip
    """Where the position along `axis` is that of the row, over `axes` only."""
    narrow = b.made_by(y, CastOp)
    if narrow and dtype_of(narrow.x).is_integer and _fits(dims[axis], dtype_of(narrow.x)):
        y = narrow.x
    elif not _fits(dims[axis], dtype_of(y)):
        y = b.cast(y, I64)
    space = [dims[a] for a in axes]
    y = b.broadcast(b.transpose(y, order), [axes.index(a) for a in rows], space)
    return b.eq(b.iota(space, dtype_of(y), axes.index(axis)), y)


def _aligned(b: Rewriter, op: ScatterOp, places: Sequence[int]) -> SSAValue:
    """What a row gets, repeated along the chosen axis: v, or x + v."""
    order = sorted(range(len(places)), key=places.__getitem__)
    value, dims = b.transpose(op.value, order), dims_of(op.x)
    axes = sorted(places)
    if op.kind.data == "set":
        return b.broadcast(value, axes, dims)
    c = b.number_of(op.x)
    if c is not None:
        return b.broadcast(b.add(value, b.like(value, c)), axes, dims)
    return b.add(op.x, b.broadcast(value, axes, dims))


GATHERS = Rules(gather_at_number, gather_by_counting, scatter_by_counting, scatter_once_in_each_row)
