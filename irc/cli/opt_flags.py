"""The flags of irc-opt."""

from __future__ import annotations

import click

from irc.cli.flags import common, flag, section
from irc.pipeline import STAGE_NAMES

FORMATS = ("mlir", "generic", "c", "dot")

# fmt: off
INPUT = section(
    "Input",
    flag("-x --input", "what FILE is: irc or mlir; by suffix otherwise",
         "KIND", into="kind", choice=("irc", "mlir"), rare=True),
    flag("-D --define", "for a program: override a const or type",
         "NAME=VALUE", into="defines", many=True),
    flag("-I", "for a program: where imported files are looked for",
         "DIR", into="imports", many=True, rare=True),
    flag("--split-input-file", "the parts between lines `// -----` are modules of their own",
         "SEPARATOR", bare="// -----", rare=True),
    flag("--allow-unregistered-dialect", "accept ops that nobody knows, in generic form",
         rare=True),
)
PASSES = section(
    "Passes",
    flag("-p --pass-pipeline", "passes as a,b{option=1} or builtin.module(func.func(a),b)",
         "TEXT", into="pipelines", many=True),
    flag("--PASS", "every pass is a flag too: --nd-cse, --nd-fold-constants=limit=64",
         into="pass_help"),
    flag("--to", f"run the standard pipeline up to {', '.join(STAGE_NAMES)}",
         "STAGE", into="stop"),
    flag("--from", "the input is what STAGE left; start after it", "STAGE", into="start"),
    flag("-O", "which passes --to and --from run: 0 only what lowering needs",
         "LEVEL", into="level", type=click.IntRange(0, 3), default=2, rare=True),
    flag("--cpu", "the machine that --to compiles for: cpu:native, cpu:x86-64-v3, ...",
         "TARGET", default="cpu:native", rare=True),
    flag("--check", "run-time checks that --to puts in: bounds, nan, none",
         "LIST", into="checks", default="bounds", rare=True),
    flag("--verify-each/--no-verify-each", "verify after every pass (the default), or at the end",
         default=True, rare=True),
    flag("--verify-roundtrip", "check that the printed result reads back as the same text",
         rare=True),
)
OUTPUT = section(
    "Output",
    flag("-o --output", "where the result goes; - is stdout", "FILE", default="-"),
    flag("-t --target", f"its form: {', '.join(FORMATS)}",
         "FORM", into="form", choice=FORMATS, default="mlir"),
    flag("--print-debuginfo", "print locations", rare=True),
    flag("--no-names", "drop the names of values", rare=True),
)
WATCH = section(
    "Watch the passes",
    flag("--print-before --mlir-print-ir-before", "print the IR before a pass, to stderr",
         "PASS", into="before", many=True, rare=True),
    flag("--print-after --mlir-print-ir-after", "print the IR after a pass, to stderr",
         "PASS", into="after", many=True),
    flag("--print-before-all --mlir-print-ir-before-all", "... before every pass",
         into="before_all", rare=True),
    flag("--print-after-all --mlir-print-ir-after-all", "... after every pass",
         into="after_all"),
    flag("--print-after-change --mlir-print-ir-after-change",
         "... after every pass that changed something", into="after_change", rare=True),
    flag("--print-after-failure --mlir-print-ir-after-failure", "... after a pass that failed",
         into="after_failure", rare=True),
    flag("--print-tree --mlir-print-ir-tree-dir",
         "write the IR after every pass to DIR/NN_PASS.mlir", "DIR", into="tree", rare=True),
    flag("--diff", "show what each pass changed, as a diff on stderr"),
    flag("--time-passes", "seconds of each pass: list, tree (by stage) or json",
         "FORM", choice=("list", "tree", "json"), bare="list"),
    flag("--stats", "number of ops before and after each pass: list or json",
         "FORM", choice=("list", "json"), bare="list", rare=True),
    flag("--remarks", "what the passes decided, with places in the source", rare=True),
)
RUN = section(
    "Execute",
    flag("--exec", "run a function of the result and print what it gives",
         "FUNCTION", into="run"),
    flag("--arg", "its arguments: x=2x3xf32:normal, 4xi32=1, y=@file.npy",
         "[NAME=]SPEC", into="arguments", many=True),
    flag("--compare-exec", "run before and after each pass; name the first that changes a result"),
    flag("--seed", "for random inputs of --exec and --compare-exec",
         "N", type=int, default=0, rare=True),
    flag("--bisect-to", "name the first pass after which COMMAND FILE fails",
         "COMMAND", into="bisect", rare=True),
    flag("--shrink", "drop ops from the input as long as COMMAND FILE succeeds",
         "COMMAND", rare=True),
    flag("--verify-diagnostics", "check messages against `// expected-error@+1 {{text}}`",
         rare=True),
    flag("--reproducer", "write input and pipeline to one file for --run-reproducer",
         "FILE", rare=True),
    flag("--run-reproducer", "run the pipeline that the input itself names", rare=True),
)
LEARN = section(
    "Learn",
    flag("--list-passes", "passes whose name contains PATTERN, a line each",
         "PATTERN", bare="", takes=r"(?!-)(?!.*\.(mlir|irc)$).+"),
    flag("--help-pass", "what a pass does, its options, an example", "PASS"),
    flag("--show-dialects", "dialects and their ops", rare=True),
    flag("--show-op", "operands, results, attributes and constraints of an op",
         "NAME", rare=True),
    flag("--dump-pipeline", "print the pipeline with every option, as -p reads it", rare=True),
)
# fmt: on

PARAMETERS: list[click.Parameter] = [
    click.Argument(["file"], required=False),
    *INPUT,
    *PASSES,
    *OUTPUT,
    *WATCH,
    *RUN,
    *LEARN,
    *common(),
]
