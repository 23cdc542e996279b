"""State, checks and printing: the ops whose order matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, StringAttr, SymbolNameConstraint, SymbolRefAttr
from xdsl.ir import SSAValue
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
from xdsl.traits import (
    EffectInstance,
    MemoryEffect,
    MemoryEffectKind,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd.types import TensorType, dims_of, dtype_of, type_text
from irc.dtypes import BOOL


class ReadsState(MemoryEffect):
    """Reads a state: unused reads may go, equal ones may merge, as all writes come last."""

    @classmethod
    def get_effects(cls, op: Any) -> set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.READ)}


class Ordered(MemoryEffect):
    """Writes: stays, in its place among the others."""

    @classmethod
    def get_effects(cls, op: Any) -> set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.WRITE)}


@irdl_op_definition
class StateOp(IRDLOperation):
    """
    A tensor that lives as long as the module.

    `hidden` states, such as the random counter, are not shown to users.
    """

    name = "nd.state"
    sym_name = prop_def(SymbolNameConstraint())
    type_ = prop_def(TensorType, prop_name="type")
    doc = opt_prop_def(StringAttr)
    traits = traits_def(SymbolOpInterface())
    assembly_format = "$sym_name `:` $type (`doc` $doc^)? attr-dict"

    def verify_(self) -> None:
        if any(not isinstance(d, int) for d in dims_of(self.type_)):
            raise VerifyException(f"state (C1): the shape of {type_text(self.type_)} is not static")


class StateAccess(IRDLOperation):
    """(C1) The symbol names a state. (C2) Its type is that of the value."""

    state = prop_def(SymbolRefAttr)

    def check_state(self, value: SSAValue) -> None:
        table = SymbolTable.lookup_symbol(self, self.state)
        name = self.name.removeprefix("nd.")
        if not isinstance(table, StateOp):
            raise VerifyException(f"{name} (C1): there is no state {self.state}")
        if table.type_ != value.type:
            raise VerifyException(
                f"{name} (C2): {type_text(value)} for a state of type {type_text(table.type_)}"
            )


@irdl_op_definition
class StateReadOp(StateAccess):
    """
    The value a state had when the function was called.

    (C1) The symbol names a state. (C2) Its type is that of the result.
    """

    name = "nd.state_read"
    res = result_def(TensorType)
    traits = traits_def(ReadsState())
    assembly_format = "$state attr-dict `:` type($res)"

    def verify_(self) -> None:
        self.check_state(self.res)


@irdl_op_definition
class StateWriteOp(StateAccess):
    """
    Gives a state its value for the next call; takes effect when the function returns.

    (C1) The symbol names a state. (C2) Its type is that of `value`.
    """

    name = "nd.state_write"
    value = operand_def(TensorType)
    traits = traits_def(Ordered())
    assembly_format = "$state `,` $value attr-dict `:` type($value)"

    def verify_(self) -> None:
        self.check_state(self.value)


# How the message of a check begins that guards an op which has an answer without it: 0.
DIVISION_BY_ZERO = "division by zero"
# Others, without which the answer is infinite or NaN.
SINGULAR = "singular matrix"
INDEFINITE = "matrix not positive definite"


@irdl_op_definition
class AssertOp(IRDLOperation):
    """
    Fails the call, before any state changes, unless `ok` holds everywhere.

    `message` shows operand i of `shown` as `{i}`; of a tensor that has the shape of `ok`, the
    element at the first false position in row-major order. `{@d}` is that position on axis d,
    `{i:.4f}` formats as Python does.

    (C1) `ok` is bool.
    (C2) Each operand of `shown` is a scalar or has the shape of `ok`.
    (C3) `kind` is assert, bounds or shape.
    """

    name = "nd.assert"
    ok = operand_def(TensorType)
    shown = var_operand_def(TensorType)
    kind = prop_def(StringAttr)
    message = prop_def(StringAttr)
    traits = traits_def(Ordered())
    assembly_format = (
        "$kind $ok `,` $message `(` $shown `)` attr-dict `:` type($ok) (`,` type($shown)^)?"
    )

    def verify_(self) -> None:
        if dtype_of(self.ok) is not BOOL:
            raise VerifyException(f"assert (C1): condition is {type_text(self.ok)}")
        if any(dims_of(x) not in ((), dims_of(self.ok)) for x in self.shown):
            raise VerifyException("assert (C2): a shown operand has another shape")
        if self.kind.data not in ("assert", "bounds", "shape"):
            raise VerifyException(f"assert (C3): kind is {self.kind.data}")


@irdl_op_definition
class PrintOp(IRDLOperation):
    """
    Prints `message` and a newline, with operand i of `shown` in the place of `{i}`.

    Tensors print as NumPy prints them, without cutting; `{i:.4f}` formats each element.
    """

    name = "nd.print"
    shown = var_operand_def(TensorType)
    message = prop_def(StringAttr)
    traits = traits_def(Ordered())
    assembly_format = "$message `(` $shown `)` attr-dict (`:` type($shown)^)?"


def symbols(names: Sequence[str]) -> ArrayAttr[StringAttr]:
    """An attribute that lists names."""
    return ArrayAttr([StringAttr(n) for n in names])
