"""Work as a number of calls: the same on a slow machine, on a busy one and on every run."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable
from types import FrameType


def calls(action: Callable[[], object]) -> int:
    """How many functions, in Python and in C, are called from Python while `action` runs."""
    count = 0

    def profile(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        if event == "call" or event == "c_call":
            count += 1

    previous = sys.getprofile()
    gc.collect()
    gc.disable()  # finalizers of others are no work of this action
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(previous)
        gc.enable()
    return count


def growth(prepare: Callable[[int], Callable[[], object]], size: int) -> float:
    """
    How the work for a program grows: about 1 when it is linear in the size, 2 when quadratic.

    prepare   makes a program of a size, and gives the action that is measured
    size      the smallest of three programs; the largest is four times as large

    The exponent p of c + a * size**p, so what every program costs plays no part.
    """
    prepare(size)()  # caches and imports
    small, middle, large = (calls(prepare(size * factor)) for factor in (1, 2, 4))
    first, second = middle - small, large - middle
    assert first > 0, "the work does not depend on the size"
    return math.log2(second / first) if second > 0 else 0.0


LINEAR = 1.3
"""An upper bound on `growth` that n * log(n) keeps and n * sqrt(n) does not."""
