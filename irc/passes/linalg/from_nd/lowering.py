"""
One function on its way from nd to linalg: what each value became, and a pen.

Symbolic sizes are the leading index arguments; every polynomial in them is worked out once, at
the top of the function, like every index constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import IntegerAttr, LocationAttr, i64
from xdsl.dialects.linalg.ops import GenericOp, IndexOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from irc.dialects import nd
from irc.dialects.nd import scalar_bodies
from irc.dialects.nd.body import INDEX, Body, storage
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dialects.verify import describe
from irc.dtypes import I64, DType
from irc.errors import InternalError, Unsupported
from irc.passes.linalg.generics import (
    Access,
    body_block,
    element_of,
    generic,
    identity,
    tensor_type,
    yield_,
)
from irc.passes.roots import root_ops
from irc.sizes import Atom, Poly, Quotient, Root, Size

Input = tuple[SSAValue, Access]
Lower = Callable[[Any, "Lowering"], None]


class Lowering:
    """
    Appends ops to `block` with `location`.

    table     the lowering of each class of op
    values    nd value -> tensor below nd
    fulls     nd values that are one number everywhere and are made only where memory is needed
    counters  nd scalars that count the steps of a loop -> the index that they are
    """

    def __init__(
        self,
        table: Mapping[type[Operation], Lower],
        symbols: Mapping[str, SSAValue],
        location: LocationAttr,
    ) -> None:
        self.table = table
        self.symbols = symbols
        self.location = location
        self.values: dict[SSAValue, SSAValue] = {}
        self.fulls: dict[SSAValue, nd.FullOp] = {}
        self.counters: dict[SSAValue, SSAValue] = {}
        self.top: list[Operation] = []
        self.block = Block()
        self._top_location = location
        self._indices: dict[int, SSAValue] = {}
        self._sizes: dict[Poly, SSAValue] = {}
        self._roots: dict[Root, SSAValue] = {}
        self._scalars: list[dict[SSAValue, SSAValue]] = [{}]
        self._made: list[dict[SSAValue, SSAValue]] = [{}]
        self._outside: list[Block] = []  # written before the one that is written now
        self._repeated: list[Block | None] = [None]  # the nd block that runs many times, if so

    def ops(self, block: Block) -> None:
        """Lowers the ops of an nd block, one after the other."""
        for op in block.ops:
            lower = self.table.get(type(op))
            if lower is None:
                raise InternalError(f"{describe(op)} should have gone before linalg")
            self.location = op.location
            lower(op, self)

    # -- values

    def value(self, old: SSAValue) -> SSAValue:
        """The tensor that `old` became."""
        known = self.values.get(old)
        if known is not None:
            return known
        for made in self._made:
            if old in made:
                return made[old]
        if old in self.fulls:
            return self._full(old)
        if old in self.counters:
            new = self._made[-1][old] = self._counter(old)
            return new
        raise InternalError(f"no tensor for the operand {old}")

    def define(self, old: SSAValue, new: SSAValue) -> None:
        """Records what `old` became; the new value takes its name."""
        if new.name_hint is None and old.name_hint is not None:
            new.name_hint = old.name_hint
        self.values[old] = new

    def full_of(self, old: SSAValue) -> nd.FullOp | None:
        """The op behind a value that is one number everywhere."""
        return self.fulls.get(old)

    def filled(self, op: nd.FullOp) -> SSAValue:
        """A tensor in memory with the number of `op` everywhere."""
        dtype, location = dtype_of(op.res), self.location
        self.location = op.location
        new = self.fill(dims_of(op.res), dtype, op.number)
        self.location = location
        new.name_hint = op.res.name_hint
        return new

    def _full(self, old: SSAValue) -> SSAValue:
        """Made here, or before the outermost loop that repeats this place but not its op."""
        op = self.fulls[old]
        depth = len(self._made) - 1
        for d, repeated in enumerate(self._repeated):
            if repeated is not None and not _is_inside(op, repeated):
                depth = d - 1
                break
        here, self.block = self.block, [*self._outside, self.block][depth]
        new = self._made[depth][old] = self.filled(op)
        self.block = here
        return new

    def _counter(self, old: SSAValue) -> SSAValue:
        """The number of the step as a tensor."""
        index, dtype = self.counters[old], dtype_of(old)
        new = self.parallel((), storage(dtype), [], lambda s, _: from_index(s, index, dtype))
        new.name_hint = old.name_hint
        return new

    def enter(self, block: Block, repeated: Block | None = None) -> Block:
        """
        Writes into `block`, of a region, from now on; gives the block written before.

        repeated   the nd block that it comes from, when a loop runs it
        """
        outside, self.block = self.block, block
        self._outside.append(outside)
        self._repeated.append(repeated)
        self._scalars.append({})
        self._made.append({})
        return outside

    def leave(self, outside: Block) -> None:
        self.block = outside
        self._outside.pop()
        self._repeated.pop()
        self._scalars.pop()
        self._made.pop()

    # -- the pen

    def add(self, op: Operation) -> SSAValue:
        """Appends `op` and gives its first result."""
        op.location = self.location
        self.block.add_op(op)
        return op.results[0]

    def effect(self, op: Operation) -> None:
        """Appends an op without results."""
        op.location = self.location
        self.block.add_op(op)

    def pen(self) -> Body:
        """A pen for scalar ops at this place."""
        return Body(self.block, self.location)

    def scalar(self, old: SSAValue) -> SSAValue:
        """The only element of a rank-0 tensor."""
        for known in self._scalars:
            if old in known:
                return known[old]
        if old in self.fulls:
            return self.pen().const(self.fulls[old].number, dtype_of(old))
        if old in self.counters:
            new = self._scalars[-1][old] = from_index(self.pen(), self.counters[old], dtype_of(old))
            return new
        x = self.value(old)
        new = self.add(tensor.ExtractOp.create(operands=[x], result_types=[element_of(x)]))
        new.name_hint = old.name_hint
        self._scalars[-1][old] = new
        return new

    def scalar_index(self, old: SSAValue) -> SSAValue:
        """The only element of a rank-0 integer tensor, as an index."""
        if old in self.counters:
            return self.counters[old]
        return to_index(self.pen(), dtype_of(old), self.scalar(old))

    # -- sizes

    def index(self, value: Size) -> SSAValue:
        """A size or constant as an index, made once at the top of the function."""
        if isinstance(value, int):
            known = self._indices.get(value)
            if known is None:
                known = self._indices[value] = self._at_top(
                    arith.ConstantOp.create(
                        result_types=[INDEX], properties={"value": IntegerAttr(value, INDEX)}
                    )
                )
            return known
        known = self._sizes.get(value)
        if known is None:
            known = self._sizes[value] = self._polynomial(value)
        return known

    def _at_top(self, op: Operation) -> SSAValue:
        op.location = self._top_location
        self.top.append(op)
        return op.results[0]

    def _binary(self, cls: type[Operation], x: SSAValue, y: SSAValue) -> SSAValue:
        return self._at_top(cls.create(operands=[x, y], result_types=[INDEX]))

    def _polynomial(self, size: Poly) -> SSAValue:
        if size.constant is not None:
            return self.index(size.constant)
        total: SSAValue | None = None
        for monomial, factor in sorted(size.terms.items(), key=lambda t: not t[0]):
            term = None if factor == 1 and monomial else self.index(factor)
            for atom, power in monomial:
                base = self._atom(atom)
                for _ in range(power):
                    term = base if term is None else self._binary(arith.MuliOp, term, base)
            assert term is not None
            total = term if total is None else self._binary(arith.AddiOp, total, term)
        assert total is not None
        return total

    def _atom(self, atom: Atom) -> SSAValue:
        if isinstance(atom, Quotient):
            top, divisor = self.index(atom.numerator), self.index(atom.divisor)
            return self._binary(arith.FloorDivSIOp, top, divisor)
        if isinstance(atom, Root):
            known = self._roots.get(atom)
            if known is None:
                ops = root_ops(self.index(atom.radicand))
                known = self._roots[atom] = [self._at_top(op) for op in ops][-1]
            return known
        known = self.symbols.get(atom)
        if known is not None:
            return known
        if atom == "?":
            raise Unsupported(
                'a size without a name is not supported below nd: name it, as in #nd.dims<"n">'
            )
        raise InternalError(f"the size `{atom}` is no argument of the function")

    def dynamic(self, dims: Sequence[Size]) -> list[SSAValue]:
        """The sizes that a type does not state."""
        return [self.index(d) for d in dims if isinstance(d, Poly)]

    # -- tensors

    def empty(self, dims: tuple[Size, ...], element: Attribute) -> SSAValue:
        """Memory for a tensor."""
        return self.add(
            tensor.EmptyOp.create(
                operands=self.dynamic(dims), result_types=[tensor_type(element, dims)]
            )
        )

    def parallel(
        self,
        dims: tuple[Size, ...],
        element: Attribute,
        inputs: Sequence[Input],
        write: Callable[[Body, Sequence[SSAValue]], SSAValue],
    ) -> SSAValue:
        """
        A tensor made element by element: `write(pen, elements of inputs)` gives one element.
        """
        rank = len(dims)
        block = body_block([*(element_of(v) for v, _ in inputs), element])
        pen = Body(block, self.location)
        result = write(pen, block.args[: len(inputs)])
        yield_(block, [result], self.location)
        out = self.empty(dims, element)
        op = generic(rank, inputs, [(out, identity(rank))], block, self.location)
        self.block.add_op(op)
        return op.results[0]

    def fill(self, dims: tuple[Size, ...], dtype: DType, number: float | int | bool) -> SSAValue:
        """A tensor with `number` everywhere."""
        return self.parallel(dims, storage(dtype), [], lambda s, _: s.const(number, dtype))

    def add_generic(self, op: GenericOp) -> list[SSAValue]:
        """Appends a generic and gives its results."""
        self.block.add_op(op)
        return list(op.results)


def _is_inside(op: Operation, block: Block) -> bool:
    """Whether `op` stands in `block` or in a region there."""
    above: Operation | None = op
    while above is not None:
        if above.parent is block:
            return True
        above = above.parent_op()
    return False


def loop_index(s: Body, dim: int) -> SSAValue:
    """The index of a loop, inside a body."""
    return s.add(IndexOp.create(properties={"dim": _dim(dim)}, result_types=[INDEX]))


def _dim(dim: int) -> IntegerAttr:
    known = _DIMS.get(dim)
    if known is None:
        known = _DIMS[dim] = IntegerAttr(dim, i64)
    return known


_DIMS: dict[int, IntegerAttr] = {}


def to_index(s: Body, dtype: DType, x: SSAValue) -> SSAValue:
    """An integer as an index. One that is too large for an index becomes negative."""
    if dtype.kind == "uint" and dtype.bits < 64:
        x = s.to(arith.ExtUIOp, x, i64)
    return s.to(arith.IndexCastOp, x, INDEX)


def from_index(s: Body, x: SSAValue, dtype: DType) -> SSAValue:
    """An index as a number of `dtype`."""
    wide = s.to(arith.IndexCastOp, x, i64)
    return scalar_bodies.cast(s, I64, dtype, wide)


def linear_index(s: Body, lower: Lowering, dims: Sequence[Size]) -> SSAValue:
    """The row-major number of the element that a step of loops over `dims` makes."""
    total: SSAValue | None = None
    for d, size in enumerate(dims):
        here = loop_index(s, d)
        if total is not None:
            bound = s.index(size) if isinstance(size, int) else lower.index(size)
            here = s.op(arith.AddiOp, s.op(arith.MuliOp, total, bound), here)
        total = here
    return s.index(0) if total is None else total
