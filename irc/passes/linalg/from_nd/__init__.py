"""
From nd to linalg: the lowerings of all ops, one table.

lowering.py     one function on its way: what each value became, and a pen
elementwise.py  pointwise ops, and those that only move elements
reduction.py    reductions, extrema, products
convolution.py  windows
structure.py    ops that put tensors together; reshapes
indexing.py     reads and writes at positions that are data
sources.py      from attributes, sizes and a random counter
effects.py      state, checks, printing, branches
"""

from __future__ import annotations

from xdsl.ir import Operation

from irc.passes.linalg.from_nd import (
    convolution,
    effects,
    elementwise,
    indexing,
    reduction,
    sources,
    structure,
)
from irc.passes.linalg.from_nd.lowering import Lower

LOWERINGS: dict[type[Operation], Lower] = {
    **convolution.LOWERINGS,
    **effects.LOWERINGS,
    **elementwise.LOWERINGS,
    **indexing.LOWERINGS,
    **reduction.LOWERINGS,
    **sources.LOWERINGS,
    **structure.LOWERINGS,
}
