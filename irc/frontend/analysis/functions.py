"""Functions: a call of one is written into the function that calls it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc.diagnostics import Call, Label, Span
from irc.frontend import tree
from irc.frontend.analysis import constants, lints, returns, statements
from irc.frontend.analysis.constants import Comparison
from irc.frontend.analysis.env import Argument, Env, Frame
from irc.frontend.analysis.identity import own
from irc.frontend.analysis.problems import Problem, TooMany, guesses
from irc.frontend.analysis.types import (
    Declared,
    Place,
    TensorType,
    TypeReader,
    fit,
    fit_dtype,
    known_as,
    match_dims,
    put,
    wrong_size,
)
from irc.frontend.analysis.values import FunctionRef, Number, Origin, SizeOf, Tensor, Value, renamed
from irc.sizes import Poly, Size, const, poly

MAX_DEPTH = 64  # calls inside calls
MAX_CALLS = 30_000  # in one function of the module


@dataclass(frozen=True)
class Given:
    """The value of one parameter; `span` is that of the argument, or of the default."""

    param: tree.Param
    value: Value
    span: Span


def call(env: Env, function: FunctionRef, args: Sequence[Argument], span: Span) -> Value:
    """
    The result of `function` for these arguments, its body written where `env` stands.

    Raises Problem for arguments that do not fit and, already reported, for mistakes inside.
    """
    node = function.node
    env.problems.called.add(node)
    _check_depth(env, node, span)
    check_attributes(env, node)
    given = matched(env, function, args, span)
    shown = ", ".join(f"{g.param.name.name}: {g.value.type}" for g in given)
    chain = (Call(node.name.name, span, shown), *env.frame.chain)
    active = (*env.frame.active, node)
    marked = env.frame.checkpoint or checkpointed(node)
    frame = Frame(function.module, node, node.name.name, chain, active=active, checkpoint=marked)
    inner = env.called(frame)
    if lints.draws_mask(node, [g.value for g in given]):
        env.unit.masks.append(frame)
    try:
        result = _declared(inner, node.result)
        bind_parameters(env, inner, given)
        for fact in facts(inner, node):
            require(env, inner, fact, span)
        return run(inner, node, result)
    except TooMany:
        raise Problem(None) from None


def run(env: Env, node: tree.Function, result: Declared | None) -> Value:
    """The value of a body, in its declared type."""
    value, span = body(env, node, result)
    if result is None:
        return value
    place = Place(f"the result of `{node.name.name}`", span, _result_label(node))
    return fit(env, value, result, env.frame.sizes, place)


def body(env: Env, node: tree.Function, result: Declared | None) -> tuple[Value, Span]:
    """The value of a body and where it stands; a tuple of no items when nothing is returned."""
    from irc.frontend.analysis.expressions import evaluate

    dtype = result.dtype if isinstance(result, TensorType) else None
    if isinstance(node.body, tree.Block):
        returned = returns.run_function(env, node.body, result, node.name)
        return returned.value, returned.span
    try:
        return evaluate(env, node.body, dtype), node.body.span
    except Problem as mistake:
        env.problems.report(mistake, env.frame.node)
        raise Problem(None) from None


# ---- arguments


def _check_depth(env: Env, node: tree.Function, span: Span) -> None:
    name = node.name.name
    if node in env.frame.active:
        raise env.error(
            "E0112",
            f"`{name}` calls itself",
            span,
            "recursive call",
            labels=[Label(node.name.span, f"`{name}` is defined here")],
            notes=["a call is written into its caller, so recursion would never end"],
            helps=["use a comprehension or a reduction with an index: `sum[k < n](...)`"],
        )
    env.unit.calls += 1
    if len(env.frame.active) >= MAX_DEPTH or env.unit.calls > MAX_CALLS:
        limit = f"{MAX_DEPTH} calls inside one another"
        if env.unit.calls > MAX_CALLS:
            limit = f"{MAX_CALLS} calls in one exported function"
        raise env.error("E0119", f"more than {limit}", span, f"call of `{name}`")


def check_attributes(env: Env, node: tree.Function) -> None:
    """Raises Problem for attributes that are not supported."""
    for attribute in node.lead.attributes:
        if attribute.name.name == "vjp":
            raise env.unsupported(
                "`@vjp` before a `def` is not supported yet", attribute.span,
                helps=["it gives the derivative of an `extern def`"],
            )  # fmt: skip


def checkpointed(node: object) -> bool:
    """Whether the recurrences in a function are marked `@checkpoint`."""
    leads = node.lead.attributes if isinstance(node, tree.Function) else ()
    return any(a.name.name == "checkpoint" for a in leads)


def matched(env: Env, function: FunctionRef, args: Sequence[Argument], span: Span) -> list[Given]:
    """A value for each parameter. Raises E0109 when the arguments are not those of the function."""
    node = function.node
    params = {p.name.name: p for p in node.params}
    found: dict[str, Given] = {}
    free = iter(node.params)
    for name, value, place in args:
        param = params.get(name) if name else next(free, None)
        if param is None:
            raise _unwanted(env, node, name, place, len(args))
        if param.name.name in found:
            raise _wrong_call(
                env, node, place, f"`{param.name.name}` is given twice", "second value"
            )
        found[param.name.name] = Given(param, value, place)
    for name, param in params.items():
        if name in found:
            continue
        if param.default is None:
            raise _wrong_call(
                env, node, span, f"argument `{name}` of `{node.name.name}` is missing",
                f"no value for `{name}`",
            )  # fmt: skip
        value = Number(default(function, param), Origin(name, param.span, "const"))
        found[name] = Given(param, value, param.default.span)
    return [found[name] for name in params]


def _unwanted(env: Env, node: tree.Function, name: str | None, place: Span, count: int) -> Problem:
    title = f"`{node.name.name}` has no parameter `{name}`"
    if name is None:
        title = f"`{node.name.name}` takes {plural(len(node.params), 'argument')}, {count} given"
    text = "not found" if name else "one too many"
    helps = guesses(name, [p.name.name for p in node.params]) if name else []
    return _wrong_call(env, node, place, title, text, helps)


def _wrong_call(
    env: Env, node: tree.Function, span: Span, title: str, text: str, helps: Sequence[str] = ()
) -> Problem:
    params = ", ".join(env.frame.module.text_of(p.span) for p in node.params)
    return env.error(
        "E0109", title, span, text,
        labels=[Label(node.name.span, f"`{node.name.name}` is defined here")],
        notes=[f"`{node.name.name}({params})`"], helps=helps,
    )  # fmt: skip


def plural(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def default(function: FunctionRef, param: tree.Param) -> constants.Constant:
    """The value of a default, a constant expression in the names of the function's file."""
    assert param.default is not None
    return constants.evaluate(param.default, function.module.constant_named)


# ---- parameters


def _declared(env: Env, node: tree.Type | None) -> Declared | None:
    return TypeReader(env.frame.module).read(node) if node else None


def bind_parameters(caller: Env, env: Env, given: list[Given]) -> None:
    """
    Defines the parameters, and the symbolic sizes of their types.

    Mistakes are those of the caller. A size that stands alone binds its name; one linear in a
    single unknown name binds that; all others are compared.
    """
    node = env.frame.node
    assert isinstance(node, tree.Function)
    reader = TypeReader(env.frame.module)
    tensors: list[tuple[Tensor, TensorType, Place, list[tuple[int, Size]]]] = []
    fitted: dict[str, Value] = {}
    for g in given:
        name = g.param.name.name
        if g.param.type is None:
            value = own(env, g.value) if isinstance(g.value, Tensor) else g.value
            fitted[name] = renamed(value, name, g.param.span)
            continue
        declared = reader.read(g.param.type)
        label = Label(g.param.span, f"`{name}` is declared here")
        place = Place(f"argument `{name}` of `{node.name.name}`", g.span, label)
        if isinstance(declared, TensorType):
            x = fit_dtype(caller, g.value, declared, place)
            tensors.append((x, declared, place, match_dims(caller, x, declared, place)))
            fitted[name] = x
        else:
            value = fit(caller, g.value, declared, {}, place)
            fitted[name] = renamed(value, name, g.param.span)
    sizes = env.frame.sizes
    bind_sizes(sizes, [(x.dims[axis], d) for x, _, _, axes in tensors for axis, d in axes])
    ready = iter(tensors)
    for g in given:
        name = g.param.name.name
        check_name(env, g.param.name, sizes)
        value = fitted[name]
        if isinstance(value, Tensor) and g.param.type is not None:
            x, declared, place, axes = next(ready)
            target = list(x.dims)
            for axis, wanted in axes:
                target[axis] = put(wanted, sizes)
                if not caller.same_size(x.dims[axis], target[axis]):
                    raise wrong_size(caller, x, declared, axis, target[axis], place)
            with env.at(g.span):
                x = own(env, env.fitted(x, target))
            value = known_as(x, name, g.param.span, declared.spelled, "parameter")
        env.define(name, value)


def bind_sizes(sizes: dict[str, Poly], pairs: Sequence[tuple[Size, Size]]) -> None:
    """Finds the symbols of the declared sizes (second of a pair) from the actual ones."""
    for actual, declared in pairs:
        name = declared.name if isinstance(declared, Poly) else None
        if name and name not in sizes:
            sizes[name] = poly(actual)
    pending = [(a, d) for a, d in pairs if isinstance(d, Poly) and not d.symbols() <= set(sizes)]
    while pending:
        left = [(a, d) for a, d in pending if not _solve(sizes, a, d)]
        if len(left) == len(pending):
            return
        pending = [(a, d) for a, d in left if not d.symbols() <= set(sizes)]


def _solve(sizes: dict[str, Poly], actual: Size, declared: Poly) -> bool:
    """Binds the one unknown name of a linear size, `2*m + 1`; whether it could."""
    unknown = declared.symbols() - set(sizes)
    if len(unknown) != 1:
        return not unknown
    (name,) = unknown
    known = declared.substitute(sizes)
    offset = known.substitute({name: 0})
    factor = (known.substitute({name: 1}) - offset).constant
    if not factor or known != offset + Poly({((name, 1),): factor}):
        return False
    rest = poly(actual) - offset
    if factor < 0:
        rest, factor = -rest, -factor
    quotient = rest // factor
    if quotient * factor != rest:
        return False
    sizes[name] = quotient
    return True


def check_name(env: Env, name: tree.Ident, sizes: Sequence[str] | dict[str, Poly] = ()) -> None:
    """Raises E0110 when a local name would hide state, or is also a size of the signature."""
    entry = env.frame.module.defined.get(name.name)
    if isinstance(entry, tree.State | tree.StateGroup):
        raise env.error(
            "E0110",
            f"`{name.name}` is state: a local value cannot have its name",
            name.span,
            "choose another name",
            labels=[Label(entry.span.to(entry.name.span), f"`{name.name}` is declared here")],
            helps=[f"to change the state write `update {name.name} = ...`"],
        )
    if name.name in sizes:
        raise env.error(
            "E0110",
            f"`{name.name}` is both a parameter and a size",
            name.span,
            "choose another name",
        )


# ---- facts


def facts(env: Env, node: tree.Function) -> list[Comparison | tree.Expr]:
    """The `where` clauses: comparisons of sizes, and conditions on values."""
    found: list[Comparison | tree.Expr] = []
    for clause in node.where:
        about_sizes = constants.comparisons(clause, lambda name: size_named(env, name))
        found += [clause] if about_sizes is None else about_sizes
    return found


def size_named(env: Env, node: tree.Name) -> Poly | None:
    """The size that a name stands for in the body of a function, or None."""
    value = env.local(node.name)
    if value is not None:
        if isinstance(value, SizeOf):
            return value.poly
        if isinstance(value, Number) and type(value.value) is int:
            return const(value.value)
        return None
    known = env.frame.sizes.get(node.name)
    if known is not None:
        return known
    if isinstance(env.frame.module.defined.get(node.name), tree.Const):
        constant = env.frame.module.constant(node.name)
        return const(constant) if type(constant) is int else None
    return None


def assume(env: Env, fact: Comparison) -> None:
    """The fact is known from here on."""
    margin = fact.margin()
    if margin is not None:
        env.facts.add_nonnegative(margin)
    elif fact.op == "==":
        env.facts.add_equal(fact.left, fact.right)


def decided(env: Env, fact: Comparison) -> bool | None:
    """Whether a fact is proved, refuted, or neither."""
    margin = fact.margin()
    if margin is not None:
        if env.facts.nonnegative(margin):
            return True
        return False if env.facts.nonnegative(-margin - 1) else None
    same, differ = env.facts.same(fact.left, fact.right), env.facts.differ(fact.left, fact.right)
    if not same and not differ:
        return None
    return same if fact.op == "==" else differ


def require(caller: Env, env: Env, fact: Comparison | tree.Expr, span: Span) -> None:
    """A `where` clause of a called function: proved, refuted, or checked at run time."""
    node = fact.node if isinstance(fact, Comparison) else fact
    text = env.frame.module.text_of(node.span)
    if isinstance(fact, Comparison):
        known = decided(env, fact)
        if known is False:
            raise caller.error(
                "E0212",
                f"`{env.frame.name}` needs {text}",
                span,
                f"here {fact.left} {fact.op} {fact.right} does not hold",
                labels=[Label(node.span, "required here")],
            )
        if known:
            return
    message = f"`{env.frame.name}` needs {text}".replace("{", "{{").replace("}", "}}")
    if isinstance(fact, Comparison):
        statements.check(env, node, message, span, "shape")
        assume(env, fact)
    else:
        statements.check(env, node, message, span)


def _result_label(node: tree.Function) -> Label | None:
    return Label(node.result.span, "declared here") if node.result else None
