"""Formats of run-time messages, as `rt` ops carry them."""

from __future__ import annotations

import pytest

from irc.dialects.rt import Placeholder, placeholders


def test_placeholders_keep_their_format() -> None:
    parts = ["k ", Placeholder(0), " of ", Placeholder(12, ".4f"), "!"]
    assert placeholders("k {0} of {12:.4f}!") == parts


def test_doubled_braces_are_text() -> None:
    assert placeholders("{{0}}") == ["{0}"]


@pytest.mark.parametrize("text", ["{", "}", "{x}", "{@0}", "{0"])
def test_other_braces_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        placeholders(text)
