"""x * y + z with one rounding, which NumPy lacks: by error-free transformations, else exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from irc.dialects.nd.arrays import round_bf16

Value = Any  # a NumPy scalar or an array


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
    return round_bf16(_fma_odd(x, y, z))[()]


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
