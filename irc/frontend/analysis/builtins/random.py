"""Random draws. Formulas are in draws.py; the stream is module seed, call site, invocation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder
from irc.dialects.nd.linear import matrix_transpose
from irc.dtypes import BOOL, F32, I64, DType
from irc.frontend.analysis import draws
from irc.frontend.analysis.broadcasting import Operand, adapts, binder_size
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.draws import Stream
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.recurrences import number
from irc.frontend.analysis.values import Number, Open, Tensor, Value
from irc.sizes import Size

Dims = tuple[Size, ...]


def _stream(env: Env, call: Call, key: Operand | None) -> Stream:
    """The next call site of the module's stream; with `key`, a stream of its own."""
    site = env.unit.next_site()
    if key is None:
        seed, counter = env.unit.rng()
        return Stream(seed, counter, site, partial(number, env.recurrences))
    with env.at(call.span) as b:
        return Stream(_integer(env, key, "key"), b.full((), I64, 0), site)


def _integer(env: Env, operand: Operand, name: str) -> SSAValue:
    """An i64 scalar."""
    if not adapts(operand.value, I64):
        raise _scalar(env, operand, name, "an integer")
    value = env.tensor(operand.value, I64)
    if value.rank or value.batch or not value.dtype.is_integer:
        raise _scalar(env, operand, name, "an integer")
    return env.b.cast(value.ssa, I64)


def _scalar(env: Env, operand: Operand, name: str, what: str) -> Problem:
    text = spelled(env, operand.node)
    return env.error(
        "E0302",
        f"`{name}` must be one {what.removeprefix('an ').removeprefix('a ')}",
        operand.node.span,
        f"`{text}` is {operand.value.type}",
    )


def _check_scalars(env: Env, **operands: Operand | None) -> None:
    for name, o in operands.items():
        if o is None:
            continue
        typed = isinstance(o.value, Tensor)
        if o.value.dims or o.value.batch or typed and not o.value.dtype.is_float:  # type: ignore[union-attr]
            raise _scalar(env, o, name, "a float")


def _full_dims(env: Env, dims: Dims) -> Dims:
    """Inside a comprehension every value of the index variables has draws of its own."""
    return (*(binder_size(b) for b in env.binders), *dims)


def _open(
    env: Env, call: Call, dims: Dims, write: Callable[[Builder, DType, Dims], SSAValue]
) -> Value:
    """A draw takes the float dtype that it is used in."""
    binders, full = env.binders, _full_dims(env, dims)

    def make(dtype: DType) -> SSAValue:
        with env.at(call.span) as b:
            return write(b, dtype, full)

    return Open(make, "float", dims, call.origin, binders)


def _parameter(env: Env, given: Operand | None, default: int, dtype: DType) -> SSAValue:
    """A scalar of the distribution."""
    if given is None:
        return env.b.full((), dtype, default)
    return env.b.cast(env.tensor(given.value, dtype).ssa, dtype)


def _scaled(b: Builder, x: SSAValue, width: SSAValue, start: SSAValue, full: Dims) -> SSAValue:
    """start + width * x"""
    widths, starts = b.broadcast(width, [], full), b.broadcast(start, [], full)
    return b.add(starts, b.mul(widths, x))


@builtin(
    "uniform(shape: shape, low: number = none, high: number = none, key: number = none)",
    "Numbers in [low, high), by default [0, 1), drawn anew in each call.",
    draws=True,
)
def uniform(
    env: Env, call: Call, dims: Dims, low: Operand | None, high: Operand | None,
    key: Operand | None,
) -> Value:  # fmt: skip
    stream = _stream(env, call, key)
    _check_scalars(env, low=low, high=high)

    def write(b: Builder, dtype: DType, full: Dims) -> SSAValue:
        u = draws.uniform(b, stream, full, dtype)
        if low is None and high is None:
            return u
        bottom, top = _parameter(env, low, 0, dtype), _parameter(env, high, 1, dtype)
        return _scaled(b, u, b.sub(top, bottom), bottom, full)

    return _open(env, call, dims, write)


@builtin(
    "normal(shape: shape, mean: number = none, std: number = none, key: number = none)",
    "Normally distributed numbers, by default of mean 0 and deviation 1.",
    draws=True,
)
def normal(
    env: Env, call: Call, dims: Dims, mean: Operand | None, std: Operand | None,
    key: Operand | None,
) -> Value:  # fmt: skip
    stream = _stream(env, call, key)
    _check_scalars(env, mean=mean, std=std)

    def write(b: Builder, dtype: DType, full: Dims) -> SSAValue:
        x = draws.normal(b, stream, full, dtype)
        if mean is None and std is None:
            return x
        width, centre = _parameter(env, std, 1, dtype), _parameter(env, mean, 0, dtype)
        return _scaled(b, x, width, centre, full)

    return _open(env, call, dims, write)


@builtin(
    "bernoulli(p: number, shape: shape, key: number = none)",
    "true with probability p, a scalar.",
)
def bernoulli(env: Env, call: Call, p: Operand, dims: Dims, key: Operand | None) -> Value:
    full = _full_dims(env, dims)
    if isinstance(p.value, Number) and p.value.value >= 1:
        env.unit.next_site()  # a call site as any other, whatever its probability
        with env.at(call.span) as b:
            return Tensor(b.full(full, BOOL, True), call.origin, env.binders)
    stream = _stream(env, call, key)
    with env.at(call.span) as b:
        limit = env.tensor(p.value, env.floatx)
        if limit.rank or limit.batch or not limit.dtype.is_float:
            raise _scalar(env, p, "p", "a float")
        u = draws.uniform(b, stream, full, limit.dtype)
        below = b.scalar("lt", u, b.broadcast(limit.ssa, [], full))
        return Tensor(below, call.origin, env.binders)


@builtin(
    "randint(low: number, high: number, shape: shape, key: number = none)",
    "Integers (i32) with low <= x < high.",
)
def randint(
    env: Env, call: Call, low: Operand, high: Operand, dims: Dims, key: Operand | None
) -> Value:
    stream, full = _stream(env, call, key), _full_dims(env, dims)
    with env.at(call.span) as b:
        bounds = _integer(env, low, "low"), _integer(env, high, "high")
        return Tensor(draws.integers(b, stream, *bounds, full), call.origin, env.binders)


@builtin(
    "permutation(n: size, key: number = none)",
    "The numbers 0 to n - 1 (i32) in random order.",
)
def permutation(env: Env, call: Call, n: Size, key: Operand | None) -> Value:
    """The order of random words; that of equal ones is not random: below n**2 / 2**33 of them."""
    stream, full = _stream(env, call, key), _full_dims(env, (n,))
    with env.at(call.span) as b:
        order = b.argsort(stream.words(b, full), len(full) - 1)
        return Tensor(order, call.origin, env.binders)


# -- initialisers


def _fan_scaled(name: str, doc: str, normally: bool, gain: float, both: bool) -> None:
    """A row for an initialiser of variance gain / fan, the fan being inputs (plus outputs)."""

    @builtin(f"{name}(shape: shape, key: number = none)", doc, draws=True)
    def build(env: Env, call: Call, dims: Dims, key: Operand | None) -> Value:
        stream = _stream(env, call, key)
        inputs, outputs = draws.fans(dims)
        fan = sizes.size(sizes.poly(inputs) + outputs) if both else inputs

        def write(b: Builder, dtype: DType, full: Dims) -> SSAValue:
            if normally:
                return b.mul(
                    _deviation(b, fan, gain, dtype, full), draws.normal(b, stream, full, dtype)
                )
            u = draws.uniform(b, stream, full, dtype)
            centred = b.sub(b.mul(b.like(u, 2), u), b.like(u, 1))  # variance 1/3
            return b.mul(_deviation(b, fan, 3 * gain, dtype, full), centred)

        return _open(env, call, dims, write)


@builtin(
    "orthogonal(shape: shape, gain: number = none, key: number = none)",
    "A random matrix whose singular values are all 1, or `gain`. Dimensions after the first count "
    "as columns. Saxe, McClelland and Ganguli, ICLR 2014.",
    draws=True,
)
def orthogonal(
    env: Env, call: Call, dims: Dims, gain: Operand | None, key: Operand | None
) -> Value:
    """Made in f64 with as many rows as the smaller side, then turned and given its shape."""
    if len(dims) < 2:
        raise env.error(
            "E0203", "`orthogonal` needs the shape of a matrix", call.span,
            f"this has {len(dims)} dimension{'s' if len(dims) != 1 else ''}",
            helps=["`normal(std=0.1)` draws a vector"],
        )  # fmt: skip
    stream = _stream(env, call, key)
    _check_scalars(env, gain=gain)
    rows, columns = dims[0], sizes.product(dims[1:])
    wide = env.nonnegative(sizes.poly(columns) - rows)
    if not wide and not env.nonnegative(sizes.poly(rows) - columns):
        raise env.unsupported(
            f"`orthogonal` for {rows} rows and {columns} columns: which are more is not known",
            call.span, helps=["give constant sizes, as those of states are"],
        )  # fmt: skip

    def write(b: Builder, dtype: DType, full: Dims) -> SSAValue:
        stack = full[: len(full) - len(dims)]
        if wide:
            x = draws.orthogonal(b, stream, [*stack, rows, columns])
        else:
            x = draws.orthogonal(b, stream, [*stack, columns, rows])
            x = matrix_transpose(b, x)
        x = b.reshape(b.cast(x, dtype), full)
        if gain is None:
            return x
        return b.mul(b.broadcast(_parameter(env, gain, 1, dtype), [], full), x)

    return _open(env, call, dims, write)


def _deviation(b: Builder, fan: Size, gain: float, dtype: DType, full: Dims) -> SSAValue:
    """sqrt(gain / fan), a literal when the fan is known."""
    if isinstance(fan, int):
        return b.full(full, dtype, math.sqrt(gain / max(fan, 1)))
    wide = dtype if dtype.bits > 16 else F32
    count = b.size(fan, wide)
    return b.broadcast(b.cast(b.sqrt(b.div(b.like(count, gain), count)), dtype), [], full)


_GLOROT = "Glorot and Bengio, AISTATS 2010."
_HE = "for rectifiers: He, Zhang, Ren and Sun, ICCV 2015."
_fan_scaled(
    "glorot_uniform", f"Uniform in +-sqrt(6 / (inputs + outputs)). {_GLOROT}", False, 2, True
)
_fan_scaled("glorot_normal", f"Normal of variance 2 / (inputs + outputs). {_GLOROT}", True, 2, True)
_fan_scaled("he_uniform", f"Uniform in +-sqrt(6 / inputs), {_HE}", False, 2, False)
_fan_scaled("he_normal", f"Normal of variance 2 / inputs, {_HE}", True, 2, False)
_fan_scaled("lecun_uniform", "Uniform in +-sqrt(3 / inputs).", False, 1, False)
_fan_scaled("lecun_normal", "Normal of variance 1 / inputs.", True, 1, False)
