"""The table of dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from irc.dtypes import BF16, BOOL, BY_NUMPY, DTYPES, F16, F32, F64, I8, U64, accumulator

PLAIN = [d for d in DTYPES.values() if d is not BF16]


@pytest.mark.parametrize("name", DTYPES)
def test_names_are_keys(name: str) -> None:
    d = DTYPES[name]
    assert d.name == str(d) == name
    assert BY_NUMPY[d.numpy] is d


@pytest.mark.parametrize("dtype", PLAIN, ids=str)
def test_numpy_agrees(dtype: object) -> None:
    d = DTYPES[str(dtype)]
    n = np.dtype(d.numpy)
    assert n.itemsize == d.bytes
    assert {"b": "bool", "i": "int", "u": "uint", "f": "float"}[n.kind] == d.kind
    if d.is_integer:
        assert (d.min, d.max) == (np.iinfo(n).min, np.iinfo(n).max)
    codes = {"int": 0, "uint": 1, "float": 2, "bool": 6}
    assert d.dlpack == (codes[d.kind], 8 * d.bytes)


def test_widths() -> None:
    assert BOOL.bytes == 1 and BOOL.bits == 1 and BF16.bytes == 2
    assert (I8.min, I8.max, U64.max) == (-128, 127, 2**64 - 1)


def test_half_floats_accumulate_in_f32() -> None:
    assert accumulator(F16) is F32 and accumulator(BF16) is F32
    assert accumulator(F64) is F64 and accumulator(I8) is I8
