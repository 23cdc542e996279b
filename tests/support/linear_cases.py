"""Linear systems with and without a solution, alone and in stacks, as cases for every level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from levels import Call, Case
from nd_programs import program
from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import Builder
from irc.dialects.nd.linear import identity, matrix_transpose

N, M, B = sizes.var("n"), sizes.var("m"), sizes.var("b")
RNG = np.random.default_rng(1)
Build = Callable[..., SSAValue | Sequence[SSAValue]]
STACKS: list[tuple[list[Any], list[tuple[int, ...]]]] = [
    ([N, N], [(0, 0), (1, 1), (2, 2), (9, 9), (33, 33)]),
    ([B, 2, N, N], [(0, 2, 3, 3), (3, 2, 4, 4), (1, 2, 0, 0)]),
    ([3, 3], [(3, 3)]),
]


def factored(b: Builder, a: SSAValue) -> list[SSAValue]:
    definite = b.add(a, b.mul(identity(b, a), b.like(a, 9)))
    return [b.cholesky(definite), b.cholesky(a), *b.lu(a)]


def solved(b: Builder, a: SSAValue, r: SSAValue) -> list[SSAValue]:
    factors, pivots = b.lu(a)
    found = [b.solve(a, factors, pivots, r, transpose=t) for t in (False, True)]
    for lower in (False, True):
        for transpose in (False, True):
            for unit in (False, True):
                found.append(b.triangular_solve(a, r, lower, transpose, unit))
    return found


def views(b: Builder, a: SSAValue, r: SSAValue) -> list[SSAValue]:
    """Operands that are windows or transposed, results that are read again."""
    n = a.type.get_shape()[-1]  # type: ignore[attr-defined]
    window = b.slice(a, (n - 1, n - 1), (1, 0), (1, 1))
    factors, pivots = b.lu(window)
    rest = b.slice(r, (n - 1, 2), (0, 0), (1, 1))
    x = b.solve(window, factors, pivots, rest)
    return [factors, b.add(x, x), b.cholesky(matrix_transpose(b, b.lu(a)[0]))]


def cases(dtype: str) -> Iterator[Case]:
    numpy = f"float{dtype[1:]}"

    def numbers(shape: tuple[int, ...]) -> list[np.ndarray]:
        x = RNG.normal(size=shape)
        singular = np.array(x)
        singular[..., :, : shape[-1] // 2] = 0
        special = np.where(RNG.random(shape) < 0.1, np.nan, x)
        return [v.astype(numpy) for v in (x, singular, special)]

    for dims, shapes in STACKS:
        calls = [Call([a]) for shape in shapes for a in numbers(shape)]
        yield Case(f"factors {dims}", program([(dtype, dims)], factored), calls)
        for columns in (1, 4, M):
            k = 3 if columns is M else columns
            calls = [
                Call([a, RNG.normal(size=(*shape[:-1], k)).astype(numpy)])
                for shape in shapes
                for a in numbers(shape)
            ]
            types = [(dtype, dims), (dtype, [*dims[:-1], columns])]
            yield Case(f"solutions {dims} {columns}", program(types, solved), calls)
    for n in (5, 8):
        call = Call([numbers((n, n))[0], RNG.normal(size=(n, 2)).astype(numpy)])
        yield Case(f"views {n}", program([(dtype, [n, n]), (dtype, [n, 2])], views), [call])
