"""What a function of the IR takes and gives, at any level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import (
    ArrayAttr,
    IndexType,
    IntegerType,
    MemRefType,
    Signedness,
    StringAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, SSAValue

from irc.abi import (
    AbiError,
    Dim,
    FunctionSpec,
    ParamSpec,
    ResultSpec,
    binding_plan,
    function_from_json,
)
from irc.dialects.nd.types import DimsAttr, shape_dims
from irc.errors import ArgumentError, ShapeError
from irc.execution.values import element_type
from irc.sizes import parse

SIGNATURE = "irc.signature"
SIZES = "irc.sizes"
ARENA = "irc.arena"


@dataclass(frozen=True)
class Signature:
    """
    How to call a function.

    spec        sizes, parameters and results, from the front end or made up from the types
    declared    whether the front end wrote it
    sizes       names of the leading index arguments
    in_memory   operands are buffers: the results come last among them, the arena after those
    arena       bytes of workspace as a polynomial, None when there is no such argument
    """

    spec: FunctionSpec
    declared: bool
    sizes: tuple[str, ...]
    in_memory: bool
    arena: str | None


def signature_of(function: FuncOp) -> Signature:
    """Raises AbiError when the function's `irc.signature` is damaged."""
    args = list(function.body.block.args)
    indices = _leading(args)
    in_memory = any(isinstance(a.type, MemRefType) for a in args)
    arena = function.attributes.get(ARENA)
    text = arena.data if isinstance(arena, StringAttr) else None
    given = function.attributes.get(SIGNATURE)
    if isinstance(given, StringAttr):
        spec = function_from_json(given.data)
        return Signature(spec, True, tuple(spec.sizes[: len(indices)]), in_memory, text)
    names = _size_names(function, indices)
    rest = args[len(indices) : len(args) - (text is not None)]
    params = [ParamSpec(_name(a, k), *_type(a.type, _name(a, k))) for k, a in enumerate(rest)]
    results = [
        ResultSpec(None, *_type(t, f"result{k}"))
        for k, t in enumerate(function.function_type.outputs.data)
    ]
    if in_memory:
        results += [ResultSpec(p.name, p.dtype, p.dims) for p in params]
    symbols = {s for p in params for d in p.dims for s in parse(str(d)).symbols()}
    sizes = (*names, *sorted(symbols.difference(names)))
    spec = FunctionSpec(function.sym_name.data, "", sizes, tuple(params), tuple(results))
    return Signature(spec, False, names, in_memory, text)


def _leading(args: Sequence[SSAValue]) -> list[SSAValue]:
    count = 0
    while count < len(args) and isinstance(args[count].type, IndexType):
        count += 1
    return list(args[:count])


def _size_names(function: FuncOp, indices: Sequence[SSAValue]) -> tuple[str, ...]:
    named = function.attributes.get(SIZES)
    if isinstance(named, ArrayAttr):
        return tuple(n.data for n in named.data if isinstance(n, StringAttr))
    return tuple(_name(a, k) for k, a in enumerate(indices))


def _name(value: SSAValue, number: int) -> str:
    return value.name_hint or f"arg{number}"


def _type(t: Attribute, name: str) -> tuple[str, tuple[Dim, ...]]:
    """Dtype and sizes of a type; an unnamed `?` gets a name of its own."""
    dims: list[Dim] = []
    if isinstance(t, TensorType | MemRefType):
        encoding = getattr(t, "encoding", None)
        named = iter(shape_dims(t)) if isinstance(encoding, DimsAttr) else None
        for axis, n in enumerate(t.get_shape()):
            size = next(named) if named else n
            unknown = isinstance(size, int) and size < 0 or str(size) == "?"
            dims.append(f"{name}_{axis}" if unknown else size if type(size) is int else str(size))
    return _dtype_name(element_type(t)), tuple(dims)


def _dtype_name(t: Attribute) -> str:
    if isinstance(t, IndexType):
        return "i64"
    if isinstance(t, IntegerType):
        bits = t.width.data
        sign = "u" if t.signedness.data is Signedness.UNSIGNED else "i"
        return "bool" if bits == 1 else f"{sign}{bits}"
    return t.name


def bind_sizes(spec: FunctionSpec, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """
    The sizes of a call from the shapes of its arguments, every axis checked.

    Raises ShapeError naming the argument that does not fit, and ArgumentError when a size
    follows from no argument.
    """
    for p, shape in zip(spec.params, shapes, strict=True):
        if len(shape) != p.rank:
            raise ShapeError(f"argument `{p.name}` is {p.type}, got rank {len(shape)}")
    sizes: dict[str, int] = {}
    try:
        plan = binding_plan(spec)
    except AbiError as error:
        raise ArgumentError(str(error)) from None
    for b in plan:
        size = shapes[b.param][b.axis]
        factor, offset = b.factor.evaluate(sizes), b.offset.evaluate(sizes)
        sizes[b.symbol] = (size - offset) // factor if factor else 0
    for p, shape in zip(spec.params, shapes, strict=True):
        wanted = evaluate_dims(p.dims, sizes)
        if wanted != shape:
            where = "".join(f", {s} = {n}" for s, n in sizes.items())
            raise ShapeError(f"argument `{p.name}` is {p.type}{where}, got shape {list(shape)}")
    return sizes


def evaluate_dims(dims: Sequence[Dim], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape for given sizes."""
    return tuple(d if isinstance(d, int) else parse(d).evaluate(sizes) for d in dims)
