"""`return` inside `if` by example."""

from __future__ import annotations

import numpy as np
from array_cases import ArrayCase

NUMBERS = [[np.float32(v)] for v in (-3, 0.5, 4, 11)]


def by_size(x: np.ndarray) -> np.ndarray:
    if len(x) > 2:
        return x[2]
    return np.float32(0.5)


def steps(x: np.float32) -> np.float32:
    if x < 0:
        return np.float32(0)
    if x > 10:
        return 2 * x
    return x + 1 if x > 3 else x - 1


RETURNS = [
    ArrayCase("x: f32", "f32", """    if x < 0 { return 0 }
    if x > 10 {
        let y = 2 * x
        return y
    }
    let y = if x > 3 then x + 1 else x - 1
    return y""", steps, NUMBERS),
    ArrayCase("x: f32", "(f32, i32)", """    if x > 0 {
        if x > 10 { return x, 3 } else if x > 3 { return x + 1, 2 }
    } else {
        return -x, 1
    }
    return x - 1, 0""",
              lambda x: (np.float32(x if x > 10 else x + 1 if x > 3 else x - 1 if x > 0 else -x),
                         np.int32(3 if x > 10 else 2 if x > 3 else 0 if x > 0 else 1)), NUMBERS),
    ArrayCase("x: f32[n]", "f32", "    if n > 2 { return x[2] }\n    return 0.5", by_size,
              [[np.arange(n, dtype=np.float32)] for n in (0, 2, 3)]),
    ArrayCase("x: f32[n]", "f32[n]", """    if sum(x) > 3 { return x }
    let y = x * 2
    if sum(y) > 3 { return y }
    return -x""",
              lambda x: x if x.sum() > 3 else 2 * x if x.sum() > 1.5 else -x,
              [[np.full(n, 0.5, np.float32)] for n in (0, 2, 4, 8)]),
    ArrayCase("x: f32", "f32",
              "\n".join(f"    if x < {k} {{ return {k} }}" for k in range(20)) + "\n    return x",
              lambda x: np.float32(max(np.ceil(np.nextafter(x, 99)), 0)), NUMBERS),
]  # fmt: skip
