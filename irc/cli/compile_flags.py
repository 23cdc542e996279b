"""The flags of irc-compile."""

from __future__ import annotations

import click

from irc.cli.flags import common, flag, section
from irc.driver import KINDS

# fmt: off
OUTPUT = section(
    "Output",
    flag("-o --output", "file; a folder when several kinds are made; - is stdout", "PATH"),
    flag("--emit", f"what to make, of {' '.join(KINDS)}, or all; so by default",
         "KIND[,KIND]", many=True),
    flag("--check-only", "parse, check types, stop"),
    flag("--test", "run the `test` blocks after compiling", into="run_tests"),
    flag("--depfile", "write what the result depends on, for make and ninja", "FILE", rare=True),
)
PROGRAM = section(
    "Program",
    flag("-D --define", "override a const or type", "NAME=VALUE", into="defines", many=True),
    flag("--entry", "export only these functions", "NAME", many=True, rare=True),
    flag("-I", "where imported files are looked for", "DIR", into="imports", many=True, rare=True),
    flag("-x --input", "what FILE is: irc or mlir; by suffix otherwise",
         "KIND", into="kind", choice=("irc", "mlir"), rare=True),
    flag("-W", "warnings: CODE on, no-CODE off, error or error=CODE makes them errors",
         "NAME", into="warnings", many=True),
)
CODE = section(
    "Code",
    flag("-O", "0: no rewriting; 1: no fusion; 2, the default: all; 3: also cc -O3",
         "LEVEL", into="level", type=click.IntRange(0, 3), default=2),
    flag("--target", "cpu:native (the default), cpu:x86-64, cpu:x86-64-v2, -v3, -v4",
         "CPU", default="cpu:native"),
    flag("--check", "bounds (always on, but for none), nan, compare (each pass against executors)",
         "LIST", into="checks", default="bounds"),
    flag("--pipeline", "replace the passes, by text or a file; --print-pipeline shows them",
         "TEXT|FILE", rare=True),
    flag("--print-pipeline", "print the passes that would run, as --pipeline reads them",
         rare=True),
    flag("--lines", "#line directives: debuggers show the program instead of the C text",
         rare=True),
    flag("--lapack", "use this library for large linear systems where it is found when they run, "
         "such as libopenblas.so.0", "LIBRARY", default="", rare=True),
    flag("--cc", "the C compiler; also IRC_CC", "COMMAND", default="", rare=True),
    flag("--cflags", "further flags for it", "FLAGS", many=True, rare=True),
)
SEE = section(
    "See what it does",
    flag("--remarks", "decisions with their source lines: fusion, memory, copy, loop, vectors",
         "KIND,..", bare="all"),
    flag("--remarks-json", "write them to a file, as JSON", "FILE", rare=True),
    flag("--memory", "bytes of each call as a formula; --memory n=64 evaluates it",
         "SIZES", bare="", takes=r"\w+=\d+(,\w+=\d+)*"),
    flag("--time", "seconds of each stage and pass: list or json",
         "FORM", choice=("list", "json"), bare="list"),
    flag("--stats", "number of ops before and after each pass: list or json",
         "FORM", choice=("list", "json"), bare="list", rare=True),
    flag("--dump-ir", "the IR after each pass, numbered, to DIR; without, each stage to stderr",
         "DIR", bare="-"),
    flag("--dump-after", "the IR after a pass, to stderr", "PASS", many=True, rare=True),
    flag("--dump-diff", "what each pass changed, as a diff on stderr", rare=True),
    flag("--save-temps", "keep C text, command and log of the C compiler in DIR",
         "DIR", bare="", rare=True),
    flag("--verify-each", "verify after every pass, not only at the ends", rare=True),
    flag("--reproducer", "write IR and pipeline in one file that irc-opt --run-reproducer runs",
         "FILE", rare=True),
    flag("--explain", "the page about an error code, such as E0201", "CODE"),
    flag("--help-passes", "the passes by stage, a line each", rare=True),
)
CACHE = section(
    "Cache",
    flag("--cache", "folder of the compile cache", "DIR", rare=True),
    flag("--no-cache", "neither look there nor store there", rare=True),
)
# fmt: on

PARAMETERS: list[click.Parameter] = [
    click.Argument(["file"], required=False),
    *OUTPUT,
    *PROGRAM,
    *CODE,
    *SEE,
    *CACHE,
    *common(),
]
