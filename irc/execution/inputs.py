"""Inputs for a function: random ones from its types, and those a command line describes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from irc.abi import FunctionSpec, ParamSpec
from irc.dtypes import DTYPES, DType
from irc.errors import ArgumentError, DTypeError
from irc.execution.numerics import round_bf16
from irc.execution.signature import bind_sizes, evaluate_dims
from irc.sizes import parse

MAX_ELEMENTS = 1 << 28  # of one generated argument

# -- random


def random_sizes(function: FunctionSpec, seed: int) -> dict[str, int]:
    """
    A small value for each symbolic size, the same for every argument, that the facts allow.

    Raises ArgumentError when a thousand tries satisfy no fact.
    """
    rng = np.random.default_rng([seed, 1])
    for _ in range(1000):
        sizes = {s: int(rng.integers(1, 8)) for s in function.sizes}
        shapes = [evaluate_dims(p.dims, sizes) for p in function.params]
        if all(n >= 0 for shape in shapes for n in shape) and _facts_hold(function, sizes):
            return sizes
    raise ArgumentError(f"found no small sizes that satisfy the facts of `{function.name}`")


def _facts_hold(function: FunctionSpec, sizes: Mapping[str, int]) -> bool:
    compare: dict[str, Callable[[int, int], bool]] = {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    return all(
        compare[f.op](parse(str(f.left)).evaluate(sizes), parse(str(f.right)).evaluate(sizes))
        for f in function.facts
    )


def random_inputs(
    function: FunctionSpec,
    seed: int = 0,
    *,
    special: bool = False,
    largest_int: int = 2,
    sizes: Mapping[str, int] | None = None,
) -> list[np.ndarray]:
    """
    One array for each parameter; equal seeds give equal arrays.

    special      floats are also NaN, infinite, zero of both signs, subnormal and huge, integers
                 extreme
    largest_int  integers are 0 to this: they are often indices
    sizes        values of the symbolic sizes; random ones by default
    """
    chosen = dict(sizes) if sizes is not None else random_sizes(function, seed)
    rng = np.random.default_rng([seed, 2])
    return [
        random_array(
            evaluate_dims(p.dims, chosen), p.dtype, rng, special=special, largest_int=largest_int
        )
        for p in function.params
    ]


def random_array(
    shape: tuple[int, ...],
    dtype: str,
    rng: np.random.Generator,
    *,
    special: bool = False,
    largest_int: int = 2,
) -> np.ndarray:
    """Normal floats, small integers, or fair coins; see `random_inputs`."""
    d = DTYPES[dtype]
    if d.kind == "bool":
        return np.asarray(rng.integers(0, 2, shape).astype(np.bool_))
    if d.is_float:
        x = to_dtype(rng.standard_normal(shape), d)
        extremes = _float_extremes(d)
    else:
        x = np.asarray(rng.integers(0, largest_int, shape, endpoint=True).astype(d.numpy))
        extremes = np.array([d.min, d.max, d.max - 1, 0, 1], dtype=d.numpy)
    if special and x.size:
        hit = rng.random(shape) < 0.3
        x = np.where(hit, rng.choice(extremes, shape), x).astype(x.dtype)
    return np.asarray(x)


def _float_extremes(d: DType) -> np.ndarray:
    wide = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0]
    info = np.finfo(np.float32 if d.name == "bf16" else d.numpy)
    tiny = 2.0**-133 if d.name == "bf16" else float(info.smallest_subnormal)
    huge = float.fromhex("0x1.fep127") if d.name == "bf16" else float(info.max)
    return to_dtype(np.array([*wide, tiny, -tiny, float(info.tiny), huge, -huge]), d)


def random_state(
    states: Mapping[str, tuple[tuple[int, ...], np.dtype]], seed: int
) -> dict[str, np.ndarray]:
    """Values for state variables given their shapes and dtypes."""
    rng = np.random.default_rng([seed, 3])
    names = {np.dtype(d.numpy): d.name for d in DTYPES.values() if d.name != "bf16"}
    return {n: random_array(shape, names[dtype], rng) for n, (shape, dtype) in states.items()}


def to_dtype(x: np.ndarray, d: DType) -> np.ndarray:
    """x in dtype d; bf16 as float32."""
    if d.name == "bf16":
        return np.asarray(round_bf16(np.asarray(x, dtype=np.float32)))
    return np.asarray(x).astype(d.numpy)


# -- from a command line

_SHAPED = re.compile(r"((?:\d+x)*)([a-z]+\d*)$")
_NAMED = re.compile(r"([^\W\d]\w*)=(.*)$", re.DOTALL)
_CALL = re.compile(r"(\w+)\(([^()]*)\)$")

HELP = """\
  x=32x784xf32:normal     random numbers; also uniform, uniform(0,1), arange, zeros, ones
  x=normal                the same, in the declared shape
  y=@labels.npy           an array from a file
  y=3xi32=1,2,3           elements, or one for all; lr=0.1 for a scalar
NAME= may be left out: arguments are then taken in order."""


@dataclass(frozen=True)
class Argument:
    """
    One described argument.

    name     None when it is taken by position
    shape    None for the declared one
    dtype    None for the declared one
    source   generator, numbers, or @file
    """

    name: str | None
    shape: tuple[int, ...] | None
    dtype: str | None
    source: str
    text: str


def parse_argument(text: str) -> Argument:
    """
    Reads one `--arg`; HELP shows the forms.

    Raises ArgumentError for any other text.
    """
    shape, dtype, source = _typed(text)
    name = None
    if shape is None and (named := _NAMED.match(text)):
        name = named[1]
        shape, dtype, source = _typed(named[2])
    if not source:
        raise ArgumentError(f"cannot read argument `{text}`; forms are:\n{HELP}")
    return Argument(name, shape, dtype, source, text)


def _typed(text: str) -> tuple[tuple[int, ...] | None, str | None, str]:
    """`2x3xf32:normal` or `2x3xf32=1` in its parts; (None, None, text) without a type."""
    for mark in (":", "="):
        head, found, source = text.partition(mark)
        match = _SHAPED.match(head)
        if found and match and match[2] in DTYPES:
            sizes = tuple(int(n) for n in match[1].split("x") if n)
            return sizes, match[2], source
    return None, None, text


def make_inputs(
    arguments: Sequence[Argument], function: FunctionSpec, seed: int = 0
) -> list[np.ndarray]:
    """
    The inputs of a call, with defaults for what no argument describes.

    Raises ArgumentError, DTypeError or ShapeError for arguments that do not fit the function.
    """
    chosen = _match(arguments, function)
    rng = np.random.default_rng(seed)
    values: list[np.ndarray | None] = []
    for p, a in zip(function.params, chosen, strict=True):
        if a is None:
            values.append(to_dtype(np.asarray(p.default), DTYPES[p.dtype]))
            continue
        if a.dtype not in (None, p.dtype):
            raise DTypeError(f"argument `{p.name}` is {p.type}, got {a.dtype} in `{a.text}`")
        known = a.shape if a.shape is not None else _static(p)
        values.append(_value(a, p, known, rng) if known is not None or _self_shaped(a) else None)
    if any(v is None for v in values):
        sizes = _sizes_of(function, values)
        for k, (p, a) in enumerate(zip(function.params, chosen, strict=True)):
            if values[k] is None:
                assert a is not None
                values[k] = _value(a, p, _shape(p, sizes, a), rng)
    done = [v for v in values if v is not None]
    if function.params:
        bind_sizes(function, [v.shape for v in done])
    return done


def _match(arguments: Sequence[Argument], function: FunctionSpec) -> list[Argument | None]:
    chosen: dict[str, Argument] = {}
    names = [p.name for p in function.params]
    named = {a.name for a in arguments}
    by_position = iter([n for n in names if n not in named])
    for a in arguments:
        name = a.name if a.name is not None else next(by_position, None)
        if name is None:
            raise ArgumentError(f"`{function.name}` takes {len(names)} arguments: `{a.text}`")
        if name not in names:
            known = ", ".join(f"`{n}`" for n in names) or "none"
            raise ArgumentError(f"`{function.name}` has no argument `{name}`; it has: {known}")
        if name in chosen:
            raise ArgumentError(f"argument `{name}` is given twice")
        chosen[name] = a
    for p in function.params:
        if p.name not in chosen and p.default is None:
            raise ArgumentError(f"argument `{p.name}`, {p.type}, is missing")
    return [chosen.get(n) for n in names]


def _static(p: ParamSpec) -> tuple[int, ...] | None:
    return p.dims if all(isinstance(d, int) for d in p.dims) else None  # type: ignore[return-value]


def _self_shaped(a: Argument) -> bool:
    """A file, or a list of numbers, has a shape of its own."""
    return a.source.startswith("@") or "," in a.source and not _CALL.match(a.source)


def _sizes_of(function: FunctionSpec, values: Sequence[np.ndarray | None]) -> dict[str, int]:
    """What the arguments that have a shape say about the sizes."""
    sizes: dict[str, int] = {}
    for p, v in zip(function.params, values, strict=True):
        for d, n in zip(p.dims, v.shape if v is not None else (), strict=False):
            if isinstance(d, str) and parse(d).name:
                sizes.setdefault(d, n)
    return sizes


def _shape(p: ParamSpec, sizes: Mapping[str, int], a: Argument) -> tuple[int, ...]:
    try:
        return evaluate_dims(p.dims, sizes)
    except KeyError as missing:
        raise ArgumentError(
            f"`{a.text}`: no argument tells the size {missing.args[0]} of `{p.name}`, {p.type}; "
            f"write a shape, as in `{p.name}={'x'.join(['3'] * p.rank)}x{p.dtype}:{a.source}`"
        ) from None


def _value(
    a: Argument, p: ParamSpec, shape: tuple[int, ...] | None, rng: np.random.Generator
) -> np.ndarray:
    d = DTYPES[p.dtype]
    if a.source.startswith("@"):
        return _from_file(a, p)
    if shape is not None and math.prod(shape) > MAX_ELEMENTS:
        raise ArgumentError(f"`{a.text}` has more than {MAX_ELEMENTS} elements")
    call = _CALL.match(a.source)
    name = call[1] if call else a.source
    if name in _GENERATORS:
        bounds = _numbers(call[2], a) if call and call[2].strip() else []
        if shape is None:
            raise ArgumentError(f"`{a.text}` has no shape")
        try:
            return to_dtype(_GENERATORS[name](shape, rng, d, *bounds), d)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"`{a.text}`: {error}") from None
    numbers = _numbers(a.source, a)
    if d.is_integer and any(not (isinstance(n, int) and d.min <= n <= d.max) for n in numbers):
        raise ArgumentError(f"`{a.text}`: not a number of {d}")
    x = to_dtype(np.array(numbers), d)
    if shape is None:
        return x
    if x.size != 1 and x.size != math.prod(shape):
        raise ArgumentError(f"`{a.text}`: {x.size} numbers for shape {list(shape)}")
    return np.full(shape, x[0]) if x.size == 1 else x.reshape(shape)


def _from_file(a: Argument, p: ParamSpec) -> np.ndarray:
    path = a.source[1:]
    try:
        x = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArgumentError(f"argument `{p.name}`: cannot read {path}: {error}") from None
    wanted = np.dtype("float32" if p.dtype == "bf16" else DTYPES[p.dtype].numpy)
    if not isinstance(x, np.ndarray) or x.dtype.newbyteorder("=") != wanted:
        found = x.dtype if isinstance(x, np.ndarray) else "several arrays"
        raise DTypeError(f"argument `{p.name}` is {p.type}, {path} holds {found}")
    return np.ascontiguousarray(x, dtype=wanted).reshape(x.shape)


def _numbers(text: str, a: Argument) -> list[Any]:
    words = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    try:
        return [_number(w) for w in words] if words else [_number(text)]
    except ValueError:
        raise ArgumentError(f"cannot read argument `{a.text}`; forms are:\n{HELP}") from None


def _number(word: str) -> bool | int | float:
    if word in ("true", "false"):
        return word == "true"
    try:
        return int(word)
    except ValueError:
        return float(word)


def _uniform(
    shape: tuple[int, ...], rng: np.random.Generator, d: DType, low: float = 0, high: float = 1
) -> np.ndarray:
    """Reals of [low, high), or the integers low to high."""
    if d.is_integer:
        return np.asarray(rng.integers(int(low), int(high), shape, endpoint=True))
    return np.asarray(rng.uniform(low, high, shape))


def _normal(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    d: DType,
    mean: float = 0,
    spread: float = 1,
) -> np.ndarray:
    if not d.is_float:
        raise ValueError(f"normal numbers are floats, not {d}")
    return np.asarray(rng.normal(mean, spread, shape))


def _arange(shape: tuple[int, ...], rng: np.random.Generator, d: DType) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _zeros(shape: tuple[int, ...], rng: np.random.Generator, d: DType) -> np.ndarray:
    return np.zeros(shape)


def _ones(shape: tuple[int, ...], rng: np.random.Generator, d: DType) -> np.ndarray:
    return np.ones(shape)


_GENERATORS: dict[str, Callable[..., np.ndarray]] = {
    "uniform": _uniform,
    "normal": _normal,
    "arange": _arange,
    "zeros": _zeros,
    "ones": _ones,
}
