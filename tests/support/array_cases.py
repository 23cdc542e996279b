"""Programs of the array language, each with what NumPy says, for tests of all levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RNG = np.random.default_rng(23)


@dataclass(frozen=True)
class ArrayCase:
    """
    `def f(params) -> result = text`, called with each of `calls`; `oracle(*inputs)` in NumPy.

    A text with a `return` is a body.
    """

    params: str
    result: str
    text: str
    oracle: Callable[..., Any]
    calls: Sequence[Sequence[np.ndarray]]

    @property
    def program(self) -> str:
        body = f"{{\n{self.text}\n}}" if "return" in self.text else f"= {self.text}"
        return f"export def f({self.params}) -> {self.result} {body}"


def floats(*shapes: Sequence[int], dtype: Any = np.float32) -> list[np.ndarray]:
    """Random numbers of each shape, in multiples of 1/8 so that sums of a few are exact."""
    return [(RNG.integers(-40, 40, s) / 8).astype(dtype) for s in shapes]


def ints(high: int, *shapes: Sequence[int], dtype: Any = np.int32) -> list[np.ndarray]:
    return [RNG.integers(0, high, s).astype(dtype) for s in shapes]
