"""Evaluates expressions: what each node of the tree becomes in `nd`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from irc.diagnostics import Span
from irc.dtypes import BOOL, DTYPES, DType
from irc.frontend import tree, walk
from irc.frontend.analysis import (
    arrays,
    builtins,
    comprehension,
    conditionals,
    operators,
    series,
    subscripts,
)
from irc.frontend.analysis.checks import guarded
from irc.frontend.analysis.describe import article, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import (
    NUMERIC,
    BuiltinRef,
    DTypeRef,
    ExternRef,
    FunctionRef,
    ModuleRef,
    Number,
    Origin,
    Record,
    Series,
    ShapeOf,
    SizeOf,
    Tensor,
    Text,
    TupleOf,
    Value,
)


def evaluate(env: Env, node: tree.Expr, expected: DType | None = None) -> Value:
    """
    The value of an expression; `expected` is the dtype that open literals should take.

    A long chain of operators is walked, not recursed into; other nesting is bounded by the parser.
    Raises Problem for a mistake.
    """
    if isinstance(node, tree.Binary):
        return _chain(env, node, expected)
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise env.unsupported(f"`{type(node).__name__}` is not supported here", node.span)
    hoisted = comprehension.hoisted(env, node)
    return handler(env, node, expected) if hoisted is None else hoisted


def _chain(env: Env, node: tree.Binary, expected: DType | None) -> Value:
    innermost, chain = walk.spine(node)
    total = evaluate(env, innermost, expected)
    for step in chain:
        if step.op in ("and", "or"):
            total = _logical(env, step, total)
        else:
            total = operators.binary(
                env, step, total, evaluate(env, step.right, expected), expected
            )
    return total


def _logical(env: Env, node: tree.Binary, left: Value) -> Value:
    """The right side is read where the left one does not decide: `i > 0 and x[i - 1] > 0`."""
    site = operators.Site(f"`{node.op}`", node.span, node.op)
    guard = operators.truth(env, node.left, left, site)
    with guarded(env, guard.value, holds=node.op == "and"):
        right = evaluate(env, node.right)
    return operators.logical(env, node.op, node, (node.left, left), (node.right, right))


def _name(env: Env, node: tree.Name, expected: DType | None) -> Value:
    value = env.lookup(node.name, node.span)
    return series.bare(env, node, value) if isinstance(value, Series) else value


def _int(env: Env, node: tree.Int, expected: DType | None) -> Value:
    return Number(node.value, Origin(span=node.span, kind="literal"))


def _float(env: Env, node: tree.Float, expected: DType | None) -> Value:
    origin = Origin(span=node.span, kind="literal")
    if node.dtype is None:
        return Number(node.value, origin)
    with env.at(node.span) as b:
        return Tensor(b.full((), DTYPES[node.dtype], node.value), origin)


def _bool(env: Env, node: tree.Bool, expected: DType | None) -> Value:
    return Number(node.value, Origin(span=node.span, kind="literal"))


def _string(env: Env, node: tree.String, expected: DType | None) -> Value:
    return Text(node.value, Origin(span=node.span, kind="literal"))


def _paren(env: Env, node: tree.Paren, expected: DType | None) -> Value:
    return evaluate(env, walk.unparen(node), expected)


def _tuple(env: Env, node: tree.Tuple, expected: DType | None) -> Value:
    return TupleOf(tuple(evaluate(env, e, expected) for e in node.elements))


def _unary(env: Env, node: tree.Unary, expected: DType | None) -> Value:
    """Minus signs and `not`s in a row are taken from the inside, without recursion."""
    signs: list[tree.Unary] = []
    inner: tree.Expr = node
    while isinstance(inner, tree.Unary):
        signs.append(inner)
        inner = inner.operand
    value = evaluate(env, inner, expected)
    for sign in reversed(signs):
        apply = operators.negate if sign.op == "-" else operators.invert
        value = apply(env, sign, value)
    return value


def _compare(env: Env, node: tree.Compare, expected: DType | None) -> Value:
    return operators.compare(env, node, [evaluate(env, e) for e in node.operands])


def _conditional(env: Env, node: tree.Conditional, expected: DType | None) -> Value:
    return conditionals.conditional(env, node, expected)


def _comprehension(env: Env, node: tree.Comprehension, expected: DType | None) -> Value:
    return comprehension.build(env, node.indices, node.body, node.span, expected)


def _array(env: Env, node: tree.Array, expected: DType | None) -> Value:
    return arrays.literal(env, node, expected)


def _index(env: Env, node: tree.Index, expected: DType | None) -> Value:
    if isinstance(node.base, tree.Name):
        base = env.lookup(node.base.name, node.base.span)
        if isinstance(base, Series):
            return series.read(env, node, base)
    return subscripts.index(env, node, evaluate(env, node.base))


def _with(env: Env, node: tree.With, expected: DType | None) -> Value:
    from irc.frontend.analysis.partial import with_part

    return with_part(env, node, expected)


def _attr(env: Env, node: tree.Attr, expected: DType | None) -> Value:
    base = evaluate(env, node.base)
    name = node.name.name
    match base:
        case Record():
            if name in base.fields:
                return base.fields[name]
            raise _no_member(env, node, f"record `{base.name}` has no field `{name}`", base.fields)
        case TupleOf(items=items, names=names):
            if name in names:
                return items[names.index(name)]
            raise _no_member(env, node, f"the tuple has no part `{name}`", [n for n in names if n])
        case ModuleRef():
            return base.module.member(env, name, node.name.span)
    if isinstance(base, NUMERIC):
        found = builtins.method(name)
        if found is not None and found.as_property:
            call = builtins.Call(found, node.span, node.name.span, node.base, base)
            return builtins.call_builtin(env, call, [])
        raise _no_member(
            env, node, f"a tensor has no `{name}`" + (
                f" without parentheses: write `.{name}()`" if found else ""
            ), [n for n, e in builtins.BUILTINS.items() if e.as_method],
        )  # fmt: skip
    raise _no_member(env, node, f"a {base.type} has no `{name}`", [])


def _no_member(env: Env, node: tree.Attr, title: str, names: Any) -> Any:
    from irc.diagnostics import did_you_mean
    from irc.frontend.analysis.builtins.constants import FOREIGN

    if node.name.name in FOREIGN and names:
        return env.error(
            "E0105", title, node.name.span, "not a name of irc", helps=[FOREIGN[node.name.name]]
        )
    known = list(names)
    guesses = [] if node.name.name in known else did_you_mean(node.name.name, known)
    return env.error(
        "E0105",
        title,
        node.name.span,
        "not found",
        helps=[f"did you mean `{g}`?" for g in guesses],
    )


def _call(env: Env, node: tree.Call, expected: DType | None) -> Value:
    callee = node.callee
    if isinstance(callee, tree.Index):
        return comprehension.reduction(env, node, callee, expected)
    if isinstance(callee, tree.Attr):
        base = evaluate(env, callee.base)
        if isinstance(base, (*NUMERIC, ShapeOf)):
            return _call_method(env, node, callee, base, expected)
    target = evaluate(env, callee)
    match target:
        case FunctionRef():
            args = [
                (a.name.name if a.name else None, evaluate(env, a.value), a.span) for a in node.args
            ]
            return env.call(target, args, node.span)
        case ExternRef():
            from irc.frontend.analysis import externs

            args = [
                (a.name.name if a.name else None, evaluate(env, a.value), a.span) for a in node.args
            ]
            return externs.call(env, target, args, node.span, node.args)
        case BuiltinRef(entry=entry):
            call = builtins.Call(entry, node.span, callee.span, None, None, expected)
            return builtins.call_builtin(env, call, node.args)
        case DTypeRef(dtype=dtype, name=name):
            return _convert(env, node, dtype, name)
    raise _not_a_function(env, node, target)


def _not_a_function(env: Env, node: tree.Call, target: Value) -> Problem:
    args = ", ".join(spelled(env, a) for a in node.args)
    indexed = f"elements are read with brackets: `{spelled(env, node.callee)}[{args}]`"
    return env.error(
        "E0106",
        f"{article(target)} cannot be called",
        node.callee.span,
        "not a function",
        helps=[indexed] if isinstance(target, Tensor) and args else [],
    )


def _call_method(
    env: Env, node: tree.Call, callee: tree.Attr, base: Value, expected: DType | None
) -> Value:
    found = builtins.method(callee.name.name)
    if found is None:
        raise _no_member(
            env, callee, f"a tensor has no method `{callee.name.name}`",
            [n for n, e in builtins.BUILTINS.items() if e.as_method],
        )  # fmt: skip
    call = builtins.Call(found, node.span, callee.name.span, callee.base, base, expected)
    return builtins.call_builtin(env, call, node.args)


def _convert(env: Env, node: tree.Call, dtype: DType, name: str) -> Value:
    """`f32(x)`: the explicit conversion."""
    if len(node.args) != 1 or node.args[0].name is not None:
        raise env.error(
            "E0109", f"`{name}` takes one argument", node.span, "a conversion of one value",
            helps=[f"write `{name}(x)`"],
        )  # fmt: skip
    arg = node.args[0].value
    value = evaluate(env, arg, dtype)
    if isinstance(value, Record):
        parts = {f: _cast(env, node.span, arg, v, dtype) for f, v in value.fields.items()}
        return Record(value.name, parts, Origin(span=node.span))
    return _cast(env, node.span, arg, value, dtype)


def _cast(env: Env, span: Span, arg: tree.Expr, value: Value, dtype: DType) -> Tensor:
    how = f"the result of `{dtype}`"
    with env.at(span) as b:
        if isinstance(value, Number) and _fits(value.value, dtype):
            return Tensor(b.full((), dtype, value.value), Origin(span=span, how=how))
        if isinstance(value, SizeOf) and dtype is not BOOL:
            exact = env.tensor(value)
            return Tensor(b.cast(exact.ssa, dtype), Origin(span=span, how=how), exact.batch)
        site = operators.Site(f"`{dtype}`", span)
        x = env.tensor(operators.numeric(env, arg, value, site).value)
        return Tensor(b.cast(x.ssa, dtype), Origin(span=span, how=how), x.batch)


def _fits(value: int | float | bool, dtype: DType) -> bool:
    """Whether a literal has a place in `dtype` without a conversion at run time."""
    if isinstance(value, bool):
        return dtype is BOOL
    if dtype.is_float:
        return True
    return dtype.is_integer and isinstance(value, int) and dtype.min <= value <= dtype.max


_HANDLERS: dict[type[tree.Node], Callable[..., Value]] = {
    tree.Name: _name,
    tree.Int: _int,
    tree.Float: _float,
    tree.Bool: _bool,
    tree.String: _string,
    tree.Paren: _paren,
    tree.Tuple: _tuple,
    tree.Array: _array,
    tree.Comprehension: _comprehension,
    tree.Conditional: _conditional,
    tree.Unary: _unary,
    tree.Compare: _compare,
    tree.Index: _index,
    tree.Attr: _attr,
    tree.Call: _call,
    tree.With: _with,
}
