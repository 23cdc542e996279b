"""Arguments of builtins, converted to what the parameter's kind promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from irc.diagnostics import Span
from irc.dtypes import BOOL, DType
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import Operand, Site, numeric
from irc.frontend.analysis.builtins.table import REQUIRED, Call, Param, bind
from irc.frontend.analysis.describe import article, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.operators import different_fields
from irc.frontend.analysis.pointwise import not_float
from irc.frontend.analysis.sizing import known_size, not_negative
from irc.frontend.analysis.values import (
    DTypeRef,
    Number,
    Record,
    ShapeOf,
    SizeOf,
    Step,
    Tensor,
    Text,
    TupleOf,
    Value,
)
from irc.sizes import Poly, Size


def call_builtin(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    """The result of a call: arguments bound, converted, and handed to the row's function."""
    entry = call.entry
    if entry.raw:
        return entry.build(env, call, args)
    if call.base is not None:
        first = entry.params[0].name
        call.nodes[first] = call.base
        bind(env, call, args, skip=1)
    elif entry.draws and env.declared is not None and not _gives_shape(env, args):
        bind(env, call, args, skip=1)
        call.values[entry.params[0].name] = env.declared[1]
    else:
        bind(env, call, args)
    if entry.records and (record := _record(env, call)) is not None:
        return _field_by_field(env, call, record)
    return entry.build(env, call, *(_argument(env, call, p) for p in entry.params))


def _gives_shape(env: Env, args: Sequence[tree.Arg]) -> bool:
    """Whether the first argument of a draw is a shape: `[n, d]`, `shape(x)`."""
    if any(a.name and a.name.name == "shape" for a in args):
        return True
    if not args or args[0].name is not None:
        return False
    node = walk.unparen(args[0].value)
    if isinstance(node, tree.Array | tree.Tuple):
        return True
    return isinstance(expressions.evaluate(env, node), ShapeOf)


# Kinds of parameters in whose place a record may stand.
_BY_FIELD = ("number", "float", "open", "bool", "tensor")


def _record(env: Env, call: Call) -> Record | None:
    """Evaluates the arguments that may be records; the first that is one, whose fields count."""
    found = None
    for param in call.entry.params:
        if param.kind not in _BY_FIELD or param.name not in call.nodes:
            continue
        node = call.nodes[param.name]
        value = call.base_value if node is call.base else None
        if value is None:
            value = expressions.evaluate(env, node, call.expected)
        call.values[param.name] = value
        if isinstance(value, Record):
            if found and list(found.fields) != list(value.fields):
                raise different_fields(env, f"`{call.entry.name}`", call.span, found, value)
            found = found or value
    return found


def _field_by_field(env: Env, call: Call, record: Record) -> Record:
    fields: dict[str, Value] = {}
    for name in record.fields:
        one = replace(call, base_value=None, values={})
        for parameter, value in call.values.items():
            one.values[parameter] = value.fields[name] if isinstance(value, Record) else value
        fields[name] = call.entry.build(
            env, one, *(_argument(env, one, p) for p in call.entry.params)
        )
    return Record(record.name, fields, call.origin)


def _argument(env: Env, call: Call, param: Param) -> Any:
    if param.name in call.values and param.kind == "shape":
        return call.values[param.name]
    if param.name not in call.nodes:
        if param.kind == "axes":
            return list(range(_rank(call)))
        if param.kind == "axis" and param.default is not None:
            return _one_axis(env, call, param.default, call.span)
        assert param.default is not REQUIRED
        return param.default
    node = call.nodes[param.name]
    if param.kind in ("shape", "rest"):
        return shape(env, node, rest=param.kind == "rest")
    if param.kind == "written":
        return node
    if param.kind == "list":
        return _list(env, call, node)
    if param.kind == "pairs":
        return _pairs(env, call, node)
    if param.name in call.values:
        value = call.values[param.name]
    elif call.base is node and call.base_value is not None:
        value = call.base_value
    else:
        value = expressions.evaluate(env, node, call.expected)
    converted = _CONVERT[param.kind](env, call, node, value)
    call.values[param.name] = converted
    return converted


def _first(call: Call) -> Any:
    return call.values[call.entry.params[0].name]


def _rank(call: Call) -> int:
    first = _first(call)
    return len(first.value.dims) if isinstance(first, Operand) else len(first.dims)


# -- tensors


def _site(call: Call) -> Site:
    return Site(f"`{call.entry.name}`", call.span)


def _number(env: Env, call: Call, node: tree.Expr, value: Value) -> Operand:
    return numeric(env, node, value, _site(call))


def _tensor(env: Env, call: Call, node: tree.Expr, value: Value) -> Tensor:
    with env.at(node.span):
        return env.tensor(_number(env, call, node, value).value, call.expected)


def _float(env: Env, call: Call, node: tree.Expr, value: Value) -> Tensor:
    operand = _number(env, call, node, value)
    expected = call.expected if call.expected and call.expected.is_float else env.floatx
    with env.at(node.span):
        tensor = env.tensor(operand.value, expected)
    if not tensor.dtype.is_float:
        raise not_float(env, _site(call), node, tensor)
    return tensor


def _open(env: Env, call: Call, node: tree.Expr, value: Value) -> Operand:
    operand = _number(env, call, node, value)
    if isinstance(operand.value, Tensor) and not operand.value.dtype.is_float:
        raise not_float(env, _site(call), node, operand.value)
    return operand


def _bool(env: Env, call: Call, node: tree.Expr, value: Value) -> Tensor:
    tensor = _tensor(env, call, node, value)
    if tensor.dtype is not BOOL:
        raise env.error(
            "E0302",
            f"`{call.entry.name}` needs a bool, got {tensor.type}",
            node.span,
            f"this is {tensor.type}",
            helps=[f"compare explicitly: `{spelled(env, node)} != 0`"],
        )
    return tensor


def _list(env: Env, call: Call, node: tree.Expr) -> list[Operand]:
    inner = walk.unparen(node)
    if isinstance(inner, tree.Array | tree.Tuple) and inner.elements:
        return [
            _number(env, call, e, expressions.evaluate(env, e, call.expected))
            for e in inner.elements
        ]
    value = expressions.evaluate(env, node)
    if isinstance(value, TupleOf) and value.items:
        return [_number(env, call, node, v) for v in value.items]
    raise env.error(
        "E0302",
        f"`{call.entry.name}` needs a list of tensors",
        node.span,
        f"this is {value.type}",
        helps=[f"write `{call.entry.name}([a, b])`"],
    )


def _pairs(env: Env, call: Call, node: tree.Expr) -> list[tuple[Poly, Poly]]:
    """`1`, `(1, 2)`, or a list of pairs."""
    inner = walk.unparen(node)
    if not isinstance(inner, tree.Array | tree.Tuple):
        width = _width(env, call, inner)
        return [(width, width)]
    rows = [walk.unparen(e) for e in inner.elements]
    if all(isinstance(r, tree.Array | tree.Tuple) for r in rows):
        return [_pair(env, call, row) for row in rows]
    return [_pair(env, call, inner)]


def _pair(env: Env, call: Call, node: tree.Expr) -> tuple[Poly, Poly]:
    elements = node.elements if isinstance(node, tree.Array | tree.Tuple) else (node,)
    if len(elements) != 2:
        raise env.error(
            "E0302",
            f"`{call.entry.name}` needs pairs: before, behind",
            node.span,
            f"{len(elements)} numbers",
            helps=["write `(1, 2)` for all axes, or `[(1, 2), (0, 0)]` with a pair for each"],
        )
    low, high = (_width(env, call, e) for e in elements)
    return low, high


def _width(env: Env, call: Call, node: tree.Expr) -> Poly:
    return _known(env, call, node, expressions.evaluate(env, node))


# -- axes


def _axis(env: Env, call: Call, node: tree.Expr, value: Value) -> int | None:
    if _is_none(node):
        return None
    return _one_axis(env, call, _literal_int(env, call, node, value), node.span)


def _axes(env: Env, call: Call, node: tree.Expr, value: Value) -> list[int]:
    if _is_none(node):
        return list(range(_rank(call)))
    axes = [_one_axis(env, call, k, node.span) for k in _literal_ints(env, call, node, value)]
    if len(set(axes)) < len(axes):
        raise env.error("E0204", "an axis is given twice", node.span, "each axis once")
    return sorted(axes)


def _is_none(node: tree.Expr) -> bool:
    return isinstance(node, tree.Name) and node.name == "none"


def _literal_int(env: Env, call: Call, node: tree.Expr, value: Value) -> int:
    if isinstance(value, Number) and isinstance(value.value, int):
        return value.value
    raise env.error(
        "E0204",
        f"an axis of `{call.entry.name}` is a literal integer",
        node.span,
        f"this is {value.type}",
    )


def _literal_ints(env: Env, call: Call, node: tree.Expr, value: Value) -> list[int]:
    """`(0, 2)` or `[0, 2]`, or a single integer."""
    inner = walk.unparen(node)
    if isinstance(inner, tree.Array):
        items: Sequence[Value] = [expressions.evaluate(env, e) for e in inner.elements]
    else:
        items = value.items if isinstance(value, TupleOf) else (value,)
    return [_literal_int(env, call, node, v) for v in items]


def _one_axis(env: Env, call: Call, axis: int, span: Span) -> int:
    rank = _rank(call)
    if -rank <= axis < rank:
        return axis % rank
    first = _first(call)
    value = first.value if isinstance(first, Operand) else first
    node = next(iter(call.nodes.values()))
    if rank == 0:
        raise env.error(
            "E0204",
            "axis is given for a scalar, which has no axes",
            span,
            "a scalar has no axes",
            labels=[call.first_label(f"`{spelled(env, node)}` is {value.type}")],
        )
    hint = call.entry.axis_hint
    helps = "axes count from 0" + (f"; {hint} `axis={rank - 1}`" if hint else "")
    raise env.error(
        "E0204",
        f"axis {axis} is out of range for a tensor of rank {rank}",
        call.keywords.get("axis", span),
        f"valid axes are {_listed([*range(rank), *range(-1, -rank - 1, -1)])}",
        labels=[call.first_label(f"`{spelled(env, node)}` is {value.type}")],
        helps=[helps],
    )


def _listed(numbers: Sequence[int]) -> str:
    texts = list(map(str, numbers))
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


# -- sizes, dtypes, options


def shape(env: Env, node: tree.Expr, rest: bool = False) -> tuple[Size, ...]:
    """Sizes: `[n, 3]`, `(n, 3)`, `shape(x)`, or one size; with `rest`, -1 may be among them."""
    inner = walk.unparen(node)
    if isinstance(inner, tree.Array | tree.Tuple):
        return tuple(_as_size(env, e, expressions.evaluate(env, e), rest) for e in inner.elements)
    value = expressions.evaluate(env, node)
    if isinstance(value, ShapeOf):
        return value.dims
    return (_as_size(env, node, value, rest),)


def _as_size(env: Env, node: tree.Expr, value: Value, rest: bool = False) -> Size:
    known = known_size(value)
    if known is None:
        raise env.error(
            "E0205",
            "a size must be known from the arguments' types",
            node.span,
            f"this is {value.type}",
            helps=[
                "sizes are built from literals, constants and the sizes in types"
                if not isinstance(value, Step)
                else "a shape is the same in every step: take the largest size that occurs"
            ],
        )
    return -1 if rest and known == -1 else not_negative(env, node, known, "the size")


def _size(env: Env, call: Call, node: tree.Expr, value: Value) -> Size:
    return _as_size(env, node, value)


def _known(env: Env, call: Call, node: tree.Expr, value: Value) -> Poly:
    known = known_size(value)
    if known is not None:
        return known
    is_float = isinstance(value, Number) and isinstance(value.value, float)
    raise env.error(
        "E0205",
        f"`{call.entry.name}` needs integers that are known from the arguments' types",
        node.span,
        f"this is {value.type}",
        helps=["for fractions, write `linspace(start, stop, count)`"] if is_float else [],
    )


def _dtype(env: Env, call: Call, node: tree.Expr, value: Value) -> DType:
    if isinstance(value, DTypeRef):
        return value.dtype
    if isinstance(value, Tensor):
        return value.dtype
    help_ = "write `f32`, for example"
    if isinstance(value, SizeOf | Number) and "shape" in call.nodes and not call.keywords:
        sizes = f"{spelled(env, call.node('shape'))}, {spelled(env, node)}"
        help_ = f"several sizes stand in brackets: `[{sizes}]`"
    raise env.error(
        "E0302",
        f"{article(value)} is not a dtype",
        node.span,
        "a dtype or a tensor that has one",
        helps=[help_],
    )


def _int(env: Env, call: Call, node: tree.Expr, value: Value) -> int:
    return _literal_int_of(env, call, node, value, int, "a literal integer")


def _flag(env: Env, call: Call, node: tree.Expr, value: Value) -> bool:
    return _literal_int_of(env, call, node, value, bool, "`true` or `false`")


def _literal_int_of(
    env: Env, call: Call, node: tree.Expr, value: Value, kind: type, what: str
) -> Any:
    if isinstance(value, Number) and type(value.value) is kind:
        return value.value
    if isinstance(value, SizeOf) and kind is int and value.poly.constant is not None:
        return value.poly.constant
    raise env.error(
        "E0302", f"`{call.entry.name}` needs {what} here", node.span, f"this is {value.type}"
    )


def _text(env: Env, call: Call, node: tree.Expr, value: Value) -> str:
    if isinstance(value, Text):
        return value.value
    raise env.error("E0302", "a literal string is needed here", node.span, f"this is {value.type}")


def _value(env: Env, call: Call, node: tree.Expr, value: Value) -> Value:
    return value


_CONVERT: dict[str, Callable[[Env, Call, tree.Expr, Value], Any]] = {
    "number": _number,
    "float": _float,
    "open": _open,
    "bool": _bool,
    "tensor": _tensor,
    "axis": _axis,
    "axes": _axes,
    "ints": _literal_ints,
    "size": _size,
    "known": _known,
    "dtype": _dtype,
    "int": _int,
    "flag": _flag,
    "text": _text,
    "value": _value,
}
