"""
Messages of derivatives by example: programs and the text that each must get.

    UPDATE_GOLDEN=1 pytest tests/messages/test_derivative_messages.py

writes those of derivatives.txt anew, to be read in the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from language import message, warnings

GOLDEN = Path(__file__).with_name("derivatives.txt")
BETWEEN, BEFORE_MESSAGE = "====\n", "----\n"


def cases() -> list[tuple[str, str]]:
    text = GOLDEN.read_text(encoding="utf-8")
    return [tuple(case.split(BEFORE_MESSAGE)) for case in text.split(BETWEEN)]  # type: ignore[misc]


def told(program: str) -> str:
    """The mistakes; the warnings about a program that has none."""
    return warnings(program) if "# warns" in program else message(program)


@pytest.mark.parametrize("program, expected", cases(), ids=range(len(cases())))
def test_the_message_is_exactly_this(program: str, expected: str) -> None:
    if "UPDATE_GOLDEN" not in os.environ:
        assert told(program) == expected


def test_the_golden_file_is_written_when_asked() -> None:
    if "UPDATE_GOLDEN" in os.environ:
        updated = [f"{program}{BEFORE_MESSAGE}{told(program)}" for program, _ in cases()]
        GOLDEN.write_text(BETWEEN.join(updated), encoding="utf-8")
    assert all(expected for _, expected in cases())
    assert len({program for program, _ in cases()}) == len(cases())
