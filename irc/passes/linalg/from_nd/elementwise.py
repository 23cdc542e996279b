"""Pointwise ops, and the ones that only move elements: one loop nest each, maps say how."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, tensor
from xdsl.ir import Operation, SSAValue

from irc.dialects import nd
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.structure import WindowOp, is_dynamic
from irc.dialects.nd.types import dims_of, dtype_of
from irc.passes.linalg.from_nd.lowering import Input, Lower, Lowering, loop_index
from irc.passes.linalg.generics import (
    Access,
    at,
    fits,
    i64_array,
    identity,
    projection,
    segments,
    static_shape,
    tensor_type,
    term,
)


def pointwise(op: nd.PointwiseOp, c: Lowering) -> None:
    """The op's own scalar program. Operands that are one number everywhere become constants."""
    result = op.results[0]
    dims = dims_of(result)
    same = identity(len(dims))
    inputs: list[Input] = []
    where: dict[SSAValue, int] = {}
    for x in op.operands:
        if x not in where and c.full_of(x) is None:
            where[x] = len(inputs)
            inputs.append((c.value(x), same))

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        operands = []
        for x in op.operands:
            full = c.full_of(x)
            operands.append(
                elements[where[x]] if full is None else s.const(full.number, dtype_of(x))
            )
        return op.lower_scalar(s, *operands)

    c.define(result, c.parallel(dims, storage(dtype_of(result)), inputs, write))


def stop_gradient(op: nd.StopGradientOp, c: Lowering) -> None:
    full = c.full_of(op.x)
    if full is not None:
        c.fulls[op.res] = full
    else:
        c.values[op.res] = c.value(op.x)


def copied(c: Lowering, x: SSAValue, access: Access, result: SSAValue) -> None:
    """`result` is `x` read at `access`."""
    new = c.parallel(
        dims_of(result),
        storage(dtype_of(result)),
        [(c.value(x), access)],
        lambda s, elements: elements[0],
    )
    c.define(result, new)


def broadcast(op: nd.BroadcastOp, c: Lowering) -> None:
    target = dims_of(op.res)
    access = tuple(
        term(d) if size == target[d] else at(0)
        for size, d in zip(dims_of(op.x), op.dims.data, strict=True)
    )
    copied(c, op.x, access, op.res)


def transpose(op: nd.TransposeOp, c: Lowering) -> None:
    perm = op.perm.data
    copied(c, op.x, projection([perm.index(d) for d in range(len(perm))]), op.res)


def slice_(op: nd.SliceOp, c: Lowering) -> None:
    """
    Known offsets go into the map; others are added to the loop index in the body.

    A window that starts with the tensor and ends before it is a view: in a map it would say
    that the loop is as long as the tensor's axis.
    """
    dims, dtype = dims_of(op.res), dtype_of(op.res)
    if 0 in dims:
        c.define(op.res, c.empty(dims, storage(dtype)))
        return
    steps, offsets = op.steps.data, window_offsets(op, c)
    known = [o for o in offsets if isinstance(o, int)]
    if len(known) == len(offsets):
        access = tuple((d, k, o) for d, (k, o) in enumerate(zip(steps, known, strict=True)))
        if fits(access, dims_of(op.x), dims_of(op.res)):
            copied(c, op.x, access, op.res)
            return
        if all(k > 0 for k in steps):
            c.define(op.res, _view(op, known, c))
            return
    x = c.value(op.x)

    def write(s: Body, _: Sequence[SSAValue]) -> SSAValue:
        places = []
        for d, (k, o) in enumerate(zip(steps, offsets, strict=True)):
            here = loop_index(s, d)
            if k != 1:
                here = s.op(arith.MuliOp, here, s.index(k))
            if o != 0:
                here = s.op(arith.AddiOp, here, s.index(o) if isinstance(o, int) else o)
            places.append(here)
        return read(s, x, places)

    c.define(op.res, c.parallel(dims, storage(dtype), [], write))


def _view(op: nd.SliceOp, offsets: Sequence[int], c: Lowering) -> SSAValue:
    """A view of a window with known offsets that is walked forwards."""
    dims = dims_of(op.res)
    sizes = c.dynamic(dims)
    return c.add(
        tensor.ExtractSliceOp.create(
            operands=[c.value(op.x), *sizes],
            result_types=[tensor_type(storage(dtype_of(op.res)), dims)],
            properties={
                "operandSegmentSizes": segments(1, 0, len(sizes), 0),
                "static_offsets": i64_array(*offsets),
                "static_sizes": i64_array(*static_shape(dims)),
                "static_strides": i64_array(*op.steps.data),
            },
        )
    )


def read(s: Body, x: SSAValue, places: Sequence[SSAValue]) -> SSAValue:
    """One element of a captured tensor."""
    element = x.type.element_type  # type: ignore[attr-defined]
    return s.add(tensor.ExtractOp.create(operands=[x, *places], result_types=[element]))


def window_offsets(op: WindowOp, c: Lowering) -> list[int | SSAValue]:
    """Where a window starts on each axis: a number, or an index value."""
    starts = iter(op.starts)  # type: ignore[attr-defined]
    found: list[int | SSAValue] = []
    for p in op.offsets.data:
        if is_dynamic(p):
            found.append(c.scalar_index(next(starts)))
        else:
            found.append(c.index(p) if p.constant is None else p.constant)
    return found


LOWERINGS: dict[type[Operation], Lower] = {
    **{cls: pointwise for cls in nd.ELEMENTWISE.values()},
    nd.WhereOp: pointwise,
    nd.ExternMapOp: pointwise,
    nd.CastOp: pointwise,
    nd.StopGradientOp: stop_gradient,
    nd.BroadcastOp: broadcast,
    nd.TransposeOp: transpose,
    nd.SliceOp: slice_,
}
