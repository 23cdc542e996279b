"""Derivatives of what the language can say, against central differences in f64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from language import program, run

RNG = np.random.default_rng(17)
X = RNG.uniform(0.2, 0.9, (3, 4))
W = RNG.normal(size=(4, 3))
Y = np.array([2, 0, 3], np.int32)
PARAMS = "x: f64[3, 4], w: f64[4, 3], y: i32[3]"

COSTS = [
    "sum(x * x)", "sum(x @ w)", "sum((x @ w) ** 2) + sum(w) ** 3", "mean(tanh(x @ w) @ x)",
    "sum(x[0] * w[:, 1])", "sum(x[1:, ::2] ** 3)", "sum(x[::-1] * x)", "sum(x[y[0:2] % 3] ** 2)",
    "sum([x[i, y[i]] ** 2 for i])", "-mean([log_softmax(x, axis=1)[i, y[i]] for i])",
    "sum([x[i, k] * w[k, i] for i, k])", "sum[i, k](x[i, k] ** 2 * w[k, 0])",
    "sum([sum[k](x[i, k] * w[k, l]) ** 2 for i, l])", "max[i](sum[k](x[i, k] * w[k, 0]))",
    "sum([x[i, k + 1] * x[i, k] for i, k < 3])", "sum([x[i, i] * w[i, i] for i < 3])",
    "sum([if i == 0 then x[i, 0] else x[i - 1, 1] * x[i, 0] for i < 3])",
    "sum([if x[i, k] > 0.5 then x[i, k] ** 2 else sin(x[i, k]) for i, k])",
    "sum(where(x > 0.5, x * x, exp(x)))", "if x[0, 0] > 0 then sum(x ** 3) else sum(w)",
    "sum(max(x, 0.5) * min(x, w.T))", "sum(clip(x, 0.3, 0.7) ** 2)", "sum(x ** x)",
    "sum(x ** -1.5)",
    "sum(softmax(x, axis=0) * w.T)", "sum(logsumexp(x, axis=0) ** 2)", "sum(var(x, axis=1))",
    "std(x)", "prod(x)", "sum(prod(x, axis=0))", "sum(max(x, axis=1) ** 2)",
    "sum(sqrt(x) / log(1 + x))",
    "sum(erf(x) + sigmoid(x) * softplus(w.T))", "sum(atan2(x, w.T))", "sum(abs(w)) + sum(relu(w))",
    "sum(concat([x, 2 * x], axis=1) ** 2)", "sum(stack([x, x * x]) * w.T)",
    "sum(outer(x[0], w[0]) ** 2)",
    "sum(tril(x @ w) ** 2)", "sum(diag(x @ w) ** 3)", "sum(diag(x[0]) @ w)",
    "sum(flip(x, 1) * w.T)",
    "sum(x.reshape([4, 3]) * w)", "sum(x.T * w)", "sum(x[:, newaxis] * x[newaxis]) ** 2",
    "sum(stack([x, x]) @ w)", "sum([x[i] @ w for i] @ x)",
    "sum([sum(x[i, k:k + 2]) ** 2 for i, k < 3])",
    "sum([[x[i, k] for k] @ w[:, i] for i])", "sum([w[k % 4, k % 3] ** 2 for k < 7])",
    "sum(x // 1 + x % 1)", "sum(cbrt(x) + rsqrt(x) + expm1(x) + log1p(x) + log_sigmoid(x))",
]  # fmt: skip


def differences(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    grad = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@pytest.mark.parametrize("cost", COSTS)
def test_the_gradient_of_a_cost(cost: str) -> None:
    p = program(f"""
export def f({PARAMS}) -> f64 = {cost}
export def g({PARAMS}) -> (f64[3, 4], f64[4, 3]) {{
    let c = {cost}
    let a, b = grad(c, wrt=(x, w), disconnected="zero")
    return a, b
}}""")

    def value(x: np.ndarray, w: np.ndarray) -> float:
        return float(p.run("f", [x, w, Y]).results[0])

    gx, gw = p.run("g", [X, W, Y]).results
    np.testing.assert_allclose(gx, differences(lambda x: value(x, W), X), rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(gw, differences(lambda w: value(X, w), W), rtol=2e-6, atol=1e-7)


def test_a_gradient_by_a_record_a_let_and_a_gradient() -> None:
    text = """
state p {
    a: f64[3] = full([3], 0.5)
    b: f64    = full([], 2)
}
export def f(x: f64[3]) -> (f64[3], f64, f64[3], f64[3]) {
    let h = x * p.a
    let c = p.b * sum(h ** 2)
    let g = grad(c, wrt=p)
    let gh = grad(c, wrt=h)
    let gx = grad(c, wrt=x)
    return g.a, g.b, gh, grad(sum(gx * x), wrt=x)
}"""
    x = np.array([1.0, 2.0, 3.0])
    ga, gb, gh, hv = run(text, x)
    np.testing.assert_allclose(ga, 2 * 2 * 0.5 * x * x)
    np.testing.assert_allclose(gb, (0.25 * x * x).sum())
    np.testing.assert_allclose(gh, 2 * 2 * 0.5 * x)
    np.testing.assert_allclose(hv, 2 * 2 * 0.25 * 2 * x)


def test_consts_and_stop_gradient_hold_a_value_fixed() -> None:
    text = """
export def f(x: f64) -> (f64, f64, f64) {
    let h = x * x
    let c = h * x
    return grad(c, wrt=x), grad(c, wrt=x, consts=(h,)), grad(stop_gradient(h) * x, wrt=x)
}"""
    assert [float(r) for r in run(text, np.float64(3))] == [27, 9, 9]


def test_the_gradient_passes_through_a_call_and_a_draw() -> None:
    text = """
def drop(x, p) = x * cast(bernoulli(1 - p, shape(x)), x) / (1 - p)
export def f(x: f64[100]) -> (f64[100], f64[100]) {
    let y = drop(x, 0.5)
    return y, grad(sum(y), wrt=x)
}"""
    y, g = run(text, np.full(100, 3.0))
    np.testing.assert_allclose(y, 3 * g)
    assert set(g) == {0, 2}
