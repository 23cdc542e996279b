"""Syntax errors of recurrences in words: rules as those in mistakes.py, which asks them."""

from __future__ import annotations

from collections.abc import Callable

from irc.diagnostics import Diagnostic
from irc.frontend.failure import Failure
from irc.frontend.wording import syntax


def _steps(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`scan t in range(n)`, `loop s = 0 for k in range(n)`"""
    if failure.token.text != "in" or not failure.before or accepted != {"CMP"}:
        return None
    return syntax(failure, "steps are counted up to a bound", f"write `{failure.before.text} < n`")


def _loop_without_value(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`loop k < n { ... }`, `loop for k < n { ... }`"""
    before = failure.before
    if not before or not failure.lexer.brackets or accepted != {"EQUAL"}:
        return None
    if before.text in ("for", "while") and failure.token.kind == "NAME":
        title, words = "a loop begins with the values that it replaces", f"{before.text} ..."
        return syntax(failure, title, f"write `loop v = start {words} {{ next v = ... }}`")
    if failure.token.kind != "CMP":
        return None
    help_ = f"write `loop v = start for {before.text} < n {{ next v = ... }}`"
    return syntax(failure, "a loop begins with the values that it replaces", help_)


def _init_without_time(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`init x = 0`"""
    if failure.token.kind != "EQUAL" or not failure.before or accepted != {"LSQB"}:
        return None
    name = failure.before.text
    help_ = f"the value before the first step is `init {name}[-1] = ...`"
    return syntax(failure, f"`{name}` at which time?", help_)


def _typed_carry(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`loop y: f64 = 1 { ... }`"""
    if failure.token.kind != "COLON" or not failure.lexer.brackets or accepted != {"EQUAL"}:
        return None
    title = "what a loop replaces has the type that it begins with"
    return syntax(failure, title, "begin with a value of a dtype: `v = f64(0)`")


def _next_part(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`next y[i] = v`"""
    before = failure.before
    if failure.token.kind != "LSQB" or not before or accepted != {"EQUAL", "AUGMENTED"}:
        return None
    name = before.text
    help_ = f"write `next {name} = {name} with [i] = v`"
    return syntax(failure, "`next` gives a whole value, not a part", help_)


def _print_call(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`print(x)`"""
    if failure.token.kind != "LPAR" or not failure.before or failure.before.text != "print":
        return None
    return syntax(failure, "`print` is followed by a string", 'write `print "x {x}"`')


def _recurrence_as_value(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`let y = scan t < T { ... }`"""
    before = failure.before
    if failure.token.kind != "NAME" or not before or before.text not in ("scan", "loop"):
        return None
    if "PLUS" not in accepted:
        return None
    help_ = "begin the statement with it; the names of its block are tensors behind it"
    if before.text == "loop":
        help_ = "begin the statement with it; behind it its names have their last values"
    return syntax(failure, f"a `{before.text}` is a statement and has no value", help_)


def _let_at_time(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`let x[-1] = 0`, `let x[0] = 0`"""
    before = failure.before
    if failure.token.kind not in ("MINUS", "INT") or not before or before.text != "[":
        return None
    if accepted != {"NAME"}:
        return None
    help_ = (
        "`let x[i] = ...` gives all elements; values before time 0 stand in a scan as "
        "`init x[-1] = ...`, and `x with [0] = v` replaces one"
    )
    return syntax(failure, "`let` needs index variables here, not a position", help_)


RULES: tuple[Callable[[Failure, frozenset[str]], Diagnostic | None], ...] = (
    _steps,
    _loop_without_value,
    _init_without_time,
    _typed_carry,
    _next_part,
    _print_call,
    _recurrence_as_value,
    _let_at_time,
)
