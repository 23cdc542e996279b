"""Removes what nothing uses."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from irc.dialects.nd.control import IfOp, YieldOp
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
    """One walk from the end: users go before what they use, insides before what holds them."""
    effectful: set[Operation] = set()  # what must stay, or holds something that must
    for op in reversed(list(nested_ops(root))):
        if isinstance(op, IfOp):
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
