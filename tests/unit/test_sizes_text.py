"""Sizes as text: any name of a program, and nothing that is no size."""

from __future__ import annotations

import pytest

from irc import sizes


@pytest.mark.parametrize("name", ["n", "in", "lambda", "class", "None", "λ", "ﬁ", "_1"])
def test_any_name_of_a_program_is_a_size(name: str) -> None:
    size = sizes.parse(f"2*{name} + 1")
    assert size == 2 * sizes.var(name) + 1
    assert sizes.parse(str(size)) == size


@pytest.mark.parametrize(
    "text",
    ["2*n + 1", "((n + 1)//2)", "n**2*m - 3", "-4*((m)//4) + m", "-(n - 2)*(m + 1)", "2**3"],
)
def test_the_spelling_reads_back(text: str) -> None:
    size = sizes.parse(text)
    assert sizes.parse(str(size)) == size


@pytest.mark.parametrize(
    "text",
    ["", "n n", "2n", "n/2", "n +", "(n", "n)", "n//0", "n//m", "n**-1", "n**17", "n.x", "1 2", "?"]
    + ["(" * 1000 + "n" + ")" * 1000, "9" * 10_000],
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        sizes.parse(text)
