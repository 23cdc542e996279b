"""
Routines of linear algebra below `nd`: one op, which stays one call down to C.

Their loops carry from step to step what no `linalg.generic` can say. On tensors the op gives new
values; on memrefs it writes over `outs`, whatever they held.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, MemRefType, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException


@dataclass(frozen=True, slots=True)
class Routine:
    """
    What a routine takes.

    arrays    how many it reads, how many it writes
    columns   whether its first result is a matrix n x k, else n x n
    flags     names of its switches, in the order of the C function
    """

    arrays: tuple[int, int]
    columns: bool = False
    flags: tuple[str, ...] = ()


# Their meaning: irc/dialects/nd/linear_numpy.py. In C: irc/codegen/c/linear.h.
ROUTINES = {
    "cholesky": Routine((1, 1)),
    "lu": Routine((1, 2)),
    "swap_rows": Routine((2, 1), True, ("inverse",)),
    "triangular_solve": Routine((2, 1), True, ("lower", "transpose", "unit")),
}


class WritesOutputs(MemoryEffect):
    """Pure on tensors; on memrefs it reads `ins` and writes `outs`."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        ins, outs = op.ins, op.outs  # type: ignore[attr-defined]
        found = {EffectInstance(MemoryEffectKind.READ, x) for x in ins if _in_memory(x)}
        found |= {EffectInstance(MemoryEffectKind.WRITE, x) for x in outs if _in_memory(x)}
        return found


def _in_memory(x: SSAValue) -> bool:
    return isinstance(x.type, MemRefType)


@irdl_op_definition
class RoutineOp(IRDLOperation):
    """
    A routine on the last two axes of its arrays, for each system that the other axes count.

    (C1) The routine is cholesky, lu, swap_rows or triangular_solve, and gets as many arrays as it
         takes.
    (C2) `flags` are switches that it has.
    (C3) On tensors there is a result of the type of each of `outs`; on memrefs there is none.
    """

    name = "rt.routine"
    routine = prop_def(StringAttr)
    flags = prop_def(ArrayAttr[StringAttr])
    ins = var_operand_def()
    outs = var_operand_def()
    res = var_result_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(WritesOutputs())
    assembly_format = (
        "$routine $flags `ins` `(` $ins `:` type($ins) `)` `outs` `(` $outs `:` type($outs) `)` "
        "attr-dict (`->` type($res)^)?"
    )

    @property
    def switches(self) -> dict[str, bool]:
        """Each switch of the routine, and whether it is on."""
        given = {flag.data for flag in self.flags.data}
        return {name: name in given for name in ROUTINES[self.routine.data].flags}

    def verify_(self) -> None:
        name = self.routine.data
        routine = ROUTINES.get(name)
        if routine is None or (len(self.ins), len(self.outs)) != routine.arrays:
            raise VerifyException(
                f"routine (C1): {name} from {len(self.ins)} to {len(self.outs)} arrays"
            )
        unknown = [f.data for f in self.flags.data if f.data not in routine.flags]
        if unknown:
            raise VerifyException(f"routine (C2): {name} has no switch {unknown[0]}")
        expected = [x.type for x in self.outs if not _in_memory(x)]
        if list(self.res.types) != expected:
            raise VerifyException("routine (C3): results and `outs` have different types")
