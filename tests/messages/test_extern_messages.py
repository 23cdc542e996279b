"""
Messages of functions of other libraries by example: programs and the text that each must get.

    UPDATE_GOLDEN=1 pytest tests/messages/test_extern_messages.py

writes those of externs.txt anew, to be read in the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from language import message

GOLDEN = Path(__file__).with_name("externs.txt")
BETWEEN, BEFORE_MESSAGE = "====\n", "----\n"


def cases() -> list[tuple[str, str]]:
    text = GOLDEN.read_text(encoding="utf-8")
    return [tuple(case.split(BEFORE_MESSAGE)) for case in text.split(BETWEEN)]  # type: ignore[misc]


@pytest.mark.parametrize("program, expected", cases(), ids=range(len(cases())))
def test_the_message_is_exactly_this(program: str, expected: str) -> None:
    if "UPDATE_GOLDEN" not in os.environ:
        assert message(program) == expected


def test_the_golden_file_is_written_when_asked() -> None:
    if "UPDATE_GOLDEN" in os.environ:
        updated = [f"{program}{BEFORE_MESSAGE}{message(program)}" for program, _ in cases()]
        GOLDEN.write_text(BETWEEN.join(updated), encoding="utf-8")
    assert all(expected for _, expected in cases())
    assert len({program for program, _ in cases()}) == len(cases())
