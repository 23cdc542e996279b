"""
States that only add products: over all steps that is one product, contracted along time.

    s[t] = s[t-1] + outer(d[t], x[t])   ->   s = s0 + d.T @ x

So the gradient of a weight that each step of a recurrence reads is one product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import Operation, OpResult, SSAValue

from irc.dialects.nd import scalar as fn
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.contraction import DotOp
from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.reduction import SumOp
from irc.dialects.nd.sources import FullOp
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp, TransposeOp
from irc.passes.nd.batch_rows import Steps, affordable, elements

# What commutes with a sum, besides products by what is the same at each step.
LINEAR = (TransposeOp, ReshapeOp, BroadcastOp, SumOp)
Rows = Callable[[SSAValue], SSAValue]


@dataclass
class Sum:
    """
    A product that each step adds to a state, out of the loop.

    result    what the scan gives for the state
    ops       the product, then what is done with it
    first     whether nothing stands before it: the state began as 0 and has no other terms
    """

    result: OpResult
    ops: list[Operation]
    negative: bool
    first: bool = False

    @property
    def product(self) -> DotOp:
        product = self.ops[0]
        assert isinstance(product, DotOp)
        return product

    @property
    def rows(self) -> list[SSAValue]:
        """What the product reads: both change from step to step."""
        return list(self.product.operands)

    def total(self, b: Builder, rows: Rows, outside: Rows) -> SSAValue:
        """The sum over all steps."""
        dot, (x, y) = self.product, map(rows, self.product.operands)
        batch = [[d + 1 for d in axes] for axes in dot.batch]
        contract = [[0, *(d + 1 for d in axes)] for axes in dot.contract]
        total = b.dot(x, y, (batch[0], batch[1]), (contract[0], contract[1]))
        made: dict[SSAValue, SSAValue] = {dot.res: total}
        for op in self.ops[1:]:
            xs = [made[x] if x in made else outside(x) for x in op.operands]
            again = op.clone(dict(zip(op.operands, xs, strict=True)))
            b.insert(again)
            made[op.results[0]] = again.results[0]
        return made[self.ops[-1].results[0]]


def sums_over_time(op: ScanOp, steps: Steps, kept: set[SSAValue]) -> list[Sum]:
    """
    Takes the products that states only add out of the chains of additions.

    kept   values whose rows stand in stacks
    The ops of a sum are then read by nothing in the loop but each other.
    """
    found: list[Sum] = []
    for k, (state, result) in enumerate(zip(op.states, op.res, strict=False)):
        many = len(found)
        for link in _chain(op, state):
            taken = _parts(link, steps, kept)
            if taken is None:
                continue
            parts, dissolved = taken
            found += [Sum(result, ops, negative) for ops, negative in parts]
            link.op.results[0].replace_all_uses_with(link.total)
            for one in (link.op, *dissolved):
                op.body.block.erase_op(one)
        if len(found) > many and not found[many].negative:
            found[many].first = op.end.operands[k] in state.args and _is_zero(state.init)
    return found


def _is_zero(x: SSAValue) -> bool:
    return isinstance(x.owner, FullOp) and x.owner.number == 0


@dataclass(frozen=True)
class _Link:
    """`total + term` or `total - term`."""

    op: Operation
    total: SSAValue
    term: SSAValue
    negative: bool


def _chain(op: ScanOp, state: ScanState) -> list[_Link]:
    """The additions from the row before to the next one, when a state is nothing but their sum."""
    if state.history or state.depth != 1 or state.taps != [1]:
        return []
    links, x = list[_Link](), state.args[0]
    total: SSAValue = x
    while total is not state.next:
        user = _only_user(total)
        if not isinstance(user, fn.AddOp | fn.SubOp) or user.parent is not op.body.block:
            return []
        left, right = user.operands
        if left is right or (right is total and isinstance(user, fn.SubOp)):
            return []
        term = right if left is total else left
        links.append(_Link(user, total, term, isinstance(user, fn.SubOp)))
        total = user.results[0]
    return links if _only_user(total) is op.end else []


def _only_user(x: SSAValue) -> Operation | None:
    uses = list(x.uses)
    return uses[0].operation if len(uses) == 1 else None


def _parts(
    link: _Link, steps: Steps, kept: set[SSAValue]
) -> tuple[list[tuple[list[Operation], bool]], list[Operation]] | None:
    """
    The products that a term is the sum of, each with what is done with it and whether it counts
    negative; and the signs and additions between, users first. None when more takes part.
    """
    parts, dissolved = list[tuple[list[Operation], bool]](), list[Operation]()
    stack: list[tuple[SSAValue, list[Operation], bool]] = [(link.term, [], link.negative)]
    while stack:
        x, after, negative = stack.pop()
        made = x.owner
        if (
            not isinstance(made, Operation)
            or made.parent is not steps.op.body.block
            or _only_user(x) is None
        ):
            return None
        if isinstance(made, DotOp):
            if not _pays(made, steps, kept):
                return None
            parts.append(([made, *after], negative))
        elif isinstance(made, fn.AddOp | fn.SubOp):
            if after:
                return None  # the ops after a sum would be needed once for each part
            left, right = made.operands
            dissolved.append(made)
            stack.append((right, after, negative != isinstance(made, fn.SubOp)))
            stack.append((left, after, negative))
        elif isinstance(made, fn.NegOp):
            dissolved.append(made)
            stack.append((made.operands[0], after, not negative))
        elif (inner := _linear_in(made, steps)) is not None:
            stack.append((inner, [made, *after], negative))
        else:
            return None
    return parts, dissolved


def _linear_in(op: Operation, steps: Steps) -> SSAValue | None:
    """The operand that changes from step to step, when the result is a multiple of it."""
    if isinstance(op, LINEAR):
        return op.operands[0]
    if isinstance(op, fn.MulOp):
        for x, c in (op.operands, list(op.operands)[::-1]):
            if steps.is_fixed([c]) and not steps.is_fixed([x]):
                return x
    return None


def _pays(dot: DotOp, steps: Steps, kept: set[SSAValue]) -> bool:
    """Whether one side stands in a stack, and one of the other is not much larger."""
    if any(steps.is_fixed([x]) for x in dot.operands):
        return False
    new = [x for x in dot.operands if x not in kept]
    return len(new) < 2 and affordable(new, elements(x for x in dot.operands if x in kept))
