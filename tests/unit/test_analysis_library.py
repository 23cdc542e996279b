"""The standard library against NumPy, in f32 and f64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.context import Context

from irc.execution.program import Program as Running
from irc.frontend import load_program
from irc.passes.nd.expand_grad import ExpandGradPass

rng = np.random.default_rng(5)
X, T = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
W, B, G = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=5)
Y = np.array([0, 3, 4, 1], np.int32)


def run(text: str, dtype: str, *inputs: np.ndarray) -> list[np.ndarray]:
    program = load_program(f"import nn\ntype F = f32\n{text}", {"F": dtype})
    program.module.verify()
    ExpandGradPass().apply(Context(), program.module)
    kind = {"f32": np.float32, "f64": np.float64}[dtype]
    arrays = [x if x.dtype == np.int32 else x.astype(kind) for x in inputs]
    outcome = Running(program.module).run("f", arrays)
    assert outcome.failure is None, outcome.failure
    return outcome.results


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def normed(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


ELEMENTWISE = {
    "relu(x)": np.maximum(X, 0),
    "leaky_relu(x)": np.where(X > 0, X, 0.01 * X),
    "elu(x)": np.where(X > 0, X, np.expm1(X)),
    "silu(x)": X / (1 + np.exp(-X)),
    "gelu(x)": 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))),
    "sgd(x, t, 0.5)": X - 0.5 * T,
    "dropout(x, 0)": X,
}
LOSSES = {
    "mse(x, t)": np.mean((X - T) ** 2),
    "mae(x, t)": np.mean(np.abs(X - T)),
    "huber(x, t)": np.mean(np.where(np.abs(X - T) < 1, 0.5 * (X - T) ** 2, np.abs(X - T) - 0.5)),
    "binary_cross_entropy(x, t)": np.mean(np.log1p(np.exp(X)) - X * T),
}


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("call", ELEMENTWISE)
def test_elementwise(call: str, dtype: str) -> None:
    (got,) = run(f"export def f(x: F[4, 5], t: F[4, 5]) -> F[4, 5] = nn.{call}", dtype, X, T)
    np.testing.assert_allclose(got, ELEMENTWISE[call], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("call", LOSSES)
def test_losses(call: str, dtype: str) -> None:
    (got,) = run(f"export def f(x: F[4, 5], t: F[4, 5]) -> F = nn.{call}", dtype, X, T)
    np.testing.assert_allclose(got, LOSSES[call], rtol=2e-5)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_layers(dtype: str) -> None:
    text = """
    export def f(x: F[n, d], W: F[d, k], b: F[k], g: F[d], h: F[d], t: F[n, d])
        -> (dense: F[n, k], norm: F[n, d], attention: F[n, d]) =
        (nn.dense(x, W, b), nn.layer_norm(x, g, h), nn.attention(x, t, t))
    """
    got = run(text, dtype, X, W, B, G, G, T)
    wanted = [X @ W + B, normed(X) * G + G, softmax(X @ T.T / np.sqrt(5)) @ T]
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_classification(dtype: str) -> None:
    text = """
    export def f(x: F[n, k], y: i32[n]) -> (cost: F, wrong: f32, right: f32) =
        (nn.cross_entropy(x, y), nn.error_rate(x, y), nn.accuracy(x, y))
    """
    cost, wrong, right = run(text, dtype, X, Y)
    np.testing.assert_allclose(cost, -np.log(softmax(X)[np.arange(4), Y]).mean(), rtol=1e-5)
    assert wrong == np.mean(X.argmax(1) != Y) and right == 1 - wrong


def test_steps_of_optimizers_on_records() -> None:
    text = """
    state net { W: F[2] = ones()
                b: F = 1 }
    state m: like net = zeros()
    state v: like net = zeros()
    export def f(x: F[2], k: F) -> F {
        let g = grad(sum(net.W * x) * net.b, wrt=net)
        let p1, m1, v1 = nn.adam(net, g, m, v, k)
        let p2, velocity = nn.momentum(p1, g, m, 0.1)
        update net = p2
        update m = m1
        update v = v1
        return velocity.b
    }
    """
    program = load_program(f"import nn\ntype F = f64\n{text}")
    ExpandGradPass().apply(Context(), program.module)
    outcome: Any = Running(program.module).run("f", [np.array([2.0, 3.0]), np.float64(1)])
    gradient = np.array([2.0, 3.0])
    after_adam = 1 - 0.001 * gradient / (np.abs(gradient) + 1e-8)
    np.testing.assert_allclose(outcome.state["net.W"], after_adam - 0.1 * gradient, rtol=1e-6)
    np.testing.assert_allclose(outcome.state["m.b"], 0.5, rtol=1e-12)
    np.testing.assert_allclose(outcome.results[0], 5)
