"""Gives each tensor a place in memory: destinations are passed down, dead operands are reused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf, tensor
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FunctionType,
    IntegerType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    Signedness,
    StridedLayoutAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
)
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from irc.dialects import rt
from irc.dialects.nd.effects import StateOp, StateReadOp, StateWriteOp
from irc.dialects.nd.types import shape_dims
from irc.errors import Unsupported
from irc.passes.loops.builder import (
    Pen,
    Pool,
    constant_value,
    dims_attribute,
    memref_type,
    size_symbols,
)
from irc.passes.loops.liveness import Liveness
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
    updated in place when nothing can fail afterwards and nobody needs the old value.
    """

    name = "bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        constants = _Constants(op)
        for child in list(op.body.block.ops):
            if isinstance(child, StateOp):
                _replace_state(child)
            elif isinstance(child, func.FuncOp) and child.body.blocks:
                _Function(child, constants).run()


@dataclass(eq=False)
class _Buffer:
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
class _Place:
    """Where a value lives: a buffer, and the memref that shows it there."""

    buffer: _Buffer
    ref: SSAValue


@dataclass(eq=False)
class _Constants:
    """Dense constants become globals, equal ones one global."""

    module: ModuleOp
    names: dict[Attribute, str] = field(default_factory=dict)

    def name(self, value: DenseIntOrFPElementsAttr) -> str:
        known = self.names.get(value)
        if known is None:
            known = self.names[value] = f"constant_{len(self.names)}"
            type_ = _memref_of(value.type)
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


def _memref_of(type_: Attribute) -> MemRefType:
    shape = [d.data for d in type_.shape.data]  # type: ignore[attr-defined]
    return memref_type(signless(type_.element_type), shape)  # type: ignore[attr-defined]


def _replace_state(op: StateOp) -> None:
    new = memref.GlobalOp.get(
        StringAttr(op.sym_name.data), _memref_of(op.type_), UnitAttr(), alignment=64
    )
    new.location = op.location
    new.attributes["irc.state"] = op.doc or StringAttr("")
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)
    op.detach()
    op.erase(safe_erase=False)


class _Function:
    """Bufferizes one function."""

    def __init__(self, function: func.FuncOp, constants: _Constants) -> None:
        self.function = function
        self.constants = constants
        self.block = function.body.blocks[0]
        self.symbols = size_symbols(function)
        self.places: dict[SSAValue, _Place] = {}
        self.wanted: dict[SSAValue, _Place] = {}
        self.states: dict[str, _Buffer] = {}
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
            self.wanted[value] = _Place(buffer, buffer.ref)
        self._run_block(self.block, live)
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
                ref = self.block.insert_arg(_memref_of(arg.type), len(self.block.args))
                ref.name_hint = arg.name_hint
                self.places[arg] = _Place(_Buffer(ref, None), ref)
                self.tensor_args.append(arg)
            else:
                attrs[KIND] = StringAttr("size" if i < len(self.symbols) else "in")
            attributes.append(attrs)
        self._attributes = attributes

    def _outputs(self) -> None:
        """One argument for each result; a result made here is wanted there."""
        end = self.block.last_op
        assert isinstance(end, func.ReturnOp)
        self.results: list[_Place] = []
        names = _result_names(self.function, len(end.arguments))
        for value, name in zip(end.arguments, names, strict=True):
            arg = self.block.insert_arg(_memref_of(value.type), len(self.block.args))
            arg.name_hint = name if SSAValue.is_valid_name(name) else None
            place = _Place(_Buffer(arg, self.block), arg)
            self.results.append(place)
            dims = shape_dims(value.type)
            self._attributes.append({KIND: StringAttr("out"), **dims_attribute(dims)})
            if isinstance(value.owner, Operation) and value.owner.parent is self.block:
                self.wanted.setdefault(value, place)
        self.function.properties["arg_attrs"] = ArrayAttr(
            [DictionaryAttr(a) for a in self._attributes]
        )

    def _state(self, name: str, type_: Attribute) -> _Buffer:
        known = self.states.get(name)
        if known is None:
            op = memref.GetGlobalOp.create(
                result_types=[_memref_of(type_)], properties={"name": SymbolRefAttr(name)}
            )
            ref = self.pool.insert(op)
            ref.name_hint = name if SSAValue.is_valid_name(name) else None
            known = self.states[name] = _Buffer(ref, None, state=name)
        return known

    # -- blocks

    def _run_block(self, block: Block, live: Liveness) -> None:
        self._pass_destinations_up(block, live)
        for op in list(block.ops):
            handler = _HANDLERS.get(type(op))
            if handler is not None:
                handler(self, op, live)
            elif isinstance(op, scf.YieldOp):
                pass  # the op around the block says where its values go
            elif any(isinstance(v.type, TensorType) for v in (*op.operands, *op.results)):
                raise Unsupported(f"no place in memory for the result of {op.name}")
            elif op.regions:
                self._control(op)

    def _control(self, op: Operation) -> None:
        """Control flow without tensor results: its blocks only read."""
        for region in op.regions:
            for block in region.blocks:
                self._run_block(block, Liveness(block))

    def _pass_destinations_up(self, block: Block, live: Liveness) -> None:
        """A value that is only updated or reshaped into another is wanted where that one is."""
        for op in reversed(list(block.ops)):
            if not op.results or op.results[0] not in self.wanted:
                if not any(r in self.wanted for r in op.results):
                    continue
            for result in op.results:
                place = self.wanted.get(result)
                init = _updated_operand(op, result)
                if place is None or init is None or init in self.wanted:
                    continue
                made_here = isinstance(init.owner, Operation) and init.owner.parent is block
                if made_here and live.last[init] <= live.position[op]:
                    if not isinstance(init.owner, tensor.EmptyOp | StateReadOp):
                        self.wanted[init] = place

    # -- placing results

    def _free(self, buffer: _Buffer, live: Liveness, op: Operation) -> bool:
        """Whether `op` may write over the buffer."""
        return buffer.owner is live.block and buffer.last_use <= live.position[op]

    def _settle(self, value: SSAValue, place: _Place, live: Liveness) -> SSAValue:
        """Records where `value` lives from now on."""
        place.buffer.last_use = max(place.buffer.last_use, live.last.get(value, -1))
        self.places[value] = place
        return place.ref

    def _take_wanted(self, value: SSAValue, pen: Pen, live: Liveness) -> _Place | None:
        """The destination wanted for `value`, in its shape, if nothing lives there now."""
        place = self.wanted.get(value)
        if place is None:
            return None
        buffer = place.buffer
        position = live.position[pen.anchor] if pen.anchor in live.position else -1
        if buffer.state is None and buffer.last_use >= position >= 0:
            return None
        type_ = _memref_of(value.type)
        if place.ref.type == type_:
            return place
        shown = pen.reinterpret(place.ref, shape_dims(value.type), hint=value.name_hint)
        return _Place(buffer, shown)

    def _fresh(self, value: SSAValue, pen: Pen, live: Liveness) -> _Place:
        """The wanted destination of `value`, or new memory."""
        place = self._take_wanted(value, pen, live)
        if place is not None:
            return place
        ref = pen.alloc(_memref_of(value.type), shape_dims(value.type), value.name_hint)
        return _Place(_Buffer(ref, live.block), ref)

    def _updated(
        self, op: Operation, old: SSAValue, value: SSAValue, pen: Pen, live: Liveness
    ) -> _Place:
        """Where `op` updates `old` to become `value`: in place, or on a copy."""
        place = self.places[old]
        wanted = self.wanted.get(value)
        in_state = wanted is not None and wanted.buffer is place.buffer
        if (in_state or self._free(place.buffer, live, op)) and not _strided(place.ref):
            return place
        target = self._fresh(value, pen, live)
        self._copy(pen, place.ref, target.ref)
        return target

    def _copy(self, pen: Pen, source: SSAValue, target: SSAValue) -> None:
        if source is not target:
            pen.insert(memref.CopyOp.create(operands=[source, target]))

    # -- ops

    def _generic(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, GenericOp)
        pen = Pen(self.pool, live.block, op, op.location)
        for inner in list(op.body.block.ops):
            if isinstance(inner, tensor.ExtractOp):
                self._extract(inner, live)
        inputs = [self._ref(v) for v in op.inputs]
        outputs: list[SSAValue] = []
        taken: set[_Buffer] = set()
        for i, result in enumerate(op.results):
            place = self._generic_place(op, i, pen, live, taken)
            taken.add(place.buffer)
            outputs.append(self._settle(result, place, live))
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
        self, op: GenericOp, i: int, pen: Pen, live: Liveness, taken: set[_Buffer]
    ) -> _Place:
        result, init = op.results[i], op.outputs[i]
        reads_init = bool(op.body.block.args[len(op.inputs) + i].first_use)
        if not isinstance(init.owner, tensor.EmptyOp) and reads_init:
            return self._updated(op, init, result, pen, live)
        wanted = self._take_wanted(result, pen, live)
        if wanted is not None and wanted.buffer not in taken:
            return wanted
        for k, operand in enumerate(op.inputs):
            place = self.places.get(operand)
            if place is None or place.ref.type != _memref_of(result.type):
                continue
            buffer = place.buffer
            if buffer in taken or not self._free(buffer, live, op):
                continue
            if self._read_in_step_everywhere(op, k, result, buffer):
                return place
        ref = pen.alloc(_memref_of(result.type), shape_dims(result.type), result.name_hint)
        return _Place(_Buffer(ref, live.block), ref)

    def _read_in_step_everywhere(
        self, op: GenericOp, operand: int, result: SSAValue, buffer: _Buffer
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

    def _shows(self, ref: SSAValue, buffer: _Buffer) -> bool:
        while isinstance(ref.owner, memref.ReinterpretCastOp | memref.SubviewOp):
            ref = ref.owner.operands[0]
        return ref is buffer.ref

    def _ref(self, value: SSAValue) -> SSAValue:
        place = self.places.get(value)
        return value if place is None else place.ref

    def _extract(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.ExtractOp)
        new = memref.LoadOp.create(
            operands=[self._ref(op.tensor), *op.indices],
            result_types=[op.result.type],
            properties={},
        )
        self._replace(op, new)

    def _replace(self, op: Operation, new: Operation) -> None:
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
        if any(not _ignores(use.operation, use.index) for use in value.uses):
            pen = Pen(self.pool, live.block, op, op.location)
            self._settle(value, self._fresh(value, pen, live), live)

    def _constant(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, arith.ConstantOp)
        if not isinstance(op.result.type, TensorType):
            return
        assert isinstance(op.value, DenseIntOrFPElementsAttr)
        name = self.constants.name(op.value)
        get = memref.GetGlobalOp.create(
            result_types=[_memref_of(op.result.type)], properties={"name": SymbolRefAttr(name)}
        )
        ref = Pen(self.pool, live.block, op, op.location).insert(get).results[0]
        ref.name_hint = op.result.name_hint
        self._settle(op.result, _Place(_Buffer(ref, None), ref), live)
        self.erase.append(op)

    def _state_read(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, StateReadOp)
        buffer = self._state(op.state.root_reference.data, op.res.type)
        self._settle(op.res, _Place(buffer, buffer.ref), live)
        self.erase.append(op)

    def _reshape(self, op: Operation, live: Liveness) -> None:
        source, value = self.places[op.operands[0]], op.results[0]
        pen = Pen(self.pool, live.block, op, op.location)
        if _strided(source.ref):
            ref = pen.alloc(_memref_of(op.operands[0].type), shape_dims(op.operands[0].type))
            self._copy(pen, source.ref, ref)
            source = _Place(_Buffer(ref, live.block), ref)
        shown = source.ref
        if shown.type != _memref_of(value.type):
            shown = pen.reinterpret(source.ref, shape_dims(value.type), hint=value.name_hint)
        self._settle(value, _Place(source.buffer, shown), live)
        self.erase.append(op)

    def _extract_slice(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.ExtractSliceOp)
        pen = Pen(self.pool, live.block, op, op.location)
        source = self.places[op.source]
        view = _subview(pen, op, source.ref, op.result)
        self._settle(op.result, _Place(source.buffer, view), live)
        self.erase.append(op)

    def _insert_slice(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.InsertSliceOp)
        pen = Pen(self.pool, live.block, op, op.location)
        target = self._updated(op, op.dest, op.result, pen, live)
        source = self.places[op.source].ref
        view = _subview(pen, op, target.ref, op.source)
        self._copy(pen, source, view)
        self._settle(op.result, target, live)
        self.erase.append(op)

    def _insert(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.InsertOp)
        pen = Pen(self.pool, live.block, op, op.location)
        target = self._updated(op, op.dest, op.result, pen, live)
        pen.store(op.scalar, target.ref, list(op.indices))
        self._settle(op.result, target, live)
        self.erase.append(op)

    def _from_elements(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.FromElementsOp)
        self.erase.append(op)
        if all(isinstance(u.operation, tensor.ReshapeOp) and u.index for u in op.result.uses):
            return
        pen = Pen(self.pool, live.block, op, op.location)
        place = self._fresh(op.result, pen, live)
        shape = op.result.type.get_shape()
        for number, element in enumerate(op.elements):
            indices: list[int] = []
            for extent in reversed(shape):
                number, index = divmod(number, extent)
                indices.insert(0, index)
            pen.store(element, place.ref, indices)
        self._settle(op.result, place, live)

    def _dim(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, tensor.DimOp)
        axis = constant_value(op.index)
        if axis is None:
            raise Unsupported("tensor.dim of an axis that is no constant")
        size = self.pool.size(shape_dims(op.source.type)[int(axis)])
        op.result.replace_all_uses_with(self.pool.index(size))
        self.erase.append(op)

    # -- control flow with tensors

    def _if(self, op: Operation, live: Liveness) -> None:
        """Both branches write their result into one destination."""
        assert isinstance(op, scf.IfOp)
        pen = Pen(self.pool, live.block, op, op.location)
        targets = [
            self._fresh(r, pen, live) if isinstance(r.type, TensorType) else None
            for r in op.results
        ]
        for region in op.regions:
            if region.blocks:
                self._branch(region.blocks[0], targets)
        for result, target in zip(op.results, targets, strict=True):
            if target is not None:
                self._settle(result, target, live)
        self._drop_tensor_results(op)

    def _branch(self, block: Block, targets: list[_Place | None]) -> None:
        live = Liveness(block)
        end = block.last_op
        assert end is not None
        for value, target in zip(end.operands, targets, strict=True):
            if target is not None and value.owner in live.position:
                inner = _Place(_Buffer(target.ref, block), target.ref)
                self.wanted.setdefault(value, inner)
        self._run_block(block, live)
        self._yield_into(block, targets)

    def _for(self, op: Operation, live: Liveness) -> None:
        """Carried tensors live in one buffer for all iterations."""
        assert isinstance(op, scf.ForOp)
        pen = Pen(self.pool, live.block, op, op.location)
        block = op.body.blocks[0]
        inner = Liveness(block)
        targets: list[_Place | None] = []
        for init, arg, result in zip(op.iter_args, block.args[1:], op.results, strict=True):
            if not isinstance(init.type, TensorType):
                targets.append(None)
                continue
            place = self._updated(op, init, result, pen, live)
            self._settle(result, place, live)
            targets.append(place)
            own = _Place(_Buffer(place.ref, block), place.ref)
            self._settle(arg, own, inner)
        self._run_block(block, inner)
        self._yield_into(block, targets)
        self._drop_tensor_results(op)

    def _yield_into(self, block: Block, targets: list[_Place | None]) -> None:
        """Copies what a block yields to where it is expected, unless it is there already."""
        end = block.last_op
        assert end is not None
        pen = Pen(self.pool, block, end, end.location)
        moves: list[tuple[SSAValue, SSAValue]] = []
        for value, target in zip(end.operands, targets, strict=True):
            if target is not None and self.places[value].ref is not target.ref:
                moves.append((self.places[value].ref, target.ref))
        written = {to for _, to in moves}
        for k, (source, to) in enumerate(moves):
            if source in written and len(moves) > 1:
                value = next(v for v in end.operands if self._ref(v) is source)
                ref = pen.alloc(_memref_of(value.type), shape_dims(value.type))
                self._copy(pen, source, ref)
                moves[k] = (ref, to)
        for source, to in moves:
            self._copy(pen, source, to)
        kept = [v for v, t in zip(end.operands, targets, strict=True) if t is None]
        new = scf.YieldOp.create(operands=kept)
        self._replace(end, new)

    def _drop_tensor_results(self, op: Operation) -> None:
        """The same op with its scalar results only."""
        kept = [r for r in op.results if not isinstance(r.type, TensorType)]
        operands = list(op.operands)
        if isinstance(op, scf.ForOp):
            block = op.body.blocks[0]
            for arg in list(block.args[1:]):
                if isinstance(arg.type, TensorType):
                    arg.replace_all_uses_with(self.places[arg].ref)
                    block.erase_arg(arg)
            operands = operands[:3] + [
                v for v in op.iter_args if not isinstance(v.type, TensorType)
            ]
        regions = [op.detach_region(region) for region in list(op.regions)]
        new = type(op).create(
            operands=operands,
            result_types=[r.type for r in kept],
            attributes=op.attributes,
            properties=op.properties,
            regions=regions,
        )
        new.location = op.location
        assert op.parent is not None
        op.parent.insert_op_before(new, op)
        for old, result in zip(kept, new.results, strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
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
                ref = pen.alloc(_memref_of(value.type), shape_dims(value.type))
                self._copy(pen, source.ref, ref)
                moves[k] = (value, _Place(_Buffer(ref, live.block), ref), target)
        for _, source, target in moves:
            self._copy(pen, source.ref, target.ref)

    def _write_results(self, pen: Pen) -> None:
        """Copies the results that were not written to their arguments directly, once."""
        end = self.block.last_op
        assert isinstance(end, func.ReturnOp)
        for value, result in zip(end.arguments, self.results, strict=True):
            if self.places[value].buffer is not result.buffer:
                self._copy(pen, self.places[value].ref, result.ref)
        self.results = []

    def _return(self, op: Operation, live: Liveness) -> None:
        assert isinstance(op, func.ReturnOp)
        if self.results:
            self._write_results(Pen(self.pool, live.block, op, op.location))
        self._replace(op, func.ReturnOp.create())

    def _show(self, op: Operation, live: Liveness) -> None:
        """Assertions and prints see arrays where they lie."""
        for i, value in enumerate(op.operands):
            if value in self.places:
                op.operands[i] = self.places[value].ref


_Handler = Callable[[_Function, Operation, Liveness], None]
_HANDLERS: dict[type[Operation], _Handler] = {
    GenericOp: _Function._generic,
    tensor.EmptyOp: _Function._empty,
    tensor.ExtractOp: _Function._extract,
    tensor.InsertOp: _Function._insert,
    tensor.ExtractSliceOp: _Function._extract_slice,
    tensor.InsertSliceOp: _Function._insert_slice,
    tensor.CollapseShapeOp: _Function._reshape,
    tensor.ExpandShapeOp: _Function._reshape,
    tensor.ReshapeOp: _Function._reshape,
    tensor.CastOp: _Function._reshape,
    tensor.FromElementsOp: _Function._from_elements,
    tensor.DimOp: _Function._dim,
    arith.ConstantOp: _Function._constant,
    scf.IfOp: _Function._if,
    scf.ForOp: _Function._for,
    func.ReturnOp: _Function._return,
    rt.AssertOp: _Function._show,
    rt.PrintOp: _Function._show,
    StateReadOp: _Function._state_read,
    StateWriteOp: _Function._state_write,
}


def _updated_operand(op: Operation, result: SSAValue) -> SSAValue | None:
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
    return None


def _ignores(op: Operation, operand: int) -> bool:
    """Whether `op` only takes the shape of that operand."""
    if not isinstance(op, GenericOp) or operand < len(op.inputs):
        return False
    return not op.body.block.args[operand].first_use


def _strided(ref: SSAValue) -> bool:
    return not isinstance(ref.type.layout, NoneAttr)  # type: ignore[attr-defined]


def _subview(
    pen: Pen,
    op: tensor.ExtractSliceOp | tensor.InsertSliceOp,
    ref: SSAValue,
    piece: SSAValue,
) -> SSAValue:
    """The part of `ref` that `op` takes or replaces, in the shape of `piece`."""
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


def _result_names(function: func.FuncOp, count: int) -> list[str]:
    """Names of results from the signature, else `result`."""
    from irc.abi import AbiError, function_from_json

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
