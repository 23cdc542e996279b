"""
`loop v = e for i < n while c max m { next v = ... }`: values that are replaced step by step.

With a known number of steps it is a scan whose states look one step back; with a condition, or
a number of steps that is data, an `nd.while`. Both carry the parts of the values one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from xdsl.ir import Block, SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of
from irc.dtypes import BOOL, DType
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions, operators
from irc.frontend.analysis.broadcasting import merged_batch, spread
from irc.frontend.analysis.carried import Carried
from irc.frontend.analysis.checks import guarded, over
from irc.frontend.analysis.env import Env, hint
from irc.frontend.analysis.leaves import leaves, rebuilt, same_parts
from irc.frontend.analysis.misplaced import CARRIED, assigned
from irc.frontend.analysis.outline import defines, returns
from irc.frontend.analysis.problems import Problem, guesses
from irc.frontend.analysis.recurrences import Hints, Recurrence, Wider
from irc.frontend.analysis.rereading import read
from irc.frontend.analysis.searches import Alive, Search
from irc.frontend.analysis.statements import execute, poison, truth
from irc.frontend.analysis.steps import Header, header_of
from irc.frontend.analysis.values import Binder, Numeric, Origin, Tensor, Value


@dataclass(eq=False)
class Part:
    """One tensor of a carried value, and its place in the scan or `nd.while`."""

    carried: Carried
    state: ScanState | None = None
    place: int | None = None
    following: tuple[Numeric, Span] | None = None


@dataclass(eq=False)
class Carry:
    """A name of the loop; `first` is what it begins with."""

    node: tree.Carry
    first: Value
    parts: list[Part] = field(default_factory=list)
    next: tree.Next | None = None

    @property
    def name(self) -> str:
        return self.node.name.name

    @property
    def span(self) -> Span:
        return self.node.span


@dataclass(eq=False)
class Loop:
    """A loop while its body is read: `draft` of a scan, or `search` of an `nd.while`."""

    env: Env
    node: tree.Loop
    header: Header
    carries: dict[str, Carry]
    hints: Hints
    recurrence: Recurrence = field(init=False)
    draft: ScanDraft | None = None
    search: Search | None = None


_WAITING = "while", 0  # in `Hints`: the index variables that the condition depends on


def loop(env: Env, node: tree.Loop) -> None:
    """Writes the loop; its names become their last values. Raises Problem."""
    header = header_of(env, node)
    first = _first_values(env, node)
    read(env, lambda: _read(env, node, header, first))


def _read(env: Env, node: tree.Loop, header: Header, first: list[Carry]) -> None:
    """With more index variables each time that something turns out to depend on them."""
    hints: Hints = {}
    dtypes: dict[tuple[str, int], DType] = {}
    mark = env.unit.mark()
    while True:
        x = Loop(
            env, node, header, {c.node.name.name: Carry(c.node, c.first) for c in first}, hints
        )
        try:
            with env.at(node.span):
                return _write(x, dtypes)
        except Wider as wider:
            env.unit.back_to(mark)
            hints[wider.key] = wider.batch
            known = [part.carried for part in _parts(x)]
            dtypes |= {c.key: c.dtype for c in known if c.dtype is not None}


def _write(x: Loop, dtypes: Mapping[tuple[str, int], DType]) -> None:
    env, index, header = x.env, x.node.index, x.header
    name = index.name if index else tree.Ident(x.node.span, "step")
    binder = Binder(name.name, name.span, header.most, given=True)
    if header.known is not None:
        x.draft = draft = ScanDraft(header.known, checkpoint=env.frame.checkpoint)
        x.recurrence = Recurrence(env, binder, lambda: draft.time, draft, "loop")
    else:
        x.search = search = Search()
        x.recurrence = Recurrence(
            env, binder, lambda: search.number(env, x.recurrence), word="loop"
        )
    for carry in x.carries.values():
        _begin(x, carry, dtypes)
    results = _scanned(x) if x.draft is not None else _searched(x)
    for carry, parts in zip(x.carries.values(), results, strict=True):
        origin = Origin(carry.name, carry.node.name.span, "let", how="the last value of a loop")
        made = [Tensor(p.ssa, origin, p.batch) for p in parts]
        env.define(carry.name, rebuilt(carry.first, iter(made), origin))
    for statement in x.node.body.statements:
        for bound in defines(statement):
            env.hints[bound] = (
                f"`{bound}` ends with the loop that binds it; carry it to keep its last value: "
                f"`loop {bound} = ...`"
            )
    if index is not None:
        env.hints[name.name] = f"`{name.name}` counts the steps inside its loop, which ends before"


# -- carried values


def _first_values(env: Env, node: tree.Loop) -> list[Carry]:
    """What the names begin with; all in the names that are known before the loop."""
    from irc.frontend.analysis.functions import check_name

    found: dict[str, Carry] = {}
    for carry in node.carries:
        name = carry.name.name
        check_name(env, carry.name)
        if name in found:
            raise env.error(
                "E0108", f"`{name}` is carried twice", carry.name.span, "the second one",
                labels=[Label(found[name].node.name.span, "the first one")],
            )  # fmt: skip
        value = expressions.evaluate(env, carry.value)
        leaves(env, value, carry.value.span, "carried by a loop")
        found[name] = Carry(carry, value)
    return list(found.values())


def _begin(x: Loop, carry: Carry, dtypes: Mapping[tuple[str, int], DType]) -> None:
    env = x.env
    for k, leaf in enumerate(leaves(env, carry.first, carry.span, "carried by a loop")):
        key = carry.name, k
        wanted = {*leaf.batch, *x.hints.get(key, ())}
        batch = tuple(b for b in env.binders if b in wanted)
        carried = Carried(key, carry.name, carry.span, [leaf], leaf.dims, batch, lambda dtype: None)
        part = Part(carried)
        carried.begin = partial(_enter, x, part)
        carry.parts.append(part)
        carried.start(env, dtypes.get(key))


def _enter(x: Loop, part: Part, dtype: DType) -> None:
    """Gives a part its place, now that its dtype is known."""
    c = part.carried
    with x.recurrence.outside(x.env) as b:
        first = spread(x.env, x.env.tensor(c.initial[0], dtype), c.batch, c.dims).ssa
        first.name_hint = first.name_hint or hint(c.name)
        if x.draft is not None:
            init = b.reshape(first, [1, *dims_of(first)])
            init.name_hint = init.name_hint or hint(c.name)
            part.state = x.draft.state(init)
        else:
            assert x.search is not None
            part.place = x.search.value(first)


def _argument(x: Loop, part: Part) -> SSAValue:
    if x.draft is not None:
        assert part.state is not None
        return x.draft.tap(part.state, 1)
    assert x.search is not None and part.place is not None
    return x.search.argument(part.place)


def _old(x: Loop, carry: Carry) -> Value:
    """The value at the beginning of a step."""
    origin = Origin(carry.name, carry.node.name.span, "let", how=CARRIED)
    parts = [p.carried.read(x.env, partial(_argument, x, p), origin) for p in carry.parts]
    return rebuilt(carry.first, iter(parts), origin)


def _define(x: Loop, number: SSAValue | None) -> None:
    """The names of the loop, at the beginning of a block."""
    env, index = x.env, x.node.index
    if number is not None:
        env.unit.times[x.recurrence.symbol] = number
    if index is not None:
        origin = Origin(index.name.name, index.name.span, "index")
        env.define(index.name.name, x.recurrence.step(origin))
    for carry in x.carries.values():
        env.define(carry.name, _old(x, carry))


# -- the two forms


def _scanned(x: Loop) -> list[list[Tensor]]:
    env, draft = x.env, x.draft
    assert draft is not None
    draft.time.name_hint = hint(x.recurrence.binder.name)
    with x.recurrence.entered(draft.block):
        _define(x, draft.time)
        _statements(x)
        rows = _rows(x)
    for carry, tensors in zip(x.carries.values(), rows, strict=True):
        for part, row in zip(carry.parts, tensors, strict=True):
            assert part.state is not None
            part.state.next = row.ssa
    op = draft.finish()
    env.b.insert(op)

    def last(part: Part, row: Tensor) -> Tensor:
        at = next(k for k, s in enumerate(draft.states) if s is part.state)
        return Tensor(env.b.reshape(op.res[at], dims_of(row.ssa)), row.origin, row.batch)

    return [
        [last(p, t) for p, t in zip(c.parts, tensors, strict=True)]
        for c, tensors in zip(x.carries.values(), rows, strict=True)
    ]


def _searched(x: Loop) -> list[list[Tensor]]:
    """
    The body is read before the condition, as it tells more about the dtypes of numbers.

    Where the condition turns out to depend on index variables, both are read again: what is done
    for one of their values waits for the others.
    """
    env, search, r = x.env, x.search, x.recurrence
    assert search is not None
    batch = x.hints.get(_WAITING, ())
    alive = Alive.of(r, search, batch) if batch else None
    with _written(x, search.body):
        if alive is None:
            _statements(x)
        else:
            for part in _parts(x):
                part.carried.needs(env, batch)
            going = alive.going(env, _condition(x))
            with guarded(env, going, holds=True):
                _statements(x)
    with _written(x, search.cond):
        holds = _condition(x)
        if set(holds.batch) - set(batch):
            raise Wider(_WAITING, merged_batch(env, [holds]))
        go = holds.ssa if alive is None else alive.any(env, holds)
    with _written(x, search.body):
        rows = _rows(x)
        if alive is not None:
            rows = [
                [
                    _where(env, going, row, _argument(x, part))
                    for part, row in zip(c.parts, own, strict=True)
                ]
                for c, own in zip(x.carries.values(), rows, strict=True)
            ]
    for part, row in zip(_parts(x), chain.from_iterable(rows), strict=True):
        assert part.place is not None
        search.nexts[part.place] = row.ssa
    op = search.finish(env.b, go, x.header.most)
    return [
        [Tensor(op.res[p.place or 0], t.origin, t.batch) for p, t in zip(c.parts, row, strict=True)]
        for c, row in zip(x.carries.values(), rows, strict=True)
    ]


@contextmanager
def _written(x: Loop, block: Block) -> Iterator[None]:
    """Inside, ops go to this block of the search, in which the names have values of their own."""
    search = x.search
    assert search is not None
    search.here = block
    with x.recurrence.entered(block):
        indexed = x.node.index is not None
        _define(x, search.number(x.env, x.recurrence) if indexed else None)
        yield


def _where(env: Env, going: Tensor, new: Tensor, old: SSAValue) -> Tensor:
    mask = over(env, spread(env, going, new.batch, ()), new)
    return Tensor(env.b.where(mask.ssa, new.ssa, old), batch=new.batch)


def _parts(x: Loop) -> list[Part]:
    return [part for carry in x.carries.values() for part in carry.parts]


def _condition(x: Loop) -> Tensor:
    """Whether another step is made; `while` is asked where `for` has steps left."""
    env, header = x.env, x.header
    if header.bound is None:
        return _holds(env, header.condition)
    index, bound = Tensor(env.unit.times[x.recurrence.symbol]), header.bound
    last = bound if isinstance(bound, Tensor) else Tensor(env.b.size(bound))
    index = spread(env, index, last.batch, ())
    left = Tensor(env.b.scalar("lt", index.ssa, last.ssa), batch=last.batch)
    if header.condition is None:
        return left
    if left.batch:
        with guarded(env, left, holds=True):
            asked = _holds(env, header.condition)
        batch = merged_batch(env, [left, asked])
        both = [spread(env, one, batch, ()).ssa for one in (left, asked)]
        return Tensor(env.b.scalar("and", *both), batch=batch)
    with env.region() as then:
        asked = _holds(env, header.condition)
        then.add_op(YieldOp.create(operands=[asked.ssa]))
    orelse = Block()
    no = Builder(orelse, env.b.location).like(asked.ssa, False)
    orelse.add_op(YieldOp.create(operands=[no]))
    return Tensor(env.b.if_(left.ssa, then, orelse)[0], batch=asked.batch)


def _holds(env: Env, node: tree.Expr | None) -> Tensor:
    if node is None:
        return Tensor(env.b.full((), BOOL, True))
    return env.tensor(truth(env, node, "while"), BOOL)


# -- the body


def _statements(x: Loop) -> None:
    """Reads the statements. Mistakes are reported; raises Problem when there was any."""
    env, good = x.env, True
    for statement in x.node.body.statements:
        try:
            _statement(x, statement)
        except Problem as mistake:
            good = False
            env.problems.report(mistake, env.frame.node)
            poison(env, statement)
    # A `next` in a block inside was reported there, unless nothing reads that block.
    given = {n.name.name for n in walk.walk(x.node.body) if isinstance(n, tree.Next)}
    tried = {assigned(s) or "" for s in x.node.body.statements}
    known = set() if good else given | tried
    for carry in x.carries.values():
        if carry.next is None and carry.name not in known:
            good = False
            env.problems.report(_no_next(env, carry), env.frame.node)
    if not good:
        raise Problem(None)


def _rows(x: Loop) -> list[list[Tensor]]:
    """The next values of all names in the IR."""
    env, carried = x.env, [part.carried for part in _parts(x)]
    rows = []
    for carry in x.carries.values():
        row = []
        for part in carry.parts:
            assert part.following is not None
            value, span = part.following
            dtype = part.carried.settled(env, carried)
            with env.at(span):
                row.append(env.tensor(value, dtype))
        rows.append(row)
    return rows


def _statement(x: Loop, node: tree.Stmt) -> None:
    match node:
        case tree.Next():
            _next(x, node)
        case tree.Return():
            raise returns(x.env, node, "loop")
        case _:
            execute(x.env, node)


def _no_next(env: Env, carry: Carry) -> Problem:
    text = f"`next {carry.name} = ...`"
    return env.error(
        "E0512", f"`{carry.name}` is carried by the loop, but has no `next`",
        carry.span, "keeps its first value", helps=[
            f"write {text} in the body, or `let {carry.name} = ...` before the loop"
        ],
    )  # fmt: skip


def _next(x: Loop, node: tree.Next) -> None:
    env, name = x.env, node.name.name
    carry = x.carries.get(name)
    if carry is None:
        raise env.error(
            "E0512", f"`{name}` is not carried by this loop", node.name.span,
            "has no value from step to step",
            helps=guesses(name, x.carries) or [f"begin the loop with it: `loop {name} = ...`"],
        )  # fmt: skip
    if carry.next is not None:
        raise env.error(
            "E0512", f"`{name}` has two `next`s", node.span, "the second one",
            labels=[Label(carry.next.span, "the first one")],
            notes=["all `next` read old values, and happen together at the end of a step"],
            helps=["bind what lies between with `let`"],
        )  # fmt: skip
    carry.next = node
    dtype = carry.parts[0].carried.dtype if len(carry.parts) == 1 else None
    value = expressions.evaluate(env, node.value, dtype)
    if node.op != "=":
        old = tree.Name(node.name.span, name)
        combined = tree.Binary(node.span, node.op[0], old, node.value)
        value = operators.binary(env, combined, _old(x, carry), value, dtype)
    _take(env, carry, value, node.value.span)


def _take(env: Env, carry: Carry, value: Value, span: Span) -> None:
    if not same_parts(carry.first, value):
        raise env.error(
            "E0506",
            f"`{carry.name}` begins as {carry.first.type}, and is {value.type} after a step",
            span,
            f"this is {value.type}",
            labels=[Label(carry.span, f"begins as {carry.first.type}")],
            helps=["the value after a step has the parts that it begins with"],
        )
    given = leaves(env, value, span, "carried by a loop")
    for part, leaf in zip(carry.parts, given, strict=True):
        part.following = part.carried.take(env, leaf, span), span
