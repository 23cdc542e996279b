"""
irc-run: calls a function of a program or a compiled module.

    irc-run model.irc train --arg x=32x784xf32:normal --arg y=32xi32=3 -o cost=-
    irc-run model.so predict --arg x=@digits.npy -o result=labels.npy
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from irc.cli.common import Reporter, run_command, usage
from irc.cli.defines import parse_defines
from irc.cli.flags import Command, common, flag, section
from irc.options import Options, parse_checks

HELP = """\
Usage: irc-run [FLAGS] FILE [FUNCTION]

Calls a function of a program (.irc), of IR (.mlir) or of a module (.so); without FUNCTION, lists
what there is."""
EXAMPLES = (
    "irc-run model.irc train --arg x=32x784xf32:normal --arg y=32xi32=3",
    "irc-run model.so predict --arg x=@digits.npy -o result=labels.npy",
    "irc-run model.irc train --arg x=32x784xf32:normal --arg y=32xi32=3 --bench",
)

# fmt: off
CALL = section(
    "Call",
    flag("--arg", "x=32x784xf32:normal (also uniform(0,1), arange, zeros, ones), 4xi32=1, @x.npy",
         "[NAME=]SPEC", into="arguments", many=True),
    flag("-o --output", "a result to a .npy file, or - for its values on stdout",
         "NAME=FILE", into="outputs", many=True),
    flag("--seed", "of the module's random numbers and of generated arguments",
         "N", type=int, default=0),
    flag("--repeat", "call this many times; the results are those of the last call",
         "N", type=click.IntRange(1), default=1, rare=True),
    flag("--load-state", "state before the first call", "FILE"),
    flag("--save-state", "where the state goes after the last call", "FILE"),
)
MODE = section(
    "Instead of one call",
    flag("--test", "run the `test` blocks", into="run_tests"),
    flag("--bench", "measure: warm up, then call until the median is known within 2 %"),
    flag("--json", "what --bench found, as JSON on stdout"),
    flag("--compare", "and against what --json printed earlier", "FILE", rare=True),
    flag("--max-seconds", "stop measuring after this long",
         "S", type=click.FloatRange(0, min_open=True), default=10.0, rare=True),
)
COMPILE = section(
    "Compile (of .irc and .mlir)",
    flag("-D --define", "override a const or type", "NAME=VALUE", into="defines", many=True),
    flag("-I", "where imported files are looked for", "DIR", into="imports", many=True, rare=True),
    flag("-O", "optimization: 0 to 3", "LEVEL", into="level", type=click.IntRange(0, 3), default=2),
    flag("--check", "bounds (always on, but for none), nan, compare",
         "LIST", into="checks", default="bounds"),
    flag("--target", "as in irc-compile", "CPU", default="cpu:native", rare=True),
    flag("--cc", "the C compiler; also IRC_CC", "COMMAND", default="", rare=True),
    flag("--no-cache", "compile anew", rare=True),
)
# fmt: on

PARAMETERS: list[click.Parameter] = [
    click.Argument(["file"], required=False),
    click.Argument(["function"], required=False),
    *CALL,
    *MODE,
    *COMPILE,
    *common(),
]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    return run_command(make_command, serve, argv)


def make_command(act: Any = None) -> Command:
    """The command line as click sees it; `act` gets the values."""
    return Command("irc-run", callback=act, params=PARAMETERS, help=HELP, examples=EXAMPLES)


def serve(given: dict[str, Any], reporter: Reporter) -> int:
    if given["file"] is None:
        usage("which file? irc-run FILE FUNCTION")
    if given["json"] and not given["bench"]:
        usage("--json says what --bench found")
    if given["run_tests"] and (given["function"] or given["bench"]):
        usage("--test runs all tests; leave out FUNCTION and --bench")
    options = Options(
        defines=parse_defines(given.pop("defines")),
        import_paths=tuple(Path(folder) for folder in given.pop("imports")),
        opt_level=given.pop("level"),
        target=given.pop("target"),
        checks=parse_checks(given.pop("checks")),
        tests=given["run_tests"],
        cc=given.pop("cc"),
        use_cache=not given.pop("no_cache"),
    )
    from irc.cli.run_session import Request, run

    return run(Request(options=options, **given), reporter)


if __name__ == "__main__":
    sys.exit(main())
