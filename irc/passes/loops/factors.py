"""A product as its loops see it: axes told apart, where the factors lie, the shape of a tile."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute, SSAValue

from irc.passes.loops.access import Access
from irc.passes.loops.builder import Pen
from irc.passes.loops.structured import Structured
from irc.sizes import Size, product
from irc.target import Target

PACK_ROWS = 96  # from so many rows on, copying B's panel pays even when its rows lie right


@dataclass(eq=False)
class Contraction:
    """
    A product whose axes have been told apart.

    m, n, k   the loop that goes along a tile's rows, its columns, and the sum; None: no such axis
    outer     the other loops
    a, b      where the factors' elements lie
    init      constant from which the result starts; None: from what is in memory
    tail      the elementwise op that takes the result
    home      before a loop that leaves `b` alone: where `b` is packed, once
    """

    s: Structured
    m: int | None
    n: int | None
    k: int
    outer: list[int]
    a: Access
    b: Access
    element: Attribute
    init: SSAValue | None
    tail: Structured | None
    home: Pen | None = None

    def extent(self, dim: int | None) -> Size:
        return 1 if dim is None else self.s.loops[dim]

    @property
    def lies_right(self) -> bool:
        """Whether tiles can read A where it is: along k, or along m."""
        steps = (self.a.stride(self.k), self.a.stride(self.m))
        return self.a.element == self.element and (self.m is None or 1 in steps)

    @property
    def work(self) -> Size:
        """Additions; a vector instruction multiplies and adds eight or more at a time."""
        total = product(self.s.loops)
        return total // 8


@dataclass(frozen=True)
class Shape:
    """
    rows x columns of a register tile, columns being `vectors` registers of `lanes` elements.

    fewer   heights of the tiles for rows that are left over, largest first
    """

    rows: int
    vectors: int
    lanes: int
    fewer: tuple[int, ...] = (1,)

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes


def tile_shape(c: Contraction, target: Target) -> Shape:
    """The tile for a product."""
    return shape_for(c.extent(c.m), c.extent(c.n), c.element, target)


def shape_for(m: Size, n: Size, element: Attribute, target: Target) -> Shape:
    """As many sums as the registers hold, beside one row of B and an element of A."""
    lanes = max(target.lanes(element_bytes(element)), 2)
    many = target.registers >= 32
    widest = -(-n // lanes) if isinstance(n, int) else 8
    if m == 1:
        return Shape(1, max(min(widest, 8 if many else 4), 1), lanes)
    vectors = min(widest, 2)
    rows = 12 if many else 6
    fewer: tuple[int, ...] = (8, 4, 1) if many else (4, 2, 1)
    if isinstance(m, int) and m > 0:
        # Tiles of even height: 20 rows are 10 and 10, not 12 and 8.
        rows = -(-m // -(-m // rows))
        fewer = tuple(h for h in fewer if h < rows) or (1,)
    return Shape(rows, vectors, lanes, fewer)


def element_bytes(element: Attribute) -> int:
    """Bytes of one element in memory."""
    width = element.width.data if isinstance(element, IntegerType) else element.bitwidth  # type: ignore[attr-defined]
    return max(width // 8, 1)
