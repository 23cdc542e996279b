"""How values of the IR are held while it runs: NumPy dtypes for types, arrays for attributes."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    Signedness,
    TensorType,
    VectorType,
)
from xdsl.ir import Attribute

from irc.execution.numerics import bf16_value
from irc.execution.outcome import ExecutionError

BF16 = BFloat16Type()

_WIDTHS = (8, 16, 32, 64)
_DTYPES: dict[Attribute, np.dtype] = {
    IntegerType(1): np.dtype(np.bool_),
    IndexType(): np.dtype(np.int64),
    Float16Type(): np.dtype(np.float16),
    BF16: np.dtype(np.float32),
    Float32Type(): np.dtype(np.float32),
    Float64Type(): np.dtype(np.float64),
    **{IntegerType(w): np.dtype(f"i{w // 8}") for w in _WIDTHS},
    **{IntegerType(w, Signedness.SIGNED): np.dtype(f"i{w // 8}") for w in _WIDTHS},
    **{IntegerType(w, Signedness.UNSIGNED): np.dtype(f"u{w // 8}") for w in _WIDTHS},
}


def element_type(t: Attribute) -> Attribute:
    """The type of one element; scalars are their own."""
    return t.element_type if isinstance(t, (TensorType, MemRefType, VectorType)) else t


def dtype_of(t: Attribute) -> np.dtype:
    """The dtype that holds values of type t, or elements of a tensor or vector t."""
    dtype = _DTYPES.get(element_type(t))
    if dtype is None:
        raise ExecutionError(f"values of type {t} cannot be executed")
    return dtype


def is_bf16(t: Attribute) -> bool:
    return isinstance(element_type(t), BFloat16Type)


def storage_of(t: Attribute) -> np.dtype:
    """The dtype of elements in memory, where bf16 takes its two bytes."""
    return np.dtype(np.uint16) if is_bf16(t) else dtype_of(t)


def static_shape(t: Attribute) -> tuple[int | None, ...]:
    """Sizes, None where they are dynamic."""
    assert isinstance(t, (TensorType, MemRefType, VectorType))
    return tuple(d if d >= 0 else None for d in t.get_shape())


def scalar(attribute: Attribute, t: Attribute) -> object:
    """The value of a number attribute: a Python int for `index`, else a NumPy scalar."""
    assert isinstance(attribute, (IntegerAttr, FloatAttr))
    number = attribute.value.data
    if isinstance(t, IndexType):
        return number
    dtype = dtype_of(t)
    if dtype.kind in "iu":
        number = wrap(int(number), dtype)
    return dtype.type(number)


def wrap(number: int, dtype: np.dtype) -> int:
    """`number` modulo the width of an integer dtype, in its range."""
    bits = dtype.itemsize * 8
    number &= (1 << bits) - 1
    return number - (1 << bits) if dtype.kind == "i" and number >> (bits - 1) else number


def dense(attribute: DenseIntOrFPElementsAttr) -> np.ndarray:
    """The elements of a dense attribute, read-only; a splat takes no memory."""
    t = attribute.type
    shape, dtype = tuple(t.get_shape()), storage_of(t)
    raw = np.frombuffer(attribute.data.data, dtype=dtype.newbyteorder("<")).astype(dtype)
    if is_bf16(t):
        raw = np.asarray(bf16_value(raw))
    array = np.broadcast_to(raw[0], shape) if raw.size == 1 else raw.reshape(shape)
    array.flags.writeable = False
    return array


def reread(value: object, dtype: str | None) -> object:
    """A value of the signless levels as irc's dtype says: `u8` for bits held as int8."""
    if dtype is None or not dtype.startswith("u"):
        return value
    target = np.dtype(f"u{int(dtype[1:]) // 8}")
    x = np.asarray(value)
    return x.view(target)[()] if x.dtype.itemsize == target.itemsize else x.astype(target)[()]
