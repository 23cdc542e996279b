"""
An op for many rows at once: `op.batched(b, count, xs, rows)`.

    y[t] = f(x[t], w)  for t < count      ->      y = f.batched(b, count, [x, w], [True, False])

`xs` are the operands, with a leading axis of `count` where `rows` says so; at least one has it.
The result has it too. An op without this method, or whose method gives None, is done row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from irc.dialects.nd.types import dims_of, rank_of
from irc.dtypes import I64
from irc.sizes import Size


def repeated(b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]) -> list[SSAValue]:
    """`xs`, each with the leading axis."""
    return [x if own else repeat(b, count, x) for x, own in zip(xs, rows, strict=True)]


def repeat(b: Any, count: Size, x: SSAValue) -> SSAValue:
    """`count` rows that are all `x`."""
    return b.broadcast(x, range(1, rank_of(x) + 1), (count, *dims_of(x)))


def row_numbers(b: Any, count: Size, dims: Sequence[Size]) -> SSAValue:
    """The number of each row, in a tensor of shape `[count, *dims]`."""
    return b.broadcast(b.iota([count], I64, 0), [0], (count, *dims))


def to_front(b: Any, x: SSAValue, axis: int) -> SSAValue:
    """`x` with one axis moved before the others."""
    return b.transpose(x, [axis, *(d for d in range(rank_of(x)) if d != axis)])
