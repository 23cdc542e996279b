#!/usr/bin/env python3
"""Two gated networks learn to remember: an LSTM adds two marked numbers, a GRU repeats a word."""

from __future__ import annotations

import sys

import numpy as np
from common import Report, build, curves


def smooth(values: list[float], width: int = 20) -> np.ndarray:
    return np.convolve(values, np.full(width, 1 / width), mode="valid")


def adding(report: Report) -> None:
    m = build("lstm")
    with report.step("LSTM, adding problem of 40 steps: trained"):
        costs = [float(m.train()) for _ in range(1500)]
    error = float(np.mean([float(m.test_error()) for _ in range(10)]))
    report.goal("mean squared error (always answering 1 has 0.167)", error, at_most=0.02)
    lines = {"LSTM": smooth(costs), "answering 1": np.full(len(costs), 1 / 6)}
    curves("lstm", lines, "The adding problem", "step", "squared error")


def repeating(report: Report) -> None:
    m = build("gru")
    with report.step("GRU, words of 3 symbols after a pause of 4: trained"):
        results = [m.train() for _ in range(1000)]
    right = float(np.mean([float(r.right) for r in results[-50:]]))
    report.goal("share of symbols repeated rightly (guessing has 0.25)", right, at_least=0.95)
    curves("gru", {"GRU": smooth([float(r.right) for r in results])}, "Repeating a word", "step",
           "share of right symbols")  # fmt: skip


def main() -> int:
    report = Report("Sequences: LSTM and GRU")
    adding(report)
    repeating(report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
