"""Rows of a sequence that is a part of something, read where they come from."""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.loops import ScanOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import ConcatOp, InsertSliceOp, SliceOp, WindowOp
from irc.dialects.nd.types import dims_of
from irc.passes.nd.scans import finish, known
from irc.passes.nd.shapes import FEW
from irc.sizes import Size

Place = tuple[SSAValue, int]


def read_at_the_source(b: Builder, op: ScanOp, opaque: set[SSAValue]) -> ScanOp:
    """
    The scan with other sequences, in the place of `op`: none is a slice of rows, none a part of
    a concatenation or of what rows are written into, where the rows that are read lie in one.

        scan over concat(x0, x)[1]   ->   scan over x[0]      where x0 has one row
    """
    places: list[list[Place]] = []
    changed = False
    for one in op.sequences:
        found = [_source(one.value, tap, op.steps, opaque) for tap in one.taps]
        changed |= any(value is not one.value for value, _ in found)
        places.append(found)
    repeats = len({id(s.value) for s in op.sequences}) < len(places)
    if not changed and not repeats:
        return op
    scan = ScanDraft.of(op)
    old, scan.sequences = scan.sequences, []
    # The arguments of the old sequences stand after the new ones until they are erased.
    given = dict[SSAValue, SSAValue]()
    for one, found in zip(old, places, strict=True):
        for arg, (value, tap) in zip(one.args, found, strict=True):
            given[arg] = scan.row(value, tap)
    for row, instead in reversed(given.items()):
        instead.name_hint = row.name_hint  # of several, that of the first
        row.replace_all_uses_with(instead)
    scan.outputs = [given.get(x, x) for x in scan.outputs]
    for state in scan.states:
        state.next = given.get(state.next, state.next)
    if scan.stop is not None:
        scan.stop = given.get(scan.stop, scan.stop)
    for one in old:
        for arg in one.args:
            scan.block.erase_arg(arg)
    made = finish(b, scan, op)
    for result, same in zip(op.res, made.res, strict=True):
        same.name_hint = result.name_hint
        result.replace_all_uses_with(same)
    b.point.block.erase_op(op)
    return made


def _source(x: SSAValue, start: int, count: Size, opaque: set[SSAValue]) -> Place:
    """Where rows `start` to `start + count - 1` of `x` stand, as far back as can be seen."""
    while x not in opaque:
        made = x.owner
        match made:
            case SliceOp() if _is_of_rows(made, x):
                inner, at = made.x, known(sizes.size(made.offsets.data[0] + start))
            case InsertSliceOp() if _is_of_rows(made, made.value):
                inner, at = _of_insert(made, start, count)
            case ConcatOp() if made.axis.value.data == 0 and len(made.parts) <= FEW:
                inner, at = _of_concat(made, start, count)
            case _:
                break
        if at is None or not (dims_of(inner)[0] - sizes.poly(count) - at).nonnegative():
            break
        x, start = inner, at
    return x, start


def _is_of_rows(op: WindowOp, window: SSAValue) -> bool:
    """Whether the window has whole rows, one after the other."""
    whole = dims_of(op.operands[0])
    static = all(p.name != "?" for p in op.offsets.data) and op.steps.data[0] == 1
    rest = zip(dims_of(window)[1:], whole[1:], op.offsets.data[1:], op.steps.data[1:], strict=True)
    return static and all(d == w and p == 0 and k == 1 for d, w, p, k in rest)


def _of_insert(op: InsertSliceOp, start: int, count: Size) -> tuple[SSAValue, int | None]:
    low = op.offsets.data[0]
    high = low + dims_of(op.value)[0]
    end = sizes.poly(count) + start
    if (start - low).nonnegative() and (high - end).nonnegative():
        return op.value, known(sizes.size(start - low))
    apart = (low - end).nonnegative() or (start - high).nonnegative()
    return op.x, start if apart else None


def _of_concat(op: ConcatOp, start: int, count: Size) -> tuple[SSAValue, int | None]:
    first = sizes.const(0)
    for x in op.parts:
        end = first + dims_of(x)[0]
        if (start - first).nonnegative() and (end - start - count).nonnegative():
            return x, known(sizes.size(start - first))
        first = end
    return op.parts[0], None
