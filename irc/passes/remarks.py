"""
What passes tell about their decisions, for `--remarks`.

    with collecting() as remarks:
        run_passes(...)
    for r in remarks: print(r)

A pass calls `remark` and never asks who listens; `listening()` saves it the work of a text that
nobody wants. The list belongs to the current context (a thread, a task), not to the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from xdsl.dialects.builtin import LocationAttr

from irc.dialects.verify import place


@dataclass(frozen=True, slots=True)
class Remark:
    """
    One decision.

    kind       fusion, memory, copy, loop, gpu: the word of `--remarks=`
    location   of the op that it is about
    text       what was done, or what was not done and why
    """

    kind: str
    location: LocationAttr
    text: str

    def __str__(self) -> str:
        at = place(self.location)
        return f"{at}: {self.kind}: {self.text}" if at else f"{self.kind}: {self.text}"


_REMARKS: ContextVar[list[Remark] | None] = ContextVar("irc_remarks", default=None)


@contextmanager
def collecting() -> Iterator[list[Remark]]:
    """Remarks made inside the block go to the list that it gives."""
    remarks: list[Remark] = []
    token = _REMARKS.set(remarks)
    try:
        yield remarks
    finally:
        _REMARKS.reset(token)


def listening() -> bool:
    """Whether anybody collects."""
    return _REMARKS.get() is not None


def remark(kind: str, location: LocationAttr, text: str) -> None:
    """Records a decision, if anybody collects."""
    remarks = _REMARKS.get()
    if remarks is not None:
        remarks.append(Remark(kind, location, text))
