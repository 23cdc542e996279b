"""
Symbolic sizes: polynomials with integer coefficients in the names of sizes.

Two sizes are equal when their normal forms are, so equality is a dictionary comparison.
A quotient by a positive constant, as in `(n + 1)//2`, and a root, as in `root(n)`, are atoms of
their own.
Variables stand for sizes and are never negative; further knowledge comes as `facts`,
polynomials known to be >= 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import isqrt, lcm
from typing import Union

Atom = Union[str, "Quotient", "Root"]
Monomial = tuple[tuple[Atom, int], ...]  # sorted (atom, exponent) pairs; () is the constant
Size = Union[int, "Poly"]


class Quotient:
    """The atom floor(numerator / divisor), divisor > 0."""

    __slots__ = ("numerator", "divisor", "_hash")

    def __init__(self, numerator: Poly, divisor: int) -> None:
        self.numerator = numerator
        self.divisor = divisor
        self._hash = hash((numerator, divisor))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Quotient)
            and self.divisor == other.divisor
            and self.numerator == other.numerator
        )

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        name = self.numerator.name
        return f"({name or f'({self.numerator})'}//{self.divisor})"

    def __repr__(self) -> str:  # what sorts monomials; an address would be another one each time
        return str(self)


class Root:
    """The atom floor(sqrt(radicand)); 0 for a radicand below 0."""

    __slots__ = ("radicand", "_hash")

    def __init__(self, radicand: Poly) -> None:
        self.radicand = radicand
        self._hash = hash((radicand, "root"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Root) and self.radicand == other.radicand

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"root({self.radicand})"

    __repr__ = __str__


class Poly:
    """An immutable polynomial. Build with `var`, `const`, `root`, `parse`, + - * and //."""

    __slots__ = ("terms", "_hash", "_text")
    terms: dict[Monomial, int]

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self.terms = {m: c for m, c in terms.items() if c}
        self._hash: int | None = None
        self._text: str | None = None

    # -- arithmetic

    def __add__(self, other: Size) -> Poly:
        terms = dict(self.terms)
        for monomial, c in poly(other).terms.items():
            terms[monomial] = terms.get(monomial, 0) + c
        return Poly(terms)

    __radd__ = __add__

    def __neg__(self) -> Poly:
        return Poly({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Size) -> Poly:
        return self + -poly(other)

    def __rsub__(self, other: Size) -> Poly:
        return poly(other) - self

    def __mul__(self, other: Size) -> Poly:
        terms: dict[Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in poly(other).terms.items():
                m = _times(m1, m2)
                terms[m] = terms.get(m, 0) + c1 * c2
        return Poly(terms)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Poly:
        """
        Floor of the quotient. What divides evenly leaves the quotient's atom, whose constant is
        below the divisor: (n - 1)//2 is (n + 1)//2 - 1.
        """
        if divisor <= 0:
            raise ValueError(f"division of a size by {divisor}")
        whole = {m: c // divisor for m, c in self.terms.items() if not m or c % divisor == 0}
        rest = Poly({m: c % divisor if not m else c for m, c in self.terms.items() if c % divisor})
        if rest.constant is not None:
            return Poly(whole)
        return Poly(whole) + Poly({((Quotient(rest, divisor), 1),): 1})

    # -- comparison

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.constant == other
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            k = self.constant
            self._hash = hash(k) if k is not None else hash(frozenset(self.terms.items()))
        return self._hash

    @property
    def constant(self) -> int | None:
        """The value, when there is no variable."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 and () in self.terms else None

    @property
    def name(self) -> str | None:
        """The variable, when the polynomial is just one."""
        if len(self.terms) == 1:
            ((monomial, c),) = self.terms.items()
            if c == 1 and len(monomial) == 1 and monomial[0][1] == 1:
                atom = monomial[0][0]
                return atom if isinstance(atom, str) else None
        return None

    def symbols(self) -> set[str]:
        """Names of all variables, those inside quotients and roots too."""
        found: set[str] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                found |= {atom} if isinstance(atom, str) else _inside(atom).symbols()
        return found

    def nonnegative(self, facts: Iterable[Poly] = ()) -> bool:
        """
        Whether >= 0 is proved for all sizes that satisfy `facts` (each >= 0).

        Complete for coefficients that are all >= 0; otherwise puts bounds in for quotients, and
        subtracts one or two facts.
        """
        if _is_sum(self):
            return True
        facts = [*facts, *_of_roots(self)]
        once = [self - f for f in facts]
        if any(_is_sum(p) for p in once):
            return True
        return any(_is_sum(p - f) for p in once for f in facts)

    # -- evaluation

    def substitute(self, values: Mapping[str, Size]) -> Poly:
        """The polynomial with variables replaced."""
        total = const(0)
        for monomial, c in self.terms.items():
            term = const(c)
            for atom, power in monomial:
                if isinstance(atom, str):
                    base = poly(values[atom]) if atom in values else var(atom)
                elif isinstance(atom, Quotient):
                    base = atom.numerator.substitute(values) // atom.divisor
                else:
                    base = poly(root(atom.radicand.substitute(values)))
                for _ in range(power):
                    term = term * base
            total = total + term
        return total

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The value for given sizes; KeyError names a missing one."""
        total = 0
        for monomial, c in self.terms.items():
            for atom, power in monomial:
                if isinstance(atom, str):
                    c *= values[atom] ** power
                elif isinstance(atom, Quotient):
                    c *= (atom.numerator.evaluate(values) // atom.divisor) ** power
                else:
                    c *= isqrt(max(0, atom.radicand.evaluate(values))) ** power
            total += c
        return total

    # -- text

    def __str__(self) -> str:
        if self._text is None:
            self._text = _spell(self.terms)
        return self._text

    def __repr__(self) -> str:
        return f"Poly({self})"


def var(name: str) -> Poly:
    """The size called `name`."""
    return Poly({((name, 1),): 1})


def const(value: int) -> Poly:
    """A known size."""
    return Poly({(): value})


def root(of: Size) -> Size:
    """The square root, rounded down; 0 for what is below 0."""
    value = size(of)
    if isinstance(value, int):
        return isqrt(max(0, value))
    return Poly({((Root(value), 1),): 1})


def poly(size: Size) -> Poly:
    """`size` as a polynomial."""
    return size if isinstance(size, Poly) else const(size)


def size(value: Size) -> Size:
    """`value`, as an int when it is constant: the form sizes have in types."""
    if isinstance(value, int):
        return value
    constant = value.constant
    return value if constant is None else constant


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes: the number of elements of a shape."""
    total: Size = 1
    for s in sizes:
        total = s * total if isinstance(s, Poly) else total * s
    return size(total)


@lru_cache(maxsize=4096)
def parse(text: str) -> Poly:
    """
    Reads what `str` of a polynomial writes: `2*n + 1`, `(n + 1)//2`, `n**2`, `root(n)`.

    Raises ValueError for any other text.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        raise ValueError(f"`{text}` is not a size")
    reader = _Reader([*tokens, ""])
    try:
        value = reader.sum(0)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`{text}` is not a size") from error
    if reader.next != "":
        raise ValueError(f"`{text}` is not a size")
    return value


_TOKEN = re.compile(r"\d+(?!\w)|[^\W\d]\w*|\*\*|//|[-+*()?]")
MAX_PARENTHESES = 50
MAX_POWER = 16


class _Reader:
    """
    Reads a polynomial from tokens; any name will do, those that Python keeps for itself too.

    Its functions raise ValueError for what is not one.
    """

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at]

    def take(self, *wanted: str) -> str:
        """The next token if it is one of `wanted`, else ""."""
        token = self.next
        if token not in wanted:
            return ""
        self.at += 1
        return token

    def sum(self, depth: int) -> Poly:
        value = -self.product(depth) if self.take("-") else self.product(depth)
        while op := self.take("+", "-"):
            term = self.product(depth)
            value = value + term if op == "+" else value - term
        return value

    def product(self, depth: int) -> Poly:
        value = self.power(depth)
        while op := self.take("*", "//"):
            factor = self.power(depth)
            value = value * factor if op == "*" else value // _constant(factor)
        return value

    def power(self, depth: int) -> Poly:
        value = self.atom(depth)
        if self.take("**"):
            base, value = value, const(1)
            exponent = _constant(self.atom(depth))
            if not 0 <= exponent <= MAX_POWER:
                raise ValueError("the exponent is not between 0 and 16")
            for _ in range(exponent):
                value = value * base
        return value

    def atom(self, depth: int) -> Poly:
        if self.take("("):
            if depth >= MAX_PARENTHESES:
                raise ValueError("too many parentheses")
            value = self.sum(depth + 1)
            if not self.take(")"):
                raise ValueError("a parenthesis is not closed")
            return value
        if self.take("-"):
            return -self.power(depth)
        token = self.next
        if token.isdecimal():
            self.at += 1
            return const(int(token))
        if token and (token[0].isalpha() or token[0] == "_"):
            self.at += 1
            if token == "root" and self.next == "(":
                return poly(root(self.atom(depth)))
            return var(token)
        raise ValueError("a size is missing")


def _constant(value: Poly) -> int:
    if (k := value.constant) is None:
        raise ValueError("a number is needed")
    return k


def _is_sum(p: Poly) -> bool:
    """Whether `p`, or what is below it without quotients, is a sum of products >= 0."""
    if _adds_up(p):
        return True
    bound = _without_quotients(p)
    return bound is not None and _adds_up(bound)


def _without_quotients(p: Poly) -> Poly | None:
    """
    A polynomial that is negative wherever `p` is; None when `p` has no quotients to replace.

    With (a - d + 1)/d <= a//d <= a/d, times the least common multiple m of the divisors. An
    integer is negative when it is at most -1, so m - 1 may be added.
    """
    floors: dict[Monomial, Quotient] = {}
    for monomial in p.terms:
        if len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Quotient):
            floors[monomial] = monomial[0][0]
    if not floors:
        return None
    multiple = lcm(*(q.divisor for q in floors.values()))
    bound = const(multiple - 1)
    for monomial, c in p.terms.items():
        q = floors.get(monomial)
        if q is None:
            bound = bound + Poly({monomial: c * multiple})
        else:
            least = q.numerator - (q.divisor - 1) if c > 0 else q.numerator
            bound = bound + least * (c * multiple // q.divisor)
    return bound


def _adds_up(p: Poly) -> bool:
    """Whether `p` is a sum of products of numbers >= 0; variables, roots, such quotients are."""
    return all(
        c >= 0
        and all(not isinstance(atom, Quotient) or _adds_up(atom.numerator) for atom, _ in monomial)
        for monomial, c in p.terms.items()
    )


def _of_roots(p: Poly) -> list[Poly]:
    """n - root(n)**2 >= 0, for the roots in `p`."""
    atoms = dict.fromkeys(a for m in p.terms for a, _ in m if isinstance(a, Root))
    return [a.radicand - Poly({((a, 2),): 1}) for a in atoms if _adds_up(a.radicand)]


def _inside(atom: Quotient | Root) -> Poly:
    return atom.numerator if isinstance(atom, Quotient) else atom.radicand


def _times(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b:
        return a or b
    powers = dict(a)
    for atom, k in b:
        powers[atom] = powers.get(atom, 0) + k
    return tuple(sorted(powers.items(), key=lambda item: str(item[0])))


def _spell(terms: Mapping[Monomial, int]) -> str:
    def degree(item: tuple[Monomial, int]) -> tuple[int, str]:
        return -sum(k for _, k in item[0]), _spell_monomial(item[0])

    text = ""
    for monomial, c in sorted(terms.items(), key=degree):
        factor = _spell_monomial(monomial)
        if factor and c == 1 and isinstance(monomial[0][0], Quotient) and monomial[0][1] == 1:
            factor = factor[1:-1] if len(monomial) == 1 else factor
        if factor and abs(c) == 1:
            body = factor
        else:
            body = f"{abs(c)}*{factor}" if factor else str(abs(c))
        if not text:
            text = f"-{body}" if c < 0 else body
        else:
            text += f" - {body}" if c < 0 else f" + {body}"
    return text or "0"


def _spell_monomial(monomial: Monomial) -> str:
    return "*".join(f"{atom}**{k}" if k > 1 else str(atom) for atom, k in monomial)
