"""Small `nd` programs built, run and compared in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.parser import Parser

from irc.dialects import nd
from irc.dialects.nd.arrays import numpy_dtype, rounded
from irc.dtypes import DTYPES, DType
from irc.execution import execute

DTYPE_NAMES = tuple(DTYPES)
FLOATS = ("f16", "bf16", "f32", "f64")
INTEGERS = tuple(n for n, d in DTYPES.items() if d.is_integer)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5, -2.5, 1e-30, 1e30, 3e-45)
Body = Callable[..., SSAValue | Sequence[SSAValue]]


def context() -> Context:
    """Knows the dialects of the first stage."""
    ctx = Context()
    for dialect in (Builtin, func.Func, nd.ND):
        ctx.load_dialect(dialect)
    return ctx


def parse(text: str) -> ModuleOp:
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def program(types: Iterable[tuple[str, Sequence[Any]]], body: Body) -> ModuleOp:
    """
    A module with one function `f`.

    types   dtype name and sizes of each parameter; a size may be a polynomial
    body    called with a Builder and the parameters; what it gives is returned
    """
    arguments = [nd.tensor(DTYPES[name], dims) for name, dims in types]
    block = Block(arg_types=arguments)
    b = nd.Builder(block)
    given = body(b, *block.args)
    results = [given] if isinstance(given, SSAValue) else list(given)
    block.add_op(func.ReturnOp(*results))
    function = func.FuncOp(
        "f", (arguments, [r.type for r in results]), region=Region(block), visibility="public"
    )
    module = ModuleOp([function])
    module.verify()
    return module


def run(module: ModuleOp, *inputs: np.ndarray, function: str = "f") -> list[np.ndarray]:
    """The results of a call that does not fail."""
    outcome = execute(module, function, inputs)
    assert outcome.failure is None, outcome.failure
    return outcome.results


def one(types: Iterable[tuple[str, Sequence[Any]]], body: Body, *inputs: np.ndarray) -> np.ndarray:
    """The only result of a program made on the spot."""
    (result,) = run(program(types, body), *inputs)
    return result


def values(dtype: DType | str, shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Random numbers of the dtype, with its extremes and special values among them."""
    dtype = DTYPES[dtype] if isinstance(dtype, str) else dtype
    rng = np.random.default_rng([seed, len(dtype.name), *map(ord, dtype.name), *shape])
    if dtype.kind == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.is_float:
        x = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3, shape)
        pool: Sequence[float] = SPECIAL
    else:
        x = rng.integers(max(dtype.min, -100), min(dtype.max, 100), shape).astype(object)
        pool = (0, 1, dtype.max, dtype.min, 2, 3)
    special = rng.random(shape) < 0.4
    x = np.where(special, np.array(pool, dtype=object)[rng.integers(0, len(pool), shape)], x)
    if dtype.is_float:
        return rounded(np.asarray(x, dtype=np.float64), dtype)
    return np.asarray(x).astype(numpy_dtype(dtype))


def smooth(dtype: DType | str, shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """Random numbers in (0.2, 0.9), where every function of the dialect is smooth."""
    dtype = DTYPES[dtype] if isinstance(dtype, str) else dtype
    rng = np.random.default_rng([seed, *shape])
    return rounded(rng.uniform(0.2, 0.9, shape), dtype)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in shape, dtype and every bit, except which NaN it is."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    equal = (a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))
    return bool(equal.all())
