"""Large, deep, damaged and hostile text: a tree or a message, linear work, never a traceback."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from work import LINEAR, calls, growth

from irc.errors import UserError
from irc.frontend import tree
from irc.frontend.build_grammar import GRAMMAR, TABLES, build, dumps
from irc.frontend.format import format_module
from irc.frontend.lexer import Lexer
from irc.frontend.parser import MAX_NESTING
from irc.frontend.syntax import MAX_BYTES, parse, read_source, tokens
from irc.frontend.walk import dump, same, walk

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.irc"))


def codes(text: str) -> list[str]:
    """Codes of the messages; empty when the text is a program."""
    try:
        parse(text, "t.irc")
    except UserError as error:
        assert str(error)
        assert all(d.span is not None for d in error.diagnostics)
        return [d.code for d in error.diagnostics]
    return []


# ---- the tables


def test_the_parse_tables_are_those_of_the_grammar() -> None:
    made = dumps(build(GRAMMAR.read_text(encoding="utf-8")))
    message = "stale: run python -m irc.frontend.build_grammar"
    assert made == TABLES.read_text(encoding="utf-8"), message


def test_lark_itself_accepts_the_examples() -> None:
    from lark import Lark

    class Filter:
        """Tokens as lexer.py makes them, with the kinds that Lark's parser is ready for."""

        always_accept = ("_NL", "RBRACE")

        def process(self, stream):  # type: ignore[no-untyped-def]
            stack, previous = [], None
            for token in stream:
                inside = bool(stack) and stack[-1] != "{"
                if token.type == "_NL":
                    if inside or previous is None or previous.type == "_NL":
                        continue
                    if previous.value == "{" or previous.value in (",", "=", "+", "->", "else"):
                        continue
                elif token.type != "STRING" and token.value in ("(", "[", "{"):
                    stack.append(token.value)
                elif token.type != "STRING" and token.value in (")", "]", "}"):
                    stack.pop()
                    if token.value == "}" and previous.type != "_NL" and previous.value != "{":
                        yield token.new_borrow_pos("_NL", "\n", token)
                yield token
                previous = token
            if previous.type != "_NL":
                yield previous.new_borrow_pos("_NL", "\n", previous)

    lark = Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        start=["start", "expression"],
        maybe_placeholders=True,
        postlex=Filter(),  # type: ignore[arg-type]
    )
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        items = [c for c in lark.parse(text, start="start").children]
        assert len(items) == len(parse(text, path.name).items)


def test_parsing_needs_no_lark() -> None:
    code = (
        "import sys; from irc.frontend.syntax import parse; parse('const x = 1', 'f');"
        "print(sorted({'lark', 'numpy', 'xdsl', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---- size and depth

DEEP = {
    "parentheses": ("(", "a", ")"),
    "brackets": ("[", "a", "]"),
    "calls": ("f(", "a", ")"),
    "minuses": ("-", "a", ""),
    "negations": ("not ", "a", ""),
    "conditionals": ("if a then b else ", "a", ""),
    "conditions": ("if ", "a", " then b else c"),
    "powers": ("a ** ", "a", ""),
    "attributes": ("", "a", ".T"),
    "indices": ("", "a", "[0]"),
    "curried calls": ("", "a", "(0)"),
    "withs": ("", "a", " with [0] = 1"),
    "interpolation": ("(", "a", ")"),
}


@pytest.mark.parametrize("name", DEEP)
def test_a_thousand_levels_are_refused_and_a_hundred_are_not(name: str) -> None:
    left, middle, right = DEEP[name]
    before, after = (
        ('def f() {\nprint "{', '}"\n}') if name == "interpolation" else ("const x = ", "")
    )
    assert codes(before + left * 1000 + middle + right * 1000 + after) == ["E0104"]
    assert codes(before + left * 100_000 + middle + right * 100_000 + after) == ["E0104"]
    levels = 60 if name in ("calls", "curried calls") else 100
    text = before + left * levels + middle + right * levels + after
    module = parse(text, "t.irc")
    assert same(module, parse(format_module(module), "t.irc"))
    assert len(dump(module).split("\n")) > levels


@pytest.mark.parametrize("head", ["if a {", "scan t < n {", "loop v = a {"])
def test_blocks_nest_as_deep(head: str) -> None:
    assert codes("def f() {" + f"\n{head}" * 1000 + "}" * 1001) == ["E0104"]
    module = parse("def f() {" + f"\n{head}" * 80 + "}" * 81, "t.irc")
    assert same(module, parse(format_module(module), "t.irc"))
    assert MAX_NESTING >= 2 * 80


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "@", "and", "or", "< b and a <"])
def test_a_chain_of_ten_thousand_operators_is_one_level(op: str) -> None:
    module = parse("def f(a) = " + f" {op} ".join(["a"] * 10_000), "t.irc")
    assert sum(isinstance(n, tree.Name) for n in walk(module)) >= 10_000
    formatted = format_module(module)
    assert max(map(len, formatted.split("\n"))) <= 100
    assert same(module, parse(formatted, "t.irc"))


def test_ten_thousand_lines() -> None:
    text = EXAMPLES[1].read_text(encoding="utf-8")
    large = text * 270
    assert large.count("\n") > 10_000
    assert len(parse(large, "t.irc").items) == 270 * 12
    assert growth(lambda n: partial(parse, text * n, "t.irc"), 5) < LINEAR


def test_wide_lists() -> None:
    names = ", ".join(f"x{i}" for i in range(20_000))
    (function,) = parse(f"def f({names}) {{\n return {names}\n}}", "t.irc").items
    assert isinstance(function, tree.Function) and len(function.params) == 20_000


@pytest.mark.parametrize(
    "unit", ["(", "[", "{", ")", '"', '"\n', "\\", "#", "##\n", "\n", " ", ";", "\0", "a", "1", "@",
             "a.", "-", "if ", "def f() {\n", "a = ", "let ", "{\"{", "1." , "'"],
)  # fmt: skip
def test_much_of_one_thing(unit: str) -> None:
    codes(unit * (200_000 // len(unit)))
    some, more = (calls(partial(codes, unit * n)) for n in (2_000, 8_000))
    assert more < 5 * some


@pytest.mark.long
@pytest.mark.parametrize("unit", ["a + ", ";", "\n", "def f() = 1\n", "##\n", "# a\n"])
def test_the_largest_file_gets_a_message(unit: str) -> None:
    assert codes(unit * (MAX_BYTES // len(unit)))[0] in ("E0101", "E0104")


def test_numbers_of_a_million_digits() -> None:
    assert codes(f"const x = {'9' * 1_000_000}") == ["E0103"]
    assert codes(f"const x = {'0' * 1_000_000}1") == []
    assert codes(f"const x = 0.{'9' * 100_000}") == []
    assert codes("const x = 18446744073709551615") == []
    assert codes("const x = 18446744073709551616") == ["E0103"]
    assert codes("const x = 1_000_ + 1__0.5_0e1") == []


# ---- strange text


def test_line_ends_and_byte_order_marks_change_nothing() -> None:
    text = EXAMPLES[2].read_text(encoding="utf-8")
    module = parse(text, "t.irc")
    for variant in (
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        "\ufeff" + text,
        text.rstrip("\n"),
    ):
        other = parse(variant, "t.irc")
        assert (
            same(module, other, ignore=()) if variant != text.rstrip("\n") else same(module, other)
        )


def test_names_may_have_any_letters() -> None:
    (const,) = parse("const λ_1 = η + 数", "t.irc").items
    assert isinstance(const, tree.Const) and const.name.name == "λ_1"
    assert [n.span.col for n in walk(const) if isinstance(n, tree.Name)] == [13, 17]


def test_the_empty_file() -> None:
    for text in ("", "\n", "# only this", "  \n\t\n", "## only this\n", ";;"):
        assert parse(text, "t.irc").items == ()


def test_at_most_three_messages_one_for_an_item() -> None:
    bad = "def f() {\n let = 3\n let = 4\n}\n"
    assert codes(bad) == ["E0101"]
    assert codes(bad * 2 + "const x = 1\n") == ["E0101"] * 2
    assert codes(bad * 9) == ["E0101"] * 3


def test_tokens_are_printed_with_their_place() -> None:
    lines = [str(token) for token in tokens("let\n  x", "t.irc")]
    assert lines == [
        "1:1     NAME let",
        "1:4     _NL",
        "2:3     NAME x",
        "2:4     _NL",
        "2:4     $END",
    ]


def test_tokens_of_a_program() -> None:
    kinds = [(t.kind, t.text) for t in tokens("let x = a\n  + 1.5\n# c\nb", "t.irc")]
    assert kinds == [
        *[("NAME", "let"), ("NAME", "x"), ("EQUAL", "="), ("NAME", "a"), ("PLUS", "+")],
        *[("FLOAT", "1.5"), ("_NL", ""), ("NAME", "b"), ("_NL", ""), ("$END", "")],
    ]


WORDS = (
    "( ) [ ] { } , ; : . ... -> = += == < + - * ** / // % @ \n \n\n a x W f32 1 2.5 1e9 . .5 "
    "let update return assert print scan loop init next until if then else and or not with def "
    "export state const type import from as extern test where for while max truncate like true "
    '"s" "a{x}" "{" " # ## ## \0 λ \t'
).split(" ")


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS), max_size=60), st.integers(0, 3))
def test_any_sequence_of_words_is_a_program_or_a_mistake(words: list[str], seed: int) -> None:
    text = " ".join(words)
    codes(text)
    codes("def f(x) {\n" + text + "\n}")
    assert [t.kind for t in Lexer(text, "t")][-1] == "$END"


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_program_is_a_program_or_a_mistake(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(EXAMPLES)).read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 8))
    inserted = data.draw(st.sampled_from([*WORDS, ""]))
    codes(text[:at] + inserted + text[at + removed :])


def test_random_bytes() -> None:
    rng = random.Random(1)
    for _ in range(200):
        codes(rng.randbytes(60).decode("latin-1"))


# ---- files


def unreadable(path: object) -> str:
    with pytest.raises(UserError) as caught:
        read_source(path)  # type: ignore[arg-type]
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0104"
    return diagnostic.title


def test_what_is_no_source(tmp_path: Path) -> None:
    missing = tmp_path / "missing.irc"
    assert unreadable(missing) == f"cannot read `{missing}`: No such file or directory"
    assert unreadable(tmp_path) == f"`{tmp_path}` is not a regular file"
    assert unreadable("a\0b") == "cannot read `a\0b`: not a file name"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert unreadable(pipe) == f"`{pipe}` is not a regular file"
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert unreadable(large) == f"`{large}` is larger than 16 MiB"
    binary = tmp_path / "binary"
    binary.write_bytes(b"const\n\xff")
    assert unreadable(binary) == f"`{binary}` is not UTF-8: byte 0xff in line 2"


def test_a_source_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.irc"
    path.write_bytes(b"\xef\xbb\xbfconst x = 1\r\n")
    assert read_source(path) == "const x = 1\r\n"
