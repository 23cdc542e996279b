"""Programs that some level once got wrong, one file for each fault."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from levels import CLANG_O2, GCC_O0, GCC_O2, Call, Case, Road, differences
from nd_programs import parse
from random_programs import random_inputs

FILES = sorted(Path(__file__).with_name("regressions").glob("*.mlir"))
SIZES = ({"n": 0, "m": 0}, {"n": 1, "m": 2}, {"n": 5, "m": 3}, {"n": 67, "m": 1})
pytestmark = pytest.mark.cc


@pytest.mark.parametrize("opt_level", [0, 2])
def test_every_level_agrees(opt_level: int) -> None:
    cases = []
    for path in FILES:
        module = parse(path.read_text())
        rng = np.random.default_rng(0)
        calls = [Call(random_inputs(module, rng, sizes)) for sizes in SIZES]
        cases.append(Case(path.stem, module, calls))
    compilers = [c for c in (GCC_O0, GCC_O2, CLANG_O2) if shutil.which(c[0])]
    assert differences(cases, Road(opt_level=opt_level), compilers) == []
