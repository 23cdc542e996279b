"""What a subscript asks of each dimension, and how a tensor is cut down to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc import sizes
from irc.dialects.nd.types import dims_of
from irc.dtypes import I64
from irc.frontend import tree
from irc.frontend.analysis.counting import symbol
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.layout import Label
from irc.frontend.analysis.recurrences import Recurrence, counted
from irc.frontend.analysis.values import Binder, Tensor
from irc.sizes import Poly, Size


@dataclass(frozen=True)
class Row:
    """In step t of a scan, position step * t + offset of a tensor that was made before it."""

    recurrence: Recurrence
    step: int
    offset: Poly


@dataclass(frozen=True)
class Window:
    """
    Elements offset, offset + step, ... of a dimension.

    start    an i64 scalar that is the offset when that is not known
    length   how many; `drop` leaves the dimension out of the result, which takes one
    binder   the index variable that counts along the window
    at       the positions as a polynomial, when `start` stands for a part of it
    row      the one element is a row of a scan
    """

    offset: Size
    length: Size
    step: int = 1
    drop: bool = False
    binder: Binder | None = None
    start: Tensor | None = None
    at: Poly | None = None
    row: Row | None = None


@dataclass(frozen=True)
class Gathered:
    """
    Positions along a dimension.

    index      integers; its own dimensions come into the result
    item       the subscript as written; None for an index variable that irc counts itself
    in_bounds  whether all positions are proved inside
    slides     a slice that moves with an index variable: its dimension stays where it stood
    """

    index: Tensor
    item: tree.IndexItem | None
    in_bounds: bool
    slides: bool = False


Plan = Window | Gathered


def settle(env: Env, batch: Sequence[Binder], plans: list[Plan]) -> list[Plan]:
    """
    Turns windows along an index variable into gathers where the variable occurs again:
    `x[i, i]`, `x[i, y[i]]`, or the tensor itself stands for all values of i (`batch`).
    """
    used = dict.fromkeys(batch, 1)
    for p in plans:
        if isinstance(p, Window) and p.binder is not None:
            used[p.binder] = used.get(p.binder, 0) + 1
    in_data = {b for p in plans if isinstance(p, Gathered) for b in p.index.batch}

    def settled(p: Plan) -> Plan:
        if not isinstance(p, Window) or p.binder is None:
            return p
        if used[p.binder] == 1 and p.binder not in in_data:
            return p
        line = sizes.var(symbol(p.binder)) * p.step + p.offset if p.at is None else p.at
        return Gathered(env.tensor(counted(env, line, (p.binder,)), I64), None, True)

    return [settled(p) for p in plans]


def take_rows(env: Env, x: Tensor, plans: Sequence[Plan]) -> Tensor:
    """`x` with what scans walk along cut down to the row of this step, a size of 1."""
    rows = [(k, p.row) for k, p in enumerate(plans) if isinstance(p, Window) and p.row]
    for k, row in sorted(rows, key=lambda one: one[1].recurrence.depth):
        x = row.recurrence.row(env, x, k, row.step, row.offset)
    return x


def take_windows(env: Env, x: Tensor, plans: Sequence[Plan]) -> tuple[Tensor, list[Label]]:
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
