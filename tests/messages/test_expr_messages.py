"""
Messages about expressions by example: programs and the text that each must get.

    UPDATE_GOLDEN=1 pytest tests/messages/test_expr_messages.py

writes those of expr_messages.txt anew, to be read in the diff. expr_language_page.txt holds the
messages that the language was designed with (positions included), which only a person changes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from language import message, warnings

HERE = Path(__file__).parent
GOLDEN, PAGE = HERE / "expr_messages.txt", HERE / "expr_language_page.txt"
BETWEEN, BEFORE_MESSAGE = "====\n", "----\n"


def cases(golden: Path) -> list[tuple[str, str]]:
    text = golden.read_text(encoding="utf-8")
    return [tuple(case.split(BEFORE_MESSAGE)) for case in text.split(BETWEEN)]  # type: ignore[misc]


@pytest.mark.parametrize("program, expected", cases(PAGE), ids=range(8))
def test_a_message_of_the_language_page(program: str, expected: str) -> None:
    found = warnings if expected.startswith("warning") else message
    assert found(program, "train.irc") == expected
