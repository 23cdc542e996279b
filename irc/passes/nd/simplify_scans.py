"""Loops without what nothing reads, or what is the same at each step."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import OpResult, SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.loops import ScanOp, ScanSequence, ScanState, WhileOp
from irc.dialects.nd.rows import repeat
from irc.dialects.nd.sources import FullOp
from irc.dialects.nd.structure import BroadcastOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64
from irc.passes.nd.cse import merge_equal
from irc.passes.nd.dce import remove_dead
from irc.passes.nd.rules import Rules, apply_rules, nested_ops, opaque_values
from irc.passes.nd.scans import (
    KIND,
    as_rows,
    body_ops,
    known,
    loop_title,
    outermost_loops,
    row_of,
    several,
    values_inside,
    window,
)
from irc.passes.nd.sequences import read_at_the_source
from irc.passes.nd.shapes import slice_again, slice_everything
from irc.passes.nd.unread_rows import drop_unread, drop_unread_of_search
from irc.passes.remarks import listening, remark


@dataclass(frozen=True)
class SimplifyScansPass(ModulePass):
    """
    Takes from loops what nothing reads: states, outputs, rows, taps, sequences.

        x, y = scan t < T from (history x0)        x = scan t < T from (x0)
          ...                                ->      ...
          yield x', y'                               yield x'
        x[T]                                       x[0]

    A stack of which only the last rows are read becomes a state of so many rows. What is one
    value at each step is captured: sequences that repeat it, states that keep it. Equal
    sequences, states and outputs are one. A scan of no step, or of one, is no loop.

    Needs nd. Leaves nd with the same bits.
    """

    name = "nd-simplify-scans"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not outermost_loops([op]):
            return
        apply_rules(op, Rules(slice_again, slice_everything))
        merge_equal(op)
        opaque = opaque_values(nested_ops(op))
        stack = outermost_loops([op])
        while stack:
            loop = stack.pop()
            inside = body_ops(loop)
            if isinstance(loop, WhileOp):
                inside = body_ops(simplify_search(loop))
            elif scan := simplify_scan(loop, opaque):
                inside = body_ops(scan)
            stack += outermost_loops(one for one in inside if one.parent is not None)
        remove_dead(op)


def simplify_scan(op: ScanOp, opaque: set[SSAValue]) -> ScanOp | None:
    """
    Gives the scan in the place of `op`; None when no loop is left, and its ops stand there.

    Loops inside it come later.
    """
    b = Builder(InsertPoint.before(op), op.location)
    steps = known(op.steps)
    if steps is not None and steps <= 1:
        remark(KIND, b.location, f"{loop_title(op)} is no loop")
        (_inline if steps == 1 else _drop)(b, op)
        return None
    told = _capture_sequences(op, opaque)
    op = read_at_the_source(b, op, opaque)
    b = Builder(InsertPoint.before(op), op.location)
    told += _capture_states(b, op)
    told += [*_merge(b, op), *_replace_outputs(b, op)]
    new, dropped = drop_unread(b, op)
    if (told or dropped) and listening():
        remark(KIND, b.location, f"{loop_title(new)}: {several([*told, *dropped])}")
    return new


# -- no step, or one


def _drop(b: Builder, op: ScanOp) -> None:
    states = op.states
    for k, result in enumerate(op.res):
        init = states[k].init if k < len(states) else b.full(dims_of(result), dtype_of(result), 0)
        result.replace_all_uses_with(init)
    b.point.block.erase_op(op)


def _inline(b: Builder, op: ScanOp) -> None:
    """Step 0 in the place of the scan."""
    reverse, states = op.reverse is not None, op.states
    op.time.replace_all_uses_with(b.full((), I64, 0))
    for one in op.sequences:
        for tap, arg in zip(one.taps, one.args, strict=True):
            arg.replace_all_uses_with(row_of(b, one.value, tap))
    for state in states:
        for tap, arg in zip(state.taps, state.args, strict=True):
            at = tap - 1 if reverse else state.depth - tap
            arg.replace_all_uses_with(row_of(b, state.init, at))
    *body, end = op.body.block.ops
    rows = list(end.operands)
    for inner in body:
        inner.detach()
        b.point.block.insert_op_before(inner, op)
    for k, (result, row) in enumerate(zip(op.res, rows, strict=False)):
        value = as_rows(b, row)
        if k < len(states):
            value = _all_rows(b, states[k], value, reverse)
        result.replace_all_uses_with(value)
    b.point.block.erase_op(op)


def _all_rows(b: Builder, state: ScanState, row: SSAValue, reverse: bool) -> SSAValue:
    """The rows of a state after its only step: with what was before, or the last of them."""
    init, kept = state.init, state.depth - 1
    if not state.history:
        if not kept:
            return row
        init = window(b, init, 0 if reverse else 1, kept)
    return b.concat([row, init] if reverse else [init, row], 0)


# -- one value at each step


def _capture_sequences(op: ScanOp, opaque: set[SSAValue]) -> list[str]:
    b = Builder(InsertPoint.at_start(op.body.block), op.location)
    told = []
    for one in op.sequences:
        row = _constant_row(b, one) if one.value not in opaque else None
        if row is None:
            continue
        for arg in one.args:
            arg.replace_all_uses_with(row)
        told.append("a sequence that repeats one value is captured")
    return told


def _constant_row(b: Builder, one: ScanSequence) -> SSAValue | None:
    """Each row of a sequence, when all are one value."""
    dims, dtype = dims_of(one.value)[1:], dtype_of(one.value)
    match one.value.owner:
        case FullOp() as full:
            return b.full(dims, dtype, full.number)
        case BroadcastOp(x=x, dims=axes) if 0 not in axes.data:
            return b.broadcast(x, [d - 1 for d in axes.data], dims)
    return None


def _capture_states(b: Builder, op: ScanOp) -> list[str]:
    """x[t] = x[t-1]   ->   the first x"""
    told = []
    for state, result in zip(op.states, op.res, strict=False):
        if state.depth != 1 or state.next not in state.args:
            continue
        value, row = state.init, row_of(b, state.init, 0)
        if state.history:
            value = repeat(b, sizes.size(sizes.poly(op.steps) + 1), row)
        result.replace_all_uses_with(value)
        state.args[0].replace_all_uses_with(row)
        told.append("a state that keeps its value is captured")
    return told


# -- what is equal, or stands elsewhere


def _merge(b: Builder, op: ScanOp) -> list[str]:
    """Reads of one row of one sequence are one; so are states that begin and go on alike."""
    rows: dict[tuple[SSAValue, int], SSAValue] = {}
    for one in op.sequences:
        for tap, arg in zip(one.taps, one.args, strict=True):
            first = rows.setdefault((one.value, tap), arg)
            if first is not arg:
                arg.replace_all_uses_with(first)
    told = []
    states: dict[tuple[SSAValue, SSAValue], tuple[ScanState, OpResult]] = {}
    # Those with a history and more taps come first, so that they can stand for the others.
    pairs = sorted(
        zip(op.states, op.res, strict=False),
        key=lambda pair: (not pair[0].history, -len(pair[0].taps)),
    )
    for state, result in pairs:
        kept, whole = states.setdefault((state.init, state.next), (state, result))
        if kept is state or not set(state.taps) <= set(kept.taps):
            continue
        for tap, arg in zip(state.taps, state.args, strict=True):
            arg.replace_all_uses_with(kept.args[kept.taps.index(tap)])
        same: SSAValue = whole
        if kept.history and not state.history:
            same = window(_after(op), whole, 0 if op.reverse else op.steps, state.depth)
        result.replace_all_uses_with(same)
        told.append("two equal states are one")
    return told


def _replace_outputs(b: Builder, op: ScanOp) -> list[str]:
    """Outputs whose rows stand in another stack, or are one value, are read from there."""
    inside, told = values_inside(op), []
    histories = {
        s.next: (s, result)
        for s, result in zip(op.states, op.res, strict=False)
        if s.history and result.first_use is not None
    }
    kept: dict[SSAValue, SSAValue] = {}
    for row, result in zip(op.outputs, op.res[len(op.inits) :], strict=True):
        if result.first_use is None:
            continue
        if row not in inside:
            value: SSAValue | None = repeat(b, op.steps, row)
        elif row in histories:
            state, stack = histories[row]
            value = window(_after(op), stack, 0 if op.reverse else state.depth, op.steps)
        else:
            value = _row_of_sequence(b, op, row) if op.stop is None else None
        if value is None:
            value = kept.setdefault(row, result)
        if value is not result:
            result.replace_all_uses_with(value)
            told.append("an output that stands elsewhere is read there")
    return told


def _row_of_sequence(b: Builder, op: ScanOp, row: SSAValue) -> SSAValue | None:
    for one in op.sequences:
        for tap, arg in zip(one.taps, one.args, strict=True):
            if arg is row:
                return window(b, one.value, tap, op.steps)
    return None


def _after(op: ScanOp) -> Builder:
    return Builder(InsertPoint.after(op), op.location)


# -- searches


def simplify_search(op: WhileOp) -> WhileOp:
    """Values that the body gives back as they were are captured; what nothing reads leaves."""
    end = op.body.block.last_op
    assert end is not None
    for k, init in enumerate(op.inits):
        if end.operands[k] is op.body.block.args[k]:
            for value in (op.res[k], op.cond.block.args[k], op.body.block.args[k]):
                value.replace_all_uses_with(init)
    return drop_unread_of_search(op)
