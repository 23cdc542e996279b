"""Random recurrences with their gradients, as cases for every level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from levels import Call, Case
from nd_programs import program
from scan_programs import Recurrence, cost, numbers, random_recurrence, scanned
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder

MODES = ("", "until", "truncate", "checkpoint")


def gradient_cases(seeds: Iterable[int]) -> Iterator[Case]:
    """Of 0, 1, 2 or 7 steps, in each mode in turn."""
    for seed in seeds:
        r, mode = Random(seed), MODES[seed % len(MODES)]
        rec = random_recurrence(r, r.choice([0, 1, 2, 7]), until=mode == "until")
        rec.truncate = 2 if mode == "truncate" else None
        rec.checkpoint = mode == "checkpoint"
        yield _gradients(rec, seed)


def _gradients(rec: Recurrence, seed: int) -> Case:
    inputs = numbers(rec, seed)

    def body(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        results = scanned(b, rec, xs, rec.count)
        return [*results, *b.grad(cost(b, results), xs, disconnected=True)]

    name = f"gradients of {rec.count} steps, seed {seed}"
    return Case(name, program([("f64", x.shape) for x in inputs], body), [Call(inputs)])
