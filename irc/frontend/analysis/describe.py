"""How messages speak of operands: their text, their types, where they come from."""

from __future__ import annotations

from collections.abc import Sequence

from irc.diagnostics import Label, Span
from irc.frontend import tree, walk
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import NUMERIC, ORDINALS, NewAxis, Numeric, Text, TupleOf, Value
from irc.frontend.analysis.values import type_text as spell_type


def source_text(env: Env, span: Span) -> str:
    """The source between the ends of a span, on one line."""
    lines: list[str] = []
    for number in range(span.line, span.end_line + 1):
        line = env.problems.sources.line(span.file, number)
        if line is None:
            return ""
        stop = span.end_col - 1 if number == span.end_line else len(line)
        start = span.col - 1 if number == span.line else 0
        lines.append(line[start:stop].strip() if len(lines) else line[start:stop])
    return " ".join(lines).strip()


def spelled(env: Env, node: tree.Node) -> str:
    """The source of a node without its outer parentheses."""
    return source_text(env, walk.unparen(node).span if isinstance(node, tree.Expr) else node.span)


_TIGHTER = {"+": ("*", "/", "//", "%", "@"), "-": ("*", "/", "//", "%", "@")}
_SIMPLE = (tree.Name, tree.Int, tree.Float, tree.Bool, tree.Call, tree.Index, tree.Attr, tree.Array)


def operand_text(env: Env, node: tree.Expr, symbol: str | None = None) -> str:
    """The source of a node as an operand of `symbol`: in parentheses where it needs them."""
    inner = walk.unparen(node)
    text = source_text(env, inner.span)
    tighter = isinstance(inner, tree.Binary) and inner.op in _TIGHTER.get(symbol or "", ())
    return text if tighter or isinstance(inner, _SIMPLE) else f"({text})"


def article(value: Value) -> str:
    """What a value is, in a sentence: "f32[n]", "a tuple of 2", "a record net"."""
    match value:
        case TupleOf(items=items):
            return f"a tuple of {len(items)}"
        case NewAxis():
            return "`newaxis`"
        case Text():
            return "a string"
        case _ if isinstance(value, NUMERIC):
            return value.type
    return f"a {value.type}"


def dtype_text(value: Numeric) -> str:
    return getattr(getattr(value, "dtype", None), "name", value.type)


def type_of(value: Value) -> str:
    """The type in source terms."""
    return value.type


def axis_name(axis: int, rank: int) -> str:
    """`first`, `last` or another ordinal, as in "its last dimension"."""
    if axis == rank - 1 and rank > 1:
        return "last"
    return ORDINALS[axis] if axis < len(ORDINALS) else f"{axis + 1}th"


def dimension_label(env: Env, node: tree.Expr, value: Numeric, axis: int) -> Label | None:
    """ "`W` is f32[784, 10]; its last dimension is K = 10, declared here" """
    origin = value.origin
    if origin.span is None or not origin.name:
        return None
    which = axis_name(axis, len(value.dims))
    size = origin.size(axis, value.dims[axis])
    where = ", declared here" if origin.declared else ""
    return origin.label(f"`{origin.name}` is {value.type}; its {which} dimension is {size}{where}")


def dtype_origin(env: Env, node: tree.Expr, value: Numeric) -> tuple[Label | None, str | None]:
    """A label at the declaration that fixes the dtype, or a note on how the value was made."""
    origin, dtype = value.origin, dtype_text(value)
    if origin.declared and origin.span:
        return origin.label(f"`{origin.name}` is {dtype} because it is declared here"), None
    if origin.how:
        return None, f"`{origin.name or spelled(env, node)}` is {dtype}: {origin.how}"
    return None, None


def types_note(env: Env, operands: Sequence[tuple[tree.Expr, Numeric]]) -> str:
    """The aligned note with the full type of each operand of a binary operator."""
    names = [spelled(env, node) for node, _ in operands]
    width = max(map(len, names))
    sides = ("left ", "right")
    rows = [
        f"{side} operand  {name:<{width}} : {value.type}"
        for side, name, (_, value) in zip(sides, names, operands, strict=True)
    ]
    return "\n".join(rows)


def result_of(name: str, value: Numeric) -> str:
    """ "the result of `mean` over f32[n]" """
    return f"the result of `{name}` over {value.type}"


__all__ = [
    "article", "axis_name", "dimension_label", "dtype_origin", "dtype_text", "operand_text",
    "result_of", "source_text", "spell_type", "spelled", "type_of", "types_note",
]  # fmt: skip
