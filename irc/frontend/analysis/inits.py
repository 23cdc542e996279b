"""`init x[-3:0] = e`: values before the first step, of equations and of what a scan reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.types import dims_of
from irc.dtypes import DType
from irc.frontend import tree
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import spread
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.leaves import leaves, same_parts
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.sizing import known_size
from irc.frontend.analysis.timed import MAX_BACK
from irc.frontend.analysis.values import Binder, Numeric, Tensor, Value
from irc.sizes import Size


@dataclass(frozen=True)
class Piece:
    """
    One `init`: the times `first` to `last`, a row for each, or one value without rows.

    parts   the tensors in `value`, in order
    """

    node: tree.Init
    first: int
    last: int
    rows: bool
    value: Value
    parts: Sequence[Numeric]

    @property
    def span(self) -> Span:
        return self.node.span

    def row_dims(self, k: int) -> tuple[Size, ...]:
        """The shape of part k at one time."""
        return self.parts[k].dims[1:] if self.rows else self.parts[k].dims

    @property
    def times(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class Past:
    """All values of one name before the first step, in order of time."""

    name: str
    pieces: Sequence[Piece]

    @property
    def depth(self) -> int:
        """How many times before the first step have values, without a gap."""
        depth = 0
        for piece in reversed(self.pieces):
            if piece.last != -depth - 1:
                break
            depth = -piece.first
        return depth

    def missing(self, back: int) -> list[int]:
        """The times that are read `back` steps before, and have no value."""
        given = {t for p in self.pieces for t in p.times}
        return [t for t in range(-back, 0) if t not in given]

    @property
    def labels(self) -> list[Label | None]:
        return [Label(p.node.span, "given here") for p in self.pieces]

    def parts(self, k: int) -> list[Numeric]:
        """Part k of each piece that counts."""
        return [p.parts[k] for p in self.used]

    @property
    def used(self) -> list[Piece]:
        """The pieces without those before a gap."""
        return [p for p in self.pieces if p.last >= -self.depth]

    def write(
        self, env: Env, k: int, dtype: DType, dims: tuple[Size, ...], batch: tuple[Binder, ...]
    ) -> SSAValue:
        """Rows of part k, [depth, index variables, dims]."""
        rows = [_rows(env, p, p.parts[k], dtype, dims, batch) for p in self.used]
        return env.b.concat(rows, 0)


def _rows(
    env: Env, piece: Piece, part: Numeric, dtype: DType, dims: tuple[Size, ...],
    batch: tuple[Binder, ...],
) -> SSAValue:  # fmt: skip
    with env.at(piece.node.value.span) as b:
        whole = (len(piece.times), *dims) if piece.rows else dims
        x = spread(env, env.fitted(env.tensor(part, dtype), whole), batch, whole)
        if not piece.rows:
            return b.reshape(x.ssa, [1, *dims_of(x.ssa)])
        count = len(batch)
        rest = range(count + 1, len(dims_of(x.ssa)))
        return b.transpose(x.ssa, [count, *range(count), *rest])


def past(env: Env, name: str, nodes: Sequence[tree.Init]) -> Past:
    """The values that the `init`s of one name give. Raises E0510 when they do not fit."""
    pieces = sorted((_piece(env, node) for node in nodes), key=lambda p: p.first)
    for one, other in zip(pieces, pieces[1:], strict=False):
        if other.first <= one.last:
            raise env.error(
                "E0510", f"`{name}[{other.first}]` has two initial values", other.span,
                "given again", labels=[Label(one.span, "given here")],
            )  # fmt: skip
    for other in pieces[1:]:
        _check_alike(env, name, pieces[0], other)
    return Past(name, pieces)


def _rows_help(name: str, dims: Sequence[Size], count: int) -> list[str]:
    """What to write where rows and times do not agree."""
    if isinstance(dims[0], int):
        return [f"give all times that it has: `init {name}[-{dims[0]}:0] = ...`"]
    sizes = ", ".join(map(str, dims))
    return [f"give a row for each time: `zeros([{count}, {sizes}])` for example"]


def _piece(env: Env, node: tree.Init) -> Piece:
    first, last, rows = _times(env, node)
    value = expressions.evaluate(env, node.value)
    parts = leaves(env, value, node.value.span, "an initial value")
    name, count = node.name.name, last - first + 1
    for part in parts if rows else ():
        if part.dims and env.same_size(part.dims[0], count):
            continue
        has = f"{part.dims[0]} rows" if part.dims else "no rows"
        raise env.error(
            "E0510",
            f"the times {first} to {last} of `{name}` need {count} rows, this has {has}",
            node.value.span,
            f"this is {part.type}",
            labels=[Label(_brackets(node), f"{count} times")],
            helps=[
                f"give a row for each time, `zeros([{count}])` for example",
                f"or one value for one time: `init {name}[{last}] = ...`",
            ]
            if not part.dims
            else _rows_help(name, part.dims, count),
        )
    return Piece(node, first, last, rows, value, parts)


def _times(env: Env, node: tree.Init) -> tuple[int, int, bool]:
    """First and last time, and whether there is a row for each."""
    item = node.items[0]
    if len(node.items) != 1 or isinstance(item, tree.Ellipsis_):
        raise _wrong(env, node, "the times before the first step, and nothing else")
    if isinstance(item, tree.Slice):
        if item.start is None or item.stop is None or item.step is not None:
            raise _wrong(env, node, "both ends are needed, and no step")
        first, last = _integer(env, node, item.start), _integer(env, node, item.stop) - 1
    else:
        first = last = _integer(env, node, item)
    if last >= 0:
        raise env.error(
            "E0510",
            f"`init` gives values before the first step, not at time {last}",
            _brackets(node),
            "times below 0 are expected here",
            helps=[f"from time 0 on an equation gives it: `{node.name.name}[t] = ...`"],
        )
    if first > last:
        raise _wrong(env, node, "this is no time at all")
    if first < -MAX_BACK:
        raise _wrong(env, node, f"at most {MAX_BACK} times before the first step")
    return first, last, isinstance(item, tree.Slice)


def _integer(env: Env, node: tree.Init, item: tree.Expr) -> int:
    known = known_size(expressions.evaluate(env, item))
    value = known.constant if known is not None else None
    if value is None:
        raise _wrong(env, node, "the times are literals or constants")
    return value


def _wrong(env: Env, node: tree.Init, why: str) -> Problem:
    name = node.name.name
    return env.error(
        "E0510", f"these are not times of `{name}` before the first step", _brackets(node), why,
        helps=[f"for one time: `init {name}[-1] = ...`, for three: `init {name}[-3:0] = ...`"],
    )  # fmt: skip


def _check_alike(env: Env, name: str, one: Piece, other: Piece) -> None:
    """All pieces have one type."""
    fits = same_parts(one.value, other.value)
    for k in range(len(one.parts) if fits else 0):
        x, y = one.parts[k], other.parts[k]
        fits = fits and env.facts.same_dims(one.row_dims(k), other.row_dims(k))
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            fits = fits and x.dtype is y.dtype
    if not fits:
        raise env.error(
            "E0510", f"the initial values of `{name}` have different types", other.span,
            f"this is {other.value.type}", labels=[Label(one.span, f"this is {one.value.type}")],
            helps=["every value of a name has one shape and dtype"],
        )  # fmt: skip


def _brackets(node: tree.Init) -> Span:
    """`x[-3:0]` of `init x[-3:0] = e`."""
    whole = node.name.span.to(node.items[-1].span)
    return whole._replace(end_col=whole.end_col + 1)
