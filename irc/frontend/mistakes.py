"""
Syntax errors in words.

A failure of the parser knows the token that does not fit, the one before it, and, through
the tables, everything that would have fitted. The rules below turn that into a message; the
first that applies speaks. tests/messages/syntax shows each by an example.
"""

from __future__ import annotations

from collections.abc import Callable

from irc.diagnostics import Diagnostic, Label
from irc.frontend import slips
from irc.frontend.failure import Failure
from irc.frontend.lexer import BAD, END, NEWLINE, PAIRS, RESERVED, Token
from irc.frontend.tables import tables
from irc.frontend.wording import after, at, name_of, short, syntax

ITEM_WORDS = frozenset("import from const type export state def extern test".split())
STATEMENT_WORDS = frozenset("let update return assert print scan loop init next until".split())


def explain(failure: Failure) -> Diagnostic:
    accepted = acceptable(failure.states)
    for rule in _RULES:
        if diagnostic := rule(failure, accepted):
            return diagnostic
    return _general(failure, accepted)


def acceptable(states: list[int]) -> frozenset[str]:
    """The terminals that can follow: those that are shifted after some reductions."""
    table = tables()
    found = []
    for terminal in table.actions[states[-1]]:
        kept = len(states)  # states[:kept] + pushed is the stack
        pushed: list[int] = []
        while True:
            state = pushed[-1] if pushed else states[kept - 1]
            target = table.actions[state].get(terminal)
            if target is None:
                break
            if target >= 0:
                found.append(terminal)
                break
            rule = table.rules[~target]
            popped = min(rule.size, len(pushed))
            del pushed[len(pushed) - popped :]
            kept -= rule.size - popped
            state = pushed[-1] if pushed else states[kept - 1]
            pushed.append(table.gotos[state][rule.left])
    return frozenset(found)


# ---- rules, the particular before the general

_Rule = Callable[[Failure, frozenset[str]], Diagnostic | None]


def _bad_characters(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    token = failure.token
    if token.kind != BAD:
        return None
    text = token.text
    if text.startswith('"'):
        return _lexical(token, "this string is never closed", "strings end on the line they begin")
    if text.startswith("'"):
        inner = text.strip("'")
        return _lexical(token, "strings have double quotes", f'write `"{inner}"`')
    if text[0] in "0123456789.":
        return _bad_number(token)
    if text in ("&&", "&"):
        return _lexical(token, f"`{text}` is no operator", "write `and`")
    if text in ("||", "|"):
        return _lexical(token, f"`{text}` is no operator", "write `or`")
    if text == "!":
        return _lexical(token, "`!` is no operator", "write `not`")
    if text == "^":
        return _lexical(token, "`^` is no operator", "powers are written `x ** 2`")
    if text == "?":
        return _lexical(token, "`?` is no operator", "write `if c then a else b`")
    from unicodedata import name  # a table of a megabyte, for a rare message

    what = name(text[0], "character").lower()
    title = f"a {what} (U+{ord(text[0]):04X}) has no meaning here"
    return _lexical(token, title, "")


def _bad_number(token: Token) -> Diagnostic:
    text = token.text
    help_ = ""
    if text.startswith("."):
        help_ = f"write `0{text}`" if text[1:].isdigit() else ""
    elif text.endswith(".") and text[:-1].isdigit():
        help_ = f"write `{text}0`"
    elif text[:2].lower() in ("0x", "0b", "0o"):
        try:
            help_ = f"integers are decimal: write `{int(text[:40], 0)}`"
        except ValueError:
            help_ = "integers are decimal"
    else:
        digits = text.rstrip("fiu0123456789").rstrip("f") or text
        suffix = text.removeprefix(digits)
        dtypes = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64")
        for dtype in dtypes:
            if text.endswith(dtype) and text.removesuffix(dtype).isdigit():
                help_ = f"write `{dtype}({text.removesuffix(dtype)})`"
        if not help_ and suffix:
            help_ = "names begin with a letter; suffixes are f16, bf16, f32 and f64"
    return _lexical(token, f"`{short(text)}` is not a number", help_)


def _lexical(token: Token, title: str, help_: str) -> Diagnostic:
    label = Label(token.span, "", primary=True)
    return Diagnostic("E0103", title, (label,), helps=(help_,) if help_ else ())


def _mismatched(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`(a + b]`"""
    token, brackets = failure.token, failure.lexer.brackets
    if token.kind not in ("RPAR", "RSQB", "RBRACE"):
        return None
    if not brackets:
        label = Label(token.span, "closes nothing", primary=True)
        return Diagnostic("E0102", f"`{token.text}` was never opened", (label,))
    opened = brackets[-1]
    if PAIRS[token.text] == opened.text or token.text == _closer(opened):
        return None
    labels = (
        Label(token.span, f"expected `{_closer(opened)}`", primary=True),
        Label(opened.span, "opened here"),
    )
    return Diagnostic("E0102", f"`{opened.text}` is closed by `{token.text}`", labels)


def _never_closed(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """The file ends, or a statement or an item begins, inside a bracket."""
    token, before, brackets = failure.token, failure.before, failure.lexer.brackets
    if not brackets:
        return None
    opened = brackets[-1]
    words = ITEM_WORDS if opened.text == "{" else ITEM_WORDS | STATEMENT_WORDS
    if token.text in ("then", "else") and accepted & {"RPAR", "RSQB"}:
        pass
    elif token.kind != END:
        begins = [
            t for t in (token, before) if t and t.first and t.text in words and t.kind != "STRING"
        ]
        if not begins or begins[0].span.line <= opened.span.line:
            return None
        if opened.text == "{" and begins[0].span.col > 1:
            return None  # a function inside a function
        token = begins[0]
    place = f"{opened.span.line}:{opened.span.col}"
    labels = [Label(opened.span, "opened here", primary=True)]
    if token.kind == END:
        labels.append(Label(token.span, "the file ends here"))
    else:
        labels.append(Label(token.span, f"`{_closer(opened)}` expected before this"))
    return Diagnostic("E0102", f"`{opened.text}` opened at {place} is never closed", tuple(labels))


def _reserved(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    token = failure.token
    if token.kind != "NAME" or token.text not in RESERVED or "NAME" not in accepted:
        return None
    if "INT" in accepted:  # an expression is missing before this word
        return None
    help_ = f"another name, such as `{token.text}_`"
    return syntax(failure, f"`{token.text}` is a keyword and cannot be a name", help_, "")


def _item_inside(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """A declaration inside a block, or a statement outside."""
    token, before, brackets = failure.token, failure.before, failure.lexer.brackets
    in_block = bool(brackets) and brackets[-1].text == "{"
    if in_block and before and before.first and before.text in ITEM_WORDS and _is_name(token):
        title = f"`{before.text}` cannot stand inside a block"
        return at(before, title, "declarations stand outside of functions")
    if "CONST" in accepted and token.text in STATEMENT_WORDS | {"if"} and not brackets:
        what = "bind a constant with `const`" if token.text == "let" else "put it into a function"
        return syntax(failure, f"`{token.text}` cannot stand outside of a function", what, "")
    return None


FOREIGN_WORDS = {
    "elif": "write `else if`",
    "while": "write `loop v = start while condition { next v = ... }`",
    "for": "write `let y[i < n] = ...`, `[... for i < n]`, `scan` or `loop`",
    "lambda": "irc has no lambdas: a comprehension `[f(x[i]) for i]` maps",
    "class": "records of tensors are written `state name { field: type = value }`",
    "var": "bind a value with `let`",
    "fn": "functions are written `def f(x) = ...` or `def f(x) { ... }`",
    "func": "functions are written `def f(x) = ...` or `def f(x) { ... }`",
    "function": "functions are written `def f(x) = ...` or `def f(x) { ... }`",
}


def _foreign(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """Words of other languages."""
    for token in (failure.token, failure.before):
        if token and token.kind == "NAME" and token.text in FOREIGN_WORDS:
            if token.first or token.text in ("elif", "lambda"):
                return at(token, f"irc has no `{token.text}`", FOREIGN_WORDS[token.text])
    return None


def _comparison(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`if a = b then`"""
    if failure.token.kind != "EQUAL" or "CMP" not in accepted:
        return None
    return syntax(failure, "`=` is no comparison", "compare with `==`", "")


def _local_function(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`let f(x) = x + 1`"""
    if failure.token.kind != "LPAR" or not accepted >= {"EQUAL", "LSQB", "COLON", "COMMA"}:
        return None
    return syntax(failure, "`let` binds values", "functions are written `def f(x) = ...`", "")


def _unary_plus(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`+x`"""
    if failure.token.kind != "PLUS" or "MINUS" not in accepted or "INT" not in accepted:
        return None
    title = f"expected an expression{after(failure.before)}"
    return syntax(failure, title, "there is no unary `+`", "found `+`")


def _missing_body(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`def f(x):`, `if c:`; and a block where `=` or `{` is missing."""
    token = failure.token
    if "LBRACE" not in accepted:
        return None
    if token.kind == "COLON":
        return syntax(failure, "a block begins with `{`", "write `{` instead of `:`", "")
    if "THEN" in accepted:
        title = "expected `then` or `{` after the condition"
        return syntax(failure, title, "`if c then a else b` is a value, `if c { ... }` a statement")
    if "EQUAL" in accepted:
        return syntax(failure, f"expected `{{` or `=`{after(failure.before)}")
    if token.text == "until":
        help_ = (
            "in a scan `until c` stands in its block; a loop goes on `while` its condition holds"
        )
        return syntax(failure, f"expected a block{after(failure.before)}", help_)
    if failure.before and failure.before.text == "max" and token.kind == "INT":
        help_ = "the greatest number of steps follows without `and`: `while c max 100`"
        return syntax(failure, "`max` is no value here", help_)
    return syntax(failure, f"expected a block{after(failure.before)}", "blocks are `{ ... }`")


def _conditional(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`a if c else b`"""
    if failure.token.text != "if" or "PLUS" not in accepted:
        return None
    return syntax(failure, "`if` cannot follow a value", "write `if c then a else b`", "")


def _element_of(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`[x for x in y]`"""
    if failure.token.text != "in" or not failure.before or not accepted >= {"CMP", "RSQB"}:
        return None
    title = "a comprehension counts with an index, it has no `in`"
    return syntax(failure, title, "write `[x[i] for i]`, or with a range `for i < n`", "")


def _several_values(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`def f(x) = x, x`"""
    if failure.token.kind != "COMMA" or not accepted >= {"PLUS", NEWLINE}:
        return None
    return syntax(failure, "one value is expected here", "write several as `(a, b)`")


def _missing_else(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    if "ELSE" not in accepted or failure.token.kind not in (NEWLINE, END, "RPAR", "RSQB", "COMMA"):
        return None
    help_ = "a value is needed in both cases: `if c then a else b`"
    return syntax(failure, "this `if` has no `else`", help_)


def _state_without_type(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`state W = zeros()`"""
    if failure.token.kind == "EQUAL" and accepted >= {"COLON", "LBRACE"}:
        help_ = "write the type: `state W: f32[784, 10] = zeros()`"
        return syntax(failure, "state needs a type", help_, "")
    return None


def _missing_value(failure: Failure, accepted: frozenset[str]) -> Diagnostic | None:
    """`let x`, `state W: f32`, `const D`"""
    if accepted and accepted <= {"EQUAL", "COLON", "COMMA", "LSQB", "AUGMENTED", "DOT"}:
        if "EQUAL" in accepted and failure.token.kind in (NEWLINE, END, "RBRACE"):
            return syntax(failure, "a value is missing", "write ` = ` and the value")
    return None


_RULES: tuple[_Rule, ...] = (
    _bad_characters,
    _conditional,
    _mismatched,
    _never_closed,
    _reserved,
    _item_inside,
    _foreign,
    _state_without_type,
    _comparison,
    _local_function,
    _unary_plus,
    _missing_body,
    _missing_else,
    _element_of,
    *slips.RULES,
    _several_values,
    _missing_value,
)


def _general(failure: Failure, accepted: frozenset[str]) -> Diagnostic:
    wanted = _wanted(accepted, failure)
    if wanted:
        return syntax(failure, f"expected {wanted}{after(failure.before)}")
    return syntax(failure, f"unexpected {name_of(failure.token)}{after(failure.before)}")


def _wanted(accepted: frozenset[str], failure: Failure) -> str:
    """The kind of thing that is missing."""
    if "CONST" in accepted:
        return "a declaration such as `def`, `state`, `const` or `import`"
    if "LET" in accepted:
        return "a statement"
    if "INT" in accepted:
        return "an index" if "DOTS" in accepted else "an expression"
    if "LIKE" in accepted:
        return "a type"
    if "NAME" in accepted:
        return "a name or a string" if "STRING" in accepted else "a name"
    if accepted == {"STRING"}:
        return "a string in double quotes"
    marks = {name: text for text, name in tables().marks.items()}
    marks |= {name: text for text, name in tables().keywords.items()}
    marks |= {"CMP": "<", "AUGMENTED": "+="}
    if "PLUS" in accepted:  # behind an expression, where every operator fits
        ends = [k for k in ("COMMA", "RPAR", "RSQB", "RBRACE", "COLON", "THEN") if k in accepted]
        if NEWLINE in accepted:
            return "an operator or the end of the line" if not ends else ""
        accepted = frozenset(ends)
    elif "AUGMENTED" in accepted:
        return "`=` or `+=`"
    texts = [f"`{marks[k]}`" for k in sorted(accepted, key=_order) if k in marks]
    if NEWLINE in accepted:
        texts.append("the end of the line")
    if not 1 <= len(texts) <= 4:
        return ""
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _order(kind: str) -> tuple[bool, str]:
    """Closing brackets last."""
    return kind in ("RPAR", "RSQB", "RBRACE"), kind


# ---- tokens


def _closer(opened: Token) -> str:
    return {"(": ")", "[": "]", "{": "}"}[opened.text]


def _is_name(token: Token) -> bool:
    return token.kind in ("NAME", "STRING")
