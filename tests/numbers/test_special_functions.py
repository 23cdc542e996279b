"""lgamma, digamma, polygamma, erfc and erfinv: digits, special values, derivatives, the C text."""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import special_oracle as oracle
from derivatives import check
from nd_programs import one
from scipy import special as scipy

from irc.dialects.nd import special
from irc.dialects.rt import SPECIAL

SUPPORT = Path(special.__file__).parents[2] / "codegen" / "c"
RNG = np.random.default_rng(0)
Function = Callable[..., np.ndarray]


def positive() -> np.ndarray:
    """Everywhere right of 0, most of it where the pieces meet and where functions cross zero."""
    near = 10.0 ** RNG.uniform(-15, -1, (3, 60)) * RNG.choice([-1, 1], (3, 60))
    edges = np.array([0.5, 1.2, 1.5, 2.5, 8, 9.5, *special.ROOT[:1]])
    parts = [
        RNG.uniform(0, 12, 300), 10.0 ** RNG.uniform(-290, 290, 60), 10.0 ** RNG.uniform(0, 4, 60),
        edges, np.nextafter(edges, 0), np.nextafter(edges, 99),
        *(centre + row for centre, row in zip((1, 2, special.ROOT[0]), near, strict=True)),
    ]  # fmt: skip
    x = np.concatenate(parts)
    return x[(x > 0) & (x != 1) & (x != 2)]


def negative() -> np.ndarray:
    """Left of 0, poles excepted."""
    x = -np.concatenate([RNG.uniform(0, 3, 150), RNG.uniform(3, 25, 60), 10.0 ** -np.arange(1, 9)])
    return x[x != np.rint(x)]


def ulps(found: np.ndarray, exact: list[Decimal], scale: np.ndarray | None = None) -> float:
    """The largest error, in ulp of the result or of `scale`, where the result is normal."""
    worst = 0.0
    for k, (y, e) in enumerate(zip(found.tolist(), exact, strict=True)):
        size = max(abs(float(e)), 0.0 if scale is None else abs(float(scale[k])))
        if math.isinf(float(e)) or size < 1e-290:
            continue
        worst = max(worst, float(abs(Decimal(y) - e) / Decimal(float(np.spacing(size)))))
    return worst


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The functions of special.h."""
    folder = tmp_path_factory.mktemp("special")
    source = ['#include "special.h"']
    for name, count in SPECIAL.items():
        for dtype, t in (("f32", "float"), ("f64", "double")):
            parameters = ", ".join(f"const {t} *x{k}" for k in range(count))
            values = ", ".join(f"x{k}[i]" for k in range(count))
            source.append(
                f"void {name}_{dtype}(int64_t n, {parameters}, {t} *y)\n"
                f"{{ for (int64_t i = 0; i < n; ++i) y[i] = irc_{name}_{dtype}({values}); }}"
            )
    (folder / "s.c").write_text("\n".join(source))
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run(
        ["cc", *flags, "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC", f"-I{SUPPORT}",
         folder / "s.c", "-o", folder / "s.so", "-lm"],
        check=True,
    )  # fmt: skip
    return ctypes.CDLL(str(folder / "s.so"))


@pytest.fixture(params=["reference", pytest.param("c", marks=pytest.mark.cc)])
def evaluate(request: pytest.FixtureRequest) -> Function:
    """`evaluate(name, *arrays)` by NumPy or by C."""
    if request.param == "reference":
        return lambda name, *xs: getattr(special, name)(*xs)
    library: ctypes.CDLL = request.getfixturevalue("compiled")

    def call(name: str, *xs: np.ndarray) -> np.ndarray:
        xs = tuple(np.ascontiguousarray(x) for x in xs)
        y = np.empty_like(xs[0])
        dtype = {4: "f32", 8: "f64"}[y.dtype.itemsize]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*xs, y)]
        library[f"{name}_{dtype}"](ctypes.c_int64(y.size), *pointers)
        return y

    return call


def orders(n: int, x: np.ndarray) -> np.ndarray:
    return np.full_like(x, n)


def test_right_of_zero(evaluate: Function) -> None:
    x = positive()
    assert ulps(evaluate("lgamma", x), [oracle.lgamma(v) for v in x.tolist()]) <= 4
    assert ulps(evaluate("digamma", x), [oracle.polygamma(0, v) for v in x.tolist()]) <= 4


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_derivatives_of_digamma_right_of_zero(evaluate: Function, n: int) -> None:
    x = positive()
    x = x[(x > 1e-10) & (x < 1e10)]
    found = evaluate("polygamma", orders(n, x), x)
    assert ulps(found, [oracle.polygamma(n, v) for v in x.tolist()]) <= 4


def test_left_of_zero(evaluate: Function) -> None:
    """To the digits of 1 or of the largest number that the result is a difference of."""
    x = negative()
    sine = np.abs(np.sin(np.pi * (x - np.rint(x))))
    largest = np.maximum(np.log(np.pi / (sine * -x)), scipy.gammaln(-x))
    exact = [oracle.lgamma(v) for v in x.tolist()]
    assert ulps(evaluate("lgamma", x), exact, np.where(x < -0.5, np.maximum(largest, 1), 0)) <= 4
    exact = [oracle.polygamma(0, v) for v in x.tolist()]
    largest = np.maximum(np.abs(np.pi / np.tan(np.pi * x)), scipy.psi(1 - x))
    assert ulps(evaluate("digamma", x), exact, np.maximum(largest, 1)) <= 4
    for n in (1, 2, 3):
        exact = [oracle.polygamma(n, v) for v in x.tolist()]
        largest = math.factorial(n) * np.abs(x - np.rint(x)) ** (-n - 1.0)
        assert ulps(evaluate("polygamma", orders(n, x), x), exact, largest) <= 4


def test_inverse_of_erf(evaluate: Function) -> None:
    near_one = 1 - 10.0 ** -np.arange(1, 15.9, 0.3)
    x = np.concatenate([RNG.uniform(0, 1, 200), near_one, 10.0 ** -np.arange(1.0, 300, 20)])
    x = np.concatenate([x, -x])
    y = evaluate("erfinv", x)
    errors = [
        float(abs(oracle.erfinv_error(a, b))) for a, b in zip(y.tolist(), x.tolist(), strict=True)
    ]
    assert max(np.array(errors) / np.spacing(np.abs(y))) <= 4


def test_complement_of_erf(evaluate: Function) -> None:
    x = np.concatenate([RNG.normal(size=200) * 3, np.linspace(4, 26, 23)])
    np.testing.assert_allclose(evaluate("erfc", x), scipy.erfc(x), rtol=2e-14)


def test_floats_are_doubles_rounded(evaluate: Function) -> None:
    """Also beside the zeros left of 0, where a float has fewer digits than the terms of the sum."""
    roots = np.array([-2.4570247382208, -2.7476826467274, -3.1435808883499, -0.504083008])
    near = (roots[:, None] + np.arange(-20, 20) * 2e-7).ravel()
    x = np.concatenate([positive(), negative(), near])
    x = x[(np.abs(x) > 1e-30) & (np.abs(x) < 1e30)].astype(np.float32)
    x = x[(x > 0) | (x != np.rint(x))]
    for name, exact in (("lgamma", oracle.lgamma), ("digamma", lambda v: oracle.polygamma(0, v))):
        found = evaluate(name, x)
        assert found.dtype == np.float32
        expected = np.array([float(exact(v)) for v in x.tolist()])
        assert np.all(np.abs(found - expected) <= np.spacing(np.abs(expected).astype(np.float32)))


SPECIAL_VALUES = np.array([0.0, -0.0, 1, 2, -1, -2, -7, np.inf, np.nan, 1e308, 5e-300, -1e17])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values_are_those_of_scipy(evaluate: Function, dtype: type) -> None:
    with np.errstate(all="ignore"):
        x = SPECIAL_VALUES.astype(dtype)
        pairs = [
            (evaluate("lgamma", x), scipy.gammaln(x)),
            (evaluate("digamma", x), scipy.psi(x)),
            (evaluate("erfc", x), scipy.erfc(x)),
            (evaluate("erfinv", x), scipy.erfinv(x)),
        ]
        for n in (0, 1, 2, 3):
            pairs.append((evaluate("polygamma", orders(n, x), x), scipy.polygamma(n, x)))
    for found, expected in pairs:
        np.testing.assert_allclose(
            found, expected.astype(dtype), rtol=1e-6 if dtype is np.float32 else 1e-15
        )
    low = np.array([-np.inf], dtype)
    assert evaluate("lgamma", low)[0] == np.inf  # as the C library's; scipy says -inf
    assert np.isnan(evaluate("digamma", low)[0])
    assert evaluate("erfc", low)[0] == 2
    zero = evaluate("erfinv", np.array([0.0, -0.0], dtype))
    assert np.signbit(zero).tolist() == [False, True]


def test_orders_that_are_none(evaluate: Function) -> None:
    n = np.array([0.5, -1, 171, np.nan, np.inf, 2])
    x = np.array([1.0, 1, 1, 1, 1, np.nan])
    assert np.isnan(evaluate("polygamma", n, x)).all()


@pytest.mark.parametrize("at", [0.3, 1.1, 1.9, 4.5, 12.0, -0.7, -3.3])
def test_derivatives(at: float) -> None:
    x = np.array([at, at + 0.01])
    for name in ("lgamma", "digamma"):
        check(lambda b, v, name=name: b.scalar(name, v), x)
        check(lambda b, v, name=name: b.scalar(name, v), x, orders=2)
    check(lambda b, v: b.scalar("polygamma", b.like(v, 2), v), x)
    check(lambda b, v: b.scalar("polygamma", b.like(v, 0), v), x, orders=2)


def test_half_floats_round_once() -> None:
    x = np.linspace(0.1, 9, 90).astype(np.float16)
    found = one([("f16", x.shape)], lambda b, v: b.scalar("lgamma", v), x)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(
        found, scipy.gammaln(x.astype(np.float64)).astype(np.float32).astype(np.float16)
    )
