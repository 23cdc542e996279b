"""
irc-opt: reads IR or a program, runs passes, prints IR.

    irc-opt x.mlir -p nd-canonicalize,nd-cse
    irc-opt model.irc --to loops
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from irc.cli.common import Reporter, run_command, usage
from irc.cli.flags import Command
from irc.cli.opt_flags import PARAMETERS
from irc.options import Options, parse_checks
from irc.pipeline import PASSES

if TYPE_CHECKING:
    from irc.cli.opt_request import Request

HELP = """\
Usage: irc-opt [FLAGS] [FILE]

Runs passes on IR (a .mlir file; - or nothing is stdin) or on a program (a .irc file)."""
EXAMPLES = (
    "irc-opt x.mlir -p nd-canonicalize,nd-cse      run two passes",
    "irc-opt model.irc --to loops -D H=100         the standard pipeline up to a stage",
    "irc-opt x.mlir --to loops --compare-exec      which pass changes the result?",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    return run_command(make_command, serve, argv)


def make_command(act: Any = None) -> Command:
    """The command line as click sees it; `act` gets the values."""
    return Command(
        "irc-opt",
        callback=act,
        params=PARAMETERS,
        help=HELP,
        examples=EXAMPLES,
        rewrite=pass_flags,
        more=lambda: (f"--{name}" for name in PASSES),
    )


def pass_flags(args: list[str]) -> list[str]:
    """`--nd-cse` and `--nd-fold-constants=limit=64`: every pass is a flag too, in order."""
    own = {name for param in PARAMETERS for name in (*param.opts, *param.secondary_opts)}
    rewritten: list[str] = []
    for index, arg in enumerate(args):
        if arg == "--":
            return [*rewritten, *args[index:]]
        name, given, options = arg.partition("=")
        if not arg.startswith("--") or name in own or not _is_pass(name[2:]):
            rewritten.append(arg)
            continue
        rewritten += ["-p", f"{name[2:]}{{{options}}}" if given else name[2:]]
    return rewritten


def _is_pass(name: str) -> bool:
    if name in PASSES:
        return True
    from irc.pipeline import upstream_passes

    return name in upstream_passes()


def serve(given: dict[str, Any], reporter: Reporter) -> int:
    if given.pop("pass_help"):
        usage("--PASS stands for the name of a pass: --nd-canonicalize")
    if (text := learn(given)) is not None:
        click.echo(text)
        return 0
    if given["file"] is None and sys.stdin.isatty():
        click.echo(make_command().help_text(everything=False), nl=False)
        return 0
    from irc.cli.opt_session import run

    return run(request(given), reporter)


def learn(given: dict[str, Any]) -> str | None:
    """The answer to a flag that only asks."""
    pattern, help_pass = given.pop("list_passes"), given.pop("help_pass")
    show_dialects, show_op = given.pop("show_dialects"), given.pop("show_op")
    from irc.cli import listing

    if pattern is not None:
        return listing.passes(pattern)
    if help_pass:
        return listing.pass_page(help_pass)
    if show_dialects:
        return listing.dialects()
    return listing.op_page(show_op) if show_op else None


def request(given: dict[str, Any]) -> Request:
    from irc.cli.defines import parse_defines
    from irc.cli.opt_request import Request

    options = Options(
        defines=parse_defines(given.pop("defines")),
        import_paths=tuple(given.pop("imports")),
        opt_level=given.pop("level"),
        target=given.pop("cpu"),
        checks=parse_checks(given.pop("checks")),
        tests=True,
    )
    return Request(options=options, **given)


if __name__ == "__main__":
    sys.exit(main())
