"""`scan t < T { ... }`: equations over time, written as one `nd.scan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from irc.dialects.nd.loops import ScanOp, ScanState
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import offsets
from irc.dialects.nd.types import dims_of
from irc.dtypes import BOOL
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions, lints
from irc.frontend.analysis.checks import guarded
from irc.frontend.analysis.env import Env, hint
from irc.frontend.analysis.inits import Past, past
from irc.frontend.analysis.leaves import rebuilt
from irc.frontend.analysis.misplaced import assigned
from irc.frontend.analysis.outline import Outline, Part, outline
from irc.frontend.analysis.problems import Problem, guesses
from irc.frontend.analysis.recurrences import Hints, Recurrence, Wider
from irc.frontend.analysis.rereading import read
from irc.frontend.analysis.series import Equation, Input, extended
from irc.frontend.analysis.statements import execute, poison, truth
from irc.frontend.analysis.steps import steps, truncation
from irc.frontend.analysis.stopping import STOPPED, Stopping
from irc.frontend.analysis.values import Binder, Number, Origin, Series, Tensor
from irc.sizes import Size


@dataclass
class Scan:
    """
    A scan while its body is read.

    bound   what the `let`s of the body defined, by the statement that did
    """

    node: tree.Scan
    env: Env
    outline: Outline
    recurrence: Recurrence
    equations: dict[str, Equation] = field(default_factory=dict)
    inputs: dict[str, Input] = field(default_factory=dict)
    bound: dict[Part, dict[str, object]] = field(default_factory=dict)
    states: dict[tuple[str, int], ScanState] = field(default_factory=dict)
    stop: SSAValue | None = None
    stopping: Stopping | None = None

    @property
    def draft(self) -> ScanDraft:
        assert self.recurrence.draft is not None
        return self.recurrence.draft


def scan(env: Env, node: tree.Scan) -> None:
    """Writes the scan; its equations become tensors of all steps. Raises Problem."""
    parts = outline(env, node)
    count = steps(env, node.index, "scan")
    truncate = truncation(env, node.truncate)
    hints: Hints = {}
    mark = env.unit.mark()

    def body() -> None:
        while True:
            try:
                return _write(env, node, parts, count, truncate, hints)
            except Wider as wider:
                env.unit.back_to(mark)
                hints[wider.key] = wider.batch

    read(env, body)


def _write(
    env: Env, node: tree.Scan, parts: Outline, count: Size, truncate: Size | None, hints: Hints
) -> None:
    draft = ScanDraft(count, checkpoint=env.frame.checkpoint)
    if truncate is not None:
        draft.truncate = offsets([truncate])
    binder = Binder(node.index.name.name, node.index.name.span, count, given=True)
    recurrence = Recurrence(env, binder, lambda: draft.time, draft)
    draft.time.name_hint = hint(binder.name)
    env.unit.times[recurrence.symbol] = draft.time
    s = Scan(node, env, parts, recurrence)
    with env.at(node.span):
        _pasts(s)
        with recurrence.entered(draft.block):
            if STOPPED in hints:
                s.stopping = Stopping.of(env, recurrence, hints[STOPPED])
            with guarded(env, s.stopping.running if s.stopping else Number(True), holds=True):
                _body(s, hints)
            rows = _rows(s)
        draft.stop = s.stop
        _finish(s, rows)
    _hints_behind(s)


def _rows(s: Scan) -> dict[str, list[Tensor]]:
    """What each equation gives in this step; and, in `s.states`, the states that look back."""
    carried = [one.carried for e in s.equations.values() for one in e.states]
    rows = {}
    for name, equation in s.equations.items():
        own = rows[name] = equation.settle(s.env, equation.node.value.span, carried)
        for k, row in enumerate(own):
            state = equation.states[k].state if equation.states else None
            if s.stopping is not None:
                own[k], state = s.stopping.held(s.env, row, state)
            if state is not None and state.taps:
                s.states[name, k] = state
    return rows


# -- initial values


def _pasts(s: Scan) -> None:
    """Evaluates the `init`s, in the order of the source, before the scan."""
    env, good = s.env, True
    pasts = {}
    for name, nodes in s.outline.inits.items():
        try:
            pasts[name] = past(env, name, nodes)
            if name not in s.outline.equations:
                s.inputs[name] = _input(s, name, nodes[0], pasts[name])
        except Problem as mistake:
            good = False
            env.problems.report(mistake, env.frame.node)
    if not good:
        raise Problem(None)
    # Open values stay open until the body is read, so this is all that their `init` writes.
    for name, node in s.outline.equations.items():
        s.equations[name] = Equation(name, node, s.recurrence, pasts.get(name))


def _input(s: Scan, name: str, node: tree.Init, before: Past) -> Input:
    env = s.env
    known = env.local(name)
    if known is None and name not in env.names():
        t = s.node.index.name.name
        helps = guesses(name, [*s.outline.equations, *env.names()]) if len(name) > 2 else []
        if name in s.outline.lets or name in map(assigned, s.node.body.statements):
            helps = [f"an equation has a time and no `let`: `{name}[{t}] = ...`"]
        raise env.error(
            "E0510", f"`{name}` has no equation in this scan", node.name.span,
            f"no `{name}[{t}] = ...`, and no tensor of that name", helps=helps,
        )  # fmt: skip
    value = env.lookup(name, node.name.span)
    x = env.tensor(value)
    if not x.rank:
        raise env.error(
            "E0510", f"`{name}` is one number: it has no times", node.name.span,
            f"this is {x.type}", labels=[value.origin.label(f"`{name}` is declared here")],
        )  # fmt: skip
    return Input(name, s.recurrence, x, before, extended(env, x, before, node.span))


# -- the body


def _body(s: Scan, hints: Hints) -> None:
    """Reads the statements in their order. Mistakes are reported; raises Problem when any."""
    env, good = s.env, True
    before = env.hints
    env.hints = before | _hints_inside(s)
    index = s.node.index.name
    env.define(index.name, s.recurrence.step(Origin(index.name, index.span, "index")))
    known: list[tuple[str, Input | Equation]] = [*s.inputs.items(), *s.equations.items()]
    for name, one in known:
        if isinstance(one, Equation):
            one.begin(env, hints)
        span = one.node.target.span if isinstance(one, Equation) else one.value.origin.span
        env.define(name, Series(name, one, Origin(name, span)))
    for part in s.outline.parts:
        try:
            with env.scope():
                _evaluate(s, part)
        except Problem as mistake:
            good = False
            env.problems.report(mistake, env.frame.node)
            if part.equation:
                s.equations[part.equation].poisoned = True
    env.hints = before
    if not good:
        raise Problem(None)


def _evaluate(s: Scan, part: Part) -> None:
    """One statement, with the `let`s that stand above it."""
    env, scope = s.env, s.env.scopes[-1]
    seen = {n: s.bound[p][n] for n, p in part.sees.items() if n in s.bound.get(p, {})}
    scope.update(seen)
    try:
        if part.equation is not None:
            _equation(s, part)
        elif isinstance(part.node, tree.Until):
            s.stop = _until(s, part.node)
        else:
            execute(env, part.node)
    except Problem:
        poison(env, part.node)
        raise
    finally:
        s.bound[part] = {n: scope[n] for n in part.defines if n in scope}


def _equation(s: Scan, part: Part) -> None:
    env = s.env
    assert part.equation is not None and isinstance(part.node, tree.Assign)
    equation, node = s.equations[part.equation], part.node.value
    expected = None
    if len(equation.states) == 1:
        expected = equation.states[0].carried.dtype
    equation.take(env, expressions.evaluate(env, node, expected), node.span)


def _until(s: Scan, node: tree.Until) -> SSAValue:
    env = s.env
    stop = env.tensor(truth(env, node.condition, "until"), BOOL)
    if s.stopping is not None:
        return s.stopping.stop(env, stop)
    if stop.batch:
        raise Wider(STOPPED, stop.batch)
    return stop.ssa


# -- results


def _finish(s: Scan, rows: dict[str, list[Tensor]]) -> None:
    """Puts the op into its block, and gives the names their tensors."""
    env, draft = s.env, s.draft
    mentioned = lints.mentioned_around(env, s.node, s.equations)
    outputs: list[tuple[str, int]] = []
    for name, own in rows.items():
        for k, row in enumerate(own):
            state = s.states.get((name, k))
            if state is None:
                draft.output(row.ssa)
                outputs.append((name, k))
                continue
            state.next, state.history = row.ssa, name in mentioned
    draft.states = [state for state in draft.states if state.taps]
    for state in draft.states:
        deepest = state.taps[-1]
        if deepest < state.depth:
            dims = [deepest, *dims_of(state.init)[1:]]
            at = [state.depth - deepest, *[0] * (len(dims) - 1)]
            state.init = env.b.slice(state.init, dims, at, [1] * len(dims))
    op = draft.finish()
    env.b.insert(op)
    for name, equation in s.equations.items():
        if name in mentioned:
            parts = _stacks(s, op, equation, rows[name], outputs)
            assert equation.value is not None
            span = equation.node.target.span
            origin = Origin(name, span, "let", how="the values of all steps")
            env.define(name, rebuilt(equation.value, parts, origin))
        elif not equation.reads:
            lints.warn_unused(env, equation.node)


def _stacks(
    s: Scan, op: ScanOp, equation: Equation, rows: Sequence[Tensor], outputs: list[tuple[str, int]]
) -> Iterator[Tensor]:
    """The values of all steps, [index variables, T, ...]."""
    env, draft = s.env, s.draft
    count = draft.count
    origin = Origin(equation.name, equation.node.target.span, "let", how="the values of all steps")
    for k, row in enumerate(rows):
        key = equation.name, k
        if key in outputs:
            stack: SSAValue = op.res[len(draft.states) + outputs.index(key)]
        else:
            state = s.states[key]
            stack = op.res[draft.states.index(state)]
            rank = len(dims_of(stack))
            dims = [count, *dims_of(stack)[1:]]
            stack = env.b.slice(stack, dims, [state.depth, *[0] * (rank - 1)], [1] * rank)
        batch = len(row.batch)
        rank = len(dims_of(stack))
        perm = [*range(1, batch + 1), 0, *range(batch + 1, rank)]
        stack = env.b.transpose(stack, perm)
        stack.name_hint = stack.name_hint or hint(equation.name)
        yield Tensor(stack, origin, row.batch)


def _hints_inside(s: Scan) -> dict[str, str]:
    """What to say about names that the body reads, and that are bound nowhere or below."""
    t = s.node.index.name.name
    found: dict[str, str] = {}
    for node in walk.walk(s.node.body):
        if isinstance(node, tree.Index) and isinstance(node.base, tree.Name):
            times = [n.name for n in walk.walk(node.items[0]) if isinstance(n, tree.Name)]
            if t in times:
                name = node.base.name
                found[name] = f"`{name}` needs an equation in this scan: `{name}[{t}] = ...`"
    for part in s.outline.parts:
        for name in part.defines:
            line = part.node.span.line
            found[name] = f"`{name}` is bound below, in line {line}: move its `let` up"
    return found


def _hints_behind(s: Scan) -> None:
    """What to say about the names of the body when they are used behind it."""
    t = s.node.index.name.name
    for part in s.outline.parts:
        for name in part.defines:
            s.env.hints[name] = (
                f"`{name}` ends with the scan that binds it; to keep its values write an "
                f"equation: `{name}s[{t}] = {name}`"
            )
    s.env.hints.setdefault(t, f"`{t}` counts the steps inside its scan, which ends before")
