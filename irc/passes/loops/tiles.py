"""
Register tiles: the innermost piece of every product, one private function for each shape.

`@irc.tile_f32_12x32_rows` multiplies 12 rows of A by 32 columns of B over the whole of k, with
every sum in a register. A's elements lie along k (`rows`) or along m (`columns`), B's along n.
The result goes to a small array, from where an epilogue takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import AnyFloat, VectorType
from xdsl.ir import Attribute, SSAValue

from irc.passes.loops.builder import Index, Pen, default_properties
from irc.passes.loops.helpers import Helpers

Flavour = Literal["rows", "columns"]


def call_tile(
    helpers: Helpers,
    pen: Pen,
    shape: tuple[int, int],
    lanes: int,
    flavour: Flavour,
    element: Attribute,
    arguments: Sequence[SSAValue | Index],
) -> None:
    """
    Multiplies one tile of shape rows x columns.

    arguments   k; A, its offset and leading stride; B, its offset and leading stride;
                the tile array, its first row
    """
    hints = ["k", "a", "a_at", "a_stride", "b", "b_at", "b_stride", "tile!", "first"]

    def build(body: Pen, parameters: list[SSAValue]) -> None:
        _tile(body, parameters, shape, lanes, flavour, element)

    name = f"tile_{element}_{shape[0]}x{shape[1]}_{flavour}"
    helpers.call(pen, name, hints, arguments, build, contract=True)


def call_dot(
    helpers: Helpers,
    pen: Pen,
    rows: int,
    lanes: int,
    element: Attribute,
    arguments: Sequence[SSAValue | Index],
) -> None:
    """
    Multiplies `rows` rows of A with a vector.

    arguments   k; A, its offset and leading stride; x, its offset; the array for the results,
                the first of them
    """
    hints = ["k", "a", "a_at", "a_stride", "x", "x_at", "out!", "first"]

    def build(body: Pen, parameters: list[SSAValue]) -> None:
        _dot(body, parameters, rows, lanes, element)

    helpers.call(pen, f"dot_{element}_{rows}", hints, arguments, build, contract=True)


def _tile(
    pen: Pen,
    parameters: list[SSAValue],
    shape: tuple[int, int],
    lanes: int,
    flavour: Flavour,
    element: Attribute,
) -> None:
    """
    ```
    for p in 0..k carrying rows x vectors of sums
      b = B[p, 0..columns]                        // vectors
      sum[r] += A[r, p] * b                       // for each row r
    tile[first + r] = sum[r]
    ```
    """
    rows, columns = shape
    k, a, a_at, a_stride, b, b_at, b_stride, tile, first = parameters
    vectors = columns // lanes
    vtype = VectorType(element, [lanes])
    zero = pen.op(vector.BroadcastOp, [pen.pool.number(0, element)], vtype, "zero")
    row_at: list[Index] = [a_at]
    if flavour == "rows":
        for r in range(1, rows):
            row_at.append(pen.add(a_at, pen.mul(a_stride, r)))
    inner, p, sums, loop = pen.loop(0, k, 1, "p", [zero] * (rows * vectors))
    b_row = inner.add(b_at, inner.mul(p, b_stride))
    parts = [_load(inner, b, inner.add(b_row, v * lanes), vtype, f"b{v}") for v in range(vectors)]
    a_row = inner.add(a_at, inner.mul(p, a_stride)) if flavour == "columns" else 0
    results: list[SSAValue] = []
    for r in range(rows):
        at = inner.add(row_at[r], p) if flavour == "rows" else inner.add(a_row, r)
        scalar = inner.load(a, [at], f"a{r}")
        left = inner.op(vector.BroadcastOp, [scalar], vtype, f"a{r}")
        for v in range(vectors):
            total = sums[r * vectors + v]
            total.name_hint = f"sum{r}_{v}"
            results.append(fma(inner, left, parts[v], total))
    inner.end(results)
    for r in range(rows):
        row = pen.mul(pen.add(first, r), columns)
        for v in range(vectors):
            _store(pen, loop.results[r * vectors + v], tile, [pen.add(row, v * lanes)])


def _dot(pen: Pen, parameters: list[SSAValue], rows: int, lanes: int, element: Attribute) -> None:
    """
    ```
    for p in 0..k/lanes carrying one vector of sums for each row
      sum[r] += A[r, p] * x[p]                    // vectors along k
    out[first + r] = sum of sum[r], and of the rest of k
    ```
    """
    k, a, a_at, a_stride, x, x_at, out, first = parameters
    unroll = max(4 // rows, 1)  # enough sums to hide the latency of one
    step = lanes * unroll
    vtype = VectorType(element, [lanes])
    zero_scalar = pen.pool.number(0, element)
    zero = pen.op(vector.BroadcastOp, [zero_scalar], vtype, "zero")
    whole = pen.mul(pen.div(k, step), step)
    row_at = [pen.add(a_at, pen.mul(a_stride, r)) for r in range(rows)]
    inner, p, sums, loop = pen.loop(0, whole, step, "p", [zero] * (rows * unroll))
    results: list[SSAValue] = []
    for u in range(unroll):
        at = inner.add(p, u * lanes)
        right = _load(inner, x, inner.add(x_at, at), vtype, f"x{u}")
        for r in range(rows):
            left = _load(inner, a, inner.add(row_at[r], at), vtype, f"a{r}")
            results.append(fma(inner, left, right, sums[u * rows + r]))
    inner.end(results)
    for result in loop.results:
        result.name_hint = "sum"
    lane_sums = pen.alloca(element, [lanes], "lanes")
    for r in range(rows):
        total: SSAValue = loop.results[r]
        for u in range(1, unroll):
            total = _add(pen, total, loop.results[u * rows + r])
        _store(pen, total, lane_sums, [0])
        scalars = [pen.load(lane_sums, [n]) for n in range(lanes)]
        while len(scalars) > 1:
            half = len(scalars) // 2
            scalars = [_add(pen, scalars[n], scalars[n + half]) for n in range(half)]
        rest, q, (acc,), rest_loop = pen.loop(whole, k, 1, "q", [scalars[0]])
        left_one = rest.load(a, [rest.add(row_at[r], q)])
        right_one = rest.load(x, [rest.add(x_at, q)])
        rest.end([_add(rest, _mul(rest, left_one, right_one), acc)])
        pen.store(rest_loop.results[0], out, [pen.add(first, r)])


def fma(pen: Pen, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
    """a * b + c on vectors; one rounding for floats."""
    if isinstance(a.type.element_type, AnyFloat):  # type: ignore[attr-defined]
        return pen.op(vector.FMAOp, [a, b, c], c.type)
    return pen.op(arith.AddiOp, [pen.op(arith.MuliOp, [a, b], c.type), c], c.type)


def _add(pen: Pen, a: SSAValue, b: SSAValue) -> SSAValue:
    return pen.op(arith.AddfOp if _floating(a) else arith.AddiOp, [a, b], a.type)


def _mul(pen: Pen, a: SSAValue, b: SSAValue) -> SSAValue:
    return pen.op(arith.MulfOp if _floating(a) else arith.MuliOp, [a, b], a.type)


def _floating(value: SSAValue) -> bool:
    type_ = value.type.element_type if isinstance(value.type, VectorType) else value.type
    return isinstance(type_, AnyFloat)


def _load(pen: Pen, ref: SSAValue, at: Index, type_: Attribute, hint: str) -> SSAValue:
    return pen.op(vector.LoadOp, [ref, pen.index(at)], type_, hint)


def _store(pen: Pen, value: SSAValue, ref: SSAValue, indices: Sequence[Index]) -> None:
    pen.insert(
        vector.StoreOp.create(
            operands=[value, ref, *(pen.index(i) for i in indices)],
            properties=default_properties(vector.StoreOp),
        )
    )
