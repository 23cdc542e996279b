"""Reads at positions that are data: `W[idx]`, `logp[i, y[i]]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.layout import Label
from irc.frontend.analysis.values import Binder, Tensor
from irc.sizes import Size


@dataclass(frozen=True)
class Gathered:
    """
    Positions along a dimension.

    index      integers; its own dimensions come into the result
    item       the subscript as written; None for an index variable that irc counts itself
    in_bounds  whether all positions are proved inside
    """

    index: Tensor
    item: tree.Expr | None
    in_bounds: bool


def gather(
    env: Env,
    node: tree.Index,
    x: Tensor,
    windowed: Tensor,
    labels: Sequence[Label],
    gathered: Sequence[tuple[int, Gathered]],
) -> tuple[Tensor, list[Label]]:
    """
    Reads `windowed`, the windows of `x` with axes `labels`, at the positions of `gathered`.

    Returns the elements and what their axes stand for. As in NumPy, the dimensions of the index
    tensors come where the first of them stood if they are neighbours, else in front.
    """
    positions = [Tensor(env.b.cast(g.index.ssa, I64), batch=g.index.batch) for _, g in gathered]
    site = Site("index tensors", node.span)
    operands = [Operand(g.item or node, p) for (_, g), p in zip(gathered, positions, strict=True)]
    shape = common_dims(env, site, operands)
    batch = merged_batch(env, positions)
    shared = [b for b in labels if isinstance(b, Binder) and b in batch]
    columns = {
        _axis(labels, k): (spread(env, p, batch, shape), k, g)
        for (k, g), p in zip(gathered, positions, strict=True)
    }
    safe = all(g.in_bounds for _, g in gathered)
    indices = {a: _checked(env, node, x, p, k, g) for a, (p, k, g) in columns.items()}
    for b in shared:  # the axis of a variable that also picks the positions: read along it
        counter = Tensor(env.b.iota((binder_size(b),), I64, 0), batch=(b,))
        indices[_axis(labels, b)] = _repeated(env, counter, batch, shape)
    axes = sorted(indices)
    if env.guard is not None and not safe:
        masked = _axis(labels, gathered[0][0])
        indices[masked] = _masked(env, indices[masked], batch, shape)
        in_bounds = False
    else:
        in_bounds = True
    ssa = env.b.gather(windowed.ssa, [indices[a].ssa for a in axes], axes, in_bounds)
    rest = [label for a, label in enumerate(labels) if a not in indices]
    return Tensor(ssa, x.origin), [*batch, *_numbers(gathered, rest, len(shape)), *_rest(rest)]


_SPREAD = 64  # numbers of dimensions are spaced so that an index tensor's fit between two


def _numbers(gathered: Sequence[tuple[int, Gathered]], rest: list[Label], rank: int) -> list[int]:
    """Numbers that put the dimensions of the index tensors into their place."""
    at = [k for k, g in gathered if g.item is not None and (g.index.rank or not g.index.batch)]
    at = at or [k for k, _ in gathered]
    neighbours = all(b == a + 1 for a, b in zip(at, at[1:], strict=False))
    first = at[0] * _SPREAD if neighbours else -_SPREAD
    return [first + i for i in range(rank)]


def _rest(rest: Sequence[Label]) -> list[Label]:
    return [label * _SPREAD if isinstance(label, int) else label for label in rest]


def _axis(labels: Sequence[Label], label: Label) -> int:
    return next(i for i, other in enumerate(labels) if other is label or other == label)


def _repeated(env: Env, x: Tensor, batch: tuple[Binder, ...], shape: Sequence[Size]) -> Tensor:
    """A counter without dimensions, for every position."""
    full = (*(binder_size(b) for b in batch), *shape)
    axes = [batch.index(b) for b in x.batch]
    return Tensor(env.b.broadcast(x.ssa, axes, full), batch=batch)


def _masked(env: Env, x: Tensor, batch: tuple[Binder, ...], shape: Sequence[Size]) -> Tensor:
    """-1, which reads nothing, where the value is not wanted."""
    assert env.guard is not None
    wanted = _repeated(env, env.guard, batch, shape) if _within(env.guard, batch) else None
    if wanted is None:
        return x
    return Tensor(env.b.where(wanted.ssa, x.ssa, env.b.like(x.ssa, -1)), batch=batch)


def _within(guard: Tensor, batch: tuple[Binder, ...]) -> bool:
    return all(b in batch for b in guard.batch)


def _checked(env: Env, node: tree.Index, x: Tensor, p: Tensor, axis: int, g: Gathered) -> Tensor:
    """The positions, after a check at run time unless they are proved inside."""
    if g.in_bounds:
        return p
    b, size = env.b, x.dims[axis]
    zero = b.like(p.ssa, 0)
    limit = b.broadcast(b.size(size), [], dims_of(p.ssa))
    ok = b.scalar("and", b.scalar("ge", p.ssa, zero), b.scalar("lt", p.ssa, limit))
    if env.guard is not None and _within(env.guard, p.batch):
        wanted = _repeated(env, env.guard, p.batch, p.dims)
        ok = b.scalar("or", ok, b.scalar("not", wanted.ssa))
    shown = [p.ssa]
    text = f"index {_spelled_index(env, node, p, g)} = {{0}}"
    if isinstance(size, int):
        end = f"(size {size})"
    else:
        end = "(size {1})"
        shown.append(b.size(size))
    base = spelled(env, node.base)
    b.assert_(ok, f"{text} is outside dimension {axis} of {base} {end}", shown, "bounds")
    return p


def _spelled_index(env: Env, node: tree.Index, p: Tensor, g: Gathered) -> str:
    """`y[{@0}]`: the subscript with the position of the failure for its index variables."""
    assert g.item is not None
    places = {b.name: f"{{@{k}}}" for k, b in enumerate(p.batch)}
    text = spelled(env, g.item).replace("{", "{{").replace("}", "}}")
    own = [f"{{@{k}}}" for k in range(len(p.batch), len(p.batch) + p.rank)]
    item = g.item
    if isinstance(item, tree.Index) and all(
        isinstance(i, tree.Name) and i.name in places for i in item.items
    ):
        inside = [places[i.name] for i in item.items if isinstance(i, tree.Name)]
        return f"{spelled(env, item.base)}[{', '.join(inside + own)}]"
    if isinstance(item, tree.Name) and not p.batch and own:
        return f"{text}[{', '.join(own)}]"
    where = [f"{name} = {place}" for name, place in places.items()]
    return f"{text} (at {', '.join(where)})" if where else text
