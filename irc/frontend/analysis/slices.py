"""Slices: `x[1:n - 1]`, `x[::-2]`, windows that move with data or with an index variable."""

from __future__ import annotations

from irc import sizes
from irc.dialects.nd.types import dims_of
from irc.dtypes import I64
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import spread
from irc.frontend.analysis.checks import demand, escaped, outside
from irc.frontend.analysis.counting import extremes, unproved
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.sizing import known_size
from irc.frontend.analysis.values import Number, Numeric, SizeOf, Step, Tensor, Value
from irc.frontend.analysis.windows import Gathered, Plan, Window
from irc.sizes import Poly, Size


def slice_plan(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Slice) -> Plan:
    """The part of a dimension that a slice takes; irc does not shorten slices."""
    size = x.dims[axis]
    if item.start is None and item.stop is None and item.step is None:
        return Window(0, size)
    step = _step(env, item)
    start, stop = (_bound(env, e, size) for e in (item.start, item.stop))
    if isinstance(start, Tensor) or isinstance(stop, Tensor):
        return _moving(env, node, x, axis, item, step)
    if step > 0:
        first = SizeOf(sizes.const(0)) if start is None else start
        last = SizeOf(sizes.poly(size)) if stop is None else stop
        spanned = last.poly - first.poly
    else:
        first = SizeOf(sizes.poly(size) - 1) if start is None else start
        last = SizeOf(sizes.const(-1)) if stop is None else stop
        spanned = first.poly - last.poly
    if first.batch or last.batch:
        return _sliding(env, node, x, axis, item, first, spanned, step)
    rooms = (first.poly, size - last.poly) if step > 0 else (last.poly + 1, size - 1 - first.poly)
    for room in (*rooms, spanned):
        _inside(env, node, x, axis, item, sizes.poly(room))
    return Window(sizes.size(first.poly), _count(spanned, step), step)


def _count(spanned: Poly, step: int) -> Size:
    return sizes.size((spanned + abs(step) - 1) // abs(step))


def _step(env: Env, item: tree.Slice) -> int:
    if item.step is None:
        return 1
    known = known_size(expressions.evaluate(env, item.step))
    step = known.constant if known is not None else None
    if not step:
        raise env.error(
            "E0206", "the step of a slice is a literal, not 0", item.step.span, "not such a literal"
        )
    return step


def _bound(env: Env, node: tree.Expr | None, size: Size) -> SizeOf | Tensor | None:
    """A bound: known from sizes and index variables, or data. Negative literals: from the end."""
    if node is None:
        return None
    value = expressions.evaluate(env, node)
    match value:
        case Number(value=int() as k) if not isinstance(k, bool):
            return SizeOf(sizes.poly(k) if k >= 0 else size + sizes.const(k))
        case SizeOf():
            return value
        case Step():
            return env.tensor(value, I64)
        case Tensor() if value.dtype.is_integer and not value.rank:
            return value
    what = f"this is {value.type}"
    raise env.error("E0206", "a bound of a slice is one integer", node.span, what)


def _inside(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Slice, room: Poly
) -> None:
    """`room` >= 0 is proved, or refuted with E0206, or checked at run time."""
    if env.nonnegative(room):
        return
    base, text = spelled(env, node.base), spelled(env, item)
    if env.nonnegative(-room - 1):
        name = x.origin.name
        raise env.error(
            "E0206",
            f"slice {text} leaves dimension {axis} of `{base}`, which has size "
            f"{x.origin.size(axis, x.dims[axis])}",
            item.span,
            "irc does not shorten slices",
            labels=[x.origin.label(f"`{name}` is {x.type}") if name else None],
        )
    message = f"slice {escaped(text)} leaves dimension {axis} of {escaped(base)} (size {{0}})"
    env.require(room, message, item.span, "bounds", (x.dims[axis],))


# -- along an index variable


def _sliding(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Slice, first: SizeOf,
    spanned: Poly, step: int,
) -> Plan:  # fmt: skip
    """`x[i : i + 3]`: positions i, i + 1, i + 2 for each i."""
    if any("'" in name for name in spanned.symbols()):
        raise env.error(
            "E0209",
            "the length of this slice depends on an index variable",
            item.span,
            "every value of the variable must give the same size",
            helps=["reduce with a condition: `sum[k < n](if k < i then x[k] else 0)`"],
        )
    _inside(env, node, x, axis, item, spanned)
    length = _count(spanned, step)
    reach = (sizes.poly(length) - 1) * step
    ends = extremes(*_ends(first.poly, reach, step), first.batch)
    rooms = None if ends is None else unproved(env, x.dims[axis], ends, first.batch)
    if rooms and env.guard is None:
        for room in rooms:
            _inside(env, node, x, axis, item, room)
    with env.at(item.span):
        index = _positions(env, env.tensor(first, I64), length, step)
    return Gathered(index, item, rooms is not None and (not rooms or env.guard is None), True)


def _ends(first: Poly, reach: Poly, step: int) -> tuple[Poly, Poly]:
    """The least and the greatest position of one slice."""
    return (first, first + reach) if step > 0 else (first + reach, first)


def _positions(env: Env, start: Tensor, length: Size, step: int) -> Tensor:
    """start, start + step, ... for each value of the index variables of `start`."""
    b = env.b
    steps = b.iota((length,), I64, 0)
    if step != 1:
        steps = b.mul(steps, b.like(steps, step))
    column = Tensor(b.reshape(start.ssa, [*dims_of(start.ssa), 1]), batch=start.batch)
    base, rest = (spread(env, t, start.batch, (length,)) for t in (column, Tensor(steps)))
    return Tensor(b.add(base.ssa, rest.ssa), batch=start.batch)


# -- with data


def _moving(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Slice, step: int) -> Plan:
    """`data[i*B : (i+1)*B]`: the start is data, the length is not."""
    length = _length(env, item, step)
    if length is None or item.start is None:
        ends = [expressions.evaluate(env, e) for e in (item.start, item.stop) if e is not None]
        timed = any(isinstance(end, Step) for end in ends)
        helps = ["a slice from `i` of a known length is `x[i : i + 10]`"]
        if timed:
            helps = ["a shape is the same in every step: choose, as in `[if i < t then x[i] ...]`"]
        raise env.error(
            "E0209",
            f"the length of this slice depends on {'the step' if timed else 'data'}",
            item.span,
            "the sizes of a result must be known from the sizes of the arguments",
            helps=helps,
        )
    value = expressions.evaluate(env, item.start)
    start = env.tensor(value, I64)
    with env.at(item.span) as b:
        start = Tensor(b.cast(start.ssa, I64), batch=start.batch)
        inside = _stays_inside(env, value, x.dims[axis], length, step)
        if start.batch or env.guard is not None and not inside:
            return Gathered(_positions(env, start, length, step), item, inside, True)
        if not inside:
            _check_start(env, node, x, axis, item, start, length, step)
    return Window(0, length, step, start=start)


def _stays_inside(env: Env, first: Value, size: Size, length: Size, step: int) -> bool:
    """Whether a slice that moves with a recurrence is proved to be inside."""
    if not isinstance(first, Step):
        return False
    last = first.poly + (sizes.poly(length) - 1) * step
    ends = extremes(first.poly, last, first.batch)
    return ends is not None and not unproved(env, size, ends, first.batch)


def _check_start(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Slice, start: Tensor,
    length: Size, step: int,
) -> None:  # fmt: skip
    """At run time: the slice is inside."""
    assert item.start is not None
    b = env.b
    room = sizes.poly(x.dims[axis]) - (sizes.poly(length) - 1) * step - 1
    low = b.scalar("ge", start.ssa, b.full((), I64, 0))
    high = b.scalar("le", start.ssa, b.size(sizes.size(room)))
    end, more = outside(env, node, x, axis)
    message = f"the slice of {length} from {escaped(spelled(env, item.start))} = {{0}} {end}"
    demand(env, Tensor(b.scalar("and", low, high)), [start, *more], lambda places, own: message)


def _length(env: Env, item: tree.Slice, step: int) -> Size | None:
    """The length when the data cancels out of stop - start."""
    if item.start is None or item.stop is None or step <= 0:
        return None
    with env.region():  # only looks: what it writes is dropped
        start, stop = (_symbolic(env, e) for e in (item.start, item.stop))
    if start is None or stop is None:
        return None
    spanned = stop - start
    if any("'" in s for s in spanned.symbols()) or not env.nonnegative(spanned):
        return None
    return _count(spanned, step)


def _symbolic(env: Env, node: tree.Expr) -> Poly | None:
    """The expression as a polynomial in which each integer that is data has a symbol."""
    node = walk.unparen(node)
    match node:
        case tree.Binary(op="+" | "-" | "*" as op, left=left, right=right):
            x, y = _symbolic(env, left), _symbolic(env, right)
            if x is None or y is None:
                return None
            return x + y if op == "+" else x - y if op == "-" else x * y
        case tree.Unary(op="-", operand=operand):
            x = _symbolic(env, operand)
            return None if x is None else -x
    try:
        value: Value = expressions.evaluate(env, node)
    except Problem:
        return None
    known = known_size(value)
    repeats = isinstance(node, tree.Name | tree.Attr | tree.Index)  # a call might draw
    if known is None and repeats and isinstance(value, Tensor) and value.dtype.is_integer:
        return sizes.var(f"{spelled(env, node)}'")
    if known is None and isinstance(value, SizeOf | Step):
        return value.poly
    return known
