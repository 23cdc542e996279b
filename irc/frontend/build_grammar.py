"""
Turns grammar.lark into the tables of grammar.json. Run it after each change of the grammar:

    python -m irc.frontend.build_grammar

Building takes Lark a third of a second, reading the tables a millisecond; so Lark is needed
here and in tests only. The tables are plain data: no code, and no pickle.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

GRAMMAR = Path(__file__).with_name("grammar.lark")
TABLES = Path(__file__).with_name("grammar.json")
STARTS = ["start", "expression"]


def build(text: str) -> dict[str, Any]:
    """
    The tables of a grammar. Raises a GrammarError of Lark on any conflict.

    digest     SHA-256 of the grammar, to notice stale tables
    literals   text of a keyword or mark -> terminal
    patterns   terminal -> regular expression
    rules      [left side, number of symbols, action, plan]; the plan lists what the action
               gets: the i-th symbol, ~i to splice it in, null for an option that is left out
    actions    state -> terminal -> shift to a state >= 0, or ~rule to reduce
    gotos      state -> nonterminal -> state
    starts     start symbol -> its first state
    ends       start symbol -> the state in which it is complete
    """
    from lark import Lark
    from lark.common import ParserConf
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    lark = Lark(text, parser="lalr", start=STARTS, maybe_placeholders=True)
    # Built again for the strict check alone: Lark resolves shift/reduce conflicts silently.
    analysis = LALR_Analyzer(ParserConf(lark.rules, {}, STARTS), strict=True)
    analysis.compute_lalr()
    table = analysis.parse_table

    # Lark numbers rules and states by the order of its sets; here equal input gives equal text.
    rules = sorted(lark.rules, key=lambda r: (r.origin.name, [s.name for s in r.expansion]))
    rule_number = {rule: i for i, rule in enumerate(rules)}
    number: dict[Any, int] = {}
    order = [table.start_states[start] for start in STARTS]
    for state in order:
        if state in number:
            continue
        number[state] = len(number)
        row = table.states[state]
        order += [row[name][1] for name in sorted(row) if row[name][0] is Shift]

    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in number:
        entries = sorted(table.states[state].items())
        terminals = {k: v for k, v in entries if k.isupper() or k == "$END"}
        actions.append(
            {
                name: number[target] if kind is Shift else ~rule_number[target]
                for name, (kind, target) in terminals.items()
            }
        )
        gotos.append({name: number[t] for name, (_, t) in entries if name not in terminals})
    return {
        "digest": digest(text),
        "literals": {
            t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)
        },
        "patterns": {
            t.name: t.pattern.value for t in lark.terminals if not isinstance(t.pattern, PatternStr)
        },
        "starts": {start: number[table.start_states[start]] for start in STARTS},
        "ends": {start: number[table.end_states[start]] for start in STARTS},
        "rules": [_rule(rule) for rule in rules],
        "actions": actions,
        "gotos": gotos,
    }


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def dumps(tables: dict[str, Any]) -> str:
    """JSON with one rule or state in a line, so that a change can be read."""
    parts = []
    for key, value in sorted(tables.items()):
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            parts.append(f'"{key}": [\n{rows}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, sort_keys=True)}')
    return "{" + ",\n".join(parts) + "}\n"


def _rule(rule: Any) -> list[Any]:
    options = rule.options
    empty = options.empty_indices or [False] * len(rule.expansion)
    plan: list[int | None] = []
    symbols = iter(enumerate(rule.expansion))
    for absent in empty:
        if absent:
            plan.append(None)
            continue
        i, symbol = next(symbols)
        if symbol.is_term and symbol.filter_out and not options.keep_all_tokens:
            continue
        plan.append(~i if not symbol.is_term and symbol.name.startswith("_") else i)
    action = rule.alias or rule.origin.name
    if action.startswith("_"):
        action = "_list"
    elif options.expand1 and not rule.alias and len(plan) == 1:
        action = None
    return [rule.origin.name, len(rule.expansion), action, plan]


def main() -> None:
    text = GRAMMAR.read_text(encoding="utf-8")
    TABLES.write_text(dumps(build(text)), encoding="utf-8")


if __name__ == "__main__":
    main()
