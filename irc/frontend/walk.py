"""Ways through a syntax tree. None of them recurses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from irc.diagnostics import Span
from irc.frontend.tree import Assign, Binary, Expr, Ident, Index, Lead, Name, Node, Paren, Stmt

MAX_INDENT = 150  # of a dump; only a long chain of operators is deeper

N = TypeVar("N", bound=Node)


def fields(node: Node) -> tuple[str, ...]:
    """Names of all fields; the first is the span."""
    names: tuple[str, ...] = type(node).__match_args__
    return names


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in source order."""
    for name in fields(node):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif type(value) is tuple and not isinstance(value, Span):
            for part in value:
                if isinstance(part, Node):
                    yield part


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below, parents first, in source order."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(children(node))))


def spine(expr: Expr) -> tuple[Expr, list[Binary]]:
    """
    A chain of operators from the inside: its innermost left operand and the operations on it.

    `a + b - c` is `a`, [`a + b`, `a + b - c`].
    """
    chain: list[Binary] = []
    while isinstance(expr, Binary):
        chain.append(expr)
        expr = expr.left
    chain.reverse()
    return expr, chain


def unparen(expr: Expr) -> Expr:
    while isinstance(expr, Paren):
        expr = expr.value
    return expr


def equation(statement: Stmt) -> tuple[Ident, Ident, Expr] | None:
    """`x[t] = value` as (x, t, value), None for any other statement."""
    match statement:
        case Assign(target=Index(base=Name() as x, items=(Name() as t,)), op="=", value=value):
            return Ident(x.span, x.name), Ident(t.span, t.name), value
    return None


def replace(node: N, **changes: object) -> N:
    """A copy with other values in some fields."""
    values = {name: getattr(node, name) for name in fields(node)}
    return type(node)(**{**values, **changes})


def same(left: Node, right: Node, *, ignore: tuple[str, ...] = ("span",)) -> bool:
    """Whether two trees say the same, wherever their texts stand."""
    pending: list[tuple[object, object]] = [(left, right)]
    while pending:
        a, b = pending.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, Node):
            names = [f for f in fields(a) if f not in ignore]
            pending.extend((getattr(a, f), getattr(b, f)) for f in names)
        elif isinstance(a, tuple):
            assert isinstance(b, tuple)
            if len(a) != len(b):
                return False
            pending.extend(zip(a, b, strict=True))
        elif a != b and not (a != a and b != b):
            return False
    return True


def dump(node: Node) -> str:
    """The tree as indented text: class, position, plain fields; then the nodes below."""
    lines: list[str] = []
    pending: list[tuple[str, Node, int]] = [("", node, 0)]
    while pending:
        role, node, depth = pending.pop()
        plain: list[str] = []
        below: list[tuple[str, Node, int]] = []
        for name in fields(node)[1:]:
            value = getattr(node, name)
            if isinstance(value, Lead) and not (value.doc or value.attributes):
                continue
            parts = value if isinstance(value, tuple) else (value,)
            if isinstance(value, Ident):
                plain.append(f"{name}={value.name}")
            elif any(isinstance(part, Node) for part in parts):
                for part in parts:
                    if isinstance(part, Node):
                        below.append((f"{name}: ", part, depth + 1))
                    else:
                        below.append((f"{name}: ", Ident(node.span, repr(part)), depth + 1))
            elif value not in (None, ()):
                plain.append(f"{name}={value!r}" if isinstance(value, str) else f"{name}={value}")
        title = " ".join([type(node).__name__, f"{node.span.line}:{node.span.col}", *plain])
        lines.append("  " * min(depth, MAX_INDENT) + role + title)
        pending.extend(reversed(below))
    return "\n".join(lines) + "\n"
