"""Reductions over axes; those that bind index variables are in comprehension.py."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder, dims_of, dtype_of
from irc.dtypes import BOOL
from irc.frontend.analysis.broadcasting import Operand, Site
from irc.frontend.analysis.builtins.elementwise import apply
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import result_of, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Origin, Tensor, Value


def reduce_axes(
    env: Env, name: str, x: SSAValue, axes: Sequence[int], site: Site, text: str
) -> SSAValue:
    """
    The reduction `name` over axes of the IR value: those of `REDUCTIONS`, and `mean`.

    text   the operand as the source spells it

    Raises E0302 for a dtype that it is not defined for, E0210 for an extremum of no elements.
    """
    dtype, b = dtype_of(x), env.b
    wants_bool = name in ("any", "all")
    if wants_bool != (dtype is BOOL) or name == "mean" and not dtype.is_float:
        needed = "a bool" if wants_bool else "a float" if name == "mean" else "a number"
        way = f"compare explicitly: `{text} != 0`" if wants_bool else None
        raise env.error(
            "E0302",
            f"`{name}` is not defined for {dtype}",
            site.span,
            f"{needed} is needed",
            helps=[way or f"convert explicitly: `{env.floatx}({text})`"],
        )
    if name in ("max", "min") and any(dims_of(x)[a] == 0 for a in axes):
        raise env.error("E0210", f"`{name}` of no elements", site.span, "the dimension has size 0")
    if name == "mean":
        return _mean(b, x, axes)
    return b.reduce(name, x, axes)


def _mean(b: Builder, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """The sum divided by the number of elements; NaN for none."""
    total = b.sum(x, axes)
    count = sizes.product([dims_of(x)[a] for a in axes])
    if count == 1:
        return total
    return b.div(total, b.broadcast(b.size(count, dtype_of(x)), [], dims_of(total)))


def reduce_tensor(
    env: Env, call: Call, name: str, x: Tensor, axes: Sequence[int], keepdims: bool
) -> Tensor:
    """`x.name(axis, keepdims)`."""
    site = Site(f"`{name}`", call.span)
    origin = Origin(span=call.span, how=result_of(name, x))
    with env.at(call.span) as b:
        offset = len(x.batch)
        text = spelled(env, next(iter(call.nodes.values())))
        ssa = reduce_axes(env, name, x.ssa, [a + offset for a in axes], site, text)
        if keepdims:
            kept = [1 if d - offset in axes else s for d, s in enumerate(dims_of(x.ssa))]
            ssa = b.reshape(ssa, kept)
        return Tensor(ssa, origin, x.batch)


def _reduction(name: str, doc: str) -> None:
    @builtin(f"{name}(x: tensor, axis: axes = none, keepdims: flag = false)", doc, as_method=True)
    def build(env: Env, call: Call, x: Tensor, axes: list[int], keepdims: bool) -> Value:
        return reduce_tensor(env, call, name, x, axes, keepdims)


_reduction("sum", "Sum along axes, in a defined order. Also `sum[k](...)`.")
_reduction("prod", "Product along axes. Also `prod[k](...)`.")
_reduction("mean", "Mean along axes; NaN of no elements. Also `mean[k](...)`.")
_reduction("any", "Whether any element along axes is true. Also `any[k](...)`.")
_reduction("all", "Whether all elements along axes are true. Also `all[k](...)`.")


def _extremum(name: str, doc: str) -> None:
    @builtin(
        f"{name}(x: number, y: number = none, axis: axes = none, keepdims: flag = false)",
        doc,
        as_method=True,
        records=True,
    )
    def build(
        env: Env, call: Call, x: Operand, y: Operand | None, axes: list[int], keepdims: bool
    ) -> Value:
        if y is not None:
            return apply(env, call, _PAIRS[name], [x, y])
        tensor = env.tensor(x.value, call.expected)
        return reduce_tensor(env, call, name, tensor, axes, keepdims)


_PAIRS = {"max": "maximum", "min": "minimum"}
_extremum("max", "Largest element along axes, or the larger of x and y; NaN if there is one.")
_extremum("min", "Smallest element along axes, or the smaller of x and y; NaN if there is one.")


def _position(name: str, doc: str) -> None:
    @builtin(f"{name}(x: tensor, axis: axis = none)", doc, as_method=True)
    def build(env: Env, call: Call, x: Tensor, axis: int | None) -> Value:
        if x.dtype is BOOL:
            raise env.error(
                "E0302", f"`{name}` is not defined for bool", call.span, "a number is needed",
                helps=[f"convert explicitly: `i32({spelled(env, call.node('x'))})`"],
            )  # fmt: skip
        with env.at(call.span) as b:
            batch = dims_of(x.ssa)[: len(x.batch)]
            ssa = x.ssa
            if axis is None:
                ssa, axis = b.reshape(ssa, [*batch, sizes.product(x.dims)]), 0
            at = axis + len(batch)
            if dims_of(ssa)[at] == 0:
                raise env.error(
                    "E0210", f"`{name}` of no elements", call.span, "the dimension has size 0"
                )
            ssa = b.argmax(ssa, at, smallest=name == "argmin")
            return Tensor(ssa, Origin(span=call.span, how=result_of(name, x)), x.batch)


_position("argmax", "Index (i32) of the largest element along an axis, or of all; first of equals.")
_position(
    "argmin", "Index (i32) of the smallest element along an axis, or of all; first of equals."
)


@builtin(
    "var(x: float, axis: axes = none, ddof: int = 0, keepdims: flag = false)",
    "Mean squared distance from the mean, in two passes; divided by the count minus ddof.",
    as_method=True,
)
def var(env: Env, call: Call, x: Tensor, axes: list[int], ddof: int, keepdims: bool) -> Value:
    mean = reduce_tensor(env, call, "mean", x, axes, True)
    with env.at(call.span) as b:
        full = dims_of(x.ssa)
        around = b.sub(x.ssa, b.broadcast(mean.ssa, list(range(len(full))), full))
        squares = Tensor(b.square(around), batch=x.batch)
        if ddof == 0:
            return _renamed(reduce_tensor(env, call, "mean", squares, axes, keepdims), call)
        total = reduce_tensor(env, call, "sum", squares, axes, keepdims)
        count = sizes.poly(sizes.product([x.dims[a] for a in axes])) - ddof
        divisor = b.size(sizes.size(count), x.dtype)
        spread = b.broadcast(divisor, [], dims_of(total.ssa))
        return Tensor(b.div(total.ssa, spread), call.origin, x.batch)


@builtin(
    "std(x: float, axis: axes = none, ddof: int = 0, keepdims: flag = false)",
    "Square root of `var`.",
    as_method=True,
)
def std(env: Env, call: Call, x: Tensor, axes: list[int], ddof: int, keepdims: bool) -> Value:
    variance = var(env, call, x, axes, ddof, keepdims)
    assert isinstance(variance, Tensor)
    with env.at(call.span) as b:
        return Tensor(b.sqrt(variance.ssa), call.origin, variance.batch)


def _renamed(x: Tensor, call: Call) -> Tensor:
    return Tensor(x.ssa, call.origin, x.batch)
