"""State, checks, printing and branches: what keeps its order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xdsl.dialects import arith, func, scf, tensor
from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue

from irc.dialects import nd, rt
from irc.dialects.nd.body import INDEX, Body, storage
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import BOOL, I64
from irc.passes.linalg.from_nd.lowering import Lower, Lowering, linear_index
from irc.passes.linalg.generics import (
    body_block,
    element_of,
    generic,
    identity,
    tensor_type,
    yield_,
)
from irc.sizes import Size

_NOWHERE = I64.max


def require(
    c: Lowering,
    ok: SSAValue,
    kind: str,
    message: str,
    shown: Sequence[tuple[SSAValue, str]] = (),
) -> None:
    """Ends the call unless `ok`; `shown` are values with their dtypes."""
    op = rt.AssertOp(ok, kind, message, [v for v, _ in shown])
    if shown:
        op.properties["dtypes"] = _dtypes([d for _, d in shown])
    c.effect(op)


def _dtypes(names: Sequence[str]) -> ArrayAttr[StringAttr]:
    return ArrayAttr([StringAttr(n) for n in names])


def assert_(op: nd.AssertOp, c: Lowering) -> None:
    """
    A tensor of conditions is searched for its first false one; only then are values looked up.
    """
    kind, dims = op.kind.data, dims_of(op.ok)
    scalars = {i: x for i, x in enumerate(op.shown) if not dims_of(x)}
    if not dims:
        shown = [(c.scalar(x), dtype_of(x).name) for x in op.shown]
        message = _with_position(op.message.data, len(shown))
        require(c, c.scalar(op.ok), kind, message, shown)
        return
    place = _first_false(op.ok, dims, c)
    found = {i: c.scalar(x) for i, x in scalars.items()}
    bad = c.pen().compare("ne", place, c.pen().const(_NOWHERE, I64), I64)
    then = Block()
    outside = c.enter(then)
    position = _position(c, place, dims)
    shown = [
        (found[i] if i in found else _element(x, position, c), dtype_of(x).name)
        for i, x in enumerate(op.shown)
    ]
    s = c.pen()
    message = _with_position(op.message.data, len(shown))
    shown += [(s.to(arith.IndexCastOp, p, storage(I64)), I64.name) for p in position]
    require(c, s.const(False, BOOL), kind, message, shown)
    c.effect(scf.YieldOp.create())
    c.leave(outside)
    c.effect(scf.IfOp.create(operands=[bad], regions=[Region(then), Region()]))


def _element(x: SSAValue, position: Sequence[SSAValue], c: Lowering, depth: int = 4) -> SSAValue:
    """
    One element of `x`, worked out from its operands where that is simple.

    A message alone is no reason to keep an array in memory.
    """
    full, op = c.full_of(x), x.owner
    if full is not None:
        return c.pen().const(full.number, dtype_of(x))
    if depth and isinstance(op, nd.PointwiseOp) and not _is_inexact(op):
        operands = [_element(v, position, c, depth - 1) for v in op.operands]
        return op.lower_scalar(c.pen(), *operands)
    if depth and isinstance(op, nd.BroadcastOp):
        sizes = dims_of(op.x)
        places = [
            c.index(0) if size == 1 else position[d]
            for size, d in zip(sizes, op.dims.data, strict=True)
        ]
        return _element(op.x, places, c, depth - 1)
    new = c.value(x)
    return c.add(tensor.ExtractOp.create(operands=[new, *position], result_types=[element_of(new)]))


def _is_inexact(op: nd.PointwiseOp) -> bool:
    """Whether a second computation may give other digits than those that were checked."""
    return isinstance(op, nd.ElementwiseOp) and op.SCALAR.inexact


def _with_position(message: str, shown: int) -> str:
    """`{@d}` as one more value, after the `shown` ones."""
    return re.sub(
        r"\{\{|\}\}|\{@(\d+)",
        lambda m: m[0] if m[1] is None else f"{{{shown + int(m[1])}",
        message,
    )


def _first_false(ok: SSAValue, dims: tuple[Size, ...], c: Lowering) -> SSAValue:
    """The row-major number of the first false element, or `_NOWHERE`."""
    rank = len(dims)
    start = c.fill((), I64, _NOWHERE)
    block = body_block([storage(BOOL), storage(I64)])
    s, (element, first) = Body(block, c.location), block.args
    here = s.to(arith.IndexCastOp, linear_index(s, c, dims), storage(I64))
    candidate = s.select(element, s.const(_NOWHERE, I64), here)
    yield_(block, [s.op(arith.MinSIOp, first, candidate)], c.location)
    (place,) = c.add_generic(
        generic(
            rank,
            [(c.value(ok), identity(rank))],
            [(start, ())],
            block,
            c.location,
            (True,) * rank,
        )
    )
    return c.add(tensor.ExtractOp.create(operands=[place], result_types=[storage(I64)]))


def _position(c: Lowering, place: SSAValue, dims: tuple[Size, ...]) -> list[SSAValue]:
    """The index on each axis of the element with row-major number `place`."""
    s = c.pen()
    rest = s.to(arith.IndexCastOp, place, INDEX)
    position: list[SSAValue] = []
    for size in reversed(dims[1:]):
        position.append(s.op(arith.RemUIOp, rest, c.index(size)))
        rest = s.op(arith.DivUIOp, rest, c.index(size))
    return [rest, *reversed(position)]


def print_(op: nd.PrintOp, c: Lowering) -> None:
    values = [c.value(x) if dims_of(x) else c.scalar(x) for x in op.shown]
    new = rt.PrintOp(op.message.data, values)
    if values:
        new.properties["dtypes"] = _dtypes([dtype_of(x).name for x in op.shown])
    c.effect(new)


def state_read(op: nd.StateReadOp, c: Lowering) -> None:
    type_ = tensor_type(storage(dtype_of(op.res)), dims_of(op.res))
    new = nd.StateReadOp.create(result_types=[type_], properties=op.properties)
    c.define(op.res, c.add(new))


def state_write(op: nd.StateWriteOp, c: Lowering) -> None:
    value = c.value(op.value)
    c.effect(nd.StateWriteOp.create(operands=[value], properties=op.properties))


def if_(op: nd.IfOp, c: Lowering) -> None:
    cond = c.scalar(op.cond)
    regions = []
    for region in (op.then, op.orelse):
        block = Block()
        outside = c.enter(block)
        c.ops(region.block)
        c.leave(outside)
        regions.append(Region(block))
    types = [tensor_type(storage(dtype_of(r)), dims_of(r)) for r in op.res]
    new = scf.IfOp.create(operands=[cond], result_types=types, regions=regions)
    c.effect(new)
    for old, result in zip(op.res, new.results, strict=True):
        c.define(old, result)


def nd_yield(op: nd.YieldOp, c: Lowering) -> None:
    """Branches are those of scf from here on; recurrences stay until memory is decided."""
    cls = scf.YieldOp if isinstance(op.parent_op(), nd.IfOp) else nd.YieldOp
    c.effect(cls.create(operands=[c.value(v) for v in op.values]))


def return_(op: func.ReturnOp, c: Lowering) -> None:
    c.effect(func.ReturnOp.create(operands=[c.value(v) for v in op.arguments]))


LOWERINGS: dict[type[Operation], Lower] = {
    nd.AssertOp: assert_,
    nd.PrintOp: print_,
    nd.StateReadOp: state_read,
    nd.StateWriteOp: state_write,
    nd.IfOp: if_,
    nd.YieldOp: nd_yield,
    func.ReturnOp: return_,
}
