"""What elementwise functions mean, in NumPy, where NumPy's own function differs from irc."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def floordiv(x: Array, y: Array) -> Array:
    """Rounds down; an integer divided by 0 gives 0, INT_MIN // -1 wraps."""
    if x.dtype.kind == "f":
        return np.floor_divide(x, y)
    safe = np.where((y == 0) | (y == -1), 1, y) if x.dtype.kind == "i" else np.where(y == 0, 1, y)
    q = np.floor_divide(x, safe.astype(y.dtype))
    if x.dtype.kind == "i":
        q = np.where(y == -1, np.negative(x), q)
    return np.where(y == 0, 0, q).astype(x.dtype)


def mod(x: Array, y: Array) -> Array:
    """The remainder of `floordiv`, with the sign of y; an integer modulo 0 gives 0."""
    if x.dtype.kind == "f":
        return np.mod(x, y)
    unit = (y == 0) | (y == -1) if x.dtype.kind == "i" else y == 0
    r = np.mod(x, np.where(unit, 1, y).astype(y.dtype))
    return np.where(unit, 0, r).astype(x.dtype)


def power(x: Array, y: Array) -> Array:
    """Integers wrap; a negative power of an integer is 1 / x rounded to zero."""
    if x.dtype.kind == "f":
        return np.power(x, y)
    result, base, rest = np.ones_like(x), x, y.astype(f"u{y.dtype.itemsize}")
    for _ in range(8 * x.dtype.itemsize):
        result = np.where(rest & 1, result * base, result)
        base, rest = base * base, rest >> 1
    if x.dtype.kind == "i":
        inverse = np.where(x == 1, 1, np.where(x == -1, np.where(y & 1, -1, 1), 0))
        result = np.where(y < 0, inverse, result)
    return result.astype(x.dtype)


def shift_left(x: Array, y: Array) -> Array:
    """0 when the count is negative or reaches the width."""
    bits = 8 * x.dtype.itemsize
    inside = (y >= 0) & (y < bits)
    return np.where(inside, np.left_shift(x, np.where(inside, y, 0)), 0).astype(x.dtype)


def shift_right(x: Array, y: Array) -> Array:
    """0, or the sign, when the count is negative or reaches the width."""
    bits = 8 * x.dtype.itemsize
    inside = (y >= 0) & (y < bits)
    if x.dtype.kind == "i":
        return np.right_shift(x, np.where(inside, y, bits - 1).astype(y.dtype))
    return np.where(inside, np.right_shift(x, np.where(inside, y, 0)), 0).astype(x.dtype)


def maximum(x: Array, y: Array) -> Array:
    """NaN if either is; +0 is larger than -0, so that the order of a reduction cannot show."""
    larger = np.maximum(x, y)
    return np.where((x == 0) & (y == 0), x + y, larger) if x.dtype.kind == "f" else larger


def minimum(x: Array, y: Array) -> Array:
    """NaN if either is; -0 is smaller than +0."""
    smaller = np.minimum(x, y)
    return np.where((x == 0) & (y == 0), -(-x - y), smaller) if x.dtype.kind == "f" else smaller


def fmax(x: Array, y: Array) -> Array:
    """The larger one, or the one that is a number."""
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, maximum(x, y)))


def fmin(x: Array, y: Array) -> Array:
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, minimum(x, y)))


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, np.ones_like(e)) / (1 + e)


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def erf(x: Array) -> Array:
    """The C library's function, element by element; NumPy has none."""
    import math

    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)


def reciprocal(x: Array) -> Array:
    return np.divide(x.dtype.type(1), x)


def rsqrt(x: Array) -> Array:
    return np.divide(x.dtype.type(1), np.sqrt(x))


def cast(x: Array, target: np.dtype[Any]) -> Array:
    """Float to integer truncates and saturates, NaN gives 0; to bool is `x != 0`."""
    if target.kind == "b":
        return np.asarray(x != 0)
    if x.dtype.kind != "f" or target.kind == "f":
        with np.errstate(all="ignore"):
            return x.astype(target)
    info = np.iinfo(target)
    t = np.trunc(x.astype(np.float64) if x.dtype == np.float16 else x)
    low, high = float(info.min), 2.0 ** (info.bits - (target.kind == "i"))
    inside = (t >= low) & (t < high)
    n = np.where(inside, t, 0).astype(target)
    n = np.where(t < low, info.min, n)
    return np.where(t >= high, info.max, n).astype(target)
