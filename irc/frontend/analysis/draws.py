"""
Random numbers as pure tensor expressions over the Philox counter.

Every draw reads 32-bit words of `nd.philox`, so it is the same at any level, thread count and
device. Formulas: Box and Muller, Ann. Math. Stat. 29 (1958) for the normal distribution; the
multiply-shift of Lemire, ACM TOMACS 29 (2019), without its rejection step, for integers (the
bias of a range r is below r / 2**32).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder, dims_of, linear
from irc.dtypes import F32, F64, I32, I64, U64, DType, accumulator
from irc.sizes import Size


@dataclass(frozen=True)
class Stream:
    """
    Where a draw takes its words: module seed, invocation counter (i64 scalars), call site.

    step    writes the number of the step, an i64 scalar, where a recurrence draws: each step
            takes the words behind those of the step before
    """

    seed: SSAValue
    counter: SSAValue
    site: int
    step: Callable[[Builder], SSAValue | None] = lambda b: None

    def words(self, b: Builder, dims: Sequence[Size]) -> SSAValue:
        """A u32 tensor of random bits."""
        step = self.step(b)
        if step is not None:
            step = b.mul(step, b.size(sizes.product(dims)))
        return b.philox(self.seed, self.counter, self.site, dims, step)


def uniform(b: Builder, stream: Stream, dims: Sequence[Size], dtype: DType) -> SSAValue:
    """Multiples of 2**-24 (2**-53 in f64) in [0, 1)."""
    wide = accumulator(dtype)
    if wide is F64:
        return _unit_f64(b, *_pair(b, stream, dims))
    return b.cast(_unit_f32(b, stream.words(b, dims)), dtype)


def normal(b: Builder, stream: Stream, dims: Sequence[Size], dtype: DType) -> SSAValue:
    """The standard normal distribution: sqrt(-2 log(1 - u)) cos(2 pi v), u and v uniform."""
    wide = accumulator(dtype)
    if wide is F64:
        u = _unit_f64(b, *_pair(b, stream, [*dims, 2]))
        both = [_part(b, u, k) for k in (0, 1)]
    else:
        both = [_unit_f32(b, w) for w in _pair(b, stream, dims)]
    u, v = both
    radius = b.sqrt(b.mul(b.like(u, -2), b.log(b.sub(b.like(u, 1), u))))
    angle = b.cos(b.mul(b.like(v, 2 * math.pi), v))
    return b.cast(b.mul(radius, angle), dtype)


def orthogonal(b: Builder, stream: Stream, dims: Sequence[Size]) -> SSAValue:
    """
    f64 matrices (the last two of `dims`, columns no fewer than rows) with orthonormal rows: l⁻¹ x
    for normal x and the Cholesky factor l of x xᵀ, which is uniform among all of them.

    Three times, the first with a little added to the diagonal, which keeps l positive definite
    however small a singular value x has: Fukaya, Kannan, Nakatsukasa, Yamamoto and Yanagisawa,
    "Shifted Cholesky QR for computing the QR factorization of ill-conditioned matrices", SIAM J.
    Sci. Comput. 42 (2020).
    """
    x = normal(b, stream, dims, F64)
    rank = len(dims)
    m, n = dims[-2:]
    for shifted in (True, False, False):
        square = linear.product(b, x, x, "y")
        if shifted:
            unit = linear.identity(b, square)
            trace = b.sum(b.mul(square, unit), [rank - 2, rank - 1])
            terms = b.size(sizes.size(11 * sizes.poly(m) * (sizes.poly(m) + n + 1)), F64)
            shift = b.mul(b.broadcast(b.mul(terms, b.like(terms, 2.0**-53)), [], dims[:-2]), trace)
            added = b.broadcast(shift, range(rank - 2), dims_of(square))
            square = b.add(square, b.mul(unit, added))
        x = b.triangular_solve(b.cholesky(square), x, lower=True)
    return x


def integers(
    b: Builder, stream: Stream, low: SSAValue, high: SSAValue, dims: Sequence[Size]
) -> SSAValue:
    """i32 in [low, high), bounds being i64 scalars; `low` when the range is empty."""
    span = b.scalar("maximum", b.sub(high, low), b.full((), I64, 1))
    word = b.cast(stream.words(b, dims), U64)
    scaled = b.mul(word, b.broadcast(b.cast(span, U64), [], dims))
    offset = b.scalar("shift_right", scaled, b.like(scaled, 32))
    return b.cast(b.add(b.cast(offset, I64), b.broadcast(low, [], dims)), I32)


def fans(dims: Sequence[Size]) -> tuple[Size, Size]:
    """
    Inputs and outputs of one unit of a weight: (n, m) for a matrix f32[n, m]; for filters
    f32[out, in, k..] the channels times the elements of a filter; (n, n) for a vector.
    """
    if len(dims) == 2:
        return dims[0], dims[1]
    if len(dims) < 2:
        n = dims[0] if dims else 1
        return n, n
    field = sizes.product(dims[2:])
    return sizes.product([dims[1], field]), sizes.product([dims[0], field])


def _unit_f32(b: Builder, word: SSAValue) -> SSAValue:
    high = b.scalar("shift_right", word, b.like(word, 8))
    unit = b.cast(high, F32)
    return b.mul(unit, b.like(unit, 2.0**-24))


def _unit_f64(b: Builder, first: SSAValue, second: SSAValue) -> SSAValue:
    high = b.cast(b.scalar("shift_right", first, b.like(first, 5)), F64)
    low = b.cast(b.scalar("shift_right", second, b.like(second, 6)), F64)
    both = b.add(b.mul(high, b.like(high, 2.0**26)), low)
    return b.mul(both, b.like(both, 2.0**-53))


def _pair(b: Builder, stream: Stream, dims: Sequence[Size]) -> tuple[SSAValue, SSAValue]:
    """Two words for each element, neighbours in the stream."""
    words = stream.words(b, [*dims, 2])
    return _part(b, words, 0), _part(b, words, 1)


def _part(b: Builder, x: SSAValue, k: int) -> SSAValue:
    """Element k of the last axis."""
    dims = dims_of(x)[:-1]
    window = b.slice(x, [*dims, 1], [0] * len(dims) + [k], [1] * (len(dims) + 1))
    return b.reshape(window, dims)
