"""
The derivative of `nd.scan`: a scan that runs the other way.

    x, y = scan from x0 over u { x[t], y[t] = f(x[t-1], x[t-3], u[t], W) }

becomes, with dx and dy for what arrives at the rows of x and y,

    scan backwards {
        total = dx[t] + p1[t+1] + p3[t+3]               from the steps that read x[t]
        p1[t], p3[t], du[t], w = vjp of f at step t, given total and dy[t]
        sum[t] = sum[t+1] + w
    }

So each tap d of a state is a state of its own, of depth d, which holds what a step sends to the
row that it read d steps before. The rows that it begins with stand for steps that are not there,
zeros, or for the last rows of x when these are what the derivative arrives at; the rows that it
ends with belong to x0. Gradients of rows of sequences are an output, those of values around the
scan are summed in a state. A step reads what it needs of the forward step (`grad_residuals.py`).
Werbos, "Backpropagation through time: what it does and how to do it", Proc. IEEE 78 (1990).

Where `until` has stopped the scan, a row is the one before it, so what arrives is sent on there.
With `truncate k` steps before the last k that ran send nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Block, SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of, dtype_of, rank_of
from irc.dtypes import I64
from irc.passes.nd.dce import remove_dead_among
from irc.passes.nd.grad_flows import Flows, Gradients, Walk, add_to
from irc.passes.nd.grad_if import drop_effects
from irc.passes.nd.grad_paths import captured, inside_scan, varied
from irc.passes.nd.grad_residuals import Residuals, nested, references, rows_of, stop_history


def through_scan(
    walk: Walk, b: Builder, op: ScanOp, changing: set[SSAValue], gradients: Gradients
) -> Flows:
    """
    Writes the backward scan with `b`, and gives what it sends to each value that `op` reads.

    The forward scan is replaced by one that keeps what the backward one reads.
    """
    given = [gradients.get(r) for r in op.results]
    paths = _find_paths(op, given, changing)
    if not paths.ends:
        return []
    back = _Backward(b, op, paths, given)
    work = back.step(walk)
    residuals = Residuals(op)
    residuals.choose(references(residuals, work))
    residuals.extend(gradients, stop=op.until is not None)
    residuals.bring(back.draft, work)
    return back.finish(residuals.op, work)


@dataclass
class _Paths:
    """
    What the derivative passes through.

    start    what changes on its own in the body: its arguments, and values around it
    through  what changes there and is reached from the given results
    states   for each state whether it is on the way, then whether its init changes
    rows     taps of sequences on the way: the number of the sequence and of the tap
    around   values around the scan, which its body reads
    """

    start: set[SSAValue]
    through: set[SSAValue]
    states: list[bool]
    inits: list[bool]
    rows: list[tuple[int, int]]
    around: list[SSAValue]

    @property
    def ends(self) -> bool:
        """Whether there is anything to send to."""
        return bool(any(self.inits) or self.rows or self.around)


def _find_paths(op: ScanOp, given: Sequence[SSAValue | None], changing: set[SSAValue]) -> _Paths:
    states, sequences, path = op.states, op.sequences, list(op.body.block.ops)
    around = [x for x in captured(op) if x in changing and dtype_of(x).is_float]
    start = {*around, *(a for s in sequences if s.value in changing for a in s.args)}
    moving = [s.init in changing for s in states]
    while True:  # a state costs at most one more sweep
        start.update(a for s, on in zip(states, moving, strict=True) if on for a in s.args)
        changes = varied(path, start)
        now = [on or s.next in changes for s, on in zip(states, moving, strict=True)]
        if now == moving:
            break
        moving = now
    wanted = [g is not None for g in given]
    reaching = wanted[: len(states)]
    reaches = inside_scan(op, reaching, wanted[len(states) :])
    on_way = [a and b for a, b in zip(moving, reaching, strict=True)]
    through = changes & reaches
    return _Paths(
        start,
        through,
        on_way,
        [on and s.init in changing for s, on in zip(states, on_way, strict=True)],
        [(i, k) for i, s in enumerate(sequences) for k, a in enumerate(s.args) if a in through],
        [x for x in around if x in reaches],
    )


@dataclass
class _Sent:
    """
    What a step sends to one place: the gradient of a value that its forward step read.

    of     that value, in the forward body; None when no step sends anything
    row    a value of the type that is sent
    sum    the row before, when it adds up over time
    held   what is sent by a step that only repeated the one before it
    """

    of: SSAValue | None
    row: SSAValue
    sum: SSAValue | None = None
    held: SSAValue | None = None


class _Backward:
    """
    The backward scan of one scan while it is written.

    sent    one for each state of it, then for each output
    seeds   rows of the forward body, and what arrives at them
    taps    for each state of the forward scan, which states of this one send to its rows
    """

    def __init__(
        self, b: Builder, op: ScanOp, paths: _Paths, given: Sequence[SSAValue | None]
    ) -> None:
        self.b, self.op, self.paths, self.location = b, op, paths, b.location
        self.given = given
        self.histories = [s.history for s in op.states]
        self.mirrored = op.reverse is not None
        self.draft = ScanDraft(op.steps, reverse=not self.mirrored)
        self.totals = Builder(self.draft.block, self.location)
        self.sent: list[_Sent] = []
        self.seeds: list[tuple[SSAValue, SSAValue]] = []
        self.taps: dict[int, list[tuple[int, int]]] = {}
        for k, on in enumerate(paths.states):
            if on:
                self._state(k)
        count = len(op.inits)
        for row, dy in zip(op.outputs, given[count:], strict=True):
            if dy is not None and row in paths.through:
                self._output(row, dy)
        for x in paths.around:
            total = self.draft.state(b.full((1, *dims_of(x)), dtype_of(x), 0))
            self.sent.append(_Sent(x, x, sum=self.draft.tap(total, 1)))
        for i, k in paths.rows:
            arg = op.sequences[i].args[k]
            self.sent.append(_Sent(arg, arg))

    def _state(self, k: int) -> None:
        """What arrives at a row of a state, from steps that read it and from what comes after."""
        state, given = self.op.states[k], self.given[k]
        depth = state.depth
        total: SSAValue | None = None
        last_rows = None if state.history else given
        if given is not None and state.history:
            total = self.draft.row(given, 0 if self.mirrored else depth)
        readers = {
            d: a for d, a in zip(state.taps, state.args, strict=True) if a in self.paths.through
        }
        until = self.op.until is not None
        steps = {*readers, *([depth] if last_rows is not None else []), *([1] if until else [])}
        self.taps[k] = []
        for d in sorted(steps):
            begin = last_rows if d == depth else None
            arriving = self._sending(state.next, d, begin)
            total = arriving if total is None else self.totals.add(total, arriving)
            self.taps[k].append((d, len(self.sent)))
            self.sent.append(_Sent(readers.get(d), state.next))
        assert total is not None
        if until:
            self.sent[self.taps[k][0][1]].held = total
        self.seeds.append((state.next, total))

    def _output(self, row: SSAValue, given: SSAValue) -> None:
        total: SSAValue = self.draft.row(given)
        if self.op.until is not None:
            total = self.totals.add(total, self._sending(row, 1, None))
            self.sent.append(_Sent(None, row, held=total))
        self.seeds.append((row, total))

    def _sending(self, row: SSAValue, d: int, begin: SSAValue | None) -> SSAValue:
        """A state that sends to the row `d` steps before; gives what arrives from it."""
        if begin is None:
            begin = self.b.full((d, *dims_of(row)), dtype_of(row), 0)
        arriving = self.draft.tap(self.draft.state(begin), d)
        arriving.name_hint = _name(row)
        return arriving

    # -- the body

    def step(self, walk: Walk) -> Block:
        """
        The vector-Jacobian product of a step, in a block that yields what is sent.

        It refers to values of the forward body; with `recompute` only to arguments of it.
        """
        work, copies = Block(), dict[SSAValue, SSAValue]()
        b = Builder(work, self.location)
        path = [inner for inner in self.op.body.block.ops if inner is not self.op.end]
        if self.op.recompute is not None:
            path = [inner.clone(copies) for inner in path]
            work.add_ops(path)
        gradients: Gradients = {}
        for row, total in self.seeds:
            add_to(b, gradients, copies.get(row, row), total)
        walk(b, path, varied(path, self.paths.start), gradients)
        b.location = self.location
        b.insert(YieldOp.create(operands=[_sum(b, s, gradients) for s in self.sent]))
        drop_effects(work.walk())
        remove_dead_among(nested(work))
        return work

    def finish(self, op: ScanOp, work: Block) -> Flows:
        """Inserts the scan, whose body is `work` where `op` made a step of its own."""
        work = self._unless_skipped(op, work)
        work = self._unless_held(op, work)
        end = work.last_op
        assert isinstance(end, YieldOp)
        values = list(end.operands)
        work.erase_op(end)
        for inner in list(work.ops):
            inner.detach()
            self.draft.block.add_op(inner)
        for state, value in zip(self.draft.states, values, strict=False):
            state.next = value
        self.draft.outputs = values[len(self.draft.states) :]
        results = self.b.insert(self.draft.finish()).results
        return self._flows(op, results)

    def _unless_skipped(self, op: ScanOp, work: Block) -> Block:
        """With `truncate`: if one of the last steps { work } else { nothing is sent }"""
        if op.truncate is None:
            return work
        (limit,) = op.truncate.data
        if (limit - op.steps).nonnegative():
            return work
        b, ran = self.b, self.b.size(op.steps)
        stopped = stop_history(op)
        if stopped is not None:
            at = 1 if self.mirrored else 0
            steps = b.slice(stopped, (op.steps,), (at,), (1,))
            ran = b.sum(b.cast(b.scalar("not", steps), I64), [0])
        limits = b.size(sizes.size(limit))
        if self.mirrored:  # it ran from the last time on
            bound, how = b.add(b.sub(b.size(op.steps), ran), limits), "lt"
        else:
            bound, how = b.sub(ran, limits), "ge"
        skipped, outer = Block(), Block()
        inner = Builder(skipped, self.location)
        inner.insert(YieldOp.create(operands=[_nothing(inner, s) for s in self.sent]))
        near = Builder(outer, self.location)
        ends = near.if_(near.scalar(how, self.draft.time, bound), work, skipped)
        near.insert(YieldOp.create(operands=ends))
        return outer

    def _unless_held(self, op: ScanOp, work: Block) -> Block:
        """With `until`: if stopped before { what arrives is sent on } else { work }"""
        stopped = stop_history(op) if op.until is not None else None
        if stopped is None:
            return work
        held, outer = Block(), Block()
        inner = Builder(held, self.location)
        sent = [_nothing(inner, s) if s.held is None else s.held for s in self.sent]
        inner.insert(YieldOp.create(operands=sent))
        near = Builder(outer, self.location)
        ends = near.if_(self.draft.row(stopped, 1 if self.mirrored else 0), held, work)
        near.insert(YieldOp.create(operands=ends))
        return outer

    # -- what is sent to the values around

    def _flows(self, op: ScanOp, results: Sequence[SSAValue]) -> Flows:
        b, paths = self.b, self.paths
        flows: list[tuple[SSAValue, SSAValue | None]] = []
        for k, state in enumerate(op.states[: len(paths.inits)]):
            if paths.inits[k]:
                flows.append((state.init, self._to_init(k, state, results)))
        sums = len(self.draft.states) - len(paths.around)
        for x, rows in zip(paths.around, results[sums:], strict=False):
            flows.append((x, b.reshape(rows, dims_of(x))))
        for (i, k), rows in zip(paths.rows, results[len(self.draft.states) :], strict=True):
            one = op.sequences[i]
            flows.append((one.value, _placed(b, rows, one.value, one.taps[k])))
        return flows

    def _to_init(self, k: int, state: ScanState, results: Sequence[SSAValue]) -> SSAValue | None:
        """A tap d ends with what it sends to the last d rows of the init, or mirrored the first."""
        b, total, given = self.b, None, self.given[k]
        if given is not None and self.histories[k]:
            at = self.op.steps if self.mirrored else 0
            total = rows_of(b, given, at, state.depth)
        for d, place in self.taps[k]:
            part = _placed(b, results[place], state.init, 0 if self.mirrored else state.depth - d)
            total = part if total is None else b.add(total, part)
        return total


def _sum(b: Builder, sent: _Sent, gradients: Gradients) -> SSAValue:
    found = gradients.get(sent.of) if sent.of is not None else None
    if found is None:
        return _nothing(b, sent)
    return found if sent.sum is None else b.add(sent.sum, found)


def _nothing(b: Builder, sent: _Sent) -> SSAValue:
    return b.like(sent.row, 0) if sent.sum is None else sent.sum


def _placed(b: Builder, rows: SSAValue, whole: SSAValue, at: int) -> SSAValue:
    """A tensor of the type of `whole`: `rows` from row `at` on, zeros elsewhere."""
    if dims_of(rows) == dims_of(whole):
        return rows
    rest = rank_of(whole) - 1
    return b.insert_slice(b.like(whole, 0), rows, (at, *[0] * rest), [1] * (rest + 1))


def _name(row: SSAValue) -> str | None:
    return f"d{row.name_hint}" if row.name_hint else None
