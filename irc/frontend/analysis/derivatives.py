"""What derivatives share: their arguments, what depends on what, results in the form of `wrt`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.control import StopGradientOp
from irc.dialects.nd.foreign import Extern
from irc.dialects.nd.foreign import no_derivative as no_derivative_of
from irc.dialects.nd.scalar import EqOp, GeOp, GtOp, LeOp, LtOp, NeOp
from irc.dialects.nd.structure import CastOp
from irc.dialects.nd.types import dtype_of
from irc.dtypes import BOOL
from irc.frontend import tree, walk
from irc.frontend.analysis.env import Env, span_of
from irc.frontend.analysis.problems import Problem, guesses
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Open,
    Origin,
    Record,
    Tensor,
    Text,
    TupleOf,
    Value,
)

_COMPARISONS = (EqOp, NeOp, LtOp, LeOp, GtOp, GeOp)


@dataclass(frozen=True)
class Form:
    """
    How a derivative is called: `needed` arguments may stand without their names, in this order,
    the others have names.
    """

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ("consts", "disconnected")

    @property
    def example(self) -> str:
        first, *rest = self.needed
        named = {"wrt": "wrt=x", "cotangent": "cotangent=v", "tangent": "tangent=v"}
        return f"{self.name}({', '.join([first, *(named[name] for name in rest)])})"


@dataclass(frozen=True)
class Leaf:
    """One tensor to differentiate by; `name` is what the source calls it."""

    tensor: Tensor
    name: str
    span: Span


@dataclass(frozen=True)
class Wrt:
    """
    What is differentiated by, in a call of `form`.

    value    as it was given: a tensor, a record, a tuple of such
    leaves   its tensors, in order
    arg      where it stands
    consts   what is held constant
    allowed  whether a leaf may have no influence, and zeros as its derivative
    """

    form: Form
    value: Value
    leaves: tuple[Leaf, ...]
    arg: tree.Arg
    consts: tuple[SSAValue, ...]
    allowed: bool

    @property
    def tensors(self) -> list[SSAValue]:
        return [leaf.tensor.ssa for leaf in self.leaves]

    def allowing(self) -> Wrt:
        """The same, where a leaf may have no influence."""
        return replace(self, allowed=True)


# ---- arguments


def arguments(env: Env, form: Form, args: Sequence[tree.Arg], span: Span) -> dict[str, tree.Arg]:
    """The arguments by name. Raises E0109 for those that are missing or too many."""
    known = (*form.needed, *form.optional)
    given: dict[str, tree.Arg] = {}
    free = iter(form.needed)
    for arg in args:
        name = arg.name.name if arg.name else next(free, None)
        if name is None or name not in known or name in given:
            title = f"`{form.name}` has no parameter `{name}`"
            if name is None:
                title = f"`{form.name}` takes {_listed(form)}; what follows needs a name"
            elif name in given:
                title = f"`{name}` is given twice"
            raise env.error(
                "E0109", title, arg.span, "not expected here",
                helps=guesses(name, known) if name else [],
            )  # fmt: skip
        given[name] = arg
    for name in form.needed:
        if name not in given:
            raise env.error(
                "E0109", f"argument `{name}` of `{form.name}` is missing", span,
                f"no value for `{name}`", helps=[f"write `{form.example}`"],
            )  # fmt: skip
    return given


def _listed(form: Form) -> str:
    first, *names = form.needed
    what = {"cost": "a cost", "y": "a value"}[first]
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join([what, *quoted[:-1]]), quoted[-1]])


def value_of(env: Env, arg: tree.Arg) -> Value:
    """The value of an argument; a name that is not found is marked with its keyword."""
    from irc.frontend.analysis.expressions import evaluate

    if isinstance(arg.value, tree.Name):
        return _closed(env, env.lookup(arg.value.name, arg.span))
    return _closed(env, evaluate(env, arg.value))


def _closed(env: Env, value: Value) -> Value:
    """What has no dtype yet as the tensor that was made of it, if that is one; else a new one."""
    match value:
        case TupleOf(items=items):
            return replace(value, items=tuple(_closed(env, x) for x in items))
        case Record(fields=fields):
            return replace(value, fields={name: _closed(env, x) for name, x in fields.items()})
        case Open():
            made = env.made_of(value)
            if len(made) > 1 or (not made and value.kind == "int"):
                return value
            return Tensor(made[0], value.origin, value.batch) if made else env.tensor(value)
    return value


def wrt_of(env: Env, form: Form, given: dict[str, tree.Arg]) -> Wrt:
    """`wrt`, `consts` and `disconnected`. Raises E0405 for what has no derivatives."""
    value = value_of(env, given["wrt"])
    leaves = tuple(leaves_of(env, value, given["wrt"].value))
    consts = tuple(_consts(env, given.get("consts")))
    allowed = _disconnected_allowed(env, given.get("disconnected"))
    return Wrt(form, value, leaves, given["wrt"], consts, allowed)


def leaves_of(env: Env, value: Value, node: tree.Expr) -> Iterator[Leaf]:
    """The float tensors in a value, in order. Raises E0405 for anything else."""
    inner = walk.unparen(node)
    match value:
        case TupleOf(items=items):
            nodes = inner.elements if isinstance(inner, tree.Tuple) else (node,) * len(items)
            for item, part in zip(items, nodes, strict=True):
                yield from leaves_of(env, item, part)
        case Record():
            yield from _fields(env, value, node, env.frame.module.text_of(inner.span))
        case Tensor():
            if value.batch and isinstance(inner, tree.Index):
                raise _a_view(env, inner)
            yield _leaf(env, value, node, env.frame.module.text_of(inner.span))
        case _:
            raise no_derivative(env, value, node, "this")


def _fields(env: Env, record: Record, node: tree.Expr, name: str) -> Iterator[Leaf]:
    for field, item in record.fields.items():
        match item:
            case Record():
                yield from _fields(env, item, node, f"{name}.{field}")
            case Tensor():
                yield _leaf(env, item, node, f"{name}.{field}")
            case _:
                raise no_derivative(env, item, node, f"field `{field}` of this record")


def _a_view(env: Env, node: tree.Index) -> Problem:
    text = env.frame.module.text_of(node.span)
    return env.error(
        "E0401",
        f"`{text}` here is not the `{text}` of the cost",
        node.span,
        "each `[...]` gives a value of its own",
        helps=[
            f"name it by a function: `def g(x) = grad(..., wrt=x)`, then `g({text})`",
        ],
    )


def _leaf(env: Env, value: Tensor, node: tree.Expr, name: str) -> Leaf:
    if not value.dtype.is_float:
        raise no_derivative(env, value, node, "this")
    return Leaf(value, name, node.span)


def no_derivative(env: Env, value: Value, node: tree.Expr, what: str) -> Problem:
    """E0405."""
    shown = value.type if isinstance(value, NUMERIC) else f"a {value.type}"
    constant = isinstance(value, Number)
    return env.error(
        "E0405",
        "there is no derivative with respect to this value",
        node.span,
        f"{what} is {'the constant ' if constant else ''}{shown}",
        labels=[declaration(value)],
        notes=["`wrt` is a float tensor: a parameter, a state, a record of states, or a `let`"],
    )


def _consts(env: Env, arg: tree.Arg | None) -> list[SSAValue]:
    if arg is None:
        return []
    pending, found = [value_of(env, arg)], []
    while pending:
        value = pending.pop()
        match value:
            case Tensor():
                found.append(value.ssa)
            case TupleOf(items=items):
                pending += reversed(items)
            case Record(fields=fields):
                pending += reversed(list(fields.values()))
            case _ if not isinstance(value, NUMERIC):
                raise env.error("E0405", f"`consts` holds a {value.type}", arg.span, "not a tensor")
    return found


def _disconnected_allowed(env: Env, arg: tree.Arg | None) -> bool:
    if arg is None:
        return False
    value = value_of(env, arg)
    if isinstance(value, Text) and value.value in ("zero", "error"):
        return value.value == "zero"
    raise env.error(
        "E0109", '`disconnected` is "zero" or "error"', arg.span, "neither of them",
    )  # fmt: skip


# ---- what depends on what


def between(ys: Iterable[SSAValue], consts: Iterable[SSAValue]) -> dict[SSAValue, None]:
    """The float values that `ys` were computed from, these first."""
    held = set(consts)
    found: dict[SSAValue, None] = {}
    pending = list(ys)
    while pending:
        x = pending.pop()
        if x in found or x in held or not dtype_of(x).is_float:
            continue
        found[x] = None
        owner = x.owner
        if isinstance(owner, Operation) and not isinstance(owner, StopGradientOp):
            pending.extend(inputs(owner))
    return found


def inputs(op: Operation) -> Iterator[SSAValue]:
    """What the op reads, its regions included."""
    yield from op.operands
    if op.regions:
        for inner in op.walk():
            yield from inner.operands


def check_path(env: Env, ys: Sequence[Tensor], y: tree.Arg, wrt: Wrt) -> None:
    """
    Raises E0401 where no `ys` depend on a leaf, E0404 where an extern on the way has no
    derivative; W0403 where a bool that depends on a leaf becomes a number on the way.
    """
    path = between([t.ssa for t in ys], wrt.consts)
    for leaf in wrt.leaves:
        if leaf.tensor.ssa not in path and not wrt.allowed:
            raise _disconnected(env, y, wrt, leaf)
    _check_externs(env, path, wrt)
    _warn_comparisons(env, path, wrt)


def _check_externs(env: Env, path: Iterable[SSAValue], wrt: Wrt) -> None:
    for x in path:
        op, wanted = x.owner, set(wrt.tensors)
        if isinstance(op, Extern) and op.derivative is None:
            if not wanted.isdisjoint(between(op.operands, wrt.consts)):
                raise Problem(no_derivative_of(op))


def _disconnected(env: Env, y: tree.Arg, wrt: Wrt, leaf: Leaf) -> Problem:
    text = env.frame.module.text_of(y.value.span)
    return env.error(
        "E0401",
        f"`{text}` does not depend on `{leaf.name}`",
        wrt.arg.span if isinstance(wrt.arg.value, tree.Name) else leaf.span,
        f"the {_OF[wrt.form.name]} would be zero everywhere",
        labels=[declaration(leaf.tensor)],
        notes=_why(leaf),
        helps=[f'if zero is meant: `{wrt.form.name}(..., disconnected="zero")`'],
    )


_OF = {
    "grad": "gradient", "vjp": "product", "jvp": "product",
    "jacobian": "Jacobian", "hessian": "Hessian",
}  # fmt: skip


def _why(leaf: Leaf) -> list[str]:
    if leaf.tensor.origin.kind == "state" and leaf.tensor.ssa.has_one_use():
        return [f"`{leaf.name}` is read nowhere else in this function"]
    return []


def _warn_comparisons(env: Env, path: Iterable[SSAValue], wrt: Wrt) -> None:
    casts = [
        x.owner for x in path
        if isinstance(x.owner, CastOp) and dtype_of(x.owner.x) is BOOL
    ]  # fmt: skip
    wanted = set(wrt.tensors)
    for cast in casts:
        comparison = _comparison_behind(cast)
        if comparison is None:
            continue
        operands = [x for x in comparison.operands if dtype_of(x).is_float]
        if any(not wanted.isdisjoint(between([x], wrt.consts)) for x in operands):
            env.warn(
                "W0403",
                "a gradient passes through a comparison",
                span_of(comparison.location),
                "its derivative is zero everywhere",
                helps=["use a smooth function, or `stop_gradient` if zero is meant"],
            )


def _comparison_behind(cast: CastOp) -> Operation | None:
    """The comparison whose result is converted, through changes of shape."""
    x: SSAValue = cast.x
    while isinstance(x.owner, Operation):
        if isinstance(x.owner, _COMPARISONS):
            return x.owner
        if len(x.owner.operands) != 1:
            return None
        x = x.owner.operands[0]
    return None


# ---- results


def like(model: Value, make: Callable[[], Value], origin: Origin) -> Value:
    """What `make` gives for each tensor of `model`, in its structure."""
    match model:
        case TupleOf(items=items, names=names):
            return TupleOf(tuple(like(item, make, origin) for item in items), names)
        case Record(name=name, fields=fields):
            return Record(name, {f: like(v, make, origin) for f, v in fields.items()}, origin)
    return make()


def declaration(value: Value) -> Label | None:
    """A label where a value was declared, with its type."""
    origin = value.origin
    if not origin.name or origin.span is None or origin.kind == "expression":
        return None
    shown = value.type if isinstance(value, NUMERIC) else f"a {value.type}"
    where = ", declared here" if origin.declared else ""
    return origin.label(f"`{origin.name}` is {shown}{where}")
