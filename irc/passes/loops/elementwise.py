"""Parallel generics to loops: one nest, the innermost loop contiguous in memory."""

from __future__ import annotations

from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineDimExpr

from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.nest import Nest, work
from irc.passes.loops.structured import Shapes, Structured, collapse, element_index
from irc.passes.loops.threads import Threads
from irc.sizes import Size


def lower_elementwise(s: Structured, pen: Pen, shapes: Shapes, threads: Threads) -> None:
    """
    ```
    linalg.generic (i, j)                 for i in 0..n
      outs(y) : f(x[i, j], b[j])    ->      for j in 0..784   // no dependences
                                              y[i, j] = f(x[i, j], b[j])
    ```
    """
    s = collapse(s, shapes, pen)
    order = loop_order(s)
    anchor = pen.anchor
    extents: list[Size] = [s.loops[d] for d in order]
    pens, ivs = threads.nest(pen, extents, work(s.op.body.block) + len(s.inputs))
    by_dim: list[Index] = [0] * len(order)
    depth = [0] * len(order)
    for level, dim in enumerate(order):
        by_dim[dim], depth[dim] = ivs[level], level + 1
    fill_elementwise(s, Nest(pens, by_dim, depth))
    pen.anchor = anchor


def fill_elementwise(s: Structured, nest: Nest, known: dict[int, SSAValue] | None = None) -> None:
    """
    Writes the body into a nest: loads, the scalar program, stores.

    known   elements that are not loaded: operand number -> value
    """
    known = known or {}
    block = s.op.body.block
    arguments: list[SSAValue | None] = []
    for number, operand in enumerate(s.operands):
        if not block.args[number].first_use:
            arguments.append(None)
        elif number in known:
            arguments.append(known[number])
        else:
            arguments.append(nest.element(operand))
    values = nest.body(block, arguments)
    for value, output in zip(values, s.outputs, strict=True):
        ref, indices = element_index(output, nest.ivs, nest.inner)
        nest.inner.store(value, ref, indices)


def loop_order(s: Structured) -> list[int]:
    """Outermost loop first: as the first output lies in memory."""
    output = s.outputs[0]
    laid_out = [e.position for e in output.exprs if isinstance(e, AffineDimExpr)]
    return [d for d in range(len(s.loops)) if d not in laid_out] + laid_out
