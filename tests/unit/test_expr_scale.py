"""Expressions of a size that only a generator writes: accepted, in linear time and text."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from irc.frontend import load_program

HEAD = "export def f(x: f32[n], k: i32) -> f32[n] "


def ops(text: str) -> int:
    module: ModuleOp = load_program(text, file="t.irc").module
    return sum(1 for _ in module.walk())


def test_ten_thousand_terms() -> None:
    assert ops(HEAD + "= " + " + ".join(["x"] * 10_000)) == 9_999 + 3


def test_ten_thousand_literals_stay_one_number() -> None:
    assert ops(HEAD + "= x * (" + " + ".join(["1"] * 10_000) + ")") < 10


def test_ten_thousand_sizes_stay_one_size() -> None:
    assert ops(HEAD + "= x * (" + " + ".join(["n"] * 10_000) + ")") < 10


def test_a_value_without_a_dtype_is_made_once_for_each_dtype() -> None:
    """Each of these doubles the one before: made anew at each use, there would be 2**60."""
    lets = ["let a0 = [1, 2]", *(f"let a{i} = a{i - 1} + a{i - 1}" for i in range(1, 60))]
    body = "\n".join(lets)
    assert ops(f"{HEAD}{{\n{body}\nreturn x * f32(a59[0])\n}}") < 100


def test_deep_choices() -> None:
    assert ops(HEAD + "= " + "if k > 0 then x else " * 150 + "x") < 1_000


def test_deep_reductions() -> None:
    opened = "".join(f"sum[i{k} < 2](" for k in range(20))
    product = " * ".join(f"x[i{k}]" for k in range(20))
    assert ops(f"{HEAD}= x * {opened}{product}{')' * 20}") < 200
