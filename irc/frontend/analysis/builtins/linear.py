"""
Dense linear systems. The last two dimensions are the matrix, others count systems.

A system without a solution ends the call under `--check bounds`, with the position of the pivot
that is none; without the check the results are infinite or NaN.
"""

from __future__ import annotations

from dataclasses import replace

from xdsl.ir import SSAValue

from irc.dialects.nd import dims_of
from irc.dialects.nd.effects import INDEFINITE, SINGULAR
from irc.dialects.nd.linear import diagonal, identity, matrix_transpose
from irc.dtypes import F32, F64, I32
from irc.frontend.analysis.broadcasting import Operand, Site, common_dtype, merged_batch, spread
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.checks import Places, demand, escaped
from irc.frontend.analysis.describe import dimension_label, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Tensor, TupleOf, Value

# -- arguments


def _site(call: Call) -> Site:
    return Site(f"`{call.entry.name}`", call.span)


def _square(env: Env, call: Call, a: Operand) -> Tensor:
    """
    The first argument as a square matrix of floats, its sizes spelled alike.

    Raises E0203 for another shape, E0302 for another dtype.
    """
    matrix = env.tensor(a.value, call.expected)
    text, name = spelled(env, a.node), call.entry.name
    if matrix.rank < 2:
        raise env.error(
            "E0203", f"`{name}` needs a matrix", a.node.span, f"`{text}` is {matrix.type}"
        )
    *stack, m, n = matrix.dims
    if not env.same_size(m, n):
        labels = [dimension_label(env, a.node, matrix, matrix.rank - 1)]
        raise env.error(
            "E0203", f"`{name}` needs a square matrix", a.node.span,
            f"`{text}` is {matrix.type}: {m} rows, {n} columns", labels=labels,
            helps=_least_squares(env, call, text) if name == "solve" and matrix.rank == 2 else [],
        )  # fmt: skip
    if matrix.dtype not in (F32, F64):
        raise _wrong_dtype(env, call, a, matrix)
    return env.fitted(matrix, [*stack, m, m])


def _least_squares(env: Env, call: Call, a: str) -> list[str]:
    b = spelled(env, call.node("b"))
    return [f"least squares: `solve({a}.T @ {a}, {a}.T @ {b})`"]


def _wrong_dtype(env: Env, call: Call, a: Operand, matrix: Tensor) -> Problem:
    text = spelled(env, a.node)
    return env.error(
        "E0302", f"`{call.entry.name}` is not defined for {matrix.dtype}", a.node.span,
        f"`{text}` is {matrix.type}; f32 or f64 is needed",
        helps=[f"convert explicitly: `f32({text})`"],
    )  # fmt: skip


def _sides(env: Env, call: Call, a: Operand, b: Operand) -> tuple[Tensor, Tensor, bool]:
    """
    Matrix and right side of `a x = b` with one set of index variables, and whether b is a vector
    for each system, which then is a matrix of one column.

    Raises E0202 when their sizes do not fit.
    """
    dtype = common_dtype(env, _site(call), [a, b], call.expected)
    matrix = _square(env, call, Operand(a.node, env.tensor(a.value, dtype)))
    right = env.tensor(b.value, dtype)
    stack, n = matrix.dims[:-2], matrix.dims[-1]
    vector = right.rank == matrix.rank - 1
    wanted = [*stack, n] if vector else [*stack, n, *right.dims[matrix.rank - 1 :]]
    fits = right.rank == len(wanted) and matrix.rank >= right.rank
    if not fits or not all(map(env.same_size, right.dims, wanted)):
        raise _other_sizes(env, call, a, b, matrix, right)
    right = env.fitted(right, wanted)
    batch = merged_batch(env, [matrix, right])
    matrix, right = spread(env, matrix, batch, matrix.dims), spread(env, right, batch, right.dims)
    if vector:
        right = replace(right, ssa=env.b.reshape(right.ssa, [*dims_of(right.ssa), 1]))
    return matrix, right, vector


def _other_sizes(
    env: Env, call: Call, a: Operand, b: Operand, matrix: Tensor, right: Tensor
) -> Problem:
    *stack, n = map(str, matrix.dims[:-1])
    vector, columns = ", ".join([*stack, n]), ", ".join([*stack, n, "columns"])
    return env.error(
        "E0202",
        f"the sides of `{call.entry.name}` do not fit",
        call.span,
        f"`{spelled(env, b.node)}` is {right.type} for the matrix {matrix.type}",
        labels=[
            dimension_label(env, a.node, matrix, matrix.rank - 1),
            *([dimension_label(env, b.node, right, 0)] if right.rank else []),
        ],
        helps=[f"the right side is a vector [{vector}] or several, [{columns}]"],
    )


# -- factors, and what their diagonals tell


def _demand(env: Env, call: Call, pivots: SSAValue, a: Tensor, holds: str, begin: str) -> None:
    """Fails the call unless each of the pivots compares with 0 as `holds` says."""
    text = escaped(spelled(env, next(iter(call.nodes.values()))))
    end = "is 0" if holds == "ne" else "is not above 0"

    def say(places: Places, own: list[str]) -> str:
        at = f" at [{', '.join(own[:-1])}]" if own[:-1] else ""
        along = ", ".join(f"{name} = {place}" for name, place in places.items())
        return f"{begin}: pivot {own[-1]} of {text}{at} {end}" + (f" ({along})" if along else "")

    b = env.b
    ok = b.scalar(holds, pivots, b.like(pivots, 0))
    demand(env, Tensor(ok, batch=a.batch), [], say)


def _factors(env: Env, call: Call, a: Tensor) -> tuple[SSAValue, SSAValue]:
    """Factors and pivots of a matrix that must have an inverse."""
    factors, pivots = env.b.lu(a.ssa)
    _demand(env, call, diagonal(env.b, factors), a, "ne", SINGULAR)
    return factors, pivots


def _of_vector(env: Env, x: SSAValue, vector: bool) -> SSAValue:
    return env.b.reshape(x, dims_of(x)[:-1]) if vector else x


# -- the functions

_STACKED = "Dimensions before the last two count systems."


@builtin(
    "solve(a: number, b: number)",
    f"The x with a @ x = b, for a vector b or the columns of a matrix b. {_STACKED}",
)
def solve(env: Env, call: Call, a: Operand, b: Operand) -> Value:
    with env.at(call.span):
        matrix, right, vector = _sides(env, call, a, b)
        factors, pivots = _factors(env, call, matrix)
        x = env.b.solve(matrix.ssa, factors, pivots, right.ssa)
        return Tensor(_of_vector(env, x, vector), call.origin, matrix.batch)


@builtin(
    "triangular_solve(a: number, b: number, lower: flag = true, transpose: flag = false, "
    "unit: flag = false)",
    "The x with a @ x = b (a.T @ x = b with `transpose`), of a only one triangle being read; "
    f"with `unit` its diagonal counts as ones. {_STACKED}",
)
def triangular_solve(
    env: Env, call: Call, a: Operand, b: Operand, lower: bool, transpose: bool, unit: bool
) -> Value:
    with env.at(call.span):
        matrix, right, vector = _sides(env, call, a, b)
        if not unit:
            _demand(env, call, diagonal(env.b, matrix.ssa), matrix, "ne", SINGULAR)
        x = env.b.triangular_solve(matrix.ssa, right.ssa, lower, transpose, unit)
        return Tensor(_of_vector(env, x, vector), call.origin, matrix.batch)


@builtin("inv(a: number)", f"The inverse of a matrix; `solve` is faster and exacter. {_STACKED}")
def inv(env: Env, call: Call, a: Operand) -> Value:
    with env.at(call.span) as b:
        matrix = _square(env, call, a)
        x = b.solve(matrix.ssa, *_factors(env, call, matrix), identity(b, matrix.ssa))
        return Tensor(x, call.origin, matrix.batch)


@builtin(
    "cholesky(a: number)",
    "The lower triangular l with l @ l.T = (a + a.T) / 2, which must be positive definite. "
    f"{_STACKED}",
)
def cholesky(env: Env, call: Call, a: Operand) -> Value:
    """Both triangles are read, so that the derivative is symmetric as the matrix is."""
    with env.at(call.span) as b:
        matrix = _square(env, call, a)
        both = b.add(matrix.ssa, matrix_transpose(b, matrix.ssa))
        lower = b.cholesky(b.mul(both, b.like(both, 0.5)))
        _demand(env, call, diagonal(b, lower), matrix, "gt", INDEFINITE)
        return Tensor(lower, call.origin, matrix.batch)


def _log_size(env: Env, factors: SSAValue) -> SSAValue:
    b, pivots = env.b, diagonal(env.b, factors)
    return b.sum(b.log(b.scalar("abs", pivots)), [len(dims_of(pivots)) - 1])


def _sign(env: Env, factors: SSAValue, pivots: SSAValue) -> SSAValue:
    """1 or -1 for the exchanges, times the signs of the diagonal; 0 of a singular matrix."""
    b, last = env.b, len(dims_of(pivots)) - 1
    stays = b.eq(pivots, b.iota(dims_of(pivots), I32, last))
    signs = b.sign(diagonal(b, factors))
    return b.prod(b.where(stays, signs, b.neg(signs)), [last])


@builtin(
    "det(a: number)",
    "The determinant; 0 of a singular matrix, of which there is no derivative. Of many rows it "
    f"overflows where `slogdet` does not. {_STACKED}",
)
def det(env: Env, call: Call, a: Operand) -> Value:
    with env.at(call.span) as b:
        matrix = _square(env, call, a)
        factors, pivots = b.lu(matrix.ssa)
        last = len(dims_of(pivots)) - 1
        stays = b.eq(pivots, b.iota(dims_of(pivots), I32, last))
        u = diagonal(b, factors)
        value = b.prod(b.where(stays, u, b.neg(u)), [last])
        return Tensor(value, call.origin, matrix.batch)


@builtin("logdet(a: number)", f"log(abs(det(a))) without overflow; -inf if singular. {_STACKED}")
def logdet(env: Env, call: Call, a: Operand) -> Value:
    with env.at(call.span) as b:
        matrix = _square(env, call, a)
        return Tensor(_log_size(env, b.lu(matrix.ssa)[0]), call.origin, matrix.batch)


@builtin(
    "slogdet(a: number)",
    f"Sign (-1, 0 or 1) of the determinant, and the logarithm of its size. {_STACKED}",
)
def slogdet(env: Env, call: Call, a: Operand) -> Value:
    with env.at(call.span) as b:
        matrix = _square(env, call, a)
        factors, pivots = b.lu(matrix.ssa)
        sign = Tensor(_sign(env, factors, pivots), call.origin, matrix.batch)
        size = Tensor(_log_size(env, factors), call.origin, matrix.batch)
        return TupleOf((sign, size), ("sign", "logdet"))
