"""Linear systems are the same at every level, to the bit: also of systems that have no solution."""

from __future__ import annotations

import pytest
from levels import differences
from linear_cases import cases

pytestmark = pytest.mark.cc


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_every_level_agrees(dtype: str) -> None:
    assert differences(list(cases(dtype))) == []
