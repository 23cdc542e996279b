"""
Special functions in NumPy: what `lgamma`, `digamma`, `polygamma`, `erfc` and `erfinv` mean.

`irc/codegen/c/special.h` takes the same steps in C. All compute in float64. Bounds measured in
tests/numbers/test_special_functions.py, in ulp of the result: 4 for lgamma right of 0, digamma
right of 0, polygamma right of 0 up to order 10, erfc and erfinv. Left of 0, where lgamma and
digamma cross zero between any two poles, 4 ulp of 1 or of the largest number that the result is
summed from (log(pi / |x sin(pi x)|) and lgamma(|x|); digamma(1 - x) and pi cot(pi x)).

Sources: Abramowitz and Stegun, sections 6.1, 6.3, 6.4 and 23.1 (series, recurrences, reflections,
Euler and Maclaurin's formula for the zeta function of Hurwitz). The polynomials are Chebyshev
interpolations made with 60 digits. The start of erfinv: Giles, "Approximating the erfinv function",
GPU Computing Gems Jade (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# lgamma(2 + t) = t * P(t) for -4/5 <= t <= 1/2, from the constant term on.
LGAMMA = (
    0.42278433509846713, 0.3224670334241132, -0.06735230105319813, 0.02058080842778422,
    -0.00738555102867026, 0.002890510330765932, -0.00119275391186675, 0.0005096695238730601,
    -0.0002231547549546326, 9.945753038044688e-05, -4.4926276727667145e-05, 2.0506994697472955e-05,
    -9.439254859453876e-06, 4.376570012219934e-06, -2.0395823595317164e-06, 9.468274312904266e-07,
    -4.528080072224644e-07, 2.360026171754807e-07, -7.691169573461616e-08, 1.3974857115356602e-08,
    -8.009618158906841e-08, 1.586136710702118e-08, 4.669634202292226e-08, 3.064311738749307e-08,
)  # fmt: skip
# digamma(z + t) = t * R(t) for -1/2 <= t <= 3/4, z = ROOT[0] + ROOT[1] being its zero.
DIGAMMA = (
    0.9676722454476212, -0.442763168983592, 0.2584997609556462, -0.16394270544242315,
    0.10782405069193934, -0.0721995612555931, 0.048804288126859566, -0.03316112648058635,
    0.02259764928225099, -0.015424766537910847, 0.010538774612636031, -0.0072045138400178245,
    0.004926947077656494, -0.003370097796507213, 0.002304171006037722, -0.0015745299907102,
    0.0010816388175734267, -0.000749582280213715, 0.0005043444917994369, -0.0003147266327462315,
    0.00021454497268374838, -0.000197132004786699, 0.00016715919791147763, -8.566387864302922e-05,
    1.8676852117500698e-05,
)  # fmt: skip
ROOT = (1.4616321449683622, 9.549995429965697e-17)
# B(2k) / (2k (2k - 1)): lgamma(x) = (x - 1/2)(log x - 1) + c + sum of these times x**(1 - 2k).
STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188, -174611 / 125400, 77683 / 5796,
)  # fmt: skip
HALF_LOG_2PI = 0.4189385332046727  # (log(2 pi) - 1) / 2
# B(2k) / 2k: digamma(x) = log x - 1/2x - sum of these times x**-2k.
DIGAMMA_FAR = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
    43867 / 14364, -174611 / 6600, 77683 / 276,
)  # fmt: skip
# B(2k) / (2k)!, the weights of Euler and Maclaurin.
MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
    -174611 / 802857662698291200000, 77683 / 14101100039391805440000,
    -236364091 / 1693824136731743669452800000,
)  # fmt: skip
FAR = 8.0  # from here on the asymptotic series of lgamma and digamma have all digits
LARGEST_ORDER = 170  # 171! is no float64


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """The polynomial with these coefficients, the constant term first."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _pieces(x: Array, *cases: tuple[Any, Callable[[Array], Array]]) -> Array:
    """Each element by the first case whose condition holds for it; NaN where none does."""
    result, open_ = np.full_like(x, np.nan), np.ones(x.shape, bool)
    for condition, f in cases:
        here = open_ & condition
        if here.any():
            result[here] = f(x[here])
        open_ &= ~here
    return result


def _elementwise(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """`f` of a flat float64 array, for arrays of any shape and float dtype."""

    def apply(x: Array) -> Array:
        x = np.asarray(x)
        with np.errstate(all="ignore"):
            return f(x.astype(np.float64).reshape(-1)).reshape(x.shape).astype(x.dtype)

    return apply


def _sin_pi(x: Array) -> Array:
    """|sin(pi x)|, 0 exactly at the integers."""
    return np.abs(np.sin(np.pi * (x - np.rint(x))))


# -- lgamma


@_elementwise
def lgamma(x: Array) -> Array:
    """log|gamma(x)|; infinite at the poles 0, -1, -2, ... and at both infinities."""
    return _pieces(
        x,
        (np.isinf(x) | (x <= 0) & (x == np.rint(x)), lambda x: np.full_like(x, np.inf)),
        (x <= -0.5, lambda x: np.log(np.pi / (_sin_pi(x) * -x)) - lgamma(-x)),
        (x < 0.5, lambda x: x * horner(x, LGAMMA) - np.log1p(x) - np.log(np.abs(x))),
        (x < 1.2, lambda x: (x - 1) * horner(x - 1, LGAMMA) - np.log1p(x - 1)),
        (x < FAR, _lgamma_middle),
        (x >= FAR, _lgamma_far),
    )


def _lgamma_middle(x: Array) -> Array:
    """lgamma(y + k) = lgamma(y) + log(y (y + 1) ... (y + k - 1)), 6/5 <= y < 5/2."""
    product = np.ones_like(x)
    for _ in range(6):
        down = x >= 2.5
        x = np.where(down, x - 1, x)
        product = np.where(down, product * x, product)
    return (x - 2) * horner(x - 2, LGAMMA) + np.log(product)


def _lgamma_far(x: Array) -> Array:
    inverse = 1 / x
    tail = inverse * horner(inverse * inverse, STIRLING)
    return (x - 0.5) * (np.log(x) - 1) + (HALF_LOG_2PI + tail)


# -- digamma and its derivatives


@_elementwise
def digamma(x: Array) -> Array:
    """The derivative of lgamma; -inf at 0, inf at -0, NaN at the poles left of it."""
    return _pieces(
        x,
        (x == 0, lambda x: -1 / x),
        ((x < 0) & (x == np.rint(x)), lambda x: np.full_like(x, np.nan)),
        (x < 0, lambda x: digamma(1 - x) - np.pi / np.tan(np.pi * (x - np.rint(x)))),
        (x < ROOT[0] - 0.5, lambda x: _digamma_near(x + 1) - 1 / x),
        (x < FAR, _digamma_middle),
        (x >= FAR, _digamma_far),
    )


def _digamma_near(x: Array) -> Array:
    t = (x - ROOT[0]) - ROOT[1]
    return t * horner(t, DIGAMMA)


def _digamma_middle(x: Array) -> Array:
    """digamma(y + k) = digamma(y) + 1/y + ... + 1/(y + k - 1), y near the zero."""
    total = np.zeros_like(x)
    for _ in range(6):
        down = x >= ROOT[0] + 0.75
        x = np.where(down, x - 1, x)
        total = np.where(down, total + 1 / x, total)
    return _digamma_near(x) + total


def _digamma_far(x: Array) -> Array:
    inverse = 1 / x
    z = inverse * inverse
    return np.log(x) - (0.5 * inverse + z * horner(z, DIGAMMA_FAR))


def polygamma(order: Array, x: Array) -> Array:
    """
    The derivative of digamma of the given order, a whole number from 0 to 170; NaN for others.

    (-1)**(n + 1) n! times the sum of (x + k)**-(n + 1) over k = 0, 1, ...
    """
    order, x = np.broadcast_arrays(order, x)
    result = np.full(x.shape, np.nan)
    for n in np.unique(order):
        if n == np.rint(n) and 0 <= n <= LARGEST_ORDER:
            here = order == n
            result[here] = digamma(x[here]) if n == 0 else _derivative(int(n), x[here])
    return result.astype(x.dtype)


def _derivative(n: int, x: Array) -> Array:
    """
    Left of 1/2, the sum is that of all whole steps to both sides without those left of x: for
    x = r - m and |r| <= 1/2, r**-s + zeta(s, 1 + r) + (-1)**s (zeta(s, 1 - r) - zeta(s, 1 - x)).
    """
    s, x = float(n + 1), x.astype(np.float64)
    with np.errstate(all="ignore"):
        r = x - np.rint(x)
        back = _zeta(s, 1 - r) - _zeta(s, 1 - x)
        both = np.power(r, -s) + _zeta(s, 1 + r) + (back if n % 2 else -back)
        total = math.factorial(n) * np.where(x < 0.5, both, _zeta(s, x))
    return total if n % 2 else -total


def _zeta(s: float, q: Array) -> Array:
    """Hurwitz's zeta function for q >= 1/2: terms below 10 + s, then Euler and Maclaurin."""
    a, terms = q.copy(), []
    for _ in range(10 + int(s)):
        near = a < 10 + s
        terms.append(np.where(near, np.power(a, -s), 0))
        a = np.where(near, a + 1, a)
    power = np.power(a, -s)
    tail, factor = np.power(a, 1 - s) / (s - 1) + 0.5 * power, s * power / a
    for k, weight in enumerate(MACLAURIN):
        tail = tail + weight * factor
        factor = factor * ((s + 2 * k + 1) * (s + 2 * k + 2)) / (a * a)
    for term in reversed(terms):
        tail = tail + term
    return np.where(np.isinf(q), np.where(q > 0, 0, np.nan), tail)


# -- the error function's relatives

_ERF = np.frompyfunc(math.erf, 1, 1)
_ERFC = np.frompyfunc(math.erfc, 1, 1)


@_elementwise
def erf(x: Array) -> Array:
    """The C library's function; NumPy has none."""
    return np.asarray(_ERF(x)).astype(np.float64)


@_elementwise
def erfc(x: Array) -> Array:
    """1 - erf(x), the C library's function."""
    return np.asarray(_ERFC(x)).astype(np.float64)


ERFINV_NEAR = (
    1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06,
    -3.5233877e-06, 3.43273939e-07, 2.81022636e-08,
)  # fmt: skip
ERFINV_FAR = (
    2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844,
    0.00134934322, 0.000100950558, -0.000200214257,
)  # fmt: skip


@_elementwise
def erfinv(x: Array) -> Array:
    """The y with erf(y) = x; infinite at -1 and 1, NaN outside."""
    size = np.abs(x)
    return _pieces(
        x,
        (size == 1, lambda x: x * np.inf),
        (size == 0, lambda x: x),
        (size < 1, lambda x: np.copysign(_erfinv(np.abs(x)), x)),
    )


def _erfinv(x: Array) -> Array:
    """
    A start with 7 digits (with 2 where 1 - x is tiny) and three steps of Halley's method: on erf,
    or on erfc near 1.
    """
    w = -np.log((1 - x) * (1 + x))
    near = horner(w - 2.5, ERFINV_NEAR)
    far = horner(np.sqrt(w) - 3, ERFINV_FAR)
    y = x * np.where(w < 5, near, np.where(w < 16, far, np.sqrt(w - 0.5 * np.log(np.pi * w))))
    for _ in range(3):
        off = np.where(x < 0.5, erf(y) - x, (1 - x) - erfc(y))
        step = off * (math.sqrt(math.pi) / 2) * np.exp(y * y)
        y = y - step / (1 + y * step)
    return y
