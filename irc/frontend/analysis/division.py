"""Integers are not divided by zero: refused where it is known, else checked at run time."""

from __future__ import annotations

from irc.dialects.nd.effects import DIVISION_BY_ZERO
from irc.frontend.analysis.broadcasting import Operand, Site, needs_float
from irc.frontend.analysis.checks import Places, demand, escaped
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Number, SizeOf, Tensor


def check_divisor(env: Env, site: Site, x: Operand, y: Operand) -> None:
    """Raises E0305 where y is always 0. Floats have an answer: infinity or NaN."""
    for o in (x, y):
        if isinstance(o.value, Tensor) and o.value.dtype.is_float or needs_float(o.value):
            return
    text = escaped(spelled(env, y.node))
    match y.value:
        case Number(value=value):
            if value == 0:
                raise _by_zero(env, site, y)
        case SizeOf(poly=p, batch=()):
            if env.nonnegative(-p):
                raise _by_zero(env, site, y)
            if not env.nonnegative(-p - 1):
                env.require(p - 1, f"{DIVISION_BY_ZERO}: {text} is 0", site.span, "bounds")
        case SizeOf() | Tensor():
            with env.at(site.span):
                _demand_nonzero(env, env.tensor(y.value), text)


def _by_zero(env: Env, site: Site, y: Operand) -> Problem:
    return env.error(
        "E0305", "an integer is divided by zero", site.span, "the divisor is 0",
        helps=["guard it: `if b == 0 then 0 else a // b`"],
    )  # fmt: skip


def _demand_nonzero(env: Env, y: Tensor, text: str) -> None:
    def say(places: Places, own: list[str]) -> str:
        where = f" at [{', '.join(own)}]" if own else ""
        along = ", ".join(f"{name} = {place}" for name, place in places.items())
        return f"{DIVISION_BY_ZERO}: {text} is 0{where}" + (f" ({along})" if along else "")

    holds = env.b.scalar("ne", y.ssa, env.b.like(y.ssa, 0))
    demand(env, Tensor(holds, batch=y.batch), [], say)
