"""Derivatives through regions: conditionals, recurrences, searches."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import expanded
from nd_programs import run
from xdsl.ir import Block, SSAValue

from irc.dialects import nd
from irc.dialects.nd import Builder
from irc.errors import UserError


def test_a_stopped_gradient_inside_a_conditional() -> None:
    """Regions are computed once more going back: their copies hold no stop_gradient either."""

    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        c = b.scalar("gt", x, b.like(x, 0))
        then, orelse = Builder(Block()), Builder(Block())
        stopped = then.stop_gradient(then.exp(x))
        then.insert(nd.YieldOp.create(operands=[then.mul(stopped, x)]))
        orelse.insert(nd.YieldOp.create(operands=[x]))
        y = b.if_(c, then.point.block, orelse.point.block)[0]
        return b.grad(y, [x])

    module = expanded([("f64", ())], f)
    assert not any(op.name == "nd.stop_gradient" for op in module.walk())
    (g,) = run(module, np.array(0.5))
    assert np.isclose(g, np.exp(0.5))


def test_only_the_result_that_is_used_connects() -> None:
    """A value that flows only into another result of a conditional is disconnected."""

    def f(b: Builder, x: SSAValue, z: SSAValue) -> list[SSAValue]:
        c = b.scalar("gt", x, b.like(x, 0))
        blocks = []
        for _ in range(2):
            inner = Builder(Block())
            inner.insert(nd.YieldOp.create(operands=[inner.exp(x), inner.exp(z)]))
            blocks.append(inner.point.block)
        y = b.if_(c, *blocks)[0]
        return b.grad(y, [x, z])

    with pytest.raises(UserError, match="E0401"):
        expanded([("f64", ()), ("f64", ())], f)
