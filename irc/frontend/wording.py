"""Parts of messages about syntax."""

from __future__ import annotations

from irc.diagnostics import Diagnostic, Label
from irc.frontend.failure import Failure
from irc.frontend.lexer import END, NEWLINE, Token


def syntax(failure: Failure, title: str, help_: str = "", label: str | None = None) -> Diagnostic:
    """A message at the token that does not fit; an end is marked behind what came before it."""
    token = failure.token
    if label is None:
        label = f"found {name_of(token)}"
        if token.text != ";":
            ends = {NEWLINE: failure.lexer.ends, END: "the file ends here"}
            label = ends.get(token.kind, label)
    span = token.span
    if span.col == span.end_col:
        span = span._replace(end_col=span.col + 1)
    labels = (Label(span, label, primary=True),)
    return Diagnostic("E0101", title, labels, helps=(help_,) if help_ else ())


def at(token: Token, title: str, help_: str) -> Diagnostic:
    return Diagnostic("E0101", title, (Label(token.span, "", primary=True),), helps=(help_,))


def after(token: Token | None) -> str:
    return f" after `{short(token.text)}`" if token and token.text.strip() else ""


def name_of(token: Token) -> str:
    if token.kind == END:
        return "the end of the file"
    if token.kind == NEWLINE and token.text != ";":
        return "the end of the line"
    return f"`{short(token.text)}`"


def short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
