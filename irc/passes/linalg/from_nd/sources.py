"""Tensors made from nothing but attributes, sizes and a random counter."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import U32, U64
from irc.passes.linalg.from_nd.lowering import (
    Lower,
    Lowering,
    from_index,
    linear_index,
    loop_index,
)
from irc.passes.linalg.generics import tensor_type

_WORD, _WIDE = storage(U32), storage(U64)


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
    """Each element works out the four words of its block and takes its own."""
    dims = dims_of(op.res)

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        seed, counter = elements
        place = s.to(arith.IndexCastOp, linear_index(s, c, dims), _WIDE)
        block = s.op(arith.ShRUIOp, place, s.const(2, U64))
        words = [*_halves(s, block), _low(s, counter), s.const(op.site.value.data, U32)]
        words = _rounds(s, words, _halves(s, seed))
        number = s.op(arith.AndIOp, _low(s, place), s.const(3, U32))
        chosen = words[3]
        for k in (2, 1, 0):
            here = s.compare("eq", number, s.const(k, U32), U32)
            chosen = s.select(here, words[k], chosen)
        return chosen

    inputs = [(c.value(op.seed), ()), (c.value(op.counter), ())]
    c.define(op.res, c.parallel(dims, _WORD, inputs, write))


def _rounds(s: Body, words: list[SSAValue], key: list[SSAValue]) -> list[SSAValue]:
    c0, c1, c2, c3 = words
    k0, k1 = key
    for step in range(ROUNDS):
        if step:
            k0 = s.op(arith.AddiOp, k0, s.const(KEY_STEPS[0], U32))
            k1 = s.op(arith.AddiOp, k1, s.const(KEY_STEPS[1], U32))
        low0, high0 = _product(s, c0, MULTIPLIERS[0])
        low1, high1 = _product(s, c2, MULTIPLIERS[1])
        c0 = s.op(arith.XOrIOp, s.op(arith.XOrIOp, high1, c1), k0)
        c2 = s.op(arith.XOrIOp, s.op(arith.XOrIOp, high0, c3), k1)
        c1, c3 = low1, low0
    return [c0, c1, c2, c3]


def _product(s: Body, x: SSAValue, factor: int) -> list[SSAValue]:
    """The low and the high word of a product."""
    wide = s.op(arith.MuliOp, s.to(arith.ExtUIOp, x, _WIDE), s.const(factor, U64))
    return _halves(s, wide)


def _halves(s: Body, x: SSAValue) -> list[SSAValue]:
    return [_low(s, x), _low(s, s.op(arith.ShRUIOp, x, s.const(32, U64)))]


def _low(s: Body, x: SSAValue) -> SSAValue:
    return s.to(arith.TruncIOp, x, _WORD)


LOWERINGS: dict[type[Operation], Lower] = {
    nd.FullOp: full,
    nd.ConstantOp: constant,
    nd.IotaOp: iota,
    nd.SizeOp: size,
    nd.PhiloxOp: philox,
}
