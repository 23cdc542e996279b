"""A `linalg.generic` on memrefs, in the form in which loops are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import ArrayAttr, MemRefType
from xdsl.dialects.linalg.ops import GenericOp, IndexOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr

from irc.dialects.foreign import ForeignCallOp
from irc.dialects.nd.types import DimsAttr
from irc.dialects.routines import RoutineOp
from irc.errors import InternalError
from irc.passes.loops.builder import DIMS, DYNAMIC, Index, Pen
from irc.passes.loops.rows import is_contiguous, is_row
from irc.sizes import Size, size, var


class Shapes:
    """Sizes of the memrefs of one function, as polynomials."""

    def __init__(self, function: func.FuncOp) -> None:
        self._known: dict[SSAValue, tuple[Size, ...]] = {}
        attrs = function.arg_attrs
        for i, arg in enumerate(function.body.blocks[0].args):
            if isinstance(arg.type, MemRefType):
                own = attrs.data[i].data if isinstance(attrs, ArrayAttr) else {}
                self._known[arg] = _named(arg.type, own.get(DIMS))

    def of(self, ref: SSAValue) -> tuple[Size, ...]:
        """The sizes of a memref."""
        known = self._known.get(ref)
        if known is None:
            op = ref.owner
            if isinstance(op, arith.SelectOp):  # one of two arrays of these sizes
                known = self.of(op.lhs)
            else:
                attr = op.attributes.get(DIMS) if isinstance(op, Operation) else None
                known = _named(ref.type, attr)
            self._known[ref] = known
        return known


def _named(type_: Attribute, attr: Attribute | None) -> tuple[Size, ...]:
    names = iter(attr.data if isinstance(attr, DimsAttr) else ())
    shape = type_.shape.data  # type: ignore[attr-defined]
    return tuple(next(names, var("?")) if d.data == DYNAMIC else d.data for d in shape)


@dataclass(eq=False)
class Operand:
    """
    One memref operand: the element for loop indices i is ref[exprs(i)].

    ref     a memref, or a scalar value, which has no exprs
    """

    ref: SSAValue
    exprs: tuple[AffineExpr, ...]

    def axis_of(self, dim: int) -> int | None:
        """The axis that is exactly loop `dim`."""
        for axis, e in enumerate(self.exprs):
            if isinstance(e, AffineDimExpr) and e.position == dim:
                return axis
        return None

    def uses(self, dim: int) -> bool:
        return any(dim in dims_in(e) for e in self.exprs)


@dataclass(eq=False)
class Structured:
    """
    loops      extent of each loop
    reduced    which loops are reductions
    inputs, outputs   operands, in the order of the body's arguments
    """

    op: GenericOp
    loops: list[Size]
    reduced: list[bool]
    inputs: list[Operand]
    outputs: list[Operand]

    @property
    def operands(self) -> list[Operand]:
        return self.inputs + self.outputs

    @property
    def parallel(self) -> bool:
        return not any(self.reduced)


def structured(op: GenericOp, shapes: Shapes) -> Structured:
    """Reads the op. Slices in `memref.subview` operands go into the indexing expressions."""
    operands = [
        Operand(v, m.data.results) for v, m in zip(op.operands, op.indexing_maps.data, strict=True)
    ]
    reduced = [kind.data.value == "reduction" for kind in op.iterator_types.data]
    loops: list[Size] = []
    for dim in range(len(reduced)):
        loops.append(_extent(operands, dim, shapes))
    count = len(op.inputs)
    return Structured(op, loops, reduced, operands[:count], operands[count:])


def _extent(operands: Sequence[Operand], dim: int, shapes: Shapes) -> Size:
    for operand in reversed(operands):
        axis = operand.axis_of(dim)
        if axis is not None:
            return shapes.of(operand.ref)[axis]
    raise InternalError(f"no operand tells the extent of loop {dim}")


def dims_in(expr: AffineExpr) -> set[int]:
    """Loops that an indexing expression depends on."""
    return {e.position for e in expr.dfs() if isinstance(e, AffineDimExpr)}


def collapse(
    s: Structured,
    shapes: Shapes,
    pen: Pen,
    only_reduced: bool = False,
    apart: Iterable[int] = (),
) -> Structured:
    """
    Joins neighbouring loops that walk through memory as one.

    ```
    for i in 0..n            for ij in 0..n*784
      for j in 0..784   ->     y[ij] = f(x[ij])
        y[i, j] = f(x[i, j])
    ```

    A loop whose counter the body asks for stays, and those `apart`; with `only_reduced` every
    parallel loop too. Operands are shown in their new shape.
    """
    kept = asked_for(s) | set(apart)
    if only_reduced:
        kept |= {d for d, r in enumerate(s.reduced) if not r}
    groups: list[list[int]] = []
    for dim in range(len(s.loops)):
        if groups and joins(s, groups[-1][-1], dim, kept):
            groups[-1].append(dim)
        else:
            groups.append([dim])
    if len(groups) == len(s.loops):
        return s
    position = {dim: g for g, group in enumerate(groups) for dim in group}
    loops = [_product([s.loops[d] for d in group]) for group in groups]
    reduced = [s.reduced[group[0]] for group in groups]
    inputs = [_collapsed(o, groups, position, shapes, pen) for o in s.inputs]
    outputs = [_collapsed(o, groups, position, shapes, pen) for o in s.outputs]
    for index in [i for i in s.op.body.block.ops if isinstance(i, IndexOp)]:
        dim = position[index.dim.value.data]
        index.properties["dim"] = type(index.dim)(dim, index.dim.type)
    return Structured(s.op, loops, reduced, inputs, outputs)


def asked_for(s: Structured) -> set[int]:
    """Loops whose counters the body asks for."""
    return {i.dim.value.data for i in s.op.body.block.ops if isinstance(i, IndexOp)}


def _product(sizes: Sequence[Size]) -> Size:
    total: Size = 1
    for extent in sizes:
        total = size(extent * total)
    return total


def joins(s: Structured, d: int, e: int, kept: set[int]) -> bool:
    """Whether two neighbouring loops walk through the memory of all operands as one."""
    if s.reduced[d] != s.reduced[e] or d in kept or e in kept:
        return False
    for operand in s.operands:
        uses_d, uses_e = operand.uses(d), operand.uses(e)
        if not uses_d and not uses_e:
            continue
        a, b = operand.axis_of(d), operand.axis_of(e)
        if a is None or b != a + 1 or not is_contiguous(operand.ref):
            return False
        if sum(d in dims_in(x) for x in operand.exprs) > 1:
            return False
        if sum(e in dims_in(x) for x in operand.exprs) > 1:
            return False
    return True


def _collapsed(
    operand: Operand,
    groups: list[list[int]],
    position: dict[int, int],
    shapes: Shapes,
    pen: Pen,
) -> Operand:
    if not isinstance(operand.ref.type, MemRefType):
        return operand
    sizes = shapes.of(operand.ref)
    exprs: list[AffineExpr] = []
    dims: list[Size] = []
    axis = 0
    while axis < len(sizes):
        e = operand.exprs[axis]
        group = groups[position[e.position]] if isinstance(e, AffineDimExpr) else [0]
        if isinstance(e, AffineDimExpr) and len(group) > 1:
            dims.append(_product(sizes[axis : axis + len(group)]))
            exprs.append(AffineDimExpr(position[e.position]))
            axis += len(group)
        else:
            dims.append(sizes[axis])
            exprs.append(_renamed(e, position))
            axis += 1
    if len(dims) == len(sizes):
        return Operand(operand.ref, tuple(exprs))
    ref = pen.reinterpret(operand.ref, dims)
    return Operand(ref, tuple(exprs))


def _renamed(expr: AffineExpr, position: dict[int, int]) -> AffineExpr:
    count = max(position, default=-1) + 1
    new = [AffineDimExpr(position.get(d, 0)) for d in range(count)]
    return expr.replace_dims_and_symbols(new, [])


def element_index(operand: Operand, ivs: Sequence[Index], pen: Pen) -> tuple[SSAValue, list[Index]]:
    """The memref and indices of an operand's element; slices are resolved."""
    return resolve(operand.ref, [pen.affine(e, ivs) for e in operand.exprs], pen)


def resolve(ref: SSAValue, indices: list[Index], pen: Pen) -> tuple[SSAValue, list[Index]]:
    """The same element without `memref.subview`."""
    while isinstance(ref.owner, memref.SubviewOp):
        view = ref.owner
        offsets = mixed(view.static_offsets.get_values(), view.offsets)
        strides = mixed(view.static_strides.get_values(), view.strides)
        sizes = view.static_sizes.get_values()
        inner = iter(indices)
        rank = len(indices)
        dropped = dropped_axes(sizes, rank, ref)
        indices = [
            offset if axis in dropped else pen.add(offset, pen.mul(stride, next(inner)))
            for axis, (offset, stride) in enumerate(zip(offsets, strides, strict=True))
        ]
        ref = view.source
    return ref, indices


def mixed(static: Sequence[int], dynamic: Sequence[SSAValue]) -> list[Index]:
    values = iter(dynamic)
    return [next(values) if s == DYNAMIC else s for s in static]


def dropped_axes(sizes: Sequence[int], rank: int, ref: SSAValue) -> set[int]:
    """Axes of size 1 that a rank-reducing subview leaves out."""
    extra = len(sizes) - rank
    if not extra:
        return set()
    shape = [d.data for d in ref.type.shape.data]  # type: ignore[attr-defined]
    dropped: set[int] = set()
    k = 0
    for axis, extent in enumerate(sizes):
        if (
            k < len(shape)
            and shape[k] == extent
            and not (extent == 1 and len(dropped) < extra and len(sizes) - axis > len(shape) - k)
        ):
            k += 1
        else:
            dropped.add(axis)
    return dropped


def root(ref: SSAValue, inside: Operation | None = None) -> SSAValue:
    """
    The memory that a view shows. A row overlaps no other one and counts as memory, unless it is
    made `inside` an op and asked for outside.
    """
    while isinstance(ref.owner, memref.SubviewOp | memref.ReinterpretCastOp):
        if is_row(ref) and (inside is None or not inside.is_ancestor(ref.owner)):
            break
        ref = ref.owner.operands[0]
    return ref


def written_by(op: Operation) -> list[SSAValue]:
    """Memory that `op` or what is inside it writes."""
    if isinstance(op, GenericOp):
        return _writes(op)
    return [v for inner in op.walk() for v in _writes(inner)]


def _writes(op: Operation) -> list[SSAValue]:
    match op:
        case GenericOp():
            return list(op.outputs)
        case RoutineOp() | ForeignCallOp():
            return list(op.outs)
        case memref.StoreOp():
            return [op.memref]
        case memref.CopyOp():
            return [op.destination]
    return []
