"""The contraction of two tensors, of which every matrix product is a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.rows import to_front
from irc.dialects.nd.types import IntsAttr, TensorType, dims_of, dtype_of, rank_of, type_text
from irc.sizes import Size


def free_axes(rank: int, batch: Sequence[int], contract: Sequence[int]) -> list[int]:
    """The axes of one operand that are neither shared nor summed."""
    return [d for d in range(rank) if d not in batch and d not in contract]


def dot_dims(
    a: tuple[Size, ...], b: tuple[Size, ...], batch: tuple[Sequence[int], Sequence[int]],
    contract: tuple[Sequence[int], Sequence[int]],
) -> tuple[Size, ...]:  # fmt: skip
    """Sizes of the product: batch, then the free axes of `a`, then those of `b`."""
    left = free_axes(len(a), batch[0], contract[0])
    right = free_axes(len(b), batch[1], contract[1])
    return tuple([a[d] for d in batch[0]] + [a[d] for d in left] + [b[d] for d in right])


@irdl_op_definition
class DotOp(IRDLOperation):
    """
    `res[b.., m.., n..] = sum over k.. of lhs[b, m, k] * rhs[b, n, k]`, axes in any order.

    (C1) Batch axes pair up, contracted axes pair up, no axis occurs twice.
    (C2) Paired sizes are equal.
    (C3) One dtype, a number.
    (C4) The result has the sizes of batch axes, free axes of `lhs`, free axes of `rhs`.

    The order of the sum is not defined, as for every product; see --reproducible.
    """

    name = "nd.dot"
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    lhs_batch = prop_def(IntsAttr)
    rhs_batch = prop_def(IntsAttr)
    lhs_contract = prop_def(IntsAttr)
    rhs_contract = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$lhs `,` $rhs `batch` $lhs_batch `,` $rhs_batch `contract` $lhs_contract `,` "
        "$rhs_contract attr-dict `:` type($lhs) `,` type($rhs) `to` type($res)"
    )

    @property
    def batch(self) -> tuple[Sequence[int], Sequence[int]]:
        return self.lhs_batch.data, self.rhs_batch.data

    @property
    def contract(self) -> tuple[Sequence[int], Sequence[int]]:
        return self.lhs_contract.data, self.rhs_contract.data

    def verify_(self) -> None:
        a, b = dims_of(self.lhs), dims_of(self.rhs)
        for dims, own, other in ((a, 0, 1), (b, 1, 0)):
            used = [*self.batch[own], *self.contract[own]]
            paired = len(self.batch[own]) == len(self.batch[other])
            paired = paired and len(self.contract[own]) == len(self.contract[other])
            if len(set(used)) < len(used) or not all(0 <= d < len(dims) for d in used):
                raise VerifyException(f"dot (C1): axes {used} of rank {len(dims)}")
            if not paired:
                raise VerifyException("dot (C1): axes do not pair up")
        for left, right in (self.batch, self.contract):
            for i, j in zip(left, right, strict=True):
                if a[i] != b[j]:
                    raise VerifyException(f"dot (C2): {a[i]} on the left, {b[j]} on the right")
        dtype = dtype_of(self.lhs)
        one = dtype is dtype_of(self.rhs) and dtype is dtype_of(self.res)
        if not one or dtype.kind == "bool":
            raise VerifyException("dot (C3): operands and result need one dtype, a number")
        if dims_of(self.res) != dot_dims(a, b, self.batch, self.contract):
            raise VerifyException(f"dot (C4): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """
        With dy[b, m, n]: d lhs[b, m, k] = dy . rhs over n, and d rhs[b, n, k] = dy . lhs over m.
        """
        batch, contract = self.batch, self.contract
        m = free_axes(len(dims_of(self.lhs)), batch[0], contract[0])
        n = free_axes(len(dims_of(self.rhs)), batch[1], contract[1])
        shared = len(batch[0])
        dy_m = list(range(shared, shared + len(m)))
        dy_n = list(range(shared + len(m), shared + len(m) + len(n)))

        def side(own: int, own_free: list[int], dy_other: list[int]) -> SSAValue:
            other = 1 - own
            value = (self.lhs, self.rhs)[other]
            other_free = n if own == 0 else m
            # Axes of the product: batch, own free ones, then the contracted ones of `value` in
            # the order in which they stand there.
            product = b.dot(dy, value, (list(range(shared)), batch[other]), (dy_other, other_free))
            kept = free_axes(len(dims_of(value)), batch[other], other_free)
            place = [*batch[own], *own_free]
            place += [contract[own][list(contract[other]).index(d)] for d in kept]
            return b.transpose(product, [place.index(d) for d in range(len(place))])

        return side(0, m, dy_n), side(1, n, dy_m)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Rows of one side are more of its free axes; rows of both are a batch."""
        batch, contract = (
            [[d + own for d in axes] for axes, own in zip(pair, rows, strict=True)]
            for pair in (self.batch, self.contract)
        )
        shared = len(batch[0])
        if all(rows):
            return b.dot(*xs, ([0, *batch[0]], [0, *batch[1]]), contract)
        if rows[0]:
            return to_front(b, b.dot(*xs, batch, contract), shared)
        rank = rank_of(self.res)
        m = len(free_axes(rank_of(self.lhs), self.batch[0], self.contract[0]))
        if shared + m < rank:
            return to_front(b, b.dot(*xs, batch, contract), shared + m)
        # The right side has no other free axis: its rows come first without moving anything.
        return to_front(b, b.dot(*xs[::-1], batch[::-1], contract[::-1]), shared)
