"""
Scans whose derivative recomputes: a scan of T steps as about sqrt(T) stretches of sqrt(T) steps.

    x = scan T { f }   ->   x = scan root(T) recompute { x' = scan root(T) { f } }
                            x = scan T - root(T)**2 { f }          from there on

The derivative of the outer scan keeps the states at the begin of each stretch, and runs a
stretch once more before it goes back through it: memory for 2 sqrt(T) steps instead of T, for
one more forward pass. Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory
cost" (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from xdsl.builder import InsertPoint
from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.loops import ScanOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of, dtype_of
from irc.passes.nd.grad_residuals import last_rows, rows_of
from irc.sizes import Size


def is_long(count: Size) -> bool:
    """Whether stretches are shorter than the scan."""
    return not isinstance(count, int) or count > 3


def stretched(b: Builder, op: ScanOp) -> list[SSAValue | None]:
    """
    Writes the scan in two levels; gives what equals its results, None for those without uses.

    Needs a scan without `until`.
    """
    if op.truncate is not None:
        _visit_all(op)
    count, mirrored = sizes.poly(op.steps), op.reverse is not None
    length, stretches = _stretches(op.steps)
    many = sizes.size(sizes.poly(length) * stretches)
    rest = sizes.size(count - many)
    ends, first = _in_stretches(b, op, stretches, length, rest if mirrored else 0)
    if rest == 0:
        second: dict[int, SSAValue] = {}
    else:
        ends, second = _afterwards(b, op, ends, 0 if mirrored else many, rest)
    found: list[SSAValue | None] = []
    for k, result in enumerate(op.res):
        state = op.states[k] if k < len(op.inits) else None
        if k not in first:
            found.append(None if result.first_use is None else ends[k])
            continue
        parts = [first[k], *([second[k]] if k in second else [])]
        if state is not None:
            parts.insert(0, state.init)
        found.append(b.concat(parts[::-1] if mirrored else parts, 0))
    return found


def _stretches(count: Size) -> tuple[Size, Size]:
    """Their length, and how many there are; what is left is at most about sqrt(count) steps."""
    if isinstance(count, int):
        length = max(1, isqrt(count))
        return length, count // length
    return sizes.root(count), sizes.root(count)


def _in_stretches(
    b: Builder, op: ScanOp, stretches: Size, length: Size, low: Size
) -> tuple[list[SSAValue], dict[int, SSAValue]]:
    """The stretches, whose times begin with `low`: last rows of states, all rows of results."""
    many, mirrored = sizes.size(sizes.poly(length) * stretches), op.reverse is not None
    outer = ScanDraft(stretches, reverse=mirrored, recompute=True)
    inner = ScanDraft(length, reverse=mirrored)
    near = Builder(outer.block, op.location)
    begin = near.add(near.mul(outer.time, near.size(length)), near.size(low))
    args: list[SSAValue] = [Builder(inner.block, op.location).add(begin, inner.time)]
    for one in op.sequences:
        for tap in one.taps:
            rows = rows_of(b, one.value, sizes.size(sizes.poly(low) + tap), many)
            stack = b.reshape(rows, (stretches, length, *dims_of(rows)[1:]))
            args.append(inner.row(outer.row(stack)))
    carried = [outer.state(b.reshape(s.init, (1, *dims_of(s.init)))) for s in op.states]
    histories = _fill(op, inner, [outer.tap(c, 1) for c in carried], args)
    stretch = near.insert(inner.finish())
    assert isinstance(stretch, ScanOp)
    for k, (own, state) in enumerate(zip(carried, inner.states, strict=True)):
        own.next = last_rows(near, stretch, k) if state.history else stretch.res[k]
    stacks = [outer.output(rows) for rows in _made(near, stretch, length)]
    results = b.insert(outer.finish()).results
    ends = [b.reshape(r, dims_of(s.init)) for r, s in zip(results, op.states, strict=False)]
    whole = [results[len(carried) + k] for k in stacks]
    return ends, dict(
        zip(histories, [b.reshape(r, (many, *dims_of(r)[2:])) for r in whole], strict=True)
    )


def _afterwards(
    b: Builder, op: ScanOp, ends: Sequence[SSAValue], low: Size, count: Size
) -> tuple[list[SSAValue], dict[int, SSAValue]]:
    """The steps after the stretches, whose times begin with `low`; gives the same."""
    scan = ScanDraft(count, reverse=op.reverse is not None)
    near = Builder(scan.block, op.location)
    args: list[SSAValue] = [near.add(scan.time, near.size(low))]
    for one in op.sequences:
        rows = rows_of(b, one.value, low, sizes.size(sizes.poly(count) + one.taps[-1]))
        args += [scan.row(rows, tap) for tap in one.taps]
    numbers = _fill(op, scan, ends, args)
    new = b.insert(scan.finish())
    assert isinstance(new, ScanOp)
    last = [last_rows(b, new, k) if s.history else new.res[k] for k, s in enumerate(scan.states)]
    return last, dict(zip(numbers, _made(b, new, count), strict=True))


def _fill(
    op: ScanOp, scan: ScanDraft, inits: Sequence[SSAValue], args: list[SSAValue]
) -> list[int]:
    """
    Writes the states and the body of `op` into `scan`, whose time and sequences are `args`.

    Gives the numbers of those results of `op` of which all rows are used.
    """
    used, count = [r.first_use is not None for r in op.res], len(inits)
    for init, state, on in zip(inits, op.states, used, strict=False):
        own = scan.state(init, history=state.history and on)
        args += [scan.tap(own, tap) for tap in state.taps]
    copies: dict[SSAValue, SSAValue] = dict(zip(op.body.block.args, args, strict=True))
    for inner in op.body.block.ops:
        if inner is not op.end:
            scan.block.add_op(inner.clone(copies))
    rows = [copies.get(y, y) for y in op.end.operands]
    for own, row in zip(scan.states, rows, strict=False):
        own.next = row
    scan.outputs = [row for row, on in zip(rows[count:], used[count:], strict=True) if on]
    stacked = [k for k, s in enumerate(scan.states) if s.history]
    return [*stacked, *(k for k in range(count, len(used)) if used[k])]


def _made(b: Builder, op: ScanOp, count: Size) -> list[SSAValue]:
    """The rows that the steps of a scan made, of states with history and of outputs."""
    found: list[SSAValue] = []
    for k, result in enumerate(op.res):
        if k >= len(op.inits):
            found.append(result)
        elif (state := op.states[k]).history:
            found.append(rows_of(b, result, 0 if op.reverse is not None else state.depth, count))
    return found


def _visit_all(op: ScanOp) -> None:
    """
    scan truncate k { x = f(x) }   ->   scan { x = if late { f(x) } else { stop_gradient(f(x)) } }

    A step is late when it is one of the last k. Needs no `until`.
    """
    assert op.truncate is not None
    (limit,), mirrored = op.truncate.data, op.reverse is not None
    del op.properties["truncate"]
    end = op.end
    b = Builder(InsertPoint.before(end), op.location)
    bound = b.size(sizes.size(limit if mirrored else sizes.poly(op.steps) - limit))
    late = b.scalar("lt" if mirrored else "ge", op.time, bound)
    for k, row in enumerate(end.operands):
        if dtype_of(row).is_float:
            on = b.broadcast(late, [], dims_of(row))
            end.operands[k] = b.where(on, row, b.stop_gradient(row))
