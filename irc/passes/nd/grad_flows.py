"""What flows back: the gradient found so far of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.builder import Builder
from irc.dialects.nd.sources import FullOp
from irc.dialects.nd.structure import InsertSliceOp
from irc.passes.nd.match import windows_apart

Gradients = dict[SSAValue, SSAValue]
Flows = Iterable[tuple[SSAValue, SSAValue | None]]

# Goes back through a path: `grad_walk.backward`, which ops with regions use for what is inside.
Walk = Callable[[Builder, Sequence[Operation], set[SSAValue], Gradients], None]

MAX_PARTS = 16  # looked at in one sum, which keeps the work linear


def add_to(b: Builder, gradients: Gradients, x: SSAValue, dx: SSAValue) -> None:
    """
    Adds what arrives at `x` to what did so before.

    Gradients of parts that do not meet, as of `x[:n]` and `x[n:]`, are put side by side.
    """
    before = gradients.get(x)
    if before is None:
        gradients[x] = dx
    elif (part := _part(dx)) is not None and _is_apart(part, before):
        at, steps = part.offsets.data, part.steps.data
        gradients[x] = b.insert_slice(before, part.value, at, steps)
    else:
        gradients[x] = b.add(before, dx)


def _part(dx: SSAValue) -> InsertSliceOp | None:
    """The op that puts a part of `dx` into zeros, or into other parts; its place is fixed."""
    op = dx.owner
    return op if isinstance(op, InsertSliceOp) and not op.starts else None


def _is_apart(part: InsertSliceOp, before: SSAValue) -> bool:
    """Whether `part` is put into zeros, and `before` holds zeros where it is."""
    if not _is_zero(part.x):
        return False
    for _ in range(MAX_PARTS):
        other = _part(before)
        if other is None or not windows_apart(part, part.value, other, other.value):
            return False
        if _is_zero(other.x):
            return True
        before = other.x
    return False


def _is_zero(x: SSAValue) -> bool:
    return isinstance(x.owner, FullOp) and x.owner.number == 0


def replace(gradients: Gradients, old: SSAValue, new: SSAValue) -> None:
    """Puts `new` in the place of `old`, in the program and among the gradients."""
    old.replace_all_uses_with(new)
    if (found := gradients.pop(old, None)) is not None:
        gradients[new] = found
