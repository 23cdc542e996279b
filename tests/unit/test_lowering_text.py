"""Constants keep their bits through text, which lowered programs need for infinities and NaN."""

from __future__ import annotations

import numpy as np
import pytest

from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_module
from irc.errors import UserError
from irc.execution import execute

TEXT = """
func.func @f() -> tensor<4x{t}> {{
  %x = nd.constant dense<[{bits}, 1.5, -2.0]> : tensor<4x{t}> to tensor<4x{t}>
  func.return %x : tensor<4x{t}>
}}
"""


@pytest.mark.parametrize(
    ("element", "bits"),
    [
        ("f16", "0x7C00, 0x7E00"),
        ("bf16", "0x7F80, 0x7FC0"),
        ("f32", "0x7F800000, 0x7FC00000"),
        ("f64", "0x7FF0000000000000, 0x7FF8000000000000"),
    ],
)
def test_infinity_and_nan_in_a_dense_literal(element: str, bits: str) -> None:
    module = parse_module(TEXT.format(t=element, bits=bits), "x.mlir", make_context())
    text = module_text(module)
    again = parse_module(text, "y.mlir", make_context())
    assert module_text(again) == text
    (x,) = execute(again, "f", []).results
    np.testing.assert_array_equal(x, np.array([np.inf, np.nan, 1.5, -2.0], x.dtype))


def test_too_many_bits_are_refused() -> None:
    with pytest.raises(UserError, match="more bits than f16 has"):
        parse_module(TEXT.format(t="f16", bits="0x17C00, 0.0"), "x.mlir", make_context())
