"""Writes into parts, sorting, padding and the rest of the array language, against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from array_cases import ArrayCase
from language import call, equal, program, run
from moving_cases import LETTERS, MOVED, NORMS, ORDERED
from part_cases import PARTS

CASES: list[ArrayCase] = [*PARTS, *ORDERED, *MOVED, *LETTERS, *NORMS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.text[:60])
def test_an_expression(case: ArrayCase) -> None:
    for inputs in case.calls:
        wanted = case.oracle(*inputs)
        results = run(case.program, *inputs)
        for got, one in zip(
            results, wanted if isinstance(wanted, tuple) else (wanted,), strict=True
        ):
            equal(got, np.asarray(one))


# -- derivatives

X = np.array([[0.4, -1.3, 2.2], [1.7, 0.9, -0.6]])
COSTS = [
    "sum((x with [0] = x[1] ** 2) ** 2)", "sum((x with [:, 1:] *= x[:, 0:1]) ** 3)",
    "sum((x with [[0, 0]] += x ** 2) ** 2)", "sum((x with [[1, 1], 0] = x[:, 1]) ** 2 * x)",
    "sum(cumsum(x, axis=1) ** 2)", "sum(cumsum(x) ** 3)", "sum(cumprod(x, axis=0) ** 2)",
    "sum(sort(x) ** 2 * [1, 2, 3])", "sum(top_k(x, 2).values ** 3)", "median(x) ** 2",
    "sum(median(x, axis=1) ** 3)", "sum(roll(x, 1) ** 2 * x)", "sum(roll(x, 2, axis=1) * x ** 2)",
    "sum(repeat(x, 2, axis=1) ** 3)", "sum(tile(x, 2) ** 3)", "sum(pad(x, (2, -1)) ** 3)",
    'sum(pad(x, 2, mode="reflect") ** 3)', "sum(pad(x, 1, value=x[0, 0]) ** 3)",
    'einsum("ij,kj,ij->", x, x, x)', 'sum(einsum("ij,ij->i", x, x) ** 2)',
    "norm(x)", "sum(norm(x, 3, axis=0))", "norm(x, inf) ** 2", "sum(softmin(x) * x)",
    "sum(einsum(\"ii->i\", x[:, 0:2]) ** 3)",
]  # fmt: skip


def differences(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    grad = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[at] = h
        grad[at] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@pytest.mark.parametrize("cost", COSTS)
def test_derivatives(cost: str) -> None:
    """The first, and the second as the derivative of a weighted sum of the first."""
    p = program(f"""
export def f(x: f64[2, 3]) -> f64 = {cost}
def first(x: f64[2, 3]) -> f64 {{
    let c = {cost}
    return sum(grad(c, wrt=x) * [[1, 2, 3], [-1, 0.5, 0.7]])
}}
export def g(x: f64[2, 3]) -> (f64, f64[2, 3], f64[2, 3]) {{
    let c = {cost}
    let s = first(x)
    return s, grad(c, wrt=x), grad(s, wrt=x, disconnected="zero")
}}""")

    def value(function: str, x: np.ndarray) -> float:
        return float(p.run(function, [x], None).results[0])

    first, second = (differences(partial(value, function), X) for function in "fg")
    _, one, two = p.run("g", [X], None).results
    np.testing.assert_allclose(one, first, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(two, second, rtol=1e-6, atol=1e-6)


def test_a_tour() -> None:
    """Parts, steps, shapes in text, a statement `if`, tuples and arrays among the results."""
    outcome = call(
        """
def top(x: f32[n, d]) {
    let z = x with [0, :] = 0
    let z = z with [:, 1:3] += 1
    let q = x[:, ::2].T
    print "z {mean(z)} q {shape(q)}"
    if mean(z) > 0 { print "positive" } else { print "not" }
    return x.sum(axis=1).max(), (1, 2, 3), [1.0, 2.0];
}
export def f(x: f32[n, d]) -> (f32, i64, f32[2]) {
    let m, t, v = top(x)
    return m, t[1], v
}""",
        np.ones((2, 6), np.float32),
    )
    assert [r.tolist() for r in outcome.results] == [6, 2, [1, 2]]
    assert outcome.prints == ["z 0.8333333 q (3, 2)", "positive"]
