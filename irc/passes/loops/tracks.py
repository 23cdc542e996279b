"""Where the rows of a recurrence lie, as index arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.places import Place
from irc.passes.loops.rows import row
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

    def row(self, pen: Pen, now: Now, back: int, hint: str | None = None) -> SSAValue:
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

    def _number(self, pen: Pen, now: Now, back: int) -> Index:
        if self.ring is not None:
            return self._slot(pen, pen.add(now.step, -back % self.ring))
        return pen.add(now.time, back if self.reverse else self.depth - back)

    def _slot(self, pen: Pen, turn: Index) -> Index:
        assert self.ring is not None
        slot = pen.rem(turn, self.ring)
        return pen.sub(self.ring - 1, slot) if self.reverse and self.ring > 1 else slot
