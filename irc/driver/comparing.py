"""`--check compare`: every pass against the executors, as Theano's DebugMode did."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc.errors import CheckFailed
from irc.execution.compare import compare_passes
from irc.passes.manager import PassManager

SEEDS = 3


class Managed:
    """A pass run by a manager, so that it is timed, verified and watched as always."""

    def __init__(self, one: ModulePass, manager: PassManager) -> None:
        self.one, self.manager = one, manager
        self.name = one.name

    def apply(self, ctx: Context, module: ModuleOp) -> None:
        self.manager.run(module, [self.one])


def compare(
    manager: PassManager, module: ModuleOp, passes: Sequence[ModulePass], seed: int = 0
) -> None:
    """
    Runs the passes, and every function before and after each of them, on random inputs.

    Raises CheckFailed that names the first pass which changes a result.
    """
    managed = [Managed(one, manager) for one in passes]
    mismatch = compare_passes(
        manager.ctx,
        module,
        managed,  # type: ignore[arg-type]  # it asks for a name and for apply
        seeds=range(seed, seed + SEEDS),
    )
    if mismatch is not None:
        raise CheckFailed(str(mismatch))
