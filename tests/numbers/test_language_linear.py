"""`solve`, `inv`, `det` and their relatives against NumPy: stacks, index notation, derivatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from language import call, check, program, run

import irc

RNG = np.random.default_rng(11)
A = RNG.normal(size=(4, 4)) + 3 * np.roll(np.eye(4), 1, axis=1)
S = A @ A.T + np.eye(4)
T = np.tril(A) + 4 * np.eye(4)
STACK = RNG.normal(size=(3, 4, 4)) + 2 * np.eye(4)
V, M, VS = RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=(3, 4))
GIVEN = {"a": A, "s": S, "t": T, "c": STACK, "v": V, "m": M, "w": VS}
L = np.linalg.cholesky
STACK_S = STACK @ STACK.transpose(0, 2, 1) + np.eye(4)

CASES: list[tuple[str, Any]] = [
    ("solve(a, v)", np.linalg.solve(A, V)),
    ("solve(a, m)", np.linalg.solve(A, M)),
    ("solve(c, w)", np.linalg.solve(STACK, VS[..., None])[..., 0]),
    ("solve(c, c)", np.broadcast_to(np.eye(4), (3, 4, 4)).copy()),
    ("[solve(c[i], v) for i]", np.linalg.solve(STACK, V)),
    ("[solve(a, w[i]) for i]", np.linalg.solve(A, VS.T).T),
    ("solve(a.T, a.T @ v)", V),
    ("inv(a)", np.linalg.inv(A)), ("inv(c)", np.linalg.inv(STACK)),
    ("det(a)", np.linalg.det(A)), ("det(c)", np.linalg.det(STACK)), ("det(a - a)", 0.0),
    ("[det(c[i, :3, 1:]) for i]", np.linalg.det(STACK[:, :3, 1:])),
    ("logdet(a)", np.linalg.slogdet(A)[1]), ("logdet(c)", np.linalg.slogdet(STACK)[1]),
    ("logdet(0 * a)", -np.inf),
    ("slogdet(c)", tuple(np.linalg.slogdet(STACK))),
    ("slogdet(-a)", tuple(map(np.asarray, np.linalg.slogdet(-A)))),
    ("slogdet(0 * a)", (np.float64(0), np.float64(-np.inf))),
    ("cholesky(s)", L(S)), ("cholesky(c @ [c[i].T for i] + eye(4))", L(STACK_S)),
    ("cholesky(s + a - a.T)", L(S)),
    ("triangular_solve(t, v)", np.linalg.solve(T, V)),
    ("triangular_solve(t, m, transpose=true)", np.linalg.solve(T.T, M)),
    ("triangular_solve(a + 4 * eye(4), m, lower=false)",
     scipy.linalg.solve_triangular(A + 4 * np.eye(4), M)),
    ("triangular_solve(a, m, unit=true)",
     scipy.linalg.solve_triangular(A, M, lower=True, unit_diagonal=True)),
    ("det(a[0:0, 0:0])", 1.0), ("solve(a[0:0, 0:0], v[0:0])", np.zeros(0)),
    ("inv(a[0:1, 0:1])", 1 / A[:1, :1]), ("cholesky(s[0:1, 0:1])", np.sqrt(S[:1, :1])),
]  # fmt: skip


@pytest.mark.parametrize("expression, expected", CASES, ids=[c[0] for c in CASES])
def test_the_value_is_that_of_numpy(expression: str, expected: Any) -> None:
    check(expression, expected, **{k: x for k, x in GIVEN.items() if k in expression})


def test_in_f32() -> None:
    expected = np.linalg.solve(A, V).astype(np.float32)
    (found,) = run(
        "export def f(a: f32[n, n], v: f32[n]) -> f32[n] = solve(a, v)",
        A.astype(np.float32), V.astype(np.float32),
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def differences(f: Callable[[np.ndarray], float], x: np.ndarray) -> np.ndarray:
    """Central differences of f at x."""
    gradient = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        gradient[at] = (f(x + step) - f(x - step)) / 2e-6
    return gradient


COSTS = [
    "sum(solve(a, v) ** 2)", "sum(solve(a, m) * m)", "sum(inv(a) ** 2)", "det(a)", "logdet(a) ** 2",
    "slogdet(a)[1]", "sum(cholesky(a @ a.T + eye(4)) ** 3)", "sum(cholesky(a @ a.T))",
    "sum(triangular_solve(a, m, lower=false) ** 2)",
    "v @ solve(cholesky(a @ a.T + eye(4)), v)", "det(a[:3, :3]) * det(a[1:, 1:])",
    "logdet(a @ a.T) + v @ solve(a @ a.T + eye(4), v)",
]  # fmt: skip


@pytest.mark.parametrize("cost", COSTS)
def test_derivatives(cost: str) -> None:
    """The first, and of its square sum the second."""
    p = program(f"""
def cost(a: f64[4, 4], v: f64[4], m: f64[4, 2]) -> f64 = {cost}
export def f(a: f64[4, 4], v: f64[4], m: f64[4, 2]) -> f64 = cost(a, v, m)
export def g(a: f64[4, 4], v: f64[4], m: f64[4, 2]) -> f64[4, 4] = grad(cost(a, v, m), wrt=a)
export def f2(a: f64[4, 4], v: f64[4], m: f64[4, 2]) -> f64 = sum(grad(cost(a, v, m), wrt=a) ** 2)
export def g2(a: f64[4, 4], v: f64[4], m: f64[4, 2]) -> f64[4, 4] {{
    return grad(sum(grad(cost(a, v, m), wrt=a) ** 2), wrt=a)
}}""")
    for value, gradient in (("f", "g"), ("f2", "g2")):
        (found,) = p.run(gradient, [A, V, M]).results
        expected = differences(
            lambda x, value=value: float(p.run(value, [x, V, M]).results[0]),
            A,  # type: ignore[misc]
        )
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


def test_the_derivative_of_cholesky_is_symmetric() -> None:
    text = "export def f(s: f64[n, n]) -> f64[n, n] = grad(sum(cholesky(s) ** 3), wrt=s)"
    (g,) = run(text, S)
    np.testing.assert_allclose(g, g.T, rtol=1e-13)


FAILURES = [
    ("solve(a, v)", {"a": np.zeros((4, 4)), "v": V}, "singular matrix: pivot 0 of a is 0"),
    ("inv(a + a)", {"a": np.ones((3, 3))}, "singular matrix: pivot 1 of a + a is 0"),
    ("inv(c)", {"c": STACK * np.array([1, 1, 0])[:, None, None]},
     "singular matrix: pivot 0 of c at [2] is 0"),
    ("[sum(inv(c[i])) for i]", {"c": STACK * np.array([1, 0, 1])[:, None, None]},
     "singular matrix: pivot 0 of c[i] is 0 (i = 1)"),
    ("triangular_solve(a, v)", {"a": np.diag([1.0, 2, 0, 3]), "v": V},
     "singular matrix: pivot 2 of a is 0"),
    ("cholesky(s)", {"s": np.diag([1.0, -2, 3])},
     "matrix not positive definite: pivot 1 of s is not above 0"),
    ("cholesky(s)", {"s": np.full((2, 2), np.nan)},
     "matrix not positive definite: pivot 0 of s is not above 0"),
]  # fmt: skip


@pytest.mark.parametrize("expression, given, message", FAILURES, ids=[f[0] for f in FAILURES])
def test_without_a_solution_the_call_fails(
    expression: str, given: dict[str, np.ndarray], message: str
) -> None:
    params = ", ".join(f"{k}: f64[{', '.join(map(str, x.shape))}]" for k, x in given.items())
    text = f"export def f({params}) -> f64 = sum({expression})"
    failure = call(text, *given.values()).failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("bounds", message)


def test_a_branch_that_is_not_taken_does_not_fail() -> None:
    text = """export def f(c: f64[k, 2, 2]) -> f64[k] {
    return [if c[i, 0, 0] > 0 then sum(inv(c[i])) else 0.0 for i]
}"""
    c = np.stack([2 * np.eye(2), np.zeros((2, 2))])
    np.testing.assert_array_equal(run(text, c)[0], [1, 0])


@pytest.mark.cc
def test_without_checks_what_is_singular_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "m.irc"
    path.write_text(
        "export def f(a: f64[n, n], v: f64[n]) -> (f64[n], f64[n, n]) = (solve(a, v), cholesky(a))"
    )
    module = irc.compile(path, check="none")
    x, lower = module.f(np.diag([1.0, 0, 2]), np.ones(3))
    assert not np.isfinite(x[1]) and x[2] == 0.5
    assert np.isfinite(lower[:2]).all() and not np.isfinite(lower[2, 1:]).any()
    _, lower = module.f(-np.eye(2), np.ones(2))
    np.testing.assert_array_equal(np.isnan(lower), [[True, False], [True, True]])
