"""
Making `linalg.generic`, with its indexing maps as plain data.

An access says which element of an operand one step of the loops touches: for each axis a term
`(dim, scale, offset)`, the index `scale * d_dim + offset`, or `(CONSTANT, 0, offset)`.
Attributes are made once: a function has hundreds of generics and a handful of different maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    LocationAttr,
    TensorType,
    UnitAttr,
    i32,
    i64,
)
from xdsl.dialects.linalg.attrs import IteratorType, IteratorTypeAttr
from xdsl.dialects.linalg.ops import GenericOp, YieldOp
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)

from irc.dialects.nd.types import DYNAMIC, with_element
from irc.sizes import Poly, Size

Term = tuple[int, int, int]
Access = tuple[Term, ...]
CONSTANT = -1


class Sliding(NamedTuple):
    """The index `stride * d_dim + step * d_tap`: element d_tap of window d_dim of an axis."""

    dim: int
    stride: int
    tap: int
    step: int


Terms = Sequence[Term | Sliding]  # what a map may say; fusion knows an Access only

UNIT = UnitAttr()
CONTRACTION = "irc.contraction"  # the order of its sums is free
ORDERED = "irc.ordered"  # its float sums or products have the defined tree order

_PARALLEL = IteratorTypeAttr(IteratorType.PARALLEL)
_REDUCTION = IteratorTypeAttr(IteratorType.REDUCTION)


@cache
def term(dim: int) -> Term:
    """The loop index itself."""
    return (dim, 1, 0)


def at(offset: int) -> Term:
    """The same place in every step."""
    return (CONSTANT, 0, offset)


@cache
def identity(rank: int) -> Access:
    """Axis i is walked by loop i."""
    return tuple((d, 1, 0) for d in range(rank))


def projection(dims: Sequence[int]) -> Access:
    """Axis i is walked by loop `dims[i]`."""
    return tuple((d, 1, 0) for d in dims)


@lru_cache(maxsize=8192)
def compose(inner: Access, outer: Access) -> Access:
    """`inner` with its loops replaced by the terms of `outer`: first `outer`, then `inner`."""
    found = []
    for dim, scale, offset in inner:
        if dim == CONSTANT:
            found.append((CONSTANT, 0, offset))
            continue
        by, step, start = outer[dim]
        found.append((by, scale * step, scale * start + offset))
    return tuple(found)


def is_permutation(access: Access, loops: int) -> bool:
    """Whether each loop walks exactly one axis, step by step."""
    return is_projection(access) and len(access) == loops


@lru_cache(maxsize=8192)
def is_projection(access: Access) -> bool:
    """Whether axes are walked by different loops, step by step."""
    dims = {t[0] for t in access}
    plain = all(t[1] == 1 and t[2] == 0 and t[0] != CONSTANT for t in access)
    return plain and len(dims) == len(access)


def fits(access: Access, sizes: Sequence[Size], extents: Sequence[Size]) -> bool:
    """
    Whether a map may say this read of an operand of sizes `sizes`.

    A plain loop index says that the loop is as long as the axis, and a loop without steps has no
    element that another index could be checked against.
    """
    return all(
        size == extents[dim] if scale == 1 and offset == 0 else 0 not in extents
        for (dim, scale, offset), size in zip(access, sizes, strict=True)
    )


# -- attributes


@cache
def map_attr(loops: int, access: tuple[Term | Sliding, ...]) -> AffineMapAttr:
    """The indexing map of an access."""
    return AffineMapAttr(AffineMap(loops, 0, tuple(_expression(t) for t in access)))


def _expression(t: Term | Sliding) -> AffineExpr:
    if isinstance(t, Sliding):
        return _expression((t.dim, t.stride, 0)) + _expression((t.tap, t.step, 0))
    dim, scale, offset = t
    if dim == CONSTANT:
        return AffineExpr.constant(offset)
    e = AffineExpr.dimension(dim)
    e = e if scale == 1 else e * scale
    return e if offset == 0 else e + offset


# Keyed by identity, as hashing an attribute costs more than the answer; each is kept alive here.
_ACCESSES: dict[int, tuple[Attribute, tuple[Access, ...] | None]] = {}
_REDUCES: dict[int, tuple[Attribute, tuple[bool, ...]]] = {}


def accesses_of(op: GenericOp) -> tuple[Access, ...] | None:
    """The accesses of all operands; None when a map is of another form."""
    attr = op.properties["indexing_maps"]
    known = _ACCESSES.get(id(attr))
    if known is None:
        found = [_read_map(m) for m in op.indexing_maps.data]
        whole = tuple(a for a in found if a is not None)
        known = _ACCESSES[id(attr)] = (attr, whole if len(whole) == len(found) else None)
    return known[1]


def operands_of(op: GenericOp) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
    """Inputs and outputs of a generic on tensors; xDSL's own accessors take 10 times as long."""
    values = tuple(op.operands)
    count = len(values) - len(op.results)
    return values[:count], values[count:]


def body_of(op: GenericOp) -> Block:
    return op.regions[0].block


def reduces_of(op: GenericOp) -> tuple[bool, ...]:
    """Whether each loop is a reduction."""
    attr = op.properties["iterator_types"]
    known = _REDUCES.get(id(attr))
    if known is None:
        reduces = tuple(k.data is IteratorType.REDUCTION for k in op.iterator_types.data)
        known = _REDUCES[id(attr)] = (attr, reduces)
    return known[1]


def _read_map(attr: AffineMapAttr) -> Access | None:
    terms = [_read(e) for e in attr.data.results]
    known = tuple(t for t in terms if t is not None)
    return known if len(known) == len(terms) else None


def _read(e: AffineExpr) -> Term | None:
    match e:
        case AffineDimExpr(position=d):
            return (d, 1, 0)
        case AffineConstantExpr(value=c):
            return (CONSTANT, 0, c)
        case AffineBinaryOpExpr(kind=kind, lhs=x, rhs=AffineConstantExpr(value=c)):
            inner = _read(x)
            if inner is None:
                return None
            if kind is AffineBinaryOpKind.Add:
                return (inner[0], inner[1], inner[2] + c)
            if kind is AffineBinaryOpKind.Mul:
                return (inner[0], inner[1] * c, inner[2] * c)
    return None


@cache
def maps_attr(
    loops: int, accesses: tuple[tuple[Term | Sliding, ...], ...]
) -> ArrayAttr[AffineMapAttr]:
    return ArrayAttr([map_attr(loops, a) for a in accesses])


@cache
def iterators_attr(reduces: tuple[bool, ...]) -> ArrayAttr[IteratorTypeAttr]:
    return ArrayAttr([_REDUCTION if r else _PARALLEL for r in reduces])


@cache
def segments(*counts: int) -> DenseArrayBase:
    """How many operands each group has."""
    return DenseArrayBase.from_list(i32, counts)


@cache
def i64_array(*values: int) -> DenseArrayBase:
    """A list of static offsets, sizes or strides."""
    return DenseArrayBase.from_list(i64, values)


_TENSORS: dict[tuple[Attribute, tuple[Size, ...]], TensorType] = {}


def tensor_type(element: Attribute, dims: tuple[Size, ...]) -> TensorType:
    """The tensor type below nd with these sizes, one object for each."""
    key = (element, dims)
    known = _TENSORS.get(key)
    if known is None:
        known = _TENSORS[key] = with_element(dims, element)
    return known


# -- the op


def generic(
    loops: int,
    inputs: Sequence[tuple[SSAValue, Terms]],
    outputs: Sequence[tuple[SSAValue, Access]],
    block: Block,
    location: LocationAttr,
    reduces: tuple[bool, ...] | None = None,
    attributes: Mapping[str, Attribute] = {},
) -> GenericOp:
    """
    The op over `loops` loops with the body `block`, which ends with its yield.

    reduces   whether each loop is a reduction; none is by default
    """
    accesses = tuple([tuple(a) for _, a in inputs] + [a for _, a in outputs])
    return GenericOp.create(
        operands=[v for v, _ in inputs] + [v for v, _ in outputs],
        result_types=[v.type for v, _ in outputs],
        properties={
            "indexing_maps": maps_attr(loops, accesses),
            "iterator_types": iterators_attr(reduces or (False,) * loops),
            "operandSegmentSizes": segments(len(inputs), len(outputs)),
        },
        attributes=attributes,
        regions=[Region(block)],
        location=location,
    )


def body_block(elements: Sequence[Attribute]) -> Block:
    """An empty body for operands with these element types."""
    return Block(arg_types=elements)


def yield_(block: Block, values: Sequence[SSAValue], location: LocationAttr) -> None:
    """Ends a body."""
    block.add_op(YieldOp.create(operands=values, location=location))


def element_of(value: SSAValue) -> Attribute:
    """The element type of a tensor value."""
    return value.type.element_type  # type: ignore[attr-defined]


def static_shape(dims: Sequence[Size]) -> list[int]:
    return [DYNAMIC if isinstance(d, Poly) else d for d in dims]
