"""Checks that xDSL leaves out: dominance, and what a stage may contain."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, CallSiteLoc, FileLineColLoc, FusedLoc, NameLoc
from xdsl.ir import Attribute, Block, Operation, OpResult, SSAValue
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from irc.diagnostics import Span

SHOWN = 5  # findings in one message


class OpFault(VerifyException):
    """An op that is wrong: `nd.add at mlp.irc:3:5 in @train: what is wrong`."""

    def __init__(self, op: Operation, reason: str) -> None:
        super().__init__(f"{describe(op)}: {reason}")
        self.op = op
        self.reason = reason


@dataclass(slots=True)
class _Open:
    """An op whose regions are being read: blocks to come, ops to come, values visible inside."""

    op: Operation
    blocks: Iterator[Block]
    ops: Iterator[Operation] = iter(())
    inside: list[SSAValue] = field(default_factory=list)


def verify_dominance(root: Operation) -> None:
    """
    Checks that every operand is defined before its use, in a block around it or in its own.

    Linear in the number of operands. Raises VerifyException for the first use that is not, and
    for regions of several blocks, which no level of irc has.
    """
    visible: set[SSAValue] = set(root.operands)
    stack = [_Open(root, iter(_blocks(root)))]
    while stack:
        top = stack[-1]
        op = next(top.ops, None)
        if op is not None:
            for operand in op.operands:
                if operand not in visible:
                    raise OpFault(op, _use_before_definition(op, operand))
            if op.regions:
                stack.append(_Open(op, iter(_blocks(op))))
            else:
                visible.update(op.results)
                top.inside.extend(op.results)
            continue
        visible.difference_update(top.inside)
        block = next(top.blocks, None)
        if block is not None:
            top.ops, top.inside = iter(block.ops), list(block.args)
            visible.update(block.args)
            continue
        stack.pop()
        if stack:
            visible.update(top.op.results)
            stack[-1].inside.extend(top.op.results)


def _blocks(op: Operation) -> list[Block]:
    blocks: list[Block] = []
    for region in op.regions:
        own = list(region.blocks)
        if len(own) > 1:
            raise OpFault(op, f"a region has {len(own)} blocks, irc uses one")
        blocks += own
    return blocks


def _use_before_definition(op: Operation, operand: SSAValue) -> str:
    number = op.operands.index(operand)
    name = f"%{operand.name_hint}" if operand.name_hint else f"operand {number}"
    if isinstance(operand, OpResult):
        origin = f"the result of {describe(operand.op)}"
    else:
        parent = operand.owner.parent_op()
        origin = f"an argument of {describe(parent)}" if parent else "an argument of no op"
    return f"{name} is used before its definition; it is {origin}"


def verify_stage(
    root: Operation, legal: Collection[str], stage: str, gone: Collection[str] = ()
) -> None:
    """
    Checks that only ops of `legal` are left: names of dialects (`arith`) or of ops (`nd.state`),
    without the ops named in `gone`.

    Raises VerifyException that names the first ones that should have gone.
    """
    left = left_over(root, legal, gone)
    if left:
        lines = [f"  {describe(op)}" for op in left[:SHOWN]]
        more = [f"  and {len(left) - SHOWN} more"] if len(left) > SHOWN else []
        count = f"{len(left)} op{'s' if len(left) > 1 else ''}"
        raise VerifyException("\n".join([f"{stage}: {count} should have gone:", *lines, *more]))


def left_over(
    root: Operation, legal: Collection[str], gone: Collection[str] = ()
) -> list[Operation]:
    """The ops that `verify_stage` would name."""
    known: dict[str, bool] = {}
    left: list[Operation] = []
    for op in walk(root):
        name = op.name
        ok = known.get(name)
        if ok is None:
            allowed = name in legal or name.partition(".")[0] in legal
            ok = known[name] = allowed and name not in gone
        if not ok:
            left.append(op)
    return left


def walk(root: Operation) -> Iterator[Operation]:
    """All ops, each before those inside it; regions may nest to any depth."""
    yield root
    stack = [iter(_inner(root))]
    while stack:
        op = next(stack[-1], None)
        if op is None:
            stack.pop()
            continue
        yield op
        if op.regions:
            stack.append(iter(_inner(op)))


def _inner(op: Operation) -> list[Operation]:
    return [inner for region in op.regions for block in region.blocks for inner in block.ops]


def describe(op: Operation) -> str:
    """`nd.exp at mlp.irc:3:5 in @train`: the op, its place in the source, its function."""
    text = op.name
    if at := place(op.location):
        text += f" at {at}"
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, func.FuncOp):
        parent = parent.parent_op()
    return f"{text} in @{parent.sym_name.data}" if parent is not None else text


def place(location: Attribute) -> str:
    """`file:line:col` of a location, the innermost one of a call; "" when unknown."""
    while True:
        match location:
            case FileLineColLoc():
                file, line, column = location.filename, location.line, location.column
                return f"{file.data}:{line.data}:{column.data}"
            case CallSiteLoc():
                location = location.callee
            case NameLoc():
                location = location.location
            case FusedLoc(locations=ArrayAttr(data=(first, *_))):
                location = first
            case _:
                return ""


def verify_module(root: Operation) -> None:
    """
    Checks every op with its own verifier, and dominance.

    Raises OpFault for the first op that is wrong.
    """
    try:
        root.verify()
    except (VerifyException, ValueError) as error:
        raise _fault(root, error) from None
    verify_dominance(root)


def _fault(root: Operation, error: Exception) -> OpFault:
    """xDSL's message carries the whole module; here the op at fault is found again."""
    for op in walk(root):
        if not op.has_trait(NoTerminator) and any(b.is_empty for b in _blocks(op)):
            return OpFault(op, "its body is empty, and lacks a terminator at least")
        try:
            op.verify(verify_nested_ops=False)
        except (VerifyException, ValueError) as own:
            reason = own.__cause__ or own
            return OpFault(op, str(reason).strip())
    return OpFault(root, str(error).strip().split("\n")[0])


def span_of(op: Operation) -> Span | None:
    """The place of an op in its source as a span of one column; None when unknown."""
    return span_at(op.location)


def span_at(location: Attribute) -> Span | None:
    """The place that a location names; None when it names none."""
    file, line, column = ([*place(location).rsplit(":", 2), "", "", ""])[:3]
    if not (line.isdecimal() and column.isdecimal()):
        return None
    return Span(file, int(line), int(column), int(line), int(column) + 1)
