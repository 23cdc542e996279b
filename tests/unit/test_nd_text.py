"""Numbers of `nd` in text: those that only their bits can spell come back."""

from __future__ import annotations

import numpy as np
import pytest
from nd_programs import parse, program, run, same_bits
from xdsl.utils.exceptions import ParseError

from irc.dialects.nd.arrays import rounded
from irc.dtypes import DTYPES


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("shape", [(), (1,), (2,), (2, 3)])
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0])
def test_special_values_of_constants(dtype: str, shape: tuple[int, ...], special: float) -> None:
    d = DTYPES[dtype]
    x = rounded(np.full(shape, 1.5), d)
    x.reshape(-1)[:1] = special
    module = program([], lambda b: b.constant(x, d))
    (got,) = run(parse(str(module)))
    assert same_bits(got, x)


def test_bits_that_do_not_fit_are_refused() -> None:
    text = "func.func @f() {\n%r = nd.constant dense<[0x17e00]> : tensor<1xf16> to tensor<1xf16>\n}"
    with pytest.raises(ParseError, match="0x17e00 has more than 16 bits"):
        parse(text)
