"""
Identities of elementwise functions.

For floats only those that hold to the bit, for zeros of either sign, infinities and NaN.
"""

from __future__ import annotations

import math

from irc.dialects.nd import scalar as fn
from irc.dialects.nd.scalar import ELEMENTWISE, ElementwiseOp
from irc.dialects.nd.structure import CastOp, WhereOp
from irc.dialects.nd.types import dtype_of
from irc.dtypes import DType
from irc.passes.nd.rules import Rewriter, Rewritten, rule

COMMUTING = tuple(cls for cls in ELEMENTWISE.values() if cls.SCALAR.commutes)


@rule(*COMMUTING)
def constant_to_the_right(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """c + x -> x + c, for every function that commutes"""
    x, y = op.operands
    if b.number_of(x) is None or b.number_of(y) is not None:
        return None
    return b.scalar(op.SCALAR.name, y, x)


@rule(fn.AddOp)
def add_nothing(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x + 0 -> x; of floats x + -0.0 -> x, since -0.0 + 0.0 is 0.0"""
    x, y = op.operands
    return x if b.is_number(y, -0.0 if dtype_of(x).is_float else 0) else None


@rule(fn.SubOp)
def subtract_nothing(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x - 0 -> x"""
    x, y = op.operands
    return x if b.is_number(y, 0) else None


@rule(fn.SubOp)
def subtract_itself(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x - x -> 0, for integers: inf - inf is NaN"""
    x, y = op.operands
    return b.like(x, 0) if x is y and dtype_of(x).is_integer else None


@rule(fn.AddOp)
def add_negative(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x + -y -> x - y, and -x + y -> y - x"""
    x, y = op.operands
    if negated := b.made_by(y, fn.NegOp):
        return b.sub(x, negated.operands[0])
    if negated := b.made_by(x, fn.NegOp):
        return b.sub(y, negated.operands[0])
    return None


@rule(fn.SubOp)
def subtract_negative(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x - -y -> x + y"""
    x, y = op.operands
    negated = b.made_by(y, fn.NegOp)
    return b.add(x, negated.operands[0]) if negated else None


@rule(fn.MulOp, fn.DivOp, fn.FloordivOp)
def times_one(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x * 1 -> x, x / 1 -> x; x // 1 -> x for integers"""
    x, y = op.operands
    if isinstance(op, fn.FloordivOp) and dtype_of(x).is_float:
        return None
    return x if b.is_number(y, 1) else None


@rule(fn.MulOp, fn.DivOp)
def times_minus_one(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x * -1 -> -x, x / -1 -> -x"""
    x, y = op.operands
    signed = dtype_of(x).kind != "uint"
    return b.neg(x) if signed and b.is_number(y, -1) else None


@rule(fn.MulOp, fn.AndOp)
def times_zero(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x * 0 -> 0 and x & 0 -> 0, not for floats: inf * 0 is NaN"""
    x, y = op.operands
    return y if not dtype_of(x).is_float and b.number_of(y) == 0 else None


@rule(fn.MulOp, fn.DivOp)
def product_of_negatives(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """-x * -y -> x * y, -x / -y -> x / y"""
    x, y = (b.made_by(v, fn.NegOp) for v in op.operands)
    if not x or not y or dtype_of(op.operands[0]).kind == "uint":
        return None
    return b.scalar(op.SCALAR.name, x.operands[0], y.operands[0])


@rule(fn.MulOp, fn.DivOp)
def sign_into_constant(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """-x * c -> x * -c, -x / c -> x / -c"""
    x, y = op.operands
    negated, c = b.made_by(x, fn.NegOp), b.number_of(y)
    if not negated or c is None:
        return None
    return b.scalar(op.SCALAR.name, negated.operands[0], b.like(y, -c))


@rule(fn.NegOp)
def negated_product(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """-(x * c) -> x * -c, -(x / c) -> x / -c: rounding is symmetric"""
    for cls in (fn.MulOp, fn.DivOp):
        inner = b.made_by(op.operands[0], cls)
        if inner and (c := b.number_of(inner.operands[1])) is not None:
            x, y = inner.operands
            return b.scalar(inner.SCALAR.name, x, b.like(y, -c))
    return None


@rule(fn.DivOp)
def divide_by_power_of_two(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x / c -> x * (1 / c) where 1 / c is exact and normal"""
    x, y = op.operands
    c = b.number_of(y)
    if c is None or not math.isfinite(c) or c == 0:
        return None
    mantissa, exponent = math.frexp(c)
    if abs(mantissa) != 0.5 or abs(exponent) > _safe_exponent(dtype_of(x)):
        return None
    return b.mul(x, b.like(y, 1 / c))


def _safe_exponent(dtype: DType) -> int:
    """2**k and 2**-k are normal in `dtype` for |k| up to this."""
    return {"f16": 13, "bf16": 125, "f32": 125, "f64": 1021}[dtype.name]


@rule(fn.NegOp, fn.NotOp)
def undo(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """-(-x) -> x, not not x -> x"""
    inner = b.made_by(op.operands[0], type(op))
    return inner.operands[0] if inner else None


@rule(fn.AbsOp, fn.SquareOp)
def even_of_negative(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """|-x| -> |x|, (-x)**2 -> x**2, |x|**2 -> x**2, ||x|| -> |x|"""
    for cls in (fn.NegOp, fn.AbsOp):
        inner = b.made_by(op.operands[0], cls)
        if inner:
            return b.scalar(op.SCALAR.name, inner.operands[0])
    return None


@rule(fn.IsnanOp, fn.IsinfOp, fn.IsfiniteOp)
def class_of_negative(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """isnan(-x) -> isnan(x), and so for isinf, isfinite and |x|"""
    for cls in (fn.NegOp, fn.AbsOp):
        inner = b.made_by(op.operands[0], cls)
        if inner:
            return b.scalar(op.SCALAR.name, inner.operands[0])
    return None


@rule(fn.FloorOp, fn.CeilOp, fn.TruncOp, fn.RoundOp)
def round_again(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """round(floor(x)) -> floor(x), for every two ways to round"""
    x = op.operands[0]
    roundings = (fn.FloorOp, fn.CeilOp, fn.TruncOp, fn.RoundOp)
    return x if any(b.made_by(x, cls) for cls in roundings) else None


@rule(fn.MaxOp, fn.MinOp, fn.FmaxOp, fn.FminOp, fn.AndOp, fn.OrOp)
def same_twice(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """max(x, x) -> x, x & x -> x"""
    x, y = op.operands
    return x if x is y else None


@rule(fn.XorOp)
def exclusive(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x ^ x -> 0, x ^ 0 -> x, x ^ -1 -> not x"""
    x, y = op.operands
    if x is y:
        return b.like(x, 0)
    c = b.number_of(y)
    if c is None:
        return None
    if c == 0:
        return x
    return b.scalar("not", x) if _all_ones(c, dtype_of(x)) else None


@rule(fn.AndOp, fn.OrOp)
def neutral_bits(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x & -1 -> x, x | 0 -> x, x | -1 -> -1"""
    x, y = op.operands
    c = b.number_of(y)
    if c is None:
        return None
    if isinstance(op, fn.OrOp):
        return x if c == 0 else y if _all_ones(c, dtype_of(x)) else None
    return x if _all_ones(c, dtype_of(x)) else None


def _all_ones(c: float | int | bool, dtype: DType) -> bool:
    ones = (1 << dtype.bits) - 1
    return int(c) & ones == ones


@rule(fn.ShiftLeftOp, fn.ShiftRightOp)
def shift_by_zero(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x << 0 -> x"""
    x, y = op.operands
    return x if b.number_of(y) == 0 else None


_OPPOSITE = {
    fn.EqOp: "ne", fn.NeOp: "eq", fn.LtOp: "ge", fn.GeOp: "lt", fn.GtOp: "le", fn.LeOp: "gt"
}  # fmt: skip


@rule(fn.NotOp)
def opposite(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """not x == y -> x != y; not x < y -> x >= y for integers, as NaN is neither"""
    for cls, name in _OPPOSITE.items():
        compared = b.made_by(op.operands[0], cls)
        if compared and (name in ("eq", "ne") or dtype_of(compared.operands[0]).is_integer):
            return b.scalar(name, *compared.operands)
    return None


@rule(fn.EqOp, fn.NeOp, fn.LeOp, fn.GeOp, fn.LtOp, fn.GtOp)
def compare_with_itself(op: ElementwiseOp, b: Rewriter) -> Rewritten:
    """x == x -> true, x < x -> false, and so on, not for floats: NaN == NaN is false"""
    x, y = op.operands
    if x is not y or dtype_of(x).is_float:
        return None
    return b.like(op.results[0], isinstance(op, fn.EqOp | fn.LeOp | fn.GeOp))


@rule(WhereOp)
def choose(op: WhereOp, b: Rewriter) -> Rewritten:
    """where(true, x, y) -> x, where(false, x, y) -> y, where(c, x, x) -> x"""
    c = b.number_of(op.cond)
    if c is not None:
        return op.lhs if c else op.rhs
    return op.lhs if op.lhs is op.rhs else None


@rule(WhereOp)
def choose_by_opposite(op: WhereOp, b: Rewriter) -> Rewritten:
    """where(not c, x, y) -> where(c, y, x)"""
    inverted = b.made_by(op.cond, fn.NotOp)
    return b.where(inverted.operands[0], op.rhs, op.lhs) if inverted else None


@rule(WhereOp)
def choose_again(op: WhereOp, b: Rewriter) -> Rewritten:
    """where(c, where(c, x, _), y) -> where(c, x, y), where(c, x, where(c, _, y)) likewise"""
    first, second = b.made_by(op.lhs, WhereOp), b.made_by(op.rhs, WhereOp)
    if first and first.cond is op.cond:
        return b.where(op.cond, first.lhs, op.rhs)
    if second and second.cond is op.cond:
        return b.where(op.cond, op.lhs, second.rhs)
    return None


@rule(CastOp)
def cast_to_same(op: CastOp, b: Rewriter) -> Rewritten:
    """cast(x) -> x where the dtype stays"""
    return op.x if dtype_of(op.x) is dtype_of(op.res) else None


@rule(CastOp)
def cast_through(op: CastOp, b: Rewriter) -> Rewritten:
    """cast(cast(x)) -> cast(x) where the inner one loses nothing that the outer one sees"""
    inner = b.made_by(op.x, CastOp)
    if not inner:
        return None
    source, middle, target = (dtype_of(v) for v in (inner.x, op.x, op.res))
    return b.cast(inner.x, target) if _sees_all(source, middle, target) else None


def _sees_all(source: DType, middle: DType, target: DType) -> bool:
    """Whether source -> middle -> target gives the bits of source -> target."""
    if source.kind == "bool":
        return True
    if source.is_integer and middle.is_integer and target.is_integer:
        return middle.bits >= target.bits or _holds(middle, source)
    if not _holds(middle, source):
        return False
    if source.is_integer and middle.is_float:
        if target.is_integer:  # floats saturate where integers wrap
            return _holds(target, source)
        # An integer goes to a half float by way of f32.
        return target.bits > 16 or target.kind == "bool" or middle.bits <= 32
    return True


_MANTISSA = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}


def _holds(wide: DType, narrow: DType) -> bool:
    """Whether every value of `narrow` is one of `wide`."""
    if wide is narrow or narrow.kind == "bool":
        return True
    if wide.kind == "bool":
        return False
    if wide.is_float and narrow.is_float:
        return wide.bits > narrow.bits
    if wide.is_float:
        return narrow.bits - (narrow.kind == "int") <= _MANTISSA[wide.name]
    return not narrow.is_float and wide.min <= narrow.min and narrow.max <= wide.max


ALGEBRA = (
    constant_to_the_right,
    add_nothing,
    subtract_nothing,
    subtract_itself,
    add_negative,
    subtract_negative,
    times_one,
    times_minus_one,
    times_zero,
    product_of_negatives,
    sign_into_constant,
    negated_product,
    divide_by_power_of_two,
    undo,
    even_of_negative,
    class_of_negative,
    round_again,
    same_twice,
    exclusive,
    neutral_bits,
    shift_by_zero,
    opposite,
    compare_with_itself,
    choose,
    choose_by_opposite,
    choose_again,
    cast_to_same,
    cast_through,
)
