"""The square root of a size, as arithmetic on an index."""

from __future__ import annotations

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import Float64Type, IndexType, IntegerAttr, i64
from xdsl.ir import Operation, SSAValue

_INDEX, _F64 = IndexType(), Float64Type()
_FAST = arith.FastMathFlagsAttr("none")


def root_ops(x: SSAValue) -> list[Operation]:
    """
    Ops of which the last gives floor(sqrt(x)), for an index; 0 for one below 0.

    Exact for what has less than 53 bits, as the root of k**2 - 1 differs from k by 1/(2k).
    """
    zero = arith.ConstantOp.create(
        result_types=[_INDEX], properties={"value": IntegerAttr(0, _INDEX)}
    )
    ops: list[Operation] = [zero]

    def step(
        cls: type[Operation], type_: object, *operands: SSAValue, **properties: object
    ) -> None:
        made = cls.create(
            operands=operands or ops[-1].results,
            result_types=[type_],  # type: ignore[list-item]
            properties=properties,  # type: ignore[arg-type]
        )
        ops.append(made)

    step(arith.MaxSIOp, _INDEX, x, zero.results[0])
    step(arith.IndexCastOp, i64)
    step(arith.SIToFPOp, _F64)
    step(math.SqrtOp, _F64, fastmath=_FAST)
    step(arith.FPToSIOp, i64)
    step(arith.IndexCastOp, _INDEX)
    return ops
