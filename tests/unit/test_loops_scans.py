"""Recurrences in memory: a step copies nothing and allocates nothing, and workspace is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from levels import Case, Road, Subject
from nd_programs import program
from recurrences import Made, Step, T, columns, dot, rows, scan, search
from xdsl.dialects import memref, scf
from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Operation, SSAValue

from irc.dialects import nd
from irc.dialects.context import make_context
from irc.dialects.verify import walk
from irc.dtypes import F32
from irc.pipeline import PASSES as TABLE
from irc.pipeline import load
from irc.sizes import var

N = var("n")
Types = Sequence[tuple[str, Sequence[Any]]]
PASSES = list(TABLE)
# Without what may move work out of a recurrence: these tests look at what is inside.
INSIDE = Road(
    target="cpu:x86-64-v4",
    without=frozenset({"nd-batch-scans", "nd-merge-products", "nd-hoist-invariants"}),
)


def lowered(types: Types, build: Callable[..., Any], after: str = "loops-plan-memory") -> FuncOp:
    """The function after a pass."""
    road = replace(INSIDE, without=INSIDE.without | set(PASSES[PASSES.index(after) + 1 :]))
    subject = Subject.of([Case("f", program(types, build), [])], road)
    module = subject.module
    ctx = make_context()
    for _, passes in road.stages():
        for one in passes:
            load(one).apply(ctx, module)
    return next(op for op in module.ops if isinstance(op, FuncOp))


def arena(function: FuncOp) -> str:
    attr = function.attributes["irc.arena"]
    assert isinstance(attr, StringAttr)
    return attr.data


def loops(function: FuncOp) -> list[Operation]:
    """The loops over time."""
    return [op for op in function.body.block.ops if isinstance(op, scf.ForOp | scf.WhileOp)]


def moved(function: FuncOp) -> list[Operation]:
    """What only moves elements from one place to another, in the loops of a bufferized function."""
    return [op for loop in loops(function) for op in walk(loop) if _moves(op)]


def _moves(op: Operation) -> bool:
    if isinstance(op, GenericOp):
        end = op.body.block.last_op
        return end is not None and all(v in op.body.block.args for v in end.operands)
    return isinstance(op, memref.CopyOp)


# -- nothing is copied


def tanh_step(weights: SSAValue) -> Callable[[Step], Made]:
    def step(s: Step) -> Made:
        return Made([s.b.scalar("tanh", s.b.add(s.rows[0][0], dot(s.b, weights, s.taps[0][0])))])

    return step


def returned_history(b: nd.Builder, u: SSAValue, h: SSAValue, w: SSAValue) -> SSAValue:
    (history,) = scan(b, T, tanh_step(w), [(u, [0])], [(h, [1], True)])
    return rows(b, history, 1, T)


def last_only(b: nd.Builder, u: SSAValue, h: SSAValue, w: SSAValue) -> SSAValue:
    (last,) = scan(b, T, tanh_step(w), [(u, [0])], [(h, [1], False)])
    return last


RNN: Types = [("f32", [T, 3]), ("f32", [1, 3]), ("f32", [3, 3])]


def talk(b: nd.Builder, u: SSAValue, x: SSAValue, y: SSAValue, *w: SSAValue) -> list[SSAValue]:
    """x[t] = tanh(W x[t-1] + V u[t] + Q u[t+4] + F y[t-1]), y[t] = O x[t-3]"""

    def step(s: Step) -> Made:
        (u0, u4), (x1, x3), (y1,) = s.rows[0], s.taps[0], s.taps[1]
        total = dot(s.b, w[0], x1)
        for matrix, value in ((w[1], u0), (w[2], u4), (w[3], y1)):
            total = s.b.add(total, dot(s.b, matrix, value))
        return Made([s.b.scalar("tanh", total), dot(s.b, w[4], x3)])

    _, made = scan(b, T, step, [(u, [0, 4])], [(x, [1, 3], False), (y, [1], True)])
    return [rows(b, made, 1, T)]


TALK: Types = [
    ("f32", [T + 4, 3]), ("f32", [3, 5]), ("f32", [1, 2]),
    ("f32", [5, 5]), ("f32", [5, 3]), ("f32", [5, 3]), ("f32", [5, 2]), ("f32", [2, 5]),
]  # fmt: skip


def lstm(b: nd.Builder, u: SSAValue, h: SSAValue, c: SSAValue, w: SSAValue) -> list[SSAValue]:
    def step(s: Step) -> Made:
        (x,), (h1,), (c1,) = s.rows[0], s.taps[0], s.taps[1]
        z = s.b.add(x, dot(s.b, h1, w))
        parts = [columns(s.b, z, 6 * k, 6) for k in range(4)]
        i, f, o = (s.b.scalar("sigmoid", p) for p in parts[:3])
        new = s.b.add(s.b.mul(f, c1), s.b.mul(i, s.b.scalar("tanh", parts[3])))
        return Made([s.b.mul(o, s.b.scalar("tanh", new)), new])

    return scan(b, T, step, [(u, [0])], [(h, [1], True), (c, [1], False)])


LSTM: Types = [("f32", [T, N, 24]), ("f32", [1, N, 6]), ("f32", [1, N, 6]), ("f32", [6, 24])]


def gru(b: nd.Builder, u: SSAValue, h: SSAValue, w: SSAValue, v: SSAValue) -> list[SSAValue]:
    def step(s: Step) -> Made:
        (x,), (h1,) = s.rows[0], s.taps[0]
        both = s.b.scalar("sigmoid", s.b.add(columns(s.b, x, 0, 12), dot(s.b, h1, w)))
        z, r = columns(s.b, both, 0, 6), columns(s.b, both, 6, 6)
        new = s.b.scalar("tanh", s.b.add(columns(s.b, x, 12, 6), dot(s.b, s.b.mul(r, h1), v)))
        kept = s.b.mul(s.b.sub(s.b.like(z, 1), z), h1)
        return Made([s.b.add(kept, s.b.mul(z, new))])

    return scan(b, T, step, [(u, [0])], [(h, [1], False)])


GRU: Types = [("f32", [T, N, 18]), ("f32", [1, N, 6]), ("f32", [6, 12]), ("f32", [6, 6])]


def sum_of_products(b: nd.Builder, u: SSAValue, v: SSAValue) -> list[SSAValue]:
    def step(s: Step) -> Made:
        (x,), (y,), (total,) = s.rows[0], s.rows[1], s.taps[0]
        return Made([s.b.add(total, s.b.dot(x, y, ((), ()), ((0,), (0,))))])

    zero = b.full((1, 40, 30), F32, 0)
    return scan(b, T, step, [(u, [0]), (v, [0])], [(zero, [1], False)])


SUM: Types = [("f32", [T, 4, 40]), ("f32", [T, 4, 30])]


def newton(b: nd.Builder, x: SSAValue) -> list[SSAValue]:
    half = b.full((N,), F32, 0.5)
    return search(
        b,
        [x],
        lambda i, v: i.scalar("lt", i.sum(v[0], [0]), i.full((), F32, 9)),
        lambda i, v: [i.mul(i.add(v[0], i.div(x, v[0])), half)],
    )


PROGRAMS: dict[str, tuple[Types, Callable[..., Any]]] = {
    "history": (RNN, returned_history),
    "last": (RNN, last_only),
    "talk": (TALK, talk),
    "lstm": (LSTM, lstm),
    "gru": (GRU, gru),
    "sum of products": (SUM, sum_of_products),
    "search": ([("f32", [N])], newton),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_step_copies_nothing(name: str) -> None:
    function = lowered(*PROGRAMS[name], after="bufferize")
    assert len(loops(function)) == 1
    assert moved(function) == []


def test_a_copy_would_be_seen() -> None:
    """A row that is an argument lies elsewhere."""

    def late(s: Step) -> Made:
        return Made([s.b.add(s.taps[0][0], s.rows[0][0])], [s.taps[0][0]])

    function = lowered(
        [("f32", [T, 3]), ("f32", [1, 3])],
        lambda b, u, x: scan(b, T, late, [(u, [0])], [(x, [1], False)]),
        after="bufferize",
    )
    assert len(moved(function)) == 1


# -- workspace


WORKSPACE = {
    # The product; rows of the history are those of the result.
    "history": "64",
    # Two rows that take turns, and the product.
    "last": "128",
    # A ring of 4 rows, and four products.
    "talk": "384",
    # The gates of one step and the packed weights; the state c is updated where it is returned.
    "lstm": "64*((96*n + 63)//64) + 768",
    # The packed rows of v; the sum is updated where it is returned.
    "sum of products": "512",
    # The sum that the condition looks at.
    "search": "64",
}


@pytest.mark.parametrize("name", WORKSPACE)
def test_workspace(name: str) -> None:
    assert arena(lowered(*PROGRAMS[name])) == WORKSPACE[name]


def test_temporaries_of_a_step_share_their_places() -> None:
    """Each reversal needs only the one before, in a step as outside."""

    def chain(length: int) -> FuncOp:
        def step(s: Step) -> Made:
            x = s.taps[0][0]
            for _ in range(length):
                x = s.b.cumulative("sum", x, 0)
            return Made([x])

        return lowered([("f32", [1, 100])], lambda b, x: scan(b, 7, step, [], [(x, [1], False)]))

    assert arena(chain(9)) == arena(chain(3))


def test_steps_cost_nothing_in_the_text() -> None:
    def count(steps: int) -> int:
        return sum(
            1
            for _ in walk(
                lowered(
                    [("f32", [steps, 3]), ("f32", [1, 3]), ("f32", [3, 3])],
                    lambda b, u, h, w: scan(b, steps, tanh_step(w), [(u, [0])], [(h, [1], False)]),
                )
            )
        )

    assert count(1000) == count(10)
