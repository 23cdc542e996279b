"""
Messages: what a diagnostic is, how it looks, and the table of codes.

model.py    Span, Label, Diagnostic, SourceMap: plain records
render.py   the text with source lines and carets, one-line and JSON forms
codes/      code -> summary and explanation page, read by `--explain`
suggest.py  "did you mean"
"""

from __future__ import annotations

from irc.diagnostics.model import (
    Call,
    Diagnostic,
    Label,
    Severity,
    SourceMap,
    Span,
    unsupported,
)
from irc.diagnostics.render import render, render_short, to_json
from irc.diagnostics.suggest import did_you_mean

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
    "unsupported",
]
