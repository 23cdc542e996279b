"""
What a derivative passes through: the ops between values, what changes, what is reached.

Ops with regions count as one op that reads its operands and what its regions capture; `sources`
looks inside and says which of them a single result depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from xdsl.ir import Block, Operation, OpResult, SSAValue

from irc.dialects.nd.control import IfOp, StopGradientOp
from irc.dialects.nd.foreign import Extern
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.types import dtype_of
from irc.passes.nd.rules import blocks_of, nested_ops

NOTHING: frozenset[SSAValue] = frozenset()


def between(ys: Iterable[SSAValue], consts: Collection[SSAValue]) -> list[Operation]:
    """
    The ops that `ys` were computed by, each after those it reads from.

    Only through floats: integers, constants and stopped gradients are not looked behind.
    """
    order: list[Operation] = []
    seen: set[Operation] = set()
    stack: list[tuple[Operation, Iterator[SSAValue]]] = []

    def enter(x: SSAValue) -> None:
        if x in consts or not isinstance(x, OpResult) or not dtype_of(x).is_float:
            return
        if x.op in seen:
            return
        seen.add(x.op)
        if not isinstance(x.op, StopGradientOp):
            stack.append((x.op, iter(inputs(x.op))))

    for y in ys:
        enter(y)
        while stack:
            op, rest = stack[-1]
            x = next(rest, None)
            if x is None:
                order.append(op)
                stack.pop()
            else:
                enter(x)
    return order


def inputs(op: Operation) -> Sequence[SSAValue]:
    """What `op` reads: its operands, then what its regions capture."""
    if isinstance(op, Extern):
        return op.operands  # its region is no part of what it computes
    return [*op.operands, *captured(op)] if op.regions else op.operands


def captured(op: Operation) -> list[SSAValue]:
    """What the regions of `op` read from around it, in order of first use."""
    inside: set[SSAValue] = set()
    found: dict[SSAValue, None] = {}
    for block in blocks_of(op):
        inside.update(block.args)
    for inner in nested_ops(op):
        found.update((x, None) for x in inner.operands if x not in inside)
        inside.update(inner.results)
        for block in blocks_of(inner):
            inside.update(block.args)
    return list(found)


def varied(
    path: Iterable[Operation], wrt: Iterable[SSAValue], consts: Collection[SSAValue] = NOTHING
) -> set[SSAValue]:
    """The values that change with `wrt`; `path` has each op after those it reads from."""
    found = set(wrt)
    for op in path:
        if isinstance(op, StopGradientOp) or found.isdisjoint(inputs(op)):
            continue
        found.update(r for r in op.results if r not in consts)
    return found


def reached(
    path: Sequence[Operation], ys: Iterable[SSAValue], consts: Collection[SSAValue] = NOTHING
) -> set[SSAValue]:
    """The floats that `ys` depend on; `path` has each op after those it reads from."""
    found = {y for y in ys if y not in consts and dtype_of(y).is_float}
    for op in reversed(path):
        if not isinstance(op, StopGradientOp) and not found.isdisjoint(op.results):
            found.update(x for x in sources(op, found) if x not in consts and dtype_of(x).is_float)
    return found


def sources(op: Operation, ys: Collection[SSAValue]) -> Iterable[SSAValue]:
    """What those results of `op` that are among `ys` depend on, inside its regions too."""
    inside = _INSIDE.get(type(op))
    return op.operands if inside is None else inside(op, [r in ys for r in op.results])


def _of_if(op: IfOp, wanted: Sequence[bool]) -> set[SSAValue]:
    found: set[SSAValue] = set()
    for block in blocks_of(op):
        rows = [y for y, on in zip(_yielded(block), wanted, strict=True) if on]
        found |= reached(list(block.ops), rows)
    return found


def _of_while(op: WhileOp, wanted: Sequence[bool]) -> set[SSAValue]:
    """A value of which one that is wanted depends is wanted at the next step."""
    body, on = op.body.block, list(wanted)
    path, rows = list(body.ops), _yielded(body)
    while True:
        found = reached(path, [y for y, k in zip(rows, on, strict=True) if k])
        now = [k or arg in found for k, arg in zip(on, body.args, strict=True)]
        if now == on:
            return found | {x for x, k in zip(op.inits, on, strict=True) if k}
        on = now


def _of_scan(op: ScanOp, wanted: Sequence[bool]) -> set[SSAValue]:
    states = op.states
    on = list(wanted[: len(states)])
    found = inside_scan(op, on, wanted[len(states) :])
    found |= {s.init for s, k in zip(states, on, strict=True) if k}
    return found | {s.value for s in op.sequences if not found.isdisjoint(s.args)}


def inside_scan(op: ScanOp, states: list[bool], outputs: Sequence[bool]) -> set[SSAValue]:
    """
    The floats in the body on which rows of the wanted states and outputs depend.

    States that these depend on are marked in `states`. A state costs at most one more sweep.
    """
    path, own = list(op.body.block.ops), op.states
    rows = [y for y, on in zip(op.outputs, outputs, strict=True) if on]
    while True:
        found = reached(path, [*rows, *(s.next for s, k in zip(own, states, strict=True) if k)])
        now = [k or not found.isdisjoint(s.args) for k, s in zip(states, own, strict=True)]
        if now == states:
            return found
        states[:] = now


def _yielded(block: Block) -> Sequence[SSAValue]:
    assert block.last_op is not None
    return block.last_op.operands


_INSIDE: dict[type[Operation], Callable[..., Iterable[SSAValue]]] = {
    IfOp: _of_if,
    ScanOp: _of_scan,
    WhileOp: _of_while,
}
