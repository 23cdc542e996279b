"""
The calling convention of a compiled module, as data.

The front end writes a `ModuleSpec`, code generation makes the C doors from it, the module carries
it as JSON, and the loader reads it back. Nothing here knows IR, NumPy or C.

Sizes are ints, or texts in the normal form of `irc.sizes`: `n`, `2*n + 1`, `(n + 1)//2`.
Spans are texts `file:line:col` with the file as the user named it; "" when unknown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from irc.dtypes import DTYPES
from irc.sizes import Poly, parse, var

ABI_VERSION = 1

Dim = int | str
Default = None | bool | int | float
Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
FunctionKind = Literal["export", "test", "init"]

INIT_FUNCTION = "irc_init"  # writes every state; private
RNG_STATE = "__rng"  # hidden state i64[2]: the seed, and how many drawing calls there were


class AbiError(ValueError):
    """A description that no module can have, or one made for another version of the ABI."""


class Shaped:
    """What has a dtype and dimensions: parameters, results, states."""

    __slots__ = ()
    dtype: str
    dims: tuple[Dim, ...]

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def type(self) -> str:
        """The type with constants filled in: `f32[n, 784]`."""
        return type_text(self.dtype, self.dims)


@dataclass(frozen=True, slots=True)
class ParamSpec(Shaped):
    """
    One parameter.

    default    None when the caller must pass it; only rank 0 has defaults
    declared   the type as the source spells it, `f32[n, D]`; "" when there is no source
    """

    name: str
    dtype: str
    dims: tuple[Dim, ...] = ()
    default: Default = None
    doc: str = ""
    declared: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class ResultSpec(Shaped):
    """One result; `name` is None when the source names none."""

    name: str | None
    dtype: str
    dims: tuple[Dim, ...] = ()
    doc: str = ""
    declared: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class FactSpec:
    """A `where` clause, checked at the door: `left op right`, both sizes. `text` is the source."""

    left: Dim
    op: Comparison
    right: Dim
    text: str = ""
    span: str = ""

    @property
    def spelled(self) -> str:
        return self.text or f"{self.left} {self.op} {self.right}"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """
    One function.

    sizes    names of the symbolic sizes, in the order of the kernel's leading index arguments
    pure     reads and writes no state
    draws    takes random numbers
    writes   names of the states that it may change
    """

    name: str
    doc: str = ""
    sizes: tuple[str, ...] = ()
    params: tuple[ParamSpec, ...] = ()
    results: tuple[ResultSpec, ...] = ()
    facts: tuple[FactSpec, ...] = ()
    pure: bool = True
    draws: bool = False
    writes: tuple[str, ...] = ()
    kind: FunctionKind = "export"
    span: str = ""

    @property
    def signature(self) -> str:
        """The declaration as the source would write it."""
        params = ", ".join(
            f"{p.name}: {p.declared or p.type}"
            + ("" if p.default is None else f" = {spell_default(p.default)}")
            for p in self.params
        )
        results = [
            f"{r.name}: {r.declared or r.type}" if r.name else r.declared or r.type
            for r in self.results
        ]
        text = f"def {self.name}({params})"
        if len(results) == 1 and not self.results[0].name:
            text += f" -> {results[0]}"
        elif results:
            text += f" -> ({', '.join(results)})"
        if self.facts:
            text += " where " + ", ".join(
                f.text or f"{f.left} {f.op} {f.right}" for f in self.facts
            )
        return text


@dataclass(frozen=True, slots=True)
class StateSpec(Shaped):
    """One tensor that the module keeps between calls. Its sizes are static."""

    name: str
    dtype: str
    dims: tuple[int, ...] = ()
    doc: str = ""
    declared: str = ""
    span: str = ""
    hidden: bool = False

    @property
    def elements(self) -> int:
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.dtype].bytes


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """
    A module.

    source    the file as the user named it, never an absolute path of the building machine
    text      the program, "" when it is not carried along
    target    as given on the command line, resolved: `cpu:x86-64-v4`
    consts    name -> value
    types     type alias -> dtype, those that `-D` can override
    libraries   those whose functions it calls, which are opened with each context
    """

    name: str
    abi: int = ABI_VERSION
    irc_version: str = ""
    source: str = ""
    text: str = ""
    doc: str = ""
    target: str = ""
    consts: dict[str, bool | int | float] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    states: tuple[StateSpec, ...] = ()
    functions: tuple[FunctionSpec, ...] = ()
    libraries: tuple[str, ...] = ()

    def function(self, name: str) -> FunctionSpec:
        """The function called `name`. Raises KeyError."""
        for f in self.functions:
            if f.name == name:
                return f
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Binding:
    """`symbol` solves  factor * symbol + offset = the size of axis `axis` of parameter `param`."""

    symbol: str
    param: int
    axis: int
    factor: Poly
    offset: Poly

    @property
    def direct(self) -> bool:
        """The size is the symbol itself."""
        return self.factor == 1 and self.offset == 0


def binding_plan(function: FunctionSpec) -> tuple[Binding, ...]:
    """
    How the sizes of a call follow from the shapes of its arguments, in an order that works.

    An axis that is the symbol itself binds it; where there is none, an axis linear in one
    unbound symbol, whose factor and offset use bound ones. Every axis is verified afterwards.
    Raises AbiError when a size follows from no axis.
    """
    axes = [
        (i, k, parse(d))
        for i, p in enumerate(function.params)
        for k, d in enumerate(p.dims)
        if isinstance(d, str)
    ]
    first: dict[str, Binding] = {}
    for i, k, size in axes:
        if (name := size.name) and name not in first:
            first[name] = Binding(name, i, k, parse("1"), parse("0"))
    plan = list(first.values())
    bound = set(first)
    while missing := [s for s in function.sizes if s not in bound]:
        for i, k, size in axes:
            open_symbols = size.symbols() - bound
            if len(open_symbols) == 1 and (solved := _linear(size, *open_symbols)):
                (symbol,) = open_symbols
                plan.append(Binding(symbol, i, k, *solved))
                bound.add(symbol)
                break
        else:
            raise AbiError(f"{function.name}: no argument tells the size `{missing[0]}`")
    unknown = bound.difference(function.sizes)
    if unknown:
        raise AbiError(f"{function.name}: size `{min(unknown)}` is not among its sizes")
    return tuple(plan)


def _linear(size: Poly, symbol: str) -> tuple[Poly, Poly] | None:
    """(factor, offset) when size = factor * symbol + offset."""
    offset = size.substitute({symbol: 0})
    factor = size.substitute({symbol: 1}) - offset
    return (factor, offset) if size == factor * var(symbol) + offset else None


def type_text(dtype: str, dims: tuple[Dim, ...]) -> str:
    """`f32[n, 784]`, or `f32` for rank 0."""
    return f"{dtype}[{', '.join(map(str, dims))}]" if dims else dtype


def spell_default(value: Default) -> str:
    """A default as the source writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


# -- JSON


def to_json(spec: ModuleSpec | FunctionSpec, *, indent: int | None = None) -> str:
    """Plain ASCII JSON, equal text for equal specs. Fields at their defaults are left out."""
    return json.dumps(_plain(spec), indent=indent, allow_nan=False)


def module_from_json(text: str | bytes) -> ModuleSpec:
    """Raises AbiError when the text is not a module's description or for another ABI version."""
    data = _load(text)
    if data.get("abi", ABI_VERSION) != ABI_VERSION:
        raise AbiError(f"ABI version {data['abi']}, this irc speaks version {ABI_VERSION}")
    return _build(ModuleSpec, data)


def function_from_json(text: str | bytes) -> FunctionSpec:
    """Raises AbiError when the text is not a function's description."""
    return _build(FunctionSpec, _load(text))


_NESTED: dict[tuple[str, str], type] = {
    ("ModuleSpec", "states"): StateSpec,
    ("ModuleSpec", "functions"): FunctionSpec,
    ("FunctionSpec", "params"): ParamSpec,
    ("FunctionSpec", "results"): ResultSpec,
    ("FunctionSpec", "facts"): FactSpec,
}
_DTYPE_HOLDERS = (ParamSpec, ResultSpec, StateSpec)
_ALWAYS = frozenset({"name", "dtype", "abi", "left", "op", "right"})


def _plain(value: Any) -> Any:
    if isinstance(value, (ModuleSpec, FunctionSpec, *_DTYPE_HOLDERS, FactSpec)):
        return dict(_plain_fields(value))
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}  # JSON has no infinities
    return value


def _plain_fields(spec: Any) -> Iterator[tuple[str, Any]]:
    for name, info in spec.__dataclass_fields__.items():
        value = getattr(spec, name)
        if name in _ALWAYS or (value != info.default and value not in ((), {})):
            yield name, _plain(value)


def _load(text: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AbiError(f"the description is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise AbiError("the description is not a JSON object")
    return data


def _build(cls: Any, data: Any) -> Any:
    """Unknown fields are ignored: a later irc may add some without changing the convention."""
    if not isinstance(data, dict):
        raise AbiError(f"{cls.__name__} is not a JSON object")
    known = {
        name: _value(cls.__name__, name, data[name])
        for name in cls.__dataclass_fields__
        if name in data
    }
    try:
        spec = cls(**known)
    except TypeError as error:
        raise AbiError(f"{cls.__name__}: {error}") from None
    if cls in _DTYPE_HOLDERS and spec.dtype not in DTYPES:
        raise AbiError(f"{cls.__name__} `{spec.name}`: unknown dtype `{spec.dtype}`")
    return spec


def _value(owner: str, name: str, value: Any) -> Any:
    if isinstance(value, list):
        nested = _NESTED.get((owner, name))
        return tuple(_build(nested, v) for v in value) if nested else tuple(value)
    if isinstance(value, dict):
        if set(value) == {"float"} and name == "default":
            return float(value["float"])
        return {k: _value(owner, "default", v) for k, v in value.items()}
    return value
