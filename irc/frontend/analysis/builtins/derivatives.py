"""Derivatives of values. What they mean, and their mistakes, is in the modules they call."""

from __future__ import annotations

from collections.abc import Sequence

from irc.frontend import tree
from irc.frontend.analysis import directions, grads, jacobians
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Tensor, Value


@builtin(
    "grad(cost: value, wrt: value, consts: value = none, disconnected: text = none)",
    "Derivative of a scalar with respect to values, states or records it was computed from. "
    'With disconnected="zero" a value that does not matter gives zeros instead of an error.',
    raw=True,
)
def grad(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    return grads.grad(env, args, call.span)


@builtin(
    "vjp(y: value, wrt: value, cotangent: value, consts: value = none, disconnected: text = none)",
    "cotangent times the Jacobian of y by wrt: what flows back to wrt when cotangent, which is "
    "like y, arrives at y. Theano's Lop.",
    raw=True,
)
def vjp(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    return directions.vjp(env, args, call.span)


@builtin(
    "jvp(y: value, wrt: value, tangent: value, consts: value = none, disconnected: text = none)",
    "The Jacobian of y by wrt times tangent: how y changes when wrt moves along tangent, which "
    "is like wrt. Theano's Rop.",
    raw=True,
)
def jvp(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    return directions.jvp(env, args, call.span)


@builtin(
    "jacobian(y: value, wrt: value, consts: value = none, disconnected: text = none)",
    "All derivatives of all elements of y, of shape shape(y) + shape(wrt).",
    raw=True,
)
def jacobian(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    return jacobians.jacobian(env, args, call.span)


@builtin(
    "hessian(cost: value, wrt: value, consts: value = none, disconnected: text = none)",
    "All second derivatives of a scalar, of shape shape(wrt) + shape(wrt); for several wrt a "
    "block for each pair.",
    raw=True,
)
def hessian(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    return jacobians.hessian(env, args, call.span)


@builtin("stop_gradient(x: tensor)", "x, as a constant for derivatives.", records=True)
def stop_gradient(env: Env, call: Call, x: Tensor) -> Value:
    with env.at(call.span) as b:
        return Tensor(b.stop_gradient(x.ssa), call.origin, x.batch)
