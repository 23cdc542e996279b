"""
Where lines break: a pretty printer after Wadler, "A prettier printer" (2003), made strict and
without recursion as in Lindig, "Strictly pretty" (2000).

A document is a string, a list of documents, or one of the classes below.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Line(NamedTuple):
    """A line break, or `flat` where everything around fits on one line."""

    flat: str


class Group(NamedTuple):
    """On one line when it fits, else all its own lines break."""

    doc: Doc


class Nest(NamedTuple):
    """Breaks inside are indented further."""

    doc: Doc
    columns: int = 4


Doc: TypeAlias = "str | Line | Group | Nest | list[Doc]"

SPACE = Line(" ")
NOTHING = Line("")


def joined(separator: str, docs: list[Doc]) -> list[Doc]:
    """Documents with `separator` and a possible line break between them."""
    parts: list[Doc] = []
    for doc in docs:
        parts += [separator, SPACE, doc] if parts else [doc]
    return parts


def bracketed(opening: str, docs: list[Doc], closing: str) -> Doc:
    """On one line, or opening, one document per line, closing."""
    if not docs:
        return opening + closing
    return Group([opening, Nest([NOTHING, *joined(",", docs)]), NOTHING, closing])


def lay_out(doc: Doc, indent: int, width: int) -> list[str]:
    """The lines of a document; all but the first begin at `indent` or further right."""
    lines: list[str] = []
    current: list[str] = [" " * indent]
    column = indent
    pending: list[tuple[int, bool, Doc]] = [(indent, False, doc)]
    while pending:
        margin, flat, doc = pending.pop()
        if isinstance(doc, str):
            current.append(doc)
            column += len(doc)
        elif isinstance(doc, list):
            pending += [(margin, flat, part) for part in reversed(doc)]
        elif isinstance(doc, Nest):
            pending.append((margin + doc.columns, flat, doc.doc))
        elif isinstance(doc, Group):
            fits = flat or _fits(width - column, doc.doc, pending)
            pending.append((margin, fits, doc.doc))
        elif flat:
            current.append(doc.flat)
            column += len(doc.flat)
        else:
            lines.append("".join(current).rstrip())
            current = [" " * margin]
            column = margin
    lines.append("".join(current).rstrip())
    return lines


def _fits(room: int, doc: Doc, rest: list[tuple[int, bool, Doc]]) -> bool:
    """Whether `doc` on one line, and what follows up to the next break, takes `room` at most."""
    pending: list[tuple[bool, Doc]] = [(True, doc)]
    following = len(rest)
    while room >= 0:
        if pending:
            flat, doc = pending.pop()
        elif following:
            following -= 1
            _, flat, doc = rest[following]
        else:
            return True
        if isinstance(doc, str):
            room -= len(doc)
        elif isinstance(doc, list):
            pending += [(flat, part) for part in reversed(doc)]
        elif isinstance(doc, Line):
            if not flat:
                return True
            room -= len(doc.flat)
        else:
            pending.append((flat, doc.doc))
    return False
