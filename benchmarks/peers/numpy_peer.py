"""NumPy as a careful person writes it: float32 throughout, gradients by hand, results in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NAME = "numpy"
F32 = np.float32


def _product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    return lambda: np.matmul(a, b, out=out)


layer = square_256 = square_512 = square_1024 = _product


def elementwise(x: np.ndarray, a: Any, b: Any, c: Any, out: np.ndarray) -> Callable[[], Any]:
    return lambda: np.add(np.tanh(a * x + b) / (1 + np.exp(-c * x)), np.exp(-x * x), out=out)


def softmax_rows(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    def call() -> Any:
        np.subtract(x, x.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        return np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    return call


def sum_axis0(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    return lambda: np.sum(x, axis=0, out=out)


def sum_axis1(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    return lambda: np.sum(x, axis=1, out=out)


def logreg(x: np.ndarray, y: np.ndarray, lr: Any) -> Callable[[], Any]:
    W, b = np.zeros((784, 10), F32), np.zeros(10, F32)
    rows = np.arange(len(y))

    def step() -> Any:
        z = x @ W + b
        cost, gradient = _cross_entropy(z, y, rows)
        wrong = np.mean(z.argmax(axis=1) != y, dtype=F32)
        np.subtract(W, lr * (x.T @ gradient), out=W)
        np.subtract(b, lr * gradient.sum(axis=0), out=b)
        return cost, wrong

    return step


def mlp(
    x: np.ndarray, y: np.ndarray, lr: Any, p: Any, W1: np.ndarray, W2: np.ndarray
) -> Callable[[], Any]:
    net = [W1.copy(), np.zeros(500, F32), W2.copy(), np.zeros(10, F32)]
    m, v = ([np.zeros_like(w) for w in net] for _ in range(2))
    rows, rng = np.arange(len(y)), np.random.default_rng(0)
    keep = F32(1) - p
    k = 0

    def step() -> Any:
        nonlocal k
        w1, b1, w2, b2 = net
        a = np.tanh(x @ w1 + b1)
        mask = (rng.random(a.shape, F32) < keep) / keep
        h = a * mask
        cost, dz = _cross_entropy(h @ w2 + b2, y, rows)
        cost += F32(1e-4) * (np.vdot(w1, w1) + np.vdot(w2, w2))
        da = (dz @ w2.T) * mask * (1 - a * a)
        gradients = [
            x.T @ da + F32(2e-4) * w1,
            da.sum(axis=0),
            h.T @ dz + F32(2e-4) * w2,
            dz.sum(axis=0),
        ]
        k += 1
        first, second = F32(1 - 0.9**k), F32(1 - 0.999**k)
        for w, g, m_w, v_w in zip(net, gradients, m, v, strict=True):
            m_w *= F32(0.9)
            m_w += F32(0.1) * g
            v_w *= F32(0.999)
            v_w += F32(0.001) * (g * g)
            w -= lr * (m_w / first) / (np.sqrt(v_w / second) + F32(1e-8))
        return cost

    return step


def _cross_entropy(z: np.ndarray, y: np.ndarray, rows: np.ndarray) -> tuple[Any, np.ndarray]:
    """Mean cost, and its gradient with respect to the logits."""
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    cost = np.mean(np.log(total[:, 0]) - z[rows, y])
    e /= total
    e[rows, y] -= 1
    e /= F32(len(y))
    return cost, e
