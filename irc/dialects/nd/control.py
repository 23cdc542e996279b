"""Ops with regions, and derivatives as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Region, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrSizedOperandSegments,
    BaseAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import (
    IsTerminator,
    Pure,
    RecursiveMemoryEffect,
    SingleBlockImplicitTerminator,
    ensure_terminator,
)
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.types import TensorType, dims_of, dtype_of, rank_of, type_text
from irc.dtypes import BOOL
from irc.sizes import Size


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a region and gives its values."""

    name = "nd.yield"
    values = var_operand_def(TensorType)
    traits = traits_def(IsTerminator(), Pure())
    assembly_format = "($values^ `:` type($values))? attr-dict"


@irdl_op_definition
class IfOp(IRDLOperation):
    """
    Evaluates one of two regions.

    (C1) The condition is a bool scalar.
    (C2) Both regions yield the types of the results.
    """

    name = "nd.if"
    cond = operand_def(TensorType)
    res = var_result_def(TensorType)
    then = region_def("single_block")
    orelse = region_def("single_block")
    traits = traits_def(SingleBlockImplicitTerminator(YieldOp), RecursiveMemoryEffect())
    assembly_format = "$cond attr-dict `:` type($cond) (`->` type($res)^)? $then `else` $orelse"

    def __init__(
        self, cond: SSAValue, result_types: Sequence[TensorType], then: Region, orelse: Region
    ) -> None:
        super().__init__(operands=[cond], result_types=[result_types], regions=[then, orelse])
        for trait in self.get_traits_of_type(SingleBlockImplicitTerminator):
            ensure_terminator(self, trait)

    def verify_(self) -> None:
        if dtype_of(self.cond) is not BOOL or rank_of(self.cond):
            raise VerifyException(f"if (C1): condition is {type_text(self.cond)}")
        for region in (self.then, self.orelse):
            end = region.block.last_op
            given = [v.type for v in end.operands] if isinstance(end, YieldOp) else None
            if given != [r.type for r in self.res]:
                raise VerifyException("if (C2): a region yields other types than the results")


@irdl_op_definition
class GradOp(IRDLOperation):
    """
    The derivatives of `cost` with respect to values it was computed from.

    Reads the ops above it in its block, with `consts` held constant. `cotangent` weights the
    elements of a cost that is not a scalar (the product with the transposed Jacobian); without
    it the cost is a scalar. Replaced by the ops of the backward pass in `nd-expand-grad`.

    (C1) Without a cotangent the cost is a float scalar; with one both have one type.
    (C2) Each of `wrt` is a float tensor, and the results have their types.
    (C3) The cost depends on each of `wrt`, unless `disconnected` gives zeros.
    """

    name = "nd.grad"
    cost = operand_def(TensorType)
    wrt = var_operand_def(TensorType)
    consts = var_operand_def(TensorType)
    cotangent = var_operand_def(TensorType)
    disconnected = opt_prop_def(UnitAttr)
    res = var_result_def(TensorType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())
    assembly_format = (
        "$cost `wrt` $wrt (`consts` $consts^)? (`cotangent` $cotangent^)? "
        "(`disconnected` $disconnected^)? attr-dict `:` type($cost) `wrt` type($wrt) "
        "(`consts` type($consts)^)? (`cotangent` type($cotangent)^)? `->` type($res)"
    )

    def verify_(self) -> None:
        if not dtype_of(self.cost).is_float:
            raise VerifyException(f"grad (C1): cost is {type_text(self.cost)}")
        if self.cotangent:
            if len(self.cotangent) > 1 or self.cotangent[0].type != self.cost.type:
                raise VerifyException("grad (C1): the cotangent has not the type of the cost")
        elif dims_of(self.cost):
            raise VerifyException(f"grad (C1): cost is {type_text(self.cost)}, not a scalar")
        if any(not dtype_of(x).is_float for x in self.wrt):
            raise VerifyException("grad (C2): only floats have derivatives")
        if [x.type for x in self.wrt] != [r.type for r in self.res]:
            raise VerifyException("grad (C2): results have not the types of wrt")


@irdl_op_definition
class JvpOp(IRDLOperation):
    """
    How `y` changes when each of `wrt` moves along its tangent: the Jacobian times the tangents.

    Reads the ops above it in its block, with `consts` held constant, and is replaced by ops of
    its own in `nd-expand-grad`, as `nd.grad` is.

    (C1) `y` is a float tensor; the result has its type.
    (C2) Each of `wrt` is a float tensor, and has a tangent of its type.
    (C3) `y` depends on each of `wrt`, unless `disconnected` gives zeros.
    """

    T: ClassVar = VarConstraint("T", BaseAttr(TensorType))

    name = "nd.jvp"
    y = operand_def(T)
    wrt = var_operand_def(TensorType)
    tangents = var_operand_def(TensorType)
    consts = var_operand_def(TensorType)
    disconnected = opt_prop_def(UnitAttr)
    res = result_def(T)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())
    assembly_format = (
        "$y `wrt` $wrt `along` $tangents (`consts` $consts^)? (`disconnected` $disconnected^)? "
        "attr-dict `:` type($y) `wrt` type($wrt) `along` type($tangents) "
        "(`consts` type($consts)^)?"
    )

    def verify_(self) -> None:
        if not dtype_of(self.y).is_float:
            raise VerifyException(f"jvp (C1): a derivative of {type_text(self.y)}")
        if any(not dtype_of(x).is_float for x in self.wrt):
            raise VerifyException("jvp (C2): only floats have derivatives")
        if [x.type for x in self.wrt] != [v.type for v in self.tangents]:
            raise VerifyException("jvp (C2): tangents have not the types of wrt")


# Nothing but their expansion says what these are.
Derivative = GradOp | JvpOp


@irdl_op_definition
class StopGradientOp(IRDLOperation):
    """`x`, a constant for derivatives."""

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.stop_gradient"
    x = operand_def(T)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = "$x attr-dict `:` type($res)"

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (None,)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.stop_gradient(xs[0])
