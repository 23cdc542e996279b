"""
Which elements of a result an error of rounding may change at will.

Elementary functions and products are defined up to rounding. What follows may turn that into
anything: a comparison, `floor`, a division by a difference. Those elements are found by running
the reference with noise in the ops that are not exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from irc.dialects import nd
from irc.dialects.nd.types import dtype_of
from irc.execution.compare import TOLERANCE, TOLERANCE_BF16
from irc.execution.outcome import Outcome
from irc.execution.program import Program

_EPSILON = {"f16": 1e-3, "bf16": 8e-3, "f32": 1e-6, "f64": 2e-15}
_TRIALS = 2


@dataclass(frozen=True)
class Mask:
    """
    What says nothing.

    everything   the outcome as a whole: a check fails with noise only, or the other way round
    elements     of results and states, in order; empty when all of them count
    """

    everything: bool = False
    elements: Sequence[np.ndarray] = field(default_factory=list)

    def __or__(self, other: Mask) -> Mask:
        if not self.elements or not other.elements:
            elements = self.elements or other.elements
        else:
            elements = [a | b for a, b in zip(self.elements, other.elements, strict=True)]
        return Mask(self.everything or other.everything, elements)


def noisy_programs(module: ModuleOp) -> list[Program]:
    """The module as programs whose elementary functions and products have an error each time."""
    from irc.execution import nd as reference

    programs = []
    for trial in range(_TRIALS):
        evaluate = _with_noise(reference.evaluate, np.random.default_rng(trial))
        with mock.patch.object(reference, "evaluate", evaluate):
            programs.append(Program(module))
    return programs


def unstable(clean: Outcome, trials: Sequence[Outcome]) -> Mask:
    """Elements that noise changes by more than half of what is allowed."""
    masks = [np.zeros(x.shape, bool) for x in _arrays(clean)]
    for noisy in trials:
        if noisy.failure != clean.failure:
            return Mask(everything=True)
        for mask, x, y in zip(masks, _arrays(clean), _arrays(noisy), strict=True):
            mask |= _apart(x, y)
    return Mask(elements=masks)


def masked(expected: Outcome, outcome: Outcome, mask: Mask, near: bool) -> tuple[Outcome, Outcome]:
    """
    Both outcomes with 0 wherever the mask, or with `near` one that is not finite, hides something.
    """
    xs, ys = _arrays(expected), _arrays(outcome)
    if [x.shape for x in xs] != [y.shape for y in ys]:
        return expected, outcome
    hidden = [np.zeros(x.shape, bool) for x in xs]
    for h, m in zip(hidden, mask.elements, strict=False):
        h |= m
    if near:
        for h, x, y in zip(hidden, xs, ys, strict=True):
            if x.dtype.kind == "f":
                h |= ~(np.isfinite(x) & np.isfinite(y))
    return _without(expected, hidden), _without(outcome, hidden)


def _without(outcome: Outcome, hidden: Sequence[np.ndarray]) -> Outcome:
    arrays = [
        np.where(h, np.zeros((), x.dtype), x) for h, x in zip(hidden, _arrays(outcome), strict=True)
    ]
    count = len(outcome.results)
    state = dict(zip(outcome.state, arrays[count:], strict=True))
    return replace(outcome, results=arrays[:count], state=state)


def _arrays(outcome: Outcome) -> list[np.ndarray]:
    return [np.asarray(x) for x in (*outcome.results, *outcome.state.values())]


def _apart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "f":
        return np.asarray(x != y)
    allowed = min(TOLERANCE_BF16, TOLERANCE[x.dtype.name]) / 2
    with np.errstate(all="ignore"):
        close = np.abs(x - y) <= allowed * np.maximum(1, np.abs(x))
        return ~(close | (x == y) | (np.isnan(x) & np.isnan(y)))


def _with_noise(
    exact: Callable[..., list[Any]], rng: np.random.Generator
) -> Callable[..., list[Any]]:
    def evaluate(op: Operation, operands: Any, sizes: Any) -> list[np.ndarray]:
        results = exact(op, operands, sizes)
        product = isinstance(op, nd.DotOp | nd.ConvOp)
        inexact = product or isinstance(op, nd.ElementwiseOp) and op.SCALAR.inexact
        dtype = dtype_of(op.results[0]) if inexact else None
        if dtype is None or not dtype.is_float:
            return results
        (x,) = results
        scale = np.abs(x)
        if product and scale.size:  # terms may cancel
            finite = scale[np.isfinite(scale)]
            scale = np.maximum(scale, finite.max() if finite.size else 0)
        noise = (_EPSILON[dtype.name] * scale * rng.uniform(-1, 1, x.shape)).astype(x.dtype)
        return [np.asarray(np.where(np.isfinite(noise), x + noise, x))]

    return evaluate
