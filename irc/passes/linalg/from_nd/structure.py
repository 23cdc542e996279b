"""Ops that put tensors together, and new shapes for old elements."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, i64
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.types import DYNAMIC, dims_of, dtype_of
from irc.passes.linalg.from_nd.elementwise import copied, read, window_offsets
from irc.passes.linalg.from_nd.lowering import Lower, Lowering, loop_index
from irc.passes.linalg.generics import (
    at,
    element_of,
    i64_array,
    segments,
    static_shape,
    tensor_type,
    term,
)
from irc.sizes import Poly, Size


def insert_slice(op: nd.InsertSliceOp, c: Lowering) -> None:
    """`tensor.insert_slice` takes positive strides: a reversed axis is turned round first."""
    dims, steps, offsets = dims_of(op.value), op.steps.data, window_offsets(op, c)
    if 0 in dims:
        c.values[op.res] = c.value(op.x)
        return
    value = c.value(op.value)
    if any(k < 0 for k in steps):
        value = _reversed(op, value, c)
        offsets = [
            _first(o, dims[d], k, c) if k < 0 else o
            for d, (o, k) in enumerate(zip(offsets, steps, strict=True))
        ]
    c.define(op.res, put(c, value, c.value(op.x), dims, offsets, [abs(k) for k in steps]))


def _reversed(op: nd.InsertSliceOp, value: SSAValue, c: Lowering) -> SSAValue:
    """The value with the axes of negative steps turned round."""
    dims, steps = dims_of(op.value), op.steps.data
    element = storage(dtype_of(op.value))
    access = tuple(
        (d, -1, n - 1) if k < 0 and isinstance(n, int) else term(d)
        for d, (n, k) in enumerate(zip(dims, steps, strict=True))
    )
    if all(isinstance(n, int) for n, k in zip(dims, steps, strict=True) if k < 0):
        return c.parallel(dims, element, [(value, access)], lambda s, elements: elements[0])

    def write(s: Body, _: Sequence[SSAValue]) -> SSAValue:
        places = []
        for d, (n, k) in enumerate(zip(dims, steps, strict=True)):
            here = loop_index(s, d)
            places.append(s.op(arith.SubiOp, c.index(n - 1), here) if k < 0 else here)
        return read(s, value, places)

    return c.parallel(dims, element, [], write)


def _first(offset: int | SSAValue, size: int | Poly, step: int, c: Lowering) -> int | SSAValue:
    """The smallest position of a window that is walked backwards."""
    if isinstance(offset, int) and isinstance(size, int):
        return offset + (size - 1) * step
    s, start = c.pen(), c.index(offset) if isinstance(offset, int) else offset
    first = s.op(arith.SubiOp, start, c.index((size - 1) * -step))
    # An empty window has no first element; any place inside will do.
    return s.op(arith.MaxSIOp, first, c.index(0)) if isinstance(size, Poly) else first


def put(
    c: Lowering,
    value: SSAValue,
    target: SSAValue,
    dims: Sequence[int | Poly],
    offsets: Sequence[int | SSAValue],
    steps: Sequence[int],
) -> SSAValue:
    """`target` with a window of sizes `dims` replaced by `value`."""
    moving = [o for o in offsets if not isinstance(o, int)]
    sizes = c.dynamic(dims)
    return c.add(
        tensor.InsertSliceOp.create(
            operands=[value, target, *moving, *sizes],
            result_types=[target.type],
            properties={
                "operandSegmentSizes": segments(1, 1, len(moving), len(sizes), 0),
                "static_offsets": i64_array(
                    *(o if isinstance(o, int) else DYNAMIC for o in offsets)
                ),
                "static_sizes": i64_array(*static_shape(dims)),
                "static_strides": i64_array(*steps),
            },
        )
    )


def concat(op: nd.ConcatOp, c: Lowering) -> None:
    """Each part is put into its place in one new tensor."""
    axis, dims = op.axis.value.data, dims_of(op.res)
    whole = c.empty(dims, storage(dtype_of(op.res)))
    start = sizes.const(0)
    for part in op.parts:
        known = start.constant
        offsets: list[int | SSAValue] = [0] * len(dims)
        offsets[axis] = c.index(start) if known is None else known
        whole = put(c, c.value(part), whole, dims_of(part), offsets, [1] * len(dims))
        start = start + dims_of(part)[axis]
    c.define(op.res, whole)


# -- reshape


def reshape(op: nd.ReshapeOp, c: Lowering) -> None:
    """
    At most one collapse and one expand; neither moves data. A scalar is copied.

    tensor<2x?x3> to tensor<?x6>   ->   collapse to tensor<?>, expand to tensor<?x6>

    An empty tensor is made anew: 0 and n times 0 elements are equally many, but no group of axes.
    """
    full = c.full_of(op.x)
    if full is not None or 0 in dims_of(op.x):
        number = full.number if full is not None else 0
        c.define(op.res, c.fill(dims_of(op.res), dtype_of(op.res), number))
        return
    source, target = dims_of(op.x), dims_of(op.res)
    if not source or not target:
        copied(c, op.x, (at(0),) * len(source), op.res)
        return
    x = c.value(op.x)
    groups = matching(source, target)
    if any(len(i) > 1 for i, _ in groups):
        middle = tuple(sizes.product(source[d] for d in i) for i, _ in groups)
        x = collapse(c, x, middle, [i for i, _ in groups])
    if any(len(j) > 1 for _, j in groups):
        x = expand(c, x, target, [j for _, j in groups])
    c.define(op.res, x)


Groups = list[tuple[list[int], list[int]]]


def matching(source: Sequence[Size], target: Sequence[Size]) -> Groups:
    """
    The finest pairs of axis groups, in order, that hold the same number of elements.

    Neither shape is that of a scalar.
    """
    groups: Groups = []
    i = j = 0
    while i < len(source) and j < len(target):
        found = _next(source[i:], target[j:])
        if found is None:
            break
        groups.append((list(range(i, i + found[0])), list(range(j, j + found[1]))))
        i, j = i + found[0], j + found[1]
    if i < len(source) or j < len(target):
        left, right = range(i, len(source)), range(j, len(target))
        ones = all(source[d] == 1 for d in left) and all(target[d] == 1 for d in right)
        if not groups or not ones:
            # Zero sizes and unlike factors: the elements still agree in all.
            return [(list(range(len(source))), list(range(len(target))))]
        groups[-1][0].extend(left)
        groups[-1][1].extend(right)
    return groups


def _next(source: Sequence[Size], target: Sequence[Size]) -> tuple[int, int] | None:
    """How many axes of each make up the first group with equal products."""
    best: tuple[int, int] | None = None
    products: list[Size] = []
    total: Size = 1
    for size in target:
        total = sizes.product([total, size])
        products.append(total)
    total = 1
    for i, size in enumerate(source):
        total = sizes.product([total, size])
        for j, other in enumerate(products):
            if total == other and (best is None or i + j + 2 < sum(best)):
                best = (i + 1, j + 1)
    return best


def collapse(
    c: Lowering, x: SSAValue, dims: tuple[Size, ...], groups: Sequence[Sequence[int]]
) -> SSAValue:
    """`x` with each group of axes as one axis."""
    return c.add(
        tensor.CollapseShapeOp.create(
            operands=[x],
            result_types=[tensor_type(element_of(x), dims)],
            properties={"reassociation": _reassociation(groups)},
        )
    )


def expand(
    c: Lowering, x: SSAValue, dims: tuple[Size, ...], groups: Sequence[Sequence[int]]
) -> SSAValue:
    """`x` with each axis spread over a group of axes."""
    return c.add(
        tensor.ExpandShapeOp.create(
            operands=[x, *c.dynamic(dims)],
            result_types=[tensor_type(element_of(x), dims)],
            properties={
                "reassociation": _reassociation(groups),
                "static_output_shape": i64_array(*static_shape(dims)),
            },
        )
    )


def _reassociation(groups: Sequence[Sequence[int]]) -> ArrayAttr[ArrayAttr[IntegerAttr]]:
    return ArrayAttr([ArrayAttr([IntegerAttr(d, i64) for d in g]) for g in groups])


LOWERINGS: dict[type[Operation], Lower] = {
    nd.InsertSliceOp: insert_slice,
    nd.ConcatOp: concat,
    nd.ReshapeOp: reshape,
}
