"""Programs of the language compiled to `nd` and run by the reference, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nd_programs import context
from xdsl.dialects.builtin import ModuleOp

from irc.diagnostics import render
from irc.errors import UserError
from irc.execution.outcome import Outcome
from irc.execution.program import Program
from irc.frontend import load_program
from irc.passes.nd.expand_grad import ExpandGradPass


def compiled(text: str, **defines: str) -> ModuleOp:
    """The `nd` module of a program, with derivatives written out; verified."""
    module = load_program(text, defines, file="t.irc").module
    module.verify()
    ExpandGradPass().apply(context(), module)
    module.verify()
    return module


def program(text: str, **defines: str) -> Program:
    """A program ready to run."""
    return Program(compiled(text, **defines))


def call(
    text: str, *inputs: Any, state: Mapping[str, np.ndarray] | None = None, function: str = "f"
) -> Outcome:
    """What one call of `function` leaves behind."""
    return program(text).run(function, [np.asarray(x) for x in inputs], state)


def run(text: str, *inputs: Any, function: str = "f") -> list[np.ndarray]:
    """The results of a call that does not fail."""
    outcome = call(text, *inputs, function=function)
    assert outcome.failure is None, outcome.failure
    return outcome.results


def type_of(value: np.ndarray) -> str:
    """The type as the language writes it: `f32[3, 4]`."""
    kind = value.dtype.kind
    dtype = "bool" if kind == "b" else f"{kind}{8 * value.dtype.itemsize}"
    return f"{dtype}[{', '.join(map(str, value.shape))}]" if value.shape else dtype


def check(expression: str, expected: Any, /, lets: str = "", **inputs: Any) -> None:
    """
    An expression in which `inputs` are parameters of their own dtype and shape has the dtype,
    shape and, to rounding, the values of `expected`. `lets` are statements before it.
    """
    results = [np.asarray(e) for e in (expected if isinstance(expected, tuple) else (expected,))]
    arrays = {name: np.asarray(x) for name, x in inputs.items()}
    params = ", ".join(f"{name}: {type_of(x)}" for name, x in arrays.items())
    types = ", ".join(map(type_of, results))
    returned = f"({types})" if isinstance(expected, tuple) else types
    text = f"export def f({params}) -> {returned} {{\n{lets}\nreturn {expression}\n}}"
    for got, wanted in zip(run(text, *arrays.values()), results, strict=True):
        equal(got, wanted)


def equal(got: np.ndarray, wanted: np.ndarray) -> None:
    """Exactly for integers and bools, to rounding for floats."""
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype.kind == "f":
        close = {2: 4e-3, 4: 3e-6, 8: 1e-12}[wanted.dtype.itemsize]
        np.testing.assert_allclose(got, wanted, rtol=close, atol=close)
    else:
        np.testing.assert_array_equal(got, wanted)


def message(text: str, file: str = "t.irc") -> str:
    """The text of the mistakes in a program, which has some."""
    try:
        load_program(text, file=file)
    except UserError as error:
        return f"{error}\n"
    raise AssertionError(f"accepted:\n{text}")


def warnings(text: str, file: str = "t.irc") -> str:
    """The text of the lints about a program."""
    found = load_program(text, file=file)
    return "\n".join(render(w, found.sources) for w in found.warnings) + "\n"
