"""
The rows that a program of the language shows: errors with their place, and what holds for every
way of compiling it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
from irc.driver import compile_module

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.cc

# One module: each function is a case, compiled once for each way.
PROGRAM = """
export def div(x: i32, y: i32) -> i32 = x // y
export def rem(x: i32, y: i32) -> i32 = x % y
export def divs(x: i8[n], y: i8[n]) -> i8[n] = x // y
export def pick(x: f32[n], i: i32[m]) -> f32[m] = x[i]
export def last(x: f32[n]) -> f32 where n > 0 = x[-1]
export def average(x: f32[n]) -> f32 = mean(x)
export def most(x: f32[n]) -> f32 = max(x)
export def where_most(x: f32[n]) -> i32 = argmax(x)
export def clipped(x: f32[n]) -> f32[n] = clip(x, 0, 1)
export def positive(x: f32[n]) -> f32[n] = max(x, 0)
export def rectified(x: f32[n]) -> f32[n] = relu(x)
export def truth(x: f32[n]) -> bool[n] = bool(x)
export def whole(x: f32[n]) -> (i8[n], u8[n], i64[n]) = (i8(x), u8(x), i64(x))
export def nearest(x: f64[n]) -> f64[n] = round(x)
export def total(x: i32[n]) -> i32 = sum(x)
export def at_zero() -> (f64, f64) = (atan2(0.0, 0.0), atan2(-0.0, 0.0))
state s: f32[3] = zeros()
export def add_at(i: i32[m], v: f32[m]) { update s[i] += v }
export def set_at(i: i32[m], v: f32[m]) { update s[i] = v }
"""


def compiled(**options: Any) -> Any:
    return irc.compile(PROGRAM, **options)


@pytest.fixture(scope="module", params=[0, 2])
def m(request: pytest.FixtureRequest) -> Any:
    return compiled(O=request.param)


@pytest.fixture(scope="module", params=[0, 2])
def unchecked(request: pytest.FixtureRequest) -> Any:
    return compiled(O=request.param, check="none")


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_division_by_zero_has_a_place(m: Any) -> None:
    for f, line in ((m.div, 2), (m.rem, 3)):
        with pytest.raises(irc.BoundsError, match=rf":{line}:\d+: division by zero: y is 0$"):
            f(5, 0)
    with pytest.raises(irc.BoundsError, match=r"division by zero: y is 0 at \[2\]$"):
        m.divs(np.array([1, 2, 3], np.int8), np.array([1, 1, 0], np.int8))


def test_division_by_zero_gives_0_without_the_check(unchecked: Any) -> None:
    assert unchecked.div(5, 0) == 0 and unchecked.rem(5, 0) == 0
    x, y = np.array([1, -128, 7], np.int8), np.array([0, -1, 2], np.int8)
    assert unchecked.divs(x, y).tolist() == [0, -128, 3]


def test_division_of_the_smallest_by_minus_one_wraps(m: Any) -> None:
    assert m.div(-(2**31), -1) == -(2**31) and m.rem(-(2**31), -1) == 0


def test_positions_outside_are_errors(m: Any) -> None:
    for outside in (3, -1, 2**31 - 1, -(2**31)):
        with pytest.raises(irc.BoundsError, match=rf"index i\[1\] = {outside} is outside dim"):
            m.pick(f32(1, 2, 3), i32(0, outside))
    with pytest.raises(irc.BoundsError):
        m.add_at(i32(0, 3), f32(1, 1))
    assert m.state.s.tolist() == [0, 0, 0]


def test_positions_outside_read_0_and_write_nothing_without_the_check(unchecked: Any) -> None:
    assert unchecked.pick(f32(1, 2, 3), i32(0, 3, -1, 2**31 - 1, 2)).tolist() == [1, 0, 0, 0, 3]
    assert unchecked.pick(f32(), i32(0, 1)).tolist() == [0, 0]
    unchecked.state.s[...] = 0
    unchecked.add_at(i32(0, 3, -5, 2), f32(1, 2, 3, 4))
    assert unchecked.state.s.tolist() == [1, 0, 4]


def test_a_position_outside_that_is_known_is_refused() -> None:
    for index in ("3", "-4"):
        with pytest.raises(irc.UserError, match="E0206"):
            irc.compile(f"export def f(x: f32[3]) -> f32 = x[{index}]")


def test_literal_positions_count_from_the_end(m: Any) -> None:
    assert m.last(f32(1, 2, 3)) == 3


def test_duplicates(m: Any) -> None:
    m.state.s[...] = 0
    m.add_at(i32(1, 1, 0, 1), f32(1, 2, 4, 8))
    assert m.state.s.tolist() == [4, 11, 0]
    m.set_at(i32(2, 2, 2), f32(1, 2, 3))
    assert m.state.s.tolist() == [4, 11, 3]


def test_reductions_of_nothing(m: Any) -> None:
    assert np.isnan(m.average(f32()))
    assert m.total(i32()) == 0
    for f, name in ((m.most, "max"), (m.where_most, "argmax")):
        with pytest.raises(irc.ShapeError, match=rf":\d+:\d+: {name} of no elements$"):
            f(f32())


def test_nan_goes_through_extrema(m: Any) -> None:
    x = f32(np.nan, -1, 2, -0.0)
    np.testing.assert_array_equal(m.clipped(x), f32(np.nan, 0, 1, 0))
    np.testing.assert_array_equal(m.positive(x), f32(np.nan, 0, 2, 0))
    np.testing.assert_array_equal(m.rectified(x), f32(np.nan, 0, 2, 0))
    assert np.isnan(m.most(x)) and m.where_most(f32(1, np.nan, np.inf, np.nan)) == 1


def test_conversions(m: Any) -> None:
    x = f32(np.nan, -0.0, 1e10, -1e10, 1.9, -1.9, np.inf, -np.inf)
    assert m.truth(x).tolist() == [True, False] + [True] * 6
    small, natural, large = m.whole(x)
    assert small.tolist() == [0, 0, 127, -128, 1, -1, 127, -128]
    assert natural.tolist() == [0, 0, 255, 0, 1, 0, 255, 0]
    assert large.tolist() == [0, 0, 10**10, -(10**10), 1, -1, 2**63 - 1, -(2**63)]
    assert m.nearest(np.array([0.5, 1.5, -2.5])).tolist() == [0, 2, -2]


def test_sums_of_integers_wrap(m: Any) -> None:
    assert m.total(i32(2**31 - 1, 1)) == -(2**31)


def test_what_is_known_is_folded_to_the_bits_of_run_time(m: Any) -> None:
    first, second = m.at_zero()
    assert first == 0 and not np.signbit(first) and second == 0 and np.signbit(second)


# -- the same bits for every way

FUNCTIONS = """exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh
asinh acosh atanh erf sigmoid softplus sqrt rsqrt cbrt""".split()
ELEMENTARY = "\n".join(
    f"export def {name}_{d}(x: {d}[n]) -> {d}[n] = {name}(x)"
    for name in FUNCTIONS
    for d in ("f32", "f64")
)
REST = """
export def sums(x: f32[n, 7]) -> (f32, f32[7], f32[n], f64, f32) =
    (sum(x), sum(x, axis=0), sum(x, axis=1), sum(f64(x) * 3), mean(x * x))
export def chain(x: f32[n, 7], y: f32[7]) -> f32[n, 7] = (x * y + 1) * x - y / 3 + x ** 2
export def draws() -> (f32[1000], f32[1000], i32[1000]) =
    (uniform([1000]), normal([1000]), randint(-5, 70, [1000]))
"""
WAYS: dict[str, dict[str, Any]] = {
    "O0": {"O": 0}, "O1": {"O": 1}, "O3": {"O": 3}, "clang": {"cc": "clang"},
}  # fmt: skip


def arguments(dtype: Any) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000) * 10.0 ** rng.integers(-8, 3, 2000)
    special = [0, -0.0, np.inf, -np.inf, np.nan, 1, -1]
    return np.concatenate([x, rng.uniform(0, 1, 1000), special]).astype(dtype)


@pytest.fixture(scope="module")
def optimized() -> Any:
    return irc.compile(ELEMENTARY + REST)


MARKS = {"clang": pytest.mark.clang, "O1": pytest.mark.long, "O3": pytest.mark.long}


@pytest.mark.parametrize("way", [pytest.param(w, marks=MARKS.get(w, ())) for w in WAYS])
def test_results_do_not_depend_on_optimization_or_compiler(way: str, optimized: Any) -> None:
    other = irc.compile(ELEMENTARY + REST, **WAYS[way])
    for name in FUNCTIONS:
        for d, dtype in (("f32", np.float32), ("f64", np.float64)):
            x = arguments(dtype)
            a, b = (getattr(module, f"{name}_{d}")(x) for module in (optimized, other))
            np.testing.assert_array_equal(a, b, err_msg=f"{name} of {d}")
    x = arguments(np.float32)[:3003].reshape(-1, 7)[:400]
    x = np.where(np.isfinite(x), x, 0).astype(np.float32)
    for name, inputs in (("sums", [x]), ("chain", [x, x[1]]), ("draws", [])):
        optimized.seed(3)
        other.seed(3)
        for a, b in zip(
            _tuple(getattr(optimized, name)(*inputs)),
            _tuple(getattr(other, name)(*inputs)),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b, err_msg=name)


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


THREADS = """
import hashlib, sys
import numpy as np
import irc
m = irc.load(sys.argv[1])
rng = np.random.default_rng(0)
x = (rng.normal(size=(3000, 200)) * 10.0 ** rng.integers(-5, 5, (3000, 200))).astype(np.float32)
m.seed(1)
for r in (*m.sums(x), m.chain(x, x[1]), m.product(x), m.draws()):
    print(hashlib.sha256(np.ascontiguousarray(r).tobytes()).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    path = compile_module("""
    export def sums(x: f32[n, m]) -> (f32, f32[m], f32[n], f64) =
        (sum(x), sum(x, axis=0), sum(x, axis=1), sum(f64(x)))
    export def chain(x: f32[n, m], y: f32[m]) -> f32[n, m] = tanh(x * y + 1) * x - y / 3
    export def product(x: f32[n, m]) -> f32[m, m] = x.T @ x
    export def draws() -> f32[500000] = normal([500000])
    """)
    found = set()
    for threads in ("1", "2", "3"):
        command = [sys.executable, "-c", THREADS, str(path)]
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1
