"""Large and hostile programs: linear work, or a message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from work import LINEAR, growth

from irc.errors import UserError
from irc.frontend import load_program


def lets(n: int) -> str:
    body = "".join(f"let x{i + 1} = x{i} * 2 + 1\n" for i in range(n))
    return f"export def f(x0: f32[n]) -> f32[n] {{\n{body}return x{n}\n}}"


def functions(n: int) -> str:
    made = "".join(f"def g{i}(x) = x + {i}\n" for i in range(n))
    total = " + ".join(f"g{i}(x)" for i in range(n))
    return f"{made}export def f(x: f32[n]) -> f32[n] = {total}"


def states(n: int) -> str:
    made = "".join(f"state s{i}: f32[3] = zeros()\n" for i in range(n))
    body = "".join(f"update s{i} += 1\n" for i in range(n))
    return f"{made}export def f() {{\n{body}}}"


def assertions(n: int) -> str:
    body = "".join(f"assert n > {i}\n" for i in range(n))
    return f"export def f(x: f32[n]) -> f32[n] {{\n{body}return x\n}}"


def constants(n: int) -> str:
    made = "".join(f"const c{i + 1} = c{i} + 1\n" for i in range(n))
    return f"const c0 = 1\n{made}export def f(x: f32[c{n}]) -> f32 = sum(x)"


@pytest.mark.parametrize("program", [lets, functions, states, assertions, constants])
def test_work_grows_with_the_length_of_the_program(program: Callable[[int], str]) -> None:
    assert growth(lambda n: partial(load_program, program(n)), 100) < LINEAR


def test_ten_thousand_statements() -> None:
    assert len(load_program(lets(10_000)).spec.functions) == 1


def chain(n: int, body: str) -> str:
    made = "".join(f"def g{i + 1}(x) = {body.format(f'g{i}(x)')}\n" for i in range(n))
    return f"def g0(x) = x\n{made}export def f(x: f32) -> f32 = g{n}(x)"


HOSTILE = {
    "a long chain of calls": (chain(500, "{0} + 1"), "E0119"),
    "calls that double": (chain(40, "{0} + {0}"), "E0119"),
    "constants in reverse": (
        "".join(f"const c{i + 1} = c{i} + 1\n" for i in reversed(range(5000))) + "const c0 = 1\n",
        "E0119",
    ),
    "a power of a size": ("def f(x: f32[((n + m + k + l)**16)**16]) -> f32 = sum(x)", "E0211"),
    "many dimensions": (f"def f(x: f32[{','.join('n' * 100)}]) -> f32 = sum(x)", "E0211"),
    "many terms": (f"def f(x: f32[{','.join(['n + m + 1'] * 20)}]) -> f32 = sum(x)", "E0211"),
    "too many elements": ("def f(x: f32[10000000, 10000000, 10000000]) -> f32 = sum(x)", "E0211"),
    "a huge constant": ("const a = 9**9**9", "E0117"),
    "a negative size": ("def f(x: f32[3 - 5]) -> f32 = sum(x)", "E0211"),
}


@pytest.mark.parametrize("text, code", HOSTILE.values(), ids=HOSTILE)
def test_what_is_too_large_gets_a_message(text: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        load_program(text)
    assert caught.value.diagnostics[0].code == code


def test_deep_nesting_inside_deep_calls() -> None:
    deep = "(" * 150 + "{0}" + ")" * 150
    assert load_program(chain(60, deep)).spec.functions
    branches = "if x > 0 then " * 60 + "{0}" + " else x" * 60
    assert load_program(chain(8, branches)).spec.functions
