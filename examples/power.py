#!/usr/bin/env python3
"""The largest eigenvalue of a matrix of any size, beside NumPy's (LAPACK)."""

from __future__ import annotations

import sys

import numpy as np
from common import Report, build

import irc


def main() -> int:
    report = Report("Power iteration")
    m = build("5_power")
    rng = np.random.default_rng(0)
    for n in (3, 50, 200):
        a = rng.normal(size=(n, n))
        a = a @ a.T / n
        found = m.power(a, max_steps=100_000, tol=1e-13)
        largest = np.linalg.eigvalsh(a)[-1]
        report.line(f"n = {n}: {float(found.value):.12f} after {int(found.steps)} steps")
        report.goal("relative difference from LAPACK", abs(float(found.value) / largest - 1),
                    at_most=1e-9)  # fmt: skip
    try:
        m.power(a, max_steps=3)
    except irc.AssertError as error:
        report.line(f"with 3 steps it says: {str(error).splitlines()[0]}")
    else:
        report.goal("failures reported with 3 steps", 0, at_least=1)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
