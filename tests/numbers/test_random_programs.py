"""Random programs give the same results as compiled C as in the NumPy reference of `nd`."""

from __future__ import annotations

import numpy as np
import pytest
from kernels import c_differs
from nd_programs import context
from random_programs import ALL_DTYPES, random_inputs, random_program

from irc.passes.linalg.convert_nd_to_linalg import ConvertNdToLinalgPass
from irc.passes.linalg.fuse import FusePass
from irc.passes.loops.bufferize import BufferizePass
from irc.passes.loops.convert_linalg_to_loops import ConvertLinalgToLoopsPass
from irc.passes.loops.plan_memory import PlanMemoryPass
from irc.passes.nd.canonicalize import CanonicalizePass
from irc.passes.nd.cse import CsePass
from irc.passes.nd.dce import DcePass
from irc.passes.nd.expand_grad import ExpandGradPass

SIZES = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0}, {"n": 70, "m": 5})
LOWERING = (
    ConvertNdToLinalgPass(), FusePass(), BufferizePass(), ConvertLinalgToLoopsPass(threads=1),
    PlanMemoryPass(),
)  # fmt: skip


def check(seed: int) -> None:
    module = random_program(np.random.default_rng(seed), ops=12, dtypes=ALL_DTYPES)
    for one in (ExpandGradPass(), CanonicalizePass(), CsePass(), DcePass()):
        one.apply(context(), module)
    # One call: the state that a call leaves is compared with it.
    inputs = random_inputs(module, np.random.default_rng(seed), SIZES[seed % len(SIZES)])
    assert c_differs(module, LOWERING, [inputs], flags=("-O1",)) is None


@pytest.mark.cc
@pytest.mark.parametrize("seed", range(4))
def test_a_few(seed: int) -> None:
    check(seed)


@pytest.mark.cc
@pytest.mark.long
@pytest.mark.parametrize("seed", range(4, 100))
def test_many(seed: int) -> None:
    check(seed)
