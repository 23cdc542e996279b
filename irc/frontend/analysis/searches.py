"""An `nd.while` while it is written: values are added as their dtypes become known."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import Attribute, Block, BlockArgument, Region, SSAValue

from irc.dialects.nd import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import WhileOp
from irc.dialects.nd.structure import offsets
from irc.dtypes import BOOL, I64
from irc.frontend.analysis.broadcasting import binder_size, spread
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.recurrences import Recurrence
from irc.frontend.analysis.values import Binder, Tensor
from irc.sizes import Size


@dataclass(eq=False)
class Search:
    """
    The two blocks of an `nd.while` and what goes round.

    cond, body  the blocks; `here` is the one that is written
    inits       first values; `nexts` what the body makes of each
    counter     which value counts the steps, once something asks for their number
    """

    cond: Block = field(default_factory=Block)
    body: Block = field(default_factory=Block)
    here: Block = field(init=False)
    inits: list[SSAValue] = field(default_factory=list)
    nexts: dict[int, SSAValue] = field(default_factory=dict)
    counter: int | None = None

    def __post_init__(self) -> None:
        self.here = self.cond

    def value(self, init: SSAValue) -> int:
        """One more value; gives its place."""
        self.inits.append(init)
        for block in (self.cond, self.body):
            arg = block.insert_arg(init.type, len(block.args))
            arg.name_hint = init.name_hint
        return len(self.inits) - 1

    def argument(self, place: int) -> BlockArgument:
        """The value in the block that is written."""
        return self.here.args[place]

    def number(self, env: Env, recurrence: Recurrence) -> BlockArgument:
        """The number of this step, an i64 scalar."""
        if self.counter is None:
            with recurrence.outside(env) as b:
                self.counter = self.value(b.full((), I64, 0))
        return self.argument(self.counter)

    def finish(self, b: Builder, holds: SSAValue, limit: Size | None) -> WhileOp:
        """Writes the op; `holds` is the condition."""
        self.cond.add_op(YieldOp.create(operands=[holds]))
        if self.counter is not None:
            end = Builder(self.body, b.location)
            count = self.body.args[self.counter]
            self.nexts[self.counter] = end.add(count, end.full((), I64, 1))
        self.body.add_op(YieldOp.create(operands=[self.nexts[k] for k in range(len(self.inits))]))
        properties: dict[str, Attribute] = {}
        if limit is not None:
            properties["limit"] = offsets([limit])
        op = WhileOp.create(
            operands=self.inits,
            result_types=[x.type for x in self.inits],
            properties=properties,
            regions=[Region(self.cond), Region(self.body)],
        )
        b.insert(op)
        return op


@dataclass(eq=False)
class Alive:
    """For which values of index variables a search still goes on: a bool for each, carried."""

    search: Search
    place: int
    batch: tuple[Binder, ...]

    @classmethod
    def of(cls, r: Recurrence, search: Search, batch: tuple[Binder, ...]) -> Alive:
        """At first for all."""
        with r.outside(r.env) as b:
            place = search.value(b.full([binder_size(v) for v in batch], BOOL, True))
        return cls(search, place, batch)

    def any(self, env: Env, holds: Tensor) -> SSAValue:
        """Whether a step is wanted for any of them."""
        return env.b.reduce("any", self._both(env, holds), range(len(self.batch)))

    def going(self, env: Env, holds: Tensor) -> Tensor:
        """For which of them this step is wanted: never again for what has stopped."""
        both = self._both(env, holds)
        self.search.nexts[self.place] = both
        return Tensor(both, batch=self.batch)

    def _both(self, env: Env, holds: Tensor) -> SSAValue:
        condition = spread(env, holds, self.batch, ()).ssa
        return env.b.scalar("and", self.search.argument(self.place), condition)
