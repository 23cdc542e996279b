"""Elementary functions from arithmetic: error in ulp over the whole range, special values."""

from __future__ import annotations

import numpy as np
import pytest
from kernels import Kernels, compile_module, context, lower, parse_module
from linalg_text import empty, generic, tensor

from irc.passes.loops.expand_math import ExpandMathPass

pytestmark = pytest.mark.cc

LIMITS = {
    "exp": 1.0, "exp2": 1.1, "expm1": 2.0, "tanh": 3.0,
    "log": 1.0, "log2": 2.5, "log10": 3.5, "log1p": 1.0,
}  # fmt: skip
DTYPES = {"f32": (np.float32, np.float64), "f64": (np.float64, np.longdouble)}
COUNT = 200_000


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    text = ""
    for dtype in DTYPES:
        type_ = tensor(("n",), dtype)
        for name in LIMITS:
            body = empty("e", ("n",), dtype) + generic(
                "y", "i", [("x", "i", ("n",))], ("e", "i", ("n",)),
                f"  %r = math.{name} %a : {dtype}\n  linalg.yield %r : {dtype}", dtype,
            )  # fmt: skip
            text += (
                f"func.func @{name}_{dtype}(%n: index, %x: {type_}) -> {type_} {{\n{body}"
                f"func.return %y : {type_}\n}}\n"
            )
    module = lower(parse_module(text), threads=1)
    ExpandMathPass().apply(context(), module)
    module.verify()
    assert not any(op.name in {f"math.{name}" for name in LIMITS} for op in module.walk())
    return compile_module(module)


def samples(name: str, dtype: type) -> np.ndarray:
    """Numbers of all magnitudes, more of them where a function bends, and the special ones."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    if name.startswith("log"):
        low, high = np.log2(float(info.smallest_subnormal)) + 1, info.maxexp - 0.01
        wide = np.exp2(rng.uniform(low, high, COUNT))
        near = rng.uniform(0.5, 2.0, COUNT) if name != "log1p" else rng.uniform(-0.99, 2.0, COUNT)
        small = rng.standard_normal(COUNT) * np.exp2(rng.uniform(-60, -2, COUNT))
        parts = [wide, near] + ([np.maximum(small, -0.9)] if name == "log1p" else [])
    else:
        limit = 110 if dtype is np.float32 else 760
        wide = rng.uniform(-limit, limit, COUNT) * (1.5 if name == "exp2" else 1)
        parts = [wide, rng.standard_normal(COUNT) * 3]
        parts.append(rng.standard_normal(COUNT) * np.exp2(rng.uniform(-60, 0, COUNT)))
    special = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, np.inf, -np.inf, np.nan, info.max, -info.max]
    special += [info.tiny, -info.tiny, info.smallest_subnormal, -info.smallest_subnormal]
    return np.concatenate([np.array(special), *parts]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LIMITS)
def test_error(kernels: Kernels, name: str, dtype: str) -> None:
    narrow, wide = DTYPES[dtype]
    x = samples(name, narrow)
    got = np.zeros_like(x)
    assert kernels(f"{name}_{dtype}", {"n": len(x)}, [x], [got]) == 0
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(wide))
        want = exact.astype(narrow)
    finite = np.isfinite(want) & np.isfinite(got)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    # At the edge of overflow either side may round to infinity.
    edge = np.abs(exact) > np.finfo(narrow).max * (1 - 4 * np.finfo(narrow).eps)
    assert (same | finite | (edge & ~np.isnan(want))).all()
    assert (np.signbit(got) == np.signbit(want))[~np.isnan(want)].all()
    unit = np.spacing(np.abs(want[finite])).astype(wide)
    error = np.abs(got[finite].astype(wide) - exact[finite]) / unit
    worst = int(error.argmax())
    assert error[worst] <= LIMITS[name], (x[finite][worst], error[worst])
