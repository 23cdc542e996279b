"""Expressions of the language evaluated one element at a time, as the oracle of index notation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from irc.frontend import tree

Scope = Mapping[str, Any]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv,
    "%": operator.mod, "@": operator.matmul, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
REDUCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": lambda xs: sum(xs), "prod": math.prod, "max": lambda xs: np.max(xs, axis=0),
    "min": lambda xs: np.min(xs, axis=0), "mean": lambda xs: sum(xs) / len(xs),
    "any": any, "all": all,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tanh": np.tanh, "abs": np.abs, "sum": np.sum, "max": np.maximum, "min": np.minimum,
    "f64": float,
}  # fmt: skip


def interpret(node: tree.Expr, scope: Scope, default_range: int) -> Any:
    """
    The value of an expression; index variables without a range run to `default_range`.

    Branches that are not taken and right sides of `and`, `or` that do not matter are not read.
    """

    def go(node: tree.Expr, scope: Scope) -> Any:
        match node:
            case tree.Int(value=v) | tree.Float(value=v) | tree.Bool(value=v):
                return v
            case tree.Name(name=name):
                return scope[name]
            case tree.Paren(value=inner):
                return go(inner, scope)
            case tree.Unary(op=op, operand=x):
                return -go(x, scope) if op == "-" else not go(x, scope)
            case tree.Binary(op="and", left=x, right=y):
                return go(x, scope) and go(y, scope)
            case tree.Binary(op="or", left=x, right=y):
                return go(x, scope) or go(y, scope)
            case tree.Binary(op=op, left=x, right=y):
                return OPERATORS[op](go(x, scope), go(y, scope))
            case tree.Compare(operands=(x, y), ops=(op,)):
                return OPERATORS[op](go(x, scope), go(y, scope))
            case tree.Conditional(condition=c, then=x, otherwise=y):
                return go(x if go(c, scope) else y, scope)
            case tree.Index(base=base, items=items):
                return _read(go(base, scope), [go(i, scope) for i in items])  # type: ignore[arg-type]
            case tree.Comprehension(indices=indices, body=body):
                return _array([(v.name.name, v.bound) for v in indices], body, scope)
            case tree.Call(callee=tree.Index(base=tree.Name(name=name), items=items), args=(arg,)):
                values = [go(arg.value, s) for s in _scopes([_binding(i) for i in items], scope)]
                return REDUCTIONS[name](values)
            case tree.Call(callee=tree.Name(name=name), args=args):
                return FUNCTIONS[name](*(go(a.value, scope) for a in args))
        raise AssertionError(node)

    def extent(bound: tree.Expr | None, scope: Scope) -> int:
        return default_range if bound is None else int(go(bound, scope))

    def _scopes(names: list[tuple[str, tree.Expr | None]], scope: Scope) -> Iterator[Scope]:
        extents = [extent(bound, scope) for _, bound in names]
        for index in np.ndindex(*extents):
            yield {**scope, **{n: k for (n, _), k in zip(names, index, strict=True)}}

    def _array(names: list[tuple[str, tree.Expr | None]], body: tree.Expr, scope: Scope) -> Any:
        values = [np.asarray(go(body, s)) for s in _scopes(names, scope)]
        return np.array(values).reshape(*(extent(b, scope) for _, b in names), *values[0].shape)

    return go(node, scope)


def _binding(item: Any) -> tuple[str, tree.Expr | None]:
    match item:
        case tree.Name(name=name):
            return name, None
        case tree.Compare(operands=(tree.Name(name=name), bound)):
            return name, bound
    raise AssertionError(item)


def _read(x: Any, items: list[Any]) -> Any:
    for i, size in zip(items, np.shape(x), strict=False):
        assert 0 <= i < size, f"index {i} is outside {size}"
    return x[tuple(items)]
