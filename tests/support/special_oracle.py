"""
Special functions to 40 digits with `decimal`: slow, and right wherever the argument is finite.

Each is shifted to where its asymptotic series has more digits than are asked for: with the
recurrences lgamma(x) = lgamma(x + 1) - log|x|, psi_n(x) = psi_n(x + 1) - (-1)**n n! / x**(n + 1),
which also hold left of 0. Abramowitz and Stegun, sections 6.1 to 6.4.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from math import comb, factorial

_DIGITS = 60
_FAR = 40  # from here on, 40 terms of the series have more than 60 digits
_TERMS = 40


@cache
def bernoulli(n: int) -> Fraction:
    """The Bernoulli number B_n, with B_1 = -1/2."""
    if n == 0:
        return Fraction(1)
    return -sum(comb(n + 1, k) * bernoulli(k) for k in range(n)) / Fraction(n + 1)


@cache
def _series(n: int) -> list[Decimal]:
    """The factors of x**(-n - 2k) in psi_n, of x**(1 - 2k) in lgamma for n = -1, k = 1, 2, ..."""
    with localcontext(prec=_DIGITS):
        factors = []
        for k in range(1, _TERMS):
            b = bernoulli(2 * k) / (2 * k) / (2 * k - 1 if n < 0 else 1)
            if n >= 0:
                b *= -Fraction(factorial(2 * k + n - 1), factorial(2 * k - 1)) * (-1) ** n
            factors.append(Decimal(b.numerator) / Decimal(b.denominator))
        return factors


def lgamma(x: float) -> Decimal:
    """log|gamma(x)|; x is no pole."""
    with localcontext(prec=_DIGITS):
        at, below = Decimal(x), Decimal(1)
        while at < _FAR:
            below *= abs(at)
            at += 1
        tail = sum(c * at ** (1 - 2 * k) for k, c in enumerate(_series(-1), 1))
        half_log_two_pi = (2 * _pi()).ln() / 2
        return (at - Decimal("0.5")) * at.ln() - at + half_log_two_pi + tail - below.ln()


def polygamma(n: int, x: float) -> Decimal:
    """The n-th derivative of digamma, n = 0 being digamma itself; x is no pole."""
    with localcontext(prec=_DIGITS):
        at, below, sign = Decimal(x), Decimal(0), (-1) ** n
        while at < _FAR + n:
            below += sign * factorial(n) / at ** (n + 1)
            at += 1
        tail = sum(c * at ** (-n - 2 * k) for k, c in enumerate(_series(n), 1))
        if n == 0:
            return at.ln() - 1 / (2 * at) + tail - below
        head = -sign * (factorial(n - 1) / at**n + factorial(n) / (2 * at ** (n + 1)))
        return head + tail - below


def erf(x: Decimal) -> Decimal:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, by its series; |x| < 7."""
    with localcontext(prec=_DIGITS + 20):
        term, total, k = x, x, 0
        while abs(term) > Decimal(10) ** -(_DIGITS + 10) * abs(total):
            k += 1
            term *= -x * x / k
            total += term / (2 * k + 1)
        return 2 / _pi().sqrt() * total


def erfinv_error(y: float, x: float) -> Decimal:
    """How far `y` is from the inverse of erf at `x`, to first order."""
    with localcontext(prec=_DIGITS):
        at = Decimal(y)
        return (erf(at) - Decimal(x)) / (2 / _pi().sqrt() * (-at * at).exp())


@cache
def _pi() -> Decimal:
    """Machin's formula."""
    with localcontext(prec=_DIGITS + 5):

        def arctan_of_inverse(n: int) -> Decimal:
            power, total, k = Decimal(1) / n, Decimal(0), 0
            while abs(power) > Decimal(10) ** -(_DIGITS + 5):
                total += power / (2 * k + 1) * (-1) ** k
                power /= n * n
                k += 1
            return total

        return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))
