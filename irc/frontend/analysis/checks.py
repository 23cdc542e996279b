"""Where a value is wanted, and checks at run time of what data decides there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from irc.dialects.nd.types import dims_of
from irc.frontend import tree
from irc.frontend.analysis.broadcasting import merged_batch, spread
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import Binder, Number, Numeric, Tensor


@contextmanager
def guarded(env: Env, condition: Numeric, holds: bool) -> Iterator[None]:
    """Inside, values matter only where `condition` is `holds`: reads elsewhere cannot fail."""
    before = env.guard
    if not isinstance(condition, Number):
        env.guard = _narrowed(env, before, env.tensor(condition), holds)
    try:
        yield
    finally:
        env.guard = before


def _narrowed(env: Env, guard: Tensor | None, condition: Tensor, holds: bool) -> Tensor | None:
    if not holds:
        condition = replace(condition, ssa=env.b.scalar("not", condition.ssa))
    if condition.dims:  # a tensor condition of `and`: no read is known to be unwanted
        return guard
    if guard is None:
        return condition
    batch = merged_batch(env, [guard, condition])
    both = spread(env, guard, batch, ()), spread(env, condition, batch, ())
    return Tensor(env.b.scalar("and", both[0].ssa, both[1].ssa), batch=batch)


Snapshot = tuple[tuple[Binder, ...], Tensor | None]


def snapshot(env: Env) -> Snapshot:
    """The index variables and the guard of this place, for an open value that is made later."""
    return env.binders, env.guard


@contextmanager
def resumed(env: Env, place: Snapshot) -> Iterator[None]:
    """Inside, values are made as at the place of the snapshot."""
    before = snapshot(env)
    env.binders, env.guard = place
    try:
        yield
    finally:
        env.binders, env.guard = before


# -- checks


# The place of a failure, as a message shows it: by index variable, then along own dimensions.
Places = dict[str, str]
Say = Callable[[Places, list[str]], str]


def demand(env: Env, holds: Tensor, shown: Sequence[Tensor], say: Say) -> None:
    """
    Fails the call unless `holds` is true everywhere where the value is wanted (`env.guard`).

    shown   scalars, or tensors of the shape of `holds`: `{0}`, `{1}` ... of the message
    say     the message for the places of the first failure
    """
    b, ok = env.b, holds
    batch = merged_batch(env, [holds] if env.guard is None else [holds, env.guard])
    ok = spread(env, holds, batch, holds.dims)
    if env.guard is not None:
        unwanted = Tensor(b.scalar("not", env.guard.ssa), batch=env.guard.batch)
        ok = Tensor(b.scalar("or", ok.ssa, over(env, unwanted, ok).ssa), batch=batch)
    spread_out = [
        x if not (x.batch or x.dims) else spread(env, x, batch, holds.dims) for x in shown
    ]
    places = {v.name: f"{{@{k}}}" for k, v in enumerate(batch)}
    own = [f"{{@{k}}}" for k in range(len(batch), len(batch) + holds.rank)]
    b.assert_(ok.ssa, say(places, own), [x.ssa for x in spread_out], "bounds")


def outside(env: Env, node: tree.Index, x: Numeric, axis: int) -> tuple[str, list[Tensor]]:
    """The end of a message about a position, the first one shown; and what else it shows."""
    size, base = x.dims[axis], escaped(spelled(env, node.base))
    known = isinstance(size, int)
    end = f"is outside dimension {axis} of {base} (size {size if known else '{1}'})"
    return end, [] if known else [Tensor(env.b.size(size))]


def over(env: Env, x: Tensor, model: Tensor) -> Tensor:
    """A value without dimensions, repeated over the dimensions of `model`."""
    axes = [model.batch.index(v) for v in x.batch]
    return Tensor(env.b.broadcast(x.ssa, axes, dims_of(model.ssa)), x.origin, model.batch)


def escaped(text: str) -> str:
    """Source text inside a message, where braces mean something."""
    return text.replace("{", "{{").replace("}", "}}")
