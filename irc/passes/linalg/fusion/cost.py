"""What a loop body costs, and how much of it may be computed more than once."""

from __future__ import annotations

from xdsl.dialects import arith, math, tensor
from xdsl.dialects.linalg.ops import IndexOp, YieldOp
from xdsl.ir import Block, Operation

from irc.dialects import rt
from irc.dialects.foreign import ForeignOp
from irc.dialects.upstream import RemfOp

REPEAT_LIMIT = 2  # per element, again along loops that the producer does not have
DUPLICATE_LIMIT = 4  # per element, in several loop nests instead of one more array
OPERAND_LIMIT = 32  # of one loop nest: pointers and streams are scarce
SLOW = 8
NEVER = 1000  # never computed twice

_FREE: tuple[type[Operation], ...] = (
    arith.ConstantOp,
    arith.IndexCastOp,
    arith.ExtFOp,
    arith.ExtSIOp,
    arith.ExtUIOp,
    arith.TruncFOp,
    arith.TruncIOp,
    IndexOp,
    YieldOp,
)
_SLOW: tuple[type[Operation], ...] = (
    arith.DivfOp,
    arith.DivSIOp,
    arith.DivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    math.SqrtOp,
)
_CHEAP_MATH: tuple[type[Operation], ...] = (
    math.AbsFOp,
    math.CeilOp,
    math.CopySignOp,
    math.FloorOp,
    math.RoundEvenOp,
    math.TruncOp,
)
_COSTS: dict[type[Operation], int] = {
    **dict.fromkeys(_FREE, 0),
    **dict.fromkeys(_SLOW, SLOW),
    **dict.fromkeys(_CHEAP_MATH, 1),
    tensor.ExtractOp: 2,
    RemfOp: NEVER,
    rt.PhiloxOp: NEVER,
    rt.SpecialOp: NEVER,
    ForeignOp: NEVER,
}


def body_cost(block: Block) -> int:
    """Rough count of simple operations for one element; NEVER and more with a function call."""
    return sum(_cost(type(op)) for op in block.ops)


def _cost(cls: type[Operation]) -> int:
    known = _COSTS.get(cls)
    if known is None:
        known = _COSTS[cls] = NEVER if cls.name.startswith("math.") else 1
    return known
