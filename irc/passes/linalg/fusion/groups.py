"""
Ops that become one loop nest.

A group walks one iteration space. Its members read values at accesses in the loops of the group;
a member whose result is read inside is computed there, at that access, and has no array of its
own unless somebody else needs one.

Every group has a height: more than that of any group that uses its results. Groups of equal
height cannot depend on each other, and a producer may join its highest consumer; so decisions
need no search for cycles, and the whole is linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.core import OpResult

from irc.dialects import upstream
from irc.dialects.nd.types import dims_of
from irc.passes.linalg.fusion.cost import body_cost
from irc.passes.linalg.generics import (
    CONTRACTION,
    Access,
    Term,
    accesses_of,
    body_of,
    compose,
    identity,
    is_permutation,
    is_projection,
    operands_of,
    reduces_of,
    term,
)
from irc.sizes import Size

upstream.mend()


class Loops:
    """
    What fusion knows about a generic that it may fuse.

    extents           length of each loop
    inputs, outputs   operands
    ins, outs         their accesses
    """

    __slots__ = ("op", "extents", "reduces", "inputs", "outputs", "ins", "outs", "cost")

    def __init__(
        self, op: GenericOp, extents: tuple[Size, ...], accesses: Sequence[Access]
    ) -> None:
        self.op = op
        self.inputs, self.outputs = operands_of(op)
        count = len(self.inputs)
        self.extents = extents
        self.reduces = reduces_of(op)
        self.ins = accesses[:count]
        self.outs = accesses[count:]
        self.cost = body_cost(body_of(op))

    @property
    def is_elementwise(self) -> bool:
        """No reduction, every result written once in every step, nothing read from `outs`."""
        loops, block = len(self.reduces), body_of(self.op)
        return (
            not any(self.reduces)
            and all(is_permutation(a, loops) for a in self.outs)
            and all(a.first_use is None for a in block.args[len(self.ins) :])
        )


def loops_of(op: Operation) -> Loops | None:
    """None for ops that are never fused: contractions, unusual maps, bodies with regions."""
    if not isinstance(op, GenericOp) or CONTRACTION in op.attributes:
        return None
    accesses = accesses_of(op)
    if accesses is None or any(inner.regions for inner in body_of(op).ops):
        return None
    loops = len(reduces_of(op))
    extents: list[Size | None] = [None] * loops
    for value, access in zip(op.operands, accesses, strict=True):
        for t, size in zip(access, dims_of(value), strict=True):
            if t[1] == 1 and t[2] == 0:
                extents[t[0]] = size
    known = tuple(e for e in extents if e is not None)
    if len(known) < loops or not all(
        is_projection(a) for a in accesses[len(op.operands) - len(op.results) :]
    ):
        return None
    return Loops(op, known, accesses)


class Group:
    """
    accesses   member -> the terms of its loops in those of the group; several when its results
               are read at several places
    reads      value from outside -> the accesses at which members read it
    needs      values that must be in memory: initial values, captured tensors, other operands
    outputs    results that others need as arrays, with their accesses
    """

    __slots__ = (
        "ops",
        "height",
        "loops",
        "accesses",
        "reads",
        "needs",
        "outputs",
        "covers",
        "home",
    )

    def __init__(self, op: Operation, height: int, loops: Loops | None) -> None:
        self.ops: list[Operation] = [op]
        self.height = height
        self.loops = loops  # of the op that started it; None when nothing may join
        self.accesses: dict[Operation, list[Access]] = {}
        self.reads: dict[SSAValue, dict[Access, None]] = {}
        self.needs: dict[SSAValue, None] = {}
        self.outputs: dict[OpResult, Access] = {}
        self.covers: dict[Term, int] = {}
        self.home: Group = self  # the group that this one was merged into

    @property
    def extents(self) -> tuple[Size, ...]:
        assert self.loops is not None
        return self.loops.extents

    @property
    def is_reduction(self) -> bool:
        assert self.loops is not None
        return any(self.loops.reduces)

    @property
    def folds(self) -> bool:
        """Whether reductions are plain folds, which are vectorized; others are not to slow them."""
        assert self.loops is not None
        return not self.is_reduction or _is_fold(self.loops)

    @property
    def operand_count(self) -> int:
        return sum(len(a) for a in self.reads.values()) + len(self.outputs)

    def same_space(self, other: Group) -> bool:
        """Whether both walk the same loops, in the same order."""
        a, b = self.loops, other.loops
        return a is not None and b is not None and a.extents == b.extents and a.reduces == b.reduces

    # -- members

    def add(self, loops: Loops, at: Access, captured: Iterable[SSAValue]) -> None:
        """A member computes its results for loops at `at`."""
        known = self.accesses.get(loops.op)
        if known is None:
            self.accesses[loops.op] = [at]
            if loops.op is not self.ops[0]:
                self.ops.append(loops.op)
        else:
            known.append(at)
        for value, own in zip(loops.inputs, loops.ins, strict=True):
            self._read(value, compose(own, at))
        self.needs.update(dict.fromkeys(captured))

    def write(self, loops: Loops, result: OpResult, at: Access) -> None:
        """A result of a member is needed as an array."""
        access = compose(loops.outs[result.index], at)
        self.outputs[result] = access
        self.needs[loops.outputs[result.index]] = None
        self._cover(access, 1)

    def _read(self, value: SSAValue, access: Access) -> None:
        found = self.reads.setdefault(value, {})
        if access not in found:
            found[access] = None
            self._cover(access, 1)

    def take(self, value: SSAValue) -> None:
        """The value is computed inside from now on, it is no longer read."""
        for access in self.reads.pop(value):
            self._cover(access, -1)

    def _cover(self, access: Access, count: int) -> None:
        """Counts the operands from which the length of a loop follows."""
        for t in access:
            if t[1] == 1 and t[2] == 0:
                self.covers[t] = self.covers.get(t, 0) + count

    def still_covered(self, value: SSAValue, added: Sequence[Access]) -> bool:
        """Whether every reduction loop has an operand that tells its length, without `value`."""
        if not self.is_reduction:
            return True
        assert self.loops is not None
        for d, reduction in enumerate(self.loops.reduces):
            t = term(d)
            if not reduction or any(t in access for access in added):
                continue
            lost = sum(1 for access in self.reads[value] if t in access)
            if self.covers.get(t, 0) - lost <= 0:
                return False
        return True

    def merge(self, other: Group) -> None:
        """Takes over all members of a group of the same space and height."""
        for op in other.ops:
            if op in self.accesses:
                known = self.accesses[op]
                known += [a for a in other.accesses[op] if a not in known]
            else:
                self.ops.append(op)
                self.accesses[op] = other.accesses[op]
        for value, accesses in other.reads.items():
            for access in accesses:
                self._read(value, access)
        self.needs.update(other.needs)
        for result, access in other.outputs.items():
            self.outputs[result] = access
            self._cover(access, 1)
        other.home = self


def _is_fold(loops: Loops) -> bool:
    """Whether each total is used once, by the op that gives the next one."""
    block = body_of(loops.op)
    end = block.last_op
    assert end is not None
    for total, following in zip(block.args[len(loops.ins) :], end.operands, strict=True):
        uses = list(total.uses)
        if len(uses) != 1 or uses[0].operation is not following.owner:
            return False
    return True


def root_access(loops: Loops) -> Access:
    return identity(len(loops.extents))


def captured_values(op: Operation, block: Block) -> list[SSAValue]:
    """Values of `block` that are used inside the regions of `op`."""
    if not op.regions:
        return []
    found: list[SSAValue] = []
    if isinstance(op, GenericOp):
        for inner in body_of(op).ops:
            found += [v for v in inner.operands if _defined_in(v, block)]
        return found
    for inner in op.walk():
        if inner is not op:
            found += [v for v in inner.operands if _defined_in(v, block)]
    return found


def _defined_in(value: SSAValue, block: Block) -> bool:
    return type(value) is OpResult and value.op.parent is block
