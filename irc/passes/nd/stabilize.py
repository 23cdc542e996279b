"""Rewrites that keep digits which the formula as written would lose, or that overflow later."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from irc.dialects.nd import scalar as fn
from irc.dialects.nd.control import StopGradientOp
from irc.dialects.nd.indexing import GatherOp
from irc.dialects.nd.reduction import MaxReduceOp, ReduceOp, SumOp
from irc.dialects.nd.scalar import ElementwiseOp
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp, WhereOp
from irc.dialects.nd.types import dims_of, rank_of
from irc.passes.nd.match import all_positive
from irc.passes.nd.rules import Rewriter, Rewritten, Rules, apply_rules, rule


@dataclass(frozen=True)
class StabilizePass(ModulePass):
    """
    Replaces formulas that overflow or cancel by forms that do not.

    Needs nd. Leaves nd, equal in exact arithmetic. Best before derivatives are taken: that of
    the better form is the better one too.
    """

    name = "nd-stabilize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_rules(op, STABLE)


def stable_form(op: Operation, b: Rewriter) -> SSAValue | None:
    """What is better than `op`, when one of the rules says so; not yet in its place."""
    for one in STABLE.by_class.get(type(op), ()):
        given = one(op, b)
        if isinstance(given, SSAValue):
            return given
    return None


def _plus(x: SSAValue, b: Rewriter) -> tuple[SSAValue, float] | None:
    """(x, c) when the value is x + c, c + x or x - c."""
    if added := b.made_by(x, fn.AddOp):
        for one, other in (added.operands, list(added.operands)[::-1]):
            if (c := b.number_of(other)) is not None:
                return one, float(c)
    if less := b.made_by(x, fn.SubOp):
        if (c := b.number_of(less.operands[1])) is not None:
            return less.operands[0], -float(c)
    return None


def _argument(x: SSAValue, cls: type[ElementwiseOp], b: Rewriter) -> SSAValue | None:
    """x when the value is f(x)."""
    made = b.made_by(x, cls)
    return made.operands[0] if made else None


@rule(fn.LogOp)
def log_of_plus_one(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(x + 1) -> log1p(x)"""
    sum_ = _plus(op.operands[0], b)
    return b.scalar("log1p", sum_[0]) if sum_ and sum_[1] == 1 else None


@rule(fn.LogOp)
def log_of_one_minus(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(1 - x) -> log1p(-x)"""
    less = b.made_by(op.operands[0], fn.SubOp)
    if not less or not b.is_number(less.operands[0], 1):
        return None
    return b.scalar("log1p", b.neg(less.operands[1]))


@rule(fn.AddOp, fn.SubOp)
def exp_minus_one(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """exp(x) - 1 -> expm1(x), 1 - exp(x) -> -expm1(x)"""
    sum_ = _plus(op.results[0], b)
    if sum_ and sum_[1] == -1 and (x := _argument(sum_[0], fn.ExpOp, b)):
        return b.scalar("expm1", x)
    if isinstance(op, fn.SubOp) and b.is_number(op.operands[0], 1):
        x = _argument(op.operands[1], fn.ExpOp, b)
        return b.neg(b.scalar("expm1", x)) if x else None
    return None


@rule(fn.LogOp)
def log_of_exp(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(exp(x)) -> x"""
    return _argument(op.operands[0], fn.ExpOp, b)


@rule(fn.SqrtOp)
def root_of_square(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """sqrt(x**2) -> |x|"""
    x = _argument(op.operands[0], fn.SquareOp, b)
    return b.scalar("abs", x) if x else None


# -- logistic functions


def _one_plus_exp(x: SSAValue, b: Rewriter) -> SSAValue | None:
    """x when the value is 1 + exp(x)."""
    sum_ = _plus(x, b)
    return _argument(sum_[0], fn.ExpOp, b) if sum_ and sum_[1] == 1 else None


@rule(fn.DivOp, fn.ReciprocalOp)
def logistic(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """1 / (1 + exp(-x)) -> sigmoid(x), exp(x) / (1 + exp(x)) -> sigmoid(x)"""
    x = _one_plus_exp(op.operands[-1], b)
    if x is None:
        return None
    if isinstance(op, fn.ReciprocalOp) or b.is_number(op.operands[0], 1):
        return b.sigmoid(_argument(x, fn.NegOp, b) or b.neg(x))
    return b.sigmoid(x) if _argument(op.operands[0], fn.ExpOp, b) is x else None


@rule(fn.SubOp)
def one_minus_sigmoid(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """1 - sigmoid(x) -> sigmoid(-x)"""
    x = _argument(op.operands[1], fn.SigmoidOp, b)
    return b.sigmoid(b.neg(x)) if x and b.is_number(op.operands[0], 1) else None


@rule(fn.LogOp)
def log_of_sigmoid(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(sigmoid(x)) -> -softplus(-x)"""
    x = _argument(op.operands[0], fn.SigmoidOp, b)
    return b.neg(b.scalar("softplus", _argument(x, fn.NegOp, b) or b.neg(x))) if x else None


@rule(fn.Log1pOp)
def log1p_of_minus_sigmoid(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log1p(-sigmoid(x)) -> -softplus(x)"""
    negated = _argument(op.operands[0], fn.NegOp, b)
    x = _argument(negated, fn.SigmoidOp, b) if negated else None
    return b.neg(b.scalar("softplus", x)) if x else None


@rule(fn.Log1pOp)
def log1p_of_exp(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log1p(exp(x)) -> softplus(x)"""
    x = _argument(op.operands[0], fn.ExpOp, b)
    return b.scalar("softplus", x) if x else None


# -- exponentials and their sums


@rule(fn.LogOp)
def log_of_two_exponentials(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(exp(x) + exp(y)) -> max(x, y) + log1p(exp(-|x - y|)), and x + log 2 where x = y"""
    added = b.made_by(op.operands[0], fn.AddOp)
    if not added:
        return None
    x, y = (_argument(v, fn.ExpOp, b) for v in added.operands)
    if x is None or y is None:
        return None
    rest = b.scalar("softplus", b.neg(b.scalar("abs", b.sub(x, y))))
    apart = b.add(b.scalar("maximum", x, y), rest)
    return b.where(b.eq(x, y), b.add(x, b.like(x, math.log(2))), apart)


@rule(fn.LogOp)
def log_of_quotient(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log(exp(x) / y) -> x - log(y): the logarithm of a softmax"""
    quotient = b.made_by(op.operands[0], fn.DivOp)
    x = _argument(quotient.operands[0], fn.ExpOp, b) if quotient else None
    if not quotient or x is None:
        return None
    return b.sub(x, _log(quotient.operands[1], b))


@rule(fn.LogOp)
def log_of_chosen_quotients(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """log((exp(x) / y)[i]) -> x[i] - log(y[i]): cross-entropy of a softmax, read inside only"""
    chosen = b.made_by(op.operands[0], GatherOp)
    if not chosen or chosen.in_bounds is None:
        return None
    quotient = b.made_by(chosen.x, fn.DivOp)
    x = _argument(quotient.operands[0], fn.ExpOp, b) if quotient else None
    if not quotient or x is None:
        return None
    log_y = _log(quotient.operands[1], b)
    return b.gather(b.sub(x, log_y), chosen.indices, chosen.axes.data, in_bounds=True)


def _log(y: SSAValue, b: Rewriter) -> SSAValue:
    """log(y), under a broadcast."""
    moved = b.made_by(y, BroadcastOp)
    if not moved:
        return b.log(y)
    return b.broadcast(b.log(moved.x), moved.dims.data, dims_of(y))


@rule(fn.LogOp)
def log_of_sum_of_exponentials(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """
    log(sum(exp(x))) -> m + log(sum(exp(x - m))) with m = max(x)

    where m is finite; there is at least one element, as the maximum of none is an error.
    Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions",
    IMA J. Numer. Anal. 41 (2021).
    """
    total = b.made_by(op.operands[0], SumOp)
    x = _argument(total.operands[0], fn.ExpOp, b) if total else None
    if not total or x is None or _is_shifted(x, b) or not all_positive(x, total.axes.data):
        return None
    m, shifted = _shift(x, total, b)
    return b.add(m, b.log(b.sum(b.exp(shifted), total.axes.data)))


@rule(fn.DivOp)
def softmax(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """exp(x) / sum(exp(x)) -> exp(x - m) / sum(exp(x - m)) with m = max(x)"""
    x = _argument(op.operands[0], fn.ExpOp, b)
    moved = b.made_by(op.operands[1], BroadcastOp)
    source = moved.x if moved else op.operands[1]
    while moved and (reshaped := b.made_by(source, ReshapeOp)):
        source = reshaped.x
    total = b.made_by(source, SumOp)
    if not total or x is None or total.x is not op.operands[0] or _is_shifted(x, b):
        return None
    if not all_positive(x, total.axes.data):
        return None
    _, shifted = _shift(x, total, b)
    e = b.exp(shifted)
    kept = [d for d in range(rank_of(x)) if d not in total.axes.data]
    return b.div(e, b.broadcast(b.sum(e, total.axes.data), kept, dims_of(x)))


def _shift(x: SSAValue, total: ReduceOp, b: Rewriter) -> tuple[SSAValue, SSAValue]:
    """(m, x - m): the largest element where finite, else 0; a constant for derivatives."""
    axes = total.axes.data
    largest = b.reduce("max", x, axes)
    m = b.where(b.scalar("isfinite", largest), largest, b.like(largest, 0))
    if b.derivatives:
        m = b.stop_gradient(m)
    kept = [d for d in range(rank_of(x)) if d not in axes]
    return m, b.sub(x, b.broadcast(m, kept, dims_of(x)))


def _is_shifted(x: SSAValue, b: Rewriter) -> bool:
    """Whether a maximum is subtracted already."""
    less = b.made_by(x, fn.SubOp)
    m = less.operands[1] if less else None
    while m is not None:
        if b.made_by(m, MaxReduceOp):
            return True
        through = None
        for cls in (BroadcastOp, ReshapeOp, StopGradientOp, WhereOp):
            through = through or b.made_by(m, cls)
        m = None if through is None else through.operands[isinstance(through, WhereOp)]
    return False


STABLE = Rules(
    log_of_plus_one,
    log_of_one_minus,
    exp_minus_one,
    log_of_exp,
    root_of_square,
    logistic,
    one_minus_sigmoid,
    log_of_sigmoid,
    log1p_of_minus_sigmoid,
    log1p_of_exp,
    log_of_two_exponentials,
    log_of_quotient,
    log_of_chosen_quotients,
    log_of_sum_of_exponentials,
    softmax,
)
