"""`jacobian` and `hessian`: all derivatives of all elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from irc.diagnostics import Span
from irc.frontend import tree
from irc.frontend.analysis.derivatives import (
    Form,
    Wrt,
    arguments,
    check_path,
    like,
    value_of,
    wrt_of,
)
from irc.frontend.analysis.directions import floats
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.grads import cost_of
from irc.frontend.analysis.pullback import pulled_back, pushed
from irc.frontend.analysis.values import Binder, Origin, Tensor, Value, with_origin
from irc.sizes import product

JACOBIAN = Form("jacobian", ("y", "wrt"))
HESSIAN = Form("hessian", ("cost", "wrt"))


def jacobian(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    For each tensor of `y`, in its structure, and each of `wrt`, in its: shape(y) + shape(wrt).

    Raises E0401 where y does not depend on a value, E0402 for a y that is no float, E0405 for
    what has no derivatives.
    """
    given = arguments(env, JACOBIAN, args, span)
    value = value_of(env, given["y"])
    ys = list(floats(env, JACOBIAN, value, given["y"]))
    wrt = wrt_of(env, JACOBIAN, given)
    check_path(env, ys, given["y"], wrt)
    wrt = wrt if len(ys) == 1 else wrt.allowing()
    with env.at(span):
        return _blocks(env, value, ys, wrt, span, "the result of `jacobian`")


def hessian(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    The Jacobian of the gradient: for each pair of tensors of `wrt` a block of second derivatives.

    Raises what `grad` does. A block may be zero: a cost need not be curved.
    """
    given = arguments(env, HESSIAN, args, span)
    cost = cost_of(env, HESSIAN, given["cost"])
    wrt = wrt_of(env, HESSIAN, given)
    check_path(env, [cost], given["cost"], wrt)
    with env.at(span):
        gradients = pulled_back(env, cost, None, wrt)
        how = "the result of `hessian`"
        return _blocks(env, wrt.value, gradients, wrt.allowing(), span, how)


def _blocks(env: Env, model: Value, ys: Sequence[Tensor], wrt: Wrt, span: Span, how: str) -> Value:
    """The Jacobians of `ys`, in the structure of `model`; each in that of `wrt`."""
    origin = Origin(span=span, how=how)
    rows = iter([_columns(env, y, wrt, span) or _rows(env, y, wrt, span) for y in ys])

    def one() -> Value:
        blocks = iter(next(rows))
        return like(wrt.value, lambda: with_origin(next(blocks), origin), origin)

    return like(model, one, origin)


def _rows(env: Env, y: Tensor, wrt: Wrt, span: Span) -> list[Tensor]:
    """A way back for each element of `y`, as if its axes were index variables."""
    with _indexed(env, y, span) as axes:
        element = Tensor(y.ssa, y.origin, (*y.batch, *axes))
        made = pulled_back(env, element, None, wrt)
    return [_unindexed(g, axes) for g in made]


def _columns(env: Env, y: Tensor, wrt: Wrt, span: Span) -> list[Tensor]:
    """A way forward for each element of `wrt`, if `y` has more; else nothing."""
    if len(wrt.leaves) != 1:
        return []
    x = wrt.leaves[0].tensor
    few, many = product(x.dims), product(y.dims)
    if not isinstance(few, int) or isinstance(many, int) and many <= few:
        return []
    with _indexed(env, x, span) as axes:
        made = _unindexed(pushed(env, y, [_one_hot(env, x, axes)], wrt), axes)
    outer = range(len(made.batch))
    inner = range(len(outer), len(outer) + x.rank)
    last = range(inner.stop, inner.stop + y.rank)
    return [Tensor(env.b.transpose(made.ssa, [*outer, *last, *inner]), batch=made.batch)]


@contextmanager
def _indexed(env: Env, x: Tensor, span: Span) -> Iterator[tuple[Binder, ...]]:
    """An index variable for each axis of `x`."""
    axes = tuple(Binder(f"axis {k}", span, d, True) for k, d in enumerate(x.dims))
    before, env.binders = env.binders, env.binders + axes
    try:
        yield axes
    finally:
        env.binders = before


def _unindexed(x: Tensor, axes: tuple[Binder, ...]) -> Tensor:
    """These index variables, the innermost ones, as axes again."""
    return Tensor(x.ssa, batch=tuple(b for b in x.batch if b not in axes))


def _one_hot(env: Env, x: Tensor, axes: tuple[Binder, ...]) -> Tensor:
    """For each value of `axes` a tensor like `x` that is 1 there."""
    b, rank, twice = env.b, x.rank, (*x.dims, *x.dims)
    if not rank:
        return Tensor(b.full((), x.dtype, 1))
    number = b.linear_index(x.dims)
    row, here = (b.broadcast(number, range(k, k + rank), twice) for k in (0, rank))
    return Tensor(b.cast(b.eq(row, here), x.dtype), batch=axes)
