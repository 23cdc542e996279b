"""Recurrences: they stay, with bodies of the level below. Memory is decided in `bufferize`."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import ArrayAttr, TensorType
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd.body import INDEX, storage
from irc.dialects.nd.loops import ScanSequence
from irc.dialects.nd.structure import is_dynamic
from irc.dialects.nd.types import DYNAMIC, IntsAttr, dims_of, dtype_of
from irc.passes.linalg.from_nd.lowering import Lower, Lowering
from irc.passes.linalg.generics import i64_array, segments, static_shape, tensor_type
from irc.sizes import Poly


def scan(op: nd.ScanOp, c: Lowering) -> None:
    """
    The time becomes an index.

    A sequence that is a slice along time, walked forwards or backwards, is no operand any more:
    its rows are those of the tensor that it is a slice of.
    """
    kept: list[ScanSequence] = []
    sliced: list[tuple[ScanSequence, nd.SliceOp, SSAValue]] = []
    for sequence in op.sequences:
        maker = _slice_in_time(sequence.value)
        if maker is None:
            kept.append(sequence)
        else:
            sliced.append((sequence, maker, c.value(maker.x)))
    seqs, inits = [c.value(s.value) for s in kept], [c.value(x) for x in op.inits]
    rows = [a for s in kept for a in s.args] + [a for s in op.states for a in s.args]
    block = _block([op.time, *rows], c, timed=True)
    c.counters[op.time] = block.args[0]
    outside = c.enter(block, op.body.block)
    for sequence, maker, source in sliced:
        _rows_of_slice(sequence, maker, source, block.args[0], c)
    c.ops(op.body.block)
    c.leave(outside)
    properties = dict(op.properties)
    properties["seq_taps"] = ArrayAttr([IntsAttr(tuple(s.taps)) for s in kept])
    properties["operandSegmentSizes"] = segments(len(seqs), len(inits))
    _replace(op, nd.ScanOp, [*seqs, *inits], properties, [block], c)


def _slice_in_time(value: SSAValue) -> nd.SliceOp | None:
    """The slice behind a sequence, if it takes whole rows and leaves only some of them out."""
    op = value.owner
    if not isinstance(op, nd.SliceOp) or 0 in dims_of(value):
        return None
    whole = all(
        n == m and k == 1 and p == 0
        for n, m, k, p in list(
            zip(dims_of(op.x), dims_of(value), op.steps.data, op.offsets.data, strict=True)
        )[1:]
    )
    return op if whole and not is_dynamic(op.offsets.data[0]) else None


def _rows_of_slice(
    sequence: ScanSequence, op: nd.SliceOp, source: SSAValue, time: SSAValue, c: Lowering
) -> None:
    """Row t + tap of a slice is row offset + step * (t + tap) of its source."""
    step, start = op.steps.data[0], op.offsets.data[0]
    for tap, arg in zip(sequence.taps, sequence.args, strict=True):
        if arg.first_use is not None:
            c.define(arg, _row(source, _affine(time, step, start + step * tap, c), c))


def _affine(x: SSAValue, factor: int, offset: Poly, c: Lowering) -> SSAValue:
    """factor * x + offset"""
    s = c.pen()
    if factor == -1:
        return s.op(arith.SubiOp, c.index(offset), x)
    scaled = x if factor == 1 else s.op(arith.MuliOp, x, c.index(factor))
    return scaled if offset == 0 else s.op(arith.AddiOp, scaled, c.index(sizes.size(offset)))


def _row(source: SSAValue, number: SSAValue, c: Lowering) -> SSAValue:
    """One row of a tensor."""
    dims = dims_of(source)[1:]
    given = c.dynamic(dims)
    return c.add(
        tensor.ExtractSliceOp.create(
            operands=[source, number, *given],
            result_types=[tensor_type(source.type.element_type, dims)],  # type: ignore[attr-defined]
            properties={
                "operandSegmentSizes": segments(1, 1, len(given), 0),
                "static_offsets": i64_array(DYNAMIC, *([0] * len(dims))),
                "static_sizes": i64_array(1, *static_shape(dims)),
                "static_strides": i64_array(*([1] * (len(dims) + 1))),
            },
        )
    )


def while_(op: nd.WhileOp, c: Lowering) -> None:
    inits = [c.value(x) for x in op.inits]
    blocks = []
    for region in (op.cond, op.body):
        block = _block(region.block.args, c)
        outside = c.enter(block, region.block)
        c.ops(region.block)
        c.leave(outside)
        blocks.append(block)
    _replace(op, nd.WhileOp, inits, dict(op.properties), blocks, c)


def _block(args: Sequence[SSAValue], c: Lowering, timed: bool = False) -> Block:
    """An empty block with these arguments as they are below nd; the time is an index."""
    types: list[Attribute] = [_below(a) for a in args]
    if timed:
        types[0] = INDEX
    block = Block(arg_types=types)
    for k, (old, new) in enumerate(zip(args, block.args, strict=True)):
        new.name_hint = old.name_hint
        if k or not timed:
            c.define(old, new)
    return block


def _below(value: SSAValue) -> TensorType:
    return tensor_type(storage(dtype_of(value)), dims_of(value))


def _replace(
    op: nd.ScanOp | nd.WhileOp,
    cls: type[Operation],
    operands: list[SSAValue],
    properties: dict[str, Attribute],
    blocks: list[Block],
    c: Lowering,
) -> None:
    c.location = op.location
    new = cls.create(
        operands=operands,
        result_types=[_below(r) for r in op.res],
        properties=properties,
        regions=[Region(block) for block in blocks],
    )
    c.effect(new)
    for old, result in zip(op.res, new.results, strict=True):
        c.define(old, result)


LOWERINGS: dict[type[Operation], Lower] = {nd.ScanOp: scan, nd.WhileOp: while_}
