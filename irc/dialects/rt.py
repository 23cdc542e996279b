"""
What programs need below `nd` and other dialects lack.

`rt.assert` ends the function with a status and a message, `rt.print` writes text: both keep their
order, and neither is ever removed. `rt.philox` and `rt.special` are scalar functions like those of
`math`. `rt.routine`, in routines.py, works on whole arrays; foreign.py has calls of functions of
other libraries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xdsl.dialects.builtin import (
    I64,
    ArrayAttr,
    Float32Type,
    Float64Type,
    IntegerAttr,
    IntegerType,
    MemRefType,
    StringAttr,
    TensorType,
    i32,
    i64,
)
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.foreign import ForeignCallOp, ForeignOp
from irc.dialects.routines import RoutineOp

# The statuses of the ABI that a program itself can end with.
KINDS = ("argument", "shape", "bounds", "assert", "memory", "device")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{index}` or `{index:spec}` in a text; `spec` is Python's: `.4f`."""

    index: int
    spec: str = ""


_PLACEHOLDER = re.compile(r"\{(\d+)(?::([^{}]*))?\}")


def placeholders(text: str) -> list[Placeholder | str]:
    """
    Splits a format into texts and placeholders. `{{` and `}}` are braces.

    Raises ValueError for any other brace.
    """
    parts: list[Placeholder | str] = []
    literal, i = "", 0
    while i < len(text):
        if text[i : i + 2] in ("{{", "}}"):
            literal += text[i]
            i += 2
        elif match := _PLACEHOLDER.match(text, i):
            parts += [literal] if literal else []
            parts.append(Placeholder(int(match[1]), match[2] or ""))
            literal, i = "", match.end()
        elif text[i] in "{}":
            raise ValueError(f"`{text[i:]}` is no placeholder" if text[i] == "{" else "a lone `}`")
        else:
            literal += text[i]
            i += 1
    return [*parts, literal] if literal else parts


def _verify_format(what: str, text: str, shown: int, dtypes: ArrayAttr | None) -> None:
    try:
        used = [p.index for p in placeholders(text) if isinstance(p, Placeholder)]
    except ValueError as error:
        raise VerifyException(f"{what} (C1): {error}") from None
    if any(i >= shown for i in used):
        raise VerifyException(f"{what} (C1): {shown} values, the text asks for {{{max(used)}}}")
    if dtypes is not None and len(dtypes.data) != shown:
        raise VerifyException(f"{what} (C2): {len(dtypes.data)} dtypes for {shown} values")


@irdl_op_definition
class AssertOp(IRDLOperation):
    """
    Ends the function when `ok` is false, with the status `kind` and the message.

    `{0}`, `{1:.4f}`, ... stand for the values of `shown`. At that point no state has been changed.

    (C1) The message names only values that are there.
    (C2) `dtypes`, when given, has one dtype of irc for each value: signless types do not tell.
    (C3) `kind` is a status of the ABI: argument, shape, bounds, assert, memory, device.
    """

    name = "rt.assert"
    ok = operand_def(IntegerType(1))
    kind = prop_def(StringAttr)
    message = prop_def(StringAttr)
    shown = var_operand_def()
    dtypes = opt_prop_def(ArrayAttr[StringAttr])

    assembly_format = (
        "$ok `:` `i1` `,` $kind `,` $message (`,` $shown^ `:` type($shown))? "
        "(`dtypes` $dtypes^)? attr-dict"
    )

    def __init__(self, ok: SSAValue, kind: str, message: str, shown: list[SSAValue]) -> None:
        super().__init__(
            operands=[ok, shown],
            properties={"kind": StringAttr(kind), "message": StringAttr(message)},
        )

    def verify_(self) -> None:
        _verify_format("assert", self.message.data, len(self.shown), self.dtypes)
        if self.kind.data not in KINDS:
            raise VerifyException(f"assert (C3): no status is called {self.kind.data}")


@irdl_op_definition
class PrintOp(IRDLOperation):
    """
    Writes a line: `text`, where `{0}`, `{1:.4f}`, ... stand for values, scalars or whole arrays.

    (C1) The text names only values that are there.
    (C2) `dtypes`, when given, has one dtype of irc for each value.
    """

    name = "rt.print"
    text = prop_def(StringAttr)
    shown = var_operand_def()
    dtypes = opt_prop_def(ArrayAttr[StringAttr])

    assembly_format = "$text (`,` $shown^ `:` type($shown))? (`dtypes` $dtypes^)? attr-dict"

    def __init__(self, text: str, shown: list[SSAValue]) -> None:
        super().__init__(operands=[shown], properties={"text": StringAttr(text)})

    def verify_(self) -> None:
        _verify_format("print", self.text.data, len(self.shown), self.dtypes)


@irdl_op_definition
class PhiloxOp(IRDLOperation):
    """
    Random bits: the word of Philox4x32-10 that `nd.philox` gives to the element number `place`.

    The two words of `seed` are the key; (place div 4 low, place div 4 high, `counter` low, site)
    is the counter; of the four words it is number place mod 4.
    Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """

    name = "rt.philox"
    seed = operand_def(i64)
    counter = operand_def(i64)
    place = operand_def(i64)
    site = prop_def(IntegerAttr[I64])
    res = result_def(i32)
    traits = traits_def(Pure())
    assembly_format = "$seed `,` $counter `,` $place `site` `=` $site attr-dict"


# Special functions -> how many arguments they take. Their meaning: irc/dialects/nd/special.py.
SPECIAL = {"lgamma": 1, "digamma": 1, "polygamma": 2, "erfc": 1, "erfinv": 1}


@irdl_op_definition
class SpecialOp(IRDLOperation):
    """
    A special function that `math` lacks: lgamma, digamma, polygamma(order, x), erfc, erfinv.

    (C1) The function is one of these, and gets as many arguments as it takes.
    (C2) Arguments and result have one type, f32 or f64.
    """

    name = "rt.special"
    function = prop_def(StringAttr)
    xs = var_operand_def()
    res = result_def()
    traits = traits_def(Pure())
    assembly_format = "$function $xs attr-dict `:` type($xs) `to` type($res)"

    def verify_(self) -> None:
        count = SPECIAL.get(self.function.data)
        if count != len(self.xs):
            raise VerifyException(f"special (C1): {self.function.data} of {len(self.xs)} arguments")
        if not isinstance(self.res.type, Float32Type | Float64Type) or any(
            x.type != self.res.type for x in self.xs
        ):
            raise VerifyException("special (C2): arguments and result need one type, f32 or f64")


def is_array(value: SSAValue) -> bool:
    """Whether a shown value is a whole array."""
    return isinstance(value.type, TensorType | MemRefType)


RT = Dialect("rt", [AssertOp, PrintOp, PhiloxOp, SpecialOp, RoutineOp, ForeignOp, ForeignCallOp])
