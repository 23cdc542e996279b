"""Shapes: asking for them and changing them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects.nd import dims_of
from irc.dtypes import I64
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    adapts,
    common_dtype,
    merged_batch,
    spread,
)
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Number, Origin, ShapeOf, SizeOf, Tensor, Value
from irc.sizes import Poly, Size


@builtin("shape(x: number)", "The sizes of x.", as_method=True, as_property=True)
def shape(env: Env, call: Call, x: Operand) -> Value:
    return ShapeOf(x.value.dims, Origin(span=call.span, kind="size"))


@builtin("size(x: number, axis: axis = none)", "Elements of x, or along an axis.", as_method=True)
def size(env: Env, call: Call, x: Operand, axis: int | None) -> Value:
    count = sizes.product(x.value.dims) if axis is None else x.value.dims[axis]
    return SizeOf(sizes.poly(count), Origin(span=call.span, kind="size"))


@builtin("ndim(x: number)", "The rank of x.", as_method=True, as_property=True)
def ndim(env: Env, call: Call, x: Operand) -> Value:
    return Number(len(x.value.dims), Origin(span=call.span))


@builtin(
    "reshape(x: tensor, shape: rest)",
    "The same elements in row-major order; one size may be -1, for what is left.",
    as_method=True,
)
def reshape(env: Env, call: Call, x: Tensor, dims: tuple[Size, ...]) -> Value:
    total = sizes.product(x.dims)
    wanted = _with_rest(env, call, x, dims)
    if not env.same_size(total, sizes.product(wanted)):
        raise env.error(
            "E0205",
            f"{x.type} cannot be reshaped to [{', '.join(map(str, wanted))}]",
            call.span,
            f"{total} elements do not fill {sizes.product(wanted)}",
            labels=[x.origin.label(f"`{x.origin.name}` is {x.type}") if x.origin.name else None],
        )
    return _reshaped(env, call, x, wanted)


def _reshaped(env: Env, call: Call, x: Tensor, dims: Sequence[Size]) -> Tensor:
    with env.at(call.span) as b:
        batch = dims_of(x.ssa)[: len(x.batch)]
        if sizes.product([*batch, *dims]) != sizes.product(dims_of(x.ssa)):
            x = env.fitted(x, [sizes.size(env.facts.normal(d)) for d in x.dims])
            dims = [sizes.size(env.facts.normal(d)) for d in dims]
        return Tensor(b.reshape(x.ssa, [*batch, *dims]), call.origin, x.batch)


def _with_rest(env: Env, call: Call, x: Tensor, dims: Sequence[Size]) -> list[Size]:
    """`dims` with -1 replaced by the size that is left."""
    unknown = [d for d in dims if d == -1]
    if not unknown:
        return list(dims)
    known = sizes.product([d for d in dims if d != -1])
    rest = _quotient(sizes.poly(sizes.product(x.dims)), sizes.poly(known))
    if len(unknown) > 1 or rest is None:
        raise env.error(
            "E0205",
            f"the size for -1 cannot be found for {x.type}",
            call.span_of("shape"),
            "at most one -1, and the others must divide the number of elements",
        )
    return [sizes.size(rest) if d == -1 else d for d in dims]


def _quotient(total: Poly, divisor: Poly) -> Poly | None:
    """total / divisor when the divisor is one term that divides each term of the total."""
    if len(divisor.terms) != 1:
        return sizes.const(1) if total == divisor else None
    ((powers, c),) = divisor.terms.items()
    terms = {}
    for monomial, k in total.terms.items():
        left = dict(monomial)
        for atom, power in powers:
            left[atom] = left.get(atom, 0) - power
        if k % c or any(p < 0 for p in left.values()):
            return None
        terms[tuple((a, left[a]) for a, _ in monomial if left[a])] = k // c
    return Poly(terms)


@builtin("flatten(x: tensor)", "All elements in row-major order.", as_method=True)
def flatten(env: Env, call: Call, x: Tensor) -> Value:
    return _reshaped(env, call, x, [sizes.product(x.dims)])


@builtin("ravel(x: tensor)", "As `flatten`.", as_method=True)
def ravel(env: Env, call: Call, x: Tensor) -> Value:
    return flatten(env, call, x)


@builtin("squeeze(x: tensor, axis: axis)", "x without an axis of size 1.", as_method=True)
def squeeze(env: Env, call: Call, x: Tensor, axis: int) -> Value:
    if x.dims[axis] != 1:
        raise env.error(
            "E0205",
            f"axis {axis} of {x.type} cannot be squeezed",
            call.span,
            f"its size is {x.dims[axis]}, not 1",
        )
    return _reshaped(env, call, x, [s for d, s in enumerate(x.dims) if d != axis])


@builtin(
    "expand_dims(x: tensor, axis: int)",
    "x with an axis of size 1 at `axis` of the result.",
    as_method=True,
)
def expand_dims(env: Env, call: Call, x: Tensor, axis: int) -> Value:
    rank = x.rank + 1
    if not -rank <= axis < rank:
        raise env.error(
            "E0204", f"axis {axis} is out of range for a result of rank {rank}",
            call.span_of("axis"), f"valid axes are {-rank} to {rank - 1}",
        )  # fmt: skip
    dims = list(x.dims)
    dims.insert(axis % rank, 1)
    return _reshaped(env, call, x, dims)


def _permuted(env: Env, call: Call, x: Tensor, perm: Sequence[int]) -> Tensor:
    offset = len(x.batch)
    whole = [*range(offset), *(p + offset for p in perm)]
    with env.at(call.span) as b:
        return Tensor(b.transpose(x.ssa, whole), call.origin, x.batch)


@builtin("T(x: tensor)", "x with its axes reversed.", as_method=True, as_property=True)
def transposed(env: Env, call: Call, x: Tensor) -> Value:
    return _permuted(env, call, x, range(x.rank - 1, -1, -1))


@builtin(
    "transpose(x: tensor, axes: ints = none)",
    "x with axes in the given order; reversed when left out.",
    as_method=True,
)
def transpose(env: Env, call: Call, x: Tensor, axes: list[int] | None) -> Value:
    if axes is None:
        return _permuted(env, call, x, range(x.rank - 1, -1, -1))
    perm = [p % x.rank if -x.rank <= p < x.rank else p for p in axes]
    if sorted(perm) != list(range(x.rank)):
        raise env.error(
            "E0204",
            f"`{spelled(env, call.node('axes'))}` does not permute the axes of {x.type}",
            call.span_of("axes"),
            f"a tuple with each of 0 to {x.rank - 1} once is needed",
        )
    return _permuted(env, call, x, perm)


@builtin(
    "flip(x: tensor, axis: axes = none)",
    "x backwards along an axis or several, along all when left out.",
    as_method=True,
)
def flip(env: Env, call: Call, x: Tensor, axes: list[int]) -> Value:
    full, turned = dims_of(x.ssa), [axis + len(x.batch) for axis in axes]
    offsets = [sizes.size(sizes.poly(s) - 1) if d in turned else 0 for d, s in enumerate(full)]
    steps = [-1 if d in turned else 1 for d in range(len(full))]
    with env.at(call.span) as b:
        return Tensor(b.slice(x.ssa, full, offsets, steps), call.origin, x.batch)


# -- joining


def _aligned(env: Env, call: Call, parts: list[Operand]) -> tuple[list[Tensor], tuple[Size, ...]]:
    """The parts with one dtype and the same index variables; and the sizes of these."""
    site = Site(f"`{call.entry.name}`", call.span)
    dtype = common_dtype(env, site, parts, call.expected)
    tensors = [env.tensor(p.value, dtype) for p in parts]
    batch = merged_batch(env, tensors)
    aligned = [spread(env, t, batch, t.dims) for t in tensors]
    return aligned, dims_of(aligned[0].ssa)[: len(batch)]


def _check_rest(env: Env, call: Call, parts: list[Tensor], axis: int, skip: bool) -> None:
    first = parts[0]
    for p in parts[1:]:
        same = p.rank == first.rank and all(
            env.same_size(a, b)
            for d, (a, b) in enumerate(zip(first.dims, p.dims, strict=True))
            if not (skip and d == axis)
        )
        if not same:
            off = f" off axis {axis}" if skip else ""
            raise env.error(
                "E0202",
                f"`{call.entry.name}` of {first.type} and {p.type}",
                call.span,
                f"ranks and sizes{off} must be equal",
                helps=_joins_along(env, first, p) if skip else [],
            )


def _joins_along(env: Env, x: Tensor, y: Tensor) -> list[str]:
    """The axis along which two tensors can be joined, when there is just one."""
    if x.rank != y.rank:
        return []
    pairs = enumerate(zip(x.dims, y.dims, strict=True))
    differ = [axis for axis, sizes_ in pairs if not env.same_size(*sizes_)]
    return [f"they can be joined along `axis={differ[0]}`"] if len(differ) == 1 else []


@builtin("concat(parts: list, axis: int = 0)", "Tensors joined along an axis.")
def concat(env: Env, call: Call, parts: list[Operand], axis: int) -> Value:
    with env.at(call.span) as b:
        tensors, batch = _aligned(env, call, parts)
        if not tensors[0].rank:
            raise env.error(
                "E0204", "`concat` joins tensors along an axis, and numbers have none", call.span,
                f"the first part is {tensors[0].type}",
                helps=["numbers make a tensor as `[a, b]`; to join one with a tensor, `[a]`"],
            )  # fmt: skip
        at = _checked_axis(env, call, axis, tensors[0].rank)
        _check_rest(env, call, tensors, at, skip=True)
        rows = [_like_first(env, t, tensors[0], at) for t in tensors]
        ssa = b.concat([r.ssa for r in rows], at + len(batch))
        return Tensor(ssa, call.origin, tensors[0].batch)


def _like_first(env: Env, x: Tensor, first: Tensor, axis: int) -> Tensor:
    """Sizes off the axis spelled as the first part spells them."""
    dims = [s if d == axis else f for d, (s, f) in enumerate(zip(x.dims, first.dims, strict=True))]
    return env.fitted(x, dims)


@builtin("stack(parts: list, axis: int = 0)", "Tensors of one shape joined along a new axis.")
def stack(env: Env, call: Call, parts: list[Operand], axis: int) -> Value:
    with env.at(call.span) as b:
        tensors, batch = _aligned(env, call, parts)
        _check_rest(env, call, tensors, 0, skip=False)
        at = _checked_axis(env, call, axis, tensors[0].rank + 1)
        dims = list(tensors[0].dims)
        dims.insert(at, 1)
        rows: list[SSAValue] = []
        for t in tensors:
            rows.append(b.reshape(env.fitted(t, tensors[0].dims).ssa, [*batch, *dims]))
        return Tensor(b.concat(rows, at + len(batch)), call.origin, tensors[0].batch)


def _checked_axis(env: Env, call: Call, axis: int, rank: int) -> int:
    if -rank <= axis < rank:
        return axis % rank
    raise env.error(
        "E0204",
        f"axis {axis} is out of range for a tensor of rank {rank}",
        call.keywords.get("axis", call.span_of("axis")),
        f"valid axes are {-rank} to {rank - 1}" if rank else "scalars have no axes",
    )


@builtin("outer(x: tensor, y: tensor)", "All products x[i] * y[j] of two vectors.")
def outer(env: Env, call: Call, x: Tensor, y: Tensor) -> Value:
    from irc.frontend.analysis.broadcasting import fit

    if x.rank != 1 or y.rank != 1:
        raise env.error("E0203", "`outer` takes two vectors", call.span, f"{x.type} and {y.type}")
    with env.at(call.span) as b:
        column = Tensor(b.reshape(x.ssa, [*dims_of(x.ssa), 1]), x.origin, x.batch)
        pair = [Operand(call.node("x"), column), Operand(call.node("y"), y)]
        lhs, rhs = fit(env, Site("`outer`", call.span), pair)
        return Tensor(b.mul(lhs.ssa, rhs.ssa), call.origin, lhs.batch)


@builtin("dot(x: tensor, y: tensor)", "x @ y.", as_method=True)
def dot(env: Env, call: Call, x: Tensor, y: Tensor) -> Value:
    from irc.frontend.analysis.products import matmul

    site = Site("`dot`", call.span)
    return matmul(env, site, Operand(call.node("x"), x), Operand(call.node("y"), y))


def _triangle(name: str, how: str, doc: str) -> None:
    @builtin(f"{name}(x: tensor, k: int = 0)", doc, as_method=True)
    def build(env: Env, call: Call, x: Tensor, k: int) -> Value:
        if x.rank < 2:
            raise env.error("E0203", f"`{name}` needs a matrix", call.span, f"this is {x.type}")
        with env.at(call.span) as b:
            full, at = dims_of(x.ssa), len(dims_of(x.ssa))
            row, column = b.iota(full, I64, at - 2), b.iota(full, I64, at - 1)
            keep = b.scalar(how, column, b.add(row, b.like(row, k)))
            return Tensor(b.where(keep, x.ssa, b.like(x.ssa, 0)), call.origin, x.batch)


_triangle("tril", "le", "x with zeros above diagonal k.")
_triangle("triu", "ge", "x with zeros below diagonal k.")


@builtin(
    "one_hot(x: number, count: size)",
    "A new last axis of `count` with 1 at position x and 0 elsewhere, as floats.",
    as_method=True,
)
def one_hot(env: Env, call: Call, given: Operand, count: Size) -> Value:
    x = env.tensor(given.value, I64 if adapts(given.value, I64) else None)
    if not x.dtype.is_integer:
        raise env.error("E0302", "`one_hot` needs integers", call.span, f"this is {x.type}")
    with env.at(call.span) as b:
        full = [*dims_of(x.ssa), count]
        spread_x = b.broadcast(b.cast(x.ssa, I64), list(range(len(full) - 1)), full)
        hit = b.eq(spread_x, b.iota(full, I64, len(full) - 1))
        return Tensor(b.cast(hit, env.floatx), call.origin, x.batch)


@builtin(
    "diag(x: tensor)",
    "The diagonal of a square matrix; of a vector, the matrix with it as its diagonal.",
    as_method=True,
)
def diag(env: Env, call: Call, x: Tensor) -> Value:
    if x.rank not in (1, 2):
        raise env.error(
            "E0203", "`diag` takes a vector or a matrix", call.span, f"this is {x.type}"
        )
    with env.at(call.span) as b:
        if x.rank == 2:
            return Tensor(_diagonal(env, call, x), call.origin, x.batch)
        full = [*dims_of(x.ssa), x.dims[0]]
        at = len(full) - 1
        rows = b.broadcast(x.ssa, range(at), full)
        on = b.eq(b.iota(full, I64, at - 1), b.iota(full, I64, at))
        return Tensor(b.where(on, rows, b.like(rows, 0)), call.origin, x.batch)


def _diagonal(env: Env, call: Call, x: Tensor) -> SSAValue:
    m, n = x.dims
    if isinstance(m, int) and isinstance(n, int):
        length: Size = min(m, n)
    elif env.same_size(m, n):
        length = m
    else:
        text = spelled(env, call.node("x"))
        raise env.error(
            "E0205",
            f"the length of the diagonal of {x.type} is not known",
            call.span,
            f"it is the smaller of {m} and {n}",
            helps=[f"state it: `[{text}[i, i] for i < {m}]`"],
        )
    b, at = env.b, len(x.batch)
    place = b.iota((length,), I64, 0)
    found = b.gather(x.ssa, [place, place], [at, at + 1], in_bounds=True)
    return b.transpose(found, [*range(1, at + 1), 0])
