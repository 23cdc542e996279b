"""Where a parse stopped. The words for it are in mistakes.py, which few parses need."""

from __future__ import annotations

from typing import NamedTuple

from irc.diagnostics import Diagnostic
from irc.frontend.lexer import Lexer, Token


class SyntaxMistake(Exception):
    """Ends the parse of an item."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic


class Failure(NamedTuple):
    """
    token     does not fit
    before    the token before it, None at the start
    states    of the parser before it met the token, to ask what would have fitted
    lexer     knows the open brackets
    """

    token: Token
    before: Token | None
    states: list[int]
    lexer: Lexer
