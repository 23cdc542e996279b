"""Loop nests that walk the same elements become one; arrays between them disappear."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.passes.linalg.fusion.plan import Plan
from irc.passes.linalg.fusion.rebuild import rebuild
from irc.passes.linalg.fusion.views import read_through


@dataclass(frozen=True)
class FusePass(ModulePass):
    """
    Needs linalg on tensors. Leaves linalg on tensors, without dead ops.

    ```
    %b = generic: w[d1]                 ->
    %y = generic: x[d0, d1] + %b             %s = generic, d0 reduced: %s + exp(x + w)
    %e = generic: exp(%y)
    %s = generic, d0 reduced: %s + %e
    ```

    An elementwise op is computed where its results are read: by elementwise ops and reductions,
    through broadcasts, permutations and windows. Read by several, it is computed in each when that
    is cheap, or becomes a second result of one of them. Groups that read the same elements in the
    same loops share them. Functions such as exp are never computed twice for one element, products
    read and write whole arrays, and no rounding changes.
    """

    name = "linalg-fuse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for child in op.body.block.ops:
            if isinstance(child, func.FuncOp) and child.body.blocks:
                for block in _blocks(child):
                    fuse_block(block)


def _blocks(function: func.FuncOp) -> list[Block]:
    """The blocks of a function with statements, inner ones first."""
    found: list[Block] = []
    waiting: list[Operation] = [function]
    while waiting:
        op = waiting.pop()
        for region in op.regions:
            for block in region.blocks:
                found.append(block)
                waiting += [o for o in block.ops if isinstance(o, _WITH_STATEMENTS)]
    return found[::-1]


_WITH_STATEMENTS = scf.IfOp | scf.ForOp | ScanOp | WhileOp


def fuse_block(block: Block) -> None:
    """Fuses the generics of one block."""
    read_through(block)
    rebuild(Plan(block))
