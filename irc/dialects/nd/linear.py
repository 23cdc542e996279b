"""
Dense linear systems: two factorizations, and solutions by them.

The last two axes hold a matrix, the others count systems; `ᵀ` exchanges these two only. The
derivative of each op is made of ops of this file and products, so derivatives of any order exist.
Sources: Golub and Van Loan, Matrix Computations, 4th ed., chapters 3 and 4; Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation", 2008; Murray,
"Differentiation of the Cholesky decomposition", arXiv:1602.07527.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.rows import repeated
from irc.dialects.nd.types import TensorType, dims_of, dtype_of, rank_of, type_text
from irc.dtypes import F32, F64, I32, I64
from irc.sizes import Size


def check_square(name: str, a: SSAValue) -> None:
    """Raises VerifyException for (C1) and (C2)."""
    dims = dims_of(a)
    if len(dims) < 2 or dims[-1] != dims[-2]:
        raise VerifyException(f"{name} (C1): {type_text(a)} is no square matrix")
    check_dtype(name, a)


def check_dtype(name: str, a: SSAValue) -> None:
    """Raises VerifyException for (C2)."""
    if dtype_of(a) not in (F32, F64):
        raise VerifyException(f"{name} (C2): not defined for {dtype_of(a)}")


# -- building blocks of derivatives


def matrix_transpose(b: Any, x: SSAValue) -> SSAValue:
    """x with its last two axes exchanged."""
    last = rank_of(x) - 1
    return b.transpose(x, [*range(last - 1), last, last - 1])


def product(b: Any, x: SSAValue, y: SSAValue, turned: str = "") -> SSAValue:
    """x y for each system; `turned` names the factors that are transposed."""
    axes = list(range(rank_of(x) - 2))
    row, column = len(axes), len(axes) + 1
    contract = [row if "x" in turned else column], [column if "y" in turned else row]
    return b.dot(x, y, (axes, axes), contract)


def triangle(b: Any, x: SSAValue, lower: bool, strict: bool = False) -> SSAValue:
    """x with zeros outside one triangle, on the diagonal too when `strict`."""
    dims, last = dims_of(x), rank_of(x) - 1
    row, column = b.iota(dims, I64, last - 1), b.iota(dims, I64, last)
    small, large = (column, row) if lower else (row, column)
    keep = b.scalar("lt" if strict else "le", small, large)
    return b.where(keep, x, b.like(x, 0))


def identity(b: Any, like: SSAValue) -> SSAValue:
    """The unit matrix in the shape and dtype of `like`."""
    dims, last = dims_of(like), rank_of(like) - 1
    on = b.eq(b.iota(dims, I64, last - 1), b.iota(dims, I64, last))
    return b.where(on, b.like(like, 1), b.like(like, 0))


def diagonal(b: Any, x: SSAValue) -> SSAValue:
    """The diagonal of each square matrix, as the last axis."""
    last = rank_of(x) - 1
    place = b.iota(dims_of(x)[-1:], I64, 0)
    found = b.gather(x, [place, place], [last - 1, last], in_bounds=True)
    return b.transpose(found, [*range(1, last), 0])


# -- factorizations


@irdl_op_definition
class CholeskyOp(IRDLOperation):
    """
    The lower triangular `res` with `res resᵀ = a`. Of `a` the lower triangle is read.

    NaN from the first pivot on that is negative; a pivot of 0 divides by 0.

    (C1) The last two sizes of `a` are equal.
    (C2) The dtype is f32 or f64.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.cholesky"
    a = operand_def(T)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = "$a attr-dict `:` type($res)"

    def verify_(self) -> None:
        check_square("cholesky", self.a)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """With s = l⁻ᵀ phi(lᵀ dl) l⁻¹, phi halving the diagonal of a lower triangle: s + sᵀ."""
        y = self.res
        inner = triangle(b, product(b, y, dy, "x"), lower=True)
        half = b.where(b.eq(identity(b, y), b.like(y, 1)), b.mul(inner, b.like(y, 0.5)), inner)
        left = b.triangular_solve(y, half, lower=True, transpose=True)
        s = b.triangular_solve(y, matrix_transpose(b, left), lower=True, transpose=True)
        both = b.add(
            triangle(b, s, lower=True), triangle(b, matrix_transpose(b, s), lower=True, strict=True)
        )
        return (both,)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.cholesky(xs[0])


@irdl_op_definition
class LuOp(IRDLOperation):
    """
    Factors of `a` with rows exchanged: `swap_rows(a) = l u`.

    `factors` holds u in its upper triangle and l, whose diagonal is 1, below. Step k exchanges rows
    k and `pivots[k]`, the first of the largest in size from row k on. A column of zeros leaves a 0
    on the diagonal of u.

    (C1) The last two sizes of `a` are equal.
    (C2) The dtype is f32 or f64.
    (C3) `factors` has the type of `a`, `pivots` is i32 and has its sizes but the last.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.lu"
    a = operand_def(T)
    factors = result_def(T)
    pivots = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$a attr-dict `:` type($factors) `,` type($pivots)"

    def verify_(self) -> None:
        check_square("lu", self.a)
        if dtype_of(self.pivots) is not I32 or dims_of(self.pivots) != dims_of(self.a)[:-1]:
            raise VerifyException(f"lu (C3): pivots are {type_text(self.pivots)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """
        pᵀ l⁻ᵀ (lower(lᵀ dl) + upper(du uᵀ)) u⁻ᵀ, lower without its diagonal, p the exchanges.
        """
        y = self.factors
        unit = b.add(triangle(b, y, lower=True, strict=True), identity(b, y))
        below = product(b, unit, triangle(b, dy, lower=True, strict=True), "x")
        upper = triangle(b, y, lower=False)
        above = product(b, triangle(b, dy, lower=False), upper, "y")
        inner = b.add(triangle(b, below, lower=True, strict=True), triangle(b, above, lower=False))
        turned = b.triangular_solve(y, matrix_transpose(b, inner), lower=False)
        inner = matrix_transpose(b, turned)
        rows = b.triangular_solve(y, inner, lower=True, transpose=True, unit=True)
        return (b.swap_rows(rows, self.pivots, inverse=True),)


# -- solutions


@irdl_op_definition
class SwapRowsOp(IRDLOperation):
    """
    The exchanges of an `lu` on the rows of `x`: i with `pivots[i]`, i = 0, 1, ...

    `inverse` undoes them. A pivot outside the rows exchanges nothing.

    (C1) `pivots` is i32 and has the sizes of `x` but the last.
    (C2) The dtype is f32 or f64.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.swap_rows"
    x = operand_def(T)
    pivots = operand_def(TensorType)
    inverse = opt_prop_def(UnitAttr)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `by` $pivots (`inverse` $inverse^)? attr-dict `:` type($res) `,` type($pivots)"
    )

    def verify_(self) -> None:
        fits = rank_of(self.x) >= 2 and dims_of(self.pivots) == dims_of(self.x)[:-1]
        if not fits or dtype_of(self.pivots) is not I32:
            raise VerifyException(
                f"swap_rows (C1): {type_text(self.pivots)} for {type_text(self.x)}"
            )
        check_dtype("swap_rows", self.x)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return b.swap_rows(dy, self.pivots, inverse=self.inverse is None), None

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.swap_rows(*repeated(b, count, xs, rows), inverse=self.inverse is not None)


def check_sides(name: str, a: SSAValue, b: SSAValue) -> None:
    """Raises VerifyException for (C3)."""
    if dims_of(b)[:-1] != dims_of(a)[:-1] or dtype_of(b) is not dtype_of(a):
        raise VerifyException(f"{name} (C3): {type_text(b)} on the right of {type_text(a)}")


@irdl_op_definition
class TriangularSolveOp(IRDLOperation):
    """
    The `res` with `a res = b`; with `transpose`, `aᵀ res = b`.

    Of `a` one triangle is read, with `unit` without its diagonal, which counts as 1.

    (C1) The last two sizes of `a` are equal.
    (C2) The dtype is f32 or f64.
    (C3) `b` has the dtype of `a` and its sizes but the last.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.triangular_solve"
    a = operand_def(TensorType)
    b = operand_def(T)
    lower = opt_prop_def(UnitAttr)
    transpose = opt_prop_def(UnitAttr)
    unit = opt_prop_def(UnitAttr)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$a `,` $b (`lower` $lower^)? (`transpose` $transpose^)? (`unit` $unit^)? attr-dict "
        "`:` type($a) `,` type($res)"
    )

    @property
    def flags(self) -> dict[str, bool]:
        """The properties as keywords of the builder."""
        return {
            "lower": self.lower is not None,
            "transpose": self.transpose is not None,
            "unit": self.unit is not None,
        }

    def verify_(self) -> None:
        check_square("triangular_solve", self.a)
        check_sides("triangular_solve", self.a, self.b)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """db = a⁻ᵀ dres, and da = -db resᵀ in the triangle that is read."""
        flags = self.flags
        db = b.triangular_solve(self.a, dy, **flags | {"transpose": not flags["transpose"]})
        left, right = (self.res, db) if flags["transpose"] else (db, self.res)
        da = triangle(b, b.neg(product(b, left, right, "y")), flags["lower"], flags["unit"])
        return da, db

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.triangular_solve(*repeated(b, count, xs, rows), **self.flags)


@irdl_op_definition
class SolveOp(IRDLOperation):
    """
    The `res` with `a res = b`; with `transpose`, `aᵀ res = b`.

    `factors` and `pivots` are those of `nd.lu` of `a`, and all that is read: one factorization
    serves the solution, its derivative and the check that there is one. `a` is what the derivative
    belongs to.

    (C1) The last two sizes of `a` are equal.
    (C2) The dtype is f32 or f64.
    (C3) `b` has the dtype of `a` and its sizes but the last.
    (C4) `factors` has the type of `a`, `pivots` is i32 and has its sizes but the last.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.solve"
    a = operand_def(TensorType)
    factors = operand_def(TensorType)
    pivots = operand_def(TensorType)
    b = operand_def(T)
    transpose = opt_prop_def(UnitAttr)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$a `=` $factors `,` $pivots `,` $b (`transpose` $transpose^)? attr-dict "
        "`:` type($a) `,` type($factors) `,` type($pivots) `,` type($res)"
    )

    def verify_(self) -> None:
        check_square("solve", self.a)
        check_sides("solve", self.a, self.b)
        fits = dtype_of(self.pivots) is I32 and dims_of(self.pivots) == dims_of(self.a)[:-1]
        if self.factors.type != self.a.type or not fits:
            raise VerifyException(
                f"solve (C4): factors {type_text(self.factors)} and pivots "
                f"{type_text(self.pivots)} of {type_text(self.a)}"
            )

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """db = a⁻ᵀ dres, da = -db resᵀ; with `transpose`, db = a⁻¹ dres, da = -res dbᵀ."""
        turned = self.transpose is not None
        db = b.solve(self.a, self.factors, self.pivots, dy, transpose=not turned)
        left, right = (self.res, db) if turned else (db, self.res)
        return b.neg(product(b, left, right, "y")), None, None, db

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        transpose = self.transpose is not None
        return b.solve(*repeated(b, count, xs, rows), transpose=transpose)
