"""
Reductions to loops, in the order that the language defines.

A float sum keeps 64 partial sums: element number e of the reduced loops, counted row by row, goes
to partial e % 64, and the partials are added in halves: p[l] += p[l + 32], then 16, 8, 4, 2, 1.
That order does not depend on threads or vectors, and vectors compute it at full speed.
Maxima, minima, and integer and logical reductions give the same result in any order; they use the
same loops.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import scf
from xdsl.ir import SSAValue

from irc.dtypes import LANES
from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.combiners import ORDERED, Combiner, combiners_of, starts, take, write
from irc.passes.loops.helpers import Helpers
from irc.passes.loops.nest import COUNTERS, Nest, open_loops, work
from irc.passes.loops.structured import (
    Shapes,
    Structured,
    collapse,
    dims_in,
    element_index,
)
from irc.passes.loops.threads import Threads
from irc.sizes import Size, product

COLUMNS = 64  # of an array reduced along its rows, kept at a time


def lower_reduction(
    s: Structured,
    inits: Sequence[SSAValue | None],
    pen: Pen,
    shapes: Shapes,
    threads: Threads,
    helpers: Helpers,
) -> None:
    """
    `inits` are the constants from which the outputs start; None: from what is in memory.
    """
    s = collapse(s, shapes, pen)
    combiners = combiners_of(s, inits)
    anchor = pen.anchor
    if combiners is None:
        _sequential(s, inits, pen, threads)
    elif _reduces_columns(s):
        _columns(s, combiners, pen, threads, helpers)
    else:
        _rows(s, combiners, pen, threads, helpers)
    pen.anchor = anchor


# -- along rows: the innermost loop is reduced


def _rows(
    s: Structured,
    combiners: Sequence[Combiner],
    pen: Pen,
    threads: Threads,
    helpers: Helpers,
) -> None:
    """
    ```
    for i in 0..n
      p[0..64] = 0
      for base in 0..m step 64
        for l in 0..min(64, m - base)         // vectors
          p[l] += f(x[i, base + l])
      y[i] = p added in halves
    ```
    """
    outer = [d for d, r in enumerate(s.reduced) if not r]
    inner = [d for d, r in enumerate(s.reduced) if r]
    total = product([s.loops[d] for d in inner])
    known = total if isinstance(total, int) else LANES
    lanes = max(min(known, LANES), 1)
    cost = work(s.op.body.block) + len(s.inputs)
    pens, ivs = _outer_loops(s, outer, pen, threads, product([total, cost]))
    body = pens[-1]
    partials = [body.alloca(c.value.type, [lanes], "partial") for c in combiners]
    _fill(body, partials, starts(combiners, body), [lanes])
    by_dim: list[Index] = [0] * len(s.loops)
    depth = [0] * len(s.loops)
    for level, dim in enumerate(outer):
        by_dim[dim], depth[dim] = ivs[level], level + 1
    after = body.anchor
    lane_pens, lane = _lane_loops(s, inner, body, by_dim, depth, len(pens) - 1, lanes)
    nest = Nest([*pens[:-1], *lane_pens], by_dim, depth)
    values = take(s, combiners, nest)
    for c, p, value in zip(combiners, partials, values, strict=True):
        acc = nest.inner.load(p, [lane], "acc")
        nest.inner.store(c.apply(nest.inner, acc, value), p, [lane])
    body.anchor = after
    _halve(body, combiners, partials, helpers)
    totals = [body.load(p, [0], "total") for p in partials]
    write(s, combiners, totals, by_dim, body)


def _lane_loops(
    s: Structured,
    inner: list[int],
    body: Pen,
    by_dim: list[Index],
    depth: list[int],
    level: int,
    lanes: int,
) -> tuple[list[Pen], Index]:
    """Loops over the reduced elements, and the partial that takes in the current one."""
    last = inner[-1]
    size = body.pool.size
    length = s.loops[last]
    contiguous = len(inner) == 1 or (isinstance(length, int) and length % LANES == 0)
    bounds: list[tuple[Index, Index]] = [(0, size(s.loops[d])) for d in inner[:-1]]
    if contiguous and isinstance(length, int) and length <= lanes:
        pens, ivs = open_loops(body, [*bounds, (0, size(s.loops[last]))], COUNTERS[level:])
        for n, dim in enumerate(inner):
            by_dim[dim], depth[dim] = ivs[n], level + n + 1
        return pens, ivs[-1]
    if contiguous:
        pens, ivs = open_loops(body, bounds, COUNTERS[level:], simd=False)
        extent = size(s.loops[last])
        blocks, base, _, op = pens[-1].loop(0, extent, LANES, "base")
        blocks.end()
        pens[-1].anchor = op
        blocks.anchor = blocks.block.last_op
        count = blocks.min(LANES, blocks.sub(extent, base), "count")
        lane_pens, (lane,) = open_loops(blocks, [(0, count)], ["lane"])
        for n, dim in enumerate(inner[:-1]):
            by_dim[dim], depth[dim] = ivs[n], level + n + 1
        index = lane_pens[-1].add(base, lane)
        by_dim[last], depth[last] = index, level + len(inner) + 1
        return [*pens, *lane_pens], lane
    pens, ivs = open_loops(body, [*bounds, (0, size(s.loops[last]))], COUNTERS[level:], simd=False)
    number: Index = 0
    for n, dim in enumerate(inner):
        by_dim[dim], depth[dim] = ivs[n], level + n + 1
        number = pens[-1].add(pens[-1].mul(number, size(s.loops[dim])), ivs[n])
    return pens, pens[-1].rem(number, LANES)


def _outer_loops(
    s: Structured, outer: list[int], pen: Pen, threads: Threads, cost: Size
) -> tuple[list[Pen], list[SSAValue]]:
    """Loops over the elements of the result; the pens stand where the next thing goes."""
    extents = [s.loops[d] for d in outer]
    if not outer:
        return [pen], []
    bounds: list[tuple[Index, Index]] = [(0, pen.pool.size(e)) for e in extents]
    first, iv = threads.loop(pen, *bounds[0], 1, COUNTERS[0], product([*extents, cost]))
    pen.anchor = first.block.parent_op()
    pens, ivs = open_loops(first, bounds[1:], COUNTERS[1:], simd=False)
    return [pen, *pens], [iv, *ivs]


def _fill(
    pen: Pen, partials: Sequence[SSAValue], starts: Sequence[SSAValue], bounds: Sequence[Index]
) -> None:
    anchor = pen.anchor
    pens, ivs = open_loops(pen, [(0, b) for b in bounds], ["lane", "column"])
    for p, start in zip(partials, starts, strict=True):
        pens[-1].store(start, p, list(ivs))
    pen.anchor = anchor


def _halve(
    pen: Pen,
    combiners: Sequence[Combiner],
    partials: Sequence[SSAValue],
    helpers: Helpers,
    used: Index | None = None,
    count: Index | None = None,
) -> None:
    """
    Adds the partials in halves, into partial 0.

    used    how many partials were touched, when there is a row of them for each of `count`
            columns; the others hold the neutral element, and adding that changes nothing,
            since no partial is -0
    """
    for c, p in zip(combiners, partials, strict=True):
        shape = p.type.get_shape()  # type: ignore[attr-defined]
        if shape[0] == 1:
            continue
        form = "x".join(map(str, shape))
        name = f"halve_{c.cls.name.removeprefix('arith.')}_{c.value.type}_{form}"
        rest = [] if used is None else [used, count or 0]

        def build(body: Pen, parameters: list[SSAValue], c: Combiner = c) -> None:
            _halving(body, c, *parameters)

        helpers.call(pen, name, ["partial!", "used", "count"][: 1 + len(rest)], [p, *rest], build)


def _halving(
    pen: Pen,
    c: Combiner,
    partial: SSAValue,
    used: SSAValue | None = None,
    count: SSAValue | None = None,
) -> None:
    """
    ```
    for half in 32, 16, 8, 4, 2, 1
      for l in 0..min(half, used - half)
        p[l] = p[l] + p[l + half]
    ```
    """
    lanes = partial.type.get_shape()[0]  # type: ignore[attr-defined]
    half = LANES // 2
    while half >= lanes:
        half //= 2
    while half:
        pairs: Index = min(half, lanes - half)
        if used is not None:
            pairs = pen.min(half, pen.sub(used, half), "pairs")
        anchor = pen.anchor
        bounds: list[tuple[Index, Index]] = [(0, pairs)]
        if count is not None:
            bounds.append((0, count))
        pens, (lane, *rest) = open_loops(pen, bounds, ["lane", "column"])
        inner = pens[-1]
        low = inner.load(partial, [lane, *rest], "low")
        high = inner.load(partial, [inner.add(lane, half), *rest], "high")
        inner.store(c.apply(inner, low, high), partial, [lane, *rest])
        pen.anchor = anchor
        half //= 2


# -- along columns: the innermost loop is kept


def _reduces_columns(s: Structured) -> bool:
    """Whether neighbours in memory belong to different results."""
    widest = max(s.inputs, key=lambda o: len(o.exprs), default=None)
    if widest is None or not widest.exprs:
        return False
    dims = dims_in(widest.exprs[-1])
    return len(dims) == 1 and not s.reduced[next(iter(dims))]


def _columns(
    s: Structured,
    combiners: Sequence[Combiner],
    pen: Pen,
    threads: Threads,
    helpers: Helpers,
) -> None:
    """
    ```
    for c in 0..m step 64
      p[0..64, 0..64] = 0
      for i in 0..n
        for j in 0..min(64, m - c)            // vectors
          p[i % 64, j] += f(x[i, c + j])
      y[c + j] = p[., j] added in halves
    ```
    """
    widest = max(s.inputs, key=lambda o: len(o.exprs))
    (column,) = dims_in(widest.exprs[-1])
    outer = [d for d, r in enumerate(s.reduced) if not r and d != column]
    inner = [d for d, r in enumerate(s.reduced) if r]
    total = product([s.loops[d] for d in inner])
    ordered = any(c.cls in ORDERED for c in combiners)
    lanes = (min(total, LANES) if isinstance(total, int) else LANES) if ordered else 1
    lanes = max(lanes, 1)
    width = s.loops[column]
    columns = min(width, COLUMNS) if isinstance(width, int) else COLUMNS
    columns = max(columns, 1)
    cost = product([total, width, work(s.op.body.block) + len(s.inputs)])
    pens, ivs = _outer_loops(s, outer, pen, threads, cost)
    blocks = pens[-1]
    extent = blocks.pool.size(width)
    split = threads if not outer else Threads(1)
    body, start = split.loop(blocks, 0, extent, columns, "start", cost)
    blocks.anchor = body.block.parent_op()
    count = (
        columns
        if isinstance(extent, int) and extent % columns == 0
        else body.min(columns, body.sub(extent, start), "count")
    )
    rows: Index = body.pool.size(total)
    used: Index = lanes
    if ordered and not isinstance(rows, int):  # one at least: it is the result of no rows
        used = body.max(1, body.min(LANES, rows), "used")
    partials = [body.alloca(c.value.type, [lanes, columns], "partial") for c in combiners]
    _fill(body, partials, starts(combiners, body), [used, count])
    by_dim: list[Index] = [0] * len(s.loops)
    depth = [0] * len(s.loops)
    for level, dim in enumerate(outer):
        by_dim[dim], depth[dim] = ivs[level], level + 1
    anchor = body.anchor
    level = len(pens)
    row_bounds: list[tuple[Index, Index]] = [(0, body.pool.size(s.loops[d])) for d in inner]
    row_pens, row_ivs = open_loops(body, row_bounds, COUNTERS[len(outer) :], simd=False)
    number: Index = 0
    for n, dim in enumerate(inner):
        by_dim[dim], depth[dim] = row_ivs[n], level + n + 1
        number = row_pens[-1].add(
            row_pens[-1].mul(number, body.pool.size(s.loops[dim])), row_ivs[n]
        )
    lane: Index = row_pens[-1].rem(number, LANES) if lanes == LANES else number
    if not ordered:
        lane = 0
    column_pens, (j,) = open_loops(row_pens[-1], [(0, count)], ["column"])
    by_dim[column] = column_pens[-1].add(start, j)
    depth[column] = level + len(inner) + 1
    nest = Nest([*pens[:-1], blocks, *row_pens, column_pens[-1]], by_dim, depth)
    values = take(s, combiners, nest)
    for c, p, value in zip(combiners, partials, values, strict=True):
        acc = nest.inner.load(p, [lane, j], "acc")
        nest.inner.store(c.apply(nest.inner, acc, value), p, [lane, j])
    body.anchor = anchor
    _halve(body, combiners, partials, helpers, used, count)
    out_pens, (j,) = open_loops(body, [(0, count)], ["column"])
    by_dim[column] = out_pens[-1].add(start, j)
    totals = [out_pens[-1].load(p, [0, j], "total") for p in partials]
    write(s, combiners, totals, by_dim, out_pens[-1])


# -- anything else: accumulators in registers, one element after the other


def _sequential(
    s: Structured, inits: Sequence[SSAValue | None], pen: Pen, threads: Threads
) -> None:
    """
    ```
    for i in 0..n
      best, where = for j in 0..m carrying (best, where)
        body(x[i, j], best, where)
      y[i], z[i] = best, where
    ```
    """
    outer = [d for d, r in enumerate(s.reduced) if not r]
    inner = [d for d, r in enumerate(s.reduced) if r]
    cost = product([*(s.loops[d] for d in inner), 4 * work(s.op.body.block)])
    pens, ivs = _outer_loops(s, outer, pen, threads, cost)
    by_dim: list[Index] = [0] * len(s.loops)
    depth = [0] * len(s.loops)
    for level, dim in enumerate(outer):
        by_dim[dim], depth[dim] = ivs[level], level + 1
    body = pens[-1]
    accs: list[SSAValue] = []
    for output, init in zip(s.outputs, inits, strict=True):
        if init is None:
            ref, indices = element_index(output, by_dim, body)
            init = body.load(ref, indices, "acc")
        accs.append(init)
    after = body.anchor
    loop_pens: list[Pen] = [body]
    loops: list[scf.ForOp] = []
    for n, dim in enumerate(inner):
        bound = body.pool.size(s.loops[dim])
        hint = COUNTERS[(len(outer) + n) % len(COUNTERS)]
        within, iv, carried, op = loop_pens[-1].loop(0, bound, 1, hint, accs)
        for arg in carried:
            arg.name_hint = "acc"
        by_dim[dim], depth[dim] = iv, len(pens) + n
        accs = list(carried)
        loops.append(op)
        loop_pens.append(within)
    # Everything stays in the innermost loop: the loops in between only pass values on.
    nest = Nest([loop_pens[-1]], by_dim, [0] * len(by_dim))
    block = s.op.body.block
    arguments: list[SSAValue | None] = [
        nest.element(o) if block.args[n].first_use else None for n, o in enumerate(s.inputs)
    ]
    values = nest.body(block, [*arguments, *accs])
    nest.inner.end(values)
    for n in range(len(loops) - 1, 0, -1):
        Pen(body.pool, loops[n - 1].body.block, None, body.location).end(loops[n].results)
    body.anchor = after
    for result, output in zip(loops[0].results, s.outputs, strict=True):
        result.name_hint = "acc"
        ref, indices = element_index(output, by_dim, body)
        body.store(result, ref, indices)
