"""Products with Jacobians, and Jacobians, of named sizes: compiled, and as the reference says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from language import program

import irc

pytestmark = pytest.mark.cc

PROGRAM = """
def value(x, A) = tanh(A @ x) * x[::-1] + sum(x ** 3)
def cost(x, A) = sum(value(x, A) ** 2)
def slope(a) = grad(sum(a ** 3), wrt=a)

export def products(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n], f64[n], f64[n]) {
    let y = value(x, A)
    let g = grad(sum(y * y), wrt=x)
    return vjp(y, wrt=x, cotangent=v), jvp(y, wrt=x, tangent=v), jvp(g, wrt=x, tangent=v)
}
export def whole(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n, n], f64[n, n], f64[n, n, n]) {
    return jacobian(value(x, A), wrt=x), hessian(cost(x, A), wrt=x), jacobian(value(x, A), wrt=A)
}
export def columns(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n, n], f64[n, n]) {
    let s = sum(v)
    let y = value(x, A) * s ** 2
    return outer(jacobian(y, wrt=s), v), outer(v, jacobian(s ** 2 * v, wrt=s))
}
export def rows(x: f64[n], A: f64[n, n], v: f64[n])
    -> (f64[n, n], f64[n, n], f64[n, n], f64[n, n]) {
    let y = value(x, A)
    return [slope(A[i]) for i], [grad(cost(x, A) * sum(A[i] * v), wrt=v) for i],
        [vjp(y, wrt=x, cotangent=A[i]) for i], [jvp(y * v[i], wrt=x, tangent=A[i]) for i]
}
export def branches(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n], f64[n]) {
    let c = if sum(v) > 0 then cost(x, A) else sum(x ** 2)
    return jvp(grad(c, wrt=x), wrt=x, tangent=v), jvp(sum(max(x, 0) * v), wrt=v, tangent=x) * v
}
export def through(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n, n], f64[n]) {
    scan t < 4 {
        init h[-1] = x
        h[t] = tanh(A @ h[t-1] + v)
    }
    return jacobian(h[-1], wrt=x), jvp(sum(h ** 2, axis=0), wrt=v, tangent=x)
}
"""


@pytest.fixture(scope="module", params=[0, 2])
def module(request: pytest.FixtureRequest) -> Any:
    return irc.compile(PROGRAM, O=request.param)


@pytest.fixture(scope="module")
def reference() -> Any:
    return program(PROGRAM)


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("name", ["products", "whole", "columns", "rows", "branches", "through"])
def test_c_gives_what_the_reference_gives(module: Any, reference: Any, name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    for sign in (1, -1):
        inputs = [rng.normal(size=n), rng.normal(size=(n, n)), sign * rng.uniform(0.1, 1, n)]
        expected = reference.run(name, inputs).results
        for found, wanted in zip(getattr(module, name)(*inputs), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_jacobians_are_those_of_differences(module: Any) -> None:
    rng = np.random.default_rng(1)
    x, a, v = rng.normal(size=4), 0.5 * rng.normal(size=(4, 4)), rng.normal(size=4)

    def value(x: np.ndarray) -> np.ndarray:
        return np.tanh(a @ x) * x[::-1] + (x**3).sum()

    def last(x: np.ndarray) -> np.ndarray:
        for _ in range(4):
            x = np.tanh(a @ x + v)
        return x

    for name, f in (("whole", value), ("through", last)):
        steps = 1e-6 * np.eye(4)
        wanted = np.stack([(f(x + d) - f(x - d)) / 2e-6 for d in steps], axis=1)
        np.testing.assert_allclose(getattr(module, name)(x, a, v)[0], wanted, rtol=1e-7, atol=1e-9)
