"""What passes over loops share: what is inside, rows of stacks, words for remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from xdsl.ir import Block, Operation, SSAValue

from irc import sizes
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import Derivative, IfOp
from irc.dialects.nd.effects import AssertOp, PrintOp, StateWriteOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.scan_draft import ScanDraft
from irc.dialects.nd.types import dims_of, type_text
from irc.passes.nd.rules import blocks_of, nested_ops
from irc.sizes import Poly, Size

KIND = "loop"  # of remarks
EFFECTS = (AssertOp, PrintOp, StateWriteOp)


def loops_in(root: Operation) -> list[ScanOp | WhileOp]:
    """Inner loops before those around them."""
    return [op for op in nested_ops(root) if isinstance(op, ScanOp | WhileOp)][::-1]


def outermost_loops(ops: Iterable[Operation]) -> list[ScanOp | WhileOp]:
    """The loops among `ops`, and in their regions, that stand in no other of them."""
    found, stack = list[ScanOp | WhileOp](), list(ops)
    while stack:
        op = stack.pop()
        if isinstance(op, ScanOp | WhileOp):
            found.append(op)
        else:
            stack += body_ops(op)
    return found


def body_ops(op: Operation) -> list[Operation]:
    """The ops that stand directly in the regions of `op`."""
    return [inner for block in blocks_of(op) for inner in block.ops]


def scans_in(root: Operation) -> list[ScanOp]:
    """Inner scans before those around them."""
    return [op for op in nested_ops(root) if isinstance(op, ScanOp)][::-1]


def values_inside(op: Operation) -> set[SSAValue]:
    """What the regions of `op` define, at any depth."""
    inside: set[SSAValue] = {arg for block in blocks_of(op) for arg in block.args}
    for inner in nested_ops(op):
        inside.update(inner.results)
        for block in blocks_of(inner):
            inside.update(block.args)
    return inside


def has_effects(op: Operation) -> bool:
    """Whether `op` or something inside it checks, prints or writes."""
    return isinstance(op, EFFECTS) or any(isinstance(o, EFFECTS) for o in nested_ops(op))


def has_derivatives(op: Operation) -> bool:
    """Whether a derivative inside `op` is still to be taken."""
    return any(isinstance(o, Derivative) for o in nested_ops(op))


def straight_ops(blocks: Iterable[Block]) -> Iterator[Operation]:
    """
    Ops of the blocks and of conditionals in them, in program order; not those of loops, nor of
    a conditional that has left meanwhile.
    """
    stack = [iter(list(block.ops)) for block in blocks][::-1]
    while stack:
        op = next(stack[-1], None)
        if op is None:
            stack.pop()
            continue
        home = op.parent
        yield op
        if isinstance(op, IfOp) and op.parent is home:
            stack += [iter(list(block.ops)) for block in blocks_of(op)][::-1]


# -- rows of stacks: a window on the first axis


def window(b: Builder, x: SSAValue, start: Size, count: Size) -> SSAValue:
    """Rows `start` to `start + count - 1` of `x`."""
    dims, zero = dims_of(x), sizes.const(0)
    if sizes.size(count) == dims[0] and start == 0:
        return x
    rest = [zero] * (len(dims) - 1)
    return b.slice(x, (sizes.size(count), *dims[1:]), (start, *rest), [1] * len(dims))


def row_of(b: Builder, x: SSAValue, at: Size) -> SSAValue:
    """Row `at` of `x`, without the first axis."""
    return b.reshape(window(b, x, at, 1), dims_of(x)[1:])


def as_rows(b: Builder, row: SSAValue) -> SSAValue:
    """One row as a stack of one."""
    return b.reshape(row, (1, *dims_of(row)))


def finish(b: Builder, draft: ScanDraft, like: ScanOp) -> ScanOp:
    """The scan of a draft, with the place and the attributes of the one that it replaces."""
    op = draft.finish()
    op.attributes.update(like.attributes)
    b.insert(op)
    op.location = like.location
    return op


def known(size: Size) -> int | None:
    """The number, when a size is one."""
    return size.constant if isinstance(size, Poly) else size


# -- words


def title(op: Operation) -> str:
    """`tanh `h` f32[10]`, the product `y` f32[3]`."""
    if not op.results:
        return f"`{op.name.removeprefix('nd.')}`"
    result = op.results[0]
    name = f" `{result.name_hint}`" if result.name_hint else ""
    kind = "the product" if op.name == "nd.dot" else f"`{op.name.removeprefix('nd.')}`"
    return f"{kind}{name} {type_text(result)}"


def loop_title(op: Operation) -> str:
    """`the scan of T steps`, `the loop`."""
    return f"the scan of {op.steps} steps" if isinstance(op, ScanOp) else "the loop"


def several(titles: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    shown = ", ".join(titles[:3])
    return f"{shown} and {len(titles) - 3} more" if len(titles) > 3 else shown
