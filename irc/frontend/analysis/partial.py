"""
`update W[i, :] += v`: a part of a state gets new values.

The part is read as an expression would read it; then the way from the state to the part is gone
back, with writes in the place of reads. So every index that can be read can be written.
"""

from __future__ import annotations

from xdsl.ir import SSAValue

from irc.diagnostics import Label
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.indexing import GatherOp, ScatterKind
from irc.dialects.nd.structure import ReshapeOp, SliceOp, TransposeOp
from irc.dialects.nd.types import dims_of
from irc.frontend import tree
from irc.frontend.analysis import operators
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.states import StateVar, name_of
from irc.frontend.analysis.types import Place, TensorType, check_literal, fit_tensor
from irc.frontend.analysis.values import Number, Tensor


def replaced(env: Env, node: tree.Update, variable: StateVar) -> Tensor:
    """The state with the part `node.target` replaced. Raises Problem."""
    from irc.frontend.analysis.expressions import evaluate

    target = node.target
    assert target.items is not None
    whole = env.unit.read_state(variable.name, variable.ir_type)
    place = tree.Index(target.span, name_of(target), target.items)
    part = evaluate(env, place)
    assert isinstance(part, Tensor)
    with env.at(node.span) as b:
        if node.op in ("+=", "-=") and _gathers(part.ssa, whole):
            delta = _fitted(env, node, part, variable)
            change = b.neg(delta.ssa) if node.op == "-=" else delta.ssa
            return Tensor(_put(env, part.ssa, whole, change, node, add=True), variable.origin)
        if node.op == "=":
            new = _fitted(env, node, part, variable)
        else:
            value = evaluate(env, node.value, part.dtype)
            combined = tree.Binary(node.span, node.op[0], place, node.value)
            made = operators.binary(env, combined, part, value, part.dtype)
            new = fit_tensor(env, made, _type_of(part, variable), {}, _place(node, variable))
        return Tensor(_put(env, part.ssa, whole, new.ssa, node), variable.origin)


def _fitted(env: Env, node: tree.Update, part: Tensor, variable: StateVar) -> Tensor:
    """The value with the type of the part; one number fills it."""
    from irc.frontend.analysis.expressions import evaluate

    value = evaluate(env, node.value, part.dtype)
    place = _place(node, variable)
    if isinstance(value, Number):
        check_literal(env, value, part.dtype, place)
        return Tensor(env.b.full(part.dims, part.dtype, value.value))
    if isinstance(value, Tensor) and not value.rank and value.dtype is part.dtype:
        return Tensor(env.b.broadcast(value.ssa, [], part.dims))
    return fit_tensor(env, value, _type_of(part, variable), {}, place)


def _type_of(part: Tensor, variable: StateVar) -> TensorType:
    return TensorType(part.dtype, part.dims, (), part.type, variable.span)


def _place(node: tree.Update, variable: StateVar) -> Place:
    what = f"the new value of a part of `{variable.spoken}`"
    return Place(
        what, node.value.span, Label(variable.span, f"`{variable.spoken}` is declared here")
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
    env: Env, part: SSAValue, whole: SSAValue, value: SSAValue, node: tree.Update, add: bool = False
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
                    "this part of a state cannot be updated yet",
                    node.target.span,
                    helps=["update the whole state: `update W = [... for i, j]`"],
                )
        part = part.owner.operands[0]
    return value
