"""
Messages about expressions by example: programs and the text that each must get.

    UPDATE_GOLDEN=1 pytest tests/messages/test_expr_messages.py

writes those of expr_messages.txt anew, to be read in the diff. expr_language_page.txt holds the
messages that the language was designed with (positions included), which only a person changes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from language import message, warnings

from irc.diagnostics.codes import explain
from irc.errors import UserError
from irc.frontend import load_program

HERE = Path(__file__).parent
GOLDEN, PAGE = HERE / "expr_messages.txt", HERE / "expr_language_page.txt"
BETWEEN, BEFORE_MESSAGE = "====\n", "----\n"


def cases(golden: Path) -> list[tuple[str, str]]:
    text = golden.read_text(encoding="utf-8")
    return [tuple(case.split(BEFORE_MESSAGE)) for case in text.split(BETWEEN)]  # type: ignore[misc]


@pytest.mark.parametrize("program, expected", cases(PAGE), ids=range(8))
def test_a_message_of_the_language_page(program: str, expected: str) -> None:
    found = warnings if expected.startswith("warning") else message
    assert found(program, "train.irc") == expected


@pytest.mark.parametrize("program, expected", cases(GOLDEN), ids=range(len(cases(GOLDEN))))
def test_the_message_is_exactly_this(program: str, expected: str) -> None:
    if "UPDATE_GOLDEN" not in os.environ:
        assert message(program) == expected


def test_the_golden_file_is_written_when_asked() -> None:
    if "UPDATE_GOLDEN" in os.environ:
        updated = [f"{program}{BEFORE_MESSAGE}{message(program)}" for program, _ in cases(GOLDEN)]
        GOLDEN.write_text(BETWEEN.join(updated), encoding="utf-8")
    assert len({program for program, _ in cases(GOLDEN)}) == len(cases(GOLDEN)) > 100


CONTEXT = """export def f(x: f32[n, 784], w: f32[784, 10], b: f32[10], y: i32[n], k: i32, t: f32,
             mask: bool[n]) -> f32 {
    let r = %s
    return t
}"""
# What beginners write, people who come from NumPy, and fingers that slip.
SLIPS = [
    "x @ w + b + undefined", "sum(x, axis=1, axis=0)", "mean(y)", "mean(x > 0)", "max(mask)",
    "argmax(mask)", "x[t]", 'x["a"]', "x[:, 0:k]", "t[0]", "x[i]", "[x[i, j] for i]",
    "[x[i, j + 1] for i, j < 784]", "[x[i] for i < 2.5]", "sum[i](x)", "sum[i](x[i, j])",
    "sum[i](x[i], 2)", "sum[i]()", "foo[i](x[i])", "x.shap", "f32()", "f33(x)", "1(2)", "x and x",
    "not 3", "mask and 1", "mask < mask", "x / y", "y % 0", "if x then 1 else 2",
    "if t > 0 then x else y", "[1, [2, 3]]", "[x, w]", "concat(x)", "concat([])", "stack([x, w])",
    "reshape(x, [k])", "x.reshape(10)", "transpose(x, 3)", "zeros([1.5])", 'zeros(["a"])',
    "zeros()", "zeros([2], f32, 3)", "ones([2], dtype=f99)", "full([2])", "full([2], x)",
    "eye(k)", "arange(k)", "linspace(0, 1, k)", "uniform()", "uniform([k])", "bernoulli(2)",
    'normal([2], 0, "a")', "where(x, 1, 0)", "where(mask, x, y)", "where(mask)", "clip(x, 0)",
    "cast(x)", "dot(x, x)", "one_hot(y, k)", "grad(x, wrt=w)", "grad(t, wrt=y)", "grad(t, wrt=x)",
    "grad(t)", "grad(t, w)", "grad(sum(x), wrt=3)", "grad(sum(x), wrt=sum)", "cumsum(mask)",
    'einsum("ij->jk", x)', "conv2d(x, w)", "jvp(t, wrt=x)", "print(x)", "range(10)", "float(x)",
    "int(x)", "x.t()", "None", "True", "self.x", "lambda", "x is x", "(x, y) + 1", "(x, y)[k]",
    "shape(x)[k]", "shape(x) + 1", 'x == "a"', "x < w", "1 < x < w", "inf[0]", "newaxis + 1",
    "x[newaxis + 1]", "2.5f99", "99999999999999999999999", "1e999", "x[0][0][0]", "x[0:1:2:3]",
    "w[[0.5]]", "w[785]", "w[-785]", "sum(sum)", "max(x, w)", "maximum(x)",
    "x.max(w)", "atan2(x)", "isnan(y)", "copysign(y, y)", "exp(y)", "sqrt(mask)", "round(x, 2)",
    'abs("a")', "[f(x[i]) for i]", "[grad(t, wrt=x) for i < 3]", "[uniform([k]) for i < 3]",
    "x[i for i < 3]", "x[y > 0]", "x[x > 0]", "x + [1, 2, 3]", "b + [1.5, 2]", "y + [1.5, 2]",
    "x @ [1, 2, 3]", "t if t > 0 else 1", "t > 0 ? 1 : 2", "x && y", "!x", "x ^ 2", "x += 1",
    "x = 1", "x.size(axis=7)", "sum(x, keepdims=1)", "sum(x, keepdims=yes)",
    'sum(x, axis="rows")', "sum(x, axis=1.0)", "sum(x, axis=(0, 5))", "sum(x, dim=1)",
    "log_softmx(x)", "x[i < 3]", "[e for e in x]", "[x[i] for i in 3]",
    "[x[i] for i < 3 if i > 1]", "sum[k < 3, k](x[k])", "sum[k](x[k, k])", "sum[k](w[k, k])",
    "any[k](x[k])", "max(b[0:0])", "argmax(b[0:0])", "b[y[0] + 1.5]", "b[k / 2]",
]  # fmt: skip


@pytest.mark.parametrize("expression", SLIPS)
def test_a_slip_gets_a_message_at_its_place(expression: str) -> None:
    text = CONTEXT % expression
    with pytest.raises(UserError) as caught:
        load_program(text, file="t.irc")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None and diagnostic.span.line == 3
    start = text.splitlines()[2].index(expression) + 1
    assert start <= diagnostic.span.col <= start + len(expression)
    assert explain(diagnostic.code)
    says_more = diagnostic.helps or diagnostic.notes or diagnostic.labels[0].text
    assert says_more, diagnostic
    assert "tensor<" not in str(caught.value) and "Poly" not in str(caught.value)
