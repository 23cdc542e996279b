"""Statements of a block, from the first to the last."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import Block, SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.control import YieldOp
from irc.dtypes import BOOL
from irc.frontend import tree, walk
from irc.frontend.analysis import constants, misplaced, states
from irc.frontend.analysis.broadcasting import merged_batch, spread
from irc.frontend.analysis.env import Env, hint
from irc.frontend.analysis.messages import Message, filled
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.types import (
    Declared,
    Place,
    TensorType,
    TypeReader,
    fit,
    known_as,
)
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Open,
    Tensor,
    TupleOf,
    Value,
    renamed,
)


def execute(env: Env, node: tree.Stmt) -> None:
    """One statement. Raises Problem."""
    _HANDLERS[type(node)](env, node)


def poison(env: Env, node: tree.Stmt) -> None:
    """Names that a wrong statement would have defined give no second message."""
    if isinstance(node, tree.Let):
        for one in node.names:
            env.poison(one.name)
    elif isinstance(node, tree.LetIndex):
        env.poison(node.name.name)
    elif isinstance(node, tree.Loop):
        for carry in node.carries:
            env.poison(carry.name.name)
    elif isinstance(node, tree.Assign) and isinstance(node.target, tree.Name):
        if not any(node.target.name in scope for scope in env.scopes):
            env.poison(node.target.name)
    elif isinstance(node, tree.Scan):
        for statement in node.body.statements:
            if name := misplaced.assigned(statement):
                env.poison(name)
            elif isinstance(statement, tree.Init | tree.LetIndex):
                name = statement.name.name
                if not any(name in scope for scope in env.scopes):
                    env.poison(name)


# ---- let


def _let(env: Env, node: tree.Let) -> None:
    from irc.frontend.analysis.expressions import evaluate

    declared = TypeReader(env.frame.module).read(node.type) if node.type else None
    dtype = declared.dtype if isinstance(declared, TensorType) else None
    value = evaluate(env, node.value, dtype)
    if declared is not None:
        what = f"`{node.names[0].name}`" if len(node.names) == 1 else "the value"
        label = Label(node.type.span, "declared here") if node.type else None
        value = _typed(env, value, declared, Place(what, node.value.span, label))
    if len(node.names) == 1:
        _define(env, node.names[0], value, declared)
        return
    items = value.items if isinstance(value, TupleOf) else (value,)
    if len(items) != len(node.names):
        raise env.error(
            "E0113",
            f"{len(node.names)} names for {_count(value)}",
            node.value.span,
            f"this is {_article(value)}",
            labels=[Label(node.names[0].span.to(node.names[-1].span), "names")],
        )
    for name, item in zip(node.names, items, strict=True):
        _define(env, name, item, None)


def _count(value: Value) -> str:
    count = len(value.items) if isinstance(value, TupleOf) else 1
    return f"{count} value{'' if count == 1 else 's'}"


def _article(value: Value) -> str:
    return value.type if isinstance(value, (*NUMERIC, TupleOf)) else f"a {value.type}"


def _typed(env: Env, value: Value, declared: Declared, place: Place) -> Value:
    """A value in the type that `let` states; its sizes must be known already."""
    if isinstance(declared, TensorType):
        for name in declared.names():
            if name not in env.frame.sizes:
                raise env.error(
                    "E0210", f"no size named `{name}` here", declared.span,
                    "sizes come from the types of parameters",
                )  # fmt: skip
    return fit(env, value, declared, env.frame.sizes, place)


def _define(env: Env, name: tree.Ident, value: Value, declared: Declared | None) -> None:
    from irc.frontend.analysis.functions import check_name

    check_name(env, name)
    if isinstance(value, Tensor) and value.ssa.name_hint is None:
        value.ssa.name_hint = hint(name.name)
    if isinstance(declared, TensorType):
        env.define(name.name, known_as(value, name.name, name.span, declared.spelled, "let"))
    else:
        env.define(name.name, renamed(value, name.name, name.span))


def _let_index(env: Env, node: tree.LetIndex) -> None:
    from irc.frontend.analysis.comprehension import build

    form = f"let {node.name.name}[{{}}] = ..."
    value = build(env, node.indices, node.value, node.span, form=form)
    _define(env, node.name, value, None)


# ---- assert, print


def _assert(env: Env, node: tree.Assert) -> None:
    from irc.frontend.analysis import functions

    message = node.message
    about_sizes = constants.comparisons(
        node.condition, lambda name: functions.size_named(env, name)
    )
    proved = about_sizes and all(functions.decided(env, c) for c in about_sizes)
    if not proved:
        if message is None:
            text = env.frame.module.text_of(node.condition.span)
            made = Message("assertion failed: " + text.replace("{", "{{").replace("}", "}}"), [])
        else:
            made = filled(env, message, scalars=True)
        _check(env, node.condition, made, node.span)
    for fact in about_sizes or ():
        functions.assume(env, fact)


def check(env: Env, condition: tree.Expr, message: str, span: Span, kind: str = "assert") -> None:
    """Fails the call with `message` unless the condition holds; braces in it are doubled."""
    _check(env, condition, Message(message, []), span, kind)


def _check(
    env: Env, condition: tree.Expr, message: Message, span: Span, kind: str = "assert"
) -> None:
    value = truth(env, condition, "assert")
    with env.at(span) as b:
        holds = env.tensor(value, BOOL)
        around = [holds, *message.shown, *([env.guard] if env.guard else [])]
        batch = merged_batch(env, around)
        ok = spread(env, holds, batch, ()).ssa
        if env.guard is not None:
            unwanted = Tensor(b.scalar("not", env.guard.ssa), batch=env.guard.batch)
            ok = b.scalar("or", ok, spread(env, unwanted, batch, ()).ssa)
        shown = [spread(env, x, batch, ()) if x.batch else x for x in message.shown]
        b.assert_(ok, message.text, [x.ssa for x in shown], kind)


def truth(env: Env, node: tree.Expr, what: str) -> Tensor | Number | Open:
    """The value of a condition, a bool scalar. Raises E0302 otherwise."""
    from irc.frontend.analysis.expressions import evaluate

    value = evaluate(env, node)
    if isinstance(value, Tensor) and value.dtype is BOOL and value.rank == 0:
        return value
    if isinstance(value, Number) and isinstance(value.value, bool):
        return value
    text = env.frame.module.text_of(node.span)
    if isinstance(value, Tensor) and value.dtype is BOOL:
        helps = [f"write `all({text})` or `any({text})`"]
        if what == "if":
            helps.append("to choose element by element write `where(condition, a, b)`")
        raise env.error(
            "E0302", f"the condition of `{what}` is a tensor", node.span,
            f"this is {value.type}, not one bool", helps=helps,
        )  # fmt: skip
    raise env.error(
        "E0302", f"the condition of `{what}` is not a bool", node.span,
        f"this is {_article(value)}",
        helps=[f"compare it: `{text} != 0`"] if isinstance(value, NUMERIC) else [],
    )  # fmt: skip


def _print(env: Env, node: tree.Print) -> None:
    if env.binders:
        raise env.unsupported(
            "`print` under index notation",
            node.span,
            helps=["print the tensor behind it"],
        )
    message = filled(env, node.message, scalars=False)
    with env.at(node.span) as b:
        b.print_(message.text, [x.ssa for x in message.shown])


# ---- if


def _if(env: Env, node: tree.If) -> None:
    condition = truth(env, node.condition, "if")
    branches = (node.then, node.otherwise or tree.Block(node.span, ()))
    if isinstance(condition, Number):
        with env.scope():
            run_block(env, branches[0 if condition.value else 1])
        return
    if isinstance(condition, Tensor) and condition.batch:
        raise env.unsupported(
            "an `if` statement that depends on an index",
            node.span,
            helps=["choose values instead: `let y = if c then a else b`"],
        )
    before, blocks, updates = env.unit.updates, [], []
    try:
        for branch in branches:
            env.unit.updates = before.branch()
            with env.region() as block:
                run_block(env, branch)
            blocks.append(block)
            updates.append(env.unit.updates.values)
    finally:
        env.unit.updates = before
    changed = list(dict.fromkeys([*updates[0], *updates[1]]))
    for block, new in zip(blocks, updates, strict=True):
        _yield(env, block, [after(env, name, new, updates) for name in changed])
    with env.at(node.span) as b:
        results = b.if_(env.tensor(condition).ssa, blocks[0], blocks[1])
    for name, ssa in zip(changed, results, strict=True):
        known = updates[0].get(name) or updates[1][name]
        before.values[name] = states.Update(ssa, known.variable, known.span)


def after(
    env: Env, name: str, new: dict[str, states.Update], both: list[dict[str, states.Update]]
) -> SSAValue:
    """What a state is after one branch: its new value there, else the old one."""
    if name in new:
        return new[name].value
    variable = next(u[name].variable for u in both if name in u)
    return env.unit.read_state(variable.name, variable.ir_type)


def _yield(env: Env, block: Block, values: list[SSAValue]) -> None:
    block.add_op(YieldOp.create(operands=values))


def run_block(env: Env, block: tree.Block) -> None:
    """The statements of an `if`. Mistakes are reported; raises Problem when there was any."""
    good = True
    for statement in block.statements:
        try:
            if isinstance(statement, tree.Return):
                raise env.unsupported(
                    "`return` inside a block that is not a function's",
                    statement.span,
                    helps=["return behind it"],
                )
            execute(env, statement)
        except Problem as mistake:
            good = False
            env.problems.report(mistake, env.frame.node)
            poison(env, statement)
    if not good:
        raise Problem(None)


# ---- mistakes


def _assign(env: Env, node: tree.Assign) -> None:
    raise misplaced.equation(env, node) or _no_statement(
        env, node, node.target, node.op, node.value
    )


def _expression(env: Env, node: tree.ExprStmt) -> None:
    value = walk.unparen(node.value)
    callee = value.callee if isinstance(value, tree.Call) else None
    text = env.frame.module.text_of(value.span)
    helps = [f"bind its result: `let result = {text}`"]
    if isinstance(callee, tree.Name) and callee.name == "print":
        helps = ['print is a statement: `print "cost {cost}"`']
    if isinstance(value, tree.Name) and value.name in misplaced.JUMPS and not env.local(value.name):
        raise misplaced.jump(env, value)
    raise env.error(
        "E0107", "an expression is not a statement", node.span,
        "statements cannot start with an expression", helps=helps,
    )  # fmt: skip


def _no_statement(
    env: Env, node: tree.Stmt, target: tree.Expr, op: str, value: tree.Expr
) -> Problem:
    text_of = env.frame.module.text_of
    base = target
    while isinstance(base, tree.Attr | tree.Index):
        base = base.base
    name = base.name if isinstance(base, tree.Name) else ""
    source = text_of(node.span)
    entry = env.frame.module.defined.get(name)
    if isinstance(entry, tree.State | tree.StateGroup):
        keyword = entry.span.to(entry.name.span)
        return env.error(
            "E0107",
            f"`{name}` is state: it cannot be assigned in place",
            node.span,
            "statements cannot start with an expression",
            labels=[Label(keyword, f"`{name}` is declared as state here")],
            notes=[
                "state changes when the function returns; until then every read gives the old value"
            ],
            helps=[f"write `update {source}`"],
        )
    known = env.local(name) if name else None
    if isinstance(target, tree.Name):
        right = text_of(value.span)
        new = right if op == "=" else f"{name} {op[0]} {right}"
        notes = ["values never change; `let` binds a new value to the name"] if known else []
        if help_ := misplaced.replaced(env, name, known, new, right):
            notes, helps = notes[:0], [help_]
        else:
            helps = [f"write `let {name} = {new}`"]
        return env.error(
            "E0107", f"`{name}` cannot be assigned", node.span,
            "statements cannot start with an expression",
            labels=[known.origin.label(f"`{name}` is declared here") if known else None],
            notes=notes, helps=helps,
        )  # fmt: skip
    helps = ["values never change; build a new one: `let y[i] = ...`"]
    if isinstance(target, tree.Index) and isinstance(base, tree.Name) and not known:
        helps = [f"write `let {source}`"] if op == "=" else helps
        if walk.equation(node) is not None:
            time = text_of(target.items[0].span)
            helps.append(f"an equation belongs into a scan: `scan {time} < n {{ {source} }}`")
    return env.error(
        "E0107", f"`{text_of(target.span)}` cannot be assigned", node.span,
        "statements cannot start with an expression", helps=helps,
    )  # fmt: skip


def _scan(env: Env, node: tree.Scan) -> None:
    from irc.frontend.analysis.scans import scan

    scan(env, node)


def _loop(env: Env, node: tree.Loop) -> None:
    from irc.frontend.analysis.loops import loop

    loop(env, node)


_HANDLERS: dict[type[tree.Stmt], Callable[..., None]] = {
    tree.Let: _let,
    tree.LetIndex: _let_index,
    tree.Update: states.update,
    tree.Assert: _assert,
    tree.Print: _print,
    tree.If: _if,
    tree.Scan: _scan,
    tree.Loop: _loop,
    tree.Init: misplaced.misplaced,
    tree.Until: misplaced.misplaced,
    tree.Next: misplaced.misplaced,
    tree.Assign: _assign,
    tree.ExprStmt: _expression,
}
