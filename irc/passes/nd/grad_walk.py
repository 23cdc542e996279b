"""
The walk back: what flows into each value, from the last op to the first.

The rules of ops stand with them (`vjp`). Those with regions have theirs in files of their own:
`grad_if.py` and `grad_scan.py`. Loops without a rule are first written in another form
(`grad_loops.py`, `grad_checkpoint.py`), and the walk goes on through what they became.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.builder import InsertPoint
from xdsl.dialects.builtin import LocationAttr, NameLoc, StringAttr, UnknownLoc
from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import IfOp
from irc.dialects.nd.foreign import ExternOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.verify import describe
from irc.errors import InternalError
from irc.passes.nd.grad_checkpoint import is_long, stretched
from irc.passes.nd.grad_flows import Flows, Gradients, add_to, replace
from irc.passes.nd.grad_if import through_if
from irc.passes.nd.grad_loops import Unbounded, scan_of_while, scan_to_the_end
from irc.passes.nd.grad_paths import inputs
from irc.passes.nd.grad_scan import through_scan

DERIVATIVE = "derivative"  # the name of locations of ops that belong to one
_DERIVED: dict[LocationAttr, NameLoc] = {}


def backward(
    b: Builder, path: Sequence[Operation], changing: set[SSAValue], gradients: Gradients
) -> None:
    """
    Adds to `gradients` what flows back through `path` to the values of `changing`.

    path   each op after those it reads from

    Loops on the way may be replaced, in the program and in both tables. Raises Unbounded.
    """
    work = list(path)
    while work:
        op = work.pop()
        read = inputs(op)
        if changing.isdisjoint(read) or changing.isdisjoint(op.results):
            continue
        if not any(r in gradients for r in op.results):
            continue
        if (form := _other_form(op)) is not None:
            work += _rewritten(op, form, changing, gradients)
            continue
        b.location = of_derivative(op.location)
        for x, dx in _flows(b, op, read, changing, gradients):
            if dx is not None and x in changing:
                add_to(b, gradients, x, dx)


def of_derivative(location: LocationAttr) -> LocationAttr:
    """The place of an op in a backward pass: the place of the op that it goes through."""
    if isinstance(location, NameLoc | UnknownLoc):
        return location
    known = _DERIVED.get(location)
    if known is None:
        if len(_DERIVED) > 100_000:
            _DERIVED.clear()
        known = _DERIVED[location] = NameLoc(StringAttr(DERIVATIVE), location)
    return known


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


# Writes a loop in another form before it; gives what equals its results, as far as they are used.
Form = Callable[[Builder, Any], Sequence[SSAValue | None]]


def _other_form(op: Operation) -> Form | None:
    if isinstance(op, WhileOp):
        if op.limit is None:
            raise Unbounded(op)
        return scan_of_while
    if not isinstance(op, ScanOp) or op.checkpoint is None or not is_long(op.steps):
        return None
    if op.until is None:
        return stretched
    # Which steps are the last ones is not known while it runs forward.
    return scan_to_the_end if op.truncate is None else None


def _rewritten(
    op: Operation, form: Form, changing: set[SSAValue], gradients: Gradients
) -> list[Operation]:
    """Puts the other form in the place of `op`; gives its ops."""
    block, before = op.parent, op.prev_op
    assert block is not None
    results = form(Builder(InsertPoint.before(op), op.location), op)
    for old, new in zip(op.results, results, strict=True):
        if new is not None:
            replace(gradients, old, new)
    written: list[Operation] = []
    one = block.first_op if before is None else before.next_op
    while one is not None and one is not op:
        written.append(one)
        if not changing.isdisjoint(inputs(one)):
            changing.update(one.results)
        one = one.next_op
    block.erase_op(op)
    return written
