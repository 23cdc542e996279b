"""Lines for `memref` and `vector`. Buffers are arrays that are written; views share memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import memref, vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, MemRefType, VectorType
from xdsl.ir import Operation, SSAValue

from irc.execution import memory, numerics
from irc.execution.generic import Fold, fold_last
from irc.execution.linalg import cast, collapse, dynamic, expand, picks, sizes_text
from irc.execution.outcome import ExecutionError
from irc.execution.python_text import Handler, PythonText
from irc.execution.values import dtype_of, is_bf16, static_shape, storage_of

# -- memref


def _load(op: memref.LoadOp, c: PythonText) -> None:
    function = "load_bf16" if is_bf16(op.memref.type) else "element"
    text = f"{function}({', '.join(c.names(op.operands))})"
    c.assign(op, f"to_index({text})" if isinstance(op.res.type, IndexType) else text)


def _store(op: memref.StoreOp, c: PythonText) -> None:
    function = "store_bf16" if is_bf16(op.memref.type) else "store"
    c.line(f"{function}({', '.join(c.names(op.operands))})")


def _alloc(op: memref.AllocOp | memref.AllocaOp, c: PythonText) -> None:
    shape = sizes_text(op.memref, op.dynamic_sizes, c)
    c.assign(op, f"fresh({shape}, {_storage(op.memref)})")


def _storage(value: SSAValue) -> str:
    return f"np.dtype('{storage_of(value.type).str}')"


def _dealloc(op: memref.DeallocOp, c: PythonText) -> None:
    c.line(f"spoil({c.name(op.memref)})")


def spoil(x: np.ndarray) -> None:
    """Freed memory holds nothing that anyone may use."""
    x[...] = memory.fresh((), x.dtype)


def _get_global(op: memref.GetGlobalOp, c: PythonText) -> None:
    c.assign(op, f"run.buffer({op.name_.string_value()!r})")


def _dim(op: memref.DimOp, c: PythonText) -> None:
    c.assign(op, f"size_of({c.name(op.source)}, {c.name(op.index)})")


def _rank(op: memref.RankOp, c: PythonText) -> None:
    c.assign(op, f"{c.name(op.source)}.ndim")


def _subview(op: memref.SubviewOp, c: PythonText) -> None:
    c.assign(op, f"sliced({c.name(op.source)}, {picks(op, c)}, {static_shape(op.result.type)})")


def _view(op: memref.ViewOp, c: PythonText) -> None:
    shape = sizes_text(op.result, op.sizes, c)
    names = f"{c.name(op.source)}, {c.name(op.byte_shift)}"
    c.assign(op, f"viewed({names}, {shape}, {_storage(op.result)})")


def _reinterpret(op: memref.ReinterpretCastOp, c: PythonText) -> None:
    (offset,) = dynamic(op.static_offsets, op.offsets, c)
    sizes = ", ".join(dynamic(op.static_sizes, op.sizes, c))
    strides = ", ".join(dynamic(op.static_strides, op.strides, c))
    c.assign(op, f"recast({c.name(op.source)}, {offset}, [{sizes}], [{strides}])")


def _copy(op: memref.CopyOp, c: PythonText) -> None:
    c.line(f"copied({c.name(op.source)}, {c.name(op.destination)})")


def _same(op: Operation, c: PythonText) -> None:
    """The value of the operand under another type or with a promise."""
    c.alias(op.results[0], c.name(op.operands[0]))


# -- vector


def _shape(value: SSAValue) -> tuple[int, ...]:
    assert isinstance(value.type, VectorType)
    return tuple(value.type.get_shape())


def _in_memory(value: str, t: SSAValue) -> str:
    return f"bf16_bits({value})" if is_bf16(t.type) else value


def _from_memory(text: str, t: SSAValue) -> str:
    return f"bf16_value({text})" if is_bf16(t.type) else text


def _vector_load(op: vector.LoadOp, c: PythonText) -> None:
    x, *index = c.names(op.operands)
    text = f"vector_load({', '.join([x, str(_shape(op.result)), *index])})"
    c.assign(op, _from_memory(text, op.base))


def _vector_store(op: vector.StoreOp, c: PythonText) -> None:
    value, *rest = c.names(op.operands)
    c.line(f"vector_store({', '.join([_in_memory(value, op.base), *rest])})")


def _masked_load(op: vector.MaskedLoadOp, c: PythonText) -> None:
    otherwise = _in_memory(c.name(op.pass_thru), op.base)
    args = [c.name(op.base), c.name(op.mask), otherwise, *c.names(op.indices)]
    c.assign(op, _from_memory(f"masked_load({', '.join(args)})", op.base))


def _masked_store(op: vector.MaskedStoreOp, c: PythonText) -> None:
    value = _in_memory(c.name(op.value_to_store), op.base)
    args = [value, c.name(op.base), c.name(op.mask), *c.names(op.indices)]
    c.line(f"masked_store({', '.join(args)})")


def _transfer_read(op: vector.TransferReadOp, c: PythonText) -> None:
    _check_permutation(op)
    padding = _in_memory(c.name(op.padding), op.source)
    mask = c.name(op.mask) if op.mask is not None else "None"
    args = [c.name(op.source), str(_shape(op.result)), padding, mask, *c.names(op.indices)]
    text = f"transfer_read({', '.join(args)})"
    in_buffer = isinstance(op.source.type, MemRefType)
    c.assign(op, _from_memory(text, op.source) if in_buffer else text)


def _transfer_write(op: vector.TransferWriteOp, c: PythonText) -> None:
    _check_permutation(op)
    if op.result is not None:
        raise ExecutionError("vector.transfer_write on tensors")
    value = _in_memory(c.name(op.vector), op.source)
    mask = c.name(op.mask) if op.mask is not None else "None"
    args = [value, c.name(op.source), mask, *c.names(op.indices)]
    c.line(f"transfer_write({', '.join(args)})")


def _check_permutation(op: vector.TransferReadOp | vector.TransferWriteOp) -> None:
    m = op.permutation_map.data
    if m != type(m).minor_identity(m.num_dims, len(m.results)):
        raise ExecutionError(f"{op.name} with the permutation map {m}")


def _broadcast(op: vector.BroadcastOp, c: PythonText) -> None:
    dtype = dtype_of(op.vector.type).str
    c.assign(op, f"np.full({_shape(op.vector)}, {c.name(op.source)}, np.dtype('{dtype}'))")


def _fma(op: vector.FMAOp, c: PythonText) -> None:
    function = "fma_bf16" if is_bf16(op.res.type) else "fma"
    c.assign(op, f"{function}({', '.join(c.names(op.operands))})")


def _reduction(op: vector.ReductionOp, c: PythonText) -> None:
    kind = op.kind.data.value
    x = f"reduce_lanes({c.name(op.vector)}, {kind!r})"
    if op.acc is not None:
        x = f"LANE_FOLDS[{kind!r}]({c.name(op.acc)}, {x})"
    c.assign(op, f"round_bf16({x})" if is_bf16(op.dest.type) else x)


LANE_FOLDS = {
    "add": lambda x, y: x ^ y if x.dtype == np.bool_ else x + y,
    "mul": lambda x, y: x * y,
    "minui": numerics.minui,
    "minsi": numerics.minsi,
    "minnumf": numerics.minnumf,
    "maxui": numerics.maxui,
    "maxsi": numerics.maxsi,
    "maxnumf": numerics.maxnumf,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "maximumf": numerics.maximumf,
    "minimumf": numerics.minimumf,
}


def reduce_lanes(x: np.ndarray, kind: str) -> numerics.Value:
    """Halves the vector until one lane is left: lane j takes in lane j + n/2."""
    return fold_last(x, Fold(LANE_FOLDS[kind]))[()]


def _positions(op: vector.ExtractOp | vector.InsertOp, c: PythonText) -> str:
    rest = iter(op.dynamic_position)
    where = [
        c.name(next(rest)) if n == DYNAMIC_INDEX else str(n)
        for n in op.static_position.get_values()
    ]
    return f"({''.join(f'{p}, ' for p in where)})"


def _extract(op: vector.ExtractOp, c: PythonText) -> None:
    c.assign(op, f"lane({c.name(op.vector)}, {_positions(op, c)})")


def _insert(op: vector.InsertOp, c: PythonText) -> None:
    where = _positions(op, c)
    c.assign(op, f"lane_inserted({c.name(op.source)}, {c.name(op.dest)}, {where})")


def lane(x: np.ndarray, position: Sequence[int]) -> numerics.Value:
    """A lane, or the vector of lanes, at a position."""
    for axis, i in enumerate(position):
        if not 0 <= i < x.shape[axis]:
            raise memory.AccessError(f"lane {i} of a vector with {x.shape[axis]}")
    return x[tuple(position)]


def lane_inserted(value: object, x: np.ndarray, position: Sequence[int]) -> np.ndarray:
    lane(x, position)
    y = np.array(x)
    y[tuple(position)] = value
    return y


def _shuffle(op: vector.ShuffleOp, c: PythonText) -> None:
    lanes = list(op.mask.get_values())
    c.assign(op, f"np.concatenate([{c.name(op.v1)}, {c.name(op.v2)}])[{lanes}]")


def _bitcast(op: vector.BitcastOp, c: PythonText) -> None:
    x = c.name(op.source)
    text = f"bf16_bits({x})" if is_bf16(op.source.type) else x
    storage = storage_of(op.result.type).str
    text = f"np.ascontiguousarray({text}).view(np.dtype('{storage}'))"
    c.assign(op, f"bf16_value({text})" if is_bf16(op.result.type) else text)


def _create_mask(op: vector.CreateMaskOp, c: PythonText) -> None:
    sizes = "".join(f"{n}, " for n in c.names(op.mask_dim_sizes))
    c.assign(op, f"lane_mask({_shape(op.mask_vector)}, ({sizes}))")


def lane_mask(shape: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """True below `sizes` on every axis."""
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(0, max(n, 0)) for n in sizes)] = True
    return mask


HANDLERS: dict[type[Operation], Handler] = {
    memref.LoadOp: _load,
    memref.StoreOp: _store,
    memref.AllocOp: _alloc,
    memref.AllocaOp: _alloc,
    memref.DeallocOp: _dealloc,
    memref.GetGlobalOp: _get_global,
    memref.DimOp: _dim,
    memref.RankOp: _rank,
    memref.SubviewOp: _subview,
    memref.ViewOp: _view,
    memref.ReinterpretCastOp: _reinterpret,
    memref.CollapseShapeOp: collapse,
    memref.ExpandShapeOp: expand,
    memref.CopyOp: _copy,
    memref.CastOp: cast,
    memref.MemorySpaceCastOp: _same,
    memref.AssumeAlignmentOp: _same,
    vector.LoadOp: _vector_load,
    vector.StoreOp: _vector_store,
    vector.MaskedLoadOp: _masked_load,
    vector.MaskedStoreOp: _masked_store,
    vector.TransferReadOp: _transfer_read,
    vector.TransferWriteOp: _transfer_write,
    vector.BroadcastOp: _broadcast,
    vector.FMAOp: _fma,
    vector.ReductionOp: _reduction,
    vector.ExtractOp: _extract,
    vector.InsertOp: _insert,
    vector.ShuffleOp: _shuffle,
    vector.BitcastOp: _bitcast,
    vector.CreateMaskOp: _create_mask,
}

_HELPERS = (
    memory.store, memory.store_bf16, memory.load_bf16, memory.viewed, memory.recast, memory.copied,
    memory.vector_load, memory.vector_store, memory.masked_load, memory.masked_store,
    memory.transfer_read, memory.transfer_write, spoil, reduce_lanes, lane, lane_inserted,
    lane_mask,
)  # fmt: skip
NAMESPACE: dict[str, object] = {"LANE_FOLDS": LANE_FOLDS, **{f.__name__: f for f in _HELPERS}}
