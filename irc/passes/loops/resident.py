"""Factors that a loop multiplies with at each step: packed once, before the loop."""

from __future__ import annotations

from xdsl.dialects import memref, scf
from xdsl.ir import Operation, SSAValue

from irc.passes.loops.builder import Pen
from irc.passes.loops.structured import Operand, root, written_by

_VIEWS = (memref.ReinterpretCastOp, memref.SubviewOp)


class Residents:
    """Knows what the loops around a place leave alone."""

    def __init__(self) -> None:
        self._written: dict[Operation, set[SSAValue]] = {}

    def enter(self, loop: Operation) -> None:
        """To be called for a loop before anything inside it is lowered."""
        self._written[loop] = {root(v, loop) for v in written_by(loop)}

    def home(self, operand: Operand, pen: Pen) -> Pen | None:
        """Before the outermost loop around `pen` that does not change `operand`; None without."""
        found: Operation | None = None
        op = pen.block.parent_op()
        while op is not None:
            if op in self._written:
                changes = root(operand.ref, op) in self._written[op]
                if changes or not _made_before(operand.ref, op):
                    break
                found = op
            elif not isinstance(op, scf.IfOp):
                break
            op = op.parent_op()
        if found is None or found.parent is None:
            return None
        _lift(operand.ref, found)
        return Pen(pen.pool, found.parent, found, pen.location)


def _made_before(ref: SSAValue, loop: Operation) -> bool:
    """Whether `ref` is made before the loop, or is a view that might be."""
    block = ref.owner if not isinstance(ref.owner, Operation) else ref.owner.parent
    if block is None or not loop.is_ancestor(block):
        return True
    view = ref.owner
    return isinstance(view, _VIEWS) and all(_made_before(v, loop) for v in view.operands)


def _lift(ref: SSAValue, loop: Operation) -> None:
    """Moves a view before the loop."""
    view = ref.owner
    if not isinstance(view, _VIEWS) or not loop.is_ancestor(view):
        return
    for value in view.operands:
        _lift(value, loop)
    view.detach()
    assert loop.parent is not None
    loop.parent.insert_op_before(view, loop)
