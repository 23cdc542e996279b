"""Texts that a running program shows: placeholders filled in with values."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from irc.execution.values import reread

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
    A scalar as Python writes it, an array as NumPy does, without cutting.

    spec   of Python's `format`, for each element
    """
    x = np.asarray(value)
    if x.ndim == 0:
        return format(x.item() if spec else x[()], spec)
    if x.size == 0:
        return "[]"
    style = {"all": lambda v: format(v.item(), spec)} if spec else None
    return np.array2string(x, threshold=x.size + 1, formatter=style)  # type: ignore[arg-type]
