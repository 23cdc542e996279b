"""The texts of `assert` and `print` with what they show."""

from __future__ import annotations

from dataclasses import dataclass

from irc.frontend import tree
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    ShapeOf,
    SizeOf,
    Tensor,
    Text,
    TupleOf,
    Value,
)
from irc.sizes import poly


@dataclass(frozen=True)
class Message:
    """A text in which `{i}` stands for value i of `shown`; braces themselves are doubled."""

    text: str
    shown: list[Tensor]


def filled(env: Env, template: tree.Template, scalars: bool) -> Message:
    """The message with its interpolations evaluated. With `scalars`, tensors are mistakes."""
    from irc.frontend.analysis.expressions import evaluate

    text: list[str] = []
    shown: list[Tensor] = []
    for part in template.parts:
        if isinstance(part, str):
            text.append(_literal(part))
            continue
        value = evaluate(env, part.value)
        if scalars and isinstance(value, NUMERIC) and value.dims:
            raise env.error(
                "E0213",
                "a message of `assert` shows single numbers",
                part.value.span,
                f"this is {value.type}",
                helps=[f"write `{{mean({env.frame.module.text_of(part.value.span)})}}`"],
            )
        with env.at(part.span):
            text.append(_show(env, value, part, shown))
    return Message("".join(text), shown)


def _show(env: Env, value: Value, part: tree.Interpolation, shown: list[Tensor]) -> str:
    match value:
        case Text(value=string):
            return _literal(string)
        case Number(value=bool()) if part.format is None:
            return str(value.value).lower()
        case SizeOf(poly=known) if part.format is None and known.constant is not None:
            return str(known.constant)
        case ShapeOf(dims=dims):
            items = [_show(env, SizeOf(poly(d)), part, shown) for d in dims]
            return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
        case TupleOf(items=items):
            return "(" + ", ".join(_show(env, v, part, shown) for v in items) + ")"
        case Tensor() | Number() | SizeOf():
            pass
        case _ if not isinstance(value, NUMERIC):
            raise env.error(
                "E0302",
                f"a {value.type} cannot be shown",
                part.value.span,
                "messages show numbers, tensors and shapes",
            )
    shown.append(env.tensor(value))
    return f"{{{len(shown) - 1}:{part.format}}}" if part.format else f"{{{len(shown) - 1}}}"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
