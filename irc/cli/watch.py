"""Printing the IR between passes, diffs, times and counts. All of it goes to stderr or files."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc.cli.common import Reporter
from irc.dialects.text import module_text
from irc.dialects.verify import walk
from irc.files import make_folder, write_file
from irc.passes.manager import Observer, PassManager
from irc.pipeline import stage_of_pass

if TYPE_CHECKING:
    from irc.cli.opt_request import Request


class PrintIR(Observer):
    """`// -----// IR Dump After nd-cse //----- //`, as mlir-opt heads it."""

    def __init__(self, before: Callable[[str], bool], after: Callable[[str], bool]) -> None:
        self.wanted_before, self.wanted_after = before, after

    def before(self, one: ModulePass, module: ModuleOp) -> None:
        if self.wanted_before(one.name):
            dump(f"Before {one.name}", module_text(module))

    def after(self, one: ModulePass, module: ModuleOp) -> None:
        if self.wanted_after(one.name):
            dump(f"After {one.name}", module_text(module))


class PrintFailed(Observer):
    def failed(self, one: ModulePass, module: ModuleOp) -> None:
        dump(f"After {one.name} Failed", module_text(module, generic=True))


class Changes(Observer):
    """Tells `show` the text before and after each pass that changed it."""

    def __init__(self, show: Callable[[str, str, str], None]) -> None:
        self.show = show
        self.text: str | None = None

    def before(self, one: ModulePass, module: ModuleOp) -> None:
        if self.text is None:
            self.text = module_text(module)

    def after(self, one: ModulePass, module: ModuleOp) -> None:
        before, self.text = self.text or "", module_text(module)
        if before != self.text:
            self.show(one.name, before, self.text)


class Tree(Observer):
    """One file for each pass, numbered, each valid input to irc-opt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def before(self, one: ModulePass, module: ModuleOp) -> None:
        if self.count == 0:
            self.write("input", module)

    def after(self, one: ModulePass, module: ModuleOp) -> None:
        self.write(one.name, module)

    def write(self, name: str, module: ModuleOp) -> None:
        make_folder(self.folder)
        safe = re.sub(r"[^\w.-]", "_", name)
        write_file(self.folder / f"{self.count:02}_{safe}.mlir", module_text(module))
        self.count += 1


class Counts(Observer):
    """Number of ops around each pass."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, int]] = []
        self.last: int | None = None

    def before(self, one: ModulePass, module: ModuleOp) -> None:
        if self.last is None:
            self.last = count_ops(module)

    def after(self, one: ModulePass, module: ModuleOp) -> None:
        now = count_ops(module)
        self.rows.append((one.name, self.last or 0, now))
        self.last = now


def count_ops(module: ModuleOp) -> int:
    return sum(1 for _ in walk(module)) - 1


def dump(title: str, text: str) -> None:
    print(f"// -----// IR Dump {title} //----- //\n{text}", file=sys.stderr)


def print_changes(reporter: Reporter) -> Changes:
    color = reporter.colored()
    return Changes(lambda *texts: print(diff_lines(*texts, color=color), file=sys.stderr))


def diff_lines(name: str, before: str, after: str, *, color: bool) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", f"after {name}", lineterm="", n=2
    )
    if not color:
        return "\n".join(lines)
    styles = {"+": "32", "-": "31", "@": "36"}
    return "\n".join(
        f"\x1b[{styles[line[0]]}m{line}\x1b[0m" if line[:1] in styles else line for line in lines
    )


def observers(request: Request, reporter: Reporter) -> list[Observer]:
    watching: list[Observer] = []
    if request.before or request.after or request.before_all or request.after_all:
        watching.append(
            PrintIR(
                lambda name: request.before_all or name in request.before,
                lambda name: request.after_all or name in request.after,
            )
        )
    if request.after_failure:
        watching.append(PrintFailed())
    if request.after_change:
        watching.append(Changes(lambda name, _, text: dump(f"After {name}", text)))
    if request.diff:
        watching.append(print_changes(reporter))
    if request.tree:
        watching.append(Tree(Path(request.tree)))
    if request.stats:
        watching.append(Counts())
    return watching


def report(
    request: Request, manager: PassManager, watching: list[Observer], reporter: Reporter
) -> None:
    """What was measured, after the last pass."""
    if request.time_passes:
        print(times(manager, request.time_passes), file=sys.stderr)
    for one in watching:
        if isinstance(one, Counts):
            print(counts(one, str(request.stats)), file=sys.stderr)


def times(manager: PassManager, form: str) -> str:
    rows = [*manager.seconds]
    if manager.verify_seconds:
        rows.append(("(verify)", manager.verify_seconds))
    total = sum(seconds for _, seconds in rows)
    if form == "json":
        passes = [{"pass": name, "seconds": round(s, 6)} for name, s in rows]
        return json.dumps({"passes": passes, "total": round(total, 6)})
    lines = ["pass times (ms)"]
    if form == "tree":
        groups: dict[str, list[tuple[str, float]]] = {}
        for name, seconds in rows:
            stage = stage_of_pass(name)
            groups.setdefault(stage.name if stage else "other", []).append((name, seconds))
        for group, members in groups.items():
            lines.append(_row(f"  {group}", sum(s for _, s in members), total))
            lines += [_row(f"    {name}", s, total) for name, s in members]
    else:
        lines += [_row(f"  {name}", s, total) for name, s in rows]
    return "\n".join([*lines, _row("  total", total, total)])


def _row(name: str, seconds: float, total: float) -> str:
    share = 100 * seconds / total if total else 0
    return f"{name:<32} {seconds * 1e3:9.2f} {share:6.1f} %"


def counts(one: Counts, form: str) -> str:
    if form == "json":
        return json.dumps([{"pass": n, "before": b, "after": a} for n, b, a in one.rows])
    lines = ["number of ops"]
    lines += [f"  {n:<30} {b:7} -> {a:7} {a - b:+7}" for n, b, a in one.rows]
    return "\n".join(lines)
