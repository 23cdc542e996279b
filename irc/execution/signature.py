"""What a function of the IR takes and gives, at any level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IndexType,
    IntegerType,
    MemRefType,
    Signedness,
    StringAttr,
    TensorType,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument

from irc.abi import (
    AbiError,
    Dim,
    FunctionSpec,
    ParamSpec,
    ResultSpec,
    binding_plan,
    function_from_json,
)
from irc.dialects.nd.types import DimsAttr
from irc.errors import ArgumentError, ShapeError
from irc.sizes import parse

SIGNATURE = "irc.signature"
SIZES = "irc.sizes"
ARENA = "irc.arena"
KIND = "irc.kind"  # of an argument below `bufferize`: size, in, out, arena
DIMS = "irc.dims"  # sizes of an argument whose memref has some `?`


@dataclass(frozen=True)
class Signature:
    """
    How to call a function.

    spec        sizes, parameters and results, from the front end or made up from the types
    declared    whether the front end wrote it
    sizes       names of the leading index arguments
    in_memory   operands are buffers; those of the results follow those of the parameters
    in_place    nothing tells parameters from results: every buffer is both
    arena       bytes of workspace as a polynomial, None when there is no such argument
    """

    spec: FunctionSpec
    declared: bool
    sizes: tuple[str, ...]
    in_memory: bool
    in_place: bool
    arena: str | None


def signature_of(function: FuncOp, declared: FunctionSpec | None = None) -> Signature:
    """
    Reads the function's attributes and types.

    declared   what a level above knew, for functions that do not carry `irc.signature`

    Raises AbiError when `irc.signature` is damaged.
    """
    args = list(function.body.block.args)
    indices = _leading(args)
    in_memory = any(isinstance(a.type, MemRefType) for a in args)
    arena = function.attributes.get(ARENA)
    arena_text = arena.data if isinstance(arena, StringAttr) else None
    given = function.attributes.get(SIGNATURE)
    if isinstance(given, StringAttr):
        spec = function_from_json(given.data)
        return Signature(spec, True, spec.sizes[: len(indices)], in_memory, False, arena_text)
    sizes = _size_names(function, indices)
    rest = args[len(indices) : len(args) - (arena_text is not None)]
    if declared is not None:
        if not set(sizes) <= set(declared.sizes):
            sizes = declared.sizes[: len(indices)]
        return Signature(declared, False, sizes, in_memory, False, arena_text)
    known = _argument_attributes(function)
    params, results = [], []
    for a in rest:
        name, attrs = _name(a), known[a.index]
        kind = attrs.get(KIND)
        if kind == StringAttr("out"):
            results.append(ResultSpec(name, *_type(a.type, name, attrs.get(DIMS))))
        else:
            params.append(ParamSpec(name, *_type(a.type, name, attrs.get(DIMS))))
    for k, t in enumerate(function.function_type.outputs.data):
        results.append(ResultSpec(None, *_type(t, f"result{k}", None)))
    in_place = in_memory and not any(KIND in attrs for attrs in known)
    if in_place:
        results += [ResultSpec(p.name, p.dtype, p.dims) for p in params]
    symbols = {s for p in params for d in p.dims for s in parse(str(d)).symbols()}
    spec = FunctionSpec(
        function.sym_name.data,
        sizes=(*sizes, *sorted(symbols.difference(sizes))),
        params=tuple(params),
        results=tuple(results),
    )
    return Signature(spec, False, sizes, in_memory, in_place, arena_text)


def _leading(args: Sequence[BlockArgument]) -> list[BlockArgument]:
    count = 0
    while count < len(args) and isinstance(args[count].type, IndexType):
        count += 1
    return list(args[:count])


def _size_names(function: FuncOp, indices: Sequence[BlockArgument]) -> tuple[str, ...]:
    named = function.attributes.get(SIZES)
    if isinstance(named, ArrayAttr):
        return tuple(n.data for n in named.data if isinstance(n, StringAttr))
    return tuple(_name(a) for a in indices)


def _name(value: BlockArgument) -> str:
    return value.name_hint or f"arg{value.index}"


def _argument_attributes(function: FuncOp) -> list[Mapping[str, Attribute]]:
    """The attributes of each argument; those added since the list was written have none."""
    count = len(function.body.block.args)
    written = function.arg_attrs.data if function.arg_attrs is not None else ()
    known: list[Mapping[str, Attribute]] = [
        d.data for d in written if isinstance(d, DictionaryAttr)
    ]
    return [*known, *[{} for _ in range(count - len(known))]]


def _type(t: Attribute, name: str, named: Attribute | None) -> tuple[str, tuple[Dim, ...]]:
    """Dtype and sizes of a type; an unnamed `?` gets a name of its own."""
    if not isinstance(t, TensorType | MemRefType):
        return _dtype_name(t), ()
    encoding = named if named is not None else getattr(t, "encoding", None)
    names = iter(encoding.data if isinstance(encoding, DimsAttr) else ())
    dims: list[Dim] = []
    for axis, n in enumerate(t.get_shape()):
        size = str(next(names, "?")) if n < 0 else n
        dims.append(f"{name}_{axis}" if size == "?" else size)
    return _dtype_name(t.element_type), tuple(dims)


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
