"""`until` that depends on index variables: for each of their values the scan stops on its own."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from irc.dialects.nd.loops import ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of
from irc.dtypes import BOOL
from irc.frontend.analysis.broadcasting import binder_size, merged_batch, spread
from irc.frontend.analysis.checks import over
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.recurrences import Recurrence
from irc.frontend.analysis.values import Binder, Tensor

STOPPED = "until", 0  # in `Hints`: the index variables that the condition depends on


@dataclass(eq=False)
class Stopping:
    """
    What has stopped keeps its values while the others go on.

    state     whether it has, for each value of `batch`, one step before
    running   whether it has not
    """

    recurrence: Recurrence
    state: ScanState
    running: Tensor

    @classmethod
    def of(cls, env: Env, r: Recurrence, batch: tuple[Binder, ...]) -> Stopping:
        """In the body of the scan, before its statements."""
        assert r.draft is not None
        with r.outside(env) as b:
            state = r.draft.state(b.full([1, *map(binder_size, batch)], BOOL, False))
        stopped = r.draft.tap(state, 1)
        return cls(r, state, Tensor(env.b.scalar("not", stopped), batch=batch))

    @property
    def batch(self) -> tuple[Binder, ...]:
        return self.running.batch

    def stop(self, env: Env, condition: Tensor) -> SSAValue:
        """Takes the condition of this step; whether all have stopped then."""
        b, new = env.b, spread(env, condition, self.batch, ()).ssa
        self.state.next = b.scalar("or", b.scalar("not", self.running.ssa), new)
        return b.reduce("all", self.state.next, range(len(self.batch)))

    def held(self, env: Env, row: Tensor, state: ScanState | None) -> tuple[Tensor, ScanState]:
        """A row where the scan goes on, else the one before; and the state that keeps it."""
        draft: ScanDraft | None = self.recurrence.draft
        assert draft is not None
        row = spread(env, row, merged_batch(env, [row, self.running]), row.dims)
        if state is None:
            with self.recurrence.outside(env) as b:
                state = draft.state(b.full([1, *dims_of(row.ssa)], row.dtype, 0))
        mask = over(env, spread(env, self.running, row.batch, ()), row)
        kept = env.b.where(mask.ssa, row.ssa, draft.tap(state, 1))
        return Tensor(kept, row.origin, row.batch), state
