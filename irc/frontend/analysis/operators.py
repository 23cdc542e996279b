"""Operators on values: literals among themselves, sizes, tensors, records."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from irc import sizes
from irc.diagnostics import Span
from irc.dtypes import BOOL, DType
from irc.frontend import tree
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    common_dtype,
    fit,
    merged_batch,
    numeric,
)
from irc.frontend.analysis.describe import operand_text, spelled
from irc.frontend.analysis.division import check_divisor
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pointwise import pointwise
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.products import matmul
from irc.frontend.analysis.recurrences import counted
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
    Value,
)
from irc.sizes import Poly

# Name of the elementwise function behind each operator.
ARITHMETIC = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow",
}  # fmt: skip
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

_ON_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def binary(
    env: Env, node: tree.Binary, left: Value, right: Value, expected: DType | None = None
) -> Value:
    """`left op right` for every operator but `and` and `or`, which look at one side first."""
    op = node.op
    if isinstance(left, Record) or isinstance(right, Record):
        return _on_records(env, node, left, right)
    site = Site(f"`{op}`", node.span, op)
    x, y = numeric(env, node.left, left, site), numeric(env, node.right, right, site)
    if op == "@":
        return matmul(env, site, x, y)
    known = _known(env, op, x.value, y.value)
    if known is not None:
        return replace(known, origin=Origin(span=node.span, how=f"the result of `{op}`"))
    return arithmetic(env, site, x, y, expected)


def arithmetic(
    env: Env, site: Site, x: Operand, y: Operand, expected: DType | None = None
) -> Tensor | Open:
    """An arithmetic operator with at least one operand that is not just a literal."""
    op = site.symbol or ""
    origin = Origin(span=site.span, how=f"the result of `{op}`")
    if isinstance(x.value, Tensor) or isinstance(y.value, Tensor):
        dtype = common_dtype(env, site, [x, y], expected)
        _check_arithmetic(env, site, x, y, dtype)
        if isinstance(x.value, Tensor) and op == "**" and (k := _small_power(y.value, dtype)):
            with env.at(site.span):
                return replace(_power(env, x.value, k), origin=origin)
    elif any(_is_bool(o.value) for o in (x, y)):
        _check_arithmetic(env, site, x, y, BOOL)
    if op in ("//", "%"):
        check_divisor(env, site, x, y)
    return pointwise(env, site, ARITHMETIC[op], [x, y], origin, expected)


def _is_bool(value: Numeric) -> bool:
    return isinstance(value, Number) and isinstance(value.value, bool)


def _check_arithmetic(env: Env, site: Site, x: Operand, y: Operand, dtype: DType) -> None:
    op = site.symbol or ""
    if dtype is BOOL:
        a, b = spelled(env, x.node), spelled(env, y.node)
        raise env.error(
            "E0302",
            f"`{op}` is not defined for bool",
            site.span,
            "arithmetic needs numbers",
            helps=[f"convert explicitly: `f32({a}) {op} f32({b})`"],
        )
    if op == "/" and dtype.is_integer:
        a, b = spelled(env, x.node), spelled(env, y.node)
        raise env.error(
            "E0303",
            f"`/` is not defined for integers ({dtype})",
            site.span,
            "irc does not guess between 3 and 3.5",
            helps=[
                f"write `{operand_text(env, x.node)} // {operand_text(env, y.node)}` to round down",
                f"or convert: `f32({a}) / f32({b})`",
            ],
        )

    if op == "**" and dtype.is_integer and isinstance(y.value, Number) and y.value.value < 0:
        raise env.error(
            "E0302",
            f"an integer ({dtype}) has no negative power",
            site.span,
            "the result would be a fraction",
            helps=[f"convert explicitly: `f32({spelled(env, x.node)}) ** {spelled(env, y.node)}`"],
        )


def _small_power(value: Numeric, dtype: DType) -> int | None:
    """The exponent when it is a literal for which products are exact enough and faster."""
    if not isinstance(value, Number) or isinstance(value.value, bool):
        return None
    k = value.value
    if k == int(k) and 1 <= k <= 4 and (dtype.is_float or dtype.is_integer):
        return int(k)
    return None


def _power(env: Env, x: Tensor, k: int) -> Tensor:
    square = env.b.square(x.ssa) if k > 1 else x.ssa
    if k == 3:
        square = env.b.mul(square, x.ssa)
    if k == 4:
        square = env.b.square(square)
    return replace(x, ssa=square)


def _known(env: Env, op: str, x: Numeric, y: Numeric) -> Number | SizeOf | Step | None:
    """The result when it is a literal or a size again; None when there is something to compute."""
    match x, y:
        case Number(value=a), Number(value=b) if not isinstance(a, bool) and not isinstance(
            b, bool
        ):
            return _on_numbers(op, a, b)
        case ((SizeOf() | Number() | Step()), (SizeOf() | Number() | Step())):
            p, q = _poly(x), _poly(y)
            if p is None or q is None:
                return None
            result = _on_sizes(op, p, q)
            return None if result is None else counted(env, result, merged_batch(env, [x, y]))
    return None


def _on_numbers(op: str, a: int | float, b: int | float) -> Number | None:
    """None where Python would raise, so that the operation keeps its meaning at run time."""
    try:
        value = _ON_NUMBERS[op](a, b)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(value, int) and value.bit_length() > 64 or isinstance(value, complex):
        return None
    return Number(value)


def _poly(x: Numeric) -> Poly | None:
    if isinstance(x, SizeOf | Step):
        return x.poly
    if isinstance(x, Number) and isinstance(x.value, int) and not isinstance(x.value, bool):
        return sizes.const(x.value)
    return None


def _on_sizes(op: str, p: Poly, q: Poly) -> Poly | None:
    match op:
        case "+":
            return p + q
        case "-":
            return p - q
        case "*":
            return p * q
        case "//" if (q.constant or 0) > 0:
            return p // q.constant  # type: ignore[operator]
        case "%" if (q.constant or 0) > 0:
            return p - (p // q.constant) * q  # type: ignore[operator]
        case "**" if q.constant is not None and 0 <= q.constant <= 8:
            power = sizes.const(1)
            for _ in range(q.constant):
                power = power * p
            return power
    return None


def _on_records(env: Env, node: tree.Binary, left: Value, right: Value) -> Record:
    """Field by field; a number or scalar meets each field."""
    model = left if isinstance(left, Record) else right
    assert isinstance(model, Record)
    for side, value in ((node.left, left), (node.right, right)):
        if isinstance(value, Record):
            if list(value.fields) != list(model.fields):
                raise different_fields(env, f"`{node.op}`", node.span, model, value)
        elif not isinstance(value, NUMERIC):
            raise env.error(
                "E0302",
                f"`{node.op}` does not take a record and a {value.type}",
                side.span,
                f"this is a {value.type}",
            )

    def part(value: Value, field: str) -> Value:
        return value.fields[field] if isinstance(value, Record) else value

    fields: dict[str, Value] = {}
    for field in model.fields:
        fields[field] = binary(env, node, part(left, field), part(right, field))
    return Record(model.name, fields, Origin(span=node.span, how=f"the result of `{node.op}`"))


def different_fields(env: Env, what: str, span: Span, x: Record, y: Record) -> Problem:
    """E0503 for two records in an operation that goes field by field."""
    return env.error(
        "E0503",
        f"records of {what} have different fields",
        span,
        f"{', '.join(x.fields)} and {', '.join(y.fields)}",
        helps=["arithmetic on records is field by field: both need the same fields"],
    )


def negate(env: Env, node: tree.Unary, value: Value) -> Value:
    """`-value`. Messages say how `value` was made: the sign changes neither dtype nor shape."""
    how = value.origin.how or "the result of `-`"
    origin = Origin(span=node.span, how=how)
    if isinstance(value, Record):
        return Record(
            value.name, {f: negate(env, node, v) for f, v in value.fields.items()}, origin
        )
    match value:
        case Number(value=x) if not isinstance(x, bool):
            return Number(-x, origin)
        case SizeOf(poly=p, batch=batch) | Step(poly=p, batch=batch):
            return replace(counted(env, -p, batch), origin=origin)
    site = Site("`-`", node.span, "-")
    o = numeric(env, node.operand, value, site)
    dtype = o.value.dtype if isinstance(o.value, Tensor) else BOOL if _is_bool(o.value) else None
    if dtype is not None and dtype.kind in ("bool", "uint"):
        raise env.error(
            "E0302",
            f"`-` is not defined for {dtype}",
            node.span,
            "it has no negative values",
            helps=[f"convert explicitly: `-i32({spelled(env, node.operand)})`"],
        )
    return pointwise(env, site, "neg", [o], origin)


def compare(env: Env, node: tree.Compare, values: list[Value]) -> Value:
    """`a < b <= c` is `a < b and b <= c`."""
    results = [
        _compare_two(env, node, op, x, y)
        for op, x, y in zip(
            node.ops,
            zip(node.operands, values, strict=True),
            zip(node.operands[1:], values[1:], strict=True),
            strict=False,
        )
    ]
    total = results[0]
    for other in results[1:]:
        total = logical(env, "and", node, (node, total), (node, other))
    return total


def _compare_two(
    env: Env, node: tree.Compare, op: str, left: tuple[tree.Expr, Value],
    right: tuple[tree.Expr, Value],
) -> Value:  # fmt: skip
    site = Site(f"`{op}`", node.span, op)
    x, y = numeric(env, *left, site), numeric(env, *right, site)
    origin = Origin(span=node.span, how=f"the result of `{op}`")
    if isinstance(x.value, Number) and isinstance(y.value, Number):
        return Number(bool(_ON_NUMBERS[op](x.value.value, y.value.value)), origin)
    p, q = _poly(x.value), _poly(y.value)
    if p is not None and q is not None and (difference := (p - q).constant) is not None:
        return Number(bool(_ON_NUMBERS[op](difference, 0)), origin)
    dtype = common_dtype(env, site, [x, y])
    if dtype is BOOL and op not in ("==", "!="):
        raise env.error(
            "E0302", f"`{op}` is not defined for bool", site.span, "bools have no order"
        )
    with env.at(node.span) as b:
        lhs, rhs = fit(env, site, [x, y], dtype)
        return Tensor(b.scalar(COMPARISONS[op], lhs.ssa, rhs.ssa), origin, lhs.batch)


def logical(
    env: Env, op: str, node: tree.Expr, left: tuple[tree.Expr, Value],
    right: tuple[tree.Expr, Value],
) -> Value:  # fmt: skip
    """`and`, `or` of bools, element by element."""
    site = Site(f"`{op}`", node.span, op)
    origin = Origin(span=node.span, how=f"the result of `{op}`")
    x, y = (truth(env, *side, site) for side in (left, right))
    for one, other in ((x, y), (y, x)):
        if isinstance(one.value, Number):
            decides = bool(one.value.value) == (op == "or")
            return Number(op == "or", origin) if decides else other.value
    with env.at(node.span) as b:
        lhs, rhs = fit(env, site, [x, y], BOOL)
        return Tensor(b.scalar(op, lhs.ssa, rhs.ssa), origin, lhs.batch)


def invert(env: Env, node: tree.Unary, value: Value) -> Value:
    """`not value`."""
    x = truth(env, node.operand, value, Site("`not`", node.span, "not"))
    origin = Origin(span=node.span, how="the result of `not`")
    if isinstance(x.value, Number):
        return Number(not x.value.value, origin)
    tensor = env.tensor(x.value)
    with env.at(node.span) as b:
        return Tensor(b.scalar("not", tensor.ssa), origin, tensor.batch)


def truth(env: Env, node: tree.Expr, value: Value, site: Site) -> Operand:
    """`value` as a bool operand; raises E0302 for anything else, which irc does not convert."""
    x = numeric(env, node, value, site)
    is_bool = (
        x.value.dtype is BOOL
        if isinstance(x.value, Tensor)
        else isinstance(x.value, Number) and isinstance(x.value.value, bool)
    )
    if is_bool:
        return x
    raise env.error(
        "E0302",
        f"{site.text} needs a bool, got {x.value.type}",
        node.span,
        f"this is {x.value.type}",
        helps=[f"compare explicitly: `{spelled(env, node)} != 0`"],
    )
