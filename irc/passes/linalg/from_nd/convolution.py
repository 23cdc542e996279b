"""Windows: products that slide, sums of a few shifted products, extrema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as tuples

from xdsl.dialects import arith, tensor
from xdsl.ir import Operation, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import Body, storage
from irc.dialects.nd.structure import TransposeOp
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import I64, DType, accumulator
from irc.errors import InternalError
from irc.passes.linalg.from_nd.lowering import Lower, Lowering, from_index, loop_index
from irc.passes.linalg.from_nd.reduction import accumulate, narrowed, product
from irc.passes.linalg.generics import (
    Access,
    Sliding,
    Term,
    Terms,
    at,
    element_of,
    fits,
    i64_array,
    identity,
    projection,
    segments,
    static_shape,
    tensor_type,
    term,
)
from irc.sizes import Size

MAX_TAPS = 16  # elements of a window that are written out, rather than looped over


def conv(op: nd.ConvOp, c: Lowering) -> None:
    """
    Loops are those of the result, then channels, then the window; one channel to one channel
    under a small window is an elementwise op.
    """
    if not op.is_plain:
        raise InternalError("a convolution over zeros should have been expanded")
    x, w, dims = dims_of(op.x), dims_of(op.w), dims_of(op.res)
    rank, first = len(x), len(x) - op.spatial
    channels = x[first - 1] == 1 and w[first - 2] == 1
    taps = sizes.product(w[first:])
    if channels and isinstance(taps, int) and taps <= MAX_TAPS and 0 not in dims:
        c.define(op.res, _written_out(op, c))
        return
    batch = [term(d) for d in range(first - 2)]
    window = [
        Sliding(d, stride, d + op.spatial + 1, step)
        for d, stride, step in zip(
            range(first, rank), op.stride.data, op.w_dilation.data, strict=True
        )
    ]
    inputs = [
        _through_transpose(op.x, [*batch, term(first - 2), term(rank), *window], c),
        _through_transpose(
            op.w,
            [*batch, term(first - 1), *(term(rank + k) for k in range(op.spatial + 1))],
            c,
        ),
    ]
    loops = rank + 1 + op.spatial
    c.define(op.res, product(c, inputs, dims, loops, dtype_of(op.x)))


def _through_transpose(x: SSAValue, terms: Terms, c: Lowering) -> tuple[SSAValue, Terms]:
    """What a transpose reads from, walked so; windows are copied in any order of axes."""
    op = x.owner
    if not isinstance(op, TransposeOp):
        return c.value(x), terms
    perm = op.perm.data
    return c.value(op.x), [terms[perm.index(d)] for d in range(len(perm))]


def _written_out(op: nd.ConvOp, c: Lowering) -> SSAValue:
    """
    y[n, 0, p] = x[n, 0, p*stride] * w[0] + x[n, 0, p*stride + dilation] * w[1] + ...

    Products are added in the order of the window.
    """
    dims, dtype = dims_of(op.res), dtype_of(op.x)
    wide, first = accumulator(dtype), len(dims) - op.spatial
    window = [k for k in dims_of(op.w)[first:] if isinstance(k, int)]
    shown = _Windows(c, op.x, dims[first:], op.stride.data, op.w_dilation.data)
    full = c.full_of(op.w)
    inputs = [shown.tap(k) for k in _order(window)]
    count = len(inputs)
    if full is None:
        weights = c.value(op.w)
        batch = [*(term(d) for d in range(first - 2)), at(0), at(0)]
        inputs += [(weights, (*batch, *map(at, k))) for k in _order(window)]

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        add, mul = nd.SCALARS["add"].lower, nd.SCALARS["mul"].lower
        total: SSAValue | None = None
        for k in range(count):
            weight = s.const(full.number, dtype) if full else elements[count + k]
            x, y = (scalar_bodies.cast(s, dtype, wide, e) for e in (elements[k], weight))
            part = mul(s, wide, x, y)
            total = part if total is None else add(s, wide, total, part)
        if total is None:
            return s.const(0, dtype)
        return scalar_bodies.cast(s, wide, dtype, total)

    return c.parallel(dims, storage(dtype), inputs, write)


def _order(window: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The places of a window, in its order."""
    return tuples(*map(range, window))


class _Windows:
    """
    Reads of `x` at one place of all its windows, the last axes of which slide.

    A plain loop index says that the loop is as long as the axis, so where that is not so a view
    of `x` is read, which is.
    """

    def __init__(
        self,
        c: Lowering,
        x: SSAValue,
        places: Sequence[Size],
        stride: Sequence[int],
        dilation: Sequence[int],
    ) -> None:
        self.c = c
        self.x = c.value(x)
        self.dims = dims_of(x)
        self.first = len(self.dims) - len(places)
        self.shape = (*self.dims[: self.first], *places)
        self.stride = stride
        self.dilation = dilation
        self.views: dict[tuple[Size, ...], SSAValue] = {self.dims: self.x}

    def tap(self, place: Sequence[int]) -> tuple[SSAValue, Access]:
        """The element at this place of each window."""
        steps = zip(self.stride, place, self.dilation, strict=True)
        slides: list[Term] = [
            (d, stride, k * step) for d, (stride, k, step) in enumerate(steps, self.first)
        ]
        access = (*identity(self.first), *slides)
        shown = tuple(
            own if t[1:] != (1, 0) else wanted
            for own, wanted, t in zip(self.dims, self.shape, access, strict=True)
        )
        assert fits(access, shown, self.shape)
        return self._view(shown), access

    def _view(self, dims: tuple[Size, ...]) -> SSAValue:
        known = self.views.get(dims)
        if known is None:
            c, rank = self.c, len(dims)
            moving = c.dynamic(dims)
            known = self.views[dims] = c.add(
                tensor.ExtractSliceOp.create(
                    operands=[self.x, *moving],
                    result_types=[tensor_type(element_of(self.x), dims)],
                    properties={
                        "operandSegmentSizes": segments(1, 0, len(moving), 0),
                        "static_offsets": i64_array(*([0] * rank)),
                        "static_sizes": i64_array(*static_shape(dims)),
                        "static_strides": i64_array(*([1] * rank)),
                    },
                )
            )
        return known


# -- extrema


def extremum(op: nd.WindowExtremumOp, c: Lowering) -> None:
    """A small window is written out, a large one is a reduction."""
    dims = dims_of(op.res)
    index = isinstance(op, nd.MaxPoolIndexOp)
    if 0 in dims:
        c.define(op.res, c.empty(dims, storage(dtype_of(op.res))))
    elif sizes.product(op.window.data) <= MAX_TAPS:  # type: ignore[operator]
        c.define(op.res, _chosen(op, c, index))
    else:
        c.define(op.res, _reduced(op, c, index))


def _chosen(op: nd.WindowExtremumOp, c: Lowering, index: bool) -> SSAValue:
    """One after the other is compared with the best so far."""
    dims, dtype = dims_of(op.res), dtype_of(op.x)
    wide = accumulator(dtype)
    first = len(dims) - len(op.window.data)
    shown = _Windows(c, op.x, dims[first:], op.stride.data, op.dilation.data)
    places = list(_order(op.window.data))
    combine = nd.REDUCTIONS["max"].combine

    def write(s: Body, elements: Sequence[SSAValue]) -> SSAValue:
        if index and len(places) == 1:
            return from_index(s, _Place(op, c).of_window(s), I64)
        values = [scalar_bodies.cast(s, dtype, wide, e) for e in elements]
        best = values[0]
        if not index:
            for x in values[1:]:
                best = combine(s, wide, best, x)
            return scalar_bodies.cast(s, wide, dtype, best)
        place = _Place(op, c)
        where = place.within(s, places[0])
        for x, taps in zip(values[1:], places[1:], strict=True):
            better = _better(s, wide, x, best)
            best = s.select(better, x, best)
            where = s.select(better, place.within(s, taps), where)
        return from_index(s, s.op(arith.AddiOp, place.of_window(s), where), I64)

    return c.parallel(dims, storage(dtype_of(op.res)), [shown.tap(k) for k in places], write)


def _reduced(op: nd.WindowExtremumOp, c: Lowering, index: bool) -> SSAValue:
    """Loops over the window too; an empty tensor of its shape tells how long they are."""
    dims, dtype = dims_of(op.res), dtype_of(op.x)
    wide, rank, window = accumulator(dtype), len(dims), op.window.data
    first = rank - len(window)
    statement = nd.REDUCTIONS["max"]
    sliding = [
        Sliding(d, stride, rank + k, step)
        for k, (d, stride, step) in enumerate(
            zip(range(first, rank), op.stride.data, op.dilation.data, strict=True)
        )
    ]
    taps = [rank + k for k in range(len(window))]

    def combine(
        s: Body, elements: Sequence[SSAValue], totals: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        x = scalar_bodies.cast(s, dtype, wide, elements[0])
        if not index:
            return [statement.combine(s, wide, totals[0], x)]
        better, place = _better(s, wide, x, totals[0]), _Place(op, c)
        inside = place.sum(s, [loop_index(s, d) for d in taps], op.dilation.data)
        here = from_index(s, s.op(arith.AddiOp, place.of_window(s), inside), I64)
        return [s.select(better, x, totals[0]), s.select(better, here, totals[1])]

    inputs: list[tuple[SSAValue, Terms]] = [
        (c.value(op.x), [*map(term, range(first)), *sliding]),
        (c.empty(window, storage(dtype)), projection(taps)),
    ]
    starts = [c.fill(dims, wide, statement.start(wide))]
    if index:
        starts.append(_first_places(op, c))
    reduces = (False,) * rank + (True,) * len(window)
    found = accumulate(c, inputs, starts, identity(rank), reduces, combine)
    return found[1] if index else narrowed(c, found[0], dims, wide, dtype)


def _first_places(op: nd.WindowExtremumOp, c: Lowering) -> SSAValue:
    """Where each window starts: what a window of the smallest number everywhere gives."""
    return c.parallel(
        dims_of(op.res),
        storage(I64),
        [],
        lambda s, _: from_index(s, _Place(op, c).of_window(s), I64),
    )


def _better(s: Body, wide: DType, x: SSAValue, best: SSAValue) -> SSAValue:
    """Whether x is larger; the first NaN is."""
    larger = s.compare("gt", x, best, wide)
    if not wide.is_float:
        return larger
    first_nan = s.both(s.compare("unordered", x, x, wide), s.compare("eq", best, best, wide))
    return s.either(larger, first_nan)


class _Place:
    """Row-major places in the last axes of `x`, as indices."""

    def __init__(self, op: nd.WindowExtremumOp, c: Lowering) -> None:
        dims = dims_of(op.x)
        self.op = op
        self.c = c
        self.first = len(dims) - len(op.window.data)
        self.rows = [sizes.product(dims[d + 1 :]) for d in range(self.first, len(dims))]

    def of_window(self, s: Body) -> SSAValue:
        """Where the window of this step starts."""
        loops = [loop_index(s, self.first + d) for d in range(len(self.rows))]
        return self.sum(s, loops, self.op.stride.data)

    def within(self, s: Body, tap: Sequence[int]) -> SSAValue:
        """How far behind that an element of the window lies."""
        return self.sum(s, [s.index(k) for k in tap], self.op.dilation.data)

    def sum(self, s: Body, counts: Sequence[SSAValue], steps: Sequence[int]) -> SSAValue:
        total: SSAValue | None = None
        for count, step, row in zip(counts, steps, self.rows, strict=True):
            far = sizes.size(sizes.poly(row) * step)
            by = s.index(far) if isinstance(far, int) else self.c.index(far)
            part = s.op(arith.MuliOp, count, by)
            total = part if total is None else s.op(arith.AddiOp, total, part)
        assert total is not None
        return total


LOWERINGS: dict[type[Operation], Lower] = {
    nd.ConvOp: conv,
    nd.MaxPoolOp: extremum,
    nd.MaxPoolIndexOp: extremum,
}
