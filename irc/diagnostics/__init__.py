"""
Messages: what a diagnostic is, how it looks, and the table of codes.

model.py    Span, Label, Diagnostic, SourceMap: plain records
text.py     the text with source lines and carets, one-line and JSON forms
codes/      code -> summary and explanation page, read by `--explain`
suggest.py  "did you mean"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irc.diagnostics.model import (
    Call,
    Diagnostic,
    Label,
    Severity,
    SourceMap,
    Span,
)
from irc.diagnostics.suggest import did_you_mean

if TYPE_CHECKING:
    from irc.diagnostics.text import render, render_short, to_json

__all__ = [
    "Call",
    "Diagnostic",
    "Label",
    "Severity",
    "SourceMap",
    "Span",
    "did_you_mean",
    "render",
    "render_short",
    "to_json",
]


def __getattr__(name: str) -> object:
    """The renderer is loaded with the first message."""
    if name not in ("render", "render_short", "to_json"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from irc.diagnostics.text import render, render_short, to_json

    globals().update(render=render, render_short=render_short, to_json=to_json)
    return globals()[name]
