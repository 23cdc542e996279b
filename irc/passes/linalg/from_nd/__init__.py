"""
From nd to linalg: the lowerings of all ops, one table.

lowering.py     one function on its way: what each value became, and a pen
elementwise.py  pointwise ops, and those that only move elements
reduction.py    reductions, extrema, products
convolution.py  windows
structure.py    ops that put tensors together; reshapes
nests.py        loops that carry tensors, for what no generic says
cumulative.py   running totals
sorting.py      a merge sort
linear.py       linear systems
indexing.py     reads and writes at positions that are data
sources.py      from attributes, sizes and a random counter
foreign.py      calls of functions of other libraries
effects.py      state, checks, printing, branches
recurrences.py  loops over time
histories.py    what is read of their results
"""

from __future__ import annotations

from xdsl.ir import Operation

from irc.passes.linalg.from_nd import (
    convolution,
    cumulative,
    effects,
    elementwise,
    foreign,
    indexing,
    linear,
    recurrences,
    reduction,
    sorting,
    sources,
    structure,
)
from irc.passes.linalg.from_nd.lowering import Lower

LOWERINGS: dict[type[Operation], Lower] = {
    **convolution.LOWERINGS,
    **cumulative.LOWERINGS,
    **effects.LOWERINGS,
    **elementwise.LOWERINGS,
    **foreign.LOWERINGS,
    **indexing.LOWERINGS,
    **linear.LOWERINGS,
    **recurrences.LOWERINGS,
    **reduction.LOWERINGS,
    **sorting.LOWERINGS,
    **sources.LOWERINGS,
    **structure.LOWERINGS,
}
