"""Reductions, positions of extrema, and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.contraction import free_axes
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64, DType, accumulator
from irc.passes.linalg.from_nd.effects import require
from irc.passes.linalg.from_nd.lowering import Input, Lower, Lowering, from_index, loop_index
from irc.passes.linalg.generics import (
    CONTRACTION,
    ORDERED,
    UNIT,
    Access,
    Terms,
    body_block,
    element_of,
    generic,
    identity,
    projection,
    yield_,
)
from irc.sizes import Size

Combine = Callable[[Body, Sequence[SSAValue], Sequence[SSAValue]], Sequence[SSAValue]]


def accumulate(
    c: Lowering,
    inputs: Sequence[tuple[SSAValue, Terms]],
    starts: Sequence[SSAValue],
    access: Access,
    reduces: tuple[bool, ...],
    combine: Combine,
    mark: str | None = None,
) -> list[SSAValue]:
    """
    Folds elements of `inputs` into `starts`, which are read and written at `access`:
    `combine(pen, elements, totals)` gives the next totals.
    """
    block = body_block([*(element_of(v) for v, _ in inputs), *map(element_of, starts)])
    count = len(inputs)
    totals = combine(Body(block, c.location), block.args[:count], block.args[count:])
    yield_(block, totals, c.location)
    return c.add_generic(
        generic(
            len(reduces),
            inputs,
            [(s, access) for s in starts],
            block,
            c.location,
            reduces,
            {mark: UNIT} if mark else {},
        )
    )


def reduce(op: nd.ReduceOp, c: Lowering) -> None:
    """The half floats are kept in f32 until the end."""
    statement, dtype, axes = op.REDUCTION, dtype_of(op.x), op.axes.data
    source, target = dims_of(op.x), dims_of(op.res)
    if statement.empty_is_error:
        require_elements(c, statement.name, [source[d] for d in axes], target)
    wide = accumulator(dtype)

    def combine(
        s: Body, elements: Sequence[SSAValue], totals: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        x = scalar_bodies.cast(s, dtype, wide, elements[0])
        return [statement.combine(s, wide, totals[0], x)]

    rank = len(source)
    ordered = statement.ordered and dtype.is_float
    (total,) = accumulate(
        c,
        [(c.value(op.x), identity(rank))],
        [c.fill(target, wide, statement.start(wide))],
        projection([d for d in range(rank) if d not in axes]),
        tuple(d in axes for d in range(rank)),
        combine,
        ORDERED if ordered else None,
    )
    c.define(op.res, narrowed(c, total, target, wide, dtype))


def narrowed(
    c: Lowering, x: SSAValue, dims: tuple[Size, ...], wide: DType, dtype: DType
) -> SSAValue:
    """A total in its own dtype; x itself when it is that already."""
    if wide is dtype:
        return x
    return c.parallel(
        dims,
        storage(dtype),
        [(x, identity(len(dims)))],
        lambda s, elements: scalar_bodies.cast(s, wide, dtype, elements[0]),
    )


def require_elements(c: Lowering, name: str, reduced: Sequence[Size], kept: Sequence[Size]) -> None:
    """Fails the call when there is a result and nothing to choose it from."""
    count, results = sizes.product(reduced), sizes.product(kept)
    if (sizes.poly(count) - 1).nonnegative() or results == 0:
        return
    s, zero = c.pen(), c.index(0)
    ok = s.compare("ne", c.index(count), zero, I64)
    if not (sizes.poly(results) - 1).nonnegative():
        ok = s.either(ok, s.compare("eq", c.index(results), zero, I64))
    require(c, ok, "shape", f"{name} of no elements")


def argext(op: nd.ArgOp, c: Lowering) -> None:
    """The value and the place of the best element so far; the first NaN beats everything."""
    dtype, place, axis = dtype_of(op.x), dtype_of(op.res), op.axis.value.data
    smallest = isinstance(op, nd.ArgminOp)
    source, target = dims_of(op.x), dims_of(op.res)
    require_elements(c, op.name.removeprefix("nd."), [source[axis]], target)
    wide = accumulator(dtype)
    statement = nd.REDUCTIONS["min" if smallest else "max"]

    def combine(
        s: Body, elements: Sequence[SSAValue], totals: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        x, (best, where) = scalar_bodies.cast(s, dtype, wide, elements[0]), totals
        better = s.compare("lt" if smallest else "gt", x, best, wide)
        if wide.is_float:
            first_nan = s.both(
                s.compare("unordered", x, x, wide),
                s.compare("eq", best, best, wide),
            )
            better = s.either(better, first_nan)
        here = from_index(s, loop_index(s, axis), place)
        return [s.select(better, x, best), s.select(better, here, where)]

    rank = len(source)
    _, where = accumulate(
        c,
        [(c.value(op.x), identity(rank))],
        [c.fill(target, wide, statement.start(wide)), c.fill(target, place, 0)],
        projection([d for d in range(rank) if d != axis]),
        tuple(d == axis for d in range(rank)),
        combine,
    )
    c.define(op.res, where)


def dot(op: nd.DotOp, c: Lowering) -> None:
    """
    Loops are batch, then free axes of lhs, of rhs, then the contracted ones.

    The half floats are multiplied and kept in f32.
    """
    dtype = dtype_of(op.lhs)
    batch, contract = op.batch, op.contract
    dims = dims_of(op.res)
    shared, result_rank = len(batch[0]), len(dims)
    loops = result_rank + len(contract[0])
    inputs: list[Input] = []
    first_free = shared
    for own, x in enumerate((op.lhs, op.rhs)):
        rank = len(dims_of(x))
        free = free_axes(rank, batch[own], contract[own])
        walked = [0] * rank
        for loop, axis in enumerate(batch[own]):
            walked[axis] = loop
        for loop, axis in enumerate(free, first_free):
            walked[axis] = loop
        for loop, axis in enumerate(contract[own], result_rank):
            walked[axis] = loop
        first_free += len(free)
        inputs.append((c.value(x), projection(walked)))

    c.define(op.res, product(c, inputs, dims, loops, dtype))


def product(
    c: Lowering,
    inputs: Sequence[tuple[SSAValue, Terms]],
    dims: tuple[Size, ...],
    loops: int,
    dtype: DType,
) -> SSAValue:
    """Sums of products of two factors; the first loops are those of the result."""
    wide, rank = accumulator(dtype), len(dims)

    def combine(
        s: Body, elements: Sequence[SSAValue], totals: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        x, y = (scalar_bodies.cast(s, dtype, wide, e) for e in elements)
        add, mul = nd.SCALARS["add"].lower, nd.SCALARS["mul"].lower
        return [add(s, wide, totals[0], mul(s, wide, x, y))]

    (total,) = accumulate(
        c,
        inputs,
        [c.fill(dims, wide, 0)],
        identity(rank),
        tuple(d >= rank for d in range(loops)),
        combine,
        CONTRACTION,
    )
    return narrowed(c, total, dims, wide, dtype)


LOWERINGS: dict[type[Operation], Lower] = {
    **{cls: reduce for cls in nd.REDUCE_OPS.values()},
    nd.ArgmaxOp: argext,
    nd.ArgminOp: argext,
    nd.DotOp: dot,
}
