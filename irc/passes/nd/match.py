"""What rules ask about sizes."""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc.dialects.nd.structure import WindowOp, is_dynamic
from irc.dialects.nd.types import dims_of
from irc.sizes import Poly, Size


def is_positive(size: Size) -> bool:
    """Whether a size is known to be at least 1."""
    if isinstance(size, Poly):
        return (size - 1).nonnegative()
    return size >= 1


def all_positive(x: SSAValue, axes: tuple[int, ...]) -> bool:
    """Whether there is at least one element along `axes`."""
    dims = dims_of(x)
    return all(is_positive(dims[a]) for a in axes)


def windows_apart(a: WindowOp, of_a: SSAValue, b: WindowOp, of_b: SSAValue) -> bool:
    """Whether one window is known to begin where the other ends, or later, on some axis."""
    if {*a.steps.data, *b.steps.data} - {1}:
        return False
    windows = zip(a.offsets.data, dims_of(of_a), b.offsets.data, dims_of(of_b), strict=True)
    return any(
        not (is_dynamic(x) or is_dynamic(y))
        and ((y - x - m).nonnegative() or (x - y - n).nonnegative())
        for x, m, y, n in windows
    )


def unit_axes_apart(source: tuple[Size, ...], target: tuple[Size, ...]) -> list[int] | None:
    """
    The axis of `target` for each axis of `source`, when the two differ in axes of size 1 only.

    None when they differ otherwise, or when an axis of size 1 of `source` has no partner.
    """
    axes, j = [], 0
    for size in source:
        while j < len(target) and target[j] != size and target[j] == 1:
            j += 1
        if j == len(target) or target[j] != size:
            return None
        axes.append(j)
        j += 1
    return axes if all(size == 1 for size in target[j:]) else None
