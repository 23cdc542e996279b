"""Running functions of a module between or after passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from irc.cli.common import usage
from irc.diagnostics import did_you_mean
from irc.errors import CheckFailed
from irc.execution.inputs import make_inputs, parse_argument
from irc.execution.outcome import Outcome
from irc.execution.program import Program


def execute_function(module: ModuleOp, function: str, arguments: Sequence[str], seed: int) -> str:
    """
    Runs one function and gives what it printed, its results and the state that it changed.

    Raises CheckFailed when a check of the program did not hold.
    """
    program = Program(module)
    if function not in program.functions:
        close = did_you_mean(function, program.functions)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        usage(f"the module has no function `{function}`{hint}")
    spec = program.signature(function).spec
    inputs = make_inputs([parse_argument(text) for text in arguments], spec, seed)
    before = program.initial_state(seed)
    outcome = program.run(function, inputs, before)
    names = [result.name or f"result {i}" for i, result in enumerate(spec.results)]
    return outcome_text(outcome, names, before)


def outcome_text(outcome: Outcome, names: Sequence[str], before: dict[str, np.ndarray]) -> str:
    """One line for each thing that the call left behind: `cost = 2.302585 : f32`."""
    if outcome.failure is not None:
        raise CheckFailed(f"{outcome.failure.kind}: {outcome.failure.message}")
    lines = list(outcome.prints)
    lines += [value_text(name, x) for name, x in zip(names, outcome.results, strict=False)]
    for name, x in sorted(outcome.state.items()):
        if name in before and not np.array_equal(x, before[name], equal_nan=x.dtype.kind == "f"):
            lines.append(value_text(f"state {name}", x))
    return "".join(f"{line}\n" for line in lines)


def value_text(name: str, x: np.ndarray) -> str:
    """The values as nested lists; a large array is shortened as NumPy does."""
    text = np.array2string(np.asarray(x), separator=", ", max_line_width=96, threshold=200)
    shape = "x".join(map(str, x.shape))
    return f"{name} : {f'{shape}x' if shape else ''}{x.dtype.name} = {text}"
