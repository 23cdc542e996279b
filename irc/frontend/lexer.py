"""
Text to tokens, and the rule that decides which newlines end a statement.

A newline or `;` ends a statement. A newline does not
  inside `( )` and `[ ]`,
  after an operator, a comma or a word that wants more (`then`, `and`, ...),
  before something no statement begins with: an operator, a closing bracket, `{`, `else`, ...
irc has no expression statements, so a leading `-` is never ambiguous. A leading `@` followed
by a blank is the product, `@name` an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from irc.diagnostics import Span
from irc.frontend.tables import tables

NEWLINE = "_NL"
END = "$END"
BAD = "BAD"  # characters that are no token
LIMIT = "LIMIT"  # stands for all tokens behind the first MAX_TOKENS

MAX_TOKENS = 500_000  # lines and comments count too

PAIRS = {")": "(", "]": "[", "}": "{"}

# Words that are never names, because they join lines or begin an expression.
RESERVED = frozenset("and or not if then else with true false".split())

_WANTS_MORE = frozenset("+ - * / // % @ ** , = += -= *= /= == != <= >= < > : -> .".split()) | {
    *("and", "or", "not", "then", "else", "with")
}
_BEGINS_NO_STATEMENT = frozenset(
    "-> - + * / // % ** < > <= >= == != = += -= *= /= . ... , ] ) {".split()
) | {*("then", "else", "and", "or", "with", "while", "where", "for")}


class Token(NamedTuple):
    """
    kind    terminal of the grammar; a keyword is a NAME until the parser wants the keyword
    first   nothing but blanks stands before it on its line
    """

    kind: str
    text: str
    span: Span
    first: bool

    def __str__(self) -> str:
        return f"{self.span.line}:{self.span.col}".ljust(8) + f"{self.kind} {self.text}".rstrip()


class Lexer:
    """
    Tokens of `text[begin:end]`. Iterate once.

    brackets   the open ones, innermost last
    comments   those met so far: `#`, and `##` where nothing follows that it could document
    ends       what a message says at the end
    """

    def __init__(
        self,
        text: str,
        file: str,
        begin: int = 0,
        end: int | None = None,
        line: int = 1,
        col: int = 1,
    ) -> None:
        self.text = text
        self.file = file
        self.begin = begin
        self.end = len(text) if end is None else end
        self.line = line
        self.line_start = begin - (col - 1)
        self.brackets: list[Token] = []
        self.comments: list[Token] = []
        self.ends = "the line ends here"

    def __iter__(self) -> Iterator[Token]:
        previous: Token | None = None
        docs: list[Token] = []
        newline = False
        for token in self._raw():
            if token.kind == "LINE":
                newline = True
                continue
            if token.kind == "COMMENT":
                self.comments.append(token)
                continue
            nested = bool(self.brackets) and self.brackets[-1].text != "{"
            if token.kind == "DOC":
                (docs if token.first and not nested else self.comments).append(token)
                continue

            is_end = token.kind == END
            joined = nested or self._joins(previous, token)
            if previous is None or previous.kind == NEWLINE or previous.kind == "LBRACE":
                if token.kind == NEWLINE:  # a `;` that ends nothing
                    continue
            elif (newline and not joined) or is_end or token.kind == "RBRACE":
                if token.kind != NEWLINE and not nested:
                    yield self._newline_after(previous)
            if docs:
                if joined or is_end or token.kind == "RBRACE":
                    self.comments += docs
                else:
                    for doc in docs:
                        yield doc
                        yield self._newline_after(doc)
                docs = []
            newline = False

            yield token
            # Only now: to the parser, a bracket that does not fit is not open and not closed.
            if token.kind in ("LPAR", "LSQB", "LBRACE"):
                self.brackets.append(token)
            elif self.brackets and PAIRS.get(token.text) == self.brackets[-1].text:
                self.brackets.pop()
            previous = token

    def _joins(self, previous: Token | None, token: Token) -> bool:
        """Whether a newline between the two means nothing."""
        if previous is not None and previous.text in _WANTS_MORE:
            return True
        if token.text == "@":
            offset = self.line_start + token.span.end_col - 1
            return self.text[offset : offset + 1] in (" ", "\t")
        return token.text in _BEGINS_NO_STATEMENT and token.kind != "STRING"

    @staticmethod
    def _newline_after(token: Token) -> Token:
        span = token.span
        place = Span(span.file, span.end_line, span.end_col, span.end_line, span.end_col)
        return Token(NEWLINE, "", place, False)

    def _raw(self) -> Iterator[Token]:
        """All tokens with kind LINE for a line's end, and END last."""
        file = self.file
        marks = tables().marks
        line, line_start = self.line, self.line_start
        first = self.begin == line_start
        for count, match in enumerate(_scanner().finditer(self.text, self.begin, self.end)):
            kind = match.lastgroup if count < MAX_TOKENS else LIMIT
            if kind is None:  # blanks before the end
                break
            if kind == LIMIT:
                yield Token(LIMIT, "", Span(file, line, 1, line, 2), False)
                break
            begin, end = match.span(kind)
            part = match[kind]
            span = Span(file, line, begin - line_start + 1, line, end - line_start + 1)
            if kind == "MARK":
                kind = marks[part]
            elif kind == "LINE":
                line += 1
                line_start = self.line_start = end
            yield Token(_KINDS.get(kind, kind), part, span, first)
            first = kind == "LINE"
        col = self.end - line_start + 1
        yield Token(END, "", Span(file, line, col, line, col), first)


_KINDS = {"SEMICOLON": NEWLINE, "NUMBER": BAD, "UNCLOSED": BAD, "OTHER": BAD}


@cache
def _scanner() -> re.Pattern[str]:
    """One expression for all tokens, blanks before them included."""
    patterns = tables().patterns
    marks = sorted(tables().marks, key=len, reverse=True)
    groups = {
        "NAME": patterns["NAME"],
        "LINE": r"\n",
        "FLOAT": patterns["FLOAT"] + r"(?!\w)",
        "INT": patterns["INT"] + r"(?!\w|\.(?!\.))",
        "NUMBER": r"\.?\d\w*(\.\w*)*",  # what looks like a number and is none
        "STRING": patterns["STRING"],
        "UNCLOSED": r'"[^\n]*',
        "DOC": patterns["DOC"],
        "COMMENT": patterns["COMMENT"],
        "SEMICOLON": ";",
        "AUGMENTED": patterns["AUGMENTED"],
        "CMP": patterns["CMP"],
        "MARK": "|".join(map(re.escape, marks)),
        "OTHER": r"&&|\|\||'[^'\n]*'?|[^ \t\n]",
    }
    return re.compile(r"[ \t]*(?:" + "|".join(f"(?P<{k}>{v})" for k, v in groups.items()) + r"|\Z)")
