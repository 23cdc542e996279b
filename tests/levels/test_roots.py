"""Sizes with roots at every level, and compiled."""

from __future__ import annotations

import numpy as np
from levels import Call, Case, differences
from nd_programs import program
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder
from irc.dtypes import I64
from irc.sizes import poly, root, var

N = var("n")


def test_a_root_of_a_size_at_every_level() -> None:
    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        many = root(N)
        last = b.slice(x, (many,), (N - poly(many) * many,), (1,))
        return [b.exp(last), b.size(poly(root(N + 3)) * N), b.iota((root(N * N),), I64, 0)]

    calls = [Call([np.arange(float(n))]) for n in (0, 1, 3, 4, 8, 9, 24, 25, 26)]
    assert differences([Case("root", program([("f64", (N,))], f), calls)]) == []
