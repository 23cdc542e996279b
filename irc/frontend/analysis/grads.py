"""`grad(cost, wrt=x)`: derivatives of values with respect to values."""

from __future__ import annotations

from collections.abc import Sequence

from irc.diagnostics import Span
from irc.frontend import tree
from irc.frontend.analysis.derivatives import (
    Form,
    arguments,
    check_path,
    declaration,
    like,
    value_of,
    wrt_of,
)
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pullback import pulled_back
from irc.frontend.analysis.values import NUMERIC, Origin, Tensor, Value, with_origin

GRAD = Form("grad", ("cost", "wrt"))


def grad(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    The derivatives of a float scalar, in the structure of `wrt`: a tensor, record or tuple.

    Raises E0401 where the cost does not depend on a value, E0402 for a cost that is no float
    scalar, E0405 for what has no derivatives.
    """
    given = arguments(env, GRAD, args, span)
    cost = cost_of(env, GRAD, given["cost"])
    wrt = wrt_of(env, GRAD, given)
    check_path(env, [cost], given["cost"], wrt)
    with env.at(span):
        results = iter(pulled_back(env, cost, None, wrt))
    origin = Origin(span=span, how="the result of `grad`")
    return like(wrt.value, lambda: with_origin(next(results), origin), origin)


def cost_of(env: Env, form: Form, arg: tree.Arg) -> Tensor:
    """A float scalar. Raises E0402 for anything else."""
    value = value_of(env, arg)
    if isinstance(value, Tensor) and value.rank == 0 and value.dtype.is_float:
        return value
    text = env.frame.module.text_of(arg.value.span)
    helps = []
    if isinstance(value, Tensor) and value.rank:
        helps = [f"reduce it first: `{form.name}(sum({text}), ...)`"]
    elif isinstance(value, Tensor):
        helps = [f"convert it: `f32({text})`"]
    what = f"this is {value.type}" if isinstance(value, NUMERIC) else f"this is a {value.type}"
    raise env.error(
        "E0402", f"`{form.name}` needs one floating-point number to differentiate", arg.span, what,
        labels=[declaration(value)], helps=helps,
    )  # fmt: skip
