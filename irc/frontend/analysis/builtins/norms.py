"""Norms."""

from __future__ import annotations

import math

from xdsl.ir import SSAValue

from irc.frontend.analysis.broadcasting import Operand
from irc.frontend.analysis.builtins.reductions import reduce_tensor
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Number, Tensor, Value


@builtin(
    "norm(x: float, ord: number = none, axis: axes = none, keepdims: flag = false)",
    "The length of vectors along axes, of all elements when left out: ord 2 (the root of the sum "
    "of squares, also when left out), 1, `inf` (largest magnitude), `-inf`, 0 (how many are not "
    "0) or any p. Its derivative at 0 is 0.",
    as_method=True,
)
def norm(
    env: Env, call: Call, x: Tensor, order: Operand | None, axes: list[int], keepdims: bool
) -> Value:
    p = 2.0 if order is None else _order(env, order)
    with env.at(call.span) as b:

        def over(values: SSAValue, how: str = "sum") -> SSAValue:
            terms = Tensor(values, batch=x.batch)
            return reduce_tensor(env, call, how, terms, axes, keepdims).ssa

        size = b.scalar("abs", x.ssa)
        if math.isinf(p):
            result = over(size, "max" if p > 0 else "min")
        elif p == 0:
            result = over(b.cast(b.scalar("ne", size, b.like(size, 0)), x.dtype))
        elif p == 1:
            result = over(size)
        elif p == 2:
            result = _power(env, over(b.square(x.ssa)), 0.5)
        else:
            result = _power(env, over(_power(env, size, p)), 1 / p)
        return Tensor(result, call.origin, x.batch)


def _power(env: Env, x: SSAValue, p: float) -> SSAValue:
    """x**p for x >= 0; at 0, where the slope may be infinite, 0 with slope 0."""
    b = env.b
    if p < 0:
        return b.pow(x, b.like(x, p))
    zero = b.eq(x, b.like(x, 0))
    safe = b.where(zero, b.like(x, 1), x)
    power = b.sqrt(safe) if p == 0.5 else b.pow(safe, b.like(safe, p))
    return b.where(zero, b.like(x, 0), power)


def _order(env: Env, order: Operand) -> float:
    if isinstance(order.value, Number) and not isinstance(order.value.value, bool):
        p = float(order.value.value)
        if not math.isnan(p):
            return p
    raise env.error(
        "E0302",
        "`ord` of `norm` is a literal number",
        order.node.span,
        f"`{spelled(env, order.node)}` is {order.value.type}",
        helps=["write 1, 2, `inf`, `-inf` or 0"],
    )
