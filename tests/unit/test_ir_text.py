"""IR text: read with places, refused with messages, never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import func

from irc.dialects.context import make_context
from irc.dialects.text import MAX_REGION_DEPTH, module_text, parse_module, parse_text, verify_text
from irc.dialects.verify import place, span_at, verify_module, walk
from irc.errors import UserError

GOOD = """\
func.func @f(%x: tensor<?x4xf32, #nd.dims<"n">>) -> tensor<?x4xf32, #nd.dims<"n">> {
  %y = nd.exp %x : tensor<?x4xf32, #nd.dims<"n">>
  func.return %y : tensor<?x4xf32, #nd.dims<"n">>
}
"""


def refused(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_module(text, "x.mlir", make_context())
    return str(caught.value)


def test_ops_know_their_place() -> None:
    module = parse_module(GOOD, "x.mlir", make_context())
    places = {op.name: place(op.location) for op in walk(module)}
    assert places["nd.exp"] == "x.mlir:2:3"
    assert places["func.return"] == "x.mlir:3:3"
    assert places["func.func"] == "x.mlir:1:1"


def test_a_location_in_the_text_is_kept() -> None:
    text = GOOD.replace('"n">>\n  func.return', '"n">> loc("model.irc":7:9)\n  func.return')
    module = parse_module(text, "x.mlir", make_context())
    (exp,) = (op for op in walk(module) if op.name == "nd.exp")
    assert place(exp.location) == "model.irc:7:9"
    assert span_at(exp.location) == ("model.irc", 7, 9, 7, 10)


def test_print_parse_print_is_a_fixed_point() -> None:
    module = parse_module(GOOD, "x.mlir", make_context())
    for how in ({}, {"generic": True}, {"debuginfo": True}):
        once = module_text(module, **how)
        assert module_text(parse_module(once, "x.mlir", make_context()), **how) == once


def test_an_empty_file_is_an_empty_module() -> None:
    assert not list(parse_module("", "x.mlir", make_context()).ops)
    assert not list(parse_module("// nothing\n", "x.mlir", make_context()).ops)


def test_resources_are_read() -> None:
    text = (
        GOOD + '{-# external_resources: {mlir_reproducer: {pipeline: "a", verify_each: true}} #-}'
    )
    parsed = parse_text(text, "x.mlir", make_context())
    assert parsed.resources == {"mlir_reproducer": {"pipeline": "a", "verify_each": True}}


@pytest.mark.parametrize(
    ("text", "title", "where"),
    [
        ('func.func @f() { "abc', "end of file reached before closing string literal", "1:18"),
        (
            "func.func @f(%x: i32) {\n  %y = arith.addi %x, %z : i32\n  func.return\n}",
            "%z is used and never defined",
            "2:23",
        ),
        ("nd.expp", "no operation is called nd.expp", "1:1"),
        (
            "func.func @f(%x: i32) {\n  %y = arith.addi %x, %x : i64\n}",
            "%x has type i32, it is used as i64",
            "2:19",
        ),
        (
            "%x = arith.constant dense<1> : tensor<9999999999xi32>",
            "a dense literal has at most 16777216 elements",
            "1:32",
        ),
        ("}", "could not parse entire input", "1:1"),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(text: str, title: str, where: str) -> None:
    message = refused(text)
    assert message.startswith(f"error[E0801]: {title}"), message
    assert f"--> x.mlir:{where}\n" in message, message


def test_a_type_clash_shows_the_definition() -> None:
    message = refused("func.func @f(%x: i32) {\n  %y = arith.addi %x, %x : i64\n}")
    assert "1 | func.func @f(%x: i32) {\n  |              -- defined here" in message


def test_misspelled_ops_have_suggestions() -> None:
    text = GOOD.replace(
        "%y = nd.exp", '%z = nd.log %x : tensor<?x4xf32, #nd.dims<"n">>\n  %y = nd.expp'
    )
    assert "no operation is called nd.expp; did you mean nd.exp?" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        '"' + "a" * 200,  # xDSL's own pattern doubles its time with each character
        '"' + "\\\\" * 200,
        '"func.func"() ({' * 1000,
        "%0 = arith.constant " + "[" * 10_000,
        "%0 = arith.constant {a = " + "[" * 10_000,
        "%0 = arith.constant " + "9" * 10_000 + " : i32",
        "func.func @f(%x: " + "tuple<" * 5_000,
        "#" * 1000,
        "%" * 1000,
        "\0",
        "{-#" * 100,
        "{-# external_resources: {a: {b: {c: 1}}} #-}",
        "!a = !a\n" * 10,
        "affine_map<(d0) -> (d0)>",
        '"builtin.module"() ({}) {a = dense<"0x00"> : tensor<4xf32>} : () -> ()',
        '"arith.constant"() : () -> ()',
        '"arith.addi"(%0) : (i32) -> i32',
        '%0:3 = "test.op"() : () -> (i32)',
    ],
    ids=range(18),
)
def test_hostile_text_is_refused(text: str) -> None:
    context = make_context()
    try:
        module = parse_module(text, "x.mlir", context)
        verify_text(module, "x.mlir", text)
    except UserError as error:
        assert str(error).startswith("error[E080")
    else:
        pytest.fail("this is no IR")


def test_deep_regions_are_diagnosed() -> None:
    message = refused('"func.func"() ({' * (MAX_REGION_DEPTH + 1))
    assert "nest deeper than" in message or "nested too deeply" in message


FRAGMENTS = st.sampled_from(
    "func.func @f ( ) { } %x %y : tensor<4xf32> -> nd.exp nd.dot nd.sum = , axes [0] [ ] dense<1.0>"
    ' < > 1 - i32 #nd.dims func.return loc ^bb0 ? linalg.generic ins outs memref<?xf32> "a"'
    .split(" ")
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=25))
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        verify_text(parse_module(text, "x.mlir", make_context()), "x.mlir", text)
    except UserError as error:
        assert error.diagnostics[0].code in ("E0801", "E0802")


@settings(max_examples=150)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=3))
def test_a_damaged_file_is_read_or_refused(at: int, cut: int, put: str) -> None:
    text = GOOD[:at] + put + GOOD[at + cut :]
    try:
        verify_text(parse_module(text, "x.mlir", make_context()), "x.mlir", text)
    except UserError as error:
        assert error.diagnostics[0].span is not None


def test_wrong_ir_is_its_authors() -> None:
    text = """\
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nd.concat %x axis = 1 : tensor<4xf32> to tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""
    module = parse_module(text, "x.mlir", make_context())
    with pytest.raises(UserError) as caught:
        verify_text(module, "x.mlir", text)
    message = str(caught.value)
    assert message.startswith("error[E0802]: nd.concat: concat (C2)"), message
    assert "--> x.mlir:2:3" in message


def test_use_before_definition_is_found() -> None:
    text = """\
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nd.exp %z : tensor<4xf32>
  %z = nd.exp %x : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
"""
    module = parse_module(text, "x.mlir", make_context())
    with pytest.raises(UserError, match="%z is used before its definition"):
        verify_text(module, "x.mlir", text)


def test_a_wrong_op_deep_inside_is_named() -> None:
    module = parse_module(GOOD, "x.mlir", make_context())
    (function,) = module.ops
    assert isinstance(function, func.FuncOp)
    last = function.body.block.last_op
    assert last is not None
    last.detach()
    with pytest.raises(Exception, match="x.mlir"):
        verify_module(module)


def test_only_a_state_of_a_scan_has_a_history() -> None:
    text = """func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  %r = nd.scan "3" over (history %x[0]) : (tensor<3xf32>) -> (tensor<3xf32>) {
  ^bb0(%t: tensor<i64>, %u: tensor<f32>):
    nd.yield %u : tensor<f32>
  }
  func.return %r : tensor<3xf32>
}"""
    with pytest.raises(UserError, match="x.mlir:2:26"):
        parse_module(text, "x.mlir", make_context())
