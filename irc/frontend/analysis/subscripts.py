"""
`x[...]`: what each item between the brackets asks of its dimension.

A position that is known as a polynomial becomes part of a window (`nd.slice`), also when it counts
with an index variable: `x[i, k + 1]`. Positions that are data become a gather (gathers.py).
A read is proved inside, rejected when it is provably outside, and checked at run time otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from irc import sizes
from irc.diagnostics import Label
from irc.dtypes import BOOL, I64, DType
from irc.frontend import tree, walk
from irc.frontend.analysis import arrays, expressions
from irc.frontend.analysis.broadcasting import binder_size
from irc.frontend.analysis.checks import escaped, resumed, snapshot
from irc.frontend.analysis.counting import extremes, line, symbol, unproved
from irc.frontend.analysis.describe import article, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.gathers import gather
from irc.frontend.analysis.layout import arrange, insert_axes, spaced
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.ranges import Use, reaches
from irc.frontend.analysis.slices import slice_plan
from irc.frontend.analysis.timed import at_step, check_position
from irc.frontend.analysis.values import (
    NUMERIC,
    Binder,
    NewAxis,
    Number,
    Numeric,
    Open,
    Origin,
    Record,
    ShapeOf,
    SizeOf,
    Step,
    Tensor,
    TupleOf,
    Value,
)
from irc.frontend.analysis.windows import (
    Gathered,
    Plan,
    Window,
    settle,
    take_rows,
    take_windows,
)
from irc.sizes import Poly


def index(env: Env, node: tree.Index, base: Value, rows: bool = True) -> Value:
    """
    The value of `base[items]`.

    rows   whether a scan may walk along a tensor that was made before it; else `base` itself is
           read, and the ops between are those of the subscript
    """
    match base:
        case ShapeOf():
            return _of_shape(env, node, base)
        case TupleOf():
            return _of_tuple(env, node, base)
        case Record(fields=fields):
            return Record(base.name, {f: index(env, node, v, rows) for f, v in fields.items()})
    if not isinstance(base, NUMERIC):
        raise env.error("E0206", f"{article(base)} cannot be indexed", node.base.span, "no tensor")
    if isinstance(base, Open):
        return _of_open(env, node, base, rows)
    x = env.tensor(base)
    return _read(env, node, x, *_plans(env, node, x, rows))


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


def _of_open(env: Env, node: tree.Index, base: Open, rows: bool) -> Open:
    """A part of what has no dtype yet has none either: `w[k] * x[i + k]` with `let w = [1, 2]`."""
    slots, plans = _plans(env, node, base, rows)
    place = snapshot(env)

    def read(dtype: DType) -> Tensor:
        with resumed(env, place):
            return _read(env, node, env.tensor(base, dtype), slots, plans)

    with env.region():  # only looks at the shape, of a tensor that stands for it
        dims = (*map(binder_size, base.batch), *base.dims)
        model = Tensor(env.b.full(dims, env.default_dtype(base), 0), base.origin, base.batch)
        shape = _read(env, node, model, slots, [_without_row(p) for p in plans])
    return Open(lambda d: read(d).ssa, base.kind, shape.dims, shape.origin, shape.batch)


def _without_row(plan: Plan) -> Plan:
    return replace(plan, row=None) if isinstance(plan, Window) and plan.row else plan


Slots = list[tree.IndexItem | None]


def _plans(env: Env, node: tree.Index, x: Numeric, rows: bool = True) -> tuple[Slots, list[Plan]]:
    """The items, None for newaxis, and what each asks of its dimension of x."""
    slots = _slots(env, node, x)
    plans: list[Plan] = []
    for slot in slots:
        if slot is not None:
            plans.append(_plan(env, node, x, slot, plans, rows))
    plans += [Window(0, d) for d in x.dims[len(plans) :]]
    return slots, settle(env, x.batch, plans)


def _read(env: Env, node: tree.Index, x: Tensor, slots: Slots, plans: list[Plan]) -> Tensor:
    origin = Origin(span=node.span, how=f"a part of `{x.origin.name}`" if x.origin.name else "")
    with env.at(node.span):
        y, labels = take_windows(env, take_rows(env, x, plans), plans)
        gathered = [(k, p) for k, p in enumerate(plans) if isinstance(p, Gathered)]
        taken = [k for k, slot in enumerate(slots) if slot is not None]
        taken += range(len(slots), len(slots) + len(plans) - len(taken))
        if gathered:
            y, labels = gather(env, node, x, y, labels, gathered, taken)
        else:
            labels = spaced(labels, taken)
        result = arrange(env, y, labels, origin)
        new = [k for k, slot in enumerate(slots) if slot is None]
        return insert_axes(env, result, labels, new)


def _slots(env: Env, node: tree.Index, x: Numeric) -> Slots:
    """One entry for each item: None for newaxis; `...` written out as whole dimensions."""
    taken = [i for i in node.items if not _is_newaxis(i) and not isinstance(i, tree.Ellipsis_)]
    rank = len(x.dims)
    if len(taken) > rank:
        raise env.error(
            "E0206",
            f"too many indices: `{spelled(env, node.base)}` has rank {rank}",
            node.span,
            f"{len(taken)} {'index' if len(taken) == 1 else 'indices'} for {x.type}",
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    dots = [i for i in node.items if isinstance(i, tree.Ellipsis_)]
    if len(dots) > 1:
        raise env.error(
            "E0206", "`...` stands for all other dimensions, so only once", dots[1].span,
            "a second one", labels=[Label(dots[0].span, "the first")],
        )  # fmt: skip
    slots: Slots = []
    for item in node.items:
        if isinstance(item, tree.Ellipsis_):
            slots += [tree.Slice(item.span, None, None, None)] * (rank - len(taken))
        else:
            slots.append(None if _is_newaxis(item) else item)
    return slots


def _is_newaxis(item: tree.IndexItem) -> bool:
    return isinstance(item, tree.Name) and item.name == "newaxis"


def _plan(
    env: Env, node: tree.Index, x: Numeric, item: tree.IndexItem, before: Sequence[Plan],
    rows: bool,
) -> Plan:  # fmt: skip
    axis = len(before)
    if isinstance(item, tree.Slice):
        return slice_plan(env, node, x, axis, item)
    assert isinstance(item, tree.Expr)
    value = expressions.evaluate(env, item)
    match value:
        case Number(value=int() as k) if not isinstance(k, bool):
            return _at_literal(env, node, x, axis, item, k)
        case SizeOf(poly=p, batch=()):
            return _at_size(env, node, x, axis, item, p)
        case SizeOf():
            return _counted(env, node, x, axis, item, value)
        case Step():
            return at_step(env, node, x, axis, item, value, before if rows else None)
        case NewAxis():
            raise AssertionError("newaxis was taken out")
    return _at_data(env, node, x, axis, item, value)


def _at_literal(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, k: int) -> Plan:
    """A literal; a negative one counts from the end."""
    size = x.dims[axis]
    if k < 0:
        return _at_size(env, node, x, axis, item, size + sizes.const(k))
    return _at_size(env, node, x, axis, item, sizes.const(k))


def _at_size(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, p: Poly) -> Plan:
    """A position that is known from sizes, and proved inside or checked at run time."""
    rooms = [sizes.poly(r) for r in (p, x.dims[axis] - 1 - p)]
    for room in rooms:
        if env.nonnegative(-room - 1):
            raise _outside(env, node, x, axis, item)
    if all(map(env.nonnegative, rooms)):
        return Window(sizes.size(p), 1, drop=True)
    if env.guard is not None:
        return Gathered(env.tensor(SizeOf(p), I64), item, False)
    base, text = escaped(spelled(env, node.base)), escaped(spelled(env, item))
    shown = [one for one in (sizes.size(p), x.dims[axis]) if not isinstance(one, int)]
    value = "" if p.constant is not None else " = {0}"
    size = x.dims[axis] if isinstance(x.dims[axis], int) else f"{{{len(shown) - 1}}}"
    message = f"index {text}{value} is outside dimension {axis} of {base} (size {size})"
    for room in rooms:
        env.require(room, message, item.span, "bounds", shown)
    return Window(sizes.size(p), 1, drop=True)


def _outside(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr) -> Problem:
    base, text = spelled(env, node.base), spelled(env, item)
    size, name = x.dims[axis], x.origin.name
    valid = "no index is valid"
    if size != 0:
        valid = f"valid indices are 0 to {sizes.size(sizes.poly(size) - 1)}"
    return env.error(
        "E0206",
        f"index {text} is outside dimension {axis} of `{base}`, which has size "
        f"{x.origin.size(axis, size)}",
        item.span,
        valid,
        labels=[x.origin.label(f"`{name}` is {x.type}") if name else None],
    )


# -- index variables


def _counted(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, value: SizeOf
) -> Plan:
    """`step * i + offset` is a window along i where that stays inside; else data."""
    p, batch = value.poly, value.batch
    size = x.dims[axis]
    if len(batch) == 1 and binder_size(batch[0]) == size and p.name == symbol(batch[0]):
        return Window(0, size, binder=batch[0])  # the usual case, `x[i]`
    ends = extremes(p, p, batch)
    open_rooms = None if ends is None else unproved(env, size, ends, batch)
    if open_rooms and env.guard is None:
        for room in open_rooms:
            _refuse_or_check(env, node, x, axis, item, value, room)
        open_rooms = []
    one = line(p, batch[0]) if len(batch) == 1 else None
    if one is not None and one[0] and not open_rooms:
        return Window(sizes.size(one[1]), binder_size(batch[0]), one[0], binder=batch[0])
    return Gathered(env.tensor(value, I64), item, open_rooms == [])


def _refuse_or_check(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, value: SizeOf, room: Poly
) -> None:
    """E0208 where some value of the variables is outside for sure; else a check at run time."""
    batch = value.batch
    if env.nonnegative(-room - 1):
        one = line(value.poly, batch[0]) if len(batch) == 1 else None
        if one is not None and one[0] == 1 and room != one[1]:
            use = Use(node, item, x, axis, x.dims[axis], whole=False)
            raise reaches(env, use, batch[0].name, one[1], binder_size(batch[0]), "{}")
        raise _leaves(env, node, x, axis, item, batch)
    text, base = escaped(spelled(env, item)), escaped(spelled(env, node.base))
    message = f"index {text} leaves dimension {axis} of {base} (size {{0}})"
    # Ranges of no values read nothing, so they cannot fail.
    count = sizes.product([binder_size(b) for b in batch])
    env.require(room * sizes.poly(count), message, item.span, "bounds", (x.dims[axis],))


def _leaves(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, batch: Sequence[Binder]
) -> Problem:
    runs = [
        f"`{b.name}` runs from 0 to {sizes.size(sizes.poly(binder_size(b)) - 1)}" for b in batch
    ]
    size = x.origin.size(axis, x.dims[axis])
    return env.error(
        "E0208",
        f"index `{spelled(env, item)}` leaves dimension {axis} of `{spelled(env, node.base)}`",
        node.span,
        f"dimension {axis} has size {size}, {', '.join(runs)}",
        helps=["give a range that stays inside, or guard the read with `if`"],
    )


# -- data


def _at_data(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, value: Value
) -> Plan:
    if not isinstance(value, NUMERIC):
        raise env.error(
            "E0206", f"{article(value)} is not an index", item.span, "an integer is expected here"
        )
    if isinstance(walk.unparen(item), tree.Array) and isinstance(value, Open):
        return _at_literals(env, node, x, axis, item, value)
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
        raise _not_an_integer(env, item, tensor)
    if tensor.rank or tensor.batch or env.guard is not None:
        return Gathered(tensor, item, False)
    with env.at(item.span) as b:
        start = Tensor(b.cast(tensor.ssa, I64))
    check_position(env, node, x, axis, item, start)
    return Window(0, 1, drop=True, start=start)


def _at_literals(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, value: Open
) -> Plan:
    """`x[[0, -1]]`: literals, so negative ones count from the end."""
    array = walk.unparen(item)
    assert isinstance(array, tree.Array)
    known = np.array(arrays.literals(array) or [])
    if known.size and known.dtype.kind != "i":
        raise _not_an_integer(env, item, env.tensor(value))
    size = x.dims[axis]
    low, high = int(known.min(initial=0)), int(known.max(initial=-1))
    rooms = [sizes.poly(r) for r in (size + sizes.const(low), sizes.poly(size) - 1 - high)]
    for room in rooms:
        if env.nonnegative(-room - 1):
            raise _outside(env, node, x, axis, item)
    with env.at(item.span) as b:
        index = b.constant(known, I64)
        if low < 0:
            wrap = b.mul(b.constant(known < 0, I64), b.broadcast(b.size(size), [], known.shape))
            index = b.add(index, wrap)
    return Gathered(Tensor(index), item, all(map(env.nonnegative, rooms)))


def _not_an_integer(env: Env, item: tree.Expr, value: Tensor) -> Problem:
    return env.error(
        "E0206",
        f"an index must be an integer, this is {value.type}",
        item.span,
        "not an integer",
        helps=[f"convert explicitly: `i32({spelled(env, item)})`"],
    )
