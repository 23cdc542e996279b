"""What the drivers of the examples share: compiling, data, goals, pictures."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# Threads that wait sleep: on cores that others use too, spinning ones would keep each other from
# running. Read when the first module with parallel loops is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import irc  # noqa: E402

EXAMPLES = Path(__file__).resolve().parent
FIGURES = Path(os.environ.get("IRC_FIGURES", EXAMPLES.parent / "build" / "examples"))
TRAINING_ROWS = 1500  # of the 1,797 digits; the others, by other writers, test


class Report:
    """
    What a driver prints: a title, lines, and goals met or missed.

        report = Report("Catch by Q-learning")
        report.goal("caught", 0.97, at_least=0.95)
        sys.exit(report.end())
    """

    def __init__(self, title: str) -> None:
        self.missed = 0
        self.start = time.perf_counter()
        print(title, flush=True)

    def line(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def goal(
        self, what: str, value: float, *, at_most: float | None = None,
        at_least: float | None = None, form: str = ".3g",
    ) -> None:  # fmt: skip
        """Prints a figure beside its goal, and counts it when it is missed."""
        goals = []
        good = bool(np.isfinite(value))
        if at_most is not None:
            goals.append(f"at most {at_most:{form}}")
            good &= value <= at_most
        if at_least is not None:
            goals.append(f"at least {at_least:{form}}")
            good &= value >= at_least
        self.missed += not good
        self.line(f"{what} {value:{form}}   goal {', '.join(goals)}   {'ok' if good else 'MISSED'}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Prints how long something took."""
        start = time.perf_counter()
        yield
        self.line(f"{title} ({time.perf_counter() - start:.1f} s)")

    def end(self) -> int:
        """The exit code: 1 when a goal was missed."""
        seconds = time.perf_counter() - self.start
        print(f"  {'done' if not self.missed else 'FAILED'} in {seconds:.1f} s", flush=True)
        return 1 if self.missed else 0


def build(name: str, *, seed: int = 0, **constants: Any) -> irc.Module:
    """`examples/<name>.irc`, compiled with these constants and loaded."""
    return irc.compile(EXAMPLES / f"{name}.irc", seed=seed, D=constants)


# ---- data


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """
    Scikit-learn's digits: x f32[rows, 64] in [0, 1] and labels i32[rows] to train with, and the
    same to test with.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    x, y = np.ascontiguousarray(data.data / 16, np.float32), data.target.astype(np.int32)
    k = TRAINING_ROWS
    return x[:k], y[:k], x[k:], y[k:]


def enlarged(x: np.ndarray) -> np.ndarray:
    """8x8 pictures f32[rows, 64] as f32[rows, 1, 28, 28]: bilinear to 24x24, in a frame of 2."""
    at = (np.arange(24) + 0.5) / 3 - 0.5
    low = np.clip(np.floor(at), 0, 6).astype(int)
    weight = np.clip(at - low, 0, 1).astype(np.float32)
    mix = np.zeros((24, 8), np.float32)
    mix[np.arange(24), low] = 1 - weight
    mix[np.arange(24), low + 1] += weight
    large = mix @ x.reshape(-1, 8, 8) @ mix.T
    return np.ascontiguousarray(np.pad(large, ((0, 0), (2, 2), (2, 2)))[:, None])


def batches(rows: int, size: int, epochs: int, seed: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """The epoch and the row numbers of each minibatch, shuffled anew in each epoch."""
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = rng.permutation(rows)
        for i in range(0, rows - size + 1, size):
            yield epoch, order[i : i + size]


# ---- pictures


def figure(name: str, draw: Callable[[Any], None], width: float = 8, height: float = 5) -> None:
    """Writes `<name>.png` into the folder of figures, where matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        print("  (no pictures: matplotlib is not installed)")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    FIGURES.mkdir(parents=True, exist_ok=True)
    sheet = plt.figure(figsize=(width, height), layout="constrained")
    draw(sheet)
    path = FIGURES / f"{name}.png"
    sheet.savefig(path, dpi=100)
    plt.close(sheet)
    print(f"  picture: {os.path.relpath(path)}")


def curves(
    name: str, lines: Mapping[str, Sequence[float]], title: str, across: str, up: str
) -> None:
    """One axes with a line for each entry."""

    def draw(sheet: Any) -> None:
        axes = sheet.add_subplot(title=title, xlabel=across, ylabel=up)
        for label, values in lines.items():
            axes.plot(values, label=label, linewidth=1)
        axes.legend()

    figure(name, draw)


def tiles(name: str, rows: Mapping[str, np.ndarray], columns: int = 10) -> None:
    """Pictures f[count, height, width], with a title above those of each entry."""

    def draw(sheet: Any) -> None:
        counts = [-(-len(pictures) // columns) for pictures in rows.values()]
        parts = sheet.subfigures(len(rows), 1, height_ratios=counts, squeeze=False)[:, 0]
        for part, (title, pictures), count in zip(parts, rows.items(), counts, strict=True):
            part.suptitle(title)
            axes = part.subplots(count, columns, squeeze=False).ravel()
            for one in axes:
                one.axis("off")
            for one, picture in zip(axes, pictures, strict=False):
                one.imshow(picture, cmap="gray")

    total = sum(-(-len(pictures) // columns) for pictures in rows.values())
    figure(name, draw, width=columns, height=1.1 * total + 0.5 * len(rows))


if __name__ == "__main__":
    sys.exit(__doc__)
