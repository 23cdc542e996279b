"""
`--verify-diagnostics`: the messages of a run against comments in its input.

    // expected-error@+1 {{inner dimensions}}      the next line gets an error with this text
    // expected-warning {{...}}                    this line
    // expected-note@12, expected-remark@-1        line 12, the line before

Every expectation must be met by one message, and every error must be expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from irc.cli.common import Reporter
from irc.diagnostics import Diagnostic, SourceMap
from irc.errors import CheckFailed, InternalError, UserError

if TYPE_CHECKING:
    from irc.cli.opt_request import Chunk

EXPECTED = re.compile(
    r"//\s*expected-(error|warning|note|remark)(?:@(?:(above|below)|([+-]?)(\d+)))?\s*"
    r"(\d+)?\s*\{\{(.*?)\}\}"
)
MALFORMED = re.compile(r"//\s*expected-\w+")


@dataclass(frozen=True)
class Message:
    severity: str
    line: int | None
    text: str


class Recorder(Reporter):
    """Keeps what is reported instead of printing it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Diagnostic] = []

    def diagnostic(self, diagnostic: Diagnostic, sources: SourceMap | None = None) -> None:
        self.seen.append(diagnostic)


@dataclass
class Expectation:
    severity: str
    line: int
    text: str
    at: int

    def fits(self, message: Message) -> bool:
        return (
            self.severity == message.severity
            and message.line in (None, self.line)
            and self.text in message.text
        )


def expectations(text: str) -> list[Expectation]:
    """Raises UserError for a comment that looks like one and is none."""
    found: list[Expectation] = []
    for number, line in enumerate(text.split("\n"), 1):
        matches = list(EXPECTED.finditer(line))
        if len(matches) < len(MALFORMED.findall(line)):
            raise UserError(
                f"line {number}: write `// expected-error@+1 {{{{text}}}}`, got `{line.strip()}`"
            )
        for match in matches:
            severity, word, sign, digits, count, wanted = match.groups()
            target = number
            if word:
                target += 1 if word == "below" else -1
            elif digits:
                target = {"+": number, "-": number}.get(sign, 0) + int(f"{sign}{digits}")
            for _ in range(int(count or 1)):
                found.append(Expectation(severity, target, wanted, number))
    return found


def messages_of(diagnostic: Diagnostic) -> list[Message]:
    """The diagnostic itself; its secondary labels and notes as notes."""
    span = diagnostic.span
    rows = [Message(diagnostic.severity, span.line if span else None, diagnostic.title)]
    rows += [
        Message("note", label.span.line, label.text)
        for label in diagnostic.labels
        if label.text and not label.primary
    ]
    line = span.line if span else None
    return rows + [Message("note", line, note) for note in diagnostic.notes]


def check(
    chunk: Chunk, run: Callable[[Chunk], object], seen: list[Diagnostic] | None = None
) -> None:
    """
    Runs the chunk and compares.

    seen   warnings and remarks that were reported while it ran

    Raises CheckFailed with a line for each difference.
    """
    wanted = expectations(chunk.text)
    got: list[Message] = []
    try:
        run(chunk)
    except UserError as error:
        for diagnostic in error.diagnostics:
            got += messages_of(diagnostic)
    except InternalError as error:
        got += internal_messages(error)
    for diagnostic in seen or []:
        got += messages_of(diagnostic)

    wrong: list[str] = []
    left = list(got)
    for one in wanted:
        match = next((message for message in left if one.fits(message)), None)
        if match is None:
            wrong.append(
                f"{chunk.file}:{one.at}: expected {one.severity} at line {one.line} "
                f'"{one.text}" was not produced'
            )
        else:
            left.remove(match)
    strict = {"error", *(one.severity for one in wanted if one.severity != "note")}
    wrong += [
        f'{chunk.file}:{message.line or "?"}: unexpected {message.severity} "{message.text}"'
        for message in left
        if message.severity in strict
    ]
    if wrong:
        raise CheckFailed("\n".join(wrong))


def internal_messages(error: InternalError) -> list[Message]:
    """A pass that failed: an error at the op that it left wrong."""
    from irc.dialects.verify import OpFault, span_of

    cause = error.__cause__
    span = span_of(cause.op) if isinstance(cause, OpFault) else None
    return [Message("error", span.line if span else None, str(error))]
