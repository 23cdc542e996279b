#!/usr/bin/env python3
"""LeNet on digits of 28x28 pixels: filters, and the pictures that it gets wrong."""

from __future__ import annotations

import sys
import time

import numpy as np
from common import Report, batches, build, curves, digits, enlarged, tiles


def main() -> int:
    report = Report("A convolutional network on 28x28 pictures, batch 32")
    x, y, test, labels = digits()
    x, test = enlarged(x), enlarged(test)
    m = build("convnet")
    costs, start = [], time.perf_counter()
    for _, rows in batches(len(x), 32, epochs=12):
        costs.append(float(m.train(x[rows], y[rows], lr=0.1)))
    seconds = time.perf_counter() - start
    report.line(f"{len(costs)} steps of training, {seconds / len(costs) * 1e3:.1f} ms each")
    seen = m.predict(test)
    report.goal("test error", float(np.mean(seen != labels)), at_most=0.10)
    wrong = np.flatnonzero(seen != labels)[:20]
    report.line("wrong: " + ", ".join(f"{labels[k]} as {seen[k]}" for k in wrong))
    tiles("convnet", {"filters": m.state.net.W1[:, 0], "wrong": test[wrong, 0]})
    curves("convnet_cost", {"cost": costs}, "LeNet", "step", "cross-entropy")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
