#!/usr/bin/env python3
"""
Hamiltonian Monte Carlo: the posterior of a logistic regression, beside importance sampling.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from common import Report, build, figure


def reference(x: np.ndarray, y: np.ndarray, count: int = 400_000) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation by importance sampling from the prior: independent of any gradient."""
    w = np.random.default_rng(2).normal(size=(count, x.shape[1]))
    z = w @ x.T
    log = (y * z - np.logaddexp(0, z)).sum(axis=1)
    p = np.exp(log - log.max())
    p /= p.sum()
    mean = p @ w
    return mean, np.sqrt(p @ (w - mean) ** 2)


def main() -> int:
    report = Report("Hamiltonian Monte Carlo: posterior of a logistic regression")
    rng = np.random.default_rng(0)
    x = np.c_[np.ones(40), rng.normal(size=(40, 2))]
    y = (rng.random(40) < 1 / (1 + np.exp(-x @ [0.5, 1.5, -1]))).astype(float)
    m = build("hmc")
    m.sample(x, y)  # from zeros to where the density is
    with report.step("20,000 samples of 20 leapfrog steps"):
        calls = [m.sample(x, y) for _ in range(10)]
    samples = np.concatenate([c.samples for c in calls])
    accepted = float(np.mean([float(c.accepted) for c in calls]))
    mean, deviation = reference(x, y)
    report.line(
        f"mean       {samples.mean(axis=0).round(3)}   by importance sampling {mean.round(3)}"
    )
    report.line(f"deviation  {samples.std(axis=0).round(3)}   {deviation.round(3)}")
    report.goal("accepted", accepted, at_least=0.8)
    off = np.abs(samples.mean(axis=0) - mean).max()
    report.goal("largest error of a mean", float(off), at_most=0.03)
    spread = np.abs(samples.std(axis=0) / deviation - 1).max()
    report.goal("largest relative error of a deviation", float(spread), at_most=0.05)

    def draw(sheet: Any) -> None:
        chain, cloud = sheet.subplots(1, 2)
        chain.plot(samples[:300])
        chain.set_title("the chain")
        cloud.plot(samples[:3000, 1], samples[:3000, 2], ".", markersize=2)
        cloud.set_title("two of the weights")

    figure("hmc", draw)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
