"""
How NumPy holds the values of a dtype, and the two sums and roundings that NumPy lacks.

bf16 has no NumPy dtype: its arrays are float32 holding values that bf16 can represent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irc.dtypes import BF16, F32, LANES, DType, accumulator

Array = NDArray[Any]


def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype of arrays that hold `dtype`."""
    return np.dtype(F32.numpy if dtype is BF16 else dtype.numpy)


def rounded(x: Array, dtype: DType) -> Array:
    """Floats `x` rounded once to the float `dtype`, to nearest, ties to even."""
    if dtype is BF16:
        return round_bf16(x)
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(numpy_dtype(dtype))


def widened(x: Array, dtype: DType) -> Array:
    """`x` in the dtype that sums over `dtype` are kept in."""
    return np.asarray(x).astype(numpy_dtype(accumulator(dtype)), copy=False)


def round_bf16(x: Array) -> Array:
    """The nearest bf16 numbers, as float32; from float64 with a single rounding."""
    x = np.asarray(x)
    if x.dtype == np.float64:
        x = _round_to_odd_f32(x)
    bits = x.astype(np.float32, copy=False).view(np.uint32)
    nearest = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    nan = np.copysign(np.float32(np.nan), x)
    return np.where(np.isnan(x), nan, nearest.view(np.float32))


def _round_to_odd_f32(x: Array) -> Array:
    """
    float64 to float32 with the last bit set when inexact: rounding again is then right.

    Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE TC 57 (2008).
    """
    with np.errstate(all="ignore"):
        near = x.astype(np.float32)
    bits, back = near.view(np.int32), near.astype(np.float64)
    even = (bits & 1) == 0
    inexact = np.isfinite(near) & (back != x) & even
    step = np.where(np.abs(back) < np.abs(x), 1, -1).astype(np.int32)
    return np.where(inexact, bits + step, bits).view(np.float32)


def from_bytes(data: bytes, shape: tuple[int, ...], dtype: DType) -> Array:
    """The numbers of a dense attribute: little-endian, packed, bools as one byte."""
    if dtype is BF16:
        words = np.frombuffer(data, dtype="<u2").astype(np.uint32) << 16
        flat: Array = words.view(np.float32)
    elif dtype.kind == "bool":
        flat = np.frombuffer(data, dtype=np.uint8) != 0
    else:
        flat = np.frombuffer(data, dtype=numpy_dtype(dtype).newbyteorder("<"))
        flat = flat.astype(numpy_dtype(dtype), copy=False)
    count = int(np.prod(shape, dtype=np.int64))
    if flat.size == 1 and count != 1:  # a splat stores its one number
        return np.full(shape, flat[0])
    return flat.reshape(shape)


def tree_reduce(x: Array, ufunc: np.ufunc, start: float | int) -> Array:
    """
    Reduces the last axis in the one order that float sums and products have.

    Element r goes to partial r mod 64, in order, beginning at `start`; then the upper half of
    the partials is taken into the lower one, until one is left.
    """
    count = x.shape[-1]
    partials = np.full((*x.shape[:-1], LANES), start, dtype=x.dtype)
    with np.errstate(all="ignore"):
        for begin in range(0, count, LANES):
            width = min(LANES, count - begin)
            lanes = partials[..., :width]
            ufunc(lanes, x[..., begin : begin + width], out=lanes)
        half = LANES
        while half > 1:
            half //= 2
            partials = ufunc(partials[..., :half], partials[..., half : 2 * half])
    return partials[..., 0]
