"""
A part of a tensor gets new values: `x with [0, :] = v`, `update W[i, :] += v`.

The part is read as an expression would read it; then the way from the tensor to the part is gone
back, with writes in the place of reads. So every index that can be read can be written.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.indexing import GatherOp, ScatterKind
from irc.dialects.nd.structure import ReshapeOp, SliceOp, TransposeOp
from irc.dialects.nd.types import dims_of
from irc.dtypes import DType
from irc.frontend import tree
from irc.frontend.analysis import expressions, operators, subscripts
from irc.frontend.analysis.broadcasting import Operand, Site, common_dtype, merged_batch, spread
from irc.frontend.analysis.describe import article
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.states import StateVar, name_of
from irc.frontend.analysis.types import Place, TensorType, check_literal, fit_dtype
from irc.frontend.analysis.values import NUMERIC, Number, Origin, Tensor, Value


@dataclass(frozen=True)
class Edit:
    """
    One write: `target op value`.

    target    the part, as an expression that reads it
    node      the expression behind `op`; `span` is that of all
    whole     how messages call the tensor; `declared` points to its declaration
    """

    target: tree.Index
    op: str
    node: tree.Expr
    span: Span
    whole: str
    declared: Label | None = None

    @property
    def place(self) -> Place:
        what = f"the new value of a part of {self.whole}"
        return Place(what, self.node.span, self.declared)


def updated_state(env: Env, node: tree.Update, variable: StateVar) -> Tensor:
    """The state with the part `node.target` replaced. Raises Problem."""
    target = node.target
    assert target.items is not None
    old = Tensor(env.unit.read_state(variable.name, variable.ir_type), variable.origin)
    label = Label(variable.span, f"`{variable.spoken}` is declared here")
    place = tree.Index(target.span, name_of(target), target.items)
    edit = Edit(place, node.op, node.value, node.span, f"`{variable.spoken}`", label)
    value = expressions.evaluate(env, node.value, old.dtype)
    return _edited(env, edit, old, value)


def with_part(env: Env, node: tree.With, expected: DType | None) -> Tensor:
    """`x with [0, :] = v`; several in a row, each made from the one before."""
    edits: list[tree.With] = []
    base: tree.Expr = node
    while isinstance(base, tree.With) and (base is node or base not in env.hoisted):
        edits.append(base)
        base = base.base
    made = expressions.evaluate(env, base, expected)
    for one in reversed(edits):
        made = _with(env, one, made, expected)
    assert isinstance(made, Tensor)
    return made


def _with(env: Env, node: tree.With, base: Value, expected: DType | None) -> Tensor:
    site = Site("`with`", node.span)
    if not isinstance(base, NUMERIC):
        raise env.error(
            "E0206", f"`with` does not take {article(base)}", node.base.span, "not a tensor"
        )
    known = base.dtype if isinstance(base, Tensor) else expected
    value = expressions.evaluate(env, node.value, known)
    if not isinstance(base, Tensor):
        operands = [Operand(node.base, base)]
        if isinstance(value, NUMERIC):
            operands.append(Operand(node.value, value))
        base = env.tensor(base, common_dtype(env, site, operands, expected))
    name = base.origin.name
    label = base.origin.label(f"`{name}` is {base.type}") if name else None
    place = tree.Index(node.span, node.base, node.items)
    whole = f"`{name}`" if name else "the tensor"
    edit = Edit(place, node.op, node.value, node.span, whole, label)
    made = _edited(env, edit, _repeated(env, place, base, value), value)
    return Tensor(made.ssa, Origin(span=node.span, how="the result of `with`"), made.batch)


def _repeated(env: Env, place: tree.Index, base: Tensor, value: Value) -> Tensor:
    """The tensor once for each value of the index variables in the position and the value."""
    if not env.binders:
        return base
    with env.region():  # only looks at the part: what it writes is dropped
        part = subscripts.index(env, place, base, rows=False)
    given = [v for v in (base, part, value) if isinstance(v, NUMERIC)]
    return spread(env, base, merged_batch(env, given), base.dims)


def _edited(env: Env, edit: Edit, old: Tensor, value: Value) -> Tensor:
    part = subscripts.index(env, edit.target, old, rows=False)
    assert isinstance(part, Tensor)
    with env.at(edit.span) as b:
        new = _fitted(env, edit, part, value)
        if edit.op in ("+=", "-=") and _gathers(part.ssa, old.ssa):
            change = b.neg(new.ssa) if edit.op == "-=" else new.ssa
            return Tensor(_put(env, edit, part.ssa, old.ssa, change, add=True), batch=old.batch)
        if edit.op != "=":
            combined = tree.Binary(edit.span, edit.op[0], edit.target, edit.node)
            made = operators.binary(env, combined, part, new, part.dtype)
            assert isinstance(made, Tensor)
            new = made
        return Tensor(_put(env, edit, part.ssa, old.ssa, new.ssa), old.origin, old.batch)


def _fitted(env: Env, edit: Edit, part: Tensor, value: Value) -> Tensor:
    """The value with the type of the part, repeated along what it lacks, as for operators."""
    if isinstance(value, Number):
        check_literal(env, value, part.dtype, edit.place)
        return Tensor(env.b.full(dims_of(part.ssa), part.dtype, value.value), batch=part.batch)
    declared = TensorType(part.dtype, part.dims, (), part.type, edit.target.span)
    x = fit_dtype(env, value, declared, edit.place)
    if not _broadcasts(env, x, part):
        raise _does_not_fill(env, edit, part, x)
    return spread(env, x, part.batch, part.dims)


def _broadcasts(env: Env, x: Tensor, part: Tensor) -> bool:
    """Whether the sizes of `x`, aligned at the right, are 1 or those of the part."""
    pairs = zip(reversed(x.dims), reversed(part.dims), strict=False)
    return x.rank <= part.rank and all(own == 1 or env.same_size(own, size) for own, size in pairs)


def _does_not_fill(env: Env, edit: Edit, part: Tensor, x: Tensor) -> Problem:
    return env.error(
        "E0203",
        f"{edit.place.what} has the wrong shape",
        edit.node.span,
        f"this is {x.type}, the part is {part.type}",
        labels=[edit.declared],
        helps=["sizes, compared from the last one on, are equal or 1 in the new value"],
    )


def _gathers(part: SSAValue, whole: SSAValue) -> bool:
    """Whether the part is read through an index tensor, where places may be equal."""
    while part is not whole:
        if isinstance(part.owner, GatherOp):
            return True
        if not isinstance(part.owner, SliceOp | ReshapeOp | TransposeOp):
            return False
        part = part.owner.operands[0]
    return False


def _put(
    env: Env, edit: Edit, part: SSAValue, whole: SSAValue, value: SSAValue, add: bool = False
) -> SSAValue:
    """`whole` with `value` in the place of `part`; with `add`, added there."""
    b: Builder = env.b
    while part is not whole:
        match part.owner:
            case SliceOp() as op:
                value = b.insert_slice(op.x, value, op.offsets.data, op.steps.data, op.starts)
            case ReshapeOp() as op:
                value = b.reshape(value, dims_of(op.x))
            case TransposeOp() as op:
                perm = op.perm.data
                value = b.transpose(value, [perm.index(i) for i in range(len(perm))])
            case GatherOp() as op:
                safe = op.in_bounds is not None
                kind: ScatterKind = "add" if add else "set"
                value = b.scatter(op.x, value, op.indices, op.axes.data, kind, in_bounds=safe)
                add = False
            case _:
                raise env.unsupported(
                    "this part of a tensor cannot be replaced yet",
                    edit.target.span,
                    helps=["write the whole tensor in index notation: `[... for i, j]`"],
                )
        part = part.owner.operands[0]
    return value
