"""
A pen for the loop level: appends ops at one place, folds index arithmetic on the way.

An index is a Python int or an SSA value; `Pool` holds a function's constants and sizes, made
once at the top of its entry block, so nothing below needs canonicalize or cse afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloat,
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    LocationAttr,
    MemRefType,
    NoneAttr,
    StridedLayoutAttr,
    StringAttr,
    i1,
    i32,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineBinaryOpExpr, AffineConstantExpr, AffineDimExpr, AffineExpr
from xdsl.ir.affine.affine_expr import AffineBinaryOpKind

from irc.dialects.nd.types import DimsAttr
from irc.errors import InternalError
from irc.passes.roots import root_ops
from irc.sizes import Monomial, Poly, Quotient, Root, Size

Index = int | SSAValue

INDEX = IndexType()
DYNAMIC = DYNAMIC_INDEX
NONE = NoneAttr()
DIMS = "irc.dims"  # attribute of ops whose memref has `?` sizes: one polynomial for each
_FAST = arith.FastMathFlagsAttr("none")
_OVERFLOW = arith.IntegerOverflowAttr("none")
_PREDICATES = {n: IntegerAttr(n, i64) for n in range(16)}
_CMP = {"eq": 0, "ne": 1, "lt": 2, "le": 3, "gt": 4, "ge": 5}


class Pool:
    """Constants and sizes of one function, each made once at the top of its entry block."""

    def __init__(self, function: FuncOp) -> None:
        self.block = function.body.blocks[0]
        self._last: Operation | None = None
        self.location = function.location
        self._constants: dict[tuple[object, Attribute], SSAValue] = {}
        self._sizes: dict[Poly, Index] = {}
        self._terms: dict[tuple[Monomial, int], Index] = {}
        self._quotients: dict[Quotient, Index] = {}
        self._roots: dict[Root, Index] = {}
        self._symbols: dict[str, SSAValue] = dict(
            zip(size_symbols(function), self.block.args, strict=False)
        )

    def index(self, value: Index) -> SSAValue:
        """An index as an SSA value."""
        if not isinstance(value, int):
            return value
        return self._constant(value, INDEX, lambda: IntegerAttr(value, INDEX))

    def number(self, value: int | float, type_: Attribute) -> SSAValue:
        """A constant of an integer or float type."""
        if isinstance(type_, IntegerType | IndexType):
            return self._constant(value, type_, lambda: IntegerAttr(int(value), type_))
        assert isinstance(type_, AnyFloat)
        return self._constant(repr(float(value)), type_, lambda: FloatAttr(float(value), type_))

    def _constant(self, key: object, type_: Attribute, make: Callable[[], Attribute]) -> SSAValue:
        known = self._constants.get((key, type_))
        if known is None:
            value = make()
            op = arith.ConstantOp.create(result_types=[type_], properties={"value": value})
            known = self._constants[(key, type_)] = self.insert(op)
        return known

    def size(self, size: Size) -> Index:
        """
        The value of a size.

        Raises InternalError for a symbol that is no size argument of the function.
        """
        if isinstance(size, int):
            return size
        known = self._sizes.get(size)
        if known is None:
            known = self._sizes[size] = self._polynomial(size)
            if isinstance(known, SSAValue) and known.name_hint is None:
                known.name_hint = "size"
        return known

    def _polynomial(self, size: Poly) -> Index:
        pen = _TopPen(self, self.block, None, self.location)
        total: Index = 0
        for monomial, c in size.terms.items():
            term = self._terms.get((monomial, c))
            if term is None:
                term = self._terms[monomial, c] = self._term(pen, monomial, c)
            total = pen.add(total, term)
        return total

    def _term(self, pen: Pen, monomial: Monomial, factor: int) -> Index:
        term: Index = factor
        for atom, power in monomial:
            if isinstance(atom, Quotient):
                base = self._quotients.get(atom)
                if base is None:
                    top = self.size(atom.numerator)
                    base = pen.binary(arith.FloorDivSIOp, top, atom.divisor)
                    self._quotients[atom] = base
            elif isinstance(atom, Root):
                base = self._roots.get(atom)
                if base is None:
                    ops = root_ops(self.index(self.size(atom.radicand)))
                    base = self._roots[atom] = [self.insert(op) for op in ops][-1]
            elif atom in self._symbols:
                base = self._symbols[atom]
            else:
                raise InternalError(f"the size `{atom}` is no argument of the function")
            for _ in range(power):
                term = pen.mul(term, base)
        return term

    def insert(self, op: Operation) -> SSAValue:
        """Adds an op without operands, or with pooled ones, to the top of the function."""
        op.location = self.location
        if self._last is not None:
            self.block.insert_op_after(op, self._last)
        elif self.block.first_op is not None:
            self.block.insert_op_before(op, self.block.first_op)
        else:
            self.block.add_op(op)
        self._last = op
        return op.results[0]


def size_symbols(function: FuncOp) -> list[str]:
    """Names of the sizes that a function takes first: attribute `irc.sizes`, or its index args."""
    named = function.attributes.get("irc.sizes")
    if isinstance(named, ArrayAttr):
        return [n.data for n in named.data if isinstance(n, StringAttr)]
    symbols: list[str] = []
    for arg in function.body.blocks[0].args:
        if not isinstance(arg.type, IndexType):
            break
        symbols.append(arg.name_hint or f"arg{arg.index}")
    return symbols


class Pen:
    """Inserts ops before `anchor`, or at the end of `block` when there is none."""

    __slots__ = ("pool", "block", "anchor", "location")

    def __init__(
        self, pool: Pool, block: Block, anchor: Operation | None, location: LocationAttr
    ) -> None:
        self.pool = pool
        self.block = block
        self.anchor = anchor
        self.location = location

    def at(self, op: Operation) -> Pen:
        """A pen before `op`, writing with its span."""
        block = op.parent
        assert block is not None
        return Pen(self.pool, block, op, op.location)

    def insert(self, op: Operation) -> Operation:
        op.location = self.location
        if self.anchor is None:
            self.block.add_op(op)
        else:
            self.block.insert_op_before(op, self.anchor)
        return op

    def op(
        self,
        cls: type[Operation],
        operands: Sequence[SSAValue],
        type_: Attribute,
        hint: str | None = None,
    ) -> SSAValue:
        """An op with one result and default properties."""
        op = cls.create(operands=operands, result_types=[type_], properties=default_properties(cls))
        self.insert(op)
        result = op.results[0]
        if hint is not None:
            result.name_hint = hint
        return result

    # -- index arithmetic

    def index(self, value: Index) -> SSAValue:
        return self.pool.index(value)

    def binary(self, cls: type[Operation], a: Index, b: Index, hint: str | None = None) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return _FOLD[cls](a, b)
        return self.op(cls, [self.index(a), self.index(b)], INDEX, hint)

    def add(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and a == 0:
            return b
        return a if isinstance(b, int) and b == 0 else self.binary(arith.AddiOp, a, b)

    def sub(self, a: Index, b: Index) -> Index:
        if a is b:
            return 0
        return a if isinstance(b, int) and b == 0 else self.binary(arith.SubiOp, a, b)

    def mul(self, a: Index, b: Index) -> Index:
        for x, y in ((a, b), (b, a)):
            if isinstance(x, int):
                if x == 1:
                    return y
                if x == 0:
                    return 0
        return self.binary(arith.MuliOp, a, b)

    def min(self, a: Index, b: Index, hint: str | None = None) -> Index:
        return a if a is b else self.binary(arith.MinSIOp, a, b, hint)

    def max(self, a: Index, b: Index, hint: str | None = None) -> Index:
        return a if a is b else self.binary(arith.MaxSIOp, a, b, hint)

    def div(self, a: Index, b: int) -> Index:
        """Quotient of an index that is not negative."""
        return a if b == 1 else self.binary(arith.DivUIOp, a, b)

    def rem(self, a: Index, b: int) -> Index:
        return 0 if b == 1 else self.binary(arith.RemUIOp, a, b)

    def ceil(self, a: Index, b: int) -> Index:
        """Quotient rounded up."""
        return self.div(self.add(a, b - 1), b)

    def product(self, factors: Sequence[Index]) -> Index:
        total: Index = 1
        for f in factors:
            total = self.mul(total, f)
        return total

    def compare(self, how: str, a: Index, b: Index) -> SSAValue:
        op = arith.CmpiOp.create(
            operands=[self.index(a), self.index(b)],
            result_types=[i1],
            properties={"predicate": _PREDICATES[_CMP[how]]},
        )
        return self.insert(op).results[0]

    def select(self, c: SSAValue, a: Index, b: Index) -> SSAValue:
        return self.op(arith.SelectOp, [c, self.index(a), self.index(b)], INDEX)

    def affine(self, expr: AffineExpr, dims: Sequence[Index]) -> Index:
        """The value of an affine expression without symbols, mod and division."""
        match expr:
            case AffineDimExpr():
                return dims[expr.position]
            case AffineConstantExpr():
                return expr.value
            case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Add):
                return self.add(self.affine(expr.lhs, dims), self.affine(expr.rhs, dims))
            case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mul):
                return self.mul(self.affine(expr.lhs, dims), self.affine(expr.rhs, dims))
        raise InternalError(f"no code for the indexing expression {expr}")

    # -- memory

    def load(self, ref: SSAValue, indices: Sequence[Index], hint: str | None = None) -> SSAValue:
        type_: MemRefType = ref.type  # type: ignore[assignment]
        operands = [ref, *(self.index(i) for i in indices)]
        return self.op(memref.LoadOp, operands, type_.element_type, hint)

    def store(self, value: SSAValue, ref: SSAValue, indices: Sequence[Index]) -> None:
        operands = [value, ref, *(self.index(i) for i in indices)]
        self.insert(
            memref.StoreOp.create(operands=operands, properties=default_properties(memref.StoreOp))
        )

    def alloc(self, type_: MemRefType, dims: Sequence[Size], hint: str | None = None) -> SSAValue:
        """A buffer of the function's arena; the sizes say how large for every call."""
        return self._allocate(memref.AllocOp, type_, dims, hint)

    def alloca(self, element: Attribute, shape: Sequence[int], hint: str | None = None) -> SSAValue:
        """A small buffer on the stack."""
        return self._allocate(memref.AllocaOp, memref_type(element, shape), shape, hint)

    def _allocate(
        self, cls: type[Operation], type_: MemRefType, dims: Sequence[Size], hint: str | None
    ) -> SSAValue:
        sizes = [self.index(self.pool.size(d)) for d in dims if isinstance(d, Poly)]
        op = cls.create(
            operands=sizes,
            result_types=[type_],
            properties={
                "operandSegmentSizes": DenseArrayBase.from_list(i32, [len(sizes), 0]),
            },
            attributes=dims_attribute(dims),
        )
        self.insert(op)
        op.results[0].name_hint = hint
        return op.results[0]

    def reinterpret(
        self, ref: SSAValue, dims: Sequence[Size], offset: Index = 0, hint: str | None = None
    ) -> SSAValue:
        """The same memory, from `offset` on, as a contiguous row-major array of sizes `dims`."""
        type_: MemRefType = ref.type  # type: ignore[assignment]
        shape = [d if isinstance(d, int) else DYNAMIC for d in dims]
        layout = NONE if isinstance(offset, int) and offset == 0 else _offset_layout(shape)
        sizes = [self.pool.size(d) for d in dims]
        strides: list[Index] = [1] * len(dims)
        for k in range(len(dims) - 2, -1, -1):
            strides[k] = self.mul(strides[k + 1], sizes[k + 1])
        op = memref.ReinterpretCastOp.from_dynamic(
            ref,
            [offset],
            sizes,
            strides,
            MemRefType(type_.element_type, shape, layout),
        )
        op.attributes.update(dims_attribute(dims))
        self.insert(op)
        op.result.name_hint = hint or ref.name_hint
        return op.result

    # -- control

    def loop(
        self, lb: Index, ub: Index, step: Index, hint: str, inits: Sequence[SSAValue] = ()
    ) -> tuple[Pen, SSAValue, tuple[SSAValue, ...], scf.ForOp]:
        """`scf.for`: (pen inside, counter, carried values, the op). The caller yields."""
        block = Block(arg_types=[INDEX, *(v.type for v in inits)])
        op = scf.ForOp.create(
            operands=[self.index(lb), self.index(ub), self.index(step), *inits],
            result_types=[v.type for v in inits],
            regions=[Region(block)],
        )
        self.insert(op)
        block.args[0].name_hint = hint
        for arg, init in zip(block.args[1:], inits, strict=True):
            arg.name_hint = init.name_hint
        return Pen(self.pool, block, None, self.location), block.args[0], block.args[1:], op

    def counted(self, lb: Index, ub: Index, step: Index, hint: str) -> tuple[Pen, SSAValue]:
        """`scf.for` that carries nothing: (pen before its terminator, counter)."""
        inner, iv, _, _ = self.loop(lb, ub, step, hint)
        inner.end()
        inner.anchor = inner.block.last_op
        return inner, iv

    def branch(self, condition: SSAValue) -> tuple[Pen, Pen]:
        """`scf.if` without results: pens in both branches, before their terminators."""
        blocks = [Block(), Block()]
        self.insert(
            scf.IfOp.create(operands=[condition], regions=[Region(block) for block in blocks])
        )
        pens = []
        for block in blocks:
            inside = Pen(self.pool, block, None, self.location)
            inside.end()
            inside.anchor = block.last_op
            pens.append(inside)
        return pens[0], pens[1]

    def parallel(self, lb: Index, ub: Index, step: Index, hint: str) -> tuple[Pen, SSAValue]:
        """A loop whose iterations do not depend on each other: (pen inside, counter)."""
        block = Block(arg_types=[INDEX])
        segments = DenseArrayBase.from_list(i32, [1, 1, 1, 0])
        op = scf.ParallelOp.create(
            operands=[self.index(lb), self.index(ub), self.index(step)],
            properties={"operandSegmentSizes": segments},
            regions=[Region(block)],
        )
        self.insert(op)
        block.args[0].name_hint = hint
        end = scf.ReduceOp.create()
        end.location = self.location
        block.add_op(end)
        return Pen(self.pool, block, end, self.location), block.args[0]

    def end(self, values: Sequence[SSAValue] = ()) -> None:
        """The `scf.yield` that closes a loop or branch."""
        self.insert(scf.YieldOp.create(operands=values))


class _TopPen(Pen):
    """Writes among a pool's constants."""

    __slots__ = ()

    def insert(self, op: Operation) -> Operation:
        self.pool.insert(op)
        return op


def constant_value(value: SSAValue | None) -> int | float | None:
    """The number that a value is, when a constant makes it."""
    op = value.owner if value is not None else None
    if isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr | FloatAttr):
        return op.value.value.data
    return None


def memref_type(element: Attribute, shape: Sequence[int]) -> MemRefType:
    """A contiguous memref type, one object for each."""
    key = (element, tuple(shape))
    known = _MEMREFS.get(key)
    if known is None:
        known = _MEMREFS[key] = MemRefType(element, shape)
    return known


def flat_type(element: Attribute, length: Size) -> MemRefType:
    """The memref type of a row of elements."""
    return memref_type(element, [length if isinstance(length, int) else DYNAMIC])


_MEMREFS: dict[tuple[Attribute, tuple[int, ...]], MemRefType] = {}
_DEFAULTS: dict[type[Operation], dict[str, Attribute]] = {}


def default_properties(cls: type[Operation]) -> dict[str, Attribute]:
    """The properties that ops of `cls` carry when nothing is asked for."""
    known = _DEFAULTS.get(cls)
    if known is None:
        properties = cls.get_irdl_definition().properties  # type: ignore[attr-defined]
        known = {}
        if "fastmath" in properties:
            known["fastmath"] = _FAST
        if "overflowFlags" in properties:
            known["overflowFlags"] = _OVERFLOW
        _DEFAULTS[cls] = known
    return known


def dims_attribute(dims: Sequence[Size]) -> dict[str, Attribute]:
    """`irc.dims` for an op whose memref has these sizes; nothing when all are known."""
    named = tuple(d for d in dims if isinstance(d, Poly))
    return {DIMS: DimsAttr(named)} if named else {}


def _offset_layout(shape: Sequence[int]) -> StridedLayoutAttr:
    strides: list[int | None] = [1] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        inner, size = strides[k + 1], shape[k + 1]
        strides[k] = None if inner is None or size == DYNAMIC else inner * size
    return StridedLayoutAttr(strides, None)


_FOLD: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
    arith.DivUIOp: lambda a, b: a // b,
    arith.FloorDivSIOp: lambda a, b: a // b,
    arith.RemUIOp: lambda a, b: a % b,
}
