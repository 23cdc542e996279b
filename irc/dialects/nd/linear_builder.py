"""Builds factorizations and solutions of linear systems; a part of `Builder`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.linear import CholeskyOp, LuOp, SolveOp, SwapRowsOp, TriangularSolveOp
from irc.dialects.nd.types import dims_of, tensor
from irc.dtypes import I32


def _flags(**flags: bool) -> dict[str, UnitAttr]:
    return {name: UnitAttr() for name, on in flags.items() if on}


class LinearBuilder:
    """What `Builder` writes linear systems with."""

    if TYPE_CHECKING:

        def insert(self, op: Operation) -> Operation: ...

    def cholesky(self, a: SSAValue) -> SSAValue:
        return self.insert(CholeskyOp.create(operands=[a], result_types=[a.type])).results[0]

    def lu(self, a: SSAValue) -> tuple[SSAValue, SSAValue]:
        """Factors and pivots."""
        pivots = tensor(I32, dims_of(a)[:-1])
        op = self.insert(LuOp.create(operands=[a], result_types=[a.type, pivots]))
        return op.results[0], op.results[1]

    def swap_rows(self, x: SSAValue, pivots: SSAValue, inverse: bool = False) -> SSAValue:
        op = SwapRowsOp.create(
            operands=[x, pivots], result_types=[x.type], properties=_flags(inverse=inverse)
        )
        return self.insert(op).results[0]

    def triangular_solve(
        self,
        a: SSAValue,
        b: SSAValue,
        lower: bool,
        transpose: bool = False,
        unit: bool = False,
    ) -> SSAValue:
        op = TriangularSolveOp.create(
            operands=[a, b],
            result_types=[b.type],
            properties=_flags(lower=lower, transpose=transpose, unit=unit),
        )
        return self.insert(op).results[0]

    def solve(
        self,
        a: SSAValue,
        factors: SSAValue,
        pivots: SSAValue,
        b: SSAValue,
        transpose: bool = False,
    ) -> SSAValue:
        """The solution for several right sides, the columns of `b`."""
        op = SolveOp.create(
            operands=[a, factors, pivots, b],
            result_types=[b.type],
            properties=_flags(transpose=transpose),
        )
        return self.insert(op).results[0]
