"""Derivatives of recurrences give the same at every level, and in C; what they take is little."""

from __future__ import annotations

import numpy as np
import pytest
from levels import differences
from scan_gradients import gradient_cases

import irc
from irc.driver import Source, compile_source
from irc.options import Options
from irc.runtime.module import load_bytes
from irc.sizes import parse

pytestmark = pytest.mark.cc


def test_random_recurrences() -> None:
    assert differences(list(gradient_cases(range(8)))) == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_many_random_recurrences(block: int) -> None:
    seeds = range(10 + 20 * block, 30 + 20 * block)
    assert differences(list(gradient_cases(seeds))) == []


TALK = """
const p = 2
const q = 2
const h = 5

def run(u: f64[T, p], before: f64[4, p], x0: f64[3, h], y0: f64[q], W: f64[h, h],
        W1: f64[h, p], W2: f64[h, p], Wfb: f64[h, q], Wout: f64[q, h]) -> f64[T, q] {
    scan t < T {
        init u[-4:0] = before
        init x[-3:0] = x0
        init y[-1] = y0
        x[t] = tanh(W @ x[t-1] + W1 @ u[t] + W2 @ u[t-4] + Wfb @ y[t-1])
        y[t] = Wout @ x[t-3]
    }
    return y
}
export def f(u: f64[T, p], before: f64[4, p], x0: f64[3, h], y0: f64[q], W: f64[h, h],
             W1: f64[h, p], W2: f64[h, p], Wfb: f64[h, q], Wout: f64[q, h])
             -> (f64, f64[T, p], f64[4, p], f64[3, h], f64[q], f64[h, h], f64[h, p],
                 f64[h, p], f64[h, q], f64[q, h]) {
    let cost = sum(run(u, before, x0, y0, W, W1, W2, Wfb, Wout) ** 2)
    let du, db, dx, dy = grad(cost, wrt=(u, before, x0, y0), disconnected="zero")
    let dW, d1, d2, df, do = grad(cost, wrt=(W, W1, W2, Wfb, Wout))
    return cost, du, db, dx, dy, dW, d1, d2, df, do
}
"""


@pytest.mark.parametrize("steps", [0, 1, 2, 50])
def test_the_recurrence_of_the_talk(steps: int) -> None:
    """Its compiled gradients along random directions, against differences of fourth order."""
    module = irc.compile(TALK)
    shapes = [(steps, 2), (4, 2), (3, 5), (2,), (5, 5), (5, 2), (5, 2), (5, 2), (2, 5)]
    rng = np.random.default_rng(steps)
    inputs = [rng.normal(size=shape) / 2 for shape in shapes]
    along = [rng.normal(size=shape) for shape in shapes]

    def cost(step: float) -> float:
        return float(module.f(*(x + step * v for x, v in zip(inputs, along, strict=True)))[0])

    h = 2e-4
    difference = (8 * (cost(h) - cost(-h)) - (cost(2 * h) - cost(-2 * h))) / (12 * h)
    gradients = module.f(*inputs)[1:]
    slope = sum(np.sum(g * v) for g, v in zip(gradients, along, strict=True))
    assert np.isclose(slope, difference, rtol=1e-7, atol=1e-11)


LAST = """
{}
def last(u: f64[T, 30], W: f64[30, 30], x0: f64[30]) -> f64[30] {{
    scan t < T {{
        init x[-1] = x0
        x[t] = tanh(W @ x[t-1] + u[t])
    }}
    return x[-1]
}}
export def f(u: f64[T, 30], W: f64[30, 30], x0: f64[30]) -> (f64[30, 30], f64[30]) {{
    let y = last(u, W, x0)
    return grad(sum(y * y), wrt=(W, x0))
}}
"""


def test_a_checkpoint_takes_root_of_the_memory() -> None:
    """The gradient of the last state: the same numbers from 1/T of the rows, as --memory says."""
    results, taken = [], {}
    for mark in ("", "@checkpoint"):
        source = Source(LAST.format(mark), "last.irc")
        outputs = compile_source(source, Options(), ["so", "loops"])
        formula = parse(outputs.arenas["f"])
        taken[mark] = [formula.evaluate({"T": T}) for T in (100, 10_000, 1_000_000)]
        data = outputs.texts["so"]
        assert isinstance(data, bytes)
        module = load_bytes(data)
        rng = np.random.default_rng(0)
        u, w, x = rng.normal(size=(77, 30)), rng.normal(size=(30, 30)) / 6, rng.normal(size=30)
        results.append(module.f(u, w, x))
        assert module.workspace_bytes == formula.evaluate({"T": 77})
    for plain, again in zip(*results, strict=True):
        assert np.allclose(plain, again, rtol=1e-12, atol=1e-12)
    assert taken[""][2] > 90 * taken[""][1] > 90 * 30 * taken[""][0]
    assert taken["@checkpoint"][2] < 10.1 * taken["@checkpoint"][1]
    assert taken["@checkpoint"][1] < taken[""][1] / 20
