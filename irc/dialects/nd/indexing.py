"""Reads and writes at computed positions."""

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
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.reduction import check_axes
from irc.dialects.nd.rows import repeated, row_numbers, to_front
from irc.dialects.nd.types import IntsAttr, TensorType, dims_of, dtype_of, rank_of, type_text
from irc.sizes import Size

ScatterKind = Literal["set", "add"]


class IndexedOp(IRDLOperation):
    """
    Shared by gather and scatter: positions on `axes` come from index tensors of one shape.

    A position outside the tensor reads 0 and writes nothing. `in_bounds` promises that there is
    none, which a check before this op has made sure of or the analysis has proved.
    """

    axes = prop_def(IntsAttr)
    in_bounds = opt_prop_def(UnitAttr)

    def check_indices(self, whole: SSAValue, indices: Sequence[SSAValue]) -> tuple[Size, ...]:
        """The shape of one read of everything; raises VerifyException for (C1) and (C2)."""
        name, axes, dims = self.name.removeprefix("nd."), self.axes.data, dims_of(whole)
        check_axes(name, axes, len(dims))
        if not axes or len(axes) != len(indices):
            raise VerifyException(f"{name} (C1): {len(axes)} axes, {len(indices)} index tensors")
        shape = dims_of(indices[0])
        if any(not dtype_of(i).is_integer or dims_of(i) != shape for i in indices):
            raise VerifyException(f"{name} (C2): indices are not integers of one shape")
        return shape + tuple(s for d, s in enumerate(dims) if d not in axes)


@irdl_op_definition
class GatherOp(IndexedOp):
    """
    `res[s.., rest..] = x[.., indices[s..], ..]`: reads of `x` at the positions given for `axes`.

    (C1) `axes` are increasing, inside the rank of `x`, one index tensor for each.
    (C2) Index tensors are integers of one shape.
    (C3) The result has that shape followed by the other sizes of `x`, and its dtype.
    """

    name = "nd.gather"
    x = operand_def(TensorType)
    indices = var_operand_def(TensorType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `[` $indices `]` `axes` `=` $axes (`in_bounds` $in_bounds^)? attr-dict "
        "`:` type($x) `,` type($indices) `to` type($res)"
    )

    def verify_(self) -> None:
        shape = self.check_indices(self.x, self.indices)
        if dims_of(self.res) != shape or dtype_of(self.res) is not dtype_of(self.x):
            raise VerifyException(f"gather (C3): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        zero = b.full(dims_of(self.x), dtype_of(self.x), 0)
        axes, safe = self.axes.data, self.in_bounds is not None
        dx = b.scatter(zero, dy, self.indices, axes, "add", in_bounds=safe)
        return dx, *(None for _ in self.indices)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Rows of `x` alone are another axis of what is read; rows of positions come first."""
        axes, safe = self.axes.data, self.in_bounds is not None
        if not rows[0]:
            return b.gather(xs[0], repeated(b, count, xs[1:], rows[1:]), axes, safe)
        axes = tuple(a + 1 for a in axes)
        if not any(rows[1:]):
            read = b.gather(xs[0], xs[1:], axes, safe)
            return to_front(b, read, rank_of(self.indices[0]))
        indices = repeated(b, count, xs[1:], rows[1:])
        number = row_numbers(b, count, dims_of(self.indices[0]))
        return b.gather(xs[0], [number, *indices], [0, *axes], safe)


@irdl_op_definition
class ScatterOp(IndexedOp):
    """
    `x` with `value` set at, or added to, the positions that gather would read.

    (C1), (C2) as for gather.
    (C3) `value` has the type gather would give, the result that of `x`.
    (C4) `kind` is set (the last in index order stays) or add (all, in index order).
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.scatter"
    x = operand_def(T)
    value = operand_def(TensorType)
    indices = var_operand_def(TensorType)
    kind = prop_def(StringAttr)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$kind $value `into` $x `[` $indices `]` `axes` `=` $axes (`in_bounds` $in_bounds^)? "
        "attr-dict `:` type($value) `,` type($indices) `into` type($res)"
    )

    def verify_(self) -> None:
        shape = self.check_indices(self.x, self.indices)
        if dims_of(self.value) != shape or dtype_of(self.value) is not dtype_of(self.x):
            raise VerifyException(f"scatter (C3): value is {type_text(self.value)}")
        if self.kind.data not in ("set", "add"):
            raise VerifyException(f"scatter (C4): kind is {self.kind.data}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        axes, safe = self.axes.data, self.in_bounds is not None
        dv = b.gather(dy, self.indices, axes, in_bounds=safe)
        if self.kind.data == "add":
            return dy, dv, *(None for _ in self.indices)
        zero = b.like(self.value, 0)
        dx = b.scatter(dy, zero, self.indices, axes, "set", in_bounds=safe)
        # Only the write that stayed has a gradient: let every write leave its number.
        number = b.linear_index(dims_of(self.value))
        none = b.full(dims_of(self.x), dtype_of(number), -1)
        left = b.scatter(none, number, self.indices, axes, "set", in_bounds=safe)
        stayed = b.eq(b.gather(left, self.indices, axes, in_bounds=safe), number)
        return dx, b.where(stayed, dv, zero), *(None for _ in self.indices)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """The number of the row is one more position: the order within a row stays."""
        x, value, *indices = repeated(b, count, xs, rows)
        number = row_numbers(b, count, dims_of(self.indices[0]))
        axes = [0, *(a + 1 for a in self.axes.data)]
        kind, safe = self.kind.data, self.in_bounds is not None
        return b.scatter(x, value, [number, *indices], axes, kind, safe)
