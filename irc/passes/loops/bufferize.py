"""Gives each tensor a place in memory: destinations are passed down, dead operands are reused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf, tensor
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    TensorType,
)
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from irc.dialects import routines, rt
from irc.dialects.foreign import ForeignCallOp
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.effects import StateOp, StateReadOp, StateWriteOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.types import shape_dims
from irc.errors import Unsupported
from irc.passes.loops.bufferize_control import bufferize_for, bufferize_if
from irc.passes.loops.bufferize_foreign import bufferize_foreign
from irc.passes.loops.bufferize_routine import bufferize_routine
from irc.passes.loops.bufferize_scan import bufferize_scan, bufferize_while
from irc.passes.loops.builder import Pen, Pool, constant_value, dims_attribute, size_symbols
from irc.passes.loops.liveness import Liveness
from irc.passes.loops.places import (
    Buffer,
    Constants,
    Place,
    ignores_contents,
    is_strided,
    memref_of,
    replace_state,
    result_names,
    signless,
    subview,
    updated_operand,
)
from irc.passes.loops.rows import shows
from irc.passes.loops.updates import place_updates, reads_in_step

KIND = "irc.kind"  # of an argument: size, in, out


@dataclass(frozen=True)
class BufferizePass(ModulePass):
    """
    Needs linalg on tensors. Leaves linalg on memrefs.

    ```
    func @f(%n, %x: tensor) -> tensor        func @f(%n, %x: memref, %out: memref)
      %e = tensor.empty                 ->     linalg.generic ins(%x) outs(%out)
      %y = linalg.generic ins(%x)
           outs(%e)
      return %y                                return
    ```

    Results become arguments, written directly where that can be. States become globals and are
    updated in place when nothing can fail afterwards and nobody needs the old value. Recurrences
    become loops, whose steps write rows in place.
    """

    name = "bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        constants = Constants(op)
        for child in list(op.body.block.ops):
            if isinstance(child, StateOp):
                replace_state(child)
            elif isinstance(child, func.FuncOp) and child.body.blocks:
                Bufferizer(child, constants).run()


class Bufferizer:
    """Bufferizes one function."""

    def __init__(self, function: func.FuncOp, constants: Constants) -> None:
        self.function = function
        self.constants = constants
        self.block = function.body.blocks[0]
        self.symbols = size_symbols(function)
        self.places: dict[SSAValue, Place] = {}
        self.wanted: dict[SSAValue, Place] = {}
        self.states: dict[str, Buffer] = {}
        self.erase: list[Operation] = []

    def run(self) -> None:
        placed = place_updates(self.block)
        function = self.function
        function.attributes["irc.sizes"] = ArrayAttr([StringAttr(s) for s in self.symbols])
        self.pool = Pool(function)
        live = Liveness(self.block)
        self._inputs(live)
        self._outputs()
        for value, name in placed.items():
            buffer = self._state(name, value.type)
            self.wanted[value] = Place(buffer, buffer.ref)
        self.run_block(self.block, live)
        for op in reversed(self.erase):
            op.detach()
            op.erase(safe_erase=False)
        for arg in self.tensor_args:
            self.block.erase_arg(arg)
        function.function_type = FunctionType.from_lists([a.type for a in self.block.args], [])
        function.properties.pop("res_attrs", None)

    # -- arguments

    def _inputs(self, live: Liveness) -> None:
        old = self.function.arg_attrs
        attributes: list[dict[str, Attribute]] = []
        self.tensor_args: list[BlockArgument] = []
        for i, arg in enumerate(self.block.args):
            attrs = dict(old.data[i].data) if old is not None else {}
            if isinstance(arg.type, TensorType):
                dims = shape_dims(arg.type)
                attrs |= {KIND: StringAttr("in"), **dims_attribute(dims)}
                ref = self.block.insert_arg(memref_of(arg.type), len(self.block.args))
                ref.name_hint = arg.name_hint
                self.places[arg] = Place(Buffer(ref, None), ref)
                self.tensor_args.append(arg)
            else:
                attrs[KIND] = StringAttr("size" if i < len(self.symbols) else "in")
            attributes.append(attrs)
        self._attributes = attributes

    def _outputs(self) -> None:
        """One argument for each result; a result made here is wanted there."""
        end = self.block.last_op
        assert isinstance(end, func.ReturnOp)
        self.results: list[Place] = []
        names = result_names(self.function, len(end.arguments))
        for value, name in zip(end.arguments, names, strict=True):
            arg = self.block.insert_arg(memref_of(value.type), len(self.block.args))
            arg.name_hint = name if SSAValue.is_valid_name(name) else None
            place = Place(Buffer(arg, self.block), arg)
            self.results.append(place)
            dims = shape_dims(value.type)
            self._attributes.append({KIND: StringAttr("out"), **dims_attribute(dims)})
            if isinstance(value.owner, Operation) and value.owner.parent is self.block:
                self.wanted.setdefault(value, place)
        self.function.properties["arg_attrs"] = ArrayAttr(
            [DictionaryAttr(a) for a in self._attributes]
        )

    def _state(self, name: str, type_: Attribute) -> Buffer:
        known = self.states.get(name)
        if known is None:
            op = memref.GetGlobalOp.create(
                result_types=[memref_of(type_)], properties={"name": SymbolRefAttr(name)}
            )
            ref = self.pool.insert(op)
            ref.name_hint = name if SSAValue.is_valid_name(name) else None
            known = self.states[name] = Buffer(ref, None, state=name)
        return known

    # -- blocks

    def run_block(self, block: Block, live: Liveness) -> None:
        self._pass_destinations_up(block, live)
        for op in list(block.ops):
            handler = _HANDLERS.get(type(op))
            if handler is not None:
                handler(self, op, live)
            elif isinstance(op, scf.YieldOp | YieldOp):
                pass  # the op around the block says where its values go
            elif any(isinstance(v.type, TensorType) for v in (*op.operands, *op.results)):
                raise Unsupported(f"no place in memory for the result of {op.name}")
            elif op.regions:
                self._control(op)

    def _control(self, op: Operation) -> None:
        """Control flow without tensor results: its blocks only read."""
        for region in op.regions:
            for block in region.blocks:
                self.run_block(block, Liveness(block))

    def _pass_destinations_up(self, block: Block, live: Liveness) -> None:
        """A value that is only updated or reshaped into another is wanted where that one is."""
        for op in reversed(list(block.ops)):
            if not op.results or op.results[0] not in self.wanted:
                if not any(r in self.wanted for r in op.results):
                    continue
            for result in op.results:
                place = self.wanted.get(result)
                init = updated_operand(op, result)
                if place is None or init is None or init in self.wanted:
                    continue
                made_here = isinstance(init.owner, Operation) and init.owner.parent is block
                if made_here and live.last[init] <= live.position[op]:
                    if not isinstance(init.owner, StateReadOp):
                        self.wanted[init] = place

    # -- placing results

    def _free(self, buffer: Buffer, live: Liveness, op: Operation) -> bool:
        """Whether `op` may write over the buffer."""
        return buffer.owner is live.block and buffer.last_use <= live.position[op]

    def settle(self, value: SSAValue, place: Place, live: Liveness) -> SSAValue:
        """Records where `value` lives from now on."""
        place.buffer.last_use = max(place.buffer.last_use, live.last.get(value, -1))
        self.places[value] = place
        return place.ref

    def _take_wanted(self, value: SSAValue, pen: Pen, live: Liveness) -> Place | None:
        """The destination wanted for `value`, in its shape, if nothing lives there now."""
        place = self.wanted.get(value)
        if place is None:
            return None
        buffer = place.buffer
        position = live.position[pen.anchor] if pen.anchor in live.position else -1
        if buffer.state is None and buffer.last_use >= position >= 0:
            return None
        type_ = memref_of(value.type)
        if shows(place.ref, type_):
            return place
        shown = pen.reinterpret(place.ref, shape_dims(value.type), hint=value.name_hint)
        return Place(buffer, shown)

    def fresh(self, value: SSAValue, pen: Pen, live: Liveness) -> Place:
        """The wanted destination of `value`, or new memory."""
        place = self._take_wanted(value, pen, live)
        if place is not None:
            return place
        ref = pen.alloc(memref_of(value.type), shape_dims(value.type), value.name_hint)
        return Place(Buffer(ref, live.block), ref)

    def updated(
        self, op: Operation, old: SSAValue, value: SSAValue, pen: Pen, live: Liveness
    ) -> Place:
        """Where `op` updates `old` to become `value`: in place, or on a copy."""
        place = self.places[old]
        wanted = self.wanted.get(value)
        in_state = wanted is not None and wanted.buffer is place.buffer
        if (in_state or self._free(place.buffer, live, op)) and not is_strided(place.ref):
            return place
        target = self.fresh(value, pen, live)
        self.copy(pen, place.ref, target.ref)
        return target

    def copy(self, pen: Pen, source: SSAValue, target: SSAValue) -> None:
        if source is not target:
            pen.insert(memref.CopyOp.create(operands=[source, target]))

    # -- ops

    def _generic(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, GenericOp)
        pen = Pen(self.pool, live.block, op, op.location)
        for inner in list(op.body.block.ops):
            if isinstance(inner, tensor.ExtractOp):
                self._extract(inner, live)
        inputs = [self.ref(v) for v in op.inputs]
        outputs: list[SSAValue] = []
        taken: set[Buffer] = set()
        for i, result in enumerate(op.results):
            place = self._generic_place(op, i, pen, live, taken)
            taken.add(place.buffer)
            outputs.append(self.settle(result, place, live))
        body = op.detach_region(op.body)
        new = GenericOp.create(
            operands=[*inputs, *outputs],
            properties=op.properties,
            attributes=op.attributes,
            regions=[body],
        )
        pen.insert(new)
        for arg in body.blocks[0].args:
            if signless(arg.type) is not arg.type:
                Rewriter.replace_value_with_new_type(arg, signless(arg.type))
        self.erase.append(op)

    def _generic_place(
        self, op: GenericOp, i: int, pen: Pen, live: Liveness, taken: set[Buffer]
    ) -> Place:
        result, init = op.results[i], op.outputs[i]
        reads_init = bool(op.body.block.args[len(op.inputs) + i].first_use)
        if not isinstance(init.owner, tensor.EmptyOp) and reads_init:
            return self.updated(op, init, result, pen, live)
        wanted = self._take_wanted(result, pen, live)
        if wanted is not None and wanted.buffer not in taken:
            return wanted
        for k, operand in enumerate(op.inputs):
            place = self.places.get(operand)
            if place is None or not shows(place.ref, memref_of(result.type)):
                continue
            buffer = place.buffer
            if buffer in taken or not self._free(buffer, live, op):
                continue
            if self._read_in_step_everywhere(op, k, result, buffer):
                return place
        ref = pen.alloc(memref_of(result.type), shape_dims(result.type), result.name_hint)
        return Place(Buffer(ref, live.block), ref)

    def _read_in_step_everywhere(
        self, op: GenericOp, operand: int, result: SSAValue, buffer: Buffer
    ) -> bool:
        for k, value in enumerate(op.operands):
            place = self.places.get(value)
            if place is not None and place.buffer is buffer:
                if place.ref is not self.places[op.operands[operand]].ref:
                    return False
                if not reads_in_step(op, k, result):
                    return False
        return not any(
            isinstance(inner, memref.LoadOp) and self._shows(inner.memref, buffer)
            for inner in op.body.block.ops
        )

    def _shows(self, ref: SSAValue, buffer: Buffer) -> bool:
        while isinstance(ref.owner, memref.ReinterpretCastOp | memref.SubviewOp):
            ref = ref.owner.operands[0]
        return ref is buffer.ref

    def ref(self, value: SSAValue) -> SSAValue:
        place = self.places.get(value)
        return value if place is None else place.ref

    def _extract(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.ExtractOp)
        new = memref.LoadOp.create(
            operands=[self.ref(op.tensor), *op.indices],
            result_types=[op.result.type],
            properties={},
        )
        self.replace(op, new)

    def replace(self, op: Operation, new: Operation) -> None:
        block = op.parent
        assert block is not None
        new.location = op.location
        block.insert_op_before(new, op)
        for old, result in zip(op.results, new.results, strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        self.erase.append(op)

    def _empty(self, op: Operation, live: Liveness) -> None:
        """Memory that nobody has written; whoever reads it anyway gets some."""
        self.erase.append(op)
        (value,) = op.results
        if any(not ignores_contents(use.operation, use.index) for use in value.uses):
            pen = Pen(self.pool, live.block, op, op.location)
            self.settle(value, self.fresh(value, pen, live), live)

    def _constant(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, arith.ConstantOp)
        if not isinstance(op.result.type, TensorType):
            return
        assert isinstance(op.value, DenseIntOrFPElementsAttr)
        name = self.constants.name(op.value)
        get = memref.GetGlobalOp.create(
            result_types=[memref_of(op.result.type)], properties={"name": SymbolRefAttr(name)}
        )
        ref = Pen(self.pool, live.block, op, op.location).insert(get).results[0]
        ref.name_hint = op.result.name_hint
        self.settle(op.result, Place(Buffer(ref, None), ref), live)
        self.erase.append(op)

    def _state_read(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, StateReadOp)
        buffer = self._state(op.state.root_reference.data, op.res.type)
        self.settle(op.res, Place(buffer, buffer.ref), live)
        self.erase.append(op)

    def _reshape(self, op: Operation, live: Liveness) -> None:
        source, value = self.places[op.operands[0]], op.results[0]
        pen = Pen(self.pool, live.block, op, op.location)
        if is_strided(source.ref):
            ref = pen.alloc(memref_of(op.operands[0].type), shape_dims(op.operands[0].type))
            self.copy(pen, source.ref, ref)
            source = Place(Buffer(ref, live.block), ref)
        shown = source.ref
        if not shows(shown, memref_of(value.type)):
            shown = pen.reinterpret(source.ref, shape_dims(value.type), hint=value.name_hint)
        self.settle(value, Place(source.buffer, shown), live)
        self.erase.append(op)

    def _extract_slice(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.ExtractSliceOp)
        pen = Pen(self.pool, live.block, op, op.location)
        source = self.places[op.source]
        view = subview(pen, op, source.ref, op.result)
        self.settle(op.result, Place(source.buffer, view), live)
        self.erase.append(op)

    def _insert_slice(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.InsertSliceOp)
        pen = Pen(self.pool, live.block, op, op.location)
        target = self.updated(op, op.dest, op.result, pen, live)
        source = self.places[op.source].ref
        view = subview(pen, op, target.ref, op.source)
        self.copy(pen, source, view)
        self.settle(op.result, target, live)
        self.erase.append(op)

    def _insert(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.InsertOp)
        pen = Pen(self.pool, live.block, op, op.location)
        target = self.updated(op, op.dest, op.result, pen, live)
        pen.store(op.scalar, target.ref, list(op.indices))
        self.settle(op.result, target, live)
        self.erase.append(op)

    def _from_elements(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.FromElementsOp)
        self.erase.append(op)
        if all(isinstance(u.operation, tensor.ReshapeOp) and u.index for u in op.result.uses):
            return
        pen = Pen(self.pool, live.block, op, op.location)
        place = self.fresh(op.result, pen, live)
        shape = op.result.type.get_shape()
        for number, element in enumerate(op.elements):
            indices: list[int] = []
            for extent in reversed(shape):
                number, index = divmod(number, extent)
                indices.insert(0, index)
            pen.store(element, place.ref, indices)
        self.settle(op.result, place, live)

    def _dim(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.DimOp)
        axis = constant_value(op.index)
        if axis is None:
            raise Unsupported("tensor.dim of an axis that is no constant")
        size = self.pool.size(shape_dims(op.source.type)[int(axis)])
        op.result.replace_all_uses_with(self.pool.index(size))
        self.erase.append(op)

    # -- the end of a function

    def _state_write(self, op: Operation, live: Liveness) -> None:
        """All at once, at the first one: no new value is written over an old one still needed."""
        self.erase.append(op)
        writes = [o for o in live.block.ops if isinstance(o, StateWriteOp)]
        if op is not writes[0]:
            return
        pen = Pen(self.pool, live.block, op, op.location)
        self._write_results(pen)
        moves = []
        for write in writes:
            target = self._state(write.state.root_reference.data, write.value.type)
            source = self.places[write.value]
            if source.buffer is not target:
                moves.append((write.value, source, target))
        written = {target for _, _, target in moves}
        for k, (value, source, target) in enumerate(moves):
            if source.buffer in written:
                ref = pen.alloc(memref_of(value.type), shape_dims(value.type))
                self.copy(pen, source.ref, ref)
                moves[k] = (value, Place(Buffer(ref, live.block), ref), target)
        for _, source, target in moves:
            self.copy(pen, source.ref, target.ref)

    def _write_results(self, pen: Pen) -> None:
        """Copies the results that were not written to their arguments directly, once."""
        end = self.block.last_op
        assert isinstance(end, func.ReturnOp)
        for value, result in zip(end.arguments, self.results, strict=True):
            if self.places[value].buffer is not result.buffer:
                self.copy(pen, self.places[value].ref, result.ref)
        self.results = []

    def _return(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, func.ReturnOp)
        if self.results:
            self._write_results(Pen(self.pool, live.block, op, op.location))
        self.replace(op, func.ReturnOp.create())

    def _show(self, op: Operation, live: Liveness) -> None:
        """Assertions and prints see arrays where they lie."""
        for i, value in enumerate(op.operands):
            if value in self.places:
                op.operands[i] = self.places[value].ref


_Handler = Callable[[Bufferizer, Operation, Liveness], None]
_HANDLERS: dict[type[Operation], _Handler] = {
    GenericOp: Bufferizer._generic,
    tensor.EmptyOp: Bufferizer._empty,
    tensor.ExtractOp: Bufferizer._extract,
    tensor.InsertOp: Bufferizer._insert,
    tensor.ExtractSliceOp: Bufferizer._extract_slice,
    tensor.InsertSliceOp: Bufferizer._insert_slice,
    tensor.CollapseShapeOp: Bufferizer._reshape,
    tensor.ExpandShapeOp: Bufferizer._reshape,
    tensor.ReshapeOp: Bufferizer._reshape,
    tensor.CastOp: Bufferizer._reshape,
    tensor.FromElementsOp: Bufferizer._from_elements,
    tensor.DimOp: Bufferizer._dim,
    arith.ConstantOp: Bufferizer._constant,
    scf.IfOp: bufferize_if,
    scf.ForOp: bufferize_for,
    ScanOp: bufferize_scan,
    WhileOp: bufferize_while,
    func.ReturnOp: Bufferizer._return,
    routines.RoutineOp: bufferize_routine,
    ForeignCallOp: bufferize_foreign,
    rt.AssertOp: Bufferizer._show,
    rt.PrintOp: Bufferizer._show,
    StateReadOp: Bufferizer._state_read,
    StateWriteOp: Bufferizer._state_write,
}
