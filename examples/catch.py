#!/usr/bin/env python3
"""Catch by Q-learning: games, player and learning are one compiled function."""

from __future__ import annotations

import sys

import numpy as np
from common import Report, build, curves, figure

GRID, EPISODES, GAMES = 10, 4000, 1280


def picture(row: int, fruit: int, paddle: int) -> np.ndarray:
    """What the player sees: f32[100], 1 at the fruit and at the three cells of the paddle."""
    seen = np.zeros((GRID, GRID), np.float32)
    seen[row, fruit] = 1
    seen[GRID - 1, paddle - 1 : paddle + 2] = 1
    return seen.reshape(-1)


def main() -> int:
    report = Report(f"Catch by Q-learning on a {GRID} x {GRID} grid")
    m = build("6_catch")
    eps = np.maximum(0.05, 1 - np.arange(EPISODES) / (0.6 * EPISODES))
    with report.step(f"{EPISODES} episodes of 64 games: played and learned"):
        caught = [float(m.episode(e).caught) for e in eps.astype(np.float32)]
    rng = np.random.default_rng(0)
    wins, shown = 0, []
    for game in range(GAMES):
        fruit, paddle = int(rng.integers(GRID)), int(rng.integers(1, GRID - 1))
        for row in range(GRID - 1):
            seen = picture(row, fruit, paddle)
            if game < 2:
                shown.append(seen.reshape(GRID, GRID))
            paddle = min(max(paddle + int(m.play(seen)) - 1, 1), GRID - 2)
        wins += abs(paddle - fruit) <= 1
    report.goal(f"caught by the greedy player, of {GAMES} fruit", wins / GAMES, at_least=0.95)
    smooth = np.convolve(caught, np.full(50, 1 / 50), mode="valid")
    curves("catch", {"while learning": smooth}, "Catch by Q-learning", "episode", "caught")

    def draw(sheet) -> None:
        for one, seen in zip(sheet.subplots(2, GRID - 1).ravel(), shown, strict=True):
            one.imshow(seen, cmap="gray")
            one.axis("off")

    figure("catch_games", draw, width=10, height=2.6)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
