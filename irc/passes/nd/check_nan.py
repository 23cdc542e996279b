"""Checks that name the line which makes the first NaN or infinity, for `--check nan`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import (
    FileLineColLoc,
    IntAttr,
    LocationAttr,
    ModuleOp,
    NameLoc,
    StringAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from irc.abi import INIT_FUNCTION
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.control import IfOp
from irc.dialects.nd.effects import StateReadOp
from irc.dialects.nd.evaluate import evaluate_op
from irc.dialects.nd.indexing import GatherOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.scalar import ElementwiseOp, PointwiseOp
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
)
from irc.dialects.nd.types import TensorType, dims_of, dtype_of, rank_of
from irc.dialects.verify import place, walk
from irc.passes.nd.dce import remove_dead
from irc.passes.nd.grad_walk import DERIVATIVE

# What only moves elements, or makes known ones, makes no NaN that was not there before.
INNOCENT = (
    BroadcastOp, ConcatOp, ConstantOp, FullOp, GatherOp, IfOp, InsertSliceOp, IotaOp, ReshapeOp,
    ScanOp, SliceOp, TransposeOp, WhereOp, WhileOp,
)  # fmt: skip


@dataclass(frozen=True)
class CheckNanPass(ModulePass):
    """
    The first NaN or infinity that a call makes ends it, with the line that made it.

    ```
    %y = nd.log %x     ->    %y = nd.log %x
                             %ok = nd.isfinite %y       // or: %x is infinite, and %y is no NaN
                             nd.assert "assert" %ok, "`y` is {0}: the first ..."(%y, %x)
    ```

    Arguments and states that hold NaN are named before anything is computed from them. They may
    hold infinities, as may constants: an infinity that comes from one is no mistake, and where
    sums and products have some around, only NaN is reported. A value that a later `where` drops
    is reported as any other.

    Needs nd. Leaves nd.
    """

    name = "nd-check-nan"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if isinstance(function, FuncOp) and function.body.blocks:
                _Function(function).check()


class _Function:
    """
    One function.

    given      a bool scalar, whether an argument or a state holds an infinity; None: there is none
    infinite   values that may hold one because a constant does
    """

    def __init__(self, function: FuncOp) -> None:
        self.function = function
        self.given: SSAValue | None = None
        self.infinite: set[SSAValue] = set()

    def check(self) -> None:
        made = list(walk(self.function))[1:]
        if self.function.sym_name.data != INIT_FUNCTION:
            self._arguments()
        for op in made:
            if isinstance(op, StateReadOp):
                self._state(op)
            elif _infinite_constant(op) or not self.infinite.isdisjoint(op.operands):
                self.infinite.update(op.results)
            if isinstance(op, ScanOp | WhileOp | IfOp):
                self._region(op)
            if not isinstance(op, (*INNOCENT, StateReadOp)):
                for result in filter(_is_float, op.results):
                    self._result(op, result)
        remove_dead(self.function)  # nobody may have asked for `given`

    # -- what comes from outside

    def _arguments(self) -> None:
        block = self.function.body.block
        if block.first_op is None:
            return
        b = Builder(InsertPoint.before(block.first_op), block.first_op.location)
        for argument, declared in zip(block.args, _places(self.function), strict=True):
            if _is_float(argument):
                b.location = declared or block.first_op.location
                self._outside(b, argument, f"argument `{argument.name_hint or argument.index}`")

    def _state(self, op: StateReadOp) -> None:
        if _is_float(op.res):
            b = Builder(InsertPoint.after(op), op.location)
            self._outside(b, op.res, f"state `{op.state.root_reference.data}`")

    def _outside(self, b: Builder, x: SSAValue, what: str) -> None:
        ok = b.scalar("not", b.scalar("isnan", x))
        b.assert_(ok, f"{what} is NaN{_position(x)} before anything is computed")
        found = b.reduce("any", b.scalar("isinf", x), range(rank_of(x)))
        self.given = found if self.given is None else b.scalar("or", self.given, found)

    # -- what is made here

    def _region(self, op: Operation) -> None:
        """A loop carries an infinity from any place to any other."""
        inside = list(walk(op))
        read = {x for inner in inside for x in inner.operands}
        if self.infinite.isdisjoint(read) and not any(map(_infinite_constant, inside)):
            return
        self.infinite.update(op.results)
        for region in op.regions:
            self.infinite.update(region.block.args)

    def _result(self, op: Operation, y: SSAValue) -> None:
        b = Builder(InsertPoint.after(op), op.location)
        shown, ok = [y], self._good(b, op, y)
        if isinstance(op, PointwiseOp):
            shown += [x for x in op.operands if _is_float(x)]
        times = _times(op)
        b.assert_(ok, _message(op, y, len(shown), len(times)), [*shown, *times])

    def _good(self, b: Builder, op: Operation, y: SSAValue) -> SSAValue:
        """Where `y` is finite, or infinite because something was that before."""
        before: list[SSAValue] = []
        if isinstance(op, PointwiseOp):
            before = [b.scalar("not", b.scalar("isfinite", x)) for x in op.operands if _is_float(x)]
        elif y in self.infinite:
            return b.scalar("not", b.scalar("isnan", y))
        elif self.given is not None:
            before = [b.broadcast(self.given, [], dims_of(y))]
        finite = b.scalar("isfinite", y)
        if not before:
            return finite
        excuse = before[0]
        for other in before[1:]:
            excuse = b.scalar("or", excuse, other)
        number = b.scalar("not", b.scalar("isnan", y))
        return b.scalar("or", finite, b.scalar("and", number, excuse))


def _is_float(value: SSAValue) -> bool:
    return isinstance(value.type, TensorType) and dtype_of(value).is_float


def _infinite_constant(op: Operation) -> bool:
    match op:
        case FullOp():
            return _is_float(op.res) and not np.isfinite(op.number)
        case ConstantOp():
            return _is_float(op.res) and not np.isfinite(evaluate_op(op, [], {})[0]).all()
    return False


def _places(function: FuncOp) -> Iterator[LocationAttr | None]:
    """Where each argument is declared, if the function says so."""
    signature = function.attributes.get("irc.signature")
    given = json.loads(signature.data) if isinstance(signature, StringAttr) else {}
    spans = [p.get("span", "") for p in given.get("params", ())]
    for i in range(len(function.body.block.args)):
        file, line, column = ([*spans[i].rsplit(":", 2)] if i < len(spans) else []) or [""] * 3
        if not line.isdecimal():
            yield None
        else:
            yield FileLineColLoc(StringAttr(file), IntAttr(int(line)), IntAttr(int(column)))


# ---- messages


def _message(op: Operation, y: SSAValue, shown: int, times: int) -> str:
    """
    `{0}` is the value; what follows are the numbers that it was made from, then the steps of the
    recurrences around it.
    """
    subject = f"`{y.name_hint}`" if y.name_hint else "the value here"
    if isinstance(op.location, NameLoc) and op.location.desc.data == DERIVATIVE:
        line = place(op.location).rsplit(":", 2)[-2:-1]
        subject = f"the derivative of {f'line {line[0]}' if line else 'what stands here'}"
    *numbers, last = [f"{{{i}}}" for i in range(shown)]
    of = f" of {', '.join(numbers[1:])}{' and ' if numbers[1:] else ''}{last}" if numbers else ""
    made = f"made by `{_spelled(op)}`{of}"
    steps = ", ".join(f"{{{i}}}" for i in range(shown, shown + times))
    where = _position(y) + (f" in step {steps}" if times else "")
    return f"{subject} is {{0}}{where}: the first NaN or infinity, {made}"


def _times(op: Operation) -> list[SSAValue]:
    """The steps of the recurrences around an op, the outermost first."""
    found: list[SSAValue] = []
    around = op.parent_op()
    while around is not None:
        if isinstance(around, ScanOp):
            found.append(around.time)
        around = around.parent_op()
    return found[::-1]


def _position(x: SSAValue) -> str:
    """` at [3, 0]` as the text of an assertion."""
    rank = rank_of(x)
    return f" at [{', '.join(f'{{@{axis}}}' for axis in range(rank))}]" if rank else ""


def _spelled(op: Operation) -> str:
    """The operator or function as programs write it."""
    if isinstance(op, ElementwiseOp) and op.SCALAR.symbol:
        return op.SCALAR.symbol
    return "@" if isinstance(op, DotOp) else op.name.removeprefix("nd.")
