"""Which loops run on several threads: the outermost ones, when there is enough work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdsl.dialects import scf
from xdsl.dialects.builtin import IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import SSAValue

from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.nest import COUNTERS, SIMD, open_loops
from irc.sizes import Size, poly, product

WORK = "irc.work"  # on scf.parallel: additions it does, a polynomial in the sizes
MIN_WORK = "irc.min_work"  # below that, one thread does it
_MEMORY_BOUND = 4  # times more work than a product's, where a loop asks for threads each time


@dataclass(frozen=True)
class Threads:
    """
    count      threads that a call may use
    min_work   additions that are worth waking threads for
    repeated   a loop around comes here again and again
    """

    count: int = 1
    min_work: int = 1 << 17
    repeated: bool = False

    def inside_loop(self) -> Threads:
        """
        For what a loop repeats: to ask at each step whether there is work costs as much as a
        small step, so only work that is known counts, and what memory bounds must be much more.
        """
        return replace(self, repeated=True)

    def worth(self, work: Size) -> bool:
        """False when there can never be enough work."""
        if self.count < 2:
            return False
        constant = poly(work).constant
        if constant is None:
            return not self.repeated
        return constant >= self.min_work

    def loop(
        self, pen: Pen, lb: Index, ub: Index, step: Index, hint: str, work: Size
    ) -> tuple[Pen, SSAValue]:
        """
        A loop over independent iterations, on threads if `work` is enough at run time.

        The pen that comes back stands before the loop's terminator.
        """
        if not self.worth(work):
            return pen.counted(lb, ub, step, hint)
        inner, iv = pen.parallel(lb, ub, step, hint)
        op = inner.block.parent_op()
        assert isinstance(op, scf.ParallelOp)
        if poly(work).constant is None:
            op.attributes[WORK] = StringAttr(str(work))
            op.attributes[MIN_WORK] = IntegerAttr(self.min_work, i64)
        return inner, iv

    def nest(
        self, pen: Pen, extents: Sequence[Size], cost: int
    ) -> tuple[list[Pen], list[SSAValue]]:
        """
        Loops over 0..extent; the outermost on threads if that pays, the innermost for vectors.

        Moves `pen` before the nest: the caller puts it back.
        """
        bounds: list[tuple[Index, Index]] = [(0, pen.pool.size(e)) for e in extents]
        total = product(extents) * cost
        pays = self.worth(total // _MEMORY_BOUND if self.repeated else total)
        if not bounds or not pays:
            return open_loops(pen, bounds)
        first, iv = self.loop(pen, *bounds[0], 1, COUNTERS[0], total)
        outer = first.block.parent_op()
        assert outer is not None
        pen.anchor = outer
        if len(bounds) == 1:
            outer.attributes[SIMD] = UnitAttr()
            return [pen, first], [iv]
        pens, ivs = open_loops(first, bounds[1:], COUNTERS[1:])
        return [pen, *pens], [iv, *ivs]
