"""What is measured, as data. Every peer in peers/ has a function of the name `kind`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Inputs = Mapping[str, Any]
F32 = np.float32


@dataclass(frozen=True)
class Workload:
    """
    make       the inputs; `checking` asks for some with which all peers give the same results
    flops      of one call, 0 when they are not what it is about
    tolerance  of the comparison, relative to the largest number of a result
    goal       least speed, with NumPy's as 1; 0 for none
    threads    numbers of threads to measure it with
    """

    name: str
    kind: str
    make: Callable[[np.random.Generator, bool], Inputs]
    flops: float = 0.0
    tolerance: float = 2e-5
    goal: float = 0.0
    threads: tuple[int, ...] = (1,)


def workloads() -> list[Workload]:
    return [
        *(product(f"layer_{m}", "layer", m, 784, 512, goal=0.8) for m in (20, 128, 600)),
        *(product(f"square_{n}", f"square_{n}", n, n, n, threads=(1, 2)) for n in (256, 512, 1024)),
        *(elementwise(n) for n in (1_000, 100_000, 10_000_000)),
        rows("softmax_4096x1024", "softmax_rows", 4096, 1024, (4096, 1024)),
        rows("sum_axis0_1024x1024", "sum_axis0", 1024, 1024, (1024,)),
        rows("sum_axis1_1024x1024", "sum_axis1", 1024, 1024, (1024,)),
        *(logreg(n) for n in (20, 600)),
        *(mlp(n) for n in (20, 128, 600)),
    ]


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, F32)


def product(
    name: str, kind: str, m: int, k: int, n: int, goal: float = 0.0, threads: tuple[int, ...] = (1,)
) -> Workload:
    """f32[m, k] · f32[k, n]"""

    def make(rng: np.random.Generator, checking: bool) -> Inputs:
        return {"a": normal(rng, m, k), "b": normal(rng, k, n), "out": np.zeros((m, n), F32)}

    return Workload(name, kind, make, flops=2.0 * m * k * n, goal=goal, threads=threads)


def elementwise(n: int) -> Workload:
    """tanh(a*x + b) * sigmoid(c*x) + exp(-x*x)"""

    def make(rng: np.random.Generator, checking: bool) -> Inputs:
        a, b, c = F32(0.7), F32(-0.1), F32(1.3)
        return {"x": normal(rng, n), "a": a, "b": b, "c": c, "out": np.zeros(n, F32)}

    return Workload(f"elementwise_1e{len(str(n)) - 1}", "elementwise", make, threads=(1, 2))


def rows(name: str, kind: str, m: int, n: int, out: tuple[int, ...]) -> Workload:
    def make(rng: np.random.Generator, checking: bool) -> Inputs:
        return {"x": normal(rng, m, n), "out": np.zeros(out, F32)}

    return Workload(name, kind, make)


def logreg(n: int) -> Workload:
    """One step of examples/1_logreg.irc, 784 to 10."""

    def make(rng: np.random.Generator, checking: bool) -> Inputs:
        return {"x": rng.random((n, 784), F32), "y": labels(rng, n), "lr": F32(0.01)}

    return Workload(f"logreg_step_{n}", "logreg", make, flops=6.0 * n * 784 * 10)


def mlp(n: int) -> Workload:
    """One step of examples/2_mlp.irc, 784-500-10. Dropout would differ, so checks have none."""

    def make(rng: np.random.Generator, checking: bool) -> Inputs:
        return {
            "x": rng.random((n, 784), F32),
            "y": labels(rng, n),
            "lr": F32(1e-3),
            "p": F32(0.0 if checking else 0.5),
            "W1": normal(rng, 784, 500) / F32(28),
            "W2": normal(rng, 500, 10) / F32(22),
        }

    flops = 2.0 * n * (2 * 784 * 500 + 3 * 500 * 10)
    return Workload(f"mlp_step_{n}", "mlp", make, flops=flops, tolerance=1e-3, threads=(1, 2))


def labels(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 10, n, np.int32)
