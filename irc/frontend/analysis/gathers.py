"""Reads at positions that are data: index tensors, as in NumPy, with their checks."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects.nd.types import dims_of
from irc.dtypes import I64
from irc.frontend import tree
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    binder_size,
    common_dims,
    merged_batch,
    spread,
)
from irc.frontend.analysis.checks import Places, demand, escaped, outside, over
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.layout import SPACE, Label, spaced
from irc.frontend.analysis.values import Binder, Tensor
from irc.frontend.analysis.windows import Gathered
from irc.sizes import Size


def gather(
    env: Env,
    node: tree.Index,
    x: Tensor,
    windowed: Tensor,
    labels: Sequence[Label],
    gathered: Sequence[tuple[int, Gathered]],
    slots: Sequence[int],
) -> tuple[Tensor, list[Label]]:
    """
    Reads `windowed`, the windows of `x` with axes `labels`, at the positions of `gathered`.

    slots   where each dimension of `x` stands in the subscript

    Returns the elements and what their axes stand for. As in NumPy, the dimensions of the index
    tensors come where the first of them stood if they are neighbours, else in front.
    """
    positions = _aligned(env, gathered)
    shape = _common_shape(env, node, positions, gathered)
    batch = merged_batch(env, positions)
    shared = [b for b in labels if isinstance(b, Binder) and b in batch]
    for (k, g), p in zip(gathered, positions, strict=True):
        if not g.in_bounds:
            _check(env, node, x, p, k, g)
    indices = {
        _axis(labels, k): spread(env, p, batch, shape)
        for (k, _), p in zip(gathered, positions, strict=True)
    }
    for b in shared:  # the axis of a variable that also picks the positions: read along it
        counter = Tensor(env.b.iota((binder_size(b),), I64, 0), batch=(b,))
        indices[_axis(labels, b)] = spread(env, counter, batch, shape)
    axes = sorted(indices)
    safe = env.guard is None or all(g.in_bounds for _, g in gathered)
    if not safe:
        masked = _axis(labels, gathered[0][0])
        indices[masked] = _masked(env, indices[masked])
    ssa = env.b.gather(windowed.ssa, [indices[a].ssa for a in axes], axes, in_bounds=safe)
    rest = [label for a, label in enumerate(labels) if a not in indices]
    return Tensor(ssa, x.origin), [
        *batch,
        *_numbers(gathered, len(shape), slots),
        *spaced(rest, slots),
    ]


def _aligned(env: Env, gathered: Sequence[tuple[int, Gathered]]) -> list[Tensor]:
    """
    The positions in i64. Index tensors meet at the right; each slice that slides gets an axis of
    its own behind them.
    """
    sliding = [k for k, g in gathered if g.slides]
    result = []
    for k, g in gathered:
        p = Tensor(env.b.cast(g.index.ssa, I64), batch=g.index.batch)
        after: list[Size] = [1] * len(sliding)
        own = list(p.dims)
        if g.slides:
            own, after[sliding.index(k)] = [], p.dims[0]
        dims = [*dims_of(p.ssa)[: len(p.batch)], *own, *after]
        result.append(Tensor(env.b.reshape(p.ssa, dims), batch=p.batch))
    return result


def _common_shape(
    env: Env, node: tree.Index, positions: Sequence[Tensor],
    gathered: Sequence[tuple[int, Gathered]],
) -> tuple[Size, ...]:  # fmt: skip
    operands = [
        Operand(g.item if isinstance(g.item, tree.Expr) else node, p)
        for (_, g), p in zip(gathered, positions, strict=True)
    ]
    return common_dims(env, Site("index tensors", node.span), operands)


def _numbers(
    gathered: Sequence[tuple[int, Gathered]], rank: int, slots: Sequence[int]
) -> list[int]:
    """Numbers that put the dimensions of the index tensors, and of slices, into their place."""
    slides = [slots[k] * SPACE for k, g in gathered if g.slides]
    data = [(slots[k], g) for k, g in gathered if not g.slides]
    at = [k for k, g in data if g.item is not None and (g.index.rank or not g.index.batch)]
    at = at or [k for k, _ in data] or [0]
    neighbours = all(b == a + 1 for a, b in zip(at, at[1:], strict=False))
    first = at[0] * SPACE if neighbours else -SPACE
    return [*(first + i for i in range(rank - len(slides))), *slides]


def _axis(labels: Sequence[Label], label: Label) -> int:
    return next(i for i, other in enumerate(labels) if other is label or other == label)


def _masked(env: Env, x: Tensor) -> Tensor:
    """-1, which reads nothing, where the value is not wanted."""
    assert env.guard is not None
    if not all(b in x.batch for b in env.guard.batch):
        return x  # wanted for some value of another variable: the read itself stays inside
    wanted = over(env, env.guard, x)
    return Tensor(env.b.where(wanted.ssa, x.ssa, env.b.like(x.ssa, -1)), batch=x.batch)


def _check(env: Env, node: tree.Index, x: Tensor, p: Tensor, axis: int, g: Gathered) -> None:
    """At run time: the positions are inside."""
    b = env.b
    limit = b.broadcast(b.size(x.dims[axis]), [], dims_of(p.ssa))
    inside = b.scalar("and", b.scalar("ge", p.ssa, b.like(p.ssa, 0)), b.scalar("lt", p.ssa, limit))
    end, more = outside(env, node, x, axis)

    def say(places: Places, own: list[str]) -> str:
        index = _spelled_index(env, g, places, own[: g.index.rank])
        return f"index {index} = {{0}} {end}"

    demand(env, Tensor(inside, batch=p.batch), [p, *more], say)


def _spelled_index(env: Env, g: Gathered, places: Places, own: list[str]) -> str:
    """`y[{@0}]`: the subscript with the position of the failure for its index variables."""
    item = g.item
    assert item is not None
    text = escaped(spelled(env, item))
    if isinstance(item, tree.Index) and all(
        isinstance(i, tree.Name) and i.name in places for i in item.items
    ):
        inside = [places[i.name] for i in item.items if isinstance(i, tree.Name)]
        return f"{escaped(spelled(env, item.base))}[{', '.join(inside + own)}]"
    where = [f"{name} = {place}" for name, place in places.items()]
    if isinstance(item, tree.Name) and own:
        text = f"{text}[{', '.join(own)}]"
    elif own:
        where.append(f"[{', '.join(own)}]")
    return f"{text} (at {', '.join(where)})" if where else text
