"""Index notation and subscripts once more, through every level to C: the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from language import equal, type_of
from notation_cases import INPUTS, NOTATION, OUTSIDE, SUBSCRIPTS, J

import irc

CASES: dict[str, Any] = {
    **NOTATION,
    **{
        text.replace("J[0]", "2"): np.asarray(eval(text, {**INPUTS, "newaxis": None, "J": J}))
        for text in SUBSCRIPTS
    },
}
PARAMS = ", ".join(f"{name}: {type_of(x)}" for name, x in INPUTS.items())

pytestmark = pytest.mark.cc


def results(value: Any) -> list[np.ndarray]:
    return [np.asarray(v) for v in (value if isinstance(value, tuple) else (value,))]


def declared(value: Any) -> str:
    types = ", ".join(map(type_of, results(value)))
    return f"({types})" if isinstance(value, tuple) else types


@pytest.fixture(scope="module")
def module() -> Any:
    """All cases as functions of one module."""
    functions = [
        f"export def case{n}({PARAMS}) -> {declared(value)} = {text}"
        for n, (text, value) in enumerate(CASES.items())
    ]
    outside = [
        f"export def outside{n}(x: f32[n], i: i32) -> {result} = {text}"
        for n, (text, result, _, _) in enumerate(OUTSIDE)
    ]
    return irc.compile("\n".join([*functions, *outside]) + "\n", O=0)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_a_shared_object_gives_the_same(module: Any, number: int) -> None:
    got = getattr(module, f"case{number}")(*INPUTS.values())
    wanted = results(list(CASES.values())[number])
    for g, w in zip(got if isinstance(got, tuple) else (got,), wanted, strict=True):
        equal(np.asarray(g), w)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", range(len(OUTSIDE)), ids=[f"{o[0]} {o[2]}" for o in OUTSIDE])
def test_a_read_outside_is_an_exception_with_the_same_text(module: Any, number: int) -> None:
    _, _, inputs, text = OUTSIDE[number]
    with pytest.raises(irc.BoundsError) as caught:
        getattr(module, f"outside{number}")(np.zeros(4, np.float32), *map(np.int32, inputs))
    assert text in str(caught.value)
