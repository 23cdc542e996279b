"""
Recurrences in memory: a loop over the steps, its rows as destinations.

```
%x, %y = nd.scan "T" over (%u)       for %t = 0 to T
                     from (%x0)        %u_row = &%u[%t]
  %x1 = f(%x_prev, %u_row)       ->    %x_prev, %x_row = &%ring[(%t + 1) % 2], &%ring[%t % 2]
  %y1 = g(%x1)                         linalg ins(%x_prev, %u_row) outs(%x_row)
  nd.yield %x1, %y1                    linalg ins(%x_row) outs(&%y[%t])
```

A step copies and allocates nothing, unless what it yields lies elsewhere: an argument, or one
value for two results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xdsl.dialects import arith, scf, tensor
from xdsl.dialects.builtin import i1
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue

from irc import sizes
from irc.dialects import rt
from irc.dialects.nd.loops import ScanOp, ScanSequence, WhileOp
from irc.dialects.nd.types import shape_dims
from irc.passes.loops.builder import DYNAMIC, INDEX, Index, Pen, memref_type
from irc.passes.loops.liveness import Liveness
from irc.passes.loops.places import Buffer, Place, memref_of
from irc.passes.loops.rows import is_contiguous, row, rows
from irc.passes.loops.tracks import Beside, Now, Track
from irc.passes.loops.updates import updates_in_place

if TYPE_CHECKING:
    from irc.passes.loops.bufferize import Bufferizer


def bufferize_scan(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """`scf.for`; with `until` `scf.while`, and then the last row again for the steps left out."""
    assert isinstance(op, ScanOp)
    r = _Recurrence(f, op, live, op.reverse is not None)
    inner, count = Liveness(op.body.block), f.pool.size(op.steps)
    taps: list[_Tap] = []
    outputs = [r.keep_all(result, count) for result in op.res[len(op.inits) :]]
    beside = {value: track for value, track in zip(op.outputs[::-1], outputs[::-1], strict=True)}
    for state in op.states:
        if not state.history and state.next in beside:
            r.taken.add(f.places[state.init].buffer)
    for k, (state, result) in enumerate(zip(op.states, op.res, strict=False)):
        if state.history:
            r.tracks.append(r.keep_all(result, count, state.init, state.depth))
        elif state.next in beside and is_contiguous(f.places[state.init].ref):
            r.keep_beside(beside[state.next], state.init, state.depth, count)
        else:
            oldest = state.args[-1] if state.taps and state.taps[-1] == state.depth else None
            r.keep_last(state.init, result, state.depth, oldest, state.next, inner)
        taps += [_Tap(arg, k, back) for arg, back in zip(state.args, state.taps, strict=True)]
    r.tracks += outputs
    step, stop = op.time, op.stop

    def now(pen: Pen) -> Now:
        return Now(step, _reversed_time(op, pen) if r.reverse else step)

    after = r.body(op.body.block, inner, now, taps, op.sequences)
    if stop is None:
        after.end()
        loop = scf.ForOp.create(
            operands=[r.pen.index(i) for i in (0, count, 1)],
            regions=[op.detach_region(op.body)],
        )
        r.pen.insert(loop)
        r.finish(count)
        return
    stopped = after.load(f.places[stop].ref, [], "stopped")
    after.end([after.index(after.add(step, 1)), stopped])
    start = [r.pen.index(0), f.pool.number(False, i1)]
    done = r.insert_while(start, _not_stopped(r, count), op.detach_region(op.body))
    r.finish(r.repeat_last(done, count))


def bufferize_while(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """`scf.while` that counts its steps."""
    assert isinstance(op, WhileOp)
    r = _Recurrence(f, op, live)
    region, body, inner = op.body, op.body.block, Liveness(op.body.block)
    end = body.last_op
    assert end is not None
    for init, arg, value, result in zip(op.inits, body.args, end.operands, op.res, strict=True):
        r.keep_last(init, result, None, arg, value, inner)
    taps = [_Tap(arg, k, 1) for k, arg in enumerate(body.args)]
    before = _condition(r, op)
    step = body.insert_arg(INDEX, 0)
    step.name_hint = "step"
    after = r.body(body, inner, lambda _: Now(step, step), taps)
    after.end([after.index(after.add(step, 1))])
    r.finish(r.insert_while([r.pen.index(0)], before, op.detach_region(region)))


def _reversed_time(op: ScanOp, pen: Pen) -> SSAValue:
    """count - 1 - step; users of the time see that from now on."""
    step = op.time
    last = pen.index(pen.pool.size(sizes.size(sizes.poly(op.steps) - 1)))
    time = pen.op(arith.SubiOp, [last, step], INDEX, step.name_hint)
    for use in [u for u in step.uses if u.operation is not time.owner]:
        use.operation.operands[use.index] = time
    step.name_hint = "step"
    return time


def _not_stopped(r: _Recurrence, count: Index) -> Block:
    """step < count and not stopped"""
    block = Block(arg_types=[INDEX, i1])
    step, stopped = block.args
    step.name_hint, stopped.name_hint = "step", "stopped"
    pen = Pen(r.pen.pool, block, None, r.pen.location)
    going = pen.op(arith.XOrIOp, [stopped, pen.pool.number(True, i1)], i1)
    go = pen.op(arith.AndIOp, [pen.compare("lt", step, count), going], i1)
    pen.insert(scf.ConditionOp(go, step))
    return block


# What must not happen after the last step; a read at the step's number is outside by then.
_ASKED = (rt.AssertOp, rt.PrintOp, tensor.ExtractSliceOp, tensor.ExtractOp)


def _condition(r: _Recurrence, op: WhileOp) -> Block:
    """The first block of `scf.while`; after `limit` steps a condition with effects is not asked."""
    cond, end = op.cond.block, op.cond.block.last_op
    assert end is not None
    value = end.operands[0]
    taps = [_Tap(arg, k, 1) for k, arg in enumerate(cond.args)]
    effects = any(isinstance(o, _ASKED) for o in op.cond.walk())
    step = cond.insert_arg(INDEX, 0)
    step.name_hint = "step"
    pen = r.body(cond, Liveness(cond), lambda _: Now(step, step), taps, yields=False)
    go = pen.load(r.f.places[value].ref, [], "go")
    if op.limit is None:
        pen.insert(scf.ConditionOp(go, step))
        op.cond.detach_block(cond)
        return cond
    limit = r.f.pool.size(sizes.size(op.limit.data[0]))
    if not effects:
        go = pen.op(arith.AndIOp, [pen.compare("lt", step, limit), go], i1)
        pen.insert(scf.ConditionOp(go, step))
        op.cond.detach_block(cond)
        return cond
    pen.end([go])
    inside = op.detach_region(op.cond)
    outer = Block(arg_types=[INDEX])
    step.replace_all_uses_with(outer.args[0])
    outer.args[0].name_hint = "step"
    cond.erase_arg(step)
    pen = Pen(r.pen.pool, outer, None, r.pen.location)
    no = Block()
    left = pen.compare("lt", outer.args[0], limit)
    either = scf.IfOp.create(operands=[left], result_types=[i1], regions=[inside, Region(no)])
    pen.insert(either)
    either.results[0].name_hint = "go"
    Pen(r.pen.pool, no, None, r.pen.location).end([pen.pool.number(False, i1)])
    pen.insert(scf.ConditionOp(either.results[0], outer.args[0]))
    return outer


@dataclass
class _Tap:
    """An argument of a body: the row of track `track` that was made `back` steps ago."""

    arg: BlockArgument
    track: int
    back: int


class _Views:
    """The rows that one step looks at, each made once."""

    def __init__(self, tracks: Sequence[Track], pen: Pen, now: Now) -> None:
        self.tracks = tracks
        self.pen = pen
        self.now = now
        self._known: dict[tuple[int, int], SSAValue] = {}

    def of(self, track: int, back: int, hint: str | None) -> SSAValue:
        key = track, self.tracks[track].same(back)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.tracks[track].row(self.pen, self.now, back, hint)
        return known


def _named(what: str, hint: str | None) -> str:
    return f"{what}_{hint}" if hint else what


def _seen_inside(f: Bufferizer, op: ScanOp | WhileOp) -> set[Buffer]:
    """Memory that steps see besides their states, which must not be there."""
    values = [v for region in op.regions for inner in region.walk() for v in inner.operands]
    if isinstance(op, ScanOp):
        values += op.seqs
    return {f.places[v].buffer for v in values if v in f.places}


class _Recurrence:
    """One recurrence being given its memory; writes at `pen`, before the op."""

    def __init__(
        self, f: Bufferizer, op: ScanOp | WhileOp, live: Liveness, reverse: bool = False
    ) -> None:
        self.f = f
        self.op = op
        self.live = live
        self.reverse = reverse
        self.pen = Pen(f.pool, live.block, op, op.location)
        self.tracks: list[Track] = []
        self.taken = _seen_inside(f, op)

    # -- where rows lie

    def keep_all(
        self, result: SSAValue, count: Index, init: SSAValue | None = None, depth: int = 0
    ) -> Track:
        """A row for each step, after (in reverse: before) those of `init`."""
        f, dims = self.f, shape_dims(result.type)[1:]
        if result.name_hint is None and init is not None:
            result.name_hint = init.name_hint
        track = Track(f.fresh(result, self.pen, self.live), dims, depth, None, self.reverse)
        if init is not None:
            self._begin(track, init, count)
        return track

    def keep_beside(self, output: Track, init: SSAValue, depth: int, count: Index) -> None:
        """The rows of a state are those of an output."""
        ref = self.f.places[init].ref
        self.tracks.append(Beside(output.place, output.dims, depth, None, self.reverse, ref, count))

    def keep_last(
        self,
        init: SSAValue,
        result: SSAValue,
        depth: int | None,
        oldest: BlockArgument | None,
        value: SSAValue,
        inner: Liveness,
    ) -> None:
        """
        Rows that take turns: `depth` ones if the oldest can be written over while it is read,
        else one more. Without a depth `init` and `result` are a row themselves.
        """
        pen = self.pen
        dims = shape_dims(result.type)[0 if depth is None else 1 :]
        many = depth or 1
        ring = many if updates_in_place(oldest, value, inner) else many + 1
        if ring == 1:
            self.tracks.append(Track(self._over_init(init, result), dims, 1, 1, self.reverse))
            return
        element = memref_of(result.type).element_type
        shape = [d if isinstance(d, int) else DYNAMIC for d in (ring, *dims)]
        ref = pen.alloc(memref_type(element, shape), (ring, *dims), result.name_hint)
        place = Place(Buffer(ref, self.live.block), ref)
        track = Track(place, dims, many, ring, self.reverse)
        self.tracks.append(track)
        self._begin(track, init, 0, stacked=depth is not None)

    def _over_init(self, init: SSAValue, result: SSAValue) -> Place:
        """The memory of `init`, if nobody else looks at it, else a copy."""
        f = self.f
        source = f.places[init]
        if source.buffer in self.taken:
            place = f.fresh(result, self.pen, self.live)
            f.copy(self.pen, source.ref, place.ref)
        else:
            place = f.updated(self.op, init, result, self.pen, self.live)
        self.taken.add(place.buffer)
        return place

    def _begin(self, track: Track, init: SSAValue, count: Index, stacked: bool = True) -> None:
        """Copies the rows before the first step."""
        many = track.depth if stacked else None
        target = rows(self.pen, track.place.ref, track.start(count), track.dims, count=many)
        self.f.copy(self.pen, self.f.places[init].ref, target)

    # -- steps

    def body(
        self,
        block: Block,
        inner: Liveness,
        now: Callable[[Pen], Now],
        taps: Sequence[_Tap],
        sequences: Sequence[ScanSequence] = (),
        yields: bool = True,
    ) -> Pen:
        """
        Gives the ops of a body their places; all arguments but the first, the step, go.

        The pen that comes back stands where the terminator is to be written.
        """
        f, end = self.f, block.last_op
        assert end is not None
        f.erase.append(end)
        pen = Pen(f.pool, block, block.first_op, end.location)
        moment = now(pen)
        views = _Views(self.tracks, pen, moment)
        for tap in taps:
            if tap.arg.first_use is not None:
                ref = views.of(tap.track, tap.back, _named("old", tap.arg.name_hint))
                f.settle(tap.arg, Place(Buffer(ref, None), ref), inner)
        for sequence in sequences:
            whole = f.places[sequence.value].ref
            for o, arg in zip(sequence.taps, sequence.args, strict=True):
                if arg.first_use is not None:
                    number, dims = pen.add(moment.time, o), shape_dims(arg.type)
                    ref = row(pen, whole, number, dims, _named("row", arg.name_hint))
                    f.settle(arg, Place(Buffer(ref, None), ref), inner)
        targets: list[tuple[SSAValue, SSAValue]] = []
        for k, value in enumerate(end.operands[: len(self.tracks)] if yields else ()):
            if isinstance(self.tracks[k], Beside):
                continue
            ref = views.of(k, 0, _named("next", value.name_hint or self.op.res[k].name_hint))
            targets.append((value, ref))
            if value.owner in inner.position:
                f.wanted.setdefault(value, Place(Buffer(ref, block), ref))
        f.run_block(block, inner)
        after = Pen(f.pool, block, end, end.location)
        for value, target in targets:
            f.copy(after, f.places[value].ref, target)
        for arg in list(block.args[1:]):
            if arg.first_use is not None:
                arg.replace_all_uses_with(f.places[arg].ref)
            block.erase_arg(arg)
        return after

    def insert_while(self, start: Sequence[SSAValue], before: Block, after: Region) -> SSAValue:
        """`scf.while` that carries at least the number of the step; gives the number of steps."""
        loop = scf.WhileOp.create(
            operands=start, result_types=[INDEX], regions=[Region(before), after]
        )
        self.pen.insert(loop)
        loop.results[0].name_hint = "steps"
        return loop.results[0]

    def repeat_last(self, done: Index, count: Index) -> Index:
        """After `done` steps the rest repeats the last row; gives what rings have seen."""
        stacks = [t for t in self.tracks if t.ring is None and not isinstance(t, Beside)]
        rings = [t for t in self.tracks if t.ring is not None and t.depth > 1]
        if stacks:
            self._repeat(stacks, done, count)
        if not rings:
            return done
        deepest = max(t.depth for t in rings)
        until = self.pen.min(count, self.pen.add(done, deepest), "steps")
        self._repeat(rings, done, until)
        return until

    def _repeat(self, tracks: Sequence[Track], done: Index, until: Index) -> None:
        inner, step = self.pen.counted(done, until, 1, "step")
        time: Index = step
        if self.reverse:
            assert isinstance(self.op, ScanOp)
            last = inner.pool.size(sizes.size(sizes.poly(self.op.steps) - 1))
            time = inner.sub(last, step)
        now = Now(step, time)
        for track in tracks:
            self.f.copy(inner, track.row(inner, now, 1), track.row(inner, now, 0))

    # -- results

    def finish(self, done: Index) -> None:
        """Results are where the rows are, or, of a ring, a copy of the last ones."""
        f, pen = self.f, self.pen
        f.erase.append(self.op)
        for track, result in zip(self.tracks, self.op.res, strict=True):
            place = track.place
            if isinstance(track, Beside) or track.ring is not None and track.ring > 1:
                if result.first_use is None:
                    continue
                place = self._destination(result)
                if track.depth == 1:
                    self._copy_last(pen, track, done, place, 0)
                else:
                    inner, k = pen.counted(0, track.depth, 1, "k")
                    self._copy_last(inner, track, done, place, k)
            f.settle(result, place, self.live)

    def _destination(self, result: SSAValue) -> Place:
        """New memory, or where the result is wanted: what this op read there, it has read."""
        wanted = self.f.wanted.get(result)
        if wanted is not None and wanted.buffer.last_use == self.live.position[self.op]:
            wanted.buffer.last_use -= 1
        return self.f.fresh(result, self.pen, self.live)

    def _copy_last(self, pen: Pen, track: Track, done: Index, place: Place, k: Index) -> None:
        target = rows(pen, place.ref, k, track.dims)
        if isinstance(track, Beside):
            track.copy_last(pen, k, target, self.f.copy)
        else:
            self.f.copy(pen, track.last(pen, done, k), target)
