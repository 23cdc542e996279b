"""Texts that a running program shows: placeholders filled in with values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from irc.execution.values import reread

LARGE, EDGE = 1000, 3

# `{{`, `}}`, `{0}`, `{0:.4f}` and, for the position of a failed check, `{@0}`.
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(@?)(\d+)(?::([^{}]*))?\}")


def fill(
    text: str,
    values: Sequence[object],
    dtypes: Sequence[str | None] | None = None,
    position: Sequence[int] = (),
) -> str:
    """
    `text` with value i in the place of `{i}` and position d in the place of `{@d}`.

    dtypes   irc's names: signless integers do not tell whether they are unsigned
    """

    def put(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[0][0]
        number = int(match[2])
        if match[1]:
            return str(position[number])
        dtype = dtypes[number] if dtypes else None
        return show(reread(values[number], dtype), match[3] or "")

    return _PLACEHOLDER.sub(put, text)


def show(value: object, spec: str = "") -> str:
    """
    A value as a compiled program writes it: numbers with the fewest digits that give them back,
    laid out as Python does, `true` and `false`, tensors as nested lists.

    Above LARGE elements an axis shows its first and last EDGE.

    spec   of Python's `format`, for each element
    """
    x = np.asarray(value)
    if x.dtype == np.float16:
        x = x.astype(np.float32)
    return _nested(x, spec, x.size > LARGE)


def _nested(x: np.ndarray, spec: str, cut: bool) -> str:
    if x.ndim == 0:
        return _number(x[()], spec)
    if not cut or len(x) <= 2 * EDGE:
        return f"[{', '.join(_nested(np.asarray(v), spec, cut) for v in x)}]"
    first, last = (
        [_nested(np.asarray(v), spec, cut) for v in part] for part in (x[:EDGE], x[-EDGE:])
    )
    return f"[{', '.join([*first, '...', *last])}]"


def _number(x: Any, spec: str) -> str:
    if isinstance(x, np.bool_):
        return "true" if x else "false"
    if spec or not isinstance(x, np.floating) or not np.isfinite(x):
        return format(x.item(), spec)
    return _shortest(x)


def _shortest(x: np.floating) -> str:
    """The first of ever longer decimals that reads back as x, laid out as Python's `repr`."""
    for precision in range(17):
        text = f"{float(x):.{precision}e}"
        if type(x)(text) == x:
            break
    mantissa, _, exponent = text.partition("e")
    if -4 <= int(exponent) < 16:
        return np.format_float_positional(np.float64(text), trim="0")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{exponent}"
