"""Where the elements of an operand lie: one flat array, an offset, a stride for each loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr

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
    """None for an operand whose indices are more than loop counters and constants."""
    if not isinstance(operand.ref.type, MemRefType):
        return None
    forms: list[tuple[Index, dict[int, Index]]] = []
    for e in operand.exprs:
        match e:
            case AffineDimExpr():
                forms.append((0, {e.position: 1}))
            case AffineConstantExpr():
                forms.append((e.value, {}))
            case _:
                return None
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
