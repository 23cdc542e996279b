"""`grad(cost, wrt=x)`: derivatives of values with respect to values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.control import StopGradientOp
from irc.dialects.nd.scalar import EqOp, GeOp, GtOp, LeOp, LtOp, NeOp
from irc.dialects.nd.structure import CastOp
from irc.dialects.nd.types import dtype_of
from irc.dtypes import BOOL
from irc.frontend import tree
from irc.frontend.analysis.env import Env, span_of
from irc.frontend.analysis.problems import Problem, guesses
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Origin,
    Record,
    Tensor,
    Text,
    TupleOf,
    Value,
)

_COMPARISONS = (EqOp, NeOp, LtOp, LeOp, GtOp, GeOp)
_PARAMETERS = ("cost", "wrt", "consts", "disconnected")


@dataclass(frozen=True)
class Leaf:
    """One tensor to differentiate by; `name` is what the source calls it."""

    tensor: Tensor
    name: str
    span: Span


def grad(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    The derivatives of a float scalar, in the structure of `wrt`: a tensor, record or tuple.

    Raises E0401 where the cost does not depend on a value, E0402 for a cost that is no float
    scalar, E0405 for what has no derivatives.
    """
    given = _arguments(env, args, span)
    cost = _cost(env, given["cost"])
    wrt = _value(env, given["wrt"])
    leaves = list(_leaves(env, wrt, given["wrt"].value))
    consts = _consts(env, given.get("consts"))
    allowed = _disconnected_allowed(env, given.get("disconnected"))
    if not allowed:
        _check_connected(env, cost, leaves, consts, given)
    _warn_comparisons(env, cost, leaves, consts)
    with env.at(span) as b:
        results = b.grad(cost.ssa, [x.tensor.ssa for x in leaves], consts, disconnected=allowed)
    made = iter(results)
    return _like(wrt, made, span)


# ---- arguments


def _arguments(env: Env, args: Sequence[tree.Arg], span: Span) -> dict[str, tree.Arg]:
    given: dict[str, tree.Arg] = {}
    free = iter(_PARAMETERS[:2])
    for arg in args:
        name = arg.name.name if arg.name else next(free, None)
        if name is None or name not in _PARAMETERS or name in given:
            title = f"`grad` has no parameter `{name}`"
            if name is None:
                title = "`grad` takes a cost and `wrt`; what follows needs a name"
            elif name in given:
                title = f"`{name}` is given twice"
            raise env.error(
                "E0109", title, arg.span, "not expected here",
                helps=guesses(name, _PARAMETERS) if name else [],
            )  # fmt: skip
        given[name] = arg
    for name in _PARAMETERS[:2]:
        if name not in given:
            raise env.error(
                "E0109", f"argument `{name}` of `grad` is missing", span, f"no value for `{name}`",
                helps=["write `grad(cost, wrt=x)`"],
            )  # fmt: skip
    return given


def _value(env: Env, arg: tree.Arg) -> Value:
    """The value of an argument; a name that is not found is marked with its keyword."""
    from irc.frontend.analysis.expressions import evaluate

    if isinstance(arg.value, tree.Name):
        return env.lookup(arg.value.name, arg.span)
    return evaluate(env, arg.value)


def _cost(env: Env, arg: tree.Arg) -> Tensor:
    value = _value(env, arg)
    if isinstance(value, Tensor) and value.rank == 0 and value.dtype.is_float:
        if value.batch:
            raise env.unsupported(
                "`grad` inside a comprehension is not supported yet",
                arg.span,
                helps=["take the gradient of the sum over the index: the terms are independent"],
            )
        return value
    text = env.frame.module.text_of(arg.value.span)
    helps = []
    if isinstance(value, Tensor) and value.rank:
        helps = [f"reduce it first: `grad(sum({text}), ...)`"]
    elif isinstance(value, Tensor):
        helps = [f"convert it: `f32({text})`"]
    what = f"this is {value.type}" if isinstance(value, NUMERIC) else f"this is a {value.type}"
    raise env.error(
        "E0402", "`grad` needs one floating-point number to differentiate", arg.span, what,
        labels=[_declaration(value)], helps=helps,
    )  # fmt: skip


def _leaves(env: Env, value: Value, node: tree.Expr) -> Iterator[Leaf]:
    """The tensors in `wrt`, in order."""
    match value:
        case TupleOf(items=items):
            nodes = node.elements if isinstance(node, tree.Tuple) else (node,) * len(items)
            for item, part in zip(items, nodes, strict=True):
                yield from _leaves(env, item, part)
        case Record(fields=fields):
            text = env.frame.module.text_of(node.span)
            for name, item in fields.items():
                if not isinstance(item, Tensor):
                    raise _no_derivative(env, item, node, f"field `{name}` of this record")
                yield _leaf(env, item, node, f"{text}.{name}")
        case Tensor():
            yield _leaf(env, value, node, env.frame.module.text_of(node.span))
        case _:
            raise _no_derivative(env, value, node, "this")


def _leaf(env: Env, value: Tensor, node: tree.Expr, name: str) -> Leaf:
    if not value.dtype.is_float:
        raise _no_derivative(env, value, node, "this")
    return Leaf(value, name, node.span)


def _no_derivative(env: Env, value: Value, node: tree.Expr, what: str) -> Problem:
    shown = value.type if isinstance(value, NUMERIC) else f"a {value.type}"
    constant = isinstance(value, Number)
    return env.error(
        "E0405",
        "there is no derivative with respect to this value",
        node.span,
        f"{what} is {'the constant ' if constant else ''}{shown}",
        labels=[_declaration(value)],
        notes=["`wrt` is a float tensor: a parameter, a state, a record of states, or a `let`"],
    )


def _consts(env: Env, arg: tree.Arg | None) -> list[SSAValue]:
    if arg is None:
        return []
    pending, found = [_value(env, arg)], []
    while pending:
        value = pending.pop()
        match value:
            case Tensor():
                found.append(value.ssa)
            case TupleOf(items=items):
                pending += reversed(items)
            case Record(fields=fields):
                pending += reversed(list(fields.values()))
            case _ if not isinstance(value, NUMERIC):
                raise env.error("E0405", f"`consts` holds a {value.type}", arg.span, "not a tensor")
    return found


def _disconnected_allowed(env: Env, arg: tree.Arg | None) -> bool:
    if arg is None:
        return False
    value = _value(env, arg)
    if isinstance(value, Text) and value.value in ("zero", "error"):
        return value.value == "zero"
    raise env.error(
        "E0109", '`disconnected` is "zero" or "error"', arg.span, "neither of them",
    )  # fmt: skip


# ---- what depends on what


def _between(cost: SSAValue, consts: set[SSAValue]) -> dict[SSAValue, None]:
    """The float values that the cost was computed from, the cost first."""
    found: dict[SSAValue, None] = {}
    pending = [cost]
    while pending:
        x = pending.pop()
        if x in found or x in consts or not dtype_of(x).is_float:
            continue
        found[x] = None
        owner = x.owner
        if isinstance(owner, Operation) and not isinstance(owner, StopGradientOp):
            pending.extend(inputs(owner))
    return found


def inputs(op: Operation) -> Iterator[SSAValue]:
    """What the op reads, its regions included."""
    yield from op.operands
    if op.regions:
        for inner in op.walk():
            yield from inner.operands


def _check_connected(
    env: Env,
    cost: Tensor,
    leaves: Sequence[Leaf],
    consts: Sequence[SSAValue],
    given: dict[str, tree.Arg],
) -> None:
    reached = _between(cost.ssa, set(consts))
    for leaf in leaves:
        if leaf.tensor.ssa in reached:
            continue
        arg = given["wrt"]
        text = env.frame.module.text_of(given["cost"].value.span)
        raise env.error(
            "E0401",
            f"`{text}` does not depend on `{leaf.name}`",
            arg.span if isinstance(arg.value, tree.Name) else leaf.span,
            "the gradient would be zero everywhere",
            labels=[_declaration(leaf.tensor)],
            notes=_why(env, leaf),
            helps=['if zero is meant: `grad(..., disconnected="zero")`'],
        )


def _why(env: Env, leaf: Leaf) -> list[str]:
    if leaf.tensor.origin.kind == "state" and leaf.tensor.ssa.has_one_use():
        return [f"`{leaf.name}` is read nowhere else in this function"]
    return []


def _warn_comparisons(
    env: Env, cost: Tensor, leaves: Sequence[Leaf], consts: Sequence[SSAValue]
) -> None:
    """W0403 where a bool that depends on `wrt` becomes a number on the way to the cost."""
    path = _between(cost.ssa, set(consts))
    casts = [
        x.owner for x in path
        if isinstance(x.owner, CastOp) and dtype_of(x.owner.x) is BOOL
    ]  # fmt: skip
    if not casts:
        return
    wanted = {leaf.tensor.ssa for leaf in leaves}
    for cast in casts:
        comparison = _comparison_behind(cast)
        if comparison is None:
            continue
        operands = [x for x in comparison.operands if dtype_of(x).is_float]
        if any(not wanted.isdisjoint(_between(x, set(consts))) for x in operands):
            env.warn(
                "W0403",
                "a gradient passes through a comparison",
                span_of(comparison.location),
                "its derivative is zero everywhere",
                helps=["use a smooth function, or `stop_gradient` if zero is meant"],
            )


def _comparison_behind(cast: CastOp) -> Operation | None:
    """The comparison whose result is converted, through changes of shape."""
    x: SSAValue = cast.x
    while isinstance(x.owner, Operation):
        if isinstance(x.owner, _COMPARISONS):
            return x.owner
        if len(x.owner.operands) != 1:
            return None
        x = x.owner.operands[0]
    return None


# ---- results


def _like(wrt: Value, results: Iterator[SSAValue], span: Span) -> Value:
    """The results in the structure of `wrt`."""
    match wrt:
        case TupleOf(items=items):
            return TupleOf(tuple(_like(item, results, span) for item in items))
        case Record(name=name, fields=fields):
            parts = {f: _like(v, results, span) for f, v in fields.items()}
            return Record(name, parts, Origin(span=span, how="the result of `grad`"))
    ssa = next(results)
    return Tensor(ssa, Origin(span=span, how="the result of `grad`"))


def _declaration(value: Value) -> Label | None:
    origin = value.origin
    if not origin.name or origin.span is None or origin.kind == "expression":
        return None
    shown = value.type if isinstance(value, NUMERIC) else f"a {value.type}"
    where = ", declared here" if origin.declared else ""
    return origin.label(f"`{origin.name}` is {shown}{where}")
