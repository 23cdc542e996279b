"""What irc-opt was asked for, and what it works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from irc.files import shown
from irc.options import Options

if TYPE_CHECKING:
    from irc.passes.spelling import PassText
    from irc.pipeline import Stage


@dataclass
class Request:
    """The command line of irc-opt, read. Fields are named as the flags."""

    file: str | None
    kind: str | None
    options: Options
    split_input_file: str | None
    allow_unregistered_dialect: bool
    pipelines: tuple[str, ...]
    stop: str | None
    start: str | None
    verify_each: bool
    verify_roundtrip: bool
    output: str
    form: str
    print_debuginfo: bool
    no_names: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    before_all: bool
    after_all: bool
    after_change: bool
    after_failure: bool
    tree: str | None
    diff: bool
    time_passes: str | None
    stats: str | None
    remarks: bool
    verify_diagnostics: bool
    run: str | None
    arguments: tuple[str, ...]
    compare_exec: bool
    seed: int
    bisect: str | None
    shrink: str | None
    reproducer: str | None
    run_reproducer: bool
    dump_pipeline: bool

    @property
    def shown_file(self) -> str:
        return "<stdin>" if self.file in (None, "-") else shown(str(self.file))


@dataclass
class Chunk:
    """One module's text. It starts with empty lines, so that its lines keep their numbers."""

    text: str
    file: str


@dataclass
class Plan:
    """Passes to run, and the stages that end among them: (number of passes, stage)."""

    passes: list[PassText]
    ends: list[tuple[int, Stage]]
