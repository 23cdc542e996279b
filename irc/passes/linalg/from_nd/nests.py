"""Loops that carry tensors and scalars along, for what no `linalg.generic` says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import scf, tensor
from xdsl.ir import Block, Region, SSAValue

from irc.dialects.nd.body import INDEX
from irc.passes.linalg.from_nd.lowering import Lowering
from irc.sizes import Size

Values = Sequence[SSAValue]


def loop(
    c: Lowering,
    count: Size | SSAValue,
    carried: Values,
    step: Callable[[SSAValue, list[SSAValue]], Values],
    hint: str = "i",
) -> list[SSAValue]:
    """
    `step(i, carried)` gives the next values, for i = 0, 1, ... below `count`; the last are
    returned.
    """
    block = Block(arg_types=[INDEX, *(v.type for v in carried)])
    block.args[0].name_hint = hint
    end = count if isinstance(count, SSAValue) else c.index(count)
    op = scf.ForOp.create(
        operands=[c.index(0), end, c.index(1), *carried],
        result_types=[v.type for v in carried],
        regions=[Region(block)],
    )
    for v, arg in zip(carried, block.args[1:], strict=True):
        arg.name_hint = v.name_hint
    c.effect(op)
    outside = c.enter(block)
    c.effect(scf.YieldOp.create(operands=step(block.args[0], list(block.args[1:]))))
    c.leave(outside)
    return list(op.results)


def nest(
    c: Lowering,
    counts: Sequence[Size],
    carried: Values,
    step: Callable[[list[SSAValue], list[SSAValue]], Values],
    before: Values = (),
) -> list[SSAValue]:
    """A loop for each of `counts`, the last one innermost; `step(indices, carried)` as above."""
    done = list(before)
    if not counts:
        return list(step(done, list(carried)))

    def inner(i: SSAValue, values: list[SSAValue]) -> Values:
        return nest(c, counts[1:], values, step, [*done, i])

    return loop(c, counts[0], carried, inner, f"i{len(done)}")


def put(c: Lowering, x: SSAValue, target: SSAValue, places: Values) -> SSAValue:
    """`target` with one element replaced."""
    op = tensor.InsertOp.create(operands=[x, target, *places], result_types=[target.type])
    return c.add(op)
