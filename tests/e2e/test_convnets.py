"""Networks with convolutions train: LeNet, and the denoising autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.cc


def build(name: str) -> Any:
    return irc.compile(EXAMPLES / name)


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of a bar that lies or stands at one of five places: ten classes."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 10, count)
    pictures = np.zeros((count, 1, 28, 28), np.float32)
    for picture, k in zip(pictures, kind, strict=True):
        place = 3 + 5 * (k % 5) + int(rng.integers(0, 2))
        rows, columns = slice(place, place + 3), slice(4, 24)
        picture[(0, rows, columns) if k < 5 else (0, columns, rows)] = 1
    return pictures, kind.astype(np.int32)


def test_lenet_learns_to_tell_bars_apart() -> None:
    m = build("convnet.irc")
    x, y = bars(320)
    first = float(m.train(x[:32], y[:32]))
    assert abs(first - np.log(10)) < 0.3
    for step in range(40):
        part = slice(step % 10 * 32, step % 10 * 32 + 32)
        last = float(m.train(x[part], y[part], lr=0.1))
    assert last < 0.3
    assert m.error_rate(x, y) < 0.1
    assert m.predict(x[:1]).shape == (1,) and m.predict(x[:0]).shape == (0,)


def test_the_autoencoder_learns_bars() -> None:
    m = build("4_conv_autoencoder.irc")
    x, _ = bars(32)
    assert abs(float(m.train(x, lr=0.0)) - 784 * np.log(2)) < 2  # it knows nothing yet
    costs = [float(m.train(x, lr=0.004)) for _ in range(40)]
    assert costs[-1] < 0.4 * costs[0]
    assert m.code(x).shape == (32, 8, 7, 7)
    assert m.reconstruct(x).shape == x.shape
