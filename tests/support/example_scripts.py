"""
The programs of examples/ with small sizes, and a few calls of each, one after the other.

    example = EXAMPLES["lstm.irc"]
    outcomes = play(example, declared, call)

What a call leaves is an `Outcome`: results, all states, lines printed. So every way of running a
program is held against every other with `irc.execution.compare.difference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from levels import Road, functions, levels
from xdsl.dialects.builtin import ModuleOp

from irc.abi import FunctionSpec
from irc.dialects.context import make_context
from irc.driver import Source
from irc.driver.describe import describe_module
from irc.dtypes import DTYPES
from irc.execution.compare import Tolerance, difference
from irc.execution.outcome import Outcome
from irc.execution.program import Program
from irc.execution.signature import evaluate_dims
from irc.frontend import load_program
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.runtime.module import Module

FOLDER = Path(__file__).parents[2] / "examples"
Call = Callable[[str, Sequence[Any]], Outcome]


@dataclass(frozen=True)
class Step:
    """
    Calls of one function, each with other numbers.

    sizes   values of the symbolic sizes
    given   arguments by name; others have their default or are random: floats in [0, 1),
            integers from 0 to 9
    """

    function: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1

    def arguments(self, spec: FunctionSpec, rng: np.random.Generator) -> list[np.ndarray]:
        found = []
        for p in spec.params:
            dtype = DTYPES[p.dtype].numpy
            shape = evaluate_dims(p.dims, self.sizes)
            if p.name in self.given:
                found.append(np.asarray(self.given[p.name], dtype))
            elif p.default is not None:
                found.append(np.asarray(p.default, dtype))
            elif DTYPES[p.dtype].is_float:
                found.append(np.asarray(rng.random(shape), dtype))
            else:
                found.append(np.asarray(rng.integers(0, 10, shape), dtype))
        return found


@dataclass(frozen=True)
class Example:
    """
    steps     calls; the state of one is where the next begins
    defines   sizes that make the program small
    more      text behind the program: exports for functions that have none
    """

    steps: Sequence[Step]
    defines: Mapping[str, str] = field(default_factory=dict)
    more: str = ""

    def source(self, file: str) -> Source:
        path = FOLDER / file
        return Source(path.read_text() + self.more, str(path))


TOUR = """
export def mm_(A: f32[m, k], B: f32[k, n]) -> f32[m, n] = mm(A, B)
export def attention_(Q: f32[n, d], K: f32[m, d], V: f32[m, d]) -> f32[n, d]
    where m > 0, d > 0 = attention(Q, K, V)
export def blur_(x: f32[n]) -> f32[n - 2] where n > 1 = blur(x)
export def pdist_(X: f32[n, d]) -> f32[n, n] = pdist(X)
export def top_(x: f32[n, d]) -> (f32, f32[2]) where n > 0, d > 2 {
    let most, small, list = top(x)
    return most, list
}
export def hv_(W: f32[n], v: f32[n]) -> (f32[n], f32) {
    let second, along, much = hv(W, v)
    return second * much, along
}
export def relu_(x: f32[n]) -> f32[n] = relu(x - 0.5) + nn.relu(0.5 - x)
def erf_vjp(x, dy) = dy * 1.1283791670955126f64 * exp(-x * x)
export def erf_(x: f64) -> (f64, f64) {
    let y = fast_erf(x)
    return y, grad(y, wrt=x)
}
"""

LABELLED = {"n": 5}
SMALL_NET = {"D": "12", "H": "7"}

EXAMPLES: Mapping[str, Example] = {
    "1_logreg.irc": Example(
        [Step("train", LABELLED, times=3), Step("predict", LABELLED)], {"D": "16"}
    ),
    "2_mlp.irc": Example(
        [Step("train", LABELLED, times=3), Step("test_error", LABELLED)], {"D": "16", "H": "12"}
    ),
    "3_rnn.irc": Example(
        [Step("train", {"T": n}) for n in (9, 1, 2)] + [Step("predict", {"T": 5})],
        {"h": "6", "p": "3", "q": "2"},
    ),
    "4_conv_autoencoder.irc": Example(
        [Step("train", {"n": 2}, times=2), Step("reconstruct", {"n": 1}), Step("code", {"n": 3})],
        {"C1": "3", "C2": "2"},
    ),
    "5_power.irc": Example(
        [Step("power", {"n": 4}), Step("power", {"n": 1}), Step("power", {"n": 7}, {"tol": 1e-3})]
    ),
    "6_catch.irc": Example(
        [
            Step("episode", given={"eps": 0.5}, times=3),
            Step("episode", given={"eps": 0}),
            Step("play"),
        ],
        {"G": "5", "B": "4", "H": "6"},
    ),
    "7_misc.irc": Example(
        [
            Step("mm_", {"m": 3, "k": 4, "n": 5}),
            Step("attention_", {"n": 3, "m": 4, "d": 2}),
            Step("blur_", {"n": 9}),
            Step("pdist_", {"n": 4, "d": 3}),
            Step("top_", {"n": 3, "d": 4}),
            Step("newton", given={"x": 2}),
            Step("newton", given={"x": 1e9}),
            Step("hv_", {"n": 3}),
            Step("hv_", {"n": 5}),
            Step("relu_", {"n": 6}),
            Step("erf_"),
        ],
        more=TOUR,
    ),
    "convnet.irc": Example(
        [
            Step("train", LABELLED, times=2),
            Step("predict", {"n": 1}),
            Step("error_rate", LABELLED),
        ],
        {"C1": "3", "C2": "4", "H": "7"},
    ),
    "denoising.irc": Example(
        [Step("train", LABELLED, times=3), Step("reconstruct", LABELLED), Step("features")],
        SMALL_NET,
    ),
    "gru.irc": Example(
        [Step("train", times=3), Step("predict", {"t": 4, "n": 2})],
        {"K": "3", "L": "2", "P": "2", "H": "5", "B": "4"},
    ),
    "hmc.irc": Example([Step("sample", {"n": 6}, times=2)], {"S": "5", "L": "3"}),
    "initialization.irc": Example(
        [
            *(Step(f, LABELLED, times=2) for f in ("sgd", "adam")),
            Step("spread", LABELLED),
            Step("predict", LABELLED),
        ],
        SMALL_NET,
    ),
    "initialization_conv.irc": Example(
        [
            *(Step(f, {"n": 3}, times=2) for f in ("sgd", "adam")),
            Step("spread", {"n": 3}),
            Step("predict", {"n": 1}),
        ],
        {"C1": "3", "C2": "4", "H": "6", "RELU": "1", "SCHEME": "2"},
    ),
    "lstm.irc": Example(
        [Step("train", times=3), Step("test_error"), Step("predict", {"t": 3, "n": 2})],
        {"H": "5", "T": "6", "B": "4"},
    ),
    "stacked.irc": Example(
        [
            *(Step(f, LABELLED) for f in ("pretrain_lower", "pretrain_upper")),
            Step("finetune", LABELLED, times=2),
            Step("predict", LABELLED),
            Step("features"),
        ],
        {"D": "12", "H1": "7", "H2": "5"},
    ),
}


def play(example: Example, declared: Mapping[str, FunctionSpec], call: Call) -> list[Outcome]:
    """What each call leaves behind."""
    rng = np.random.default_rng(0)
    found = []
    for step in example.steps:
        spec = declared[step.function]
        for _ in range(step.times):
            found.append(call(step.function, step.arguments(spec, rng)))
    return found


# -- ways to run a program


@dataclass
class Played:
    """The outcomes at a level of the IR, and the module at that level."""

    level: str
    outcomes: list[Outcome]


def at_every_level(file: str, opt_level: int = 2) -> Iterator[Played]:
    """As written with derivatives worked out, then after each stage."""
    example = EXAMPLES[file]
    source = example.source(file)
    module = load_program(source.text, example.defines, file=source.file).module
    describe_module(module, source.file, "cpu:native", "0")
    declared = {f: Program(module).signature(f).spec for f in functions(module)}
    plain = module.clone()
    ExpandGradPass().apply(make_context(), plain)
    yield Played("as written", play(example, declared, executor(plain, declared)))
    for level, lowered in levels(module, Road(opt_level=opt_level)):
        yield Played(level, play(example, declared, executor(lowered, declared)))


def executor(module: ModuleOp, declared: Mapping[str, FunctionSpec]) -> Call:
    program = Program(module, declared)
    state = program.initial_state(seed=0)

    def call(function: str, arguments: Sequence[Any]) -> Outcome:
        nonlocal state
        outcome = program.run(function, arguments, state)
        state = outcome.state
        return replace(outcome, state=shown(state))

    return call


def compiled(file: str, module: Module) -> list[Outcome]:
    """What the calls leave in a loaded module of the example."""

    def call(function: str, arguments: Sequence[Any]) -> Outcome:
        printed = StringIO()
        with redirect_stdout(printed):
            found = module[function](*arguments)
        results = list(found) if isinstance(found, tuple) else [found]
        state = {name: np.array(module.state[name]) for name in module.state}
        return Outcome(
            [np.asarray(r) for r in results], shown(state), printed.getvalue().splitlines()
        )

    return play(EXAMPLES[file], {f.name: f for f in module.spec.functions}, call)


def disagreements(reference: Played, others: Iterable[Played]) -> list[str]:
    """In words, what other ways to run the calls give that the reference does not."""
    near = Tolerance(inexact=True, products=True)
    found = []
    for other in others:
        pairs = zip(reference.outcomes, other.outcomes, strict=True)
        for k, (expected, outcome) in enumerate(pairs):
            if what := difference(expected, outcome, near):
                found.append(f"{other.level}, call {k}: {what}")
    return found


def shown(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The states that a program declares; the module's own hold its random numbers."""
    return {name: value for name, value in state.items() if not name.startswith("__")}
