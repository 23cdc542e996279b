"""Programs with recurrences: what each of them is for is in its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
from levels import Call, Case
from nd_programs import parse, program, values
from recurrences import Made, Step, T, columns, dot, rows, scan, search
from scan_programs import random_recurrence, scanned
from xdsl.ir import Block, SSAValue

from irc.dialects import nd
from irc.dialects.nd.arrays import rounded
from irc.dtypes import BOOL, DTYPES, F32, F64, I64
from irc.sizes import poly, var

N = var("n")
COUNTS = (0, 1, 2, 50)
Types = Sequence[tuple[str, Sequence[Any]]]
Results = Sequence[SSAValue]


def case(
    name: str,
    types: Types,
    build: Any,
    counts: Sequence[int] = COUNTS,
    make: Callable[[str, Sequence[int], int], np.ndarray] = values,
) -> Case:
    """One call for each number of steps; sizes of arguments are polynomials in T and n."""
    calls = []
    for count in counts:
        sizes = {"T": count, "n": 3}
        shapes = [[poly(d).evaluate(sizes) for d in dims] for _, dims in types]
        inputs = [make(d, s, k) for k, ((d, _), s) in enumerate(zip(types, shapes, strict=True))]
        calls.append(Call(inputs))
    return Case(name, program(types, build), calls)


def small(dtype: str, shape: Sequence[int], seed: int) -> np.ndarray:
    """Numbers around 0: products of special values are NaN, and tell nothing."""
    x = np.random.default_rng([seed, *shape]).normal(size=shape) * 0.3
    return rounded(x, DTYPES[dtype])


# -- states, sequences, outputs


def simple(dtype: str, reverse: bool) -> Iterator[Case]:
    """Taps that skip, a history, outputs that yield what they see."""
    op = "ne" if DTYPES[dtype] is BOOL else "add"
    way = "reverse" if reverse else "forward"

    def short(s: Step) -> Made:
        total = s.b.scalar(op, *s.taps[0])
        return Made([s.b.scalar(op, total, s.rows[0][1])], [s.rows[0][0]])

    yield case(
        f"numbers, {way}",
        [(dtype, [T + 2]), (dtype, [3])],
        lambda b, u, x: scan(b, T, short, [(u, [0, 2])], [(x, [1, 3], False)], reverse),
    )

    def long(s: Step) -> Made:
        return Made([s.b.scalar(op, s.taps[0][1], s.rows[0][1])], [s.taps[0][0]])

    yield case(
        f"rows, {way}",
        [(dtype, [T + 2, N]), (dtype, [2, N])],
        lambda b, u, x: scan(b, T, long, [(u, [0, 2])], [(x, [1, 2], True)], reverse),
    )


def product_case(name: str, types: Types, build: Any, counts: Sequence[int] = COUNTS) -> Case:
    return case(name, types, build, counts, small)


def products() -> Iterator[Case]:
    def vector(b: nd.Builder, u: SSAValue, h: SSAValue, w: SSAValue) -> Results:
        def step(s: Step) -> Made:
            return Made([s.b.scalar("tanh", s.b.add(s.rows[0][0], dot(s.b, w, s.taps[0][0])))])

        (history,) = scan(b, T, step, [(u, [0])], [(h, [1], True)])
        (last,) = scan(b, T, step, [(u, [0])], [(h, [1], False)])
        return rows(b, history, 1, T), last

    yield product_case(
        "a matrix and a vector", [("f32", [T, 5]), ("f32", [1, 5]), ("f32", [5, 5])], vector
    )
    yield product_case(
        "a larger matrix and a vector",
        [("f32", [T, 40]), ("f32", [1, 40]), ("f32", [40, 40])],
        vector,
        (0, 1, 5),
    )

    def batch(b: nd.Builder, u: SSAValue, h: SSAValue, w: SSAValue) -> Results:
        def step(s: Step) -> Made:
            return Made([s.b.scalar("tanh", s.b.add(s.rows[0][0], dot(s.b, s.taps[0][0], w)))])

        return scan(b, T, step, [(u, [0])], [(h, [1], True)])

    types = [("f32", [T, N, 40]), ("f32", [1, N, 40]), ("f32", [40, 40])]
    yield product_case("a small batch", types, batch, (0, 1, 5))
    yield product_case(
        "a small batch, without what was before",
        types,
        lambda b, *xs: rows(b, batch(b, *xs)[0], 1, T),
        (0, 1, 5),
    )

    def transposed(b: nd.Builder, h: SSAValue, w: SSAValue) -> Results:
        def step(s: Step) -> Made:
            new = s.b.dot(s.taps[0][0], w, ((), ()), ((1,), (1,)))
            return Made([s.b.scalar("sin", new)])

        return scan(b, 6, step, [], [(h, [1], False)])

    types = [("f32", [1, N, 40]), ("f32", [40, 40])]
    yield product_case("weights that do not lie right", types, transposed, (0,))

    def changing(b: nd.Builder, x: SSAValue, w: SSAValue) -> Results:
        def step(s: Step) -> Made:
            (w1,), (x1,) = s.taps
            y = s.b.scalar("sin", dot(s.b, w1, x1))
            return Made([s.b.mul(w1, s.b.like(w1, 0.5)), y])

        return scan(b, 5, step, [], [(w, [1], False), (x, [1], False)])

    types = [("f32", [1, 40]), ("f32", [1, 40, 40])]
    yield product_case("weights that change in place", types, changing, (0,))

    def lstm(b: nd.Builder, u: SSAValue, h: SSAValue, c: SSAValue, w: SSAValue) -> Results:
        def step(s: Step) -> Made:
            (x,), (h1,), (c1,) = s.rows[0], s.taps[0], s.taps[1]
            z = s.b.add(x, dot(s.b, h1, w))
            parts = [columns(s.b, z, 6 * k, 6) for k in range(4)]
            i, f, o = (s.b.scalar("sigmoid", p) for p in parts[:3])
            new = s.b.add(s.b.mul(f, c1), s.b.mul(i, s.b.scalar("tanh", parts[3])))
            return Made([s.b.mul(o, s.b.scalar("tanh", new)), new])

        return scan(b, T, step, [(u, [0])], [(h, [1], True), (c, [1], False)])

    types = [("f32", [T, N, 24]), ("f32", [1, N, 6]), ("f32", [1, N, 6]), ("f32", [6, 24])]
    yield product_case("lstm", types, lstm, (0, 1, 7))

    def outer(b: nd.Builder, u: SSAValue, v: SSAValue) -> Results:
        def step(s: Step) -> Made:
            (x,), (y,), (total,) = s.rows[0], s.rows[1], s.taps[0]
            return Made([s.b.add(total, s.b.dot(x, y, ((), ()), ((0,), (0,))))])

        zero = b.full((1, 20, 30), F32, 0)
        return scan(b, T, step, [(u, [0]), (v, [0])], [(zero, [1], False)], reverse=True)

    yield product_case("a sum of products", [("f32", [T, 4, 20]), ("f32", [T, 4, 30])], outer)


def half_products() -> Iterator[Case]:
    """Weights that are widened before the loop, on either side of the product."""

    def left(s: Step, w: SSAValue) -> SSAValue:
        return dot(s.b, w, s.taps[0][0])

    def right(s: Step, w: SSAValue) -> SSAValue:
        return dot(s.b, s.taps[0][0], w)

    for name, product in (("left", left), ("right", right)):

        def program_of(b: nd.Builder, x: SSAValue, w: SSAValue, product: Any = product) -> Results:
            def step(s: Step) -> Made:
                return Made([s.b.scalar("sin", product(s, w))])

            return scan(b, 5, step, [], [(x, [1], False)])

        types = [("f16", [1, 40, 40]), ("f16", [40, 40])]
        yield product_case(f"half floats, weights on the {name}", types, program_of, (0,))
        types = [("bf16", [1, 40]), ("bf16", [40, 40])]
        yield product_case(
            f"half floats, a vector and weights on the {name}", types, program_of, (0,)
        )


def moves() -> Iterator[Case]:
    def swap(s: Step) -> Made:
        (x,), (y,) = s.taps
        return Made([y, x], [x, x])

    yield case(
        "values change places",
        [("f32", [1, 3]), ("f32", [1, 3])],
        lambda b, x, y: scan(b, 5, swap, [], [(x, [1], False), (y, [1], False)]),
        (0,),
    )

    def kept(s: Step) -> Made:
        (x,), (y,) = s.taps
        return Made([x, s.b.add(y, s.rows[0][0])])

    yield case(
        "a state that moves on unchanged",
        [("f32", [T, 3]), ("f32", [2, 3]), ("f32", [1, 3])],
        lambda b, u, x, y: scan(b, T, kept, [(u, [0])], [(x, [2], False), (y, [1], False)]),
    )

    def twice(s: Step) -> Made:
        (x,), (y,) = s.taps
        new = s.b.add(x, s.b.mul(s.rows[0][0], y))
        return Made([new, new], [new, new, s.b.scalar("exp", new)])

    yield case(
        "one value for several results, one init for two states",
        [("f32", [T, 3]), ("f32", [1, 3])],
        lambda b, u, x: scan(b, T, twice, [(u, [0])], [(x, [1], False), (x, [1], True)]),
    )

    def beside(s: Step) -> Made:
        x1, x3 = s.taps[0]
        new = s.b.add(s.b.mul(x1, s.rows[0][0]), x3)
        return Made([new], [new], s.b.scalar("gt", s.b.sum(new, [0]), s.b.full((), F32, 3)))

    def never(s: Step) -> Made:
        made = beside(s)
        return Made(made.states, made.outputs)

    for reverse in (False, True):
        for name, step in (("", never), (", until", beside)):
            yield case(
                f"a state whose rows are an output, reverse {reverse}{name}",
                [("f32", [T, 3]), ("f32", [3, 3])],
                lambda b, u, x, reverse=reverse, step=step: scan(
                    b, T, step, [(u, [0])], [(x, [1, 3], False)], reverse
                ),
            )

    def around(b: nd.Builder, x: SSAValue) -> Results:
        z = b.scalar("exp", x)

        def step(s: Step) -> Made:
            seen = s.b.reshape(z, (3,))
            return Made([s.b.add(s.taps[0][0], seen)], [seen])

        return scan(b, 4, step, [], [(z, [1], False)])

    yield case("an init that is seen inside", [("f32", [1, 3])], around, (0,))

    def both(b: nd.Builder, x: SSAValue) -> Results:
        z = b.scalar("exp", x)

        def step(s: Step) -> Made:
            return Made([s.b.add(s.taps[0][0], s.rows[0][0])])

        return scan(b, 4, step, [(z, [0])], [(rows(b, z, 3, 1), [1], False)])

    yield case("an init that is also a sequence", [("f32", [4, 3])], both, (0,))

    def bump(s: Step) -> Made:
        at = [s.b.cast(s.rows[0][0], I64)]
        seven = s.b.full((1,), F32, 7)
        return Made([s.b.insert_slice(s.taps[0][0], seven, [var("?")], [1], at)])

    def set_(b: nd.Builder, u: SSAValue, x: SSAValue) -> Results:
        positions = b.scalar("mod", u, b.like(u, 5))
        return scan(b, T, bump, [(positions, [0])], [(x, [1], False)])

    yield case("one element of a state", [("i32", [T]), ("f32", [1, 5])], set_)


def sequences() -> Iterator[Case]:
    def exp(s: Step) -> Made:
        return Made([], [s.b.scalar("exp", s.rows[0][0])])

    def weighted(s: Step) -> Made:
        return Made([], [s.b.mul(s.b.cast(s.t, F32), s.rows[0][0]), s.t])

    for reverse in (False, True):
        yield case(
            f"the time, reverse {reverse}",
            [("f32", [T])],
            lambda b, u, reverse=reverse: scan(b, T, weighted, [(u, [0])], (), reverse),
        )
        yield case(
            f"backwards, reverse {reverse}",
            [("f32", [T, 3])],
            lambda b, u, reverse=reverse: scan(
                b, T, exp, [(b.slice(u, (T, 3), [T - 1, poly(0)], (-1, 1)), [0])], (), reverse
            ),
        )
        yield case(
            f"every second row, reverse {reverse}",
            [("f32", [2 * T + 1, 3])],
            lambda b, u, reverse=reverse: scan(
                b, T, exp, [(b.slice(u, (T, 3), [poly(1), poly(0)], (2, 1)), [0])], (), reverse
            ),
        )

    def drawn(b: nd.Builder, u: SSAValue) -> Results:
        """Draws of the steps are rows of one draw."""
        seed, three = b.full((), I64, 7), b.full((), I64, 3)

        def draw(s: Step) -> Made:
            return Made([], [s.b.philox(seed, three, 2, (3,), s.b.mul(s.t, three))])

        (rows_,) = scan(b, T, draw, [(u, [0])])
        return [rows_, b.scalar("eq", rows_, b.philox(seed, three, 2, (T, 3)))]

    yield case("random numbers", [("f32", [T])], drawn)
    yield case(
        "rows of a part",
        [("f32", [T, 6])],
        lambda b, u: scan(b, T, exp, [(b.slice(u, (T, 3), [poly(0), poly(2)], (1, 1)), [0])]),
    )


# -- loops that end early, loops inside loops


def early() -> Iterator[Case]:
    def add(s: Step) -> Made:
        new = s.b.add(s.taps[0][0], s.rows[0][0])
        return Made([new], [s.b.mul(new, new)], s.b.scalar("gt", new, s.b.full((), F32, 2)))

    for history in (False, True):
        for reverse in (False, True):
            for depth in (1, 3):
                yield case(
                    f"until: history {history}, reverse {reverse}, depth {depth}",
                    [("f32", [T]), ("f32", [depth])],
                    lambda b, u, x, history=history, reverse=reverse, depth=depth: scan(
                        b, T, add, [(u, [0])], [(x, [depth], history)], reverse
                    ),
                )

    def given(s: Step) -> Made:
        return Made([s.b.add(s.taps[0][0], s.taps[0][0])], [], s.rows[0][0])

    yield case(
        "until a row says so",
        [("bool", [T]), ("f32", [1])],
        lambda b, u, x: scan(b, T, given, [(u, [0])], [(x, [1], False)]),
    )


def searches() -> Iterator[Case]:
    def root(b: nd.Builder, x: SSAValue) -> Results:
        half, one = b.full((N,), F64, 0.5), b.full((), I64, 1)

        def again(i: nd.Builder, v: Results) -> SSAValue:
            return i.scalar("lt", v[1], i.full((), I64, 6))

        def newton(i: nd.Builder, v: Results) -> Results:
            return [i.mul(i.add(v[0], i.div(x, v[0])), half), i.add(v[1], one)]

        return search(b, [x, b.full((), I64, 0)], again, newton)

    yield case("Newton's square root", [("f64", [N])], root, (0,))

    def power(b: nd.Builder, w: SSAValue, x: SSAValue) -> Results:
        def small(i: nd.Builder, v: Results) -> SSAValue:
            return i.scalar("lt", i.sum(v[0], [0]), i.full((), F32, 100))

        def multiply(i: nd.Builder, v: Results) -> Results:
            return [dot(i, w, v[0]), v[0], v[2]]

        return search(b, [x, x, x], small, multiply, T)

    types = [("f32", [4, 4]), ("f32", [4]), ("f32", [T])]
    yield case("powers, at most T", types, lambda b, w, x, u: power(b, w, x))

    def watched(b: nd.Builder, x: SSAValue) -> Results:
        def again(i: nd.Builder, v: Results) -> SSAValue:
            i.print_("is {0} small?", [v[0]])
            return i.scalar("lt", v[0], i.full((), I64, 9))

        def more(i: nd.Builder, v: Results) -> Results:
            i.assert_(i.scalar("ne", v[0], i.full((), I64, 8)), "{0} is 8", [v[0]])
            return [i.add(v[0], i.full((), I64, 3))]

        return search(b, [x], again, more, 3)

    module = program([("i64", [])], watched)
    calls = [Call([np.array(k)]) for k in (-20, 0, 2, 8, 9)]
    yield Case("a condition that prints, a body that checks", module, calls)


def either(
    b: nd.Builder,
    condition: SSAValue,
    then: Callable[[nd.Builder], Results],
    otherwise: Callable[[nd.Builder], Results],
) -> Results:
    """The results of a conditional."""
    blocks = []
    for make in (then, otherwise):
        block = Block()
        block.add_op(nd.YieldOp.create(operands=list(make(nd.Builder(block)))))
        blocks.append(block)
    return b.if_(condition, *blocks)


def nested() -> Iterator[Case]:
    def step(s: Step) -> Made:
        (u,), (x,), (y,) = s.rows[0], s.taps[0], s.taps[1]

        def inner(q: Step) -> Made:
            new = q.b.scalar("tanh", q.b.add(q.taps[0][0], q.rows[0][0]))
            return Made([new], [q.b.mul(q.taps[0][0], u)])

        last, out = scan(s.b, 3, inner, [(y, [0])], [(s.b.reshape(x, (1, 2)), [1], False)])
        return Made([s.b.reshape(last, (2,)), s.b.mul(y, out)], [out])

    yield case(
        "a loop in a loop",
        [("f32", [T, 2]), ("f32", [1, 2]), ("f32", [1, 3, 2])],
        lambda b, u, x, y: scan(b, T, step, [(u, [0])], [(x, [1], False), (y, [1], True)]),
    )

    def sometimes(b: nd.Builder, u: SSAValue, x: SSAValue) -> Results:
        def inner(q: Step) -> Made:
            return Made([q.b.mul(q.taps[0][0], q.rows[0][0])])

        def outer(s: Step) -> Made:
            (row,), (x1,) = s.rows[0], s.taps[0]
            early = s.b.scalar("lt", s.t, s.b.full((), I64, 2))
            (new,) = either(s.b, early, lambda i: [last_row(i, x1, row)], lambda i: [x1])
            return Made([new], [s.b.sub(new, row)])

        def last_row(i: nd.Builder, x1: SSAValue, row: SSAValue) -> SSAValue:
            (last,) = scan(i, T, inner, [(u, [0])], [(i.reshape(x1, (1, 2)), [1], False)])
            return i.add(i.reshape(last, (2,)), row)

        positive = b.scalar("lt", b.full((), F32, 0), b.sum(b.reshape(x, (2,)), [0]))

        def whole(i: nd.Builder) -> Results:
            return scan(i, T, outer, [(u, [0])], [(x, [1], False)])

        return either(b, positive, whole, lambda i: [x, u])

    types = [("f32", [T, 2]), ("f32", [1, 2])]
    yield case("loops under conditions", types, sometimes)

    def checked(s: Step) -> Made:
        new = s.b.add(s.taps[0][0], s.rows[0][0])
        s.b.print_("step {0}: {1}", [s.t, new])
        s.b.assert_(s.b.scalar("lt", new, s.b.full((), I64, 40)), "at {0}", [s.t])
        return Made([new])

    module = program(
        [("i64", [T]), ("i64", [1])],
        lambda b, u, x: scan(b, T, checked, [(u, [0])], [(x, [1], False)], reverse=True),
    )
    calls = [Call([np.arange(n), np.array([5])]) for n in (0, 3, 10, 12)]
    yield Case("checks and prints in order", module, calls)


# -- random ones


def random_case(seed: int, count: int, until: bool) -> Case:
    r = Random(seed)
    rec, static = random_recurrence(r, count, until=until), r.random() < 0.5
    types = [("f64", shape) for shape in rec.inputs]
    if not static:  # a size of its own, told by one more argument
        types.append(("f64", [T]))
        for k, (row, taps) in enumerate(rec.sequences, 3):
            types[k] = ("f64", [T + taps[-1], *row])

    def build(b: nd.Builder, *inputs: SSAValue) -> Results:
        return scanned(b, rec, inputs[: len(rec.inputs)], count if static else T)

    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) * 0.5 for shape in rec.inputs]
    if not static:
        arrays.append(np.zeros(count))
    return Case(f"seed {seed}, {count} steps", program(types, build), [Call(arrays)])


def a_few() -> list[Case]:
    return [*simple("f32", False), *products(), *early(), *searches()]


# -- states of the module

_ROW = "tensor<3xf64>"
_ONE = "tensor<1x3xf64>"
_MANY = 'tensor<?x3xf64, #nd.dims<"T">>'
# sums of u on top of s; a sum that becomes large ends the call
_SUMS = f"""
  %s = nd.state_read @s : {_ROW}
  %w = nd.state_read @w : {_ROW}
  %x0 = nd.reshape %s : {_ROW} to {_ONE}
  %x, %y = nd.scan "T" over (%u[0]) from (%x0[1]) : ({_MANY}, {_ONE}) -> ({_ONE}, {_MANY}) {{
  ^bb0(%t: tensor<i64>, %u0: {_ROW}, %x1: {_ROW}):
    %a = nd.add %u0, %x1 : {_ROW}
    %m = nd.max %a axes = [0] : {_ROW} to tensor<f64>
    %nine = nd.full 9.0 : f64 : tensor<f64>
    %ok = nd.lt %m, %nine : tensor<f64>
    nd.assert "assert" %ok, "{{0}} at {{1}}"(%m, %t) : tensor<i1>, tensor<f64>, tensor<i64>
    %b = nd.mul %a, %w : {_ROW}
    nd.yield %a, %b : {_ROW}, {_ROW}
  }}
  %last = nd.reshape %x : {_ONE} to {_ROW}
"""
_UPDATES = {
    "the last row": "nd.state_write @s, %last : " + _ROW,
    "what the loop reads": f"%v = nd.add %w, %w : {_ROW}\nnd.state_write @w, %v : {_ROW}",
    "both from both": f"""%v = nd.sub %w, %last : {_ROW}
      nd.state_write @w, %v : {_ROW}
      nd.state_write @s, %last : {_ROW}""",
    "exchange": f"nd.state_write @w, %s : {_ROW}\nnd.state_write @s, %w : {_ROW}",
}


def stateful() -> Iterator[Case]:
    """A call that fails in the middle of a loop has changed nothing."""
    for name, update in _UPDATES.items():
        text = (
            f"nd.state @s : {_ROW}\nnd.state @w : {_ROW}\n"
            f"func.func @f(%u: {_MANY}) -> {_MANY} {{{_SUMS}{update}\nfunc.return %y : {_MANY}\n}}"
        )
        state = {"s": np.array([1.0, 2.0, 3.0]), "w": np.array([0.5, -1.0, 2.0])}
        calls = [Call([np.ones((count, 3))], state) for count in (0, 1, 5, 6, 20)]
        yield Case(f"update: {name}", parse(text), calls)
