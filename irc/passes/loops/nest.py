"""Loop nests: each op of a body goes to the outermost loop that it depends on."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, math, memref
from xdsl.dialects.builtin import IntegerType, MemRefType, UnitAttr
from xdsl.dialects.linalg.ops import IndexOp, YieldOp
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects import rt
from irc.dialects.foreign import ForeignOp
from irc.passes.loops.builder import Index, Pen
from irc.passes.loops.structured import Operand, element_index, resolve

COUNTERS = ("i", "j", "k", "l", "m", "n")
SIMD = "irc.simd"  # on a loop: iterations do not depend on each other

# These must not run where the loop around them would not: they trap, or may leave their array.
_STAYS: frozenset[type[Operation]] = frozenset(
    {
        memref.LoadOp,
        arith.DivSIOp,
        arith.DivUIOp,
        arith.RemSIOp,
        arith.RemUIOp,
        arith.FloorDivSIOp,
        arith.CeilDivSIOp,
        arith.CeilDivUIOp,
    }
)
# Work of a scalar op relative to an addition, for the decision to use threads.
_COST: dict[type[Operation], int] = {
    rt.PhiloxOp: 64,
    rt.SpecialOp: 64,
    ForeignOp: 64,
    arith.DivfOp: 4,
    math.SqrtOp: 4,
    **{
        op: 16
        for op in (math.ExpOp, math.LogOp, math.TanhOp, math.ErfOp, math.PowFOp, math.SinOp,
                   math.CosOp, math.ExpM1Op, math.Log1pOp, math.Exp2Op, math.Log2Op)
    },
}  # fmt: skip


class Nest:
    """
    Nested loops being filled.

    ivs    the index of each loop dimension, in the order of the op's dimensions
    pens   where depth d is written: pens[0] outside, pens[-1] in the innermost loop
    """

    def __init__(self, pens: list[Pen], ivs: list[Index], depth_of_dim: list[int]) -> None:
        self.pens = pens
        self.ivs = ivs
        self.depth_of_dim = depth_of_dim
        self.depth: dict[SSAValue, int] = {}
        for iv, d in zip(ivs, depth_of_dim, strict=True):
            if isinstance(iv, SSAValue):
                self.depth[iv] = max(d, self.depth.get(iv, 0))

    @property
    def inner(self) -> Pen:
        return self.pens[-1]

    def element(self, operand: Operand) -> SSAValue:
        """Loads the element of an operand, as far outside as its indices allow."""
        if not isinstance(operand.ref.type, MemRefType):
            return operand.ref
        depth = 0
        for dim, d in enumerate(self.depth_of_dim):
            if d > depth and operand.uses(dim):
                depth = d
        pen = self.pens[depth]
        ref, indices = element_index(operand, self.ivs, pen)
        value = pen.load(ref, indices, operand.ref.name_hint)
        self.depth[value] = depth
        return value

    def body(self, block: Block, arguments: Sequence[SSAValue | None]) -> list[SSAValue]:
        """Moves a generic's body here; gives what it yields. The block is empty afterwards."""
        for arg, value in zip(block.args, arguments, strict=True):
            if value is not None:
                arg.replace_all_uses_with(value)
        innermost = len(self.pens) - 1
        for op in list(block.ops):
            kind = type(op)  # abstract classes make isinstance slow, and bodies are long
            if kind is YieldOp:
                return list(op.operands)
            op.detach()
            if kind is IndexOp:
                self._index(op)  # type: ignore[arg-type]
                continue
            depth = innermost if type(op) in _STAYS or op.regions else self._depth(op)
            pen = self.pens[depth]
            location = op.location
            pen.insert(op)
            op.location = location
            for result in op.results:
                self.depth[result] = depth
            if kind is memref.LoadOp:
                resolve_load(op, pen.at(op))  # type: ignore[arg-type]
        raise AssertionError("a body without linalg.yield")

    def _index(self, op: IndexOp) -> None:
        dim = op.dim.value.data
        value = self.pens[0].index(self.ivs[dim])
        op.result.replace_all_uses_with(value)

    def _depth(self, op: Operation) -> int:
        return max((self.depth.get(v, 0) for v in op.operands), default=0)


def resolve_load(op: memref.LoadOp, pen: Pen) -> None:
    """A load from a slice is a load from what it is a slice of."""
    if isinstance(op.memref.owner, memref.SubviewOp):
        ref, indices = resolve(op.memref, list(op.indices), pen)
        op.operands = [ref, *(pen.index(i) for i in indices)]


def open_loops(
    pen: Pen,
    bounds: Sequence[tuple[Index, Index]],
    hints: Sequence[str] = COUNTERS,
    simd: bool = True,
) -> tuple[list[Pen], list[SSAValue]]:
    """Nested `scf.for` loops; the innermost is marked as free of dependences."""
    pens = [pen]
    ivs: list[SSAValue] = []
    for number, (lb, ub) in enumerate(bounds):
        inner, iv, _, op = pens[-1].loop(lb, ub, 1, hints[number % len(hints)])
        inner.end()
        pens[-1].anchor = op
        inner.anchor = inner.block.last_op
        if simd and number == len(bounds) - 1:
            op.attributes[SIMD] = UnitAttr()
        pens.append(inner)
        ivs.append(iv)
    return pens, ivs


def work(block: Block) -> int:
    """Cost of one execution of a body, in additions."""
    return sum(_COST.get(type(op), 1) for op in block.ops)


def is_bool(value: SSAValue) -> bool:
    return isinstance(value.type, IntegerType) and value.type.width.data == 1
