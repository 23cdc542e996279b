"""Running totals, sorting, padding, repetition, products by letters and norms by example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from array_cases import ArrayCase, floats, ints

S = np.s_
SHAPES = ((1, 1), (3, 4), (5, 2))
F32 = np.float32


def on_matrix(
    rows: Sequence[tuple[str, str, Callable[..., Any]]], shapes: Sequence[Sequence[int]] = SHAPES
) -> list[ArrayCase]:
    """Cases of `x: f32[n, m]`: result, text, oracle."""
    return [
        ArrayCase("x: f32[n, m]", result, text, oracle, [floats(s) for s in shapes])
        for result, text, oracle in rows
    ]


def order(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.argsort(x, axis=axis, kind="stable").astype(np.int32)


def largest(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    where = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, where, -1), where.astype(np.int32)


EMPTY = (*SHAPES, (0, 3), (3, 0))
ORDERED = [
    *on_matrix([
        ("f32[n, m]", "cumsum(x, axis=1)", lambda x: np.cumsum(x, 1)),
        ("f32[n, m]", "x.cumsum(axis=0)", lambda x: np.cumsum(x, 0)),
        ("f32[n*m]", "cumsum(x)", np.cumsum),
        ("f32[n, m]", "cumsum(x, axis=-1, reverse=true)",
         lambda x: np.cumsum(x[:, ::-1], 1)[:, ::-1]),
        ("f32[n, m]", "cumsum(x, axis=0, exclusive=true)", lambda x: np.cumsum(x, 0) - x),
        ("f32[n, m]", "cumprod(x / 4, axis=0)", lambda x: np.cumprod(x / 4, 0)),
        ("f32[n, m]", "sort(x)", np.sort),
        ("f32[n, m]", "x.sort(axis=0, descending=true)", lambda x: np.sort(x, 0)[::-1]),
        ("i32[n, m]", "argsort(x)", order),
        ("i32[n, m]", "argsort(x, axis=0)", lambda x: order(x, 0)),
        ("f32[n, m]", "[sort(x[i]) for i]", np.sort),
    ], EMPTY),
    *on_matrix([
        ("(f32[n, 2], i32[n, 2])", "top_k(x, 2)", lambda x: largest(x, 2)),
        ("(f32[2, m], i32[2, m])", "top_k(x, k=2, axis=0)",
         lambda x: tuple(v.T for v in largest(x.T, 2))),
        ("(f32[n, m], i32[n, m])", "top_k(x, m)", lambda x: largest(x, x.shape[1])),
    ], ((3, 4), (2, 2))),
    *on_matrix([
        ("f32", "median(x)", lambda x: np.median(x).astype(F32)),
        ("f32[m]", "median(x, axis=0)", lambda x: np.median(x, 0).astype(F32)),
        ("f32[n, 1]", "x.median(axis=1, keepdims=true)",
         lambda x: np.median(x, 1, keepdims=True).astype(F32)),
    ]),
    ArrayCase("x: i8[n]", "(i8[n], i8[n])", "(sort(x), cumsum(x))",
              lambda x: (np.sort(x), np.cumsum(x, dtype=np.int8)),
              [ints(127, (n,), dtype=np.int8) for n in (0, 1, 40)]),
    ArrayCase("x: f32[6]", "f32[6]", "x[argsort(x)]", lambda x: x[[4, 3, 1, 0, 2, 5]],
              [[np.array([1, -0.0, np.nan, 0.0, -np.inf, np.nan], F32)]]),
    ArrayCase("x: f32[3]", "f32", "median(x)", lambda x: np.float32(np.nan),
              [[np.array([1, np.nan, 2], F32)]]),
]  # fmt: skip

MOVED = [
    *on_matrix([
        ("f32[n, m]", "roll(x, 1)", lambda x: np.roll(x, 1)),
        ("f32[n, m]", "roll(x, -5)", lambda x: np.roll(x, -5)),
        ("f32[n, m]", "roll(x, 2, axis=0)", lambda x: np.roll(x, 2, 0)),
        ("f32[n, m]", "x.roll(-n, axis=1)", lambda x: np.roll(x, -len(x), 1)),
        ("f32[n, m]", "roll(x, i32(m) + 1, axis=0)", lambda x: np.roll(x, x.shape[1] + 1, 0)),
        ("f32[n, m]", "[roll(x[i], i) for i]",
         lambda x: np.array([np.roll(r, k) for k, r in enumerate(x)], F32).reshape(x.shape)),
        ("f32[n, m]", "flip(x)", np.flip),
        ("f32[n, m]", "flip(x, axis=(0, 1))", np.flip),
        ("f32[n, 3*m]", "repeat(x, 3, axis=1)", lambda x: np.repeat(x, 3, 1)),
        ("f32[2*n, m]", "x.repeat(2, axis=0)", lambda x: np.repeat(x, 2, 0)),
        ("f32[2*n*m]", "repeat(x, 2)", lambda x: np.repeat(x, 2)),
        ("f32[n, 2*m]", "tile(x, 2)", lambda x: np.tile(x, 2)),
        ("f32[2, 3*n, m]", "x.tile([2, 3, 1])", lambda x: np.tile(x, (2, 3, 1))),
        ("f32[n, n*m]", "tile(x, [1, n])", lambda x: np.tile(x, (1, len(x)))),
    ], EMPTY),
    *on_matrix([
        ("f32[n + 2, m + 2]", "pad(x, 1)", lambda x: np.pad(x, 1)),
        ("f32[n + 3, m + 3]", "pad(x, (1, 2), value=-1)",
         lambda x: np.pad(x, (1, 2), constant_values=-1)),
        ("f32[n + m, m]", "x.pad([(0, m), (0, 0)], value=x[0, 0])",
         lambda x: np.pad(x, ((0, x.shape[1]), (0, 0)), constant_values=x[0, 0])),
        ("f32[n, m]", "pad(x, [(-1, 1), (1, -1)])",
         lambda x: np.pad(x, ((0, 1), (1, 0)))[1:, :-1]),
        ("f32[n - 1, m]", "pad(x, [(0, -1), (0, 0)])", lambda x: x[:-1]),
        ("f32[n + 1, m]", "pad(x, [(-2, 3), (0, 0)], value=7)",
         lambda x: np.pad(x, ((0, 3), (0, 0)), constant_values=7)[2:]),
        ("f32[m, m]", "pad(x, [(0, m - n), (0, 0)])",
         lambda x: np.pad(x, ((0, x.shape[1]), (0, 0)))[: x.shape[1]]),
        ("f32[n + 2, m + 4]", 'pad(x, [(1, 1), (0, 4)], mode="edge")',
         lambda x: np.pad(x, ((1, 1), (0, 4)), mode="edge")),
        ("f32[n + 8, m + 1]", 'pad(x, [(1, 7), (1, 0)], mode="reflect")',
         lambda x: np.pad(x, ((1, 7), (1, 0)), mode="reflect")),
        ("f32[n + 9, m]", 'pad(x, [(5, 4), (0, 0)], mode="symmetric")',
         lambda x: np.pad(x, ((5, 4), (0, 0)), mode="symmetric")),
        ("f32[n + 7, m]", 'x.pad([(3, 4), (0, 0)], mode="wrap")',
         lambda x: np.pad(x, ((3, 4), (0, 0)), mode="wrap")),
        ("f32[n, m + 2]", "[pad(x[i], 1, value=f32(i)) for i]",
         lambda x: np.array([np.pad(r, 1, constant_values=k) for k, r in enumerate(x)])),
    ]),
    ArrayCase("x: i32[2]", "i32[3]", "pad(x, (-4, 5), value=1)", lambda x: np.ones(3, np.int32),
              [ints(9, (2,))]),
    ArrayCase("x: bool[n]", "bool[n + 1]", "pad(x, (0, 1), value=true)",
              lambda x: np.append(x, True), [[np.array([False, True])]]),
]  # fmt: skip

LETTERS = [
    *on_matrix([
        ("f32[n, n]", 'einsum("ij,kj->ik", x, x)', lambda x: x @ x.T),
        ("f32[m]", 'einsum("ij->j", x)', lambda x: x.sum(0)),
        ("f32", 'einsum("ij,ij", x, x)', lambda x: np.sum(x * x)),
        ("f32[m, n]", 'einsum("ji", x)', lambda x: x.T),
        ("f32[n, m]", 'einsum("ij,ij->ij", x, x)', lambda x: x * x),
        ("f32[m]", 'einsum("ij,ik,k->j", x, x, x[0])', lambda x: x.T @ (x @ x[0])),
        ("f32[n, m, m]", 'einsum(" i j , k -> i j k ", x, x[0])',
         lambda x: x[..., None] * x[0]),
        ("f32[m]", 'einsum("...i,...i->i", x, x[0:1])', lambda x: (x * x[:1]).sum(0)),
        ("f32[m, n]", 'einsum("i...->...i", x)', lambda x: x.T),
        ("f32[n]", '[einsum("j,j->", x[i], x[0]) for i]', lambda x: x @ x[0]),
        ("f32", 'einsum("ij,kl->", x, x)', lambda x: (x.sum() ** 2).astype(F32)),
    ]),
    ArrayCase("x: f32[n, n]", "(f32, f32[n], f32[n])",
              '(einsum("ii", x), einsum("ii->i", x), einsum("ii,ij->j", x, x))',
              lambda x: (np.trace(x), np.diag(x).copy(), np.diag(x) @ x),
              [floats((n, n)) for n in (1, 4)]),
    ArrayCase("x: f32[b, n, k], y: f32[b, k, m]", "f32[b, n, m]",
              'einsum("bnk,bkm->bnm", x, y)', np.matmul,
              [floats((2, 3, 4), (2, 4, 5)), floats((1, 1, 0), (1, 0, 2))]),
    ArrayCase("x: f32[b, n, k], y: f32[k, m]", "f32[b, n, m]", 'einsum("...k,km->...m", x, y)',
              np.matmul, [floats((2, 3, 4), (4, 5))]),
    ArrayCase("x: i32[3, 4], y: i32[4, 5], z: i32[5, 2]", "i32[3, 2]",
              'einsum("ij,jk,kl", x, y, z)', lambda x, y, z: x @ y @ z,
              [ints(9, (3, 4), (4, 5), (5, 2))]),
]  # fmt: skip

NORMS = on_matrix([
    ("f32", "norm(x)", lambda x: np.sqrt((x * x).sum())),
    ("f32[n]", "norm(x, axis=1)", lambda x: np.linalg.norm(x, axis=1)),
    ("f32[m]", "x.norm(1, axis=0)", lambda x: np.linalg.norm(x, 1, axis=0)),
    ("f32[n, 1]", "norm(x, inf, axis=1, keepdims=true)",
     lambda x: np.abs(x).max(1, keepdims=True)),
    ("f32[n]", "norm(x, ord=-inf, axis=1)", lambda x: np.abs(x).min(1)),
    ("f32[n]", "norm(x, 0, axis=1)", lambda x: (x != 0).sum(1).astype(F32)),
    ("f32[n]", "norm(x, 3, axis=1)", lambda x: np.linalg.norm(x, 3, axis=1)),
    ("f32[n]", "norm(x + 9, -1, axis=1)", lambda x: np.linalg.norm(x + 9, -1, axis=1)),
    ("f32[n, m]", "softmin(x)", lambda x: np.exp(-x) / np.exp(-x).sum(1, keepdims=True)),
])  # fmt: skip
