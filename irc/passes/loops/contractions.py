"""
Products: `C[.., m, n] = sum over k of A[.., m, k] * B[.., k, n]`, in any arrangement of axes.

```
for j in 0..n step 32                     // panels of B, packed where they do not lie right
  for i in 0..m step 12
    tile = A[i.., :] * B[:, j..]          // in registers, over the whole of k
    C[i.., j..] = epilogue(tile)
```
"""

from __future__ import annotations

from typing import Literal

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    AnyFloat,
    BFloat16Type,
    Float16Type,
    IntegerType,
)
from xdsl.dialects.linalg.ops import GenericOp, YieldOp
from xdsl.ir import Attribute, SSAValue

from irc.passes.loops.access import Access, access_of
from irc.passes.loops.builder import Pen
from irc.passes.loops.convolutions import Windows, lower_windows, windows_of
from irc.passes.loops.elementwise import lower_elementwise
from irc.passes.loops.factors import Contraction
from irc.passes.loops.helpers import Helpers
from irc.passes.loops.panels import widen_into
from irc.passes.loops.products import lower_dots, lower_tiles
from irc.passes.loops.reductions import lower_reduction
from irc.passes.loops.resident import Residents
from irc.passes.loops.rows import is_contiguous
from irc.passes.loops.structured import Operand, Shapes, Structured, collapse
from irc.passes.loops.threads import Threads
from irc.sizes import product
from irc.target import Target

CONTRACTION = "irc.contraction"
SMALL = 256  # multiplications; below that, plain loops are as fast and much less code

Role = Literal["batch", "m", "n", "k", "none"]


def is_contraction(op: GenericOp) -> bool:
    """Whether the op is marked as a product of two factors."""
    return CONTRACTION in op.attributes and len(op.inputs) == 2 and len(op.outputs) == 1


class Contractions:
    """Lowers the products of one module."""

    def __init__(self, helpers: Helpers, target: Target) -> None:
        self.helpers = helpers
        self.target = target
        self.residents = Residents()

    def lower(
        self,
        s: Structured,
        init: SSAValue | None,
        tail: Structured | None,
        pen: Pen,
        shapes: Shapes,
        threads: Threads,
    ) -> None:
        """Writes the loops at `pen`; `tail` is written with them."""
        c = self._analyse(s, init, tail, pen, shapes)
        if isinstance(c, Windows):
            lower_windows(c, self.helpers, self.target, pen, threads)
        elif c is None:
            self._plain(s, init, tail, pen, shapes, threads)
        elif c.n is None:
            lower_dots(c, self.helpers, self.target, pen, threads)
        else:
            lower_tiles(c, self.helpers, self.target, pen, threads)

    def _plain(
        self,
        s: Structured,
        init: SSAValue | None,
        tail: Structured | None,
        pen: Pen,
        shapes: Shapes,
        threads: Threads,
    ) -> None:
        """The product as any other reduction, then the op that takes its result."""
        if s.parallel:  # an outer product
            lower_elementwise(s, pen, shapes, threads)
        else:
            lower_reduction(s, [init], pen, shapes, threads, self.helpers)
        if tail is not None:
            pen.location = tail.op.location
            lower_elementwise(tail, pen, shapes, threads)

    def _analyse(
        self,
        s: Structured,
        init: SSAValue | None,
        tail: Structured | None,
        pen: Pen,
        shapes: Shapes,
    ) -> Contraction | Windows | None:
        """The roles of the loops, or None where plain loops are better or the only way."""
        total = product(s.loops)
        element = s.outputs[0].ref.type.element_type  # type: ignore[attr-defined]
        if isinstance(total, int) and total <= SMALL:
            return None
        if not _is_product(s.op) or not _has_vectors(element) or not _stored_whole(s):
            return None
        if not _projects(s):
            roles = [_role(s, d) for d in range(len(s.loops))]
            return windows_of(s, roles, init, tail, pen, shapes, self.target)
        s = collapse(s, shapes, pen, only_reduced=tail is not None)
        roles = [_role(s, d) for d in range(len(s.loops))]
        if "none" in roles or roles.count("k") != 1:
            return None
        x, y = s.inputs
        a, b = access_of(x, shapes, pen), access_of(y, shapes, pen)
        if a is None or b is None:
            return None
        axes = [e.position for e in s.outputs[0].exprs]  # type: ignore[attr-defined]
        order = [d for d in axes if s.loops[d] != 1]
        ms = [d for d in order if roles[d] == "m"]
        ns = [d for d in order if roles[d] == "n"]
        k = roles.index("k")
        if (ms and not ns and a.stride(ms[-1]) == 1) or (
            ms and ns and order.index(ms[-1]) > order.index(ns[-1])
        ):
            x, y, a, b, ms, ns = y, x, b, a, ns, ms
        if ms and not ns and self.residents.home(x, pen):
            # Packed, a matrix gives its sums without adding up the lanes of a vector.
            x, y, a, b, ms, ns = y, x, b, a, ns, ms
        m, n = (ms[-1] if ms else None), (ns[-1] if ns else None)
        if n is None and (a.stride(k) != 1 or b.stride(k) != 1 or not _same(a, b, element)):
            return None
        outer = [d for d in range(len(s.loops)) if d not in (m, n, k)]
        c = Contraction(s, m, n, k, outer, a, b, element, init, tail)
        return c if n is None else self._settled(c, x, y, pen, shapes)

    def _settled(
        self, c: Contraction, x: Operand, y: Operand, pen: Pen, shapes: Shapes
    ) -> Contraction:
        """With factors that a loop around leaves alone packed, or widened, before it."""
        before = self.residents.home(x, pen)
        if before is not None and not c.lies_right:
            a = access_of(x, shapes, before)
            assert a is not None
            c.a = widen_into(a, c.element, c.s.loops, before)
        home = self.residents.home(y, pen)
        if home is not None and not any(y.uses(d) for d in c.outer):
            b = access_of(y, shapes, home)
            assert b is not None
            c.b, c.home = b, home
        return c


def _same(a: Access, b: Access, element: Attribute) -> bool:
    return a.element == element and b.element == element


def _has_vectors(element: Attribute) -> bool:
    if isinstance(element, IntegerType):
        return element.width.data in (32, 64)
    return isinstance(element, AnyFloat) and not isinstance(element, Float16Type | BFloat16Type)


def _projects(s: Structured) -> bool:
    """Whether each axis of each operand is a loop of its own."""
    for operand in s.operands:
        dims = [getattr(e, "position", None) for e in operand.exprs]
        if None in dims or len(set(dims)) != len(dims):
            return False
    return True


def _stored_whole(s: Structured) -> bool:
    """Whether the result is an array of its own, each axis of which is a loop."""
    output = s.outputs[0]
    dims = [getattr(e, "position", None) for e in output.exprs]
    return None not in dims and len(set(dims)) == len(dims) and is_contiguous(output.ref)


def _role(s: Structured, dim: int) -> Role:
    in_a, in_b = (o.uses(dim) for o in s.inputs)
    in_c = s.outputs[0].uses(dim)
    if in_c:
        return "batch" if in_a and in_b else "m" if in_a else "n" if in_b else "none"
    return "k" if in_a and in_b else "none"


def _is_product(op: GenericOp) -> bool:
    """acc + a * b, with a and b widened at most."""
    block = op.body.block
    end = block.last_op
    assert isinstance(end, YieldOp)
    total = end.operands[0].owner
    if not isinstance(total, arith.AddfOp | arith.AddiOp):
        return False
    acc = block.args[2]
    if acc not in total.operands:
        return False
    factor = total.operands[1] if total.operands[0] is acc else total.operands[0]
    times = factor.owner
    if not isinstance(times, arith.MulfOp | arith.MuliOp):
        return False
    sources = [_widened(v) for v in times.operands]
    return sources in ([block.args[0], block.args[1]], [block.args[1], block.args[0]])


def _widened(value: SSAValue) -> SSAValue:
    """What `value` is a conversion of."""
    owner = value.owner
    if isinstance(owner, arith.ExtFOp | arith.ExtSIOp | arith.ExtUIOp):
        return owner.operands[0]
    return value
