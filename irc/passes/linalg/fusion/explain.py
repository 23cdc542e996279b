"""Fusion decisions in words, for `--remarks=fusion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Operation

from irc.dialects.nd.types import type_text
from irc.dialects.verify import place
from irc.passes.linalg.generics import CONTRACTION, body_of, reduces_of
from irc.passes.remarks import listening, remark

if TYPE_CHECKING:
    from irc.passes.linalg.fusion.groups import Group, Loops

KIND = "fusion"


def fused(loops: Loops, group: Group) -> None:
    """A producer went into the loops of a consumer."""
    if listening():
        remark(KIND, loops.op.location, f"{title(loops.op)} is computed in {where(group)}")


def merged(first: Group, other: Group) -> None:
    """Two loop nests that walk the same elements became one."""
    if listening():
        op = other.ops[0]
        remark(KIND, op.location, f"{title(op)} shares its loops with {where(first)}")


def kept(loops: Loops, group: Group, reason: str) -> None:
    """A producer kept its own loops and array."""
    if listening():
        text = f"{title(loops.op)} is an array of its own, apart from {where(group)}: {reason}"
        remark(KIND, loops.op.location, text)


def kept_for_many(loops: Loops, groups: list[Group]) -> None:
    """Several loop nests read what is too costly to compute in each."""
    if listening():
        users = ", ".join(where(g) for g in groups)
        reason = f"it is computed once for all that read it: {users}"
        remark(KIND, loops.op.location, f"{title(loops.op)} is an array of its own: {reason}")


def title(op: Operation) -> str:
    """`the loop of tanh `h` f32[n, 10]`, `the reduction of + ...`, `the product ...`."""
    if not op.results:
        return f"`{op.name}`"
    result = op.results[0]
    name = f" `{result.name_hint}`" if result.name_hint else ""
    if not isinstance(op, GenericOp):
        return f"`{op.name}`{name}"
    if CONTRACTION in op.attributes:
        return f"the product{name} {type_text(result)}"
    kind = "reduction" if any(reduces_of(op)) else "loop"
    return f"the {kind} of {_function(op)}{name} {type_text(result)}"


_SPELLED = {
    "addf": "+", "addi": "+", "subf": "-", "subi": "-", "mulf": "*", "muli": "*", "divf": "/",
    "negf": "negation", "cmpf": "comparisons", "cmpi": "comparisons", "select": "choices",
    "sitofp": "casts", "uitofp": "casts", "extf": "casts", "truncf": "casts", "constant": "fill",
    "maximumf": "maximum", "minimumf": "minimum", "extract": "gathers",
}  # fmt: skip


def _function(op: GenericOp) -> str:
    """The last scalar op of a body in the user's words; a body without ops copies."""
    end = body_of(op).last_op
    assert end is not None
    last = end.operands[0].owner
    if not isinstance(last, Operation):
        return "copies"
    name = last.name.partition(".")[2]
    return _SPELLED.get(name, name)


def where(group: Group) -> str:
    """The op that a group started with, and its place."""
    op = group.ops[0]
    at = place(op.location)
    return f"{title(op)} at {at}" if at else title(op)
