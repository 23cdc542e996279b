"""
Arguments that a function differentiates by, when it is called in index notation.

There `x[i]` is `x` seen by rows, one value of the IR. What a cost has from `x` in another way, as
in `sum(x)`, is not from `x[i]`: so the parameter becomes a value of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from irc.dialects.nd.types import dims_of
from irc.frontend import tree, walk
from irc.frontend.analysis.values import Tensor

if TYPE_CHECKING:
    from irc.frontend.analysis.env import Env
    from irc.frontend.analysis.modules import ModuleScope

DERIVATIVES = frozenset({"grad", "vjp", "jvp", "jacobian", "hessian"})


def own(env: Env, x: Tensor) -> Tensor:
    """An argument of the function that `env` is in, as that function should know it."""
    node = env.frame.node
    if not x.batch or not isinstance(node, tree.Function):
        return x
    if not _differentiates(env.frame.module, node):
        return x
    dims = dims_of(x.ssa)
    same = env.b.slice(x.ssa, dims, [0] * len(dims), [1] * len(dims))
    return Tensor(same, x.origin, x.batch)


def _differentiates(module: ModuleScope, node: tree.Function) -> bool:
    """Whether a derivative is written in the function, or in one that it may call."""
    known = module.differentiates.get(node)
    if known is None:
        known = module.differentiates[node] = any(
            not DERIVATIVES.isdisjoint(names) for names in _names_below(module, node)
        )
    return known


def _names_below(module: ModuleScope, node: tree.Function) -> Iterator[set[str]]:
    pending, seen = [(module, node)], {node}
    while pending:
        scope, function = pending.pop()
        names = {n.name for n in walk.walk(function) if isinstance(n, tree.Name)}
        yield names
        names |= {n.name.name for n in walk.walk(function) if isinstance(n, tree.Attr)}
        for inner in _called(scope, names):
            if inner[1] not in seen:
                seen.add(inner[1])
                pending.append(inner)


def _called(
    module: ModuleScope, names: Iterable[str]
) -> Iterator[tuple[ModuleScope, tree.Function]]:
    """The functions that the names may stand for, here and in imported modules."""
    imported = [i.module for i in module.imports.values()]
    for scope in (module, *dict.fromkeys(imported)):
        for name in names:
            node = scope.defined.get(name)
            if isinstance(node, tree.Function):
                yield scope, node
