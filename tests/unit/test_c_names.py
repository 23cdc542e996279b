"""C identifiers, comments and string literals for any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irc.abi import FunctionSpec, ModuleSpec, ParamSpec, ResultSpec
from irc.codegen.c.identifiers import RESERVED, Scope, comment, identifier, string_literal
from irc.codegen.c.names import argument_names, module_names

NAMES = st.one_of(
    st.from_regex(r"[^\W\d]\w{0,6}", fullmatch=True),
    st.sampled_from(sorted(RESERVED)).flatmap(lambda w: st.sampled_from([w, w + "_", w + "__"])),
    st.from_regex(r"[A-Z][A-Z0-9_]{0,4}", fullmatch=True),
    st.sampled_from(["u_", "u__x", "u_3bb_", "λ", "λ_", "_3bb_", "u__3bb_", "k_f", "irc_x"]),
    st.text(min_size=1, max_size=5),
)


@given(NAMES)
def test_an_identifier_is_one(name: str) -> None:
    spelled = identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", spelled)
    assert spelled not in RESERVED


@given(NAMES, NAMES)
def test_different_names_stay_different(a: str, b: str) -> None:
    assert (identifier(a) == identifier(b)) == (a == b)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("x", "x"), ("int", "int_"), ("int_", "int__"), ("λ", "u__3bb_"), ("a_b", "a_b"),
     ("_x", "u___x"), ("exp", "exp_"), ("learning_rate2", "learning_rate2"), ("EIO", "EIO_"),
     ("IRC_OK", "IRC_OK_"), ("PRId64_", "PRId64__"), ("W", "W"), ("W1", "W1"), ("W12", "W12"),
     ("AB", "AB"), ("Wxh", "Wxh"), ("I", "I_")],
)  # fmt: skip
def test_examples(name: str, spelled: str) -> None:
    assert identifier(name) == spelled


@given(st.lists(NAMES, max_size=8))
def test_a_scope_gives_each_its_own(names: list[str]) -> None:
    scope = Scope()
    spelled = [scope.fresh(name) for name in names]
    assert len(set(spelled)) == len(spelled)


def test_the_context_gives_way_to_sizes() -> None:
    f = FunctionSpec(
        "f",
        sizes=("m",),
        params=(ParamSpec("m", "f32", ("m",)), ParamSpec("x", "f32")),
        results=(ResultSpec("x", "f32"), ResultSpec(None, "f32")),
    )
    args = argument_names(f)
    assert (args.sizes, args.params, args.results) == (("m",), ("m_", "x"), ("x_", "result1"))
    assert args.context == "m__"


@pytest.mark.parametrize(
    ("module", "prefix"),
    [("logreg", "logreg"), ("exp", "exp_"), ("free", "free_"), ("irc", "irc_"), ("k", "k_"),
     ("my-model", "my_model"), ("λ", "u__3bb_"), ("read", "read_")],
)  # fmt: skip
def test_prefixes(module: str, prefix: str) -> None:
    assert module_names(ModuleSpec(module)).prefix == prefix


def test_constants() -> None:
    """They are macros and look like it, but are not those of math.h."""
    spec = ModuleSpec("m", consts={"E": 3, "D": 4, "LONG_NAME": 5, "λ": 6})
    assert list(module_names(spec).consts.values()) == ["M_E_", "M_D", "M_LONG_NAME", "M_u__3bb_"]


@given(st.text(max_size=60))
def test_a_comment_ends_where_it_should(text: str) -> None:
    c = comment(text)
    assert c.startswith("/* ") or c.startswith("/*")
    assert c.count("*/") == 1 and c.endswith("*/") and "/*" not in c[2:]
    assert not any(line.endswith("\\") for line in c.splitlines())


@given(st.text(max_size=60))
def test_a_literal_reads_back(text: str) -> None:
    literal = string_literal(text)
    assert literal.isascii() and literal.isprintable() and "??" not in literal
    body = literal[1:-1].replace("\\?", "?").encode()
    assert body.decode("unicode_escape").encode("latin-1") == text.encode("utf-8", "surrogatepass")
