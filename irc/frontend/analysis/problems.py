"""Mistakes of the program, collected: at most three for a function, none that follows another."""

from __future__ import annotations

from collections.abc import Iterable

from irc.diagnostics import Call, Diagnostic, Label, Severity, SourceMap, Span, did_you_mean

MAX_PER_FUNCTION = 3


class Problem(Exception):
    """
    Raised where a mistake is found, caught at the statement around it.

    `diagnostic` is None when the mistake was reported already: this one only follows from it.
    """

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic


class TooMany(Exception):
    """Ends the analysis of a function that has enough mistakes."""


Key = tuple[str, str, Span | None]
Saved = tuple[list[Diagnostic], list[Diagnostic], set[Key], dict[object, int]]


class Problems:
    """
    What was found so far.

    sources   the texts that the messages show
    called    functions that were read for some call, and so checked
    """

    def __init__(self, sources: SourceMap) -> None:
        self.sources = sources
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.called: set[object] = set()
        self._seen: set[Key] = set()
        self._counts: dict[object, int] = {}

    def report(self, problem: Problem, function: object) -> None:
        """Keeps the error. Raises TooMany when `function` has as many as are shown."""
        diagnostic = problem.diagnostic
        if diagnostic is None:
            return
        key = (diagnostic.code, diagnostic.title, diagnostic.span)
        if key not in self._seen:
            self._seen.add(key)
            self.errors.append(diagnostic)
        self._counts[function] = self._counts.get(function, 0) + 1
        if self._counts[function] >= MAX_PER_FUNCTION:
            raise TooMany

    def saved(self) -> Saved:
        """All of it, for `restore`."""
        return list(self.errors), list(self.warnings), set(self._seen), dict(self._counts)

    def restore(self, saved: Saved) -> None:
        """As it was then."""
        errors, warnings, seen, counts = saved
        self.errors[:], self.warnings[:] = errors, warnings
        self._seen, self._counts = set(seen), dict(counts)

    def warn(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.title, diagnostic.span)
        if key not in self._seen:
            self._seen.add(key)
            self.warnings.append(diagnostic)


def diagnostic(
    code: str,
    title: str,
    span: Span | None,
    text: str = "",
    *,
    labels: Iterable[Label | None] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
    severity: Severity = "error",
    chain: tuple[Call, ...] = (),
) -> Diagnostic:
    """A message with its primary label at `span`; absent labels are left out."""
    primary = [Label(span, text, primary=True)] if span else []
    known = [label for label in labels if label]
    return Diagnostic(code, title, (*primary, *known), tuple(notes), tuple(helps), severity, chain)


def problem(
    code: str,
    title: str,
    span: Span | None,
    text: str = "",
    *,
    labels: Iterable[Label | None] = (),
    notes: Iterable[str] = (),
    helps: Iterable[str] = (),
) -> Problem:
    """The exception for a mistake outside of functions."""
    return Problem(diagnostic(code, title, span, text, labels=labels, notes=notes, helps=helps))


def guesses(name: str, known: Iterable[str]) -> list[str]:
    """Helps that name what `name` may be a slip of."""
    return [f"did you mean `{guess}`?" for guess in did_you_mean(name, known)]
