#!/usr/bin/env python3
"""
The recurrence of the talk, with taps on its input, its state and its output.

Compares a forward run with a loop in NumPy, then trains on a signal that has to be remembered.
"""

from __future__ import annotations

import sys

import numpy as np
from common import Report, build, curves

H, P, Q, T = 20, 3, 2, 15


def in_numpy(
    w: dict[str, np.ndarray], u: np.ndarray, before: np.ndarray, x0: np.ndarray, y0: np.ndarray
) -> np.ndarray:
    """y of 3_rnn.irc, in double precision. Rows of x and y begin with those before time 0."""
    u = np.concatenate([before, u]).astype(np.float64)
    x, y = list(x0.astype(np.float64)), [y0.astype(np.float64)]
    for t in range(len(u) - 4):
        x.append(
            np.tanh(w["W"] @ x[-1] + w["W1in"] @ u[t + 4] + w["W2in"] @ u[t] + w["Wfb"] @ y[-1])
        )
        y.append(w["Wout"] @ x[t])
    return np.array(y[1:])


def main() -> int:
    report = Report("The recurrence x(n) = tanh(W x(n-1) + W1in u(n) + W2in u(n-4) + Wfb y(n-1))")
    m = build("3_rnn", h=H, p=P, q=Q)
    rng = np.random.default_rng(1)
    u, before, x0, y0 = (
        rng.normal(size=shape).astype(np.float32) for shape in ((T, P), (4, P), (3, H), (Q,))
    )
    weights = {name: getattr(m.state, name) for name in ("W", "W1in", "W2in", "Wfb", "Wout")}
    zeros = (np.zeros((4, P)), np.zeros((3, H)), np.zeros(Q))
    error = np.abs(m.predict(u) - in_numpy(weights, u, *zeros)).max()
    report.goal("largest difference from a loop in NumPy", error, at_most=1e-6)

    # What went in 2 and 5 steps ago; the input of the last 4 steps comes from before.
    long = np.concatenate([before, u])
    target = 0.3 * np.stack([long[2 : T + 2, 0], np.tanh(long[1 : T + 1, 1])], axis=1)
    costs = [float(m.train(u, before, x0, y0, target, lr=0.1).cost) for _ in range(400)]
    report.line(f"cost {costs[0]:.3f} at first, {costs[-1]:.3f} after 400 steps")
    report.goal("cost that is left", costs[-1] / costs[0], at_most=0.3)
    curves("recurrence", {"cost": costs}, "The recurrence of the talk", "step", "squared error")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
