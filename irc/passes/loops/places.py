"""Memory while tensors are given their places: buffers, what shows them, what they come from."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects import func, memref, scf, tensor
from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    Signedness,
    StridedLayoutAttr,
    StringAttr,
    UnitAttr,
)
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from irc.abi import AbiError, function_from_json
from irc.dialects.foreign import ForeignCallOp
from irc.dialects.nd.effects import StateOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.types import shape_dims
from irc.dialects.routines import RoutineOp
from irc.passes.loops.builder import DYNAMIC, Index, Pen, dims_attribute, memref_type
from irc.passes.loops.rows import is_contiguous, rows


@dataclass(eq=False)
class Buffer:
    """
    Memory, and until when its contents are needed.

    owner     the block whose ops may overwrite it; None when nobody may
    last_use  position in that block
    """

    ref: SSAValue
    owner: Block | None
    last_use: int = -1
    state: str | None = None


@dataclass(eq=False)
class Place:
    """Where a value lives: a buffer, and the memref that shows it there."""

    buffer: Buffer
    ref: SSAValue


@dataclass(eq=False)
class Constants:
    """Dense constants become globals, equal ones one global."""

    module: ModuleOp
    names: dict[Attribute, str] = field(default_factory=dict)

    def name(self, value: DenseIntOrFPElementsAttr) -> str:
        known = self.names.get(value)
        if known is None:
            known = self.names[value] = f"constant_{len(self.names)}"
            type_ = memref_of(value.type)
            # xDSL wants the value's type to be the tensor's; elements are signless already.
            op = memref.GlobalOp.get(
                StringAttr(known), type_, value, constant=UnitAttr(), alignment=64
            )
            block = self.module.body.block
            assert block.first_op is not None
            block.insert_op_before(op, block.first_op)
        return known


def signless(element: Attribute) -> Attribute:
    """Signless integers below nd."""
    if isinstance(element, IntegerType) and element.signedness.data != Signedness.SIGNLESS:
        return IntegerType(element.width.data)
    return element


def memref_of(type_: Attribute) -> MemRefType:
    shape = [d.data for d in type_.shape.data]  # type: ignore[attr-defined]
    return memref_type(signless(type_.element_type), shape)  # type: ignore[attr-defined]


def replace_state(op: StateOp) -> None:
    new = memref.GlobalOp.get(
        StringAttr(op.sym_name.data), memref_of(op.type_), UnitAttr(), alignment=64
    )
    new.location = op.location
    new.attributes["irc.state"] = op.doc or StringAttr("")
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)
    op.detach()
    op.erase(safe_erase=False)


def updated_operand(op: Operation, result: SSAValue) -> SSAValue | None:
    """The operand whose memory `result` may take over, or show."""
    match op:
        case GenericOp():
            return op.outputs[result.index]  # type: ignore[attr-defined]
        case tensor.InsertSliceOp() | tensor.InsertOp():
            return op.dest
        case tensor.CollapseShapeOp() | tensor.ExpandShapeOp() | tensor.ReshapeOp():
            return op.operands[0]
        case scf.ForOp():
            return op.iter_args[result.index]  # type: ignore[attr-defined]
        case WhileOp():
            return op.inits[result.index]  # type: ignore[attr-defined]
        case ScanOp():
            state: int = result.index  # type: ignore[attr-defined]
            if state < len(op.inits) and state not in op.histories.data:
                return op.inits[state]
    return None


def ignores_contents(op: Operation, operand: int) -> bool:
    """Whether `op` only takes the shape of that operand."""
    if isinstance(op, RoutineOp):
        return operand >= len(op.ins)
    if isinstance(op, ForeignCallOp):
        return operand >= len(op.sizes) + len(op.ins)
    if not isinstance(op, GenericOp) or operand < len(op.inputs):
        return False
    return not op.body.block.args[operand].first_use


def is_strided(ref: SSAValue) -> bool:
    return not is_contiguous(ref)


def subview(
    pen: Pen,
    op: tensor.ExtractSliceOp | tensor.InsertSliceOp,
    ref: SSAValue,
    piece: SSAValue,
) -> SSAValue:
    """The part of `ref` that `op` takes or replaces, in the shape of `piece`."""
    first = _first_row(op, ref, piece)
    if first is not None:
        dims = shape_dims(piece.type)
        if len(op.static_sizes) > len(dims):
            return rows(pen, ref, first, dims, piece.name_hint)
        return rows(pen, ref, first, dims[1:], piece.name_hint, dims[0])
    shape = [d.data for d in piece.type.shape.data]  # type: ignore[attr-defined]
    layout = StridedLayoutAttr([None] * len(shape), None)
    element = ref.type.element_type  # type: ignore[attr-defined]
    operands = [ref, *op.offsets, *op.sizes, *op.strides]
    segments = [1, len(op.offsets), len(op.sizes), len(op.strides)]
    view = memref.SubviewOp.create(
        operands=operands,
        result_types=[MemRefType(element, shape, layout)],
        properties={
            "operandSegmentSizes": DenseArrayBase.from_list(_I32, segments),
            "static_offsets": op.static_offsets,
            "static_sizes": op.static_sizes,
            "static_strides": op.static_strides,
        },
        attributes=dims_attribute(shape_dims(piece.type)),
    )
    pen.insert(view)
    view.results[0].name_hint = piece.name_hint
    return view.results[0]


def _first_row(
    op: tensor.ExtractSliceOp | tensor.InsertSliceOp, ref: SSAValue, piece: SSAValue
) -> Index | None:
    """
    Where a part begins that is consecutive rows, or one row, of a contiguous array; None for
    another.
    """
    whole = op.source if isinstance(op, tensor.ExtractSliceOp) else op.dest
    dims, starts = shape_dims(piece.type), op.static_offsets.get_values()
    if len(starts) > len(dims):
        dims = (op.static_sizes.get_values()[0], *dims)
        if dims[0] != 1:
            return None
    if len(starts) != len(dims) or dims[1:] != shape_dims(whole.type)[1:]:
        return None
    if any(starts[1:]) or any(k != 1 for k in op.static_strides.get_values()):
        return None
    if not is_contiguous(ref):
        return None
    return op.offsets[0] if starts[0] == DYNAMIC else starts[0]


def result_names(function: func.FuncOp, count: int) -> list[str]:
    """Names of results from the signature, else `result`."""
    signature = function.attributes.get("irc.signature")
    names: list[str | None] = [None] * count
    if isinstance(signature, StringAttr):
        try:
            names = [r.name for r in function_from_json(signature.data).results]
        except AbiError:
            pass
    default = "result" if count == 1 else "result{}"
    return [n or default.format(i) for i, n in enumerate((names + [None] * count)[:count])]


_I32 = IntegerType(32)
