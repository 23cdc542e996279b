"""Values of a scan's steps as stacks: what can be done for all rows at once, and at which price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.traits import Pure

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.convolution import ConvOp
from irc.dialects.nd.indexing import IndexedOp
from irc.dialects.nd.loops import ScanOp
from irc.dialects.nd.scalar import PointwiseOp
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, SizeOp
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp, SliceOp, TransposeOp
from irc.dialects.nd.types import dims_of
from irc.passes.nd.hoist_invariants import can_fail
from irc.passes.nd.scans import has_effects, values_inside
from irc.sizes import Poly, Size

PRODUCTS = (DotOp, ConvOp)
# How many times larger than what is there anyway a new stack may be.
AFFORDABLE = 64


@dataclass
class Steps:
    """
    The body of a scan, seen as rows.

    inside   values that its regions define
    fixed    those that are the same at each step, and little work
    guarded  whether some steps, or some ops of a step, may not run
    """

    op: ScanOp
    inside: set[SSAValue] = field(init=False)
    fixed: set[SSAValue] = field(init=False)
    ops: list[Operation] = field(init=False)
    copies: dict[SSAValue, SSAValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inside = values_inside(self.op)
        self.guarded = self.op.stop is not None or has_effects(self.op)
        *self.ops, _ = self.op.body.block.ops
        self.fixed = set()
        for op in self.ops:
            if isinstance(op, _REPEATABLE) and self.is_fixed(op.operands) and not can_fail(op):
                self.fixed.update(op.results)

    def is_fixed(self, xs: Iterable[SSAValue]) -> bool:
        return all(x in self.fixed or x not in self.inside for x in xs)

    def outside(self, b: Builder, x: SSAValue) -> SSAValue:
        """A fixed value where `b` writes, before the scan or after it."""
        if x not in self.fixed:
            return x
        stack: list[SSAValue] = [x]
        while stack:
            one = stack[-1]
            assert isinstance(one, OpResult)
            missing = [y for y in one.op.operands if y in self.fixed and y not in self.copies]
            if missing:
                stack += missing
                continue
            stack.pop()
            if one not in self.copies:
                b.insert(one.op.clone(self.copies))
        return self.copies[x]

    def batchable(self, op: Operation) -> bool:
        """Whether all rows of `op` may be computed at once, also those that a step would not."""
        rule = hasattr(op, "batched") and op.has_trait(Pure) and not op.regions
        return rule and not can_fail(op) if self.guarded else rule

    def batched(
        self, b: Builder, op: Operation, xs: list[SSAValue], rows: list[bool]
    ) -> SSAValue | None:
        """All rows of `op`, with its place and name."""
        if self.guarded and isinstance(op, IndexedOp):
            op.properties.pop("in_bounds", None)  # a check inside may have promised it
        b.location = op.location
        stack: SSAValue | None = op.batched(b, self.op.steps, xs, rows)  # type: ignore[attr-defined]
        if stack is not None and op.results[0].name_hint:
            stack.name_hint = op.results[0].name_hint
        return stack


# What costs little to make again elsewhere.
_REPEATABLE = (
    *(FullOp, IotaOp, SizeOp, ConstantOp),
    *(BroadcastOp, PointwiseOp, ReshapeOp, TransposeOp, SliceOp),
)


def elements(xs: Iterable[SSAValue]) -> Poly:
    """Numbers in one row of each."""
    return sizes.poly(sum((sizes.poly(sizes.product(dims_of(x))) for x in xs), sizes.const(0)))


def affordable(new: Iterable[SSAValue], there: Poly) -> bool:
    """Whether stacks of `new` rows are not much larger than `there`, as far as known."""
    excess = elements(new) - there * AFFORDABLE
    known: Size = sizes.size(excess)
    return known <= 0 if isinstance(known, int) else not (excess - 1).nonnegative()
