"""
`x[...]`: what each item between the brackets asks of its dimension.

A position that is known as a polynomial becomes part of a window (`nd.slice`), also when it counts
with an index variable: `x[i, k + 1]`. Positions that are data become a gather (gathers.py).
A read is proved inside, rejected when it is provably outside, and checked at run time otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc import sizes
from irc.dialects.nd.types import dims_of
from irc.dtypes import BOOL, I64
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import binder_size
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.gathers import Gathered, gather
from irc.frontend.analysis.layout import Label, arrange
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.ranges import Use, reaches, symbol
from irc.frontend.analysis.values import (
    NUMERIC,
    Binder,
    NewAxis,
    Number,
    Origin,
    ShapeOf,
    SizeOf,
    Tensor,
    TupleOf,
    Value,
)
from irc.sizes import Poly, Size


@dataclass(frozen=True)
class Window:
    """
    Elements offset, offset + step, ... of a dimension.

    start    an i64 scalar that is the offset when that is not known
    length   how many; `drop` leaves the dimension out of the result, which takes one
    binder   the index variable that counts along the window
    """

    offset: Size
    length: Size
    step: int = 1
    drop: bool = False
    binder: Binder | None = None
    start: Tensor | None = None


Plan = Window | Gathered


def index(env: Env, node: tree.Index, base: Value) -> Value:
    """The value of `base[items]`."""
    match base:
        case ShapeOf():
            return _of_shape(env, node, base)
        case TupleOf():
            return _of_tuple(env, node, base)
    if not isinstance(base, NUMERIC):
        raise env.error(
            "E0206", f"a {base.type} cannot be indexed", node.base.span, f"this is a {base.type}"
        )
    return _of_tensor(env, node, env.tensor(base))


def _literal(env: Env, node: tree.Index, count: int, what: str) -> int:
    item = node.items[0]
    value = expressions.evaluate(env, item) if isinstance(item, tree.Expr) else None
    position = value.value if isinstance(value, Number) else None
    if len(node.items) != 1 or not isinstance(position, int) or isinstance(position, bool):
        raise env.error(
            "E0206", f"{what} is indexed by one literal", node.span, "not a literal integer"
        )
    if not -count <= position < count:
        raise env.error(
            "E0206",
            f"index {position} is outside {what} of length {count}",
            item.span,
            f"valid indices are 0 to {count - 1}" if count else "it is empty",
        )
    return position


def _of_shape(env: Env, node: tree.Index, base: ShapeOf) -> Value:
    origin = Origin(span=node.span, kind="size")
    item = node.items[0]
    if isinstance(item, tree.Slice) and len(node.items) == 1:
        bounds = [_optional_int(env, e) for e in (item.start, item.stop, item.step)]
        return ShapeOf(base.dims[slice(*bounds)], origin)
    at = _literal(env, node, len(base.dims), "a shape")
    return SizeOf(sizes.poly(base.dims[at]), origin)


def _optional_int(env: Env, node: tree.Expr | None) -> int | None:
    if node is None:
        return None
    value = expressions.evaluate(env, node)
    if isinstance(value, Number) and isinstance(value.value, int):
        return value.value
    raise env.error("E0206", "a shape is sliced by literals", node.span, "not a literal integer")


def _of_tuple(env: Env, node: tree.Index, base: TupleOf) -> Value:
    return base.items[_literal(env, node, len(base.items), "a tuple")]


# -- tensors


def _of_tensor(env: Env, node: tree.Index, x: Tensor) -> Tensor:
    slots = _slots(env, node, x)
    plans: list[Plan] = []
    axis = 0
    for slot in slots:
        if slot is None:  # newaxis
            continue
        plans.append(_plan(env, node, x, axis, slot))
        axis += 1
    plans += [Window(0, d) for d in x.dims[axis:]]
    plans = _settle(env, x, plans)
    origin = Origin(span=node.span, how=f"a part of `{x.origin.name}`" if x.origin.name else "")
    with env.at(node.span):
        y, labels = _take_windows(env, x, plans)
        gathered = [(k, p) for k, p in enumerate(plans) if isinstance(p, Gathered)]
        if gathered:
            y, labels = gather(env, node, x, y, labels, gathered)
        result = arrange(env, y, labels, origin)
        return _insert_axes(env, result, slots, plans)


def _slots(env: Env, node: tree.Index, x: Tensor) -> list[tree.IndexItem | None]:
    """One entry for each item: None for newaxis; `...` written out as whole dimensions."""
    taken = [i for i in node.items if not _is_newaxis(i) and not isinstance(i, tree.Ellipsis_)]
    if len(taken) > x.rank:
        raise env.error(
            "E0206",
            f"too many indices: `{spelled(env, node.base)}` has rank {x.rank}",
            node.span,
            f"{len(taken)} indices for {x.type}",
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    slots: list[tree.IndexItem | None] = []
    for item in node.items:
        if isinstance(item, tree.Ellipsis_):
            slots += [tree.Slice(item.span, None, None, None)] * (x.rank - len(taken))
        else:
            slots.append(None if _is_newaxis(item) else item)
    return slots


def _is_newaxis(item: tree.IndexItem) -> bool:
    return isinstance(item, tree.Name) and item.name == "newaxis"


def _plan(env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.IndexItem) -> Plan:
    if isinstance(item, tree.Slice):
        return _slice(env, node, x, axis, item)
    assert isinstance(item, tree.Expr)
    value = expressions.evaluate(env, item)
    match value:
        case Number(value=int() as k) if not isinstance(k, bool):
            return _at_literal(env, node, x, axis, item, k)
        case SizeOf(poly=p, batch=()):
            return _at_size(env, node, x, axis, item, p)
        case SizeOf(poly=p, batch=batch):
            return _counted(env, node, x, axis, item, value, p, batch)
        case NewAxis():
            raise AssertionError("newaxis was taken out")
    return _at_data(env, node, x, axis, item, value)


def _at_literal(env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, k: int) -> Plan:
    """A literal; a negative one counts from the end."""
    size = x.dims[axis]
    position = sizes.poly(k) if k >= 0 else size + sizes.const(k)
    room = sizes.poly(size) - 1 - k if k >= 0 else position
    _inside(env, node, x, axis, item, room)
    return Window(sizes.size(position), 1, drop=True)


def _at_size(env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, p: Poly) -> Plan:
    """A polynomial in sizes: never from the end."""
    if (k := p.constant) is not None:
        return _at_literal(env, node, x, axis, item, k)
    for room in (p, x.dims[axis] - 1 - p):
        _inside(env, node, x, axis, item, sizes.poly(room))
    return Window(sizes.size(p), 1, drop=True)


def _inside(env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, room: Poly) -> None:
    """`room` >= 0 is proved, or refuted with E0206, or checked at run time."""
    if env.nonnegative(room):
        return
    base, text = spelled(env, node.base), spelled(env, item)
    size = x.origin.size(axis, x.dims[axis])
    if env.nonnegative(-room - 1):
        limit = x.dims[axis]
        valid = f"valid indices are 0 to {limit - 1}" if isinstance(limit, int) else ""
        raise env.error(
            "E0206",
            f"index {text} is outside dimension {axis} of `{base}`, which has size {size}",
            item.span,
            valid,
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    message = f"index {text} is outside dimension {axis} of {base} (size {x.dims[axis]})"
    env.require(room, message, item.span, "bounds")


# -- index variables


def _counted(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, value: SizeOf, p: Poly,
    batch: tuple[Binder, ...],
) -> Plan:  # fmt: skip
    """`step * i + offset` is a window along i when that stays inside; else data."""
    if len(batch) == 1 and (line := _line(p, batch[0])) is not None:
        step, offset = line
        outside = _leaves(env, x.dims[axis], batch[0], step, offset)
        if not outside:
            return Window(sizes.size(offset), binder_size(batch[0]), step, binder=batch[0])
        if env.guard is None:
            for room in outside:
                _refuse_or_check(env, node, x, axis, item, batch[0], step, offset, room)
            return Window(sizes.size(offset), binder_size(batch[0]), step, binder=batch[0])
    safe = _stays_inside(env, p, batch, x.dims[axis])
    return Gathered(env.tensor(value, I64), item, safe)


def _line(p: Poly, b: Binder) -> tuple[int, Poly] | None:
    """(step, offset) with p = step * b + offset, offset free of b, step a known integer not 0."""
    name = symbol(b)
    offset = p.substitute({name: 0})
    slope = p.substitute({name: 1}) - offset
    step = slope.constant
    if not step or p != sizes.var(name) * step + offset:
        return None
    return step, offset


def _leaves(env: Env, size: Size, b: Binder, step: int, offset: Poly) -> list[Poly]:
    """What must be >= 0 for the window to be inside and is not proved so."""
    end = offset + (sizes.poly(binder_size(b)) - 1) * step
    low, high = (offset, end) if step > 0 else (end, offset)
    return [room for room in (low, size - 1 - high) if not _proved(env, room, b)]


def _proved(env: Env, room: Poly, b: Binder) -> bool:
    """Proved, given that the variable takes a value at all: its range is at least 1."""
    facts = env.facts
    if facts.nonnegative(room):
        return True
    trial = facts.copy()
    trial.add_nonnegative(sizes.poly(binder_size(b)) - 1)
    return trial.nonnegative(room)


def _refuse_or_check(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, b: Binder, step: int,
    offset: Poly, room: Poly,
) -> None:  # fmt: skip
    if env.nonnegative(-room - 1):
        if step == 1 and room != offset:
            use = Use(node, item, x, axis, x.dims[axis], whole=False)
            raise reaches(env, use, b.name, offset, binder_size(b), "{}")
        base = spelled(env, node.base)
        raise env.error(
            "E0208",
            f"index `{spelled(env, item)}` leaves dimension {axis} of `{base}`",
            node.span,
            f"dimension {axis} has size {x.origin.size(axis, x.dims[axis])}, "
            f"`{b.name}` runs from 0 to {sizes.size(sizes.poly(binder_size(b)) - 1)}",
            helps=["give a range that stays inside, or guard the read with `if`"],
        )
    text, base = spelled(env, item), spelled(env, node.base)
    message = f"index {text} leaves dimension {axis} of {base} (size {x.dims[axis]})"
    # A range of no values reads nothing, so it cannot fail.
    env.require(room * sizes.poly(binder_size(b)), message, item.span, "bounds")


def _stays_inside(env: Env, p: Poly, batch: Sequence[Binder], size: Size) -> bool:
    """Whether a sum of terms step * i is inside for all values of its variables."""
    low = high = p
    for b in batch:
        line = _line(p, b)
        if line is None:
            return False
        ends = (0, sizes.poly(binder_size(b)) - 1)
        first, last = ends if line[0] > 0 else ends[::-1]
        low, high = low.substitute({symbol(b): first}), high.substitute({symbol(b): last})
    return env.nonnegative(low) and env.nonnegative(size - 1 - high)


# -- data


def _at_data(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Expr, value: Value
) -> Plan:
    if not isinstance(value, NUMERIC):
        raise env.error(
            "E0206", f"a {value.type} is not an index", item.span, "an integer is expected here"
        )
    tensor = env.tensor(value)
    if tensor.dtype is BOOL:
        base, mask = spelled(env, node.base), spelled(env, item)
        raise env.error(
            "E0206",
            "a tensor cannot be indexed by a mask",
            item.span,
            "the size of the result would depend on data",
            helps=[f"keep the shape and choose: `where({mask}, {base}, 0)`"],
        )
    if not tensor.dtype.is_integer:
        raise env.error(
            "E0206",
            f"an index must be an integer, this is {tensor.type}",
            item.span,
            "not an integer",
            helps=[f"convert explicitly: `i32({spelled(env, item)})`"],
        )
    if tensor.rank or tensor.batch or env.guard is not None:
        return Gathered(tensor, item, False)
    with env.at(item.span) as b:
        start = Tensor(b.cast(tensor.ssa, I64))
        room = sizes.poly(x.dims[axis]) - 1
        _check_start(env, node, x, axis, item, start, room, "index {text} = {{0}}")
    return Window(0, 1, drop=True, start=start)


def _check_start(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Node, start: Tensor, room: Poly,
    what: str,
) -> None:  # fmt: skip
    """At run time: 0 <= start <= room."""
    b = env.b
    low = b.scalar("ge", start.ssa, b.full((), I64, 0))
    high = b.scalar("le", start.ssa, b.size(sizes.size(room)))
    text, base = spelled(env, item), spelled(env, node.base)
    message = what.format(text=_escaped(text)) + f" is outside dimension {axis} of {base} "
    size = x.dims[axis]
    shown = [start.ssa]
    if isinstance(size, int):
        message += f"(size {size})"
    else:
        message += "(size {1})"
        shown.append(b.size(size))
    b.assert_(b.scalar("and", low, high), message, shown, "bounds")


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


# -- slices


def _slice(env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Slice) -> Plan:
    size = x.dims[axis]
    if item.start is None and item.stop is None and item.step is None:
        return Window(0, size)
    step = _step(env, item)
    start, stop = (_bound(env, e, size) for e in (item.start, item.stop))
    if isinstance(start, Problem) or isinstance(stop, Problem):
        return _moving_slice(env, node, x, axis, item, step)
    if step > 0:
        low = sizes.poly(0) if start is None else start
        high = sizes.poly(size) if stop is None else stop
        spanned, first = high - low, low
        rooms = (low, size - high)
    else:
        first = sizes.poly(size) - 1 if start is None else start
        last = sizes.const(-1) if stop is None else stop
        spanned = first - last
        rooms = (last + 1, sizes.poly(size) - 1 - first)
    for room in (*rooms, spanned):
        _slice_inside(env, node, x, axis, item, sizes.poly(room))
    length = (spanned + abs(step) - 1) // abs(step)
    return Window(sizes.size(first), sizes.size(length), step)


def _step(env: Env, item: tree.Slice) -> int:
    if item.step is None:
        return 1
    value = expressions.evaluate(env, item.step)
    k = value.value if isinstance(value, Number) else None
    if isinstance(value, SizeOf):
        k = value.poly.constant
    if not isinstance(k, int) or isinstance(k, bool) or k == 0:
        raise env.error(
            "E0206", "the step of a slice is a literal, not 0", item.step.span, "not such a literal"
        )
    return k


def _bound(env: Env, node: tree.Expr | None, size: Size) -> Poly | Problem | None:
    """A bound as a polynomial; a Problem (not raised) when it is known at run time only."""
    if node is None:
        return None
    value = expressions.evaluate(env, node)
    match value:
        case Number(value=int() as k) if not isinstance(k, bool):
            return sizes.poly(k) if k >= 0 else size + sizes.const(k)
        case SizeOf(poly=p, batch=()):
            return p
    return env.error(
        "E0206",
        "a bound of a slice must be an integer that does not depend on an index variable",
        node.span,
        f"this is {value.type}",
    )


def _slice_inside(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Slice, room: Poly
) -> None:
    if env.nonnegative(room):
        return
    base, text = spelled(env, node.base), spelled(env, item)
    if env.nonnegative(-room - 1):
        raise env.error(
            "E0206",
            f"slice {text} leaves dimension {axis} of `{base}`, which has size "
            f"{x.origin.size(axis, x.dims[axis])}",
            item.span,
            "irc does not shorten slices",
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    message = f"slice {text} leaves dimension {axis} of {base} (size {x.dims[axis]})"
    env.require(room, message, item.span, "bounds")


def _moving_slice(
    env: Env, node: tree.Index, x: Tensor, axis: int, item: tree.Slice, step: int
) -> Plan:
    """`data[i*B : (i+1)*B]`: the start is data, the length is not."""
    length = _length(env, item, step)
    if length is None or item.start is None or step < 0:
        for e in (item.start, item.stop):
            problem = _bound(env, e, x.dims[axis])
            if isinstance(problem, Problem):
                value = expressions.evaluate(env, e)  # type: ignore[arg-type]
                if not (isinstance(value, Tensor) and value.dtype.is_integer and not value.rank):
                    raise problem
        raise env.error(
            "E0209",
            "the length of this slice depends on data",
            item.span,
            "the sizes of a result must be known from the sizes of the arguments",
            helps=["a slice from `i` of a known length is `x[i : i + 10]`"],
        )
    start_value = expressions.evaluate(env, item.start)
    if isinstance(start_value, SizeOf | Number):
        start_value = env.tensor(start_value, I64)
    assert isinstance(start_value, Tensor)
    if start_value.batch:
        raise env.unsupported(
            "a slice that moves with an index variable is not supported yet",
            item.span,
            helps=["index each element: `[x[i*k + j] for i, j < k]`"],
        )
    with env.at(item.span) as b:
        start = Tensor(b.cast(start_value.ssa, I64))
        room = sizes.poly(x.dims[axis]) - (sizes.poly(length) - 1) * step - 1
        what = f"the slice of {length} from {{text}} = {{{{0}}}}"
        _check_start(env, node, x, axis, item.start, start, sizes.poly(room), what)
    return Window(0, length, step, start=start)


def _length(env: Env, item: tree.Slice, step: int) -> Size | None:
    """The length when the data cancels out of stop - start."""
    if item.start is None or item.stop is None or step <= 0:
        return None
    unknowns = {
        n.name for e in (item.start, item.stop) for n in walk.walk(e) if isinstance(n, tree.Name)
    }
    with env.scope():
        for name in sorted(unknowns):
            value = env.local(name)
            if isinstance(value, Tensor) and not value.rank and value.dtype.is_integer:
                env.define(name, SizeOf(sizes.var(f"{name}'")))
        try:
            ends = [expressions.evaluate(env, e) for e in (item.start, item.stop)]
        except Problem:
            return None
    polys = [_known(e) for e in ends]
    if polys[0] is None or polys[1] is None:
        return None
    spanned = polys[1] - polys[0]
    if any("'" in s for s in spanned.symbols()) or not env.nonnegative(spanned):
        return None
    return sizes.size((spanned + step - 1) // step)


def _known(value: Value) -> Poly | None:
    match value:
        case SizeOf(poly=p):
            return p
        case Number(value=int() as k) if not isinstance(k, bool):
            return sizes.const(k)
    return None


# -- writing the window


def _settle(env: Env, x: Tensor, plans: list[Plan]) -> list[Plan]:
    """
    Turns windows along an index variable into gathers where the variable occurs again:
    `x[i, i]`, `x[i, y[i]]`, or `x` itself already stands for all values of i.
    """
    used: dict[Binder, int] = {b: 1 for b in x.batch}
    for p in plans:
        if isinstance(p, Window) and p.binder is not None:
            used[p.binder] = used.get(p.binder, 0) + 1
    in_data = {b for p in plans if isinstance(p, Gathered) for b in p.index.batch}

    def settled(p: Plan) -> Plan:
        if not isinstance(p, Window) or p.binder is None:
            return p
        if used[p.binder] == 1 and p.binder not in in_data:
            return p
        line = SizeOf(sizes.var(symbol(p.binder)) * p.step + p.offset, batch=(p.binder,))
        return Gathered(env.tensor(line, I64), None, True)

    return [settled(p) for p in plans]


def _take_windows(env: Env, x: Tensor, plans: Sequence[Plan]) -> tuple[Tensor, list[Label]]:
    """`x` cut down to the windows, and what each remaining axis stands for."""
    batch = dims_of(x.ssa)[: len(x.batch)]
    at: list[Size] = [0] * len(batch)
    steps, dims, starts = [1] * len(batch), list(batch), []
    for p, d in zip(plans, x.dims, strict=True):
        window = p if isinstance(p, Window) else Window(0, d)
        at.append(sizes.var("?") if window.start is not None else window.offset)
        steps.append(window.step)
        dims.append(window.length)
        if window.start is not None:
            starts.append(window.start.ssa)
    ssa = x.ssa
    whole = tuple(dims) == dims_of(ssa) and all(a == 0 for a in at) and set(steps) <= {1}
    if not whole:
        ssa = env.b.slice(ssa, dims, at, steps, starts)
    labels: list[Label] = list(x.batch)
    kept: list[Size] = list(batch)
    for k, p in enumerate(plans):
        if isinstance(p, Window) and p.drop:
            continue
        labels.append(p.binder if isinstance(p, Window) and p.binder else k)
        kept.append(dims[len(batch) + k])
    return Tensor(env.b.reshape(ssa, kept), x.origin), labels


def _insert_axes(
    env: Env, x: Tensor, slots: Sequence[tree.IndexItem | None], plans: Sequence[Plan]
) -> Tensor:
    """Axes of size 1 where the subscript says `newaxis`."""
    if None not in slots:
        return x
    if any(isinstance(p, Gathered) and p.index.rank for p in plans):
        raise env.unsupported(
            "`newaxis` beside an index tensor is not supported yet",
            env.here,
            helps=["index first, then add the axis: `x[i][newaxis]`"],
        )
    dims, own = list(dims_of(x.ssa)), len(x.batch)
    axis = 0
    for slot in slots:
        if slot is None:
            dims.insert(own, 1)
            own += 1
            continue
        plan = plans[axis]
        axis += 1
        if isinstance(plan, Window) and not plan.drop and plan.binder is None:
            own += 1
    return Tensor(env.b.reshape(x.ssa, dims), x.origin, x.batch)
