"""Time of a call: a median with its 95 % interval."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

WARM_UP_S = 0.2
BATCH_S = 1e-3  # calls shorter than this are timed in batches
WANTED = 0.02  # half-width of the interval, as a part of the median
LEAST, MOST = 11, 20_000  # batches


@dataclass(frozen=True)
class Measured:
    """
    Seconds of one call.

    low, high   95 % interval of the median
    calls       how many were made; batches how many times were taken
    """

    median: float
    low: float
    high: float
    fastest: float
    calls: int
    batches: int

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        unit, factor = scale(self.median)
        spread = max(self.high - self.median, self.median - self.low) / self.median * 100
        return (
            f"{self.median * factor:.4g} {unit} ± {spread:.1f} % "
            f"(95 %: {self.low * factor:.4g} to {self.high * factor:.4g}; "
            f"fastest {self.fastest * factor:.4g}; {self.calls} calls)"
        )


def scale(seconds: float) -> tuple[str, float]:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return unit, factor
    return "ns", 1e9


def measure(call: Callable[[], object], max_seconds: float = 10.0) -> Measured:
    """
    Warms up, then calls until the interval is within 2 % of the median, or for `max_seconds`.
    """
    count = warm_up(call, min(WARM_UP_S, max_seconds))
    times: list[float] = []
    end = time.perf_counter() + max_seconds
    while len(times) < MOST:
        times.append(batch(call, count) / count)
        if time.perf_counter() > end or (len(times) >= LEAST and settled(times)):
            break
    low, high = interval(sorted(times))
    return Measured(median(times), low, high, min(times), count * len(times), len(times))


def warm_up(call: Callable[[], object], seconds: float) -> int:
    """Calls for a while; gives how many make a batch."""
    calls, start = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return max(1, math.ceil(BATCH_S / (elapsed / calls)))


def batch(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start


def settled(times: Sequence[float]) -> bool:
    """Looked at now and then: sorting at every step would cost more than the calls."""
    if len(times) % 8 != LEAST % 8:
        return False
    low, high = interval(sorted(times))
    middle = median(times)
    return high - middle <= WANTED * middle and middle - low <= WANTED * middle


def median(times: Sequence[float]) -> float:
    ordered = sorted(times)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """
    95 % interval of the median from order statistics; it assumes no distribution.

    The ranks are those of the normal approximation to the binomial distribution.
    """
    n = len(ordered)
    half_width = 1.96 * math.sqrt(n) / 2
    low = max(math.floor(n / 2 - half_width), 0)
    high = min(math.ceil(n / 2 + half_width), n - 1)
    return ordered[low], ordered[high]


def compared(before: Measured, now: Measured) -> str:
    """What changed, and whether the intervals allow to say so."""
    ratio = now.median / before.median
    if now.low <= before.high and before.low <= now.high:
        return f"before {before.median:.4g} s: no difference that the intervals show"
    word = "slower" if ratio > 1 else "faster"
    return f"before {before.median:.4g} s: {max(ratio, 1 / ratio):.2f} times {word}"
