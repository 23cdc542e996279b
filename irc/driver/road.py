"""One walk along the road: front end, passes of each stage, C text, C compiler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from irc.abi import ModuleSpec
from irc.diagnostics import SourceMap
from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_module, verify_text
from irc.dialects.verify import verify_dominance
from irc.driver.describe import describe_module, functions_of, keep_entries
from irc.driver.explorer import Row
from irc.driver.foreign import check_levels, no_spelling
from irc.driver.records import BINARY, IR_KINDS, Outputs, Source, Watch
from irc.errors import InternalError, UserError
from irc.options import Options
from irc.passes.manager import PassFailure, PassManager
from irc.passes.reproducer import reproducer_text, save_reproducer
from irc.passes.spelling import PassText, parse_pipeline
from irc.pipeline import (
    STAGES,
    Stage,
    by_stage,
    check_stage,
    level_of,
    load,
    standard_pipeline,
)
from irc.pipeline import stage as get_stage
from irc.target import Target
from irc.target import parse as parse_target

if TYPE_CHECKING:
    from irc.codegen.c.emit import KernelText

SPEC_KINDS = frozenset({"json", "pyi", "doc", "header"})  # made from the description alone
C_KINDS = frozenset({"c", "obj", "so"})


class Road:
    """
    Compiles one source.

    Everything made on the way goes to `outputs`, everything worth seeing to `watch`.
    """

    def __init__(self, source: Source, options: Options, watch: Watch, outputs: Outputs) -> None:
        self.source = source
        self.options = options
        self.watch = watch
        self.outputs = outputs
        self.target: Target = parse_target(options.target)
        self.ctx: Context = make_context()
        self.ran: list[PassText] = []
        self.texts = SourceMap({source.file: source.text})  # for messages about the program
        self.explored: list[tuple[str, list[Row]]] = []
        # The text of IR may come from anywhere, and break what passes rely on.
        self.verify_each = options.verify_each or source.kind == "mlir"

    def walk(self, kinds: Sequence[str]) -> None:
        """Goes as far as `kinds` need."""
        module = self.read()
        wanted = set(kinds)
        self.spec_texts(wanted)
        last = self.last_stage(wanted)
        if last is None:
            return
        for stage, passes in self.stages(module, last):
            self.run_stage(module, stage, passes)
            self.ir_texts(module, stage, wanted)
            if stage.name == last:
                break
        else:
            self.check_reached(stage, last)
        if wanted & C_KINDS:
            self.emit(module, wanted)

    def check_reached(self, stage: Stage, last: str) -> None:
        """Raises UserError when the user's own pipeline ends too early."""
        if stage.name != last:
            missing = STAGES[STAGES.index(stage) + 1].passes[0].name
            raise UserError(f"--pipeline ends at stage {stage.name}; {missing} would go on")

    def last_stage(self, wanted: set[str]) -> str | None:
        if wanted & (C_KINDS | {"mlir", "html", "loops"}):
            return "loops"
        reached = [name for name in IR_KINDS if name in wanted]
        if reached:
            return reached[-1]
        return "nd" if "dot" in wanted or not wanted else None

    # ---- front end

    def read(self) -> ModuleOp:
        """The module at the start of the road, and its description in `outputs`."""
        with self.watch.timed("front end", "read and check"):
            module = self._read()
        from irc.release import __version__

        self.outputs.spec = describe_module(module, self.source.file, self.target.name, __version__)
        return module

    def _read(self) -> ModuleOp:
        if self.source.kind == "mlir":
            module = parse_module(self.source.text, self.source.file, self.ctx)
            verify_text(module, self.source.file, self.source.text)
            self.outputs.sources = (self.source.file,)
        else:
            from irc.frontend import load_program

            program = load_program(
                self.source.text,
                self.options.defines,
                self.options.import_paths,
                file=self.source.file,
                tests=self.options.tests,
            )
            for warning in program.warnings:
                self.watch.warning(warning, program.sources)
            self.outputs.sources = (self.source.file, *program.files)
            self.texts = program.sources
            module = program.module
        keep_entries(module, self.options.entry)
        return module

    def spec_texts(self, wanted: set[str]) -> None:
        spec = self.description()
        if "json" in wanted:
            from irc.abi import to_json

            self.outputs.texts["json"] = to_json(spec, indent=2) + "\n"
        if "header" in wanted:
            from irc.codegen.c.header import header_text

            self.outputs.texts["header"] = header_text(spec)
        if wanted & {"pyi", "doc"}:
            from irc.driver.signatures import manual_page, python_stub

            self.outputs.texts["pyi"] = python_stub(spec)
            self.outputs.texts["doc"] = manual_page(spec)

    def description(self) -> ModuleSpec:
        assert self.outputs.spec is not None
        return self.outputs.spec

    # ---- passes

    def stages(self, module: ModuleOp, last: str) -> list[tuple[Stage, list[PassText]]]:
        """
        Stages with their passes: the user's own, or those of the table.

        IR may come from any level; it then starts behind the stage that left it, and a stage
        that it is past has no passes any more.
        """
        if self.options.pipeline:
            return list(by_stage(parse_pipeline(self.options.pipeline)))
        start = None
        if self.source.kind == "mlir":
            start = level_of(module)
            legal = get_stage(start).legal if start else STAGES[0].legal
            check_levels(module, legal, self.source.file, self.source.text)
        if start == last:
            return [(get_stage(start), [])]
        return list(standard_pipeline(self.options, self.target, start, last))

    def run_stage(self, module: ModuleOp, stage: Stage, passes: list[PassText]) -> None:
        name = stage.name
        self.watch.now = f"stage {name}"
        loaded = [load(one) for one in passes]
        manager = PassManager(self.ctx, list(self.watch.observers), self.verify_each)
        try:
            with self.remarks():
                self._apply(manager, module, loaded)
            self._check(module, stage, passes)
        except PassFailure as failure:
            done = len(self.ran) + failure.index
            failure.reproducer = self.reproduce(done, [*self.ran, *passes][done:])
            raise
        except UserError as mistake:
            mistake.sources = mistake.sources or self.texts
            raise
        finally:
            self.watch.seconds += [(name, step, s) for step, s in manager.seconds]
            if manager.verify_seconds:
                self.watch.seconds.append((name, "(verify)", manager.verify_seconds))
        self.ran += passes
        if self.watch.stage_end is not None:
            self.watch.stage_end(name, module)
        if stage is STAGES[-1]:
            self.note_memory(module)

    def _apply(self, manager: PassManager, module: ModuleOp, passes: list[ModulePass]) -> None:
        if "compare" not in self.options.checks:
            manager.run(module, passes)
            return
        from irc.driver.comparing import compare

        compare(manager, module, passes)

    def _check(self, module: ModuleOp, stage: Stage, passes: list[PassText]) -> None:
        """
        What no stage may leave.

        Verifying every op of the last stage would take longer than all passes together: that is
        for --verify-each and for the tests. An order of definitions and uses is cheap to check.
        """
        with self.watch.timed(stage.name, "(check)"):
            try:
                check_stage(module, stage)
                if stage is STAGES[-1] and not self.verify_each:
                    verify_dominance(module)
            except VerifyException as error:
                if self.options.pipeline:
                    raise UserError(f"--pipeline: {error}") from None
                reproducer = self.reproduce(0, [*self.ran, *passes])
                raise InternalError(str(error), reproducer) from None

    @contextmanager
    def remarks(self) -> Iterator[None]:
        """Collects what passes decide, when somebody wants it."""
        if not self.watch.collect:
            yield
            return
        from irc.passes.remarks import collecting

        with collecting() as found:
            yield
        self.watch.remarks += found

    def reproduce(self, done: int, rest: list[PassText]) -> str | None:
        """Writes the IR as it was before pass number `done`, and what was still to run."""

        def again() -> ModuleOp:
            module = self._read()
            passes = [load(one) for one in self.ran[:done]]
            PassManager(self.ctx, [], verify_each=False).run(module, passes)
            return module

        return save_reproducer(again, [str(one) for one in rest], self.source.file)

    def note_memory(self, module: ModuleOp) -> None:
        from irc.driver.observations import observe, plan_of

        for function in functions_of(module):
            name = function.sym_name.data
            if any(spec.name == name for spec in self.description().functions):
                self.outputs.arenas[name], self.outputs.buffers[name] = plan_of(function)
        if self.watch.collect:
            self.watch.remarks += observe(module)

    def ir_texts(self, module: ModuleOp, stage: Stage, wanted: set[str]) -> None:
        texts = self.outputs.texts
        name = stage.name
        if name in wanted:
            texts[name] = module_text(module)
        if "dot" in wanted and name in ("nd", "loops") and "dot" not in texts:
            from irc.dialects.graph import dot

            texts["dot"] = dot(module)
        if "mlir" in wanted and name == "loops":
            texts["mlir"] = module_text(module, generic=True)
        if "html" in wanted:
            from irc.driver.explorer import ir_rows

            rows = ir_rows(module_text(module, debuginfo=True), self.source.file)
            self.explored.append((name, rows))
            if name == "loops":
                self.explore(module)

    def explore(self, module: ModuleOp) -> None:
        """The page with all stages and the C text."""
        from irc.codegen.c.emit import emit_functions
        from irc.driver.explorer import c_rows, page

        functions = emit_functions(module, lines=True).functions
        stages = [*self.explored, ("c", c_rows(functions, self.source.file))]
        self.outputs.texts["html"] = page(self.source.file, self.source.text, stages)

    # ---- C

    def emit(self, module: ModuleOp, wanted: set[str]) -> None:
        from irc.codegen.c.emit import emit_functions
        from irc.codegen.c.module import module_text as c_text
        from irc.codegen.c.names import module_names

        with self.watch.timed("codegen", "C text"):
            spec = self.description()
            names = module_names(spec)
            with self.replayed_as_c(module):
                o = self.options
                kernels = emit_functions(module, names.prefix, names.fields, o.lines, o.lapack)
            text = c_text(spec, kernels.functions, kernels.arenas, kernels.foreign)
        self.outputs.texts["c"] = text.c
        if wanted & BINARY:
            self.compile_c(text.c, kernels, wanted)

    @contextmanager
    def replayed_as_c(self, module: ModuleOp) -> Iterator[None]:
        """A bug behind the last pass is replayed from the loops."""
        from irc.codegen.c.blocks import NoSpelling

        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if isinstance(error, NoSpelling) and self.options.pipeline:
                raise no_spelling(error.op) from None
            if isinstance(error, NoSpelling) and not self.ran:
                raise no_spelling(error.op, self.source.file, self.source.text) from None
            text = str(error) if isinstance(error, InternalError) else repr(error)
            failure = InternalError(f"C text: {text}")
            failure.reproducer = save_reproducer(lambda: module, [], self.source.file)
            failure.replay = "-t c"
            raise failure from error

    def compile_c(self, text: str, kernels: KernelText, wanted: set[str]) -> None:
        from irc.codegen.c.toolchain import (
            CcOptions,
            compile_object,
            compile_shared,
            find_compiler,
        )
        from irc.seal import seal

        compiler = find_compiler(self.options.cc or None)
        how = CcOptions(
            optimize=self.options.opt_level,
            march=self.target.march,
            openmp=kernels.threads,
            opens=bool(kernels.foreign or self.options.lapack),
            cflags=self.options.cflags,
            keep=self.watch.keep,
        )
        for kind, build in (("obj", compile_object), ("so", compile_shared)):
            if kind not in wanted:
                continue
            with self.watch.timed("cc", Path(compiler.argv[0]).name):
                built = build(text, how, compiler)
            self.watch.commands.append(built.command)
            self.outputs.texts[kind] = seal(built.data) if kind == "so" else built.data


def write_pipeline(source: Source, options: Options) -> str:
    """A reproducer of the whole compilation: the front end's IR, and every pass after it."""
    road = Road(source, options, Watch(), Outputs())
    module = road.read()
    passes = [one for _, ones in road.stages(module, "loops") for one in ones]
    return reproducer_text(module, [str(one) for one in passes])
