"""Elementwise functions: one row for each statement in `SCALARS`, and a few that combine them."""

from __future__ import annotations

from irc.dialects.nd import SCALARS, Scalar
from irc.dtypes import BOOL, DType
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    common_dims,
    common_dtype,
    merged_batch,
    spread,
)
from irc.frontend.analysis.builtins.table import BUILTINS, Builtin, Call, Param, builtin
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pointwise import pointwise
from irc.frontend.analysis.values import Number, Tensor, Value

_OPERATORS = {"neg", "add", "sub", "mul", "div", "not", "and", "or", "xor"}
# Of functions of two arguments that are not called (x, y).
_NAMES = {"atan2": ("y", "x"), "polygamma": ("order", "x")}
_OPERATORS |= {"eq", "ne", "lt", "le", "gt", "ge", "mod", "pow", "floordiv"}


def apply(env: Env, call: Call, name: str, operands: list[Operand]) -> Value:
    """The elementwise function `name` as the result of a call."""
    site = Site(f"`{call.entry.name}`", call.span)
    return pointwise(env, site, name, operands, call.origin, call.expected)


def _row(scalar: Scalar) -> Builtin:
    def build(env: Env, call: Call, *operands: Operand) -> Value:
        return apply(env, call, scalar.name, list(operands))

    names = _NAMES.get(scalar.name) or ("x", "y")[: scalar.arity]
    signature = f"{scalar.name}({', '.join(f'{n}: number' for n in names)})"
    params = tuple(Param(n, "number") for n in names)
    return Builtin(
        scalar.name, signature, params, scalar.doc, build, as_method=scalar.arity == 1, records=True
    )


for _scalar in SCALARS.values():
    if _scalar.name not in _OPERATORS:
        BUILTINS[_scalar.name] = _row(_scalar)
BUILTINS["xor"] = _row(SCALARS["xor"])


@builtin("relu(x: number)", "max(x, 0).", as_method=True, records=True)
def relu(env: Env, call: Call, x: Operand) -> Value:
    return apply(env, call, "maximum", [x, Operand(x.node, Number(0))])


@builtin("log_sigmoid(x: float)", "log(sigmoid(x)) without overflow.", as_method=True, records=True)
def log_sigmoid(env: Env, call: Call, x: Tensor) -> Value:
    with env.at(call.span) as b:
        return Tensor(b.neg(b.scalar("softplus", b.neg(x.ssa))), call.origin, x.batch)


@builtin(
    "clip(x: number, low: number, high: number)",
    "x moved into [low, high]; NaN stays.",
    as_method=True,
    records=True,
)
def clip(env: Env, call: Call, x: Operand, low: Operand, high: Operand) -> Value:
    above = apply(env, call, "maximum", [x, low])
    below = Operand(x.node, above)  # type: ignore[arg-type]
    return apply(env, call, "minimum", [below, high])


@builtin(
    "where(cond: bool, x: number, y: number)",
    "Elements of x where cond holds, of y elsewhere. Both are evaluated.",
    records=True,
)
def where(env: Env, call: Call, cond: Tensor, x: Operand, y: Operand) -> Value:
    site = Site("`where`", call.span)
    node = call.node("cond")
    dtype = common_dtype(env, site, [x, y], call.expected)
    dims = common_dims(env, site, [Operand(node, cond), x, y])
    batch = merged_batch(env, [cond, x.value, y.value])
    with env.at(call.span) as b:
        c, lhs, rhs = (
            spread(env, env.tensor(v, d), batch, dims)
            for v, d in ((cond, BOOL), (x.value, dtype), (y.value, dtype))
        )
        return Tensor(b.where(c.ssa, lhs.ssa, rhs.ssa), call.origin, batch)


@builtin(
    "cast(x: number, dtype: dtype)",
    "x converted to a dtype, or to that of another tensor: `cast(mask, x)`.",
    as_method=True,
    records=True,
)
def cast(env: Env, call: Call, x: Operand, dtype: DType) -> Value:
    with env.at(call.span) as b:
        tensor = env.tensor(x.value)
        return Tensor(b.cast(tensor.ssa, dtype), call.origin, tensor.batch)


@builtin("astype(x: number, dtype: dtype)", "As `cast`.", as_method=True, records=True)
def astype(env: Env, call: Call, x: Operand, dtype: DType) -> Value:
    return cast(env, call, x, dtype)
