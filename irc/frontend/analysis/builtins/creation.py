"""Tensors from nothing: filled, counted, the identity."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder
from irc.dtypes import I64, DType
from irc.frontend.analysis.broadcasting import Operand
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Number, Open, Tensor, Value
from irc.sizes import Poly, Size

Dims = tuple[Size, ...]


def _made(
    env: Env, call: Call, dims: Dims, write: Callable[[Builder, DType], SSAValue],
    dtype: DType | None, kind: str = "any",
) -> Value:  # fmt: skip
    """A tensor of `dtype`, or one that takes the dtype it is used in."""
    if dtype is not None:
        with env.at(call.span) as b:
            return Tensor(write(b, dtype), call.origin)

    def make(chosen: DType) -> SSAValue:
        with env.at(call.span) as b:
            return write(b, chosen)

    return Open(make, kind, dims, call.origin)  # type: ignore[arg-type]


def _filled(name: str, value: int, doc: str) -> None:
    @builtin(f"{name}(shape: shape, dtype: dtype = none)", doc, draws=True)
    def build(env: Env, call: Call, dims: Dims, dtype: DType | None) -> Value:
        return _made(env, call, dims, lambda b, d: b.full(dims, d, value), dtype)

    @builtin(f"{name}_like(x: tensor)", f"{doc[:-1]}, with the shape and dtype of x.", records=True)
    def build_like(env: Env, call: Call, x: Tensor) -> Value:
        with env.at(call.span) as b:
            return Tensor(b.like(x.ssa, value), call.origin, x.batch)


_filled("zeros", 0, "A tensor of zeros.")
_filled("ones", 1, "A tensor of ones.")


@builtin("full(shape: shape, value: number, dtype: dtype = none)", "A tensor of one value.")
def full(env: Env, call: Call, dims: Dims, value: Operand, dtype: DType | None) -> Value:
    x = value.value
    if isinstance(x, Number):
        kind = "float" if isinstance(x.value, float) else "any"
        number = x.value
        return _made(env, call, dims, lambda b, d: b.full(dims, d, number), dtype, kind)
    tensor = env.tensor(x, dtype)
    if tensor.rank or tensor.batch:
        raise env.error(
            "E0302", "`full` repeats one number", value.node.span, f"this is {tensor.type}"
        )
    with env.at(call.span) as b:
        ssa = b.cast(tensor.ssa, dtype) if dtype else tensor.ssa
        return Tensor(b.broadcast(ssa, [], dims), call.origin)


@builtin(
    "eye(n: size, m: size = none, dtype: dtype = none)",
    "The identity matrix of n rows and m (else n) columns.",
)
def eye(env: Env, call: Call, n: Size, m: Size | None, dtype: DType | None) -> Value:
    dims = (n, n if m is None else m)

    def write(b: Builder, d: DType) -> SSAValue:
        return b.cast(b.eq(b.iota(dims, I64, 0), b.iota(dims, I64, 1)), d)

    return _made(env, call, dims, write, dtype)


@builtin(
    "arange(start: known, stop: known = none, step: known = none, dtype: dtype = none)",
    "start, start + step, ... below stop; 0, 1, ... below start when stop is left out.",
)
def arange(
    env: Env, call: Call, start: Poly, stop: Poly | None, by: Poly | None, dtype: DType | None
) -> Value:
    low, high = (sizes.const(0), start) if stop is None else (start, stop)
    step = 1 if by is None else by.constant
    if not step:
        raise env.error(
            "E0205", "the step of `arange` is a literal, not 0", call.span_of("step"),
            "must not be 0" if step == 0 else f"this is {by}",
        )  # fmt: skip
    span = high - low if step > 0 else low - high
    count = sizes.size((span + abs(step) - 1) // abs(step))
    if isinstance(count, int) and count < 0:
        count = 0

    def write(b: Builder, d: DType) -> SSAValue:
        steps = b.iota((count,), I64, 0)
        scaled = b.mul(steps, b.like(steps, step)) if step != 1 else steps
        if low != 0:
            scaled = b.add(scaled, b.broadcast(b.size(sizes.size(low)), [], (count,)))
        return b.cast(scaled, d)

    env.require(count, "the range of `arange` has a negative length", call.span)
    return _made(env, call, (count,), write, dtype, "int")


@builtin(
    "linspace(start: number, stop: number, count: size)",
    "`count` numbers from start to stop, both included.",
)
def linspace(env: Env, call: Call, start: Operand, stop: Operand, count: Size) -> Value:
    """(1 - t) start + t stop with t = 0, 1/(count - 1), ... 1; just start for one number."""

    def write(b: Builder, d: DType) -> SSAValue:
        first, last = (env.tensor(o.value, d) for o in (start, stop))
        steps = b.size(sizes.size(sizes.poly(count) - 1), d)
        steps = b.scalar("maximum", steps, b.full((), d, 1))
        t = b.cast(b.iota((count,), I64, 0), d)
        t = b.div(t, b.broadcast(steps, [], (count,)))
        a, z = (b.broadcast(x.ssa, [], (count,)) for x in (first, last))
        return b.add(b.mul(b.sub(b.like(t, 1), t), a), b.mul(t, z))

    typed = [o.value.dtype for o in (start, stop) if isinstance(o.value, Tensor)]
    return _made(env, call, (count,), write, typed[0] if typed else None, "float")
