"""`vjp`, `jvp`, `jacobian`, `hessian`, and derivatives in index notation."""

from __future__ import annotations

import numpy as np
import pytest
from language import program, run

RNG = np.random.default_rng(3)
X, V = RNG.uniform(0.2, 0.9, 3), RNG.normal(size=3)
A = RNG.normal(size=(3, 3))
Y = "let y = tanh(A @ x) * x[::-1] + sum(x ** 3)"


def value(x: np.ndarray) -> np.ndarray:
    return np.tanh(A @ x) * x[::-1] + (x**3).sum()


def slopes(f: object, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """The Jacobian by central differences, of shape shape(f(x)) + shape(x)."""
    columns = []
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = h
        columns.append((f(x + step) - f(x - step)) / (2 * h))  # type: ignore[operator]
    return np.stack(columns, axis=-1).reshape((*np.shape(columns[0]), *x.shape))


J = slopes(value, X)


def test_products_with_the_jacobian_and_all_of_it() -> None:
    text = f"""
export def f(x: f64[n], A: f64[n, n], v: f64[n]) -> (f64[n], f64[n]) {{
    {Y}
    return vjp(y, wrt=x, cotangent=v), jvp(y, wrt=x, tangent=v)
}}
export def g(x: f64[3], A: f64[3, 3]) -> f64[3, 3] {{
    {Y}
    return jacobian(y, wrt=x)
}}"""
    p = program(text)
    back, forth = p.run("f", [X, A, V]).results
    np.testing.assert_allclose(back, V @ J, rtol=1e-7)
    np.testing.assert_allclose(forth, J @ V, rtol=1e-7)
    np.testing.assert_allclose(p.run("g", [X, A]).results[0], J, rtol=1e-7)


def test_a_jacobian_has_the_axes_of_the_value_and_then_those_of_wrt() -> None:
    """By rows when `wrt` has more elements, by columns when it has fewer."""
    text = """
export def wide(x: f64[2, 3], w: f64[2]) -> f64[2, 2, 3] = jacobian(exp(x) @ [1, 2, 3] * w, wrt=x)
export def tall(x: f64[2], w: f64[4, 3]) -> f64[2, 4, 3, 2] {
    let y = stack([x[0] * w, x[1] ** 2 * w])
    return jacobian(y, wrt=x)
}
export def one(x: f64, w: f64[4]) -> f64[4] = jacobian(sin(x) * w, wrt=x)
export def of_one(x: f64[4]) -> f64[4] = jacobian(sum(x ** 2), wrt=x)"""
    p = program(text)
    x, w, u = RNG.normal(size=(2, 3)), RNG.normal(size=2), RNG.normal(size=(4, 3))
    k = np.arange(1.0, 4)
    expected = np.einsum("ij,jl,i->ijl", np.eye(2), np.exp(x) * k, w)
    np.testing.assert_allclose(p.run("wide", [x, w]).results[0], expected)
    tall = slopes(lambda w: np.stack([w[0] * u, w[1] ** 2 * u]), w)
    np.testing.assert_allclose(p.run("tall", [w, u]).results[0], tall, atol=1e-8)
    one = np.cos(0.3) * np.arange(4.0)
    np.testing.assert_allclose(p.run("one", [np.float64(0.3), np.arange(4.0)]).results[0], one)
    np.testing.assert_allclose(p.run("of_one", [np.arange(4.0)]).results[0], 2 * np.arange(4.0))


def test_a_hessian_is_symmetric_and_that_of_differences() -> None:
    text = f"""
export def f(x: f64[3], A: f64[3, 3]) -> (f64[3, 3], f64[3]) {{
    {Y}
    let c = sum(y * y)
    return hessian(c, wrt=x), grad(c, wrt=x)
}}"""
    p = program(text)
    h, _ = p.run("f", [X, A]).results
    np.testing.assert_allclose(h, h.T, rtol=1e-12)
    np.testing.assert_allclose(h, slopes(lambda x: p.run("f", [x, A]).results[1], X), rtol=1e-6)


def test_records_and_tuples_keep_their_structure() -> None:
    text = """
state p {
    a: f64[2] = full([2], 0.5)
    b: f64    = full([], 2)
}
export def f(x: f64[2]) -> (f64[2, 2], f64[2], f64[2], f64, f64[2], f64) {
    let y = x * p.a * p.b
    let j = jacobian(y, wrt=p)
    let g = vjp((y, sum(y)), wrt=p, cotangent=(x, 3))
    let t = jvp((y, sum(y)), wrt=(p, x), tangent=(p * 0 + 1, x))
    let moved, total = t
    return j.a, j.b, g.a, g.b, moved, total
}
export def h(x: f64[2]) -> (f64[2, 2], f64[2], f64[2], f64) {
    let c = sum(x * p.a) ** 2 * p.b
    let h = hessian(c, wrt=p)
    return h.a.a, h.a.b, h.b.a, h.b.b
}
export def k(x: f64[2], y: f64) -> (f64[2, 2], f64[2], f64[2], f64) {
    let first, second = hessian(sum(x) ** 2 * y, wrt=(x, y))
    let xx, xy = first
    let yx, yy = second
    return xx, xy, yx, yy
}"""
    x = np.array([3.0, 4.0])
    p = program(text)
    ja, jb, ga, gb, moved, total = p.run("f", [x]).results
    np.testing.assert_allclose(ja, np.diag(2 * x))
    np.testing.assert_allclose(jb, 0.5 * x)
    np.testing.assert_allclose(ga, 2 * x * (x + 3))
    np.testing.assert_allclose(gb, (0.5 * x * (x + 3)).sum())
    np.testing.assert_allclose(moved, 2 * x + 0.5 * x + x)
    np.testing.assert_allclose(total, moved.sum())
    aa, ab, ba, bb = p.run("h", [x]).results
    np.testing.assert_allclose(aa, 4 * np.outer(x, x))
    np.testing.assert_allclose(ab, 2 * 3.5 * x)
    np.testing.assert_allclose(ba, ab)
    assert bb == 0
    xx, xy, yx, yy = p.run("k", [x, np.float64(5)]).results
    np.testing.assert_allclose(xx, np.full((2, 2), 10))
    np.testing.assert_allclose(xy, [14, 14])
    np.testing.assert_allclose(yx, [14, 14])
    assert yy == 0


def test_constants_are_held_in_each_of_them() -> None:
    text = """
export def f(x: f64[2]) -> (f64[2], f64[2], f64[2, 2], f64[2, 2], f64[2], f64[2]) {
    let h = x * x
    let y = h * x
    let held = stop_gradient(h) * x
    return vjp(y, wrt=x, cotangent=x, consts=h), jvp(y, wrt=x, tangent=x, consts=(h,)),
        jacobian(y, wrt=x, consts=h), hessian(sum(y), wrt=x, consts=h, disconnected="zero"),
        jvp(held, wrt=x, tangent=x), vjp(held, wrt=x, cotangent=x)
}"""
    x = np.array([2.0, 3.0])
    back, forth, j, h, stopped, stopped_back = run(text, x)
    for found in (back, forth, stopped, stopped_back):
        np.testing.assert_allclose(found, x**3)
    np.testing.assert_allclose(j, np.diag(x**2))
    np.testing.assert_allclose(h, np.zeros((2, 2)))


def test_what_does_not_depend_is_zero_when_that_is_said() -> None:
    text = """
export def f(x: f64[2], w: f64[3]) -> (f64[3], f64[2], f64[2, 3], f64[3, 3]) {
    return vjp(x * x, wrt=w, cotangent=x, disconnected="zero"),
        jvp(x * x, wrt=w, tangent=w, disconnected="zero"),
        jacobian(x * x, wrt=w, disconnected="zero"),
        hessian(sum(x), wrt=w, disconnected="zero")
}"""
    for found in run(text, np.ones(2), np.ones(3)):
        assert not found.any()


def test_derivatives_of_derivatives() -> None:
    """The example of the manual: a product with the Hessian in three ways."""
    text = """
export def f(W: f64[3], v: f64[3]) -> (f64[3], f64[3], f64[3], f64, f64[3]) {
    let c = sum(tanh(W) ** 2)
    let g = grad(c, wrt=W)
    let along = jvp(c, wrt=W, tangent=v)
    return grad(sum(g * v), wrt=W), jvp(g, wrt=W, tangent=v), hessian(c, wrt=W) @ v, along,
        grad(along, wrt=W)
}"""
    back, forth, product, along, again = run(text, X, V)
    np.testing.assert_allclose(forth, back)
    np.testing.assert_allclose(product, back)
    np.testing.assert_allclose(again, back)
    np.testing.assert_allclose(along, (2 * np.tanh(X) * (1 - np.tanh(X) ** 2)) @ V)


INSIDE = [
    # each row by itself: one pass for all
    ("[d(x[i], w) for i]", "2 * x * w + x * 0"),
    # by what the rows share: one row of a Jacobian for each index
    ("[dw(x[i], w) for i]", "x * x"),
    ("[grad(sum(x[i] ** 2 * w), wrt=x) for i]", "np.einsum('ij,ik->ijk', np.eye(2), 2 * x * w)"),
    ("[vjp(x * w, wrt=w, cotangent=m[i]) for i]", "np.einsum('iab,ab->ib', m, x)"),
    ("[jvp(x * w, wrt=w, tangent=v[i]) for i]", "x * v[:, None]"),
    ("[jvp(sum(x[i] * w), wrt=w, tangent=v[i]) for i]", "(x * v).sum(1)"),
    ("[jvp(x[i] * w, wrt=w, tangent=v[j]) for i, j]", "x[:, None] * v"),
    ("[vjp(x[i] * w, wrt=w, cotangent=v[j]) for i, j]", "x[:, None] * v"),
    ("[vjp(x[j] * w, wrt=w, cotangent=v[i] * x[j]) for i, j]", "x * x * v[:, None]"),
    ("[jacobian(x[i] * w, wrt=w) for i]", "np.einsum('ij,jk->ijk', x, np.eye(3))"),
    ("[sum(hessian(sum(x[i] * w ** 2), wrt=w)) for i]", "2 * x.sum(1)"),
    ("[[grad(x[i, j] * sum(w), wrt=w) for j] for i]", "x[:, :, None] * np.ones(3)"),
    # what a cost has from all of x is not from x[i]
    ("[beside(x[i], sum(x)) for i]", "2 * x"),
    ("[across(x[i], x) for i]", "2 * x"),
    ("[mine(x[i]) for i]", "np.einsum('ij,jk->ijk', 3 * x ** 2, np.eye(3))"),
]


@pytest.mark.parametrize("text, expected", INSIDE, ids=[text for text, _ in INSIDE])
def test_inside_index_notation(text: str, expected: str) -> None:
    x, w, v = RNG.normal(size=(2, 3)), RNG.normal(size=3), RNG.normal(size=(2, 3))
    m = RNG.normal(size=(4, 2, 3))
    names = {"np": np, "x": x, "w": w, "v": v, "m": m}
    wanted = eval(expected, names)  # noqa: S307
    dims = ", ".join(map(str, wanted.shape))
    source = f"""
def d(a, w) = grad(sum(a * a * w), wrt=a)
def dw(a, w) = grad(sum(a * a * w), wrt=w)
def beside(a: f64[k], s: f64) = grad(sum(a * a) + s, wrt=a)
def across(a, all) = grad(sum(a * a) + sum(all ** 3), wrt=a)
def mine(a) = jacobian(a ** 3, wrt=a)
export def f(x: f64[2, 3], w: f64[3], v: f64[2, 3], m: f64[4, 2, 3]) -> f64[{dims}] = {text}"""
    (found,) = run(source, x, w, v, m)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
