"""Lines for `linalg.generic` and for `tensor`. Tensors are arrays that nobody changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import arith, memref, tensor
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    IndexType,
    MemRefType,
)
from xdsl.dialects.linalg.attrs import IteratorType
from xdsl.dialects.linalg.ops import GenericOp, IndexOp, YieldOp
from xdsl.ir import Block, Operation, SSAValue

from irc.execution import memory, numerics
from irc.execution.generic import Fold, Generic
from irc.execution.python_text import Handler, PythonText
from irc.execution.scalars import HANDLERS as SCALARS
from irc.execution.values import dtype_of, is_bf16, static_shape

# Combiners of reductions whose order does not matter, and the two whose order is defined.
_FOLDS: dict[type[Operation], Fold] = {
    arith.AddfOp: Fold(lambda x, y: x + y, ordered=True, identity=0.0),
    arith.MulfOp: Fold(lambda x, y: x * y, ordered=True, identity=1.0),
    arith.MaximumfOp: Fold(numerics.maximumf),
    arith.MinimumfOp: Fold(numerics.minimumf),
    arith.MaxnumfOp: Fold(numerics.maxnumf),
    arith.MinnumfOp: Fold(numerics.minnumf),
    arith.AddiOp: Fold(lambda x, y: x + y),
    arith.MuliOp: Fold(lambda x, y: x * y),
    arith.AndIOp: Fold(lambda x, y: x & y),
    arith.OrIOp: Fold(lambda x, y: x | y),
    arith.XOrIOp: Fold(lambda x, y: x ^ y),
    arith.MaxSIOp: Fold(numerics.maxsi),
    arith.MinSIOp: Fold(numerics.minsi),
    arith.MaxUIOp: Fold(numerics.maxui),
    arith.MinUIOp: Fold(numerics.minui),
}
_PRODUCTS: dict[type[Operation], type[Operation]] = {
    arith.AddfOp: arith.MulfOp,
    arith.AddiOp: arith.MuliOp,
}
# Ops that work on whole arrays; a body with any other op is run point by point.
_VECTORIZE = {
    *SCALARS,
    IndexOp,
    YieldOp,
    tensor.ExtractOp,
    tensor.DimOp,
    memref.LoadOp,
    memref.DimOp,
}
_VECTORIZE_NAMES = {"arith.remf"}


def _generic(op: GenericOp, c: PythonText) -> None:
    block = op.body.block
    count = len(op.inputs)
    reduces = tuple(k.data is IteratorType.REDUCTION for k in op.iterator_types.data)
    end = block.last_op
    assert isinstance(end, YieldOp)
    how = "map"
    folds: tuple[Fold | None, ...] = (None,) * len(op.outputs)
    terms: list[Term] = list(end.operands)
    if not all(type(o) in _VECTORIZE or o.name in _VECTORIZE_NAMES for o in block.ops):
        how = "points"
    elif any(reduces):
        found = _folds(op, block, reduces)
        how = "fold" if found else "steps"
        if found:
            folds, terms = found
    in_memory = any(isinstance(o.type, MemRefType) for o in op.outputs)
    run = Generic(
        maps=tuple(m.data for m in op.indexing_maps.data),
        reduces=reduces,
        folds=folds,
        how=how,
        in_memory=in_memory,
        bf16=tuple(isinstance(v.type, MemRefType) and is_bf16(v.type) for v in op.operands),
    )
    body = c.fresh("body")
    at, ins, outs = c.fresh("at"), c.fresh("ins"), c.fresh("outs")
    with c.indented(f"def {body}({at}, {ins}, {outs}):"):
        for k, arg in enumerate(block.args):
            c.alias(arg, f"{ins}[{k}]" if k < count else f"{outs}[{k - count}]")
        _write_body(block, at, _needed(block, terms) if how == "fold" else None, c)
        c.line(f"return {_tuple(_term(t, c) for t in terms)}")
    call = f"{c.constant(run, 'generic')}({body}, {_list(op.inputs, c)}, {_list(op.outputs, c)})"
    results = [c.define(r) for r in op.results]
    c.line(f"{_tuple(results)} = {call}" if results else call)


def _write_body(block: Block, at: str, needed: set[Operation] | None, c: PythonText) -> None:
    for inner in block.ops:
        if isinstance(inner, YieldOp) or (needed is not None and inner not in needed):
            continue
        if isinstance(inner, IndexOp):
            c.alias(inner.result, f"{at}[{inner.dim.value.data}]")
        else:
            c.op(inner)


Term = SSAValue | tuple[SSAValue, SSAValue]


def _folds(
    op: GenericOp, block: Block, reduces: Sequence[bool]
) -> tuple[tuple[Fold | None, ...], list[Term]] | None:
    """
    The fold and the term of each result, when no term depends on what was folded so far.
    """
    end = block.last_op
    assert end is not None
    accumulators = block.args[len(op.inputs) :]
    folds: list[Fold | None] = []
    terms: list[Term] = []
    for k, (y, acc) in enumerate(zip(end.operands, accumulators, strict=True)):
        dims = {d for e in op.indexing_maps.data[len(op.inputs) + k].data.results
                for d in e.used_dims()}  # fmt: skip
        if all(d in dims for d, r in enumerate(reduces) if r):
            if acc.uses:
                return None
            folds.append(None)
            terms.append(y)
            continue
        step = y.owner
        if isinstance(step, Block) or type(step) not in _FOLDS or is_bf16(y.type):
            return None
        if step.parent is not block or _use_count(acc) != 1 or _use_count(y) != 1:
            return None
        left, right = step.operands
        if (left is acc) == (right is acc):
            return None
        term: Term = right if left is acc else left
        fold = _FOLDS[type(step)]
        assert isinstance(term, SSAValue)
        factors = term.owner
        if (
            "irc.contraction" in op.attributes
            and isinstance(factors, Operation)
            and _PRODUCTS.get(type(step)) is type(factors)
        ):
            fold = Fold(fold.combine, product=True)
            term = (factors.operands[0], factors.operands[1])
        folds.append(fold)
        terms.append(term)
    return tuple(folds), terms


def _use_count(value: SSAValue) -> int:
    return sum(1 for _ in value.uses)


def _needed(block: Block, terms: Sequence[Term]) -> set[Operation]:
    """The ops of a body that the terms are computed from."""
    stack = [v for t in terms for v in (t if isinstance(t, tuple) else (t,))]
    needed: set[Operation] = set()
    while stack:
        owner = stack.pop().owner
        if isinstance(owner, Operation) and owner.parent is block and owner not in needed:
            needed.add(owner)
            stack.extend(owner.operands)
    return needed


def _term(term: Term, c: PythonText) -> str:
    return f"({_tuple(c.names(term))})" if isinstance(term, tuple) else c.name(term)


def _tuple(items: object) -> str:
    return "".join(f"{item}, " for item in items).rstrip()  # type: ignore[attr-defined]


def _list(values: Sequence[SSAValue], c: PythonText) -> str:
    return f"[{', '.join(c.names(values))}]"


# -- tensor


def dynamic(static: DenseArrayBase, values: Sequence[SSAValue], c: PythonText) -> list[str]:
    """The texts of a list of sizes, part attribute, part operands."""
    rest = iter(values)
    numbers: Sequence[int] = static.get_values()  # type: ignore[misc]
    return [c.name(next(rest)) if n == DYNAMIC_INDEX else str(n) for n in numbers]


def picks(op: Operation, c: PythonText) -> str:
    """The (offset, size, stride) of each axis of a slicing op."""
    offsets = dynamic(op.static_offsets, op.offsets, c)  # type: ignore[attr-defined]
    sizes = dynamic(op.static_sizes, op.sizes, c)  # type: ignore[attr-defined]
    strides = dynamic(op.static_strides, op.strides, c)  # type: ignore[attr-defined]
    axes = zip(offsets, sizes, strides, strict=True)
    return f"[{', '.join(f'({o}, {n}, {s})' for o, n, s in axes)}]"


def sizes_text(value: SSAValue, dynamic_sizes: Sequence[SSAValue], c: PythonText) -> str:
    """The shape of a result whose `?` are operands."""
    rest = iter(dynamic_sizes)
    shape = [str(n) if n is not None else c.name(next(rest)) for n in static_shape(value.type)]
    return f"[{', '.join(shape)}]"


def groups(op: Operation) -> list[list[int]]:
    """The reassociation of a reshape."""
    return [[i.value.data for i in group.data] for group in op.reassociation.data]  # type: ignore[attr-defined]


def _dtype(value: SSAValue, c: PythonText) -> str:
    return f"np.dtype('{dtype_of(value.type).str}')"


def _empty(op: tensor.EmptyOp, c: PythonText) -> None:
    shape = sizes_text(op.tensor, op.dynamic_sizes, c)
    c.assign(op, f"fresh({shape}, {_dtype(op.tensor, c)})")


def _extract(op: tensor.ExtractOp, c: PythonText) -> None:
    text = f"element({', '.join(c.names(op.operands))})"
    c.assign(op, f"to_index({text})" if isinstance(op.result.type, IndexType) else text)


def _insert(op: tensor.InsertOp, c: PythonText) -> None:
    c.assign(op, f"inserted({', '.join(c.names(op.operands))})")


def _dim(op: tensor.DimOp, c: PythonText) -> None:
    c.assign(op, f"size_of({c.name(op.source)}, {c.name(op.index)})")


def _extract_slice(op: tensor.ExtractSliceOp, c: PythonText) -> None:
    c.assign(op, f"sliced({c.name(op.source)}, {picks(op, c)}, {static_shape(op.result.type)})")


def _insert_slice(op: tensor.InsertSliceOp, c: PythonText) -> None:
    names = f"{c.name(op.source)}, {c.name(op.dest)}"
    shape = static_shape(op.source.type)
    c.assign(op, f"slice_inserted({names}, {picks(op, c)}, {shape})")


def collapse(op: Operation, c: PythonText) -> None:
    x = c.name(op.operands[0])
    how = "reshaped_buffer" if isinstance(op.results[0].type, MemRefType) else "reshaped"
    c.assign(op, f"{how}({x}, collapsed({x}.shape, {groups(op)}))")


def expand(op: Operation, c: PythonText) -> None:
    x = c.name(op.operands[0])
    rest = iter(op.operands[1:])
    static = op.static_output_shape.get_values()  # type: ignore[attr-defined]
    known = [str(n) if n != DYNAMIC_INDEX else c.name(v) if (v := next(rest, None)) else "None"
             for n in static]  # fmt: skip
    how = "reshaped_buffer" if isinstance(op.results[0].type, MemRefType) else "reshaped"
    c.assign(op, f"{how}({x}, grouped({x}.shape, {groups(op)}, [{', '.join(known)}]))")


def _reshape(op: tensor.ReshapeOp, c: PythonText) -> None:
    c.assign(op, f"reshaped({c.name(op.source)}, {c.name(op.shape)})")


def _from_elements(op: tensor.FromElementsOp, c: PythonText) -> None:
    values = ", ".join(c.names(op.elements))
    shape = tuple(op.result.type.get_shape())
    c.assign(op, f"np.array([{values}], {_dtype(op.result, c)}).reshape({shape})")


def _splat(op: tensor.SplatOp, c: PythonText) -> None:
    shape = sizes_text(op.result, op.dynamicSizes, c)
    c.assign(op, f"np.full({shape}, {c.name(op.input)}, {_dtype(op.result, c)})")


def cast(op: Operation, c: PythonText) -> None:
    c.assign(op, f"cast_shape({c.name(op.operands[0])}, {static_shape(op.results[0].type)})")


def _concat(op: tensor.ConcatOp, c: PythonText) -> None:
    c.assign(op, f"np.concatenate({_list(op.inputs, c)}, axis={op.dim.value.data})")


def _pad(op: tensor.PadOp, c: PythonText) -> None:
    """A constant around the source; the region yields a value from outside or a constant."""
    block = op.region.block
    low = ", ".join(dynamic(op.static_low, op.low, c))
    high = ", ".join(dynamic(op.static_high, op.high, c))
    end = block.last_op
    assert isinstance(end, tensor.YieldOp)
    for inner in block.ops:
        if inner is not end:
            c.op(inner)
    c.assign(op, f"padded({c.name(op.source)}, [{low}], [{high}], {c.name(end.operands[0])})")


def size_of(x: np.ndarray, axis: int) -> int:
    """The size of an axis."""
    if not 0 <= axis < x.ndim:
        raise memory.AccessError(f"axis {axis} of rank {x.ndim}")
    return x.shape[axis]


def cast_shape(x: np.ndarray, shape: Sequence[int | None]) -> np.ndarray:
    """x, which must have the sizes that the new type states."""
    if x.ndim != len(shape) or any(s not in (None, n) for n, s in zip(x.shape, shape, strict=True)):
        raise memory.AccessError(f"a value of shape {x.shape} cast to {tuple(shape)}")
    return x


def padded(x: np.ndarray, low: Sequence[int], high: Sequence[int], value: object) -> np.ndarray:
    """As if padded or, for negative amounts, cropped element by element."""
    shape = [n + a + b for n, a, b in zip(x.shape, low, high, strict=True)]
    if any(n < 0 for n in shape):
        raise memory.AccessError(f"padding of shape {x.shape} by {low} and {high}")
    y = np.full(shape, value, dtype=x.dtype)
    ends = [(max(a, 0), min(n + a, m)) for n, a, m in zip(x.shape, low, shape, strict=True)]
    if all(start < stop for start, stop in ends):
        y[tuple(slice(*e) for e in ends)] = x[
            tuple(slice(p - a, q - a) for (p, q), a in zip(ends, low, strict=True))
        ]
    return y


HANDLERS: dict[type[Operation], Handler] = {
    GenericOp: _generic,
    tensor.EmptyOp: _empty,
    tensor.ExtractOp: _extract,
    tensor.InsertOp: _insert,
    tensor.DimOp: _dim,
    tensor.ExtractSliceOp: _extract_slice,
    tensor.InsertSliceOp: _insert_slice,
    tensor.CollapseShapeOp: collapse,
    tensor.ExpandShapeOp: expand,
    tensor.ReshapeOp: _reshape,
    tensor.FromElementsOp: _from_elements,
    tensor.SplatOp: _splat,
    tensor.CastOp: cast,
    tensor.ConcatOp: _concat,
    tensor.PadOp: _pad,
}

_ACCESS = (
    memory.element, memory.inserted, memory.fresh, memory.sliced, memory.slice_inserted,
    memory.reshaped, memory.reshaped_buffer, memory.grouped, memory.collapsed,
    size_of, cast_shape, padded,
)  # fmt: skip
NAMESPACE: dict[str, object] = {f.__name__: f for f in _ACCESS}
