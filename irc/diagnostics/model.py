"""What a message consists of. No text layout here: see text.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note", "remark"]


class Span(NamedTuple):
    """
    A range of source text. Lines and columns count from 1, columns count characters.

    The end is exclusive: `end_col` is the column after the last character.
    """

    file: str
    line: int
    col: int
    end_line: int
    end_col: int

    def to(self, other: Span) -> Span:
        """From the start of this one to the end of `other`."""
        return Span(self.file, self.line, self.col, other.end_line, other.end_col)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


@dataclass(frozen=True, slots=True)
class Label:
    """
    A marked range: `^^^` when primary, `---` otherwise.

    The place of the message is that of its first primary label.
    """

    span: Span
    text: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call on the way to the place of an error.

    function    name of the function that was called
    span        the call
    arguments   what it was called with, as "x: f32[n, 500]"
    """

    function: str
    span: Span
    arguments: str = ""

    def __str__(self) -> str:
        given = f" with {self.arguments}" if self.arguments else ""
        return f"in `{self.function}`, called from {self.span}{given}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """
    One message.

    code         "E0201"; empty when there is none
    title        one line: what is wrong
    labels       ranges, each with what it contributes
    notes        facts; a note may have several lines
    helps        concrete ways out, valid code where they contain code
    call_chain   innermost call first
    """

    code: str
    title: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = "error"
    call_chain: tuple[Call, ...] = ()

    def __post_init__(self) -> None:
        for name in ("labels", "notes", "helps", "call_chain"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))

    @property
    def span(self) -> Span | None:
        """Where it happened: the first primary label, else the first label."""
        for label in self.labels:
            if label.primary:
                return label.span
        return self.labels[0].span if self.labels else None


def _as_tuple(parts: object) -> tuple[object, ...]:
    """A forgotten comma would make a note of every letter."""
    if isinstance(parts, str | Label | Call):
        return (parts,)
    return tuple(parts)  # type: ignore[arg-type]


@dataclass(slots=True)
class SourceMap:
    """The texts of the files that spans refer to."""

    texts: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def add(self, file: str, text: str) -> None:
        self.texts[file] = text
        self._lines.pop(file, None)

    def line(self, file: str, number: int) -> str | None:
        """Line `number` without its end, or None where the text is not known."""
        if file not in self._lines:
            text = self.texts.get(file)
            if text is None:
                return None
            self._lines[file] = split_lines(text)
        lines = self._lines[file]
        return lines[number - 1] if 1 <= number <= len(lines) else None


def split_lines(text: str) -> list[str]:
    """Lines as spans count them: LF, CRLF and CR end one, nothing else does."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
