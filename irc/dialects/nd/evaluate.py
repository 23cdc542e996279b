"""
What each op of `nd` gives, in NumPy: the meaning that every other level is compared with.

Arrays have the dtypes of `arrays.numpy_dtype`. Functions marked inexact are computed in f64 and
rounded, products too; all other results are defined to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from irc import sizes as size_text
from irc.dialects.nd import convolution_numpy
from irc.dialects.nd import scalar_numpy as ref
from irc.dialects.nd.arrays import (
    Array,
    from_bytes,
    numpy_dtype,
    rounded,
    tree_reduce,
    widened,
)
from irc.dialects.nd.contraction import DotOp, free_axes
from irc.dialects.nd.control import StopGradientOp
from irc.dialects.nd.convolution import ConvOp, MaxPoolIndexOp, MaxPoolOp, WindowExtremumOp
from irc.dialects.nd.foreign_numpy import EVALUATE as FOREIGN
from irc.dialects.nd.indexing import GatherOp, ScatterOp
from irc.dialects.nd.linear_numpy import EVALUATE as LINEAR
from irc.dialects.nd.ordered import ArgsortOp, CumulativeOp
from irc.dialects.nd.ordered_numpy import argsort, cumulative
from irc.dialects.nd.philox import random_words
from irc.dialects.nd.reduction import REDUCE_OPS, ArgmaxOp, ArgminOp, ArgOp, ReduceOp
from irc.dialects.nd.scalar import ELEMENTWISE, ElementwiseOp
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, PhiloxOp, SizeOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    CastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
    WindowOp,
    is_dynamic,
)
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import BF16, F32, DType
from irc.sizes import Poly, Size

Sizes = Mapping[str, int]


class EmptyReductionError(ArithmeticError):
    """The largest, smallest or first of no elements."""


class OutsideError(IndexError):
    """A window that reaches outside its tensor, which a check before it should have caught."""


def evaluate_op(op: Operation, operands: Sequence[Array], sizes: Sizes) -> list[Array]:
    """
    The results of one op without regions or effects, for values of its operands.

    `sizes` gives the value of each symbolic size. Operands are not changed.
    Raises EmptyReductionError, OutsideError, and KeyError for ops that are none of this kind.
    """
    with np.errstate(all="ignore"):
        made = EVALUATE[type(op)](op, operands, sizes)
        return [np.asarray(x) for x in (made if isinstance(made, tuple) else (made,))]


def shape_of(x: SSAValue, sizes: Sizes) -> tuple[int, ...]:
    """The shape of a tensor value for given sizes."""
    return tuple(size_value(d, sizes) for d in dims_of(x))


def size_value(d: Size, sizes: Sizes) -> int:
    return d.evaluate(sizes) if isinstance(d, Poly) else d


# -- elementwise


def elementwise(op: ElementwiseOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    scalar, dtype = op.SCALAR, dtype_of(op.operands[0])
    if not dtype.is_float:
        result = scalar.numpy(*xs)
        return result if scalar.predicate else result.astype(numpy_dtype(dtype), copy=False)
    wide = [widened(x, dtype) for x in xs]
    if scalar.inexact and wide[0].dtype == np.float32:
        result = scalar.numpy(*(x.astype(np.float64) for x in wide)).astype(np.float32)
    else:
        result = scalar.numpy(*wide)
    return result if scalar.predicate else rounded(result, dtype)


def where(op: WhereOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return np.where(*xs)


def cast(op: CastOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return convert(xs[0], dtype_of(op.x), dtype_of(op.res))


def convert(x: Array, source: DType, target: DType) -> Array:
    """As the op `cast`: saturates to integers, NaN gives 0, floats round to nearest."""
    if target.is_float and target.bits == 16 and not source.is_float:
        x, source = x.astype(np.float32), F32
    if target is BF16:
        return rounded(x, target)
    return ref.cast(x, numpy_dtype(target))


# -- structure


def broadcast(op: BroadcastOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    shape, dims = shape_of(op.res, sizes), op.dims.data
    aligned = [1] * len(shape)
    for size, d in zip(xs[0].shape, dims, strict=True):
        aligned[d] = size
    return np.broadcast_to(xs[0].reshape(aligned), shape).copy()


def reshape(op: ReshapeOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return xs[0].reshape(shape_of(op.res, sizes))


def transpose(op: TransposeOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return np.transpose(xs[0], op.perm.data).copy()


def slice_(op: SliceOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    x, *starts = xs
    return x[_window(op, x.shape, shape_of(op.res, sizes), starts, sizes)]


def insert_slice(op: InsertSliceOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    x, value, *starts = xs
    result = x.copy()
    result[_window(op, x.shape, value.shape, starts, sizes)] = value
    return result


def _window(
    op: WindowOp, whole: tuple[int, ...], window: tuple[int, ...], starts: list[Array], sizes: Sizes
) -> tuple[Array, ...]:
    given = iter(starts)
    positions = []
    for axis, (offset, step) in enumerate(zip(op.offsets.data, op.steps.data, strict=True)):
        start = int(next(given)) if is_dynamic(offset) else offset.evaluate(sizes)
        at = start + step * np.arange(window[axis], dtype=np.int64)
        if at.size and not 0 <= min(at[0], at[-1]) <= max(at[0], at[-1]) < whole[axis]:
            raise OutsideError(
                f"position {at[0] if not 0 <= at[0] < whole[axis] else at[-1]} "
                f"is outside axis {axis} of size {whole[axis]}"
            )
        positions.append(at)
    return np.ix_(*positions)


def concat(op: ConcatOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return np.concatenate(xs, axis=op.axis.value.data)


# -- reductions and products


def reduce(op: ReduceOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    statement, dtype, axes = op.REDUCTION, dtype_of(op.x), op.axes.data
    kept = [d for d in range(xs[0].ndim) if d not in axes]
    rows = np.transpose(xs[0], [*kept, *axes])
    shape = rows.shape[: len(kept)]
    rows = rows.reshape(*shape, int(np.prod(rows.shape[len(kept) :], dtype=np.int64)))
    if statement.ordered and dtype.is_float:
        start = statement.start(dtype)
        return rounded(tree_reduce(widened(rows, dtype), statement.numpy, start), dtype)  # type: ignore[arg-type]
    if statement.empty_is_error and rows.shape[-1] == 0:
        if 0 in shape:
            return np.empty(shape, dtype=rows.dtype)
        raise EmptyReductionError(f"{statement.name} of no elements")
    return _combine_all(statement.numpy, rows, dtype)


def _combine_all(combine: Callable[..., Array], rows: Array, dtype: DType) -> Array:
    """Halves the rows until one element is left; the order makes no difference here."""
    if rows.shape[-1] == 0:
        start = {np.add: 0, np.multiply: 1, np.logical_or: False, np.logical_and: True}[combine]  # type: ignore[index]
        return np.full(rows.shape[:-1], start, dtype=rows.dtype)
    while rows.shape[-1] > 1:
        half = rows.shape[-1] // 2
        paired = combine(rows[..., :half], rows[..., half : 2 * half])
        rows = np.concatenate([paired, rows[..., 2 * half :]], axis=-1)
    return rows[..., 0].astype(numpy_dtype(dtype), copy=False)


def argext(op: ArgOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    """NumPy's own rule: the first NaN, else the first of the equal extrema."""
    axis, find = op.axis.value.data, np.argmin if isinstance(op, ArgminOp) else np.argmax
    shape = xs[0].shape[:axis] + xs[0].shape[axis + 1 :]
    if 0 in shape:
        return np.empty(shape, dtype=numpy_dtype(dtype_of(op.res)))
    if xs[0].shape[axis] == 0:
        raise EmptyReductionError(f"{op.name.removeprefix('nd.')} of no elements")
    return np.asarray(find(xs[0], axis=axis)).astype(numpy_dtype(dtype_of(op.res)))


def dot(op: DotOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    dtype, (x, y) = dtype_of(op.lhs), xs
    if dtype.is_float:
        x, y = x.astype(np.float64), y.astype(np.float64)
    batch, contract = op.batch, op.contract
    m, n = (free_axes(v.ndim, batch[i], contract[i]) for i, v in enumerate((x, y)))
    left = np.transpose(x, [*batch[0], *m, *contract[0]])
    right = np.transpose(y, [*batch[1], *contract[1], *n])
    shared = [x.shape[d] for d in batch[0]]
    rows, columns = [x.shape[d] for d in m], [y.shape[d] for d in n]
    b, i, j = (int(np.prod(s, dtype=np.int64)) for s in (shared, rows, columns))
    k = int(np.prod([x.shape[d] for d in contract[0]], dtype=np.int64))
    product = np.matmul(left.reshape(b, i, k), right.reshape(b, k, j))
    product = product.reshape((*shared, *rows, *columns))
    return rounded(product, dtype) if dtype.is_float else product


def conv(op: ConvOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    dtype, (x, w) = dtype_of(op.x), xs
    if dtype.is_float:
        x, w = x.astype(np.float64), w.astype(np.float64)
    low, high = ([p.evaluate(sizes) for p in pads.data] for pads in (op.low, op.high))
    x = convolution_numpy.padded(x, low, high, op.x_dilation.data)
    steps = shape_of(op.res, sizes)[-op.spatial :], op.stride.data, op.w_dilation.data
    if all(d == 1 for d in op.x_dilation.data):
        result = convolution_numpy.convolve(x, w, *steps)
    else:
        holes = op.x_dilation.data
        result = convolution_numpy.convolve_with_holes(x, w, *steps, low, holes)
    return rounded(result, dtype) if dtype.is_float else result


def max_pool(op: WindowExtremumOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    places = shape_of(op.res, sizes)[-len(op.window.data) :]
    pool = getattr(convolution_numpy, op.name.removeprefix("nd."))
    return pool(xs[0], places, op.window.data, op.stride.data, op.dilation.data)


# -- indexing


def gather(op: GatherOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    x, *indices = xs
    lines, inside, at = _positions(x, indices, op.axes.data)
    if not inside.any():
        return np.zeros(inside.shape + lines.shape[len(indices) :], dtype=x.dtype)
    result = np.array(lines[at])  # an array also of rank 0
    result[~inside] = 0
    return result


def scatter(op: ScatterOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    x, value, *indices = xs
    dtype = dtype_of(op.x)
    result = x.copy()
    lines, inside, at = _positions(result, indices, op.axes.data)
    at, value = tuple(i[inside] for i in at), value[inside]
    if op.kind.data == "set":
        lines[at] = value  # in index order, so that the last one stays
        return result
    for place, line in zip(zip(*at, strict=True), value, strict=True):
        lines[place] = rounded(widened(lines[place], dtype) + widened(line, dtype), dtype) \
            if dtype.is_float else lines[place] + line  # fmt: skip
    return result


def _positions(
    x: Array, indices: Sequence[Array], axes: Sequence[int]
) -> tuple[Array, Array, tuple[Array, ...]]:
    """`x` with `axes` first (a view), which positions are inside, and positions made safe."""
    rest = [d for d in range(x.ndim) if d not in axes]
    inside = np.ones(indices[0].shape, dtype=bool)
    for index, axis in zip(indices, axes, strict=True):
        inside &= (index >= 0) & (index < x.shape[axis])
    at = tuple(np.where(inside, index, 0).astype(np.int64) for index in indices)
    return np.transpose(x, [*axes, *rest]), inside, at


# -- sources


def full(op: FullOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return np.full(shape_of(op.res, sizes), op.number, dtype=numpy_dtype(dtype_of(op.res)))


def constant(op: ConstantOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    return from_bytes(op.value.data.data, shape_of(op.res, sizes), dtype_of(op.res)).copy()


def iota(op: IotaOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    shape, axis, dtype = shape_of(op.res, sizes), op.axis.value.data, dtype_of(op.res)
    count = _from_int64(np.arange(shape[axis], dtype=np.int64), dtype)
    aligned = [-1 if d == axis else 1 for d in range(len(shape))]
    return np.broadcast_to(count.reshape(aligned), shape).copy()


def size(op: SizeOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    value = size_text.parse(op.poly.data).evaluate(sizes)
    return _from_int64(np.asarray(value, dtype=np.int64), dtype_of(op.res))


def _from_int64(x: Array, dtype: DType) -> Array:
    if dtype.is_float:
        return rounded(x.astype(np.float32) if dtype.bits == 16 else x, dtype)
    return x.astype(numpy_dtype(dtype))


def philox(op: PhiloxOp, xs: Sequence[Array], sizes: Sizes) -> Array:
    shape = shape_of(op.res, sizes)
    count = int(np.prod(shape, dtype=np.int64))
    seed, counter, *first = (int(x) for x in xs)
    return random_words(seed, counter, op.site.value.data, count, *first).reshape(shape)


def same(op: Operation, xs: Sequence[Array], sizes: Sizes) -> Array:
    return xs[0]


EVALUATE: dict[type[Operation], Callable[[Any, Sequence[Array], Sizes], Any]] = {
    **{cls: elementwise for cls in ELEMENTWISE.values()},
    **{cls: reduce for cls in REDUCE_OPS.values()},
    **FOREIGN,
    **LINEAR,
    ArgmaxOp: argext,
    ArgminOp: argext,
    ArgsortOp: argsort,
    BroadcastOp: broadcast,
    CastOp: cast,
    ConcatOp: concat,
    ConstantOp: constant,
    CumulativeOp: cumulative,
    ConvOp: conv,
    DotOp: dot,
    FullOp: full,
    GatherOp: gather,
    InsertSliceOp: insert_slice,
    IotaOp: iota,
    MaxPoolIndexOp: max_pool,
    MaxPoolOp: max_pool,
    PhiloxOp: philox,
    ReshapeOp: reshape,
    ScatterOp: scatter,
    SizeOp: size,
    SliceOp: slice_,
    StopGradientOp: same,
    TransposeOp: transpose,
    WhereOp: where,
}
