"""What convolutions and the extremum of windows give, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from irc.dialects.nd import scalar_numpy as ref
from irc.dialects.nd.arrays import Array

Ints = Sequence[int]


def padded(x: Array, low: Ints, high: Ints, dilation: Ints) -> Array:
    """`x` with zeros in and around its last axes, as ConvOp says; shape from its sizes."""
    first = x.ndim - len(low)
    shape, sources, targets = list(x.shape[:first]), [], []
    for count, lo, hi, step in zip(x.shape[first:], low, high, dilation, strict=True):
        whole = max(lo + (count - 1) * step + 1 + hi, 0)
        source = np.arange(count)
        target = lo + source * step
        inside = (target >= 0) & (target < whole)
        shape.append(whole)
        sources.append(source[inside])
        targets.append(target[inside])
    lead = [np.arange(n) for n in x.shape[:first]]
    result = np.zeros(shape, dtype=x.dtype)
    result[np.ix_(*lead, *targets)] = x[np.ix_(*lead, *sources)]
    return result


def windows(x: Array, places: Ints, window: Ints, stride: Ints, dilation: Ints) -> Array:
    """A view of shape (leading axes, places.., window..)."""
    first = x.ndim - len(window)
    shape = (*x.shape[:first], *places, *window)
    if 0 in shape:
        return np.empty(shape, dtype=x.dtype)
    steps = x.strides[first:]
    jumps = [s * k for s, k in zip(steps, stride, strict=True)]
    inner = [s * k for s, k in zip(steps, dilation, strict=True)]
    return as_strided(x, shape, (*x.strides[:first], *jumps, *inner), writeable=False)


def convolve(x: Array, w: Array, places: Ints, stride: Ints, dilation: Ints) -> Array:
    """Sums of products over channels and windows; `x` has its zeros already."""
    count = len(stride)
    batch = x.ndim - count - 2
    lead, kernel = x.shape[:batch], w.shape[batch + 2 :]
    images, channels, outputs = x.shape[batch], x.shape[batch + 1], w.shape[batch]
    view = windows(x, places, kernel, stride, dilation)
    axes = [*range(batch), batch, *range(batch + 2, batch + 2 + count), batch + 1]
    axes += range(batch + 2 + count, view.ndim)
    depth = channels * int(np.prod(kernel, dtype=np.int64))
    spots = images * int(np.prod(places, dtype=np.int64))
    left = view.transpose(axes).reshape(*lead, spots, depth)
    right = w.reshape(*lead, outputs, depth)
    product = np.matmul(left, np.swapaxes(right, -1, -2))
    product = product.reshape(*lead, images, *places, outputs)
    return np.moveaxis(product, -1, batch + 1)


def convolve_with_holes(
    x: Array, w: Array, places: Ints, stride: Ints, dilation: Ints, low: Ints, hole: Ints
) -> Array:
    """The same, tap by tap, without the products that fall between elements, `hole` apart."""
    count = len(stride)
    batch = x.ndim - count - 2
    shape = (*x.shape[: batch + 1], w.shape[batch], *places)
    result = np.zeros(shape, dtype=x.dtype)
    for tap in np.ndindex(w.shape[batch + 2 :]):
        hit = np.ones(tuple(places), dtype=bool)
        shown: list[Any] = []
        for axis, k in enumerate(tap):
            at = k * dilation[axis] + stride[axis] * np.arange(places[axis])
            hits = (at - low[axis]) % hole[axis] == 0
            hit &= hits.reshape([-1 if d == axis else 1 for d in range(count)])
            end = k * dilation[axis] + stride[axis] * (places[axis] - 1) + 1
            shown.append(slice(k * dilation[axis], max(end, 0), stride[axis]))
        seen = x[(..., *shown)]
        columns = seen.reshape(*seen.shape[: batch + 2], int(np.prod(places, dtype=np.int64)))
        term = np.matmul(w[(..., *tap)][..., None, :, :], columns).reshape(shape)
        result = result + np.where(hit, term, 0).astype(x.dtype)
    return result


def max_pool(x: Array, places: Ints, window: Ints, stride: Ints, dilation: Ints) -> Array:
    """The elements of each window taken together in their order."""
    view = windows(x, places, window, stride, dilation)
    rows = view.reshape(*view.shape[: x.ndim], int(np.prod(window, dtype=np.int64)))
    best = rows[..., 0]
    for k in range(1, rows.shape[-1]):
        best = ref.maximum(best, rows[..., k])
    return best.astype(x.dtype)


def max_pool_index(x: Array, places: Ints, window: Ints, stride: Ints, dilation: Ints) -> Array:
    """argmax of each window, whose rule for equals and NaN is NumPy's, as a place in the whole."""
    first, count = x.ndim - len(window), int(np.prod(window, dtype=np.int64))
    view = windows(x, places, window, stride, dilation)
    shape = view.shape[: x.ndim]
    if 0 in shape:
        return np.empty(shape, dtype=np.int64)
    within = np.unravel_index(np.argmax(view.reshape(*shape, count), axis=-1), window)
    place = np.zeros(shape, dtype=np.int64)
    for axis, inner in enumerate(within):
        spot = np.arange(places[axis]) * stride[axis]
        aligned = [-1 if d == first + axis else 1 for d in range(len(shape))]
        place = place * x.shape[first + axis] + spot.reshape(aligned) + inner * dilation[axis]
    return place
