"""The loops around the register tiles of a product, and what happens to a finished tile."""

from __future__ import annotations

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import AnyFloat, IntegerAttr, i64
from xdsl.ir import Block, Operation, SSAValue

from irc.passes.loops.access import Access, flatten
from irc.passes.loops.builder import Index, Pen, constant_value, flat_type
from irc.passes.loops.elementwise import fill_elementwise
from irc.passes.loops.factors import PACK_ROWS, Contraction, Shape, element_bytes, tile_shape
from irc.passes.loops.helpers import Helpers
from irc.passes.loops.nest import Nest, open_loops
from irc.passes.loops.panels import pack_panel, pack_whole, widen_into
from irc.passes.loops.structured import element_index, root
from irc.passes.loops.threads import Threads
from irc.passes.loops.tiles import Flavour, call_dot, call_tile
from irc.sizes import Size, product
from irc.target import Target


def lower_tiles(
    c: Contraction, helpers: Helpers, target: Target, pen: Pen, threads: Threads
) -> None:
    """Panels of columns outside, tiles of rows inside."""
    anchor = pen.anchor
    shape = tile_shape(c, target)
    k, m, n = c.extent(c.k), c.extent(c.m), c.extent(c.n)
    outer_pen, fixed, threads = _outer_loops(c, pen, threads)
    by_columns = _splits_columns(n, m, shape, threads)
    split = threads.count if by_columns and threads.worth(c.work) else 1
    panel = resident = None
    if c.home is not None:
        resident = pack_whole(c, c.home, shape)
    elif _may_pack(c, shape):
        length = product([k, shape.columns * split])
        copies = product([length, _outer_copies(c, fixed)])
        panel = pen.alloc(flat_type(c.element, copies), [copies], "panel")
    a = c.a = c.a if c.lies_right else widen_into(c.a, c.element, c.s.loops, pen)
    extent = outer_pen.pool.size(n)
    body, panel_at, lb, ub = _chunks(c, outer_pen, fixed, split, shape, extent, threads)
    columns, j0 = body.counted(lb, ub, shape.columns, "j")
    width: Index = (
        shape.columns
        if isinstance(extent, int) and extent % shape.columns == 0
        else columns.min(shape.columns, columns.sub(extent, j0), "width")
    )
    if resident is None:
        b, b_at, b_stride = pack_panel(c, columns, fixed, j0, width, shape, panel, panel_at)
    else:
        b, b_at, b_stride = resident, columns.mul(j0, columns.pool.size(k)), shape.columns
    rows_extent = columns.pool.size(m)
    row_threads = Threads(1) if by_columns else threads
    body, i0 = row_threads.loop(columns, 0, rows_extent, shape.rows, "i", c.work)
    height: Index = (
        shape.rows
        if isinstance(rows_extent, int) and rows_extent % shape.rows == 0
        else body.min(shape.rows, body.sub(rows_extent, i0), "height")
    )
    tile = body.alloca(c.element, [shape.rows, shape.columns], "tile")
    tile.owner.properties["alignment"] = IntegerAttr(64, i64)  # type: ignore[union-attr]
    flat_tile = flatten(tile, shape.rows * shape.columns, body)
    flavour, a_step, a_row = _flavour(a, c)
    a_at = a.at(body, fixed | ({c.m: i0} if c.m is not None else {}))

    def call(at: Pen, rows: int, first: Index) -> None:
        here = at.add(a_at, at.mul(a_row, first))
        arguments = [at.pool.size(k), a.flat, here, a_step, b, b_at, b_stride, flat_tile, first]
        call_tile(helpers, at, (rows, shape.columns), shape.lanes, flavour, c.element, arguments)

    call_tiles(body, shape, height, m, call)
    pen.anchor = outermost(pen, body)
    _finish(c, pen, body, fixed, (i0, j0), (height, width), tile)
    pen.anchor = anchor


def outermost(pen: Pen, inner: Pen) -> Operation | None:
    """The op in the pen's block that `inner` writes inside of."""
    block: Block | None = inner.block
    op: Operation | None = inner.anchor
    while block is not None and block is not pen.block:
        op = block.parent_op()
        block = op.parent if op is not None else None
    return op


def _flavour(a: Access, c: Contraction) -> tuple[Flavour, Index, Index]:
    """How A's elements lie for the tile: (flavour, leading stride, step from row to row)."""
    along_k, along_m = a.stride(c.k), a.stride(c.m)
    if along_k == 1:
        return "rows", along_m, along_m
    return "columns", along_k, along_m


def call_tiles(body: Pen, shape: Shape, height: Index, m: Size, call: object) -> None:
    """A full tile by one function, the rows left over at the end by smaller ones."""
    assert callable(call)
    if isinstance(height, int):
        call(body, shape.rows, 0)
        return
    left = m % shape.rows if isinstance(m, int) else None
    full = body.compare("eq", height, shape.rows)
    whole, rest = body.branch(full)
    call(whole, shape.rows, 0)
    done: Index = 0
    for rows in shape.fewer:
        if left is None:
            count = rest.mul(rest.div(rest.sub(height, done), rows), rows)
            until = rest.add(done, count) if rows > 1 else height
            inner, first = rest.counted(done, until, rows, "r")
            call(inner, rows, first)
            done = until
            continue
        assert isinstance(done, int)
        while left - done >= rows:
            call(rest, rows, done)
            done += rows


def _outer_loops(
    c: Contraction, pen: Pen, threads: Threads
) -> tuple[Pen, dict[int, Index], Threads]:
    """Loops over batch axes; the first of them takes the threads."""
    fixed: dict[int, Index] = {}
    inner = pen
    for d in c.outer:
        if c.s.loops[d] == 1:
            fixed[d] = 0
        elif inner is pen:
            inner, fixed[d] = threads.loop(pen, 0, pen.pool.size(c.s.loops[d]), 1, "batch", c.work)
            pen.anchor = inner.block.parent_op()
        else:
            inner, fixed[d] = inner.counted(0, pen.pool.size(c.s.loops[d]), 1, "batch")
    return inner, fixed, threads if inner is pen else Threads(1)


def _outer_copies(c: Contraction, fixed: dict[int, Index]) -> Size:
    """Threads of a batch loop need a panel each: one for each step of the parallel loop."""
    for d in c.outer:
        iv = fixed[d]
        if isinstance(iv, SSAValue):
            return c.s.loops[d] if _on_threads(iv) else 1
    return 1


def _on_threads(iv: Index) -> bool:
    """Whether a counter is that of a parallel loop."""
    owner = iv.owner if isinstance(iv, SSAValue) else None
    return isinstance(owner, Block) and isinstance(owner.parent_op(), scf.ParallelOp)


def _splits_columns(n: Size, m: Size, shape: Shape, threads: Threads) -> bool:
    """Threads share out columns, unless there are too few panels of them for that."""
    panels = -(-n // shape.columns) if isinstance(n, int) else None
    if isinstance(m, int) and m <= shape.rows:
        return True
    return panels is None or panels >= 2 * threads.count


def _may_pack(c: Contraction, shape: Shape) -> bool:
    n, m = c.extent(c.n), c.extent(c.m)
    if c.b.stride(c.n) != 1 or c.b.element != c.element:
        return True
    if not isinstance(n, int) or n % shape.columns:
        return True
    return not isinstance(m, int) or m >= PACK_ROWS


def _chunks(
    c: Contraction,
    pen: Pen,
    fixed: dict[int, Index],
    split: int,
    shape: Shape,
    extent: Index,
    threads: Threads,
) -> tuple[Pen, Index, Index, Index]:
    """Shares of the columns: (pen, where this share's panel starts, first column, end)."""
    k = pen.pool.size(c.extent(c.k))
    if split == 1:
        own = next((iv for iv in fixed.values() if _on_threads(iv)), 0)
        return pen, pen.mul(own, pen.mul(k, shape.columns)), 0, extent
    share = pen.mul(pen.ceil(pen.ceil(extent, shape.columns), split), shape.columns)
    inner, chunk = threads.loop(pen, 0, split, 1, "share", c.work)
    lb = inner.mul(chunk, share)
    ub = inner.min(extent, inner.add(lb, share))
    return inner, inner.mul(chunk, inner.mul(k, shape.columns)), lb, ub


def _finish(
    c: Contraction,
    outside: Pen,
    pen: Pen,
    fixed: dict[int, Index],
    at: tuple[Index, Index],
    extents: tuple[Index, Index],
    tile: SSAValue,
) -> None:
    """
    Takes the tile to its destination, through the epilogue when there is one. What is the same
    for all tiles is computed outside.
    """
    inner, (i, j) = open_loops(pen, [(0, extents[0]), (0, extents[1])], ["i", "j"])
    pens = [outside, *inner]
    row = pens[2].add(at[0], i)
    column = pens[3].add(at[1], j)
    total = pens[3].load(tile, [i, j], "total")
    s = c.s
    by_dim: list[Index] = [0] * len(s.loops)
    depth = [0] * len(s.loops)
    for d, iv in fixed.items():
        by_dim[d], depth[d] = iv, 1
    if c.m is not None:
        by_dim[c.m], depth[c.m] = row, 2
    if c.n is not None:
        by_dim[c.n], depth[c.n] = column, 3
    nest = Nest(pens, by_dim, depth)
    total = start(c, nest, total)
    store(c, nest, total)


def start(c: Contraction, nest: Nest, total: SSAValue) -> SSAValue:
    """Adds what the result starts from."""
    add = arith.AddfOp if isinstance(c.element, AnyFloat) else arith.AddiOp
    if c.init is None:
        return nest.inner.op(add, [nest.element(c.s.outputs[0]), total], c.element, "total")
    if constant_value(c.init) == 0:
        return total
    return nest.inner.op(add, [c.init, total], c.element, "total")


def store(c: Contraction, nest: Nest, total: SSAValue) -> None:
    """Stores an element of the result, or what the epilogue makes of it."""
    output = c.s.outputs[0]
    if c.tail is None:
        ref, indices = element_index(output, nest.ivs, nest.inner)
        nest.inner.store(total, ref, indices)
        return
    order = [e.position for e in output.exprs]  # type: ignore[attr-defined]
    tail_nest = Nest(nest.pens, [nest.ivs[d] for d in order], [nest.depth_of_dim[d] for d in order])
    tail_nest.depth[total] = len(nest.pens) - 1
    for pen in nest.pens[1:]:
        pen.location = c.tail.op.location
    own = root(output.ref)
    taken = {n: total for n, o in enumerate(c.tail.inputs) if root(o.ref) is own}
    fill_elementwise(c.tail, tail_nest, taken)


# -- products of a matrix and a vector along contiguous rows


def lower_dots(
    c: Contraction, helpers: Helpers, target: Target, pen: Pen, threads: Threads
) -> None:
    """
    ```
    for i in 0..m step 4
      results[0..4] = A[i.., :] . x             // vectors along k
      y[i..] = epilogue(results)
    ```
    """
    anchor = pen.anchor
    lanes = max(target.lanes(element_bytes(c.element)), 2)
    outer, fixed, threads = _outer_loops(c, pen, threads)
    m = c.extent(c.m)
    rows = 1 if c.m is None or (isinstance(m, int) and m < 4) else 4
    extent = outer.pool.size(m)
    body, i0 = threads.loop(outer, 0, extent, rows, "i", c.work) if c.m is not None else (outer, 0)
    height: Index = (
        rows
        if isinstance(extent, int) and extent % rows == 0
        else body.min(rows, body.sub(extent, i0), "height")
    )
    results = body.alloca(c.element, [rows], "dots")
    flat_results = flatten(results, rows, body)
    a_at = c.a.at(body, fixed | ({c.m: i0} if c.m is not None else {}))
    x_at = c.b.at(body, fixed)
    k, stride = body.pool.size(c.extent(c.k)), c.a.stride(c.m)

    def call(at: Pen, count: int, first: Index) -> None:
        here = at.add(a_at, at.mul(stride, first))
        arguments = [k, c.a.flat, here, stride, c.b.flat, x_at, flat_results, first]
        call_dot(helpers, at, count, lanes, c.element, arguments)

    call_tiles(body, Shape(rows, 1, lanes), height, m, call)
    inner, (i,) = open_loops(body, [(0, height)], ["i"])
    pen.anchor = outermost(pen, body)
    pens = [pen, *inner]
    total = pens[2].load(results, [i], "total")
    by_dim: list[Index] = [0] * len(c.s.loops)
    depth = [0] * len(c.s.loops)
    for d, iv in fixed.items():
        by_dim[d], depth[d] = iv, 1
    if c.m is not None:
        by_dim[c.m], depth[c.m] = pens[2].add(i0, i), 2
    nest = Nest(pens, by_dim, depth)
    store(c, nest, start(c, nest, total))
    pen.anchor = anchor
