"""Random expressions in index notation against an interpreter that goes element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from interpreter import interpret
from language import call, type_of

from irc.errors import UserError
from irc.frontend import tree
from irc.frontend.syntax import parse

N = 4
RNG = np.random.default_rng(11)
INPUTS: dict[str, Any] = {
    "a": RNG.normal(size=N), "b": RNG.normal(size=(N, N)), "c": RNG.normal(size=(N, N, N)),
    "k": np.array([2, 0, 3, 1], np.int32), "m": RNG.integers(0, N, (N, N)).astype(np.int32),
}  # fmt: skip
RANKS = {"a": 1, "b": 2, "c": 3}
NAMES = ("i", "j", "l", "p", "q", "r", "s", "t")


@st.composite
def positions(draw: Any, scope: tuple[str, ...]) -> str:
    """An integer from 0 to N - 1."""
    if not scope:
        return str(draw(st.integers(0, N - 1)))
    v, w = draw(st.sampled_from(scope)), draw(st.sampled_from(scope))
    forms = (v, v, v, f"{N - 1} - {v}", f"({v} + {w}) % {N}", f"{v} // 2", f"k[{v}]",
    f"m[{v}, {w}]",
             f"k[{N - 1} - {v}]", f"({v} * {w} + 1) % {N}", str(draw(st.integers(0,
             N - 1))))  # fmt: skip
    return str(draw(st.sampled_from(forms)))


@st.composite
def conditions(draw: Any, scope: tuple[str, ...], depth: int) -> str:
    if scope and draw(st.booleans()):
        v, op = draw(st.sampled_from(scope)), draw(st.sampled_from(("<", ">=", "==", "!=")))
        return f"{v} {op} {draw(st.one_of(st.integers(0, N).map(str), st.sampled_from(scope)))}"
    return f"{draw(values(scope, depth - 1))} > {draw(values(scope, depth - 1))}"


@st.composite
def guarded(draw: Any, scope: tuple[str, ...]) -> str:
    """A read that leaves the tensor except where the condition holds."""
    v, d = draw(st.sampled_from(scope)), draw(st.integers(1, 2))
    then, otherwise = f"a[{v} + {d}]", f"a[{v}]"
    shifted = f"b[{v} - {d}, {draw(positions(scope))}]"
    return str(draw(st.sampled_from((
        f"(if {v} + {d} < {N} then {then} else {otherwise})",
        f"(if {v} >= {d} then {shifted} else 0.5)",
        f"(if {v} < {d} then {otherwise} else a[{v} - {d}] * {shifted})",
        f"(if k[{v}] >= {d} and a[k[{v}] - {d}] > 0 then 1 else {otherwise})",
    ))))  # fmt: skip


@st.composite
def values(draw: Any, scope: tuple[str, ...], depth: int) -> str:
    """A scalar f64 expression."""
    kinds = ["read", "read", "number"]
    if depth > 0:
        kinds += ["binary", "binary", "call", "if", "reduce", "reduce", "row"]
        kinds += ["guarded"] if scope else []
    match draw(st.sampled_from(kinds)):
        case "read":
            name = draw(st.sampled_from(tuple(RANKS)))
            return f"{name}[{', '.join(draw(positions(scope)) for _ in range(RANKS[name]))}]"
        case "number":
            v = draw(st.sampled_from(scope)) if scope else "1"
            return str(draw(st.sampled_from(("0.5", "2.0", f"f64({v})", f"f64({v} * {v} - 3)"))))
        case "binary":
            op = draw(st.sampled_from(("+", "-", "*")))
            return f"({draw(values(scope, depth - 1))} {op} {draw(values(scope, depth - 1))})"
        case "call":
            f = draw(
                st.sampled_from(("tanh({})", "abs({})", "-{}", "max({}, a[0])", "min({}, 0.25)"))
            )
            return str(f).format(draw(values(scope, depth - 1)))
        case "if":
            parts = draw(conditions(scope, depth)), *(draw(values(scope, depth - 1)) for _ in "ab")
            return "(if {} then {} else {})".format(*parts)
        case "guarded":
            return draw(guarded(scope))  # type: ignore[no-any-return]
        case "row":
            x, y = draw(positions(scope)), draw(positions(scope))
            return str(draw(st.sampled_from((f"sum(b[{x}])", f"(b[{x}] @ b[{y}])"))))
    name = draw(st.sampled_from(("sum", "sum", "mean", "max", "min")))
    new = [n for n in NAMES if n not in scope][: draw(st.integers(1, 2))]
    body = draw(values((*scope, *new), depth - 1))
    return f"{name}[{', '.join(draw(ranged(n)) for n in new)}]({body})"


@st.composite
def ranged(draw: Any, name: str) -> str:
    return f"{name} < {draw(st.integers(1, N))}" if draw(st.integers(0, 2)) else name


@st.composite
def comprehensions(draw: Any) -> str:
    names = NAMES[: draw(st.integers(0, 2))]
    body = draw(values(names, 3))
    if not names:
        return str(body)
    order = draw(st.permutations(names))
    return f"[{body} for {', '.join(draw(ranged(n)) for n in order)}]"


@settings(max_examples=100)
@given(comprehensions())
def test_a_comprehension_means_its_loops(expression: str) -> None:
    function = parse(f"def f() = {expression}", "t.irc").items[0]
    assert isinstance(function, tree.Function) and isinstance(function.body, tree.Expr)
    expected = np.asarray(interpret(function.body, INPUTS, N), np.float64)
    params = ", ".join(f"{name}: {type_of(x)}" for name, x in INPUTS.items())
    text = f"export def f({params}) -> {type_of(expected)} = {expression}"
    try:
        outcome = call(text, *INPUTS.values())
    except UserError as error:
        assume("no range" not in str(error))  # a variable that is no whole index
        raise
    assert outcome.failure is None, (outcome.failure, expression)
    np.testing.assert_allclose(outcome.results[0], expected, rtol=1e-9, atol=1e-9)
