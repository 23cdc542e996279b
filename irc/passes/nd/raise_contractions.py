"""Finds the products of matrices in sums of products, and lets `nd.dot` read any layout."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import OpResult, SSAValue
from xdsl.passes import ModulePass

from irc.dialects.nd import scalar as fn
from irc.dialects.nd.contraction import DotOp, free_axes
from irc.dialects.nd.reduction import ReduceOp, SumOp
from irc.dialects.nd.scalar import PointwiseOp
from irc.dialects.nd.structure import BroadcastOp, TransposeOp
from irc.dialects.nd.types import dims_of, rank_of
from irc.passes.nd.rules import Rewriter, Rewritten, Rules, apply_rules, rule


@dataclass(frozen=True)
class RaiseContractionsPass(ModulePass):
    """
    Turns sums of products into `nd.dot`, and takes transposes into its axes.

    Needs nd in normal form. Leaves nd, equal in exact arithmetic: a product has no order.
    """

    name = "nd-raise-contractions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_rules(op, CONTRACTIONS)


@dataclass(frozen=True)
class Factor:
    """One side of a product: a tensor, and the axis of the product for each of its axes."""

    x: SSAValue
    places: tuple[int, ...]

    def axes(self, places: list[int]) -> list[int]:
        """The tensor's own axes at these places."""
        return [self.places.index(p) for p in places]

    @property
    def computed(self) -> bool:
        """Whether elementwise ops make it: a loop that sums can make it on the way."""
        return isinstance(self.x, OpResult) and isinstance(self.x.op, PointwiseOp)


@rule(SumOp)
def sum_of_products(op: ReduceOp, b: Rewriter) -> Rewritten:
    """
    sum[k](broadcast(A)[i, j, k] * broadcast(B)[i, j, k]) -> dot(A, B)

    where each k occurs in both, and i or j in one only. A product that would need its factors
    stored, where the sum can compute them on the way, stays a sum: that of two vectors, or of a
    vector and a matrix, when elementwise ops make them.
    """
    product = b.made_by(op.x, fn.MulOp)
    if not product or not _used_once(op.x):
        return None
    left, right = (_factor(x, b) for x in product.operands)
    summed = set(op.axes.data)
    both = set(left.places) & set(right.places)
    if not summed or not summed <= both:
        return None
    kept = [d for d in range(rank_of(op.x)) if d not in summed]
    batch = [d for d in kept if d in both]
    rows, columns = (
        [p for p in f.places if p not in both] for f in (left, right)
    )  # fmt: skip
    if not _worthwhile(left, right, batch, rows, columns):
        return None
    if columns and (not rows or min(columns) < min(rows)):
        left, right, rows, columns = right, left, columns, rows
    contract = sorted(summed)
    result = b.dot(
        left.x, right.x,
        (left.axes(batch), right.axes(batch)), (left.axes(contract), right.axes(contract)),
    )  # fmt: skip
    order = [*batch, *rows, *columns]
    places = sorted(order)
    result = b.transpose(result, [order.index(p) for p in places])
    return b.broadcast(result, [kept.index(p) for p in places], dims_of(op.res))


def _used_once(x: SSAValue) -> bool:
    return x.first_use is not None and len(list(x.uses)) == 1


def _worthwhile(
    left: Factor, right: Factor, batch: list[int], rows: list[int], columns: list[int]
) -> bool:
    if rows and columns:
        return True
    if rows or columns:
        matrix = left if rows else right
        return not matrix.computed
    return not batch and not left.computed and not right.computed


def _factor(x: SSAValue, b: Rewriter) -> Factor:
    """What `x` is made of by broadcasts and transposes."""
    places = list(range(rank_of(x)))
    while True:
        if moved := b.made_by(x, BroadcastOp):
            if 1 in dims_of(moved.x):
                break
            places = [places[d] for d in moved.dims.data]
            x = moved.x
        elif turned := b.made_by(x, TransposeOp):
            perm = turned.perm.data
            places = [places[perm.index(d)] for d in range(len(perm))]
            x = turned.x
        else:
            break
    return Factor(x, tuple(places))


@rule(DotOp)
def dot_of_transposes(op: DotOp, b: Rewriter) -> Rewritten:
    """dot(transpose(x), y) -> dot(x, y) where the free axes of x stay in order"""
    sides, changed = [], False
    for x, batch, contract in zip((op.lhs, op.rhs), op.batch, op.contract, strict=True):
        turned = b.made_by(x, TransposeOp)
        if turned:
            perm = turned.perm.data
            free = [perm[d] for d in free_axes(len(perm), batch, contract)]
            if free == sorted(free):
                x, changed = turned.x, True
                batch, contract = [perm[d] for d in batch], [perm[d] for d in contract]
        sides.append((x, batch, contract))
    if not changed:
        return None
    (x, lb, lc), (y, rb, rc) = sides
    return b.dot(x, y, (lb, rb), (lc, rc))


@rule(TransposeOp)
def transpose_of_dot(op: TransposeOp, b: Rewriter) -> Rewritten:
    """transpose(dot(x, y)) -> dot(y, x) where it exchanges the free axes of the two"""
    dot = b.made_by(op.x, DotOp)
    if not dot or not _used_once(op.x):
        return None
    shared, rank = len(dot.batch[0]), rank_of(op.x)
    rows = rank_of(dot.lhs) - shared - len(dot.contract[0])
    exchanged = [*range(shared), *range(shared + rows, rank), *range(shared, shared + rows)]
    if list(op.perm.data) != exchanged:
        return None
    return b.dot(dot.rhs, dot.lhs, dot.batch[::-1], dot.contract[::-1])


CONTRACTIONS = Rules(sum_of_products, dot_of_transposes, transpose_of_dot)
