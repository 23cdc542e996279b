"""
Which state updates can be made in place, and when.

    %w = nd.state_read @W                      %w = nd.state_read @W
    %v = generic ins(%w, %g)          ->       generic ins(%w, %g) outs(%w)   // last of all
    ...                                        ...
    nd.state_write @W, %v

A state changes only when nothing can fail any more, and not before everything that needs its old
value is done. Ops that make new values are moved to the end where that helps; what cannot be in
place stays a copy at the end.
"""

from __future__ import annotations

from xdsl.dialects import func, scf, tensor
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects import rt
from irc.dialects.nd.effects import StateReadOp, StateWriteOp
from irc.passes.loops.liveness import VIEWS, Liveness
from irc.passes.loops.places import updated_operand


def place_updates(block: Block) -> dict[SSAValue, str]:
    """
    Moves updates to where they are safe, and tells which values may be written into a state:
    value -> name of the state.
    """
    writes = [op for op in block.ops if isinstance(op, StateWriteOp)]
    if not writes:
        return {}
    end = block.last_op
    assert end is not None
    for write in writes:  # they take effect when the function returns, wherever they stand
        write.detach()
        block.insert_op_before(write, end)
    placed, failed = _in_place(block, writes)
    if failed:
        _sink(block, writes)
        placed, _ = _in_place(block, writes)
    return placed


def _in_place(
    block: Block, writes: list[StateWriteOp]
) -> tuple[dict[SSAValue, str], list[StateWriteOp]]:
    live = Liveness(block)
    last_failure = max((i for op, i in live.position.items() if can_fail(op)), default=-1)
    reads = _reads(block)
    placed: dict[SSAValue, str] = {}
    failed: list[StateWriteOp] = []
    for write in writes:
        name = write.state.root_reference.data
        op = write.value.owner
        if (
            isinstance(op, GenericOp | tensor.InsertSliceOp)
            and op.parent is block
            and write.value not in placed
            and _first_write(op, write.value, live) > last_failure
            and all(_done_before(old, op, write.value, live) for old in reads.get(name, ()))
        ):
            placed[write.value] = name
        else:
            failed.append(write)
    return placed, failed


def _first_write(op: Operation, value: SSAValue, live: Liveness) -> int:
    """Where the memory of `value` is written first: at its op, or where its initial value is."""
    start = live.position[op]
    while (init := updated_operand(op, value)) is not None:
        if not isinstance(init.owner, Operation) or init.owner not in live.position:
            break
        op, value = init.owner, init
        if not isinstance(op, tensor.EmptyOp | StateReadOp):
            start = min(start, live.position[op])
    return start


def _done_before(old: SSAValue, op: Operation, value: SSAValue, live: Liveness) -> bool:
    """Whether the old value is not needed once `op` writes over it."""
    start, position = _first_write(op, value, live), live.position[op]
    last = live.last[old]
    if last < start:
        return True
    if last > position or start < position:
        return False
    return all(
        use.operation is op and reads_in_step(op, use.index, value)
        for v in _with_views(old)
        for use in v.uses
        if live.position.get(live.ancestor(use.operation)) == position
    )


def reads_in_step(op: Operation, operand: int, value: SSAValue) -> bool:
    """
    Whether `op` reads that operand element by element, just before it writes the same element of
    `value`: then both may be one memory.
    """
    if isinstance(op, tensor.InsertSliceOp | tensor.InsertOp):
        return operand == 1
    if isinstance(op, scf.ForOp):
        return operand == 3 + value.index  # type: ignore[attr-defined]
    if not isinstance(op, GenericOp):
        return False
    maps = [m.data for m in op.indexing_maps.data]
    inputs = len(op.inputs)
    if operand >= inputs:
        return operand == inputs + value.index  # type: ignore[attr-defined]
    if any(kind.data.value != "parallel" for kind in op.iterator_types.data):
        return False
    return maps[operand] == maps[inputs + value.index]  # type: ignore[attr-defined]


def updates_in_place(old: SSAValue | None, value: SSAValue, live: Liveness) -> bool:
    """
    Whether `value` may be written over `old`, an argument of the block, by the op that makes it.

    Only while that op reads `old` element by element: were it read before, by a product, the
    product could not hand its tiles to that op.
    """
    op = value.owner
    if old is None or old is value or old.first_use is None:
        return True
    if not isinstance(op, GenericOp | tensor.InsertSliceOp | tensor.InsertOp | scf.ForOp):
        return False
    here = live.position.get(op, -1)
    return live.last[old] == here and _done_before(old, op, value, live)


def can_fail(op: Operation) -> bool:
    """Whether the function may end at `op`."""
    if isinstance(op, rt.AssertOp):
        return True
    return bool(op.regions) and any(isinstance(o, rt.AssertOp) for o in op.walk())


def _reads(block: Block) -> dict[str, list[SSAValue]]:
    reads: dict[str, list[SSAValue]] = {}
    for op in block.ops:
        if isinstance(op, StateReadOp):
            reads.setdefault(op.state.root_reference.data, []).append(op.res)
    return reads


def _with_views(value: SSAValue) -> list[SSAValue]:
    found = [value]
    for v in found:
        found.extend(
            use.operation.results[0]
            for use in v.uses
            if use.index == 0 and isinstance(use.operation, VIEWS)
        )
    return found


def _sink(block: Block, writes: list[StateWriteOp]) -> None:
    """Moves the ops that only make new values of states to just before the writes."""
    end = writes[0]
    makers: list[GenericOp] = []
    ends = set(writes) | {block.last_op}
    for op in reversed(list(block.ops)):
        if not isinstance(op, GenericOp):
            continue
        users = {use.operation for r in op.results for use in r.uses}
        if users and users <= ends | set(makers) and not users <= {block.last_op}:
            makers.append(op)
    for op in _readers_first(list(reversed(makers)), writes):
        op.detach()
        block.insert_op_before(op, end)


def _readers_first(makers: list[GenericOp], writes: list[StateWriteOp]) -> list[GenericOp]:
    """The makers, those that read a state's old value before the one that writes it."""
    writer: dict[str, Operation] = {}
    for write in writes:
        if isinstance(write.value.owner, Operation):
            writer[write.state.root_reference.data] = write.value.owner
    rank = {op: i for i, op in enumerate(makers)}
    before: dict[GenericOp, set[GenericOp]] = {op: set() for op in makers}
    for op in makers:
        for value in _captured(op):
            source = _origin(value)
            if isinstance(source, StateReadOp):
                other = writer.get(source.state.root_reference.data)
                if isinstance(other, GenericOp) and other in rank and other is not op:
                    before[other].add(op)
            elif isinstance(value.owner, GenericOp) and value.owner in rank:
                before[op].add(value.owner)
    order: list[GenericOp] = []
    waiting = list(makers)
    done: set[GenericOp] = set()
    while waiting:
        # In a circle of reads the first one goes ahead, and ends up as a copy.
        ready = [op for op in waiting if before[op] <= done] or [_least_bound(waiting, before)]
        for op in ready:
            order.append(op)
            done.add(op)
            waiting.remove(op)
    return order


def _least_bound(waiting: list[GenericOp], before: dict[GenericOp, set[GenericOp]]) -> GenericOp:
    """One whose inputs, other makers' results, are made already."""
    left = set(waiting)
    for op in waiting:
        made = {v.owner for v in _captured(op)}
        if not made & left:
            return op
    return waiting[0]


def _captured(op: Operation) -> list[SSAValue]:
    """Tensors that `op` reads, as operands or inside its body."""
    values = [v for v in op.operands if isinstance(v.type, TensorType)]
    for inner in op.walk():
        if inner is not op:
            values += [v for v in inner.operands if isinstance(v.type, TensorType)]
    return values


def _origin(value: SSAValue) -> Operation | Block:
    while isinstance(value.owner, VIEWS):
        value = value.owner.operands[0]
    return value.owner


def returned(block: Block) -> list[SSAValue]:
    """What a function gives back."""
    last = block.last_op
    assert isinstance(last, func.ReturnOp)
    return list(last.arguments)
