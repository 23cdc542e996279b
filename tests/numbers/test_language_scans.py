"""Recurrences and loops of the language against NumPy, at the level of `nd`."""

from __future__ import annotations

import numpy as np
import pytest
from language import call, equal, run

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


def scan(body: str, result: str, type_: str, *inputs: object, params: str, head: str = "t < T") -> np.ndarray:
    text = f"export def f({params}) -> {type_} {{\nscan {head} {{\n{body}\n}}\nreturn {result}\n}}"
    (got,) = run(text, *inputs)
    return got


def test_a_counter_and_fibonacci() -> None:
    body = """
        init k[-1] = 0
        init fib[-2:0] = [0, 1]
        k[t] = k[t-1] + 2
        fib[t] = fib[t-1] + fib[t-2]
    """
    got = scan(body, "k + fib", "i64[10]", params="", head="t < 10")
    equal(got, np.arange(2, 22, 2) + [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])


def test_equations_stand_in_any_order() -> None:
    x = RNG.normal(size=7)
    body = """
        let b = a[t] * 2
        c[t] = b + d[t]
        d[t] = a[t] - 1
        init c[-1] = 0
        a[t] = x[t] + c[t-1]
    """
    got = scan(body, "c", "f64[T]", x, params="x: f64[T]")
    want, c = [], 0.0
    for v in x:
        a = v + c
        c = 2 * a + a - 1
        want.append(c)
    equal(got, np.array(want))
