"""
What the statements of a scan are, and in which order a step evaluates them.

Equations stand in any order: what reads `y[t]` comes behind the equation of `y`. A `let` is seen
by what stands below it, and messages come in the order of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from irc import sizes
from irc.diagnostics import Label, Span
from irc.frontend import tree, walk
from irc.frontend.analysis import constants, functions
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Series

_TIME = "'"  # the index of the scan in the polynomials of this file


@dataclass(eq=False)
class Part:
    """
    One statement of the body.

    names      what it reads
    now        equations whose value of the same step it reads, and where
    defines    names it binds for what stands below
    equation   the name that it is the equation of
    sees       for each name it reads that another statement binds: that statement
    """

    node: tree.Stmt
    names: set[str]
    now: dict[str, tree.Index]
    defines: tuple[str, ...] = ()
    equation: str | None = None
    sees: dict[str, Part] = field(default_factory=dict)
    needs: dict[Part, None] = field(default_factory=dict)

    @property
    def spoken(self) -> str:
        return self.equation or (self.defines[0] if self.defines else "")


@dataclass
class Outline:
    """A body, sorted: `parts` in the order of evaluation, equations by name with their place."""

    inits: dict[str, list[tree.Init]] = field(default_factory=dict)
    equations: dict[str, tree.Assign] = field(default_factory=dict)
    lets: dict[str, tree.Ident] = field(default_factory=dict)
    until: tree.Until | None = None
    parts: list[Part] = field(default_factory=list)


def outline(env: Env, node: tree.Scan) -> Outline:
    """
    The parts of a scan in the order of evaluation.

    Mistakes are reported; raises Problem when there was any.
    """
    found, good = Outline(), True
    for statement in node.body.statements:
        try:
            _sort(env, node, statement, found)
        except Problem as mistake:
            good = False
            env.problems.report(mistake, env.frame.node)
    if not good:
        raise Problem(None)
    found.parts = [
        _part(env, node, s, found) for s in node.body.statements if not isinstance(s, tree.Init)
    ]
    found.parts = _ordered(env, node, found)
    return found


# -- what a statement is


def _sort(env: Env, scan: tree.Scan, node: tree.Stmt, found: Outline) -> None:
    match node:
        case tree.Init(name=name):
            found.inits.setdefault(name.name, []).append(node)
        case tree.Until():
            if found.until is not None:
                raise env.error(
                    "E0513", "a scan has one `until`", node.span, "the second one",
                    labels=[Label(found.until.span, "the first one")],
                    helps=["combine the conditions with `or`"],
                )  # fmt: skip
            found.until = node
        case tree.Assign(target=tree.Index(base=tree.Name())):
            _equation(env, scan, node, found)
        case tree.Next(name=name):
            raise env.error(
                "E0513", "`next` belongs into a `loop`", node.span, "this is a `scan`",
                helps=[f"write an equation: `{name.name}[{scan.index.name.name}] = ...`"],
            )  # fmt: skip
        case tree.Return():
            raise returns(env, node, "scan")
        case tree.Let(names=names):
            for name in names:
                _check_let(env, name, found)
        case tree.LetIndex(name=name):
            _check_let(env, name, found)


def returns(env: Env, node: tree.Return, what: str) -> Problem:
    """E0513 for `return` inside of a recurrence."""
    helps = ["return behind the block; to stop early write `until condition`"]
    if what == "loop":
        helps = ["return behind the block; to stop early write `while condition`"]
    return env.error(
        "E0513", f"`return` inside a `{what}`", node.span, "a function returns once", helps=helps
    )


def _check_let(env: Env, name: tree.Ident, found: Outline) -> None:
    found.lets[name.name] = name
    equation = found.equations.get(name.name)
    if equation is not None:
        raise _two(env, name, name.span, "bound again by `let`", equation.target.span)


def _two(env: Env, name: tree.Ident, span: Span, text: str, first: Span) -> Problem:
    return env.error(
        "E0508", f"`{name.name}` has two definitions in this scan", span, text,
        labels=[Label(first, "the first one")],
        helps=["a name has one equation and no other meaning: choose another name"],
    )  # fmt: skip


def _equation(env: Env, scan: tree.Scan, node: tree.Assign, found: Outline) -> None:
    if walk.equation(node) is None:
        raise malformed(env, scan.index.name.name, node)
    name, index, _ = walk.equation(node) or (None, None, None)
    assert name is not None and index is not None
    time = scan.index.name
    if index.name != time.name:
        raise env.error(
            "E0511", f"the index of this scan is `{time.name}`, not `{index.name}`", index.span,
            "another index", labels=[Label(time.span, f"`{time.name}` counts the steps")],
            helps=[f"write `{name.name}[{time.name}] = ...`"],
        )  # fmt: skip
    first = found.equations.get(name.name)
    if first is not None:
        raise env.error(
            "E0508", f"`{name.name}` has two equations", node.target.span, "the second one",
            labels=[Label(first.target.span, "the first one")],
            helps=[
                f"choose with a condition: `{name.name}[{time.name}] = if ... then ... else ...`"
            ],
        )  # fmt: skip
    bound = found.lets.get(name.name)
    if bound is not None:
        raise _two(env, name, node.target.span, "an equation", bound.span)
    _check_new(env, name, node)
    found.equations[name.name] = node


def _check_new(env: Env, name: tree.Ident, node: tree.Assign) -> None:
    """An equation defines a name that means nothing else here."""
    functions.check_name(env, name)
    known = env.local(name.name)
    if known is None:
        return
    what = "a recurrence" if isinstance(known, Series) else "a value"
    raise env.error(
        "E0508",
        f"`{name.name}` is {what} already, so it cannot have an equation",
        node.target.span,
        "defined again",
        labels=[known.origin.label(f"`{name.name}` is declared here")],
        helps=["choose another name for one of them"],
    )


def malformed(env: Env, time: str, node: tree.Assign) -> Problem:
    """E0511 for what looks like an equation, and is none."""
    target = node.target
    assert isinstance(target, tree.Index) and isinstance(target.base, tree.Name)
    name, items = target.base.name, target.items
    item = walk.unparen(items[0]) if isinstance(items[0], tree.Expr) else items[0]
    if node.op != "=":
        return env.error(
            "E0511", f"an equation has `=`, not `{node.op}`", node.span,
            "the value at a time does not change",
            helps=[f"write `{name}[{time}] = {name}[{time}-1] {node.op[0]} ...`"],
        )  # fmt: skip
    if len(items) > 1:
        return env.error(
            "E0511", f"an equation gives all of `{name}[{time}]`", target.span, "only a part",
            helps=[
                f"write a tensor: `{name}[{time}] = [... for i]`",
                f"or change a part: `{name}[{time}] = {name}[{time}-1] with [i] = ...`",
            ],
        )  # fmt: skip
    fixed = isinstance(item, tree.Int | tree.Unary | tree.Slice)
    helps = [f"shift the times in it: `{name}[{time}] = ...`"]
    if fixed:
        helps = [f"values before the first step: `init {spelled(env, target)} = ...`"]
    return env.error(
        "E0511", f"an equation gives `{name}[{time}]`, the value at time {time}", target.span,
        "another time", helps=helps,
    )  # fmt: skip


# -- what it reads


def _part(env: Env, scan: tree.Scan, node: tree.Stmt, found: Outline) -> Part:
    part = Part(node, set(), {})
    equation = walk.equation(node)
    body: Sequence[tree.Node] = (node,)
    if equation is not None:
        part.equation, body = equation[0].name, (equation[2],)
    part.defines = defines(node)
    for one in body:
        _reads(env, scan.index.name.name, one, found, part)
    return part


def defines(node: tree.Stmt) -> tuple[str, ...]:
    """The names that a statement binds for what stands below it."""
    match node:
        case tree.Let(names=names):
            return tuple(n.name for n in names)
        case tree.LetIndex(name=name):
            return (name.name,)
        case tree.Assign(target=tree.Name(name=name)):
            return (name,)  # a mistake; what reads the name is none
        case tree.Loop(carries=carries):
            return tuple(c.name.name for c in carries)
        case tree.Scan(body=body):
            found = [walk.equation(s) for s in body.statements]
            return tuple(f[0].name for f in found if f)
    return ()


def _reads(env: Env, time: str, root: tree.Node, found: Outline, part: Part) -> None:
    pending: list[tuple[tree.Node, frozenset[str]]] = [(root, frozenset())]
    while pending:
        node, hidden = pending.pop()
        match node:
            case tree.Name(name=name) if name not in hidden:
                part.names.add(name)
            case tree.Index(base=tree.Name(name=name)) if (
                name in found.equations and name not in hidden and time not in hidden
            ):
                if name not in part.now and _lag(env, time, node.items[0]) == 0:
                    part.now[name] = node
        hidden |= _hides(node)
        pending += [(c, hidden) for c in reversed(list(walk.children(node)))]


def _hides(node: tree.Node) -> frozenset[str]:
    """Index variables that a node binds for what is below it."""
    match node:
        case tree.Comprehension(indices=indices) | tree.LetIndex(indices=indices):
            return frozenset(v.name.name for v in indices)
        case tree.Call(callee=tree.Index(items=items)):
            variables = [i.operands[0] if isinstance(i, tree.Compare) else i for i in items]
            return frozenset(v.name for v in variables if isinstance(v, tree.Name))
        case tree.Scan(index=index):
            return frozenset({index.name.name})
        case tree.Loop(index=tree.IndexVar(name=name)):
            return frozenset({name.name})
    return frozenset()


def _lag(env: Env, time: str, item: tree.IndexItem) -> int | None:
    """k, where `item` is `t - k` as far as its text tells."""
    if not isinstance(item, tree.Expr):
        return None

    def named(name: tree.Name) -> sizes.Poly | None:
        return sizes.var(_TIME) if name.name == time else functions.size_named(env, name)

    try:
        value = constants.size(item, named)
    except Problem:
        return None
    return None if value is None else (sizes.var(_TIME) - value).constant


# -- order


def _ordered(env: Env, scan: tree.Scan, found: Outline) -> list[Part]:
    """The parts, each behind what it needs and else as they stand. Raises E0509 for a cycle."""
    by_equation = {p.equation: p for p in found.parts if p.equation}
    bound: dict[str, Part] = {}
    speaking: Part | None = None
    for part in found.parts:
        part.sees = {n: bound[n] for n in part.names if n in bound}
        part.needs = dict.fromkeys(by_equation[name] for name in part.now)
        part.needs |= dict.fromkeys(part.sees.values())
        bound |= dict.fromkeys(part.defines, part)
    order = _sorted(found.parts)
    if len(order) < len(found.parts):
        raise _cycle(env, scan, found.parts, order)
    for part in found.parts:
        if _speaks(part.node):
            if speaking is not None:
                part.needs[speaking] = None
            speaking = part
    spoken = _sorted(found.parts)
    return spoken if len(spoken) == len(order) else order


def _speaks(node: tree.Stmt) -> bool:
    """Whether it prints or checks, also in blocks below."""
    return any(isinstance(n, tree.Print | tree.Assert) for n in walk.walk(node))


def _sorted(parts: Sequence[Part]) -> list[Part]:
    """As far as the order goes: the first in the source of what is ready, again and again."""
    order: dict[Part, None] = {}
    for start in parts:
        stack = [(start, iter(start.needs))]
        entered = {start}
        while stack:
            part, needs = stack[-1]
            below = next((n for n in needs if n not in order and n not in entered), None)
            if below is not None:
                entered.add(below)
                stack.append((below, iter(below.needs)))
                continue
            stack.pop()
            if all(n in order for n in part.needs):
                order[part] = None
    return list(order)


def _cycle(env: Env, scan: tree.Scan, parts: Sequence[Part], done: Sequence[Part]) -> Problem:
    """Shows the shortest way from one of the parts that wait for each other back to it."""
    left = [p for p in parts if p not in done]
    ring = min((r for p in left if (r := _ring(p))), key=len)
    time = scan.index.name.name
    first, second = ring[0], ring[1 % len(ring)]
    names = [f"{p.equation}[{time}]" if p.equation else p.spoken for p in ring]
    labels = [
        Label(_place(p, ring[(k + 1) % len(ring)]).span, f"{names[k]} needs {_next(names, k)}")
        for k, p in enumerate(ring)
        if k > 0
    ]
    earlier = next(p.equation for p in [*ring[1:], first] if p.equation)
    return env.error(
        "E0509",
        f"`{names[0]}` depends on itself within one step",
        _place(first, second).span,
        f"{names[0]} needs {_next(names, 0)}",
        labels=labels,
        notes=[] if len(ring) == 1 else [" -> ".join([*names, names[0]])],
        helps=[f"read an earlier step: `{earlier}[{time}-1]`, with an `init` for time -1"],
    )


def _next(names: Sequence[str], k: int) -> str:
    return names[(k + 1) % len(names)]


def _place(part: Part, needed: Part) -> tree.Node:
    """Where a part reads what it needs."""
    if needed.equation in part.now:
        return part.now[needed.equation]
    wanted = set(needed.defines)
    reads = (n for n in walk.walk(part.node) if isinstance(n, tree.Name) and n.name in wanted)
    return next(reads, part.node)


def _ring(start: Part) -> list[Part]:
    """The shortest cycle through a part; empty when there is none."""
    came: dict[Part, Part | None] = {start: None}
    pending = [start]
    while pending:
        following: list[Part] = []
        for part in pending:
            for need in part.needs:
                if need is start:
                    return list(_way(came, part))[::-1]
                if need not in came:
                    came[need] = part
                    following.append(need)
        pending = following
    return []


def _way(came: dict[Part, Part | None], part: Part | None) -> Iterator[Part]:
    while part is not None:
        yield part
        part = came[part]
