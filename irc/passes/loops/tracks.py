"""Where the rows of a recurrence lie, as index arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue

from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.places import Place
from irc.passes.loops.rows import ROW, row
from irc.sizes import Size


@dataclass(frozen=True)
class Now:
    """The moment of a step: how many were before it, and its time."""

    step: Index
    time: Index


@dataclass(eq=False)
class Track:
    """
    The rows of a state or an output: [rows, *dims].

    depth   how many rows come before the first step
    ring    rows that take turns; None where every step has one of its own

    ```
    all rows, depth 2      init0 init1 row0 row1 row2 ...
    a ring of 3, depth 2   row0 init0 init1  ->  row0 row1 init1  ->  row0 row1 row2  ->  ...
    ```

    In reverse the same from the other end.
    """

    place: Place
    dims: tuple[Size, ...]
    depth: int
    ring: int | None = None
    reverse: bool = False

    def row(self, pen: Pen, now: Now, back: Index, hint: str | None = None) -> SSAValue:
        """The row that was made `back` steps ago, or is made now."""
        return row(pen, self.place.ref, self._number(pen, now, back), self.dims, hint)

    def same(self, back: int) -> int:
        """Equal numbers for rows that lie at one place in a step."""
        return back if self.ring is None else back % self.ring

    def start(self, count: Index) -> Index:
        """The row where those before the first step begin."""
        if self.ring is not None:
            return 0 if self.reverse else self.ring - self.depth
        return count if self.reverse else 0

    def last(self, pen: Pen, done: Index, place: Index, hint: str | None = None) -> SSAValue:
        """The row of a ring that is at `place` of the last ones after `done` steps, by time."""
        assert self.ring is not None
        if self.reverse:
            turn = pen.sub(pen.add(done, self.ring - 1), place)
        else:
            turn = pen.add(pen.add(done, self.ring - self.depth), place)
        return row(pen, self.place.ref, self._slot(pen, turn), self.dims, hint)

    def _number(self, pen: Pen, now: Now, back: Index) -> Index:
        if self.ring is not None:
            assert isinstance(back, int)
            return self._slot(pen, pen.add(now.step, -back % self.ring))
        if self.reverse:
            return pen.add(now.time, back)
        return pen.add(now.time, pen.sub(self.depth, back))

    def _slot(self, pen: Pen, turn: Index) -> Index:
        assert self.ring is not None
        slot = pen.rem(turn, self.ring)
        return pen.sub(self.ring - 1, slot) if self.reverse and self.ring > 1 else slot


@dataclass(eq=False)
class Beside(Track):
    """
    A state whose next row is a row of an output: that is where its rows are, and those before the
    first step are in `init`.

    count   of steps
    """

    init: SSAValue | None = None
    count: Index = 0

    def row(self, pen: Pen, now: Now, back: Index, hint: str | None = None) -> SSAValue:
        if back == 0:
            return row(pen, self.place.ref, now.time, self.dims, hint)
        assert self.init is not None
        if self.reverse:
            made = pen.min(pen.add(now.time, back), pen.sub(self.count, 1))
            given = pen.max(pen.sub(pen.sub(back, 1), now.step), 0)
        else:
            made = pen.max(pen.sub(now.time, back), 0)
            given = pen.min(pen.add(pen.sub(now.step, back), self.depth), self.depth - 1)
        given = 0 if self.depth == 1 else given
        refs = [
            row(pen, self.place.ref, made, self.dims, "made"),
            row(pen, self.init, given, self.dims),
        ]
        ran = pen.compare("ge", now.step, back)
        chosen = pen.op(arith.SelectOp, [ran, *refs], refs[0].type, hint)
        assert isinstance(chosen.owner, Operation)
        chosen.owner.attributes[ROW] = UnitAttr()
        return chosen

    def copy_last(
        self,
        pen: Pen,
        place: Index,
        target: SSAValue,
        copy: Callable[[Pen, SSAValue, SSAValue], None],
    ) -> None:
        """Copies the row that is at `place` of the last ones: made by a step, or given."""
        assert self.init is not None
        if self.reverse:
            back, made = pen.add(place, 1), place
            given = pen.sub(place, self.count)
        else:
            back = pen.sub(self.depth, place)
            made, given = pen.sub(self.count, back), pen.add(self.count, place)
        ran, not_yet = pen.branch(pen.compare("ge", self.count, back))
        copy(ran, row(ran, self.place.ref, made, self.dims), target)
        copy(not_yet, row(not_yet, self.init, given, self.dims), target)
