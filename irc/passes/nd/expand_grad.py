"""
Derivatives: each `nd.grad` becomes the ops of its backward pass, each `nd.jvp` two of them.

    cost = f(x)                      cost = f(x)
    g = nd.grad cost wrt x    ->     dcost = 1
                                     g = the sum, over the uses of x, of what flows back to it

This pass finds the ops between `wrt` and the cost (`grad_paths.py`), walks them from the last to
the first, and adds up what flows into each value, in the order in which it arrives
(`grad_walk.py`). Baydin, Pearlmutter, Radul and Siskind, "Automatic differentiation in machine
learning: a survey", JMLR 18 (2018).

A backward pass is linear in what it begins with, so the backward pass through it is the way
forward: jvp(y, x, v) = vjp(u -> vjp(y, x, u), v), whatever u is. Townsend, "A new trick for
calculating Jacobian vector products" (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from irc.diagnostics import Diagnostic, Label
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import Derivative, GradOp, JvpOp, StopGradientOp
from irc.dialects.nd.foreign import Extern
from irc.dialects.nd.loops import WhileOp
from irc.dialects.verify import span_of
from irc.errors import UserError
from irc.passes.nd.dce import remove_dead
from irc.passes.nd.grad_flows import Gradients, add_to
from irc.passes.nd.grad_loops import Unbounded
from irc.passes.nd.grad_paths import between, reached, varied
from irc.passes.nd.grad_walk import backward
from irc.passes.nd.rules import nested_ops


@dataclass(frozen=True)
class ExpandGradPass(ModulePass):
    """
    Replaces each `nd.grad` and `nd.jvp` by the ops that compute it, and drops
    `nd.stop_gradient` and the derivatives of externs.

    Needs nd. Leaves nd without derivatives; new ops have the location of the forward op. Those
    of derivatives are expanded first, as they come first in the program.
    Raises UserError when a cost does not depend on what it is derived by, and for a search
    without a limit.
    """

    name = "nd-expand-grad"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        derivatives = _merged([o for o in nested_ops(op) if isinstance(o, Derivative)])
        for derivative in derivatives:
            expand(derivative)
        for other in reversed(list(nested_ops(op))):  # those in copies of regions too
            if isinstance(other, StopGradientOp):
                other.res.replace_all_uses_with(other.x)
                _erase(other)
            elif isinstance(other, Extern) and other.derivative is not None:
                other.detach_region(other.derivative).erase()
        if derivatives:
            remove_dead(op)


def _merged(ops: list[Derivative]) -> list[Derivative]:
    """
    grad c wrt x; grad c wrt y   ->   grad c wrt x, y

    One way back for all, which matters where no later pass could merge two: through a scan.
    """
    alike: dict[tuple[object, ...], list[GradOp]] = {}
    for op in ops:
        if isinstance(op, GradOp):
            key = (op.parent, op.cost, tuple(op.cotangent), tuple(op.consts))
            alike.setdefault(key, []).append(op)
    instead: dict[Derivative, GradOp] = {}
    for group in alike.values():
        if len(group) > 1:
            instead |= _merge(group)
    return list(dict.fromkeys(instead.get(op, op) for op in ops))


def _merge(group: list[GradOp]) -> dict[Derivative, GradOp]:
    """The op that replaces those of a group whose cost depends on all that they ask for."""
    cost, consts = group[0].cost, set(group[0].consts)
    found = reached(between([cost], consts), [cost], consts)
    group = [op for op in group if found.issuperset(op.wrt)]
    if len(group) < 2:
        return {}
    first, wrt = group[0], list(dict.fromkeys(x for op in group for x in op.wrt))
    b = Builder(InsertPoint.before(first), first.location)
    cotangent = first.cotangent[0] if first.cotangent else None
    gradients = dict(zip(wrt, b.grad(cost, wrt, first.consts, cotangent), strict=True))
    merged = gradients[wrt[0]].owner
    assert isinstance(merged, GradOp)
    for op in group:
        for x, result in zip(op.wrt, op.results, strict=True):
            gradients[x].name_hint = gradients[x].name_hint or result.name_hint
            result.replace_all_uses_with(gradients[x])
        _erase(op)
    return dict.fromkeys(group, merged)


def expand(op: Derivative) -> None:
    """Writes the ops of one derivative before it, and removes it."""
    b = Builder(InsertPoint.before(op), op.location)
    try:
        results = _jvp(b, op) if isinstance(op, JvpOp) else _grad(b, op)
    except Unbounded as error:
        raise UserError(_unbounded(op, error.op)) from None
    for result, value in zip(op.results, results, strict=True):
        result.replace_all_uses_with(value)
    _erase(op)


def _grad(b: Builder, op: GradOp) -> list[SSAValue]:
    seed = op.cotangent[0] if op.cotangent else b.like(op.cost, 1)
    gradients = _pulled_back(b, op, op.cost, seed)
    b.location = op.location
    return [b.like(x, 0) if g is None else g for x, g in zip(op.wrt, gradients, strict=True)]


def _jvp(b: Builder, op: JvpOp) -> list[SSAValue]:
    """The result does not depend on `u`; the first backward pass is dead afterwards."""
    u = b.like(op.y, 0)
    gradients = _pulled_back(b, op, op.y, u)
    arriving: Gradients = {}
    for g, v in zip(gradients, op.tangents, strict=True):
        if g is not None:
            add_to(b, arriving, g, v)
    path = between(list(arriving), ())
    backward(b, path, varied(path, [u]), arriving)
    b.location = op.location
    result = arriving.get(u)
    return [b.like(op.y, 0) if result is None else result]


def _pulled_back(b: Builder, op: Derivative, y: SSAValue, seed: SSAValue) -> list[SSAValue | None]:
    """
    What flows back to each of `wrt` when `seed` arrives at `y`; None for nothing.

    Raises UserError when `y` does not depend on one of them.
    """
    consts = set(op.consts)
    path = between([y], consts)
    found = reached(path, [y], consts)
    for x in op.wrt:
        if x not in found and op.disconnected is None:
            raise UserError(_disconnected(op, y, x))
    gradients: Gradients = {y: seed}
    backward(b, path, varied(path, set(op.wrt) - consts, consts), gradients)
    return [None if x in consts else gradients.get(x) for x in op.wrt]


def _erase(op: Operation) -> None:
    assert op.parent is not None
    op.parent.erase_op(op)


def _disconnected(op: Derivative, y: SSAValue, x: SSAValue) -> Diagnostic:
    name = f"`{x.name_hint}`" if x.name_hint else "the value"
    cost = f"`{y.name_hint}`" if y.name_hint else "the cost"
    span = span_of(op)
    labels = (Label(span, f"{cost} was computed without {name}", primary=True),) if span else ()
    return Diagnostic(
        "E0401",
        f"{cost} does not depend on {name}, so it has no derivative with respect to it",
        labels,
        helps=('write `disconnected="zero"` to get zeros',),
    )


def _unbounded(op: Derivative, loop: WhileOp) -> Diagnostic:
    at, derived = span_of(loop), span_of(op)
    labels = []
    if at:
        labels.append(Label(at, "how many steps it takes is not known before", primary=True))
    if derived:
        labels.append(Label(derived, "the derivative is taken here", primary=not at))
    return Diagnostic(
        "E0403",
        "a `while` loop without a bound cannot be differentiated",
        tuple(labels),
        helps=("say how many steps there are at most: `loop ... while ... max 100 { ... }`",),
    )
