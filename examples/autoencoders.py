#!/usr/bin/env python3
"""Autoencoders on digits: denoising, stacked, convolutional; their filters and what they see."""

from __future__ import annotations

import sys

import numpy as np
from common import Report, batches, build, curves, digits, enlarged, tiles


def corrupted(x: np.ndarray, share: float) -> np.ndarray:
    """x with a share of its pixels set to 0."""
    return (x * (np.random.default_rng(0).random(x.shape) >= share)).astype(np.float32)


def denoising(report: Report) -> None:
    x, _, test, _ = digits()
    m = build("denoising")
    with report.step("denoising autoencoder, 40 epochs: trained"):
        costs = [float(m.train(x[rows], lr=0.1)) for _, rows in batches(len(x), 50, epochs=40)]
    noisy = corrupted(test, 0.3)
    seen = m.reconstruct(noisy)
    before, after = (float(np.mean((a - test) ** 2)) for a in (noisy, seen))
    report.goal("squared error that is left of the noise", after / before, at_most=0.4)
    tiles("denoising", {
        "filters": m.features().reshape(-1, 8, 8)[:50],
        "pictures, with noise, reconstructed": np.concatenate(
            [a[:10].reshape(-1, 8, 8) for a in (test, noisy, seen)]),
    })  # fmt: skip
    curves("denoising_cost", {"cost": costs}, "Denoising autoencoder", "step", "cross-entropy")


def stacked(report: Report) -> None:
    x, y, test, labels = digits()
    m = build("stacked")
    with report.step("stacked autoencoder: two layers, then the labels: trained"):
        for _, rows in batches(len(x), 50, epochs=20):
            m.pretrain_lower(x[rows])
        for _, rows in batches(len(x), 50, epochs=20):
            m.pretrain_upper(x[rows])
        for _, rows in batches(len(x), 50, epochs=60):
            m.finetune(x[rows], y[rows])
    wrong = float(np.mean(m.predict(test) != labels))
    report.goal("test error", wrong, at_most=0.10)
    tiles("stacked", {"filters of the first layer": m.features().reshape(-1, 8, 8)[:50]})


def entropy(x: np.ndarray) -> float:
    """The least cross-entropy that anybody can reach: that of gray pixels with themselves."""
    p = np.clip(x.astype(np.float64), 1e-12, 1 - 1e-12)
    return float(-np.sum(p * np.log(p) + (1 - p) * np.log1p(-p)) / len(x))


def squares(count: int, size: int = 4) -> np.ndarray:
    """Black pictures f32[count, 1, 28, 28], each with a white square somewhere."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((count, 1, 28, 28), np.float32)
    for picture, (i, j) in zip(pictures, rng.integers(0, 28 - size, (count, 2)), strict=True):
        picture[0, i : i + size, j : j + size] = 1
    return pictures


def convolutional_on_squares(report: Report) -> None:
    m = build("4_conv_autoencoder")
    x = squares(64)
    costs = [float(m.train(x)) for _ in range(200)]
    report.line(f"convolutional autoencoder on squares: cost {costs[0]:.0f} at first")
    report.goal("cost after 200 steps", costs[-1], at_most=8)
    report.line(f"code {'x'.join(map(str, m.code(x[:1]).shape[1:]))}")


def convolutional(report: Report) -> None:
    x, _, test, _ = digits()
    m = build("4_conv_autoencoder")
    large = enlarged(x)
    order = batches(len(large), 50, epochs=14)  # 420 steps
    with report.step("convolutional autoencoder on 28x28: trained"):
        costs = [float(m.train(large[rows], lr=0.001)) for _, rows in order]
    least, last = entropy(large), float(np.mean(costs[-20:]))
    report.line(f"cost {costs[0]:.0f} at first, {last:.1f} at the end, {least:.1f} at best")
    report.goal("what is left to gain", (last - least) / (costs[0] - least), at_most=0.1)
    some = enlarged(test[:10])
    noisy = corrupted(some, 0.3)
    tiles("conv_autoencoder", {
        "filters": m.state.enc.W1[:, 0],
        "pictures, with noise, reconstructed": np.concatenate(
            [a[:, 0] for a in (some, noisy, m.reconstruct(noisy))]),
    })  # fmt: skip


def main() -> int:
    report = Report("Autoencoders on digits")
    denoising(report)
    stacked(report)
    convolutional_on_squares(report)
    convolutional(report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
