"""Constant expressions: `const`, defaults of parameters, sizes in types, facts about sizes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from irc.frontend import tree, walk
from irc.frontend.analysis.problems import Problem, problem
from irc.sizes import Poly, const, poly

Constant = bool | int | float
Lookup = Callable[[tree.Name], Constant]
SizeLookup = Callable[[tree.Name], Poly | None]

MAX_BITS = 64
MAX_TERMS = 100  # of a size
MAX_POWER = 64

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "min": min, "max": max, "sqrt": math.sqrt, "exp": math.exp, "log": math.log,
}  # fmt: skip
NUMBERS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}


def evaluate(node: tree.Expr, lookup: Lookup) -> Constant:
    """
    The value of a constant expression; `lookup` gives other constants.

    Raises Problem E0117 for what is none, or has no value.
    """
    inner, chain = walk.spine(walk.unparen(node))
    if not chain:
        return _leaf(inner, lookup)
    value = evaluate(inner, lookup)
    for step in chain:
        value = _binary(step, value, lookup)
    return value


def _binary(node: tree.Binary, left: Constant, lookup: Lookup) -> Constant:
    if node.op in ("and", "or"):
        decided = not left if node.op == "and" else bool(left)
        return bool(left) if decided else bool(evaluate(node.right, lookup))
    right = evaluate(node.right, lookup)
    if isinstance(left, bool) or isinstance(right, bool):
        raise _no_value(node, f"`{node.op}` is not defined for bool")
    whole = isinstance(left, int) and isinstance(right, int)
    if node.op == "/" and whole:
        raise problem(
            "E0303",
            "`/` is not defined for integers",
            node.span,
            "irc does not guess between 3 and 3.5",
            helps=["write `//` to round down", "or make one of them a float: `2.0`"],
        )
    if node.op == "**":
        if whole and not 0 <= right <= MAX_POWER:
            raise _no_value(node, f"the exponent {right} is not between 0 and {MAX_POWER}")
        return _checked(node, lambda: left**right)
    if node.op == "@":
        raise _no_value(node, "`@` needs tensors")
    return _checked(node, lambda: _ARITHMETIC[node.op](left, right))


def _leaf(node: tree.Expr, lookup: Lookup) -> Constant:
    match node:
        case tree.Int(value=value) | tree.Float(value=value) | tree.Bool(value=value):
            return value
        case tree.Name():
            return lookup(node)
        case tree.Unary(op=op, operand=operand):
            value = evaluate(operand, lookup)
            if op == "not":
                return not value
            if isinstance(value, bool):
                raise _no_value(node, "`-` is not defined for bool")
            return -value
        case tree.Compare(operands=operands, ops=ops):
            values = [evaluate(x, lookup) for x in operands]
            pairs = zip(values, ops, values[1:], strict=False)
            return all(_COMPARE[op](a, b) for a, op, b in pairs)
        case tree.Conditional(condition=condition, then=then, otherwise=otherwise):
            return evaluate(then if evaluate(condition, lookup) else otherwise, lookup)
        case tree.Call(callee=tree.Name(name=name), args=args) if name in _FUNCTIONS:
            values = [evaluate(arg.value, lookup) for arg in args]
            return _checked(node, lambda: _FUNCTIONS[name](*values))
    raise _no_value(node, "this is not a constant expression")


def _checked(node: tree.Expr, compute: Callable[[], Any]) -> Constant:
    try:
        value = compute()
    except ZeroDivisionError:
        raise _no_value(node, "division by zero") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise _no_value(node, f"no value: {error}") from None
    if isinstance(value, complex):
        raise _no_value(node, "no real value")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise _no_value(node, f"the value needs more than {MAX_BITS} bits")
    return value


def _no_value(node: tree.Expr, why: str) -> Problem:
    return problem("E0117", "a constant expression is needed here", node.span, why)


# ---- sizes


def size(node: tree.Expr, lookup: SizeLookup) -> Poly | None:
    """
    The polynomial that the expression is, or None; `lookup` gives what a name stands for.

    Raises Problem E0211 when it has more than MAX_TERMS terms.
    """
    inner, chain = walk.spine(walk.unparen(node))
    value: Poly | None
    match inner:
        case tree.Int(value=number):
            value = const(number)
        case tree.Name():
            value = lookup(inner)
        case tree.Unary(op="-", operand=operand):
            operand_size = size(operand, lookup)
            value = None if operand_size is None else -operand_size
        case tree.Paren() | tree.Binary():
            value = size(inner, lookup)
        case _:
            return None
    for step in chain:
        if value is None:
            return None
        value = _step(step, value, lookup)
    return value


def _step(node: tree.Binary, left: Poly, lookup: SizeLookup) -> Poly | None:
    right = size(node.right, lookup)
    if right is None:
        return None
    k = right.constant
    match node.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return _product(node, left, right)
        case "//" if k is not None and k > 0:
            return left // k
        case "%" if k is not None and k > 0:
            return left - (left // k) * k
        case "**" if k is not None and 0 <= k <= 16:
            power = const(1)
            for _ in range(k):
                power = _product(node, power, left)
            return power
    return None


def _product(node: tree.Expr, left: Poly, right: Poly) -> Poly:
    result = left * right
    if len(result.terms) > MAX_TERMS:
        raise problem(
            "E0211", "this size is too large to reason about", node.span,
            f"more than {MAX_TERMS} terms when multiplied out",
        )  # fmt: skip
    return result


class Comparison:
    """`left op right` between sizes, from a `where` or an `assert`."""

    __slots__ = ("left", "op", "right", "node")

    def __init__(self, left: Poly, op: str, right: Poly, node: tree.Expr) -> None:
        self.left, self.op, self.right, self.node = left, op, right, node

    def margin(self) -> Poly | None:
        """What is >= 0 exactly when the comparison holds; None for `==` and `!=`."""
        difference = self.right - self.left
        match self.op:
            case "<":
                return difference - 1
            case "<=":
                return difference
            case ">":
                return -difference - 1
            case ">=":
                return -difference
        return None


def comparisons(node: tree.Expr, lookup: SizeLookup) -> list[Comparison] | None:
    """The comparisons that the condition is made of, or None when it is about more than sizes."""
    inner, chain = walk.spine(walk.unparen(node))
    if chain:
        if any(step.op != "and" for step in chain):
            return None
        parts = [comparisons(x, lookup) for x in (inner, *(step.right for step in chain))]
        return None if any(p is None for p in parts) else [c for p in parts if p for c in p]
    node = inner
    if not isinstance(node, tree.Compare):
        return None
    found = [size(x, lookup) for x in node.operands]
    if any(p is None for p in found):
        return None
    sides = [poly(p) for p in found if p is not None]
    return [
        Comparison(a, op, b, node) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)
    ]
