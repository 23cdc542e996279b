"""Lines for `nd`: single ops are evaluated by the NumPy reference, effects are written here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.ir import Operation

from irc.dialects import nd
from irc.dialects.foreign import ForeignCallOp
from irc.dialects.foreign_calls import ForeignRoutine
from irc.dialects.nd import linear_numpy
from irc.dialects.routines import RoutineOp
from irc.dialects.verify import describe, span_of
from irc.execution import nd as reference
from irc.execution.control import CheckFailed, assign_all, yielded
from irc.execution.messages import fill
from irc.execution.outcome import ExecutionError, Failure
from irc.execution.python_text import Handler, PythonText
from irc.execution.scalars import ADDED


def otherwise(op: Operation, c: PythonText) -> None:
    """Ops that have no lines of their own: those of `nd`, and those that irc adds to xDSL."""
    if op.name in ADDED:
        ADDED[op.name](op, c)
    elif op.name.startswith("nd.") and (not op.regions or isinstance(op, nd.Extern)):
        c.namespace["nd_evaluate"] = reference.evaluate
        operands = ", ".join(f"np.asarray({x})" for x in c.names(op.operands))
        call = f"nd_evaluate({c.constant(op, 'op')}, [{operands}], run.sizes)"
        results = [c.define(r) for r in op.results]
        c.line(f"{', '.join(results)}, = {call}" if results else call)
    else:
        raise ExecutionError(f"{describe(op)}: there is no executor for this op")


def _if(op: nd.IfOp, c: PythonText) -> None:
    names = [c.define(r) for r in op.results]
    with c.indented(f"if {c.name(op.cond)}:"):
        c.ops(op.then.block)
        assign_all(names, yielded(op.then.block, c), c)
    with c.indented("else:"):
        c.ops(op.orelse.block)
        assign_all(names, yielded(op.orelse.block, c), c)


def _yield(op: nd.YieldOp, c: PythonText) -> None:
    """The op around it reads what it gives."""


def _assert(op: nd.AssertOp, c: PythonText) -> None:
    shown = ", ".join(c.names(op.shown))
    kind, message = op.kind.data, op.message.data
    c.line(f"check_all({c.name(op.ok)}, {kind!r}, {message!r}, [{shown}])")


def check_all(ok: Any, kind: str, message: str, shown: Sequence[Any]) -> None:
    """Raises CheckFailed for the first false position, in row-major order."""
    ok = np.asarray(ok)
    if ok.all():
        return
    position = tuple(int(i) for i in np.unravel_index(np.argmin(ok), ok.shape)) if ok.ndim else ()
    values = [np.asarray(x)[position] if np.ndim(x) else x for x in shown]
    raise CheckFailed(Failure(kind, fill(message, values, position=position)))


def _print(op: nd.PrintOp, c: PythonText) -> None:
    shown = ", ".join(c.names(op.shown))
    c.line(f"run.prints.append(fill({op.message.data!r}, [{shown}]))")


def _routine(op: RoutineOp, c: PythonText) -> None:
    """On memrefs the results are copied over `outs`."""
    flags = ", ".join(f"{name}={on}" for name, on in op.switches.items())
    call = f"routine({op.routine.data!r}, {', '.join(c.names(op.ins))}, {flags})"
    if op.res:
        c.line(f"{', '.join(c.define(r) for r in op.res)}, = {call}")
    else:
        c.line(f"overwrite([{', '.join(c.names(op.outs))}], {call})")


def routine(name: str, *arrays: np.ndarray, **flags: bool) -> tuple[np.ndarray, ...]:
    """The results of a routine of linear algebra."""
    return linear_numpy.on_stacks(getattr(linear_numpy, name), *arrays, **flags)


def _foreign_call(op: ForeignCallOp, c: PythonText) -> None:
    """On memrefs the results are copied over `outs`."""
    span, dtypes = span_of(op), tuple(d.data for d in op.dtypes.data)
    function = ForeignRoutine(op.symbol.data, op.library.data, dtypes, span.file if span else "")
    name = c.constant(function, op.symbol.data)
    sizes, ins = ", ".join(c.names(op.sizes)), ", ".join(c.names(op.ins))
    outs = ", ".join(f"np.array({x})" for x in c.names(op.outs))
    made = c.fresh("made")
    c.line(f"{c.define(op.status)}, {made} = {name}([{sizes}], [{ins}], [{outs}])")
    if op.res:
        c.line(f"{', '.join(c.define(r) for r in op.res)}, = {made}")
    else:
        c.line(f"overwrite([{', '.join(c.names(op.outs))}], {made})")


def overwrite(outs: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
    for out, result in zip(outs, results, strict=True):
        out[...] = result


HANDLERS: dict[type[Operation], Handler] = {
    nd.IfOp: _if,
    nd.YieldOp: _yield,
    nd.AssertOp: _assert,
    nd.PrintOp: _print,
    RoutineOp: _routine,
    ForeignCallOp: _foreign_call,
}
NAMESPACE: dict[str, object] = {
    "check_all": check_all,
    "routine": routine,
    "overwrite": overwrite,
}
