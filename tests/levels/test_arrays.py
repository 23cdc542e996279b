"""The array language gives the same at every level and in C."""

from __future__ import annotations

import pytest
from array_cases import ArrayCase
from levels import GCC_O0, GCC_O2, Call, Case, Road, differences
from moving_cases import LETTERS, MOVED, NORMS, ORDERED
from part_cases import PARTS
from return_cases import RETURNS

from irc.frontend import load_program

pytestmark = [pytest.mark.cc, pytest.mark.timeout(240)]


def cases(group: list[ArrayCase]) -> list[Case]:
    """The programs, with the names that they get side by side in one module."""
    found = []
    for k, c in enumerate(group):
        text = c.program.replace("def f(", f"def f{k}(", 1)
        found.append(Case(c.text, load_program(text).module, [Call(i) for i in c.calls]))
    return found


GROUPS = {
    "parts": PARTS,
    "ordered": ORDERED,
    "moved": MOVED,
    "letters": LETTERS,
    "norms": NORMS,
    "returns": RETURNS,
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_level_agrees(group: str) -> None:
    assert differences(cases(GROUPS[group]), Road(), [GCC_O2]) == []
    assert differences(cases(GROUPS[group]), Road(opt_level=0), [GCC_O0]) == []
