"""
Derivatives: each `nd.grad` becomes the ops of its backward pass, each `nd.jvp` two of them.

    cost = f(x)                      cost = f(x)
    g = nd.grad cost wrt x    ->     dcost = 1
                                     g = the sum, over the uses of x, of what flows back to it

The rules stand with the ops (`vjp`); this pass finds the ops between `wrt` and the cost, walks
them from the last to the first, and adds up what flows into each value, in the order in which
it arrives. A backward pass is linear in what it begins with, so the backward pass through it is
the way forward: jvp(y, x, v) = vjp(u -> vjp(y, x, u), v), whatever u is. Baydin, Pearlmutter,
Radul and Siskind, "Automatic differentiation in machine learning: a survey", JMLR 18 (2018);
Townsend, "A new trick for calculating Jacobian vector products" (2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from xdsl.builder import InsertPoint
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue
from xdsl.passes import ModulePass

from irc.diagnostics import Diagnostic, Label
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import Derivative, GradOp, IfOp, JvpOp, StopGradientOp, YieldOp
from irc.dialects.nd.effects import AssertOp, PrintOp
from irc.dialects.nd.types import dtype_of
from irc.dialects.verify import describe, span_of
from irc.errors import InternalError, UserError
from irc.passes.nd.dce import remove_dead
from irc.passes.nd.rules import blocks_of, nested_ops

Gradients = dict[SSAValue, SSAValue]


@dataclass(frozen=True)
class ExpandGradPass(ModulePass):
    """
    Replaces each `nd.grad` and `nd.jvp` by the ops that compute it, and drops `nd.stop_gradient`.

    Needs nd. Leaves nd without derivatives; new ops have the location of the forward op. Those
    of derivatives are expanded first, as they come first in the program.
    Raises UserError when a cost does not depend on what it is derived by.
    """

    name = "nd-expand-grad"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        ops = list(nested_ops(op))
        derivatives = [o for o in ops if isinstance(o, Derivative)]
        for derivative in derivatives:
            expand(derivative)
        for stop in ops:
            if isinstance(stop, StopGradientOp):
                stop.res.replace_all_uses_with(stop.x)
                _erase(stop)
        if derivatives:
            remove_dead(op)


def expand(op: Derivative) -> None:
    """Writes the ops of one derivative before it, and removes it."""
    b = Builder(InsertPoint.before(op), op.location)
    results = _jvp(b, op) if isinstance(op, JvpOp) else _grad(b, op)
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
            _add(b, arriving, g, v)
    path, _ = _between(list(arriving), set())
    _backward(b, path, _varied(path, {u}, set()), arriving)
    b.location = op.location
    result = arriving.get(u)
    return [b.like(op.y, 0) if result is None else result]


def _pulled_back(
    b: Builder, op: Derivative, y: SSAValue, seed: SSAValue
) -> list[SSAValue | None]:
    """
    What flows back to each of `wrt` when `seed` arrives at `y`; None for nothing.

    Raises UserError when `y` does not depend on one of them.
    """
    consts = set(op.consts)
    path, reached = _between([y], consts)
    for x in op.wrt:
        if x not in reached and op.disconnected is None:
            raise UserError(_disconnected(op, y, x))
    gradients: Gradients = {y: seed}
    _backward(b, path, _varied(path, set(op.wrt) - consts, consts), gradients)
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


def _between(
    ys: Iterable[SSAValue], consts: set[SSAValue]
) -> tuple[list[Operation], set[SSAValue]]:
    """
    The ops that `ys` were computed by, each after those it reads from, and all their values.

    Only through floats: integers, constants and stopped gradients are not looked behind.
    """
    order: list[Operation] = []
    reached: set[SSAValue] = set()
    seen: set[Operation] = set()
    stack: list[tuple[Operation, Iterator[SSAValue]]] = []

    def enter(x: SSAValue) -> None:
        if x in consts or not dtype_of(x).is_float:
            return
        reached.add(x)
        if not isinstance(x, OpResult) or x.op in seen:
            return
        seen.add(x.op)
        if not isinstance(x.op, StopGradientOp):
            stack.append((x.op, iter(_inputs(x.op))))

    for y in ys:
        enter(y)
        while stack:
            op, inputs = stack[-1]
            x = next(inputs, None)
            if x is None:
                order.append(op)
                stack.pop()
            else:
                enter(x)
    return order, reached


def _inputs(op: Operation) -> Sequence[SSAValue]:
    return [*op.operands, *_captured(op)] if op.regions else op.operands


def _captured(op: Operation) -> list[SSAValue]:
    """What the regions of `op` read from around it, in order of first use."""
    inside: set[SSAValue] = set()
    found: dict[SSAValue, None] = {}
    for block in blocks_of(op):
        inside.update(block.args)
    for inner in nested_ops(op):
        found.update((x, None) for x in inner.operands if x not in inside)
        inside.update(inner.results)
        for block in blocks_of(inner):
            inside.update(block.args)
    return list(found)


def _varied(path: Iterable[Operation], wrt: set[SSAValue], consts: set[SSAValue]) -> set[SSAValue]:
    """The values that change with `wrt`; `path` has each op after those it reads from."""
    varied = set(wrt)
    for op in path:
        if isinstance(op, StopGradientOp) or varied.isdisjoint(_inputs(op)):
            continue
        varied.update(r for r in op.results if r not in consts)
    return varied


def _backward(
    b: Builder, path: Sequence[Operation], varied: set[SSAValue], gradients: Gradients
) -> None:
    """Adds to `gradients` what flows back through `path` to the values of `varied`."""
    for op in reversed(path):
        inputs = _inputs(op)
        if varied.isdisjoint(inputs) or varied.isdisjoint(op.results):
            continue
        given = [gradients.get(r) for r in op.results]
        if all(dy is None for dy in given):
            continue
        b.location = op.location
        if isinstance(op, IfOp):
            flows = _through_if(b, op, given, varied)
        else:
            flows = zip(inputs, _vjp(b, op, given[0]), strict=True)
        for x, dx in flows:
            if dx is not None and x in varied:
                _add(b, gradients, x, dx)


def _add(b: Builder, gradients: Gradients, x: SSAValue, dx: SSAValue) -> None:
    before = gradients.get(x)
    gradients[x] = dx if before is None else b.add(before, dx)


def _vjp(b: Builder, op: Operation, dy: SSAValue | None) -> Sequence[SSAValue | None]:
    rule = getattr(op, "vjp", None)
    if rule is None:
        raise InternalError(f"{describe(op)}: the op has no derivative rule")
    return rule(b, dy)


def _through_if(
    b: Builder, op: IfOp, given: list[SSAValue | None], varied: set[SSAValue]
) -> Iterable[tuple[SSAValue, SSAValue | None]]:
    """
    if c { f(x) } else { g(x) }   ->   dx = if c { df(x) } else { dg(x) }

    Each region computes its forward ops once more, as their values are not seen outside.
    """
    xs = [x for x in _captured(op) if x in varied and dtype_of(x).is_float]
    if not xs:
        return []
    blocks = [_region_backward(op, block, xs, given, varied) for block in blocks_of(op)]
    new = IfOp(op.cond, [x.type for x in xs], *(Region(block) for block in blocks))  # type: ignore[misc]
    b.insert(new)
    return zip(xs, new.results, strict=True)


def _region_backward(
    op: IfOp, source: Block, xs: list[SSAValue], given: list[SSAValue | None], varied: set[SSAValue]
) -> Block:
    block, copies = Block(), dict[SSAValue, SSAValue]()
    end = source.last_op
    assert isinstance(end, YieldOp)
    path = [inner.clone(copies) for inner in source.ops if inner is not end]
    block.add_ops(path)
    b = Builder(block, op.location)
    gradients: Gradients = {}
    for y, dy in zip(end.operands, given, strict=True):
        value = copies.get(y, y)
        if dy is not None:
            _add(b, gradients, value, dy)
    _backward(b, path, _varied(path, set(xs), set()), gradients)
    b.location = op.location
    found = [gradients.get(x) for x in xs]
    results = [b.like(x, 0) if g is None else g for x, g in zip(xs, found, strict=True)]
    b.insert(YieldOp.create(operands=results))
    for inner in list(block.walk()):
        if isinstance(inner, AssertOp | PrintOp):
            _erase(inner)
    return block
