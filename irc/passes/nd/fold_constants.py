"""Computes at compile time what does not depend on the inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects.nd.arrays import Array, numpy_dtype
from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.convolution import ConvOp
from irc.dialects.nd.evaluate import EVALUATE, EmptyReductionError, OutsideError, evaluate_op
from irc.dialects.nd.foreign import ExternMapOp, ExternOp
from irc.dialects.nd.linear import LuOp
from irc.dialects.nd.scalar import ELEMENTWISE, ElementwiseOp, PointwiseOp
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, PhiloxOp, SizeOp
from irc.dialects.nd.structure import BroadcastOp, CastOp, WhereOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.passes.nd.rules import Rewriter, Rewritten, Rules, apply_rules, rule
from irc.sizes import Poly


@dataclass(frozen=True)
class FoldConstantsPass(ModulePass):
    """
    Evaluates ops of constants with the NumPy reference, where that gives the bits of run time:
    neither elementary functions nor products of floats, whose last bits depend on the target.

    Needs nd. Leaves nd with the same bits.

    limit   elements that a result may have
    """

    name = "nd-fold-constants"

    limit: int = 1024

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        @rule(*FOLDED)
        def constants(op: IRDLOperation, b: Rewriter) -> Rewritten:
            """f(c, d) -> the value"""
            return _evaluate(op, b, self.limit) if _is_exact(op) else None

        apply_rules(op, Rules(numbers, size_of_constant, constant_of_one_value, constants))


# Sources have nothing to fold; a broadcast would only make a constant larger; LU has two results;
# what another library says is asked at run time.
_LEFT = (FullOp, ConstantOp, IotaOp, SizeOp, PhiloxOp, BroadcastOp, LuOp, ExternMapOp, ExternOp)
FOLDED = tuple(cls for cls in EVALUATE if cls not in _LEFT)


def _is_exact(op: IRDLOperation) -> bool:
    if isinstance(op, ElementwiseOp):
        return not op.SCALAR.inexact or not dtype_of(op.operands[0]).is_float
    return not isinstance(op, DotOp | ConvOp) or not dtype_of(op.operands[0]).is_float


@rule(*ELEMENTWISE.values(), CastOp, WhereOp)
def numbers(op: PointwiseOp, b: Rewriter) -> Rewritten:
    """f(full c, full d) -> full f(c, d), of any shape"""
    given = [b.number_of(x) for x in op.operands]
    if any(n is None for n in given) or not _is_exact(op):
        return None
    result = op.results[0]
    scalars = [
        np.asarray(n, dtype=numpy_dtype(dtype_of(x)))
        for n, x in zip(given, op.operands, strict=True)
    ]
    (value,) = evaluate_op(op, scalars, {})
    return b.full(dims_of(result), dtype_of(result), value.item())


@rule(SizeOp)
def size_of_constant(op: SizeOp, b: Rewriter) -> Rewritten:
    """size "3" -> full 3"""
    constant = sizes.parse(op.poly.data).constant
    if constant is None:
        return None
    (value,) = evaluate_op(op, [], {})
    return b.full((), dtype_of(op.res), value.item())


@rule(ConstantOp)
def constant_of_one_value(op: ConstantOp, b: Rewriter) -> Rewritten:
    """constant [c, c, c] -> full c"""
    (values,) = evaluate_op(op, [], {})
    return _full(values, op.res, b)


def _full(values: Array, like: SSAValue, b: Rewriter) -> SSAValue | None:
    """A `full` with the bits of `values`, when they are all the same."""
    first = values.reshape(-1)[:1]
    if not first.size or any(v != first.tobytes() for v in _bytes(values)):
        return None
    return b.full(dims_of(like), dtype_of(like), first[0].item())


def _bytes(values: Array) -> set[bytes]:
    flat = np.ascontiguousarray(values).reshape(-1)
    return {v.tobytes() for v in flat}


def _evaluate(op: IRDLOperation, b: Rewriter, limit: int) -> Rewritten:
    result = op.results[0]
    if not op.operands or _count(result) > limit:
        return None
    values: list[Array] = []
    for x in op.operands:
        value = _constant(x, b, limit)
        if value is None:
            return None
        values.append(value)
    try:
        (value,) = evaluate_op(op, values, {})
    except (EmptyReductionError, OutsideError):
        return None  # an error of run time
    except KeyError:
        return None  # a window whose offset is symbolic
    found = _full(value, result, b)
    return found if found is not None else b.constant(value, dtype_of(result))


def _constant(x: SSAValue, b: Rewriter, limit: int) -> Array | None:
    """The array behind a constant of at most `limit` elements."""
    if _count(x) > limit:
        return None
    n = b.number_of(x)
    if n is not None:
        return np.full(_shape(x), n, dtype=numpy_dtype(dtype_of(x)))
    if made := b.made_by(x, ConstantOp):
        return evaluate_op(made, [], {})[0]
    return None


def _count(x: SSAValue) -> float:
    """The number of elements; infinite when a size is symbolic."""
    dims = dims_of(x)
    return math.inf if any(isinstance(d, Poly) for d in dims) else math.prod(dims)  # type: ignore[arg-type]


def _shape(x: SSAValue) -> Sequence[int]:
    return [d for d in dims_of(x) if isinstance(d, int)]
