"""Sizes that an expression states: of shapes, of ranges of index variables."""

from __future__ import annotations

from irc import sizes
from irc.frontend import tree
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Number, SizeOf, Value
from irc.sizes import Poly, Size


def known_size(value: Value) -> Poly | None:
    """The polynomial behind an integer that is known from sizes and literals; else None."""
    match value:
        case SizeOf(poly=p, batch=()):
            return p
        case Number(value=int() as n) if not isinstance(n, bool):
            return sizes.const(n)
    return None


def not_negative(env: Env, node: tree.Expr, value: Poly, what: str) -> Size:
    """
    `value` as a size: proved not to be negative, or checked when the program runs.

    what   how messages call it: "the size", "the range of `i`"
    Raises E0205 when it is always negative.
    """
    size = sizes.size(env.facts.normal(value))
    text = spelled(env, node)
    shown = f" = {size}" if str(size) != text else ""
    if env.nonnegative(-sizes.poly(size) - 1):
        raise env.error(
            "E0205", f"{what} is negative", node.span, f"{text}{shown}",
            helps=["sizes are 0 or more"],
        )  # fmt: skip
    env.require(size, f"{what}, {text}, is negative", node.span)
    return size
