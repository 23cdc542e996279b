"""Statements of scans and loops where they mean nothing: outside, or in a block inside."""

from __future__ import annotations

from irc.frontend import tree, walk
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Value

CARRIED = "carried by a loop"  # how the value of a name in a loop came to be

_HOME = {
    tree.Init: ("init", "scan", "scan t < T", "init x[-1] = x0"),
    tree.Until: ("until", "scan", "scan t < T", "until condition"),
    tree.Next: ("next", "loop", "loop v = start for i < n", "next v = ..."),
}


def misplaced(env: Env, node: tree.Stmt) -> None:
    """E0513 for `init`, `until` and `next`."""
    word, home, head, example = _HOME[type(node)]
    if env.recurrences and env.recurrences[-1].word == home:
        raise env.error(
            "E0513", f"`{word}` stands directly in its {home}, not in a block of it", node.span,
            "inside of another block", helps=[_unconditional(env, node)],
        )  # fmt: skip
    raise env.error(
        "E0513", f"`{word}` outside of a {home}", node.span, "not expected here",
        helps=[f"it belongs between the braces of `{head} {{ {example} }}`"],
    )  # fmt: skip


def _unconditional(env: Env, node: tree.Stmt) -> str:
    text_of = env.frame.module.text_of
    match node:
        case tree.Next(name=name, value=value):
            return f"write `next {name.name} = if ... then {text_of(value.span)} else {name.name}`"
        case tree.Until(condition=condition):
            return f"write `until ... and {text_of(condition.span)}`"
    return "initial values are the same whatever happens in a step"


def equation(env: Env, node: tree.Assign) -> Problem | None:
    """The message about `x[t] = e` where it is no equation; None for what does not look so."""
    found = walk.equation(node)
    if found is None or not env.recurrences:
        return None
    (name, index, value), around = found, env.recurrences[-1]
    text = env.frame.module.text_of
    if around.word == "loop" and env.local(name.name) is not None:
        return env.error(
            "E0511", "a loop has no equations", node.span, "values of a loop have a `next`",
            helps=[
                f"write `next {name.name} = {name.name} with [{index.name}] = {text(value.span)}`"
            ],
        )  # fmt: skip
    if around.word == "scan" and index.name == around.binder.name:
        return env.error(
            "E0511", "an equation stands directly in its scan, not in a block of it", node.span,
            "inside of another block",
            helps=[f"write `{text(node.target.span)} = if ... then {text(value.span)} else ...`"],
        )  # fmt: skip
    return None


# Words with which other languages leave a step.
JUMPS = ("break", "continue", "pass")


def jump(env: Env, node: tree.Name) -> Problem:
    """E0107 for `break` and `continue`."""
    word = env.recurrences[-1].word if env.recurrences else ""
    ends = {"loop": "end it with the condition of its `while`", "scan": "write `until condition`"}
    helps = {
        "break": [ends.get(word, "a loop ends with the condition of its `while`")],
        "continue": ["choose between two values: `next v = if ... then v else ...`"],
        "pass": ["a block may be empty: `{ }`"],
    }
    if word == "scan":
        helps["continue"] = ["choose between two values: `x[t] = if ... then x[t-1] else ...`"]
    return env.error(
        "E0107", f"irc has no `{node.name}`", node.span, "not a statement", helps=helps[node.name]
    )


def replaced(env: Env, name: str, known: Value | None, new: str, value: str) -> str | None:
    """How `x = ...` is said where a recurrence gives `x` its next value; None elsewhere."""
    if not env.recurrences:
        return None
    around = env.recurrences[-1]
    if around.word == "loop" and known is not None and known.origin.how == CARRIED:
        return f"write `next {name} = {new}`"
    if around.word == "scan" and known is None:
        time = around.binder.name
        each = f"`{name}[{time}] = {value}`"
        return f"its value at each step is {each}, one of this step `let {name} = {value}`"
    return None


def assigned(node: tree.Stmt) -> str | None:
    """The name that an assignment is about: `x` of `x[t] = e`, also where it is malformed."""
    target = node.target if isinstance(node, tree.Assign) else None
    while isinstance(target, tree.Index | tree.Attr | tree.Paren):
        target = target.value if isinstance(target, tree.Paren) else target.base
    return target.name if isinstance(target, tree.Name) else None
