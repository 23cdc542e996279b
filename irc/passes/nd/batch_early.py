"""What a scan computes without its states, done for all steps before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.builder import InsertPoint
from xdsl.ir import Operation, OpResult, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.rows import repeat
from irc.dialects.nd.scalar import PointwiseOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import BroadcastOp
from irc.dtypes import I64
from irc.passes.nd.batch_rows import PRODUCTS, Steps, affordable, elements
from irc.passes.nd.scans import KIND, finish, loop_title, several, title, window
from irc.passes.remarks import listening, remark

ATTEMPTS = 4  # an op may say no; what needs it is then looked at again


@dataclass
class Early:
    """
    One scan while work moves before it.

    early    values of the body that no state which depends on itself takes part in
    whole    whether all of them are, so that no loop is left
    chosen   ops that move otherwise, in program order
    stacks   all rows of early values, where they were needed; wholes: all rows of early states
    """

    op: ScanOp
    refused: set[Operation] = field(default_factory=set)

    def move(self) -> bool:
        """Whether anything has moved; `new` is the scan that is left, or None."""
        self.new: ScanOp | None = self.op
        for _ in range(ATTEMPTS):
            before = len(self.refused)
            self._plan()
            if not self.chosen and not self.whole:
                return False
            if self._compute() and len(self.refused) == before:
                self._tell()
                self._replace_whole() if self.whole else self._replace()
                return True
        return False

    # -- what may move, and what does

    def _plan(self) -> None:
        self.steps = Steps(self.op)
        self.states = self.op.states
        self.owner: dict[SSAValue, ScanState] = {arg: s for s in self.states for arg in s.args}
        self.early = self._early_values()
        self.stacks: dict[SSAValue, SSAValue | None] = {}
        self.wholes: dict[int, SSAValue] = {}
        self.whole = self._is_whole()
        self.chosen: dict[Operation, None] = {}
        if not self.whole:
            wanted = self._ancestors(
                [op for op in self.steps.ops if isinstance(op, PRODUCTS) and self._is_early(op)]
            )
            for op in self.steps.ops:
                if op in wanted or self._follows(op):
                    self.chosen[op] = None

    def _early_values(self) -> set[SSAValue]:
        """From rows of sequences and the time forwards, also through states that only delay."""
        steps, op = self.steps, self.op
        there = elements([*(a for s in op.sequences for a in s.args), *op.outputs])
        missing: dict[Operation, int] = {}
        for one in steps.ops:
            if one in self.refused or not steps.batchable(one):
                continue
            free = isinstance(one, PointwiseOp | BroadcastOp) or affordable(one.results, there)
            if free:
                missing[one] = sum(x in steps.inside and x not in steps.fixed for x in one.operands)
        early: set[SSAValue] = set()
        delays: dict[SSAValue, list[ScanState]] = {}
        stack: list[SSAValue] = [op.time, *(a for s in op.sequences for a in s.args)]
        for state in self.states if op.stop is None else ():
            delays.setdefault(state.next, []).append(state)
            if steps.is_fixed([state.next]):
                stack += state.args
        while stack:
            x = stack.pop()
            if x in early:
                continue
            early.add(x)
            for state in delays.get(x, ()):
                stack += state.args
            for use in x.uses:
                if use.operation in missing:
                    missing[use.operation] -= 1
                    if not missing[use.operation]:
                        stack += use.operation.results
        return early

    def _is_early(self, op: Operation) -> bool:
        return bool(op.results) and op.results[0] in self.early

    def _is_whole(self) -> bool:
        """Whether nothing at all needs the loop."""
        rows = [*(s.next for s in self.states), *self.op.outputs]
        if self.steps.guarded:
            return False
        return all(x in self.early or self.steps.is_fixed([x]) for x in rows)

    def _ancestors(self, products: list[Operation]) -> set[Operation]:
        wanted = set(products)
        stack = list(products)
        while stack:
            for x in stack.pop().operands:
                while x in self.owner and x in self.early:
                    x = self.owner[x].next
                if isinstance(x, OpResult) and x in self.early and x.op not in wanted:
                    wanted.add(x.op)
                    stack.append(x.op)
        return wanted

    def _follows(self, op: Operation) -> bool:
        """Whether `op` is elementwise in what has moved: one stack takes another's place."""
        if not isinstance(op, PointwiseOp) or not self._is_early(op):
            return False
        moved = [x for x in op.operands if isinstance(x, OpResult) and x.op in self.chosen]
        rest = [x for x in op.operands if isinstance(x, OpResult) and x.op not in self.chosen]
        once = all(len(list(x.uses)) == 1 for x in moved)
        return bool(moved) and once and self.steps.is_fixed(rest)

    # -- stacks

    def _compute(self) -> bool:
        """Writes the ops before the scan. Gives whether all of them can be."""
        self.b = Builder(InsertPoint.before(self.op), self.op.location)
        if not self.whole:
            return all(self._rows(op.results[0]) is not None for op in self.chosen)
        states = all(self._whole_of(s) is not None for s in self.states)
        return states and all(self._rows(x) is not None for x in self.op.outputs)

    def _rows(self, x: SSAValue) -> SSAValue | None:
        """The stack of `x`, and first those of what it is made of; None where an op says no."""
        stack = [x]
        while stack:
            one = stack[-1]
            if one not in self.stacks:
                missing = [y for y in self._sources(one) if y not in self.stacks]
                if missing:
                    stack += missing
                    continue
                self.stacks[one] = self._stack(one)
            stack.pop()
        return self.stacks[x]

    def _sources(self, x: SSAValue) -> list[SSAValue]:
        if x not in self.early:
            return []
        if isinstance(x, OpResult):
            return [y for y in x.op.operands if y in self.early]
        return [self.owner[x].next] if x in self.owner else []

    def _stack(self, x: SSAValue) -> SSAValue | None:
        b, count = self.b, self.op.steps
        if x not in self.early:
            return repeat(b, count, self.steps.outside(b, x))
        if isinstance(x, OpResult):
            return self._batched(x.op)
        if x is self.op.time:
            return b.iota([count], I64, 0)
        if x in self.owner:
            state = self.owner[x]
            whole = self._whole_of(state)
            tap = state.taps[state.args.index(x)]  # type: ignore[arg-type]
            return None if whole is None else window(b, whole, self._first(state, tap), count)
        for one in self.op.sequences:
            if x in one.args:
                return window(b, one.value, one.taps[one.args.index(x)], count)  # type: ignore[arg-type]
        raise AssertionError("a value of the body that no step gives")

    def _batched(self, op: Operation) -> SSAValue | None:
        rows = [x in self.early for x in op.operands]
        xs: list[SSAValue] = []
        for x, own in zip(op.operands, rows, strict=True):
            value = self.stacks[x] if own else self.steps.outside(self.b, x)
            if value is None:
                return None
            xs.append(value)
        made = self.steps.batched(self.b, op, xs, rows)
        if made is None:
            self.refused.add(op)
        return made

    def _whole_of(self, state: ScanState) -> SSAValue | None:
        """All rows of a state that only delays, with those before the first step."""
        if id(state) not in self.wholes:
            rows = self._rows(state.next)
            if rows is None:
                return None
            parts = [rows, state.init] if self.op.reverse else [state.init, rows]
            self.wholes[id(state)] = self.b.concat(parts, 0)
        return self.wholes[id(state)]

    def _first(self, state: ScanState, tap: int) -> int:
        """Where the rows that a tap reads begin in the whole of a state."""
        return tap if self.op.reverse else state.depth - tap

    def _result(self, state: ScanState) -> SSAValue:
        whole = self.wholes[id(state)]
        if state.history:
            return whole
        return window(self.b, whole, 0 if self.op.reverse else self.op.steps, state.depth)

    # -- the scan without what has moved

    def _replace_whole(self) -> None:
        values = [self._result(s) for s in self.states] + [self.stacks[x] for x in self.op.outputs]
        for old, value in zip(self.op.res, values, strict=True):
            assert value is not None
            old.replace_all_uses_with(value)
        self.b.point.block.erase_op(self.op)
        self.new = None

    def _replace(self) -> None:
        """Rows of what has moved are rows of sequences."""
        scan, given = ScanDraft.of(self.op), dict[SSAValue, SSAValue]()
        yielded = {*(s.next for s in scan.states), *scan.outputs}
        for op in self.chosen:
            made = op.results[0]
            stack, inner = self.stacks[made], all(u.operation in self.chosen for u in made.uses)
            if stack is not None and (made in yielded or not inner):
                given[made] = scan.row(stack)
        for state, old in zip(self.states, self.op.res, strict=False):
            whole = self.wholes.get(id(state))
            if whole is None:
                continue
            old.replace_all_uses_with(self._result(state))
            for tap, arg in zip(state.taps, state.args, strict=True):
                given[arg] = scan.row(whole, self._first(state, tap))
        for row, instead in given.items():
            row.replace_all_uses_with(instead)
        for one in scan.states:
            one.next = given.get(one.next, one.next)
        scan.outputs = [given.get(x, x) for x in scan.outputs]
        scan.stop = given.get(scan.stop, scan.stop) if scan.stop is not None else None
        for op in reversed(self.chosen):
            scan.block.erase_op(op)
        self.new = finish(self.b, scan, self.op)
        for old, result in zip(self.op.res, self.new.res, strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        self.b.point.block.erase_op(self.op)

    def _tell(self) -> None:
        if not listening():
            return
        name = loop_title(self.op)
        if self.whole:
            text = f"{name} is computed as a whole, without a loop"
        else:
            products = [title(op) for op in self.chosen if isinstance(op, PRODUCTS)]
            text = f"computed for all steps at once, before {name}: {several(products)}"
        remark(KIND, self.op.location, text)
