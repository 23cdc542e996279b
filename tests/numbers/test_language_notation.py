"""Index notation and subscripts against explicit loops and NumPy's indexing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from language import call, check, equal, run, type_of
from notation_cases import INPUTS, NOTATION, OUTSIDE, RNG, SUBSCRIPTS, J, M, V, X, Y, array


@pytest.mark.parametrize("expression", NOTATION)
def test_index_notation_means_its_loops(expression: str) -> None:
    expected = NOTATION[expression]
    if not isinstance(expected, tuple):
        expected = np.asarray(expected)
    check(expression, expected, **INPUTS)


STATEMENTS: dict[str, Any] = {
    "let z[i, k] = x[k, i]": X.T, "let z[i < 3] = v[i] + v[i + 1]": V[:3] + V[1:4],
    "let z[i] = x[i]": X, "let t = 2.5\nlet z[i] = t * v[i]": 2.5 * V,
    "let a[i, k] = sum[l](x[i, l] * y[l, k])\nlet z[k, i] = a[i, k]": (X @ Y).T,
    "let w = [0.25, 0.5]\nlet z[i < 5] = w[0] * v[i] + w[1] * v[i + 1]": V[:5] / 4 + V[1:] / 2,
    "let w = [1, 2, 1]\nlet z[i < 4] = sum[k](w[k] * v[i + k])": V[:4] + 2 * V[1:5] + V[2:],
    "let i = 2\nlet z = [v[i + k] for k < 3]": V[2:5], "let i = 2\nlet z = [v[i] for i]": V,
    "let w[i] = sum[i](v[i]) + v[i]\nlet z = w": V.sum() + V,
    "let z = [x[m][i] for i]": X[M], "let z[a, b < 2] = x[m[a]][b]": X[M],
    "let z[i < 3] = x[i + 1][0]": X[1:, 0],
    "let z[i] = x[i] @ x[i]": (X * X).sum(1),
}  # fmt: skip


@pytest.mark.parametrize("lets", STATEMENTS)
def test_indexed_lets_mean_their_loops(lets: str) -> None:
    check("z", np.asarray(STATEMENTS[lets]), lets, **INPUTS)


FUNCTIONS = """
def affine(a, b) = a @ y0() + b
def y0() = [[1.0, 2, 3], [4, 5, 6]]
def poly(t) = 1 + t * (2 + t)
def norm(r) { let n = sqrt(sum(r ** 2)) return r / n }
def pick(r, k) = r[k]
def pair(r) = (sum(r), max(r))
def cond(t) = if t > 0 then t else -2 * t
def safe(r, k: i32) = if k > 2 then 0 else r[k]
def inner(r, q) = sum[k](r[k] * q[k])
"""
BATCHED: dict[str, Any] = {
    "[poly(v[i]) for i]": 1 + V * (2 + V), "[poly(x[i]) for i]": 1 + X * (2 + X),
    "[norm(x[i]) for i]": X / np.sqrt((X ** 2).sum(1, keepdims=True)),
    "[norm(x[:, k])[0] for k]": (X / np.sqrt((X ** 2).sum(0)))[0],
    "[pick(x[i], j[i]) for i]": array(lambda i: X[i, J[i]], 4), "[pick(v, i) for i < 3]": V[:3],
    "[pair(x[i]) for i]": (X.sum(1), X.max(1)), "[cond(v[i]) for i]": np.where(V > 0, V, -2 * V),
    "[safe(v[0:3], j[i]) for i]": array(lambda i: 0 if J[i] > 2 else V[J[i]], 4),
    "[inner(x[i], y[:, k]) for i, k]": X @ Y, "[affine(x[i, 0:2], v[i]) for i < 4]":
        X[:, :2] @ np.array([[1., 2, 3], [4, 5, 6]]) + V[:4, None],
}  # fmt: skip


@pytest.mark.parametrize("expression", BATCHED)
def test_a_call_in_a_comprehension_is_batched(expression: str) -> None:
    expected = BATCHED[expression]
    results = [np.asarray(e) for e in (expected if isinstance(expected, tuple) else (expected,))]
    params = ", ".join(f"{n}: {type_of(v)}" for n, v in INPUTS.items())
    types = ", ".join(map(type_of, results))
    declared = f"({types})" if len(results) > 1 else types
    functions = FUNCTIONS.replace(" return", "\n    return").replace("{ let", "{\n    let")
    functions = functions.replace("/ n }", "/ n\n}")
    text = f"{functions}export def f({params}) -> {declared} = {expression}"
    for got, wanted in zip(run(text, *INPUTS.values()), results, strict=True):
        equal(got, wanted)


@pytest.mark.parametrize("expression", SUBSCRIPTS)
def test_a_subscript_is_that_of_numpy(expression: str) -> None:
    names = {k: v for k, v in {**INPUTS, "newaxis": None, "J": J}.items()}
    expected = np.asarray(eval(expression, names))
    check(expression.replace("J[0]", "2"), expected, **INPUTS)


SYMBOLIC = [
    ("x[n - 1]", "f32", lambda x: x[-1]), ("x[1:]", "f32[n - 1]", lambda x: x[1:]),
    ("x[1:n - 1]", "f32[n - 2]", lambda x: x[1:-1]), ("x[:-2]", "f32[n - 2]", lambda x: x[:-2]),
    ("x[::2]", "f32[(n + 1) // 2]", lambda x: x[::2]), ("x[::-1]", "f32[n]", lambda x: x[::-1]),
    ("x[1::3]", "f32[(n + 1) // 3]", lambda x: x[1::3]), ("x[n // 2:]", "f32[n - n // 2]",
    lambda x: x[len(x) // 2:]), ("x[-3:]", "f32[3]", lambda x: x[-3:]),
    ("concat([x[1:], x[:1]])", "f32[n]", lambda x: np.roll(x, -1)),
    ("[x[i] + x[n - 1 - i] for i]", "f32[n]", lambda x: x + x[::-1]),
    ("[x[i + 1] - x[i] for i < n - 1]", "f32[n - 1]", np.diff),
    ("[sum[k < 3](x[i + k]) for i < n - 2]", "f32[n - 2]",
     lambda x: x[:-2] + x[1:-1] + x[2:]), ("[sum(x[i:i + 3]) for i < n - 2]", "f32[n - 2]",
     lambda x: x[:-2] + x[1:-1] + x[2:]), ("[x[i // 2] for i < 2*n]", "f32[2*n]",
     lambda x: np.repeat(x, 2)), ("[x[2*i] for i < (n + 1) // 2]", "f32[(n + 1) // 2]", lambda x:
         x[::2]),
    ("[if i < n - 1 then x[i + 1] else 0 for i < n]", "f32[n]", lambda x: np.append(x[1:], 0)),
    ("x.reshape([n, 1]) @ x.reshape([1, n])", "f32[n, n]", lambda x: np.outer(x, x)),
    ("tril(outer(x, x))", "f32[n, n]", lambda x: np.tril(np.outer(x, x))),
]  # fmt: skip


@pytest.mark.parametrize("expression, result, expected", SYMBOLIC, ids=[s[0] for s in SYMBOLIC])
@pytest.mark.parametrize("n", [4, 7])
def test_symbolic_sizes_bound_at_run_time(
    expression: str, result: str, expected: Callable[..., np.ndarray], n: int
) -> None:
    x = RNG.normal(size=n).astype(np.float32)
    (got,) = run(f"export def f(x: f32[n]) -> {result} = {expression}", x)
    equal(got, np.asarray(expected(x), np.float32))


@pytest.mark.parametrize(
    "expression, result, inputs, text", OUTSIDE, ids=[f"{o[0]} {o[2]}" for o in OUTSIDE]
)
def test_a_read_outside_fails_the_call_with_the_index(
    expression: str, result: str, inputs: Sequence[Any], text: str
) -> None:
    program = f"export def f(x: f32[n], i: i32) -> {result} = {expression}"
    failure = call(program, np.zeros(4, np.float32), *np.asarray(inputs, np.int32)).failure
    assert failure is not None and (failure.kind, failure.message) == ("bounds", text)


def test_the_message_of_a_gather_has_the_index_of_its_index() -> None:
    text = """
export def nll(logp: f32[n, 10], y: i32[n]) -> f32 = -mean([logp[i, y[i]] for i])
"""
    y = np.array([3, 9, 77], np.int32)
    failure = call(text, np.zeros((3, 10), np.float32), y, function="nll").failure
    assert failure is not None
    assert failure.message == "index y[2] = 77 is outside dimension 1 of logp (size 10)"


def test_reads_that_are_not_wanted_cannot_fail() -> None:
    """The guard depends on another variable than the position does."""
    text = """
export def f(x: f32[n], j: i32[m], use: bool[k]) -> f32[m, k] =
    [if use[b] then x[j[a]] else -1 for a, b]
"""
    x, j = np.arange(3, dtype=np.float32), np.array([0, 99], np.int32)
    (got,) = run(text, x, j, np.zeros(2, bool))
    np.testing.assert_array_equal(got, np.full((2, 2), -1))
    failure = call(text, x, j, np.array([False, True])).failure
    assert failure is not None
    assert failure.message == "index j[1] = 99 is outside dimension 0 of x (size 3)"


def test_an_empty_range_reads_nothing() -> None:
    text = "export def f(x: f32[n], m: i32[k]) -> f32[k] = [x[i + 3] + f32(m[i]) for i < k]"
    assert run(text, np.zeros(0, np.float32), np.zeros(0, np.int32))[0].shape == (0,)


def test_a_variable_that_is_used_in_a_guard_does_not_run_past_the_end() -> None:
    text = """
export def f(Q: f32[T, n], reward: f32[n]) -> f32[T, n] =
    [if t == T - 1 then reward[i] else 2 * Q[t + 1, i] for t < T, i]
"""
    Q, reward = RNG.normal(size=(3, 2)).astype(np.float32), np.ones(2, np.float32)
    np.testing.assert_allclose(run(text, Q, reward)[0], np.append(2 * Q[1:], [[1, 1]], axis=0))
