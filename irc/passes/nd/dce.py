"""Removes what nothing uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from irc.dialects.nd.control import IfOp, YieldOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.passes.nd.rules import is_removable, nested_ops


@dataclass(frozen=True)
class DcePass(ModulePass):
    """
    Erases ops without effect whose results are not used.

    Needs nd. Leaves nd with the same results, writes, checks and prints.
    """

    name = "nd-dce"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        remove_dead(op)


def remove_dead(root: Operation) -> None:
    """Erases what is dead inside `root`."""
    remove_dead_among(nested_ops(root))


def remove_dead_among(ops: Iterable[Operation]) -> None:
    """
    Erases what is dead among `ops`, which are in program order, each before those inside it.

    One walk from the end: users go before what they use, insides before what holds them.
    """
    effectful: set[Operation] = set()  # what must stay, or holds something that must
    for op in reversed(list(ops)):
        if isinstance(op, IfOp | ScanOp | WhileOp):
            removable = op not in effectful
        else:
            removable = is_removable(op)
            if not removable and not isinstance(op, YieldOp):
                effectful.add(op)
        if removable and all(r.first_use is None for r in op.results):
            assert op.parent is not None
            op.parent.erase_op(op)
        elif op in effectful and (holder := op.parent_op()):
            effectful.add(holder)
