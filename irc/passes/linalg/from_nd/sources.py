"""Tensors made from nothing but attributes, sizes and a random counter."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd, rt
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64, U32
from irc.passes.linalg.from_nd.lowering import (
    Lower,
    Lowering,
    from_index,
    linear_index,
    loop_index,
)
from irc.passes.linalg.generics import tensor_type


def full(op: nd.FullOp, c: Lowering) -> None:
    """Made where memory is needed; bodies take the number."""
    c.fulls[op.res] = op


def constant(op: nd.ConstantOp, c: Lowering) -> None:
    type_ = tensor_type(storage(dtype_of(op.res)), dims_of(op.res))
    c.define(
        op.res,
        c.add(arith.ConstantOp.create(result_types=[type_], properties={"value": op.value})),
    )


def iota(op: nd.IotaOp, c: Lowering) -> None:
    dtype, axis = dtype_of(op.res), op.axis.value.data

    def write(s: Body, _: Sequence[SSAValue]) -> SSAValue:
        return from_index(s, loop_index(s, axis), dtype)

    c.define(op.res, c.parallel(dims_of(op.res), storage(dtype), [], write))


def size(op: nd.SizeOp, c: Lowering) -> None:
    dtype, value = dtype_of(op.res), c.index(sizes.parse(op.poly.data))
    new = c.parallel((), storage(dtype), [], lambda s, _: from_index(s, value, dtype))
    c.define(op.res, new)


def philox(op: nd.PhiloxOp, c: Lowering) -> None:
    dims = dims_of(op.res)

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        seed, counter, *first = elements
        place = s.to(arith.IndexCastOp, linear_index(s, c, dims), storage(I64))
        if first:
            place = s.op(arith.AddiOp, first[0], place)
        drawn = rt.PhiloxOp.create(
            operands=[seed, counter, place],
            result_types=[storage(U32)],
            properties={"site": op.site},
        )
        return s.add(drawn)

    inputs = [(c.value(x), ()) for x in op.operands]
    c.define(op.res, c.parallel(dims, storage(U32), inputs, write))


LOWERINGS: dict[type[Operation], Lower] = {
    nd.FullOp: full,
    nd.ConstantOp: constant,
    nd.IotaOp: iota,
    nd.SizeOp: size,
    nd.PhiloxOp: philox,
}
