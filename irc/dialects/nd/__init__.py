"""
The tensor dialect: whole arrays, value semantics, symbolic sizes, state, derivatives.

Ops:
scalar.py       elementwise functions, each stated once; special.py those of them with series of
                their own, scalar_numpy.py what NumPy says otherwise, scalar_bodies.py lowerings
                of several ops
reduction.py    reductions, each stated once
ordered.py      running totals and sorting along an axis; ordered_numpy.py has their meaning
contraction.py  the product of which every matrix product is a case
convolution.py  convolution, and the extremum of windows; convolution_numpy.py has their meaning,
                convolution_builder.py their part of the builder
sources.py      from attributes, sizes and a random counter; philox.py makes the bits
structure.py    what chooses, converts and moves elements
linear.py       factorizations and solutions of linear systems; linear_builder.py, linear_numpy.py
indexing.py     reads and writes at computed positions
control.py      regions, derivatives as values
loops.py        recurrences and searches; scan_draft.py writes a scan, scan_text.py its text
foreign.py      functions of other libraries; foreign_numpy.py asks them
effects.py      state, checks, printing

What they share:
types.py        builtin tensors whose unknown sizes have names
builder.py      builds ops with their result types worked out
body.py         the scalar program behind one elementwise op
evaluate.py     what each op gives, in NumPy: the meaning of all levels
rows.py         how an op is done for many rows at once
arrays.py       how NumPy holds the values of a dtype
"""

from __future__ import annotations

from xdsl.ir import Dialect

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.control import GradOp, IfOp, JvpOp, StopGradientOp, YieldOp
from irc.dialects.nd.convolution import ConvOp, MaxPoolIndexOp, MaxPoolOp, WindowExtremumOp
from irc.dialects.nd.effects import AssertOp, PrintOp, StateOp, StateReadOp, StateWriteOp
from irc.dialects.nd.foreign import Extern, ExternMapOp, ExternOp
from irc.dialects.nd.indexing import GatherOp, ScatterOp
from irc.dialects.nd.linear import CholeskyOp, LuOp, SolveOp, SwapRowsOp, TriangularSolveOp
from irc.dialects.nd.loops import ScanOp, ScanSequence, ScanState, WhileOp
from irc.dialects.nd.ordered import ArgsortOp, CumulativeOp
from irc.dialects.nd.reduction import (
    REDUCE_OPS,
    REDUCTIONS,
    ArgmaxOp,
    ArgminOp,
    ArgOp,
    ReduceOp,
    Reduction,
)
from irc.dialects.nd.scalar import ELEMENTWISE, SCALARS, ElementwiseOp, PointwiseOp, Scalar
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, PhiloxOp, SizeOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    CastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
)
from irc.dialects.nd.types import DimsAttr, IntsAttr, dims_of, dtype_of, rank_of, tensor, type_text

ND = Dialect(
    "nd",
    [
        *ELEMENTWISE.values(),
        *REDUCE_OPS.values(),
        ArgmaxOp,
        ArgminOp,
        ArgsortOp,
        AssertOp,
        BroadcastOp,
        CastOp,
        CholeskyOp,
        ConcatOp,
        ConstantOp,
        ConvOp,
        CumulativeOp,
        DotOp,
        ExternMapOp,
        ExternOp,
        FullOp,
        GatherOp,
        GradOp,
        IfOp,
        InsertSliceOp,
        IotaOp,
        LuOp,
        JvpOp,
        MaxPoolIndexOp,
        MaxPoolOp,
        PhiloxOp,
        PrintOp,
        ReshapeOp,
        ScanOp,
        ScatterOp,
        SizeOp,
        SliceOp,
        SolveOp,
        StateOp,
        StateReadOp,
        StateWriteOp,
        StopGradientOp,
        SwapRowsOp,
        TransposeOp,
        TriangularSolveOp,
        WhereOp,
        WhileOp,
        YieldOp,
    ],
    [DimsAttr, IntsAttr],
)

__all__ = [
    "ELEMENTWISE", "ND", "REDUCE_OPS", "REDUCTIONS", "SCALARS",
    "ConvOp", "MaxPoolIndexOp", "MaxPoolOp", "WindowExtremumOp",
    "ArgOp", "ArgmaxOp", "ArgminOp", "AssertOp", "BroadcastOp", "Builder", "CastOp", "ConcatOp",
    "ConstantOp", "DimsAttr", "DotOp", "ElementwiseOp", "Extern", "ExternMapOp", "ExternOp",
    "FullOp",
    "GatherOp", "GradOp", "IfOp",
    "InsertSliceOp", "IotaOp", "JvpOp", "PhiloxOp", "PointwiseOp", "PrintOp", "ReduceOp",
    "Reduction", "ReshapeOp", "Scalar", "ScanDraft", "ScanOp", "ScanSequence", "ScanState",
    "ScatterOp", "SizeOp", "SliceOp", "StateOp", "StateReadOp", "StateWriteOp", "StopGradientOp",
    "TransposeOp", "WhereOp", "WhileOp", "YieldOp",
    "ArgsortOp", "CumulativeOp",
    "CholeskyOp", "LuOp", "SolveOp", "SwapRowsOp", "TriangularSolveOp",
    "dims_of", "dtype_of", "rank_of", "tensor", "type_text",
]  # fmt: skip
