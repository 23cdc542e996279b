"""
How equations between `nd` ops are applied.

A rule looks at one op and either writes what is equal to it or gives None:

    @rule(fn.LogOp)
    def log_of_plus_one(op: ElementwiseOp, b: Rewriter) -> Rewritten:
        \"\"\"log(x + 1) -> log1p(x)\"\"\"

Rules are found by the class of the op, so that a pass may have any number of them and an op
that none is about costs one look-up. The right side is never worse than the left, so a rule
fires wherever it matches, until none does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from xdsl.builder import InsertPoint
from xdsl.ir import Block, Operation, OpResult, SSAValue
from xdsl.traits import Pure

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import Derivative
from irc.dialects.nd.effects import StateReadOp
from irc.dialects.nd.sources import FullOp
from irc.dialects.nd.structure import BroadcastOp, ReshapeOp
from irc.dialects.verify import walk
from irc.errors import InternalError

# What equals the op, result by result; None for a result that nothing uses. None: no match.
Rewritten = SSAValue | Sequence[SSAValue | None] | None
Rule = Callable[[Any, "Rewriter"], Rewritten]
Op = TypeVar("Op", bound=Operation)

REWRITES_PER_OP = 50  # far above what equations that simplify can need


def rule(*classes: type[Operation]) -> Callable[[Rule], Rule]:
    """States which ops a rule is about."""

    def mark(f: Rule) -> Rule:
        f.classes = classes  # type: ignore[attr-defined]
        return f

    return mark


class Rules:
    """The rules of a pass, by the class of op they look at."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules
        self.by_class: dict[type[Operation], list[Rule]] = {}
        for one in rules:
            for cls in one.classes:  # type: ignore[attr-defined]
                self.by_class.setdefault(cls, []).append(one)


class Rewriter(Builder):
    """
    The builder that rules write with, before the op they look at and with its location.

    A value that a derivative is taken with respect to stands for itself: rules do not look
    through it (`made_by` gives None), and it is not rewritten.
    """

    def __init__(self, point: InsertPoint, opaque: set[SSAValue]) -> None:
        super().__init__(point)
        self.opaque = opaque
        self.derivatives = bool(opaque)  # whether some are still to be taken
        self.written: list[Operation] = []

    def insert(self, op: Operation) -> Operation:
        self.written.append(op)
        return super().insert(op)

    def made_by(self, x: SSAValue, cls: type[Op]) -> Op | None:
        """The op that gives `x`, when it is a `cls` that rules may look through."""
        if isinstance(x, OpResult) and isinstance(x.op, cls) and x not in self.opaque:
            return x.op
        return None

    def number_of(self, x: SSAValue) -> float | int | bool | None:
        """The number that `x` has everywhere, through broadcasts and reshapes of it."""
        while isinstance(x, OpResult) and x not in self.opaque:
            match x.op:
                case FullOp() as full:
                    return full.number
                case BroadcastOp(x=source) | ReshapeOp(x=source):
                    x = source
                case _:
                    return None
        return None

    def is_number(self, x: SSAValue, value: float | int | bool) -> bool:
        """Whether `x` is `value` everywhere; 0.0 and -0.0 differ."""
        n = self.number_of(x)
        return n is not None and n == value and math.copysign(1, n) == math.copysign(1, value)


def apply_rules(root: Operation, rules: Rules) -> bool:
    """Applies the rules inside `root` until none fires; erases what is dead. Gives whether any."""
    ops = list(nested_ops(root))
    opaque = opaque_values(ops)
    by_class, changed = rules.by_class, False
    limit = REWRITES_PER_OP * len(ops) + 1000
    stack = ops[::-1]
    waiting = set(stack)
    while stack:
        op = stack.pop()
        waiting.discard(op)
        if op.parent is None:
            continue  # erased, alone or with the region around it
        if is_dead(op):
            touched = erase(op)
        elif (own := by_class.get(type(op))) and opaque.isdisjoint(op.results):
            touched = _rewrite(op, own, opaque)
            limit -= bool(touched)
            changed |= bool(touched)
        else:
            continue
        if limit < 0:
            raise InternalError(f"{op.name}: the rules do not come to an end")
        for other in reversed(touched):
            if other not in waiting:
                waiting.add(other)
                stack.append(other)
    return changed


def _rewrite(op: Operation, rules: list[Rule], opaque: set[SSAValue]) -> list[Operation]:
    """Fires the first rule that matches; gives the ops to look at again."""
    b = Rewriter(InsertPoint.before(op), opaque)
    b.location = op.location
    for one in rules:
        given = one(op, b)
        if given is None:
            continue
        new = [given] if isinstance(given, SSAValue) else list(given)
        users = [use.operation for result in op.results for use in result.uses]
        for result, value in zip(op.results, new, strict=True):
            if value is not None:
                result.replace_all_uses_with(value)
        return [*erase(op), *b.written, *dict.fromkeys(users)]
    return []


def erase(op: Operation) -> list[Operation]:
    """Erases an op without uses. Gives the ops that it read from, which may be dead now."""
    sources = [x.op for x in op.operands if isinstance(x, OpResult)]
    for inner in nested_ops(op):
        sources += [x.op for x in inner.operands if isinstance(x, OpResult)]
    assert op.parent is not None
    op.parent.erase_op(op)
    return sources


_REMOVABLE: dict[type[Operation], bool] = {}


def is_removable(op: Operation) -> bool:
    """Whether `op` may go when its results are not used; ops with regions are left to nd-dce."""
    cls = type(op)
    known = _REMOVABLE.get(cls)
    if known is None:
        pure = op.has_trait(Pure) or cls is StateReadOp
        known = _REMOVABLE[cls] = bool(pure and op.results)
    return known and not op.regions


def is_dead(op: Operation) -> bool:
    return is_removable(op) and all(r.first_use is None for r in op.results)


def nested_ops(root: Operation) -> Iterator[Operation]:
    """All ops inside `root` in program order, each before those inside it."""
    return islice(walk(root), 1, None)


def blocks_of(op: Operation) -> list[Block]:
    return [block for region in op.regions for block in region.blocks]


def opaque_values(ops: Iterable[Operation]) -> set[SSAValue]:
    """What derivatives are taken with respect to, and what they hold constant."""
    return {x for op in ops if isinstance(op, Derivative) for x in (*op.wrt, *op.consts)}
