"""Random draws: moments, ranges, streams, keys, dtypes; and initialisers of states."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from language import program, run
from nd_programs import program as nd_program
from nd_programs import run as run_nd
from scipy import stats

import irc
from irc.dtypes import F64
from irc.frontend.analysis import draws

N = 20_000


def drawn(expression: str, result: str, seed: int = 0, calls: int = 1) -> np.ndarray:
    """What the last of some calls gives."""
    p = program(f"export def f() -> {result} = {expression}")
    state = p.initial_state(seed)
    for _ in range(calls):
        outcome = p.run("f", [], state)
        state = outcome.state
    assert outcome.failure is None
    return outcome.results[0]


DISTRIBUTIONS = [
    ("uniform([20000])", stats.uniform()), ("uniform([20000], -2, 3)", stats.uniform(-2, 5)),
    ("uniform([20000], high=0.5)", stats.uniform(0, 0.5)), ("normal([20000])", stats.norm()),
    ("normal([20000], 3, 0.5)", stats.norm(3, 0.5)), ("normal([20000], std=2)", stats.norm(0, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("expression, law", DISTRIBUTIONS, ids=[e for e, _ in DISTRIBUTIONS])
def test_numbers_follow_their_distribution(
    expression: str, law: stats.rv_frozen, dtype: str
) -> None:
    x = drawn(expression, f"{dtype}[20000]")
    assert x.dtype == np.dtype(dtype.replace("f", "float"))
    assert stats.kstest(x.astype(np.float64), law.cdf).pvalue > 1e-3
    low, high = law.support()
    assert x.min() >= low and x.max() <= high


def test_uniform_numbers_are_below_one() -> None:
    x = drawn("uniform([20000])", "f32[20000]")
    assert 0 <= x.min() and x.max() < 1


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_narrow_floats_are_drawn_too(dtype: str) -> None:
    x = drawn("f32(uniform([20000]) * ones([20000], dtype=" + dtype + "))", "f32[20000]")
    assert abs(x.mean() - 0.5) < 0.01 and 0 <= x.min() and x.max() <= 1


def test_bernoulli_is_true_with_its_probability() -> None:
    p = 0.3
    x = drawn("bernoulli(0.3, [20000])", "bool[20000]")
    assert abs(x.mean() - p) < 4 * np.sqrt(p * (1 - p) / N)
    assert not drawn("bernoulli(0, [100])", "bool[100]").any()
    assert drawn("bernoulli(1, [100])", "bool[100]").all()


def test_integers_are_uniform_in_their_range() -> None:
    x = drawn("randint(-2, 3, [20000])", "i32[20000]")
    counts = np.bincount(x + 2, minlength=5)
    assert counts.shape == (5,) and stats.chisquare(counts).pvalue > 1e-3


def test_permutations_are_equally_likely() -> None:
    rows = drawn("[permutation(4) for i < 6000]", "i32[6000, 4]")
    assert (np.sort(rows, axis=1) == np.arange(4)).all()
    _, counts = np.unique(rows, axis=0, return_counts=True)
    assert counts.shape == (24,) and stats.chisquare(counts).pvalue > 1e-3
    assert drawn("permutation(0)", "i32[0]").size == 0
    long = drawn("permutation(5000)", "i32[5000]")
    assert (np.sort(long) == np.arange(5000)).all() and (long != np.arange(5000)).any()


def test_each_place_each_call_and_each_seed_has_numbers_of_its_own() -> None:
    pair = "stack([uniform([1000]), uniform([1000])])"
    first, second = drawn(pair, "f32[2, 1000]")
    later = drawn(pair, "f32[2, 1000]", calls=2)
    other = drawn(pair, "f32[2, 1000]", seed=1)
    rows = [first, second, *later, *other]
    off = np.corrcoef(rows) - np.eye(6)
    assert np.abs(off).max() < 0.15
    np.testing.assert_array_equal(first, drawn(pair, "f32[2, 1000]")[0])


def test_a_function_draws_anew_in_each_call_of_it() -> None:
    text = """
def noise(x) = x + uniform(shape(x))
export def f() -> f32[2, 1000] = stack([noise(zeros([1000])), noise(zeros([1000]))])
"""
    a, b = run(text)[0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.15


def test_each_value_of_an_index_variable_has_draws_of_its_own() -> None:
    text = "export def f() -> (f32[50, 40], bool[50, 40], i32[50, 40]) = (\n" + (
        "[uniform([40]) for i < 50], [bernoulli(0.5, [40]) for i < 50], "
        "[randint(0, 100, []) for i < 50, j < 40])"
    )
    floats, bools, integers = run(text)
    assert len(np.unique(floats)) > 1990
    assert len(np.unique(bools, axis=0)) == 50
    assert len(np.unique(integers, axis=0)) == 50


def test_one_draw_has_one_value_wherever_it_is_used() -> None:
    text = """
export def f(x: f32[1000]) -> f32[1000] {
    let u = uniform([1000])
    return (u + x) - u - x
}"""
    np.testing.assert_allclose(run(text, np.ones(1000, np.float32))[0], np.zeros(1000), atol=1e-6)


def test_with_a_key_a_draw_is_a_pure_function_of_it() -> None:
    text = "export def f(k: i64) -> f32[100] = uniform([100], key=k)"
    p = program(text)
    assert "__rng" not in p.states

    def draw(key: int) -> np.ndarray:
        return p.run("f", [np.int64(key)]).results[0]

    np.testing.assert_array_equal(draw(3), draw(3))
    assert len(np.intersect1d(draw(3), draw(4))) < 3


def test_a_function_without_draws_does_not_touch_the_stream() -> None:
    text = """
export def f() -> f32[3] = uniform([3])
export def g(x: f32) -> f32 = x
"""
    p = program(text)
    state = p.initial_state()
    after = p.run("g", [np.float32(1)], state).state
    np.testing.assert_array_equal(after["__rng"], state["__rng"])
    assert p.run("f", [], state).state["__rng"][1] == state["__rng"][1] + 1


LIMITS = {
    "glorot_uniform()": (np.sqrt(6 / 300), np.sqrt(2 / 300)), "he_uniform()":
        (np.sqrt(6 / 100), np.sqrt(2 / 100)), "glorot_normal()": (None, np.sqrt(2 / 300)),
    "he_normal()": (None, np.sqrt(2 / 100)), "lecun_normal()": (None, np.sqrt(1 / 100)),
    "lecun_uniform()": (np.sqrt(3 / 100), np.sqrt(1 / 100)),
    "uniform(-1.0 / N, 1.0 / N)": (0.01, 0.01 / np.sqrt(3)),
    "uniform(-0.1, 0.1)": (0.1, 0.1 / np.sqrt(3)), "normal(0, 0.02)": (None, 0.02),
}  # fmt: skip


@pytest.mark.parametrize("initialiser", LIMITS)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_an_initialiser_has_its_range_and_deviation(initialiser: str, dtype: str) -> None:
    text = f"const N = 100\nstate W: {dtype}[N, 200] = {initialiser}\n"
    W = program(f"{text}export def f() -> {dtype} = sum(W)").initial_state()["W"]
    limit, deviation = LIMITS[initialiser]
    assert abs(W.std() / deviation - 1) < 0.03 and abs(W.mean()) < 0.03 * deviation
    if limit is not None:
        assert 0.99 * limit < np.abs(W).max() <= limit * (1 + 1e-6)


def test_states_are_initialised_independently_and_by_the_seed() -> None:
    text = """
state A: f32[40, 50] = glorot_uniform()
state B: f32[40, 50] = glorot_uniform()
export def f() -> f32 = sum(A) + sum(B)
"""
    p = program(text)
    zero, one = p.initial_state(0), p.initial_state(1)
    rows = [zero["A"], zero["B"], one["A"], one["B"]]
    assert np.abs(np.corrcoef([r.ravel() for r in rows]) - np.eye(4)).max() < 0.1
    np.testing.assert_array_equal(zero["A"], p.initial_state(0)["A"])


def test_filters_count_their_field() -> None:
    text = "state F: f32[16, 8, 3, 3] = he_normal()\nexport def f() -> f32 = sum(F)"
    F = program(text).initial_state()["F"]
    assert abs(F.std() / np.sqrt(2 / 72) - 1) < 0.1


SHAPES = ["[1, 1]", "[50, 50]", "[7, 3]", "[3, 40]", "[8, 4, 3, 3]", "[0, 3]", "[4, 0]"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
def test_an_orthogonal_matrix_has_unit_singular_values(shape: str, dtype: str) -> None:
    text = f"state W: {dtype}{shape} = orthogonal()\nexport def f() -> {dtype} = sum(W)"
    W = program(text).initial_state()["W"].astype(np.float64)
    W = W.reshape(W.shape[0], -1) if W.size else W
    digits = {"f16": 2e-3, "f32": 1e-6, "f64": 1e-14}[dtype]
    np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), 1, atol=digits)


def test_orthogonal_matrices_are_uniform_and_stacked() -> None:
    """The first column of many is spread over the sphere."""
    text = "export def f() -> f64[4000, 3, 3] = [orthogonal([3, 3], gain=2.0) for i < 4000]"
    (W,) = run(text)
    np.testing.assert_allclose(
        W @ W.transpose(0, 2, 1), np.broadcast_to(4 * np.eye(3), W.shape), atol=1e-12
    )
    first = W[:, :, 0] / 2
    np.testing.assert_allclose(first.mean(0), 0, atol=0.04)
    np.testing.assert_allclose(first.T @ first / len(first), np.eye(3) / 3, atol=0.03)
    assert abs((np.linalg.det(W) > 0).mean() - 0.5) < 0.04


@pytest.mark.cc
def test_compiled_initialisers_give_the_same(tmp_path: Path) -> None:
    text = "state W: f32[20, 30] = orthogonal(0.5)\nexport def f() -> f32[20, 30] = W\n"
    path = tmp_path / "m.irc"
    path.write_text(text)
    compiled, reference = irc.compile(path).f(), program(text).initial_state()["W"]
    np.testing.assert_allclose(compiled, reference, atol=1e-6)


def test_a_nearly_singular_draw_becomes_orthogonal_too() -> None:
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(20, 20)))[0] for _ in range(2))
    drawn = u @ np.diag(10.0 ** -np.linspace(0, 14, 20)) @ v
    with mock.patch.object(draws, "normal", lambda b, *_: b.constant(drawn, F64)):
        module = nd_program([], lambda b: draws.orthogonal(b, None, [20, 20]))  # type: ignore[arg-type]
    (q,) = run_nd(module)
    np.testing.assert_allclose(q @ q.T, np.eye(20), atol=1e-13)
