"""Derivatives through regions: conditionals, recurrences, searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import numpy as np
import pytest
from derivatives import expanded
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nd_programs import context, program, run, smooth
from scan_programs import Recurrence, cost, numbers, random_recurrence, scanned, unrolled
from work import LINEAR, growth
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region, SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd import Builder, dims_of, dtype_of
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import offsets
from irc.dtypes import F64
from irc.errors import UserError
from irc.execution import execute
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.sizes import Poly, Size, var

Function = Callable[..., Sequence[SSAValue]]
T = var("T")


# -- against the same steps written out

MODES = ("", "until", "truncate", "checkpoint", "until truncate", "checkpoint truncate")
COUNTS = (0, 1, 2, 5, 7)


def both(rec: Recurrence, seed: int, orders: int) -> None:
    """Results and gradients of a recurrence, and then of those, as a scan and written out."""
    inputs = numbers(rec, seed)
    types = [("f64", x.shape) for x in inputs]

    def body(way: Callable[..., list[SSAValue]], b: Builder, *xs: SSAValue) -> list[SSAValue]:
        results = way(b, rec, xs, rec.count)
        gradients = b.grad(cost(b, results), xs, disconnected=True)
        for _ in range(orders - 1):
            gradients = b.grad(cost(b, gradients), xs, disconnected=True)
        return [*results, *gradients]

    found = run(expanded(types, partial(body, scanned)), *inputs)
    expected = run(expanded(types, partial(body, unrolled)), *inputs)
    for k, (x, y) in enumerate(zip(found, expected, strict=True)):
        assert np.allclose(x, y, rtol=1e-9, atol=1e-10), (k, rec, x, y)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
@example(seed=7)
def test_a_scan_has_the_derivatives_of_its_steps(mode: str, seed: int) -> None:
    r = Random(seed)
    rec = random_recurrence(r, r.choice(COUNTS), until="until" in mode)
    rec.truncate = r.choice([1, 2, 3, 8]) if "truncate" in mode else None
    rec.checkpoint = "checkpoint" in mode
    both(rec, seed, orders=r.choice([1, 1, 2]))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(300))
def test_many(seed: int) -> None:
    test_a_scan_has_the_derivatives_of_its_steps.hypothesis.inner_test(  # type: ignore[attr-defined]
        MODES[seed % len(MODES)], seed
    )


def test_fifty_steps() -> None:
    both(random_recurrence(Random(3), 50), 3, orders=1)


# -- against differences


def check(
    f: Function, *inputs: np.ndarray, types: Sequence[tuple[str, Sequence[Size]]] = ()
) -> None:
    """
    Gradients of a weighted sum of the results, and those of these, along random directions,
    against central differences of fourth order; and the derivative along these.
    """
    types = types or [("f64", x.shape) for x in inputs]

    def value(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        total = cost(b, f(b, *xs))
        gradients = b.grad(total, xs, disconnected=True)
        return [total, cost(b, gradients), *gradients]

    def second(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        return b.grad(value(b, *xs)[1], xs, disconnected=True)

    first, step = expanded(types, value), 2e-4
    along = [np.random.default_rng(k).normal(size=x.shape) for k, x in enumerate(inputs)]

    def at(h: float, k: int) -> float:
        return float(run(first, *(x + h * v for x, v in zip(inputs, along, strict=True)))[k])

    for k, gradients in enumerate((run(first, *inputs)[2:], run(expanded(types, second), *inputs))):
        near, far = at(step, k) - at(-step, k), at(2 * step, k) - at(-2 * step, k)
        difference = (8 * near - far) / (12 * step)
        slope = sum(float(np.sum(g * v)) for g, v in zip(gradients, along, strict=True))
        assert np.isclose(slope, difference, rtol=1e-7, atol=1e-9), (k, slope, difference)

    def forward(b: Builder, *xs: SSAValue) -> SSAValue:
        n = len(inputs)
        return b.jvp(cost(b, f(b, *xs[:n])), xs[:n], xs[n:], disconnected=True)

    slope = sum(float(np.sum(g * v)) for g, v in zip(run(first, *inputs)[2:], along, strict=True))
    (found,) = run(expanded([*types, *types], forward), *inputs, *along)
    assert np.isclose(found, slope, rtol=1e-9, atol=1e-9)


def talk(
    b: Builder, u: SSAValue, x0: SSAValue, y0: SSAValue, w: SSAValue, w_in: SSAValue,
    w_out: SSAValue, w_feedback: SSAValue, count: Size = 6,
) -> list[SSAValue]:  # fmt: skip
    """x[t] = tanh(W x[t-1] + W_in u[t] + W_in u[t+4] + V y[t-1]), y[t] = W_out x[t-3]"""
    scan = ScanDraft(count)
    x, y = scan.state(x0), scan.state(y0, history=True)
    inner = Builder(scan.block)

    def times(m: SSAValue, v: SSAValue) -> SSAValue:
        return inner.dot(m, v, ((), ()), ((1,), (0,)))

    total = times(w, scan.tap(x, 1))
    for term in (
        times(w_in, scan.row(u, 0)),
        times(w_in, scan.row(u, 4)),
        times(w_feedback, scan.tap(y, 1)),
    ):
        total = inner.add(total, term)
    x.next = inner.scalar("tanh", total)
    y.next = times(w_out, scan.tap(x, 3))
    scan.output(x.next)
    return list(b.insert(scan.finish()).results)


TALK = [(10, 2), (3, 3), (1, 2), (3, 3), (3, 2), (2, 3), (3, 2)]


def test_the_recurrence_of_the_talk() -> None:
    check(talk, *(smooth("f64", shape, k) - 0.5 for k, shape in enumerate(TALK)))


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 20])
def test_a_symbolic_number_of_steps(count: int, checkpoint: bool) -> None:
    def f(b: Builder, u: SSAValue, h0: SSAValue, w: SSAValue) -> list[SSAValue]:
        scan = ScanDraft(T, checkpoint=checkpoint)
        h, inner = scan.state(h0), Builder(scan.block)
        new = inner.dot(w, scan.tap(h, 1), ((), ()), ((1,), (0,)))
        when = inner.cast(scan.time, F64)
        when = inner.mul(when, inner.like(when, 0.1))
        new = inner.add(new, inner.mul(scan.row(u), inner.broadcast(when, [], (2,))))
        h.next = inner.sin(inner.add(new, scan.tap(h, 2)))
        scan.output(inner.square(h.next))
        return list(b.insert(scan.finish()).results)

    types: list[tuple[str, Sequence[Size]]] = [("f64", (T, 2)), ("f64", (2, 2)), ("f64", (2, 2))]
    shapes = [(count, 2), (2, 2), (2, 2)]
    check(f, *(smooth("f64", s, k) / 3 for k, s in enumerate(shapes)), types=types)


def lstm(b: Builder, count: Size, u: SSAValue, h0: SSAValue, c0: SSAValue, *ws: SSAValue,
         checkpoint: bool = False) -> ScanOp:  # fmt: skip
    """One cell, with a matrix for inputs and one for the state at each of four gates."""
    scan = ScanDraft(count, checkpoint=checkpoint)
    h, c, inner = scan.state(h0), scan.state(c0), Builder(scan.block)
    gates = []
    for k in range(4):
        of_u = inner.dot(ws[2 * k], scan.row(u), ((), ()), ((1,), (0,)))
        of_h = inner.dot(ws[2 * k + 1], scan.tap(h, 1), ((), ()), ((1,), (0,)))
        gates.append(inner.scalar("tanh" if k == 3 else "sigmoid", inner.add(of_u, of_h)))
    c.next = inner.add(inner.mul(gates[0], scan.tap(c, 1)), inner.mul(gates[1], gates[3]))
    h.next = inner.mul(gates[2], inner.scalar("tanh", c.next))
    op = b.insert(scan.finish())
    assert isinstance(op, ScanOp)
    return op


LSTM = [(7, 2), (1, 3), (1, 3), *[(3, 2), (3, 3)] * 4]


def test_a_cell_of_a_long_short_term_memory() -> None:
    inputs = [smooth("f64", shape, k) - 0.4 for k, shape in enumerate(LSTM)]
    check(lambda b, *xs: lstm(b, 7, *xs).results, *inputs)


def halving(b: Builder, x: SSAValue, w: SSAValue, limit: Size | None = 20) -> SSAValue:
    """while sum(y) > 1, y = sin(w * y): 6 steps for the inputs below"""
    cond, body = Block(arg_types=[x.type]), Block(arg_types=[x.type])
    inner = Builder(cond)
    total = inner.sum(cond.args[0], [0])
    inner.print_("asked")
    inner.insert(nd.YieldOp.create(operands=[inner.scalar("gt", total, inner.like(total, 1))]))
    inner = Builder(body)
    inner.insert(nd.YieldOp.create(operands=[inner.sin(inner.mul(w, body.args[0]))]))
    op = WhileOp.build(
        operands=[[x]],
        result_types=[[x.type]],
        properties={} if limit is None else {"limit": offsets([limit])},
        regions=[Region(cond), Region(body)],
    )
    return b.insert(op).results[0]


@pytest.mark.parametrize("limit", [0, 3, 20])
def test_a_search_with_a_limit(limit: int) -> None:
    x, w = 3 * smooth("f64", (3,), 1), smooth("f64", (3,), 2)
    check(lambda b, *xs: [halving(b, *xs, limit=limit)], x, w)


def test_a_search_without_a_limit_is_an_error() -> None:
    def f(b: Builder, x: SSAValue, w: SSAValue) -> list[SSAValue]:
        y = halving(b, x, w, limit=None)
        return b.grad(b.sum(y, [0]), [x])

    with pytest.raises(UserError, match="E0403") as error:
        expanded([("f64", (3,)), ("f64", (3,))], f)
    assert "max 100" in error.value.diagnostics[0].helps[0]


# -- what is derived, by what


def counted(b: Builder, u: SSAValue, k0: SSAValue, table: SSAValue) -> list[SSAValue]:
    """k[t] = k[t-1] + 1 counts in i32, and chooses the row of a table."""
    scan = ScanDraft(4)
    k, inner = scan.state(k0), Builder(scan.block)
    before = scan.tap(k, 1)
    k.next = inner.add(before, inner.like(before, 1))
    row = inner.gather(table, [before], [0])
    scan.output(inner.mul(inner.sin(row), scan.row(u)))
    return list(b.insert(scan.finish()).results)[1:]


def test_integers_are_read_again_and_have_no_gradient() -> None:
    types = [("f64", (4,)), ("i32", (1,)), ("f64", (6,))]

    def f(b: Builder, u: SSAValue, k0: SSAValue, table: SSAValue) -> list[SSAValue]:
        return b.grad(b.sum(counted(b, u, k0, table)[0], [0]), [u, table])

    u, table = smooth("f64", (4,), 1), smooth("f64", (6,), 2)
    du, dtable = run(expanded(types, f), u, np.array([1], np.int32), table)
    assert np.allclose(du, np.sin(table[1:5]))
    assert np.allclose(dtable, [0, *np.cos(table[1:5]) * u, 0])


def powers(b: Builder, x0: SSAValue, w: SSAValue, count: int = 3) -> SSAValue:
    """x[t] = w * x[t-1]**2, all rows"""
    scan = ScanDraft(count)
    x, inner = scan.state(x0), Builder(scan.block)
    x.next = inner.mul(w, inner.square(scan.tap(x, 1)))
    scan.output(x.next)
    return b.insert(scan.finish()).results[1]


def test_with_respect_to_what_a_scan_gives() -> None:
    """The derivative by an intermediate result, and by what it came from."""

    def f(b: Builder, x0: SSAValue, w: SSAValue) -> list[SSAValue]:
        rows = powers(b, x0, w)
        return [rows, *b.grad(b.sum(b.square(rows), [0]), [rows, x0])]

    x0, w = np.array([0.9]), np.array(0.8)
    rows, d_rows, d_x0 = run(expanded([("f64", (1,)), ("f64", ())], f), x0, w)
    assert np.allclose(d_rows, 2 * rows)
    # x[t] = w**(2**(t+1) - 1) * x0**(2**(t+1))
    factors = [2.0 ** (t + 1) / x0[0] * rows[t] for t in range(3)]
    assert np.allclose(d_x0, np.sum(2 * rows * factors))


def test_what_is_constant_has_no_derivative() -> None:
    def f(b: Builder, x0: SSAValue, w: SSAValue) -> list[SSAValue]:
        rows = powers(b, x0, w)
        after = powers(b, b.slice(rows, (1,), (2,), (1,)), w)
        return b.grad(b.sum(after, [0]), [w], consts=[rows])

    x0, w = np.array([0.9]), np.array(0.8)
    (d,) = run(expanded([("f64", (1,)), ("f64", ())], f), x0, w)
    start = run(program([("f64", (1,)), ("f64", ())], powers), x0, w)[0][2:]
    assert np.allclose(d, sum((2 ** (t + 1) - 1) * 0.8 ** (2 ** (t + 1) - 2)
                              * start[0] ** (2 ** (t + 1)) for t in range(3)))  # fmt: skip


def test_only_the_result_that_is_used_connects() -> None:
    """A value that flows only into another result is disconnected: of a scan, of an if."""

    def scan(b: Builder, x: SSAValue, z: SSAValue) -> SSAValue:
        draft = ScanDraft(3)
        inner = Builder(draft.block)
        first, second = draft.state(b.reshape(x, (1,))), draft.state(b.reshape(z, (1,)))
        first.next = inner.exp(draft.tap(first, 1))
        second.next = inner.exp(draft.tap(second, 1))
        return b.reshape(b.insert(draft.finish()).results[0], ())

    def conditional(b: Builder, x: SSAValue, z: SSAValue) -> SSAValue:
        blocks = []
        for _ in range(2):
            inner = Builder(Block())
            inner.insert(nd.YieldOp.create(operands=[inner.exp(x), inner.exp(z)]))
            blocks.append(inner.point.block)
        return b.if_(b.scalar("gt", x, b.like(x, 0)), *blocks)[0]

    for f in (scan, conditional):

        def gradients(
            b: Builder, x: SSAValue, z: SSAValue, f: Function = f, zero: bool = False
        ) -> list[SSAValue]:
            return b.grad(f(b, x, z), [x, z], disconnected=zero)

        with pytest.raises(UserError, match="E0401"):
            expanded([("f64", ()), ("f64", ())], gradients)
        module = expanded([("f64", ()), ("f64", ())], partial(gradients, zero=True))
        assert run(module, np.array(0.1), np.array(0.2))[1] == 0


def test_a_stopped_gradient_inside_a_conditional() -> None:
    """Regions are computed once more going back: their copies hold no stop_gradient either."""

    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        c = b.scalar("gt", x, b.like(x, 0))
        then, orelse = Builder(Block()), Builder(Block())
        stopped = then.stop_gradient(then.exp(x))
        then.insert(nd.YieldOp.create(operands=[then.mul(stopped, x)]))
        orelse.insert(nd.YieldOp.create(operands=[x]))
        y = b.if_(c, then.point.block, orelse.point.block)[0]
        return b.grad(y, [x])

    module = expanded([("f64", ())], f)
    assert not any(op.name == "nd.stop_gradient" for op in module.walk())
    (g,) = run(module, np.array(0.5))
    assert np.isclose(g, np.exp(0.5))


# -- what it costs


def scans(module: ModuleOp) -> list[ScanOp]:
    return [op for op in module.walk() if isinstance(op, ScanOp)]


def stacked(module: ModuleOp) -> Poly:
    """The elements of all results of scans, those inside others too."""
    total = sizes.const(0)
    for op in scans(module):
        for result in op.res:
            total = total + sizes.product(dims_of(result))
    return total


def last_of(count: Size, checkpoint: bool) -> ModuleOp:
    """The gradient of the last state of an LSTM."""

    def f(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        op = lstm(b, count, *xs, checkpoint=checkpoint)
        return b.grad(cost(b, op.results[:1]), xs[3:])

    shapes = [(count, 2), *LSTM[1:]]
    return expanded([("f64", shape) for shape in shapes], f)


def test_the_forward_scan_runs_once() -> None:
    """One scan forward, one backward: nothing elementary or expensive is computed twice."""
    names = [op.name for op in last_of(T, False).walk()]
    assert names.count("nd.scan") == 2
    assert names.count("nd.sigmoid") == 3 and names.count("nd.tanh") == 2
    assert names.count("nd.dot") == 8 + 16 - 4  # no gradient of u


def test_derivatives_of_one_cost_share_the_way_back() -> None:
    """Two forms of `nd.grad` of one cost; the one with other constants goes its own way."""

    def f(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        total = cost(b, lstm(b, T, *xs).results[:1])
        together = b.grad(total, xs[3:5]) + b.grad(total, xs[5:8]) + b.grad(total, xs[3:4])
        return [*together, *b.grad(total, xs[4:5], consts=xs[5:6])]

    types: list[tuple[str, Sequence[Size]]] = [("f64", (T, 2)), *(("f64", s) for s in LSTM[1:])]
    module = expanded(types, f)
    assert len(scans(module)) == 1 + 2
    found = run(module, *(smooth("f64", s, k) for k, s in enumerate(LSTM)))
    assert np.array_equal(found[0], found[5]) and np.array_equal(found[1], found[6])


def test_only_what_is_read_is_kept() -> None:
    """Rows of the two states, and of each gate and of tanh(c); sums only what they sum."""
    forward, backward = scans(last_of(T, False))
    assert [str(dims_of(r)[0]) for r in forward.res] == ["T + 1"] * 2 + ["T"] * 5
    assert all(dims_of(r)[0] == 1 for r in backward.res)


def test_what_is_cheap_is_computed_again() -> None:
    """x[t] = relu(x[t-1] + u[t]) keeps nothing but x, which it has."""

    def f(b: Builder, u: SSAValue, x0: SSAValue) -> list[SSAValue]:
        scan = ScanDraft(T)
        x, inner = scan.state(x0, history=True), Builder(scan.block)
        total = inner.add(scan.tap(x, 1), scan.row(u))
        x.next = inner.scalar("maximum", total, inner.like(total, 0))
        return b.grad(cost(b, b.insert(scan.finish()).results), [u, x0])

    forward, backward = scans(expanded([("f64", (T, 3)), ("f64", (1, 3))], f))
    assert len(forward.res) == 1 and len(backward.seqs) == 3


def test_what_is_smaller_is_kept() -> None:
    """where(W u[t] > 0, 2 x, x): the bools, and neither the product nor rows of x."""

    def f(b: Builder, u: SSAValue, x0: SSAValue, w: SSAValue) -> list[SSAValue]:
        scan = ScanDraft(T)
        x, inner = scan.state(x0), Builder(scan.block)
        level = inner.dot(w, scan.row(u), ((), ()), ((1,), (0,)))
        before = scan.tap(x, 1)
        on = inner.scalar("gt", level, inner.like(level, 0))
        x.next = inner.where(on, inner.mul(before, inner.like(before, 2)), before)
        return b.grad(cost(b, b.insert(scan.finish()).results), [x0])

    forward, backward = scans(expanded([("f64", (T, 3)), ("f64", (1, 3)), ("f64", (3, 3))], f))
    assert [dtype_of(r).name for r in forward.res] == ["f64", "bool"]
    assert dims_of(forward.res[0]) == (1, 3) and list(backward.seqs) == [forward.res[1]]


def test_checkpoints_keep_root_of_the_steps() -> None:
    """Stacks of 2 * 100 rows at most, not of 10,000; the same with a symbol."""
    plain, kept = stacked(last_of(10_000, False)), stacked(last_of(10_000, True))
    assert (plain.constant or 0) > 200_000 and (kept.constant or 0) < 6_000
    formula = stacked(last_of(T, True))
    assert formula.evaluate({"T": 10_000}) < 6_000
    found = {formula.evaluate({"T": n * n}) for n in (10, 20, 30)}
    assert max(found) - min(found) == 2 * (sorted(found)[1] - sorted(found)[0])  # linear in root(T)


def test_prints_are_not_repeated() -> None:
    """A stretch or a region that is computed once more does not say it again."""

    def f(b: Builder, x: SSAValue, w: SSAValue) -> list[SSAValue]:
        scan = ScanDraft(9, checkpoint=True)
        h, inner = scan.state(x), Builder(scan.block)
        inner.print_("step")
        h.next = inner.sin(inner.mul(w, scan.tap(h, 1)))
        (y,) = b.insert(scan.finish()).results
        return b.grad(b.sum(halving(b, b.reshape(y, (3,)), w), [0]), [x, w])

    module = expanded([("f64", (1, 3)), ("f64", (3,))], f)
    outcome = execute(module, "f", [3 * smooth("f64", (1, 3), 1), smooth("f64", (3,), 2) + 1])
    assert outcome.failure is None
    assert outcome.prints.count("step") == 9
    assert 1 <= outcome.prints.count("asked") <= 21


def test_steps_cost_nothing_to_compile() -> None:
    def size(count: int) -> int:
        return sum(1 for _ in last_of(count, False).walk())

    assert size(10) == size(1000)


def test_a_long_body_takes_linear_work() -> None:
    def chain(length: int) -> ModuleOp:
        def f(b: Builder, u: SSAValue, x0: SSAValue) -> list[SSAValue]:
            scan = ScanDraft(3)
            x, inner = scan.state(x0), Builder(scan.block)
            y: SSAValue = scan.tap(x, 1)
            for k in range(length):
                y = inner.add(inner.sin(y), scan.row(u)) if k % 2 else inner.mul(y, scan.row(u))
            x.next = y
            return b.grad(b.sum(b.insert(scan.finish()).results[0], [0]), [u, x0])

        return program([("f64", (3,)), ("f64", (1,))], f)

    assert growth(lambda n: partial(ExpandGradPass().apply, context(), chain(n)), 100) < LINEAR


@pytest.mark.parametrize(("parts", "sums"), [([(0, 2), (2, 3)], 0), ([(0, 2), (1, 2)], 1)])
def test_gradients_of_parts_are_put_side_by_side(parts: list[tuple[int, int]], sums: int) -> None:
    """Those that meet are added up."""

    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        total: SSAValue = b.full((), F64, 0.0)
        for at, n in parts:
            total = b.add(total, b.sum(b.square(b.slice(x, (n,), (at,), (1,))), [0]))
        return b.grad(total, [x])

    module, x = expanded([("f64", (5,))], f), smooth("f64", (5,))
    assert [op.name for op in module.walk()].count("nd.add") == sums
    times = np.sum([[at <= k < at + n for k in range(5)] for at, n in parts], axis=0)
    assert np.allclose(run(module, x)[0], 2 * x * times)
