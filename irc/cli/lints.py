"""Which warnings are shown, and which are errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from irc.cli.common import Reporter, usage
from irc.diagnostics import Diagnostic, SourceMap, did_you_mean


class Lints:
    """
    -W CODE on, -Wno-CODE off, -Werror all errors, -Werror=CODE that one; later ones win.

    failed   a warning was reported as an error
    """

    def __init__(self, flags: Sequence[str], reporter: Reporter) -> None:
        self.reporter = reporter
        self.off: set[str] = set()
        self.errors: set[str] = set()
        self.rest_off = self.rest_errors = False
        self.failed = False
        for text in flags:
            self._read(text.strip())

    def _read(self, text: str) -> None:
        lowered = text.lower()
        match lowered:
            case "error":
                self.rest_errors = True
            case "no-error":
                self.rest_errors = False
                self.errors.clear()
            case "all":
                self.rest_off = False
                self.off.clear()
            case "no-all":
                self.rest_off = True
            case _ if lowered.startswith("error="):
                code = known(lowered[6:])
                self.errors.add(code)
                self.off.discard(code)
            case _ if lowered.startswith("no-"):
                self.off.add(known(lowered[3:]))
            case _:
                code = known(lowered)
                self.off.discard(code)
                if self.rest_off:
                    self.rest_off, self.off = False, set(codes()) - {code}

    def report(self, diagnostic: Diagnostic, sources: SourceMap) -> None:
        code = diagnostic.code
        if code in self.off or (self.rest_off and code):
            return
        if diagnostic.severity == "warning" and (self.rest_errors or code in self.errors):
            diagnostic = replace(diagnostic, severity="error")
            self.failed = True
        self.reporter.diagnostic(diagnostic, sources)


def codes() -> list[str]:
    from irc.diagnostics.codes import PAGES

    return [code for code in PAGES if code.startswith("W")]


def known(name: str) -> str:
    code = name.upper()
    if code not in codes():
        close = did_you_mean(code, codes())
        hint = f"; did you mean {close[0]}?" if close else f": there are {', '.join(codes())}"
        usage(f"no warning is called {name}{hint}")
    return code
