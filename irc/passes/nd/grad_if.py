"""The derivative of `nd.if`: of the region that was taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Block, Region, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import IfOp, YieldOp
from irc.dialects.nd.effects import AssertOp, PrintOp
from irc.dialects.nd.types import dtype_of
from irc.passes.nd.grad_flows import Flows, Gradients, Walk, add_to
from irc.passes.nd.grad_paths import captured, varied
from irc.passes.nd.rules import blocks_of


def through_if(
    walk: Walk, b: Builder, op: IfOp, changing: set[SSAValue], gradients: Gradients
) -> Flows:
    """
    if c { f(x) } else { g(x) }   ->   dx = if c { df(x) } else { dg(x) }

    Each region computes its forward ops once more, as their values are not seen outside.
    """
    given = [gradients.get(r) for r in op.results]
    xs = [x for x in captured(op) if x in changing and dtype_of(x).is_float]
    if not xs:
        return []
    blocks = [_region(walk, b.location, block, xs, given) for block in blocks_of(op)]
    new = IfOp(op.cond, [x.type for x in xs], *(Region(block) for block in blocks))  # type: ignore[misc]
    b.insert(new)
    return zip(xs, new.results, strict=True)


def _region(
    walk: Walk,
    location: LocationAttr,
    source: Block,
    xs: list[SSAValue],
    given: Sequence[SSAValue | None],
) -> Block:
    block, copies = Block(), dict[SSAValue, SSAValue]()
    end = source.last_op
    assert isinstance(end, YieldOp)
    path = [inner.clone(copies) for inner in source.ops if inner is not end]
    block.add_ops(path)
    b = Builder(block, location)
    gradients: Gradients = {}
    for y, dy in zip(end.operands, given, strict=True):
        if dy is not None:
            add_to(b, gradients, copies.get(y, y), dy)
    walk(b, path, varied(path, xs), gradients)
    b.location = location
    found = [gradients.get(x) for x in xs]
    results = [b.like(x, 0) if g is None else g for x, g in zip(xs, found, strict=True)]
    b.insert(YieldOp.create(operands=results))
    drop_effects(block.walk())
    return block


def drop_effects(ops: Iterable[object]) -> None:
    """Erases checks and prints from a computation that is made once more."""
    for op in list(ops):
        if isinstance(op, AssertOp | PrintOp):
            assert op.parent is not None
            op.parent.erase_op(op)
