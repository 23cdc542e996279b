"""
Programs at every level: the reference, `nd` after its passes, linalg, loops, and compiled C.

    cases = [Case("add", module, [Call(inputs)]), ...]
    assert differences(cases) == []

The cases become the functions of one module, so that hundreds of them cost one run of each pass
and one run of the C compiler.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from kernels import Kernels, compile_module
from noise import Mask, masked, noisy_programs, unstable
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import FuncOp

from irc.abi import FunctionSpec
from irc.dialects import nd
from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_module
from irc.dialects.verify import verify_module, walk
from irc.driver.describe import describe_module
from irc.execution.compare import Tolerance, difference, tolerance_of
from irc.execution.outcome import Outcome
from irc.execution.program import Program
from irc.options import Options
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.passes.spelling import PassText
from irc.pipeline import check_stage, load, standard_pipeline
from irc.target import parse as parse_target

GCC_O0, GCC_O2, CLANG_O2 = ("gcc", "-O0"), ("gcc", "-O2"), ("clang", "-O2")
Compiler = tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """Arguments of one call, and the states before it; zeros where left out."""

    inputs: Sequence[np.ndarray]
    state: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A program whose only function is called `f`, and calls of it."""

    name: str
    module: ModuleOp
    calls: Sequence[Call]


@dataclass(frozen=True)
class Road:
    """
    How to get from `nd` to C.

    without    optional passes to leave out
    near       passes of `nd` may change results by more than rounding, where these are not
               finite (stable forms do); levels below are then held against `nd` after its passes
    executors  stages whose IR is run, besides the C
    reparse    the IR of each stage goes through its text
    """

    opt_level: int = 2
    without: frozenset[str] = frozenset()
    near: bool = False
    executors: tuple[str, ...] = ("nd", "linalg", "loops")
    reparse: bool = False
    target: str = "cpu:native"
    checks: frozenset[str] = frozenset({"bounds"})

    def stages(self) -> Iterator[tuple[str, list[PassText]]]:
        options = Options(opt_level=self.opt_level, target=self.target, checks=self.checks)
        for stage, passes in standard_pipeline(options, parse_target(self.target)):
            yield stage.name, [p for p in passes if p.name not in self.without]


@dataclass
class Subject:
    """The cases as functions of one module, with what the reference says about each call."""

    module: ModuleOp
    names: dict[str, str]  # function -> case
    calls: dict[str, Sequence[Call]]
    declared: dict[str, FunctionSpec] = field(default_factory=dict)
    expected: dict[str, list[Outcome]] = field(default_factory=dict)
    masks: dict[str, list[Mask]] = field(default_factory=dict)
    tolerance: dict[str, Tolerance] = field(default_factory=dict)

    @staticmethod
    def of(cases: Sequence[Case], road: Road) -> Subject:
        module, calls = merged(cases)
        describe_module(module, "levels.mlir", road.target, "0")
        names = {f"f{k}": case.name for k, case in enumerate(cases)}
        found = Subject(module, names, calls)
        plain = module.clone()
        ExpandGradPass().apply(make_context(), plain)
        program = Program(plain)
        found.declared = {f: program.signature(f).spec for f in names}
        found.note(plain)
        for f in names:
            spec = found.declared[f]
            found.expected[f] = [outcome_of(program, spec, call) for call in calls[f]]
        found.find_unstable(plain)
        return found

    def find_unstable(self, module: ModuleOp) -> None:
        """Masks what depends on the rounding of the inexact ops in this form of the programs."""
        noisy = noisy_programs(module)
        clean = Program(module, self.declared)
        for f, spec in self.declared.items():
            known = self.masks.setdefault(f, [Mask() for _ in self.calls[f]])
            if not self.tolerance[f].inexact:
                continue
            for k, call in enumerate(self.calls[f]):
                trials = [outcome_of(p, spec, call) for p in noisy]
                known[k] |= unstable(outcome_of(clean, spec, call), trials)

    def note(self, module: ModuleOp) -> None:
        """What the ops of this level allow results to differ in."""
        for f, op in functions(module).items():
            known = self.tolerance.get(f, Tolerance())
            self.tolerance[f] = known | tolerance_of(op)

    def differences(self, level: str, run: Program | Kernels, near: bool = False) -> list[str]:
        """The calls that another way of running the functions answers differently."""
        found = []
        for f, name in self.names.items():
            for k, call in enumerate(self.calls[f]):
                outcome = outcome_of(run, self.declared[f], call)
                expected, mask = self.expected[f][k], self.masks[f][k]
                if mask.everything:
                    continue
                first, second = masked(expected, outcome, mask, near)
                what = difference(first, second, self.tolerance[f], self.declared[f])
                if what is not None:
                    shapes = [list(np.shape(x)) for x in call.inputs]
                    found.append(f"{name} at {level}, call {k} of shapes {shapes}: {what}")
                if near:
                    self.expected[f][k] = outcome
        return found


def differences(
    cases: Sequence[Case],
    road: Road = Road(),
    compilers: Sequence[Compiler] = (GCC_O0, GCC_O2),
) -> list[str]:
    """
    In words, what changes on the road; nothing when every level agrees with the reference.

    Bits must agree, except where products and elementary functions allow `compare.TOLERANCE`,
    and where the reference itself, with that much noise in those ops, gives something else.
    """
    subject = Subject.of(cases, road)
    found = []
    for level, module in levels(subject.module, road):
        subject.note(module)
        near = road.near and level == "nd"
        if level == "nd":
            subject.find_unstable(module)
        if level in road.executors or near:
            found += subject.differences(level, Program(module, subject.declared), near)
        last = module
    for compiler in compilers:
        kernels = compile_module(last, compiler[1:], compiler[0])
        found += subject.differences(" ".join(compiler), kernels)
    return found


def levels(module: ModuleOp, road: Road) -> Iterator[tuple[str, ModuleOp]]:
    """The module after each stage; it changes from one to the next. Verified after each pass."""
    ctx = make_context()
    stages = {stage.name: stage for stage, _ in standard_pipeline(Options(), parse_target("cpu"))}
    for name, passes in road.stages():
        for one in passes:
            load(one).apply(ctx, module)
            try:
                verify_module(module)
            except Exception as error:
                raise AssertionError(f"{one.name} leaves wrong IR: {error}") from error
        check_stage(module, stages[name])
        if road.reparse:
            text = module_text(module)
            module = parse_module(text, f"{name}.mlir", ctx)
            assert module_text(module) == text, (
                f"after {name}: print, parse, print is no fixed point"
            )
        yield name, module


def merged(cases: Sequence[Case]) -> tuple[ModuleOp, dict[str, Sequence[Call]]]:
    """One module with the functions f0, f1, ... and the states of each with its name in front."""
    ops, calls = [], {}
    for k, case in enumerate(cases):
        f = f"f{k}"
        for op in case.module.clone().ops:
            op.detach()
            if isinstance(op, FuncOp):
                op.properties["sym_name"] = StringAttr(f)
                _rename_states(op, f)
            elif isinstance(op, nd.StateOp):
                op.properties["sym_name"] = StringAttr(f"{f}_{op.sym_name.data}")
            ops.append(op)
        calls[f] = [_renamed(call, f) for call in case.calls]
    return ModuleOp(ops), calls


def _rename_states(function: FuncOp, prefix: str) -> None:
    for op in walk(function):
        if isinstance(op, nd.StateReadOp | nd.StateWriteOp):
            name = op.state.root_reference.data
            op.properties["state"] = SymbolRefAttr(f"{prefix}_{name}")


def _renamed(call: Call, prefix: str) -> Call:
    return replace(call, state={f"{prefix}_{name}": v for name, v in call.state.items()})


def functions(module: ModuleOp) -> dict[str, FuncOp]:
    return {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}


def outcome_of(run: Program | Kernels, spec: FunctionSpec, call: Call) -> Outcome:
    """One call with only the states that belong to it in the outcome."""
    own = f"{spec.name}_"
    if isinstance(run, Program):
        outcome = run.run(spec.name, call.inputs, call.state)
    else:
        for name in [n for n in run.state if n.startswith(own)]:
            run.state[name][...] = call.state.get(name, 0)
        outcome = run.run(spec, call.inputs)
    state = {name: v for name, v in outcome.state.items() if name.startswith(own)}
    return replace(outcome, state=state)
