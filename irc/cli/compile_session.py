"""What irc-compile does with one request."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from irc.cli.common import Reporter, usage, write_output
from irc.cli.lints import Lints
from irc.cli.progress import progress
from irc.diagnostics import did_you_mean
from irc.driver import BINARY, KINDS, Outputs, Source, Watch, check_only, compile_source
from irc.files import make_folder, read_text, shown, write_file
from irc.options import Options

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from irc.passes.manager import Observer

SUFFIX = {
    "tokens": ".tokens",
    "ast": ".ast",
    "irc": ".formatted.irc",
    "nd": ".nd.mlir",
    "linalg": ".linalg.mlir",
    "loops": ".loops.mlir",
    "mlir": ".mlir",
    "dot": ".dot",
    "html": ".html",
    "json": ".json",
    "pyi": ".pyi",
    "doc": ".md",
    "header": ".h",
    "c": ".c",
    "obj": ".o",
    "so": ".so",
}


@dataclass
class Request:
    """The command line of irc-compile, read. Fields are named as the flags."""

    file: str
    options: Options
    kind: str | None
    output: str | None
    emit: tuple[str, ...]
    check_only: bool
    run_tests: bool
    depfile: str | None
    warnings: tuple[str, ...]
    remarks: str | None
    remarks_json: str | None
    memory: str | None
    time: str | None
    stats: str | None
    dump_ir: str | None
    dump_after: tuple[str, ...]
    dump_diff: bool
    save_temps: str | None
    reproducer: str | None

    @property
    def stem(self) -> str:
        return "module" if self.file == "-" else Path(self.file).stem

    @property
    def shown_file(self) -> str:
        return "<stdin>" if self.file == "-" else shown(self.file)


def run(request: Request, reporter: Reporter) -> int:
    kinds = wanted_kinds(request)
    check_outputs(request, kinds)
    lints = Lints(request.warnings, reporter)
    source = read_source(request)
    reporter.sources.add(source.file, source.text)
    watch = make_watch(request, lints, reporter)
    with progress(source.file, watch, reporter):
        outputs = make(source, request, kinds, watch)
    if lints.failed:
        return 1
    report(request, outputs, watch, reporter)
    if request.check_only:
        return 0
    if request.output != "-" or not request.run_tests:
        write_outputs(request, kinds, outputs)
    return test(outputs, source, reporter) if request.run_tests else 0


def make(source: Source, request: Request, kinds: list[str], watch: Watch) -> Outputs:
    if request.check_only:
        check_only(source, request.options, watch)
        return Outputs()
    if request.reproducer:
        from irc.driver.road import write_pipeline

        write_file(request.reproducer, write_pipeline(source, request.options))
    needed = list(kinds)
    if request.run_tests and "so" not in needed:
        needed.append("so")
    if request.memory is not None:  # the cache does not keep what is in a workspace
        needed.append("loops")
    return compile_source(source, request.options, needed, watch)


def wanted_kinds(request: Request) -> list[str]:
    """Raises a usage error with a suggestion for a kind that is none."""
    names = [name.strip() for text in request.emit for name in text.split(",") if name.strip()]
    if not names:
        return ["so"]
    if "all" in names:
        program = request.kind != "mlir" and not request.file.endswith(".mlir")
        return [k for k in KINDS if program or k not in ("tokens", "ast", "irc")]
    for name in names:
        if name not in KINDS:
            close = did_you_mean(name, [*KINDS, "all"])
            hint = f"; did you mean {close[0]}?" if close else f": there are {' '.join(KINDS)}"
            usage(f"there is nothing called {name} to emit{hint}")
    return list(dict.fromkeys(names))


def check_outputs(request: Request, kinds: list[str]) -> None:
    """What can be known to be wrong before any work is done."""
    if request.output == "-" and len(kinds) > 1:
        usage(f"-o - takes one kind, --emit names {len(kinds)}")
    if request.check_only and (request.emit or request.output):
        usage("--check-only makes nothing: leave out --emit and -o")
    if request.check_only and request.run_tests:
        usage("--check-only compiles nothing to --test")


def read_source(request: Request) -> Source:
    suffix = Path(request.file).suffix
    kind = request.kind or ("mlir" if suffix == ".mlir" else "irc")
    return Source(read_text(request.file), request.shown_file, kind)


# ---- what is seen on the way


def make_watch(request: Request, lints: Lints, reporter: Reporter) -> Watch:
    watch = Watch(warning=lints.report, collect=bool(request.remarks or request.remarks_json))
    if request.save_temps is not None:
        watch.keep = make_folder(request.save_temps or f"{request.stem}-temps")
    watch.observers = observers(request, reporter)
    if ends := list(stage_ends(request, watch)):

        def stage_end(name: str, module: ModuleOp) -> None:
            for end in ends:
                end(name, module)

        watch.stage_end = stage_end
    return watch


def observers(request: Request, reporter: Reporter) -> list[Observer]:
    folder = os.environ.get("IRC_DUMP") if request.dump_ir is None else request.dump_ir
    if not (request.dump_after or request.dump_diff or request.stats or folder):
        return []
    from irc.cli import watch

    found: list[Observer] = []
    if request.dump_after:
        check_passes(request)
        found.append(watch.PrintIR(lambda name: False, lambda name: name in request.dump_after))
    if request.dump_diff:
        found.append(watch.print_changes(reporter))
    if request.stats:
        found.append(watch.Counts())
    if folder and folder != "-":
        found.append(watch.Tree(make_folder(folder)))
    return found


def check_passes(request: Request) -> None:
    from irc.passes.spelling import parse_pipeline
    from irc.pipeline import PASSES

    known = [one.name for one in parse_pipeline(request.options.pipeline)] or list(PASSES)
    for name in request.dump_after:
        if name not in known:
            close = did_you_mean(name, known)
            hint = f"; did you mean {close[0]}?" if close else ""
            usage(f"no pass is called {name}{hint}")


def stage_ends(request: Request, watch: Watch) -> Iterator[Callable[[str, ModuleOp], None]]:
    """What looks at the module at the end of each stage."""
    if request.dump_ir == "-":
        from irc.cli.watch import dump

        def print_stage(name: str, module: ModuleOp) -> None:
            from irc.dialects.text import module_text

            dump(f"After stage {name}", module_text(module))

        yield print_stage
    if watch.keep is not None:
        folder = watch.keep

        def keep_stage(name: str, module: ModuleOp) -> None:
            from irc.dialects.text import module_text

            write_file(folder / f"{request.stem}{SUFFIX.get(name, '.mlir')}", module_text(module))

        yield keep_stage


def report(request: Request, outputs: Outputs, watch: Watch, reporter: Reporter) -> None:
    """Everything that was asked for about the work, on stderr."""
    from irc.cli import reports

    if request.remarks or request.remarks_json:
        reports.remarks(watch.remarks, request.remarks, request.remarks_json, reporter)
    if request.memory is not None:
        reports.memory(outputs, request.memory)
    if request.stats:
        reports.stats(watch, request.stats)
    if request.time:
        reports.times(watch, request.time)
    elif reporter.verbose:
        reports.stages(watch, outputs)
    if reporter.verbose > 1:
        for command in watch.commands:
            reporter.note(f"ran {shlex.join(command)}")


# ---- files


def write_outputs(request: Request, kinds: list[str], outputs: Outputs) -> None:
    paths = output_paths(request, kinds)
    for kind in kinds:
        write_output(paths[kind], outputs.texts[kind])
        if kind in BINARY and kind == "so" and paths[kind] != "-":
            with contextlib.suppress(OSError):
                path = Path(paths[kind])
                path.chmod(path.stat().st_mode | (path.stat().st_mode & 0o444) >> 2)
    if request.depfile:
        names = outputs.sources or (request.shown_file,)
        targets = " ".join(escaped(paths[kind]) for kind in kinds)
        rows = " \\\n  ".join(escaped(name) for name in names if name != "<stdin>")
        write_output(request.depfile, f"{targets}: {rows}\n")


def output_paths(request: Request, kinds: list[str]) -> dict[str, str]:
    """Where each kind goes: -o is a file for one kind, else a folder or a file to be beside."""
    default = {kind: f"{request.stem}{SUFFIX[kind]}" for kind in kinds}
    given = request.output
    if given is None:
        return default
    folder = given.endswith("/") or Path(given).is_dir()
    if len(kinds) == 1 and not folder:
        return {kinds[0]: given}
    beside = [kind for kind in kinds if given.endswith(SUFFIX[kind])]
    if not folder and beside:
        stem = given.removesuffix(SUFFIX[beside[0]])
        return {kind: f"{stem}{SUFFIX[kind]}" for kind in kinds}
    make_folder(given)
    return {kind: str(Path(given) / name) for kind, name in default.items()}


def escaped(name: str) -> str:
    """As make reads names."""
    return name.replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")


def test(outputs: Outputs, source: Source, reporter: Reporter) -> int:
    from irc.cli.testing import run_tests

    return run_tests(outputs.data("so"), source.file, reporter)
