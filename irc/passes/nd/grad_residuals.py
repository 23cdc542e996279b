"""
What the backward body of a scan reads of the forward one, and where it finds it.

Rows of sequences are read again, rows of states from their history. Other values are either
computed once more from those, or kept by the forward scan as one more output: kept are products,
reductions and elementary functions, as far as they are read; moves and arithmetic on them are
done again, unless their operands take more memory than their result. Griewank and Walther,
"Evaluating Derivatives", 2nd ed., chapter 12 (2008), on what to store and what to recompute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xdsl.builder import InsertPoint
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.indexing import GatherOp
from irc.dialects.nd.loops import ScanOp, ScanSequence, ScanState
from irc.dialects.nd.scalar import ElementwiseOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, SizeOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    CastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
)
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import BOOL
from irc.passes.nd.grad_flows import Gradients, replace
from irc.passes.nd.rules import nested_ops
from irc.sizes import Poly, Size

# A row that the forward scan keeps: the number of a state, or a value that becomes an output.
Leaf = int | SSAValue
MAX_LEAVES = 3  # keeps the choice linear in the size of the body

_MOVES = (
    *(FullOp, ConstantOp, IotaOp, SizeOp, GatherOp, WhereOp, CastOp, BroadcastOp, ReshapeOp),
    *(TransposeOp, SliceOp, InsertSliceOp, ConcatOp),
)


def is_cheap(op: Operation) -> bool:
    """Whether computing `op` once more costs no more than reading its result."""
    return isinstance(op, _MOVES) or (isinstance(op, ElementwiseOp) and not op.SCALAR.inexact)


class Residuals:
    """The choice for one scan: what it keeps, and what is computed once more."""

    def __init__(self, op: ScanOp) -> None:
        self.op = op
        self.body = op.body.block
        self.states = op.states
        self.kept: dict[Leaf, None] = {k: None for k, s in enumerate(self.states) if s.history}
        self._outputs = {x: k for k, x in enumerate(op.outputs)}
        self._again: list[Operation] = []
        self._rows: dict[SSAValue, tuple[SSAValue, int]] = {
            a: (s.value, o) for s in op.sequences for a, o in _tapped(s)
        }
        self._taps: dict[SSAValue, tuple[int, int]] = {
            a: (k, d) for k, s in enumerate(self.states) for a, d in _tapped(s)
        }
        self._nexts = {s.next: k for k, s in enumerate(self.states)}
        self._leaves: dict[SSAValue, tuple[Leaf, ...]] = {}

    def owns(self, x: SSAValue) -> bool:
        """Whether `x` is a value of the forward body."""
        if isinstance(x, OpResult):
            return x.op.parent is self.body
        return isinstance(x, BlockArgument) and x.block is self.body

    # -- the choice

    def choose(self, read: Iterable[SSAValue]) -> None:
        """Decides where each of the values `read` comes from."""
        wanted = set(read)
        for arg in self.body.args:
            if arg in wanted and arg in self._taps:
                self.kept[self._taps[arg][0]] = None
        for op in self.body.ops:
            for x in op.results:
                self._leaves[x] = () if x in self._outputs else self._leaves_of(op, x)
                if x in wanted:
                    self._decide(x)
        for op in reversed(list(self.body.ops)):
            if any(x in wanted and not self._is_kept(x) for x in op.results):
                self._again.append(op)
                wanted.update(x for x in op.operands if self.owns(x))
        self._again.reverse()

    def _leaves_of(self, op: Operation, x: SSAValue) -> tuple[Leaf, ...]:
        """What must be kept to compute `x` once more; itself when that is too much."""
        own = self._nexts.get(x, x)
        if not is_cheap(op):
            return (own,)
        found: dict[Leaf, None] = {}
        for operand in op.operands:
            if operand in self._taps:
                found[self._taps[operand][0]] = None
            else:
                found.update(dict.fromkeys(self._leaves.get(operand, ())))
        if not found:
            return ()
        return (own,) if own is not x or len(found) > MAX_LEAVES else tuple(found)

    def _decide(self, x: SSAValue) -> None:
        missing = [leaf for leaf in self._leaves[x] if leaf not in self.kept]
        memory = sum((self._bytes(leaf) for leaf in missing), sizes.const(0))
        saved = _bytes(x) - memory
        if missing and not (saved.nonnegative() and saved != 0):
            missing = [self._nexts.get(x, x)]
            self._leaves[x] = tuple(missing)
        self.kept.update(dict.fromkeys(missing))

    def _bytes(self, leaf: Leaf) -> Poly:
        return _bytes(self.states[leaf].next if isinstance(leaf, int) else leaf)

    def _is_kept(self, x: SSAValue) -> bool:
        return x in self.kept or self._nexts.get(x) in self.kept or x in self._outputs

    # -- the forward scan

    def extend(self, gradients: Gradients, stop: bool) -> None:
        """
        Lets the forward scan keep what was chosen, in its own place.

        stop   also whether a step before has stopped it, as the history of a last state

        A result that was the last rows of a state becomes a slice of its history.
        """
        op, count = self.op, len(self.states)
        histories = [k for k, s in enumerate(self.states) if k in self.kept and not s.history]
        more = [x for x in self.kept if isinstance(x, SSAValue) and x not in self._outputs]
        stop = stop and stop_history(op) is None
        if not (histories or more or stop):
            return
        b = Builder(InsertPoint.before(op), op.location)
        draft = ScanDraft.of(op)
        for k in histories:
            draft.states[k].history = True
        if stop:
            flag = draft.state(b.full((1,), BOOL, False), history=True)
            assert draft.stop is not None
            flag.next = draft.stop
        for x in more:
            self._outputs[x] = draft.output(x)
        self.op = draft.finish()
        b.insert(self.op)
        results = [*self.op.res[:count], *self.op.res[len(draft.states) :]]
        for k, (old, new) in enumerate(zip(op.res, results, strict=False)):
            new.name_hint = old.name_hint
            whole = k not in histories or (old.first_use is None and old not in gradients)
            replace(gradients, old, new if whole else last_rows(b, self.op, k))
        assert op.parent is not None
        op.parent.erase_op(op)

    # -- the backward body

    def bring(self, back: ScanDraft, work: Block) -> None:
        """
        Lets `work`, the body of `back` or a region in it, read the forward values it refers to:
        as rows of what the forward scan keeps, or computed once more at its top.
        """
        readers = list(nested(work))
        found: dict[SSAValue, SSAValue] = {}
        top = work.first_op
        assert top is not None
        for op in self._again:
            self._find(op, back, found)
            work.insert_op_before(op.clone(found), top)
        for op in readers:
            self._find(op, back, found)
            for k, x in enumerate(op.operands):
                if x in found:
                    op.operands[k] = found[x]

    def _find(self, op: Operation, back: ScanDraft, found: dict[SSAValue, SSAValue]) -> None:
        for x in op.operands:
            if x not in found and self.owns(x):
                found[x] = self._row(back, x)

    def _row(self, back: ScanDraft, x: SSAValue) -> SSAValue:
        """A value of the forward step that the backward step stands for, from what is kept."""
        if x is self.op.time:
            return back.time
        if x in self._rows:
            return back.row(*self._rows[x])
        if x in self._taps:
            k, d = self._taps[x]
            return self._row_of_state(back, k, d)
        if (k := self._nexts.get(x, -1)) in self.kept:
            return self._row_of_state(back, k, 0)
        stack = self.op.res[len(self.op.inits) + self._outputs[x]]
        return back.row(stack)

    def _row_of_state(self, back: ScanDraft, k: int, d: int) -> SSAValue:
        """The row made `d` steps before, from the history."""
        mirrored = self.op.reverse is not None
        return back.row(self.op.res[k], d if mirrored else self.states[k].depth - d)


def references(residuals: Residuals, work: Block) -> list[SSAValue]:
    """The values of the forward body that `work` refers to."""
    found = {x: None for op in nested(work) for x in op.operands if residuals.owns(x)}
    return list(found)


def nested(block: Block) -> Iterator[Operation]:
    """All ops inside `block`, each before those inside it."""
    for op in block.ops:
        yield op
        yield from nested_ops(op)


def stop_history(op: ScanOp) -> SSAValue | None:
    """
    Whether a step before has stopped the scan, when `op` keeps that: bools in order of time, with
    one more in front of the first step.
    """
    for state, rows in zip(op.states, op.res, strict=False):
        if state.next is op.stop and state.history and not state.taps and state.depth == 1:
            match state.init.owner:
                case FullOp(number=False):
                    return rows
    return None


def last_rows(b: Builder, op: ScanOp, k: int) -> SSAValue:
    """What the result of state `k` would be without its history."""
    depth = dims_of(op.inits[k])[0]
    return rows_of(b, op.res[k], 0 if op.reverse is not None else op.steps, depth)


def rows_of(b: Builder, whole: SSAValue, at: Size, count: Size) -> SSAValue:
    """`count` rows from row `at` on; `whole` itself when that is all of it."""
    dims = dims_of(whole)
    if dims[0] == count:
        return whole
    return b.slice(whole, (count, *dims[1:]), (at, *[0] * (len(dims) - 1)), [1] * len(dims))


def _tapped(holder: ScanSequence | ScanState) -> Iterable[tuple[BlockArgument, int]]:
    return zip(holder.args, holder.taps, strict=True)


def _bytes(x: SSAValue) -> Poly:
    return sizes.poly(sizes.product(dims_of(x))) * max(1, dtype_of(x).bits // 8)
