"""How many steps a scan or a loop makes."""

from __future__ import annotations

from dataclasses import dataclass

from irc import sizes
from irc.dtypes import I64
from irc.frontend import tree
from irc.frontend.analysis import expressions
from irc.frontend.analysis.describe import article, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.sizing import known_size, not_negative
from irc.frontend.analysis.values import Tensor
from irc.sizes import Size, poly


def steps(env: Env, index: tree.IndexVar, word: str) -> Size:
    """The number of steps. Raises E0514 for what is none."""
    assert index.bound is not None
    name, text = index.name.name, spelled(env, index.bound)
    if index.op != "<":
        raise env.error(
            "E0514", f"the steps of a `{word}` are stated with `<`", index.span,
            "time starts at 0",
            helps=[f"write `{name} < {text} + 1`"] if index.op == "<=" else [],
        )  # fmt: skip
    value = expressions.evaluate(env, index.bound)
    known = known_size(value)
    if known is None:
        helps = ["the number of steps is built from literals, constants and the sizes in types"]
        if word == "scan":
            helps.append(f"for a number that is data: `loop ... for {name} < {text}`")
        raise env.error(
            "E0514", "the number of steps is not a size", index.bound.span,
            f"this is {value.type}", helps=helps,
        )  # fmt: skip
    return not_negative(env, index.bound, known, "the number of steps")


def truncation(env: Env, node: tree.Expr | None) -> Size | None:
    """The steps that `truncate` says. Raises E0514 for what is none."""
    if node is None:
        return None
    value = expressions.evaluate(env, node)
    known = known_size(value)
    text = "truncated gradients go back a number of steps that is known, and at least 1"
    if known is None or env.nonnegative(-known):
        raise env.error(
            "E0514", "this is no number of steps to go back", node.span, f"this is {value.type}",
            notes=[text], helps=["write `truncate 10`, or leave it out to go back to the start"],
        )  # fmt: skip
    size = sizes.size(env.facts.normal(known))
    env.require(poly(size) - 1, f"truncate {spelled(env, node)} is not positive", node.span)
    return size


# -- loops


@dataclass(frozen=True)
class Header:
    """
    How long a loop goes on.

    most    a number of steps that is not exceeded: of `max`, or of a `for` that is a size
    bound   of `for`, where it is data, or not known to be above `most`
    """

    most: Size | None
    bound: Tensor | Size | None
    condition: tree.Expr | None

    @property
    def known(self) -> Size | None:
        """The number of steps, when nothing else ends the loop."""
        return self.most if self.condition is None and self.bound is None else None


def header_of(env: Env, node: tree.Loop) -> Header:
    """What `for`, `while` and `max` say. Raises E0514."""
    count, data = None, None
    if node.index is not None:
        data = _data(env, node.index)
        count = steps(env, node.index, "loop") if data is None else None
    if node.index is None and node.condition is None and node.limit is None:
        head = node.span._replace(
            end_line=node.carries[-1].span.end_line, end_col=node.carries[-1].span.end_col
        )
        raise env.error(
            "E0514", "nothing ends this loop", head, "no `for`, no `while`, no `max`",
            helps=["write `for i < 10`, or `while` and a condition"],
        )  # fmt: skip
    limit = _limit(env, node.limit)
    if count is None or limit is None:
        return Header(limit if count is None else count, data, node.condition)
    if env.nonnegative(poly(limit) - count):
        return Header(count, None, node.condition)
    fewer = env.nonnegative(poly(count) - limit)
    return Header(limit, None if fewer else count, node.condition)


def _data(env: Env, index: tree.IndexVar) -> Tensor | None:
    """The bound of `for` as an i64 scalar, when it is data; None when it is a size."""
    assert index.bound is not None
    if index.op != "<":
        return None
    value = expressions.evaluate(env, index.bound)
    if not isinstance(value, Tensor) or value.rank or not value.dtype.is_integer:
        return None
    with env.at(index.bound.span) as b:
        return Tensor(b.cast(value.ssa, I64), value.origin, value.batch)


def _limit(env: Env, node: tree.Expr | None) -> Size | None:
    if node is None:
        return None
    value = expressions.evaluate(env, node)
    known = known_size(value)
    if known is None:
        raise env.error(
            "E0514", "the limit of a loop is not a size", node.span, f"this is {article(value)}",
            notes=["what a derivative of the loop keeps has a size that is known before"],
            helps=["`max` takes literals, constants and the sizes in types"],
        )  # fmt: skip
    return not_negative(env, node, known, "the limit of the loop")
