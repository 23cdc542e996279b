"""Derivatives of values. What they mean, and their mistakes, is in grads.py."""

from __future__ import annotations

from collections.abc import Sequence

from irc.frontend import tree
from irc.frontend.analysis import grads
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


@builtin("stop_gradient(x: tensor)", "x, as a constant for derivatives.", records=True)
def stop_gradient(env: Env, call: Call, x: Tensor) -> Value:
    with env.at(call.span) as b:
        return Tensor(b.stop_gradient(x.ssa), call.origin, x.batch)
