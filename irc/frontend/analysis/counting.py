"""Integers that count with index variables: between which values they run."""

from __future__ import annotations

from collections.abc import Sequence

from irc import sizes
from irc.frontend.analysis.broadcasting import binder_size
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Binder
from irc.sizes import Poly, Size


def symbol(b: Binder) -> str:
    """The variable that stands for the index in polynomials; no size is called so."""
    return f"{b.name}'{b.span.line}_{b.span.col}_{b.span.file}"


def line(p: Poly, b: Binder) -> tuple[int, Poly] | None:
    """(step, offset) with p = step * b + offset, offset free of b, step a known integer."""
    name = symbol(b)
    offset = p.substitute({name: 0})
    step = (p.substitute({name: 1}) - offset).constant
    if step is None or p != sizes.var(name) * step + offset:
        return None
    return step, offset


def extremes(low: Poly, high: Poly, batch: Sequence[Binder]) -> tuple[Poly, Poly] | None:
    """The least `low` and the greatest `high` over all values of the variables, if linear."""
    for b in batch:
        first, second = line(low, b), line(high, b)
        if first is None or second is None:
            return None
        last = sizes.poly(binder_size(b)) - 1
        low = first[1] + (last * first[0] if first[0] < 0 else 0)
        high = second[1] + (last * second[0] if second[0] > 0 else 0)
    return low, high


def unproved(env: Env, size: Size, ends: tuple[Poly, Poly], batch: Sequence[Binder]) -> list[Poly]:
    """
    What must be >= 0 for positions between `ends` to be inside a dimension, and is not proved.

    The variables take a value at all, so their ranges are at least 1.
    """
    facts = env.facts.copy()
    for b in batch:
        facts.add_nonnegative(sizes.poly(binder_size(b)) - 1)
    rooms = (ends[0], size - 1 - ends[1])
    return [r for r in map(sizes.poly, rooms) if not facts.nonnegative(r)]
