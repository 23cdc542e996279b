"""
Index notation: `[e for i, j < n]`, `let y[i] = e`, `sum[k](e)`.

The body is analysed once, for all values of its index variables together: a value that depends on
some of them carries them as leading axes (`Tensor.batch`, outermost variable first). An index
variable itself is a size whose polynomial contains the variable's symbol, so that `x[i + 1]` is
seen to be a window of `x`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from xdsl.ir import SSAValue

from irc.diagnostics import Span
from irc.dtypes import I64, DType
from irc.frontend import tree
from irc.frontend.analysis import expressions, operators
from irc.frontend.analysis.broadcasting import (
    Site,
    adapts,
    binder_size,
    merged_batch,
    spread,
)
from irc.frontend.analysis.checks import resumed, snapshot
from irc.frontend.analysis.counting import symbol
from irc.frontend.analysis.describe import article, result_of, spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pointwise import open_kind
from irc.frontend.analysis.ranges import infer
from irc.frontend.analysis.values import (
    NUMERIC,
    Binder,
    BuiltinRef,
    Number,
    Numeric,
    Open,
    Origin,
    SizeOf,
    Tensor,
    TupleOf,
    Value,
)
from irc.sizes import Poly, Root, Size, var

# Reductions that bind index variables, and the axis reduction each becomes.
BINDING = ("sum", "prod", "max", "min", "mean", "any", "all")


def hoisted(env: Env, node: tree.Expr) -> Value | None:
    """What was computed for `node` before the comprehension around it, if anything was."""
    return env.hoisted.get(node) if env.hoisted else None


def build(
    env: Env,
    indices: Sequence[tree.IndexVar],
    body: tree.Expr,
    span: Span,
    expected: DType | None = None,
    form: str = "[... for {}]",
) -> Value:
    """The tensor of all values of `body`: one axis for each index variable, then its own."""
    with _bound(env, indices, body, form) as binders:
        value = expressions.evaluate(env, body, expected)
        return _stacked(env, value, binders, span, body, expected)


def _stacked(
    env: Env,
    value: Value,
    binders: tuple[Binder, ...],
    span: Span,
    body: tree.Expr,
    expected: DType | None,
) -> Value:
    if isinstance(value, TupleOf):
        parts = tuple(_stacked(env, v, binders, span, body, expected) for v in value.items)
        return TupleOf(parts, value.names)
    if isinstance(value, Number) and isinstance(value.value, bool):
        value = env.tensor(value)
    if not isinstance(value, NUMERIC):
        raise env.error(
            "E0302", f"{article(value)} is not an element", body.span, "a number is needed"
        )
    outer = tuple(b for b in merged_batch(env, [value]) if b not in binders)
    if isinstance(value, Tensor) or expected is not None and adapts(value, expected):
        with env.at(span):
            ssa = _repeated(env, env.tensor(value, expected), outer + binders)
            return Tensor(ssa, Origin(span=span), outer)
    state = snapshot(env)

    def make(dtype: DType) -> SSAValue:
        with resumed(env, state), env.at(span):
            return _repeated(env, env.tensor(value, dtype), outer + binders)

    dims = (*map(binder_size, binders), *value.dims)
    return Open(make, open_kind(value), dims, Origin(span=span), outer)


def _repeated(env: Env, x: Tensor, batch: tuple[Binder, ...]) -> SSAValue:
    """x for all values of the index variables, also those that it does not depend on."""
    return spread(env, x, batch, x.dims).ssa


def reduction(
    env: Env, node: tree.Call, callee: tree.Index, expected: DType | None = None
) -> Value:
    """`sum[i, k < n](body)`."""
    target = expressions.evaluate(env, callee.base)
    name = target.name if isinstance(target, BuiltinRef) else ""
    if name not in BINDING:
        raise env.error(
            "E0106",
            f"{article(target)} cannot be called with index variables",
            callee.span,
            "only reductions bind index variables",
            helps=[f"the reductions are {', '.join(f'`{n}`' for n in BINDING)}"],
        )
    if len(node.args) != 1 or node.args[0].name is not None:
        raise env.error(
            "E0109",
            f"`{name}[...]` takes one expression",
            node.span,
            "the body of the reduction",
            helps=[f"write `{name}[k](x[k])`"],
        )
    indices = [_index_var(env, item, name) for item in callee.items]
    body = node.args[0].value
    with _bound(env, indices, body, name + "[{}](...)") as binders:
        value = expressions.evaluate(env, body, expected)
        x = operators.numeric(env, body, value, Site(f"`{name}`", node.span))
        return _reduced(env, name, x.value, binders, node, expected)


def _reduced(
    env: Env, name: str, value: Numeric, binders: tuple[Binder, ...], node: tree.Call,
    expected: DType | None,
) -> Tensor | Open:  # fmt: skip
    """`value` reduced over `binders`; of literals and index variables alone it stays open."""
    batch = tuple(b for b in env.binders if b in value.batch or b in binders)
    axes = [batch.index(b) for b in binders]
    rest = tuple(b for b in batch if b not in binders)
    origin = Origin(span=node.span, how=result_of(name, value))
    site = Site(f"`{name}`", node.span)
    text = spelled(env, node.args[0].value)
    place = snapshot(env)
    from irc.frontend.analysis.builtins.reductions import reduce_axes

    def make(dtype: DType | None) -> SSAValue:
        with resumed(env, place), env.at(node.span):
            x = spread(env, env.tensor(value, dtype), batch, value.dims)
            return reduce_axes(env, name, x.ssa, axes, site, text)

    if isinstance(value, Tensor) or name in ("any", "all"):
        return Tensor(make(expected), origin, rest)
    kind = "float" if name == "mean" else open_kind(value)
    return Open(make, kind, value.dims, origin, rest)


def _index_var(env: Env, item: tree.IndexItem, name: str) -> tree.IndexVar:
    """`k` or `k < n` in the brackets of a reduction, which the grammar reads as an index."""
    match item:
        case tree.Name(span=span, name=text):
            return tree.IndexVar(span, tree.Ident(span, text), None, None)
        case tree.Compare(span=span, operands=(tree.Name() as k, bound), ops=(op,)):
            return tree.IndexVar(span, tree.Ident(k.span, k.name), op, bound)
    raise env.error(
        "E0106",
        f"`{name}[...]` binds index variables",
        item.span,
        "a fresh name, or `name < bound`, is expected here",
        helps=[f"write `{name}[k](x[k])`, or `{name}(x)` for all elements of a tensor"],
    )


@contextmanager
def _bound(
    env: Env, indices: Sequence[tree.IndexVar], body: tree.Expr, form: str
) -> Iterator[tuple[Binder, ...]]:
    """Names of the index variables are in scope inside, with their ranges."""
    before, known = env.binders, env.hoisted
    env.hoisted = dict(known)
    try:
        binders = infer(env, indices, body, form)
        env.binders = before + binders
        with env.scope():
            for b in binders:
                origin = Origin(b.name, b.span, "index")
                env.define(b.name, SizeOf(var(symbol(b)), origin, batch=(b,)))
            yield binders
    finally:
        env.binders, env.hoisted = before, known


# -- index variables as values

Counters = dict[str, Callable[[], Tensor]]  # by symbol


def materialize(
    env: Env, p: Poly, batch: tuple[Binder, ...], dtype: DType, origin: Origin
) -> Tensor:
    """
    An integer in which index variables, or indices of recurrences, stand: counted in i64 along
    the axes of the variables.
    """
    counters: Counters = {symbol(b): partial(_counter, env, b) for b in batch}
    times = env.unit.times
    counters |= {s: partial(Tensor, times[s]) for s in p.symbols() if s in times}
    total = _sum(env, p, counters)
    return Tensor(env.b.cast(total.ssa, dtype), origin, total.batch)


def _sum(env: Env, p: Poly, counters: Counters) -> Tensor:
    total: Tensor | None = None
    constant = Poly({})
    for monomial, c in p.terms.items():
        inside = [(atom, k) for atom, k in monomial if _mentions(atom, counters)]
        rest = Poly({tuple(t for t in monomial if t not in inside): c})
        if not inside:
            constant = constant + rest
            continue
        term: Tensor | None = None if rest == 1 else _scalar(env, rest)
        for atom, power in inside:
            assert not isinstance(atom, Root)  # which only derivatives make
            factor = (
                counters[atom]()
                if isinstance(atom, str)
                else _quotient(env, atom.numerator, atom.divisor, counters)
            )
            for _ in range(power):
                term = factor if term is None else _combine(env, "mul", term, factor)
        assert term is not None
        total = term if total is None else _combine(env, "add", total, term)
    if total is None:
        return _scalar(env, constant)
    return total if constant == 0 else _combine(env, "add", total, _scalar(env, constant))


def _mentions(atom: object, counters: Counters) -> bool:
    if isinstance(atom, str):
        return atom in counters
    return any(s in counters for s in atom.numerator.symbols())  # type: ignore[attr-defined]


def _counter(env: Env, b: Binder) -> Tensor:
    return Tensor(env.b.iota((binder_size(b),), I64, 0), batch=(b,))


def _quotient(env: Env, numerator: Poly, divisor: int, counters: Counters) -> Tensor:
    return _combine(env, "floordiv", _sum(env, numerator, counters), _scalar(env, divisor))


def _scalar(env: Env, value: Size) -> Tensor:
    return Tensor(env.b.size(value if isinstance(value, int) else _int_or_poly(value)))


def _int_or_poly(p: Poly) -> Size:
    constant = p.constant
    return p if constant is None else constant


def _combine(env: Env, name: str, x: Tensor, y: Tensor) -> Tensor:
    batch = merged_batch(env, [x, y])
    lhs, rhs = spread(env, x, batch, ()), spread(env, y, batch, ())
    return Tensor(env.b.scalar(name, lhs.ssa, rhs.ssa), batch=batch)
