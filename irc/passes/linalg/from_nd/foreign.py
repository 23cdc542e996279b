"""Functions of other libraries that take whole arrays: a call, and a check of its status."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, StringAttr, i32
from xdsl.ir import Operation

from irc.dialects.foreign import ForeignCallOp
from irc.dialects.nd.body import storage
from irc.dialects.nd.foreign import ExternOp, refusal
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I32
from irc.passes.linalg.from_nd.effects import require
from irc.passes.linalg.from_nd.lowering import Lower, Lowering
from irc.passes.linalg.generics import segments


def extern(op: ExternOp, c: Lowering) -> None:
    sizes = [c.index(d) for d in op.sizes.data]
    ins = [c.value(x) if dims_of(x) else c.scalar(x) for x in op.xs]
    outs = [c.empty(dims_of(r), storage(dtype_of(r))) for r in op.res]
    dtypes = [StringAttr(dtype_of(x).name) for x in (*op.xs, *op.res)]
    call = ForeignCallOp.create(
        operands=[*sizes, *ins, *outs],
        result_types=[i32, *(x.type for x in outs)],
        properties={
            "symbol": op.symbol,
            "library": op.library,
            "dtypes": ArrayAttr(dtypes),
            "operandSegmentSizes": segments(len(sizes), len(ins), len(outs)),
        },
    )
    call.status.name_hint = "status"
    c.effect(call)
    s = c.pen()
    ok = s.compare("eq", call.status, s.const(0, I32), I32)
    require(c, ok, "assert", refusal(op), [(call.status, I32.name)])
    for old, new in zip(op.res, call.res, strict=True):
        c.define(old, new)


LOWERINGS: dict[type[Operation], Lower] = {ExternOp: extern}
