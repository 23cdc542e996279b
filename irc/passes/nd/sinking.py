"""
Elementwise functions of what was reshaped or repeated: computed first, and moved then.

So as much as possible is computed on the smaller tensor, and moves meet and cancel.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc.dialects.nd.scalar import ELEMENTWISE, ElementwiseOp, PointwiseOp
from irc.dialects.nd.structure import BroadcastOp, CastOp, ReshapeOp, WhereOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.passes.nd.rules import Rewriter, Rewritten, rule

UNARY = tuple(cls for cls in ELEMENTWISE.values() if cls.SCALAR.arity == 1)
BINARY = tuple(cls for cls in ELEMENTWISE.values() if cls.SCALAR.arity == 2)


@rule(*UNARY)
def function_of_broadcast(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """f(broadcast(x)) -> broadcast(f(x))"""
    moved = b.made_by(op.operands[0], BroadcastOp)
    if not moved:
        return None
    small = b.scalar(op.SCALAR.name, moved.x)
    return b.broadcast(small, moved.dims.data, dims_of(op.results[0]))


@rule(CastOp)
def cast_of_broadcast(op: CastOp, b: Rewriter) -> Rewritten:
    """cast(broadcast(x)) -> broadcast(cast(x))"""
    moved = b.made_by(op.x, BroadcastOp)
    if not moved:
        return None
    return b.broadcast(b.cast(moved.x, dtype_of(op.res)), moved.dims.data, dims_of(op.res))


@rule(*UNARY)
def function_of_reshape(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """f(reshape(x)) -> reshape(f(x))"""
    moved = b.made_by(op.operands[0], ReshapeOp)
    if not moved:
        return None
    return b.reshape(b.scalar(op.SCALAR.name, moved.x), dims_of(op.results[0]))


@rule(CastOp)
def cast_of_reshape(op: CastOp, b: Rewriter) -> Rewritten:
    """cast(reshape(x)) -> reshape(cast(x))"""
    moved = b.made_by(op.x, ReshapeOp)
    return b.reshape(b.cast(moved.x, dtype_of(op.res)), dims_of(op.res)) if moved else None


@rule(*BINARY, WhereOp)
def function_of_reshapes(op: PointwiseOp, b: Rewriter) -> Rewritten:
    """f(reshape(x), reshape(y)) -> reshape(f(x, y)) for one shape of x and y, or a number"""
    moved = [b.made_by(x, ReshapeOp) for x in op.operands]
    first = next((m for m in moved if m), None)
    if not first:
        return None
    shape, operands = dims_of(first.x), list[SSAValue]()
    for x, m in zip(op.operands, moved, strict=True):
        number = b.number_of(x)
        if number is not None:
            operands.append(b.full(shape, dtype_of(x), number))
        elif m and dims_of(m.x) == shape:
            operands.append(m.x)
        else:
            return None
    if isinstance(op, ElementwiseOp):
        small = b.scalar(op.SCALAR.name, *operands)
    else:
        small = b.where(*operands)
    return b.reshape(small, dims_of(op.results[0]))


@rule(*BINARY)
def function_of_broadcasts(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """f(broadcast(x), broadcast(y)) -> broadcast(f(x, y)), also where one is a number"""
    small = _small_operands(op.operands, b)
    if small is None:
        return None
    moved, operands = small
    return b.broadcast(b.scalar(op.SCALAR.name, *operands), moved.dims.data, dims_of(op.results[0]))


@rule(WhereOp)
def where_of_broadcasts(op: WhereOp, b: Rewriter) -> Rewritten:
    """where(broadcast(c), broadcast(x), broadcast(y)) -> broadcast(where(c, x, y))"""
    small = _small_operands(op.operands, b)
    if small is None:
        return None
    moved, (c, x, y) = small
    return b.broadcast(b.where(c, x, y), moved.dims.data, dims_of(op.res))


def _small_operands(
    operands: Sequence[SSAValue], b: Rewriter
) -> tuple[BroadcastOp, list[SSAValue]] | None:
    """What is broadcast alike in all operands, with numbers made to fit."""
    moved = [b.made_by(x, BroadcastOp) for x in operands]
    first = next((m for m in moved if m), None)
    if not first:
        return None
    shape, dims = dims_of(first.x), first.dims
    numbers = [b.number_of(x) for x in operands]
    for m, number in zip(moved, numbers, strict=True):
        if number is None and not (m and m.dims == dims and dims_of(m.x) == shape):
            return None
    return first, [
        m.x if m and number is None else b.full(shape, dtype_of(x), number)  # type: ignore[arg-type]
        for m, number, x in zip(moved, numbers, operands, strict=True)
    ]


SINKING = (
    function_of_broadcast,
    cast_of_broadcast,
    function_of_reshape,
    cast_of_reshape,
    function_of_reshapes,
    function_of_broadcasts,
    where_of_broadcasts,
)
