"""Every op of nd means the same after `convert-nd-to-linalg`, on shapes 0, 1 and odd ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from lowering import changed_by
from nd_programs import DTYPE_NAMES, program, values
from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dtypes import DTYPES
from irc.passes.linalg.convert_nd_to_linalg import ConvertNdToLinalgPass
from irc.passes.linalg.fuse import FusePass

N, M = sizes.var("n"), sizes.var("m")
COUNTS = (0, 1, 7)
PIPELINES = {"convert": [ConvertNdToLinalgPass()], "fuse": [ConvertNdToLinalgPass(), FusePass()]}
pytestmark = pytest.mark.parametrize("pipeline", PIPELINES)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_elementwise(dtype: str, pipeline: str) -> None:
    names = [s for s, op in nd.SCALARS.items() if DTYPES[dtype].kind in op.takes]

    def body(b: nd.Builder, x: SSAValue, y: SSAValue) -> list[SSAValue]:
        return [b.scalar(s, *(x, y)[: nd.SCALARS[s].arity]) for s in names]

    calls = [[values(dtype, (n,), 1), values(dtype, (n,), 2)] for n in (*COUNTS, 64)]
    what = changed_by(program([(dtype, [N]), (dtype, [N])], body), PIPELINES[pipeline], calls)
    assert what is None, (names, what)


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_casts(dtype: str, pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
        return [b.cast(x, DTYPES[to]) for to in DTYPE_NAMES]

    calls = [[values(dtype, (n, 3))] for n in (0, 1, 40)]
    assert changed_by(program([(dtype, [N, 3])], body), PIPELINES[pipeline], calls) is None


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
def test_reductions(dtype: str, pipeline: str) -> None:
    names = [r for r, op in nd.REDUCTIONS.items() if DTYPES[dtype].kind in op.takes]

    def body(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
        found = [b.reduce(r, x, axes) for r in names for axes in ([0], [1], [0, 2], [0, 1, 2])]
        if dtype != "bool":
            for axis in (0, 1, 2):
                found += [b.argmax(x, axis), b.argmax(x, axis, smallest=True)]
        return found

    calls = [[values(dtype, (n, 3, m))] for n, m in ((1, 1), (7, 2), (2, 45), (0, 2), (2, 0))]
    module = program([(dtype, [N, 3, M])], body)
    assert changed_by(module, PIPELINES[pipeline], calls) is None


def test_long_sums_keep_their_order(pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
        return [b.sum(x, [0, 1]), b.prod(x, [1]), b.sum(x, [0])]

    calls = [[values("f32", (n, 100), n)] for n in (1, 2, 65)]
    assert changed_by(program([("f32", [N, 100])], body), PIPELINES[pipeline], calls) is None


@pytest.mark.parametrize("name", ["max", "min", "argmax"])
def test_extrema_of_nothing_fail(name: str, pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue) -> SSAValue:
        return b.argmax(x, 1) if name == "argmax" else b.reduce(name, x, [1])

    for static in ([N, 0], [2, M], [N, M]):
        calls = [[values("f32", (n, 0))] for n in (2, 0) if static[0] in (N, n)]
        assert changed_by(program([("f32", static)], body), PIPELINES[pipeline], calls) is None


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64", "i8", "i32", "u64"])
def test_products(dtype: str, pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue, y: SSAValue, z: SSAValue) -> list[SSAValue]:
        return [
            b.dot(x, y, ([], []), ([1], [0])),
            b.dot(b.transpose(y, [1, 0]), x, ([], []), ([1], [1])),
            b.dot(x, x, ([0], [0]), ([1], [1])),
            b.dot(x, x, ([], []), ([0, 1], [0, 1])),
            b.dot(z, y, ([0], [1]), ([2], [0])),
            b.dot(x, x, ([0], [0]), ([], [])),
        ]

    types = [(dtype, [N, 3]), (dtype, [3, M]), (dtype, [M, 2, 3])]
    calls = []
    for n, m in ((1, 1), (5, 2), (0, 3), (3, 0)):
        shapes = ((n, 3), (3, m), (m, 2, 3))
        calls.append([np.minimum(np.nan_to_num(values(dtype, s)), 50) for s in shapes])
        if DTYPES[dtype].is_float:
            calls[-1] = [np.clip(x, -2, 2).astype(x.dtype) for x in calls[-1]]
    assert changed_by(program(types, body), PIPELINES[pipeline], calls) is None


Case = tuple[Sequence[tuple[str, Sequence[Any]]], Callable[..., Any]]
I64 = DTYPES["i64"]


def _updated(b: nd.Builder, x: SSAValue, v: SSAValue, k: SSAValue) -> list[SSAValue]:
    return [
        b.insert_slice(x, v, [0, 1], [1, 1]),
        b.insert_slice(x, v, [0, 4], [1, -2]),
        b.insert_slice(x, v, [N - 1, 1], [-1, 1]),
        b.insert_slice(x, v, [0, sizes.var("?")], [1, 1], [k]),
        b.insert_slice(x, v, [0, sizes.var("?")], [1, -1], [b.add(k, b.like(k, 1))]),
    ]


def _sliced(b: nd.Builder, x: SSAValue, k: SSAValue) -> list[SSAValue]:
    return [
        b.slice(x, [N, 2], [0, 1], [1, 2]),
        b.slice(x, [N, 5], [0, 4], [1, -1]),
        b.slice(x, [N, 5], [N - 1, 0], [-1, 1]),
        b.slice(x, [N, 2], [0, sizes.var("?")], [1, 1], [k]),
        b.slice(b.exp(x), [N, 2], [0, sizes.var("?")], [1, -1], [b.add(k, b.like(k, 1))]),
        b.slice(x, [N, 0], [0, 0], [1, 1]),
        b.slice(x, [N, 2], [0, 0], [1, 1]),
        b.slice(x, [N, 3], [0, 0], [1, 2]),
        b.slice(b.slice(b.exp(x), [N, 2], [0, 0], [1, 1]), [N, 2], [N - 1, 1], [-1, -1]),
    ]


def _reshaped(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
    shapes = ([N * 12], [12, N], [N, 12], [2, N, 6], [1, N, 1, 2, 6, 1], [4, 3 * N], [N, 4, 3])
    return [b.neg(b.reshape(b.neg(x), s)) for s in shapes]


def _scalars(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
    one = b.reshape(x, [1, 1])
    return [b.neg(one), b.sum(one, [0, 1]), b.broadcast(x, [], [3]), b.reshape(b.neg(one), [])]


def _sources(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
    dtypes = [DTYPES[d] for d in ("i8", "u8", "u64", "f16", "bf16", "f32", "f64")]
    found = [b.iota([N, 3], d, axis) for d in dtypes for axis in (0, 1)]
    found += [b.size(p, d) for d in dtypes for p in (N, 2 * N * N + 1, (N + 1) // 2)]
    found += [b.full([N], d, 3) for d in dtypes]
    found += [b.full([], DTYPES["bool"], True), b.linear_index([N, 3])]
    return [*found, b.constant(np.arange(6.0).reshape(2, 3), DTYPES["f16"])]


def _drawn(b: nd.Builder, seed: SSAValue, counter: SSAValue, x: SSAValue) -> list[SSAValue]:
    return [b.philox(seed, counter, 9, d) for d in ([N], [3, 5], [], [2, N, 3])]


CASES: dict[str, Case] = {
    "broadcast": (
        [("f32", [N, 1]), ("u8", [])],
        lambda b, x, y: [b.broadcast(x, [0, 2], [N, 3, 4]), b.broadcast(y, [], [N, 2])],
    ),
    "transpose": (
        [("i16", [N, 2, 3])],
        lambda b, x: [b.transpose(x, [2, 0, 1]), b.transpose(x, [1, 0, 2])],
    ),
    "where": (
        [("bool", [N]), ("u16", [N]), ("u16", [N])],
        lambda b, c, x, y: b.where(c, x, y),
    ),
    "slice": ([("f32", [N, 5]), ("i64", [])], _sliced),
    "insert": ([("f32", [N, 6]), ("f32", [N, 2]), ("i64", [])], _updated),
    "concat": (
        [("bf16", [N, 2]), ("bf16", [M, 2])],
        lambda b, x, y: [b.concat([x, y, x], 0), b.concat([x, b.neg(x)], 1)],
    ),
    "reshape": ([("f32", [N, 3, 4])], _reshaped),
    "reshape nothing": ([("f32", [0, 3])], lambda b, x: [b.reshape(x, [5, 0]), b.reshape(x, [0])]),
    "scalars": ([("f32", [])], _scalars),
    "sources": ([("f32", [N])], _sources),
    "philox": ([("i64", []), ("i64", []), ("f32", [N])], _drawn),
    "stop_gradient": ([("f32", [N])], lambda b, x: b.neg(b.stop_gradient(x))),
}


@pytest.mark.parametrize("name", CASES)
def test_structure(name: str, pipeline: str) -> None:
    types, body = CASES[name]
    module = program(types, body)
    calls = []
    for n, m in ((0, 2), (1, 1), (7, 3)):
        known = {"n": n, "m": m}
        shapes = [
            [d if isinstance(d, int) else d.evaluate(known) for d in dims] for _, dims in types
        ]
        calls.append([
            values(d, s, k) if s or d != "i64" else np.array(2, np.int64)
            for k, ((d, _), s) in enumerate(zip(types, shapes, strict=True))
        ])  # fmt: skip
    assert changed_by(module, PIPELINES[pipeline], calls) is None


@pytest.mark.parametrize("index", ["i8", "u8", "i32", "u32", "i64", "u64"])
@pytest.mark.parametrize("in_bounds", [False, True])
def test_gather_and_scatter(index: str, in_bounds: bool, pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue, i: SSAValue, j: SSAValue, v: SSAValue) -> list[SSAValue]:
        found = [
            b.gather(x, [i], [0], in_bounds),
            b.gather(x, [i], [1], in_bounds),
            b.gather(x, [i, j], [0, 1], in_bounds),
        ]
        for kind in ("set", "add"):
            found.append(b.scatter(x, v, [i], [0], kind, in_bounds))  # type: ignore[arg-type]
            column = b.reshape(b.slice(v, [M, 1], [0, 1], [1, 1]), [M])
            found.append(b.scatter(x, column, [i, j], [0, 1], kind, in_bounds))  # type: ignore[arg-type]
        return found

    types = [("f16", [N, 3]), (index, [M]), (index, [M]), ("f16", [M, 3])]
    rng = np.random.default_rng(1)
    calls = []
    for n, m in ((4, 9), (3, 0), (1, 1), *(() if in_bounds else ((0, 4),))):
        low, high = (0, min(n, 3)) if in_bounds else (0 if index[0] == "u" else -3, 9)
        i, j = (rng.integers(low, max(high, 1), m).astype(DTYPES[index].numpy) for _ in range(2))
        calls.append([values("f16", (n, 3)), i, j, np.nan_to_num(values("f16", (m, 3), 1))])
    assert changed_by(program(types, body), PIPELINES[pipeline], calls) is None


def test_scalar_index(pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue, i: SSAValue, v: SSAValue) -> list[SSAValue]:
        return [b.gather(x, [i], [0]), b.scatter(x, v, [i], [0], "add"), b.gather(x, [i], [1])]

    calls = [[values("i32", (4, 3)), np.array(k), values("i32", (3,), 1)] for k in (0, 2, -1, 99)]
    module = program([("i32", [4, 3]), ("i64", []), ("i32", [3])], body)
    assert changed_by(module, PIPELINES[pipeline], calls) is None


def test_checks_and_prints(pipeline: str) -> None:
    def body(b: nd.Builder, x: SSAValue, k: SSAValue) -> SSAValue:
        b.print_("k {0} x {1:.2f} {{}}", [k, x])
        ok = b.scalar("gt", x, b.like(x, 0))
        b.assert_(ok, "x[{@0}, {@1}] = {0:.3f} is not above 0 (k is {1})", [x, k], "bounds")
        b.assert_(b.scalar("lt", k, b.like(k, 3)), "k is {0}", [k])
        return b.neg(x)

    module = program([("f32", [N, 3]), ("u8", [])], body)
    good = np.ones((4, 3), np.float32)
    bad = good.copy()
    bad[2, 1:] = -0.25
    calls = [[x, np.array(k, np.uint8)] for x in (good, bad, good[:0]) for k in (2, 200)]
    assert changed_by(module, PIPELINES[pipeline], calls) is None
