"""Derivatives of values. What they mean, and their mistakes, is in grads.py."""

from __future__ import annotations

from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Tensor, Value


@builtin(
    "grad(cost: value, wrt: value, consts: value = none, disconnected: text = none)",
    "Derivative of a scalar with respect to values, states or records it was computed from. "
    'With disconnected="zero" a value that does not matter gives zeros instead of an error.',
)
def grad(
    env: Env, call: Call, cost: Value, wrt: Value, consts: Value | None, disconnected: str | None
) -> Value:
    from irc.frontend.analysis import grads

    return grads.gradient(env, call, cost, wrt, consts, None, disconnected)


@builtin(
    "vjp(y: value, wrt: value, cotangent: value, consts: value = none, disconnected: text = none)",
    "`cotangent` times the derivative of a tensor y, without that derivative being made.",
)
def vjp(
    env: Env,
    call: Call,
    y: Value,
    wrt: Value,
    cotangent: Value,
    consts: Value | None,
    disconnected: str | None,
) -> Value:
    from irc.frontend.analysis import grads

    return grads.gradient(env, call, y, wrt, consts, cotangent, disconnected)


@builtin("stop_gradient(x: tensor)", "x, as a constant for derivatives.", records=True)
def stop_gradient(env: Env, call: Call, x: Tensor) -> Value:
    with env.at(call.span) as b:
        return Tensor(b.stop_gradient(x.ssa), call.origin, x.batch)
