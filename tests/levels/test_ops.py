"""
Every op of `nd` gives the same at every level: the reference, linalg, loops, C at -O0 and -O2.

The statements are looped over, so a new op arrives tested; what the reference itself gives is
held against oracles in `tests/numbers`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from levels import CLANG_O2, GCC_O0, GCC_O2, Call, Case, Road, differences
from nd_programs import DTYPE_NAMES, program, values
from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import REDUCTIONS, SCALARS
from irc.dtypes import DTYPES

pytestmark = pytest.mark.cc
N, M = sizes.var("n"), sizes.var("m")
Builds = Callable[..., SSAValue | Sequence[SSAValue]]


def case(
    name: str, types: Sequence[tuple[str, Sequence[Any]]], build: Builds, *shapes: Any
) -> Case:
    """`shapes`: for each call the shape of each argument."""
    calls = [
        Call(
            [values(d, shape, k) for k, ((d, _), shape) in enumerate(zip(types, call, strict=True))]
        )
        for call in shapes
    ]
    return Case(name, program(types, build), calls)


def elementwise(dtype: str) -> Iterator[Case]:
    """Vectors of 0, 1, odd and many elements, and scalars spread over a matrix."""
    for name, scalar in SCALARS.items():
        if DTYPES[dtype].kind not in scalar.takes:
            continue
        shapes = [[(n,)] * scalar.arity for n in (0, 1, 7, 131)]
        yield case(
            name,
            [(dtype, [N])] * scalar.arity,
            lambda b, *xs, name=name: b.scalar(name, *xs),
            *shapes,
        )
        if scalar.arity == 2:
            yield case(
                f"{name} of a row and a column",
                [(dtype, [N]), (dtype, [3])],
                lambda b, x, y, name=name: b.scalar(
                    name, b.broadcast(x, [0], (N, 3)), b.broadcast(y, [1], (N, 3))
                ),
                [(5,), (3,)],
            )


def casts(dtype: str) -> Iterator[Case]:
    for to in DTYPE_NAMES:
        yield case(
            f"cast to {to}",
            [(dtype, [N]), (dtype, [])],
            lambda b, x, y, to=to: [b.cast(x, DTYPES[to]), b.cast(y, DTYPES[to])],
            *([(n,), ()] for n in (0, 1, 97)),
        )


def reductions(dtype: str) -> Iterator[Case]:
    for name, op in REDUCTIONS.items():
        if DTYPES[dtype].kind not in op.takes:
            continue
        for axes in ([0], [1], [0, 1, 2], [0, 2]):
            yield case(
                f"{name} along {axes}",
                [(dtype, [N, M, 3])],
                lambda b, x, name=name, axes=axes: b.reduce(name, x, axes),
                *([(n, m, 3)] for n, m in ((0, 2), (1, 1), (2, 0), (5, 7), (70, 2))),
            )
    if dtype != "bool":
        for axis in (0, 1, 2):
            yield case(
                f"argmax, argmin along {axis}",
                [(dtype, [N, M, 3])],
                lambda b, x, axis=axis: [b.argmax(x, axis), b.argmax(x, axis, smallest=True)],
                *([(n, m, 3)] for n, m in ((0, 2), (1, 1), (2, 0), (9, 17))),
            )


def along_an_axis(dtype: str) -> Iterator[Case]:
    """Running totals and sorting, with rows of many elements, of one and of none."""
    shapes = [[(n, m, 2)] for n, m in ((0, 2), (1, 1), (2, 0), (9, 5))]
    for axis in (0, 1, 2):
        if dtype != "bool":
            yield case(
                f"running totals along {axis}",
                [(dtype, [N, M, 2])],
                lambda b, x, axis=axis: [
                    b.cumulative("sum", x, axis),
                    b.cumulative("sum", x, axis, reverse=True, exclusive=True),
                    b.cumulative("prod", x, axis),
                ],
                *shapes,
            )
        yield case(
            f"argsort along {axis}",
            [(dtype, [N, M, 2])],
            lambda b, x, axis=axis: [b.argsort(x, axis), b.argsort(x, axis, DTYPES["i64"], True)],
            *shapes,
        )
    yield case(
        "argsort of a vector", [(dtype, [N])], lambda b, x: b.argsort(x, 0),
        *([(n,)] for n in (0, 1, 2, 3, 4, 5, 8, 17, 64)),
    )  # fmt: skip


def structure(dtype: str) -> Iterator[Case]:
    """Everything that moves elements, and `where`."""
    full = DTYPES[dtype]
    matrix, calls = [(dtype, [N, M])], [[(n, m)] for n, m in ((0, 3), (1, 1), (4, 5), (3, 0))]
    moves: dict[str, Builds] = {
        "transpose": lambda b, x: b.transpose(x, [1, 0]),
        "reshape": lambda b, x: [b.reshape(x, [N * M]), b.reshape(x, [N, 1, M])],
        "broadcast": lambda b, x: b.broadcast(x, [1, 2], (2, N, M)),
        "concat": lambda b, x: [b.concat([x, x], 0), b.concat([x, x, x], 1)],
        "full": lambda b, x: b.full((N, M), full, 1),
        "flip": lambda b, x: b.slice(x, [N, M], [N - 1, M - 1], [-1, -1]),
        "insert": lambda b, x: b.insert_slice(b.full((N + 2, M), full, 0), x, [1, 0], [1, 1]),
        "where": lambda b, x: b.where(b.scalar("eq", x, b.like(x, 1)), b.like(x, 0), x),
    }
    for name, build in moves.items():
        yield case(name, matrix, build, *calls)
    yield case(
        "slice with a step",
        [(dtype, [7, 6])],
        lambda b, x: [b.slice(x, [3, 2], [1, 4], [2, -3]), b.slice(x, [0, 6], [7, 0], [1, 1])],
        [(7, 6)],
    )
    yield case(
        "if",
        [("bool", []), (dtype, [N])],
        lambda b, c, x: b.where(b.broadcast(c, [], (N,)), x, b.like(x, 1)),
        [(), (5,)],
    )


def indexing(dtype: str) -> Iterator[Case]:
    """Positions that are data: inside, outside and negative."""
    positions = np.array([0, 2, 7, -1, 1, 2, 1 << 40], dtype=np.int64)
    for to in ("i64", "i8", "u16"):
        where = positions.astype(DTYPES[to].numpy)

        def gathered(b: nd.Builder, x: SSAValue, i: SSAValue) -> list[SSAValue]:
            return [b.gather(x, [i], [0]), b.gather(x, [i], [1]), b.gather(x, [i, i], [0, 1])]

        def scattered(b: nd.Builder, x: SSAValue, i: SSAValue, v: SSAValue) -> list[SSAValue]:
            kinds = ["set"] if dtype == "bool" else ["set", "add"]
            return [b.scatter(x, v, [i], [0], kind) for kind in kinds]  # type: ignore[arg-type]

        x, v = values(dtype, (4, 3), 1), values(dtype, (7, 3), 2)
        empty = values(dtype, (0, 3))
        types = [(dtype, [N, 3]), (to, [7])]
        calls = [Call([x, where]), Call([empty, where])]
        yield Case(f"gather at {to}", program(types, gathered), calls)
        calls = [Call([x, where, v]), Call([empty, where, v])]
        yield Case(f"scatter at {to}", program([*types, (dtype, [7, 3])], scattered), calls)


def products(dtype: str) -> Iterator[Case]:
    if dtype == "bool":
        return
    forms = {
        "matrices": ([N, M], [M, 5], ([], []), ([1], [0])),
        "transposed": ([M, N], [5, M], ([], []), ([0], [1])),
        "matrix and vector": ([N, M], [M], ([], []), ([1], [0])),
        "vectors": ([M], [M], ([], []), ([0], [0])),
        "batches": ([3, N, M], [3, M, 5], ([0], [0]), ([2], [1])),
        "outer": ([N], [M], ([], []), ([], [])),
        "everything": ([N, M], [N, M], ([], []), ([0, 1], [0, 1])),
    }
    for name, (left, right, batch, contract) in forms.items():
        shapes = []
        for at in ({"n": 0, "m": 3}, {"n": 3, "m": 0}, {"n": 1, "m": 1}, {"n": 17, "m": 33}):
            shapes.append([[sizes.poly(s).evaluate(at) for s in dims] for dims in (left, right)])
        yield case(
            f"dot: {name}",
            [(dtype, left), (dtype, right)],
            lambda b, x, y, batch=batch, contract=contract: b.dot(x, y, batch, contract),
            *shapes,
        )


def sources(dtype: str) -> Iterator[Case]:
    if dtype == "bool":
        return
    yield case(
        "iota, size",
        [("f32", [N, M])],
        lambda b, x: [
            b.iota((N, M), DTYPES[dtype], 0),
            b.iota((N, M), DTYPES[dtype], 1),
            b.size(N * M + 1, DTYPES[dtype]),
            b.constant(values(dtype, (2, 7)), DTYPES[dtype]),
        ],
        [(0, 2)],
        [(3, 300)],
    )


GROUPS = (elementwise, casts, reductions, along_an_axis, structure, indexing, products, sources)
COMMON = ("f32", "bf16", "i8", "u64", "bool")


def all_cases(dtype: str) -> list[Case]:
    return [one for group in GROUPS for one in group(dtype)]


@pytest.mark.parametrize("dtype", COMMON)
def test_every_op(dtype: str) -> None:
    assert differences(all_cases(dtype), Road(opt_level=0), [GCC_O2]) == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_every_op_under_every_compiler(dtype: str) -> None:
    compilers = [c for c in (GCC_O0, GCC_O2, CLANG_O2) if shutil.which(c[0])]
    for level in (0, 2):
        assert differences(all_cases(dtype), Road(opt_level=level, near=True), compilers) == []


def test_the_philox_generator() -> None:
    def draw(b: nd.Builder, seed: SSAValue, counter: SSAValue) -> list[SSAValue]:
        return [b.philox(seed, counter, site, (N, 3)) for site in (0, 1, 2**40)]

    types = [("i64", []), ("i64", []), ("f32", [N])]
    module = program(types, lambda b, s, c, x: draw(b, s, c))
    calls = [
        Call([np.array(seed), np.array(counter), np.zeros(n, np.float32)])
        for seed, counter, n in ((0, 0, 0), (7, 1, 5), (-1, 2**63 - 1, 22), (2**40, -5, 1))
    ]
    assert differences([Case("philox", module, calls)]) == []


def test_the_philox_generator_from_an_offset() -> None:
    def draw(b: nd.Builder, seed: SSAValue, first: SSAValue) -> list[SSAValue]:
        return [b.philox(seed, seed, site, (N, 3), first) for site in (0, 2)]

    types = [("i64", []), ("i64", []), ("f32", [N])]
    module = program(types, lambda b, s, first, x: draw(b, s, first))
    calls = [
        Call([np.array(7), np.array(first), np.zeros(n, np.float32)])
        for first, n in ((0, 0), (3, 5), (-7, 4), (2**63 - 5, 9), (2**33, 1))
    ]
    assert differences([Case("philox from", module, calls)]) == []
