"""
Softmax and its relatives, written so that nothing overflows.

The maximum is subtracted first: Blanchard, Higham and Higham, "Accurately computing the
log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc.dialects.nd import dims_of
from irc.frontend.analysis.builtins.reductions import reduce_tensor
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Tensor, Value

_HINT = "for the classes write"


def _shifted(env: Env, call: Call, x: Tensor, axis: int) -> tuple[SSAValue, SSAValue]:
    """x minus its maximum along `axis`, and that maximum with the axis kept at size 1."""
    b = env.b
    top = reduce_tensor(env, call, "max", x, [axis], True)
    peak = b.stop_gradient(top.ssa)
    return b.sub(x.ssa, _spread(env, peak, x)), peak


def _spread(env: Env, column: SSAValue, x: Tensor) -> SSAValue:
    full = dims_of(x.ssa)
    return env.b.broadcast(column, list(range(len(full))), full)


def _total(env: Env, call: Call, e: SSAValue, x: Tensor, axis: int) -> SSAValue:
    return reduce_tensor(env, call, "sum", Tensor(e, batch=x.batch), [axis], True).ssa


@builtin(
    "softmax(x: float, axis: axis = -1)",
    "Exponentials along an axis, scaled to sum to one.",
    as_method=True,
    axis_hint=_HINT,
)
def softmax(env: Env, call: Call, x: Tensor, axis: int) -> Value:
    with env.at(call.span) as b:
        shifted, _ = _shifted(env, call, x, axis)
        e = b.exp(shifted)
        total = _spread(env, _total(env, call, e, x, axis), x)
        return Tensor(b.div(e, total), call.origin, x.batch)


@builtin(
    "softmin(x: float, axis: axis = -1)",
    "softmax(-x): the smallest number gets the largest share.",
    as_method=True,
    axis_hint=_HINT,
)
def softmin(env: Env, call: Call, x: Tensor, axis: int) -> Value:
    with env.at(call.span) as b:
        return softmax(env, call, Tensor(b.neg(x.ssa), x.origin, x.batch), axis)


@builtin(
    "log_softmax(x: float, axis: axis = -1)",
    "Logarithm of softmax, without the loss of small probabilities.",
    as_method=True,
    axis_hint=_HINT,
)
def log_softmax(env: Env, call: Call, x: Tensor, axis: int) -> Value:
    with env.at(call.span) as b:
        shifted, _ = _shifted(env, call, x, axis)
        total = b.log(_total(env, call, b.exp(shifted), x, axis))
        return Tensor(b.sub(shifted, _spread(env, total, x)), call.origin, x.batch)


@builtin(
    "logsumexp(x: float, axis: axis = -1, keepdims: flag = false)",
    "log(sum(exp(x))) along an axis, without overflow.",
    as_method=True,
    axis_hint=_HINT,
)
def logsumexp(env: Env, call: Call, x: Tensor, axis: int, keepdims: bool) -> Value:
    """An infinite maximum is not subtracted: inf - inf is NaN."""
    with env.at(call.span) as b:
        top = reduce_tensor(env, call, "max", x, [axis], True)
        finite = b.scalar("isfinite", top.ssa)
        peak = b.stop_gradient(b.where(finite, top.ssa, b.like(top.ssa, 0)))
        e = b.exp(b.sub(x.ssa, _spread(env, peak, x)))
        result = b.add(b.log(_total(env, call, e, x, axis)), peak)
        if not keepdims:
            at = axis + len(x.batch)
            result = b.reshape(result, [s for d, s in enumerate(dims_of(result)) if d != at])
        return Tensor(result, call.origin, x.batch)
