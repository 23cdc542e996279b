"""
Ranges of index variables.

A variable that is a whole index somewhere runs over that dimension; several such dimensions must
be provably equal. Otherwise the program states the range, and the message says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc import sizes
from irc.diagnostics import Label, Span
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.sizing import known_size, not_negative
from irc.frontend.analysis.values import (
    Binder,
    SizeOf,
    Step,
    Value,
)
from irc.sizes import Poly, Size


@dataclass(frozen=True)
class Use:
    """One appearance of a variable in a subscript: on its own, or inside `item`."""

    node: tree.Index
    item: tree.Expr
    value: Value
    axis: int
    size: Size
    whole: bool


def infer(
    env: Env, indices: Sequence[tree.IndexVar], body: tree.Expr, form: str
) -> tuple[Binder, ...]:
    """
    The index variables with their ranges; `form` is how the comprehension is written.

    Raises E0207 when a range is missing or not unique, E0208 when the only uses are like `k + 1`.
    """
    _distinct(env, indices)
    names = {v.name.name for v in indices}
    uses = _uses(env, body, names) if any(v.bound is None for v in indices) else {}
    return tuple(_binder(env, v, uses.get(v.name.name, []), form) for v in indices)


def _distinct(env: Env, indices: Sequence[tree.IndexVar]) -> None:
    seen: dict[str, Span] = {}
    for v in indices:
        if v.name.name in seen:
            raise env.error(
                "E0108",
                f"index variable `{v.name.name}` is bound twice",
                v.name.span,
                "bound again here",
                labels=[Label(seen[v.name.name], "bound here")],
            )
        seen[v.name.name] = v.name.span


def _binder(env: Env, v: tree.IndexVar, uses: list[Use], form: str) -> Binder:
    name = v.name.name
    if v.bound is not None:
        return Binder(name, v.name.span, _stated(env, v), given=True)
    whole = [u for u in uses if u.whole]
    if not whole:
        raise _no_range(env, v, uses, form)
    for other in whole[1:]:
        if not env.same_size(whole[0].size, other.size):
            raise _two_ranges(env, v, whole[0], other, form)
    return Binder(name, v.name.span, sizes.size(env.facts.normal(whole[0].size)))


def _stated(env: Env, v: tree.IndexVar) -> Size:
    assert v.bound is not None
    value = expressions.evaluate(env, v.bound)
    if v.op != "<":
        raise env.error(
            "E0207",
            f"the range of `{v.name.name}` is stated with `<`",
            v.span,
            "indices start at 0",
            helps=[f"write `{v.name.name} < {spelled(env, v.bound)} + 1`"] if v.op == "<=" else [],
        )
    known = known_size(value)
    if known is not None:
        return not_negative(env, v.bound, known, f"the range of `{v.name.name}`")
    raise env.error(
        "E0207",
        f"the range of `{v.name.name}` is not a size",
        v.bound.span,
        f"this is {value.type}",
        helps=[
            f"a shape is the same in every step: give the full range, and choose with "
            f"`if {v.name.name} < {spelled(env, v.bound)} then ... else ...`"
            if isinstance(value, Step)
            else "a range is built from literals, constants and the sizes in types"
        ],
    )


# -- uses


def _uses(env: Env, body: tree.Expr, names: set[str]) -> dict[str, list[Use]]:
    """Where the variables are used as subscripts of values that are known before the body."""
    found: dict[str, list[Use]] = {}
    pending: list[tuple[tree.Node, frozenset[str]]] = [(body, frozenset(names))]
    while pending:
        node, visible = pending.pop()
        if isinstance(node, tree.Comprehension):
            inner = visible - {v.name.name for v in node.indices}
            pending += [(c, inner) for c in reversed(list(walk.children(node)))]
            continue
        if isinstance(node, tree.Call) and isinstance(node.callee, tree.Index):
            bound = {i.name for i in node.callee.items if isinstance(i, tree.Name)}
            pending += [(a.value, visible - bound) for a in reversed(node.args)]
            continue
        place: tree.Node = node
        if isinstance(node, tree.With):
            place = tree.Index(node.span, node.base, node.items)
        if isinstance(place, tree.Index):
            for name, use in _in_subscript(env, place, visible):
                found.setdefault(name, []).append(use)
        pending += [(c, visible) for c in reversed(list(walk.children(node)))]
    return found


def _in_subscript(env: Env, node: tree.Index, visible: frozenset[str]) -> list[tuple[str, Use]]:
    mentioned = [(i, _names_in(item) & visible) for i, item in enumerate(node.items)]
    if not any(names for _, names in mentioned):
        return []
    base, skipped = node.base, 0
    while isinstance(base, tree.Index) and _counts(base, visible):  # x[i][j] is x[i, j]
        skipped += len(base.items)
        base = base.base
    value = _before(env, base, visible)
    dims = getattr(value, "dims", None)
    if value is None or dims is None:
        return []
    uses = []
    for axis, position in _axes(node.items, len(dims) - skipped):
        item = node.items[position]
        for name in sorted(_names_in(item) & visible):
            if not isinstance(item, tree.Expr) or not 0 <= axis + skipped < len(dims):
                continue
            bare = walk.unparen(item)
            whole = isinstance(bare, tree.Name)
            use = Use(node, item, value, axis + skipped, dims[axis + skipped], whole)
            uses.append((name, use))
    return uses


def _counts(node: tree.Index, visible: frozenset[str]) -> bool:
    """Whether each item is built from index variables and literals alone, so one position."""
    return bool(_names_in(node) & visible) and all(
        isinstance(item, tree.Expr)
        and _names_in(item) <= visible
        and not any(isinstance(n, tree.Index | tree.Call | tree.Array) for n in walk.walk(item))
        for item in node.items
    )


def _axes(items: Sequence[tree.IndexItem], rank: int) -> list[tuple[int, int]]:
    """(axis, position among the items), with `...` and `newaxis` accounted for."""
    takes = [not _is_newaxis(i) and not isinstance(i, tree.Ellipsis_) for i in items]
    hidden = rank - sum(takes)
    axis, result = 0, []
    for position, item in enumerate(items):
        if isinstance(item, tree.Ellipsis_):
            axis += max(hidden, 0)
        elif takes[position]:
            result.append((axis, position))
            axis += 1
    return result


def _is_newaxis(item: tree.IndexItem) -> bool:
    return isinstance(item, tree.Name) and item.name == "newaxis"


def _names_in(node: tree.Node) -> set[str]:
    return {n.name for n in walk.walk(node) if isinstance(n, tree.Name)}


def _before(env: Env, base: tree.Expr, visible: frozenset[str]) -> Value | None:
    """
    The value of a subscripted expression that does not depend on the variables.

    It is computed once, before the body, which finds it in `env.hoisted`.
    """
    if _names_in(base) & visible:
        return None
    known = env.hoisted.get(base)
    if known is None:
        try:
            known = expressions.evaluate(env, base)
        except Problem as mistake:
            if mistake.diagnostic is None:
                raise
            return None  # the body will meet the same mistake, at its place
        if not isinstance(base, tree.Name):
            env.hoisted[base] = known
    return known


# -- messages


def _no_range(env: Env, v: tree.IndexVar, uses: list[Use], form: str) -> Problem:
    name = v.name.name
    if not uses:
        return env.error(
            "E0207",
            f"index variable `{name}` has no range",
            v.name.span,
            f"no dimension is indexed by `{name}` alone",
            helps=[f"give the range: `{form.format(f'{name} < n')}`"],
        )
    use = uses[0]
    item, size = spelled(env, use.item), use.size
    shift = _shift(env, use.item, name)
    if shift is None or not env.nonnegative(shift):
        return env.error(
            "E0207",
            f"index variable `{name}` has no range of its own",
            use.node.span,
            f"`{name}` appears only inside `{item}`",
            helps=[f"give the range: `{form.format(f'{name} < n')}`"],
        )
    return reaches(env, use, name, shift, sizes.size(sizes.poly(size)), form, own_range=False)


def _shift(env: Env, item: tree.Expr, name: str) -> Poly | None:
    """c, when the item is `name + c`."""
    marker = "'"
    with env.scope():
        env.define(name, SizeOf(sizes.var(marker)))
        try:
            value = expressions.evaluate(env, item)
        except Problem:
            return None
    if not isinstance(value, SizeOf):
        return None
    shift = value.poly - sizes.var(marker)
    return None if marker in shift.symbols() else shift


def reaches(
    env: Env, use: Use, name: str, shift: Poly, bound: Size, form: str, own_range: bool = True
) -> Problem:
    """E0208: `name + shift` leaves the dimension when `name` runs to `bound` - 1."""
    item, base = spelled(env, use.item), spelled(env, use.node.base)
    origin = getattr(use.value, "origin", None)
    size, at = use.size, sizes.size(sizes.poly(bound) - 1 + shift)
    items = [spelled(env, i) for i in use.node.items]
    position = next((k for k, i in enumerate(use.node.items) if i is use.item), 0)
    items[position] = str(at)
    last = sizes.size(sizes.poly(size) - 1)
    spelled_size = origin.size(use.axis, size) if origin else str(size)
    labels = []
    if origin is not None and origin.declared:
        labels.append(
            origin.label(
                f"dimension {use.axis} has size {spelled_size}: valid indices are 0 to {last}"
            )
        )
    short = spelled_size.split(" = ")[0]
    stay = sizes.poly(size) - shift
    shorter = _spelled_minus(short, shift) if short != str(size) else str(sizes.size(stay))
    notes = []
    if not own_range:
        notes.append(f"`{name}` has no range of its own: it appears only inside `{item}`")
    return env.error(
        "E0208",
        f"index `{item}` can reach {at}, the size of dimension {use.axis} of `{base}`"
        if at == size
        else f"index `{item}` can reach {at}, dimension {use.axis} of `{base}` has size {size}",
        use.node.span,
        f"reads {base}[{', '.join(items)}] when {name} = {sizes.size(sizes.poly(bound) - 1)}",
        labels=labels,
        notes=notes,
        helps=[f"give the range that stays inside: `{form.format(f'{name} < {shorter}')}`"],
    )


def _spelled_minus(short: str, shift: Poly) -> str:
    c = shift.constant
    if c is None:
        return f"{short} - ({shift})"
    return f"{short} - {c}" if c > 0 else f"{short} + {-c}" if c < 0 else short


def _two_ranges(env: Env, v: tree.IndexVar, first: Use, second: Use, form: str) -> Problem:
    name, a, b = v.name.name, first.size, second.size
    labels: list[Label | None] = []
    helps: list[str] = []
    notes = [f"{a} and {b} are different sizes"]
    origins = [_declaring(env, a), _declaring(env, b)]
    if isinstance(a, int):
        labels.append(_size_label(first))
    elif origins[0]:
        labels.append(Label(origins[0][0], f"{a} comes from here"))
    if isinstance(b, int):
        labels.append(_size_label(second))
    elif origins[1]:
        span, other, dims = origins[1]
        axis = next((i for i, d in enumerate(dims) if d == str(b)), 0)
        labels.append(Label(span, f"... and dimension {b} of `{other}`, declared here"))
        if isinstance(a, Poly) and isinstance(b, Poly):
            notes[0] = (
                f"{a} and {b} are different symbolic sizes: nothing in the signature says that "
                "they are equal"
            )
            if _count(env, str(b)) == 1:
                notes.append(f"dimension `{b}` is used only once in this signature")
            renamed = [str(a) if i == axis else d for i, d in enumerate(dims)]
            dtype = _declared_dtype(env, other)
            helps.append(
                f"if they must be equal, use one name: `{other}: {dtype}[{', '.join(renamed)}]`"
            )
    helps.append(_shorter_range(env, name, a, b, form))
    if len(helps) == 1:
        helps = [helps[0].removeprefix("or ")]
    return env.error(
        "E0207",
        f"cannot prove that index variable `{name}` has one range",
        _brackets(first.node),
        f"`{name}` indexes dimension {a} here ...",
        labels=labels,
        notes=notes,
        helps=helps,
    )


def _size_label(use: Use) -> Label | None:
    """At the declaration of what is indexed: "dimension 1 of `x` has size 784"."""
    origin = getattr(use.value, "origin", None)
    if origin is None or not origin.declared:
        return None
    size = origin.size(use.axis, use.size)
    return origin.label(f"dimension {use.axis} of `{origin.name}` has size {size}")


def _shorter_range(env: Env, name: str, a: Size, b: Size, form: str) -> str:
    """The help that states the range: the smaller size where that is known."""
    known = env.nonnegative(sizes.poly(b) - a), env.nonnegative(sizes.poly(a) - b)
    if any(known):
        smaller = a if known[0] else b
        return f"or give the range: `{form.format(f'{name} < {smaller}')}`"
    return f"or give the range: `for {name} < {a}` with `where {b} >= {a}`"


def _brackets(node: tree.Index) -> Span:
    """`[i, j]` of `x[i, j]`."""
    base, whole = node.base.span, node.span
    return Span(whole.file, base.end_line, base.end_col, whole.end_line, whole.end_col)


def _params(env: Env) -> Sequence[tree.Param]:
    node = env.frame.node
    return node.params if isinstance(node, tree.Function) else ()


def _declaring(env: Env, size: Size) -> tuple[Span, str, list[str]] | None:
    """The parameter whose type binds a symbolic size: its span, name and sizes as written."""
    for p in _params(env):
        if isinstance(p.type, tree.TensorType):
            dims = [spelled(env, d) for d in p.type.dims]
            if str(size) in dims:
                return p.name.span.to(p.type.span), p.name.name, dims
    return None


def _declared_dtype(env: Env, name: str) -> str:
    for p in _params(env):
        if p.name.name == name and isinstance(p.type, tree.TensorType):
            return p.type.dtype.name
    return "_"


def _count(env: Env, size: str) -> int:
    types = [p.type for p in _params(env) if p.type is not None]
    return sum(
        1 for t in types for n in walk.walk(t) if isinstance(n, tree.Name) and n.name == size
    )
