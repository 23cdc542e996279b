"""Expressions in index notation and subscripts, each with what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 5))
Y = RNG.normal(size=(5, 3))
S = RNG.normal(size=(4, 4))
V = RNG.normal(size=6)
C = RNG.normal(size=(2, 3, 4))
J = np.array([2, 0, 3, 1], np.int32)
M = np.array([[0, 2], [1, 1]], np.int64)
INPUTS = {"x": X, "y": Y, "s": S, "v": V, "c": C, "j": J, "m": M}
R = range


def array(f: Callable[..., Any], *extents: int) -> np.ndarray:
    """The tensor of f(i, ...) for all indices below the extents."""
    values = [f(*index) for index in np.ndindex(*extents)]
    shape = np.shape(values[0]) if values else ()
    return np.array(values).reshape(*extents, *shape)


NOTATION: dict[str, Any] = {
    "[x[i, k] for k, i]": X.T,
    "[x[i] for i]": X, "[x[i][k] for i, k]": X, "[x[:, k] for k]": X.T, "[c[i, :, k] for k, i]":
        C.transpose(2, 0, 1),
    "[s[i, i] for i]": np.diag(S), "[s[i, i] * v[i] for i < 4]": np.diag(S) * V[:4],
    "[c[i, i, i] for i < 2]": array(lambda i: C[i, i, i], 2),
    "[s[i, k] - s[k, i] for i, k]": S - S.T,
    "[v[i + 1] - v[i] for i < 5]": np.diff(V), "[v[2*i + 1] for i < 3]": V[1::2],
    "[v[5 - i] for i < 6]": V[::-1], "[v[i + k] for i < 4, k < 3]":
        array(lambda i, k: V[i + k], 4, 3),
    "[v[2*i + k] for i < 2, k < 3]": array(lambda i, k: V[2 * i + k], 2, 3),
    "[v[i // 2] for i < 12]": np.repeat(V, 2), "[v[i % 6] for i < 12]": np.tile(V, 2),
    "[v[(i + 1) % 6] for i < 6]": np.roll(V, -1),
    "[x[i, k] * y[k, l] for i, k, l]": X[:, :, None] * Y[None],
    "sum[i, k](x[i, k])": X.sum(), "[sum[k](x[i, k] * y[k, l]) for i, l]": X @ Y,
    "[sum[k](x[i, k] * y[k, l]) for l, i]": (X @ Y).T,
    "sum[i](s[i, i])": np.trace(S), "sum[i](x[i])": X.sum(0),
    "[max[k](x[i, k]) - min[k](x[i, k]) for i]": X.max(1) - X.min(1),
    "prod[i](v[i])": V.prod(), "mean[i, k](x[i, k])": X.mean(), "[mean[i](x[i, k]) for k]":
        X.mean(0),
    "any[i](v[i] > 1)": (V > 1).any(), "[all[k](x[i, k] < 1) for i]": (X < 1).all(1),
    "max[i](abs(sum[k](x[i, k])))": np.abs(X.sum(1)).max(),
    "[sum[i < 2](c[i, a, b] * v[i]) for b, a]": np.einsum("iab,i->ba", C, V[:2]),
    "sum[i < 3](v[i] * sum[k < 2](x[i, k] + v[k]))":
        sum(V[i] * sum(X[i, k] + V[k] for k in R(2)) for i in R(3)),
    "[sum[k < 3](if k <= i then v[k] else 0) for i < 3]": np.cumsum(V[:3]),
    "[sqrt(sum[k]((x[i, k] - x[l, k]) ** 2)) for i < 4, l < 4]":
        np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1)),
    "[2.5 for i < 3]": np.full(3, 2.5, np.float32), "[v[0] for i < 2, k < 3]": np.full((2, 3),
    V[0]),
    "[i for i < 4]": np.arange(4), "[f64(i) * v[k] for i < 2, k]": np.arange(2)[:, None] * V,
    "[i * v[k] for i < 2, k]": np.arange(2)[:, None] * V, "[10*i + k for i < 2, k < 3]":
        array(lambda i, k: 10 * i + k, 2, 3), "[i ** 2 - i for i < 4]": array(lambda i: i * i - i,
        4),
    "sum[i < 4](i) * v": 6 * V, "[i for i < 6] * v": np.arange(6) * V,
    "[if i == k then 1.0 else 0.0 for i < 3, k < 3] + y[0:3]": np.eye(3) + Y[:3],
    "[if i == 0 then 0 else v[i - 1] for i < 6]": np.append(0, V[:-1]),
    "[if i + 1 < 6 then v[i + 1] else v[0] for i < 6]": np.roll(V, -1),
    "[if i == 0 or i == 5 then v[i] else (v[i - 1] + v[i + 1]) / 2 for i < 6]":
        np.concatenate([V[:1], (V[:-2] + V[2:]) / 2, V[-1:]]),
    "[if i < 4 and x[i, 0] > 0 then x[i, 0] else 0 for i < 6]":
        np.append(np.maximum(X[:, 0], 0), [0, 0]),
    "[if j[i] > 1 then v[j[i] - 2] else 7 for i]": array(lambda i: V[J[i] - 2] if J[i] > 1 else 7,
    4),
    "[x[j[i], i] for i < 4]": array(lambda i: X[J[i], i], 4), "[x[j[i]] for i]": X[J],
    "[x[i, j[i]] for i]": array(lambda i: X[i, J[i]], 4),
    "[x[j[i], j[k]] for i, k]": X[J][:, J], "[s[j[i], k] for k, i]": S[J].T,
    "[v[m[i, k]] for k, i]": V[M].T, "[x[i][m[k]] for i, k]": array(lambda i, k: X[i][M[k]], 4, 2),
    "[x[i + 1, j[i]] for i < 3]": array(lambda i: X[i + 1, J[i]], 3),
    "[c[i, j[i], k] for k, i < 2]": array(lambda k, i: C[i, J[i], k], 4, 2),
    "[x[i] @ y for i]": X @ Y, "[x[i] @ y[:, k] for k, i]": (X @ Y).T, "[x[i] @ x[k] for i, k < 4]":
        X @ X.T, "[c[i] @ x for i]": C @ X, "[c[i].T @ c[i] for i]": C.transpose(0, 2, 1) @ C,
    "[s @ s[:, i] for i]": (S @ S).T, "[outer(x[i], y[:, k]) for i, k]":
        array(lambda i, k: np.outer(X[i], Y[:, k]), 4, 3),
    "[softmax(x[i]) for i]": np.exp(X) / np.exp(X).sum(1, keepdims=True),
    "[sum(x[i]) for i]": X.sum(1), "[argmax(x[:, k]) for k]": X.argmax(0).astype(np.int32),
    "[x[i].reshape([5, 1]) for i]": X[:, :, None], "[c[i].T for i]": C.transpose(0, 2, 1),
    "[concat([x[i], v[0:2]]) for i]": np.concatenate([X, np.tile(V[:2], (4, 1))], 1),
    "[stack([v[i], 2 * v[i]]) for i]": np.stack([V, 2 * V], 1), "[[v[i], 1] for i]":
        np.stack([V, np.ones(6)], 1), "[diag(c[i, :, 0:3]) for i]": array(
        lambda i: np.diag(C[i, :, :3]), 2), "[diag(x[i]) for i < 2]": array(
        lambda i: np.diag(X[i]), 2), "[tril(c[i]) for i]": np.tril(C), "[flip(x[i], 0) for i]":
            X[:, ::-1],
    "[var(x[i]) for i]": X.var(1), "[logsumexp(x[:, k]) for k]": np.log(np.exp(X).sum(0)),
    "[one_hot(j[i], 4) for i]": np.eye(4, dtype=np.float32)[J], "[x[i, newaxis] for i]": X[:, None],
    "[zeros([2]) + v[i] for i]": np.tile(V[:, None], 2), "[x[i, ::2] for i]": X[:, ::2],
    "[v[i:i + 3] for i < 4]": array(lambda i: V[i:i + 3], 4), "[sum(v[2*i:2*i + 2]) for i < 3]":
        V.reshape(3, 2).sum(1), "[x[i:i + 2, k:k + 3] for i < 3, k < 3]": array(
        lambda i, k: X[i:i + 2, k:k + 3], 3, 3), "[v[j[i]:j[i] + 2] for i]": array(
        lambda i: V[J[i]:J[i] + 2], 4), "[x[i, i:i + 2] for i]": array(lambda i: X[i, i:i + 2], 4),
    "[v[i:i + 5:2] for i < 2]": array(lambda i: V[i:i + 5:2], 2),
    "[x[i:i + 2, j[i]] for i < 3]": array(lambda i: X[i:i + 2, J[i]], 3),
    "[(x[i, 0], j[i]) for i]": (X[:, 0], J), "[x[i, k] for i < 0, k]": np.zeros((0, 5)),
    "[where(x[i] > 0, x[i], 0) for i]": np.maximum(X, 0), "[x[i] for i][0]": X[0],
    "[[x[i, k] for k] for i]": X, "[[x[i, k] for i] for k]": X.T, "[sum([x[i, k] for i]) for k]":
        X.sum(0),
    "[[v[i] * v[k] for k < 3] for i < 2]": np.outer(V[:2], V[:3]),
    "[sum[i](s[i, k] * sum[l < 4](s[l, i] * v[l])) for k]": S.T @ (S.T @ V[:4]),
    "[(if v[i] > 0 then x else 2 * x)[0, i] for i < 5]": np.where(V[:5] > 0, X[0], 2 * X[0]),
}  # fmt: skip

# Each means in NumPy what it means in the language.
SUBSCRIPTS = [
    "x[0]", "x[-1]", "x[1, 2]", "x[-4, -5]", "x[:]", "x[1:]", "x[:-1]", "x[1:3, ::2]", "x[::-1]",
    "x[3:0:-1]", "x[::-2, 1]", "x[:, -2:]", "x[-3:-1]", "x[2:2]", "x[:, 4:1:-2]", "x[...]",
    "x[..., 0]",
    "x[0, ...]", "c[0, ..., 1]", "c[..., 1:3]", "c[:, 1]", "c[1][2][3]", "x[newaxis]",
    "x[:, newaxis]",
    "x[newaxis, ..., newaxis]", "x[1, newaxis, 2:]", "c[:, newaxis, 1]", "v[j]", "x[j]", "x[j, 0]",
    "x[0, j]", "x[:, j]", "x[j, j]", "x[j[:, newaxis], j]", "x[m]", "x[m, m]", "c[:, m]",
    "c[m[0:1] // 2]",
    "c[m // 2, :, m]", "c[:, m[0], m[1]]", "c[m[0] // 2, :, 1:]", "c[0, j[0:3] % 3, j[1:4]]",
    "x[j][:, 1]",
    "x[j[0]]", "x[j[0], j[1]]", "x[1:3, j[2]]", "c[1, :, j[0]]", "x[j[0]:j[0] + 2]", "x[j, 1:3]",
    "x[1:3, j[0]:j[0] + 2]", "x[j[1]:j[1] + 4:2]", "v[2*j[3]:2*j[3] + 2]", "v[j[0] - 1:j[0] + 1]",
    "c[m // 2, 0:2]", "c[0:2, m]", "x[[0, 2]]",
    "x[[0, -1]]", "x[:, [[0], [-2]]]", "x[:, [3, 1, 1]]", "v[[[0, 1], [2, 3]]]", "v[J[0]]",
    "x[j, newaxis]", "x[newaxis, j]", "x[:, newaxis, j]", "x[j, newaxis, 1:]", "x[j, newaxis, j]",
    "c[m // 2, newaxis, m]", "c[newaxis, :, m, newaxis]", "c[..., newaxis, m]", "v[newaxis, m]",
    "x[j[0]:j[0] + 2, newaxis]", "c[m // 2, m, newaxis, 1:]", "x[1:3, newaxis, j[0]:j[0] + 2]",
]  # fmt: skip

# Expression in x: f32[n] and i: i32, its type, values of i, the message for n = 4.
OUTSIDE: list[tuple[str, str, Sequence[Any], str]] = [
    ("x[i]", "f32", [5], "index i = 5 is outside dimension 0 of x (size 4)"),
    ("x[i]", "f32", [-1], "index i = -1 is outside dimension 0 of x (size 4)"),
    ("x[i:i + 2]", "f32[2]", [3], "the slice of 2 from i = 3 is outside dimension 0 of x (size 4)"),
    ("x[i:i + 2]", "f32[2]", [-1],
    "the slice of 2 from i = -1 is outside dimension 0 of x (size 4)"),
    ("x[2*i]", "f32", [2], "index 2*i = 4 is outside dimension 0 of x (size 4)"),
    ("sum([x[k + i] for k < 2])", "f32", [3],
     "index k + i (at k = 1) = 4 is outside dimension 0 of x (size 4)"),
    ("sum(x[[0, 1] + i])", "f32", [3],
     "index [0, 1] + i (at [1]) = 4 is outside dimension 0 of x (size 4)"),
    ("sum(x[[1, 4]])", "f32", [0],
     "index [1, 4] (at [1]) = 4 is outside dimension 0 of x (size 4)"),
    ("sum(x[[-5, 0]])", "f32", [0],
     "index [-5, 0] (at [0]) = -1 is outside dimension 0 of x (size 4)"),
    ("x[n - 5]", "f32", [0], "index n - 5 = -1 is outside dimension 0 of x (size 4)"),
    ("x[n // 2 + 2]", "f32", [0], "index n // 2 + 2 = 4 is outside dimension 0 of x (size 4)"),
    ("ones([3])[n - 1]", "f32", [0],
     "index n - 1 = 3 is outside dimension 0 of ones([3]) (size 3)"),
    ("x[4]", "f32", [0], "index 4 is outside dimension 0 of x (size 4)"),
    ("sum(x[3:6])", "f32", [0], "slice 3:6 leaves dimension 0 of x (size 4)"),
    ("sum([x[k + 3] for k < n // 2])", "f32", [0], "index k + 3 leaves dimension 0 of x (size 4)"),
]  # fmt: skip
