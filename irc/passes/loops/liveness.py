"""When the contents of tensor values are needed for the last time."""

from __future__ import annotations

from xdsl.dialects import tensor
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, Operation, SSAValue

# Results of these ops show the memory of their first operand.
VIEWS: tuple[type[Operation], ...] = (
    tensor.CollapseShapeOp,
    tensor.ExpandShapeOp,
    tensor.ReshapeOp,
    tensor.CastOp,
    tensor.ExtractSliceOp,
)


class Liveness:
    """
    Positions of one block's ops, and for each tensor defined in it its last use.

    A use inside a region counts where the op with the region stands. A view's uses are uses of
    what it shows.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.position: dict[Operation, int] = {op: i for i, op in enumerate(block.ops)}
        self.last: dict[SSAValue, int] = {}
        ops = list(block.ops)
        for op in reversed(ops):
            for value in op.results:
                if isinstance(value.type, TensorType):
                    self._visit(value)
        for arg in block.args:
            if isinstance(arg.type, TensorType):
                self._visit(arg)

    def _visit(self, value: SSAValue) -> None:
        last = -1
        for use in value.uses:
            user: Operation = use.operation
            top = self.ancestor(user)
            last = max(last, self.position[top])
            if top is user and isinstance(user, VIEWS) and use.index == 0:
                last = max(last, self.last.get(user.results[0], -1))
        self.last[value] = last

    def ancestor(self, op: Operation) -> Operation:
        """The op of this block that `op` is, or is inside of."""
        while op.parent is not self.block:
            above = op.parent_op()
            assert above is not None
            op = above
        return op
