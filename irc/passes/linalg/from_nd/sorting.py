"""Sorting: a merge sort of positions, without recursion."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.ordered import ArgsortOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64, U8, DType, accumulator
from irc.passes.linalg.from_nd.elementwise import read
from irc.passes.linalg.from_nd.lowering import Lower, Lowering, from_index
from irc.passes.linalg.from_nd.nests import Values, loop, nest, put
from irc.sizes import Size

MOST_PASSES = 62  # of any line that fits into memory


def argsort(op: ArgsortOp, c: Lowering) -> None:
    """
    Each line is copied with its positions, then runs of 1, 2, 4, ... are merged, to and fro
    between two buffers of keys and two of positions.

    ```
    for line
      keys, order = x[line], 0..n
      for 0..half the passes
        keys, order -> other keys, other order      merges runs of `width`
        other keys, other order -> keys, order      merges runs of 2 * width
        width = 4 * width
      res[line] = order
    ```
    """
    dims, axis, dtype = dims_of(op.x), op.axis.value.data, dtype_of(op.x)
    count, x = dims[axis], c.value(op.x)
    result = c.empty(dims, storage(dtype_of(op.res)))
    if 0 in dims:
        c.define(op.res, result)
        return
    positions, keys = storage(dtype_of(op.res)), storage(_key(dtype))
    buffers = [c.empty((count,), e) for e in (keys, positions, keys, positions)]
    for buffer, name in zip(buffers, ("keys", "order", "merged_keys", "merged"), strict=True):
        buffer.name_hint = name
    pairs = _pairs_of_passes(c, count)
    others = [d for d in range(len(dims)) if d != axis]

    def line(outer: list[SSAValue], carried: list[SSAValue]) -> Values:
        def fill(k: SSAValue, carried: list[SSAValue]) -> Values:
            s = c.pen()
            key = scalar_bodies.cast(s, dtype, _key(dtype), read(s, x, _at(outer, axis, k)))
            made = put(c, key, carried[0], [k])
            return [made, put(c, from_index(c.pen(), k, dtype_of(op.res)), carried[1], [k])]

        def twice(_: SSAValue, carried: list[SSAValue]) -> Values:
            width, *(keys, order, merged_keys, merged) = carried
            there = _merge(op, c, count, width, (keys, order), (merged_keys, merged))
            back = _merge(op, c, count, _twice(c, width), there, (keys, order))
            return [_twice(c, _twice(c, width)), *back, *there]

        def finish(k: SSAValue, carried: list[SSAValue]) -> Values:
            return [put(c, read(c.pen(), order, [k]), carried[0], _at(outer, axis, k))]

        made, *buffers = carried
        buffers[:2] = loop(c, count, buffers[:2], fill, "k")
        _, *buffers = loop(c, pairs, [c.index(1), *buffers], twice, "pass")
        order = buffers[1]
        return [*loop(c, count, [made], finish, "k"), *buffers]

    c.define(op.res, nest(c, [dims[d] for d in others], [result, *buffers], line)[0])


def _key(dtype: DType) -> DType:
    """What is compared: half floats are widened, bools are numbers."""
    return accumulator(dtype) if dtype.is_float or dtype.is_integer else U8


def _at(outer: list[SSAValue], axis: int, k: SSAValue) -> list[SSAValue]:
    return [*outer[:axis], k, *outer[axis:]]


def _twice(c: Lowering, width: SSAValue) -> SSAValue:
    return c.pen().op(arith.AddiOp, width, width)


def _pairs_of_passes(c: Lowering, count: Size) -> Size | SSAValue:
    """Half of ceil(log2(count)), rounded up: how often runs get four times as long."""
    if isinstance(count, int):
        return (max(count - 1, 0).bit_length() + 1) // 2
    n = c.index(count)

    def quadruple(_: SSAValue, carried: list[SSAValue]) -> Values:
        s, (width, pairs) = c.pen(), carried
        short = s.compare("lt", width, n, I64)
        more = s.op(arith.AddiOp, pairs, c.index(1))
        wider = s.op(arith.MuliOp, width, c.index(4))
        return [s.select(short, wider, width), s.select(short, more, pairs)]

    return loop(c, MOST_PASSES // 2, [c.index(1), c.index(0)], quadruple)[1]


Run = tuple[SSAValue, SSAValue]


def _merge(
    op: ArgsortOp, c: Lowering, count: Size, width: SSAValue, source: Run, target: Run
) -> Run:
    """
    Neighbouring runs of `width` in `source`, merged into runs of twice that in `target`.

    ```
    for start in 0..n step 2 * width
      i, j = start, start + width
      for k in start..min(start + 2 * width, n)
        take i if i's run has elements left and those of j's run are at its end or not smaller
    ```
    """
    keys, order = source
    n, last = c.index(count), c.index(sizes.size(sizes.poly(count) - 1))
    s = c.pen()
    span = s.op(arith.AddiOp, width, width)
    rounded_up = s.op(arith.AddiOp, n, s.op(arith.SubiOp, span, c.index(1)))
    runs = s.op(arith.DivSIOp, rounded_up, span)

    def run(r: SSAValue, carried: list[SSAValue]) -> Values:
        s = c.pen()
        start = s.op(arith.MuliOp, r, span)
        middle = s.op(arith.MinSIOp, s.op(arith.AddiOp, start, width), n)
        end = s.op(arith.MinSIOp, s.op(arith.AddiOp, start, span), n)

        def step(t: SSAValue, carried: list[SSAValue]) -> Values:
            made_keys, made, i, j = carried
            s = c.pen()
            left, right = (s.op(arith.MinSIOp, p, last) for p in (i, j))
            x, y = read(s, keys, [left]), read(s, keys, [right])
            both = s.compare("lt", i, middle, I64)
            none = s.compare("ge", j, end, I64)
            keep = s.either(none, s.both(both, s.negate(_before(op, s, y, x))))
            at = s.select(keep, left, right)
            k = s.op(arith.AddiOp, start, t)
            made_keys = put(c, s.select(keep, x, y), made_keys, [k])
            made = put(c, read(s, order, [at]), made, [k])
            one, zero = c.index(1), c.index(0)
            i = s.op(arith.AddiOp, i, s.select(keep, one, zero))
            j = s.op(arith.AddiOp, j, s.select(keep, zero, one))
            return [made_keys, made, i, j]

        length = s.op(arith.SubiOp, end, start)
        return loop(c, length, [*carried, start, middle], step, "k")[:2]

    merged = loop(c, runs, target, run, "run")
    return merged[0], merged[1]


def _before(op: ArgsortOp, s: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    """Whether x stands strictly before y; NaN is the largest."""
    dtype = _key(dtype_of(op.x))
    if op.descending is not None:
        x, y = y, x
    smaller = s.compare("lt", x, y, dtype)
    if not dtype.is_float:
        return smaller
    x_is_nan, y_is_nan = (s.compare("unordered", v, v, dtype) for v in (x, y))
    return s.either(smaller, s.both(y_is_nan, s.negate(x_is_nan)))


LOWERINGS: dict[type[Operation], Lower] = {ArgsortOp: argsort}
