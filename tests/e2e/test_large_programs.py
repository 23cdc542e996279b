"""Programs that are long rather than clever."""

from __future__ import annotations

import numpy as np
import pytest

import irc
from irc.driver import Options, Source, compile_source


def chain(steps: int) -> str:
    lines = [f"    let v{i + 1} = sin(v{i}) * 0.9 + x" for i in range(steps)]
    head = "export def chain(x: f32[n]) -> f32[n] {\n    let v0 = x\n"
    return "\n".join([head, *lines, f"    return v{steps}", "}", ""])


@pytest.mark.cc
def test_a_chain_of_a_thousand_ops_is_right() -> None:
    m = irc.compile(chain(333))
    x = np.linspace(-2, 2, 5, dtype=np.float32)
    expected = x.astype(np.float64)
    for _ in range(333):
        expected = np.sin(expected) * 0.9 + x
    np.testing.assert_allclose(m.chain(x), expected, rtol=1e-4)


def test_a_fused_chain_of_ten_thousand_ops_becomes_c() -> None:
    """Each op is an operand of the next: nothing may recurse along such a chain."""
    options = Options(use_cache=False)
    text = compile_source(Source(chain(3333), "chain.irc"), options, ["c"]).texts["c"]
    assert isinstance(text, str) and text.count("sin") >= 3333
