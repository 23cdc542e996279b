"""The table of codes: complete pages, whose programs are what they claim to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from irc.diagnostics.codes import PAGES, Page, explain
from irc.errors import UserError
from irc.frontend.syntax import parse

IRC = Path(__file__).parents[2] / "irc"
SYNTAX = ("E0101", "E0102", "E0103")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_is_complete(page: Page) -> None:
    assert re.fullmatch(r"[EW]0\d{3}", page.code)
    assert page.summary and not page.summary.endswith(".")
    assert page.why.strip().endswith(".")
    assert all(len(line) <= 100 for line in page.text().split("\n"))
    assert bool(page.wrong) == bool(page.right)


@pytest.mark.parametrize("page", [p for p in PAGES.values() if p.right], ids=lambda p: p.code)
def test_its_programs_parse_unless_they_show_a_syntax_error(page: Page) -> None:
    text = explain(page.code)
    wrong, right = re.split(r"This is accepted:\n", text.split("This is rejected:\n")[1])
    parse(right.replace("\n    ", "\n"), "right.irc")
    if page.code not in SYNTAX:
        parse(wrong.replace("\n    ", "\n"), "wrong.irc")
        return
    with pytest.raises(UserError) as caught:
        parse(wrong.replace("\n    ", "\n"), "wrong.irc")
    assert caught.value.diagnostics[0].code == page.code


def test_every_code_in_the_source_has_a_page() -> None:
    used = {
        code: path.name
        for path in sorted(IRC.rglob("*.py"))
        for code in re.findall(r'"([EW]0\d{3})"', path.read_text(encoding="utf-8"))
    }
    missing = {code: file for code, file in used.items() if code not in PAGES}
    assert not missing


def test_explaining_ignores_case() -> None:
    assert explain("e0201").startswith("E0201: inner dimensions of `@` do not match\n")


def test_an_unknown_code_suggests_another() -> None:
    with pytest.raises(UserError, match="no message with the code `E0O01`") as caught:
        explain("E0O01")
    assert caught.value.diagnostics[0].helps == ("did you mean E0901?",)
