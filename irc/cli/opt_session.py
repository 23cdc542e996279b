"""What irc-opt does with one request: read each module, run its passes, print it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from irc.cli.common import Reporter, usage, write_output
from irc.cli.opt_request import Chunk, Plan, Request
from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_text, verify_text
from irc.dialects.verify import verify_module
from irc.errors import InternalError, IrcError, UserError
from irc.files import read_text
from irc.passes.manager import PassFailure, PassManager
from irc.passes.spelling import PassText, parse_pipeline, pipeline_text
from irc.pipeline import Stage, check_stage, level_of, load, standard_pipeline
from irc.target import parse as parse_target

if TYPE_CHECKING:
    from xdsl.passes import ModulePass


def run(request: Request, reporter: Reporter) -> int:
    plan = make_plan(request)
    if request.dump_pipeline:
        print(full_pipeline(plan.passes))
        return 0
    text = read_text(request.file or "-")
    outputs: list[str] = []
    failed = 0
    for chunk in split(text, request):
        reporter.sources.add(chunk.file, text)
        try:
            if request.verify_diagnostics:
                from irc.cli.expectations import Recorder, check

                to = Recorder()
                check(chunk, partial(process, request=request, plan=plan, reporter=to), to.seen)
                continue
            outputs.append(process(chunk, request, plan, reporter))
        except UserError as error:
            if request.split_input_file is None:
                raise
            from irc.cli.common import report_exception

            failed = max(failed, report_exception(error, reporter))
    if outputs:
        separator = f"{request.split_input_file}\n"
        write_output(request.output, separator.join(outputs))
    return failed


def make_plan(request: Request, start: str | None = None) -> Plan:
    """
    -p and pass flags come first, then the part of the standard pipeline.

    start   the stage that left the input, where --from does not say
    """
    start = request.start or start
    plan = Plan([], [])
    for text in request.pipelines:
        plan.passes += parse_pipeline(text)
    if request.start or request.stop:
        target = parse_target(request.options.target)
        for stage, passes in standard_pipeline(request.options, target, start, request.stop):
            plan.passes += passes
            plan.ends.append((len(plan.passes), stage))
    for one in plan.passes:
        load(one)  # a wrong name is told before anything is read
    known = {one.name for one in plan.passes}
    for name in (*request.before, *request.after):
        if name not in known:
            usage(f"pass `{name}` is not in the pipeline")
    return plan


def full_pipeline(passes: list[PassText]) -> str:
    """With every option, also those at their defaults."""
    full = []
    for one in passes:
        spec = load(one).spec(include_default=True)
        full.append(PassText(one.name, {k: v for k, v in spec.parameters.items() if v}))
    return pipeline_text(full)


def split(text: str, request: Request) -> Iterator[Chunk]:
    if request.split_input_file is None:
        yield Chunk(text, request.shown_file)
        return
    separator = re.compile(rf"^{re.escape(request.split_input_file)}[^\S\n]*$", re.MULTILINE)
    start = 0
    for match in [*separator.finditer(text), None]:
        end = match.start() if match else len(text)
        yield Chunk("\n" * text.count("\n", 0, start) + text[start:end], request.shown_file)
        start = match.end() if match else end


def process(chunk: Chunk, request: Request, plan: Plan, reporter: Reporter) -> str:
    """The printed result for one module."""
    ctx = make_context(allow_unregistered=request.allow_unregistered_dialect)
    module, own = read(chunk, request, ctx, reporter)
    if request.stop and (level := level_of(module)):
        plan = make_plan(request, level)
    passes = [load(one) for one in plan.passes]
    if request.run_reproducer:
        passes, plan = [load(one) for one in own], Plan(own, [])
    if request.reproducer:
        from irc.passes.reproducer import reproducer_text

        text = reproducer_text(module, [*map(str, passes)])
        write_output(request.reproducer, text)
    if request.shrink:
        from irc.cli.bisect import shrink

        return shrink(module, request.shrink)
    if request.bisect:
        from irc.cli.bisect import first_bad_pass

        return first_bad_pass(PassManager(ctx), module, passes, request.bisect)
    run_passes(module, passes, plan, ctx, chunk, request, reporter)
    if request.no_names:
        drop_names(module)
    if request.verify_roundtrip:
        verify_roundtrip(module, ctx)
    if request.run:
        from irc.cli.execute import execute_function

        return execute_function(module, request.run, request.arguments, request.seed)
    return printed(module, request)


def read(
    chunk: Chunk, request: Request, ctx: Context, reporter: Reporter
) -> tuple[ModuleOp, list[PassText]]:
    """The verified module, and the pipeline that a reproducer names."""
    suffix = Path(chunk.file).suffix
    kind = request.kind or ("irc" if suffix == ".irc" else "mlir")
    if kind == "irc":
        from irc.frontend import load_program

        program = load_program(
            chunk.text,
            request.options.defines,
            request.options.import_paths,
            file=chunk.file,
            tests=True,
        )
        for warning in program.warnings:
            reporter.diagnostic(warning, program.sources)
        return program.module, []
    parsed = parse_text(chunk.text, chunk.file, ctx)
    verify_text(parsed.module, chunk.file, chunk.text)
    pipeline: list[PassText] = []
    if request.run_reproducer:
        section = parsed.resources.get("mlir_reproducer", {})
        if not isinstance(text := section.get("pipeline"), str):
            raise UserError(f"{chunk.file} names no pipeline: it is no reproducer")
        pipeline = parse_pipeline(text)
    return parsed.module, pipeline


def run_passes(
    module: ModuleOp,
    passes: list[ModulePass],
    plan: Plan,
    ctx: Context,
    chunk: Chunk,
    request: Request,
    reporter: Reporter,
) -> None:
    from irc.cli.watch import observers, report

    watching = observers(request, reporter)
    manager = PassManager(ctx, watching, request.verify_each)
    done = 0
    try:
        for end, stage in [*plan.ends, (len(passes), None)]:
            apply(manager, module, passes[done:end], request, reporter)
            done = end
            if stage is not None:
                check_left_over(module, stage, request)
        if not request.verify_each:
            verify_module(module)
    except PassFailure as failure:
        write_reproducer(failure, passes, chunk, request, ctx)
        raise
    report(request, manager, watching, reporter)


def apply(
    manager: PassManager,
    module: ModuleOp,
    passes: list[ModulePass],
    request: Request,
    reporter: Reporter,
) -> None:
    if request.compare_exec:
        from irc.driver.comparing import compare

        compare(manager, module, passes, request.seed)
    elif request.remarks:
        from irc.cli.reports import show_remark
        from irc.passes.remarks import collecting

        with collecting() as found:
            manager.run(module, passes)
        for one in found:
            show_remark(one, reporter)
    else:
        manager.run(module, passes)


def check_left_over(module: ModuleOp, stage: Stage, request: Request) -> None:
    """What a stage may not leave: the user's doing when there were passes of theirs."""
    try:
        check_stage(module, stage)
    except VerifyException as error:
        kind = UserError if request.pipelines else InternalError
        raise kind(str(error)) from None


def write_reproducer(
    failure: PassFailure,
    passes: list[ModulePass],
    chunk: Chunk,
    request: Request,
    ctx: Context,
) -> None:
    """Reads the input again, runs the passes before the one that failed, and saves that IR."""
    from irc.passes.reproducer import save_reproducer

    def before_failure() -> ModuleOp:
        module, _ = read(chunk, request, ctx, Reporter(quiet=True))
        PassManager(ctx, [], verify_each=False).run(module, passes[: failure.index])
        return module

    failure.reproducer = save_reproducer(
        before_failure, [str(p) for p in passes[failure.index :]], chunk.file
    )


def verify_roundtrip(module: ModuleOp, ctx: Context) -> None:
    first = module_text(module)
    try:
        second = module_text(parse_text(first, "<printed>", ctx).module)
    except IrcError as error:
        raise InternalError(f"what was printed does not parse back: {error}") from None
    if first != second:
        import difflib

        lines = difflib.unified_diff(first.splitlines(), second.splitlines(), lineterm="", n=1)
        raise InternalError("printing is no fixed point:\n" + "\n".join(list(lines)[:12]))


def drop_names(module: ModuleOp) -> None:
    for op in module.walk():
        for value in (*op.results, *(a for r in op.regions for b in r.blocks for a in b.args)):
            value.name_hint = None


def printed(module: ModuleOp, request: Request) -> str:
    match request.form:
        case "generic":
            return module_text(module, generic=True, debuginfo=request.print_debuginfo)
        case "c":
            from irc.codegen.c.blocks import NoSpelling
            from irc.codegen.c.emit import emit_functions
            from irc.driver.foreign import no_spelling

            try:
                return emit_functions(module).functions
            except NoSpelling as fault:
                raise no_spelling(fault.op) from None
        case "dot":
            from irc.dialects.graph import dot

            return dot(module)
        case _:
            return module_text(module, debuginfo=request.print_debuginfo)
