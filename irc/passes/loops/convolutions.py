"""
Products over windows, and others whose axes are no rows and columns of matrices.

    C[.., m, p..] = sum over k.. of A[.., m, k..] * B[.., p.. and k.. in any linear form]

```
for image in 0..n
  for j in 0..p step 32                   // p.. counted as one
    panel[k, 0..32] = B[image, p, k]      // the windows' elements, read where they lie
    for i in 0..m step 12
      tile = A[i.., :] * panel            // in registers, over the whole of k
      C[image, i.., j..] = epilogue(tile)
```

Each axis of the matrices may stand for several loops: Matthews, "High-performance tensor
contraction without transposition", SIAM J. Sci. Comput. 40 (2018). So there is no array of all
windows (im2col), only a panel of some columns of it, which stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.ir.affine import AffineDimExpr

from irc.passes.loops.access import Access, access_of, flatten
from irc.passes.loops.builder import INDEX, Index, Pen, flat_type
from irc.passes.loops.factors import Contraction, Shape, shape_for
from irc.passes.loops.helpers import Helpers
from irc.passes.loops.nest import Nest, open_loops
from irc.passes.loops.panels import as_flat, widen_into, widened
from irc.passes.loops.products import call_tiles, outermost, start, store
from irc.passes.loops.structured import Shapes, Structured, asked_for, collapse, joins
from irc.passes.loops.threads import Threads
from irc.passes.loops.tiles import call_tile
from irc.sizes import Size, product
from irc.target import Target

FULL_ENOUGH = 0.8  # of the columns of panels; below that, images share panels


@dataclass(eq=False)
class Windows:
    """
    A product whose loops have been told apart.

    m          the loop along a tile's rows; None for one row
    columns    loops that are counted as one along a tile's columns
    summed     loops of the sum
    outer      the other loops
    a, b       where the factors' elements lie
    init, tail as in Contraction
    joined     output and tail with `columns` as one loop; None where memory is not so
    """

    s: Structured
    m: int | None
    columns: list[int]
    summed: list[int]
    outer: list[int]
    a: Access
    b: Access
    element: Attribute
    init: SSAValue | None
    tail: Structured | None
    joined: tuple[Structured, Structured | None] | None

    def extent(self, dims: Sequence[int]) -> Size:
        return product([self.s.loops[d] for d in dims])

    @property
    def work(self) -> Size:
        """Additions; a vector instruction multiplies and adds eight or more at a time."""
        return product(self.s.loops) // 8


def windows_of(
    s: Structured,
    roles: Sequence[str],
    init: SSAValue | None,
    tail: Structured | None,
    pen: Pen,
    shapes: Shapes,
    target: Target,
) -> Windows | None:
    """
    The loops by their roles (batch, m, n, k); None for a product that cannot be done so.

    The factor with windows is B; without any, the one that the last axis of the result is from.
    """
    if "none" in roles or "k" not in roles:
        return None
    axes = [e.position for e in s.outputs[0].exprs if isinstance(e, AffineDimExpr)]
    sides = [_slides(s, 0), _slides(s, 1)]
    exchange = sides[0] if sides[0] != sides[1] else roles[axes[-1]] == "m" if axes else False
    first, second = s.inputs[::-1] if exchange else s.inputs
    m, n = ("n", "m") if exchange else ("m", "n")
    rows, columns = ([d for d in axes if roles[d] == r] for r in (m, n))
    a, b = access_of(first, shapes, pen), access_of(second, shapes, pen)
    if a is None or b is None or not columns:
        return None
    element = s.outputs[0].ref.type.element_type  # type: ignore[attr-defined]
    own = _last(axes, columns)
    lanes = shape_for(1, 1, element, target).lanes
    if not own or not _fills(product([s.loops[d] for d in own]), 2 * lanes):
        own = columns
    outer = [d for d in axes if d not in own and d not in rows[-1:]]
    joined = _joined(s, tail, axes, own, pen, shapes)
    summed = [d for d, role in enumerate(roles) if role == "k"]
    row = rows[-1] if rows else None
    return Windows(s, row, own, summed, outer, a, b, element, init, tail, joined)


def _slides(s: Structured, number: int) -> bool:
    return not all(isinstance(e, AffineDimExpr) for e in s.inputs[number].exprs)


def _last(axes: Sequence[int], columns: Sequence[int]) -> list[int]:
    """The columns that are the last axes of the result, and neighbours as loops."""
    found: list[int] = []
    for d in reversed(axes):
        if d not in columns or (found and found[0] != d + 1):
            break
        found.insert(0, d)
    return found


def _fills(count: Size, columns: int) -> bool:
    """Whether so many columns leave little of the panels empty."""
    if not isinstance(count, int) or count == 0:
        return True
    whole = -(-count // columns) * columns if count > columns // 2 else columns // 2
    return count / whole >= FULL_ENOUGH


def _joined(
    s: Structured,
    tail: Structured | None,
    axes: Sequence[int],
    columns: Sequence[int],
    pen: Pen,
    shapes: Shapes,
) -> tuple[Structured, Structured | None] | None:
    """The result, and what takes it, with the columns as one loop."""
    result = replace(s, inputs=[])
    places = [axes.index(d) for d in columns]
    pairs = list(zip(columns, columns[1:], strict=False))
    if any(e != d + 1 or not joins(result, d, e, set()) for d, e in pairs):
        return None
    if tail is not None:
        asked = asked_for(tail)
        steps = list(zip(places, places[1:], strict=False))
        if any(e != d + 1 or not joins(tail, d, e, asked) for d, e in steps):
            return None
        apart = [d for d in range(len(tail.loops)) if d not in places]
        tail = collapse(tail, shapes, pen, apart=apart)
    apart = [d for d in range(len(s.loops)) if d not in columns]
    return collapse(result, shapes, pen, apart=apart), tail


# -- loops


def lower_windows(c: Windows, helpers: Helpers, target: Target, pen: Pen, threads: Threads) -> None:
    """Images outside, panels of columns, tiles of rows inside."""
    anchor = pen.anchor
    m: Size = 1 if c.m is None else c.s.loops[c.m]
    shape = shape_for(m, c.extent(c.columns), c.element, target)
    depth = c.extent(c.summed)
    shares = threads.count if threads.worth(c.work) else 1
    length = product([depth, shape.columns, shares])
    panel = pen.alloc(flat_type(c.element, length), [length], "panel")
    a = c.a if _in_order(c, pen) else _copied(c, pen)
    body, fixed, share, (lb, ub) = _outer_loops(c, shape, shares, pen, threads)
    panel_at = body.mul(share, body.mul(body.pool.size(depth), shape.columns))
    extent = body.pool.size(c.extent(c.columns))
    body, j0 = body.counted(lb, ub, shape.columns, "j")
    width: Index = (
        shape.columns
        if isinstance(extent, int) and extent % shape.columns == 0
        else body.min(shape.columns, body.sub(extent, j0), "width")
    )
    places = _places(c, body, j0, width, shape)
    _pack(c, body, fixed, places, j0, width, shape, panel, panel_at)
    flat_panel = as_flat(panel, body)
    rows = body.pool.size(m)
    body, i0 = body.counted(0, rows, shape.rows, "i")
    height: Index = (
        shape.rows
        if isinstance(rows, int) and rows % shape.rows == 0
        else body.min(shape.rows, body.sub(rows, i0), "height")
    )
    tile = body.alloca(c.element, [shape.rows, shape.columns], "tile")
    tile.owner.properties["alignment"] = IntegerAttr(64, i64)  # type: ignore[union-attr]
    flat_tile = flatten(tile, shape.rows * shape.columns, body)
    a_at = a.at(body, fixed | ({c.m: i0} if c.m is not None else {}))
    a_row = a.stride(c.m)

    def call(at: Pen, count: int, first: Index) -> None:
        here = at.add(a_at, at.mul(a_row, first))
        arguments = [
            at.pool.size(depth), a.flat, here, a_row, flat_panel, panel_at, shape.columns,
            flat_tile, first,
        ]  # fmt: skip
        size = (count, shape.columns)
        call_tile(helpers, at, size, shape.lanes, "rows", c.element, arguments)

    call_tiles(body, shape, height, m, call)
    pen.anchor = outermost(pen, body)
    _finish(c, pen, body, fixed, (i0, j0), (height, width), places, tile)
    pen.anchor = anchor


def _in_order(c: Windows, pen: Pen) -> bool:
    """Whether A's elements for one row follow each other as the sum takes them."""
    step: Size = 1
    for d in reversed(c.summed):
        if c.s.loops[d] != 1 and c.a.stride(d) != pen.pool.size(step):
            return False
        step = product([step, c.s.loops[d]])
    return c.a.element == c.element


def _copied(c: Windows, pen: Pen) -> Access:
    """A with its elements in the order of outer loops, rows, sum; widened to those of the sum."""
    order = [*(d for d in c.outer if d in c.a.strides), *([] if c.m is None else [c.m]), *c.summed]
    return widen_into(c.a, c.element, c.s.loops, pen, order)


def _outer_loops(
    c: Windows, shape: Shape, shares: int, pen: Pen, threads: Threads
) -> tuple[Pen, dict[int, Index], Index, tuple[Index, Index]]:
    """
    (pen, outer counters, number of the thread's share, first column and end).

    Threads share out the first outer loop, so that each needs one panel; else the columns.
    """
    fixed: dict[int, Index] = {d: 0 for d in c.outer if c.s.loops[d] == 1}
    walked = [d for d in c.outer if d not in fixed]
    total = pen.pool.size(c.extent(c.columns))
    share: Index = 0
    lb: Index = 0
    columns: tuple[Index, Index] = (0, total)
    body = pen
    if shares > 1:
        body, share = threads.loop(pen, 0, shares, 1, "share", c.work)
        if walked:
            ub = body.pool.size(c.s.loops[walked[0]])
            each = body.ceil(ub, shares)
        else:
            ub, step = total, shape.columns
            each = body.mul(body.ceil(body.ceil(ub, step), shares), step)
        lb = body.mul(share, each)
        ub = body.min(ub, body.add(lb, each))
        if not walked:
            columns = (lb, ub)
    elif walked:
        ub = pen.pool.size(c.s.loops[walked[0]])
    for n, d in enumerate(walked):
        bounds = (lb, ub) if n == 0 else (0, body.pool.size(c.s.loops[d]))
        body, fixed[d] = body.counted(*bounds, 1, "batch")
    return body, fixed, share, columns


@dataclass(eq=False)
class Places:
    """
    Where the columns of a panel lie in B: column j of run r is `far[r] + step * j` behind its
    first place, for j from `begin[r]` to `end[r]`. The last loop over columns makes the runs.

    far, begin, end   arrays, of which `runs` elements count; None where all columns are one run
    counters          for each column its counters of the loops; none where these are one in memory
    """

    step: Index
    runs: Index = 1
    far: SSAValue | None = None
    begin: SSAValue | None = None
    end: SSAValue | None = None
    counters: dict[int, SSAValue] = field(default_factory=dict)


def _places(c: Windows, pen: Pen, j0: Index, width: Index, shape: Shape) -> Places:
    """Worked out once for each panel, as it takes divisions."""
    *others, last = [d for d in c.columns if c.s.loops[d] != 1] or c.columns[-1:]
    step = c.b.stride(last)
    if not others and c.joined is not None:
        return Places(step)
    anchor = pen.anchor
    far, begin, end = (pen.alloca(INDEX, [shape.columns], n) for n in ("far", "begin", "end"))
    length = pen.pool.size(c.s.loops[last])
    first = pen.binary(arith.DivUIOp, j0, length)
    ends = pen.add(j0, width)
    behind = pen.binary(arith.DivUIOp, pen.add(ends, pen.sub(length, 1)), length)
    runs = pen.sub(behind, first)
    (_, inner), (r,) = open_loops(pen, [(0, runs)], ["run"], simd=False)
    row = inner.add(first, r)
    start = inner.mul(row, length)
    inner.store(inner.index(inner.sub(inner.max(start, j0), j0)), begin, [r])
    inner.store(inner.index(inner.sub(inner.min(inner.add(start, length), ends), j0)), end, [r])
    total = inner.mul(step, inner.sub(j0, start))
    for d, counter in _unravelled(c, inner, row, others):
        total = inner.add(total, inner.mul(counter, c.b.stride(d)))
    inner.store(inner.index(total), far, [r])
    pen.anchor = anchor
    places = Places(step, runs, far, begin, end)
    if c.joined is None:
        places.counters = {d: pen.alloca(INDEX, [shape.columns], "counter") for d in c.columns}
        (_, inner), (j,) = open_loops(pen, [(0, width)], ["column"], simd=False)
        for d, counter in _unravelled(c, inner, inner.add(j0, j), c.columns):
            inner.store(inner.index(counter), places.counters[d], [j])
        pen.anchor = anchor
    return places


def _unravelled(
    c: Windows, pen: Pen, number: Index, dims: Sequence[int]
) -> Iterator[tuple[int, Index]]:
    """The counters of loops that are counted as one, the last first."""
    for n, d in enumerate(reversed(dims)):
        size = pen.pool.size(c.s.loops[d])
        if n == len(dims) - 1:
            yield d, number
            return
        yield d, pen.binary(arith.RemUIOp, number, size)
        number = pen.binary(arith.DivUIOp, number, size)


def _pack(
    c: Windows,
    pen: Pen,
    fixed: Mapping[int, Index],
    places: Places,
    j0: Index,
    width: Index,
    shape: Shape,
    panel: SSAValue,
    panel_at: Index,
) -> None:
    """
    ```
    for k..
      for r in 0..runs
        for j in begin[r]..end[r]                      // neighbours in B, without a stride
          panel[k, j] = B[base + k.. + far[r] + j]
      panel[k, width..] = 0
    ```
    """
    anchor = pen.anchor
    base = c.b.at(pen, fixed)
    if places.far is None:
        base = pen.add(base, pen.mul(places.step, j0))
    bounds: list[tuple[Index, Index]] = [(0, pen.pool.size(c.s.loops[d])) for d in c.summed]
    pens, ivs = open_loops(pen, bounds, ["k", "l", "m", "n"], simd=False)
    inner = pens[-1]
    number: Index = 0
    source: Index = base
    for d, iv, at in zip(c.summed, ivs, pens[1:], strict=True):
        number = at.add(at.mul(number, at.pool.size(c.s.loops[d])), iv)
        source = at.add(source, at.mul(c.b.stride(d), iv))
    target = inner.add(panel_at, inner.mul(number, shape.columns))
    after = inner.anchor
    run = inner
    lb: Index = 0
    ub: Index = width
    if places.far is not None and places.begin is not None and places.end is not None:
        (_, run), (r,) = open_loops(inner, [(0, places.runs)], ["run"], simd=False)
        source = run.add(source, run.load(places.far, [r], "far"))
        lb, ub = run.load(places.begin, [r], "begin"), run.load(places.end, [r], "end")
    (_, copy), (j,) = open_loops(run, [(lb, ub)], ["column"])
    value = copy.load(c.b.flat, [copy.add(source, copy.mul(places.step, j))], "b")
    copy.store(widened(copy, value, c.element), panel, [copy.add(target, j)])
    inner.anchor = after
    if not isinstance(width, int):
        zero = pen.pool.number(0, c.element)
        (_, clear), (j,) = open_loops(inner, [(width, shape.columns)], ["column"])
        clear.store(zero, panel, [clear.add(target, j)])
    pen.anchor = anchor


def _finish(
    c: Windows,
    outside: Pen,
    pen: Pen,
    fixed: Mapping[int, Index],
    at: tuple[Index, Index],
    extents: tuple[Index, Index],
    places: Places,
    tile: SSAValue,
) -> None:
    """Takes the tile to its destination, through the epilogue when there is one."""
    inner, (i, j) = open_loops(pen, [(0, extents[0]), (0, extents[1])], ["i", "j"])
    pens = [outside, *inner]
    total = pens[3].load(tile, [i, j], "total")
    s, tail = c.joined or (c.s, c.tail)
    by_dim: list[Index] = [0] * len(c.s.loops)
    depth = [0] * len(c.s.loops)
    for d, iv in fixed.items():
        by_dim[d], depth[d] = iv, 1
    if c.m is not None:
        by_dim[c.m], depth[c.m] = pens[2].add(at[0], i), 2
    for d, counter in places.counters.items():
        by_dim[d], depth[d] = pens[3].load(counter, [j], "counter"), 3
    if c.joined is not None:
        first, count = c.columns[0], len(c.columns)
        by_dim[first : first + count] = [pens[3].add(at[1], j)]
        depth[first : first + count] = [3]
    nest = Nest(pens, by_dim, depth)
    whole = Contraction(s, None, None, 0, [], c.a, c.b, c.element, c.init, tail)
    store(whole, nest, start(whole, nest, total))
