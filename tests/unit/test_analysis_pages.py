"""The programs in the explanation pages: the wrong ones get their code, the right ones none."""

from __future__ import annotations

from textwrap import dedent

import pytest

from irc.diagnostics.codes import PAGES
from irc.errors import Unsupported, UserError
from irc.frontend import load_program

PLANNED = {"E0403", "E0404", "E0501"}  # about loops, externs and recurrences


def codes_of(program: str) -> set[str]:
    try:
        return {w.code for w in load_program(dedent(program).strip() + "\n", tests=True).warnings}
    except UserError as error:
        return {d.code for d in error.diagnostics}


@pytest.mark.parametrize("code", [c for c, page in PAGES.items() if page.wrong])
def test_the_wrong_program_gets_the_code(code: str) -> None:
    found = codes_of(PAGES[code].wrong)
    assert code in found or (code in PLANNED and found == {"E0901"})


@pytest.mark.parametrize("code", [c for c, page in PAGES.items() if page.right])
def test_the_right_program_gets_no_message(code: str) -> None:
    found = codes_of(PAGES[code].right)
    assert not found or (code in PLANNED and found == {Unsupported.default_code})
