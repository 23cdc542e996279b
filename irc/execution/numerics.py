"""
The arithmetic of irc's scalars, on NumPy scalars and on arrays alike.

Each function means what `arith` and `math` ops mean where they are defined, to the bit.
Where an op is undefined (division by zero, a shift by the width, an integer that a float
does not fit), the answer is DOMAIN: an exception, since a correct lowering guards it.

bf16 values are float32 numbers whose low 16 bits are zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Value = Any  # a NumPy scalar, an array, or a Python int for `index`

LANES = 64  # partial sums of a reduction, semantics.md "accumulation"


class DomainError(ArithmeticError):
    """An operand for which the op is undefined."""


# -- choice


def select(c: Value, x: Value, y: Value) -> Value:
    """x where c, else y."""
    if isinstance(c, np.ndarray) and c.ndim:
        return np.where(c, x, y)
    return x if c else y


# -- integers (two's complement, signless storage)


def unsigned(x: Value) -> Value:
    """The same bits read as an unsigned integer."""
    x = integer(x)
    if x.dtype == np.bool_:
        return x.astype(np.uint8)
    return x.view(x.dtype.str.replace("i", "u"))


def signed(x: Value) -> Value:
    """The same bits read as a signed integer; a true i1 is -1."""
    x = integer(x)
    if x.dtype == np.bool_:
        return -x.astype(np.int8)
    return x.view(x.dtype.str.replace("u", "i"))


def integer(x: Value) -> Value:
    """A NumPy value; `index` values may come as Python ints."""
    return np.int64(x) if isinstance(x, int) and not isinstance(x, np.generic) else x


def _like(result: Value, x: Value) -> Value:
    """`result` in the storage dtype of x."""
    x = integer(x)
    if x.dtype == np.bool_:
        return (result & 1).astype(np.bool_)
    return result.view(x.dtype)


def divsi(x: Value, y: Value) -> Value:
    """Rounds to zero."""
    x, y = integer(x), integer(y)
    _check_division(x, y)
    q = np.floor_divide(x, y)
    return q + ((x % y != 0) & ((x < 0) != (y < 0))).astype(q.dtype)


def remsi(x: Value, y: Value) -> Value:
    """With the sign of x."""
    x, y = integer(x), integer(y)
    _check_division(x, y)
    return np.fmod(x, y)


def floordivsi(x: Value, y: Value) -> Value:
    x, y = integer(x), integer(y)
    _check_division(x, y)
    return np.floor_divide(x, y)


def ceildivsi(x: Value, y: Value) -> Value:
    x, y = integer(x), integer(y)
    _check_division(x, y)
    q = np.floor_divide(x, y)
    return q + (x % y != 0).astype(q.dtype)


def divui(x: Value, y: Value) -> Value:
    a, b = unsigned(x), unsigned(y)
    _check_nonzero(b)
    return _like(a // b, x)


def ceildivui(x: Value, y: Value) -> Value:
    a, b = unsigned(x), unsigned(y)
    _check_nonzero(b)
    q = a // b
    return _like(q + (a % b != 0).astype(q.dtype), x)


def remui(x: Value, y: Value) -> Value:
    a, b = unsigned(x), unsigned(y)
    _check_nonzero(b)
    return _like(a % b, x)


def _check_nonzero(y: Value) -> None:
    if np.any(y == 0):
        raise DomainError("division by zero")


def _check_division(x: Value, y: Value) -> None:
    _check_nonzero(y)
    if np.any((y == -1) & (x == np.iinfo(x.dtype).min)):
        raise DomainError("the quotient of the smallest integer by -1 overflows")


def shli(x: Value, y: Value) -> Value:
    a, b = unsigned(x), _count(x, y)
    return _like(np.left_shift(a, b), x)


def shrui(x: Value, y: Value) -> Value:
    a, b = unsigned(x), _count(x, y)
    return _like(np.right_shift(a, b), x)


def shrsi(x: Value, y: Value) -> Value:
    return _like(np.right_shift(signed(x), signed(_like(_count(x, y), x))), x)


def _count(x: Value, y: Value) -> Value:
    count = unsigned(y)
    if np.any(count >= integer(x).dtype.itemsize * 8):
        raise DomainError("shift by the width of its operand, or more")
    return count


def minsi(x: Value, y: Value) -> Value:
    return _like(np.minimum(signed(x), signed(y)), x)


def maxsi(x: Value, y: Value) -> Value:
    return _like(np.maximum(signed(x), signed(y)), x)


def minui(x: Value, y: Value) -> Value:
    return _like(np.minimum(unsigned(x), unsigned(y)), x)


def maxui(x: Value, y: Value) -> Value:
    return _like(np.maximum(unsigned(x), unsigned(y)), x)


def mului_extended(x: Value, y: Value) -> tuple[Value, Value]:
    """Low and high half of the product."""
    return _halves(unsigned(x), unsigned(y), x)


def mulsi_extended(x: Value, y: Value) -> tuple[Value, Value]:
    return _halves(signed(x), signed(y), x)


def addui_extended(x: Value, y: Value) -> tuple[Value, Value]:
    """Sum and carry."""
    a = unsigned(x)
    s = a + unsigned(y)
    return _like(s, x), s < a


def _halves(a: Value, b: Value, like: Value) -> tuple[Value, Value]:
    bits = integer(like).dtype.itemsize * 8
    mask = (1 << bits) - 1
    exact = np.asarray(a).astype(object) * np.asarray(b).astype(object)
    dtype = np.dtype(f"u{bits // 8}")

    def half(shift: int) -> Value:
        values = np.asarray((exact >> shift) & mask)
        return _like(values.astype(dtype)[()], like)

    return half(0), half(bits)


def absi(x: Value) -> Value:
    return np.where(x < 0, -x, x)[()]


def ctpop(x: Value) -> Value:
    return _per_element(lambda u, bits: u.bit_count(), x)


def ctlz(x: Value) -> Value:
    return _per_element(lambda u, bits: bits - u.bit_length(), x)


def cttz(x: Value) -> Value:
    return _per_element(lambda u, bits: (u & -u).bit_length() - 1 if u else bits, x)


def _per_element(count: Callable[[int, int], int], x: Value) -> Value:
    u = np.asarray(unsigned(x))
    bits = u.dtype.itemsize * 8
    counts = [count(int(v), bits) for v in u.ravel()]
    return _like(np.array(counts, dtype=u.dtype).reshape(u.shape)[()], x)


def ipowi(x: Value, y: Value) -> Value:
    """Wraps; a negative power is 1 / x**|y| rounded to zero."""
    a, b = np.broadcast_arrays(np.asarray(x), np.asarray(y))
    bits = a.dtype.itemsize * 8

    def power(base: int, exponent: int) -> int:
        if exponent < 0:
            if base == 0:
                raise DomainError("zero to a negative power")
            return base ** (exponent & 1) if base in (1, -1) else 0
        p = pow(base, exponent, 1 << bits)
        return p - (1 << bits) if p >> (bits - 1) else p

    values = [power(int(p), int(q)) for p, q in zip(a.ravel(), b.ravel(), strict=True)]
    return np.array(values, dtype=a.dtype).reshape(a.shape)[()]


def convert(x: Value, dtype: np.dtype) -> Value:
    """Between integers: keeps the low bits, extends as the dtype of x says."""
    return integer(x).astype(dtype)


def extui(x: Value, dtype: np.dtype) -> Value:
    return unsigned(x).astype(dtype)


def extsi(x: Value, dtype: np.dtype) -> Value:
    return signed(x).astype(dtype)


def trunci(x: Value, dtype: np.dtype) -> Value:
    if dtype == np.bool_:
        return (integer(x) & 1).astype(np.bool_)
    return integer(x).astype(dtype)


# -- between integers and floats


def fptosi(x: Value, dtype: np.dtype) -> Value:
    """Rounds to zero."""
    bits = dtype.itemsize * 8
    t = np.trunc(x).astype(np.float64)
    _check_fits(t, -(2.0 ** (bits - 1)), 2.0 ** (bits - 1))
    return t.astype(dtype)


def fptoui(x: Value, dtype: np.dtype) -> Value:
    bits = dtype.itemsize * 8
    t = np.trunc(x).astype(np.float64)
    _check_fits(t, 0.0, 2.0**bits)
    u = t.astype(f"u{dtype.itemsize}")
    return u.astype(dtype) if dtype == np.bool_ else u.view(dtype)


def _check_fits(t: Value, low: float, high: float) -> None:
    if not np.all((t >= low) & (t < high)):
        raise DomainError("conversion of a float that the integer type does not hold")


def sitofp(x: Value, dtype: np.dtype) -> Value:
    return signed(x).astype(dtype)


def uitofp(x: Value, dtype: np.dtype) -> Value:
    return unsigned(x).astype(dtype)


# -- floats


def round_bf16(x: Value) -> Value:
    """The nearest bf16, ties to even, as a float32; x is float32 or float64."""
    if x.dtype == np.float64:
        x = _to_f32_odd(x)
    bits = np.asarray(x, dtype=np.float32).view(np.uint32)
    nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, nearest.view(np.float32))[()]


def bf16_bits(x: Value) -> Value:
    """The 16 bits of bf16 numbers held as float32; a NaN stays one."""
    bits = np.asarray(round_bf16(x)).view(np.uint32) >> 16
    return np.where(np.isnan(x), bits | 0x0040, bits).astype(np.uint16)[()]


def bf16_value(bits: Value) -> Value:
    """The number behind 16 bits, as float32."""
    return (np.asarray(bits).view(np.uint16).astype(np.uint32) << 16).view(np.float32)[()]


def _to_f32_odd(x: Value) -> Value:
    """float64 to float32, rounded to odd: a further rounding to fewer bits is then exact."""
    x = np.asarray(x)
    near = x.astype(np.float32)
    back = near.astype(np.float64)
    bits = near.view(np.int32)
    finite = np.isfinite(x) & np.isfinite(near)
    inexact = finite & (back != x) & (bits & 1 == 0)
    away = np.abs(back) < np.abs(x)
    odd = np.where(inexact, bits + np.where(away, 1, -1).astype(np.int32), bits)
    return odd.astype(np.int32).view(np.float32)


def maximumf(x: Value, y: Value) -> Value:
    """NaN wins; +0 is larger than -0."""
    return np.where((x == 0) & (y == 0), x + y, np.maximum(x, y))[()]


def minimumf(x: Value, y: Value) -> Value:
    """NaN wins; -0 is smaller than +0."""
    return np.where((x == 0) & (y == 0), -(-x - y), np.minimum(x, y))[()]


def maxnumf(x: Value, y: Value) -> Value:
    """NaN is ignored."""
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, maximumf(x, y)))[()]


def minnumf(x: Value, y: Value) -> Value:
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, minimumf(x, y)))[()]


def round_away(x: Value) -> Value:
    """Half away from zero, as C's `round`."""
    t = np.trunc(x)
    up = np.abs(x - t) >= 0.5
    return np.where(up, t + np.copysign(x.dtype.type(1), x), t)[()]


def fma(x: Value, y: Value, z: Value) -> Value:
    """x * y + z with one rounding."""
    dtype = np.result_type(x, y, z)
    if dtype == np.float64:
        return _fma_f64(x, y, z)
    if dtype == np.float32 and (quick := _fma_f32(x, y, z)) is not None:
        return quick
    return _fma_odd(x, y, z).astype(dtype)[()]


def _fma_f32(x: Value, y: Value, z: Value) -> Value | None:
    """
    By way of float64, unless some sum lies half-way between two float32: then None.

    Only there does the first rounding, to float64, matter for the second.
    """
    s = np.multiply(x, y, dtype=np.float64) + z
    bits = s.view(np.int64)
    if (bits & 0xFFFFFFF).all():  # neither half-way nor, most often, exact
        return s.astype(np.float32)
    half_way = bits & 0x1FFFFFFF == 0x10000000
    subnormal = (np.abs(s) < 2.0**-125) & (s != 0)
    if (half_way | subnormal).any():
        return None
    return s.astype(np.float32)


def fma_bf16(x: Value, y: Value, z: Value) -> Value:
    return round_bf16(_fma_odd(x, y, z))


def _fma_odd(x: Value, y: Value, z: Value) -> Value:
    """
    The fma of narrow floats as a float64 rounded to odd, so that one more rounding is right.

    The product is exact in float64; the error of the sum decides the last bit.
    Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", IEEE TC 57 (2008).
    """
    p = np.asarray(x, dtype=np.float64) * np.asarray(y, dtype=np.float64)
    c = np.asarray(z, dtype=np.float64)
    s, error = _two_sum(p, c)
    return _round_to_odd(s, error)


def _two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    s = np.asarray(a + b)
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _round_to_odd(s: Value, error: Value) -> Value:
    bits = s.view(np.int64)
    inexact = np.isfinite(error) & np.isfinite(s) & (error != 0) & (bits & 1 == 0)
    step = np.where((error > 0) == (s > 0), 1, -1)
    return np.where(inexact, bits + step, bits).view(np.float64)


def _fma_f64(x: Value, y: Value, z: Value) -> Value:
    """Double-double arithmetic in the safe range of exponents, rationals outside it."""
    a, b, c = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (x, y, z)))
    high = a * b
    low = _product_error(a, b, high)
    th, tl = _two_sum(c, low)
    vh, vl = _two_sum(high, th)
    result = np.asarray(vh + _round_to_odd(*_two_sum(tl, vl)))
    plain = high + c
    small, large = 2.0**-900, 2.0**500
    product = np.abs(high)
    safe = (np.abs(a) < large) & (np.abs(b) < large) & (np.abs(c) < 2.0**900)
    safe &= ((product > small) | (a == 0) | (b == 0)) & ((np.abs(c) > small) | (c == 0))
    special = ~np.isfinite(a) | ~np.isfinite(b) | ~np.isfinite(c)
    exact_zero = (a == 0) | (b == 0)
    result = np.where(special | exact_zero, plain, result)
    result = np.where(np.isinf(c) & np.isfinite(a) & np.isfinite(b), c, result)
    for i in np.argwhere(~safe & ~special & ~exact_zero):
        k = tuple(i)
        result[k] = _fma_exact(float(a[k]), float(b[k]), float(c[k]))
    return result[()]


def _product_error(a: Value, b: Value, product: Value) -> Value:
    """a * b - product, exactly: Dekker's product with Veltkamp's splitting."""
    split = np.float64(134217729.0)
    ah = a * split - (a * split - a)
    bh = b * split - (b * split - b)
    al, bl = a - ah, b - bh
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl


def _fma_exact(a: float, b: float, c: float) -> float:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c if a * b == 0 else 0.0
    sign = 1.0 if exact > 0 else -1.0
    try:
        nearest = exact.numerator / exact.denominator  # correctly rounded, subnormals too
    except OverflowError:
        return math.copysign(math.inf, sign)
    return nearest if nearest else math.copysign(0.0, sign)


# -- elementary functions


def elementary(f: Callable[..., Value], *operands: Value) -> Value:
    """`f` evaluated in float64 and rounded to the dtype of the operands."""
    dtype = operands[0].dtype
    if dtype == np.float64:
        return f(*operands)
    return f(*(np.asarray(x, dtype=np.float64) for x in operands)).astype(dtype)[()]


_ERF = np.frompyfunc(math.erf, 1, 1)


def erf(x: Value) -> Value:
    return np.asarray(_ERF(x)).astype(np.float64)[()]


def rsqrt(x: Value) -> Value:
    return 1.0 / np.sqrt(x)


# -- reductions


def tree_reduce(x: np.ndarray, ufunc: np.ufunc, identity: float | int) -> np.ndarray:
    """
    Reduces the last axis in the order that the language defines.

    Element i goes to partial i mod 64, in order, from `identity`; then partial j takes in
    partial j + 32, then j + 16, and so on. An empty axis gives `identity`.
    """
    n = x.shape[-1]
    partials = np.full((*x.shape[:-1], LANES), identity, dtype=x.dtype)
    for start in range(0, n, LANES):
        width = min(LANES, n - start)
        lanes = partials[..., :width]
        ufunc(lanes, x[..., start : start + width], out=lanes)
    half = LANES // 2
    while half:
        partials = ufunc(partials[..., :half], partials[..., half : 2 * half])
        half //= 2
    return partials[..., 0]
