"""`x with [...] op v` by example."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_cases import ArrayCase, floats, ints


def put(x: np.ndarray, where: Any, op: str, value: Any) -> np.ndarray:
    """NumPy's assignment on a copy; `+=` and `-=` meet each of several equal places."""
    x = x.copy()
    if op in ("+", "-"):
        (np.add if op == "+" else np.subtract).at(x, where, value)
    elif op == "=":
        x[where] = value
    else:
        x[where] = x[where] * value if op == "*" else x[where] / value
    return x


ROWS = [floats((n, 4)) for n in (1, 3, 6)]
WITH_INDEX = [[*floats((n, 4)), *ints(n, (m,))] for n, m in ((1, 0), (3, 1), (3, 7))]
S = np.s_
PARTS = [
    ArrayCase("x: f32[n, 4]", "f32[n, 4]", text, oracle, ROWS)
    for text, oracle in (
        ("x with [0, :] = 0", lambda x: put(x, S[0], "=", 0)),
        ("x with [:, 1:3] += 1", lambda x: put(x, S[:, 1:3], "+", 1)),
        ("x with [-1] -= x[0]", lambda x: put(x, -1, "-", x[0])),
        ("x with [:, ::2] *= -2", lambda x: put(x, S[:, ::2], "*", -2)),
        ("x with [..., 3] /= 2", lambda x: put(x, S[..., 3], "/", 2)),
        ("x with [::-1, 0] = x[:, 1]", lambda x: put(x, S[::-1, 0], "=", x[:, 1])),
        ("x with [:, 1:] = x[0, 1:]", lambda x: put(x, S[:, 1:], "=", x[0, 1:])),
        ("x with [:] = x[:, 0:1]", lambda x: put(x, S[:], "=", x[:, :1])),
        ("x with [0, 0] = 1 with [0, 1] = 2",
         lambda x: put(put(x, (0, 0), "=", 1), (0, 1), "=", 2)),
        ("x with [:, [0, -1]] += [[1, 2]]",
         lambda x: put(x, S[:, [0, 3]], "+", np.float32([1, 2]))),
        ("[x[i] with [3] = f32(i) for i]",
         lambda x: put(x, S[:, 3], "=", np.arange(len(x), dtype=np.float32))),
        ("(x.T with [1] = 0).T", lambda x: put(x, S[:, 1], "=", 0)),
        ("ones(shape(x)) with [0] = x[0]", lambda x: put(np.ones_like(x), 0, "=", x[0])),
    )
] + [
    ArrayCase("x: f32[n, 4], k: i32[m]", "f32[n, 4]", text, oracle, WITH_INDEX)
    for text, oracle in (
        ("x with [k] = 0", lambda x, k: put(x, k, "=", 0)),
        ("x with [k] += [1, 2, 3, 4]", lambda x, k: put(x, k, "+", np.float32([1, 2, 3, 4]))),
        ("x with [k, 1] -= f32(k)", lambda x, k: put(x, (k, 1), "-", k.astype(np.float32))),
        ("x with [k, 1:3] *= 2", lambda x, k: put(x, (k, S[1:3]), "*", 2)),
        ("x with [k, 2] = f32(arange(m))",
         lambda x, k: put(x, (k, 2), "=", np.arange(len(k), dtype=np.float32))),
    )
] + [
    ArrayCase(
        "x: f32[n, 4], k: i32[n]", "f32[n, 4]", "[x[i] with [k[i]] += f32(i) for i]",
        lambda x, k: put(x, (np.arange(len(x)), k), "+", np.arange(len(x), dtype=np.float32)),
        [[*floats((n, 4)), *ints(4, (n,))] for n in (0, 1, 5)],
    ),
    ArrayCase("x: f32[n]", "f32[n, n]", "[x with [i] = 0 for i]",
              lambda x: x * (1 - np.eye(len(x), dtype=np.float32)),
              [floats((n,)) for n in (0, 1, 5)]),
    ArrayCase("x: i8[n], v: i8", "i8[n]", "x with [0:2] = v", lambda x, v: put(x, S[:2], "=", v),
              [[*ints(100, (4,), dtype=np.int8), np.int8(7)]]),
    ArrayCase("x: bool[n]", "bool[n]", "x with [0] = true", lambda x: put(x, 0, "=", True),
              [[np.array([False, False])]]),
]  # fmt: skip
