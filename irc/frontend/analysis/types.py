"""Declared types: what the source says, and values made to fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from irc.abi import Dim
from irc.diagnostics import Label, Span
from irc.dtypes import DTYPES, UNSUPPORTED, DType
from irc.frontend import tree
from irc.frontend.analysis import constants
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem, guesses, problem
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Origin,
    Record,
    Tensor,
    TupleOf,
    Value,
    renamed,
    type_text,
    with_origin,
)
from irc.sizes import Poly, Size, size, var

MAX_RANK = 32
MAX_ELEMENTS = 2**60
MAX_ELEMENT_TERMS = 1000  # terms of the polynomial that counts the elements of a tensor

if TYPE_CHECKING:
    from irc.frontend.analysis.modules import ModuleScope


@dataclass(frozen=True, slots=True)
class TensorType:
    """
    A tensor type of the source.

    dtype    None for `_`
    dims     sizes in the symbols of the declaration; None in the place of `...`
    spelled  the text of each size
    text     the whole type as written: `f32[n, D]`
    """

    dtype: DType | None
    dims: tuple[Size | None, ...]
    spelled: tuple[str, ...]
    text: str
    span: Span

    @property
    def fixed(self) -> bool:
        """Whether rank and dtype are known."""
        return self.dtype is not None and None not in self.dims

    def names(self) -> list[str]:
        """Its symbolic sizes in order."""
        polys = [d for d in self.dims if isinstance(d, Poly)]
        return list(dict.fromkeys(name for p in polys for name in sorted(p.symbols())))

    def described(self, sizes: Mapping[str, Poly]) -> str:
        """With constants and known sizes filled in: `f32[n, 784]`."""
        parts = ["..." if d is None else str(put(d, sizes)) for d in self.dims]
        name = self.dtype.name if self.dtype else "_"
        return f"{name}[{', '.join(parts)}]" if parts else name


@dataclass(frozen=True, slots=True)
class RecordType:
    """The type of a record of states: `like net`."""

    name: str
    fields: Mapping[str, TensorType]
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class TupleType:
    """Several results; a single named one is a tuple of one part."""

    names: tuple[str | None, ...]
    parts: tuple[Declared, ...]
    text: str
    span: Span


Declared = TensorType | RecordType | TupleType


def put(value: Size, sizes: Mapping[str, Size]) -> Size:
    """The size with symbols replaced."""
    return value if isinstance(value, int) else size(value.substitute(sizes))


def dim(value: Size) -> Dim:
    """As abi.py writes it."""
    return value if isinstance(value, int) else str(value)


# ---- reading types


class TypeReader:
    """
    Reads the types of one declaration in the names of `module`.

    Each `_` among sizes gets a name of its own: `_1`, `_2`, ...
    """

    def __init__(self, module: ModuleScope) -> None:
        self.module = module
        self._unnamed = 0
        self.uses: list[tuple[str, Span]] = []  # where symbolic sizes are written

    def read(self, node: tree.Type) -> Declared:
        """Raises Problem for unknown names and for sizes that are none."""
        match node:
            case tree.ScalarType(name=name):
                dtype = self.module.dtype(name, node.span)
                return TensorType(dtype, (), (), self.module.text_of(node.span), node.span)
            case tree.TensorType(dtype=name, dims=dims):
                return self._tensor(node, name, dims)
            case tree.LikeType(name=name):
                return self.module.like(name)
            case tree.TupleType(results=results):
                names = tuple(r.name.name if r.name else None for r in results)
                parts = tuple(self.read(r.type) for r in results)
                return TupleType(names, parts, self.module.text_of(node.span), node.span)
        raise AssertionError(node)

    def _tensor(
        self, node: tree.TensorType, name: tree.Ident, dims: Sequence[tree.Expr | tree.AnyDims]
    ) -> TensorType:
        dtype = None if name.name == "_" else self.module.dtype(name.name, name.span)
        open_ends = [d for d in dims if isinstance(d, tree.AnyDims)]
        if len(open_ends) > 1:
            raise problem(
                "E0211", "`...` stands twice in one type", open_ends[1].span, "only one may"
            )
        sizes = tuple(None if isinstance(d, tree.AnyDims) else self.size(d) for d in dims)
        self._check_extent(node, sizes)
        spelled = tuple(self.module.text_of(d.span) for d in dims)
        return TensorType(dtype, sizes, spelled, self.module.text_of(node.span), node.span)

    def _check_extent(self, node: tree.TensorType, sizes: Sequence[Size | None]) -> None:
        """The number of elements is a polynomial too, which must stay small enough to handle."""
        if len(sizes) > MAX_RANK:
            raise problem(
                "E0211", f"a tensor has at most {MAX_RANK} dimensions", node.span,
                f"these are {len(sizes)}",
            )  # fmt: skip
        if prod(d for d in sizes if isinstance(d, int)) > MAX_ELEMENTS:
            raise problem(
                "E0211", "no memory can hold a tensor of this type", node.span,
                "more than 2**60 elements",
            )  # fmt: skip
        if prod(len(d.terms) for d in sizes if isinstance(d, Poly)) > MAX_ELEMENT_TERMS:
            raise problem(
                "E0211", "this shape is too large to reason about", node.span,
                "its number of elements has too many terms",
            )  # fmt: skip

    def size(self, node: tree.Expr) -> Size:
        """One size of a type: a polynomial in constants and symbols."""
        value = constants.size(node, self._name)
        if value is None:
            raise problem(
                "E0211",
                "this is not a size",
                node.span,
                "a size is made of names and integers with + - * // and **",
            )
        k = value.constant
        if k is not None and k < 0:
            raise problem("E0211", f"the size {k} is negative", node.span, "sizes are 0 or more")
        return size(value)

    def _name(self, node: tree.Name) -> Poly | None:
        if node.name == "_":
            self._unnamed += 1
            return var(f"_{self._unnamed}")
        known = self.module.size_constant(node)
        if known is None:
            self.uses.append((node.name, node.span))
            return var(node.name)
        return known


def dtype_named(name: str, span: Span, aliases: Mapping[str, object]) -> DType:
    """The dtype of that name. Raises Problem for an unknown one."""
    dtype = DTYPES.get(name)
    if dtype is not None:
        return dtype
    if name in UNSUPPORTED:
        raise problem(
            "E0901",
            f"dtype `{name}` is not supported yet",
            span,
            "not supported",
            helps=["dtypes are " + ", ".join(DTYPES)],
        )
    raise problem(
        "E0118",
        f"no type named `{name}`",
        span,
        "not found",
        helps=guesses(name, [*DTYPES, *aliases]) or ["dtypes are " + ", ".join(DTYPES)],
    )


# ---- values that fit


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a value meets a declared type, for messages.

    what       "argument `x` of `f`", "result", "`h`"
    span       of the value
    declared   label at the declaration, if it stands elsewhere
    """

    what: str
    span: Span
    declared: Label | None = None


def fit(
    env: Env, value: Value, declared: Declared, sizes: Mapping[str, Size], place: Place
) -> Value:
    """
    The value with the declared type, sizes being those that `sizes` puts in.

    Open values get the declared dtype. Raises E0203 when the value has another type.
    """
    match declared:
        case TensorType():
            return fit_tensor(env, value, declared, sizes, place)
        case RecordType():
            return _fit_record(env, value, declared, sizes, place)
        case TupleType():
            return _fit_tuple(env, value, declared, sizes, place)


def fit_tensor(
    env: Env, value: Value, declared: TensorType, sizes: Mapping[str, Size], place: Place
) -> Tensor:
    """`fit` for a tensor type."""
    x = fit_dtype(env, value, declared, place)
    pairs = match_dims(env, x, declared, place)
    target = list(x.dims)
    for axis, wanted in pairs:
        target[axis] = put(wanted, sizes)
        if not env.same_size(x.dims[axis], target[axis]):
            raise wrong_size(env, x, declared, axis, target[axis], place)
    return env.fitted(x, target)


def fit_dtype(env: Env, value: Value, declared: TensorType, place: Place) -> Tensor:
    """The value in the IR with the declared dtype."""
    if not isinstance(value, NUMERIC):
        raise _not_a_tensor(env, value, declared, place)
    check_literal(env, value, declared.dtype, place)
    with env.at(place.span):
        x = env.tensor(value, declared.dtype)
    if declared.dtype is not None and x.dtype is not declared.dtype:
        raise env.error(
            "E0304",
            f"{place.what} is {x.dtype}, declared as {declared.dtype}",
            place.span,
            f"this is {x.type}",
            labels=[place.declared],
            notes=_how(x),
            helps=[f"convert explicitly: `{declared.dtype}({_text(env, place.span)})`"],
        )
    return x


def check_literal(env: Env, value: Value, dtype: DType | None, place: Place) -> None:
    """Raises E0304 when a number without a dtype is none of `dtype`."""
    if dtype is None or not isinstance(value, Number):
        return
    number = value.value
    if isinstance(number, bool):
        fits = dtype.kind == "bool"
    elif dtype.kind == "bool":
        fits = False
    elif dtype.is_integer:
        fits = number == number // 1 and dtype.min <= number <= dtype.max
        fits = fits and isinstance(number, int)
    else:
        fits = True
    if not fits:
        raise env.error(
            "E0304",
            f"{value.type} is not a value of {dtype}",
            place.span,
            f"{place.what} is {dtype}",
            labels=[place.declared],
        )


def match_dims(env: Env, x: Tensor, declared: TensorType, place: Place) -> list[tuple[int, Size]]:
    """Axis of `x` and declared size, for the sizes that are declared. Raises E0203 for the rank."""
    if None not in declared.dims:
        if len(declared.dims) != x.rank:
            raise _wrong_rank(env, x, declared, place)
        return [(i, d) for i, d in enumerate(declared.dims) if d is not None]
    split = declared.dims.index(None)
    after = len(declared.dims) - split - 1
    if x.rank < split + after:
        raise _wrong_rank(env, x, declared, place)
    head = list(enumerate(declared.dims[:split]))
    tail = [(x.rank - after + i, d) for i, d in enumerate(declared.dims[split + 1 :])]
    return [(i, d) for i, d in (*head, *tail) if d is not None]


def wrong_size(
    env: Env, x: Tensor, declared: TensorType, axis: int, wanted: Size, place: Place
) -> Problem:
    """One axis has another size than declared, or the two cannot be compared."""
    got = x.dims[axis]
    spelled = _spelled(declared, axis, x.rank)
    want = f"{spelled} = {wanted}" if spelled and spelled != str(wanted) else str(wanted)
    title = f"{place.what} has the wrong shape: dimension {axis} is {got}, not {want}"
    text = f"this is {x.type}, expected {declared.described({})}"
    notes, helps = _how(x), []
    if not env.facts.differ(got, wanted):
        title = f"{place.what}: cannot prove that dimension {axis} is {want}, it is {got}"
        notes = [*notes, f"nothing says that {got} and {wanted} are equal"]
        helps = ["if they must be equal, use one name for both"]
        if isinstance(got, Poly) and isinstance(wanted, Poly):
            helps.append(f"or check it before: `assert {got} == {wanted}`")
    return env.error(
        "E0203", title, place.span, text, labels=_labels(x, place), notes=notes, helps=helps
    )


def _wrong_rank(env: Env, x: Tensor, declared: TensorType, place: Place) -> Problem:
    wanted = declared.described({})
    rank = len([d for d in declared.dims if d is not None])
    least = "at least " if None in declared.dims else ""
    return env.error(
        "E0203",
        f"{place.what} has rank {x.rank}, expected rank {least}{rank}",
        place.span,
        f"this is {x.type}, expected {wanted}",
        labels=_labels(x, place),
        notes=_how(x),
    )


def _not_a_tensor(env: Env, value: Value, declared: TensorType, place: Place) -> Problem:
    helps = []
    if isinstance(value, Record) and value.fields:
        field = next(iter(value.fields))
        helps = [f"take one of its fields: `{_text(env, place.span)}.{field}`"]
    return env.error(
        "E0203",
        f"{place.what} is a {value.type}, expected {declared.described({})}",
        place.span,
        "not a tensor",
        labels=[place.declared],
        helps=helps,
    )


def _fit_record(
    env: Env, value: Value, declared: RecordType, sizes: Mapping[str, Size], place: Place
) -> Record:
    if not isinstance(value, Record):
        raise env.error(
            "E0203",
            f"{place.what} is {value.type}, expected a record like `{declared.name}`",
            place.span,
            "not a record",
            labels=[place.declared],
        )
    if set(value.fields) != set(declared.fields):
        missing = sorted(set(declared.fields) ^ set(value.fields))
        raise env.error(
            "E0503",
            f"{place.what} has other fields than `{declared.name}`",
            place.span,
            f"they differ in `{missing[0]}`",
            labels=[place.declared],
        )
    fields = {
        name: fit_tensor(
            env, value.fields[name], wanted, sizes,
            Place(f"field `{name}` of {place.what}", place.span, place.declared),
        )
        for name, wanted in declared.fields.items()
    }  # fmt: skip
    return Record(declared.name, fields, value.origin)


def _fit_tuple(
    env: Env, value: Value, declared: TupleType, sizes: Mapping[str, Size], place: Place
) -> Value:
    if len(declared.parts) == 1:
        return fit(env, value, declared.parts[0], sizes, place)
    count = len(value.items) if isinstance(value, TupleOf) else 1
    if not isinstance(value, TupleOf) or count != len(declared.parts):
        raise env.error(
            "E0115",
            f"{place.what}: {len(declared.parts)} values are declared, {count} given",
            place.span,
            f"expected {declared.text}",
            labels=[place.declared],
        )
    parts = tuple(
        fit(env, item, part, sizes, Place(f"part {i} of {place.what}", place.span, place.declared))
        for i, (item, part) in enumerate(zip(value.items, declared.parts, strict=True))
    )
    return TupleOf(parts, declared.names, value.origin)


def _labels(x: Tensor, place: Place) -> Iterator[Label | None]:
    yield place.declared
    origin = x.origin
    if origin.span and origin.span != place.span and origin.declared:
        yield origin.label(f"`{origin.name}` is {x.type}, declared here")


def _how(x: Tensor) -> list[str]:
    name, how = x.origin.name, x.origin.how
    return [f"`{name}` is {x.type}: {how}"] if name and how else []


def _spelled(declared: TensorType, axis: int, rank: int) -> str:
    if None in declared.dims and axis >= declared.dims.index(None):
        axis += len(declared.dims) - rank
    return declared.spelled[axis] if 0 <= axis < len(declared.spelled) else ""


def _text(env: Env, span: Span) -> str:
    return env.frame.module.text_of(span) or "x"


def known_as(value: Value, name: str, span: Span, spelled: tuple[str, ...], kind: str) -> Value:
    """A declared value under its declared name: parameters, states, typed `let`."""
    if isinstance(value, Record):
        return renamed(value, name, span)
    return with_origin(value, Origin(name, span, kind, dims=spelled))  # type: ignore[arg-type]


__all__ = [
    "Declared", "Place", "RecordType", "TensorType", "TupleType", "TypeReader", "check_literal",
    "dim", "dtype_named", "fit", "fit_dtype", "fit_tensor", "known_as", "match_dims", "put",
    "type_text", "wrong_size",
]  # fmt: skip
