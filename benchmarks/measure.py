"""Times that can be compared: interleaved rounds, medians with their spread, one core."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Call = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """What several rounds gave: seconds of one call, or a ratio."""

    low: float
    median: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        return Spread(min(values), statistics.median(values), max(values))

    def data(self) -> dict[str, float]:
        return {"min": self.low, "median": self.median, "max": self.high}


def interleaved(
    calls: Mapping[str, Call], rounds: int, batch_s: float, clock: Clock = time.process_time
) -> dict[str, list[float]]:
    """
    Seconds of one call by name, one number a round.

    All take turns in every round, so that a slow moment of the machine meets all of them; who
    begins changes from round to round. Short calls are timed in batches of about `batch_s`.

    clock   CPU time for work on one thread: equal to wall time, but for what others take away
    """
    counts = {name: batch_size(call, batch_s, clock) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(rounds):
        for name in order:
            times[name].append(seconds_of(calls[name], counts[name], clock) / counts[name])
        order.append(order.pop(0))
    return times


def batch_size(call: Call, batch_s: float, clock: Clock) -> int:
    """Warms up, and finds how many calls take `batch_s`."""
    call()
    count = 1
    while (seconds := seconds_of(call, count, clock)) < batch_s / 2 and count < 10**7:
        count = max(2 * count, min(int(count * batch_s / max(seconds, 1e-9)), 100 * count))
    return count


def seconds_of(call: Call, count: int, clock: Clock) -> float:
    repeat = [None] * count  # iterating a list costs less than a range
    start = clock()
    for _ in repeat:
        call()
    return clock() - start


def ratios(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """Round by round: both numbers of a round met the same machine."""
    return Spread.of([a / b for a, b in zip(slow, fast, strict=True)])


# ---- the machine


def pin() -> int | None:
    """Keeps this process on one core, the last; gives its number, None where that is impossible."""
    try:
        core = max(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {core})
    except (AttributeError, OSError):
        return None
    return core


class Noise:
    """
    How noisy the machine is: one fixed loop, timed again and again beside the measurements.

    On a quiet machine it always takes the same time.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def probe(self, times: int = 5) -> None:
        for _ in range(times):
            start = time.perf_counter()
            total = 0
            for i in range(20_000):
                total += i
            self.seconds.append(time.perf_counter() - start)

    def factor(self) -> float:
        """The slow tenth against the fastest: 1.0 is quiet; differences below this mean nothing."""
        ordered = sorted(self.seconds)
        return ordered[int(0.9 * (len(ordered) - 1))] / ordered[0]
