"""rt.assert and rt.print, by the functions of text.h."""

from __future__ import annotations

import re

from xdsl.dialects.builtin import CallSiteLoc, FileLineColLoc, FusedLoc, IntegerType, NameLoc
from xdsl.ir import Attribute, Operation, SSAValue

from irc.codegen.c.identifiers import string_literal
from irc.codegen.c.scope import CHOICE, UNARY, Scope
from irc.codegen.c.types import c_type, is_half, suffix
from irc.dialects import rt
from irc.dtypes import DTYPES
from irc.errors import Unsupported
from irc.files import without_folder

_FORMAT = re.compile(r"([-+ #0]*)(\d*)((?:\.\d+)?)([deEfFgGxX%]?)")


def emit_assert(op: Operation, c: Scope) -> None:
    """`if (!ok)` a message and its status; the function ends there."""
    assert isinstance(op, rt.AssertOp)
    with c.block(f"if (!{c.name(op.ok, UNARY)})"):
        c.line("irc_text text = irc_message_begin(&ctx->head);")
        place = span(op.location)
        if place:
            c.line(f"irc_put(&text, {string_literal(place + ': ')});")
        _put_all(op.message.data, op.shown, op.dtypes, c)
        c.line(f"return irc_message_end(&text, IRC_{op.kind.data.upper()});")


def emit_print(op: Operation, c: Scope) -> None:
    assert isinstance(op, rt.PrintOp)
    with c.block(""):
        c.line("irc_text text = irc_print_begin(&ctx->head);")
        _put_all(op.text.data, op.shown, op.dtypes, c)
        c.line("irc_print_end(&text);")


def _put_all(text: str, shown: object, dtypes: object, c: Scope) -> None:
    values = list(shown)  # type: ignore[call-overload]
    names = [d.data for d in dtypes.data] if dtypes is not None else None  # type: ignore[attr-defined]
    for part in rt.placeholders(text):
        if isinstance(part, str):
            c.line(f"irc_put(&text, {string_literal(part)});")
            continue
        value = values[part.index]
        dtype = names[part.index] if names is not None else _dtype(value)
        _put(value, dtype, part.spec, c)


def _dtype(value: SSAValue) -> str:
    type_ = getattr(value.type, "element_type", value.type)
    if isinstance(type_, IntegerType) and type_.width.data == 1:
        return "bool"
    return suffix(type_)


def _put(value: SSAValue, dtype: str, spec: str, c: Scope) -> None:
    kind = DTYPES[dtype].kind
    if rt.is_array(value):
        _put_array(value, dtype, printf_format(spec, kind), c)
        return
    text = c.name(value, UNARY)
    form = printf_format(spec, kind)
    if kind == "bool":
        c.line(f"irc_put_bool(&text, {text});")
    elif kind == "float":
        if is_half(value.type):
            text = f"irc_{suffix(value.type)}_to_f32({c.name(value, CHOICE)})"
        end = "f64" if dtype == "f64" else "f32"
        c.line(f"irc_put_{end}(&text, {text}, {form});")
    elif kind == "uint":
        c.line(f"irc_put_u64(&text, (uint{DTYPES[dtype].bits}_t){text}, {form});")
    else:
        c.line(f"irc_put_i64(&text, {text}, {form});")


def _put_array(value: SSAValue, dtype: str, form: str, c: Scope) -> None:
    if dtype in ("f16", "bf16"):
        raise Unsupported(f"printing an array of {dtype}; print it as f32(x)")
    dims = [c.dim(value, axis) for axis in range(len(c.dims[value]))]
    extents = f"(const int64_t[]){{{', '.join(dims)}}}" if dims else "NULL"
    unit = c_type(value.type.element_type)  # type: ignore[attr-defined]
    c.line(
        f"irc_put_tensor(&text, {c.name(value)}, {extents}, {len(dims)}, sizeof({unit}), "
        f"irc_put_{dtype}_at, {form});"
    )


def printf_format(spec: str, kind: str) -> str:
    """Python's format specification as a C string for printf; NULL for the plain form."""
    if not spec:
        return "NULL"
    match = _FORMAT.fullmatch(spec)
    if match is None or kind == "bool":
        raise Unsupported(f"the format `{spec}`; a width, a precision and one of d e f g x work")
    flags, width, precision, letter = match.groups()
    if kind == "float":
        if letter in ("d", "x", "X", "%"):
            raise Unsupported(f"the format `{spec}` for a float; use e, f or g")
        return string_literal(f"%{flags}{width}{precision}{letter or 'g'}")
    if letter not in ("", "d", "x", "X") or precision:
        raise Unsupported(f"the format `{spec}` for an integer; use d or x")
    macro = "PRI" + (letter or "d") + "64"
    if kind == "uint" and letter in ("", "d"):
        macro = "PRIu64"
    return f'"%{flags}{width}" {macro}'


def span(location: Attribute) -> str:
    """`file:line:col` of a location, "" when it has none."""
    match location:
        case FileLineColLoc():
            where = f"{location.line.data}:{location.column.data}"
            return f"{without_folder(location.filename.data)}:{where}"
        case CallSiteLoc():
            return span(location.callee)
        case NameLoc():
            return span(location.location)
        case FusedLoc():
            parts = [span(part) for part in location.locations.data]  # type: ignore[attr-defined]
            return next((p for p in parts if p), "")
    return ""
