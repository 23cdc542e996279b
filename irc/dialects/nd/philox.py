"""
Philox4x32-10: four random words from a counter and a key.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)


def philox4x32(counter: Sequence[Any], key: Sequence[Any]) -> list[Words]:
    """The four words for four counter words and two key words: integers, or arrays of one shape."""
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1 = (k & 0xFFFFFFFF for k in key)
    for _ in range(ROUNDS):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + KEY_STEPS[1]) & 0xFFFFFFFF
    return [c.astype(np.uint32) for c in (c0, c1, c2, c3)]


def random_words(seed: int, counter: int, site: int, count: int, first: int = 0) -> Words:
    """
    Words `first` to first + count - 1 of the stream that `seed`, `counter` and `site` name.

    Word p is word p mod 4 for the counter (p div 4 low, p div 4 high, counter low, site). Places
    have 64 bits, and 0 follows the last.
    """
    skipped = first % 4
    start = first % 2**64 // 4
    blocks = np.arange((skipped + count + 3) // 4, dtype=np.uint64) + np.uint64(start)
    blocks &= np.uint64(2**62 - 1)
    words = philox4x32(
        (
            (blocks & _LOW).astype(np.uint32),
            (blocks >> np.uint64(32)).astype(np.uint32),
            np.full(blocks.shape, counter & 0xFFFFFFFF, dtype=np.uint32),
            np.full(blocks.shape, site & 0xFFFFFFFF, dtype=np.uint32),
        ),
        (seed, seed >> 32),
    )
    return np.stack(words, axis=-1).reshape(-1)[skipped : skipped + count]
