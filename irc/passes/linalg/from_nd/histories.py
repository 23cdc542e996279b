"""Histories of which nobody reads the beginning."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.builder import InsertPoint
from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects.nd import Builder
from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import SliceOp, is_dynamic
from irc.dialects.nd.types import dims_of
from irc.dialects.verify import walk


def split_histories(function: func.FuncOp) -> None:
    """
    A history that is read only where steps made it is an output beside its init.

    ```
    %x = nd.scan from (history %x0[1]) -> [T + 1]      %y = nd.scan from (%x0[1]) -> [T]
    %y = nd.slice %x at 1 -> [T]                  ->
    ```

    So what a function gives back needs no copy.
    """
    for op in [op for op in walk(function) if isinstance(op, ScanOp)]:
        chosen = [k for k, state in enumerate(op.states) if _is_read_inside(op, state, op.res[k])]
        if chosen:
            _split(op, chosen)


def _is_read_inside(op: ScanOp, state: ScanState, history: SSAValue) -> bool:
    """Whether all uses of a history are slices of the rows that steps made."""
    if not state.history or history.first_use is None:
        return False
    low = 0 if op.reverse is not None else state.depth
    high = sizes.poly(op.steps) + low - 1
    for use in history.uses:
        maker = use.operation
        if not isinstance(maker, SliceOp) or is_dynamic(maker.offsets.data[0]):
            return False
        first = maker.offsets.data[0]
        last = first + maker.steps.data[0] * (sizes.poly(dims_of(maker.res)[0]) - 1)
        least, most = (first, last) if maker.steps.data[0] > 0 else (last, first)
        if not (least - low).nonnegative() or not (high - most).nonnegative():
            return False
    return True


def _split(op: ScanOp, chosen: Sequence[int]) -> None:
    old, before, steps = list(op.res), InsertPoint.before(op), op.steps
    draft = ScanDraft.of(op)
    count = len(draft.states)
    places = list(range(len(old)))
    for k in chosen:
        state = draft.states[k]
        state.history = False
        known = next((n for n, row in enumerate(draft.outputs) if row is state.next), None)
        places[k] = count + (draft.output(state.next) if known is None else known)
    new = draft.finish()
    new.location = op.location
    before.block.insert_op_before(new, op)
    for k, result in enumerate(old):
        made = new.res[places[k]]
        made.name_hint = made.name_hint or result.name_hint
        if k not in chosen:
            result.replace_all_uses_with(made)
            continue
        shift = 0 if draft.reverse else draft.states[k].depth
        for user in [use.operation for use in result.uses]:
            assert isinstance(user, SliceOp)
            _read_output(user, made, shift, steps)
    op.detach()
    op.erase()


def _read_output(op: SliceOp, output: SSAValue, shift: int, steps: sizes.Size) -> None:
    """The rows of an output that were rows of a history, `shift` further on."""
    b = Builder(InsertPoint.before(op), op.location)
    first, *rest = op.offsets.data
    at = [first - shift, *rest]
    dims = dims_of(op.res)
    whole = dims == dims_of(output) and all(k == 1 for k in op.steps.data)
    if whole and not any(is_dynamic(p) or p != 0 for p in at):
        new = output
    else:
        new = b.slice(output, dims, at, op.steps.data, list(op.starts))
    new.name_hint = op.res.name_hint or new.name_hint
    op.res.replace_all_uses_with(new)
    maker: Operation = op
    maker.detach()
    maker.erase()
