"""
`einsum("ij,jk->ik", A, B)`: products and sums by the letters of axes.

Two operands at a time become one contraction: letters of both that are needed later are its batch
axes, the others are summed. Letters of one operand alone are summed before.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from xdsl.ir import SSAValue

from irc import sizes
from irc.diagnostics import Label
from irc.dialects.nd import Builder, dims_of
from irc.dtypes import BOOL, I64
from irc.frontend import tree
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import Operand, Site, common_dtype, merged_batch, numeric
from irc.frontend.analysis.builtins.table import Call, builtin
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.values import Tensor, Text, Value
from irc.sizes import Size

# A letter, an index variable around the call, or the place of an axis under `...`, from the right.
Axis = Hashable
DOTS = "..."


@dataclass(frozen=True)
class Factor:
    """A tensor of the IR and what its axes stand for."""

    ssa: SSAValue
    axes: tuple[Axis, ...]

    def size(self, axis: Axis) -> Size:
        return dims_of(self.ssa)[self.axes.index(axis)]


@builtin(
    "einsum(letters: text, x: list)",
    'Products and sums by the letters of axes: `einsum("ij,jk->ik", A, B)`. A letter twice in one '
    "operand takes the diagonal, letters that the result lacks are summed, `...` stands for the "
    "other axes; without `->` the result has the letters that occur once, sorted.",
    raw=True,
)
def einsum(env: Env, call: Call, args: Sequence[tree.Arg]) -> Value:
    text, operands = _arguments(env, call, args)
    terms, result = _letters(env, call, text, args[0].value)
    if len(terms) != len(operands):
        raise env.error(
            "E0109",
            f"`einsum` of {len(operands)} tensors, the letters are for {len(terms)}",
            call.span,
            f"{len(terms)} needed",
        )
    site = Site("`einsum`", call.span)
    dtype = common_dtype(env, site, operands, call.expected)
    if dtype is BOOL:
        raise env.error(
            "E0302", "`einsum` is not defined for bool", call.span, "a number is needed"
        )
    with env.at(call.span):
        tensors = [env.tensor(o.value, dtype) for o in operands]
        named = [
            _named(env, call, o, x, t) for o, x, t in zip(operands, tensors, terms, strict=True)
        ]
        factors = _one_size_each(env, call, operands, tensors, named)
        binders = merged_batch(env, tensors)
        dots = sorted({a for f in named for a in f if isinstance(a, int)}, reverse=True)
        if result is None:
            result = _implied(terms, bool(dots))
        wanted = (*binders, *(a for r in result for a in (dots if r == DOTS else [r])))
        ssa = _contracted(env, [_diagonals(env.b, f) for f in factors], wanted)
        return Tensor(ssa, call.origin, binders)


def _arguments(env: Env, call: Call, args: Sequence[tree.Arg]) -> tuple[str, list[Operand]]:
    named = next((a for a in args if a.name is not None), None)
    if named is not None or len(args) < 2:
        raise env.error(
            "E0109", "`einsum` takes letters and tensors", (named or call).span,
            "no names here" if named else "arguments are missing",
            helps=['write `einsum("ij,jk->ik", A, B)`'],
        )  # fmt: skip
    text = expressions.evaluate(env, args[0].value)
    if not isinstance(text, Text):
        raise env.error(
            "E0302", "a literal string is needed here", args[0].span, f"this is {text.type}",
            helps=['write `einsum("ij,jk->ik", A, B)`'],
        )  # fmt: skip
    site = Site("`einsum`", call.span)
    found = [
        numeric(env, a.value, expressions.evaluate(env, a.value, call.expected), site)
        for a in args[1:]
    ]
    return text.value, found


# -- letters

Term = tuple[str, ...]  # letters, and at most one DOTS


def _letters(env: Env, call: Call, text: str, node: tree.Expr) -> tuple[list[Term], Term | None]:
    """The axes of each operand, and of the result; None where that is left out."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = [_term(env, part, node) for part in left.split(",")]
    if not arrow:
        return terms, None
    result = _term(env, right, node)
    given = {a for t in terms for a in t}
    for letter in result:
        if letter not in given:
            raise _bad_letters(env, node, f"`{letter}` of the result is in no operand")
        if result.count(letter) > 1:
            raise _bad_letters(env, node, f"`{letter}` is twice in the result")
    return terms, result


def _term(env: Env, text: str, node: tree.Expr) -> Term:
    before, dots, after = text.partition(DOTS)
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            raise _bad_letters(env, node, f"`{letter}` is no letter")
    return (*before, *([DOTS] if dots else []), *after)


def _bad_letters(env: Env, node: tree.Expr, why: str) -> Problem:
    return env.error(
        "E0109", "these letters have no meaning", node.span, why,
        helps=['write the axes of each operand, then those of the result: `"ij,jk->ik"`'],
    )  # fmt: skip


def _implied(terms: Sequence[Term], dots: bool) -> Term:
    letters = [a for t in terms for a in t if a != DOTS]
    once = sorted(a for a in letters if letters.count(a) == 1)
    return (*([DOTS] if dots else []), *once)


def _named(env: Env, call: Call, o: Operand, x: Tensor, term: Term) -> tuple[Axis, ...]:
    """What each axis of the IR value stands for."""
    hidden = x.rank - len([a for a in term if a != DOTS])
    if hidden < 0 or (hidden and DOTS not in term):
        letters = "".join(term)
        raise env.error(
            "E0203",
            f'`{spelled(env, o.node)}` has rank {x.rank}, "{letters}" has '
            f"{len(term) - (DOTS in term)} letters",
            o.node.span,
            f"this is {x.type}",
            helps=["one letter for each dimension; `...` stands for the others"],
        )
    axes: list[Axis] = [*x.batch]
    for a in term:
        axes += range(hidden, 0, -1) if a == DOTS else [a]
    return tuple(axes)


def _one_size_each(
    env: Env, call: Call, operands: Sequence[Operand], tensors: Sequence[Tensor],
    named: Sequence[tuple[Axis, ...]],
) -> list[Factor]:  # fmt: skip
    """Every axis has one size, spelled alike everywhere; under `...`, 1 goes with any."""
    found: dict[Axis, tuple[Size, Operand]] = {}
    for o, x, axes in zip(operands, tensors, named, strict=True):
        for axis, size in zip(axes, dims_of(x.ssa), strict=True):
            known = found.get(axis)
            if known is None or isinstance(axis, int) and known[0] == 1:
                found[axis] = size, o
            elif not env.same_size(known[0], size) and not (isinstance(axis, int) and size == 1):
                raise _two_sizes(env, call, axis, *known, size, o)
    factors = []
    for x, axes in zip(tensors, named, strict=True):
        kept = [
            (a, s) for a, s in zip(axes, dims_of(x.ssa), strict=True) if s == found[a][0] or s != 1
        ]
        ssa = env.b.reshape(x.ssa, [s for _, s in kept])
        dims = [found[a][0] for a, _ in kept]
        if tuple(dims) != dims_of(ssa):
            ssa = env.b.slice(ssa, dims, [0] * len(dims), [1] * len(dims))
        factors.append(Factor(ssa, tuple(a for a, _ in kept)))
    return factors


def _two_sizes(
    env: Env, call: Call, axis: Axis, size: Size, first: Operand, other: Size, second: Operand
) -> Problem:
    what = f"axis {axis}" if isinstance(axis, str) else "an axis under `...`"
    return env.error(
        "E0202",
        f"{what} of `einsum` is {size} and {other}",
        second.node.span,
        f"`{spelled(env, second.node)}` is {second.value.type}",
        labels=[
            Label(first.node.span, f"`{spelled(env, first.node)}` is {first.value.type}")
        ] if first is not second else [],
        helps=["equal letters stand for equal sizes"],
    )  # fmt: skip


# -- contraction


def _diagonals(b: Builder, f: Factor) -> Factor:
    """Of an axis that occurs twice, the diagonal."""
    repeated = next((a for a in f.axes if f.axes.count(a) > 1), None)
    if repeated is None:
        return f
    first = f.axes.index(repeated)
    second = f.axes.index(repeated, first + 1)
    place = b.iota((dims_of(f.ssa)[first],), I64, 0)
    found = b.gather(f.ssa, [place, place], [first, second], in_bounds=True)
    rest = [a for d, a in enumerate(f.axes) if d not in (first, second)]
    return _diagonals(b, Factor(found, (repeated, *rest)))


def _contracted(env: Env, factors: list[Factor], wanted: Sequence[Axis]) -> SSAValue:
    """All factors in one, with the axes `wanted`."""
    b = env.b
    while len(factors) > 1:
        i, j = _next_pair(factors)
        rest = [f for k, f in enumerate(factors) if k not in (i, j)]
        needed = {a for f in rest for a in f.axes} | set(wanted)
        factors = [_product(b, factors[i], factors[j], needed), *rest]
    (last,) = factors
    last = _summed(b, last, set(wanted))
    return b.transpose(last.ssa, [last.axes.index(a) for a in wanted])


def _next_pair(factors: Sequence[Factor]) -> tuple[int, int]:
    """The two whose product has the fewest elements; the first two where that is not known."""

    def elements(pair: tuple[int, int]) -> Size:
        x, y = (factors[k] for k in pair)
        once = [x.size(a) for a in x.axes] + [y.size(a) for a in y.axes if a not in x.axes]
        return sizes.product(once)

    counts = [(elements(pair), pair) for pair in combinations(range(len(factors)), 2)]
    if any(not isinstance(count, int) for count, _ in counts):
        return 0, 1
    return min(counts)[1]


def _summed(b: Builder, f: Factor, needed: set[Axis]) -> Factor:
    """Sums over the axes that nobody needs."""
    over = [d for d, a in enumerate(f.axes) if a not in needed]
    return Factor(b.sum(f.ssa, over), tuple(a for a in f.axes if a in needed))


def _product(b: Builder, x: Factor, y: Factor, needed: set[Axis]) -> Factor:
    x, y = _summed(b, x, needed | set(y.axes)), _summed(b, y, needed | set(x.axes))
    shared = [a for a in x.axes if a in y.axes]
    batch = [a for a in shared if a in needed]
    contract = [a for a in shared if a not in needed]
    own = [[a for a in f.axes if a not in shared] for f in (x, y)]
    axes = (*batch, *own[0], *own[1])
    if contract:
        at = [tuple([f.axes.index(a) for a in some] for f in (x, y)) for some in (batch, contract)]
        return Factor(b.dot(x.ssa, y.ssa, at[0], at[1]), axes)  # type: ignore[arg-type]
    dims = [x.size(a) if a in x.axes else y.size(a) for a in axes]
    return Factor(b.mul(*(_spread(b, f, axes, dims) for f in (x, y))), axes)


def _spread(b: Builder, f: Factor, axes: Sequence[Axis], dims: Sequence[Size]) -> SSAValue:
    """The factor repeated along the axes that it lacks."""
    order = sorted(range(len(f.axes)), key=lambda d: axes.index(f.axes[d]))
    turned = b.transpose(f.ssa, order)
    return b.broadcast(turned, [axes.index(f.axes[d]) for d in order], dims)
