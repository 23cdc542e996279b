"""
What a program means where C, NumPy and hardware differ: one row of the specification, one row here.

Each program has the expected bits written beside it. They must come out of the reference, of
constant folding, of linalg, of loops and of C at -O0 and -O2. Rows about modules and processes
are in the other files of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from levels import GCC_O0, GCC_O2, Call, Case, Road, differences
from nd_programs import program, same_bits
from xdsl.ir import SSAValue

from irc.dialects import nd
from irc.dialects.nd.arrays import rounded
from irc.dtypes import DTYPES
from irc.execution.program import Program
from irc.passes.nd.fold_constants import FoldConstantsPass

pytestmark = pytest.mark.cc
INF, NAN = np.inf, np.nan
Build = Callable[..., SSAValue | Sequence[SSAValue]]


@dataclass(frozen=True)
class Row:
    """
    matter   as the specification calls it
    inputs   (dtype, values) of each argument
    results  (dtype, values) of each result
    """

    matter: str
    name: str
    inputs: Sequence[tuple[str, Any]]
    build: Build
    results: Sequence[tuple[str, Any]]

    @property
    def title(self) -> str:
        return f"{self.matter}: {self.name}"


def array(dtype: str, values: Any) -> np.ndarray:
    """bf16 as float32 numbers that it can represent."""
    d = DTYPES[dtype]
    if d.is_float:
        return np.asarray(rounded(np.asarray(values, dtype=np.float64), d))
    return np.asarray(values, dtype=object).astype(d.numpy)


ROWS: list[Row] = []


def row(matter: str, name: str, inputs: Any, build: Build, *results: tuple[str, Any]) -> None:
    ROWS.append(Row(matter, name, inputs, build, results))


def scalar(matter: str, name: str, dtype: str, *columns: Any, to: str | None = None) -> None:
    """An elementwise function: a column for each operand, and one of results."""
    *given, expected = columns
    inputs = [(dtype, column) for column in given]
    build: Build = lambda b, *xs: b.scalar(name, *xs)  # noqa: E731
    row(matter, f"{name} of {dtype}", inputs, build, (to or dtype, expected))


# fmt: off
# -- integers

for _d in (d for d in DTYPES.values() if d.is_integer):
    _low, _high, _bits = _d.min, _d.max, _d.bits
    WRAPS = "integer overflow"
    scalar(WRAPS, "add", _d.name, [_high, _high, _low], [1, _high, _low],
           [_low, -2 if _low else _high - 1, 0 if _low else 0])
    scalar(WRAPS, "sub", _d.name, [_low, 0], [1, _high], [_high, -_high if _low else 1])
    scalar(WRAPS, "mul", _d.name, [_high, _low, 3 << (_bits - 2) if not _low else 1 << (_bits - 2)],
           [_high, _high, 4], [1, _low, 0])
    row(WRAPS, f"sum of {_d.name}", [(_d.name, [_high, _high, 3])],
        lambda b, x: [b.sum(x, [0]), b.prod(x, [0])],
        (_d.name, 1), (_d.name, 3))
    row(WRAPS, f"dot of {_d.name}", [(_d.name, [_high, 2]), (_d.name, [_high, 3])],
        lambda b, x, y: b.dot(x, y, ([], []), ([0], [0])), (_d.name, 7))
    if _low:
        scalar(WRAPS, "neg", _d.name, [_low, _high], [_low, -_high])
        scalar(WRAPS, "abs", _d.name, [_low, -5], [_low, 5])
        scalar("floor division", "floordiv", _d.name,
               [7, -7, 7, -7, _low, 5, 0], [2, 2, -2, -2, -1, 0, 0], [3, -4, -4, 3, _low, 0, 0])
        scalar("floor division", "mod", _d.name,
               [7, -7, 7, -7, _low, 5, 0], [2, 2, -2, -2, -1, 0, 0], [1, 1, -1, -1, 0, 0, 0])
    else:
        scalar("floor division", "floordiv", _d.name, [7, _high, 5], [2, 2, 0], [3, _high // 2, 0])
        scalar("floor division", "mod", _d.name, [7, _high, 5], [4, 10, 0], [3, _high % 10, 0])
    _ones = -1 if _low else 0
    scalar("shifts", "shift_left", _d.name, [1, 3, 5, 1], [_bits - 1, 1, _bits, 127 % (_high + 1)],
           [_low or 1 << (_bits - 1), 6, 0, 0])
    scalar("shifts", "shift_right", _d.name, [_low, _high, _low, _high], [1, 1, _bits, _bits],
           [_low >> 1, _high >> 1, _ones, 0])

# -- conversions

for _name in ("f16", "bf16", "f32", "f64"):
    for _to in ("i8", "u8", "i32", "u64", "i64"):
        _t = DTYPES[_to]
        row("float to int", f"{_name} to {_to}",
            [(_name, [1.75, -1.75, INF, -INF, NAN, -0.0, 0.99])],
            lambda b, x, t=_t: b.cast(x, t),
            (_to, [1, -1 if _t.min else 0, _t.max, _t.min, 0, 0, 0]))
    row("bool from float", _name, [(_name, [0.0, -0.0, NAN, 1e-3, -INF])],
        lambda b, x: b.cast(x, DTYPES["bool"]), ("bool", [False, False, True, True, True]))
row("float to int", "large f64 to i32 and u32",
    [("f64", [2147483647.9, -2147483649.0, 4294967295.5])],
    lambda b, x: [b.cast(x, DTYPES["i32"]), b.cast(x, DTYPES["u32"])],
    ("i32", [2147483647, -2147483648, 2147483647]), ("u32", [2147483647, 0, 4294967295]))

# -- extrema

for _name in ("f16", "bf16", "f32", "f64"):
    NANS = "extrema and NaN"
    scalar(NANS, "maximum", _name, [1, NAN, NAN, -0.0, INF], [NAN, 1, NAN, 0.0, 2],
           [NAN, NAN, NAN, 0.0, INF])
    scalar(NANS, "minimum", _name, [1, NAN, NAN, -0.0, INF], [NAN, 1, NAN, 0.0, 2],
           [NAN, NAN, NAN, -0.0, 2])
    scalar(NANS, "fmax", _name, [1, NAN, NAN, 3], [NAN, 1, NAN, 2], [1, 1, NAN, 3])
    scalar(NANS, "fmin", _name, [1, NAN, NAN, 3], [NAN, 1, NAN, 2], [1, 1, NAN, 2])
    row(NANS, f"reductions of {_name}", [(_name, [[1, NAN, 3], [4, 9, 5], [INF, -INF, 0]])],
        lambda b, x: [b.reduce("max", x, [1]), b.reduce("min", x, [1]), b.reduce("max", x, [0])],
        (_name, [NAN, 9, INF]), (_name, [NAN, 4, -INF]), (_name, [INF, NAN, 5]))
    row("positions of extrema", _name,
        [(_name, [[1, 3, 3, 2], [0.0, -0.0, 0.0, -0.0], [2, NAN, INF, NAN], [-INF, 5, -INF, 5]])],
        lambda b, x: [b.argmax(x, 1), b.argmax(x, 1, smallest=True)],
        ("i32", [1, 0, 1, 1]), ("i32", [0, 0, 1, 0]))
    scalar("round", "round", _name, [0.5, 1.5, 2.5, -0.5, -1.5, NAN, -INF],
           [0, 2, 2, -0.0, -2, NAN, -INF])

# -- reductions

for _name in ("f16", "bf16", "f32", "f64"):
    row("empty reductions", _name, [(_name, np.zeros((2, 0)))],
        lambda b, x: [b.sum(x, [1]), b.prod(x, [1]), b.sum(x, [0, 1])],
        (_name, [0, 0]), (_name, [1, 1]), (_name, 0))
row("empty reductions", "bool", [("bool", np.zeros((2, 0)))],
    lambda b, x: [b.reduce("all", x, [1]), b.reduce("any", x, [1])],
    ("bool", [True, True]), ("bool", [False, False]))

# fmt: on


def tree(x: np.ndarray) -> Any:
    """64 interleaved partials, then halving: the order of every float sum."""
    partials = np.zeros(64, x.dtype)
    for k, element in enumerate(x):
        partials[k % 64] += element
    half = 32
    while half:
        partials = partials[:half] + partials[half : 2 * half]
        half //= 2
    return partials[0]


# fmt: off
_rng = np.random.default_rng(0)
for _name in ("f32", "f64"):
    _x = array(_name, _rng.normal(size=1000) * 10.0 ** _rng.integers(-6, 6, 1000))
    _m = _x.reshape(125, 8)
    row("accumulation", f"{_name} by a tree", [(_name, _x), (_name, _m)],
        lambda b, x, m: [b.sum(x, [0]), b.sum(m, [0]), b.sum(m, [1]), b.sum(m, [0, 1])],
        (_name, tree(_x)), (_name, [tree(c) for c in _m.T]), (_name, [tree(r) for r in _m]),
        (_name, tree(_x)))
for _name in ("f16", "bf16"):
    _x = array(_name, _rng.uniform(0.1, 1, 1000))
    row("accumulation", f"{_name} in f32", [(_name, _x)], lambda b, x: b.sum(x, [0]),
        (_name, float(tree(_x.astype(np.float32)))))

# -- the arithmetic of floats

row("f16, bf16", "rounded at each op",
    [("f16", [1.001, 2049]), ("f16", [1.001, 3]), ("f16", [-1, 1])],
    lambda b, x, y, z: b.add(b.mul(x, y), z),
    ("f16", np.array([1.001, 2049], np.float16) * np.array([1.001, 3], np.float16)
     + np.array([-1, 1], np.float16)))
row("f16, bf16", "computed in f32", [("f16", [300.0]), ("bf16", [1.5e38])],
    lambda b, x, y: [b.div(b.mul(x, x), x), b.add(y, y), b.scalar("mod", x, b.like(x, 7))],
    ("f16", [INF]), ("bf16", [3e38]), ("f16", [300 % 7]))
for _name, _eps in (("f32", 2.0**-12), ("f64", 2.0**-29)):
    row("fused multiply-add", f"not in {_name}", [(_name, [1 + _eps, 3.0])],
        lambda b, x: [b.sub(b.mul(x, x), b.like(x, 1)), b.add(b.mul(x, x), b.neg(b.mul(x, x)))],
        (_name, np.square(array(_name, [1 + _eps, 3.0])) - 1), (_name, [0, 0]))
    NOT = "no reassociation"
    row(NOT, f"x * 0 in {_name}", [(_name, [1, -1, INF, NAN, -0.0])],
        lambda b, x: [b.mul(x, b.like(x, 0)), b.add(x, b.like(x, 0)), b.sub(x, x), b.div(x, x)],
        (_name, [0, -0.0, NAN, NAN, -0.0]), (_name, [1, -1, INF, NAN, 0.0]),
        (_name, [0, 0, NAN, NAN, 0]), (_name, [1, 1, NAN, NAN, NAN]))
    row(NOT, f"x / c in {_name}", [(_name, [1, 5, 7, 1e30])],
        lambda b, x: [b.div(x, b.like(x, 3)), b.div(x, b.like(x, 4))],
        (_name, array(_name, [1, 5, 7, 1e30]) / array(_name, 3)),
        (_name, array(_name, [1, 5, 7, 1e30]) / 4))
_big, _tiny = float(np.finfo(np.float32).max), 2.0**-149
row(NOT, "overflow on the way", [("f32", [_big, 1])],
    lambda b, x: b.mul(b.mul(x, b.like(x, 2)), b.like(x, 0.5)), ("f32", [INF, 1]))
row(NOT, "division by what has no reciprocal", [("f32", [_tiny, 1e-39, _big])],
    lambda b, x: [b.div(x, b.like(x, c)) for c in (2.0**127, _tiny, _big)],
    ("f32", [0, 0, float(np.float32(_big) / np.float32(2.0**127))]),
    ("f32", [1, float(np.float32(1e-39) / np.float32(_tiny)), INF]),
    ("f32", [0, 0, 1]))

KEPT = "denormals, -0, infinities"
row(KEPT, "f32", [("f32", [_tiny, 1e-40, -0.0, -_tiny])],
    lambda b, x: [b.mul(x, b.like(x, 1)), b.add(x, x), b.neg(x), b.sum(x, [0]), b.scalar("abs", x)],
    ("f32", [_tiny, 1e-40, -0.0, -_tiny]), ("f32", np.float32([_tiny, 1e-40, -0.0, -_tiny]) * 2),
    ("f32", [-_tiny, -1e-40, 0.0, _tiny]), ("f32", float(np.float32(1e-40))),
    ("f32", [_tiny, 1e-40, 0.0, _tiny]))
row(KEPT, "f64", [("f64", [5e-324, 1e-310, -0.0])],
    lambda b, x: [b.mul(x, b.like(x, 1)), b.add(x, x), b.mul(x, b.like(x, 0.5))],
    ("f64", [5e-324, 1e-310, -0.0]), ("f64", [1e-323, 2e-310, -0.0]), ("f64", [0, 5e-311, -0.0]))
row(KEPT, "f16", [("f16", [6e-8, -0.0, 65504])],
    lambda b, x: [b.mul(x, b.like(x, 1)), b.add(x, x)],
    ("f16", [6e-8, -0.0, 65504]), ("f16", [1.2e-7, -0.0, INF]))
row(KEPT, "sums of -0", [("f64", [[-0.0, -0.0]])],
    lambda b, x: [b.sum(x, [1]), b.mul(b.sum(x, [1]), b.full((1,), DTYPES["f64"], -1))],
    ("f64", [0.0]), ("f64", [-0.0]))
row(KEPT, "atan2 of zeros, products of infinities",
    [("f64", [0.0, -0.0, INF, -INF]), ("f64", [0.0, 0.0, INF, 0.0])],
    lambda b, y, x: [b.scalar("atan2", y, x), b.mul(y, x)],
    ("f64", [0.0, -0.0, np.arctan2(INF, INF), -np.pi / 2]), ("f64", [0.0, -0.0, INF, NAN]))

# -- positions that are data

OUTSIDE = "gather, scatter out of range"
row(OUTSIDE, "unchecked positions read 0 and write nothing",
    [("f32", [10, 20, 30]), ("i64", [2, 3, -1, 0, 2**62]), ("f32", [1, 2, 3, 4, 5])],
    lambda b, x, i, v: [b.gather(x, [i], [0]), b.scatter(x, v, [i], [0], "set")],
    ("f32", [30, 0, 0, 10, 0]), ("f32", [4, 20, 1]))
row(OUTSIDE, "narrow indices", [("i16", np.arange(300)), ("u8", [255, 0]), ("i8", [-1, 127])],
    lambda b, x, i, j: [b.gather(x, [i], [0]), b.gather(x, [j], [0])],
    ("i16", [255, 0]), ("i16", [0, 127]))
row("scatter with duplicates", "set, add",
    [("f32", [0, 0, 100]), ("i32", [1, 0, 1, 1]), ("f32", [1, 2, 3, 4])],
    lambda b, x, i, v: [b.scatter(x, v, [i], [0], "set"), b.scatter(x, v, [i], [0], "add")],
    ("f32", [2, 4, 100]), ("f32", [2, 8, 100]))
row("scatter with duplicates", "add in index order",
    [("f32", [0]), ("i32", [0, 0, 0]), ("f32", [1e8, 1, -1e8])],
    lambda b, x, i, v: b.scatter(x, v, [i], [0], "add"), ("f32", [0]))

# -- random numbers: the published vector of Philox4x32-10 for counter 0 and key 0

row("random numbers", "Philox4x32-10", [("i64", 0), ("i64", 0)],
    lambda b, seed, counter: b.philox(seed, counter, 0, (4,)),
    ("u32", [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]))

# fmt: on


def module_of(one: Row) -> Any:
    types = [(d, np.shape(v)) for d, v in one.inputs]
    return program(types, one.build)


def of_constants(one: Row) -> Any:
    """The same program, of numbers that the compiler knows; an argument keeps it callable."""

    def build(b: nd.Builder, unused: SSAValue) -> Any:
        given = [b.constant(array(d, v), DTYPES[d]) for d, v in one.inputs]
        return one.build(b, *given)

    return program([("f32", ())], build)


def expected(one: Row) -> list[np.ndarray]:
    return [array(d, v) for d, v in one.results]


@pytest.mark.parametrize("one", ROWS, ids=[one.title for one in ROWS])
def test_the_reference_and_folding(one: Row) -> None:
    inputs = [array(d, v) for d, v in one.inputs]
    got = Program(module_of(one)).run("f", inputs).results
    folded = of_constants(one)
    FoldConstantsPass().apply(None, folded)  # type: ignore[arg-type]
    for results in (got, Program(folded).run("f", [np.zeros((), np.float32)]).results):
        for x, y in zip(results, expected(one), strict=True):
            assert same_bits(x, y), f"{x} is not {y}"


def cases_of_rows() -> list[Case]:
    return [Case(r.title, module_of(r), [Call([array(d, v) for d, v in r.inputs])]) for r in ROWS]


def test_every_level_as_written() -> None:
    assert differences(cases_of_rows(), Road(0, executors=("loops",)), [GCC_O0]) == []


def test_every_level_optimized() -> None:
    unused = Call([np.zeros((), np.float32)])
    known = [Case(f"{r.title}, of constants", of_constants(r), [unused]) for r in ROWS]
    road = Road(executors=("linalg",))
    assert differences([*cases_of_rows(), *known], road, [GCC_O2]) == []
