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
from typing import Any

import numpy as np

from irc.dialects.nd import arrays
from irc.dialects.nd.philox import philox4x32

Value = Any  # a NumPy scalar, an array, or a Python int for `index`


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


def philox(seed: Value, counter: Value, place: Value, site: int) -> Value:
    """The word of the element number `place`."""
    key, block = unsigned(seed), unsigned(place) >> np.uint64(2)
    low = np.uint64(0xFFFFFFFF)
    number = signed(place) & 3
    words = philox4x32(
        (block & low, block >> np.uint64(32), unsigned(counter) & low, np.uint64(site) & low),
        (key & low, key >> np.uint64(32)),
    )
    chosen = np.choose(number, np.broadcast_arrays(*words)).astype(np.uint32)
    return chosen.view(np.int32)[()]


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
    return arrays.round_bf16(x)[()]


def bf16_bits(x: Value) -> Value:
    """The 16 bits of bf16 numbers held as float32; a NaN stays one."""
    bits = np.asarray(round_bf16(x)).view(np.uint32) >> 16
    return np.where(np.isnan(x), bits | 0x0040, bits).astype(np.uint16)[()]


def bf16_value(bits: Value) -> Value:
    """The number behind 16 bits, as float32."""
    return (np.asarray(bits).view(np.uint16).astype(np.uint32) << 16).view(np.float32)[()]


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
