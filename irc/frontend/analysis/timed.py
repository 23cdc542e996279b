"""
Positions that count with the steps of a recurrence: `u[t - 1]`, `u[T - 1 - t]`, `x[t + i]`.

What was made before a scan is cut into rows there, if one position after the other is read:
the scan walks along it. Elsewhere the position is data, whose place is often proved.
"""

from __future__ import annotations

from collections.abc import Sequence

from irc import sizes
from irc.diagnostics import Label
from irc.dtypes import I64
from irc.frontend import tree
from irc.frontend.analysis.broadcasting import binder_size
from irc.frontend.analysis.checks import demand, escaped, outside
from irc.frontend.analysis.counting import extremes, line, unproved
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.recurrences import Recurrence, counted
from irc.frontend.analysis.values import Binder, Numeric, Open, Step, Tensor
from irc.frontend.analysis.windows import Gathered, Plan, Row, Window
from irc.sizes import Poly, poly

MAX_BACK = 100_000  # steps that a recurrence may look back


def at_step(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, value: Step,
    others: Sequence[Plan] | None,
) -> Plan:  # fmt: skip
    """
    The plan for one position.

    others   plans for the dimensions before; None where x itself is wanted and not a row of it
    """
    if value.batch:
        return _along(env, x, axis, item, value)
    row = None if others is None else _row(env, node, x, axis, item, value.poly, others)
    if row is not None:
        return Window(0, 1, drop=True, row=row)
    size = x.dims[axis]
    rooms = [r for r in (value.poly, poly(size) - 1 - value.poly) if not env.nonnegative(r)]
    if any(env.nonnegative(-r - 1) for r in rooms):
        raise _always_outside(env, node, x, axis, item)
    if rooms and env.guard is not None:
        return Gathered(env.tensor(value, I64), item, False)
    start = env.tensor(value, I64)
    if rooms:
        check_position(env, node, x, axis, item, start)
    return Window(0, 1, drop=True, start=start)


def check_position(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, at: Tensor
) -> None:
    """At run time: 0 <= at < size."""
    with env.at(item.span) as b:
        low = b.scalar("ge", at.ssa, b.full((), I64, 0))
        high = b.scalar("lt", at.ssa, b.size(x.dims[axis]))
        end, more = outside(env, node, x, axis)
        message = f"index {escaped(spelled(env, item))} = {{0}} {end}"
        holds = Tensor(b.scalar("and", low, high))
        demand(env, holds, [at, *more], lambda places, own: message)


def _always_outside(env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr) -> Problem:
    base, name = spelled(env, node.base), x.origin.name
    return env.error(
        "E0206",
        f"index `{spelled(env, item)}` is outside dimension {axis} of `{base}`, which has size "
        f"{x.origin.size(axis, x.dims[axis])}",
        item.span,
        "outside in every step",
        labels=[x.origin.label(f"`{name}` is {x.type}") if name else None],
    )


# -- with index variables


def _along(env: Env, x: Numeric, axis: int, item: tree.Expr, value: Step) -> Plan:
    """`x[t + i]` for all i: a window that moves with the steps, or a gather."""
    ends = extremes(value.poly, value.poly, value.batch)
    rooms = None if ends is None else unproved(env, x.dims[axis], ends, value.batch)
    one = line(value.poly, value.batch[0]) if len(value.batch) == 1 else None
    if one is None or not one[0] or rooms != []:
        return Gathered(env.tensor(value, I64), item, rooms == [])
    step, first = one
    start = env.tensor(counted(env, first, ()), I64)
    b = value.batch[0]
    return Window(0, binder_size(b), step, binder=b, start=start, at=value.poly)


# -- rows


def _row(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, p: Poly,
    others: Sequence[Plan],
) -> Row | None:  # fmt: skip
    """How a scan walks along the dimension, for the outermost scan that can."""
    taken = [o.row.recurrence for o in others if isinstance(o, Window) and o.row]
    for r in env.recurrences:
        if r.draft is None or r in taken or not _made_before(env, r, x):
            continue
        one = line(p, r.binder)
        if one is None or one[0] == 0 or any("'" in name for name in one[1].symbols()):
            continue
        ends = extremes(p, p, [r.binder])
        assert ends is not None
        rooms = unproved(env, x.dims[axis], ends, [r.binder])
        if rooms and not r.always_runs(env):
            continue
        _refuse(env, node, x, axis, item, one, r.binder)
        if rooms and env.recurrences[-1] is not r:
            continue
        _require(env, node, x, axis, item, r, rooms)
        return Row(r, one[0], one[1])
    return None


def _made_before(env: Env, r: Recurrence, x: Numeric) -> bool:
    if isinstance(x, Open):
        return x.make in r.opens
    return isinstance(x, Tensor) and r.is_outside(env, x.ssa)


def _require(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, r: Recurrence,
    rooms: Sequence[Poly],
) -> None:  # fmt: skip
    """The rows of all steps are inside: checked once, before the scan."""
    count = r.binder.size
    assert count is not None
    text, base = escaped(spelled(env, item)), escaped(spelled(env, node.base))
    message = f"index {text} leaves dimension {axis} of {base} (size {{0}})"
    with r.outside(env):
        for room in rooms:  # no steps read nothing, so they cannot fail
            env.require(room * poly(count), message, item.span, "bounds", (x.dims[axis],))


def _refuse(
    env: Env, node: tree.Index, x: Numeric, axis: int, item: tree.Expr, one: tuple[int, Poly],
    b: Binder,
) -> None:  # fmt: skip
    """E0501 for times before the beginning, E0208 for positions behind the end."""
    step, offset = one
    last = (poly(binder_size(b)) - 1) * step + offset
    low, high = (offset, last) if step > 0 else (last, offset)
    facts = env.facts.copy()
    facts.add_nonnegative(poly(binder_size(b)) - 1)
    base, text, size = spelled(env, node.base), spelled(env, item), x.dims[axis]
    known = offset.constant
    first = step == 1 and axis == 0 and known is not None and known >= -MAX_BACK
    if facts.nonnegative(-low - 1) and first:
        assert known is not None
        raise no_beginning(env, node, base, range(known, 0), [])
    if facts.nonnegative(-low - 1):
        raise _leaves(env, node, x, axis, text, low, b)
    if facts.nonnegative(high - size):
        raise _leaves(env, node, x, axis, text, high, b)


def _leaves(
    env: Env, node: tree.Index, x: Numeric, axis: int, text: str, at: Poly, b: Binder
) -> Problem:
    base, origin = spelled(env, node.base), x.origin
    label = None
    if origin.name and origin.span:
        size = origin.size(axis, x.dims[axis])
        label = origin.label(f"dimension {axis} of `{origin.name}` has size {size}")
    return env.error(
        "E0208",
        f"index `{text}` reaches {sizes.size(at)}, outside dimension {axis} of `{base}`",
        node.span,
        f"`{b.name}` runs from 0 to {sizes.size(poly(binder_size(b)) - 1)}",
        labels=[label],
        helps=["let the scan have fewer steps, or guard the read with `if`"],
    )


# -- times without a value


def no_beginning(
    env: Env, node: tree.Index, name: str, missing: Sequence[int], labels: Sequence[Label | None]
) -> Problem:
    """E0501: `name` is read at these times, all of them negative, where nothing gives a value."""
    at = _listed(list(missing))
    first, last = min(missing), max(missing)
    whole = list(missing) == list(range(first, last + 1))
    inits = [f"`init {name}[{spelled_times(first, last)}] = ...`"]
    if not whole:
        inits = [f"`init {name}[{k}] = ...`" for k in missing]
    return env.error(
        "E0501",
        f"`{name}` has no value at time{'s' if len(missing) > 1 else ''} {at}",
        node.span,
        f"`{spelled(env, node)}` reads {'them' if len(missing) > 1 else 'it'} in the first steps"
        if len(missing) > 1 or first < -1
        else f"`{spelled(env, node)}` reads it in the first step",
        labels=labels,
        helps=[f"give {'them' if len(missing) > 1 else 'it'}: {' and '.join(inits)}"],
    )


def spelled_times(first: int, last: int) -> str:
    """`-1`, or `-3:0` for -3 to -1."""
    return str(first) if first == last else f"{first}:{last + 1}"


def _listed(numbers: Sequence[int]) -> str:
    texts = [str(n) for n in numbers]
    if len(texts) > 4:
        return f"{texts[0]} to {texts[-1]}" if _whole(numbers) else ", ".join(texts)
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _whole(numbers: Sequence[int]) -> bool:
    return all(b == a + 1 for a, b in zip(numbers, numbers[1:], strict=False))
