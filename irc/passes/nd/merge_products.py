"""Products of one value by several weights in a loop, as one product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.contraction import DotOp, free_axes
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.types import dims_of, rank_of
from irc.passes.nd.rules import blocks_of
from irc.passes.nd.scans import KIND, known, loop_title, loops_in, several, title, values_inside
from irc.passes.remarks import listening, remark
from irc.sizes import Size

FEW_STEPS = 4  # fewer do not repay the copies of the weights
# Multiplications from which on a product gains nothing from being larger, and loses by being
# read apart: the gates of an LSTM with 12 and 20 units are 1.3 and 1.1 times as fast as one
# product, those with 64 as fast as four, with 256 slower.
LARGE = 2048


@dataclass(frozen=True)
class MergeProductsPass(ModulePass):
    """
    Computes products of one value by several weights that a loop does not change as one product.

        loop:                          w = concat(wi, wf)
          i = wi @ h            ->     loop:
          f = wf @ h                     both = w @ h
                                         i, f = both[:m], both[m:]

    Not where steps are few, or products large or of unknown size, which gain nothing.

    Needs nd. Leaves nd, equal in exact arithmetic: a product has no order.
    """

    name = "nd-merge-products"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for loop in loops_in(op):
            steps = known(loop.steps) if isinstance(loop, ScanOp) else None
            if steps is None or steps >= FEW_STEPS:
                _merge_in(loop)


def _merge_in(loop: ScanOp | WhileOp) -> None:
    inside = values_inside(loop)
    for block in blocks_of(loop):
        groups: dict[object, list[_Factor]] = {}
        for op in block.ops:
            factor = _factor(op, inside) if isinstance(op, DotOp) else None
            if factor is not None:
                groups.setdefault(factor.key, []).append(factor)
        for group in groups.values():
            if len({f.weight for f in group}) > 1:
                _merge(loop, group)


@dataclass(frozen=True)
class _Factor:
    """
    A product of a value that the loop changes by a weight that it does not.

    side   the operand that is the weight
    axis   of the weight along which others may follow it: its first free one
    key    equal for products that may be one
    """

    op: DotOp
    side: int
    axis: int
    key: object

    @property
    def weight(self) -> SSAValue:
        return self.op.operands[self.side]


def _factor(op: DotOp, inside: set[SSAValue]) -> _Factor | None:
    changes = [x in inside for x in op.operands]
    if changes.count(True) != 1 or op.batch[0] or _work(op) >= LARGE:
        return None
    side = changes.index(False)
    x, weight = op.operands[1 - side], op.operands[side]
    free = free_axes(rank_of(weight), (), op.contract[side])
    if not free:
        return None
    rest = tuple(s for d, s in enumerate(dims_of(weight)) if d != free[0])
    key = (x, side, *map(tuple, op.contract), rest, free[0])
    return _Factor(op, side, free[0], key)


def _work(op: DotOp) -> float:
    """Multiplications; infinite when not known."""
    dims = [*dims_of(op.res), *(dims_of(op.lhs)[d] for d in op.contract[0])]
    count = known(sizes.product(dims))
    return math.inf if count is None else count


def _merge(loop: ScanOp | WhileOp, group: Sequence[_Factor]) -> None:
    """One product in the place of the first of them, by all weights."""
    first = group[0]
    before = Builder(InsertPoint.before(loop), first.op.location)
    weights = list(dict.fromkeys(f.weight for f in group))
    operands = list(first.op.operands)
    operands[first.side] = before.concat(weights, first.axis)
    b = Builder(InsertPoint.before(first.op), first.op.location)
    contract = first.op.contract
    merged = b.dot(operands[0], operands[1], ((), ()), (contract[0], contract[1]))
    axis = 0
    if first.side == 1:
        axis = rank_of(operands[0]) - len(contract[0])
    starts: dict[SSAValue, Size] = {}
    start: Size = 0
    for weight in weights:
        starts[weight] = start
        start = sizes.size(sizes.poly(start) + dims_of(weight)[first.axis])
    if listening():
        names = several([title(f.op) for f in group])
        remark(KIND, first.op.location, f"one product in {loop_title(loop)}: {names}")
    for factor in group:
        _take_part(factor.op, merged, axis, starts[factor.weight])


def _take_part(op: DotOp, merged: SSAValue, axis: int, start: Size) -> None:
    b = Builder(InsertPoint.before(op), op.location)
    rank = rank_of(merged)
    at = [start if d == axis else sizes.const(0) for d in range(rank)]
    part = b.slice(merged, dims_of(op.res), at, [1] * rank)
    part.name_hint = op.res.name_hint
    op.res.replace_all_uses_with(part)
    b.point.block.erase_op(op)
