"""Derivatives of small `nd` programs against central differences in f64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nd_programs import context, program, run, smooth
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder, dims_of, rank_of
from irc.dtypes import F64
from irc.passes.nd.expand_grad import ExpandGradPass

Function = Callable[..., SSAValue]


def expanded(types: Sequence[tuple[str, Sequence[Any]]], body: Function) -> Any:
    module = program(types, body)
    ExpandGradPass().apply(context(), module)
    module.verify()
    return module


def weighted(b: Builder, y: SSAValue) -> SSAValue:
    """A scalar in which each element of `y` counts differently."""
    place = b.cast(b.linear_index(dims_of(y)), F64) if dims_of(y) else b.full((), F64, 0.0)
    weight = b.add(b.like(y, 0.7), b.mul(b.like(y, 0.31), b.sin(b.cast(place, F64))))
    product = b.mul(y, weight)
    return b.sum(product, range(rank_of(y)))


def check(f: Function, *inputs: np.ndarray, orders: int = 1) -> None:
    """Gradients of a weighted sum of f against central differences; then those of gradients."""
    types = [("f64", x.shape) for x in inputs]

    def cost(b: Builder, *xs: SSAValue) -> SSAValue:
        total = weighted(b, f(b, *xs))
        for _ in range(orders - 1):
            parts = [weighted(b, g) for g in b.grad(total, xs, disconnected=True)]
            total = parts[0]
            for part in parts[1:]:
                total = b.add(total, part)
        return total

    def gradient(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        return b.grad(cost(b, *xs), xs, disconnected=True)

    value = expanded(types, cost)
    gradients = run(expanded(types, gradient), *inputs)
    for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):
        assert g.shape == x.shape and g.dtype == np.float64
        for at in np.ndindex(x.shape):
            step = 1e-6 * max(1.0, abs(x[at]))
            sides = []
            for sign in (1, -1):
                moved = [np.array(v) for v in inputs]
                moved[i][at] += sign * step
                sides.append(run(value, *moved)[0])
            difference = (sides[0] - sides[1]) / (2 * step)
            assert np.isclose(g[at], difference, rtol=2e-5, atol=2e-6), (i, at, g[at], difference)
    check_forward(cost, types, inputs, gradients)


def check_forward(
    cost: Function, types: list[Any], inputs: Sequence[np.ndarray], gradients: list[np.ndarray]
) -> None:
    """The derivative along a direction is the gradients' product with it."""
    along = [smooth("f64", x.shape, 7 + i) - 0.5 for i, x in enumerate(inputs)]

    def forward(b: Builder, *xs: SSAValue) -> SSAValue:
        n = len(inputs)
        return b.jvp(cost(b, *xs[:n]), xs[:n], xs[n:], disconnected=True)

    (found,) = run(expanded(types * 2, forward), *inputs, *along)
    expected = sum(float(np.sum(g * v)) for g, v in zip(gradients, along, strict=True))
    assert np.isclose(found, expected, rtol=1e-9, atol=1e-9)
