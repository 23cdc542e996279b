"""What flows back: the gradient found so far of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.builder import Builder

Gradients = dict[SSAValue, SSAValue]
Flows = Iterable[tuple[SSAValue, SSAValue | None]]

# Goes back through a path: `grad_walk.backward`, which ops with regions use for what is inside.
Walk = Callable[[Builder, Sequence[Operation], set[SSAValue], Gradients], None]


def add_to(b: Builder, gradients: Gradients, x: SSAValue, dx: SSAValue) -> None:
    """Adds what arrives at `x` to what did so before."""
    before = gradients.get(x)
    gradients[x] = dx if before is None else b.add(before, dx)


def replace(gradients: Gradients, old: SSAValue, new: SSAValue) -> None:
    """Puts `new` in the place of `old`, in the program and among the gradients."""
    old.replace_all_uses_with(new)
    if (found := gradients.pop(old, None)) is not None:
        gradients[new] = found
