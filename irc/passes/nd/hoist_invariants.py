"""Computes once, before a loop, what is the same at each of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import Pure

from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.effects import StateReadOp
from irc.dialects.nd.foreign import ExternMapOp, ExternOp
from irc.dialects.nd.indexing import IndexedOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.reduction import ArgOp, ReduceOp
from irc.dialects.nd.scalar import ElementwiseOp, PointwiseOp
from irc.dialects.nd.sources import FullOp, IotaOp, SizeOp
from irc.dialects.nd.structure import BroadcastOp, WindowOp, is_dynamic
from irc.passes.nd.match import all_positive, is_positive
from irc.passes.nd.rules import blocks_of, nested_ops
from irc.passes.nd.scans import (
    KIND,
    has_effects,
    loop_title,
    loops_in,
    several,
    straight_ops,
    title,
    values_inside,
)
from irc.passes.remarks import listening, remark


@dataclass(frozen=True)
class HoistInvariantsPass(ModulePass):
    """
    Moves ops that read nothing of a loop to the place before it.

        scan t < T:               c = exp(w)
          x = x * exp(w)    ->    scan t < T:
                                    x = x * c

    Numbers, counts and what only repeats them stay inside, where a loop makes them for nothing
    and an array would have to be read; a product takes them along. Checks and prints stay. What
    could fail, or read outside, moves only where it is sure to run.

    Needs nd. Leaves nd with the same bits.
    """

    name = "nd-hoist-invariants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for loop in loops_in(op):
            hoist(loop)


def hoist(loop: ScanOp | WhileOp) -> None:
    """Moves the invariant ops of one loop; loops inside it have had their turn."""
    state = _Hoist(loop, values_inside(loop))
    for op in straight_ops(blocks_of(loop)):
        if not state.inside.isdisjoint(op.operands) or not _may_move(op, state):
            continue
        state.inside.difference_update(op.results)
        if _is_light(op, state):
            state.light[op] = len(state.light)
        else:
            state.move(op)
    if state.moved and listening():
        text = f"computed once, before {loop_title(loop)}: {several(list(map(title, state.moved)))}"
        remark(KIND, loop.location, text)


@dataclass
class _Hoist:
    """
    One loop while ops leave it.

    inside   values that a step makes
    light    invariant ops that stay, unless one that leaves needs them, and their order
    """

    loop: ScanOp | WhileOp
    inside: set[SSAValue]
    light: dict[Operation, int] = field(default_factory=dict)
    copies: dict[SSAValue, SSAValue] = field(default_factory=dict)
    moved: list[Operation] = field(default_factory=list)
    sure: bool = field(init=False)

    def __post_init__(self) -> None:
        # Whether an op of the body itself runs in any case.
        runs = isinstance(self.loop, ScanOp) and is_positive(self.loop.steps)
        self.sure = runs and not has_effects(self.loop)

    def is_sure(self, op: Operation) -> bool:
        return self.sure and op.parent_op() is self.loop

    def move(self, op: Operation) -> None:
        if not self.is_sure(op):
            for inner in (op, *nested_ops(op)):
                if isinstance(inner, IndexedOp):
                    inner.properties.pop("in_bounds", None)  # a check inside may have promised it
        self._take_along(op)
        op.detach()
        point = InsertPoint.before(self.loop)
        point.block.insert_op_before(op, self.loop)
        self.moved.append(op)

    def _take_along(self, op: Operation) -> None:
        """Gives `op`, and what is inside it, copies of the light ops that it reads."""
        wanted = set[Operation]()
        stack: list[Operation] = [op]
        while stack:
            one = stack.pop()
            for inner in (one, *nested_ops(one)):
                for x in inner.operands:
                    if isinstance(x, OpResult) and x.op in self.light and x not in self.copies:
                        if x.op not in wanted:
                            wanted.add(x.op)
                            stack.append(x.op)
        for light in sorted(wanted, key=self.light.__getitem__):
            copy = light.clone(self.copies)
            assert self.loop.parent is not None
            self.loop.parent.insert_op_before(copy, self.loop)
        for inner in (op, *nested_ops(op)):
            for k, x in enumerate(inner.operands):
                if x in self.copies:
                    inner.operands[k] = self.copies[x]


def _may_move(op: Operation, state: _Hoist) -> bool:
    """Whether running `op` before the loop changes nothing."""
    if isinstance(op, YieldOp) or (can_fail(op) and not state.is_sure(op)):
        return False
    if op.regions:
        return _may_move_whole(op, state)
    return op.has_trait(Pure) or isinstance(op, StateReadOp)


def _may_move_whole(op: Operation, state: _Hoist) -> bool:
    """Whether an op with regions reads nothing of the loop, ends, and cannot fail."""
    endless = isinstance(op, WhileOp) and op.limit is None
    if endless or has_effects(op) or op.parent_op() is not state.loop:
        return False
    own = values_inside(op)
    for inner in nested_ops(op):
        if can_fail(inner) or any(x in state.inside and x not in own for x in inner.operands):
            return False
        if isinstance(inner, WhileOp) and inner.limit is None:
            return False
    return True


def can_fail(op: Operation) -> bool:
    """Whether `op` may be an error that a step which does not run never makes."""
    match op:
        case ReduceOp():
            return op.REDUCTION.empty_is_error and not all_positive(op.x, op.axes.data)
        case ArgOp():
            return not all_positive(op.x, (op.axis.value.data,))
        case WindowOp():
            return any(is_dynamic(p) for p in op.offsets.data)
    return isinstance(op, ExternOp)


def _is_light(op: Operation, state: _Hoist) -> bool:
    """Whether making the values again at each step costs less than reading them."""
    if any(isinstance(use.operation, DotOp) for r in op.results for use in r.uses):
        return False
    if isinstance(op, FullOp | IotaOp | SizeOp | BroadcastOp):
        return True
    inexact = isinstance(op, ElementwiseOp) and op.SCALAR.inexact
    if not isinstance(op, PointwiseOp) or isinstance(op, ExternMapOp) or inexact:
        return False
    return all(isinstance(x, OpResult) and x.op in state.light for x in op.operands)
