"""
The scalar program behind one elementwise op, as arith and math ops.

A statement in `scalar.py` says what a function means for one element; `Body` is the pen it
writes with. Values are signless here (`ui32` is `i32`), the `DType` says how to read them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    LocationAttr,
    StringAttr,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import IRDLOperation

from irc.dialects import rt
from irc.dtypes import BOOL, DType

_FLOATS: dict[str, Attribute] = {
    "f16": Float16Type(),
    "bf16": BFloat16Type(),
    "f32": Float32Type(),
    "f64": Float64Type(),
}
_INTEGERS = {bits: IntegerType(bits) for bits in (1, 8, 16, 32, 64)}
INDEX = IndexType()

Comparison = Literal["eq", "ne", "lt", "le", "gt", "ge"]
# cmpf counts ordered comparisons from 1 and unordered from 8; `ne` is true for NaN, as in IEEE 754.
_CMPF = {"eq": 1, "gt": 2, "ge": 3, "lt": 4, "le": 5, "ne": 13, "unordered": 14}
_CMPI = {"eq": 0, "ne": 1, "lt": 2, "le": 3, "gt": 4, "ge": 5}
_CMPU = {"eq": 0, "ne": 1, "lt": 6, "le": 7, "gt": 8, "ge": 9}
_CMP_FLAGS = {n: IntegerAttr(n, 64) for n in range(16)}
_FAST = arith.FastMathFlagsAttr("none")


def storage(dtype: DType) -> Attribute:
    """The signless element type that holds `dtype` below nd."""
    return _FLOATS[dtype.name] if dtype.is_float else _INTEGERS[dtype.bits]


class Body:
    """Appends scalar ops to `block`, each with `location`; constants are made once."""

    def __init__(self, block: Block, location: LocationAttr) -> None:
        self.block = block
        self.location = location
        self._constants: dict[tuple[str, Attribute], SSAValue] = {}

    def add(self, op: Operation) -> SSAValue:
        """Appends `op` and gives its only result."""
        op.location = self.location
        self.block.add_op(op)
        return op.results[0]

    # -- constants

    def const(self, value: int | float | bool, dtype: DType) -> SSAValue:
        """A number of `dtype`; integers wrap to its width."""
        return self._constant(value, storage(dtype), dtype.is_float)

    def index(self, value: int) -> SSAValue:
        return self._constant(value, INDEX, False)

    def _constant(self, value: int | float, type_: Attribute, is_float: bool) -> SSAValue:
        key = (repr(float(value) if is_float else int(value)), type_)
        known = self._constants.get(key)
        if known is None:
            if is_float:
                attr: Attribute = FloatAttr(float(value), type_)  # type: ignore[call-overload]
            elif type_ is INDEX:
                attr = IntegerAttr(int(value), INDEX)
            else:
                assert isinstance(type_, IntegerType)
                attr = IntegerAttr(_signed(int(value), type_.width.data), type_)
            op = arith.ConstantOp.create(result_types=[type_], properties={"value": attr})
            known = self._constants[key] = self.add(op)
        return known

    # -- ops

    def op(self, cls: type[IRDLOperation], *operands: SSAValue) -> SSAValue:
        """An op whose result has the type of its last operand."""
        type_ = operands[-1].type
        return self.add(
            cls.create(operands=operands, result_types=[type_], properties=_properties(cls))
        )

    def to(self, cls: type[IRDLOperation], x: SSAValue, type_: Attribute) -> SSAValue:
        """A conversion op to `type_`."""
        return self.add(cls.create(operands=[x], result_types=[type_], properties=_properties(cls)))

    def special(self, function: str, *operands: SSAValue) -> SSAValue:
        """A special function of `rt`."""
        return self.add(
            rt.SpecialOp.create(
                operands=operands,
                result_types=[operands[0].type],
                properties={"function": StringAttr(function)},
            )
        )

    def compare(self, how: str, x: SSAValue, y: SSAValue, dtype: DType) -> SSAValue:
        """An i1; `how` is a Comparison, or `unordered` for floats."""
        cls: type[IRDLOperation] = arith.CmpfOp if dtype.is_float else arith.CmpiOp
        code = (_CMPF if dtype.is_float else _CMPI if dtype.kind == "int" else _CMPU)[how]
        properties: dict[str, Attribute] = {"predicate": _CMP_FLAGS[code]}
        if dtype.is_float:
            properties["fastmath"] = _FAST
        return self.add(
            cls.create(operands=[x, y], result_types=[_INTEGERS[1]], properties=properties)
        )

    def select(self, c: SSAValue, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.op(arith.SelectOp, c, x, y)

    def both(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.op(arith.AndIOp, x, y)

    def either(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.op(arith.OrIOp, x, y)

    def negate(self, x: SSAValue) -> SSAValue:
        """not x, for an i1."""
        return self.op(arith.XOrIOp, x, self.const(True, BOOL))


def _signed(value: int, bits: int) -> int:
    """`value` wrapped to `bits`, in the signed form in which integer attributes are written."""
    if bits == 1:
        return int(bool(value))
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


@cache
def _properties(cls: type[IRDLOperation]) -> dict[str, Attribute]:
    """The properties that ops of `cls` carry when nothing is asked for."""
    return {"fastmath": _FAST} if "fastmath" in cls.get_irdl_definition().properties else {}


Lowering = Callable[..., SSAValue]


def by_kind(
    floating: type[IRDLOperation] | Lowering | None = None,
    integer: type[IRDLOperation] | Lowering | None = None,
    unsigned: type[IRDLOperation] | Lowering | None = None,
    boolean: type[IRDLOperation] | Lowering | None = None,
) -> Lowering:
    """A lowering that picks an op class, or another lowering, by the kind of dtype."""
    table = {
        "float": floating,
        "int": integer,
        "uint": unsigned if unsigned is not None else integer,
        "bool": boolean,
    }

    def lower(s: Body, dtype: DType, *operands: SSAValue) -> SSAValue:
        how = table[dtype.kind]
        if how is None:
            raise AssertionError(f"no lowering for {dtype}")
        if isinstance(how, type):
            return s.op(how, *operands)
        return how(s, dtype, *operands)

    return lower
