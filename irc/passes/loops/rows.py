"""
Rows of an array as arrays of their own: pointers, in C.

A row that carries `irc.row` overlaps no other such row of the same memory that is looked at in
the same step of a loop: so what writes one does not disturb readers of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import (
    DenseArrayBase,
    MemRefType,
    NoneAttr,
    StridedLayoutAttr,
    UnitAttr,
    i32,
    i64,
)
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.passes.loops.builder import DYNAMIC, Index, Pen, dims_attribute
from irc.sizes import Size

ROW = "irc.row"
VIEWS: tuple[type[Operation], ...] = (
    memref.ReinterpretCastOp,
    memref.SubviewOp,
    arith.SelectOp,
)


def row(
    pen: Pen, ref: SSAValue, number: Index, dims: Sequence[Size], hint: str | None = None
) -> SSAValue:
    """Row `number` of an array of shape [rows, *dims]."""
    if is_contiguous(ref):
        # An offset that is a value, known or not, gives all rows one type.
        offset = pen.index(pen.mul(number, pen.pool.size(sizes.product(dims))))
        view = pen.reinterpret(ref, dims, offset, hint)
    else:
        view = _strided_row(pen, ref, number, dims)
        view.name_hint = hint
    assert isinstance(view.owner, Operation)
    view.owner.attributes[ROW] = UnitAttr()
    return view


def rows(
    pen: Pen,
    ref: SSAValue,
    first: Index,
    dims: Sequence[Size],
    hint: str | None = None,
    count: Size | None = None,
) -> SSAValue:
    """`count` rows of sizes `dims` of a contiguous array, or one without its leading axis."""
    offset = pen.mul(first, pen.pool.size(sizes.product(dims)))
    shape = dims if count is None else (count, *dims)
    return pen.reinterpret(ref, shape, offset, hint)


def _strided_row(pen: Pen, ref: SSAValue, number: Index, dims: Sequence[Size]) -> SSAValue:
    given = [pen.index(pen.pool.size(d)) for d in dims if not isinstance(d, int)]
    shape = [d if isinstance(d, int) else DYNAMIC for d in dims]
    fixed = number if isinstance(number, int) else DYNAMIC
    moving = [] if isinstance(number, int) else [number]
    view = memref.SubviewOp.create(
        operands=[ref, *moving, *given],
        result_types=[
            MemRefType(
                ref.type.element_type,  # type: ignore[attr-defined]
                shape,
                StridedLayoutAttr([None] * len(shape), None),
            )
        ],
        properties={
            "operandSegmentSizes": DenseArrayBase.from_list(i32, [1, len(moving), len(given), 0]),
            "static_offsets": _i64([fixed, *([0] * len(shape))]),
            "static_sizes": _i64([1, *shape]),
            "static_strides": _i64([1] * (len(shape) + 1)),
        },
        attributes=dims_attribute(dims),
    )
    pen.insert(view)
    return view.result


def _i64(values: Sequence[int]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, values)


def is_row(ref: SSAValue) -> bool:
    """Whether `ref` overlaps no other row."""
    return isinstance(ref.owner, Operation) and ROW in ref.owner.attributes


def is_contiguous(ref: SSAValue) -> bool:
    """Whether elements lie one after the other, wherever the first is."""
    if isinstance(ref.type.layout, NoneAttr):  # type: ignore[attr-defined]
        return True
    if isinstance(ref.owner, arith.SelectOp):
        return is_contiguous(ref.owner.lhs) and is_contiguous(ref.owner.rhs)
    return isinstance(ref.owner, memref.ReinterpretCastOp)


def shows(ref: SSAValue, type_: MemRefType) -> bool:
    """Whether `ref` is an array of that type, but for where its first element lies."""
    if ref.type == type_:
        return True
    own = ref.type
    assert isinstance(own, MemRefType)
    same = own.element_type == type_.element_type and own.shape == type_.shape
    return same and is_contiguous(ref)
