"""How element types and constants are spelled in C."""

from __future__ import annotations

import math
import struct

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    VectorType,
)
from xdsl.ir import Attribute

from irc.errors import InternalError

_FLOATS: dict[type[Attribute], tuple[str, str]] = {
    Float32Type: ("float", "f32"),
    Float64Type: ("double", "f64"),
    Float16Type: ("irc_f16", "f16"),
    BFloat16Type: ("irc_bf16", "bf16"),
}


_INTEGERS = {1: "bool", 8: "int8_t", 16: "int16_t", 32: "int32_t", 64: "int64_t"}


def c_type(type_: Attribute) -> str:
    """The C type that holds a value or an element: `float`, `int32_t`, `v16f32`."""
    kind = type(type_)  # abstract classes make isinstance slow, and this is asked everywhere
    known = _FLOATS.get(kind)
    if known is not None:
        return known[0]
    if kind is IntegerType:
        return _INTEGERS[type_.width.data]  # type: ignore[attr-defined]
    if kind is IndexType:
        return "int64_t"
    if isinstance(type_, VectorType):
        return vector_name(type_)
    raise InternalError(f"no C type for {type_}")


def suffix(type_: Attribute) -> str:
    """The end of a helper's name: `f32`, `i8`, `i64` for indices."""
    if isinstance(type_, IndexType):
        return "i64"
    if isinstance(type_, IntegerType):
        return f"i{type_.width.data}"
    return _FLOATS[type(type_)][1]


def vector_name(type_: VectorType) -> str:
    """`v16f32`; integers are unsigned in vectors, where they wrap."""
    (lanes,) = type_.get_shape()
    element = suffix(type_.element_type)
    return f"v{lanes}{element.replace('i', 'u')}"


def vector_typedef(type_: VectorType) -> str:
    """The type, and `_at`: the same in memory, at any address of an element."""
    name = vector_name(type_)
    (lanes,) = type_.get_shape()
    element = c_type(type_.element_type)
    unit = int(suffix(type_.element_type)[1:]) // 8
    if isinstance(type_.element_type, IntegerType):
        element = f"u{element}"
    size = lanes * unit
    return (
        f"typedef {element} {name} __attribute__((vector_size({size})));\n"
        f"typedef {element} {name}_at __attribute__((vector_size({size}), aligned({unit}), "
        "may_alias));"
    )


def unsigned(type_: Attribute) -> str:
    """The unsigned type of the same width."""
    return "u" + c_type(type_)


def is_bool(type_: Attribute) -> bool:
    return type(type_) is IntegerType and type_.width.data == 1


def is_half(type_: Attribute) -> bool:
    """Kept as 16 bits, computed in float."""
    return type(type_) in (Float16Type, BFloat16Type)


def literal(value: int | float, type_: Attribute) -> str:
    """A constant; reading it back gives the same bits."""
    if is_bool(type_):
        return "true" if value else "false"
    if isinstance(type_, IndexType | IntegerType):
        return integer_literal(int(value), type_)
    if isinstance(type_, Float16Type):
        (bits,) = struct.unpack("<H", struct.pack("<e", value))
        return f"UINT16_C(0x{bits:04x}) /* {value!r} */"
    if isinstance(type_, BFloat16Type):
        return f"UINT16_C(0x{_bf16_bits(float(value)):04x}) /* {value!r} */"
    return float_literal(float(value), single=isinstance(type_, Float32Type))


def integer_literal(value: int, type_: Attribute) -> str:
    if isinstance(type_, IntegerType) and type_.width.data < 64 or abs(value) < 2**31:
        width = type_.width.data if isinstance(type_, IntegerType) else 64
        value = (value + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
        if value == -(2**31):
            return "INT32_MIN"
        return str(value)
    if value == -(2**63):
        return "INT64_MIN"
    return f"INT64_C({value})"


def float_literal(value: float, single: bool) -> str:
    if math.isnan(value):
        return "NAN" if single else "(double)NAN"
    if math.isinf(value):
        text = "INFINITY" if single else "(double)INFINITY"
        return f"-{text}" if value < 0 else text
    text = _shortest_single(value) if single else repr(value)
    if "." not in text and "e" not in text:
        text += ".0"
    return text + ("f" if single else "")


def _shortest_single(value: float) -> str:
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if _single(float(text)) == _single(value):
            return text
    return f"{value:.9g}"


def _single(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return b""


def _bf16_bits(value: float) -> int:
    if math.isnan(value):
        return 0x7FC0
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) & 0xFFFF
