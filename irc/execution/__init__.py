"""
Executors: every level of the IR runs.

`execute` takes a module at any level, or between two of them, and one function's inputs.
bf16, which NumPy lacks, is held as float32 numbers that bf16 can represent.

program.py      a module made ready to run: each function becomes a Python function
python_text.py  its text, whose lines come from
scalars.py      ... arith and math, by the arithmetic of numerics.py and fma.py
tensors.py      ... nd, by the reference in nd.py
linalg.py       ... linalg and tensor, with generic.py on whole iteration spaces
loops.py        ... memref and vector, with the checked access of memory.py
control.py      ... control flow, calls, state, effects; messages.py: their texts
recurrences.py  ... nd.scan and nd.while, which keep all rows
signature.py    what a function takes and gives, at any level
values.py       NumPy dtypes for types, arrays for attributes
outcome.py      what a call gives
inputs.py       random inputs, and those of a command line
compare.py      whether two outcomes agree, and the first pass after which they do not
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from irc.execution.outcome import ExecutionError, Failure, Outcome

if TYPE_CHECKING:
    import numpy as np
    from xdsl.dialects.builtin import ModuleOp

__all__ = ["ExecutionError", "Failure", "Outcome", "execute"]


def execute(
    module: ModuleOp,
    function: str,
    inputs: Sequence[np.ndarray],
    state: Mapping[str, np.ndarray] | None = None,
) -> Outcome:
    """
    Calls one function of a module; see `irc.execution.program` for many calls of one module.

    inputs   an array for each parameter of the function as the front end declared it
    state    values of the state variables before the call; initial ones where left out

    Raises ArgumentError, ShapeError or DTypeError for arguments that do not fit, and
    ExecutionError, an InternalError, for IR that does what it must not.
    """
    from irc.execution.program import Program

    return Program(module).run(function, inputs, state)
