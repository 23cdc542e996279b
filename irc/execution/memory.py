"""Checked access to tensors and buffers: nothing is read or written outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.execution.numerics import bf16_bits, bf16_value

Array = np.ndarray

FRESH = 0xFF  # bytes of memory that nobody wrote: NaN, or an index outside everything
ALIGNMENT_BYTES = 64


class AccessError(Exception):
    """A read or write outside its buffer, or a view that the buffer does not have."""


def check_index(x: Array, index: Sequence[Any]) -> None:
    """Every index is inside its axis; indices may be arrays of them."""
    if len(index) != x.ndim:
        raise AccessError(f"{len(index)} indices for rank {x.ndim}")
    for axis, (i, n) in enumerate(zip(index, x.shape, strict=True)):
        if type(i) is int:
            if 0 <= i < n:
                continue
            raise AccessError(f"index {i} is outside axis {axis} of size {n}")
        outside = (np.asarray(i) < 0) | (np.asarray(i) >= n)
        if outside.any():
            worst = np.asarray(i)[outside].ravel()[0]
            raise AccessError(f"index {worst} is outside axis {axis} of size {n}")


def element(x: Array, *index: Any) -> Any:
    """One element, or an array of them for arrays of indices."""
    check_index(x, index)
    return x[tuple(index)]


def inserted(value: Any, x: Array, *index: Any) -> Array:
    """A copy of a tensor with one element replaced."""
    check_index(x, index)
    y = np.array(x)
    y[tuple(index)] = value
    return y


def store(value: Any, x: Array, *index: Any) -> None:
    check_index(x, index)
    x[tuple(index)] = value


def fresh(shape: Sequence[int], dtype: np.dtype) -> Array:
    """An array that shows when it is read before it is written."""
    if any(n < 0 for n in shape):
        raise AccessError(f"a buffer of shape {tuple(shape)}")
    sizes = [int(n) for n in shape]
    if dtype == np.bool_:
        return np.ones(sizes, dtype)
    size_bytes = int(np.prod(sizes, dtype=np.int64)) * dtype.itemsize
    return np.full(size_bytes, FRESH, np.uint8).view(dtype).reshape(sizes)


def arena(size_bytes: int) -> Array:
    """Workspace, aligned as the doors of a module align it."""
    raw = np.full(size_bytes + ALIGNMENT_BYTES, FRESH, dtype=np.uint8)
    start = -raw.__array_interface__["data"][0] % ALIGNMENT_BYTES
    return raw[start : start + size_bytes].view(np.int8)


# -- slices


def sliced(x: Array, picks: Sequence[tuple[int, int, int]], shape: Sequence[int | None]) -> Array:
    """
    The view of x at (offset, size, stride) on each axis.

    shape has the sizes of the result, None where dynamic; axes of size 1 may be dropped.
    """
    if len(picks) != x.ndim:
        raise AccessError(f"a slice of {len(picks)} axes of rank {x.ndim}")
    index = []
    for axis, ((offset, size, stride), n) in enumerate(zip(picks, x.shape, strict=True)):
        last = offset + (size - 1) * stride
        if size < 0 or (size and not (0 <= offset < n and 0 <= last < n)):
            raise AccessError(
                f"axis {axis} of size {n} is sliced from {offset}, {size} elements, step {stride}"
            )
        if size and stride < 0:
            index.append(slice(offset, last - 1 if last else None, stride))
        else:
            index.append(slice(offset, offset + size * stride, stride) if size else slice(0, 0))
    view = x[(*index, ...)]
    if view.ndim != len(shape):
        kept = _kept_axes(view.shape, shape)
        view = view[(*(slice(None) if k else 0 for k in kept), ...)]
    return view


def _kept_axes(sizes: Sequence[int], shape: Sequence[int | None]) -> list[bool]:
    """Which axes stay when a slice drops some of size 1: the first way that fits."""
    kept, want = [], 0
    to_drop = len(sizes) - len(shape)
    for n in sizes:
        fits = want < len(shape) and shape[want] in (None, n)
        if n == 1 and to_drop and (not fits or shape[want] != 1):
            kept.append(False)
            to_drop -= 1
        elif fits:
            kept.append(True)
            want += 1
        else:
            raise AccessError(f"a slice of shape {tuple(sizes)} is no {tuple(shape)}")
    if to_drop:
        raise AccessError(f"a slice of shape {tuple(sizes)} is no {tuple(shape)}")
    return kept


def slice_inserted(
    source: Array, x: Array, picks: Sequence[tuple[int, int, int]], shape: Sequence[int | None]
) -> Array:
    """A copy of x with a slice replaced."""
    y = np.array(x)
    part = sliced(y, picks, shape)
    if part.shape != source.shape:
        raise AccessError(f"a value of shape {source.shape} for a slice of shape {part.shape}")
    part[...] = source
    return y


def reshaped(x: Array, shape: Sequence[int]) -> Array:
    """x in another shape of as many elements, never a copy of a buffer."""
    sizes = tuple(int(n) for n in shape)
    if any(n < 0 for n in sizes) or int(np.prod(sizes, dtype=np.int64)) != x.size:
        raise AccessError(f"shape {x.shape} as {sizes}")
    return x.reshape(sizes)


def reshaped_buffer(x: Array, shape: Sequence[int]) -> Array:
    """A view of a buffer in another shape."""
    y = reshaped(x, shape)
    if x.size and not np.may_share_memory(x, y):
        raise AccessError(f"strides {x.strides} of shape {x.shape} do not allow shape {y.shape}")
    return y


def grouped(
    shape: Sequence[int], groups: Sequence[Sequence[int]], known: Sequence[int | None]
) -> list[int]:
    """
    Sizes after `expand_shape`: each group of new axes makes up one old axis.

    known has the new sizes, None for at most one of each group, which follows.
    """
    sizes = list(known)
    for n, group in zip(shape, groups, strict=True):
        rest = 1
        for axis in group:
            rest *= sizes[axis] if sizes[axis] is not None else 1  # type: ignore[operator]
        for axis in group:
            if sizes[axis] is None:
                sizes[axis] = n // rest if rest else 0
    return [int(s) for s in sizes if s is not None]


def collapsed(shape: Sequence[int], groups: Sequence[Sequence[int]]) -> list[int]:
    """Sizes after `collapse_shape`."""
    return [int(np.prod([shape[k] for k in group], dtype=np.int64)) for group in groups]


def viewed(x: Array, shift: int, shape: Sequence[int], dtype: np.dtype) -> Array:
    """Bytes of the arena from `shift`, as a buffer."""
    size_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if shift < 0 or shift + size_bytes > x.size:
        raise AccessError(f"bytes {shift} to {shift + size_bytes} of {x.size}")
    if shift % dtype.itemsize:
        raise AccessError(f"byte {shift} is not aligned for {dtype}")
    return x[shift : shift + size_bytes].view(dtype).reshape([int(n) for n in shape])


def recast(x: Array, offset: int, shape: Sequence[int], strides: Sequence[int]) -> Array:
    """`memref.reinterpret_cast` of a contiguous buffer."""
    if not x.flags.c_contiguous:
        raise AccessError("reinterpret_cast of a buffer that is not contiguous")
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if all(shape) and not (0 <= offset and last < x.size):
        raise AccessError(f"elements {offset} to {last} of a buffer of {x.size}")
    steps = tuple(s * x.itemsize for s in strides)
    flat = x.reshape(-1)[offset:] if all(shape) else x.reshape(-1)[:0]
    return np.lib.stride_tricks.as_strided(flat, tuple(shape), steps)


def copied(source: Array, target: Array) -> None:
    if source.shape != target.shape:
        raise AccessError(f"a copy of shape {source.shape} to shape {target.shape}")
    target[...] = source


# -- vectors: the innermost axes of a buffer


def vector_load(x: Array, shape: tuple[int, ...], *index: int) -> Array:
    """Consecutive elements from `index` on; a vector is never a view."""
    return np.array(_window(x, shape, index))


def vector_store(value: Array, x: Array, *index: int) -> None:
    _window(x, value.shape, index)[...] = value


def _window(x: Array, shape: tuple[int, ...], index: Sequence[int]) -> Array:
    outer = x.ndim - len(shape)
    picks: list[Any] = []
    for axis, (i, n) in enumerate(zip(index, x.shape, strict=True)):
        width = shape[axis - outer] if axis >= outer else 1
        if not 0 <= i <= n - width:
            raise AccessError(f"elements {i} to {i + width} are outside axis {axis} of size {n}")
        picks.append(slice(i, i + width) if axis >= outer else i)
    return x[(*picks, ...)]


def masked_load(x: Array, mask: Array, otherwise: Array, *index: int) -> Array:
    """Lanes that the mask leaves out are not read."""
    y = np.array(otherwise)
    for lane in np.flatnonzero(mask):
        y[lane] = element(x, *index[:-1], int(index[-1] + lane))
    return y


def masked_store(value: Array, x: Array, mask: Array, *index: int) -> None:
    for lane in np.flatnonzero(mask):
        store(value[lane], x, *index[:-1], int(index[-1] + lane))


def transfer_read(x: Array, shape: tuple[int, ...], padding: Any, mask: Any, *index: int) -> Array:
    """Like `vector_load`, with `padding` outside the buffer and where the mask is false."""
    y = np.full(shape, padding, dtype=x.dtype)
    for lane in np.ndindex(*shape):
        at = _lane(index, lane)
        if (mask is None or mask[lane]) and all(i < n for i, n in zip(at, x.shape, strict=True)):
            y[lane] = element(x, *at)
    return y


def transfer_write(value: Array, x: Array, mask: Any, *index: int) -> None:
    for lane in np.ndindex(*value.shape):
        at = _lane(index, lane)
        if (mask is None or mask[lane]) and all(i < n for i, n in zip(at, x.shape, strict=True)):
            store(value[lane], x, *at)


def _lane(index: Sequence[int], lane: Sequence[int]) -> list[int]:
    outer = len(index) - len(lane)
    return [int(i + (lane[k - outer] if k >= outer else 0)) for k, i in enumerate(index)]


# -- bf16 in memory


def load_bf16(x: Array, *index: Any) -> Any:
    return bf16_value(element(x, *index))


def store_bf16(value: Any, x: Array, *index: Any) -> None:
    store(bf16_bits(value), x, *index)
