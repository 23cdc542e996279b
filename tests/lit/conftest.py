"""Collects the files of this folder as tests and runs their `RUN:` lines, as `lit` would."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lit_shell import Shell, Step

SUFFIXES = {".irc", ".mlir", ".test"}
KEYWORD = re.compile(r"^\s*(?://|#)\s*(RUN|REQUIRES):(.*)$")
SHOWN_LINES = 60


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix not in SUFFIXES or "Inputs" in file_path.parts:
        return None
    return LitFile.from_parent(parent, path=file_path)


class LitFailure(Exception):
    """A `RUN:` line failed; the text is the whole report."""


class LitFile(pytest.File):
    def collect(self) -> Iterator[LitItem]:
        """One test a file. `REQUIRES: clang` is the marker of that name."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        found = [
            (number, match[1], match[2].strip())
            for number, line in enumerate(lines, 1)
            if (match := KEYWORD.match(line))
        ]
        runs = [(number, text) for number, keyword, text in found if keyword == "RUN" and text]
        item = LitItem.from_parent(self, name=self.path.stem, runs=join_continued(runs))
        for _, keyword, text in found:
            if keyword == "REQUIRES":
                for name in text.replace(",", " ").split():
                    item.add_marker(name)
        yield item


def join_continued(runs: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Joins a line that ends in a backslash with the next."""
    joined: list[tuple[int, str]] = []
    continued = False
    for number, text in runs:
        if continued:
            number, before = joined.pop()
            text = before.removesuffix("\\").rstrip() + " " + text
        joined.append((number, text))
        continued = text.endswith("\\")
    return joined


class LitItem(pytest.Item):
    def __init__(self, *, runs: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.runs = runs

    def runtest(self) -> None:
        if not self.runs:
            raise LitFailure(f"{self.path}: no RUN: line; a file that others read goes to Inputs/")
        with tempfile.TemporaryDirectory(prefix="irc-lit-") as folder:
            shell = Shell(Path(folder), substitutions(self.path, Path(folder)))
            for number, line in self.runs:
                done = len(shell.steps)
                if not shell.run(line):
                    raise LitFailure(report(self.path, number, line, shell.steps[done:]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, LitFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, (self.runs[0][0] - 1) if self.runs else 0, self.nodeid


def substitutions(path: Path, folder: Path) -> dict[str, str]:
    return {
        "s": str(path),
        "S": str(path.parent),
        "t": str(folder / f"{path.stem}.tmp"),
        "T": str(folder),
        "%": "%",
    }


def report(path: Path, number: int, line: str, steps: list[Step]) -> str:
    parts = [f"{path}:{number}: this line failed\n  RUN: {line}"]
    for step in steps:
        parts.append(f"$ {step.text}\n  exit code {step.code}")
        for name, output in (("stdout", step.stdout), ("stderr", step.stderr)):
            text = output.decode(errors="replace").rstrip("\n")
            if text:
                parts.append(quote(name, text.split("\n")))
    return "\n".join(parts)


def quote(name: str, lines: list[str]) -> str:
    hidden = len(lines) - SHOWN_LINES
    more = [f"  {name} | ... {hidden} more lines"] if hidden > 0 else []
    return "\n".join([f"  {name} | {line}" for line in lines[:SHOWN_LINES]] + more)
