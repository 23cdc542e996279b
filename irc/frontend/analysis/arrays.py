"""Array literals: `[0, 1, 2]`, `[[a, b], [c, d]]`, `[x, y]` of tensors."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from irc.dtypes import BOOL, DType
from irc.frontend import tree
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import Site, common_dtype, fit, numeric
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Number, Open, Origin, Tensor, Value


def literal(env: Env, node: tree.Array, expected: DType | None) -> Value:
    """Numbers stay open until an operand gives them a dtype; anything else is stacked."""
    origin = Origin(span=node.span, kind="literal")
    numbers = literals(node)
    if numbers is not None:
        try:
            array = np.array(numbers)
        except ValueError:
            array = np.array([], dtype=object)
        if array.dtype == object or array.dtype.kind not in "bifu":
            raise env.error(
                "E0205",
                "rows of an array literal have different lengths",
                node.span,
                "every row needs the same number of elements",
            )
        return _open(env, array, origin)
    if not node.elements:
        return _open(env, np.zeros(0), origin)
    values = [expressions.evaluate(env, e, expected) for e in node.elements]
    return _stack(env, node, values, expected, origin)


def literals(node: tree.Array) -> list[object] | None:
    """The literals inside, nested as written; None when there is anything else."""
    rows: list[object] = []
    for e in node.elements:
        match e:
            case tree.Int(value=v) | tree.Float(value=v, dtype=None) | tree.Bool(value=v):
                rows.append(v)
            case tree.Unary(op="-", operand=tree.Int(value=v) | tree.Float(value=v, dtype=None)):
                rows.append(-v)
            case tree.Array():
                inner = literals(e)
                if inner is None:
                    return None
                rows.append(inner)
            case _:
                return None
    return rows or None


def _open(env: Env, array: np.ndarray, origin: Origin) -> Value:
    if array.dtype.kind == "b":
        with env.at(origin.span) as b:  # type: ignore[arg-type]
            return Tensor(b.constant(array, BOOL), origin)

    def make(dtype: DType) -> SSAValue:
        return env.b.constant(array, dtype)

    return Open(make, "float" if array.dtype.kind == "f" else "int", array.shape, origin)


def _stack(
    env: Env, node: tree.Array, values: list[Value], expected: DType | None, origin: Origin
) -> Value:
    site = Site("the elements of `[...]`", node.span)
    operands = [numeric(env, e, v, site) for e, v in zip(node.elements, values, strict=True)]
    if all(isinstance(o.value, Number) for o in operands):
        return _open(env, np.array([o.value.value for o in operands]), origin)  # type: ignore[union-attr]
    dtype = common_dtype(env, site, operands, expected)
    with env.at(node.span) as b:
        parts = fit(env, site, operands, dtype)
        batch = parts[0].batch
        at = len(batch)
        rows = [_with_axis(env, p, at) for p in parts]
        return Tensor(b.concat(rows, at), origin, batch)


def _with_axis(env: Env, x: Tensor, at: int) -> SSAValue:
    from irc.dialects.nd.types import dims_of

    dims = dims_of(x.ssa)
    return env.b.reshape(x.ssa, [*dims[:at], 1, *dims[at:]])
