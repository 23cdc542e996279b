"""Convolutions and pooling give the same at every level and compiled, by any compiler."""

from __future__ import annotations

import shutil

import pytest
from convolution_cases import convolutions, dtypes, pools, random_convolutions
from levels import CLANG_O2, GCC_O0, GCC_O2, Road, differences

pytestmark = [pytest.mark.cc, pytest.mark.timeout(240)]


def test_convolutions() -> None:
    cases = convolutions() + dtypes()
    assert differences(cases, Road(reparse=True), [GCC_O2]) == []


def test_convolutions_without_optimization() -> None:
    road = Road(opt_level=0, executors=("loops",))
    assert differences(convolutions(), road, [GCC_O0]) == []


def test_pooling() -> None:
    assert differences(pools(), Road(reparse=True)) == []
    assert differences(pools(["f32"]), Road(opt_level=0), [GCC_O0]) == []


@pytest.mark.long
def test_random_convolutions() -> None:
    assert differences(random_convolutions(0, 20), Road(), [GCC_O2]) == []


@pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
@pytest.mark.long
def test_another_compiler_and_target() -> None:
    """Registers of 16 bytes: other tiles."""
    road = Road(target="cpu:x86-64", executors=())
    assert differences(convolutions()[:9] + pools(["f32"])[:3], road, [CLANG_O2]) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_hundreds_of_random_convolutions() -> None:
    for first in range(1000, 9000, 1000):
        assert differences(random_convolutions(first, 40), Road(first // 1000 % 2 * 2)) == []
