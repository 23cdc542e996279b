"""
Ordered effects below `nd`: what a running program tells its caller.

`rt.assert` ends the function with a status and a message, `rt.print` writes text.
Both keep their order, and neither is ever removed.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, IntegerType, MemRefType, StringAttr, TensorType
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

# The statuses of the ABI that a program itself can end with.
KINDS = ("argument", "shape", "bounds", "assert", "memory", "device")


def placeholders(text: str) -> list[int | str]:
    """
    Splits a format: texts, and for each `{i}` the number i. `{{` and `}}` are braces.

    Raises ValueError for any other brace.
    """
    parts: list[int | str] = []
    literal = ""
    i = 0
    while i < len(text):
        c = text[i]
        if text[i : i + 2] in ("{{", "}}"):
            literal += c
            i += 2
        elif c == "{":
            end = text.find("}", i)
            number = text[i + 1 : end] if end > 0 else ""
            if not number.isdecimal():
                raise ValueError(f"`{text[i:]}` is no placeholder")
            if literal:
                parts.append(literal)
            parts.append(int(number))
            literal = ""
            i = end + 1
        elif c == "}":
            raise ValueError("a lone `}`")
        else:
            literal += c
            i += 1
    if literal:
        parts.append(literal)
    return parts


def _verify_format(what: str, text: str, shown: int, dtypes: ArrayAttr | None) -> None:
    try:
        used = [p for p in placeholders(text) if isinstance(p, int)]
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

    `{0}`, `{1}`, ... stand for the values of `shown`. At that point no state has been changed.

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
    Writes a line: `text`, where `{0}`, `{1}`, ... stand for values, scalars or whole arrays.

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


def is_array(value: SSAValue) -> bool:
    """Whether a shown value is a whole array."""
    return isinstance(value.type, TensorType | MemRefType)


RT = Dialect("rt", [AssertOp, PrintOp])
