"""The elementwise functions of `nd` against oracles that share no code with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from nd_programs import DTYPE_NAMES, FLOATS, INTEGERS, one, same_bits, values

from irc.dialects.nd import SCALARS
from irc.dialects.nd.arrays import rounded, widened
from irc.dtypes import DTYPES, F32, DType

SHAPES = ((), (0,), (1,), (3, 5), (97,))
LONG = np.longdouble


def statements(*kinds: str) -> list[tuple[str, str]]:
    return [
        (name, dtype)
        for name, scalar in SCALARS.items()
        for dtype, d in DTYPES.items()
        if d.kind in kinds and d.kind in scalar.takes
    ]


def apply(name: str, dtype: str, *xs: np.ndarray) -> np.ndarray:
    shape = xs[0].shape
    return one([(dtype, shape)] * len(xs), lambda b, *vs: b.scalar(name, *vs), *xs)


def wrapped(value: int, d: DType) -> int:
    value &= (1 << d.bits) - 1
    return value - (1 << d.bits) if d.kind == "int" and value >> (d.bits - 1) else value


def int_power(x: int, y: int) -> int:
    if y >= 0:
        return x**y if abs(x) < 2 or y < 200 else pow(x, y, 1 << 64)
    return 0 if abs(x) != 1 else x ** (y & 1)


def shifted(x: int, y: int, d: DType, left: bool) -> int:
    if not 0 <= y < d.bits:
        return 0 if left or x >= 0 else -1
    return x << y if left else x >> y


EXACT_INTEGER: dict[str, Callable[..., int]] = {
    "neg": lambda x: -x, "abs": abs, "sign": lambda x: (x > 0) - (x < 0), "square": lambda x: x * x,
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "floordiv": lambda x, y: x // y if y else 0, "mod": lambda x, y: x % y if y else 0,
    "pow": int_power, "maximum": max, "minimum": min, "not": lambda x: ~x,
    "and": lambda x, y: x & y, "or": lambda x, y: x | y, "xor": lambda x, y: x ^ y,
    "eq": lambda x, y: x == y, "ne": lambda x, y: x != y, "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y,
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), statements("int", "uint"))
def test_integers_wrap_and_round_down(name: str, dtype: str) -> None:
    d, scalar = DTYPES[dtype], SCALARS[name]
    for shape in SHAPES:
        xs = [values(dtype, shape, seed) for seed in range(scalar.arity)]
        result = apply(name, dtype, *xs)
        if name.startswith("shift"):
            expected = [shifted(x, y, d, name == "shift_left") for x, y in zip_flat(xs)]
        else:
            expected = [EXACT_INTEGER[name](*v) for v in zip_flat(xs)]
        if scalar.predicate:
            assert result.dtype == np.bool_
            assert result.ravel().tolist() == [bool(e) for e in expected]
        else:
            assert result.dtype == xs[0].dtype
            assert result.ravel().tolist() == [wrapped(e, d) for e in expected]
        assert result.shape == shape


def zip_flat(xs: list[np.ndarray]) -> list[tuple[int, ...]]:
    return list(zip(*(x.ravel().tolist() for x in xs), strict=True))


@pytest.mark.parametrize(("name", "dtype"), statements("bool"))
def test_bools(name: str, dtype: str) -> None:
    table = {
        "not": lambda x: not x, "and": lambda x, y: x and y, "or": lambda x, y: x or y,
        "xor": lambda x, y: x != y, "eq": lambda x, y: x == y, "ne": lambda x, y: x != y,
    }  # fmt: skip
    xs = [values(dtype, (40,), seed) for seed in range(SCALARS[name].arity)]
    expected = [table[name](*v) for v in zip_flat(xs)]
    assert apply(name, dtype, *xs).tolist() == expected


def long_sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def long_softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, LONG(0))


ROUNDED: dict[str, Callable[..., np.ndarray]] = {
    "neg": lambda x: -x, "abs": abs, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
    "sqrt": np.sqrt, "add": lambda x, y: x + y, "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y, "div": lambda x, y: x / y, "copysign": np.copysign,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint,
}  # fmt: skip
NEAR: dict[str, Callable[..., np.ndarray]] = {
    "rsqrt": lambda x: 1 / np.sqrt(x), "cbrt": np.cbrt, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "sigmoid": long_sigmoid, "softplus": long_softplus,
    "pow": np.power, "atan2": np.arctan2,
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), [s for s in statements("float") if s[0] in ROUNDED])
def test_exact_functions_round_once(name: str, dtype: str) -> None:
    """f16 and bf16 compute in f32 and round once more."""
    d = DTYPES[dtype]
    for shape in SHAPES:
        xs = [values(dtype, shape, seed) for seed in range(SCALARS[name].arity)]
        with np.errstate(all="ignore"):
            wide = ROUNDED[name](*(x.astype(LONG) for x in xs)).astype(widened(xs[0], d).dtype)
        assert same_bits(apply(name, dtype, *xs), rounded(wide, d))


@pytest.mark.parametrize(("name", "dtype"), [s for s in statements("float") if s[0] in NEAR])
def test_elementary_functions_are_near(name: str, dtype: str) -> None:
    xs = [values(dtype, (400,), seed) for seed in range(SCALARS[name].arity)]
    result = apply(name, dtype, *xs)
    assert result.dtype == xs[0].dtype
    if dtype in ("f16", "bf16"):
        bits = 11 if dtype == "f16" else 8
    else:
        bits = 24 if dtype == "f32" else 53
    with np.errstate(all="ignore"):
        expected = NEAR[name](*(x.astype(LONG) for x in xs))
        narrow = rounded(expected.astype(np.float64), DTYPES[dtype])
    finite = np.isfinite(narrow)
    assert np.array_equal(np.isnan(narrow), np.isnan(result))
    assert np.array_equal(narrow[~finite & ~np.isnan(narrow)], result[~finite & ~np.isnan(narrow)])
    smallest = {"f16": 6e-5, "bf16": 1e-38, "f32": 1e-38, "f64": 1e-300}[dtype]
    error = np.abs(result[finite].astype(LONG) - expected[finite])
    ulp = np.maximum(np.abs(expected[finite]), smallest) * LONG(2) ** (1 - bits)
    assert (error <= 2 * ulp).all()


def test_every_statement_has_an_oracle() -> None:
    elsewhere = {"erf", "sign", "floordiv", "mod", "maximum", "minimum", "fmax", "fmin", "isnan",
                 "isinf", "isfinite"}  # fmt: skip
    elsewhere |= {"lgamma", "digamma", "polygamma", "erfc", "erfinv"}  # test_special_functions.py
    known = {*EXACT_INTEGER, *ROUNDED, *NEAR, *elsewhere, "shift_left", "shift_right"}
    assert set(SCALARS) <= known


@pytest.mark.parametrize("dtype", FLOATS)
def test_extrema_propagate_nan_and_order_zeros(dtype: str) -> None:
    x, y = values(dtype, (300,), 1), values(dtype, (300,), 2)
    unknown = np.isnan(x) | np.isnan(y)
    for name, pick, zero in (("maximum", max, 0.0), ("minimum", min, -0.0)):
        result = apply(name, dtype, x, y)
        assert np.array_equal(np.isnan(result), unknown)
        for r, a, b in zip(result[~unknown], x[~unknown], y[~unknown], strict=True):
            assert r == pick(a, b)
            if a == 0 == b and np.signbit(a) != np.signbit(b):
                assert np.signbit(r) == np.signbit(zero)
    for name, pick in (("fmax", max), ("fmin", min)):
        for r, a, b in zip(apply(name, dtype, x, y), x, y, strict=True):
            if np.isnan(a) or np.isnan(b):
                assert np.isnan(r) if np.isnan(a) and np.isnan(b) else r == (b if a != a else a)
            else:
                assert r == pick(a, b)


@pytest.mark.parametrize("dtype", FLOATS)
def test_signs_and_classes(dtype: str) -> None:
    x = values(dtype, (200,), 3)
    signs = [v if v != v else float((v > 0) - (v < 0)) for v in x.tolist()]
    assert same_bits(apply("sign", dtype, x), np.array(signs, dtype=x.dtype))
    assert apply("isnan", dtype, x).tolist() == [math.isnan(v) for v in x]
    assert apply("isinf", dtype, x).tolist() == [math.isinf(v) for v in x]
    assert apply("isfinite", dtype, x).tolist() == [math.isfinite(v) for v in x]
    erf = apply("erf", dtype, x)
    near = np.array([math.erf(v) for v in x.tolist()])
    assert np.allclose(erf, near, rtol={"f16": 1e-3, "bf16": 8e-3}.get(dtype, 1e-6), equal_nan=True)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_float_division_rounds_down(dtype: str) -> None:
    """Python's own rules, where they are defined."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300).astype(DTYPES[dtype].numpy) * 7
    y = rng.normal(size=300).astype(DTYPES[dtype].numpy)
    quotient, rest = apply("floordiv", dtype, x, y), apply("mod", dtype, x, y)
    for q, r, a, b in zip(quotient.tolist(), rest.tolist(), x.tolist(), y.tolist(), strict=True):
        assert q == math.floor(Fraction(a) / Fraction(b))
        assert abs(r) < abs(b) and (r == 0 or (r < 0) == (b < 0))
    zero = np.zeros(1, dtype=x.dtype)
    assert apply("floordiv", dtype, zero + 1, zero)[0] == np.inf
    assert np.isnan(apply("mod", dtype, zero + 1, zero)[0])


@pytest.mark.parametrize("source", DTYPE_NAMES)
@pytest.mark.parametrize("target", DTYPE_NAMES)
def test_casts(source: str, target: str) -> None:
    x = values(source, (300,))
    result = one([(source, (300,))], lambda b, v: b.cast(v, DTYPES[target]), x)
    d = DTYPES[target]
    for got, v in zip(result.tolist(), x.tolist(), strict=True):
        assert same_number(got, converted(v, DTYPES[source], d)), (v, got)


def converted(v: float | int | bool, source: DType, d: DType) -> float | int | bool:
    if d.kind == "bool":
        return v != 0
    if d.is_float:
        wide = np.array(v, dtype=np.float64 if source.is_float else object)
        if d.bits == 16 and not source.is_float:
            wide = np.array(np.float32(v), dtype=np.float64)
        if not source.is_float and d.bits != 16:
            return float(np.float32(v)) if d is F32 else float(v)
        return float(rounded(wide.astype(np.float64), d))
    if not source.is_float:
        return wrapped(int(v), d)
    if v != v:
        return 0
    return int(min(max(v, d.min), d.max)) if math.isinf(v) else min(max(int(v), d.min), d.max)


def same_number(a: float | int | bool, b: float | int | bool) -> bool:
    return a == b or (a != a and b != b)


def test_integer_dtypes_are_all_here() -> None:
    assert len(INTEGERS) == 8
