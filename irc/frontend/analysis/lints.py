"""Warnings: programs that are right and perhaps not meant so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from irc.diagnostics import Label, Span, did_you_mean
from irc.frontend import tree, walk
from irc.frontend.analysis.problems import Problems, diagnostic
from irc.frontend.analysis.values import Number, Value

if TYPE_CHECKING:
    from irc.frontend.analysis.env import Env, Frame, Unit
    from irc.frontend.analysis.modules import ModuleScope
    from irc.frontend.analysis.states import StateVar


def check_sizes(problems: Problems, module: ModuleScope, node: tree.Function) -> None:
    """
    W0401 for a size that stands once in a signature, nowhere in the body, and could be a slip of
    the pen: one of another parameter has nearly the same name. Of two such sizes the later is
    meant.
    """
    places: dict[str, list[Span]] = {}
    param_of: dict[str, tree.Param] = {}
    for param in node.params:
        for name, span in _sizes_in(module, param.type):
            places.setdefault(name, []).append(span)
            param_of.setdefault(name, param)
    elsewhere = {name for name, _ in _sizes_in(module, node.result)}
    for part in (*node.where, node.body):
        elsewhere |= {n.name for n in walk.walk(part) if isinstance(n, tree.Name)}
    once = {n for n, spans in places.items() if len(spans) == 1 and n not in elsewhere}
    for at, name in enumerate(places):
        if name not in once:
            continue
        others = [
            n for k, n in enumerate(places)
            if (k < at or n not in once) and param_of[n] is not param_of[name]
        ]  # fmt: skip
        near = _near(name, others)
        if near:
            problems.warn(
                diagnostic(
                    "W0401",
                    f"dimension name `{name}` is used only once",
                    _widened(places[name][0]),
                    "this can be any size",
                    labels=[Label(_widened(places[near][0]), f"did you mean `{near}`?")],
                    helps=["write `_` when the size does not matter"],
                    severity="warning",
                )
            )


def _sizes_in(module: ModuleScope, node: tree.Type | None) -> Iterator[tuple[str, Span]]:
    """The symbolic sizes that a type names, in source order."""
    if node is None:
        return
    for part in walk.walk(node):
        if isinstance(part, tree.TensorType):
            for dim in part.dims:
                for leaf in walk.walk(dim):
                    if isinstance(leaf, tree.Name) and _symbolic(module, leaf.name):
                        yield leaf.name, leaf.span


def _symbolic(module: ModuleScope, name: str) -> bool:
    constant = isinstance(module.defined.get(name), tree.Const)
    return name != "_" and not constant and name not in module.imports


def _near(name: str, known: Sequence[str]) -> str | None:
    """Another size that may be meant: one letter beside it, or nearly the same word."""
    others = [other for other in known if other != name]
    if len(name) > 1:
        return next(iter(did_you_mean(name, others)), None)
    beside = [o for o in others if len(o) == 1 and (abs(ord(o) - ord(name)) == 1)]
    return next((o for o in others if o.lower() == name.lower()), next(iter(beside), None))


def _widened(span: Span) -> Span:
    """With the character behind, so that one letter can be seen."""
    return span._replace(end_col=span.end_col + 1)


def check_states(
    problems: Problems, module: ModuleScope, variables: Sequence[StateVar], units: Sequence[Unit]
) -> None:
    """W0402 for states that no exported function uses, W0404 for those that it only updates."""
    exported = [u for u in units if u.kind == "export"]
    if not exported:
        return
    read = {name for u in exported for name in u.reads}
    written = {name: u.updates.values[name].span for u in exported for name in u.updates.values}
    for v in variables:
        if v.name in read or v.span.file != module.tree.span.file:
            continue
        declared = Label(v.span, f"`{v.spoken}` is declared here")
        if v.name in written:
            made = diagnostic(
                "W0404",
                f"the update of `{v.spoken}` is never read",
                written[v.name],
                "no exported function reads the new value",
                labels=[declared],
                severity="warning",
            )
        else:
            made = diagnostic(
                "W0402", f"state `{v.spoken}` is never used", v.span,
                "no exported function reads it", severity="warning",
            )  # fmt: skip
        problems.warn(made)


def draws_mask(node: tree.Function, values: Sequence[Value]) -> bool:
    """Whether this is dropout, with a probability that is not known to be 0."""
    if node.name.name != "dropout" or len(values) != 2:
        return False
    p = values[1]
    return not (isinstance(p, Number) and p.value == 0)


def warn_masks(problems: Problems, name: str, calls: Sequence[Frame]) -> None:
    """W0406 for dropout in an exported function that updates nothing."""
    for frame in calls:
        problems.warn(
            diagnostic(
                "W0406",
                f"dropout in `{name}`, which updates no state",
                frame.chain[0].span,
                "draws a mask",
                helps=["pass 0 where the model is used and not trained: `dropout(x, 0)`"],
                severity="warning",
                chain=frame.chain[1:],
            )
        )


def mentioned_around(env: Env, node: tree.Stmt, names: Iterable[str]) -> set[str]:
    """Those of `names` that the function around a statement mentions outside of it."""
    frame = env.frame
    if frame.mentions is None:
        frame.mentions = _mentions(frame.node) if isinstance(frame.node, tree.Node) else Counter()
    inside = _mentions(node)
    return {name for name in names if frame.mentions[name] > inside[name]}


def _mentions(node: tree.Node) -> Counter[str]:
    return Counter(n.name for n in walk.walk(node) if isinstance(n, tree.Name))


def warn_unused(env: Env, equation: tree.Assign) -> None:
    """W0407 for an equation that nothing reads, in the scan and behind it."""
    assert isinstance(equation.target, tree.Index)
    name = env.frame.module.text_of(equation.target.base.span)
    env.warn(
        "W0407",
        f"`{name}` is never used",
        equation.target.span,
        "nothing reads this equation",
        helps=["leave it out, or return it"],
    )
