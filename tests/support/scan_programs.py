"""Random recurrences, as one `nd.scan` and as the same steps written out one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from xdsl.ir import Block, SSAValue

from irc.dialects import nd
from irc.dialects.nd import Builder, dims_of
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.structure import offsets
from irc.dtypes import BOOL, F64, I64
from irc.sizes import Size

Row = tuple[int, ...]
Values = list[SSAValue]
SHAPES: tuple[Row, ...] = ((), (3,), (2, 3))
AROUND: tuple[Row, ...] = ((3, 3), (3,), ())  # what every body captures
UNARY = ("tanh", "sin", "sigmoid", "neg", "square", "exp")
BINARY = ("add", "sub", "mul", "maximum")


@dataclass
class Recurrence:
    """
    sequences   row shape and taps of each
    states      row shape, depth, taps, history of each
    body        instructions, each of which adds a value to those before it: what is captured,
                rows of sequences, rows of states
    yields      which value is the next row of each state, then the row of each output
    stop        the value that stops it when it is large
    """

    count: int
    reverse: bool
    sequences: list[tuple[Row, list[int]]]
    states: list[tuple[Row, int, list[int], bool]]
    body: list[tuple[object, ...]] = field(default_factory=list)
    yields: list[int] = field(default_factory=list)
    shapes: list[Row] = field(default_factory=list)
    stop: int | None = None
    truncate: int | None = None
    checkpoint: bool = False

    @property
    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of what is captured, of the sequences, of the inits."""
        rows = [(self.count + taps[-1], *row) for row, taps in self.sequences]
        return [*AROUND, *rows, *((depth, *row) for row, depth, _, _ in self.states)]


def random_recurrence(r: Random, count: int, nesting: int = 1, until: bool = False) -> Recurrence:
    """A recurrence with at most two sequences, three states, two outputs."""
    sequences = [(r.choice(SHAPES), _taps(r, 0, 4)) for _ in range(r.randint(0, 2))]
    states = []
    for _ in range(r.randint(0 if sequences else 1, 3)):
        depth = r.randint(1, 4)
        taps = [t for t in _taps(r, 1, 4) if t <= depth]
        states.append((r.choice(SHAPES), depth, taps, r.random() < 0.5))
    rec = Recurrence(count, r.random() < 0.4, sequences, states)
    shapes: list[Row] = list(AROUND)
    shapes += [row for row, taps in sequences for _ in taps]
    shapes += [row for row, _, taps, _ in states for _ in taps]
    for _ in range(r.randint(1, 6)):
        shapes.append(_instruction(r, rec, shapes, nesting))
    rec.yields = [r.randrange(len(AROUND), len(shapes)) for _ in states]
    outputs = [r.randrange(len(shapes)) for _ in range(r.randint(0 if states else 1, 2))]
    rec.yields += outputs
    rec.shapes = [*(row for row, _, _, _ in states), *(r.choice(SHAPES) for _ in outputs)]
    if until:
        rec.stop = r.randrange(len(AROUND), len(shapes))
    return rec


def _taps(r: Random, low: int, high: int) -> list[int]:
    return sorted(r.sample(range(low, high + 1), r.randint(1, 2)))


def _instruction(r: Random, rec: Recurrence, shapes: Sequence[Row], nesting: int) -> Row:
    """Appends an instruction to the body; gives the shape of its value."""
    pick = lambda: r.randrange(1, len(shapes))  # noqa: E731
    i, kind = pick(), r.random()
    if kind < 0.35:
        rec.body.append(("unary", r.choice(UNARY), i))
        return shapes[i]
    if kind < 0.65:
        rec.body.append(("binary", r.choice(BINARY), i, pick()))
        return shapes[i]
    if kind < 0.8:
        rec.body.append(("product", i))
        return (3,)
    if kind < 0.9 or not nesting:
        rec.body.append(("if", i, r.choice(UNARY), pick()))
        return shapes[rec.body[-1][3]]  # type: ignore[index]
    inner = random_recurrence(r, r.randint(0, 3), 0)
    rec.body.append(("scan", inner, [pick() for _ in inner.inputs[len(AROUND) :]]))
    return (3,)


# -- both ways to write it


def scanned(b: Builder, rec: Recurrence, inputs: Sequence[SSAValue], count: Size) -> Values:
    """The results of one `nd.scan`, of `count` steps, which may be a symbol."""
    around, rest = list(inputs[: len(AROUND)]), list(inputs[len(AROUND) :])
    draft = ScanDraft(count, reverse=rec.reverse, checkpoint=rec.checkpoint)
    if rec.truncate is not None:
        draft.truncate = offsets([rec.truncate])
    args = list(around)
    for (_, taps), value in zip(rec.sequences, rest, strict=False):
        args += [draft.row(value, tap) for tap in taps]
    states = []
    for (_, _, taps, history), init in zip(rec.states, rest[len(rec.sequences) :], strict=True):
        state = draft.state(init, history)
        states.append(state)
        args += [draft.tap(state, tap) for tap in taps]
    inner = Builder(draft.block)
    rows, stop = _step(inner, rec, args, scanned)
    for state, row in zip(states, rows, strict=False):
        state.next = row
    draft.outputs = rows[len(states) :]
    draft.stop = stop
    return list(b.insert(draft.finish()).results)


def unrolled(b: Builder, rec: Recurrence, inputs: Sequence[SSAValue], count: Size) -> Values:
    """The same results from steps written one after another; `count` is a number."""
    assert isinstance(count, int)
    times = range(count - 1, -1, -1) if rec.reverse else range(count)
    if rec.truncate is None:
        tables, _ = _steps(b, rec, inputs, times, None)
    else:
        _, ran = _steps(b, rec, inputs, times, None)
        tables, _ = _steps(b, rec, inputs, times, b.sub(ran, b.full((), I64, rec.truncate)))
    results = []
    for k, table in enumerate(tables):
        keys = sorted(table)
        if k < len(rec.states) and not rec.states[k][3]:
            depth = rec.states[k][1]
            keys = keys[:depth] if rec.reverse else keys[-depth:]
        parts = [b.reshape(table[key], (1, *dims_of(table[key]))) for key in keys]
        empty = (0, *rec.shapes[k])
        results.append(b.concat(parts, 0) if parts else b.full(empty, F64, 0.0))
    return results


def _steps(
    b: Builder,
    rec: Recurrence,
    inputs: Sequence[SSAValue],
    times: range,
    first: SSAValue | None,
) -> tuple[list[dict[int, SSAValue]], SSAValue]:
    """
    The rows of each result by time, and how many steps ran.

    first   steps before this one are constants for derivatives
    """
    around, rest = list(inputs[: len(AROUND)]), list(inputs[len(AROUND) :])
    sequences, inits = rest[: len(rec.sequences)], rest[len(rec.sequences) :]
    sign = 1 if rec.reverse else -1
    tables: list[dict[int, SSAValue]] = [{} for _ in rec.shapes]
    for table, init, (_, depth, _, _) in zip(tables, inits, rec.states, strict=False):
        start = len(times) if rec.reverse else -depth
        table.update({start + k: row_of(b, init, k) for k in range(depth)})
    runs, ran = b.full((), BOOL, True), b.full((), I64, 0)
    for number, t in enumerate(times):
        args = list(around)
        for (_, taps), value in zip(rec.sequences, sequences, strict=True):
            args += [row_of(b, value, t + tap) for tap in taps]
        for (_, _, taps, _), table in zip(rec.states, tables, strict=False):
            args += [table[t + sign * tap] for tap in taps]
        rows, stop = _step(b, rec, args, unrolled)
        for table, row in zip(tables, rows, strict=True):
            if first is not None:
                late = b.scalar("ge", b.full((), I64, number), first)
                row = b.where(spread(b, late, dims_of(row)), row, b.stop_gradient(row))
            if number and stop is not None:
                row = b.where(spread(b, runs, dims_of(row)), row, table[t + sign])
            table[t] = row
        ran = b.add(ran, b.cast(runs, I64))
        if stop is not None:
            runs = b.scalar("and", runs, b.scalar("not", stop))
    return tables, ran


Way = Callable[[Builder, Recurrence, Sequence[SSAValue], Size], Values]


def _step(b: Builder, rec: Recurrence, args: Values, way: Way) -> tuple[Values, SSAValue | None]:
    """The rows that a step yields, and whether it is the last."""
    values = list(args)
    for kind, *what in rec.body:
        match kind:
            case "unary":
                name, i = what
                values.append(b.scalar(str(name), values[i]))  # type: ignore[index]
            case "binary":
                name, i, j = what
                x = values[i]  # type: ignore[index]
                values.append(b.scalar(str(name), x, fit(b, values[j], dims_of(x))))  # type: ignore[index]
            case "product":
                vector = fit(b, values[what[0]], (3,))  # type: ignore[index]
                values.append(b.dot(values[0], vector, ((), ()), ((1,), (0,))))
            case "if":
                values.append(_if(b, *(values[i] if isinstance(i, int) else i for i in what)))
            case "scan":
                values.append(_inner(b, *what, values, way))  # type: ignore[arg-type]
    rows = [
        b.scalar("tanh", fit(b, values[i], shape))  # so that nothing grows
        for i, shape in zip(rec.yields, rec.shapes, strict=True)
    ]
    if rec.stop is None:
        return rows, None
    level = fit(b, values[rec.stop], ())
    return rows, b.scalar("gt", level, b.like(level, 0.9))


def _if(b: Builder, x: SSAValue, name: str, y: SSAValue) -> SSAValue:
    """if x > 0.3 { f(y) } else { y }"""
    level = fit(b, x, ())
    then, orelse = Block(), Block()
    inner = Builder(then)
    inner.insert(nd.YieldOp.create(operands=[inner.scalar(name, y)]))
    Builder(orelse).insert(nd.YieldOp.create(operands=[y]))
    return b.if_(b.scalar("gt", level, b.like(level, 0.3)), then, orelse)[0]


def _inner(b: Builder, rec: Recurrence, picked: list[int], values: Values, way: Way) -> SSAValue:
    """The sum of all results of a recurrence inside, whose inputs are made of values around it."""
    inputs = list(values[: len(AROUND)])
    for i, dims in zip(picked, rec.inputs[len(AROUND) :], strict=True):
        inputs.append(b.scalar("sin", fit(b, values[i], dims)))
    total: SSAValue = b.full((3,), F64, 0.0)
    for result in way(b, rec, inputs, rec.count):
        total = b.add(total, fit(b, result, (3,)))
    return total


def fit(b: Builder, x: SSAValue, dims: tuple[int, ...]) -> SSAValue:
    """`x` as a tensor of another shape, with each element in it."""
    if dims_of(x) == dims:
        return x
    axes = [d for d in range(len(dims_of(x)))]
    return spread(b, b.sum(x, axes), dims)


def spread(b: Builder, x: SSAValue, dims: Sequence[Size]) -> SSAValue:
    return b.broadcast(x, [], dims)


def row_of(b: Builder, x: SSAValue, k: int) -> SSAValue:
    dims = dims_of(x)
    rest = len(dims) - 1
    part = b.slice(x, (1, *dims[1:]), (k, *[0] * rest), [1] * len(dims))
    return b.reshape(part, dims[1:])


def cost(b: Builder, results: Sequence[SSAValue]) -> SSAValue:
    """A scalar in which each element of each result counts differently."""
    total: SSAValue = b.full((), F64, 0.0)
    for k, y in enumerate(results):
        dims = dims_of(y)
        place = b.cast(b.linear_index(dims), F64) if dims else b.full((), F64, 0.0)
        weight = b.sin(b.add(b.mul(place, b.like(place, 0.7)), b.like(place, 0.3 + k)))
        total = b.add(total, b.sum(b.mul(y, weight), range(len(dims))))
    return total


def numbers(rec: Recurrence, seed: int) -> list[np.ndarray]:
    """Inputs on which everything is smooth and of order one."""
    rng = np.random.default_rng([seed, rec.count])
    return [rng.uniform(0.2, 0.8, shape) for shape in rec.inputs]
