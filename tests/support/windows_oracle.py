"""Convolutions and pooling by the definition: a loop for each number of a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Ints = Sequence[int]


def convolve(
    x: np.ndarray,
    w: np.ndarray,
    stride: Ints,
    low: Ints,
    high: Ints,
    x_dilation: Ints,
    w_dilation: Ints,
) -> np.ndarray:
    """x[N, C, ..] under w[O, C, ..], with zeros around `x` and its elements apart."""
    whole, kernel = x.shape[2:], w.shape[2:]
    places = positions(whole, kernel, stride, low, high, x_dilation, w_dilation)
    dtype = np.float64 if x.dtype.kind == "f" else x.dtype
    result = np.zeros((x.shape[0], w.shape[0], *places), dtype)
    for p in np.ndindex(*places):
        for k in np.ndindex(*kernel):
            element = []
            for axis, size in enumerate(whole):
                q = p[axis] * stride[axis] + k[axis] * w_dilation[axis] - low[axis]
                inside = q % x_dilation[axis] == 0 and 0 <= q // x_dilation[axis] < size
                element.append(q // x_dilation[axis] if inside else -1)
            if -1 not in element:
                seen = x[(slice(None), slice(None), *element)].astype(dtype)
                result[(..., *p)] += seen @ w[(..., *k)].astype(dtype).T
    return result


def positions(
    whole: Ints, kernel: Ints, stride: Ints, low: Ints, high: Ints, x_dil: Ints, w_dil: Ints
) -> list[int]:
    """How many places a kernel has along each axis, counted one by one."""
    found = []
    for n, k, st, lo, hi, xd, wd in zip(
        whole, kernel, stride, low, high, x_dil, w_dil, strict=True
    ):
        end = lo + (n - 1) * xd + 1 + hi
        starts = range(0, max(end, 0) + wd * abs(k) + 1, st)
        found.append(sum(1 for start in starts if start + (k - 1) * wd < end))
    return found


def grouped(x: np.ndarray, w: np.ndarray, groups: int, *steps: Ints) -> np.ndarray:
    """The same in groups of channels: w[O, C/groups, ..]."""
    parts = zip(np.split(x, groups, axis=1), np.split(w, groups, axis=0), strict=True)
    return np.concatenate([convolve(a, b, *steps) for a, b in parts], axis=1)


def transposed(
    x: np.ndarray, w: np.ndarray, stride: Ints, pad: Ints, output_pad: Ints, dilation: Ints
) -> np.ndarray:
    """x[N, C, ..] with w[C, O, ..] added for each element, `stride` apart, `pad` cropped."""
    whole, kernel = x.shape[2:], w.shape[2:]
    full = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(whole, stride, kernel, dilation, strict=True)
    ]
    result = np.zeros((x.shape[0], w.shape[1], *(n + o for n, o in zip(full, output_pad))))  # noqa: B905
    for p in np.ndindex(*whole):
        for k in np.ndindex(*kernel):
            at = [i * s + j * d for i, s, j, d in zip(p, stride, k, dilation, strict=True)]
            result[(..., *at)] += x[(..., *p)].astype(float) @ w[(..., *k)]
    kept = [slice(q, n + o - q) for q, n, o in zip(pad, full, output_pad, strict=True)]
    return result[(..., *kept)]


def pooled(
    x: np.ndarray,
    window: Ints,
    stride: Ints,
    pad: Ints,
    reduce: Callable[[Any], Any],
    dilation: Ints | None = None,
) -> np.ndarray:
    """`reduce` of the list of elements of each window of x[N, C, ..], without padding."""
    whole, step = x.shape[2:], dilation or [1] * len(window)
    places = positions(whole, window, stride, pad, pad, [1] * len(window), step)
    result = np.zeros((*x.shape[:2], *places))
    for at in np.ndindex(*result.shape):
        found = []
        for k in np.ndindex(*window):
            q = [
                p * s + j * d - lo
                for p, s, j, d, lo in zip(at[2:], stride, k, step, pad, strict=True)
            ]
            if all(0 <= i < n for i, n in zip(q, whole, strict=True)):
                found.append(x[(*at[:2], *q)])
        result[at] = reduce(found)
    return result
