"""
Functions of other libraries: how they are named, and their calls below `nd`.

`extern def f(...) = "erf from libm.so.6"` names a symbol and a library. A library is a plain file
name, so that a program cannot say where on the machine it is: it is looked for beside the
program, then where the system looks.
"""

from __future__ import annotations

import re

from xdsl.dialects.builtin import ArrayAttr, IndexType, MemRefType, StringAttr, i32
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.routines import WritesOutputs
from irc.dtypes import DTYPES

_TEXT = re.compile(r"\s*(\S+)\s+from\s+(\S+)\s*")
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_LIBRARY = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,254}")

# What a C compiler has a type for.
DTYPES_OF_C = frozenset(name for name, d in DTYPES.items() if not (d.is_float and d.bits == 16))


def parse(text: str) -> tuple[str, str]:
    """
    The symbol and the library of "erf from libm.so.6".

    Raises ValueError, with the reason, for text that names none.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError("this does not name a function and its library")
    symbol, library = match.groups()
    if not is_symbol(symbol):
        raise ValueError(f"`{symbol}` is no name of a C function")
    if "/" in library:
        raise ValueError(f"`{library}` is a path, and a library is a file name")
    if not is_library(library):
        raise ValueError(f"`{library}` is no name of a library")
    return symbol, library


def is_symbol(text: str) -> bool:
    return bool(_SYMBOL.fullmatch(text))


def is_library(text: str) -> bool:
    return bool(_LIBRARY.fullmatch(text))


@irdl_op_definition
class ForeignOp(IRDLOperation):
    """
    A number from a function of another library: `symbol` from `library`, of numbers.

    (C1) There is a dtype of irc for each operand and, last, for the result: signless types do
         not tell.
    """

    name = "rt.foreign"
    symbol = prop_def(StringAttr)
    library = prop_def(StringAttr)
    dtypes = prop_def(ArrayAttr[StringAttr])
    xs = var_operand_def()
    res = result_def()
    traits = traits_def(Pure())
    assembly_format = (
        "$symbol `from` $library `(` $xs `)` `as` $dtypes attr-dict `:` `(` type($xs) `)` `->` "
        "type($res)"
    )

    def verify_(self) -> None:
        if len(self.dtypes.data) != len(self.xs) + 1:
            raise VerifyException(f"foreign (C1): {len(self.dtypes.data)} dtypes")


@irdl_op_definition
class ForeignCallOp(IRDLOperation):
    """
    A call of `symbol` from `library`: sizes, arguments, and arrays that it writes. Gives its
    status, which is 0 when all went well.

    Numbers go by value, arrays by pointer, row by row without gaps. On tensors the results come
    after the status; on memrefs they are in `outs`, whatever these held.

    (C1) There is a dtype of irc for each of `ins` and then of `outs`: signless types do not tell.
    (C2) On tensors there is a result of the type of each of `outs`; on memrefs there is none.
    """

    name = "rt.foreign_call"
    symbol = prop_def(StringAttr)
    library = prop_def(StringAttr)
    dtypes = prop_def(ArrayAttr[StringAttr])
    sizes = var_operand_def(IndexType())
    ins = var_operand_def()
    outs = var_operand_def()
    status = result_def(i32)
    res = var_result_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(WritesOutputs())
    assembly_format = (
        "$symbol `from` $library `sizes` `(` $sizes `)` `ins` `(` $ins `)` `outs` `(` $outs `)` "
        "`as` $dtypes attr-dict `:` `(` type($ins) `)` `(` type($outs) `)` (`->` type($res)^)?"
    )

    def verify_(self) -> None:
        if len(self.dtypes.data) != len(self.ins) + len(self.outs):
            raise VerifyException(f"foreign_call (C1): {len(self.dtypes.data)} dtypes")
        expected = [x.type for x in self.outs if not isinstance(x.type, MemRefType)]
        if list(self.res.types) != expected:
            raise VerifyException("foreign_call (C2): results and `outs` have different types")
