"""`if c then a else b`: one branch is evaluated; inside a comprehension, the wanted elements."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, SSAValue

from irc.dialects.nd import Builder
from irc.dialects.nd.control import YieldOp
from irc.dtypes import DType
from irc.frontend import tree
from irc.frontend.analysis import expressions, operators
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    common_dims,
    common_dtype,
    fit,
    merged_batch,
    numeric,
    spread,
)
from irc.frontend.analysis.checks import guarded, over, resumed, snapshot
from irc.frontend.analysis.describe import article, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pointwise import Kind, open_kind
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Numeric,
    Open,
    Origin,
    Record,
    SizeOf,
    Step,
    Tensor,
    TupleOf,
    Value,
)


def conditional(env: Env, node: tree.Conditional, expected: DType | None) -> Value:
    """
    A literal condition picks its branch now; a scalar picks one at run time; one that depends on
    index variables picks for each element.
    """
    site = Site("`if`", node.condition.span)
    value = expressions.evaluate(env, node.condition)
    condition = operators.truth(env, node.condition, value, site).value
    if isinstance(condition, Number):
        taken = node.then if condition.value else node.otherwise
        return expressions.evaluate(env, taken, expected)
    if condition.dims:
        raise _tensor_condition(env, node, condition)
    if condition.batch:
        return _elementwise(env, node, env.tensor(condition), expected)
    return _branches(env, node, env.tensor(condition), expected)


def _tensor_condition(env: Env, node: tree.Conditional, condition: Numeric) -> Problem:
    c, a, b = (spelled(env, n) for n in (node.condition, node.then, node.otherwise))
    return env.error(
        "E0302",
        f"the condition of `if` is a tensor, {condition.type}",
        node.condition.span,
        "`if` picks one branch, so it needs one bool",
        helps=[
            f"to pick for each element: `where({c}, {a}, {b})`",
            f"to ask about all elements: `if all({c}) then ...`, or `any`",
        ],
    )


def _elementwise(
    env: Env, node: tree.Conditional, condition: Tensor, expected: DType | None
) -> Value:
    with guarded(env, condition, holds=True):
        then = expressions.evaluate(env, node.then, expected)
    with guarded(env, condition, holds=False):
        otherwise = expressions.evaluate(env, node.otherwise, expected)
    return choose(env, node, condition, then, otherwise)


def choose(
    env: Env, node: tree.Conditional, condition: Tensor, then: Value, otherwise: Value
) -> Value:
    """The value of `where(condition, then, otherwise)`, part by part for tuples and records."""
    match then, otherwise:
        case TupleOf(items=left), TupleOf(items=right) if len(left) == len(right):
            pairs = zip(left, right, strict=True)
            items = tuple(choose(env, node, condition, *pair) for pair in pairs)
            return TupleOf(items, then.names)
        case Record(fields=f), Record(fields=g) if list(f) == list(g):
            return Record(then.name, {k: choose(env, node, condition, f[k], g[k]) for k in f})
    if not (isinstance(then, NUMERIC) and isinstance(otherwise, NUMERIC)):
        raise _different_kinds(env, node, then, otherwise)
    site = Site("the branches of `if`", node.span)
    x, y = numeric(env, node.then, then, site), numeric(env, node.otherwise, otherwise, site)
    if _all_open(x.value, y.value):
        return _open_choice(env, node, condition, x, y)
    with env.at(node.span) as b:
        lhs, rhs = fit(env, site, [x, y])
        batch = merged_batch(env, [condition, lhs])
        lhs, rhs = spread(env, lhs, batch, lhs.dims), spread(env, rhs, batch, rhs.dims)
        cond = over(env, condition, lhs)
        return Tensor(b.where(cond.ssa, lhs.ssa, rhs.ssa), Origin(span=node.span), batch)


def _branches(env: Env, node: tree.Conditional, condition: Tensor, expected: DType | None) -> Value:
    with env.region() as then, guarded(env, Number(True), holds=True):
        first = expressions.evaluate(env, node.then, expected)
    with env.region() as orelse:
        second = expressions.evaluate(env, node.otherwise, expected)
    return either(env, node, condition, (first, second), (then, orelse))[0]


def either(
    env: Env,
    node: tree.Conditional,
    condition: Tensor,
    values: tuple[Value, Value],
    blocks: tuple[Block, Block],
    more: tuple[Sequence[SSAValue], Sequence[SSAValue]] = ((), ()),
) -> tuple[Value, list[SSAValue]]:
    """
    The value of `if` whose branches are written in two blocks; and the results that stand for
    `more`, which the blocks yield besides.
    """
    first, second = values
    effects = any(block.ops for block in blocks)
    known = all(isinstance(v, Number | SizeOf | Step) for v in values)
    pairs = [] if known else _pairs(env, node, first, second)
    fitted = [_fit_branches(env, node, p, blocks) for p in pairs]
    for side, block in enumerate(blocks):
        given = [*(f[side].ssa for f in fitted), *more[side]]
        Builder(block, env.b.location).insert(YieldOp.create(operands=given))
    results: list[SSAValue] = []
    if effects or fitted or more[0]:
        with env.at(node.span) as b:
            results = b.if_(condition.ssa, *blocks)
    origin, rest = Origin(span=node.span), results[len(fitted) :]
    tensors = [Tensor(r, origin, f[0].batch) for r, f in zip(results, fitted, strict=False)]
    if known:  # nothing to compute: the choice waits for a dtype
        return choose(env, node, condition, first, second), rest
    if isinstance(first, TupleOf):
        return TupleOf(tuple(tensors), first.names), rest
    if isinstance(first, Record):
        return Record(first.name, dict(zip(first.fields, tensors, strict=True)), origin), rest
    return tensors[0], rest


def _all_open(*values: Numeric) -> bool:
    """Whether these are numbers that all wait for a dtype."""
    return not any(
        isinstance(v, Tensor) or isinstance(v, Number) and isinstance(v.value, bool) for v in values
    )


def _open_choice(
    env: Env, node: tree.Conditional, condition: Tensor, x: Operand, y: Operand
) -> Open:
    """One of two values that have no dtype yet; it takes the dtype that it is used in."""
    site = Site("the branches of `if`", node.span)
    dims = common_dims(env, site, [x, y])
    batch = merged_batch(env, [condition, x.value, y.value])
    kinds = {open_kind(o.value) for o in (x, y)}
    kind: Kind = "float" if "float" in kinds else "any" if "any" in kinds else "int"
    place = snapshot(env)

    def make(dtype: DType) -> SSAValue:
        with resumed(env, place), env.at(node.span):
            sides = [env.tensor(o.value, dtype) for o in (x, y)]
            chosen = choose(env, node, condition, *sides)
        assert isinstance(chosen, Tensor)
        return chosen.ssa

    return Open(make, kind, dims, Origin(span=node.span, how="the result of `if`"), batch)


def _pairs(
    env: Env, node: tree.Conditional, first: Value, second: Value
) -> list[tuple[Value, Value]]:
    match first, second:
        case TupleOf(items=a), TupleOf(items=b) if len(a) == len(b):
            return list(zip(a, b, strict=True))
        case Record(fields=f), Record(fields=g) if list(f) == list(g):
            return [(f[k], g[k]) for k in f]
    if not (isinstance(first, NUMERIC) and isinstance(second, NUMERIC)):
        raise _different_kinds(env, node, first, second)
    return [(first, second)]


def _different_kinds(env: Env, node: tree.Conditional, then: Value, otherwise: Value) -> Problem:
    return env.error(
        "E0302",
        "the branches of `if` have different kinds of values",
        node.span,
        f"{article(then)} and {article(otherwise)}",
        helps=["both branches give a tensor, or tuples or records with the same parts"],
    )


def _fit_branches(
    env: Env, node: tree.Conditional, pair: tuple[Value, Value], blocks: tuple[Block, Block]
) -> tuple[Tensor, Tensor]:
    """Both values with one type, made to fit inside their own branches."""
    site = Site("the branches of `if`", node.span)
    x = numeric(env, node.then, pair[0], site)
    y = numeric(env, node.otherwise, pair[1], site)
    dtype = common_dtype(env, site, [x, y])
    dims = common_dims(env, site, [x, y])
    batch = merged_batch(env, [x.value, y.value])
    results = []
    for side, block in ((x, blocks[0]), (y, blocks[1])):
        before, env.b = env.b, Builder(block, env.b.location)
        try:
            results.append(spread(env, env.tensor(side.value, dtype), batch, dims))
        finally:
            env.b = before
    return results[0], results[1]
