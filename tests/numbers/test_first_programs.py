"""What people write first, in `programs/`, compiled and compared with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

import irc
from irc.runtime.module import Module

pytestmark = pytest.mark.cc
PROGRAMS = Path(__file__).with_name("programs")


@cache
def _compiled(name: str) -> Path:
    from irc.driver import compile_module

    return compile_module(PROGRAMS / f"{name}.irc")


def load(name: str) -> Module:
    return irc.load(_compiled(name))


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(0)


def close(got: Any, wanted: Any, tolerance: float = 1e-9) -> None:
    assert np.shape(got) == np.shape(wanted)
    assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def f32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_linear_regression(rng: Generator) -> None:
    m, x = load("regression"), rng.normal(size=(50, 3))
    y = x @ [1, 2, 3] + 4
    w, b = np.zeros(3), 0.0
    for _ in range(50):
        r = x @ w + b - y
        close(m.train(x, y), np.mean(r**2))
        w, b = w - 0.1 * 2 * x.T @ r / 50, b - 0.1 * 2 * r.mean()
    close(m.state.w, w)
    close(m.predict(x), x @ w + b)


def test_ridge_by_conjugate_gradients(rng: Generator) -> None:
    m, x = load("ridge"), rng.normal(size=(50, 3))
    y = x @ [1, 2, 3] + rng.normal(size=50)
    m.start(x, y)
    for _ in range(3):
        m.cg_step(x)
    close(m.state.w, np.linalg.solve(x.T @ x + 0.1 * np.eye(3), x.T @ y))


def test_class_weights(rng: Generator) -> None:
    m, x = load("weights"), rng.normal(size=(50, 3))
    y, w = x @ [1, -1, 2] > 0, np.zeros(3)
    for _ in range(20):
        p, weight = 1 / (1 + np.exp(-x @ w)), np.where(y, 2.0, 1.0)
        wanted = -(weight * np.where(y, np.log(p), np.log(1 - p))).sum() / weight.sum()
        close(m.train(x, y), wanted)
        w -= 0.5 * x.T @ (weight * (p - y)) / weight.sum()
    assert_array_equal(m.predict(x), x @ w > 0)


def test_k_means(rng: Generator) -> None:
    m, x, centers = load("kmeans"), rng.normal(size=(50, 3)), rng.normal(size=(4, 3))
    nearest = cdist(x, centers).argmin(axis=1)
    assert_array_equal(m.assign(x, centers), nearest)
    step = m.step(x, centers)
    means = [x[nearest == j].sum(axis=0) / max(1, (nearest == j).sum()) for j in range(4)]
    close(step.centers, np.stack(means))
    close(step.inertia, (cdist(x, centers) ** 2).min(axis=1).sum())


def test_nearest_neighbour(rng: Generator) -> None:
    m, x, y = load("neighbours"), rng.normal(size=(50, 3)), rng.normal(size=(9, 3))
    labels = np.arange(9, dtype=np.int32)
    close(m.pdist(x, y), cdist(x, y), 1e-6)
    assert_array_equal(m.nn1(x, y, labels), cdist(x, y).argmin(axis=1))


def test_principal_component(rng: Generator) -> None:
    m, x, v = load("pca"), rng.normal(size=(50, 3)) * [3, 2, 1], np.ones(3) / np.sqrt(3)
    for _ in range(100):
        v, value = m.step(x, v)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    close(value, values[-1], 1e-6)
    close(abs(v), abs(vectors[:, -1]), 1e-6)
    close(m.outer_cov(x), np.cov(x.T, bias=True))
    rest = m.deflate(np.cov(x.T), v, value)
    close(np.linalg.eigvalsh(rest)[1:], values[:-1], 1e-6)


def test_attention(rng: Generator) -> None:
    m, x = load("attention"), f32(rng.normal(size=(7, 8)))
    s, wanted, lower = m.state, x.copy(), np.tril(np.ones((7, 7), bool))
    for h in range(2):
        q, k, v = x @ s.Wq[h], x @ s.Wk[h], x @ s.Wv[h]
        wanted += softmax(np.where(lower, q @ k.T / 2, -np.inf)) @ v @ s.Wo[h]
    close(m.block(x), wanted, 1e-5)
    target = x * 0.5 + 1
    costs = [m.train(x, target, lr=0.05) for _ in range(200)]
    assert costs[-1] < 0.7 * costs[0]


def test_normalization(rng: Generator) -> None:
    m, x = load("normalization"), f32(rng.normal(size=(20, 4)))
    close(m.bn_train(x), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), 1e-5)
    close(m.state.running_mean, 0.1 * x.mean(0), 1e-6)
    close(m.state.running_var, 0.9 + 0.1 * x.var(0, ddof=1), 1e-6)
    s = m.state
    close(m.bn_eval(x), (x - s.running_mean) / np.sqrt(s.running_var + 1e-5), 1e-5)
    close(m.ln(x), (x - x.mean(1)[:, None]) / np.sqrt(x.var(1)[:, None] + 1e-5), 1e-5)


def test_softmax_regression_with_momentum(rng: Generator) -> None:
    m, x = load("momentum"), f32(rng.normal(size=(20, 5)))
    y = rng.integers(0, 3, 20).astype(np.int32)
    w = v = np.zeros((5, 3))
    for _ in range(20):
        p = softmax(x @ w)
        cost = -np.log(p[np.arange(20), y]).mean() + 0.5e-3 * (w**2).sum()
        close(m.train(x, y), cost, 1e-5)
        v = 0.9 * v + x.T @ (p - np.eye(3)[y]) / 20 + 1e-3 * w
        w = w - 0.1 * v
    close(m.state.W, w, 1e-5)


def test_embedding(rng: Generator) -> None:
    m, tokens = load("embedding"), rng.integers(0, 20, (12, 6)).astype(np.int32)
    close(m.pooled(tokens), m.state.emb[tokens].mean(1), 1e-6)
    y = (tokens.sum(1) % 3).astype(np.int32)
    costs = [m.train(tokens, y) for _ in range(200)]
    close(costs[0], np.log(3), 1e-5)
    assert costs[-1] < 0.5 * costs[0]


def test_gan(rng: Generator) -> None:
    m, real = load("gan"), f32(rng.normal(3, 0.5, size=(16, 1)))
    before = m.state.D.W1.copy()
    m.train_g()
    assert_array_equal(m.state.D.W1, before)
    for _ in range(300):
        m.train_d(real)
        m.train_g()
    made = m.sample(f32(rng.normal(size=(100, 1))))
    assert 1 < made.mean() < 5  # it started at 0


def test_leapfrog() -> None:
    m = load("leapfrog")
    q, p = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    start = m.energy(q, p)
    for _ in range(100):
        q, p = m.step(q, p)
    assert abs(m.energy(q, p) - start) < 1e-3
    for _ in range(100):  # it is reversible
        q, p = m.step(q, p, eps=-0.01)
    close(q, [0.5, 0.5])


def test_autoencoder_with_tied_weights(rng: Generator) -> None:
    m, x = load("autoencoder"), rng.normal(size=(30, 6))
    costs = [m.train(x) for _ in range(200)]
    assert costs[-1] < 0.8 * costs[0]
    net = m.state.net
    hidden = np.tanh(x @ net.W1 + net.b1)
    close(m.code(x), np.tanh(hidden @ net.W2 + net.b2))


V, W = np.array([0.5, -2.0, 3.0, 1.0, 0.0]), np.array([1.0, 2.0, -1.0])
A = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
S = np.array([[1.0, 2.0], [-3.0, 0.5]])
I = np.array([2, 0], np.int32)  # noqa: E741
NUMPY: dict[str, tuple[tuple[Any, ...], Callable[..., Any]]] = {
    "saxpy": ((2.0, A[0], A[1]), lambda a, x, y: a * x + y),
    "total": ((A,), np.sum),
    "rows": ((A,), lambda x: x.sum(1)),
    "standardize": ((S,), lambda x: (x - x.mean(0)) / (x.std(0) + 1e-8)),
    "onehot": ((I,), lambda y: np.eye(10)[y]),
    "trace": ((S,), np.trace),
    "eye3": ((), lambda: np.eye(3)),
    "diag": ((V,), np.diag),
    "moving": ((V,), lambda x: (x[:-2] + x[1:-1] + x[2:]) / 3),
    "rev": ((np.arange(7),), lambda x: x[::-1]),
    "evens": ((np.arange(8, dtype=np.int32),), lambda x: x[::2]),
    "lse": ((S,), lambda x: np.log(np.exp(x).sum(1))),
    "cum": ((V,), np.cumsum),
    "conv": ((V, W), lambda x, w: np.correlate(x, w, "valid")),
    "hist": ((np.array([0, 1, 1, 4, 9], np.int32),), lambda x: np.bincount(x, minlength=5)[:5]),
    "both": ((V,), lambda x: (x.min(), x.max())),
    "one": ((), lambda: 1.0),
    "clipped": ((A[1],), lambda x: x.clip(-1, 1)),
    "polyval": ((V[:4], 2.0), np.polyval),
    "dpoly": ((V[:4], 2.0), lambda c, x: np.polyval(np.polyder(c), x)),
    "hess": ((S[0], S), lambda x, a: 2 * (a + a.T) @ x),
    "cosine": ((S, S[:1]), lambda a, b: 1 - cdist(a, b, "cosine")),
    "flat": ((A,), np.ravel),
    "stack2": ((A[0], A[1]), lambda x, y: np.stack([x, y])),
    "cat": ((A[0], A[1, :2]), lambda x, y: np.concatenate([x, y])),
    "xor": ((np.array([True, False]), np.array([True, True])), np.logical_xor),
    "count": ((np.array([True, False, True]),), np.sum),
    "collatz": ((7,), lambda x: 22),
    "gather": ((A, I), lambda x, i: x[i]),
    "pick": ((A[:2], I), lambda x, j: x[[0, 1], j]),
    "t": ((A,), np.transpose),
    "bmm": ((A.reshape(2, 2, 3), A.reshape(2, 3, 2)), np.matmul),
    "relu6": ((A[2],), lambda x: x.clip(0, 6)),
}


@pytest.mark.parametrize("name", NUMPY)
def test_against_numpy(name: str) -> None:
    inputs, reference = NUMPY[name]
    got, wanted = load("first")[name](*inputs), reference(*inputs)
    pairs = zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]
    for one, other in pairs:
        close(one, other, 1e-6)


def test_nothing() -> None:
    assert load("first").nothing() is None
    assert set(load("first").functions) == {*NUMPY, "nothing"}


@pytest.mark.parametrize("n", [0, 1])
def test_arrays_of_nothing(n: int) -> None:
    m = load("first")
    assert m.diag(np.zeros(n)).shape == (n, n)
    assert m.moving(np.zeros(2)).shape == (0,)
    assert m.t(np.zeros((0, 3), np.float32)).shape == (3, 0)
    product = m.bmm(np.ones((2, n, 0), np.float32), np.ones((2, 0, 3), np.float32))
    assert_array_equal(product, np.zeros((2, n, 3)))
    assert m.cosine(np.zeros((0, n)), np.zeros((2, n))).shape == (0, 2)
    assert m.gather(np.zeros((n, n), np.float32), I[:0]).shape == (0, n)
    assert m.total(np.zeros((n, 0), np.float32)) == 0
    with pytest.raises(irc.ShapeError):
        m.moving(np.zeros(n))
