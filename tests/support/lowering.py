"""Programs of nd, run before and after passes of the linalg level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_module
from irc.dialects.verify import verify_module
from irc.execution import Outcome
from irc.execution.compare import difference, tolerance_of
from irc.execution.program import Program


def changed_by(
    module: ModuleOp,
    passes: Sequence[ModulePass],
    calls: Sequence[Sequence[np.ndarray]],
    function: str = "f",
) -> str | None:
    """
    What the passes change about the calls of a function, in words; None when nothing.

    The IR is verified after each pass, and has to survive printing and parsing.
    """
    ctx: Context = make_context()
    program = Program(module)
    declared = {f: program.signature(f).spec for f in program.functions}
    before = [program.run(function, inputs) for inputs in calls]
    tolerance = tolerance_of(module)
    for p in passes:
        p.apply(ctx, module)
        verify_module(module)
        text = module_text(module)
        assert module_text(parse_module(text, "printed.mlir", ctx)) == text
    lowered = Program(module, declared)
    for inputs, outcome in zip(calls, before, strict=True):
        now: Outcome = lowered.run(function, inputs)
        what = difference(outcome, now, tolerance, declared[function])
        if what is not None:
            shapes = [list(np.shape(x)) for x in inputs]
            return f"for shapes {shapes}: {what}"
    return None
