"""Ops that make tensors from nothing but attributes, sizes and a random counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from irc import sizes
from irc.dialects.nd.structure import AxisAttr
from irc.dialects.nd.types import TensorType, dims_of, dtype_of, rank_of, type_text
from irc.dtypes import I64, U32
from irc.sizes import Size


@irdl_op_definition
class FullOp(IRDLOperation):
    """
    A tensor with one value everywhere.

    (C1) `value` is a number attribute of the element type (signless for integers).
    """

    name = "nd.full"
    value = prop_def(AnyAttr())
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$value attr-dict `:` type($res)"

    def verify_(self) -> None:
        dtype = dtype_of(self.res)
        good = FloatAttr if dtype.is_float else IntegerAttr
        if not isinstance(self.value, good):
            raise VerifyException(f"full (C1): {self.value} in {type_text(self.res)}")
        width = self.value.type
        if isinstance(width, IntegerType) and width.width.data != dtype.bits:
            raise VerifyException(f"full (C1): {self.value} in {type_text(self.res)}")
        if dtype.is_float and width != self.res.type.element_type:
            raise VerifyException(f"full (C1): {self.value} in {type_text(self.res)}")

    @property
    def number(self) -> float | int | bool:
        """The value as Python's: bool, int (in the range of an unsigned dtype too) or float."""
        dtype = dtype_of(self.res)
        raw = self.value.value.data  # type: ignore[attr-defined]
        if dtype.kind == "bool":
            return bool(raw)
        return raw % (1 << dtype.bits) if dtype.kind == "uint" else raw


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """
    A tensor of given numbers, row-major.

    (C1) The numbers fit the static shape and element type of the result.
    """

    name = "nd.constant"
    value = prop_def(DenseIntOrFPElementsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "$value attr-dict `to` type($res)"

    def verify_(self) -> None:
        dims, dtype = dims_of(self.res), dtype_of(self.res)
        shape = tuple(self.value.type.get_shape())
        element = self.value.type.element_type
        bits = element.width.data if isinstance(element, IntegerType) else None
        fits = bits == dtype.bits if bits else element == self.res.type.element_type
        if shape != dims or not fits:
            raise VerifyException(f"constant (C1): {self.value.type} in {type_text(self.res)}")


@irdl_op_definition
class IotaOp(IRDLOperation):
    """
    Each element's index along `axis`.

    (C1) 0 <= axis < rank; the dtype is a number.
    """

    name = "nd.iota"
    axis = prop_def(AxisAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "`axis` `=` $axis attr-dict `:` type($res)"

    def verify_(self) -> None:
        if not 0 <= self.axis.value.data < rank_of(self.res) or dtype_of(self.res).kind == "bool":
            raise VerifyException(
                f"iota (C1): axis {self.axis.value.data} in {type_text(self.res)}"
            )


@irdl_op_definition
class SizeOp(IRDLOperation):
    """
    The value of a polynomial in the symbolic sizes.

    (C1) `poly` is a polynomial.
    (C2) The result is a scalar; its dtype is a number.
    """

    name = "nd.size"
    poly = prop_def(StringAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$poly attr-dict `:` type($res)"

    def verify_(self) -> None:
        try:
            sizes.parse(self.poly.data)
        except ValueError as error:
            raise VerifyException(f"size (C1): {error}") from error
        if rank_of(self.res) or dtype_of(self.res).kind == "bool":
            raise VerifyException(f"size (C2): result is {type_text(self.res)}")


@irdl_op_definition
class PhiloxOp(IRDLOperation):
    """
    Random bits: 32 for each element, a function of seed, counter, site and position only.

    Element e of the row-major order takes word p mod 4 of Philox4x32-10, p = `offset` + e, with
    the two words of `seed` as key and (p div 4 low, p div 4 high, `counter` low, site) as counter.
    So with `offset`, which is 0 when left out, a draw is a part of a larger one.
    Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    (C1) `seed`, `counter` and `offset` are i64 scalars, the result is u32.
    """

    name = "nd.philox"
    seed = operand_def(TensorType)
    counter = operand_def(TensorType)
    offset = opt_operand_def(TensorType)
    site = prop_def(AxisAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$seed `,` $counter (`from` $offset^)? `site` `=` $site attr-dict "
        "`:` type($seed) `,` type($counter) (`,` type($offset)^)? `to` type($res)"
    )

    def verify_(self) -> None:
        scalars = all(dtype_of(x) is I64 and not rank_of(x) for x in self.operands)
        if not scalars or dtype_of(self.res) is not U32:
            raise VerifyException("philox (C1): i64 scalars give u32 bits")

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Draws that follow each other, `base + t * elements`, are one draw."""
        seed, counter, *offset = xs
        if rows[0] or rows[1]:
            return None
        base = _base_of_count(b, offset[0], sizes.product(dims_of(self.res)))
        if base is None:
            return None
        dims = (count, *dims_of(self.res))
        return b.philox(seed, counter, self.site.value.data, dims, base)


def _base_of_count(b: Any, x: SSAValue, step: Size) -> SSAValue | None:
    """`base` where the elements of `x` are base + i * step."""
    match x.owner:
        case IotaOp() if step == 1:
            return b.size(0)
        case IRDLOperation(name="nd.mul", operands=(factor, other)):
            for i, k in ((factor, other), (other, factor)):
                if isinstance(i.owner, IotaOp) and _repeated_size(k) == step:
                    return b.size(0)
        case IRDLOperation(name="nd.add", operands=(left, right)):
            for repeated, rest in ((left, right), (right, left)):
                if (scalar := _repeated_scalar(repeated)) is None:
                    continue
                base = _base_of_count(b, rest, step)
                return None if base is None else b.add(base, scalar)
    return None


def _repeated_scalar(x: SSAValue) -> SSAValue | None:
    """The scalar that a vector repeats."""
    op = x.owner
    if isinstance(op, IRDLOperation) and op.name == "nd.broadcast" and not rank_of(op.operands[0]):
        return op.operands[0]
    return None


def _repeated_size(x: SSAValue) -> Size | None:
    """The size that a vector or a scalar has everywhere."""
    scalar = _repeated_scalar(x)
    match (x if scalar is None else scalar).owner:
        case SizeOp(poly=poly):
            return sizes.size(sizes.parse(poly.data))
        case FullOp() as full:
            return int(full.number)
    return None
