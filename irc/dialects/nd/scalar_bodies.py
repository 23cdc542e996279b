"""Lowerings of elementwise functions that take more than one arith or math op."""

from __future__ import annotations

import math as pymath

from xdsl.dialects import arith, math
from xdsl.ir import SSAValue

from irc.dialects.nd.body import Body, Lowering, storage
from irc.dialects.upstream import RemfOp
from irc.dtypes import BOOL, F32, I64, U64, DType

# -- integers


def int_neg(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.SubiOp, s.const(0, d), x)


def int_abs(s: Body, d: DType, x: SSAValue) -> SSAValue:
    """The smallest integer has no counterpart and stays."""
    return s.select(s.compare("lt", x, s.const(0, d), d), int_neg(s, d, x), x)


def identity(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return x


def int_floordiv(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """Rounds down; x // 0 = 0 and INT_MIN // -1 wraps, both without a trap."""
    zero, one = s.const(0, d), s.const(1, d)
    by_zero = s.compare("eq", y, zero, d)
    if d.kind == "uint":
        q = s.op(arith.DivUIOp, x, s.select(by_zero, one, y))
        return s.select(by_zero, zero, q)
    by_minus = s.compare("eq", y, s.const(-1, d), d)
    safe = s.select(s.either(by_zero, by_minus), one, y)
    q = s.op(arith.DivSIOp, x, safe)
    r = s.op(arith.RemSIOp, x, safe)
    inexact = s.compare("ne", r, zero, d)
    signs = s.compare("lt", s.op(arith.XOrIOp, r, safe), zero, d)
    down = s.select(s.both(inexact, signs), s.op(arith.SubiOp, q, one), q)
    return s.select(by_zero, zero, s.select(by_minus, int_neg(s, d, x), down))


def int_mod(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """x - (x // y) * y, with the sign of y; x % 0 = 0."""
    zero, one = s.const(0, d), s.const(1, d)
    by_zero = s.compare("eq", y, zero, d)
    if d.kind == "uint":
        return s.op(arith.RemUIOp, x, s.select(by_zero, one, y))
    unit = s.either(by_zero, s.compare("eq", y, s.const(-1, d), d))
    safe = s.select(unit, one, y)
    r = s.op(arith.RemSIOp, x, safe)
    inexact = s.compare("ne", r, zero, d)
    signs = s.compare("lt", s.op(arith.XOrIOp, r, safe), zero, d)
    return s.select(s.both(inexact, signs), s.op(arith.AddiOp, r, safe), r)


def int_sign(s: Body, d: DType, x: SSAValue) -> SSAValue:
    zero = s.const(0, d)
    positive = s.select(s.compare("gt", x, zero, d), s.const(1, d), zero)
    if d.kind == "uint":
        return positive
    return s.select(s.compare("lt", x, zero, d), s.const(-1, d), positive)


def int_pow(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """
    Wraps like repeated multiplication; negative powers are 1/x rounded to zero.

    Square-and-multiply over the bits of y, unrolled: bits of the exponent are the width of d.
    """
    zero, one = s.const(0, d), s.const(1, d)
    result, base, rest = one, x, y
    for _ in range(d.bits):
        odd = s.compare("ne", s.op(arith.AndIOp, rest, one), zero, d)
        result = s.select(odd, s.op(arith.MuliOp, result, base), result)
        base = s.op(arith.MuliOp, base, base)
        rest = s.op(arith.ShRUIOp, rest, one)
    if d.kind == "uint":
        return result
    minus_one = s.const(-1, d)
    odd = s.compare("ne", s.op(arith.AndIOp, y, one), zero, d)
    of_minus_one = s.select(odd, minus_one, one)
    inverse = s.select(s.compare("eq", x, minus_one, d), of_minus_one, zero)
    inverse = s.select(s.compare("eq", x, one, d), one, inverse)
    return s.select(s.compare("lt", y, zero, d), inverse, result)


def shift_left(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    inside = s.compare("lt", y, s.const(d.bits, d), U64)
    safe = s.select(inside, y, s.const(0, d))
    return s.select(inside, s.op(arith.ShLIOp, x, safe), s.const(0, d))


def shift_right(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """Counts at or beyond the width give 0, or the sign of a signed integer."""
    inside = s.compare("lt", y, s.const(d.bits, d), U64)
    if d.kind == "uint":
        safe = s.select(inside, y, s.const(0, d))
        return s.select(inside, s.op(arith.ShRUIOp, x, safe), s.const(0, d))
    return s.op(arith.ShRSIOp, x, s.select(inside, y, s.const(d.bits - 1, d)))


def bit_not(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.XOrIOp, x, s.const(True if d is BOOL else -1, d))


# -- floats


def float_mod(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """NumPy's `mod`: the remainder of C, moved to the sign of y; a zero takes the sign of y."""
    zero = s.const(0.0, d)
    r = s.op(RemfOp, x, y)
    nonzero = s.compare("ne", r, zero, d)
    r_below, y_below = s.compare("lt", r, zero, d), s.compare("lt", y, zero, d)
    differ = s.op(arith.XOrIOp, r_below, y_below)
    moved = s.select(differ, s.op(arith.AddfOp, r, y), r)
    return s.select(nonzero, moved, s.op(math.CopySignOp, zero, y))


def float_floordiv(s: Body, d: DType, x: SSAValue, y: SSAValue) -> SSAValue:
    """NumPy's `floor_divide`: (x - mod) / y brought to the nearest integer; x / 0 as a quotient."""
    zero, one = s.const(0.0, d), s.const(1.0, d)
    r = s.op(RemfOp, x, y)
    nonzero = s.compare("ne", r, zero, d)
    r_below, y_below = s.compare("lt", r, zero, d), s.compare("lt", y, zero, d)
    differ = s.both(nonzero, s.op(arith.XOrIOp, r_below, y_below))
    q = s.op(arith.DivfOp, s.op(arith.SubfOp, x, r), y)
    q = s.select(differ, s.op(arith.SubfOp, q, one), q)
    down = s.op(math.FloorOp, q)
    close = s.compare("gt", s.op(arith.SubfOp, q, down), s.const(0.5, d), d)
    rounded = s.select(close, s.op(arith.AddfOp, down, one), down)
    quotient = s.op(arith.DivfOp, x, y)
    at_zero = s.op(math.CopySignOp, zero, quotient)
    result = s.select(s.compare("ne", q, zero, d), rounded, at_zero)
    return s.select(s.compare("eq", y, zero, d), quotient, result)


def float_sign(s: Body, d: DType, x: SSAValue) -> SSAValue:
    """-1, 0 or 1; NaN passes, -0 gives 0."""
    zero = s.const(0.0, d)
    other = s.select(s.compare("eq", x, zero, d), zero, x)
    below = s.select(s.compare("lt", x, zero, d), s.const(-1.0, d), other)
    return s.select(s.compare("gt", x, zero, d), s.const(1.0, d), below)


def sigmoid(s: Body, d: DType, x: SSAValue) -> SSAValue:
    """1 / (1 + exp(-|x|)) and its mirror, so that no exponential overflows."""
    one = s.const(1.0, d)
    e = s.op(math.ExpOp, s.op(arith.NegfOp, s.op(math.AbsFOp, x)))
    top = s.select(s.compare("lt", x, s.const(0.0, d), d), e, one)
    return s.op(arith.DivfOp, top, s.op(arith.AddfOp, one, e))


def softplus(s: Body, d: DType, x: SSAValue) -> SSAValue:
    """max(x, 0) + log1p(exp(-|x|))."""
    e = s.op(math.ExpOp, s.op(arith.NegfOp, s.op(math.AbsFOp, x)))
    top = s.op(arith.MaximumfOp, x, s.const(0.0, d))
    return s.op(arith.AddfOp, top, s.op(math.Log1pOp, e))


def special(function: str) -> Lowering:
    """A special function, which is one op below nd."""
    return lambda s, d, *operands: s.special(function, *operands)


def isnan(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.compare("unordered", x, x, d)


def isinf(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.compare("eq", s.op(math.AbsFOp, x), s.const(pymath.inf, d), d)


def isfinite(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.compare("lt", s.op(math.AbsFOp, x), s.const(pymath.inf, d), d)


def reciprocal(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.DivfOp, s.const(1.0, d), x)


def rsqrt(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.DivfOp, s.const(1.0, d), s.op(math.SqrtOp, x))


def float_square(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.MulfOp, x, x)


def int_square(s: Body, d: DType, x: SSAValue) -> SSAValue:
    return s.op(arith.MuliOp, x, x)


# -- conversions


def cast(s: Body, source: DType, target: DType, x: SSAValue) -> SSAValue:
    """
    The value of `x` in `target`.

    Float to integer truncates, saturates, and takes NaN to 0; to bool is `x != 0`;
    between integers the low bits stay; between floats rounds to nearest.
    """
    if source is target:
        return x
    if target is BOOL:
        return s.compare("ne", x, s.const(0, source), source)
    if target.is_float:
        return _to_float(s, source, target, x)
    if source.is_float:
        return _float_to_int(s, source, target, x)
    return _resize(s, source, target, x)


def _resize(s: Body, source: DType, target: DType, x: SSAValue) -> SSAValue:
    if source.bits == target.bits:
        return x
    if source.bits > target.bits:
        return s.to(arith.TruncIOp, x, storage(target))
    extend = arith.ExtSIOp if source.kind == "int" else arith.ExtUIOp
    return s.to(extend, x, storage(target))


def _to_float(s: Body, source: DType, target: DType, x: SSAValue) -> SSAValue:
    if not source.is_float:
        if target.bits == 16:
            # Rounding to f32 first can round twice, as NumPy's own conversion does for int32.
            return s.to(arith.TruncFOp, _to_float(s, source, F32, x), storage(target))
        convert = arith.SIToFPOp if source.kind == "int" else arith.UIToFPOp
        return s.to(convert, x, storage(target))
    if source.bits == target.bits:  # f16 and bf16
        return s.to(arith.TruncFOp, s.to(arith.ExtFOp, x, storage(F32)), storage(target))
    op = arith.ExtFOp if source.bits < target.bits else arith.TruncFOp
    return s.to(op, x, storage(target))


def _float_to_int(s: Body, source: DType, target: DType, x: SSAValue) -> SSAValue:
    """Compares in the float before converting: the conversion of an outsider is undefined."""
    if source.bits == 16:
        x, source = s.to(arith.ExtFOp, x, storage(F32)), F32
    # The bounds are powers of two, so exact in every float: low <= trunc(x) < high.
    low = s.const(float(target.min), source)
    high = s.const(2.0 ** (target.bits - (target.kind == "int")), source)
    t = s.op(math.TruncOp, x)
    above_low, below_high = s.compare("ge", t, low, source), s.compare("lt", t, high, source)
    safe = s.select(s.both(above_low, below_high), t, s.const(0.0, source))
    wide = target if target.bits == 64 else I64
    convert = arith.FPToUIOp if wide is U64 else arith.FPToSIOp
    n = _resize(s, wide, target, s.to(convert, safe, storage(wide)))
    n = s.select(s.compare("lt", t, low, source), s.const(target.min, target), n)
    return s.select(s.compare("ge", t, high, source), s.const(target.max, target), n)
