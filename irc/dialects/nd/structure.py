"""Ops that choose, convert and move elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects import builtin
from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc import sizes
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body
from irc.dialects.nd.rows import repeated, row_numbers
from irc.dialects.nd.scalar import PointwiseOp
from irc.dialects.nd.types import (
    DimsAttr,
    IntsAttr,
    TensorType,
    dims_of,
    dtype_of,
    rank_of,
    type_text,
)
from irc.dtypes import BOOL, I64
from irc.sizes import Poly, Size

_I64 = IntegerType(64)
AxisAttr = IntegerAttr[builtin.I64]


def ints(values: Sequence[int]) -> IntsAttr:
    """The attribute that lists axes or steps."""
    return IntsAttr(tuple(values))


def offsets(values: Sequence[Size]) -> DimsAttr:
    """The attribute that lists positions, which may be symbolic."""
    return DimsAttr(tuple(sizes.poly(v) for v in values))


@irdl_op_definition
class WhereOp(PointwiseOp):
    """
    Takes each element from `lhs` where `cond` holds and from `rhs` elsewhere.

    (C1) `cond` is bool and has the shape of the result.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.where"
    cond = operand_def(TensorType)
    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = "$cond `,` $lhs `,` $rhs attr-dict `:` type($cond) `,` type($res)"

    def verify_(self) -> None:
        if dtype_of(self.cond) is not BOOL or dims_of(self.cond) != dims_of(self.res):
            raise VerifyException(
                f"where (C1): condition is {type_text(self.cond)}, result {type_text(self.res)}"
            )

    def lower_scalar(self, s: Body, *operands: SSAValue) -> SSAValue:
        return s.select(*operands)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        zero = b.like(dy, 0)
        return None, b.where(self.cond, dy, zero), b.where(self.cond, zero, dy)


@irdl_op_definition
class CastOp(PointwiseOp):
    """
    Converts to another dtype: truncates and saturates to integers, rounds to floats.

    (C1) Operand and result have one shape.
    """

    name = "nd.cast"
    x = operand_def(TensorType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$x attr-dict `:` type($x) `to` type($res)"

    def verify_(self) -> None:
        dtype_of(self.res)
        if dims_of(self.x) != dims_of(self.res):
            raise VerifyException(f"cast (C1): {type_text(self.x)} to {type_text(self.res)}")

    def lower_scalar(self, s: Body, *operands: SSAValue) -> SSAValue:
        return scalar_bodies.cast(s, dtype_of(self.x), dtype_of(self.res), operands[0])

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (b.cast(dy, dtype_of(self.x)) if dtype_of(self.x).is_float else None,)


@irdl_op_definition
class BroadcastOp(IRDLOperation):
    """
    Repeats `x` along new axes and along axes of size 1; axis i of `x` becomes axis `dims[i]`.

    (C1) One entry of `dims` for each axis of `x`, increasing, inside the rank of the result.
    (C2) Each size of `x` is 1 or that of its axis in the result.
    (C3) The dtype stays.
    """

    name = "nd.broadcast"
    x = operand_def(TensorType)
    dims = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$x `dims` `=` $dims attr-dict `:` type($x) `to` type($res)"

    def verify_(self) -> None:
        source, target, dims = dims_of(self.x), dims_of(self.res), self.dims.data
        inside = all(0 <= d < len(target) for d in dims)
        increasing = all(a < b for a, b in zip(dims, dims[1:], strict=False))
        if len(dims) != len(source) or not inside or not increasing:
            raise VerifyException(f"broadcast (C1): dims {list(dims)} for {type_text(self.x)}")
        for size, d in zip(source, dims, strict=True):
            if size != 1 and size != target[d]:
                raise VerifyException(
                    f"broadcast (C2): size {size} does not fit {target[d]} on axis {d}"
                )
        if dtype_of(self.x) is not dtype_of(self.res):
            raise VerifyException("broadcast (C3): dtypes differ")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        source, dims = dims_of(self.x), self.dims.data
        target = dims_of(self.res)
        stretched = [d for s, d in zip(source, dims, strict=True) if s == 1 and target[d] != 1]
        new = [d for d in range(len(target)) if d not in dims]
        return (b.reshape(b.sum(dy, sorted(new + stretched)), source),)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        axes = [0, *(d + 1 for d in self.dims.data)]
        return b.broadcast(xs[0], axes, (count, *dims_of(self.res)))


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """
    The same elements in row-major order under another shape.

    (C1) The numbers of elements are equal polynomials.
    (C2) The dtype stays.
    """

    name = "nd.reshape"
    x = operand_def(TensorType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$x attr-dict `:` type($x) `to` type($res)"

    def verify_(self) -> None:
        if sizes.product(dims_of(self.x)) != sizes.product(dims_of(self.res)):
            raise VerifyException(f"reshape (C1): {type_text(self.x)} to {type_text(self.res)}")
        if dtype_of(self.x) is not dtype_of(self.res):
            raise VerifyException("reshape (C2): dtypes differ")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        return (b.reshape(dy, dims_of(self.x)),)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.reshape(xs[0], (count, *dims_of(self.res)))


@irdl_op_definition
class TransposeOp(IRDLOperation):
    """
    Permutes axes: axis i of the result is axis `perm[i]` of `x`.

    (C1) `perm` is a permutation of the axes.
    (C2) The result has the permuted shape and the dtype of `x`.
    """

    name = "nd.transpose"
    x = operand_def(TensorType)
    perm = prop_def(IntsAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$x `perm` `=` $perm attr-dict `:` type($x) `to` type($res)"

    def verify_(self) -> None:
        source, perm = dims_of(self.x), self.perm.data
        if sorted(perm) != list(range(len(source))):
            raise VerifyException(f"transpose (C1): {list(perm)} does not permute {len(source)}")
        same = dtype_of(self.x) is dtype_of(self.res)
        if not same or tuple(source[p] for p in perm) != dims_of(self.res):
            raise VerifyException(f"transpose (C2): result is {type_text(self.res)}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        perm = self.perm.data
        return (b.transpose(dy, [perm.index(i) for i in range(len(perm))]),)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.transpose(xs[0], [0, *(p + 1 for p in self.perm.data)])


class WindowOp(IRDLOperation):
    """
    Shared by slice and insert_slice: which elements of the whole a window shows.

    Element i of the window on an axis is element `offset + step * i` of the whole.
    An offset is a polynomial, or `"?"` for one given by the next of the i64 scalars `starts`.
    """

    offsets = prop_def(DimsAttr)
    steps = prop_def(IntsAttr)

    def check_window(self, whole: SSAValue, window: SSAValue, starts: Sequence[SSAValue]) -> None:
        """Raises VerifyException for (C1) to (C4)."""
        title = self.name.removeprefix("nd.")
        rank, steps, at = rank_of(whole), self.steps.data, self.offsets.data
        if not rank == rank_of(window) == len(steps) == len(at):
            raise VerifyException(f"{title} (C1): ranks, offsets and steps differ in number")
        if any(k == 0 for k in steps):
            raise VerifyException(f"{title} (C2): a step is 0")
        if sum(is_dynamic(p) for p in at) != len(starts) or any(
            dtype_of(s) is not I64 or rank_of(s) for s in starts
        ):
            raise VerifyException(f"{title} (C3): one i64 scalar for each `?` offset")
        for axis, (size, k, p, d) in enumerate(
            zip(dims_of(window), steps, at, dims_of(whole), strict=True)
        ):
            if is_dynamic(p) or size == 0:
                continue
            low, high = sizes.poly(p), p + (size - 1) * k if k > 0 else sizes.poly(p)
            if k < 0:
                low = p + (size - 1) * k
            outside = (low.constant or 0) < 0 or ((d - 1 - high).constant or 0) < 0
            if outside:
                raise VerifyException(f"{title} (C4): reaches outside axis {axis} of size {d}")
        if dtype_of(whole) is not dtype_of(window):
            raise VerifyException(f"{title} (C5): dtypes differ")

    def positions(
        self,
        b: Any,
        count: Size,
        axes: Sequence[int],
        window: Sequence[Size],
        starts: Sequence[SSAValue],
        rows: Sequence[bool],
    ) -> list[SSAValue]:
        """
        The positions of `count` windows on each of `axes`, shape `[count, window on axes]`.

        `starts` have a leading axis where `rows` says so.
        """
        space = [window[a] for a in axes]
        shape, given = (count, *space), iter(zip(starts, rows, strict=True))
        found = {}
        for a, (p, k) in enumerate(zip(self.offsets.data, self.steps.data, strict=True)):
            start, own = next(given) if is_dynamic(p) else (b.size(sizes.size(p)), False)
            if a in axes:
                along = b.iota(shape, I64, 1 + axes.index(a))
                start = b.broadcast(start, [0] if own else [], shape)
                found[a] = b.add(start, b.mul(along, b.full(shape, I64, k)))
        return [found[a] for a in axes]


def is_dynamic(offset: Poly) -> bool:
    """Whether the offset is given by an operand."""
    return offset.name == "?"


@irdl_op_definition
class SliceOp(WindowOp):
    """
    A window of `x`.

    (C1) One offset and one step for each axis; the rank stays.
    (C2) No step is 0; a negative one walks backwards from its offset.
    (C3) One i64 scalar in `starts` for each `?` offset.
    (C4) No known element lies outside `x`.
    (C5) The dtype stays.
    """

    name = "nd.slice"
    x = operand_def(TensorType)
    starts = var_operand_def(TensorType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `[` $starts `]` `at` $offsets `step` $steps attr-dict "
        "`:` type($x) (`,` type($starts)^)? `to` type($res)"
    )

    def verify_(self) -> None:
        self.check_window(self.x, self.res, self.starts)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        zero = b.full(dims_of(self.x), dtype_of(self.x), 0)
        at, steps = self.offsets.data, self.steps.data
        dx = b.insert_slice(zero, dy, at, steps, self.starts)
        return dx, *(None for _ in self.starts)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Windows at one place are a window with one more axis; others are gathered."""
        x, *starts = xs
        window, at, steps = dims_of(self.res), self.offsets.data, self.steps.data
        if not any(rows[1:]):
            return b.slice(x, (count, *window), (sizes.const(0), *at), (1, *steps), starts)
        axes = [a for a, p in enumerate(at) if is_dynamic(p)]
        indices = self.positions(b, count, axes, window, starts, rows[1:])
        lead = int(rows[0])
        if lead:
            indices = [row_numbers(b, count, [window[a] for a in axes]), *indices]
        fixed = [d if a in axes else s for a, (d, s) in
                 enumerate(zip(dims_of(self.x), window, strict=True))]  # fmt: skip
        still = [sizes.const(0) if a in axes else p for a, p in enumerate(at)]
        step = [1 if a in axes else k for a, k in enumerate(steps)]
        x = b.slice(x, [count] * lead + fixed, [sizes.const(0)] * lead + still, [1] * lead + step)
        read = b.gather(x, indices, [0] * lead + [a + lead for a in axes], in_bounds=True)
        order = [*axes, *(a for a in range(len(window)) if a not in axes)]
        return b.transpose(read, [0, *(1 + order.index(a) for a in range(len(window)))])


@irdl_op_definition
class InsertSliceOp(WindowOp):
    """
    `x` with a window of it replaced by `value`.

    (C1) to (C5) as for slice, with `value` in the place of the result.
    (C6) The result has the type of `x`.
    """

    T: ClassVar = VarConstraint("T", AnyAttr())

    name = "nd.insert_slice"
    x = operand_def(T)
    value = operand_def(TensorType)
    starts = var_operand_def(TensorType)
    res = result_def(T)
    traits = traits_def(Pure())
    assembly_format = (
        "$value `into` $x `[` $starts `]` `at` $offsets `step` $steps attr-dict "
        "`:` type($value) (`,` type($starts)^)? `into` type($res)"
    )

    def verify_(self) -> None:
        self.check_window(self.x, self.value, self.starts)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        at, steps = self.offsets.data, self.steps.data
        zero = b.full(dims_of(self.value), dtype_of(self.value), 0)
        dx = b.insert_slice(dy, zero, at, steps, self.starts)
        dv = b.slice(dy, dims_of(self.value), at, steps, self.starts)
        return dx, dv, *(None for _ in self.starts)

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Windows at one place are a window with one more axis; others are scattered."""
        x, value = repeated(b, count, xs[:2], rows[:2])
        starts, window, at, steps = xs[2:], dims_of(self.value), self.offsets.data, self.steps.data
        if not any(rows[2:]):
            return b.insert_slice(x, value, (sizes.const(0), *at), (1, *steps), starts)
        whole = dims_of(self.x)
        axes = [a for a in range(len(window)) if (at[a], steps[a], window[a]) != (0, 1, whole[a])]
        indices = self.positions(b, count, axes, window, starts, rows[2:])
        number = row_numbers(b, count, [window[a] for a in axes])
        order = [*axes, *(a for a in range(len(window)) if a not in axes)]
        value = b.transpose(value, [0, *(1 + a for a in order)])
        places = [0, *(a + 1 for a in axes)]
        return b.scatter(x, value, [number, *indices], places, "set", in_bounds=True)


@irdl_op_definition
class ConcatOp(IRDLOperation):
    """
    Joins tensors along `axis`.

    (C1) At least one operand; all have the rank and dtype of the result.
    (C2) 0 <= axis < rank.
    (C3) Sizes agree off `axis`; on it, those of the operands add up to that of the result.
    """

    name = "nd.concat"
    parts = var_operand_def(TensorType)
    axis = prop_def(AxisAttr)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$parts `axis` `=` $axis attr-dict `:` type($parts) `to` type($res)"

    def verify_(self) -> None:
        rank, dtype = rank_of(self.res), dtype_of(self.res)
        if not self.parts or any(
            rank_of(p) != rank or dtype_of(p) is not dtype for p in self.parts
        ):
            raise VerifyException("concat (C1): ranks or dtypes differ")
        axis = self.axis.value.data
        if not 0 <= axis < rank:
            raise VerifyException(f"concat (C2): axis {axis} is outside rank {rank}")
        for d, total in enumerate(dims_of(self.res)):
            on_axis = [dims_of(p)[d] for p in self.parts]
            if (
                sizes.size(sum(on_axis, sizes.const(0))) != total
                if d == axis
                else any(s != total for s in on_axis)
            ):
                raise VerifyException(f"concat (C3): sizes on axis {d} do not make {total}")

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        axis, rank = self.axis.value.data, rank_of(dy)
        gradients, start = [], sizes.const(0)
        for part in self.parts:
            at = [start if d == axis else sizes.const(0) for d in range(rank)]
            gradients.append(b.slice(dy, dims_of(part), at, [1] * rank))
            start = start + dims_of(part)[axis]
        return gradients

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        return b.concat(repeated(b, count, xs, rows), self.axis.value.data + 1)
