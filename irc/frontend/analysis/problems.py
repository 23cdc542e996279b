"""Mistakes of the program, collected: at most three for a function, none that follows another."""

from __future__ import annotations

from irc.diagnostics import Diagnostic, SourceMap, Span

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


class Problems:
    """What was found so far. `sources` are the texts that the messages show."""

    def __init__(self, sources: SourceMap) -> None:
        self.sources = sources
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._seen: set[tuple[str, str, Span | None]] = set()
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

    def warn(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.title, diagnostic.span)
        if key not in self._seen:
            self._seen.add(key)
            self.warnings.append(diagnostic)
