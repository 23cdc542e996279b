"""Where functions of other libraries read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.ir import Operation

from irc.dialects.foreign import ForeignCallOp
from irc.passes.loops.bufferize_routine import apart, dense
from irc.passes.loops.builder import Pen
from irc.passes.loops.liveness import Liveness

if TYPE_CHECKING:
    from irc.passes.loops.bufferize import Bufferizer


def bufferize_foreign(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """As routines, results lie neither where an operand does nor in a state: a call may fail."""
    assert isinstance(op, ForeignCallOp)
    pen = Pen(f.pool, live.block, op, op.location)
    ins = [dense(f, x, pen, live) if x in f.places else x for x in op.ins]
    outs = [f.settle(x, apart(f, x, pen, live), live) for x in op.res]
    call = ForeignCallOp.create(
        operands=[*op.sizes, *ins, *outs],
        result_types=[op.status.type],
        properties=op.properties,
        attributes=op.attributes,
    )
    call.status.name_hint = op.status.name_hint
    pen.insert(call)
    op.status.replace_all_uses_with(call.status)
    f.erase.append(op)
