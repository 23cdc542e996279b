"""Recurrences and loops of the language against NumPy, at the level of `nd`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language import call, compiled, equal, program, run
from random_recurrences import random_program
from recurrence_cases import CASES, Written

from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.verify import walk

RNG = np.random.default_rng(0)

TALK = """
export def f(W: f64[h, h], W1in: f64[h, p], W2in: f64[h, p], Wfb: f64[h, q], Wout: f64[q, h],
             u: f64[T, p], u_before: f64[4, p], x0: f64[3, h], y0: f64[q]) -> f64[T, q] {
    scan t < T {
        init u[-4:0] = u_before
        init x[-3:0] = x0
        init y[-1]   = y0
        x[t] = tanh(W @ x[t-1] + W1in @ u[t] + W2in @ u[t-4] + Wfb @ y[t-1])
        y[t] = Wout @ x[t-3]
    }
    return y
}
"""


@pytest.mark.parametrize("T", [0, 1, 2, 15])
def test_the_recurrence_of_the_talk(T: int) -> None:
    h, p, q = 20, 3, 2
    W, W1, W2, Wfb, Wout = (
        0.3 * RNG.normal(size=s) for s in ((h, h), (h, p), (h, p), (h, q), (q, h))
    )
    u, before = RNG.normal(size=(T, p)), RNG.normal(size=(4, p))
    x0, y0 = RNG.normal(size=(3, h)), RNG.normal(size=q)
    us, xs, ys = [*before, *u], list(x0), [y0]
    for t in range(T):
        xs.append(np.tanh(W @ xs[-1] + W1 @ us[t + 4] + W2 @ us[t] + Wfb @ ys[-1]))
        ys.append(Wout @ xs[t])
    (got,) = run(TALK, W, W1, W2, Wfb, Wout, u, before, x0, y0)
    equal(got, np.reshape(ys[1:], (T, q)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_programs(case: Written) -> None:
    for got, wanted in zip(run(case.text, *case.inputs), case.expected, strict=True):
        equal(got, wanted)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 2, 50]),
    st.sampled_from(["f32", "f64", "i32", "i64"]),
)
def test_random_recurrences(seed: int, steps: int, dtype: str) -> None:
    drawn = random_program(seed, steps, dtype)
    for got, wanted in zip(run(drawn.text, *drawn.inputs), drawn.expected, strict=True):
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        close = 1e-4 if dtype == "f32" else 1e-9
        np.testing.assert_allclose(got, wanted, rtol=close, atol=close)


# -- what is written


def scans(text: str) -> list[ScanOp]:
    return [op for op in walk(compiled(text)) if isinstance(op, ScanOp)]


def test_inputs_are_walked_along_and_not_sliced() -> None:
    text = """export def f(u: f32[T + 4, n], W: f32[n, T]) -> f32[T] {
        scan t < T { s[t] = sum(u[t] * u[t+4] * W[:, t] * u[T - 1 - t]) }
        return s
    }"""
    (op,) = scans(text)
    assert [taps.data for taps in op.seq_taps.data] == [(0, 4), (0,), (0,)]
    assert not any(inner.name == "nd.slice" for inner in op.walk())


def test_only_equations_that_are_used_behind_the_scan_keep_all_steps() -> None:
    text = """export def f(u: f32[T]) -> f32[T] {
        scan t < T {
            init x[-3:0] = zeros([3])
            init y[-1] = 0
            x[t] = x[t-1] + y[t-1] * u[t]
            y[t] = x[t-3] + 1
        }
        return y
    }"""
    (op,) = scans(text)
    y, x = sorted(op.states, key=lambda state: state.depth)
    assert (x.history, x.taps, x.depth) == (False, [1, 3], 3)
    assert (y.history, y.taps, y.depth) == (True, [1], 1)


def test_a_past_that_nothing_reads_is_an_output() -> None:
    (op,) = scans("""export def f(u: f32[T]) -> f32[T] {
        scan t < T { init x[-1] = 0; x[t] = u[t] * 2 }
        return x
    }""")
    assert not op.inits and len(op.outputs) == 1


def test_flags() -> None:
    (op,) = scans("""@checkpoint
    def run(u) {
        scan t < size(u) truncate 5 { init x[-1] = 0; x[t] = x[t-1] + u[t]; until x[t] > 1 }
        return x
    }
    export def f(u: f32[T]) -> f32[T] = run(u)""")
    assert op.checkpoint is not None and op.until is not None and op.truncate is not None
    assert str(op.truncate.data[0]) == "5"


@pytest.mark.parametrize(
    ("head", "limit"),
    [("while y > 1", None), ("while y > 1 max 9", "9"), ("for i < 5 while y > 1 max 9", "5"),
     ("for i < n while y > 1 max 9", "9"), ("for i < k max 9", "9"), ("for i < k", None)],
)  # fmt: skip
def test_searches_and_their_limits(head: str, limit: str | None) -> None:
    text = f"""export def f(x: f64[n], k: i64) -> f64 {{
        loop y = 4.0f64 {head} {{ next y = y / 2 }}
        return y
    }}"""
    (op,) = [op for op in walk(compiled(text)) if isinstance(op, WhileOp)]
    assert (str(op.limit.data[0]) if op.limit is not None else None) == limit


# -- what happens in each step


def test_prints_and_checks_come_in_order() -> None:
    text = """export def f(u: f64[T]) -> f64[T] {
        scan t < T {
            print "{t} {s[t]}"
            assert s[t] < 3, "{s[t]} at {t}"
            s[t] = u[t] + 1
            print "."
        }
        return s
    }"""
    outcome = call(text, np.array([0.0, 1.0, 2.0, 3.0]))
    assert outcome.prints == ["0 1.0", ".", "1 2.0", ".", "2 3.0"]
    assert outcome.failure is not None and outcome.failure.message == "3.0 at 2"


def test_a_sequence_that_is_too_short_fails_before_the_first_step() -> None:
    text = """export def f(u: f64[m], z: f64[n]) -> f64[n] {
        scan t < n { print "{t}"; s[t] = u[t+1] }
        return s
    }"""
    assert call(text, np.zeros(6), np.zeros(5)).failure is None
    outcome = call(text, np.zeros(5), np.zeros(5))
    assert outcome.prints == [] and outcome.failure is not None
    assert outcome.failure.message == "index t+1 leaves dimension 0 of u (size 5)"
    assert call(text, np.zeros(0), np.zeros(0)).failure is None


def test_each_step_draws_other_numbers() -> None:
    text = """export def f() -> (f32[5], f32[5, 3], f32[5]) {
        let same = uniform([])
        scan t < 5 {
            a[t] = uniform([])
            scan s < 3 { b[s] = normal([]) }
            c[t] = b
            loop q = 0.0 while q < 0.5 { next q = uniform([]) }
            d[t] = same + 0 * q
        }
        return a, c, d
    }"""
    a, c, d = run(text)
    assert len(set(a)) == 5 and len(set(c.ravel())) == 15 and len(set(d)) == 1


def test_the_draws_of_all_steps_are_one_large_draw() -> None:
    text = """export def f() -> (f32[4, 3], f32[4, 3]) {
        scan t < 4 { a[t] = uniform([3], key=7) }
        scan t < 4 { b[t] = uniform([3]) }
        return a, b
    }"""
    a, b = run(text)
    assert len(set(a.ravel())) == 3, "a key is all that a draw depends on"
    assert len(set(b.ravel())) == 12


# -- derivatives


def test_the_gradient_of_the_talk() -> None:
    """Every matrix of the recurrence against central differences."""
    h, p, q, T = 5, 3, 2, 6
    params = TALK.replace("export def f", "def net")
    text = (
        params
        + """
export def f(W: f64[h, h], W1in: f64[h, p], W2in: f64[h, p], Wfb: f64[h, q], Wout: f64[q, h],
             u: f64[T, p], u_before: f64[4, p], x0: f64[3, h], y0: f64[q], goal: f64[T, q])
    -> (f64, f64[h, h], f64[h, p], f64[h, p], f64[h, q], f64[q, h], f64[3, h]) {
    let cost = mean((net(W, W1in, W2in, Wfb, Wout, u, u_before, x0, y0) - goal) ** 2)
    return (cost, grad(cost, wrt=W), grad(cost, wrt=W1in), grad(cost, wrt=W2in),
            grad(cost, wrt=Wfb), grad(cost, wrt=Wout), grad(cost, wrt=x0))
}
"""
    )
    shapes = [(h, h), (h, p), (h, p), (h, q), (q, h), (T, p), (4, p), (3, h), (q,), (T, q)]
    inputs = [0.5 * RNG.normal(size=s) for s in shapes]
    made = program(text)

    def results(arrays: list[np.ndarray]) -> list[np.ndarray]:
        return made.run("f", arrays).results

    gradients = results(inputs)[1:]
    for k, gradient in zip((0, 1, 2, 3, 4, 7), gradients, strict=True):
        direction = RNG.normal(size=inputs[k].shape)
        step = 1e-5 * direction
        ends = [
            results([x + s * step if i == k else x for i, x in enumerate(inputs)])[0]
            for s in (1, -1)
        ]
        wanted = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), wanted, rtol=1e-7, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 1, 2, 7]))
def test_gradients_of_random_recurrences(seed: int, steps: int) -> None:
    """Along a random direction of all inputs, against central differences."""
    drawn = random_program(seed, steps, "f64")
    made = program(drawn.derived())
    rng = np.random.default_rng(seed)
    along = [rng.normal(size=x.shape) for x in drawn.inputs]
    _, *gradients = made.run("g", drawn.inputs).results
    ends = [
        made.run("g", [x + s * d for x, d in zip(drawn.inputs, along, strict=True)]).results[0]
        for s in (1e-5, -1e-5)
    ]
    got = sum(np.sum(g * d) for g, d in zip(gradients, along, strict=True))
    np.testing.assert_allclose(got, (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-8)


def test_derivatives_inside_of_steps() -> None:
    """Gradient descent on (x - a)**4, written as a loop and as a scan."""
    text = """
    def slope(x, a) {
        let cost = (x - a) ** 4
        return grad(cost, wrt=x)
    }
    export def f(x: f64, a: f64) -> (f64, f64, f64) {
        loop y = x for i < 20 { next y -= 0.1 * slope(y, a) }
        scan t < 20 { init z[-1] = x; z[t] = z[t-1] - 0.1 * slope(z[t-1], a) }
        return y, z[-1], grad(y, wrt=a)
    }"""
    y, z, slope = run(text, 2.0, 0.5)
    want, ahead = 2.0, 2.0
    for _ in range(20):
        want -= 0.1 * 4 * (want - 0.5) ** 3
        ahead -= 0.1 * 4 * (ahead - 0.5 - 1e-6) ** 3
    np.testing.assert_allclose([y, z], want, rtol=1e-12)
    np.testing.assert_allclose(slope, (ahead - want) / 1e-6, rtol=1e-4)
