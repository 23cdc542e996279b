"""Running totals and sorting."""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder, dims_of
from irc.dialects.nd.ordered import CumulativeKind
from irc.dtypes import BOOL, I64
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Tensor, TupleOf, Value
from irc.sizes import Size


def flat(env: Env, x: Tensor, axis: int | None) -> tuple[SSAValue, int]:
    """The tensor and the axis of its IR value; without an axis, all elements in one."""
    if axis is not None:
        return x.ssa, axis + len(x.batch)
    batch = dims_of(x.ssa)[: len(x.batch)]
    return env.b.reshape(x.ssa, [*batch, sizes.product(x.dims)]), len(x.batch)


def picked(b: Builder, x: SSAValue, order: SSAValue, axis: int) -> SSAValue:
    """Each line of `x` along `axis` read at the positions in the same line of `order`."""
    dims = dims_of(order)
    indices = [b.cast(order, I64) if d == axis else b.iota(dims, I64, d) for d in range(len(dims))]
    return b.gather(x, indices, range(len(dims)), in_bounds=True)


def _first(b: Builder, x: SSAValue, count: Size, axis: int) -> SSAValue:
    """The first elements along `axis`."""
    dims = list(dims_of(x))
    dims[axis] = count
    return b.slice(x, dims, [0] * len(dims), [1] * len(dims))


def _cumulative(name: str, kind: CumulativeKind, doc: str) -> None:
    @builtin(
        f"{name}(x: tensor, axis: axis = none, reverse: flag = false, exclusive: flag = false)",
        f"{doc} along an axis, or of all elements in row-major order. `reverse` begins at the end, "
        "`exclusive` leaves the element itself out.",
        as_method=True,
    )
    def build(
        env: Env, call: Call, x: Tensor, axis: int | None, reverse: bool, exclusive: bool
    ) -> Value:
        if x.dtype is BOOL:
            raise env.error(
                "E0302",
                f"`{name}` is not defined for bool",
                call.span,
                "a number is needed",
                helps=[f"convert explicitly: `i32({spelled(env, call.node('x'))})`"],
            )
        with env.at(call.span) as b:
            ssa, at = flat(env, x, axis)
            return Tensor(b.cumulative(kind, ssa, at, reverse, exclusive), call.origin, x.batch)


_cumulative("cumsum", "sum", "Running sums")
_cumulative("cumprod", "prod", "Running products")


@builtin(
    "argsort(x: tensor, axis: axis = -1, descending: flag = false)",
    "Positions (i32) that sort x along an axis: equals keep their order, NaN is the largest.",
    as_method=True,
)
def argsort(env: Env, call: Call, x: Tensor, axis: int, descending: bool) -> Value:
    with env.at(call.span) as b:
        order = b.argsort(x.ssa, axis + len(x.batch), descending=descending)
        return Tensor(order, call.origin, x.batch)


@builtin(
    "sort(x: tensor, axis: axis = -1, descending: flag = false)",
    "x sorted along an axis; NaN is the largest.",
    as_method=True,
)
def sort(env: Env, call: Call, x: Tensor, axis: int, descending: bool) -> Value:
    at = axis + len(x.batch)
    with env.at(call.span) as b:
        order = b.argsort(x.ssa, at, descending=descending)
        return Tensor(picked(b, x.ssa, order, at), call.origin, x.batch)


@builtin(
    "top_k(x: tensor, k: size, axis: axis = -1)",
    "The k largest elements along an axis, largest first, and their positions (i32): "
    "`values, indices`.",
    as_method=True,
)
def top_k(env: Env, call: Call, x: Tensor, k: Size, axis: int) -> Value:
    size, at = x.dims[axis], axis + len(x.batch)
    room = sizes.poly(size) - k
    if env.nonnegative(-room - 1):
        raise env.error(
            "E0205",
            f"`top_k` of {k} among {size}",
            call.span_of("k"),
            f"dimension {axis} has size {size}",
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    env.require(room, "top_k of {0} among {1}", call.span_of("k"), shown=(k, size))
    with env.at(call.span) as b:
        order = _first(b, b.argsort(x.ssa, at, descending=True), k, at)
        values = picked(b, x.ssa, order, at)
        parts = (Tensor(v, call.origin, x.batch) for v in (values, order))
        return TupleOf(tuple(parts), ("values", "indices"))


@builtin(
    "median(x: float, axis: axis = none, keepdims: flag = false)",
    "The middle element along an axis, or of all: the mean of two if there are two; "
    "NaN if there is one.",
    as_method=True,
)
def median(env: Env, call: Call, x: Tensor, axis: int | None, keepdims: bool) -> Value:
    with env.at(call.span) as b:
        ssa, at = flat(env, x, axis)
        count = dims_of(ssa)[at]
        if count == 0:
            raise env.error(
                "E0210", "`median` of no elements", call.span, "the dimension has size 0"
            )
        env.require(sizes.poly(count) - 1, "median of no elements", call.span)
        order = b.argsort(ssa, at)
        rest = [s for d, s in enumerate(dims_of(ssa)) if d != at]

        def element(place: Size) -> SSAValue:
            dims = [1 if d == at else s for d, s in enumerate(dims_of(ssa))]
            offsets: list[Size] = [place if d == at else 0 for d in range(len(dims))]
            chosen = b.slice(order, dims, offsets, [1] * len(dims))
            return b.reshape(picked(b, ssa, chosen, at), rest)

        low, high = (element(sizes.size((sizes.poly(count) - k) // 2)) for k in (1, 0))
        middle = b.add(b.mul(low, b.like(low, 0.5)), b.mul(high, b.like(high, 0.5)))
        middle = b.where(b.eq(low, high), low, middle)  # infinities, and what 0.5 * x would round
        last = element(sizes.size(sizes.poly(count) - 1))
        result = b.where(b.scalar("isnan", last), last, middle)
        if keepdims:
            own = [1 if axis is None or d == axis else s for d, s in enumerate(x.dims)]
            result = b.reshape(result, [*dims_of(x.ssa)[: len(x.batch)], *own])
        return Tensor(result, call.origin, x.batch)
