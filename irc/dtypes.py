"""The dtypes of irc, in one table: every part that spells or checks a dtype reads it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bool", "int", "uint", "float"]


@dataclass(frozen=True, slots=True)
class DType:
    """
    One element type.

    name      as the language writes it: `f32`
    kind      bool, int (signed), uint or float
    bits      width in memory; a bool takes one byte there
    numpy     NumPy's name; bf16 has none of its own and travels as `bfloat16` (ml_dtypes) or bits
    c         the C type that stores one element
    dlpack    (type code, bits) of DLPack 1.0
    """

    name: str
    kind: Kind
    bits: int
    numpy: str
    c: str
    dlpack: tuple[int, int]

    @property
    def bytes(self) -> int:
        """Bytes one element takes in memory."""
        return max(self.bits // 8, 1)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        """Signed or unsigned; bool is not an integer in irc."""
        return self.kind in ("int", "uint")

    @property
    def min(self) -> int:
        """Smallest value of an integer dtype."""
        return -(1 << (self.bits - 1)) if self.kind == "int" else 0

    @property
    def max(self) -> int:
        """Largest value of an integer dtype."""
        return (1 << (self.bits - 1)) - 1 if self.kind == "int" else (1 << self.bits) - 1

    def __str__(self) -> str:
        return self.name


DTYPES: dict[str, DType] = {
    d.name: d
    for d in (
        DType("bool", "bool", 1, "bool", "bool", (6, 8)),
        DType("i8", "int", 8, "int8", "int8_t", (0, 8)),
        DType("i16", "int", 16, "int16", "int16_t", (0, 16)),
        DType("i32", "int", 32, "int32", "int32_t", (0, 32)),
        DType("i64", "int", 64, "int64", "int64_t", (0, 64)),
        DType("u8", "uint", 8, "uint8", "uint8_t", (1, 8)),
        DType("u16", "uint", 16, "uint16", "uint16_t", (1, 16)),
        DType("u32", "uint", 32, "uint32", "uint32_t", (1, 32)),
        DType("u64", "uint", 64, "uint64", "uint64_t", (1, 64)),
        DType("f16", "float", 16, "float16", "irc_f16", (2, 16)),
        DType("bf16", "float", 16, "bfloat16", "irc_bf16", (4, 16)),
        DType("f32", "float", 32, "float32", "float", (2, 32)),
        DType("f64", "float", 64, "float64", "double", (2, 64)),
    )
}

BOOL, I8, I16, I32, I64 = (DTYPES[n] for n in ("bool", "i8", "i16", "i32", "i64"))
U8, U16, U32, U64 = (DTYPES[n] for n in ("u8", "u16", "u32", "u64"))
F16, BF16, F32, F64 = (DTYPES[n] for n in ("f16", "bf16", "f32", "f64"))

BY_NUMPY: dict[str, DType] = {d.numpy: d for d in DTYPES.values()}

# Names of the specification that this version knows of and does not compile.
UNSUPPORTED: frozenset[str] = frozenset({"c64", "c128", "f8e4m3", "f8e5m2"})

LANES = 64
"""Partial results of an ordered sum or product: element i goes to partial i mod 64."""


def accumulator(dtype: DType) -> DType:
    """The dtype in which a sum or product over `dtype` is kept: f32 for the half floats."""
    return F32 if dtype.is_float and dtype.bits == 16 else dtype
