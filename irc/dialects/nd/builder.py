"""
Builds `nd` ops with their result types worked out.

The front ends, the derivative rules and the passes all write through a `Builder`. It never
guesses: shapes and dtypes of operands must fit already; `ShapeMismatch` says which do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.builder import InsertPoint
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    LocationAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from irc import sizes
from irc.dialects.nd.arrays import rounded
from irc.dialects.nd.contraction import DotOp, dot_dims
from irc.dialects.nd.control import GradOp, IfOp, JvpOp, StopGradientOp, YieldOp
from irc.dialects.nd.convolution_builder import ConvolutionBuilder
from irc.dialects.nd.effects import (
    AssertOp,
    PrintOp,
    StateReadOp,
    StateWriteOp,
)
from irc.dialects.nd.foreign import ExternMapOp, ExternOp
from irc.dialects.nd.indexing import GatherOp, ScatterKind, ScatterOp
from irc.dialects.nd.linear_builder import LinearBuilder
from irc.dialects.nd.ordered import ArgsortOp, CumulativeKind, CumulativeOp
from irc.dialects.nd.reduction import REDUCE_OPS, ArgmaxOp, ArgminOp
from irc.dialects.nd.scalar import ELEMENTWISE, result_type
from irc.dialects.nd.sources import ConstantOp, FullOp, IotaOp, PhiloxOp, SizeOp
from irc.dialects.nd.structure import (
    BroadcastOp,
    CastOp,
    ConcatOp,
    InsertSliceOp,
    ReshapeOp,
    SliceOp,
    TransposeOp,
    WhereOp,
    ints,
    offsets,
)
from irc.dialects.nd.types import DimsAttr, dims_of, dtype_of, element, rank_of, tensor
from irc.dtypes import I32, I64, U32, DType
from irc.sizes import Size

Axes = Sequence[int]
_UNKNOWN = UnknownLoc()


class Builder(ConvolutionBuilder, LinearBuilder):
    """Writes ops at `point`, each with `location`."""

    def __init__(self, point: InsertPoint | Block, location: LocationAttr = _UNKNOWN) -> None:
        self.point = InsertPoint.at_end(point) if isinstance(point, Block) else point
        self.location = location

    def insert(self, op: Operation) -> Operation:
        """Puts `op` at the insertion point."""
        op.location = self.location
        before = self.point.insert_before
        if before is None:
            self.point.block.add_op(op)
        else:
            self.point.block.insert_op_before(op, before)
        return op

    def _value(self, op: Operation) -> SSAValue:
        return self.insert(op).results[0]

    # -- elementwise

    def scalar(self, name: str, *operands: SSAValue) -> SSAValue:
        """The elementwise function called `name` in `SCALARS`."""
        cls = ELEMENTWISE[name]
        result = result_type(cls.SCALAR, operands[0].type)
        return self._value(cls.create(operands=operands, result_types=[result]))

    def neg(self, x: SSAValue) -> SSAValue:
        return self.scalar("neg", x)

    def sign(self, x: SSAValue) -> SSAValue:
        return self.scalar("sign", x)

    def square(self, x: SSAValue) -> SSAValue:
        return self.scalar("square", x)

    def sqrt(self, x: SSAValue) -> SSAValue:
        return self.scalar("sqrt", x)

    def exp(self, x: SSAValue) -> SSAValue:
        return self.scalar("exp", x)

    def log(self, x: SSAValue) -> SSAValue:
        return self.scalar("log", x)

    def sin(self, x: SSAValue) -> SSAValue:
        return self.scalar("sin", x)

    def cos(self, x: SSAValue) -> SSAValue:
        return self.scalar("cos", x)

    def sinh(self, x: SSAValue) -> SSAValue:
        return self.scalar("sinh", x)

    def cosh(self, x: SSAValue) -> SSAValue:
        return self.scalar("cosh", x)

    def sigmoid(self, x: SSAValue) -> SSAValue:
        return self.scalar("sigmoid", x)

    def add(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("add", x, y)

    def sub(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("sub", x, y)

    def mul(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("mul", x, y)

    def div(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("div", x, y)

    def floordiv(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("floordiv", x, y)

    def pow(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("pow", x, y)

    def eq(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.scalar("eq", x, y)

    def where(self, cond: SSAValue, x: SSAValue, y: SSAValue) -> SSAValue:
        return self._value(WhereOp.create(operands=[cond, x, y], result_types=[x.type]))

    def cast(self, x: SSAValue, dtype: DType) -> SSAValue:
        """`x` in `dtype`; x itself when it is that already."""
        if dtype_of(x) is dtype:
            return x
        return self._value(CastOp.create(operands=[x], result_types=[tensor(dtype, dims_of(x))]))

    def stop_gradient(self, x: SSAValue) -> SSAValue:
        return self._value(StopGradientOp.create(operands=[x], result_types=[x.type]))

    # -- sources

    def full(self, dims: Sequence[Size], dtype: DType, value: float | int | bool) -> SSAValue:
        """A tensor of `value`, which is rounded or wrapped to `dtype`."""
        return self._value(
            FullOp.create(
                result_types=[tensor(dtype, dims)], properties={"value": number(value, dtype)}
            )
        )

    def like(self, x: SSAValue, value: float | int | bool) -> SSAValue:
        """A tensor of `value` with the type of `x`."""
        return self.full(dims_of(x), dtype_of(x), value)

    def constant(self, values: np.ndarray, dtype: DType) -> SSAValue:
        """A tensor of given numbers; bf16 from float32."""
        values = np.asarray(values)
        type_ = tensor(dtype, values.shape)
        flat = values.reshape(-1).tolist()
        if dtype.is_float:
            numbers = [float(v) for v in flat]
            attr: Attribute = DenseIntOrFPElementsAttr.from_list(type_, numbers)  # type: ignore[type-var]
        else:
            signless = IntegerType(dtype.bits)
            as_signless = TensorType(signless, type_.get_shape())
            wrapped = [wrap(int(v), dtype.bits) for v in flat]
            attr = DenseIntOrFPElementsAttr.from_list(as_signless, wrapped)
        return self._value(ConstantOp.create(result_types=[type_], properties={"value": attr}))

    def iota(self, dims: Sequence[Size], dtype: DType, axis: int) -> SSAValue:
        return self._value(
            IotaOp.create(
                result_types=[tensor(dtype, dims)],
                properties={"axis": IntegerAttr(axis, _I64)},
            )
        )

    def size(self, value: Size, dtype: DType = I64) -> SSAValue:
        """A size as a scalar."""
        if isinstance(value, int):
            return self.full((), dtype, value)
        return self._value(
            SizeOp.create(result_types=[tensor(dtype)], properties={"poly": StringAttr(str(value))})
        )

    def philox(
        self,
        seed: SSAValue,
        counter: SSAValue,
        site: int,
        dims: Sequence[Size],
        offset: SSAValue | None = None,
    ) -> SSAValue:
        """Random bits; `offset`, an i64 scalar, is the place of the first in a larger draw."""
        return self._value(
            PhiloxOp.create(
                operands=[seed, counter] if offset is None else [seed, counter, offset],
                result_types=[tensor(U32, dims)],
                properties={"site": IntegerAttr(site, _I64)},
            )
        )

    def linear_index(self, dims: Sequence[Size], dtype: DType = I64) -> SSAValue:
        """Each element's place in row-major order."""
        return self.reshape(self.iota([sizes.product(dims)], dtype, 0), dims)

    # -- structure

    def broadcast(self, x: SSAValue, axes: Axes, dims: Sequence[Size]) -> SSAValue:
        """`x` with axis i at `axes[i]` of shape `dims`; x itself when nothing changes."""
        if tuple(dims) == dims_of(x):
            return x
        return self._value(
            BroadcastOp.create(
                operands=[x],
                result_types=[tensor(dtype_of(x), dims)],
                properties={"dims": ints(axes)},
            )
        )

    def reshape(self, x: SSAValue, dims: Sequence[Size]) -> SSAValue:
        dims = tuple(sizes.size(d) for d in dims)
        if dims == dims_of(x):
            return x
        return self._value(ReshapeOp.create(operands=[x], result_types=[tensor(dtype_of(x), dims)]))

    def transpose(self, x: SSAValue, perm: Axes) -> SSAValue:
        if list(perm) == list(range(rank_of(x))):
            return x
        source = dims_of(x)
        return self._value(
            TransposeOp.create(
                operands=[x],
                result_types=[tensor(dtype_of(x), [source[p] for p in perm])],
                properties={"perm": ints(perm)},
            )
        )

    def slice(
        self,
        x: SSAValue,
        dims: Sequence[Size],
        at: Sequence[Size],
        steps: Axes,
        starts: Sequence[SSAValue] = (),
    ) -> SSAValue:
        """A window of shape `dims`; offsets `at` as in WindowOp."""
        return self._value(
            SliceOp.create(
                operands=[x, *starts],
                result_types=[tensor(dtype_of(x), dims)],
                properties={"offsets": offsets(at), "steps": ints(steps)},
            )
        )

    def insert_slice(
        self,
        x: SSAValue,
        value: SSAValue,
        at: Sequence[Size],
        steps: Axes,
        starts: Sequence[SSAValue] = (),
    ) -> SSAValue:
        """`x` with the window replaced by `value`."""
        return self._value(
            InsertSliceOp.create(
                operands=[x, value, *starts],
                result_types=[x.type],
                properties={"offsets": offsets(at), "steps": ints(steps)},
            )
        )

    def concat(self, parts: Sequence[SSAValue], axis: int) -> SSAValue:
        if len(parts) == 1:
            return parts[0]
        dims: list[Size] = list(dims_of(parts[0]))
        dims[axis] = sizes.size(sum((dims_of(p)[axis] for p in parts), sizes.const(0)))
        return self._value(
            ConcatOp.create(
                operands=parts,
                result_types=[tensor(dtype_of(parts[0]), dims)],
                properties={"axis": IntegerAttr(axis, _I64)},
            )
        )

    # -- reductions and products

    def reduce(self, name: str, x: SSAValue, axes: Axes) -> SSAValue:
        """The reduction called `name` in `REDUCTIONS`; x itself for no axes."""
        if not axes:
            return x
        rest = [s for d, s in enumerate(dims_of(x)) if d not in axes]
        return self._value(
            REDUCE_OPS[name].create(
                operands=[x],
                result_types=[tensor(dtype_of(x), rest)],
                properties={"axes": ints(sorted(axes))},
            )
        )

    def sum(self, x: SSAValue, axes: Axes) -> SSAValue:
        return self.reduce("sum", x, axes)

    def prod(self, x: SSAValue, axes: Axes) -> SSAValue:
        return self.reduce("prod", x, axes)

    def argmax(
        self, x: SSAValue, axis: int, dtype: DType = I32, smallest: bool = False
    ) -> SSAValue:
        rest = [s for d, s in enumerate(dims_of(x)) if d != axis]
        cls = ArgminOp if smallest else ArgmaxOp
        return self._value(
            cls.create(
                operands=[x],
                result_types=[tensor(dtype, rest)],
                properties={"axis": IntegerAttr(axis, _I64)},
            )
        )

    def cumulative(
        self,
        kind: CumulativeKind,
        x: SSAValue,
        axis: int,
        reverse: bool = False,
        exclusive: bool = False,
    ) -> SSAValue:
        return self._value(
            CumulativeOp.create(
                operands=[x],
                result_types=[x.type],
                properties={
                    "kind": StringAttr(kind),
                    "axis": IntegerAttr(axis, _I64),
                    **_flag("reverse", reverse),
                    **_flag("exclusive", exclusive),
                },
            )
        )

    def argsort(
        self, x: SSAValue, axis: int, dtype: DType = I32, descending: bool = False
    ) -> SSAValue:
        return self._value(
            ArgsortOp.create(
                operands=[x],
                result_types=[tensor(dtype, dims_of(x))],
                properties={"axis": IntegerAttr(axis, _I64), **_flag("descending", descending)},
            )
        )

    def dot(
        self,
        x: SSAValue,
        y: SSAValue,
        batch: tuple[Axes, Axes],
        contract: tuple[Axes, Axes],
    ) -> SSAValue:
        dims = dot_dims(dims_of(x), dims_of(y), batch, contract)
        return self._value(
            DotOp.create(
                operands=[x, y],
                result_types=[tensor(dtype_of(x), dims)],
                properties={
                    "lhs_batch": ints(batch[0]),
                    "rhs_batch": ints(batch[1]),
                    "lhs_contract": ints(contract[0]),
                    "rhs_contract": ints(contract[1]),
                },
            )
        )

    # -- indexing

    def gather(
        self, x: SSAValue, indices: Sequence[SSAValue], axes: Axes, in_bounds: bool = False
    ) -> SSAValue:
        rest = [s for d, s in enumerate(dims_of(x)) if d not in axes]
        return self._value(
            GatherOp.create(
                operands=[x, *indices],
                result_types=[tensor(dtype_of(x), [*dims_of(indices[0]), *rest])],
                properties={"axes": ints(axes), **_flag("in_bounds", in_bounds)},
            )
        )

    def scatter(
        self,
        x: SSAValue,
        value: SSAValue,
        indices: Sequence[SSAValue],
        axes: Axes,
        kind: ScatterKind,
        in_bounds: bool = False,
    ) -> SSAValue:
        return self._value(
            ScatterOp.create(
                operands=[x, value, *indices],
                result_types=[x.type],
                properties={
                    "axes": ints(axes),
                    "kind": StringAttr(kind),
                    **_flag("in_bounds", in_bounds),
                },
            )
        )

    # -- control, derivatives, effects

    def if_(self, cond: SSAValue, then: Block, orelse: Block) -> list[SSAValue]:
        """Blocks end with a YieldOp each."""
        assert isinstance(end := then.last_op, YieldOp)
        types = [v.type for v in end.operands]
        op = self.insert(IfOp(cond, types, Region(then), Region(orelse)))  # type: ignore[arg-type]
        return list(op.results)

    def grad(
        self,
        cost: SSAValue,
        wrt: Sequence[SSAValue],
        consts: Sequence[SSAValue] = (),
        cotangent: SSAValue | None = None,
        disconnected: bool = False,
    ) -> list[SSAValue]:
        op = GradOp.build(
            operands=[cost, wrt, consts, [] if cotangent is None else [cotangent]],
            result_types=[[x.type for x in wrt]],
            properties=_flag("disconnected", disconnected),
        )
        return list(self.insert(op).results)

    # -- functions of other libraries

    def extern_map(
        self,
        symbol: str,
        library: str,
        xs: Sequence[SSAValue],
        dtype: DType,
        derivative: Block | None = None,
    ) -> SSAValue:
        """A function of numbers for each element; `derivative` ends with a YieldOp."""
        return self._value(
            ExternMapOp.create(
                operands=xs,
                result_types=[tensor(dtype, dims_of(xs[0]))],
                properties={"symbol": StringAttr(symbol), "library": StringAttr(library)},
                regions=[] if derivative is None else [Region(derivative)],
            )
        )

    def extern(
        self,
        symbol: str,
        library: str,
        known: Sequence[Size],
        xs: Sequence[SSAValue],
        types: Sequence[TensorType],
        derivative: Block | None = None,
    ) -> list[SSAValue]:
        """A function of whole arrays that is told the sizes `known` and gives `types`."""
        op = ExternOp.create(
            operands=xs,
            result_types=types,
            properties={
                "symbol": StringAttr(symbol),
                "library": StringAttr(library),
                "sizes": DimsAttr(tuple(map(sizes.poly, known))),
            },
            regions=[] if derivative is None else [Region(derivative)],
        )
        return list(self.insert(op).results)

    def jvp(
        self,
        y: SSAValue,
        wrt: Sequence[SSAValue],
        tangents: Sequence[SSAValue],
        consts: Sequence[SSAValue] = (),
        disconnected: bool = False,
    ) -> SSAValue:
        op = JvpOp.build(
            operands=[y, wrt, tangents, consts],
            result_types=[y.type],
            properties=_flag("disconnected", disconnected),
        )
        return self._value(op)

    def state_read(self, name: str, type_: TensorType) -> SSAValue:
        return self._value(
            StateReadOp.create(result_types=[type_], properties={"state": SymbolRefAttr(name)})
        )

    def state_write(self, name: str, value: SSAValue) -> None:
        self.insert(
            StateWriteOp.create(operands=[value], properties={"state": SymbolRefAttr(name)})
        )

    def assert_(
        self, ok: SSAValue, message: str, shown: Sequence[SSAValue] = (), kind: str = "assert"
    ) -> None:
        properties = {"kind": StringAttr(kind), "message": StringAttr(message)}
        self.insert(AssertOp.create(operands=[ok, *shown], properties=properties))

    def print_(self, message: str, shown: Sequence[SSAValue] = ()) -> None:
        self.insert(PrintOp.create(operands=shown, properties={"message": StringAttr(message)}))


_I64 = IntegerType(64)


def number(value: float | int | bool, dtype: DType) -> FloatAttr | IntegerAttr:
    """`value` as an attribute of `dtype`, rounded or wrapped to it."""
    # Text as key: -0.0 == 0.0, and NaN is not NaN.
    key = (repr(float(value)) if dtype.is_float else str(int(value)), dtype.name)
    known = _NUMBERS.get(key)
    if known is None:
        known = _NUMBERS[key] = _number(value, dtype)
    return known


def _number(value: float | int | bool, dtype: DType) -> FloatAttr | IntegerAttr:
    if dtype.is_float:
        nearest = float(rounded(np.asarray(value, dtype=np.float64), dtype))
        return FloatAttr(nearest, element(dtype))  # type: ignore[call-overload]
    return IntegerAttr(wrap(int(value), dtype.bits), IntegerType(dtype.bits))


_NUMBERS: dict[tuple[str, str], FloatAttr | IntegerAttr] = {}


def wrap(value: int, bits: int) -> int:
    """`value` modulo 2**bits in the signed range, as signless attributes are written."""
    if bits == 1:
        return int(bool(value))
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _flag(name: str, on: bool) -> dict[str, UnitAttr]:
    return {name: UnitAttr()} if on else {}
