"""Linear systems: each op is one routine, a solution by LU factors is three."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.body import storage
from irc.dialects.nd.linear import CholeskyOp, LuOp, SolveOp, SwapRowsOp, TriangularSolveOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dialects.routines import RoutineOp
from irc.passes.linalg.from_nd.lowering import Lower, Lowering
from irc.passes.linalg.generics import segments


def routine(
    c: Lowering, name: str, ins: Sequence[SSAValue], like: Sequence[SSAValue], **flags: bool
) -> list[SSAValue]:
    """The results of a routine, with the shapes and dtypes of the nd values `like`."""
    outs = [c.empty(dims_of(x), storage(dtype_of(x))) for x in like]
    op = RoutineOp.create(
        operands=[*ins, *outs],
        result_types=[x.type for x in outs],
        properties={
            "routine": StringAttr(name),
            "flags": ArrayAttr([StringAttr(flag) for flag, on in flags.items() if on]),
            "operandSegmentSizes": segments(len(ins), len(outs)),
        },
    )
    c.effect(op)
    return list(op.results)


def cholesky(op: CholeskyOp, c: Lowering) -> None:
    c.define(op.res, *routine(c, "cholesky", [c.value(op.a)], [op.res]))


def lu(op: LuOp, c: Lowering) -> None:
    made = routine(c, "lu", [c.value(op.a)], op.results)
    for old, new in zip(op.results, made, strict=True):
        c.define(old, new)


def swap_rows(op: SwapRowsOp, c: Lowering) -> None:
    ins, inverse = [c.value(op.x), c.value(op.pivots)], op.inverse is not None
    c.define(op.res, *routine(c, "swap_rows", ins, [op.res], inverse=inverse))


def triangular_solve(op: TriangularSolveOp, c: Lowering) -> None:
    ins = [c.value(op.a), c.value(op.b)]
    c.define(op.res, *routine(c, "triangular_solve", ins, [op.res], **op.flags))


def solve(op: SolveOp, c: Lowering) -> None:
    """
    a = pᵀ l u   ->   x = u⁻¹ (l⁻¹ (p b));   aᵀ = uᵀ lᵀ p   ->   x = pᵀ (l⁻ᵀ (u⁻ᵀ b))
    """
    factors, pivots, x = c.value(op.factors), c.value(op.pivots), c.value(op.b)
    turned = op.transpose is not None

    def step(x: SSAValue, lower: bool) -> SSAValue:
        (made,) = routine(
            c, "triangular_solve", [factors, x], [op.res],
            lower=lower, transpose=turned, unit=lower,
        )  # fmt: skip
        return made

    def swapped(x: SSAValue) -> SSAValue:
        (made,) = routine(c, "swap_rows", [x, pivots], [op.res], inverse=turned)
        return made

    if turned:
        c.define(op.res, swapped(step(step(x, lower=False), lower=True)))
    else:
        c.define(op.res, step(step(swapped(x), lower=True), lower=False))


LOWERINGS: dict[type[Operation], Lower] = {
    CholeskyOp: cholesky,
    LuOp: lu,
    SwapRowsOp: swap_rows,
    TriangularSolveOp: triangular_solve,
    SolveOp: solve,
}
