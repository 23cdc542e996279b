"""Reads and writes at positions that are data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from xdsl.dialects import scf, tensor
from xdsl.ir import Block, Operation, Region, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.indexing import IndexedOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import U64, accumulator
from irc.passes.linalg.from_nd.elementwise import read
from irc.passes.linalg.from_nd.lowering import Input, Lower, Lowering, loop_index, to_index
from irc.passes.linalg.from_nd.nests import Values, nest
from irc.passes.linalg.generics import identity, tensor_type
from irc.sizes import Size


def gather(op: nd.GatherOp, c: Lowering) -> None:
    """
    Reads of the captured tensor in the body. A position outside reads the first element, which
    is there, and gives 0; of an empty tensor nothing is read at all.
    """
    x, dims = c.value(op.x), dims_of(op.res)
    source, dtype = dims_of(op.x), dtype_of(op.x)
    indexed = len(dims_of(op.indices[0]))
    inputs: list[Input] = [(c.value(i), identity(indexed)) for i in op.indices]
    safe = op.in_bounds is not None

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        given = [to_index(s, dtype_of(i), e) for i, e in zip(op.indices, elements, strict=True)]
        inside = None if safe else _inside(s, c, op, given)
        if inside is not None:
            given = [s.select(inside, g, s.index(0)) for g in given]
        rest = iter(range(indexed, len(dims)))
        places = _places(op, given, (loop_index(s, d) for d in rest))
        element = read(s, x, places)
        return element if inside is None else s.select(inside, element, s.const(0, dtype))

    def made() -> SSAValue:
        return c.parallel(dims, storage(dtype), inputs, write)

    indexed_sizes = sizes.product(source[d] for d in op.axes.data)
    if safe or (sizes.poly(indexed_sizes) - 1).nonnegative():
        c.define(op.res, made())
    elif indexed_sizes == 0:
        c.define(op.res, c.fill(dims, dtype, 0))
    else:
        c.define(op.res, _unless_empty(op, c, indexed_sizes, made))


def _unless_empty(
    op: nd.GatherOp, c: Lowering, count: Size, made: Callable[[], SSAValue]
) -> SSAValue:
    """What `made` writes, or zeros when the tensor has no elements to read."""
    dims, dtype = dims_of(op.res), dtype_of(op.res)
    some = c.pen().compare("ne", c.index(count), c.index(0), U64)
    regions = []
    for make in (made, lambda: c.fill(dims, dtype, 0)):
        block = Block()
        outside = c.enter(block)
        c.effect(scf.YieldOp.create(operands=[make()]))
        c.leave(outside)
        regions.append(Region(block))
    type_ = tensor_type(storage(dtype), dims)
    return c.add(scf.IfOp.create(operands=[some], result_types=[type_], regions=regions))


def _inside(s: Body, c: Lowering, op: IndexedOp, given: Sequence[SSAValue]) -> SSAValue:
    """Whether all positions are inside; as unsigned numbers negative ones are too large."""
    source = dims_of(op.operands[0])
    inside: SSAValue | None = None
    for g, axis in zip(given, op.axes.data, strict=True):
        size = source[axis]
        bound = s.index(size) if isinstance(size, int) else c.index(size)
        ok = s.compare("lt", g, bound, U64)
        inside = ok if inside is None else s.both(inside, ok)
    assert inside is not None
    return inside


def _places(op: IndexedOp, given: Sequence[SSAValue], rest: Iterator[SSAValue]) -> list[SSAValue]:
    """An index for each axis of the tensor: given ones, the others in order."""
    axes = op.axes.data
    rank = len(dims_of(op.operands[0]))
    return [given[axes.index(d)] if d in axes else next(rest) for d in range(rank)]


def scatter(op: nd.ScatterOp, c: Lowering) -> None:
    """
    Loops over the elements of the value, in index order, that carry the tensor along.

    A write outside is left out; with `in_bounds` nothing is asked.
    """
    dims = dims_of(op.value)
    if 0 in dims_of(op.x):  # no place to write to
        c.define(op.res, c.value(op.x))
        return
    indexed = len(dims_of(op.indices[0]))
    value, indices = c.value(op.value), [c.value(i) for i in op.indices]

    def step(loops: list[SSAValue], carried: list[SSAValue]) -> Values:
        s, (target,) = c.pen(), carried
        given = [
            to_index(s, dtype_of(i), read(s, x, loops[:indexed]))
            for i, x in zip(op.indices, indices, strict=True)
        ]
        places = _places(op, given, iter(loops[indexed:]))
        if op.in_bounds is not None:
            return [_written(op, c, target, places, read(s, value, loops))]
        inside = _inside(s, c, op, given)
        return [_if_inside(op, c, inside, target, places, value, loops)]

    c.define(op.res, nest(c, dims, [c.value(op.x)], step)[0])


def _if_inside(
    op: nd.ScatterOp,
    c: Lowering,
    inside: SSAValue,
    target: SSAValue,
    places: Sequence[SSAValue],
    value: SSAValue,
    loops: Sequence[SSAValue],
) -> SSAValue:
    then, orelse = Block(), Block()
    outside = c.enter(then)
    written = _written(op, c, target, places, read(c.pen(), value, loops))
    c.effect(scf.YieldOp.create(operands=[written]))
    c.block = orelse
    c.effect(scf.YieldOp.create(operands=[target]))
    c.leave(outside)
    return c.add(
        scf.IfOp.create(
            operands=[inside],
            result_types=[target.type],
            regions=[Region(then), Region(orelse)],
        )
    )


def _written(
    op: nd.ScatterOp, c: Lowering, target: SSAValue, places: Sequence[SSAValue], new: SSAValue
) -> SSAValue:
    """The tensor with one element set, or added to in the dtype's own rounding."""
    if op.kind.data == "add":
        s = c.pen()
        new = _sum(s, op, read(s, target, places), new)
    return c.add(
        tensor.InsertOp.create(operands=[new, target, *places], result_types=[target.type])
    )


def _sum(s: Body, op: nd.ScatterOp, x: SSAValue, y: SSAValue) -> SSAValue:
    """x + y; the half floats add in f32 and round."""
    dtype = dtype_of(op.x)
    wide = accumulator(dtype)
    x, y = (scalar_bodies.cast(s, dtype, wide, v) for v in (x, y))
    return scalar_bodies.cast(s, wide, dtype, nd.SCALARS["add"].lower(s, wide, x, y))


LOWERINGS: dict[type[Operation], Lower] = {nd.GatherOp: gather, nd.ScatterOp: scatter}
