"""The programs of the array language as cases for `levels`."""

from __future__ import annotations

from array_cases import ArrayCase
from levels import Call, Case
from moving_cases import LETTERS, MOVED, NORMS, ORDERED
from part_cases import PARTS
from return_cases import RETURNS

from irc.frontend import load_program

GROUPS = {
    "parts": PARTS,
    "ordered": ORDERED,
    "moved": MOVED,
    "letters": LETTERS,
    "norms": NORMS,
    "returns": RETURNS,
}


def cases(group: list[ArrayCase]) -> list[Case]:
    """The programs, with the names that they get side by side in one module."""
    found = []
    for k, c in enumerate(group):
        text = c.program.replace("def f(", f"def f{k}(", 1)
        found.append(Case(c.text, load_program(text).module, [Call(i) for i in c.calls]))
    return found
