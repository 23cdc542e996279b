"""Running totals along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.ordered import CumulativeOp, carry
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import F64, DType
from irc.passes.linalg.from_nd.elementwise import read
from irc.passes.linalg.from_nd.lowering import Lower, Lowering
from irc.passes.linalg.from_nd.nests import Values, loop, nest, put
from irc.sizes import Size


def cumulative(op: CumulativeOp, c: Lowering) -> None:
    """
    Along the last axis the carry is a scalar; along another, a row of it goes through memory:

    ```
    for i in 0..n                        for j in 0..m
      total = 0                            row[j] = 0
      for k in 0..m                      for i in 0..n
        total = total + x[i, k]            for j in 0..m
        y[i, k] = total                      row[j] = row[j] + x[i, j];  y[i, j] = row[j]
    ```
    """
    dims, axis = dims_of(op.x), op.axis.value.data
    result = c.empty(dims, storage(dtype_of(op.x)))
    x = c.value(op.x)
    rows = sizes.product(dims[axis + 1 :]) != 1
    along = _along_rows if rows else _along_lines
    c.define(op.res, along(op, c, x, result, dims, axis))


def _along_lines(
    op: CumulativeOp, c: Lowering, x: SSAValue, result: SSAValue, dims: tuple[Size, ...], axis: int
) -> SSAValue:
    def line(outer: list[SSAValue], made: list[SSAValue]) -> Values:
        def step(k: SSAValue, carried: list[SSAValue]) -> Values:
            target, *totals = carried
            places = [*outer, _place(op, c, k), *(c.index(0) for _ in dims[axis + 1 :])]
            new, value = _next(op, c.pen(), totals, read(c.pen(), x, places))
            return [put(c, value, target, places), *new]

        return loop(c, dims[axis], [*made, *_starts(op, c)], step, "k")[:1]

    return nest(c, dims[:axis], [result], line)[0]


def _along_rows(
    op: CumulativeOp, c: Lowering, x: SSAValue, result: SSAValue, dims: tuple[Size, ...], axis: int
) -> SSAValue:
    rest = dims[axis + 1 :]
    rows = [c.empty(rest, storage(carry(dtype_of(op.x)))) for _ in range(1 + op.compensated)]

    def block(outer: list[SSAValue], carried: list[SSAValue]) -> Values:
        def clear(inner: list[SSAValue], rows: list[SSAValue]) -> Values:
            return [put(c, s, r, inner) for s, r in zip(_starts(op, c), rows, strict=True)]

        def step(k: SSAValue, carried: list[SSAValue]) -> Values:
            place = _place(op, c, k)

            def element(inner: list[SSAValue], carried: list[SSAValue]) -> Values:
                target, *rows = carried
                places = [*outer, place, *inner]
                totals = [read(c.pen(), r, inner) for r in rows]
                new, value = _next(op, c.pen(), totals, read(c.pen(), x, places))
                target = put(c, value, target, places)
                return [target, *(put(c, t, r, inner) for t, r in zip(new, rows, strict=True))]

            return nest(c, rest, carried, element)

        made, *rows = carried
        return loop(c, dims[axis], [made, *nest(c, rest, rows, clear)], step, "k")

    return nest(c, dims[:axis], [result, *rows], block)[0]


def _place(op: CumulativeOp, c: Lowering, k: SSAValue) -> SSAValue:
    """The position along the axis that step k is about."""
    if op.reverse is None:
        return k
    last = c.index(sizes.size(sizes.poly(dims_of(op.x)[op.axis.value.data]) - 1))
    return c.pen().op(arith.SubiOp, last, k)


def _starts(op: CumulativeOp, c: Lowering) -> list[SSAValue]:
    """The carry before the first element."""
    wide = carry(dtype_of(op.x))
    start = c.pen().const(0 if op.kind.data == "sum" else 1, wide)
    return [start, start] if op.compensated else [start]


def _next(
    op: CumulativeOp, s: Body, totals: Sequence[SSAValue], x: SSAValue
) -> tuple[list[SSAValue], SSAValue]:
    """The carry after the element `x`, and what the result is there."""
    dtype = dtype_of(op.x)
    wide = carry(dtype)
    new = _combined(op, s, totals, scalar_bodies.cast(s, dtype, wide, x), wide)
    shown = list(totals) if op.exclusive is not None else new
    value = s.op(arith.AddfOp, *shown) if op.compensated else shown[0]
    return new, scalar_bodies.cast(s, wide, dtype, value)


def _combined(
    op: CumulativeOp, s: Body, totals: Sequence[SSAValue], x: SSAValue, wide: DType
) -> list[SSAValue]:
    if not op.compensated:
        combine: Callable[..., SSAValue] = nd.REDUCTIONS[op.kind.data].combine
        return [combine(s, wide, totals[0], x)]
    total, lost = totals
    new = s.op(arith.AddfOp, total, x)
    back = s.op(arith.SubfOp, new, total)
    missed = s.op(arith.SubfOp, total, s.op(arith.SubfOp, new, back))
    error = s.op(arith.AddfOp, missed, s.op(arith.SubfOp, x, back))
    # Infinities have no error: inf - inf is NaN.
    error = s.select(s.compare("eq", error, error, F64), error, s.const(0, F64))
    return [new, s.op(arith.AddfOp, lost, error)]


LOWERINGS: dict[type[Operation], Lower] = {CumulativeOp: cumulative}
