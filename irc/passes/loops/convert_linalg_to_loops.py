"""Generics on memrefs to loops over scalars and vectors: one walk, by the kind of op."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.linalg.ops import GenericOp, YieldOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr
from xdsl.passes import ModulePass

from irc.passes.loops.builder import Pen, Pool
from irc.passes.loops.contractions import Contractions, is_contraction
from irc.passes.loops.elementwise import lower_elementwise
from irc.passes.loops.epilogues import find_epilogues
from irc.passes.loops.helpers import Helpers
from irc.passes.loops.nest import open_loops, resolve_load
from irc.passes.loops.reductions import lower_reduction
from irc.passes.loops.rows import VIEWS, is_contiguous, is_row
from irc.passes.loops.structured import Shapes, resolve, root, structured
from irc.passes.loops.threads import Threads
from irc.target import Target, parse


@dataclass(frozen=True)
class ConvertLinalgToLoopsPass(ModulePass):
    """
    Needs linalg on memrefs. Leaves scf, memref, vector and scalars.

    target     the CPU whose registers and caches decide about tiles
    threads    threads that a call may use; 0: as many as the target has
    min_work   additions that are worth waking threads for
    epilogues  elementwise ops run on a product's tile before it is stored
    """

    name = "convert-linalg-to-loops"

    target: str = "cpu:native"
    threads: int = 0
    min_work: int = 1 << 17
    epilogues: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = parse(self.target)
        threads = Threads(self.threads or target.threads, self.min_work)
        helpers = Helpers(op)
        for child in list(op.body.block.ops):
            if isinstance(child, func.FuncOp) and child.body.blocks:
                _Lowering(child, target, threads, helpers, self.epilogues).run()


class _Lowering:
    """The walk over one function."""

    def __init__(
        self,
        function: func.FuncOp,
        target: Target,
        threads: Threads,
        helpers: Helpers,
        epilogues: bool,
    ) -> None:
        self.function = function
        self.threads = threads
        self.helpers = helpers
        self.contractions = Contractions(helpers, target)
        self.epilogues = epilogues

    def run(self) -> None:
        self.pool = Pool(self.function)
        self.shapes = Shapes(self.function)
        self._block(self.function.body.blocks[0], self.threads)

    def _block(self, block: Block, threads: Threads) -> None:
        fills = find_fills(block)
        fused = find_epilogues(block) if self.epilogues else {}
        tails = set(fused.values())
        for op in list(block.ops):
            if isinstance(op, GenericOp):
                if op not in fills.used and op not in tails:
                    self._generic(op, fills, fused, threads)
            elif isinstance(op, memref.CopyOp):
                self._copy(op)
            elif isinstance(op, memref.LoadOp):
                resolve_load(op, Pen(self.pool, block, op, op.location))
            else:
                inside = threads
                if isinstance(op, scf.ForOp | scf.WhileOp):
                    self.contractions.residents.enter(op)
                    inside = threads.inside_loop()
                for region in op.regions:
                    for inner in region.blocks:
                        self._block(inner, inside)
        for op in fills.used:
            op.detach()
            op.erase(safe_erase=False)
        _drop_dead_memory(block)

    def _generic(
        self,
        op: GenericOp,
        fills: Fills,
        fused: dict[GenericOp, GenericOp],
        threads: Threads,
    ) -> None:
        epilogue = fused.get(op)
        place = epilogue or op
        assert place.parent is not None
        pen = Pen(self.pool, place.parent, place, op.location)
        s = structured(op, self.shapes)
        inits = [fills.starts.get((op, i)) for i in range(len(op.outputs))]
        if is_contraction(op):
            tail = structured(epilogue, self.shapes) if epilogue is not None else None
            self.contractions.lower(s, inits[0], tail, pen, self.shapes, threads)
        elif s.parallel:
            lower_elementwise(s, pen, self.shapes, threads)
        else:
            lower_reduction(s, inits, pen, self.shapes, threads, self.helpers)
        for done in (op, epilogue):
            if done is not None:
                done.detach()
                done.erase(safe_erase=False)

    def _copy(self, op: memref.CopyOp) -> None:
        """Contiguous copies stay: C has memcpy. Others become loops."""
        if all(is_contiguous(v) for v in op.operands):
            return
        assert op.parent is not None
        pen = Pen(self.pool, op.parent, op, op.location)
        extents = self.shapes.of(op.destination)
        anchor = pen.anchor
        pens, ivs = open_loops(pen, [(0, self.pool.size(e)) for e in extents])
        inner = pens[-1]
        source, at = resolve(op.source, list(ivs), inner)
        value = inner.load(source, at)
        target, to = resolve(op.destination, list(ivs), inner)
        inner.store(value, target, to)
        pen.anchor = anchor
        op.detach()
        op.erase(safe_erase=False)


@dataclass(eq=False)
class Fills:
    """
    Constants that outputs start from.

    starts   (op, output number) -> the constant; the op then does not read that output
    used     the fills that this makes superfluous
    """

    starts: dict[tuple[GenericOp, int], SSAValue]
    used: set[GenericOp]


def find_fills(block: Block) -> Fills:
    """Fills of a buffer whose next reader or writer is a reduction into it."""
    found = Fills({}, set())
    waiting: dict[SSAValue, tuple[GenericOp, SSAValue]] = {}
    for op in block.ops:
        if isinstance(op, VIEWS):
            continue
        touched = {root(v) for v in memrefs(op)}
        for ref in touched:
            if ref not in waiting:
                continue
            fill, value = waiting.pop(ref)
            number = _accumulates(op, ref)
            if number is not None and isinstance(op, GenericOp):
                found.starts[(op, number)] = value
                found.used.add(fill)
        if isinstance(op, GenericOp):
            filled = _fill_value(op)
            if filled is not None:
                waiting[op.outputs[0]] = (op, filled)
    return found


def memrefs(op: Operation) -> list[SSAValue]:
    """Memory that `op` and what is inside it touches."""
    values = [v for v in op.operands if type(v.type) is MemRefType]
    for region in op.regions:
        for inner in region.walk():
            values += [v for v in inner.operands if type(v.type) is MemRefType]
    return values


def _accumulates(op: Operation, ref: SSAValue) -> int | None:
    """The number of the output that is `ref`, when `op` reduces into it and sees it only there."""
    if not isinstance(op, GenericOp):
        return None
    if all(kind.data.value == "parallel" for kind in op.iterator_types.data):
        return None
    seen = [v for v in memrefs(op) if root(v) is ref]
    numbers = [i for i, v in enumerate(op.outputs) if v is ref]
    return numbers[0] if len(seen) == 1 and len(numbers) == 1 else None


def _fill_value(op: GenericOp) -> SSAValue | None:
    """The value that a generic without inputs writes everywhere; a constant goes before the op."""
    block = op.body.block
    end = block.last_op
    if len(op.inputs) or len(op.outputs) != 1:
        return None
    assert isinstance(end, YieldOp)
    (value,) = end.operands
    exprs = op.indexing_maps.data[0].data.results
    dims = {e.position for e in exprs if isinstance(e, AffineDimExpr)}
    if value in block.args or len(dims) != len(op.iterator_types) or len(exprs) != len(dims):
        return None
    ref = op.outputs[0]
    if not (isinstance(ref.owner, Block | memref.AllocOp | memref.GetGlobalOp) or is_row(ref)):
        return None
    maker = value.owner
    if isinstance(maker, arith.ConstantOp) and maker.parent is block and op.parent is not None:
        maker.detach()
        op.parent.insert_op_before(maker, op)
    return value if block.first_op is end else None


def _drop_dead_memory(block: Block) -> None:
    """Removes views and buffers that nobody looks at any more."""
    for op in reversed(list(block.ops)):
        if isinstance(
            op,
            memref.AllocOp | memref.ReinterpretCastOp | memref.SubviewOp | memref.GetGlobalOp,
        ) and not any(r.first_use for r in op.results):
            op.detach()
            op.erase()
