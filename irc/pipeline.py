"""
The road from `nd` to C as one table: stages, what each may leave behind, passes, their order.

`--to`, `--help-passes`, dumps, the manual and the checks after each stage read this page.
Passes are named here and loaded when they run, so that this module costs nothing to import.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from irc.diagnostics import did_you_mean
from irc.options import Options
from irc.passes.spelling import PassText, PipelineError, Value
from irc.target import Target

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.passes import ModulePass

Setting = Callable[[Options, Target], Value | tuple[Value, ...]]


def _always(options: Options) -> bool:
    return True


@dataclass(frozen=True)
class Pass:
    """
    One row: a pass at its place in the standard pipeline.

    path      module:class, imported when the pass runs
    level     runs from this -O on; 0 when lowering needs it
    settings  options filled from what the user chose and from the machine
    when      a further condition
    """

    name: str
    path: str
    level: int = 0
    settings: Mapping[str, Setting] = field(default_factory=dict)
    when: Callable[[Options], bool] = _always


@dataclass(frozen=True)
class Stage:
    """
    A level of the road.

    reason   what is decided here
    legal    dialects and ops that may be left at its end
    gone     ops of legal dialects that must not be left
    passes   in order; the first leaves the level before
    """

    name: str
    reason: str
    legal: frozenset[str]
    passes: tuple[Pass, ...]
    gone: frozenset[str] = frozenset()


STAGES = (
    Stage(
        "nd",
        "whole tensors with symbolic sizes: derivatives, algebra, stability",
        frozenset({"builtin", "func", "nd"}),
        (
            Pass(
                "nd-drop-checks",
                "irc.passes.nd.drop_checks:DropChecksPass",
                when=lambda o: "bounds" not in o.checks,
            ),
            Pass("nd-stabilize-scans", "irc.passes.nd.stabilize_scans:StabilizeScansPass", level=1),
            Pass("nd-simplify-scans", "irc.passes.nd.simplify_scans:SimplifyScansPass", level=1),
            Pass("nd-hoist-invariants", "irc.passes.nd.hoist_invariants:HoistInvariantsPass", 1),
            Pass(
                "nd-batch-scans",
                "irc.passes.nd.batch_scans:BatchScansPass",
                level=1,
                settings={"explain": lambda o, t: False},  # there is a second try
            ),
            Pass("nd-stabilize", "irc.passes.nd.stabilize:StabilizePass", level=1),
            Pass("nd-expand-grad", "irc.passes.nd.expand_grad:ExpandGradPass"),
            Pass(
                "nd-expand-convolutions",
                "irc.passes.nd.expand_convolutions:ExpandConvolutionsPass",
            ),
            Pass("nd-canonicalize", "irc.passes.nd.canonicalize:CanonicalizePass", level=1),
            Pass("nd-simplify-gathers", "irc.passes.nd.simplify_gathers:SimplifyGathersPass", 1),
            Pass(
                "nd-raise-contractions",
                "irc.passes.nd.raise_contractions:RaiseContractionsPass",
                level=1,
            ),
            Pass("nd-simplify-scans", "irc.passes.nd.simplify_scans:SimplifyScansPass", level=1),
            Pass("nd-hoist-invariants", "irc.passes.nd.hoist_invariants:HoistInvariantsPass", 1),
            Pass("nd-batch-scans", "irc.passes.nd.batch_scans:BatchScansPass", level=1),
            Pass("nd-merge-products", "irc.passes.nd.merge_products:MergeProductsPass", level=1),
            Pass("nd-fold-constants", "irc.passes.nd.fold_constants:FoldConstantsPass", level=1),
            Pass("nd-canonicalize", "irc.passes.nd.canonicalize:CanonicalizePass", level=1),
            Pass("nd-cse", "irc.passes.nd.cse:CsePass", level=1),
            Pass("nd-dce", "irc.passes.nd.dce:DcePass", level=1),
            Pass(
                "nd-check-nan",
                "irc.passes.nd.check_nan:CheckNanPass",
                when=lambda o: "nan" in o.checks,
            ),
        ),
        gone=frozenset({"nd.grad", "nd.jvp"}),
    ),
    Stage(
        "linalg",
        "loop nests over tensors: fusion",
        frozenset(
            {"builtin", "func", "linalg", "tensor", "scf", "arith", "math", "rt"}
            | {"nd.state", "nd.state_read", "nd.state_write"}
            | {"nd.scan", "nd.while", "nd.yield"}
        ),
        (
            Pass(
                "convert-nd-to-linalg",
                "irc.passes.linalg.convert_nd_to_linalg:ConvertNdToLinalgPass",
            ),
            Pass("linalg-fuse", "irc.passes.linalg.fuse:FusePass", level=2),
        ),
    ),
    Stage(
        "loops",
        "memory, loops, vectors, threads",
        frozenset({"builtin", "func", "memref", "scf", "vector", "arith", "math", "rt"}),
        (
            Pass("bufferize", "irc.passes.loops.bufferize:BufferizePass"),
            Pass(
                "convert-linalg-to-loops",
                "irc.passes.loops.convert_linalg_to_loops:ConvertLinalgToLoopsPass",
                settings={
                    "target": lambda o, t: o.target,
                    "epilogues": lambda o, t: o.opt_level > 1,
                },
            ),
            Pass(
                "loops-expand-math",
                "irc.passes.loops.expand_math:ExpandMathPass",
                settings={"target": lambda o, t: o.target},
            ),
            Pass("loops-plan-memory", "irc.passes.loops.plan_memory:PlanMemoryPass"),
        ),
    ),
)

# Passes that are not part of the standard pipeline.
EXTRA: tuple[Pass, ...] = ()

# (earlier, later, why): a test holds the table above against it.
BEFORE = (
    ("nd-expand-grad", "nd-canonicalize", "derivatives leave zeros and ones to be simplified"),
    ("nd-stabilize", "nd-expand-grad", "the derivative of the stable form is the stable one"),
    ("nd-hoist-invariants", "nd-stabilize", "a rule that looks out of a loop works inside it"),
    ("nd-hoist-invariants", "nd-batch-scans", "the same weights at each step make one product"),
    ("nd-batch-scans", "nd-merge-products", "one product over all steps is worth more than two"),
    ("nd-expand-grad", "nd-merge-products", "a derivative would take the weights apart again"),
    ("nd-stabilize-scans", "nd-simplify-scans", "last rows of a stack may be from before any step"),
    ("nd-stabilize-scans", "nd-stabilize", "what has been brought together is seen at once"),
    ("nd-simplify-scans", "nd-hoist-invariants", "sequences of one value become captured ones"),
    ("nd-drop-checks", "nd-expand-grad", "a derivative promises about indices what its op does"),
    ("nd-drop-checks", "nd-dce", "what only a dropped check read is dead"),
    ("nd-expand-grad", "nd-expand-convolutions", "a derivative of the general form is shorter"),
    ("nd-expand-convolutions", "nd-canonicalize", "parts of weights turned round are one slice"),
    ("nd-expand-convolutions", "nd-cse", "forward and backward slide over one padded tensor"),
    ("nd-expand-convolutions", "convert-nd-to-linalg", "windows have no bounds there"),
    ("nd-canonicalize", "nd-simplify-gathers", "positions are counted under one broadcast"),
    ("nd-canonicalize", "nd-raise-contractions", "transposes and broadcasts are in normal form"),
    ("nd-simplify-gathers", "nd-raise-contractions", "a gather of whole rows hides a product"),
    ("nd-raise-contractions", "nd-cse", "a raised product leaves its broadcasts dead"),
    ("nd-fold-constants", "nd-cse", "folding makes equal constants"),
    ("nd-cse", "nd-dce", "merged ops are dead"),
    ("nd-dce", "nd-check-nan", "a dead value is not worth a check"),
    ("nd-expand-grad", "convert-nd-to-linalg", "nd.grad and nd.jvp have no lowering"),
    ("convert-nd-to-linalg", "linalg-fuse", "there is nothing to fuse before"),
    ("linalg-fuse", "bufferize", "fusion reasons about values; buffers can alias"),
    ("bufferize", "convert-linalg-to-loops", "loops load from buffers and store into them"),
    ("convert-linalg-to-loops", "loops-plan-memory", "panels of products are buffers too"),
    ("convert-linalg-to-loops", "loops-expand-math", "the cost of an op says which loops thread"),
)

STAGE_NAMES = tuple(stage.name for stage in STAGES)
PASSES: dict[str, Pass] = {
    row.name: row for rows in (*(s.passes for s in STAGES), EXTRA) for row in rows
}


def stage(name: str) -> Stage:
    """Raises PipelineError for a name that is none."""
    for one in STAGES:
        if one.name == name:
            return one
    raise PipelineError(_unknown("stage", name, STAGE_NAMES))


def passes_of(one: Stage, options: Options, target: Target) -> list[PassText]:
    """The passes of a stage that run under these options, as they would be written."""
    return [
        PassText(row.name, {k: _tuple(v(options, target)) for k, v in row.settings.items()})
        for row in one.passes
        if options.opt_level >= row.level and row.when(options)
    ]


def standard_pipeline(
    options: Options, target: Target, start: str | None = None, stop: str | None = None
) -> Iterator[tuple[Stage, list[PassText]]]:
    """
    Stages with their passes, from after `start` (the beginning when None) up to and with `stop`.

    Raises PipelineError for unknown stages, or when `stop` does not come after `start`.
    """
    first = STAGES.index(stage(start)) + 1 if start else 0
    last = STAGES.index(stage(stop)) if stop else len(STAGES) - 1
    if last < first - 1:
        raise PipelineError(f"stage `{stop}` comes before stage `{start}`")
    for one in STAGES[first : last + 1]:
        yield one, passes_of(one, options, target)


def by_stage(passes: list[PassText]) -> Iterator[tuple[Stage, list[PassText]]]:
    """
    A pipeline that somebody wrote, cut where a pass of the next stage stands.

    Passes that are not in the table, such as xDSL's, belong to where they stand.
    """
    current, group = 0, list[PassText]()
    for one in passes:
        own = stage_of_pass(one.name)
        while own is not None and STAGES.index(own) > current:
            yield STAGES[current], group
            current, group = current + 1, []
        group.append(one)
    yield STAGES[current], group


def level_of(module: ModuleOp) -> str | None:
    """The stage that left this module; None for one that is still before the first."""
    from irc.dialects.verify import walk

    names = {op.name for op in walk(module)}
    if any(name.startswith("nd.") for name in names - stage("linalg").legal):
        return None
    dialects = {name.partition(".")[0] for name in names}
    if dialects & {"linalg", "tensor"}:
        return "linalg"
    return "loops" if "memref" in dialects else None


def stage_of_pass(name: str) -> Stage | None:
    """Where a pass stands in the standard pipeline."""
    return next((s for s in STAGES if any(row.name == name for row in s.passes)), None)


def load(text: PassText) -> ModulePass:
    """
    The pass with its options. Raises PipelineError for unknown names, options and values.
    """
    from xdsl.utils.arg_spec import ArgSpec

    cls = pass_class(text.name)
    names = {f.name for f in dataclasses.fields(cls) if f.init and f.name != "name"}
    for option in text.options:
        if option not in names:
            raise PipelineError(_unknown(f"option of {text.name}", option, names))
    try:
        return cls.from_spec(ArgSpec(text.name, dict(text.options)))
    except ValueError as error:
        raise PipelineError(f"{text}: {error}") from None


def pass_class(name: str) -> type[ModulePass]:
    """The class of one of irc's passes, or of xDSL's. Raises PipelineError."""
    if row := PASSES.get(name):
        module, _, cls = row.path.partition(":")
        loaded: Any = getattr(importlib.import_module(module), cls)
        return loaded
    upstream = upstream_passes()
    if name not in upstream:
        raise PipelineError(_unknown("pass", name, [*PASSES, *upstream]))
    return upstream[name]()


def upstream_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """xDSL's own passes, for experiments with irc-opt."""
    from xdsl.transforms import get_all_passes

    return {name: load for name, load in get_all_passes().items() if name not in PASSES}


def check_stage(module: ModuleOp, one: Stage) -> None:
    """Raises VerifyException that names the ops which should have gone."""
    from irc.dialects.verify import verify_stage

    verify_stage(module, one.legal, f"after stage {one.name}", one.gone)


def _tuple(value: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _unknown(what: str, name: str, known: Any) -> str:
    close = did_you_mean(name, known)
    return f"unknown {what} `{name}`" + (f"; did you mean `{close[0]}`?" if close else "")
