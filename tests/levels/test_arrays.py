"""The array language gives the same at every level and in C."""

from __future__ import annotations

import pytest
from array_groups import GROUPS, cases
from levels import GCC_O0, GCC_O2, Road, differences

pytestmark = [pytest.mark.cc, pytest.mark.timeout(240)]


@pytest.mark.parametrize("group", GROUPS)
def test_every_level_agrees(group: str) -> None:
    assert differences(cases(GROUPS[group]), Road(), [GCC_O2]) == []
    assert differences(cases(GROUPS[group]), Road(opt_level=0), [GCC_O0]) == []
