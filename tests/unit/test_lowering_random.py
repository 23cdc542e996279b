"""Random programs give the same after lowering and after fusion; fused text parses back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from lowering import changed_by
from nd_programs import context
from random_programs import ALL_DTYPES, PLAIN, random_inputs, random_program

from irc.passes.linalg.convert_nd_to_linalg import ConvertNdToLinalgPass
from irc.passes.linalg.fuse import FusePass
from irc.passes.nd.expand_grad import ExpandGradPass

SIZES = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0})


@given(st.integers(0, 2**32 - 1), st.sampled_from([PLAIN, ALL_DTYPES]))
@settings(max_examples=25)
def test_results_stay(seed: int, dtypes: tuple) -> None:
    module = random_program(np.random.default_rng(seed), ops=25, dtypes=dtypes)
    ExpandGradPass().apply(context(), module)
    rng = np.random.default_rng(seed)
    calls = [random_inputs(module, rng, sizes) for sizes in SIZES]
    assert changed_by(module, [ConvertNdToLinalgPass(), FusePass()], calls) is None
