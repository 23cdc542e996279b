"""
Loops in the form that their derivative is defined for: a scan whose steps all run.

A search with a limit becomes a scan of `limit` steps, a scan that may stop early one that goes
on without change. Steps after the last are an `nd.if` on a carried flag.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import BOOL
from irc.passes.nd.grad_residuals import rows_of


class Unbounded(Exception):
    """A search without a limit on the way of a derivative."""

    def __init__(self, op: WhileOp) -> None:
        super().__init__("a search without a limit has no derivative")
        self.op = op


def scan_of_while(b: Builder, op: WhileOp) -> list[SSAValue]:
    """
    while limit m, c(x) { x = f(x) }   ->   scan m { go = if go { c(x) } else { false }
                                                     x = if go { f(x) } else { x } }

    `op` is left without its regions' contents.
    """
    assert op.limit is not None
    scan = ScanDraft(sizes.size(op.limit.data[0]))
    states = [scan.state(b.reshape(x, (1, *dims_of(x)))) for x in op.inits]
    running = scan.state(b.full((1,), BOOL, True))
    before = [scan.tap(state, 1) for state in states]
    inner = Builder(scan.block, op.location)
    never = Builder(Block(), op.location)
    never.insert(YieldOp.create(operands=[never.full((), BOOL, False)]))
    asked = _moved(op.cond.block, before)
    (go,) = inner.if_(scan.tap(running, 1), asked, never.point.block)
    rows = inner.if_(go, _moved(op.body.block, before), _yielding(op, before))
    for state, row in zip(states, rows, strict=True):
        state.next = row
    running.next = go
    results = b.insert(scan.finish()).results
    return [b.reshape(r, dims_of(x)) for r, x in zip(results, op.inits, strict=False)]


def scan_to_the_end(b: Builder, op: ScanOp) -> list[SSAValue]:
    """
    scan until c { y = f(x) }   ->   scan { y, c = if c[before] { y[before], c } else { f(x), c } }

    Outputs become states with histories, so that there is one before. `op` loses its body.
    """
    old = list(op.res)
    scan = ScanDraft.of(op)
    stop, outputs = scan.stop, scan.outputs
    assert stop is not None
    states = list(scan.states)
    for row in outputs:
        state = scan.state(b.full((1, *dims_of(row)), dtype_of(row), 0), history=True)
        state.next = row
        states.append(state)
    flag = scan.state(b.full((1,), BOOL, False))
    block = Block()
    for inner in list(scan.block.ops):
        inner.detach()
        block.add_op(inner)
    block.add_op(YieldOp.create(operands=[*(s.next for s in states), stop]))
    before = [scan.tap(s, 1) for s in (*states, flag)]
    near = Builder(scan.block, op.location)
    rows = near.if_(before[-1], _yielding(op, before), block)
    for state, row in zip((*states, flag), rows, strict=True):
        state.next = row
    scan.outputs, scan.stop = [], None
    new = scan.finish()
    b.insert(new)
    made = 0 if scan.reverse else 1
    first = len(old) - len(outputs)
    return [
        r if k < first else rows_of(b, r, made, op.steps) for k, r in enumerate(new.res[: len(old)])
    ]


def _yielding(op: WhileOp | ScanOp, values: Sequence[SSAValue]) -> Block:
    block = Block()
    Builder(block, op.location).insert(YieldOp.create(operands=values))
    return block


def _moved(source: Block, values: Sequence[SSAValue]) -> Block:
    """What `source` holds, with `values` in the place of its arguments."""
    block = Block()
    for arg, value in zip(source.args, values, strict=True):
        arg.replace_all_uses_with(value)
    for inner in list(source.ops):
        inner.detach()
        block.add_op(inner)
    return block
