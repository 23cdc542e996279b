"""Adds a check after every op that could make a NaN, for `--check nan`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from irc.abi import INIT_FUNCTION
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp, SliceOp, TransposeOp
from irc.dialects.nd.types import TensorType, dims_of, dtype_of
from irc.dialects.verify import walk

# What only moves elements, or makes known ones, makes no NaN that was not there before.
INNOCENT = (BroadcastOp, ConstantOp, FullOp, IotaOp, ReshapeOp, SliceOp, TransposeOp)


@dataclass(frozen=True)
class CheckNanPass(ModulePass):
    """
    The first NaN of a call ends it with a message that has the line which made it.

    ```
    %y = nd.log %x     ->    %y = nd.log %x
                             %bad = nd.isnan %y
                             %ok = nd.not %bad
                             nd.assert "assert" %ok, "`y` is NaN"()
    ```

    Arguments are checked too. A NaN that a later `where` would drop is reported as any other.
    Needs nd. Leaves nd.
    """

    name = "nd-check-nan"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in op.body.block.ops:
            if not isinstance(function, FuncOp) or not function.body.blocks:
                continue
            made = [one for one in walk(function) if not isinstance(one, INNOCENT)]
            if function.sym_name.data != INIT_FUNCTION:
                check_arguments(function.body.block)
            for one in made:
                for result in one.results:
                    if is_float(result):
                        check(result, one, InsertPoint.after(one), described(result, one))


def check_arguments(block: Block) -> None:
    first = block.first_op
    if first is None:
        return
    for argument in block.args:
        if is_float(argument):
            name = argument.name_hint or f"{argument.index}"
            check(argument, first, InsertPoint.before(first), f"argument `{name}`")


def is_float(value: SSAValue) -> bool:
    return isinstance(value.type, TensorType) and dtype_of(value).is_float


def described(value: SSAValue, op: Operation) -> str:
    what = op.name.removeprefix("nd.")
    return f"`{value.name_hint}` ({what})" if value.name_hint else f"the result of {what}"


def check(value: SSAValue, op: Operation, point: InsertPoint, what: str) -> None:
    b = Builder(point, op.location)
    ok = b.scalar("not", b.scalar("isnan", value))
    rank = len(dims_of(value))
    place = f" at [{', '.join(f'{{@{axis}}}' for axis in range(rank))}]" if rank else ""
    b.assert_(ok, f"{what} is NaN{place}")
