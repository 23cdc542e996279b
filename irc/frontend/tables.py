"""The parse tables of grammar.json, as the lexer and the parser use them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLES = Path(__file__).with_name("grammar.json")


class Rule(NamedTuple):
    """
    left     the nonterminal that this rule makes
    size     number of symbols on its right side
    action   name of what builds the value; None passes the only one on
    plan     what the action gets: symbol i, ~i to splice in a list, None for a missing option
    """

    left: str
    size: int
    action: str | None
    plan: tuple[int | None, ...]


class Tables(NamedTuple):
    """
    actions    state -> terminal -> state to shift to (>= 0) or ~rule to reduce by
    gotos      state -> nonterminal -> state
    starts     start symbol -> its first state
    ends       start symbol -> the state in which it is complete
    keywords   word -> terminal
    marks      operator or bracket -> terminal
    patterns   terminal -> regular expression
    """

    actions: Sequence[Mapping[str, int]]
    gotos: Sequence[Mapping[str, int]]
    rules: Sequence[Rule]
    starts: Mapping[str, int]
    ends: Mapping[str, int]
    keywords: Mapping[str, str]
    marks: Mapping[str, str]
    patterns: Mapping[str, str]


@cache
def tables() -> Tables:
    data = json.loads(TABLES.read_text(encoding="utf-8"))
    literals: dict[str, str] = data["literals"]
    return Tables(
        actions=data["actions"],
        gotos=data["gotos"],
        rules=[Rule(left, size, action, tuple(plan)) for left, size, action, plan in data["rules"]],
        starts=data["starts"],
        ends=data["ends"],
        keywords={text: name for text, name in literals.items() if text.isalpha()},
        marks={text: name for text, name in literals.items() if not text.isalpha()},
        patterns=data["patterns"],
    )
