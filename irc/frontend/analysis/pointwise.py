"""Elementwise functions of operands that are made to fit; of open operands the result is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xdsl.ir import SSAValue

from irc.diagnostics import Label
from irc.dialects.nd import SCALARS, Scalar
from irc.dtypes import DType
from irc.frontend import tree
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    common_dims,
    common_dtype,
    fit,
    merged_batch,
)
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Number, Numeric, Open, Origin, SizeOf, Tensor

Kind = Literal["int", "float", "any"]
_FLOAT = frozenset({"float"})


def pointwise(
    env: Env, site: Site, name: str, operands: Sequence[Operand], origin: Origin,
    expected: DType | None = None,
) -> Tensor | Open:  # fmt: skip
    """
    The elementwise function `name` of SCALARS.

    Raises E0301 for dtypes that differ, E0202 for shapes that do not broadcast, E0302 for a dtype
    that the function does not take.
    """
    scalar = SCALARS[name]
    typed = any(isinstance(o.value, Tensor) for o in operands)
    if not typed and not scalar.predicate and scalar.takes & _FLOAT:
        return _open(env, site, scalar, operands, origin)
    dtype = common_dtype(env, site, operands, expected)
    if not typed and scalar.takes == _FLOAT and not dtype.is_float:
        dtype = env.floatx
    if dtype.kind not in scalar.takes:
        raise _not_defined(env, site, operands[0], dtype, scalar)
    with env.at(site.span) as b:
        tensors = fit(env, site, operands, dtype)
        return Tensor(b.scalar(name, *(t.ssa for t in tensors)), origin, tensors[0].batch)


def _open(
    env: Env, site: Site, scalar: Scalar, operands: Sequence[Operand], origin: Origin
) -> Open:
    """Of literals and sizes: computed in whatever dtype the result is used in."""
    common_dtype(env, site, operands)
    dims = common_dims(env, site, operands)
    kinds = {open_kind(o.value) for o in operands}
    if scalar.takes == _FLOAT or "float" in kinds:
        kind: Kind = "float"
    else:
        kind = "any" if "any" in kinds else "int"

    def make(dtype: DType) -> SSAValue:
        with env.at(site.span) as b:
            return b.scalar(scalar.name, *(t.ssa for t in fit(env, site, operands, dtype)))

    return Open(make, kind, dims, origin, merged_batch(env, [o.value for o in operands]))


def open_kind(value: Numeric) -> Kind:
    """What dtypes an open value can take, as in `Open`."""
    match value:
        case Open(kind=kind):
            return kind
        case Number(value=float()):
            return "float"
    assert isinstance(value, Number | SizeOf)
    return "int"


def _not_defined(env: Env, site: Site, o: Operand, dtype: DType, scalar: Scalar) -> Problem:
    if isinstance(o.value, Tensor) and scalar.takes == _FLOAT:
        return not_float(env, site, o.node, o.value)
    text = spelled(env, o.node)
    return env.error(
        "E0302",
        f"{site.text} is not defined for {dtype}",
        site.span,
        f"`{text}` is {o.value.type}",
        labels=[dtype_label(o.value)],
        helps=[f"convert explicitly: `{'i32' if dtype.is_float else env.floatx}({text})`"],
    )


def not_float(env: Env, site: Site, node: tree.Expr, value: Tensor) -> Problem:
    """E0302 for an integer or bool where a float is needed."""
    return env.error(
        "E0302",
        f"{site.text} is not defined for {value.dtype}",
        site.span,
        f"`{spelled(env, node)}` is {value.type}, a float is needed",
        labels=[dtype_label(value)],
        helps=[f"convert explicitly: `{env.floatx}({spelled(env, node)})`"],
    )


def dtype_label(value: Numeric) -> Label | None:
    """A label at the declaration that gives a tensor its dtype, if there is one."""
    if not isinstance(value, Tensor) or not value.origin.declared:
        return None
    name, dtype = value.origin.name, value.dtype
    return value.origin.label(f"`{name}` is {dtype} because it is declared here")
