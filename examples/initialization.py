#!/usr/bin/env python3
"""
A study of initializations: three ways to draw the first weights, two activations, two networks,
two optimizers, on scikit-learn's digits. Prints a table and draws the curves of learning.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import Any

import numpy as np
from common import Report, batches, build, digits, figure

SCHEMES = ("Glorot", "U[-1/n, 1/n]", "unit singular values")
ACTIVATIONS = ("tanh", "rectifier")
NETWORKS = {"MLP": "initialization", "convnet": "initialization_conv"}
OPTIMIZERS = {"SGD": 0.1, "Adam": 1e-3}  # with their learning rates
EPOCHS, BATCH = 8, 50


def learn(network: str, scheme: int, activation: int, optimizer: str) -> tuple[list[float], float]:
    """The costs of all steps, and the share of wrong answers on the test pictures."""
    x, y, test, labels = digits()
    m = build(NETWORKS[network], seed=1, SCHEME=scheme, RELU=activation)
    step, lr = getattr(m, optimizer.lower()), OPTIMIZERS[optimizer]
    costs = [float(step(x[rows], y[rows], lr=lr)) for _, rows in batches(len(x), BATCH, EPOCHS)]
    return costs, float(np.mean(m.predict(test) != labels))


def spreads() -> dict[tuple[str, str], np.ndarray]:
    """Deviations of activations and of gradients by layer in the fresh MLP: f[2, 4]."""
    x, y, _, _ = digits()
    found = {}
    for (s, scheme), (a, activation) in product(enumerate(SCHEMES), enumerate(ACTIVATIONS)):
        m = build("initialization", seed=1, SCHEME=s, RELU=a)
        found[scheme, activation] = np.array(m.spread(x[:200], y[:200]))
    return found


def main() -> int:
    report = Report("Initializations: cost after the last epoch, and test error")
    results = {}
    report.line(
        f"{'':20}" + "".join(f"{f'{a}, {o}':>22}" for a, o in product(ACTIVATIONS, OPTIMIZERS))
    )
    for network, (s, scheme) in product(NETWORKS, enumerate(SCHEMES)):
        cells = ""
        for (a, activation), optimizer in product(enumerate(ACTIVATIONS), OPTIMIZERS):
            costs, wrong = learn(network, s, a, optimizer)
            results[network, scheme, activation, optimizer] = costs, wrong
            cells += f"{np.mean(costs[-30:]):13.3f} {wrong:8.1%}"
        report.line(f"{network} {scheme:<20}"[:28].ljust(20) + cells)
    final = {key: float(np.mean(costs[-30:])) for key, (costs, _) in results.items()}
    worst_good = max(v for k, v in final.items() if k[1] != SCHEMES[1] and k[3] == "Adam")
    report.goal("worst cost of Glorot and unit singular values under Adam", worst_good, at_most=0.5)
    small = final["MLP", SCHEMES[1], "tanh", "SGD"]
    report.goal("cost of the small uniform one, deep tanh network, SGD (log 10 = 2.30)", small,
                at_least=1.5)  # fmt: skip
    draw_curves(results)
    draw_spreads(spreads())
    return report.end()


def draw_curves(results: dict[tuple[str, ...], tuple[list[float], float]]) -> None:
    def draw(sheet: Any) -> None:
        axes = sheet.subplots(len(NETWORKS) * len(ACTIVATIONS), len(OPTIMIZERS), sharex=True)
        for row, (network, activation) in enumerate(product(NETWORKS, ACTIVATIONS)):
            for one, optimizer in zip(axes[row], OPTIMIZERS, strict=True):
                one.set_title(f"{network}, {activation}, {optimizer}")
                for scheme in SCHEMES:
                    costs = results[network, scheme, activation, optimizer][0]
                    one.plot(np.convolve(costs, np.full(10, 0.1), mode="valid"), label=scheme)
                one.set_yscale("log")
        axes[0][0].legend()

    figure("initialization", draw, width=10, height=14)


def draw_spreads(found: dict[tuple[str, str], np.ndarray]) -> None:
    def draw(sheet: Any) -> None:
        axes = sheet.subplots(2, 2, sharex=True)
        for column, activation in enumerate(ACTIVATIONS):
            for row, what in enumerate(("activations", "gradients")):
                one = axes[row][column]
                one.set_title(f"{what}, {activation}")
                for scheme in SCHEMES:
                    one.plot(range(1, 5), found[scheme, activation][row], "o-", label=scheme)
                one.set(yscale="log", xticks=range(1, 5), xlabel="layer")
        axes[0][0].legend()

    figure("initialization_spread", draw, width=9, height=7)


if __name__ == "__main__":
    sys.exit(main())
