"""Copies of pieces of a product's factors, arranged as the register tiles read them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat
from xdsl.ir import Attribute, SSAValue

from irc.passes.loops.access import Access
from irc.passes.loops.builder import Index, Pen, flat_type
from irc.passes.loops.factors import PACK_ROWS, Contraction, Shape
from irc.passes.loops.nest import open_loops
from irc.sizes import Size, poly, product


def pack_panel(
    c: Contraction,
    pen: Pen,
    fixed: dict[int, Index],
    j0: Index,
    width: Index,
    shape: Shape,
    panel: SSAValue | None,
    panel_at: Index,
) -> tuple[SSAValue, Index, Index]:
    """
    Where a tile finds B's columns j0..: (flat array, offset, stride from row to row).

    ```
    for p in 0..k
      panel[p, 0..width] = B[p, j0..], zeros beyond
    ```

    Left out where B's rows lie right, the panel is full, and it is read too few times to pay.
    """
    b, columns = c.b, shape.columns
    at = b.at(pen, fixed | ({c.n: j0} if c.n is not None else {}))
    lies_right = b.stride(c.n) == 1 and b.element == c.element
    if panel is None:
        return b.flat, at, b.stride(c.k)
    m = c.extent(c.m)
    if not lies_right or (isinstance(m, int) and m >= PACK_ROWS):
        _pack(c, pen, at, width, columns, panel, panel_at)
        return as_flat(panel, pen), panel_at, columns
    in_place = None if isinstance(width, int) else pen.compare("eq", width, columns)
    if not isinstance(m, int):
        few = pen.compare("lt", pen.pool.size(m), PACK_ROWS)
        in_place = few if in_place is None else pen.op(arith.AndIOp, [in_place, few], few.type)
    assert in_place is not None
    _, packing = pen.branch(in_place)
    _pack(c, packing, at, width, columns, panel, panel_at)
    flat = as_flat(panel, pen)
    chosen = pen.op(arith.SelectOp, [in_place, b.flat, flat], flat.type, "b")
    return (
        chosen,
        pen.select(in_place, at, panel_at),
        pen.select(in_place, b.stride(c.k), columns),
    )


def pack_whole(c: Contraction, pen: Pen, shape: Shape) -> SSAValue:
    """
    All panels of B, one after the other: that of the columns j0.. begins at j0 * k.

    ```
    for j0 in 0..n step columns
      panel j0, as in `pack_panel`
    ```
    """
    k, n, columns = c.extent(c.k), c.extent(c.n), shape.columns
    total = product([poly(n + columns - 1) // columns * columns, k])
    panels = pen.alloc(flat_type(c.element, total), [total], "packed")
    anchor, extent = pen.anchor, pen.pool.size(n)
    body, j0 = pen.counted(0, extent, columns, "j")
    whole = isinstance(extent, int) and extent % columns == 0
    width = columns if whole else body.min(columns, body.sub(extent, j0), "width")
    at = c.b.at(body, {c.n: j0} if c.n is not None else {})
    _pack(c, body, at, width, columns, panels, body.mul(j0, body.pool.size(k)))
    pen.anchor = anchor
    return as_flat(panels, pen)


def as_flat(panel: SSAValue, pen: Pen) -> SSAValue:
    """A panel without its length in the type."""
    from irc.passes.loops.access import flatten

    op = panel.owner
    dims = [d.data for d in panel.type.shape.data]  # type: ignore[attr-defined]
    size = dims[0] if dims[0] >= 0 else op.attributes["irc.dims"].data[0]  # type: ignore[union-attr]
    return flatten(panel, size, pen)


def _pack(
    c: Contraction,
    pen: Pen,
    at: Index,
    width: Index,
    columns: int,
    panel: SSAValue,
    panel_at: Index,
) -> None:
    """Row p of the panel: elements p of the columns, the rest zero."""
    b = c.b
    along_k, along_n = b.stride(c.k), b.stride(c.n)
    k = pen.pool.size(c.extent(c.k))
    anchor = pen.anchor
    zero = pen.pool.number(0, c.element)
    if along_n == 1 or along_k != 1:
        pens, (p, j) = open_loops(pen, [(0, k), (0, width)], ["p", "j"])
    else:
        # B lies along k: a column of the panel is a row of B.
        pens, (j, p) = open_loops(pen, [(0, width), (0, k)], ["j", "p"])
    inner = pens[-1]
    source = inner.add(inner.add(at, inner.mul(p, along_k)), inner.mul(j, along_n))
    value = widened(inner, inner.load(b.flat, [source], "b"), c.element)
    target = inner.add(inner.add(panel_at, inner.mul(p, columns)), j)
    inner.store(value, panel, [target])
    pen.anchor = anchor
    if not isinstance(width, int) or width < columns:
        part, _ = pen.branch(pen.compare("lt", width, columns))
        pens, (p, j) = open_loops(part, [(0, k), (width, columns)], ["p", "j"])
        inner = pens[-1]
        target = inner.add(inner.add(panel_at, inner.mul(p, columns)), j)
        inner.store(zero, panel, [target])
        pen.anchor = anchor


def widen_into(
    a: Access,
    element: Attribute,
    loops: Sequence[Size],
    pen: Pen,
    order: Sequence[int] | None = None,
) -> Access:
    """A copy of a factor, its elements widened to those of the sum, with axes in `order`."""
    dims = sorted(a.strides) if order is None else order
    extents = [loops[d] for d in dims]
    total = product(extents)
    copy = pen.alloc(flat_type(element, total), [total], "wide")
    anchor = pen.anchor
    pens, ivs = open_loops(pen, [(0, pen.pool.size(e)) for e in extents])
    inner = pens[-1]
    value = inner.load(a.flat, [a.at(inner, dict(zip(dims, ivs, strict=True)))])
    strides: dict[int, Index] = {}
    row: Index = 1
    for d, extent in zip(reversed(dims), reversed(extents), strict=True):
        strides[d] = row
        row = pens[0].mul(row, pens[0].pool.size(extent))
    new = Access(copy, 0, strides, element)
    position = new.at(inner, dict(zip(dims, ivs, strict=True)))
    inner.store(widened(inner, value, element), copy, [position])
    pen.anchor = anchor
    return Access(as_flat(copy, pen), 0, strides, element)


def widened(pen: Pen, value: SSAValue, element: Attribute) -> SSAValue:
    """`value` in the type of the sum."""
    if value.type == element:
        return value
    cls = arith.ExtFOp if isinstance(element, AnyFloat) else arith.ExtSIOp
    return pen.op(cls, [value], element)
