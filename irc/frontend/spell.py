"""Expressions and types as documents of layout.py, for the formatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from irc.frontend import tree
from irc.frontend.layout import NOTHING, SPACE, Doc, Group, Nest, bracketed, joined

# Operators of one level stand in one chain; see the grammar.
LEVEL = {"or": 0, "and": 1, "+": 2, "-": 2, "*": 3, "/": 3, "//": 3, "%": 3, "@": 3, "**": 4}


def expression(node: tree.Expr) -> Doc:
    return _EXPRESSIONS[type(node)](node)


def expressions(nodes: Sequence[tree.Expr]) -> list[Doc]:
    return joined(",", [expression(node) for node in nodes])


def dotted(path: Sequence[tree.Ident]) -> str:
    return ".".join(name.name for name in path)


def index_vars(nodes: Sequence[tree.IndexVar]) -> list[Doc]:
    return joined(",", [index_var(node) for node in nodes])


def index_var(node: tree.IndexVar) -> Doc:
    if node.bound is None:
        return node.name.name
    return [f"{node.name.name} {node.op} ", expression(node.bound)]


def index_items(nodes: Sequence[tree.IndexItem]) -> Doc:
    return bracketed("[", [_index_item(node) for node in nodes], "]")


def arg(node: tree.Arg) -> Doc:
    return [f"{node.name.name}=" if node.name else "", expression(node.value)]


def type_(node: tree.Type) -> Doc:
    match node:
        case tree.ScalarType(name=name):
            return name
        case tree.TensorType(dtype=dtype, dims=dims):
            parts: list[Doc] = [
                "..." if isinstance(dim, tree.AnyDims) else expression(dim) for dim in dims
            ]
            return [dtype.name, bracketed("[", parts, "]")]
        case tree.LikeType(name=name):
            return f"like {name.name}"
        case tree.TupleType(results=results):
            return bracketed("(", [_result(result) for result in results], ")")
    raise TypeError(type(node).__name__)


def _result(node: tree.Result) -> Doc:
    return [f"{node.name.name}: " if node.name else "", type_(node.type)]


def _index_item(node: tree.IndexItem) -> Doc:
    if isinstance(node, tree.Ellipsis_):
        return "..."
    if not isinstance(node, tree.Slice):
        return expression(node)
    parts: list[Doc] = [expression(node.start) if node.start else "", ":"]
    parts += [expression(node.stop)] if node.stop else []
    parts += [":", expression(node.step)] if node.step else []
    return parts


def _chain(node: tree.Binary) -> Doc:
    """`a + b - c` breaks behind operators, as late as possible."""
    if node.op == "**":
        return [expression(node.left), " ** ", expression(node.right)]
    level = LEVEL[node.op]
    tail: list[Doc] = []
    left: tree.Expr = node
    while isinstance(left, tree.Binary) and LEVEL[left.op] == level:
        tail.append(Group([SPACE, expression(left.right)]))
        tail.append(f" {left.op}")
        left = left.left
    tail.append(expression(left))
    tail.reverse()
    return Nest(tail)


def _compare(node: tree.Compare) -> Doc:
    parts: list[Doc] = [expression(node.operands[0])]
    for op, operand in zip(node.ops, node.operands[1:], strict=True):
        parts += [f" {op}", Group([SPACE, expression(operand)])]
    return Nest(parts)


def _conditional(node: tree.Conditional) -> Doc:
    parts: list[Doc] = []
    rest: tree.Expr = node
    while isinstance(rest, tree.Conditional):
        parts += ["if ", expression(rest.condition), SPACE, "then ", expression(rest.then)]
        parts += [SPACE, "else "]
        rest = rest.otherwise
    parts.append(expression(rest))
    return Group(Nest(parts))


def _tuple(node: tree.Tuple) -> Doc:
    parts = [expression(element) for element in node.elements]
    if len(parts) == 1:
        return ["(", parts[0], ",)"]
    return bracketed("(", parts, ")")


def _comprehension(node: tree.Comprehension) -> Doc:
    inner: list[Doc] = [expression(node.body), SPACE, "for ", Nest(index_vars(node.indices))]
    return Group(["[", Nest([NOTHING, inner]), NOTHING, "]"])


def _with(node: tree.With) -> Doc:
    change: list[Doc] = ["with ", index_items(node.items), f" {node.op} ", expression(node.value)]
    return Nest([expression(node.base), Group([SPACE, *change])])


_EXPRESSIONS: dict[type, Callable[[Any], Doc]] = {
    tree.Name: lambda node: node.name,
    tree.Int: lambda node: node.text,
    tree.Float: lambda node: node.text,
    tree.Bool: lambda node: "true" if node.value else "false",
    tree.String: lambda node: node.text,
    tree.Paren: lambda node: ["(", expression(node.value), ")"],
    tree.Tuple: _tuple,
    tree.Array: lambda node: bracketed("[", [expression(x) for x in node.elements], "]"),
    tree.Comprehension: _comprehension,
    tree.Conditional: _conditional,
    tree.Unary: lambda node: ["-" if node.op == "-" else "not ", expression(node.operand)],
    tree.Binary: _chain,
    tree.Compare: _compare,
    tree.Index: lambda node: [expression(node.base), index_items(node.items)],
    tree.Attr: lambda node: [expression(node.base), f".{node.name.name}"],
    tree.Call: lambda node: [
        expression(node.callee),
        bracketed("(", [arg(x) for x in node.args], ")"),
    ],
    tree.With: _with,
}
