"""`programs/research.irc` against NumPy, as optimized code and without optimization."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

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


CASES: dict[str, tuple[Callable[..., Any], list[tuple[Any, ...]], float]] = {
    "descent": (descent, [(normal(n, 2), normal(n), normal(9), 0.1) for n in (1, 4)], 1e-12),
    "curvature": (curvature, [(normal(2, 2), normal(3, 2))], 1e-5),
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
