"""`programs/research.irc` against NumPy, as optimized code and without optimization."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

import irc
from irc.runtime.module import Module

pytestmark = pytest.mark.cc
PROGRAM = Path(__file__).with_name("programs") / "research.irc"
RNG = np.random.default_rng(0)


def slope(f: Callable[[np.ndarray], Any], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The derivatives of all of f by all of x, as central differences: f's shape, then x's."""
    columns = []
    for at in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[at] = step
        columns.append((np.asarray(f(x + d)) - np.asarray(f(x - d))) / (2 * step))
    made = np.stack(columns, axis=-1)
    return made.reshape(*made.shape[:-1], *x.shape)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


# -- what the programs mean


def descent(x: np.ndarray, y: np.ndarray, w: np.ndarray, lr: float) -> np.ndarray:
    for _ in range(3):
        h = np.tanh(x @ w[:6].reshape(2, 3))
        r = 2 * (h @ w[6:] - y) / len(y)
        inner = x.T @ (np.outer(r, w[6:]) * (1 - h**2))
        w = w - lr * np.concatenate([inner.ravel(), h.T @ r])
    return w


def curvature(W: np.ndarray, u: np.ndarray) -> np.ndarray:
    def cost(W: np.ndarray) -> float:
        x = np.zeros(2)
        for row in u:
            x = W @ x + row
        return np.sum(x**2)

    return slope(lambda W: slope(cost, W, 1e-4), W, 1e-4)


def soft_dtw(x: np.ndarray, y: np.ndarray, g: float) -> tuple[float, np.ndarray]:
    def distance(x: np.ndarray) -> float:
        table = np.full((len(x) + 1, len(y) + 1), np.inf)
        table[0, 0] = 0
        for i, j in np.ndindex(len(x), len(y)):
            near = np.array([table[i, j], table[i, j + 1], table[i + 1, j]])
            near = near[np.isfinite(near)]
            table[i + 1, j + 1] = (x[i] - y[j]) ** 2 - g * logsumexp(-near / g)
        return table[-1, -1]

    return distance(x), slope(distance, x)


def decode(E: np.ndarray, out: np.ndarray) -> np.ndarray:
    words = [0]
    for _ in range(5):
        words.append(int(np.argmax(E[words[-1]] @ out)))
    return np.array(words[1:])


def newton(A: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    def found(b: np.ndarray) -> np.ndarray:
        x = np.zeros(len(b))
        for _ in range(8):
            t = np.tanh(x - b)
            x = x - np.linalg.solve((A + A.T) / 2 + np.diag(1 - t**2), (A + A.T) @ x / 2 + t)
        return x

    return found(b), slope(lambda b: np.sum(found(b)), b)


def filtered(y: np.ndarray, A: np.ndarray, Q: np.ndarray, R: np.ndarray) -> np.ndarray:
    n = len(A)
    x, P, rows = np.zeros(n), np.eye(n), []
    for row in y:
        there, F = np.sin(A @ x) + 0.1 * x, np.cos(A @ x)[:, None] * A + 0.1 * np.eye(n)
        S = F @ P @ F.T + Q
        K = np.linalg.solve(S + R, S).T
        x, P = there + K @ (row - there), (np.eye(n) - K) @ S
        rows.append(x)
    return np.array(rows)


CASES: dict[str, tuple[Callable[..., Any], list[tuple[Any, ...]], float]] = {
    "descent": (descent, [(normal(n, 2), normal(n), normal(9), 0.1) for n in (1, 4)], 1e-12),
    "curvature": (curvature, [(normal(2, 2), normal(3, 2))], 1e-5),
    "soft_dtw": (soft_dtw, [(normal(n), normal(m), 0.5) for n, m in [(1, 1), (2, 5)]], 1e-8),
    "decode": (decode, [(normal(7, 4), normal(4, 7))], 0),
    "newton": (newton, [(np.eye(3) + 0.1 * normal(3, 3), normal(3))], 1e-8),
    "filtered": (filtered, [(normal(4, 2), normal(2, 2), np.eye(2), np.eye(2))], 1e-10),
}


@pytest.fixture(scope="module", params=[0, 2])
def module(request: pytest.FixtureRequest) -> Module:
    return irc.compile(PROGRAM, O=request.param)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CASES)
def test_numbers(module: Module, name: str) -> None:
    reference, calls, tolerance = CASES[name]
    for arguments in calls:
        got, wanted = getattr(module, name)(*arguments), reference(*arguments)
        pairs = zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]
        for g, w in pairs:
            assert np.shape(g) == np.shape(w)
            assert_allclose(g, w, rtol=tolerance, atol=tolerance)
