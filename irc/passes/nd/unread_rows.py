"""What of a loop nothing reads: found from its results backwards, and left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xdsl.builder import InsertPoint
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import ScanOp, ScanSequence, ScanState, WhileOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import SliceOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.passes.nd.rules import nested_ops
from irc.passes.nd.scans import finish, has_effects, known, window
from irc.sizes import Poly

SHORT = 16  # a stack of which more than so many last rows are read is kept


def drop_unread(b: Builder, op: ScanOp) -> tuple[ScanOp, list[str]]:
    """The scan with what is read of it, in the place of `op`, and what has gone, in words."""
    work = _Scan(b, op)
    work.drop_dead()
    work.shorten()
    return work.finish(), work.told


@dataclass
class _Scan:
    """
    One scan while parts of it leave.

    states, outputs   what stays, with the result of `op` that it gave
    cuts              results read from a shorter stack, and the row where that begins in them
    """

    b: Builder
    op: ScanOp
    told: list[str] = field(default_factory=list)
    cuts: dict[OpResult, Poly] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.needed, live = _needed(
            [self.op.body.block],
            [r for r, old in _yielded(self.op) if old.first_use is not None]
            + ([self.op.stop] if self.op.stop is not None else []),
            {arg: s.next for s in self.op.states for arg in s.args},
        )
        self.scan = ScanDraft.of(self.op)
        many = len(self.scan.states)
        self.states = [
            (s, old)
            for s, old in zip(self.scan.states, self.op.res, strict=False)
            if old.first_use is not None or not live.isdisjoint(s.args)
        ]
        pairs = zip(self.scan.outputs, self.op.res[many:], strict=True)
        self.outputs = [(row, old) for row, old in pairs if old.first_use is not None]

    def drop_dead(self) -> None:
        scan = self.scan
        _say(self.told, len(scan.states) - len(self.states), "state")
        _say(self.told, len(scan.outputs) - len(self.outputs), "output")
        for op in reversed(list(scan.block.ops)):
            if op not in self.needed:
                scan.block.erase_op(op)
        kept = {id(s) for s, _ in self.states}
        yielded = {row for row, _ in self.outputs} | {s.next for s, _ in self.states}
        if scan.stop is not None:
            yielded.add(scan.stop)
        holders: list[ScanSequence | ScanState] = [*scan.sequences, *scan.states]
        for holder in holders:
            for k in reversed(range(len(holder.taps))):
                arg = holder.args[k]
                gone = isinstance(holder, ScanState) and id(holder) not in kept
                if gone or (arg.first_use is None and arg not in yielded):
                    scan.block.erase_arg(holder.args.pop(k))
                    holder.taps.pop(k)
        scan.sequences = [s for s in scan.sequences if s.taps]

    # -- last rows

    def shorten(self) -> None:
        """States have as many rows as taps and readers need; so do outputs, as states."""
        for state, old in self.states:
            self._shorten_state(state, old)
        steps, kept = sizes.poly(self.op.steps), []
        for row, old in self.outputs:
            last = self._last_rows(old, steps)
            if not last:
                kept.append((row, old))
                continue
            state = self.scan.state(self.b.full((last, *dims_of(row)), dtype_of(row), 0))
            state.next = row
            self.states.append((state, old))
            self.cuts[old] = steps - last
            self.told.append(f"of an output only the last {_rows(last)} kept")
        self.outputs = kept

    def _shorten_state(self, state: ScanState, old: OpResult) -> None:
        depth = state.depth
        count = sizes.poly(self.op.steps) + depth if state.history else sizes.poly(depth)
        last = 0 if old.first_use is None else self._last_rows(old, count)
        if last is None:
            return
        rows = max([last, 1, *state.taps])
        if state.history and old.first_use is not None:
            self.told.append(f"of a history only the last {_rows(rows)} kept")
        state.init, state.history = self._cut(state.init, rows), False
        self.cuts[old] = count - rows

    def _last_rows(self, old: OpResult, count: Poly) -> int | None:
        """How many rows of `count`, from the one made last, are read; None for any."""
        most = 0
        for use in old.uses:
            span = _rows_read(use.operation)
            rows = known(span[1] + 1 if self.scan.reverse else count - span[0]) if span else None
            if rows is None or not 1 <= rows <= SHORT:
                return None
            most = max(most, rows)
        whole = known(count)
        return None if whole is not None and most >= whole else most

    def _cut(self, init: SSAValue, rows: int) -> SSAValue:
        """The last `rows` rows before the first step; zeros where nobody looks."""
        depth, reverse = dims_of(init)[0], self.scan.reverse
        assert isinstance(depth, int)
        if rows <= depth:
            return window(self.b, init, 0 if reverse else depth - rows, rows)
        zeros = self.b.full((rows - depth, *dims_of(init)[1:]), dtype_of(init), 0)
        return self.b.concat([init, zeros] if reverse else [zeros, init], 0)

    # -- the new scan

    def finish(self) -> ScanOp:
        scan = self.scan
        scan.states = [s for s, _ in self.states]
        scan.outputs = [row for row, _ in self.outputs]
        new = finish(self.b, scan, self.op)
        olds = [old for _, old in self.states] + [old for _, old in self.outputs]
        for old, result in zip(olds, new.res, strict=True):
            result.name_hint = old.name_hint
            if old not in self.cuts:
                old.replace_all_uses_with(result)
                continue
            for use in list(old.uses):
                shift = sizes.const(0) if scan.reverse else self.cuts[old]
                _slice_instead(use.operation, result, shift)
        self.b.point.block.erase_op(self.op)
        return new


def _yielded(op: ScanOp) -> list[tuple[SSAValue, OpResult]]:
    return list(zip(op.end.operands, op.res, strict=False))


def _rows_read(op: Operation) -> tuple[Poly, Poly] | None:
    """The first and last row that a slice reads."""
    if not isinstance(op, SliceOp) or op.starts:
        return None
    count, first, step = dims_of(op.res)[0], op.offsets.data[0], op.steps.data[0]
    if count == 0:
        return None
    other = first + (sizes.poly(count) - 1) * step
    return (first, other) if step > 0 else (other, first)


def _slice_instead(op: Operation, whole: SSAValue, shift: Poly) -> None:
    """The same rows of a stack whose row 0 was row `shift`."""
    assert isinstance(op, SliceOp)
    first, *rest = op.offsets.data
    b = Builder(InsertPoint.before(op), op.location)
    at, made = (first - shift, *rest), whole
    if whole.type != op.res.type or any(p != 0 for p in at) or any(k != 1 for k in op.steps.data):
        made = b.slice(whole, dims_of(op.res), at, op.steps.data)
        made.name_hint = op.res.name_hint
    op.res.replace_all_uses_with(made)
    b.point.block.erase_op(op)


def _needed(
    blocks: Iterable[Block], roots: Iterable[SSAValue], feeds: Mapping[SSAValue, SSAValue]
) -> tuple[set[Operation], set[SSAValue]]:
    """
    The ops of the blocks that `roots`, checks and prints need, and the arguments among them.

    feeds   for an argument that is carried from step to step what the next step gets
    """
    blocks = set(blocks)
    needed, args = set[Operation](), set[SSAValue]()
    stack: list[SSAValue] = list(roots)
    loud = [op for block in blocks for op in block.ops if has_effects(op)]
    while loud or stack:
        x = stack.pop() if stack else None
        if isinstance(x, BlockArgument):
            if x.block in blocks and x not in args:
                args.add(x)
                if x in feeds:
                    stack.append(feeds[x])
            continue
        op = x.op if isinstance(x, OpResult) else loud.pop()
        if op in needed or op.parent not in blocks:
            continue
        needed.add(op)
        for inner in (op, *nested_ops(op)):
            stack += inner.operands
    return needed, args


def _say(told: list[str], count: int, what: str) -> None:
    if count:
        told.append(f"{count} {what}{'s' * (count > 1)} less, which nothing reads")


def _rows(count: int) -> str:
    return "row is" if count == 1 else f"{count} rows are"


# -- searches


def drop_unread_of_search(op: WhileOp) -> WhileOp:
    """Leaves out carried values that neither results nor the condition need."""
    cond, body = op.cond.block, op.body.block
    ends = [block.last_op for block in (cond, body)]
    assert ends[0] is not None and ends[1] is not None
    rows = list(ends[1].operands)
    feeds: dict[SSAValue, SSAValue] = dict(zip(body.args, rows, strict=True))
    feeds.update(zip(cond.args, body.args, strict=True))
    roots = [rows[k] for k, r in enumerate(op.res) if r.first_use is not None]
    needed, args = _needed([cond, body], [*ends[0].operands, *roots], feeds)
    kept = [
        k for k, r in enumerate(op.res)
        if r.first_use is not None or body.args[k] in args or cond.args[k] in args
    ]  # fmt: skip
    if len(kept) == len(rows):
        return op
    shorter = YieldOp.create(operands=[rows[k] for k in kept])
    shorter.location = ends[1].location
    body.erase_op(ends[1])
    body.add_op(shorter)
    for block in (cond, body):
        for inner in reversed(list(block.ops)):
            if inner not in needed and not isinstance(inner, YieldOp):
                block.erase_op(inner)
        for k in reversed(range(len(rows))):
            if k not in kept:
                block.erase_arg(block.args[k])
    new = WhileOp.build(
        operands=[[op.inits[k] for k in kept]],
        result_types=[[op.res[k].type for k in kept]],
        properties=dict(op.properties),
        regions=[op.detach_region(region) for region in list(op.regions)],
    )
    Builder(InsertPoint.before(op), op.location).insert(new)
    for k, result in zip(kept, new.res, strict=True):
        result.name_hint = op.res[k].name_hint
        op.res[k].replace_all_uses_with(result)
    assert op.parent is not None
    op.parent.erase_op(op)
    return new
