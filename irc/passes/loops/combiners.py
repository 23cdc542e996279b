"""How the outputs of a reduction take in elements: the op, what it starts from, where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.linalg.ops import YieldOp
from xdsl.ir import Operation, SSAValue

from irc.passes.loops.builder import Index, Pen, constant_value
from irc.passes.loops.nest import Nest, is_bool
from irc.passes.loops.structured import Structured, element_index

ORDERED = (arith.AddfOp, arith.MulfOp)
ANY_ORDER = (
    arith.MaximumfOp,
    arith.MinimumfOp,
    arith.MaxnumfOp,
    arith.MinnumfOp,
    arith.AddiOp,
    arith.MuliOp,
    arith.AndIOp,
    arith.OrIOp,
    arith.XOrIOp,
    arith.MaxSIOp,
    arith.MinSIOp,
    arith.MaxUIOp,
    arith.MinUIOp,
)


@dataclass(eq=False)
class Combiner:
    """
    How one output takes in an element: acc = cls(acc, value).

    neutral   the fill that the accumulator starts from, None when it starts from memory
    """

    cls: type[Operation]
    value: SSAValue
    neutral: SSAValue | None

    def apply(self, pen: Pen, acc: SSAValue, value: SSAValue) -> SSAValue:
        return pen.op(self.cls, [acc, value], acc.type)


def combiners_of(s: Structured, inits: Sequence[SSAValue | None]) -> list[Combiner] | None:
    """One for each output, or None when the body is not made of known ones."""
    block = s.op.body.block
    end = block.last_op
    assert isinstance(end, YieldOp)
    found: list[Combiner] = []
    accs = block.args[len(s.inputs) :]
    for acc, yielded, init in zip(accs, end.operands, inits, strict=True):
        op = yielded.owner
        if not isinstance(op, ORDERED + ANY_ORDER) or op.parent is not block:
            return None
        if len(list(acc.uses)) != 1 or acc not in op.operands or len(list(yielded.uses)) != 1:
            return None
        value = op.operands[1] if op.operands[0] is acc else op.operands[0]
        found.append(Combiner(type(op), value, init))
    return found


def starts(combiners: Sequence[Combiner], pen: Pen) -> list[SSAValue]:
    """Neutral elements, from which the partials start."""
    return [_neutral(c, pen) for c in combiners]


def _neutral(c: Combiner, pen: Pen) -> SSAValue:
    type_ = c.value.type
    number: int | float
    if c.cls in (arith.AddfOp, arith.AddiOp, arith.OrIOp, arith.XOrIOp, arith.MaxUIOp):
        number = 0
    elif c.cls in (arith.MulfOp, arith.MuliOp):
        number = 1
    elif c.cls in (arith.MaximumfOp, arith.MaxnumfOp):
        number = float("-inf")
    elif c.cls in (arith.MinimumfOp, arith.MinnumfOp):
        number = float("inf")
    elif c.cls in (arith.AndIOp, arith.MinUIOp):
        number = 1 if is_bool(c.value) else -1
    else:
        width = type_.width.data  # type: ignore[attr-defined]
        number = -(1 << (width - 1)) if c.cls is arith.MaxSIOp else (1 << (width - 1)) - 1
    if c.cls in (arith.MaxnumfOp, arith.MinnumfOp):
        number = float("nan")  # ignored by them, and right for nothing but NaN
    return pen.pool.number(number, type_)


def take(s: Structured, combiners: Sequence[Combiner], nest: Nest) -> list[SSAValue]:
    """The values that go into the accumulators, computed in the nest."""
    block = s.op.body.block
    end = block.last_op
    assert isinstance(end, YieldOp)
    finals = [v.owner for v in end.operands]
    end.operands = [c.value for c in combiners]
    for op in finals:
        assert isinstance(op, Operation)
        op.detach()
        op.erase()
    arguments: list[SSAValue | None] = [
        nest.element(o) if block.args[n].first_use else None for n, o in enumerate(s.inputs)
    ]
    return nest.body(block, [*arguments, *([None] * len(s.outputs))])


def write(
    s: Structured,
    combiners: Sequence[Combiner],
    totals: Sequence[SSAValue],
    ivs: Sequence[Index],
    pen: Pen,
) -> None:
    """Stores the results, after what the outputs held unless they start from the neutral."""
    for output, c, total in zip(s.outputs, combiners, totals, strict=True):
        ref, indices = element_index(output, ivs, pen)
        if c.neutral is None:
            total = c.apply(pen, pen.load(ref, indices), total)
        elif not _is_neutral(c):
            total = c.apply(pen, c.neutral, total)
        pen.store(total, ref, indices)


def _is_neutral(c: Combiner) -> bool:
    """Whether the constant that the output starts from changes nothing."""
    value = constant_value(c.neutral)
    if value is None:
        return False
    if c.cls in (arith.AddfOp, arith.AddiOp, arith.OrIOp, arith.XOrIOp):
        return value == 0
    if c.cls in (arith.MulfOp, arith.MuliOp):
        return value == 1
    if c.cls is arith.MaximumfOp:
        return value == float("-inf")
    if c.cls is arith.MinimumfOp:
        return value == float("inf")
    return False
