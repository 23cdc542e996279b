"""The order of axes: index variables first, outermost first, then the dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from irc.dialects.nd.types import dims_of
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Binder, Origin, Tensor

# What an axis stands for: an index variable, or a dimension, sorted by its number.
Label = Binder | int

SPACE = 64  # between the numbers of two items of a subscript: an index tensor has many dimensions


def spaced(labels: Sequence[Label], slots: Sequence[int]) -> list[Label]:
    """Labels whose numbers are those of dimensions, `slots` being their places in a subscript."""
    return [slots[label] * SPACE if isinstance(label, int) else label for label in labels]


def arrange(env: Env, x: Tensor, labels: Sequence[Label], origin: Origin) -> Tensor:
    """`x`, whose axes stand for `labels`, with its axes in order."""
    assert len(labels) == len(dims_of(x.ssa))
    binders = tuple(b for b in env.binders if b in labels)
    numbers = sorted(k for k in labels if isinstance(k, int))
    order: list[Label] = [*binders, *numbers]
    perm = [_position(labels, label) for label in order]
    return Tensor(env.b.transpose(x.ssa, perm), origin, binders)


def _position(labels: Sequence[Label], label: Label) -> int:
    return next(i for i, other in enumerate(labels) if other is label or other == label)


def insert_axes(env: Env, x: Tensor, labels: Sequence[Label], slots: Sequence[int]) -> Tensor:
    """Axes of size 1 for `newaxis` at the places `slots` of the subscript, among `labels`."""
    if not slots:
        return x
    numbers = sorted([k for k in labels if isinstance(k, int)] + [k * SPACE for k in slots])
    own = iter(x.dims)
    dims = [1 if k % SPACE == 0 and k // SPACE in slots else next(own) for k in numbers]
    batch = dims_of(x.ssa)[: len(x.batch)]
    return Tensor(env.b.reshape(x.ssa, [*batch, *dims]), x.origin, x.batch)
