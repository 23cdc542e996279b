"""String literals: escapes, and the interpolations of messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from irc.diagnostics import Diagnostic, Label, Span
from irc.frontend.failure import SyntaxMistake
from irc.frontend.lexer import Token
from irc.frontend.tree import Expr, Interpolation, Template

# Text of the expression, its line and column.
ParseExpression = Callable[[str, str, int, int], Expr]

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"'}
# As in Python: sign, zero fill, width, precision, presentation.
FORMAT = re.compile(r"[+ -]?0?\d{0,3}(\.\d{1,2})?[deEfFgGx%]?")


def string_value(token: Token) -> str:
    """What a literal stands for. Raises SyntaxMistake on an unknown escape."""
    return "".join(text for _, text in _characters(token))


def template(token: Token, parse_expression: ParseExpression) -> Template:
    """
    Splits a message at its braces; `{{` and `}}` are single braces.

    An interpolation is an expression and, after a colon outside its brackets, a format.
    """
    parts: list[str | Interpolation] = []
    literal: list[str] = []
    raw = token.text
    characters = list(_characters(token))
    i = 0
    while i < len(characters):
        begin, char = characters[i]
        source = raw[begin]
        if source in "{}" and raw[begin + 1] == source:
            literal.append(char)
            i += 2
        elif source == "{":
            end, colon = _closing_brace(token, begin)
            parts += ["".join(literal)] if literal else []
            literal = []
            parts.append(_interpolation(token, begin, colon, end, parse_expression))
            while i < len(characters) and characters[i][0] <= end:
                i += 1
        elif source == "}":
            raise _mistake(token, begin, 1, "`}` without `{`", "write `}}` for a brace itself")
        else:
            literal.append(char)
            i += 1
    parts += ["".join(literal)] if literal else []
    return Template(token.span, tuple(parts), raw)


def _characters(token: Token) -> Iterator[tuple[int, str]]:
    """Offset in the literal, and the character that begins there."""
    raw = token.text
    i = 1
    while i < len(raw) - 1:
        if raw[i] != "\\":
            yield i, raw[i]
            i += 1
        elif raw[i + 1] in ESCAPES:
            yield i, ESCAPES[raw[i + 1]]
            i += 2
        else:
            known = "escapes are " + ", ".join(f"`\\{c}`" for c in ESCAPES)
            raise _mistake(token, i, 2, f"unknown escape `{raw[i : i + 2]}`", known)


def _closing_brace(token: Token, begin: int) -> tuple[int, int | None]:
    """Offsets of the `}` that belongs to the `{` at `begin`, and of the colon before it."""
    raw = token.text
    depth, colon = 0, None
    for i in range(begin + 1, len(raw) - 1):
        if raw[i] == "}":
            return i, colon
        depth += (raw[i] in "([") - (raw[i] in ")]")
        if raw[i] == ":" and depth == 0 and colon is None:
            colon = i
    raise _mistake(token, begin, 1, "`{` is never closed", "write `{{` for a brace itself")


def _interpolation(
    token: Token, begin: int, colon: int | None, end: int, parse_expression: ParseExpression
) -> Interpolation:
    raw = token.text
    stop = end if colon is None else colon
    source = raw[begin + 1 : stop]
    if not source.strip():
        message = "expected an expression between `{` and `}`"
        raise _mistake(token, begin, end + 1 - begin, message, "write `{{` for a brace itself")
    format_ = None if colon is None else raw[colon + 1 : end]
    if format_ is not None and not FORMAT.fullmatch(format_):
        example = "write a format such as `.4f`, `8.3e` or `d`"
        raise _mistake(token, stop, end - stop, f"`{format_}` is no format", example)
    at = _span(token, begin, end + 1 - begin)
    value = parse_expression(source, at.file, at.line, at.col + 1)
    return Interpolation(at, value, format_)


def _span(token: Token, offset: int, length: int) -> Span:
    file, line, col, _, _ = token.span
    return Span(file, line, col + offset, line, col + offset + length)


def _mistake(token: Token, offset: int, length: int, title: str, help_: str) -> SyntaxMistake:
    label = Label(_span(token, offset, length), "", primary=True)
    return SyntaxMistake(Diagnostic("E0103", title, (label,), helps=(help_,)))
