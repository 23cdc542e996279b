"""
irc-compile: a program in, a shared object or any text on the way to it out.

    irc-compile model.irc                    model.so for this CPU
    irc-compile model.irc --emit loops -o -  print the loops
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from irc.cli.common import Reporter, run_command, usage
from irc.cli.compile_flags import PARAMETERS
from irc.cli.defines import parse_defines
from irc.cli.flags import Command
from irc.options import Options, parse_checks

HELP = """\
Usage: irc-compile [FLAGS] FILE

Compiles a program (a .irc file, or - for stdin) or IR (a .mlir file)."""
EXAMPLES = (
    "irc-compile model.irc                         model.so for this CPU",
    "irc-compile model.irc -D H=100 --emit so,header -o build/",
    "irc-compile model.irc --emit loops -o -       print the loops",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    return run_command(make_command, serve, argv)


def make_command(act: Any = None) -> Command:
    """The command line as click sees it; `act` gets the values."""
    return Command("irc-compile", callback=act, params=PARAMETERS, help=HELP, examples=EXAMPLES)


def serve(given: dict[str, Any], reporter: Reporter) -> int:
    if code := given.pop("explain"):
        from irc.diagnostics.codes import explain

        click.echo(explain(code))
        return 0
    if given.pop("help_passes"):
        from irc.cli.listing import passes

        click.echo(passes())
        return 0
    options = read_options(given)
    if given.pop("print_pipeline"):
        click.echo(pipeline_in_use(options))
        return 0
    if given["file"] is None:
        usage("which file? irc-compile FILE")
    from irc.cli.compile_session import Request, run

    return run(Request(options=options, **given), reporter)


def read_options(given: dict[str, Any]) -> Options:
    """Takes what the driver needs out of the flags."""
    return Options(
        defines=parse_defines(given.pop("defines")),
        import_paths=tuple(Path(folder) for folder in given.pop("imports")),
        opt_level=given.pop("level"),
        target=given.pop("target"),
        checks=parse_checks(given.pop("checks")),
        entry=tuple(name for text in given.pop("entry") for name in text.split(",")),
        tests=given["run_tests"],
        pipeline=pipeline_text(given.pop("pipeline")),
        verify_each=given.pop("verify_each"),
        lines=given.pop("lines"),
        lapack=given.pop("lapack"),
        cc=given.pop("cc"),
        cflags=tuple(word for text in given.pop("cflags") for word in split_words(text)),
        cache=Path(folder) if (folder := given.pop("cache")) else None,
        use_cache=not given.pop("no_cache"),
    )


def split_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        usage(f"cannot read --cflags `{text}`: {str(error).lower()}")


def pipeline_text(given: str | None) -> str:
    """The text itself, or that of the file which it names."""
    if given is None:
        return ""
    if given.endswith((".txt", ".pipeline")) or Path(given).is_file():
        from irc.files import read_text

        lines = read_text(given).splitlines()
        given = " ".join(line.partition("#")[0].strip() for line in lines).strip()
    return given or usage("--pipeline names no pass")


def pipeline_in_use(options: Options) -> str:
    if options.pipeline:
        return options.pipeline
    from irc.passes.spelling import pipeline_text as spell
    from irc.pipeline import standard_pipeline
    from irc.target import parse

    stages = standard_pipeline(options, parse(options.target))
    return ",".join(spell(passes) for _, passes in stages)


if __name__ == "__main__":
    sys.exit(main())
