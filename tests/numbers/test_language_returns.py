"""`return` inside `if`: values, states, derivatives, index variables, limits."""

from __future__ import annotations

import numpy as np
import pytest
from array_cases import ArrayCase
from language import call, equal, program, run
from return_cases import RETURNS

from irc.errors import Unsupported


@pytest.mark.parametrize("case", RETURNS, ids=range(len(RETURNS)))
def test_a_way_through_the_body(case: ArrayCase) -> None:
    for inputs in case.calls:
        wanted = case.oracle(*inputs)
        results = run(case.program, *inputs)
        for got, one in zip(
            results, wanted if isinstance(wanted, tuple) else (wanted,), strict=True
        ):
            equal(got, np.asarray(one))


STATES = """
state s: i32 = 5
state t: f32 = 1
export def f(x: i32) -> (i32, f32) {
    if x < 0 {
        update s = 1
        return 0, 1
    }
    if x < 5 {
        update s = 3
        if x == 3 { return s + 1, 2 }
    }
    assert x < 10, "{x} is too large"
    update t += 2
    return s, 3.5
}"""


@pytest.mark.parametrize(
    "x, results, state",
    [(-1, [0, 1], (1, 1)), (3, [6, 2], (3, 1)), (4, [5, 3.5], (3, 3)), (7, [5, 3.5], (5, 3))],
)
def test_states_change_on_the_way_that_is_taken(
    x: int, results: list[float], state: tuple[int, float]
) -> None:
    outcome = call(STATES, np.int32(x), state={"s": np.int32(5), "t": np.float32(1)})
    assert [float(r) for r in outcome.results] == results
    assert (int(outcome.state["s"]), float(outcome.state["t"])) == state


def test_checks_are_made_on_the_way_that_is_taken() -> None:
    outcome = call(STATES, np.int32(12), state={"s": np.int32(5), "t": np.float32(1)})
    assert outcome.failure is not None and outcome.failure.message == "12 is too large"


def test_two_updates_of_one_state_on_different_ways() -> None:
    text = """
state s: f32 = 0
export def f(x: f32) {
    if x > 0 {
        update s = 1
        return
    }
    update s = 2
}"""
    for x, wanted in ((1, 1), (-1, 2)):
        outcome = call(text, np.float32(x), state={"s": np.float32(0)})
        assert float(outcome.state["s"]) == wanted


def test_a_called_function_with_index_variables() -> None:
    text = """
def f1(x, k) {
    if x[k] > 0 { return sum(x) }
    return 0
}
export def f(x: f32[n, 3], k: i32[n]) -> f32[n] = [f1(x[i], k[i]) for i]"""
    x = np.arange(-4, 5, dtype=np.float32).reshape(3, 3)
    k = np.array([0, 2, 1], np.int32)
    wanted = np.where(x[np.arange(3), k] > 0, x.sum(1), 0).astype(np.float32)
    equal(run(text, x, k)[0], wanted)


def test_derivatives_go_through_the_way_that_is_taken() -> None:
    text = """
def g(x) {
    if x > 1 { return x ** 2 }
    let y = x * x
    return y * x
}
export def f(x: f64) -> (f64, f64) {
    let first = grad(g(x), wrt=x)
    return first, grad(first, wrt=x)
}"""
    assert [float(v) for v in run(text, np.float64(3))] == [6, 2]
    assert [float(v) for v in run(text, np.float64(0.5))] == [0.75, 3]


def test_a_derivative_behind_an_early_return() -> None:
    text = """
state W: f64[3] = ones()
export def f(x: f64[3], lr: f64) -> f64 {
    let p = W * x
    if lr <= 0 { return -1 }
    let cost = sum(p ** 2)
    update W -= lr * grad(cost, wrt=W)
    return cost
}"""
    x, w = np.array([1.0, 2, 3]), np.ones(3)
    p = program(text)
    skipped = p.run("f", [x, np.float64(0)], {"W": w})
    np.testing.assert_array_equal(skipped.state["W"], w)
    trained = p.run("f", [x, np.float64(0.5)], {"W": w})
    assert float(trained.results[0]) == 14
    np.testing.assert_allclose(trained.state["W"], w - x * x)


def test_there_is_a_limit() -> None:
    ways = "\n".join(f"if x < {k} {{ return {k} }}" for k in range(51))
    with pytest.raises(Unsupported, match="more than 50 ways"):
        program(f"export def f(x: f32) -> f32 {{\n{ways}\nreturn x\n}}")
