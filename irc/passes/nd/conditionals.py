"""Identities of `nd.if`."""

from __future__ import annotations

from xdsl.ir import Block, OpResult

from irc.dialects.nd.control import IfOp, YieldOp
from irc.passes.nd.rules import Rewriter, Rewritten, rule


@rule(IfOp)
def known_condition(op: IfOp, b: Rewriter) -> Rewritten:
    """if true { x } else { y } -> x, with what the region does; if false -> y"""
    c = b.number_of(op.cond)
    if c is None:
        return None
    block = op.then.block if c else op.orelse.block
    *body, end = block.ops
    for inner in body:
        inner.detach()
        b.point.block.insert_op_before(inner, op)
        b.written.append(inner)
    return list(end.operands)


@rule(IfOp)
def same_in_both(op: IfOp, b: Rewriter) -> Rewritten:
    """if c { x, y } else { x, z } -> x, if c { y } else { z }; results without uses leave too"""
    ends = [_end(op.then.block), _end(op.orelse.block)]
    yielded = list(zip(*(end.operands for end in ends), strict=True))
    kept = [
        k for k, (x, y) in enumerate(yielded) if x is not y and op.results[k].first_use is not None
    ]
    if len(kept) == len(op.results):
        return None
    for end in ends:
        values = [end.operands[k] for k in kept]
        b.written += [x.op for x in end.operands if isinstance(x, OpResult)]  # maybe dead now
        shorter = YieldOp.create(operands=values)
        shorter.location = end.location
        block = end.parent
        assert block is not None
        block.erase_op(end)
        block.add_op(shorter)
    regions = [op.detach_region(region) for region in list(op.regions)]
    new = IfOp(op.cond, [op.results[k].type for k in kept], *regions)  # type: ignore[misc]
    b.insert(new)
    rest = dict(zip(kept, new.results, strict=True))
    unused = [r.first_use is None for r in op.results]
    return [rest[k] if k in rest else None if unused[k] else x for k, (x, _) in enumerate(yielded)]


def _end(block: Block) -> YieldOp:
    end = block.last_op
    assert isinstance(end, YieldOp)
    return end


CONDITIONALS = (known_condition, same_in_both)
