"""
The walk back: what flows into each value, from the last op to the first.

The rules of ops stand with them (`vjp`). Those with regions have theirs in files of their own:
`grad_if.py` and `grad_scan.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import IfOp
from irc.dialects.nd.foreign import ExternOp
from irc.dialects.nd.loops import ScanOp
from irc.dialects.verify import describe
from irc.errors import InternalError
from irc.passes.nd.grad_flows import Flows, Gradients, add_to
from irc.passes.nd.grad_if import through_if
from irc.passes.nd.grad_paths import inputs
from irc.passes.nd.grad_scan import through_scan


def backward(
    b: Builder, path: Sequence[Operation], changing: set[SSAValue], gradients: Gradients
) -> None:
    """
    Adds to `gradients` what flows back through `path` to the values of `changing`.

    path   each op after those it reads from
    """
    work = list(path)
    while work:
        op = work.pop()
        read = inputs(op)
        if changing.isdisjoint(read) or changing.isdisjoint(op.results):
            continue
        if not any(r in gradients for r in op.results):
            continue
        b.location = op.location
        for x, dx in _flows(b, op, read, changing, gradients):
            if dx is not None and x in changing:
                add_to(b, gradients, x, dx)


def _flows(
    b: Builder,
    op: Operation,
    read: Sequence[SSAValue],
    changing: set[SSAValue],
    gradients: Gradients,
) -> Flows:
    if isinstance(op, IfOp):
        return through_if(backward, b, op, changing, gradients)
    if isinstance(op, ScanOp):
        return through_scan(backward, b, op, changing, gradients)
    if isinstance(op, ExternOp):
        return zip(read, op.vjps(b, [gradients.get(y) for y in op.res]), strict=True)
    rule = getattr(op, "vjp", None)
    if rule is None:
        raise InternalError(f"{describe(op)}: the op has no derivative rule")
    return zip(read, rule(b, gradients.get(op.results[0])), strict=True)
