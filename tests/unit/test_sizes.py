"""Polynomials in symbolic sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irc.sizes import Poly, const, parse, poly, product, root, size, var

N, M = var("n"), var("m")
VALUES = st.fixed_dictionaries({"n": st.integers(0, 9), "m": st.integers(0, 9)})
Pair = tuple[Poly, Callable[[dict[str, int]], int]]


def leaf() -> st.SearchStrategy[Pair]:
    numbers = st.integers(-5, 5).map(lambda c: (const(c), lambda v, c=c: c))
    names = st.sampled_from("nm").map(lambda s: (var(s), lambda v, s=s: v[s]))
    return numbers | names


def combined(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def binary(op: str, a: Pair, b: Pair) -> Pair:
        (p, f), (q, g) = a, b
        return {
            "+": (p + q, lambda v: f(v) + g(v)),
            "-": (p - q, lambda v: f(v) - g(v)),
            "*": (p * q, lambda v: f(v) * g(v)),
        }[op]

    def quotient(a: Pair, d: int) -> Pair:
        return a[0] // d, lambda v: a[1](v) // d

    def rooted(a: Pair) -> Pair:
        return poly(root(a[0])), lambda v: isqrt(max(0, a[1](v)))

    return (
        st.builds(binary, st.sampled_from("+-*"), inner, inner)
        | st.builds(quotient, inner, st.integers(1, 4))
        | st.builds(rooted, inner)
    )


pairs = st.recursive(leaf(), combined, max_leaves=6)


@given(pair=pairs, values=VALUES)
def test_arithmetic_is_that_of_integers(pair: Pair, values: dict[str, int]) -> None:
    assert pair[0].evaluate(values) == pair[1](values)


@given(pair=pairs)
def test_text_reads_back(pair: Pair) -> None:
    assert parse(str(pair[0])) == pair[0]
    assert str(parse(str(pair[0]))) == str(pair[0])


@given(pair=pairs, values=VALUES)
def test_substitution_is_evaluation(pair: Pair, values: dict[str, int]) -> None:
    assert pair[0].substitute(values) == pair[0].evaluate(values)
    assert pair[0].substitute({}) == pair[0]


@given(pair=pairs, values=VALUES)
def test_what_is_proved_holds(pair: Pair, values: dict[str, int]) -> None:
    if pair[0].nonnegative():
        assert pair[0].evaluate(values) >= 0


def test_normal_form_decides_equality() -> None:
    assert (N + 1) * (N - 1) == N * N - 1
    assert (N + M) * 2 == M + N + M + N
    assert N != M and N + 1 != N
    assert hash(N * M) == hash(M * N)
    assert (4 * N + 2) // 2 == 2 * N + 1
    assert (2 * N + 1) // 2 == N
    assert (N + 1) // 2 != N // 2


def test_constants_are_ints_in_types() -> None:
    assert size(N - N + 3) == 3 and isinstance(size(N - N + 3), int)
    assert const(3) == 3 and hash(const(3)) == hash(3)
    assert poly(4).constant == 4 and N.constant is None and (N - N).constant == 0
    assert product([2, N, 3]) == 6 * N and product([]) == 1 and product([N, 0]) == 0


def test_names() -> None:
    assert N.name == "n" and (N + 0).name == "n" and (2 * N).name is None
    assert (N * M + (N + var("k")) // 2).symbols() == {"n", "m", "k"}


def test_facts_are_used() -> None:
    assert not (N - 1).nonnegative()
    assert (N - 1).nonnegative([N - 1])
    assert (N + M - 2).nonnegative([N - 1, M - 1])
    assert not (N - M).nonnegative([N - 1, M - 1])


def test_quotients_have_bounds() -> None:
    """n//2 + 1 >= (n + 1)//2 >= n/2, and the like: a proof holds for every n."""
    assert (N // 2 + 1 - (N + 1) // 2).nonnegative()
    assert (2 * ((N + 1) // 2) - N).nonnegative() and (N - 2 * (N // 2)).nonnegative()
    assert not (2 * (N // 2) - N).nonnegative() and not (N // 2 - (N + 1) // 2).nonnegative()
    proved = 0
    for a, b, c, d, k in itertools.product((1, 2), (-2, -1, 1, 3), (-1, 0, 2), (2, 3), (-1, 0, 1)):
        p = a * ((N + c) // d) + b * ((2 * N + k) // 3) + k * N + c
        if p.nonnegative():
            proved += 1
            assert all(p.evaluate({"n": n}) >= 0 for n in range(40)), str(p)
    assert proved > 20


def test_a_quotient_has_a_small_constant() -> None:
    assert (N - 1) // 2 == (N + 1) // 2 - 1 and (N + 7) // 3 == (N + 1) // 3 + 2
    for n in range(9):
        assert ((N - 5) // 3).evaluate({"n": n}) == (n - 5) // 3
    assert str(N // 2) == "n//2" and str(2 * (N // 2) + 1) == "2*(n//2) + 1"
    assert parse("n//2 + m") == N // 2 + M and parse(str(-(N // 2))) == -(N // 2)


def test_division_by_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="division of a size by 0"):
        N // 0


def test_roots() -> None:
    assert root(17) == 4 and root(-3) == 0
    assert str(root(N + 1)) == "root(n + 1)" and parse("root(n + 1)") == root(N + 1)
    assert parse("root + n") == var("root") + N
    assert (N - poly(root(N)) * root(N)).nonnegative()
    assert not (poly(root(N)) - 1).nonnegative()
    with pytest.raises(ValueError, match="is not a size"):
        parse("root(n")
