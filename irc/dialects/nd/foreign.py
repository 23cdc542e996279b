"""
Functions of other libraries, which irc cannot look into.

They are pure by contract: what they give depends on what they get, and on nothing else. The
region `derivative`, where there is one, is the backward pass that the program states for them:
it takes the operands, the results and the gradients of the results, and yields the gradients of
the float operands. `nd-expand-grad` copies it to where it is needed, and drops it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_region_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.diagnostics import Diagnostic, Label
from irc.dialects.foreign import DTYPES_OF_C, ForeignOp, is_library, is_symbol
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.rows import repeated
from irc.dialects.nd.scalar import PointwiseOp
from irc.dialects.nd.types import DimsAttr, TensorType, dims_of, dtype_of, tensor, type_text
from irc.dialects.verify import span_of
from irc.errors import UserError
from irc.sizes import Size

Gradients = Sequence[SSAValue | None]


@irdl_op_definition
class ExternMapOp(PointwiseOp):
    """
    A function of numbers from another library, for each element.

    (C1) `symbol` and `library` are names that C and the system allow, without a folder.
    (C2) Operands, one or more, and the result have one shape.
    (C3) Their dtypes have a type in C: bool, integers, f32, f64.
    (C4) `derivative` takes the operands, the result and its gradient, and yields the gradients
         of the float operands.
    """

    name = "nd.extern_map"
    symbol = prop_def(StringAttr)
    library = prop_def(StringAttr)
    xs = var_operand_def(TensorType)
    derivative = opt_region_def("single_block")
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$symbol `from` $library `(` $xs `)` attr-dict `:` `(` type($xs) `)` `->` type($res) "
        "($derivative^)?"
    )

    def verify_(self) -> None:
        _verify_names("extern_map", self)
        if not self.xs or any(dims_of(x) != dims_of(self.res) for x in self.xs):
            raise VerifyException("extern_map (C2): operands and result differ in shape")
        _verify_dtypes("extern_map", self)
        _verify_derivative("extern_map", self)

    def lower_scalar(self, s: Body, *operands: SSAValue) -> SSAValue:
        dtypes = [dtype_of(x).name for x in (*self.xs, self.res)]
        return s.add(
            ForeignOp.create(
                operands=operands,
                result_types=[storage(dtype_of(self.res))],
                properties={
                    "symbol": self.symbol,
                    "library": self.library,
                    "dtypes": ArrayAttr([StringAttr(d) for d in dtypes]),
                },
            )
        )

    def vjp(self, b: Any, dy: SSAValue) -> Gradients:
        return pulled_back(self, b, [dy])

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """For each element, with or without another axis; a derivative knows only its own."""
        if self.derivative is not None:
            return None
        type_ = tensor(dtype_of(self.res), (count, *dims_of(self.res)))
        op = ExternMapOp.create(
            operands=repeated(b, count, xs, rows), result_types=[type_], properties=self.properties
        )
        b.insert(op)
        return op.res


@irdl_op_definition
class ExternOp(IRDLOperation):
    """
    A function of whole arrays from another library.

    In C it takes `sizes`, as int64_t, then the operands, numbers by value and arrays by pointer,
    then pointers to the results, which it writes. It returns an int; anything but 0 ends the call.

    (C1) `symbol` and `library` are names that C and the system allow, without a folder.
    (C2) There is a result.
    (C3) The dtypes have a type in C: bool, integers, f32, f64.
    (C4) `derivative` takes the operands, the results and their gradients, and yields the
         gradients of the float operands.
    """

    name = "nd.extern"
    symbol = prop_def(StringAttr)
    library = prop_def(StringAttr)
    sizes = prop_def(DimsAttr)
    xs = var_operand_def(TensorType)
    derivative = opt_region_def("single_block")
    res = var_result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$symbol `from` $library `sizes` $sizes `(` $xs `)` attr-dict `:` `(` type($xs) `)` `->` "
        "`(` type($res) `)` ($derivative^)?"
    )

    def verify_(self) -> None:
        _verify_names("extern", self)
        if not self.res:
            raise VerifyException("extern (C2): there is no result")
        _verify_dtypes("extern", self)
        _verify_derivative("extern", self)

    def vjps(self, b: Any, dys: Sequence[SSAValue | None]) -> Gradients:
        """Gradients of the operands for those of all results."""
        given = zip(self.res, dys, strict=True)
        return pulled_back(self, b, [b.like(y, 0) if dy is None else dy for y, dy in given])


def refusal(op: ExternOp) -> str:
    """What a call says that ends because the function failed; `{0}` is its status."""
    return f"`{op.symbol.data}` of {op.library.data} failed with status {{0}}"


Extern = ExternMapOp | ExternOp


def pulled_back(op: Extern, b: Any, dys: Sequence[SSAValue]) -> Gradients:
    """
    The gradients of the operands: the ops of `derivative`, copied.

    Raises UserError E0404 where the program states none.
    """
    if op.derivative is None:
        raise UserError(no_derivative(op))
    block = op.derivative.block
    given = (*op.xs, *op.results, *dys)
    values: dict[SSAValue, SSAValue] = dict(zip(block.args, given, strict=True))
    end = block.last_op
    assert isinstance(end, YieldOp)
    place = b.location
    for inner in block.ops:
        if inner is not end:
            b.location = inner.location
            b.insert(inner.clone(values))
    b.location = place
    found = iter([values.get(g, g) for g in end.operands])
    return [next(found) if dtype_of(x).is_float else None for x in op.xs]


def no_derivative(op: Extern) -> Diagnostic:
    """E0404 at the call."""
    span = span_of(op)
    text = f"irc cannot look into `{op.symbol.data}` of {op.library.data}"
    return Diagnostic(
        "E0404",
        "an `extern` function has no derivative",
        (Label(span, text, primary=True),) if span else (),
        helps=("state it: `@vjp(g)` before the `extern def`, with `def g(x, dy) = ...`",),
    )


# -- checks


def _verify_names(title: str, op: Extern) -> None:
    for text, good in ((op.symbol.data, is_symbol), (op.library.data, is_library)):
        if not good(text):
            raise VerifyException(f"{title} (C1): `{text}` is no name")


def _verify_dtypes(title: str, op: Extern) -> None:
    for x in (*op.xs, *op.results):
        if dtype_of(x).name not in DTYPES_OF_C:
            raise VerifyException(f"{title} (C3): {type_text(x)} has no type in C")


def _verify_derivative(title: str, op: Extern) -> None:
    region: Region | None = op.derivative
    if region is None:
        return
    taken = [v.type for v in (*op.xs, *op.results, *op.results)]
    given = [x.type for x in op.xs if dtype_of(x).is_float]
    end = region.block.last_op
    if [a.type for a in region.block.args] != taken:
        raise VerifyException(f"{title} (C4): the derivative takes other values")
    if not isinstance(end, YieldOp) or [v.type for v in end.operands] != given:
        raise VerifyException(f"{title} (C4): the derivative yields other values")
