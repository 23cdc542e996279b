"""
The functions of the language.

table.py        a row for each function, and how a call finds it
arguments.py    arguments converted to what a parameter asks for
elementwise.py, reductions.py, shapes.py, creation.py, random.py, softmax.py, derivatives.py,
ordered.py, moving.py, einsum.py, norms.py, linear.py
                the rows
convolution.py, pooling.py
                rows too; windows.py reads what both are told
constants.py    names of values; names that are planned
"""

from __future__ import annotations

from irc.frontend.analysis.builtins.arguments import call_builtin
from irc.frontend.analysis.builtins.table import (
    BUILTINS,
    Builtin,
    Call,
    lookup,
    method,
    names,
)

# The modules state their rows when they are loaded.
from irc.frontend.analysis.builtins import (  # isort: skip
    convolution,
    pooling,
    creation,
    derivatives,
    einsum,
    elementwise,
    linear,
    moving,
    norms,
    ordered,
    random,
    reductions,
    shapes,
    softmax,
)

__all__ = [
    "convolution", "pooling",
    "BUILTINS", "Builtin", "Call", "call_builtin", "creation", "derivatives", "einsum",
    "elementwise", "linear", "lookup", "method", "moving", "names", "norms", "ordered", "random",
    "reductions", "shapes", "softmax",
]  # fmt: skip
