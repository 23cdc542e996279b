"""
Derivatives for all values of index variables together: what `vjp` and `jvp` stand on.

A value that carries index variables (`Tensor.batch`) is many values, which know nothing of each
other. Where each is differentiated by a part of `wrt` of its own, one pass takes them all. Where
they share it, as in `[grad(f(x[i], w), wrt=w) for i]`, there is one pass for each value of the
index, which gives a row of the result: a scan without state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of
from irc.frontend.analysis.broadcasting import binder_size, merged_batch, spread
from irc.frontend.analysis.derivatives import Wrt
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Binder, Tensor
from irc.sizes import Size, size, var

Batch = tuple[Binder, ...]
# (builder, number of the row, rows of the sequences) -> rows of the results
Step = Callable[[Builder, SSAValue, Sequence[SSAValue]], Sequence[SSAValue]]


def pulled_back(env: Env, y: Tensor, seed: Tensor | None, wrt: Wrt) -> list[Tensor]:
    """
    `seed` times the Jacobian of `y` by each leaf of `wrt`. Without a seed it is one everywhere.

    y, seed   of one type; index variables that one of them lacks are added
    """
    batch = merged_batch(env, [y] if seed is None else [y, seed])
    found: dict[int, Tensor] = {}
    for lacking in dict.fromkeys(_lacking(batch, leaf.tensor) for leaf in wrt.leaves):
        chosen = [i for i, x in enumerate(wrt.leaves) if _lacking(batch, x.tensor) == lacking]
        leaves = [wrt.leaves[i].tensor for i in chosen]
        pull = _together if not lacking else _one_by_one
        found.update(zip(chosen, pull(env, y, seed, leaves, wrt, batch), strict=True))
    return [found[i] for i in range(len(wrt.leaves))]


def _lacking(batch: Batch, x: Tensor) -> Batch:
    return tuple(b for b in batch if b not in x.batch)


def _together(
    env: Env, y: Tensor, seed: Tensor | None, leaves: Sequence[Tensor], wrt: Wrt, batch: Batch
) -> list[Tensor]:
    """Each value of the index variables has a part of every leaf of its own."""
    y = spread(env, y, batch, y.dims)
    cotangent = None
    if dims_of(y.ssa):
        cotangent = env.b.like(y.ssa, 1) if seed is None else spread(env, seed, batch, y.dims).ssa
    elif seed is not None:
        cotangent = seed.ssa
    made = env.b.grad(y.ssa, [x.ssa for x in leaves], wrt.consts, cotangent, wrt.allowed)
    return [Tensor(g, batch=x.batch) for g, x in zip(made, leaves, strict=True)]


def _one_by_one(
    env: Env, y: Tensor, seed: Tensor | None, leaves: Sequence[Tensor], wrt: Wrt, batch: Batch
) -> list[Tensor]:
    """The leaves lack some of the index variables: one backward pass for each value of these."""
    lacking, by = _lacking(batch, leaves[0]), [x.ssa for x in leaves]
    if seed is not None and not any(b in y.batch for b in lacking):
        y = spread(env, y, _without(batch, lacking), y.dims)
        given = [rows_of(env, spread(env, seed, batch, y.dims), lacking)]

        def step(b: Builder, t: SSAValue, rows: Sequence[SSAValue]) -> Sequence[SSAValue]:
            return b.grad(y.ssa, by, wrt.consts, rows[0], wrt.allowed)
    else:
        y = spread(env, y, batch, y.dims)
        ones = env.b.like(y.ssa, 1) if seed is None else spread(env, seed, batch, y.dims).ssa
        place = _place(env.b, lacking, batch, y)
        zeros, given = env.b.like(y.ssa, 0), []

        def step(b: Builder, t: SSAValue, rows: Sequence[SSAValue]) -> Sequence[SSAValue]:
            here = b.eq(place, b.broadcast(t, [], dims_of(place)))
            return b.grad(y.ssa, by, wrt.consts, b.where(here, ones, zeros), wrt.allowed)

    made = mapped(env.b, count_of(lacking), given, step)
    return [in_order(env, g, lacking, x.batch) for g, x in zip(made, leaves, strict=True)]


def pushed(env: Env, y: Tensor, tangents: Sequence[Tensor], wrt: Wrt) -> Tensor:
    """How `y` changes when each leaf of `wrt` moves along its tangent, which has its type."""
    leaves = [leaf.tensor for leaf in wrt.leaves]
    by, pairs = [x.ssa for x in leaves], list(zip(tangents, leaves, strict=True))
    own = {b for v, x in pairs for b in v.batch if b not in x.batch}
    extra = tuple(b for b in env.binders if b in own)
    if not extra:
        along = [spread(env, v, x.batch, x.dims).ssa for v, x in pairs]
        return Tensor(env.b.jvp(y.ssa, by, along, wrt.consts, wrt.allowed), batch=y.batch)
    given = []
    for v, x in pairs:
        batch = tuple(b for b in env.binders if b in extra or b in x.batch)
        given.append(rows_of(env, spread(env, v, batch, x.dims), extra))

    def step(b: Builder, t: SSAValue, rows: Sequence[SSAValue]) -> Sequence[SSAValue]:
        return [_at(b, b.jvp(y.ssa, by, rows, wrt.consts, wrt.allowed), t, extra, y)]

    (made,) = mapped(env.b, count_of(extra), given, step)
    return in_order(env, made, extra, _without(y.batch, extra))


# ---- rows


def mapped(b: Builder, count: Size, given: Sequence[SSAValue], step: Step) -> list[SSAValue]:
    """What `step` gives for row t of each of `given`, for t from 0 to count - 1, stacked."""
    scan = ScanDraft(count)
    own = [scan.row(x) for x in given]
    for row in step(Builder(scan.block, b.location), scan.time, own):
        scan.output(row)
    return list(b.insert(scan.finish()).results)


def rows_of(env: Env, x: Tensor, first: Batch) -> SSAValue:
    """The values of `x`, one row for each of the index variables `first`."""
    axes = [x.batch.index(b) for b in first]
    rest = [axis for axis in range(len(dims_of(x.ssa))) if axis not in axes]
    moved = env.b.transpose(x.ssa, [*axes, *rest])
    return env.b.reshape(moved, (count_of(first), *dims_of(moved)[len(first) :]))


def count_of(binders: Batch) -> Size:
    return size(sizes.product([binder_size(b) for b in binders]))


def _place(b: Builder, lacking: Batch, batch: Batch, y: Tensor) -> SSAValue:
    """The number of the row that each element of `y` belongs to."""
    number = b.linear_index([binder_size(x) for x in lacking])
    return b.broadcast(number, [batch.index(x) for x in lacking], dims_of(y.ssa))


def _at(b: Builder, x: SSAValue, t: SSAValue, binders: Batch, y: Tensor) -> SSAValue:
    """`x`, which has the type of `y`, where its index variables have the values of row `t`."""
    starts, at, dims, kept = [], list[Size](), list[Size](), list[Size]()
    for axis, extent in enumerate(dims_of(x)):
        binder = y.batch[axis] if axis < len(y.batch) else None
        if binder is None or binder not in binders:
            at, dims, kept = [*at, 0], [*dims, extent], [*kept, extent]
            continue
        after = count_of(binders[binders.index(binder) + 1 :])
        number = t if after == 1 else b.floordiv(t, b.size(after))
        starts.append(b.scalar("mod", number, b.size(extent)))
        at, dims = [*at, var("?")], [*dims, 1]
    return b.reshape(b.slice(x, dims, at, [1] * len(dims), starts), kept) if starts else x


def in_order(env: Env, x: SSAValue, first: Batch, inner: Batch) -> Tensor:
    """Rows for the index variables `first`, each with those of `inner`, as one value with both."""
    own = (*first, *inner)
    batch = tuple(b for b in env.binders if b in own)
    shape = (*(binder_size(b) for b in first), *dims_of(x)[1:])
    rest = range(len(own), len(shape))
    moved = env.b.transpose(env.b.reshape(x, shape), [*(own.index(b) for b in batch), *rest])
    return Tensor(moved, batch=batch)


def _without(batch: Batch, left_out: Batch) -> Batch:
    return tuple(b for b in batch if b not in left_out)
