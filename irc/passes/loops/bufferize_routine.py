"""Where routines of linear algebra read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.types import shape_dims
from irc.dialects.routines import RoutineOp
from irc.passes.loops.builder import Pen
from irc.passes.loops.liveness import Liveness
from irc.passes.loops.places import Buffer, Place, is_strided, memref_of

if TYPE_CHECKING:
    from irc.passes.loops.bufferize import Bufferizer


def bufferize_routine(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """
    Results never lie where an operand does, which a routine reads while it writes; nor in a
    state, whose old value the call may still need when it fails.
    """
    assert isinstance(op, RoutineOp)
    pen = Pen(f.pool, live.block, op, op.location)
    ins = [dense(f, x, pen, live) for x in op.ins]
    outs = [f.settle(x, apart(f, x, pen, live), live) for x in op.res]
    pen.insert(
        RoutineOp.create(operands=[*ins, *outs], properties=op.properties, attributes=op.attributes)
    )
    f.erase.append(op)


def dense(f: Bufferizer, x: SSAValue, pen: Pen, live: Liveness) -> SSAValue:
    """The memory of an operand, without gaps."""
    ref = f.places[x].ref
    if not is_strided(ref):
        return ref
    whole = pen.alloc(memref_of(x.type), shape_dims(x.type), x.name_hint)
    f.copy(pen, ref, whole)
    return whole


def apart(f: Bufferizer, x: SSAValue, pen: Pen, live: Liveness) -> Place:
    wanted = f.wanted.get(x)
    if wanted is None or wanted.buffer.state is None:
        return f.fresh(x, pen, live)
    ref = pen.alloc(memref_of(x.type), shape_dims(x.type), x.name_hint)
    return Place(Buffer(ref, live.block), ref)
