"""Where the elements of an operand lie: one flat array, an offset, a stride for each loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
)

from irc.dialects.nd.types import DimsAttr
from irc.passes.loops.builder import DIMS, Index, Pen, memref_type
from irc.passes.loops.structured import Operand, Shapes, dropped_axes, mixed
from irc.sizes import Size, poly, product


@dataclass(eq=False)
class Access:
    """The element for loop indices i is flat[offset + sum of strides[d] * i[d]]."""

    flat: SSAValue
    offset: Index
    strides: dict[int, Index]
    element: Attribute

    def stride(self, dim: int | None) -> Index:
        """Elements between neighbours along a loop; 0 when it does not matter."""
        return 0 if dim is None else self.strides.get(dim, 0)

    def at(self, pen: Pen, indices: Mapping[int, Index]) -> Index:
        """Position of an element; loops that are not given are at 0."""
        total = self.offset
        for dim, index in indices.items():
            if dim in self.strides:
                total = pen.add(total, pen.mul(self.strides[dim], index))
        return total


def access_of(operand: Operand, shapes: Shapes, pen: Pen) -> Access | None:
    """None for an operand whose indices are more than sums of multiples of loop counters."""
    if not isinstance(operand.ref.type, MemRefType):
        return None
    forms: list[tuple[Index, dict[int, Index]]] = []
    for e in operand.exprs:
        form = linear_form(e)
        if form is None:
            return None
        forms.append((form[0], dict(form[1])))
    ref = operand.ref
    while isinstance(ref.owner, memref.SubviewOp):
        ref, forms = _through(ref.owner, forms, pen)
    dims = shapes.of(ref)
    offset: Index = 0
    strides: dict[int, Index] = {}
    row: Size = 1
    for (start, terms), extent in zip(reversed(forms), reversed(dims), strict=True):
        step = pen.pool.size(row)
        offset = pen.add(offset, pen.mul(start, step))
        for dim, factor in terms.items():
            strides[dim] = pen.add(strides.get(dim, 0), pen.mul(factor, step))
        row = product([row, extent])
    element = ref.type.element_type  # type: ignore[attr-defined]
    return Access(flatten(ref, row, pen), offset, strides, element)


def linear_form(expr: AffineExpr) -> tuple[int, dict[int, int]] | None:
    """`2*d0 + d3 + 5` as (5, {0: 2, 3: 1}); None for what is not of that form."""
    match expr:
        case AffineDimExpr():
            return 0, {expr.position: 1}
        case AffineConstantExpr():
            return expr.value, {}
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Add, lhs=x, rhs=y):
            left, right = linear_form(x), linear_form(y)
            if left is None or right is None:
                return None
            terms = dict(left[1])
            for d, factor in right[1].items():
                terms[d] = terms.get(d, 0) + factor
            return left[0] + right[0], terms
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mul, lhs=x, rhs=AffineConstantExpr()):
            inner, by = linear_form(x), expr.rhs.value  # type: ignore[attr-defined]
            if inner is None:
                return None
            return inner[0] * by, {d: factor * by for d, factor in inner[1].items()}
    return None


def _through(
    view: memref.SubviewOp, forms: list[tuple[Index, dict[int, Index]]], pen: Pen
) -> tuple[SSAValue, list[tuple[Index, dict[int, Index]]]]:
    """Indices into a slice, as indices into what it is a slice of."""
    offsets = mixed(view.static_offsets.get_values(), view.offsets)
    steps = mixed(view.static_strides.get_values(), view.strides)
    dropped = dropped_axes(view.static_sizes.get_values(), len(forms), view.result)
    inner = iter(forms)
    result: list[tuple[Index, dict[int, Index]]] = []
    for axis, (offset, step) in enumerate(zip(offsets, steps, strict=True)):
        if axis in dropped:
            result.append((offset, {}))
            continue
        start, terms = next(inner)
        scaled = {d: pen.mul(f, step) for d, f in terms.items()}
        result.append((pen.add(offset, pen.mul(start, step)), scaled))
    return view.source, result


def flatten(ref: SSAValue, total: Size, pen: Pen) -> SSAValue:
    """The same memory as one row, of a type without its length."""
    element = ref.type.element_type  # type: ignore[attr-defined]
    type_ = memref_type(element, [DYNAMIC_INDEX])
    if ref.type == type_:
        return ref
    length = pen.index(pen.pool.size(total))
    op = memref.ReinterpretCastOp.from_dynamic(ref, [0], [length], [1], type_)
    op.attributes[DIMS] = DimsAttr((poly(total),))
    pen.insert(op)
    op.result.name_hint = ref.name_hint
    return op.result
