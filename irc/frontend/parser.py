"""
The LALR parser: a loop over the tables, with explicit stacks, so that no depth of nesting
in a program is a depth of recursion here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from irc.diagnostics import Diagnostic, Label, Span
from irc.frontend.actions import Actions
from irc.frontend.failure import Failure, SyntaxMistake
from irc.frontend.lexer import END, LIMIT, MAX_TOKENS, NEWLINE, RESERVED, Lexer, Token
from irc.frontend.tables import tables
from irc.frontend.tree import Binary, Node

MAX_NESTING = 200  # levels of the tree, where a chain of operators counts as one
MAX_STACK = 20 * MAX_NESTING  # no rule has that many symbols: the tree would be too deep


class _Entry(NamedTuple):
    """One symbol on the stack; `height` is that of its tree."""

    value: Any
    span: Span
    height: int


def parse_tokens(lexer: Lexer, start: str, actions: Actions) -> Any:
    """
    The value of the start symbol. Raises SyntaxMistake with the first mistake.

    Adds `##` lines that document nothing to the comments of the lexer.
    """
    table = tables()
    shifts, keywords, rules, gotos = table.actions, table.keywords, table.rules, table.gotos
    build = actions.by_name
    states = [table.starts[start]]
    stack: list[_Entry] = []
    previous: Token | None = None
    undocumented = False

    for token in lexer:
        kind = token.kind
        row = shifts[states[-1]]
        if kind == "NAME" and token.text in keywords:
            keyword = keywords[token.text]
            if keyword in row or token.text in RESERVED:
                kind = keyword
        elif kind == LIMIT:
            raise _too_long(token.span)
        elif kind == "DOC" and "DOC" not in row:
            lexer.comments.append(token)
            undocumented = True
            continue
        elif kind == NEWLINE and undocumented:  # the one behind that line
            undocumented = False
            continue

        before = states.copy()
        while (target := shifts[states[-1]].get(kind)) is not None and target < 0:
            rule = rules[~target]
            if rule.action is None and rule.size == 1:
                states[-1] = gotos[states[-2]][rule.left]
                continue
            size = rule.size
            parts = stack[len(stack) - size :]
            del stack[len(stack) - size :], states[len(states) - size :]
            span = parts[0].span.to(parts[-1].span) if parts else token.span
            stack.append(_reduce(parts, rule.action, rule.plan, span, build))
            states.append(gotos[states[-1]][rule.left])
        if target is None:
            if kind == END and states[-1] == table.ends[start]:
                break
            raise _mistake(Failure(token, previous, before, lexer))
        if len(stack) > MAX_STACK:
            raise _too_deep(token.span)
        states.append(target)
        stack.append(_Entry(token, token.span, 0))
        previous = token
    return stack[-1].value


def _reduce(
    parts: list[_Entry],
    action: str | None,
    plan: tuple[int | None, ...],
    span: Span,
    build: Mapping[str, Any],
) -> _Entry:
    height = max((part.height for part in parts), default=0)
    if action == "_list":
        if plan[0] is not None and plan[0] < 0:
            values = parts[0].value
            values += [parts[i].value for i in plan[1:] if i is not None]
        else:
            values = [parts[i].value for i in plan if i is not None]
        return _Entry(values, span, height)

    arguments: list[Any] = []
    for i in plan:
        if i is None:
            arguments.append(None)
        elif i >= 0:
            arguments.append(parts[i].value)
        else:
            arguments += parts[~i].value
    if action is None:
        return _Entry(arguments[0], span, height)
    value = build[action](span, *arguments)
    if isinstance(value, Binary) and isinstance(value.left, Binary):
        height = max(parts[0].height, parts[-1].height + 1)
    elif isinstance(value, Node):
        height += 1
    if height > MAX_NESTING:
        raise _too_deep(span)
    return _Entry(value, span, height)


def _mistake(failure: Failure) -> SyntaxMistake:
    from irc.frontend.mistakes import explain

    return SyntaxMistake(explain(failure))


def _too_deep(span: Span) -> SyntaxMistake:
    span = span._replace(end_line=span.line, end_col=span.col + 1)
    return SyntaxMistake(
        Diagnostic(
            "E0104",
            f"this is nested more than {MAX_NESTING} levels deep",
            (Label(span, "this part", primary=True),),
            helps=("give parts of it a name with `let`",),
        )
    )


def _too_long(span: Span) -> SyntaxMistake:
    return SyntaxMistake(
        Diagnostic(
            "E0104",
            f"the file has more than {MAX_TOKENS:,} tokens",
            (Label(span, "these are in this line", primary=True),),
            helps=("put parts of it into files of their own and `import` them",),
        )
    )
