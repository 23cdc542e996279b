"""Operators: open literals, broadcasting, products, integers, records, conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from language import call, check, run

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4)).astype(np.float32)
D = RNG.normal(size=(3, 4))
K = np.arange(-6, 6, dtype=np.int32).reshape(3, 4)
U = np.arange(250, 254, dtype=np.uint8)
B = X > 0
INPUTS = {"x": X, "d": D, "k": K, "u": U, "b": B}


def f32(value: Any) -> np.ndarray:
    return np.asarray(value, np.float32)


CASES: dict[str, Any] = {
    "x + 1": X + 1, "1 - x": 1 - X, "2 * x": 2 * X, "x / 3": X / 3, "1 / d": 1 / D,
    "x // 0.5": X // f32(0.5), "x % 0.5": X % f32(0.5), "-x": -X, "--x": X,
    "k + 7": K + 7, "7 - k": 7 - K, "k * k": K * K, "k // 4": K // 4, "k % 4": K % 4,
    "k // -4": K // -4, "k % -4": K % -4, "u + 3": U + np.uint8(3), "u * u": U * U,
    "u - 255": U - np.uint8(255), "-k": -K,
    "x ** 2": X ** 2, "x ** 3": X ** 3, "x ** 4": X ** 4, "d ** 5": D ** 5, "d ** 1": D,
    "d ** 0": np.ones_like(D), "d ** -1": 1 / D, "abs(d) ** 0.5": np.abs(D) ** 0.5,
    "k ** 2": K ** 2, "2 ** d": 2 ** D, "x ** 2.0": X ** 2, "-x ** 2": -(X ** 2),
    "abs(x) ** x": np.abs(X) ** X, "2 ** 3 ** 2 + k": 512 + K,
    "x < 0": X < 0, "x >= x[0]": X >= X[0], "k == 3": K == 3, "k != k[1]": K != K[1],
    "0 < x < 1": (X > 0) & (X < 1), "b == (x > 0)": np.ones_like(B), "b != true": ~B,
    "x < inf": np.ones_like(B), "x == nan": np.zeros_like(B),
    "b and x < 1": B & (X < 1), "b or k > 0": B | (K > 0), "not b": ~B, "not not b": B,
    "b and true": B, "b or true": np.asarray(True), "false or b": B, "not (b or b)": ~B,
    "x + x[0]": X + X[0], "x * x[:, 0:1]": X * X[:, :1], "x[:, newaxis] - x": X[:, None] - X,
    "x[0:1] + x[:, 0:1]": X[:1] + X[:, :1], "x[0, 0] * x": X[0, 0] * X,
    "x + ones([4])": X + 1, "[1, 2, 3, 4] * k": np.arange(1, 5, dtype=np.int32) * K,
    "x * [1, 2, 3, 4]": X * f32([1, 2, 3, 4]), "d + [0.1, 0.2, 0.3, 0.4]": D + [.1, .2, .3, .4],
    "[x[0], x[1]]": X[:2], "[x[0, 0], 2, -1]": f32([X[0, 0], 2, -1]),
    "[[1, 2], [3, 4.5]] * 2": f32([[2, 4], [6, 9]]), "[true, false]": np.array([True, False]),
    "7 // 2 + k": 3 + K, "-7 // 2 + k": -4 + K, "-7 % 3 + k": 2 + K, "7 / 2 * d": 3.5 * D,
    "1e-3 * x": f32(1e-3) * X, "2.5f64 * d": 2.5 * D, "1_000 + k": 1000 + K,
    "pi * d": np.pi * D, "(1 + 2) * 3 * k": 9 * K, "-inf < x": np.ones_like(B),
    "x @ x.T": X @ X.T, "x @ x[0]": X @ X[0], "x[:, 0] @ x": X[:, 0] @ X, "x[0] @ x[1]":
        X[0] @ X[1],
    "k @ k.T": K @ K.T, "x.T @ x @ x[0]": X.T @ X @ X[0],
    "stack([x, x]) @ x.T": np.stack([X, X]) @ X.T, "x @ stack([x.T, x.T])": X @ np.stack([X.T] * 2),
    "stack([x, 2 * x]) @ stack([x.T, x.T])": np.stack([X, 2 * X]) @ np.stack([X.T, X.T]),
    "stack([x, x])[:, newaxis] @ stack([x.T, x.T, x.T])":
        np.stack([X, X])[:, None] @ np.stack([X.T] * 3),
    "stack([x, x]) @ x[0]": np.stack([X, X]) @ X[0], "x[0] @ stack([x.T, x.T])":
        X[0] @ np.stack([X.T, X.T]),
    "x[0:0] @ x.T": X[:0] @ X.T, "x[:, 0:0] @ x.T[0:0]": np.zeros((3, 3), np.float32),
    "[1, 2, 3, 4] @ d.T": np.array([1, 2, 3, 4]) @ D.T,
    "f64(x)": X.astype(np.float64), "i32(2.9 * x)": (f32(2.9) * X).astype(np.int32),
    "f32(b)": f32(B), "bool(k)": K != 0, "u8(k)": K.astype(np.uint8), "f16(x)":
        X.astype(np.float16),
    "i64(u)": U.astype(np.int64), "i8(300.5)": np.int8(127), "i32(nan)": np.int32(0),
    "f64(1) / 3": np.float64(1) / 3, "f32(1) / 3": f32(1) / f32(3),
    "if x[0, 0] > 9 then x else d32": f32(D), "if true then k else x": K,
    "if b[0, 0] then 1 else x[0, 0]": f32(1) if B[0, 0] else X[0, 0],
    "if x[0, 0] > 9 then (x, k) else (2 * x, k + 1)": (2 * X, K + 1),
    "if 1 < 2 < 3 then x else k": X,
    "if x[0, 0] > 9 then 1.5 else 2": f32(2),
}  # fmt: skip


@pytest.mark.parametrize("expression", CASES)
def test_an_operator_is_that_of_numpy(expression: str) -> None:
    expected = CASES[expression]
    if not isinstance(expected, tuple):
        expected = np.asarray(expected)
    check(expression, expected, "let d32 = f32(d)", **INPUTS)


LETS = [
    ("let a = 2", "a * d", 2 * D), ("let a = 2\nlet c = a / 4", "c * d", 0.5 * D),
    ("let a = 2", "a * k, a * x", (2 * K, 2 * X)), ("let a = [1, 2, 3, 4]", "a * k, a * d",
    (np.arange(1, 5, dtype=np.int32) * K, np.arange(1, 5) * D)),
    ("let a = ones([4]) / sqrt(2)", "a + d", D + 1 / np.sqrt(2)),
    ("let a = -zeros([4])", "a + k", K), ("let a = 3\nlet a = a + 1", "a * x", 4 * X),
    ("let a = 0.1", "a", f32(0.1)), ("let a = 3", "a", np.int64(3)),
    ("let a = if true then 1 else 2", "a + d", 1 + D),
    ("let a, c = (1, 2.5)", "a * k, c * d", (K, 2.5 * D)),
    ("let a = (1, 2)", "a[1] * d", 2 * D), ("let a: f64 = 1", "a / 3", np.float64(1) / 3),
    ("let a = max(2, 1)", "a * k, a * d", (2 * K, 2 * D)),
    ("let a = true", "a and b", B), ("let a = inf", "min(a, d)", D),
    ("let a = [0.5, 0.25]", "a[1] * d", 0.25 * D), ("let a = [[1, 2], [3, 4]]",
    "a[1] @ d[0:2]", np.array([3, 4]) @ D[:2]),
]  # fmt: skip


@pytest.mark.parametrize("lets, expression, expected", LETS, ids=[f"{a}; {b}" for a, b, _ in LETS])
def test_a_literal_takes_the_dtype_of_the_first_typed_operand(
    lets: str, expression: str, expected: Any
) -> None:
    if not isinstance(expected, tuple):
        expected = np.asarray(expected)
    check(expression, expected, lets, **INPUTS)


def test_what_stays_open_becomes_floatx() -> None:
    text = "type floatX = f64\nexport def f() -> (f64, i64) = (sum([0.1, 0.2]), sum([1, 2]))"
    floats, integers = run(text)
    assert floats == np.sum([0.1, 0.2]) and integers == 3


@pytest.mark.parametrize("dtype", ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"])
def test_integers_wrap(dtype: str) -> None:
    numpy = np.dtype({"i": "int", "u": "uint"}[dtype[0]] + dtype[1:])
    x = np.array([np.iinfo(numpy).max, np.iinfo(numpy).min], numpy)
    check("x + 1, x * x, x - 1", (x + numpy.type(1), x * x, x - numpy.type(1)), x=x)


def test_the_smallest_integer_by_minus_one_wraps() -> None:
    x = np.array([np.iinfo(np.int32).min], np.int32)
    check("x // -1, x % -1", (x, np.zeros_like(x)), x=x)


SIZES = [
    ("2*n + 1", 11), ("n // 2", 2), ("n % 3", 2), ("n ** 2", 25), ("-n + 6", 1), ("n * m", 15),
    ("(n + m) // 4", 2), ("min(n, m)", 3), ("max(n - m, 0)", 2), ("n // m", 1), ("n % m", 2),
    ("shape(x)[0] - 1", 4), ("size(x)", 15), ("if n > m then n else m", 5),
]  # fmt: skip


@pytest.mark.parametrize("expression, expected", SIZES)
def test_sizes_are_integers_that_adapt(expression: str, expected: int) -> None:
    text = (
        f"export def f(x: f64[n, m], k: i32) -> (i64, f64, i32) {{\n    let s = {expression}\n"
        "    return s, s / 2, s * k\n}"
    )
    whole, half, scaled = run(text, np.zeros((5, 3)), np.int32(3))
    assert (whole, half, scaled) == (expected, expected / 2, expected * 3)


def test_a_symbolic_size_does_not_broadcast_even_when_it_is_one() -> None:
    text = "export def f(x: f32[n, 3], y: f32[1, 3]) -> f32[n, 3] = x + y"
    (got,) = run(text, np.ones((1, 3), np.float32), np.ones((1, 3), np.float32))
    assert got.shape == (1, 3)


def test_sizes_that_an_assert_proves_equal_are_one() -> None:
    text = """
export def f(x: f32[n], y: f32[m]) -> f32[n] {
    assert n == m, "lengths {n} and {m}"
    return x + y
}"""
    x = np.ones(3, np.float32)
    np.testing.assert_array_equal(run(text, x, x)[0], x + x)
    assert call(text, x, x[:2]).failure.message == "lengths 3 and 2"  # type: ignore[union-attr]


RECORD = """
state p {
    W: f32[2, 3] = ones()
    b: f32[3]    = full([3], 2)
}
"""


@pytest.mark.parametrize(
    "expression, w, b",
    [
        ("p + p", 2, 4), ("2 * p", 2, 4), ("p ** 2 - p / 2", 0.5, 3), ("-p", -1, -2),
        ("p * s", 3, 6), ("s - p", 2, 1), ("(p + 1) * p", 2, 6), ("sqrt(p * p)", 1, 2),
        ("clip(p, 0, 1.5)", 1, 1.5), ("max(p, 2 * p)", 2, 4),
        ("if s > 0 then p else 2 * p", 1, 2), ("zeros_like(p) + 1", 1, 1),
    ],
)  # fmt: skip
def test_records_are_trees_of_tensors(expression: str, w: float, b: float) -> None:
    text = (
        f"{RECORD}export def f(s: f32) -> (f32[2, 3], f32[3]) {{\n    let r = {expression}\n"
        "    return r.W, r.b\n}"
    )
    weights, bias = run(text, np.float32(3))
    np.testing.assert_array_equal(weights, np.full((2, 3), w, np.float32))
    np.testing.assert_array_equal(bias, np.full(3, b, np.float32))


DIVISIONS = [
    ("7 // k", "division by zero: k is 0 at [1]"),
    ("sum([7 % k[i] for i]) + k", "division by zero: k[i] is 0 (i = 1)"),
    ("k // k[1]", "division by zero: k[1] is 0"),
]


@pytest.mark.parametrize("expression, text", DIVISIONS)
def test_an_integer_divided_by_zero_fails_the_call(expression: str, text: str) -> None:
    program = f"export def f(k: i32[3]) -> i32[3] = {expression}"
    failure = call(program, np.array([1, 0, 2], np.int32)).failure
    assert failure is not None and (failure.kind, failure.message) == ("bounds", text)
    assert call(program, np.array([1, 3, 2], np.int32)).failure is None


def test_a_division_that_is_not_wanted_does_not_fail() -> None:
    text = "export def f(k: i32[n]) -> i32[n] = [if k[i] == 0 then -1 else 7 // k[i] for i]"
    np.testing.assert_array_equal(run(text, np.array([2, 0, 7], np.int32))[0], [3, -1, 1])


def test_only_the_branch_taken_is_evaluated() -> None:
    text = """
export def f(k: i32[n], i: i32) -> i32 = if i < 0 or i >= n then -1 else k[i]
"""
    k = np.array([5, 6], np.int32)
    assert [int(run(text, k, np.int32(i))[0]) for i in (-1, 0, 1, 2)] == [-1, 5, 6, -1]
