"""Recurrences written with the builder: named ones for tests of every level, and random ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Region, SSAValue

from irc.dialects import nd
from irc.dialects.nd.loops import WhileOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import DimsAttr, dims_of, rank_of
from irc.sizes import Size, poly, var

T = var("T")
Values = Sequence[SSAValue]
Sequences = Sequence[tuple[SSAValue, Sequence[int]]]
States = Sequence[tuple[SSAValue, Sequence[int], bool]]


@dataclass
class Step:
    """
    What a step sees, and a builder to say what it makes.

    rows   for each sequence its rows, by tap
    taps   for each state its earlier rows, by tap
    """

    b: nd.Builder
    t: SSAValue
    rows: list[list[SSAValue]]
    taps: list[list[SSAValue]]


@dataclass
class Made:
    """The next rows of states, the rows of outputs, and whether the step is the last."""

    states: Values = ()
    outputs: Values = ()
    stop: SSAValue | None = None


def scan(
    b: nd.Builder,
    count: Size,
    step: Callable[[Step], Made],
    sequences: Sequences = (),
    states: States = (),
    reverse: bool = False,
) -> list[SSAValue]:
    """
    The results of a scan.

    sequences   (value, taps)
    states      (init, taps, whether all rows are kept)
    """
    draft = ScanDraft(count, reverse)
    rows = [[draft.row(value, tap) for tap in taps] for value, taps in sequences]
    kept = [draft.state(init, history) for init, _, history in states]
    taps = [[draft.tap(x, k) for k in given] for x, (_, given, _) in zip(kept, states, strict=True)]
    made = step(Step(nd.Builder(draft.block), draft.time, rows, taps))
    for x, row in zip(kept, made.states, strict=True):
        x.next = row
    for row in made.outputs:
        draft.output(row)
    draft.stop = made.stop
    op = draft.finish()
    b.insert(op)
    return list(op.res)


def search(
    b: nd.Builder,
    inits: Values,
    cond: Callable[[nd.Builder, Values], SSAValue],
    body: Callable[[nd.Builder, Values], Values],
    limit: Size | None = None,
) -> list[SSAValue]:
    """The results of a while loop."""
    regions = []
    for make in (lambda i, xs: [cond(i, xs)], body):
        block = Block(arg_types=[x.type for x in inits])
        inner = nd.Builder(block)
        block.add_op(nd.YieldOp.create(operands=list(make(inner, block.args))))
        regions.append(Region(block))
    properties = {} if limit is None else {"limit": DimsAttr((poly(limit),))}
    op = WhileOp.build(
        operands=[list(inits)],
        result_types=[[x.type for x in inits]],
        properties=properties,
        regions=regions,
    )
    b.insert(op)
    return list(op.res)


def dot(b: nd.Builder, x: SSAValue, y: SSAValue) -> SSAValue:
    """`x @ y`, without batches."""
    return b.dot(x, y, ((), ()), ((rank_of(x) - 1,), (0,)))


def rows(b: nd.Builder, x: SSAValue, first: int, count: Size) -> SSAValue:
    """`count` rows of `x`."""
    rest = dims_of(x)[1:]
    at = [poly(first), *(poly(0) for _ in rest)]
    return b.slice(x, (count, *rest), at, (1,) * (len(rest) + 1))


def columns(b: nd.Builder, x: SSAValue, first: int, count: int) -> SSAValue:
    """`count` columns of a matrix."""
    return b.slice(x, (dims_of(x)[0], count), [poly(0), poly(first)], (1, 1))
