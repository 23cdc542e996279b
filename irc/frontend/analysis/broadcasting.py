"""
Operands made to fit each other: one dtype, one shape.

Open literals and sizes take the dtype of the first typed operand. Shapes are aligned at the
right; only a size that is 1 in the type stretches. Index variables of comprehensions are leading
axes: an operand that does not depend on one of them is repeated along it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.diagnostics import Span
from irc.dialects.nd.types import dims_of
from irc.dtypes import BOOL, DType
from irc.frontend import tree
from irc.frontend.analysis.describe import (
    article,
    dimension_label,
    dtype_origin,
    dtype_text,
    operand_text,
    spelled,
    types_note,
)
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.rereading import Clash
from irc.frontend.analysis.values import (
    NUMERIC,
    Binder,
    Number,
    Numeric,
    Open,
    Tensor,
    Value,
)
from irc.sizes import Size


@dataclass(frozen=True)
class Operand:
    """A value and the expression it came from."""

    node: tree.Expr
    value: Numeric


@dataclass(frozen=True)
class Site:
    """
    The operation for which operands are made to fit.

    text    how messages call it: "`*`", "`where`"
    symbol  the operator, when there is one, so that a help can be spelled with it
    """

    text: str
    span: Span
    symbol: str | None = None


def numeric(env: Env, node: tree.Expr, value: Value, site: Site) -> Operand:
    """`value` as an operand; raises E0302 for what is no number or tensor."""
    if isinstance(value, NUMERIC):
        return Operand(node, value)
    raise env.error(
        "E0302", f"{site.text} does not take {article(value)}", node.span, "a number is needed"
    )


def common_dtype(
    env: Env, site: Site, operands: Sequence[Operand], expected: DType | None = None
) -> DType:
    """
    The one dtype of the operands; `expected` or a default when all are open.

    Raises E0301 when two have different dtypes, or a literal cannot take the dtype.
    """
    typed = [o for o in operands if isinstance(o.value, Tensor)]
    for other in typed[1:]:
        if other.value.dtype is not typed[0].value.dtype:  # type: ignore[union-attr]
            raise _mixed(env, site, typed[0], other)
    if typed:
        dtype: DType = typed[0].value.dtype  # type: ignore[union-attr]
        for o in operands:
            if not isinstance(o.value, Tensor) and not adapts(o.value, dtype):
                raise _cannot_adapt(env, site, o, typed[0], dtype)
        return dtype
    wants_float = any(needs_float(o.value) for o in operands)
    if expected is not None and all(adapts(o.value, expected) for o in operands):
        return expected
    if all(isinstance(o.value, Number) and isinstance(o.value.value, bool) for o in operands):
        return BOOL
    return env.floatx if wants_float else env.default_dtype(operands[0].value)


def needs_float(value: Numeric) -> bool:
    """Whether an open value can only become a float."""
    if isinstance(value, Number):
        return isinstance(value.value, float)
    return isinstance(value, Open) and value.kind == "float"


def adapts(value: Numeric, dtype: DType) -> bool:
    """Whether an open value may take `dtype`; a literal must be one of its values."""
    if isinstance(value, Tensor):
        return True
    if isinstance(value, Number) and isinstance(value.value, bool):
        return dtype is BOOL
    if dtype is BOOL:
        return False
    if dtype.is_float:
        return True
    if isinstance(value, Number):
        return isinstance(value.value, int) and dtype.min <= value.value <= dtype.max
    return not needs_float(value)


def _mixed(env: Env, site: Site, left: Operand, right: Operand) -> Problem:
    first, second = dtype_text(left.value), dtype_text(right.value)
    env.unit.clashes.append(Clash(left.value.dtype, right.value.dtype))  # type: ignore[union-attr]
    labels, notes = [], []
    for o in (left, right):
        label, note = dtype_origin(env, o.node, o.value)
        labels.append(label)
        if note:
            notes.append(note)
    return env.error(
        "E0301",
        f"{_operands_of(site)} have different dtypes: {first} and {second}",
        site.span,
        "irc never converts a tensor to another dtype silently",
        labels=labels,
        notes=notes,
        helps=_conversions(env, site, left, right),
    )


def _operands_of(site: Site) -> str:
    return site.text if site.text.startswith("the ") else f"operands of {site.text}"


def _conversions(env: Env, site: Site, left: Operand, right: Operand) -> list[str]:
    """The operator with the cast written out: integers to floats, narrow to wide."""
    a, b = left.value.dtype, right.value.dtype  # type: ignore[union-attr]
    rank = {"bool": 0, "uint": 1, "int": 2, "float": 3}
    to_left = (rank[a.kind], a.bits) > (rank[b.kind], b.bits)
    x, y = (operand_text(env, o.node, site.symbol) for o in (left, right))
    if to_left:
        y = f"{a}({spelled(env, right.node)})"
    else:
        x = f"{b}({spelled(env, left.node)})"
    if site.symbol is None:
        return [f"convert explicitly: `{y if to_left else x}`"]
    return [f"convert explicitly: `{x} {site.symbol} {y}`"]


def _cannot_adapt(env: Env, site: Site, o: Operand, typed: Operand, dtype: DType) -> Problem:
    label, note = dtype_origin(env, typed.node, typed.value)
    text = spelled(env, o.node)
    if dtype is BOOL:
        kind, way = "number", f"compare explicitly, or convert: `f32({spelled(env, typed.node)})`"
    elif isinstance(o.value, Number) and isinstance(o.value.value, bool):
        kind, way = "bool", f"convert explicitly: `{dtype}({text})`"
    elif not needs_float(o.value):
        kind = f"number outside {dtype} ({dtype.min} to {dtype.max})"
        way = f"convert the other operand: `i64({spelled(env, typed.node)})`"
    else:
        kind = "number with a fraction"
        way = f"convert the other operand: `{env.floatx}({spelled(env, typed.node)})`"
    return env.error(
        "E0301",
        f"{_operands_of(site)} do not fit: {text} cannot be {dtype}",
        site.span,
        f"{text} is a {kind}, the other operand is {dtype}",
        labels=[label],
        notes=[note] if note else [],
        helps=[way],
    )


def fit(
    env: Env, site: Site, operands: Sequence[Operand], dtype: DType | None = None
) -> list[Tensor]:
    """
    The operands in the IR with one dtype and one shape.

    dtype   what open operands become; by default the common dtype
    Raises E0301 for dtypes, E0202 for shapes that do not broadcast.
    """
    chosen = dtype or common_dtype(env, site, operands)
    dims = common_dims(env, site, operands)
    batch = merged_batch(env, [o.value for o in operands])
    return [spread(env, env.tensor(o.value, chosen), batch, dims) for o in operands]


def common_dims(env: Env, site: Site, operands: Sequence[Operand]) -> tuple[Size, ...]:
    """The shape to which all operands broadcast."""
    first = operands[0].value.dims
    if all(o.value.dims == first for o in operands):
        return first
    rank = max(len(o.value.dims) for o in operands)
    result: list[Size] = []
    for axis in range(-1, -rank - 1, -1):
        size: Size = 1
        source: Operand | None = None
        for o in operands:
            if -axis > len(o.value.dims) or o.value.dims[axis] == 1:
                continue
            own = o.value.dims[axis]
            if source is None:
                size, source = own, o
            elif not env.same_size(size, own):
                raise _mismatch(env, site, source, o, axis)
        result.append(size)
    return tuple(reversed(result))


def _mismatch(env: Env, site: Site, left: Operand, right: Operand, axis: int) -> Problem:
    sizes = []
    for o in (left, right):
        at = len(o.value.dims) + axis
        sizes.append(o.value.origin.size(at, o.value.dims[at]))
    first, second = sizes
    a, b = left.value.dims[axis], right.value.dims[axis]
    labels = [
        dimension_label(env, o.node, o.value, len(o.value.dims) + axis) for o in (left, right)
    ]
    unknown = not (isinstance(a, int) and isinstance(b, int)) and not env.facts.differ(a, b)
    helps = ["sizes along an axis must be equal, or one of them 1"]
    notes = [types_note(env, [(left.node, left.value), (right.node, right.value)])]
    if unknown:
        notes.append(f"{a} and {b} are different sizes: nothing says that they are equal")
        helps = [f"if they must be equal, use one name, or write `assert {a} == {b}` before"]
    return env.error(
        "E0202",
        f"shapes of {site.text} do not match: {first} on the left, {second} on the right",
        site.span,
        f"{left.value.type} and {right.value.type} differ {_from_the_right(axis)}",
        labels=labels,
        notes=notes,
        helps=helps,
    )


def _from_the_right(axis: int) -> str:
    names = {-1: "in their last dimension", -2: "in their last dimension but one"}
    return names.get(axis, f"in dimension {axis}, counted from the end")


def merged_batch(env: Env, values: Sequence[Numeric]) -> tuple[Binder, ...]:
    """The index variables that any of the values depends on, outermost first."""
    used = {b for v in values for b in v.batch}
    return tuple(b for b in env.binders if b in used)


def spread(env: Env, x: Tensor, batch: tuple[Binder, ...], dims: Sequence[Size]) -> Tensor:
    """`x` repeated to the shape `dims` for each value of the index variables `batch`."""
    if x.batch == batch and x.dims == dims:
        return x
    shared = len(x.batch)
    full = (*(binder_size(b) for b in batch), *dims)
    own = dims_of(x.ssa)
    axes = [batch.index(b) for b in x.batch]
    offset = len(full) - (len(own) - shared)
    axes += [offset + d for d in range(len(own) - shared)]
    renamed = tuple(
        1 if s == 1 and full[a] != 1 else full[a] for s, a in zip(own, axes, strict=True)
    )
    source = x.ssa
    if renamed != own:
        # Equal by a known fact, spelled differently: take the spelling of the result.
        source = env.b.slice(source, renamed, [0] * len(own), [1] * len(own))
    return Tensor(env.b.broadcast(source, axes, full), x.origin, batch)


def binder_size(binder: Binder) -> Size:
    assert binder.size is not None
    return binder.size
