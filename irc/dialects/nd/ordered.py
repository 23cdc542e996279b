"""Ops that go along one axis from its beginning to its end: running totals, sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from xdsl.dialects.builtin import StringAttr, UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.scalar import NUMBER
from irc.dialects.nd.structure import AxisAttr
from irc.dialects.nd.types import TensorType, dims_of, dtype_of, rank_of, type_text
from irc.dtypes import F64, I32, I64, DType, accumulator
from irc.sizes import Size

CumulativeKind = Literal["sum", "prod"]


@irdl_op_definition
class CumulativeOp(IRDLOperation):
    """
    Running totals: at each position of `axis` the sum or product of all elements up to there.

    `reverse` begins at the end of the axis; `exclusive` leaves the element itself out.

    Elements are taken in order into a carry, which is rounded for each result: f16 and bf16 are
    carried in f32, f32 in f64, integers wrap. A sum of f64 also carries what its additions have
    lost: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.

    (C1) 0 <= axis < rank; `kind` is sum or prod.
    (C2) The dtype is a number; the result has the type of `x`.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.cumulative"
    x = operand_def(T)
    kind = prop_def(StringAttr)
    axis = prop_def(AxisAttr)
    reverse = opt_prop_def(UnitAttr)
    exclusive = opt_prop_def(UnitAttr)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$kind $x `axis` `=` $axis (`reverse` $reverse^)? (`exclusive` $exclusive^)? attr-dict "
        "`:` type($res)"
    )

    def verify_(self) -> None:
        axis, kind = self.axis.value.data, self.kind.data
        if not 0 <= axis < rank_of(self.x) or kind not in ("sum", "prod"):
            raise VerifyException(
                f"cumulative (C1): {kind} along axis {axis} of {type_text(self.x)}"
            )
        if dtype_of(self.x).kind not in NUMBER:
            raise VerifyException(f"cumulative (C2): not defined for {dtype_of(self.x)}")

    @property
    def compensated(self) -> bool:
        """Whether a second carry keeps what the additions have lost."""
        return self.kind.data == "sum" and dtype_of(self.x) is F64

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        def back(v: SSAValue) -> SSAValue:
            return self._like(b, "sum", v, turned=True)

        if self.kind.data == "sum":
            return (back(dy),)
        # y / x, and for the first 0 the totals without it: behind it, all of them are 0.
        zero, one = b.like(self.x, 0), b.like(self.x, 1)
        is_zero = b.eq(self.x, zero)
        count = b.cumulative("sum", b.cast(is_zero, I64), self.axis.value.data,
                             reverse=self.reverse is not None)  # fmt: skip
        first = b.scalar("and", is_zero, b.eq(count, b.like(count, 1)))
        without = self._like(b, "prod", b.where(first, one, self.x))
        at_zero = b.where(first, back(b.mul(dy, without)), zero)
        elsewhere = b.div(back(b.mul(dy, self.res)), b.where(is_zero, one, self.x))
        return (b.where(is_zero, at_zero, elsewhere),)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        reverse, exclusive = self.reverse is not None, self.exclusive is not None
        return b.cumulative(self.kind.data, xs[0], self.axis.value.data + 1, reverse, exclusive)

    def _like(self, b: Any, kind: str, x: SSAValue, turned: bool = False) -> SSAValue:
        """Totals of `x` along the same axis; `turned`, from the other end."""
        backwards = (self.reverse is not None) != turned
        exclusive = self.exclusive is not None
        return b.cumulative(kind, x, self.axis.value.data, backwards, exclusive)


def carry(dtype: DType) -> DType:
    """The dtype in which running totals over `dtype` are kept."""
    wide = accumulator(dtype)
    return F64 if dtype.is_float and dtype.bits == 32 else wide


@irdl_op_definition
class ArgsortOp(IRDLOperation):
    """
    The positions that sort each line along `axis`: result element k is where the k-th smallest is.

    Equals keep their order; -0 equals 0, NaN is larger than all numbers and equals NaN.
    `descending` puts the largest first, and equals keep their order there too.

    (C1) 0 <= axis < rank of `x`.
    (C2) The result is i32 or i64 with the sizes of `x`.
    """

    name = "nd.argsort"
    x = operand_def(TensorType)
    axis = prop_def(AxisAttr)
    descending = opt_prop_def(UnitAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `axis` `=` $axis (`descending` $descending^)? attr-dict `:` type($x) `to` type($res)"
    )

    def verify_(self) -> None:
        axis = self.axis.value.data
        if not 0 <= axis < rank_of(self.x):
            raise VerifyException(f"argsort (C1): axis {axis} of {type_text(self.x)}")
        if dtype_of(self.res) not in (I32, I64) or dims_of(self.res) != dims_of(self.x):
            raise VerifyException(f"argsort (C2): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (None,)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        descending = self.descending is not None
        return b.argsort(xs[0], self.axis.value.data + 1, dtype_of(self.res), descending)
