"""
What a name means inside the scan that has its equation, or its `init`.

`x[t]` is the value of this step, `x[t-1]` that of the step before. An equation whose earlier
values are read is a state of the scan, any other one an output. A tensor with an `init` is
read as if its rows went on before its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.loops import ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of
from irc.dtypes import DType
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions, subscripts
from irc.frontend.analysis.broadcasting import merged_batch, spread
from irc.frontend.analysis.carried import Carried
from irc.frontend.analysis.counting import line
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env, hint
from irc.frontend.analysis.inits import Past
from irc.frontend.analysis.leaves import leaves, rebuilt, same_parts
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.recurrences import Hints, Recurrence
from irc.frontend.analysis.stopping import STOPPED
from irc.frontend.analysis.timed import MAX_BACK, no_beginning
from irc.frontend.analysis.values import (
    Numeric,
    Origin,
    Series,
    Step,
    Tensor,
    Value,
    type_text,
)


@dataclass(eq=False)
class State:
    """One tensor of an equation, and the scan's state for it once the dtype is known."""

    carried: Carried
    state: ScanState | None = None


@dataclass(eq=False)
class Equation:
    """
    A name with an equation.

    past     its values before the first step, if it has any
    states   one for each tensor in its values; none without a past
    value    that of this step, once it is known
    """

    name: str
    node: tree.Assign
    recurrence: Recurrence
    past: Past | None
    states: list[State] = field(default_factory=list)
    value: Value | None = None
    poisoned: bool = False
    reads: int = 0

    @property
    def draft(self) -> ScanDraft:
        assert self.recurrence.draft is not None
        return self.recurrence.draft

    @property
    def time(self) -> str:
        return self.recurrence.binder.name

    def begin(self, env: Env, wider: Hints) -> None:
        """Makes the states, as far as their dtypes are known."""
        if self.past is None:
            return
        first = self.past.pieces[0]
        for k in range(len(first.parts)):
            parts = self.past.parts(k) or [first.parts[k]]
            key = self.name, k
            batch = merged_batch(env, parts)
            wanted = {*batch, *wider.get(key, ()), *wider.get(STOPPED, ())}
            batch = tuple(b for b in env.binders if b in wanted)
            carried = Carried(
                key, self.name, first.span, parts, first.row_dims(k), batch, lambda dtype: None
            )
            state = State(carried)
            carried.begin = partial(self._begin, env, state)
            self.states.append(state)
            carried.start(env)

    def _begin(self, env: Env, state: State, dtype: DType) -> None:
        """Makes the state, unless all of its past lies before a gap: then every read is E0501."""
        assert self.past is not None
        if not self.past.depth:
            return
        c = state.carried
        with self.recurrence.outside(env):
            init = self.past.write(env, c.key[1], dtype, c.dims, c.batch)
        init.name_hint = init.name_hint or hint(self.name)
        state.state = self.draft.state(init)

    def earlier(self, env: Env, node: tree.Index, back: int, origin: Origin) -> Value:
        """The value `back` steps before. Raises E0501 where that has no beginning."""
        if back > MAX_BACK:
            raise env.error(
                "E0507", f"a recurrence looks back {MAX_BACK} steps at most", node.span, "further"
            )
        missing = self.past.missing(back) if self.past else list(range(-back, 0))
        if missing:
            labels = self.past.labels if self.past else []
            raise no_beginning(env, node, self.name, missing, labels)
        assert self.past is not None
        parts = [self._tap(env, s, back, origin) for s in self.states]
        return rebuilt(self.past.pieces[0].value, iter(parts), origin)

    def _tap(self, env: Env, one: State, back: int, origin: Origin) -> Numeric:
        def argument() -> SSAValue:
            assert one.state is not None
            return self.draft.tap(one.state, back)

        return one.carried.read(env, argument, origin)

    def take(self, env: Env, value: Value, span: Span) -> None:
        """The value of this step."""
        if self.past is None:
            leaves(env, value, span, "a value of a recurrence")
            self.value = value
            return
        model = self.past.pieces[0].value
        if not same_parts(model, value):
            raise env.error(
                "E0506",
                f"`{self.name}` begins as {model.type}, and is {value.type} after a step",
                span,
                f"this is {value.type}",
                labels=[Label(self.past.pieces[0].span, f"begins as {model.type}")],
                helps=["the value of a step has the parts of the initial value"],
            )
        given = leaves(env, value, span, "a value of a recurrence")
        parts = [s.carried.take(env, x, span) for s, x in zip(self.states, given, strict=True)]
        self.value = rebuilt(value, iter(parts), value.origin)

    def settle(self, env: Env, span: Span, others: Sequence[Carried]) -> list[Tensor]:
        """The rows of this step in the IR, when the body is complete."""
        assert self.value is not None
        values = leaves(env, self.value, span, "a value of a recurrence")
        dtypes: list[DType | None] = [s.carried.settled(env, others) for s in self.states]
        with env.at(span):
            dtypes = dtypes or [None] * len(values)
            return [env.tensor(x, dtype) for x, dtype in zip(values, dtypes, strict=True)]


@dataclass(eq=False)
class Input:
    """A tensor with an `init`: `before` are rows that stand before its first."""

    name: str
    recurrence: Recurrence
    value: Tensor
    past: Past
    extended: Tensor
    reads: int = 0


def read(env: Env, node: tree.Index, series: Series) -> Value:
    """`x[t-k, ...]`"""
    holder = series.holder
    if isinstance(holder, Input):
        return _read_input(env, node, holder)
    assert isinstance(holder, Equation)
    if holder.poisoned:
        raise Problem(None)
    back = _back(env, node, holder)
    holder.reads += 1
    origin = Origin(f"{series.name}[{_lagged(holder.time, back)}]", node.span)
    if back:
        value = holder.earlier(env, node, back, origin)
    elif holder.value is None:
        raise _not_yet(env, node, holder)
    else:
        value = holder.value
    if len(node.items) == 1:
        return value
    return subscripts.index(env, walk.replace(node, items=node.items[1:]), value)


def _lagged(time: str, back: int) -> str:
    return f"{time}-{back}" if back else time


def _back(env: Env, node: tree.Index, x: Equation) -> int:
    """k of `x[t-k]`. Raises E0507 for all other times."""
    item, t = node.items[0], x.time
    if not isinstance(item, tree.Expr):
        raise env.error(
            "E0507", f"inside its scan `{x.name}` is read at one time", node.span,
            "several times", helps=[f"read them one by one: `{x.name}[{t}-1]`, `{x.name}[{t}-2]`"],
        )  # fmt: skip
    value = expressions.evaluate(env, item)
    r = x.recurrence
    one = line(value.poly, r.binder) if isinstance(value, Step) and not value.batch else None
    if one is not None and one[0] == 1 and one[1].constant is not None:
        if one[1].constant > 0:
            raise _future(env, node, x, one[1].constant)
        return -one[1].constant
    text = spelled(env, item)
    if isinstance(value, Step) and r.symbol in value.poly.symbols():
        return _refuse(env, node, f"the time `{text}` is not `{t}` minus a constant", x)
    return _refuse(env, node, f"`{text}` is not a time of the form `{t}` or `{t}-1`", x)


def _refuse(env: Env, node: tree.Index, title: str, x: Equation) -> int:
    raise env.error(
        "E0507",
        title,
        node.items[0].span,
        f"`{x.name}` is known at earlier steps",
        labels=[Label(x.node.target.span, "its equation")],
        helps=[
            f"read it at `{x.time}-1`, `{x.time}-2`, ...; behind the scan `{x.name}` is a tensor "
            "that can be read anywhere"
        ],
    )


def _future(env: Env, node: tree.Index, x: Equation, ahead: int) -> Problem:
    t, steps = x.time, f"step{'' if ahead == 1 else 's'}"
    return env.error(
        "E0507",
        f"`{spelled(env, node)}` reads the future",
        node.span,
        f"{ahead} {steps} ahead of `{x.name}[{t}]`",
        labels=[Label(x.node.target.span, f"gives `{x.name}` at time {t}")],
        helps=[f"shift the equation: let it give `{x.name}[{t}]` from earlier times"],
    )


def _not_yet(env: Env, node: tree.Index, x: Equation) -> Problem:
    t = x.time
    return env.error(
        "E0507",
        f"`{spelled(env, node)}` is not known yet",
        node.span,
        "the value of this step",
        labels=[Label(x.node.target.span, "given here")],
        helps=[f"write the time as `{t}`: `{x.name}[{t}]`"],
    )


def bare(env: Env, node: tree.Name, series: Series) -> Value:
    """The name without a time: for a tensor with an `init` the tensor, else E0507."""
    holder = series.holder
    if isinstance(holder, Input):
        return holder.value
    assert isinstance(holder, Equation)
    t = holder.time
    raise env.error(
        "E0507",
        f"inside its scan `{series.name}` is read at one time",
        node.span,
        "all times",
        labels=[Label(holder.node.target.span, "its equation")],
        helps=[f"write `{series.name}[{t}]` for this step, `{series.name}[{t}-1]` for the last"],
    )


# -- tensors with rows before their first


def _read_input(env: Env, node: tree.Index, x: Input) -> Value:
    """Times of this scan are counted from the first row that `init` gives."""
    item, depth = node.items[0], x.past.depth
    bounds = (item.start, item.stop) if isinstance(item, tree.Slice) else (item,)
    timed = [b is not None and _counts(env, b, x.recurrence) for b in bounds]
    if not any(timed):
        return subscripts.index(env, node, x.value)
    x.reads += 1
    if isinstance(item, tree.Expr):
        value = expressions.evaluate(env, item)
        assert isinstance(value, Step)
        _check_depth(env, node, x, value)
        shifted: tree.IndexItem = _shifted(item, depth)
    else:
        assert isinstance(item, tree.Slice)
        start, stop = (b if b is None else _shifted(b, depth) for b in (item.start, item.stop))
        shifted = tree.Slice(item.span, start, stop, item.step)
    moved = walk.replace(node, items=(shifted, *node.items[1:]))
    return subscripts.index(env, moved, x.extended)


def _counts(env: Env, node: tree.IndexItem, r: Recurrence) -> bool:
    if not isinstance(node, tree.Expr):
        return False
    value = expressions.evaluate(env, node)
    return isinstance(value, Step) and r.symbol in value.poly.symbols()


def _shifted(node: tree.Expr, by: int) -> tree.Expr:
    return tree.Binary(node.span, "+", node, tree.Int(node.span, by, str(by)))


def _check_depth(env: Env, node: tree.Index, x: Input, at: Step) -> None:
    """E0501 where `u[t-k]` begins before the rows that are given."""
    one = line(at.poly, x.recurrence.binder)
    if one is None or one[0] != 1 or one[1].constant is None:
        return
    back = -one[1].constant
    missing = x.past.missing(min(back, MAX_BACK)) if back > 0 else []
    if missing and x.recurrence.always_runs(env):
        raise no_beginning(env, node, x.name, missing, x.past.labels)


def extended(env: Env, x: Tensor, past: Past, span: Span) -> Tensor:
    """`x` with the rows of `past` before its own. Raises E0510 for rows of another type."""
    first = past.pieces[0]
    if len(first.parts) != 1 or first.value is not first.parts[0]:
        raise env.error(
            "E0510", f"`{past.name}` is {x.type}, its initial values are {first.value.type}",
            first.span, "a tensor is needed",
        )  # fmt: skip
    for piece in past.pieces:
        part = piece.parts[0]
        dims = piece.row_dims(0)
        other = isinstance(part, Tensor) and part.dtype is not x.dtype
        if other or not env.facts.same_dims(dims, x.dims[1:]):
            times = (len(piece.times),) if piece.rows else ()
            wanted = type_text(x.dtype.name, (*times, *x.dims[1:]))
            raise env.error(
                "E0510",
                f"the initial values of `{past.name}` are {part.type}, not {wanted}",
                piece.node.value.span,
                f"this is {part.type}",
                labels=[x.origin.label(f"`{past.name}` is {x.type}")],
            )
    if not past.depth:
        return x
    batch = merged_batch(env, [x, *past.parts(0)])
    with env.at(span) as b:
        before = past.write(env, 0, x.dtype, x.dims[1:], batch)
        count, rank = len(batch), len(dims_of(before))
        perm = [*range(1, count + 1), 0, *range(count + 1, rank)]
        own = spread(env, x, batch, x.dims)
        whole = b.concat([b.transpose(before, perm), own.ssa], count)
    return Tensor(whole, x.origin, batch)
