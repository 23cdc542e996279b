"""
Scans and loops while their bodies are written.

The time of a step is a symbol in polynomials, as an index variable is: `u[t - 4]` is seen to be
row t - 4 of `u`, and the facts 0 <= t < T prove that reads are inside. In the IR it is an i64
scalar, which `Unit.times` holds for each symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.ir import Block, SSAValue

from irc import sizes
from irc.dialects.nd import Builder
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of
from irc.dtypes import I64, DType
from irc.frontend.analysis.counting import symbol
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import (
    NOWHERE,
    Binder,
    Open,
    Origin,
    Record,
    SizeOf,
    Step,
    Tensor,
    TupleOf,
)
from irc.sizes import Poly, Size, poly

UNBOUNDED = 1 << 32  # steps that numbers of draws leave room for where no bound is known


class Wider(Exception):
    """
    What is carried depends on more index variables than was thought: the body is read again.

    key     which value: names of what carries it, and the number of its part
    batch   the index variables
    """

    def __init__(self, key: tuple[str, int], batch: tuple[Binder, ...]) -> None:
        super().__init__(key)
        self.key = key
        self.batch = batch


Hints = dict[tuple[str, int], tuple[Binder, ...]]  # what `Wider` told, by its key


@dataclass(eq=False)
class Recurrence:
    """
    One scan or loop.

    binder    its index, as an index variable whose size is the number of steps, or None
    around    the block it will stand in
    block     the body; of a `while` the condition first
    counter   gives the number of the step, an i64 scalar of the block that is written
    draft     the scan, None for a `while`
    word      "scan" or "loop"
    """

    env: Env
    binder: Binder
    counter: Callable[[], SSAValue]
    draft: ScanDraft | None = None
    word: str = "scan"
    block: Block = field(default_factory=Block)
    around: Block = field(init=False)
    rows: dict[tuple[SSAValue, int, int, Poly], SSAValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        env = self.env
        self.around = env.blocks[-1]
        self._place = env.facts, env.binders, env.guard, env.recurrences, env.blocks
        self._scopes = tuple(env.scopes)
        if self.draft is not None:
            self.block = self.draft.block

    @cached_property
    def opens(self) -> set[object]:
        """`make` of the open values around it: they are made before it."""
        return set(_opens(value for scope in self._scopes for value in scope.values()))

    @property
    def symbol(self) -> str:
        return symbol(self.binder)

    @property
    def depth(self) -> int:
        """How many blocks are around it."""
        return len(self._place[4])

    def step(self, origin: Origin) -> Step:
        """The index as a value."""
        return step_of(self.env, sizes.var(self.symbol), (), origin)

    @contextmanager
    def entered(self, block: Block) -> Iterator[None]:
        """Inside, `block` is written, and the index is between 0 and the number of steps."""
        env = self.env
        before = env.recurrences
        env.recurrences = (*before, self)
        try:
            with env.region(block):
                if self.binder.size is not None:
                    env.facts.add_nonnegative(poly(self.binder.size) - 1 - sizes.var(self.symbol))
                yield
        finally:
            env.recurrences = before

    @contextmanager
    def outside(self, asking: Env) -> Iterator[Builder]:
        """Inside, ops are written before the recurrence; `asking` stands in its body."""
        envs = list(dict.fromkeys((self.env, asking)))
        kept = [_place_of(env) for env in envs]
        builder = Builder(self.around, asking.b.location)
        for env in envs:
            _put(env, (builder, *self._place))
        try:
            yield builder
        finally:
            for env, place in zip(envs, kept, strict=True):
                _put(env, place)

    def is_outside(self, env: Env, x: SSAValue) -> bool:
        """Whether a value that is visible in the body was made before the recurrence."""
        block = x.owner if isinstance(x.owner, Block) else x.owner.parent
        return block not in env.blocks[self.depth :]

    def always_runs(self, env: Env) -> bool:
        """Whether what `env` writes runs in every step of this and of the scans inside."""
        bodies = {r.block for r in env.recurrences}
        return env.guard is None and all(b in bodies for b in env.blocks[self.depth :])

    # -- rows of tensors

    def row(self, env: Env, x: Tensor, axis: int, step: int, offset: Poly) -> Tensor:
        """
        x at position step * t + offset of `axis`, whose size becomes 1.

        x is made outside, and the positions of all steps are inside it.
        """
        assert self.draft is not None
        key = x.ssa, axis, step, offset
        known = self.rows.get(key)
        if known is None:
            with self.outside(env) as b:
                sequence, tap = self._sequence(b, x, axis, step, offset)
            row = self.draft.row(sequence, tap)
            dims = list(dims_of(row))
            dims.insert(len(x.batch) + axis, 1)
            known = Builder(self.block, env.b.location).reshape(row, dims)
            self.rows[key] = known
        return Tensor(known, x.origin, x.batch)

    def _sequence(
        self, b: Builder, x: Tensor, axis: int, step: int, offset: Poly
    ) -> tuple[SSAValue, int]:
        """A tensor whose row t + tap is wanted in step t."""
        at, rank = len(x.batch) + axis, len(dims_of(x.ssa))
        first = b.transpose(x.ssa, [at, *(a for a in range(rank) if a != at)])
        count, dims = self.binder.size, dims_of(first)
        assert count is not None
        tap = offset.constant
        if step == 1 and tap is not None and (dims[0] - poly(count) - tap).nonnegative():
            return first, tap
        zeros, ones = [0] * (rank - 1), [1] * (rank - 1)
        return b.slice(first, [count, *dims[1:]], [sizes.size(offset), *zeros], [step, *ones]), 0


def counted(env: Env, p: Poly, batch: tuple[Binder, ...]) -> SizeOf | Step:
    """An integer that is known as a polynomial, as a value."""
    if mentions_time(p, env.recurrences):
        return step_of(env, p, batch)
    return SizeOf(p, batch=batch)


def step_of(env: Env, p: Poly, batch: tuple[Binder, ...], origin: Origin = NOWHERE) -> Step:
    """A polynomial in which the index of a recurrence stands, as a value."""
    from irc.frontend.analysis.comprehension import materialize

    def make(dtype: DType) -> SSAValue:
        return materialize(env, p, batch, dtype, origin).ssa

    return Step(make, "int", (), origin, batch, p)


def mentions_time(p: Poly, recurrences: Iterable[Recurrence]) -> bool:
    """Whether the index of one of these stands in `p`."""
    names = p.symbols()
    return any(r.symbol in names for r in recurrences)


def number(recurrences: Sequence[Recurrence], b: Builder) -> SSAValue | None:
    """The number of this step among all of the recurrences around it; None outside of any."""
    total: SSAValue | None = None
    for r in recurrences:
        step = r.counter()
        if total is not None:
            size: Size = UNBOUNDED if r.binder.size is None else r.binder.size
            step = b.add(b.mul(total, b.size(size, I64)), step)
        total = step
    return total


Place = tuple[object, ...]


def _place_of(env: Env) -> Place:
    return env.b, env.facts, env.binders, env.guard, env.recurrences, env.blocks


def _put(env: Env, place: Place) -> None:
    env.b, env.facts, env.binders, env.guard, env.recurrences, env.blocks = place  # type: ignore[assignment]


def _opens(values: Iterable[object]) -> Iterator[object]:
    pending = list(values)
    while pending:
        value = pending.pop()
        match value:
            case Open(make=make) if not isinstance(value, Step):
                yield make
            case TupleOf(items=items):
                pending.extend(items)
            case Record(fields=fields):
                pending.extend(fields.values())
