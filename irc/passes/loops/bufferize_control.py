"""Control flow with tensors: where the results of branches and the values of loops live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects import scf
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects.nd.types import shape_dims
from irc.passes.loops.builder import Pen
from irc.passes.loops.liveness import Liveness
from irc.passes.loops.places import Buffer, Place, memref_of

if TYPE_CHECKING:
    from irc.passes.loops.bufferize import Bufferizer


def bufferize_if(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """Both branches write their result into one destination."""
    assert isinstance(op, scf.IfOp)
    pen = Pen(f.pool, live.block, op, op.location)
    targets = [
        f.fresh(r, pen, live) if isinstance(r.type, TensorType) else None for r in op.results
    ]
    for region in op.regions:
        if region.blocks:
            _branch(f, region.blocks[0], targets)
    for result, target in zip(op.results, targets, strict=True):
        if target is not None:
            f.settle(result, target, live)
    _drop_tensor_results(f, op)


def _branch(f: Bufferizer, block: Block, targets: list[Place | None]) -> None:
    live = Liveness(block)
    end = block.last_op
    assert end is not None
    for value, target in zip(end.operands, targets, strict=True):
        if target is not None and value.owner in live.position:
            inner = Place(Buffer(target.ref, block), target.ref)
            f.wanted.setdefault(value, inner)
    f.run_block(block, live)
    _yield_into(f, block, targets)


def bufferize_for(f: Bufferizer, op: Operation, live: Liveness) -> None:
    """Carried tensors live in one buffer for all iterations."""
    assert isinstance(op, scf.ForOp)
    pen = Pen(f.pool, live.block, op, op.location)
    block = op.body.blocks[0]
    inner = Liveness(block)
    targets: list[Place | None] = []
    shared = _read_inside(f, op)
    for init, arg, result in zip(op.iter_args, block.args[1:], op.results, strict=True):
        if not isinstance(init.type, TensorType):
            targets.append(None)
            continue
        if f.places[init].buffer in shared:
            place = f.fresh(result, pen, live)
            f.copy(pen, f.places[init].ref, place.ref)
        else:
            place = f.updated(op, init, result, pen, live)
        shared.add(place.buffer)
        f.settle(result, place, live)
        targets.append(place)
        own = Place(Buffer(place.ref, block), place.ref)
        f.settle(arg, own, inner)
    f.run_block(block, inner)
    _yield_into(f, block, targets)
    _drop_tensor_results(f, op)


def _read_inside(f: Bufferizer, op: scf.ForOp) -> set[Buffer]:
    """Memory that the body of a loop sees directly: what the loop carries must not be there."""
    places = (f.places.get(v) for inner in op.body.walk() for v in inner.operands)
    return {place.buffer for place in places if place is not None}


def _yield_into(f: Bufferizer, block: Block, targets: list[Place | None]) -> None:
    """Copies what a block yields to where it is expected, unless it is there already."""
    end = block.last_op
    assert end is not None
    pen = Pen(f.pool, block, end, end.location)
    moves: list[tuple[SSAValue, SSAValue]] = []
    for value, target in zip(end.operands, targets, strict=True):
        if target is not None and f.places[value].ref is not target.ref:
            moves.append((f.places[value].ref, target.ref))
    written = {to for _, to in moves}
    for k, (source, to) in enumerate(moves):
        if source in written and len(moves) > 1:
            value = next(v for v in end.operands if f.ref(v) is source)
            ref = pen.alloc(memref_of(value.type), shape_dims(value.type))
            f.copy(pen, source, ref)
            moves[k] = (ref, to)
    for source, to in moves:
        f.copy(pen, source, to)
    kept = [v for v, t in zip(end.operands, targets, strict=True) if t is None]
    new = scf.YieldOp.create(operands=kept)
    f.replace(end, new)


def _drop_tensor_results(f: Bufferizer, op: Operation) -> None:
    """The same op with its scalar results only."""
    kept = [r for r in op.results if not isinstance(r.type, TensorType)]
    operands = list(op.operands)
    if isinstance(op, scf.ForOp):
        block = op.body.blocks[0]
        for arg in list(block.args[1:]):
            if isinstance(arg.type, TensorType):
                arg.replace_all_uses_with(f.places[arg].ref)
                block.erase_arg(arg)
        operands = operands[:3] + [v for v in op.iter_args if not isinstance(v.type, TensorType)]
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
    f.erase.append(op)
