"""The arithmetic of the executors, against the C library and by hand."""

from __future__ import annotations

import ctypes
import ctypes.util
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from irc.dialects.nd.arrays import tree_reduce
from irc.execution import numerics as N
from irc.execution.fma import fma

LIBM = ctypes.CDLL(ctypes.util.find_library("m"))
LIBM.fma.restype, LIBM.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
LIBM.fmaf.restype, LIBM.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3

SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1.7e308, 1e154]
SPECIAL += [2.0**-1022, 2.0**-500, 1e-46, 3.4e38]


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def same(x: float, y: float) -> bool:
    return math.isnan(x) and math.isnan(y) or np.float64(x).tobytes() == np.float64(y).tobytes()


@pytest.mark.parametrize("dtype, exact", [(np.float64, LIBM.fma), (np.float32, LIBM.fmaf)])
def test_fma_rounds_once(dtype, exact) -> None:
    rng = np.random.default_rng(0)
    near = rng.standard_normal((3, 1000)).astype(dtype)
    near[2] = -near[0] * near[1] * (1 + rng.integers(-2, 3, 1000) * 2.0**-22)
    bits = np.dtype(f"i{np.dtype(dtype).itemsize}")
    info = np.iinfo(bits)
    raw = rng.integers(info.min, info.max, (3, 1000), dtype=bits).view(dtype)
    special = rng.choice(np.array(SPECIAL), (3, 1000)).astype(dtype)
    for a, b, c in (near, raw, special):
        result = fma(a, b, c)
        assert result.dtype == dtype
        for x, y, z, r in zip(a, b, c, result, strict=True):
            assert same(r, exact(x, y, z)), (x, y, z)


def test_fma_of_f16_differs_from_two_roundings() -> None:
    a, b, c = np.float16(1.001), np.float16(1.001), np.float16(2.0**-12)
    assert fma(a, b, c) == np.float16(float(a) * float(b) + float(c))
    assert type(fma(a, b, c)) is np.float16


@given(st.floats(width=32))
def test_bf16_is_the_nearest(x: float) -> None:
    r = float(N.round_bf16(np.float32(x)))
    if math.isnan(x):
        assert math.isnan(r)
        return
    assert np.float32(r).view(np.uint32) & 0xFFFF == 0
    if math.isfinite(r):
        step = np.array([-0x10000, 0x10000]) + int(np.float32(r).view(np.uint32))
        for other in step[(step >= 0) & (step < 2**32)].astype(np.uint32).view(np.float32):
            if np.isfinite(other):
                assert abs(r - x) <= abs(float(other) - x)


def test_bf16_from_f64_rounds_once() -> None:
    x = 1 + 2.0**-8 + 2.0**-40  # just above a tie, which float32 cannot tell
    assert N.round_bf16(np.float64(x)) == 1 + 2.0**-7
    assert N.round_bf16(np.float32(x)) == 1.0


def test_bf16_bits_and_back() -> None:
    x = np.array([1.0, -2.5, np.inf, np.nan, 0.0, -0.0], dtype=np.float32)
    bits = N.bf16_bits(x)
    assert bits.dtype == np.uint16
    assert [hex(b) for b in bits] == ["0x3f80", "0xc020", "0x7f80", "0x7fc0", "0x0", "0x8000"]
    np.testing.assert_array_equal(N.bf16_value(bits), x)


def test_division_rounds_to_zero_or_down() -> None:
    x, y = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    assert N.divsi(x, y).tolist() == [3, -3, -3, 3]
    assert N.remsi(x, y).tolist() == [1, -1, 1, -1]
    assert N.floordivsi(x, y).tolist() == [3, -4, -4, 3]
    assert N.ceildivsi(x, y).tolist() == [4, -3, -3, 4]
    assert N.divui(np.int8(-1), np.int8(2)) == 127
    assert N.remui(np.int8(-1), np.int8(16)) == 15


@pytest.mark.parametrize(
    "run",
    [
        lambda: N.divsi(np.int32(1), np.int32(0)),
        lambda: N.divsi(np.int32(-(2**31)), np.int32(-1)),
        lambda: N.remui(np.int32(1), np.int32(0)),
        lambda: N.shli(np.int8(1), np.int8(8)),
        lambda: N.shrsi(np.int8(1), np.int8(-1)),
        lambda: N.fptosi(np.float32(3e9), np.dtype(np.int32)),
        lambda: N.fptosi(np.float32(np.nan), np.dtype(np.int32)),
        lambda: N.fptoui(np.float32(-1), np.dtype(np.int8)),
    ],
)
def test_undefined_operands_are_refused(run) -> None:
    with pytest.raises(N.DomainError):
        run()


def test_shifts_keep_the_width() -> None:
    assert N.shli(np.int8(3), np.int8(7)) == -128
    assert N.shrui(np.int8(-128), np.int8(7)) == 1
    assert N.shrsi(np.int8(-128), np.int8(7)) == -1


def test_i1_is_minus_one_when_signed() -> None:
    t, f = np.bool_(True), np.bool_(False)
    assert N.signed(t) == -1 and N.unsigned(t) == 1
    assert not N.maxsi(t, f) and N.maxui(t, f)
    assert N.sitofp(t, np.dtype(np.float32)) == -1.0


def test_wide_products() -> None:
    assert N.mului_extended(np.int64(-1), np.int64(-1)) == (1, -2)
    assert N.mulsi_extended(np.int32(-5), np.int32(3)) == (-15, -1)
    low, carry = N.addui_extended(np.int8(-1), np.int8(2))
    assert (low, carry) == (1, True)


def test_bit_counts() -> None:
    assert [N.ctpop(np.int8(-1)), N.ctlz(np.int8(1)), N.cttz(np.int8(8))] == [8, 7, 3]
    assert [N.ctlz(np.int8(0)), N.cttz(np.int8(0))] == [8, 8]


def test_extrema_know_signed_zeros_and_nan() -> None:
    assert np.signbit(N.minimumf(np.float32(0.0), np.float32(-0.0)))
    assert not np.signbit(N.maximumf(np.float32(-0.0), np.float32(0.0)))
    assert np.isnan(N.maximumf(np.float32(np.nan), np.float32(1)))
    assert N.maxnumf(np.float32(np.nan), np.float32(1)) == 1


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 1000])
def test_sums_have_the_defined_order(n: int) -> None:
    x = (np.random.default_rng(n).standard_normal(n) * 1e3).astype(np.float32)
    partials = [np.float32(0)] * 64
    for i, v in enumerate(x):
        partials[i % 64] += v
    half = 32
    while half:
        partials = [partials[j] + partials[j + half] for j in range(half)]
        half //= 2
    assert tree_reduce(x, np.add, 0.0).tobytes() == partials[0].tobytes()
