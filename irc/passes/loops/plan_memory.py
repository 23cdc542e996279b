"""One workspace for each function: which buffer lies where in it, as formulas in the sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerType,
    MemRefType,
    ModuleOp,
    StringAttr,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from irc.passes.loops.builder import DIMS, Pen, Pool, memref_type
from irc.passes.loops.factors import element_bytes
from irc.passes.loops.helpers import HELPER
from irc.passes.loops.structured import Shapes
from irc.sizes import Poly, poly, product

ARENA = "irc.arena"  # of a function: bytes of workspace, a polynomial in its sizes
BUFFERS = "irc.buffers"  # of a function: name, bytes and offset of each buffer
ALIGNMENT = 64

_VIEWS = (memref.ReinterpretCastOp, memref.SubviewOp, arith.SelectOp)


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    """
    Needs memory as `memref.alloc`. Leaves views into one argument, the arena.

    ```
    func @f(%n)                         func @f(%n, %arena)  {irc.arena = "256*n"}
      %a = memref.alloc(%n)       ->      %a = memref.view %arena[0][%n]
      %b = memref.alloc(%n)               %b = memref.view %arena[0][%n]   // a is dead by then
    ```

    Buffers that are not needed at the same time share their place, if one of the two sizes is
    proved to be at least the other for all values of the symbols. A buffer that a loop allocates
    is needed from its first to its last use within one iteration, and has one place for all.
    """

    name = "loops-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for child in op.body.block.ops:
            if isinstance(child, func.FuncOp) and child.body.blocks:
                if HELPER not in child.attributes:
                    _plan(child)


@dataclass(eq=False)
class _Buffer:
    """Bytes, and when they are needed: ops are numbered in the order of the text."""

    op: memref.AllocOp
    bytes: Poly
    first: int
    last: int
    slot: _Slot | None = None


@dataclass(eq=False)
class _Slot:
    """A piece of the arena. `busy` is the last op that needs what is in it now."""

    bytes: Poly
    busy: int
    offset: Poly = field(default_factory=lambda: poly(0))


def _plan(function: func.FuncOp) -> None:
    block = function.body.blocks[0]
    buffers = _buffers(function)
    slots = _assign(buffers)
    offset = poly(0)
    for slot in slots:
        slot.offset = offset
        offset = offset + slot.bytes
    arena = block.insert_arg(memref_type(IntegerType(8), [DYNAMIC_INDEX]), len(block.args))
    arena.name_hint = "arena"
    _add_argument(function, block, offset)
    pool = Pool(function)
    for buffer in buffers:
        _replace(buffer, arena, pool)
    function.attributes[ARENA] = StringAttr(str(offset))
    function.attributes[BUFFERS] = ArrayAttr([_described(b) for b in buffers])


def _buffers(function: func.FuncOp) -> list[_Buffer]:
    """All buffers of a function, in the order of their first use."""
    shapes = Shapes(function)
    allocs: list[memref.AllocOp] = []
    spans = _numbered(function.body.blocks[0], allocs)
    found: list[_Buffer] = []
    for op in allocs:
        assert op.parent is not None
        users = [spans[_top(user, op.parent)] for user in _users(op.memref)]
        first = min((start for start, _ in users), default=spans[op][0])
        last = max((end for _, end in users), default=first)
        width = element_bytes(op.memref.type.element_type)
        size = poly(product([*shapes.of(op.memref), width]))
        size = (size + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT
        found.append(_Buffer(op, size, first, last))
    return sorted(found, key=lambda b: b.first)


def _numbered(block: Block, allocs: list[memref.AllocOp]) -> dict[Operation, tuple[int, int]]:
    """The number of each op, and the last of those inside it. Collects the allocations."""
    spans: dict[Operation, tuple[int, int]] = {}
    waiting: list[tuple[Operation, int | None]] = [(op, None) for op in reversed(list(block.ops))]
    number = 0
    while waiting:
        op, start = waiting.pop()
        if start is not None:  # what is inside has its numbers
            spans[op] = (start, number - 1)
            continue
        spans[op] = (number, number)
        if isinstance(op, memref.AllocOp):
            allocs.append(op)
        if op.regions:
            waiting.append((op, number))
            inner = [o for region in op.regions for b in region.blocks for o in b.ops]
            waiting += [(o, None) for o in reversed(inner)]
        number += 1
    return spans


def _users(ref: SSAValue) -> list[Operation]:
    """Ops that look at the memory of `ref`, through views too."""
    users: list[Operation] = []
    refs = [ref]
    for value in refs:
        for use in value.uses:
            user: Operation = use.operation
            users.append(user)
            if isinstance(user, _VIEWS) and isinstance(user.results[0].type, MemRefType):
                refs.append(user.results[0])
    return users


def _top(op: Operation, block: Block) -> Operation:
    while op.parent is not block:
        above = op.parent_op()
        assert above is not None
        op = above
    return op


def _assign(buffers: list[_Buffer]) -> list[_Slot]:
    """First come, first served: an equal free slot, one that is large enough, one that can grow."""
    slots: list[_Slot] = []
    for buffer in buffers:
        free = [s for s in slots if s.busy < buffer.first]
        slot = _choose(free, buffer.bytes)
        if slot is None:
            slot = _Slot(buffer.bytes, -1)
            slots.append(slot)
        elif (slot.bytes - buffer.bytes).nonnegative() is False:
            slot.bytes = buffer.bytes
        slot.busy = buffer.last
        buffer.slot = slot
    return slots


def _choose(free: list[_Slot], size: Poly) -> _Slot | None:
    best: _Slot | None = None
    for slot in free:
        if slot.bytes == size:
            return slot
        if (slot.bytes - size).nonnegative():
            if (
                best is None
                or not (size - best.bytes).nonnegative()
                and (best.bytes - slot.bytes).nonnegative()
            ):
                best = slot
    if best is not None:
        return best
    for slot in free:
        if (size - slot.bytes).nonnegative() and (
            best is None or (slot.bytes - best.bytes).nonnegative()
        ):
            best = slot
    return best


def _add_argument(function: func.FuncOp, block: Block, size: Poly) -> None:
    old = function.arg_attrs
    attrs = list(old.data) if old is not None else []
    attrs += [DictionaryAttr({})] * (len(block.args) - 1 - len(attrs))
    attrs.append(DictionaryAttr({"irc.kind": StringAttr("arena")}))
    function.properties["arg_attrs"] = ArrayAttr(attrs)
    function.function_type = FunctionType.from_lists([a.type for a in block.args], [])


def _replace(buffer: _Buffer, arena: SSAValue, pool: Pool) -> None:
    op = buffer.op
    assert buffer.slot is not None and op.parent is not None
    pen = Pen(pool, op.parent, op, op.location)
    shift = pen.index(pool.size(buffer.slot.offset))
    view = memref.ViewOp.create(
        operands=[arena, shift, *op.dynamic_sizes], result_types=[op.memref.type]
    )
    if DIMS in op.attributes:
        view.attributes[DIMS] = op.attributes[DIMS]
    pen.insert(view)
    view.results[0].name_hint = op.memref.name_hint
    op.memref.replace_all_uses_with(view.results[0])
    op.detach()
    op.erase()


def _described(buffer: _Buffer) -> DictionaryAttr:
    assert buffer.slot is not None
    return DictionaryAttr(
        {
            "name": StringAttr(buffer.op.memref.name_hint or ""),
            "bytes": StringAttr(str(buffer.bytes)),
            "offset": StringAttr(str(buffer.slot.offset)),
            "span": StringAttr(_span(buffer.op)),
        }
    )


def _span(op: Operation) -> str:
    text = str(op.location)
    return "" if "unknown" in text else text
