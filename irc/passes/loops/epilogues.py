"""Finds the elementwise op that can run on a product's tiles before they are stored."""

from __future__ import annotations

from xdsl.dialects import memref
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr

from irc.dialects.foreign import ForeignOp
from irc.passes.loops.contractions import is_contraction
from irc.passes.loops.rows import VIEWS, is_row
from irc.passes.loops.structured import root, written_by


def find_epilogues(block: Block) -> dict[GenericOp, GenericOp]:
    """
    Contraction -> the elementwise op that takes its result.

    ```
    %t = x @ w                          for each tile
    ...                           ->      t = tile of x @ w     // in registers
    %y = generic(%t, %b)                  y[tile] = f(t, b)
    ```

    (C1) The elementwise op is the next to touch the result, and reads it element by element.
    (C2) The result is not needed afterwards, or is overwritten in place.
    (C3) Nothing in between writes what the contraction reads.
    (C4) The elementwise op does not write what the contraction reads.
    (C5) It calls no function of another library: tiles are vectors.
    (C6) It takes the result of no later contraction: it can run on the tiles of one only.
    """
    found: dict[GenericOp, GenericOp] = {}
    open_: dict[SSAValue, GenericOp] = {}
    for op in block.ops:
        if isinstance(op, VIEWS):
            continue
        touched = {root(v) for v in _memory(op)}
        taken = False
        for ref in [ref for ref in reversed(open_) if ref in touched]:
            contraction = open_.pop(ref)
            if not taken and isinstance(op, GenericOp) and _fits(contraction, op, ref):
                found[contraction] = op
                taken = True
        written = {root(v, op) for v in written_by(op)}
        for ref, contraction in list(open_.items()):
            if written & {root(v) for v in contraction.inputs}:
                del open_[ref]
        if isinstance(op, GenericOp) and is_contraction(op):
            ref = op.outputs[0]
            if isinstance(ref.owner, Block | memref.AllocOp) or is_row(ref):
                open_[ref] = op
    return found


def _fits(contraction: GenericOp, op: GenericOp, ref: SSAValue) -> bool:
    if any(kind.data.value != "parallel" for kind in op.iterator_types.data):
        return False
    maps = [m.data.results for m in op.indexing_maps.data]
    rank = len(op.iterator_types)
    if rank != len(contraction.indexing_maps.data[-1].data.results):
        return False
    for value, exprs in zip(op.operands, maps, strict=True):
        is_output = any(value is o for o in op.outputs)
        if (root(value) is ref or is_output) and not (_in_step(exprs, rank)):
            return False
        if root(value) is ref and value is not ref:
            return False
    inner = [v for o in op.body.block.ops for v in o.operands]
    if ref in inner or any(isinstance(o, ForeignOp) for o in op.body.block.ops):
        return False
    sources = {root(v) for v in contraction.inputs}
    if any(root(v) in sources for v in op.outputs):
        return False
    if any(v is ref for v in op.outputs):
        return True
    if not isinstance(ref.owner, memref.AllocOp):
        return False
    users = {use.operation for use in ref.uses}
    return all(u is op or u is contraction or _is_before(u, contraction) for u in users)


def _in_step(exprs: tuple[object, ...], rank: int) -> bool:
    return len(exprs) == rank and all(
        isinstance(e, AffineDimExpr) and e.position == axis for axis, e in enumerate(exprs)
    )


def _is_before(op: Operation, other: Operation) -> bool:
    return op.parent is other.parent and op.is_before_in_block(other)


def _memory(op: Operation) -> list[SSAValue]:
    values = list(op.operands)
    for region in op.regions:
        for inner in region.walk():
            values += inner.operands
    return [v for v in values if v.type.name == "memref"]
