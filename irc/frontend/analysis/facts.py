"""What is known about symbolic sizes where the analysis stands."""

from __future__ import annotations

from collections.abc import Sequence

from irc.sizes import Poly, Size, poly, size

MAX_TRIED = 16  # facts that one proof looks at; it tries them in pairs


class Facts:
    """
    Knowledge from `where`, from `assert`, and from checks that were already written.

    Every symbol is a size, so never negative; that needs no fact.

    bounds       polynomial without constant term -> the largest number known to be at most it
    equalities   symbol -> what it equals
    """

    def __init__(self) -> None:
        self.bounds: dict[Poly, int] = {}
        self.equalities: dict[str, Poly] = {}

    def copy(self) -> Facts:
        other = Facts()
        other.bounds = dict(self.bounds)
        other.equalities = dict(self.equalities)
        return other

    def normal(self, value: Size) -> Size:
        """The size with known equalities put in, as an int when it is one."""
        if isinstance(value, int) or not self.equalities:
            return size(value)
        return size(value.substitute(self.equalities))

    def same(self, left: Size, right: Size) -> bool:
        """Whether the sizes are proved equal."""
        return left == right or self.normal(left) == self.normal(right)

    def same_dims(self, left: Sequence[Size], right: Sequence[Size]) -> bool:
        return len(left) == len(right) and all(
            self.same(a, b) for a, b in zip(left, right, strict=True)
        )

    def differ(self, left: Size, right: Size) -> bool:
        """Whether the sizes are proved different."""
        difference = poly(self.normal(left)) - self.normal(right)
        return self.nonnegative(difference - 1) or self.nonnegative(-difference - 1)

    def nonnegative(self, value: Size) -> bool:
        """Whether `value` >= 0 is proved."""
        value = self.normal(value)
        if isinstance(value, int):
            return value >= 0
        symbols = value.symbols()
        useful = [p - k for p, k in self.bounds.items() if not symbols.isdisjoint(p.symbols())]
        return value.nonnegative(useful[-MAX_TRIED:])

    def add_nonnegative(self, value: Size) -> None:
        """`value` >= 0 from here on."""
        normal = poly(self.normal(value))
        constant = normal.terms.get((), 0)
        varying = normal - constant
        if varying.terms and self.bounds.get(varying, -constant - 1) < -constant:
            self.bounds[varying] = -constant

    def add_equal(self, left: Size, right: Size) -> None:
        """`left` == `right` from here on; used where a symbol can be put in for the other side."""
        difference = poly(self.normal(left)) - self.normal(right)
        for name in sorted(difference.symbols()):
            rest = difference.substitute({name: 0})
            for sign in (1, -1):
                if difference == Poly({((name, 1),): sign}) + rest:
                    self._replace(name, rest * -sign)
                    return
        self.add_nonnegative(difference)
        self.add_nonnegative(-difference)

    def _replace(self, name: str, value: Poly) -> None:
        one = {name: value}
        self.equalities = {k: p.substitute(one) for k, p in self.equalities.items()}
        self.equalities[name] = value
        known, self.bounds = self.bounds, {}
        for varying, bound in known.items():
            self.add_nonnegative(varying.substitute(one) - bound)
        self.add_nonnegative(value)
