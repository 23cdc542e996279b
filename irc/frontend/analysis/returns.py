"""
The body of a function: statements up to `return`, which may stand inside `if`.

An `if` with a `return` inside splits the way through the body. What comes behind it belongs to
each branch that goes on:

    if c { return a }          return if c then a else {
    let y = ...           ->       let y = ...
    return b                       return b
                               }

Both ways are regions of one `nd.if`, whose results are the value and the states that change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.ir import Block

from irc.diagnostics import Label, Span
from irc.frontend import tree, walk
from irc.frontend.analysis import conditionals, statements, states
from irc.frontend.analysis.checks import guarded
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.types import Declared, Place, TensorType, TupleType, fit
from irc.frontend.analysis.values import Number, Open, Tensor, TupleOf, Value

MAX_WAYS = 50  # through one body


@dataclass(frozen=True)
class Returned:
    """What a body gives; an empty tuple when it returns nothing."""

    value: Value
    span: Span


# Statements, and how many scopes are open around them.
Group = tuple[Sequence[tree.Stmt], int]


def run_function(
    env: Env, block: tree.Block, result: Declared | None, name: tree.Ident
) -> Returned:
    """
    The statements of a body.

    Mistakes are reported one by one, and the statements behind them are read as far as they do
    not depend on them. Raises Problem, already reported, when there was any.
    """
    return _Body(env, result, name).way([(block.statements, len(env.scopes))], block.span)


class _Body:
    def __init__(self, env: Env, result: Declared | None, name: tree.Ident) -> None:
        self.env = env
        self.result = result
        self.name = name
        self.ways = 0

    def way(self, groups: Sequence[Group], span: Span) -> Returned:
        """The groups one after the other, up to a `return`."""
        env, good = self.env, True
        returned: Returned | None = None
        for k, (group, depth) in enumerate(groups):
            with _scopes(env, depth):
                for n, statement in enumerate(group):
                    try:
                        if returned is not None:
                            raise _unreachable(env, statement, returned.span)
                        if isinstance(statement, tree.Return):
                            returned = Returned(TupleOf(()), statement.span)
                            returned = self._return(statement)
                        elif isinstance(statement, tree.If) and _returns(statement):
                            later = [(group[n + 1 :], len(env.scopes)), *groups[k + 1 :]]
                            if good:
                                return self._split(statement, later)
                            raise Problem(None)
                        else:
                            statements.execute(env, statement)
                    except Problem as mistake:
                        good = False
                        env.problems.report(mistake, env.frame.node)
                        statements.poison(env, statement)
            if returned is not None:
                break
        if not good:
            raise Problem(None)
        return returned or self._end(span)

    def _end(self, span: Span) -> Returned:
        if self.result is None:
            return Returned(TupleOf(()), span)
        way = self.ways > 0
        mistake = self.env.error(
            "E0111",
            f"`{self.name.name}` ends without `return`",
            span if way else self.name.span,
            "not on every way through it" if way else f"declared to give {self.result.text}",
        )
        self.env.problems.report(mistake, self.env.frame.node)
        raise Problem(None)

    def _return(self, node: tree.Return) -> Returned:
        from irc.frontend.analysis.expressions import evaluate

        parts: tuple[Declared | None, ...] = (self.result,)
        if isinstance(self.result, TupleType):
            parts = self.result.parts
        if len(parts) != len(node.values):
            parts = (None,) * len(node.values)
        values = []
        for expr, part in zip(node.values, parts, strict=True):
            dtype = part.dtype if isinstance(part, TensorType) else None
            values.append(evaluate(self.env, expr, dtype))
        if len(values) == 1:
            return Returned(values[0], node.values[0].span)
        span = node.values[0].span.to(node.values[-1].span) if values else node.span
        return Returned(TupleOf(tuple(values)), span)

    # -- two ways

    def _split(self, node: tree.If, later: Sequence[Group]) -> Returned:
        """An `if` with `return` inside, and all that comes behind it."""
        env = self.env
        self.ways += 1
        if self.ways > MAX_WAYS:
            raise env.unsupported(
                f"more than {MAX_WAYS} ways through one function",
                node.span,
                helps=["return a choice at the end: `return if c then a else b`"],
            )
        if _always(node) and later[0][0]:
            raise _unreachable(env, later[0][0][0], node.span)
        condition = statements.truth(env, node.condition, "if")
        branches = [node.then.statements, node.otherwise.statements if node.otherwise else ()]
        ways = [[(branch, len(env.scopes)), *later] for branch in branches]
        if isinstance(condition, Number):
            return self.way(ways[0 if condition.value else 1], node.span)
        assert isinstance(condition, Tensor | Open)
        chosen = env.tensor(condition)
        if chosen.batch:
            return self._for_each(node, chosen, ways)
        return self._either(node, chosen, ways)

    def _for_each(
        self, node: tree.If, condition: Tensor, ways: Sequence[Sequence[Group]]
    ) -> Returned:
        """A condition that depends on index variables picks for each element."""
        found = []
        for way, holds in zip(ways, (True, False), strict=True):
            with guarded(self.env, condition, holds):
                found.append(self.way(way, node.span))
        choice = _as_choice(node, found)
        value = conditionals.choose(self.env, choice, condition, found[0].value, found[1].value)
        return Returned(value, node.span)

    def _either(
        self, node: tree.If, condition: Tensor, ways: Sequence[Sequence[Group]]
    ) -> Returned:
        """One of two regions is run; both give the value and the states that one changes."""
        env = self.env
        before, found = env.unit.updates, []
        blocks: list[Block] = []
        updates: list[dict[str, states.Update]] = []
        try:
            for way in ways:
                env.unit.updates = before.branch()
                with env.region() as block:
                    returned = self.way(way, node.span)
                    found.append(self._typed(returned))
                blocks.append(block)
                updates.append(env.unit.updates.values)
        finally:
            env.unit.updates = before
        changed = list(dict.fromkeys([*updates[0], *updates[1]]))
        new = [[statements.after(env, name, own, updates) for name in changed] for own in updates]
        choice, values = _as_choice(node, found), (found[0].value, found[1].value)
        value, results = conditionals.either(
            env, choice, condition, values, (blocks[0], blocks[1]), (new[0], new[1])
        )
        for name, ssa in zip(changed, results, strict=True):
            known = updates[0].get(name) or updates[1][name]
            before.values[name] = states.Update(ssa, known.variable, known.span)
        return Returned(value, node.span)

    def _typed(self, returned: Returned) -> Returned:
        """The value in the declared type, so that both ways give the same one."""
        if self.result is None:
            return returned
        place = Place(f"the result of `{self.name.name}`", returned.span)
        value = fit(self.env, returned.value, self.result, self.env.frame.sizes, place)
        return Returned(value, returned.span)


@contextmanager
def _scopes(env: Env, depth: int) -> Iterator[None]:
    """Inside, only the first `depth` scopes are open, and a new one."""
    before = env.scopes
    env.scopes = [*before[:depth], {}]
    try:
        yield
    finally:
        env.scopes = before


def _returns(node: tree.Stmt) -> bool:
    """Whether there is a `return` inside."""
    return any(isinstance(inner, tree.Return) for inner in walk.walk(node))


def _always(node: tree.Stmt) -> bool:
    """Whether every way through the statement returns."""
    if not isinstance(node, tree.If):
        return isinstance(node, tree.Return)
    return node.otherwise is not None and all(
        any(_always(s) for s in block.statements) for block in (node.then, node.otherwise)
    )


def _unreachable(env: Env, statement: tree.Stmt, returned: Span) -> Problem:
    return env.error(
        "E0111", "this statement is never reached", statement.span,
        "stands behind `return`", labels=[Label(returned, "returns here")],
    )  # fmt: skip


def _as_choice(node: tree.If, found: Sequence[Returned]) -> tree.Conditional:
    """The two ways as `if c then a else b`, for messages."""
    values = [tree.Name(r.span, "value") for r in found]
    return tree.Conditional(node.span, node.condition, values[0], values[1])
