"""Reductions, each stated once, and the positions of extrema."""

from __future__ import annotations

import math as pymath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects import arith
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd import scalar_numpy as ref
from irc.dialects.nd.body import Lowering, by_kind
from irc.dialects.nd.scalar import LOGICAL, NUMBER
from irc.dialects.nd.structure import AxisAttr
from irc.dialects.nd.types import IntsAttr, TensorType, dims_of, dtype_of, rank_of, type_text
from irc.dtypes import I32, I64, DType, Kind
from irc.sizes import Size


@dataclass(frozen=True, eq=False)
class Reduction:
    """
    The statement of one reduction.

    start    the value of an empty reduction, given the dtype; None where that is an error
    combine  `combine(body, dtype, total, x)`, associative up to rounding
    ordered  the float result depends on the order, so the defined tree applies
    """

    name: str
    takes: frozenset[Kind]
    numpy: Callable[..., Any]
    combine: Lowering
    start: Callable[[DType], float | int | bool]
    doc: str
    vjp: Callable[..., SSAValue]
    ordered: bool = False
    empty_is_error: bool = False


class ReduceOp(IRDLOperation):
    """
    Combines the elements along `axes`, which leave the shape.

    (C1) `axes` are increasing and inside the rank of `x`.
    (C2) The reduction is defined for the dtype, which stays.
    (C3) The result has the remaining sizes.

    Float sums and products have one defined order, the same on every target: with the reduced
    axes read row-major, element r goes to partial r mod 64, and the partials are halved.
    """

    REDUCTION: ClassVar[Reduction]

    x = operand_def(TensorType)
    axes = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        name, axes, source = self.REDUCTION.name, self.axes.data, dims_of(self.x)
        check_axes(name, axes, len(source))
        if dtype_of(self.x).kind not in self.REDUCTION.takes:
            raise VerifyException(f"{name} (C2): not defined for {dtype_of(self.x)}")
        if dtype_of(self.x) is not dtype_of(self.res):
            raise VerifyException(f"{name} (C2): the dtype changes")
        if dims_of(self.res) != tuple(s for d, s in enumerate(source) if d not in axes):
            raise VerifyException(f"{name} (C3): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        kept = [d for d in range(rank_of(self.x)) if d not in self.axes.data]

        def spread(v: SSAValue) -> SSAValue:
            return b.broadcast(v, kept, dims_of(self.x))

        return (self.REDUCTION.vjp(b, self, dy, spread),)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.reduce(self.REDUCTION.name, xs[0], [a + 1 for a in self.axes.data])


def check_axes(name: str, axes: Sequence[int], rank: int) -> None:
    """Raises VerifyException for (C1)."""
    increasing = all(a < b for a, b in zip(axes, axes[1:], strict=False))
    if not increasing or any(not 0 <= a < rank for a in axes):
        raise VerifyException(f"{name} (C1): axes {list(axes)} for rank {rank}")


REDUCTIONS: dict[str, Reduction] = {}
REDUCE_OPS: dict[str, type[ReduceOp]] = {}


def reduction(
    name: str,
    takes: frozenset[Kind],
    numpy: Callable[..., Any],
    combine: Lowering,
    start: Callable[[DType], float | int | bool],
    doc: str,
    **more: Any,
) -> type[ReduceOp]:
    """States a reduction."""
    statement = Reduction(name, takes, numpy, combine, start, doc, **more)
    members: dict[str, Any] = {
        "name": f"nd.{name}",
        "REDUCTION": statement,
        "assembly_format": "$x `axes` `=` $axes attr-dict `:` type($x) `to` type($res)",
        "__doc__": doc,
        "__module__": __name__,
        "__annotations__": {"REDUCTION": "ClassVar[Reduction]"},
    }
    cls: type[ReduceOp] = irdl_op_definition(type(f"{name.capitalize()}Op", (ReduceOp,), members))
    REDUCTIONS[name], REDUCE_OPS[name] = statement, cls
    return cls


def _spread_all(b: Any, op: ReduceOp, dy: SSAValue, spread: Any) -> SSAValue:
    return spread(dy)


def _to_extrema(b: Any, op: ReduceOp, dy: SSAValue, spread: Any) -> SSAValue:
    """Equal extrema share the gradient."""
    hit = b.cast(b.eq(op.x, spread(op.res)), dtype_of(op.x))
    share = b.div(dy, b.sum(hit, op.axes.data))
    return b.mul(hit, spread(share))


def _to_factors(b: Any, op: ReduceOp, dy: SSAValue, spread: Any) -> SSAValue:
    """
    The product of the others: y / x, and where x is the only 0 the product without it.
    """
    axes, zero, one = op.axes.data, b.like(op.x, 0), b.like(op.x, 1)
    is_zero = b.eq(op.x, zero)
    zeros = spread(b.sum(b.cast(is_zero, dtype_of(op.x)), axes))
    others = b.prod(b.where(is_zero, one, op.x), axes)
    at_zero = b.where(b.eq(zeros, one), spread(others), zero)
    quotient = b.div(spread(op.res), b.where(is_zero, one, op.x))
    return b.mul(spread(dy), b.where(is_zero, at_zero, quotient))


def _none(b: Any, op: ReduceOp, dy: SSAValue, spread: Any) -> SSAValue:
    raise AssertionError("a reduction of bools has no gradient")


def _lowest(d: DType) -> float | int:
    return -pymath.inf if d.is_float else d.min


def _highest(d: DType) -> float | int:
    return pymath.inf if d.is_float else d.max


# fmt: off
SumOp = reduction("sum", NUMBER, np.add, by_kind(arith.AddfOp, arith.AddiOp), lambda d: 0,
                  "Sum; 0 for no elements. Integers wrap.", vjp=_spread_all, ordered=True)
ProdOp = reduction("prod", NUMBER, np.multiply, by_kind(arith.MulfOp, arith.MuliOp), lambda d: 1,
                   "Product; 1 for no elements. Integers wrap.", vjp=_to_factors,
                   ordered=True)
MaxReduceOp = reduction("max", NUMBER, ref.maximum,
                        by_kind(arith.MaximumfOp, arith.MaxSIOp, arith.MaxUIOp), _lowest,
                        "Largest element, NaN if there is one.", vjp=_to_extrema,
                        empty_is_error=True)
MinReduceOp = reduction("min", NUMBER, ref.minimum,
                        by_kind(arith.MinimumfOp, arith.MinSIOp, arith.MinUIOp), _highest,
                        "Smallest element, NaN if there is one.", vjp=_to_extrema,
                        empty_is_error=True)
AnyOp = reduction("any", LOGICAL, np.logical_or, by_kind(boolean=arith.OrIOp), lambda d: False,
                  "Whether an element is true.", vjp=_none)
AllOp = reduction("all", LOGICAL, np.logical_and, by_kind(boolean=arith.AndIOp), lambda d: True,
                  "Whether all elements are true.", vjp=_none)
# fmt: on


class ArgOp(IRDLOperation):
    """
    The position of an extremum along `axis`: the first of equals; NaN counts as extreme.

    (C1) 0 <= axis < rank of `x`, whose dtype is a number.
    (C2) The result is i32 or i64 with the remaining sizes.
    """

    x = operand_def(TensorType)
    axis = prop_def(AxisAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        source, axis, name = dims_of(self.x), self.axis.value.data, self.name.removeprefix("nd.")
        if not 0 <= axis < len(source) or dtype_of(self.x).kind not in NUMBER:
            raise VerifyException(f"{name} (C1): axis {axis} of {type_text(self.x)}")
        rest = source[:axis] + source[axis + 1 :]
        if dtype_of(self.res) not in (I32, I64) or dims_of(self.res) != rest:
            raise VerifyException(f"{name} (C2): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (None,)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        smallest = isinstance(self, ArgminOp)
        return b.argmax(xs[0], self.axis.value.data + 1, dtype_of(self.res), smallest=smallest)


@irdl_op_definition
class ArgmaxOp(ArgOp):
    """The position of the largest element along `axis`."""

    name = "nd.argmax"
    assembly_format = "$x `axis` `=` $axis attr-dict `:` type($x) `to` type($res)"


@irdl_op_definition
class ArgminOp(ArgOp):
    """The position of the smallest element along `axis`."""

    name = "nd.argmin"
    assembly_format = "$x `axis` `=` $axis attr-dict `:` type($x) `to` type($res)"
