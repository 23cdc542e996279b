"""The programs in the explanation pages: the wrong ones get their code, the right ones none."""

from __future__ import annotations

from textwrap import dedent

import pytest

from irc.diagnostics.codes import PAGES
from irc.dialects.context import make_context
from irc.errors import Unsupported, UserError
from irc.frontend import load_program
from irc.passes.nd.expand_grad import ExpandGradPass

PLANNED = {"E0404"}  # about externs


def codes_of(program: str) -> set[str]:
    try:
        loaded = load_program(dedent(program).strip() + "\n", tests=True)
        ExpandGradPass().apply(make_context(), loaded.module)
        return {w.code for w in loaded.warnings}
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
