"""An op done for many rows at once gives what it gives row by row, for every op of the dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from nd_programs import program, run, same_bits, values
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.traits import Pure

from irc.dialects import nd
from irc.dialects.nd import REDUCTIONS, SCALARS, Builder
from irc.dtypes import DTYPES, I64
from irc.sizes import var

Kind = tuple[str, tuple[int, ...]]
Body = Callable[..., SSAValue]
COUNTS = (3, 1, 0)
T = var("T")
START = ("start", ())  # an i64 scalar that is 0 or 1
PLACE = ("place", (2, 3))  # i64, some outside of 0..3


def scalar_case(name: str) -> tuple[list[Kind], Body]:
    takes = SCALARS[name].takes
    dtype = next(d for d in ("f32", "i32", "bool") if DTYPES[d].kind in takes)
    kinds: list[Kind] = [(dtype, (2, 3))] * SCALARS[name].arity
    return kinds, lambda b, *xs: b.scalar(name, *xs)


def reduction_case(name: str) -> tuple[list[Kind], Body]:
    dtype = "f32" if DTYPES["f32"].kind in REDUCTIONS[name].takes else "bool"
    return [(dtype, (2, 3, 4))], lambda b, x: b.reduce(name, x, [0, 2])


def dot(batch: tuple[list[int], list[int]], contract: tuple[list[int], list[int]]) -> Body:
    return lambda b, x, y: b.dot(x, y, batch, contract)


CASES: dict[str, tuple[list[Kind], Body]] = {
    **{f"scalar {name}": scalar_case(name) for name in SCALARS},
    **{f"reduce {name}": reduction_case(name) for name in REDUCTIONS},
    "where": (
        [("bool", (2, 3)), ("f32", (2, 3)), ("f32", (2, 3))],
        lambda b, c, x, y: b.where(c, x, y),
    ),
    "cast": ([("f32", (2, 3))], lambda b, x: b.cast(x, I64)),
    "stop_gradient": ([("f32", (2, 3))], lambda b, x: b.stop_gradient(x)),
    "broadcast": ([("f32", (3, 1))], lambda b, x: b.broadcast(x, [1, 2], (2, 3, 4))),
    "broadcast of a scalar": ([("f32", ())], lambda b, x: b.broadcast(x, [], (2,))),
    "reshape": ([("f32", (2, 6))], lambda b, x: b.reshape(x, (3, 4))),
    "transpose": ([("f32", (2, 3, 4))], lambda b, x: b.transpose(x, [2, 0, 1])),
    "slice": ([("f32", (5, 4))], lambda b, x: b.slice(x, (2, 3), (4, 1), (-2, 1))),
    "slice at a value": (
        [("f32", (4, 5)), START],
        lambda b, x, i: b.slice(x, (3, 2), (var("?"), 3), (1, -2), [i]),
    ),
    "slice at values": (
        [("f32", (4, 2, 5)), START, START],
        lambda b, x, i, j: b.slice(x, (2, 2, 3), (var("?"), 0, var("?")), (2, 1, 1), [i, j]),
    ),
    "insert_slice": (
        [("f32", (5, 4)), ("f32", (2, 3))],
        lambda b, x, v: b.insert_slice(x, v, (4, 1), (-2, 1)),
    ),
    "insert_slice at values": (
        [("f32", (4, 2, 5)), ("f32", (2, 2, 3)), START],
        lambda b, x, v, i: b.insert_slice(x, v, (var("?"), 1, 1), (2, -1, 1), [i]),
    ),
    "insert_slice of a whole axis": (
        [("f32", (2, 5)), ("f32", (2, 3)), START],
        lambda b, x, v, i: b.insert_slice(x, v, (0, var("?")), (1, 1), [i]),
    ),
    "concat": ([("f32", (2, 3)), ("f32", (2, 1))], lambda b, x, y: b.concat([x, y], 1)),
    "conv": (
        [("f32", (2, 3, 6, 5)), ("f32", (4, 3, 2, 2))],
        lambda b, x, w: b.conv(x, w, (2, 1), (1, 0), (-1, 2), (1, 2), (1, 2)),
    ),
    "conv in groups": (
        [("f32", (2, 3, 2, 5)), ("f32", (2, 4, 2, 2))],
        lambda b, x, w: b.conv(x, w, (1,), (0,), (0,), (1,), (1,)),
    ),
    "max_pool": ([("f32", (2, 5, 4))], lambda b, x: b.max_pool(x, (2, 3), (1, 1), (2, 1))),
    "max_pool_index": (
        [("f32", (2, 5, 4))],
        lambda b, x: b.max_pool_index(x, (2, 2), (2, 1), (1, 1)),
    ),
    "argmax": ([("f32", (2, 3))], lambda b, x: b.argmax(x, 1)),
    "argmin": ([("f32", (2, 3))], lambda b, x: b.argmax(x, 0, I64, smallest=True)),
    "cumulative": ([("f32", (2, 3))], lambda b, x: b.cumulative("sum", x, 0, True, True)),
    "argsort": ([("f32", (2, 3))], lambda b, x: b.argsort(x, 1, I64, True)),
    "dot of vectors": ([("f32", (3,)), ("f32", (3,))], dot(([], []), ([0], [0]))),
    "dot of a matrix and a vector": ([("f32", (2, 3)), ("f32", (3,))], dot(([], []), ([1], [0]))),
    "dot of a vector and a matrix": ([("f32", (3,)), ("f32", (3, 2))], dot(([], []), ([0], [0]))),
    "dot of matrices": ([("f32", (2, 3)), ("f32", (4, 3))], dot(([], []), ([1], [1]))),
    "outer product": ([("f32", (2,)), ("f32", (3,))], dot(([], []), ([], []))),
    "batch of dots": (
        [("f32", (3, 5, 2)), ("f32", (2, 4, 3))],
        dot(([2], [0]), ([0], [2])),
    ),
    "batch of matrices and vectors": (
        [("f32", (2, 5, 3)), ("f32", (2, 3))],
        dot(([0], [0]), ([2], [1])),
    ),
    "gather": ([("f32", (4, 5)), PLACE], lambda b, x, i: b.gather(x, [i], [1])),
    "gather of elements": (
        [("f32", (4, 5, 2)), PLACE, PLACE],
        lambda b, x, i, j: b.gather(x, [i, j], [0, 1]),
    ),
    "scatter set": (
        [("f32", (4, 5)), ("f32", (2, 3, 5)), PLACE],
        lambda b, x, v, i: b.scatter(x, v, [i], [0], "set"),
    ),
    "scatter add": (
        [("f32", (4, 5)), ("f32", (2, 3)), PLACE, PLACE],
        lambda b, x, v, i, j: b.scatter(x, v, [i, j], [0, 1], "add"),
    ),
}


def last_op(module: ModuleOp) -> Operation:
    """The op whose result the function returns."""
    (function,) = module.ops
    end = function.regions[0].block.last_op
    assert end is not None and isinstance(end.operands[0], OpResult)
    return end.operands[0].op


def inputs(kinds: Sequence[Kind], count: int, rows: Sequence[bool]) -> list[np.ndarray]:
    found = []
    for k, ((name, dims), own) in enumerate(zip(kinds, rows, strict=True)):
        shape = (count, *dims) if own else dims
        if name in ("start", "place"):
            low, high = (0, 2) if name == "start" else (-1, 5)
            positions = np.random.default_rng([k, count]).integers(low, high, shape)
            found.append(np.asarray(positions, dtype=np.int64))
        else:
            found.append(values(name, shape, k))
    return found


@pytest.mark.parametrize("case", CASES)
def test_rows_at_once_are_the_rows_one_by_one(case: str) -> None:
    kinds, body = CASES[case]
    types = [("i64" if n in ("start", "place") else n, dims) for n, dims in kinds]
    alone = program(types, body)
    op = last_op(alone)
    for rows in product((False, True), repeat=len(kinds)):
        if not any(rows):
            continue

        def at_once(b: Builder, *xs: SSAValue, rows: Sequence[bool] = rows) -> SSAValue:
            made = op.batched(b, T, xs, rows)  # type: ignore[attr-defined]
            assert made is not None
            return made

        stacked = [(n, (T, *d) if own else d) for (n, d), own in zip(types, rows, strict=True)]
        together = program(stacked, at_once)
        for count in COUNTS:
            given = inputs(kinds, count, rows)
            (result,) = run(together, *given)
            for t in range(count):
                (row,) = run(
                    alone, *(x[t] if own else x for x, own in zip(given, rows, strict=True))
                )
                exact = not case.startswith(("dot", "conv", "outer", "batch"))
                if exact:
                    assert same_bits(result[t], row), (case, rows, t)
                else:
                    assert np.allclose(result[t], row, rtol=1e-5, equal_nan=True), (case, rows, t)
            assert result.shape[0] == count


def test_draws_that_follow_each_other_are_one_draw() -> None:
    def offsets(b: Builder, base: SSAValue) -> SSAValue:
        """The place of the draw of each step: base + t * 6."""
        steps = b.mul(b.iota([T], I64, 0), b.broadcast(b.size(6), [], [T]))
        return b.add(steps, b.broadcast(base, [], [T]))

    def at_once(b: Builder, x: SSAValue) -> SSAValue:
        seed, counter, base = (b.full((), I64, v) for v in (7, 1, 20))
        one = b.philox(seed, counter, 3, (2, 3), base).owner
        made = one.batched(b, T, [seed, counter, offsets(b, base)], [False, False, True])  # type: ignore[union-attr]
        assert made is not None
        assert one.batched(b, T, [offsets(b, base), counter, base], [True, False, False]) is None  # type: ignore[union-attr]
        assert one.batched(b, T, [seed, counter, b.iota([T], I64, 0)], [False, False, True]) is None  # type: ignore[union-attr]
        return made

    def one_by_one(b: Builder, t: SSAValue) -> SSAValue:
        seed, counter = (b.full((), I64, v) for v in (7, 1))
        place = b.add(b.mul(t, b.full((), I64, 6)), b.full((), I64, 20))
        return b.philox(seed, counter, 3, (2, 3), place)

    (rows,) = run(program([("f32", (T,))], at_once), np.zeros(4, np.float32))
    alone = program([("i64", ())], one_by_one)
    for t in range(4):
        assert np.array_equal(rows[t], run(alone, np.asarray(t))[0])


# Row by row: what has regions or stands for a derivative, and what reads nothing.
ROW_BY_ROW = {"nd.grad", "nd.jvp", "nd.yield", "nd.full", "nd.constant", "nd.iota", "nd.size"}
ROW_BY_ROW |= {"nd.extern", "nd.lu"}  # more than one result


def test_every_op_of_values_has_a_rule() -> None:
    without = {
        cls.name
        for cls in nd.ND.operations
        if any(isinstance(t, Pure) for t in cls.traits.traits) and not hasattr(cls, "batched")
    }
    assert without == ROW_BY_ROW
