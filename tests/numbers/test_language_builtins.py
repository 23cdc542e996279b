"""
Every function of the language against NumPy: names, dtypes, shapes, axes, methods.

That each elementwise op computes what NumPy does, special values included, is the business of
test_nd_scalars.py; here it is reached by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from language import check, run, type_of
from scipy import special

from irc.frontend.analysis.builtins import BUILTINS

RNG = np.random.default_rng(7)
X = RNG.normal(size=(3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 4)).astype(np.float32)
K = RNG.integers(0, 4, (3, 4)).astype(np.int32)
MASK = X > 0
CUBE = RNG.normal(size=(2, 3, 4)).astype(np.float64)
DRAWN = {"uniform", "normal", "bernoulli", "randint", "permutation"}  # test_language_draws.py
DRAWN |= {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal"}
DRAWN |= {"lecun_uniform", "orthogonal"}
ELSEWHERE = DRAWN | {"grad", "stop_gradient"}  # test_language_derivatives.py
ELSEWHERE |= {"vjp", "jvp", "jacobian", "hessian"}  # test_language_directions.py
# test_convolution.py
ELSEWHERE |= {f"conv{d}d{kind}" for d in (1, 2, 3) for kind in ("", "_transpose")}
ELSEWHERE |= {f"{kind}_pool{d}d" for d in (1, 2, 3) for kind in ("max", "avg")}
# test_language_arrays.py
ELSEWHERE |= {"argsort", "cumprod", "cumsum", "einsum", "median", "norm", "pad", "repeat", "roll"}
ELSEWHERE |= {"softmin", "sort", "tile", "top_k"}
# test_language_linear.py
ELSEWHERE |= {"cholesky", "det", "inv", "logdet", "slogdet", "solve", "triangular_solve"}

UNARY: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "sign": np.sign, "square": np.square, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "sin": np.sin, "cos": np.cos, "tan": np.tan, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "cbrt": np.cbrt,
    "erf": special.erf, "erfc": special.erfc, "lgamma": special.gammaln, "digamma": special.psi,
    "sigmoid": special.expit, "softplus": lambda x: np.logaddexp(x, 0),
    "log_sigmoid": lambda x: -np.logaddexp(-x, 0), "relu": lambda x: np.maximum(x, 0),
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "zeros_like": np.zeros_like, "ones_like": np.ones_like,
}  # fmt: skip
POSITIVE: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "reciprocal": lambda x: 1 / x,
    "acosh": lambda x: np.arccosh(1 + x), "asin": lambda x: np.arcsin(x / 4),
    "erfinv": lambda x: special.erfinv(x / 4),
    "acos": lambda x: np.arccos(x / 4), "atanh": lambda x: np.arctanh(x / 4),
}  # fmt: skip
ARGUMENT = {"acosh": "1 + x", "asin": "x / 4", "acos": "x / 4", "atanh": "x / 4", "erfinv": "x / 4"}
BINARY: dict[str, Callable[..., Any]] = {
    "maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin,
    "atan2": np.arctan2, "copysign": np.copysign,
}  # fmt: skip
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "max": np.max, "min": np.min,
    "var": np.var, "std": np.std,
}  # fmt: skip


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return special.softmax(x, axis=axis).astype(x.dtype)


# Function -> expressions in x, y, k, mask, cube (as above), each with its value.
CASES: dict[str, list[tuple[str, Any]]] = {
    "zeros": [("zeros([2, 3])", np.zeros((2, 3), np.float32)),
              ("zeros([3], dtype=i64)", np.zeros(3, np.int64)),
              ("zeros(shape(x)) + x", X), ("zeros([])", np.float32(0)),
              ("f64(zeros(2))", np.zeros(2))],
    "ones": [("ones((2, 1))", np.ones((2, 1), np.float32)), ("ones([4]) * x", X),
             ("ones([2], dtype=bool)", np.ones(2, bool))],
    "full": [("full([2], 1.5)", np.full(2, 1.5, np.float32)),
             ("full([2], x[0, 0])", np.full(2, X[0, 0])),
             ("full([2], 3, dtype=u8)", np.full(2, 3, np.uint8)),
             ("full([3, 4], 3) + k", K + 3)],
    "eye": [("eye(3)", np.eye(3, dtype=np.float32)), ("eye(2, 3, dtype=i32)",
            np.eye(2, 3, dtype=np.int32))],
    "arange": [("arange(4)", np.arange(4)), ("arange(-3, 4, 2, dtype=i32)",
               np.arange(-3, 4, 2, dtype=np.int32)), ("arange(5, 0, -2)", np.arange(5, 0, -2)),
               ("x[0] + arange(4)", X[0] + np.arange(4, dtype=np.float32)),
               ("arange(4, 1)", np.arange(0))],
    "linspace": [("linspace(0, 1, 5)", np.linspace(0, 1, 5, dtype=np.float32)),
                 ("linspace(1, x[0, 0], 3)", np.linspace(1, X[0, 0], 3, dtype=np.float32)),
                 ("linspace(2, 3, 1)", np.array([2], np.float32))],
    "shift_left": [("shift_left(k, 2)", K << 2)],
    "shift_right": [("shift_right(k, 1)", K >> 1)],
    "xor": [("xor(k, 3)", K ^ 3), ("xor(mask, x < 1)", MASK ^ (X < 1))],
    "clip": [("clip(x, -0.5, 0.5)", np.clip(X, -0.5, 0.5)), ("k.clip(1, 2)", np.clip(K, 1, 2)),
             ("clip(x, y, 1)", np.minimum(np.maximum(X, Y), 1))],
    "where": [("where(mask, x, y)", np.where(MASK, X, Y)), ("where(mask, x, 0)",
              np.where(MASK, X, np.float32(0))), ("where(mask[:, 0:1], 1.5, x)",
              np.where(MASK[:, :1], np.float32(1.5), X)), ("where(mask, 1, 0)",
              np.where(MASK, 1, 0)), ("where(x[0, 0] < 9, x, y)", X)],
    "cast": [("cast(x, i32)", X.astype(np.int32)), ("cast(mask, x)", MASK.astype(np.float32)),
             ("k.cast(f64)", K.astype(np.float64)), ("cast(x, bool)", X != 0)],
    "astype": [("x.astype(f64)", X.astype(np.float64))],
    "any": [("any(mask)", MASK.any()), ("any(mask, axis=1)", MASK.any(1)),
            ("mask.any(axis=0, keepdims=true)", MASK.any(0, keepdims=True))],
    "all": [("all(mask)", MASK.all()), ("mask.all(axis=-1)", MASK.all(-1))],
    "argmax": [("argmax(x)", np.int32(X.argmax())), ("x.argmax(axis=0)",
               X.argmax(0).astype(np.int32)), ("argmax(cube, axis=-1)",
               CUBE.argmax(-1).astype(np.int32))],
    "argmin": [("argmin(x)", np.int32(X.argmin())), ("argmin(k, axis=1)",
               K.argmin(1).astype(np.int32))],
    "shape": [("zeros(shape(x)[0]) + x[:, 0]", X[:, 0]), ("i64(x.shape[1])", np.int64(4)),
              ("zeros(cube.shape[1:])", np.zeros((3, 4), np.float32)),
              ("i64(shape(cube)[-1])", np.int64(4))],
    "size": [("i64(size(x))", np.int64(12)), ("i64(x.size(axis=1))", np.int64(4)),
             ("sum(x) / size(x)", X.mean())],
    "ndim": [("i64(ndim(cube))", np.int64(3)), ("i64(x.ndim)", np.int64(2))],
    "reshape": [("x.reshape([4, 3])", X.reshape(4, 3)), ("reshape(x, [2, -1])",
                X.reshape(2, -1)), ("x.reshape([-1])", X.reshape(-1)),
                ("reshape(x, shape(y))", X), ("x[0, 0].reshape([1, 1])", X[:1, :1])],
    "flatten": [("x.flatten()", X.ravel())],
    "ravel": [("ravel(cube)", CUBE.ravel())],
    "squeeze": [("squeeze(x[0:1], 0)", X[0]), ("x[:, 2:3].squeeze(axis=-1)", X[:, 2])],
    "expand_dims": [("expand_dims(x, 0)", X[None]), ("x.expand_dims(-1)", X[..., None]),
                    ("expand_dims(x, 1)", X[:, None])],
    "T": [("x.T", X.T), ("cube.T", CUBE.T), ("x[0].T", X[0])],
    "transpose": [("transpose(x)", X.T), ("transpose(cube, (1, 2, 0))",
                  CUBE.transpose(1, 2, 0)), ("cube.transpose((0, -1, 1))",
                  CUBE.transpose(0, 2, 1)), ("transpose(x, [1, 0])", X.T)],
    "flip": [("flip(x, 0)", X[::-1]), ("x.flip(axis=-1)", X[:, ::-1])],
    "concat": [("concat([x, y])", np.concatenate([X, Y])), ("concat([x, y, x], axis=-1)",
               np.concatenate([X, Y, X], 1)), ("concat((x[0:0], y), axis=0)", Y),
               ("concat([[1, 2], x[0]])", np.concatenate([np.float32([1, 2]), X[0]]))],
    "stack": [("stack([x, y])", np.stack([X, Y])), ("stack([x, y], axis=-1)",
              np.stack([X, Y], -1)), ("stack((x, y), axis=1)", np.stack([X, Y], 1)),
              ("stack([x[0, 0], 1])", np.stack([X[0, 0], np.float32(1)]))],
    "polygamma": [("polygamma(2, x)", special.polygamma(2, X).astype(np.float32)),
                  ("polygamma(order=1, x=cube)", special.polygamma(1, CUBE))],
    "outer": [("outer(x[0], y[:, 1])", np.outer(X[0], Y[:, 1]))],
    "dot": [("dot(x, y.T)", X @ Y.T), ("x[0].dot(y[1])", X[0] @ Y[1])],
    "tril": [("tril(x)", np.tril(X)), ("tril(cube, 1)", np.tril(CUBE, 1))],
    "triu": [("triu(k, -1)", np.triu(K, -1)), ("x.triu()", np.triu(X))],
    "diag": [("diag(x[:, 0:3])", np.diag(X[:, :3])), ("diag(x)", np.diag(X)),
             ("diag(x[0])", np.diag(X[0])), ("diag(k[0])", np.diag(K[0]))],
    "one_hot": [("one_hot(k[0], 4)", np.eye(4, dtype=np.float32)[K[0]]),
                ("k.one_hot(4)", np.eye(4, dtype=np.float32)[K]),
                ("one_hot([2, 0], 4)", np.eye(4, dtype=np.float32)[[2, 0]]),
                ("one_hot(1, 4)", np.eye(4, dtype=np.float32)[1])],
    "softmax": [("softmax(x)", softmax(X, -1)), ("softmax(x, axis=0)", softmax(X, 0)),
                ("softmax(1000 * x)", softmax(1000 * X, -1))],
    "log_softmax": [("log_softmax(cube, axis=1)", special.log_softmax(CUBE, axis=1))],
    "logsumexp": [("logsumexp(x, axis=1)", special.logsumexp(X, axis=1)),
                  ("logsumexp(cube, axis=0, keepdims=true)",
                   special.logsumexp(CUBE, axis=0, keepdims=True)),
                  ("logsumexp(x * 0 - inf)", np.full(3, -np.inf, np.float32))],
}  # fmt: skip
CASES["var"] = [("var(x, ddof=1)", X.var(ddof=1)), ("x.var(axis=(0, 1))", X.var())]
CASES["std"] = [("std(cube, axis=1, ddof=1)", CUBE.std(1, ddof=1))]
CASES["max"] = [("max(x, 0)", np.maximum(X, 0)), ("max(x[0], y)", np.maximum(X[0], Y)),
                ("max(1, k)", np.maximum(1, K)), ("x.max(y)", np.maximum(X, Y))]  # fmt: skip
CASES["min"] = [("min(1.0, x[0, 0])", np.minimum(np.float32(1), X[0, 0]))]
for name, f in REDUCTIONS.items():
    CASES.setdefault(name, [])
    CASES[name] += [
        (f"{name}(x)", f(X)), (f"{name}(x, axis=1)", f(X, axis=1)),
        (f"x.{name}(axis=-2)", f(X, axis=0)),
        (f"{name}(cube, axis=(0, 2))", f(CUBE, axis=(0, 2))),
        (f"cube.{name}(axis=(-1, 1), keepdims=true)", f(CUBE, axis=(1, 2), keepdims=True)),
        (f"{name}(x[0, 0])", f(X[0, 0])),
    ]  # fmt: skip
for name, f in UNARY.items():
    CASES[name] = [(f"{name}(x)", f(X)), (f"{name}(cube)", f(CUBE)), (f"{name}(x[0:0])", f(X[:0]))]
    if BUILTINS[name].as_method:
        CASES[name].append((f"x.{name}()", f(X)))
for name, f in POSITIVE.items():
    argument = ARGUMENT.get(name, "x").replace("x", "abs(x)")
    CASES[name] = [(f"{name}({argument})", f(np.abs(X)))]
for name, f in BINARY.items():
    CASES[name] = [(f"{name}(x, y)", f(X, Y)), (f"{name}(x, y[0])", f(X, Y[0])),
                   (f"{name}(x, 0.5)", f(X, np.float32(0.5))),
                   (f"{name}(2, x)", f(np.float32(2), X))]  # fmt: skip

FLAT = [(name, *case) for name, cases in CASES.items() for case in cases]


def test_every_function_has_cases() -> None:
    assert set(CASES) | ELSEWHERE == set(BUILTINS)


@pytest.mark.parametrize("name, expression, expected", FLAT, ids=[c[1] for c in FLAT])
def test_the_value_is_that_of_numpy(name: str, expression: str, expected: Any) -> None:
    assert name in expression
    check(expression, np.asarray(expected), x=X, y=Y, k=K, mask=MASK, cube=CUBE)


@pytest.mark.parametrize("dtype", ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16"])
def test_a_function_of_numbers_takes_every_dtype(dtype: str) -> None:
    numpy = np.dtype({"u": "uint", "i": "int", "f": "float"}[dtype[0]] + dtype[1:])
    x = np.arange(1, 7).reshape(2, 3).astype(numpy)
    expected = (
        np.maximum(x, x[0]), np.square(x), x.sum(0, dtype=numpy), x.max(1), np.where(x > 2, x, 0),
        x.argmax(1).astype(np.int32), np.tril(x), np.clip(x, 2, 4),
    )  # fmt: skip
    check(
        "max(x, x[0]), square(x), sum(x, axis=0), max(x, axis=1), where(x > 2, x, 0), "
        "argmax(x, axis=1), tril(x), clip(x, 2, 4)",
        expected, x=x,
    )  # fmt: skip


OPEN = [
    ("exp(1)", np.exp(1.0)), ("sqrt(2)", np.sqrt(2)), ("max(1, 2)", 2), ("abs(-3)", 3),
    ("sigmoid(0) + pi", 0.5 + np.pi), ("log(e)", 1.0), ("atan2(1, 2)", np.arctan2(1, 2)),
    ("min(n, 2)", 2), ("sqrt(n) * 2", 2 * np.sqrt(3)), ("clip(n, 0, 2)", 2),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
@pytest.mark.parametrize("expression, expected", OPEN, ids=[e for e, _ in OPEN])
def test_of_literals_it_takes_the_dtype_it_is_used_in(
    dtype: str, expression: str, expected: float
) -> None:
    text = (
        f"export def f(x: {dtype}[n]) -> {dtype}[n] {{\n"
        f"    let v = {expression}\n    let w = v\n    return w + x\n}}"
    )
    x = np.arange(3).astype(f"float{dtype[1:]}")
    (got,) = run(text, x)
    assert got.dtype == x.dtype
    digits = {"f16": 2e-3, "f32": 1e-6, "f64": 1e-14}[dtype]
    np.testing.assert_allclose(got.astype(np.float64), expected + np.arange(3), rtol=digits)


@pytest.mark.parametrize("size", ["n", "2*n + 1", "n // 2"])
def test_sizes_of_new_tensors_may_be_symbolic(size: str) -> None:
    text = (
        f"export def f(x: f32[n]) -> (f32[{size}], i64[{size}], f32[{size}, n], f64) {{\n"
        f"    let t = linspace(0, 1, {size})\n"
        f"    return ones([{size}]), arange({size}), eye({size}, n), sum(f64(t))\n}}"
    )
    n = 5
    k = eval(size)
    ones, counted, identity, total = run(text, np.zeros(n, np.float32))
    np.testing.assert_array_equal(ones, np.ones(k))
    np.testing.assert_array_equal(counted, np.arange(k))
    np.testing.assert_array_equal(identity, np.eye(k, n))
    np.testing.assert_allclose(total, np.linspace(0, 1, k).sum())


def test_records_are_taken_field_by_field() -> None:
    text = """
state p { W: f32[2, 3] = ones()  b: f32[3] = zeros() }
export def f() -> (f32[2, 3], f32[3]) {
    let r = max(sqrt(exp(p) + ones_like(p)), 0)
    return r.W, r.b
}""".replace("ones()  b", "ones()\n b")
    W, b = run(text)
    np.testing.assert_allclose(W, np.full((2, 3), np.sqrt(np.e + 1)), rtol=1e-6)
    np.testing.assert_allclose(b, np.full(3, np.sqrt(2)), rtol=1e-6)


def test_a_type_is_written_as_the_language_does() -> None:
    assert type_of(np.zeros((2, 3), np.uint8)) == "u8[2, 3]"
    assert type_of(np.asarray(True)) == "bool"
