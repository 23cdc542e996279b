"""Counting work: what the tests of growth rest on."""

from __future__ import annotations

import pytest
from work import LINEAR, calls, growth


def test_calls_are_counted_in_python_and_c() -> None:
    assert calls(lambda: None) == calls(lambda: 1)
    assert calls(lambda: abs(0)) == calls(lambda: None) + 1
    assert calls(lambda: [abs(i) for i in range(100)]) >= 100


@pytest.mark.parametrize("power", [1, 2])
def test_growth_is_the_exponent(power: int) -> None:
    def program(n: int) -> object:
        return lambda: [abs(i) for i in range(n**power + 1000)]

    assert growth(program, 10) == pytest.approx(power, abs=0.1)  # type: ignore[arg-type]
    assert (growth(program, 10) < LINEAR) == (power == 1)  # type: ignore[arg-type]
