"""Types of `nd`: builtin tensors whose unknown sizes have names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IntAttr,
    IntegerType,
    NoneAttr,
    Signedness,
    TensorType,
)
from xdsl.ir import Attribute, Data, SSAValue
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from irc import dtypes, sizes
from irc.dtypes import DType
from irc.sizes import Poly, Size

DYNAMIC = DYNAMIC_INDEX


@irdl_attr_definition
class DimsAttr(Data[tuple[Poly, ...]]):
    """
    `#nd.dims<"n", "2*n + 1">`: one polynomial for each `?` of a shape, in order.

    `"?"` stands for a size that nothing names; two such sizes are never known to be equal.
    """

    name = "nd.dims"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Poly, ...]:
        def one() -> Poly:
            at = parser.pos
            text = parser.parse_str_literal()
            try:
                return sizes.var("?") if text == "?" else sizes.parse(text)
            except ValueError as error:
                parser.raise_error(str(error), at)

        return tuple(parser.parse_comma_separated_list(parser.Delimiter.ANGLE, one))

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(self.data, lambda p: printer.print_string_literal(str(p)))


@irdl_attr_definition
class IntsAttr(Data[tuple[int, ...]]):
    """A list of axes or steps, printed `[0, 2]`."""

    name = "nd.ints"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[int, ...]:
        return tuple(
            parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        )

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_square_brackets():
            printer.print_list(self.data, printer.print_int)


_ELEMENTS: dict[str, Attribute] = {
    "bool": IntegerType(1),
    "f16": Float16Type(),
    "bf16": BFloat16Type(),
    "f32": Float32Type(),
    "f64": Float64Type(),
    **{f"i{w}": IntegerType(w) for w in (8, 16, 32, 64)},
    **{f"u{w}": IntegerType(w, Signedness.UNSIGNED) for w in (8, 16, 32, 64)},
}
_DTYPES: dict[Attribute, DType] = {t: dtypes.DTYPES[n] for n, t in _ELEMENTS.items()}
_TENSORS: dict[tuple[str, tuple[Size, ...]], TensorType] = {}
# Shapes and dtypes are asked for at every step; the key is the identity of a type kept alive here.
_SHAPES: dict[int, tuple[TensorType, DType, tuple[Size, ...]]] = {}


def element(dtype: DType) -> Attribute:
    """The element type of `dtype` at the nd level, where unsigned integers say so."""
    return _ELEMENTS[dtype.name]


def tensor(dtype: DType, dims: Iterable[Size] = ()) -> TensorType:
    """The tensor type with these sizes, one object for each."""
    key = (dtype.name, tuple(sizes.size(d) for d in dims))
    known = _TENSORS.get(key)
    if known is None:
        known = _TENSORS[key] = _make(_ELEMENTS[dtype.name], key[1])
        _SHAPES[id(known)] = (known, dtype, key[1])
    return known


def _make(element_type: Attribute, dims: Sequence[Size]) -> TensorType:
    shape = [IntAttr(d if isinstance(d, int) else DYNAMIC) for d in dims]
    named = tuple(d for d in dims if isinstance(d, Poly))
    return TensorType(element_type, shape, DimsAttr(named) if named else NoneAttr())


def with_element(dims: Sequence[Size], element_type: Attribute) -> TensorType:
    """A tensor of any element type (signless ones below nd, `index`), sizes as in `tensor`."""
    return _make(element_type, dims)


def dims_of(x: SSAValue | Attribute) -> tuple[Size, ...]:
    """The sizes of a tensor value or type: ints, and polynomials where they are symbolic."""
    return _entry(x)[2]


def dtype_of(x: SSAValue | Attribute) -> DType:
    """
    The dtype of a tensor value or type.

    Raises VerifyException for element types that irc does not have.
    """
    return _entry(x)[1]


def rank_of(x: SSAValue | Attribute) -> int:
    return len(_entry(x)[2])


def _entry(x: SSAValue | Attribute) -> tuple[TensorType, DType, tuple[Size, ...]]:
    t = x.type if isinstance(x, SSAValue) else x
    known = _SHAPES.get(id(t))
    if known is None:
        if not isinstance(t, TensorType):
            raise VerifyException(f"expected a tensor, got {t}")
        dtype = _DTYPES.get(t.element_type)
        if dtype is None:
            raise VerifyException(f"irc has no dtype {t.element_type}")
        known = _SHAPES[id(t)] = (t, dtype, shape_dims(t))
    return known


def shape_dims(t: Attribute) -> tuple[Size, ...]:
    """
    The sizes in a shaped type (tensor or memref) of any element type.

    Raises VerifyException when the encoding does not name each `?` once.
    """
    shape = [i.data for i in t.shape.data]  # type: ignore[attr-defined]
    encoding = getattr(t, "encoding", None)
    named = encoding.data if isinstance(encoding, DimsAttr) else ()
    unknown = sum(1 for d in shape if d == DYNAMIC)
    if not named and unknown:
        named = (sizes.var("?"),) * unknown
    if len(named) != unknown:
        raise VerifyException(f"{len(named)} sizes are named, the shape has {unknown} of `?`")
    names = iter(named)
    return tuple(next(names) if d == DYNAMIC else d for d in shape)


def type_text(x: SSAValue | Attribute) -> str:
    """The type as the language writes it: `f32[n, 784]`."""
    dims, name = dims_of(x), dtype_of(x).name
    return f"{name}[{', '.join(map(str, dims))}]" if dims else name
