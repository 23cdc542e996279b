"""
What the three commands share: exit codes, messages, files, and help that fits one screen.

Exit codes: 0 success, 1 errors in the program, 2 wrong command line, 3 the C compiler failed,
4 internal error, 5 a test or comparison failed, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

import click

from irc.cli.flags import ReaderGone
from irc.diagnostics import Diagnostic, SourceMap, render, render_short, to_json
from irc.errors import InternalError, IrcError, ToolError, UserError
from irc.files import read_text, shown, write_file

INTERNAL, INTERRUPTED = 4, 130


@dataclass
class Reporter:
    """
    Writes diagnostics to stderr.

    style    text, short (one line each), or json (one object a line)
    color    auto, always or never; auto looks at the terminal and at NO_COLOR
    """

    style: str = "text"
    color: str = "auto"
    verbose: int = 0
    quiet: bool = False
    errors: int = 0
    sources: SourceMap = field(default_factory=SourceMap)

    def diagnostic(self, diagnostic: Diagnostic, sources: SourceMap | None = None) -> None:
        sources = sources or self.sources
        if diagnostic.severity == "error":
            self.errors += 1
        elif self.quiet:
            return
        if self.style == "json":
            import json

            text = json.dumps(to_json(diagnostic, sources))
        elif self.style == "short":
            text = render_short(diagnostic)
        else:
            text = render(diagnostic, sources, color=self.colored())
            text += "\n" if diagnostic.labels else ""
        print(text, file=sys.stderr)

    def colored(self) -> bool:
        if self.color != "auto":
            return self.color == "always"
        return "NO_COLOR" not in os.environ and is_terminal(sys.stderr)

    def error(self, message: str) -> None:
        """An error without a place."""
        self.diagnostic(Diagnostic("", message))

    def note(self, message: str) -> None:
        """For people watching; silent with -q."""
        if not self.quiet:
            print(message, file=sys.stderr)


def is_terminal(stream: IO[Any]) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def run_command(
    make_command: Callable[[Callable[..., int]], click.Command],
    serve: Callable[[dict[str, Any], Reporter], int],
    argv: Sequence[str] | None,
) -> int:
    """
    Runs a command and gives its exit code; no exception gets out.

    make_command   the command, which calls what it is given with the values of the flags
    serve          does the work; the flags of messages are in the reporter by then
    """
    reporter = Reporter()

    def act(diagnostics: str, color: str, verbose: int, quiet: bool, **given: Any) -> int:
        reporter.style, reporter.color = diagnostics, color
        reporter.verbose, reporter.quiet = verbose, quiet
        return serve(given, reporter)

    command = make_command(act)
    name = str(command.name)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it
    with orderly_end(), quiet_pipes() as pipes:
        try:
            args = expand_files(list(sys.argv[1:] if argv is None else argv))
            code = command.main(args, prog_name=name, standalone_mode=False)
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except click.exceptions.Exit as stop:
            return stop.exit_code
        except click.ClickException as error:
            return report_usage(error, name)
        except (click.Abort, KeyboardInterrupt):
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except (BrokenPipeError, ReaderGone):
            pipes()
            return 0
        except Exception as error:
            return report_exception(error, reporter)


class Terminated(BaseException):
    """The process was asked to end."""


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """SIGTERM ends the process as ever, but no compiler and no temporary folder stays behind."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def quiet_pipes() -> Iterator[Callable[[], None]]:
    """Gives a function for a reader that went away: nothing more is written, no complaint."""

    def silence() -> None:
        with contextlib.suppress(Exception):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, sys.stdout.fileno())
            os.close(devnull)

    yield silence


def report_usage(error: click.ClickException, name: str) -> int:
    """click's message in the layout of the others: what, then a way to learn more."""
    message = error.format_message().rstrip(".")
    if message[1:2].islower():
        message = message[0].lower() + message[1:]
    print(f"error: {message}", file=sys.stderr)
    if isinstance(error, click.UsageError):
        print(f"  = help: `{name} --help` lists the flags", file=sys.stderr)
    return error.exit_code


def report_exception(error: Exception, reporter: Reporter) -> int:
    """Prints what happened, and gives the exit code."""
    match error:
        case UserError():
            for diagnostic in error.diagnostics:
                reporter.diagnostic(diagnostic, error.sources)
            return error.exit_code
        case ToolError():
            reporter.error(str(error))
            report_tool(error)
            return error.exit_code
        case InternalError():
            return report_internal(error, reporter)
        case IrcError():
            reporter.error(str(error))
            return error.exit_code
        case MemoryError():
            reporter.error("out of memory")
            return 1
        case OSError():
            name = f"{shown(error.filename)}: " if isinstance(error.filename, str) else ""
            reporter.error(f"{name}{error.strerror or error}")
            return 1
        case _:
            return report_internal(error, reporter)


def report_tool(error: ToolError) -> None:
    command = shlex.join(error.command)
    if command and command not in str(error):
        print(f"  command: {command}", file=sys.stderr)
    lines = error.log.strip().splitlines()
    for line in lines[:20]:
        print(f"  | {line}", file=sys.stderr)
    if len(lines) > 20:
        print(f"  | ... {len(lines) - 20} more lines; --save-temps keeps them all", file=sys.stderr)


def report_internal(error: Exception, reporter: Reporter) -> int:
    """Five lines: what, where, the reproducer, where to report; the traceback only with -v."""
    what = str(error) if isinstance(error, InternalError) else f"{type(error).__name__}: {error}"
    reporter.error(f"internal error: {what}")
    if place := innermost_place(error):
        print(f"  in {place}", file=sys.stderr)
    what = "the program"
    if reproducer := getattr(error, "reproducer", None):
        what = "that file"
        command = f"irc-opt {getattr(error, 'replay', '--run-reproducer')}"
        print(f"  replay it: {command} {shlex.quote(reproducer)}", file=sys.stderr)
    print(f"  this is a bug of irc; please report it with {what}", file=sys.stderr)
    if reporter.verbose:
        traceback.print_exception(error, file=sys.stderr)
    else:
        print("  -v shows the traceback", file=sys.stderr)
    return INTERNAL


def innermost_place(error: BaseException) -> str:
    """`irc/passes/nd/stabilize.py:31 match_and_rewrite`: the last frame of irc itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    package = Path(__file__).parents[1]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(package):
            return f"irc/{path.relative_to(package)}:{frame.lineno} {frame.name}"
    return ""


# ---- files


def write_output(path: str | Path, data: str | bytes) -> None:
    """A result: to stdout for `-`, else to a file. Raises UserError when it cannot be written."""
    if str(path) == "-":
        write_stdout(data)
    else:
        write_file(path, data)


def write_stdout(data: str | bytes) -> None:
    """Programs, IR and C are UTF-8, whatever the locale."""
    if isinstance(data, str):
        if sys.stdout.encoding.lower() in ("utf-8", "utf8") or not hasattr(sys.stdout, "buffer"):
            sys.stdout.write(data)
            return
        data = data.encode("utf-8", "surrogatepass")
    elif is_terminal(sys.stdout):
        raise UserError("the result is binary; write it to a file with -o, or pipe it on")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def expand_files(argv: list[str]) -> list[str]:
    """`@FILE` stands for the arguments in FILE, split as a shell would. They do not nest."""
    expanded: list[str] = []
    for arg in argv:
        if not arg.startswith("@") or len(arg) == 1:
            expanded.append(arg)
            continue
        try:
            expanded += shlex.split(read_text(arg[1:]), comments=True)
        except UserError as error:
            raise click.UsageError(f"{arg}: {error.diagnostics[0].title}") from None
        except ValueError as error:
            raise click.UsageError(f"{arg}: {str(error).lower()}") from None
    return expanded


def usage(message: str) -> NoReturn:
    raise click.UsageError(message)
