"""Lets `nd-stabilize` see a formula that stands half inside a scan and half outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.indexing import GatherOp
from irc.dialects.nd.loops import ScanOp
from irc.dialects.nd.scalar import ElementwiseOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp, SliceOp, TransposeOp
from irc.dialects.nd.types import dims_of
from irc.passes.nd.rules import Rewriter, nested_ops, opaque_values
from irc.passes.nd.scans import KIND, finish, loop_title, scans_in, title
from irc.passes.nd.stabilize import STABLE, stable_form
from irc.passes.remarks import listening, remark
from irc.sizes import Poly


@dataclass(frozen=True)
class StabilizeScansPass(ModulePass):
    """
    Takes functions of what a scan gives into its body, and functions of rows that it reads out
    of it, where a rule of nd-stabilize holds then.

        s = scan t < T:                        s, l = scan t < T:
          s[t] = sigmoid(z)           ->         s[t] = sigmoid(z)
        log(s)                                   l[t] = -softplus(-z)
                                               l

    Also through slices, reshapes, transposes, broadcasts and gathers of the stack. What only
    gave the stack leaves with nd-simplify-scans.

    Needs nd. Leaves nd, equal in exact arithmetic. Best before derivatives are taken, and while
    stacks are whole.
    """

    name = "nd-stabilize-scans"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        scans = scans_in(op)
        opaque = opaque_values(nested_ops(op)) if scans else set()
        for scan in scans:
            _Boundary(scan, opaque).cross()


MOVES = (SliceOp, ReshapeOp, TransposeOp, BroadcastOp, GatherOp)


@dataclass(frozen=True)
class _View:
    """Elements of the stack of `row`, as the ops of `path` show them one after the other."""

    row: SSAValue
    path: tuple[Operation, ...]


@dataclass
class _Boundary:
    """
    One scan, and what crosses its boundary.

    rows    what takes the place of a value outside: a view of the stack of a new row
    stacks  what takes the place of a value of the body: a row of a new sequence, and its tap
    """

    op: ScanOp
    opaque: set[SSAValue]
    rows: dict[OpResult, _View] = field(default_factory=dict)
    stacks: dict[OpResult, tuple[SSAValue, int]] = field(default_factory=dict)

    def cross(self) -> None:
        self._inwards()
        self._outwards()
        if self.rows or self.stacks:
            self._replace()

    # -- functions of stacks, tried in the body

    def _inwards(self) -> None:
        many = len(self.op.inits)
        waiting: list[tuple[SSAValue, _View]] = []
        for k, (result, row) in enumerate(zip(self.op.res, self.op.end.operands, strict=False)):
            if k >= many or k in self.op.histories.data:
                waiting.append((result, _View(row, ())))
        while waiting:
            x, view = waiting.pop()
            if x in self.opaque:
                continue
            for user in list(dict.fromkeys(use.operation for use in x.uses)):
                if self._is_move(user, x, view):
                    waiting.append((user.results[0], _View(view.row, (*view.path, user))))
                elif view.path or not self._depth(x):
                    b = Rewriter(InsertPoint.before(self.op.end), self.opaque)
                    if better := _better(user, x, view.row, b):
                        self.rows[user.results[0]] = _View(better, view.path)
                        waiting.append((user.results[0], self.rows[user.results[0]]))

    def _is_move(self, op: Operation, x: SSAValue, view: _View) -> bool:
        """Whether `op` shows elements of `x`, which lead to no rows before the first step."""
        if not isinstance(op, MOVES) or op.operands[0] is not x or list(op.operands).count(x) > 1:
            return False
        if isinstance(op, GatherOp) and op.in_bounds is None:
            return False  # outside it is 0
        return bool(view.path) or self._depth(x) == 0 or self._slices_steps(op, x)

    def _depth(self, x: SSAValue) -> int:
        """How many rows of a stack no step has made."""
        if not isinstance(x, OpResult) or x.op is not self.op or x.index >= len(self.op.inits):
            return 0
        return self.op.states[x.index].depth

    def _slices_steps(self, op: Operation, x: SSAValue) -> bool:
        if not isinstance(op, SliceOp) or op.starts:
            return False
        count, first, step = dims_of(op.res)[0], op.offsets.data[0], op.steps.data[0]
        last = first + (sizes.poly(count) - 1) * step
        low, high = (first, last) if step > 0 else (last, first)
        start = self._start(x)
        return (low - start).nonnegative() and (start + self.op.steps - 1 - high).nonnegative()

    def _start(self, x: SSAValue) -> Poly:
        """Where the rows of steps begin."""
        return sizes.const(0 if self.op.reverse else self._depth(x))

    # -- functions of rows of sequences, tried outside

    def _outwards(self) -> None:
        for one in self.op.sequences:
            if one.value in self.opaque:
                continue
            for tap, arg in zip(one.taps, one.args, strict=True):
                for user in list(dict.fromkeys(use.operation for use in arg.uses)):
                    b = Rewriter(InsertPoint.before(self.op), self.opaque)
                    if better := _better(user, arg, one.value, b):
                        self.stacks[user.results[0]] = better, tap

    # -- the scan with it

    def _replace(self) -> None:
        if listening():
            for y in [*self.rows, *self.stacks]:
                side = "into" if y in self.rows else "out of"
                text = f"{title(y.op)} is taken {side} {loop_title(self.op)}, where it keeps digits"
                remark(KIND, y.op.location, text)
        old = list(self.op.res)
        starts = [self._start(r) for r in old]
        scan = ScanDraft.of(self.op)
        for y, (stack, tap) in self.stacks.items():
            row: SSAValue = scan.row(stack, tap)
            y.replace_all_uses_with(row)
            for state in scan.states:
                state.next = row if state.next is y else state.next
            scan.outputs = [row if x is y else x for x in scan.outputs]
            self.rows = {
                k: _View(row if v.row is y else v.row, v.path) for k, v in self.rows.items()
            }
            scan.block.erase_op(y.op)
        places = {view.row: 0 for view in self.rows.values()}
        for row in places:
            places[row] = len(scan.states) + scan.output(row)
        b = Builder(InsertPoint.before(self.op), self.op.location)
        new = finish(b, scan, self.op)
        for was, result in zip(old, new.res, strict=False):
            result.name_hint = was.name_hint
        for y, view in self.rows.items():
            at = Builder(InsertPoint.before(y.op), y.op.location)
            y.replace_all_uses_with(_seen(at, new.res[places[view.row]], view.path, old, starts))
        for was, result in zip(old, new.res, strict=False):
            was.replace_all_uses_with(result)
        b.point.block.erase_op(self.op)


def _better(op: Operation, x: SSAValue, instead: SSAValue, b: Rewriter) -> SSAValue | None:
    """
    The better form of `op` with `instead` for `x`, written by `b`; the other operand is a number.

    None, and nothing written, when no rule of nd-stabilize holds.
    """
    if type(op) not in STABLE.by_class or not isinstance(op, ElementwiseOp):
        return None
    if not b.opaque.isdisjoint(op.results):
        return None
    numbers = [None if y is x else b.number_of(y) for y in op.operands]
    if any(y is not x and n is None for y, n in zip(op.operands, numbers, strict=True)):
        return None
    b.location = op.location
    operands = [instead if n is None else b.like(instead, n) for n in numbers]
    tried = b.scalar(op.SCALAR.name, *operands)
    better = stable_form(tried.owner, b)  # type: ignore[arg-type]
    unused = [tried, *(y for y in operands if y is not instead)]
    for value in unused:
        if value.first_use is None and value is not better and isinstance(value.owner, Operation):
            b.point.block.erase_op(value.owner)
    return better


def _seen(
    b: Builder, x: SSAValue, path: Sequence[Operation], old: Sequence[SSAValue],
    starts: Sequence[Poly],
) -> SSAValue:  # fmt: skip
    """`x`, the rows of all steps, as the path shows those of an old result."""
    for op in path:
        source = op.operands[0]
        if source in old and isinstance(op, SliceOp):
            first, *rest = op.offsets.data
            at = (first - starts[list(old).index(source)], *rest)
            x = b.slice(x, dims_of(op.res), at, op.steps.data)
        else:
            again = op.clone({source: x})
            b.insert(again)
            x = again.results[0]
    return x
