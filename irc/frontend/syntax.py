"""
Text of a program to its syntax tree.

    read_source   a file to text, with guards against what is no source
    parse         text to a tree.Module
    tokens        text to tokens, for `--emit tokens`
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from irc.diagnostics import Diagnostic, SourceMap, Span
from irc.errors import UserError
from irc.frontend import tree
from irc.frontend.actions import NO_LEAD, Actions, join_docs
from irc.frontend.failure import SyntaxMistake
from irc.frontend.lexer import Lexer, Token
from irc.frontend.parser import parse_tokens
from irc.frontend.walk import replace

MAX_BYTES = 16 * 2**20
MAX_MISTAKES = 3


def read_source(path: str | os.PathLike[str]) -> str:
    """
    The text of a source file. Raises UserError E0104 when it cannot be one: missing, not a
    regular file, larger than 16 MiB, not UTF-8.
    """
    name = os.fspath(path)
    try:
        # Not blocking: opening a pipe would wait for somebody to write.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unreadable(f"`{name}` is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise _unreadable(f"cannot read `{name}`: {reason}") from None
    return decode(data, name)


def decode(data: bytes, name: str) -> str:
    """Bytes of a source file to text. Raises UserError E0104."""
    if len(data) > MAX_BYTES:
        raise _unreadable(f"`{name}` is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} in line {line}"
        raise _unreadable(f"`{name}` is not UTF-8: {what}", "save the file as UTF-8") from None


def parse(text: str, file: str) -> tree.Module:
    """
    The tree of a file. Raises UserError with up to three syntax errors, at most one for each
    item; `file` is the name that messages show.
    """
    text = normalize(text)
    lexer = Lexer(text, file)
    actions = Actions(_parse_expression)
    try:
        items = parse_tokens(lexer, "start", actions)
    except SyntaxMistake as mistake:
        raise UserError(
            list(_all_mistakes(mistake.diagnostic, text, file)), SourceMap({file: text})
        ) from None

    loose = sorted(actions.loose_docs, key=lambda doc: doc.span)
    doc, items, loose = _module_doc(items, loose)
    comments = [_comment(token) for token in lexer.comments]
    comments += [tree.Comment(doc.span, f"## {doc.text}".rstrip(), True) for doc in loose]
    comments.sort(key=lambda comment: comment.span[1:])
    span = Span(file, 1, 1, text.count("\n") + 1, len(text) - text.rfind("\n"))
    return tree.Module(span, doc, items, tuple(comments))


def tokens(text: str, file: str) -> Iterator[Token]:
    """All tokens, and the newlines that end statements."""
    return iter(Lexer(normalize(text), file))


def normalize(text: str) -> str:
    """Without a byte order mark, and with LF as the only line end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _parse_expression(text: str, file: str, line: int, col: int) -> tree.Expr:
    """The expression in the braces of a message."""
    lexer = Lexer(text, file, line=line, col=col)
    lexer.ends = "the braces end here"
    value: tree.Expr = parse_tokens(lexer, "expression", Actions(_parse_expression))
    return value


def _all_mistakes(first: Diagnostic, text: str, file: str) -> Iterator[Diagnostic]:
    """
    The first mistake, and those of later items.

    The text from the next line that begins like an item is parsed on its own, so that one
    mistake causes no second message.
    """
    yield first
    lines = text.split("\n")
    diagnostic = first
    for _ in range(MAX_MISTAKES - 1):
        place = diagnostic.span
        if place is None or diagnostic.code == "E0104":  # too large: the rest is so, too
            return
        # An unclosed bracket is reported where it was opened, with the begin of the next item.
        last = max(label.span.line for label in diagnostic.labels)
        number = last if last > place.line else place.line + 1
        while number <= len(lines) and not _begins_item(lines[number - 1]):
            number += 1
        if number > len(lines):
            return
        offset = sum(len(line) + 1 for line in lines[: number - 1])
        try:
            lexer = Lexer(text, file, begin=offset, line=number)
            parse_tokens(lexer, "start", Actions(_parse_expression))
            return
        except SyntaxMistake as mistake:
            diagnostic = mistake.diagnostic
            yield diagnostic


def _begins_item(line: str) -> bool:
    from irc.frontend.mistakes import ITEM_WORDS

    word = line.split(maxsplit=1)[:1]
    return bool(word) and word[0] in ITEM_WORDS and not line[0].isspace()


def _module_doc(
    items: tuple[tree.Item, ...], loose: list[tree.Doc]
) -> tuple[tree.Doc | None, tuple[tree.Item, ...], list[tree.Doc]]:
    """
    The `##` lines at the top of a file document the file, unless a function follows directly.

    Gives the doc, the items, and the `##` lines that belong to nothing.
    """
    first = items[0] if items else None
    doc = first.lead.doc if first else None
    top = [d for d in loose if first is not None and d.span.line < first.span.line]
    if top:
        count = 1
        while count < len(top) and top[count].span.line == top[count - 1].span.line + 1:
            count += 1
        return join_docs(top[:count]), items, [d for d in loose if d not in top[:count]]
    if first is None or doc is None or isinstance(first, tree.Function | tree.Extern | tree.Test):
        return None, items, loose
    attributes = first.lead.attributes
    lead = NO_LEAD
    if attributes:
        lead = tree.Lead(attributes[0].span.to(attributes[-1].span), None, attributes)
    return doc, (replace(first, lead=lead), *items[1:]), loose


def _comment(token: Token) -> tree.Comment:
    return tree.Comment(token.span, token.text.rstrip(), token.first)


def _unreadable(title: str, help_: str = "") -> UserError:
    return UserError(Diagnostic("E0104", title, helps=(help_,) if help_ else ()))
