"""The tensors in a value: itself, or the parts of a tuple or record, however deep."""

from __future__ import annotations

from collections.abc import Iterator

from irc.diagnostics import Span
from irc.frontend.analysis.describe import article
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import NUMERIC, Numeric, Origin, Record, TupleOf, Value


def leaves(env: Env, value: Value, span: Span, what: str) -> list[Numeric]:
    """
    The parts of a value, in order.

    Raises E0302 for what is no number, tensor, tuple or record; `what` is what it should be.
    """
    match value:
        case TupleOf(items=items):
            return [leaf for item in items for leaf in leaves(env, item, span, what)]
        case Record(fields=fields):
            return [leaf for item in fields.values() for leaf in leaves(env, item, span, what)]
    if isinstance(value, NUMERIC):
        return [value]
    raise env.error("E0302", f"{article(value)} cannot be {what}", span, "a number is needed")


def same_parts(model: Value, value: Value) -> bool:
    """Whether two values are tuples and records of the same form."""
    match model, value:
        case TupleOf(items=a), TupleOf(items=b):
            return len(a) == len(b) and all(map(same_parts, a, b))
        case Record(fields=f), Record(fields=g):
            return list(f) == list(g) and all(same_parts(f[k], g[k]) for k in f)
    return isinstance(model, NUMERIC) and isinstance(value, NUMERIC)


def rebuilt(model: Value, parts: Iterator[Numeric], origin: Origin) -> Value:
    """A value of the form of `model`, made of other parts."""
    match model:
        case TupleOf(items=items, names=names):
            return TupleOf(tuple(rebuilt(i, parts, origin) for i in items), names, origin)
        case Record(name=name, fields=fields):
            made = {f: rebuilt(v, parts, origin) for f, v in fields.items()}
            return Record(name, made, origin)
    return next(parts)
