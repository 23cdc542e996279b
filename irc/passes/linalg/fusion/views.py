"""
Reads through ops that move no data, or only permute axes.

    %v = tensor.expand_shape %x : tensor<?xf32> into tensor<?x1xf32>
    generic reads %v at (d0, d1)           ->   generic reads %x at (d0)

    %t = generic: a copy of %x with axes exchanged
    contraction reads %t at (d0, d2)       ->   contraction reads %x at (d2, d0)
"""

from __future__ import annotations

from xdsl.dialects import tensor
from xdsl.dialects.linalg.ops import GenericOp, YieldOp
from xdsl.ir import Block, SSAValue

from irc.dialects.nd.types import dims_of
from irc.passes.linalg.generics import (
    CONTRACTION,
    Access,
    accesses_of,
    at,
    body_of,
    compose,
    is_permutation,
    is_projection,
    maps_attr,
    reduces_of,
)
from irc.sizes import Size

_VIEWS = (tensor.ExpandShapeOp, tensor.CollapseShapeOp)


def read_through(block: Block) -> None:
    """Rewrites the operands of the block's generics. The ops read through may be dead then."""
    for op in block.ops:
        if isinstance(op, GenericOp):
            _read_through(op)


def _read_through(op: GenericOp) -> None:
    accesses = accesses_of(op)
    if accesses is None:
        return
    find = _transposed if CONTRACTION in op.attributes else _viewed
    found = list(accesses)
    changed = False
    for k in range(len(op.operands) - len(op.results)):
        while (step := find(op.operands[k], found[k])) is not None:
            value, access = step
            if not _covered(op, found, k, access):
                break
            op.operands[k], found[k], changed = value, access, True
    if changed:
        op.properties["indexing_maps"] = maps_attr(len(reduces_of(op)), tuple(found))


def _covered(op: GenericOp, accesses: list[Access], k: int, access: Access) -> bool:
    """Whether the length of each loop still follows from an operand when k is read so."""
    lost = {t for t in accesses[k] if t[1:] == (1, 0)} - set(access)
    others = [a for i, a in enumerate(accesses) if i != k]
    return all(any(t in a for a in others) for t in lost)


def _viewed(value: SSAValue, access: Access) -> tuple[SSAValue, Access] | None:
    """The read of the source of a view that adds or drops axes of size 1."""
    view = value.owner
    if not isinstance(view, _VIEWS):
        return None
    source = view.operands[0]
    matched = _axes(dims_of(source), dims_of(value))
    if matched is None:
        return None
    return source, tuple(at(0) if m is None else access[m] for m in matched)


def _axes(source: tuple[Size, ...], shown: tuple[Size, ...]) -> list[int | None] | None:
    """For each axis of the source the one that shows it; None when sizes are joined or split."""
    if [d for d in source if d != 1] != [d for d in shown if d != 1]:
        return None
    others = iter([k for k, d in enumerate(shown) if d != 1])
    return [None if d == 1 else next(others) for d in source]


def _transposed(value: SSAValue, access: Access) -> tuple[SSAValue, Access] | None:
    """The read of the source of a copy with permuted axes."""
    copy = value.owner
    if not isinstance(copy, GenericOp) or len(copy.operands) != 2:
        return None
    body = body_of(copy)
    end = body.first_op
    accesses = accesses_of(copy)
    if not isinstance(end, YieldOp) or end.operands[0] is not body.args[0] or accesses is None:
        return None
    loops = len(reduces_of(copy))
    if not all(is_permutation(a, loops) for a in accesses):
        return None
    here = compose(accesses[0], loops_at(accesses[1], access))
    return (copy.operands[0], here) if is_projection(here) else None


def loops_at(output: Access, access: Access) -> Access:
    """
    The terms of an op's loops, when its output, walked by `output`, is read at `access`.

    `output` is a permutation of the loops.
    """
    terms = [at(0)] * len(output)
    for (dim, _, _), term in zip(output, access, strict=True):
        terms[dim] = term
    return tuple(terms)
