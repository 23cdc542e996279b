"""`@`: products of vectors, matrices and stacks of matrices, as one contraction."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from irc.dtypes import BOOL
from irc.frontend.analysis.broadcasting import Operand, Site, common_dtype, merged_batch, spread
from irc.frontend.analysis.describe import axis_name, dimension_label, spelled, types_note
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Number, Origin, SizeOf, Tensor, type_text
from irc.sizes import Size

Axes = list[Hashable]  # what each axis stands for; equal ones of both sides belong together


def matmul(env: Env, site: Site, x: Operand, y: Operand) -> Tensor:
    """
    Sums over the last axis of the left and the last but one (of a vector: the only) of the right.

    Raises E0201 when these sizes differ, E0203 for scalars.
    """
    for o in (x, y):
        if not o.value.dims:
            raise _scalar_operand(env, site, o)
    dtype = common_dtype(env, site, [x, y])
    if dtype is BOOL:
        raise env.error("E0302", f"{site.text} is not defined for bool", site.span, "needs numbers")
    inner = len(y.value.dims) - 2 if len(y.value.dims) > 1 else 0
    if not env.same_size(x.value.dims[-1], y.value.dims[inner]):
        raise _inner_mismatch(env, site, x, y, inner)
    with env.at(site.span):
        left, right = env.tensor(x.value, dtype), env.tensor(y.value, dtype)
        left, right = _common_stack(env, site, Operand(x.node, left), Operand(y.node, right))
        right = env.fitted(
            right, [*right.dims[:inner], left.dims[-1], *right.dims[inner + 1 :]]
        ) if right.rank <= 2 else _fit_inner(env, right, left.dims[-1])  # fmt: skip
        origin = Origin(span=site.span, how="the result of `@`")
        return _contract(env, left, right, origin)


def _fit_inner(env: Env, right: Tensor, size: Size) -> Tensor:
    return env.fitted(right, [*right.dims[:-2], size, right.dims[-1]])


def _common_stack(env: Env, site: Site, x: Operand, y: Operand) -> tuple[Tensor, Tensor]:
    """Stacks of matrices broadcast like the operands of `+`; a single one serves all."""
    left, right = x.value, y.value
    assert isinstance(left, Tensor) and isinstance(right, Tensor)
    a, b = left.dims[:-2], right.dims[:-2]
    if not a or not b or env.facts.same_dims(a, b):
        return left, right
    rank = max(len(a), len(b))
    stack: list[Size] = []
    for axis in range(-rank, 0):
        sizes = [d[axis] for d in (a, b) if -axis <= len(d) and d[axis] != 1]
        if len(sizes) > 1 and not env.same_size(*sizes):
            raise env.error(
                "E0202",
                f"stacks of {site.text} do not match: {sizes[0]} on the left, {sizes[1]} on the "
                "right",
                site.span,
                f"{left.type} and {right.type} differ before their last two dimensions",
                notes=[types_note(env, [(x.node, left), (y.node, right)])],
                helps=["sizes along an axis must be equal, or one of them 1"],
            )
        stack.append(sizes[0] if sizes else 1)
    return tuple(spread(env, t, t.batch, [*stack, *t.dims[-2:]]) for t in (left, right))  # type: ignore[return-value]


def _contract(env: Env, left: Tensor, right: Tensor, origin: Origin) -> Tensor:
    """Contracts with index variables and stacks as batch axes, then puts the axes in order."""
    stacked = left.rank > 2 and right.rank > 2
    a: Axes = [*left.batch, *_stack_axes(left, "left" if not stacked else "stack"), "k"]
    if left.rank > 1:
        a.insert(-1, "m")
    b: Axes = [*right.batch, *_stack_axes(right, "right" if not stacked else "stack"), "k"]
    if right.rank > 1:
        b.append("n")
    shared = [axis for axis in a if axis in b and axis != "k"]
    batch = [a.index(s) for s in shared], [b.index(s) for s in shared]
    product = env.b.dot(left.ssa, right.ssa, batch, ([a.index("k")], [b.index("k")]))
    have = [*shared, *(s for s in a if s not in b), *(s for s in b if s not in a)]
    binders = merged_batch(env, [left, right])
    stack = [s for s in (*a, *b) if isinstance(s, tuple)]
    want: Axes = [*binders, *dict.fromkeys(stack), *(s for s in ("m", "n") if s in have)]
    return Tensor(env.b.transpose(product, [have.index(s) for s in want]), origin, binders)


def _stack_axes(x: Tensor, side: str) -> Axes:
    return [(side, axis) for axis in range(max(x.rank - 2, 0))]


def _scalar_operand(env: Env, site: Site, o: Operand) -> Problem:
    return env.error(
        "E0203",
        f"{site.text} needs vectors or matrices, got {o.value.type}",
        o.node.span,
        "this is a scalar" if isinstance(o.value, Tensor | Number | SizeOf) else "no dimension",
        helps=["`*` multiplies by a scalar"],
    )


def _inner_mismatch(env: Env, site: Site, x: Operand, y: Operand, inner: int) -> Problem:
    left, right = x.value, y.value
    last = len(left.dims) - 1
    k = left.origin.size(last, left.dims[last])
    other = right.origin.size(inner, right.dims[inner])
    labels = [dimension_label(env, x.node, left, last), dimension_label(env, y.node, right, inner)]
    notes = [types_note(env, [(x.node, left), (y.node, right)])]
    if not labels[0] and not labels[1]:
        notes.insert(0, f"the {axis_name(last, len(left.dims))} dimension of the left is {k}")
    return env.error(
        "E0201",
        f"inner dimensions of {site.text} do not match",
        site.span,
        f"cannot contract {k} with {other}",
        labels=labels,
        notes=notes,
        helps=_ways_out(env, x, y),
    )


def _ways_out(env: Env, x: Operand, y: Operand) -> list[str]:
    """Products of the same operands that do fit: swapped, or with one of them transposed."""
    a, b = x.value.dims, y.value.dims
    left, right = spelled(env, x.node), spelled(env, y.node)
    if len(a) > 2 or len(b) > 2:
        return []

    def product(p: Sequence[Size], q: Sequence[Size]) -> str | None:
        if not env.same_size(p[-1], q[0]):
            return None
        return type_text(_dtype_name(x, y), (*p[:-1], *q[1:]))

    if (t := product(b, a)) is not None:
        return [f"swap the operands: `{right} @ {left}` has type {t}"]
    if len(b) == 2 and (t := product(a, b[::-1])) is not None:
        return [f"transpose the right operand: `{left} @ {right}.T` has type {t}"]
    if len(a) == 2 and (t := product(a[::-1], b)) is not None:
        return [f"transpose the left operand: `{left}.T @ {right}` has type {t}"]
    return []


def _dtype_name(x: Operand, y: Operand) -> str:
    for o in (x, y):
        if isinstance(o.value, Tensor):
            return o.value.dtype.name
    return "_"
