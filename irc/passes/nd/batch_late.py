"""What no later step of a scan reads, done for all steps after it; sums along time."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.builder import InsertPoint
from xdsl.ir import Operation, OpResult, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.sources import PhiloxOp
from irc.dtypes import I64
from irc.passes.nd.batch_rows import PRODUCTS, Steps, affordable, elements
from irc.passes.nd.rules import nested_ops
from irc.passes.nd.scans import (
    KIND,
    as_rows,
    finish,
    has_effects,
    loop_title,
    several,
    title,
    window,
)
from irc.passes.nd.sums_over_time import Sum, sums_over_time
from irc.passes.remarks import listening, remark


@dataclass
class Late:
    """
    One scan while work moves behind it.

    moved    ops that leave, in program order
    sums     what the states that only add get from products along time
    stacks   all rows of values of the body; places: where those stand that the loop keeps
    """

    op: ScanOp
    moved: dict[Operation, None] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    stacks: dict[SSAValue, SSAValue] = field(default_factory=dict)

    def move(self) -> bool:
        """Whether anything has moved; `new` is the scan that is left."""
        self.new = self.op
        if self.op.stop is not None:
            return False  # its rows repeat from a step on that is not known
        self.steps = Steps(self.op)
        self.kept = self._rows_kept()
        self.sums = sums_over_time(self.op, self.steps, self.kept)
        self.steps = Steps(self.op)
        self._choose()
        if not self.moved and not self.sums:
            return False
        if listening():
            self._tell()
        self._replace()
        return True

    def _rows_kept(self) -> set[SSAValue]:
        """Values that have a stack already."""
        op = self.op
        kept: set[SSAValue] = {op.time, *(a for s in op.sequences for a in s.args), *op.outputs}
        for state in op.states:
            if state.history:
                kept |= {state.next, *state.args}
        return kept

    # -- what moves

    def _choose(self) -> None:
        """Products that no later step waits for, what reads them, and what only they read."""
        elsewhere = needed_by_steps(self.op)
        elsewhere |= (summed := {op for one in self.sums for op in one.ops})
        free = [o for o in self.steps.ops if o not in elsewhere and self._batchable(o)]
        able = self._able({*free, *summed})
        free = [o for o in free if not self.steps.is_fixed(o.operands)]  # the others have no rows
        made = set(self.kept)  # rows that come from stacks
        chosen = set[Operation]()
        for op in free:
            if all(x in made or self.steps.is_fixed([x]) for x in op.operands):
                made.update(op.results)
            reads = any(isinstance(x, OpResult) and x.op in chosen for x in op.operands)
            if op in able and (reads or (isinstance(op, PRODUCTS) and self._pays(op))):
                chosen.add(op)
        for op in reversed(free):
            result = op.results[0]
            feeds = result.first_use is not None and result not in self.kept
            if feeds and result in made and all(use.operation in chosen for use in result.uses):
                chosen.add(op)
        self.moved = {op: None for op in self.steps.ops if op in chosen}

    def _batchable(self, op: Operation) -> bool:
        return self.steps.batchable(op) and not isinstance(op, PhiloxOp)

    def _able(self, able: set[Operation]) -> set[Operation]:
        """Those that nothing reads which has to stay."""
        able.add(self.op.end)
        for op in reversed(self.steps.ops):
            if op in able and any(use.operation not in able for use in op.results[0].uses):
                able.discard(op)
        return able

    def _pays(self, product: Operation) -> bool:
        """Whether its operands stand in stacks, or such stacks are not much larger."""
        rows = [x for x in product.operands if not self.steps.is_fixed([x])]
        new = [x for x in rows if x not in self.kept]
        there = [product.results[0], *(x for x in rows if x in self.kept)]
        return affordable(new, elements(there))

    # -- the scan without it

    def _replace(self) -> None:
        self.b = Builder(InsertPoint.before(self.op), self.op.location)
        scan, old = ScanDraft.of(self.op), list(self.op.res)
        outputs = list(zip(scan.outputs, old[len(scan.states) :], strict=True))
        stay = [pair for pair in outputs if not self._is_moved(pair[0])]
        scan.outputs = [row for row, _ in stay]
        leaving = [*self.moved, *(op for one in self.sums for op in one.ops)]
        for op in leaving:
            op.detach()
        short = [state for state in scan.states if not state.history]
        self._keep(scan)
        self.new = finish(self.b, scan, self.op)
        self._place_rows(scan)
        for op in self.moved:
            self._compute(op)
        for state, was, result in zip(scan.states, old, self.new.res, strict=False):
            cut = state in short and state.history
            start = 0 if scan.reverse else self.op.steps
            last = window(self.b, result, start, state.depth) if cut else result
            self._give(was, self._with_sums(last, was))
        for (_, was), result in zip(stay, self.new.res[len(scan.states) :], strict=False):
            self._give(was, result)
        for row, was in outputs:
            if self._is_moved(row):
                self._give(was, self.stacks[row])
        self.b.point.block.erase_op(self.op)
        for op in reversed(leaving):
            op.erase()

    def _is_moved(self, x: SSAValue) -> bool:
        return isinstance(x, OpResult) and x.op in self.moved

    def _keep(self, scan: ScanDraft) -> None:
        """Histories for states that are read late, outputs for other values."""
        wanted = [x for op in self.moved for x in op.operands]
        wanted += [x for one in self.sums for x in one.rows]
        owner: dict[SSAValue, ScanState] = {}
        for state in scan.states:
            owner |= dict.fromkeys([*state.args, state.next], state)
        known = {scan.time, *(a for s in scan.sequences for a in s.args), *scan.outputs}
        for x in wanted:
            if self._is_moved(x) or self.steps.is_fixed([x]) or x in known:
                continue
            if x in owner:
                owner[x].history = True
            else:
                scan.output(x)
            known.add(x)

    def _place_rows(self, scan: ScanDraft) -> None:
        """Where the rows of each value of the body stand: in which stack, from which row on."""
        rows = zip(scan.outputs, self.new.res[len(scan.states) :], strict=True)
        self.places: dict[SSAValue, tuple[SSAValue, int]] = {
            row: (result, 0) for row, result in rows
        }
        for one in scan.sequences:
            self.places |= {a: (one.value, k) for a, k in zip(one.args, one.taps, strict=True)}
        for state, result in zip(scan.states, self.new.res, strict=False):
            if state.history:
                self.places[state.next] = (result, 0 if scan.reverse else state.depth)
                for tap, arg in zip(state.taps, state.args, strict=True):
                    self.places[arg] = (result, tap if scan.reverse else state.depth - tap)

    def _rows(self, x: SSAValue) -> SSAValue:
        """The stack of a value of the body."""
        if x not in self.stacks:
            if x is self.new.time:
                self.stacks[x] = self.b.iota([self.op.steps], I64, 0)
            else:
                stack, start = self.places[x]
                self.stacks[x] = window(self.b, stack, start, self.op.steps)
        return self.stacks[x]

    def _compute(self, op: Operation) -> None:
        rows = [not self.steps.is_fixed([x]) for x in op.operands]
        xs = [
            self._rows(x) if own else self.steps.outside(self.b, x)
            for x, own in zip(op.operands, rows, strict=True)
        ]
        made = self.steps.batched(self.b, op, xs, rows)
        assert made is not None
        self.stacks[op.results[0]] = made

    def _give(self, old: OpResult, value: SSAValue) -> None:
        if old.name_hint and not value.name_hint:
            value.name_hint = old.name_hint
        old.replace_all_uses_with(value)

    def _with_sums(self, total: SSAValue, old: OpResult) -> SSAValue:
        """What a state has at the end, with the sums along time."""
        for one in self.sums:
            if one.result is old:
                self.b.location = one.product.location
                part = as_rows(self.b, one.total(self.b, self._rows, self._outside))
                if one.first:
                    total = part
                else:
                    total = self.b.sub(total, part) if one.negative else self.b.add(total, part)
        return total

    def _outside(self, x: SSAValue) -> SSAValue:
        return self.steps.outside(self.b, x)

    def _tell(self) -> None:
        name = loop_title(self.op)
        products = [title(op) for op in self.moved if isinstance(op, PRODUCTS)]
        if products:
            text = f"computed for all steps at once, after {name}: {several(products)}"
            remark(KIND, self.op.location, text)
        for one in self.sums:
            text = f"summed over the steps of {name} as one product: {title(one.product)}"
            remark(KIND, one.product.location, text)


def needed_by_steps(op: ScanOp) -> set[Operation]:
    """The ops of the body that the next rows of states, checks and prints need."""
    needed = set[Operation]()
    stack = [s.next.owner for s in op.states]
    stack += [one for one in op.body.block.ops if has_effects(one)]
    while stack:
        one = stack.pop()
        if not isinstance(one, Operation) or one.parent is not op.body.block or one in needed:
            continue
        needed.add(one)
        for inner in (one, *nested_ops(one)):
            stack += [x.owner for x in inner.operands]
    return needed
