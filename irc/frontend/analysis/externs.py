"""`extern def`: functions of other libraries, and the derivatives that `@vjp` states for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import Block, SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.foreign import DTYPES_OF_C, parse
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.types import TensorType as TensorAttr
from irc.dialects.nd.types import dims_of, dtype_of, tensor
from irc.frontend import tree
from irc.frontend.analysis import functions
from irc.frontend.analysis.broadcasting import (
    Operand,
    Site,
    common_dims,
    merged_batch,
    spread,
)
from irc.frontend.analysis.env import Argument, Env, Frame
from irc.frontend.analysis.modules import ModuleScope
from irc.frontend.analysis.problems import problem
from irc.frontend.analysis.pullback import count_of, in_order, mapped, rows_of
from irc.frontend.analysis.types import (
    Declared,
    Place,
    TensorType,
    TupleType,
    TypeReader,
    fit_dtype,
    put,
)
from irc.frontend.analysis.values import (
    Binder,
    ExternRef,
    FunctionRef,
    Origin,
    Tensor,
    TupleOf,
    Value,
)
from irc.sizes import Poly, Size

MOST_ORDERS = 3  # how often a derivative that calls its own function can be derived


@dataclass(frozen=True)
class Signature:
    """
    An `extern def` that C can understand.

    each      it is a function of numbers: tensors go through it element by element
    sizes     symbolic sizes in the order of the parameters, as C gets them
    names     of the results, when they are several or have names
    """

    module: ModuleScope
    node: tree.Extern
    symbol: str
    library: str
    params: tuple[TensorType, ...]
    results: tuple[TensorType, ...]
    names: tuple[str | None, ...]
    sizes: tuple[str, ...]

    @property
    def each(self) -> bool:
        return not any(t.dims for t in (*self.params, *self.results)) and len(self.results) == 1

    @property
    def vjp(self) -> tree.Attribute | None:
        found = [a for a in self.node.lead.attributes if a.name.name == "vjp"]
        return found[0] if found else None


# ---- the declaration


def signature(module: ModuleScope, node: tree.Extern) -> Signature:
    """Raises E0605 for what names no function, E0606 for types that C does not have."""
    try:
        symbol, library = parse(node.symbol.value)
    except ValueError as reason:
        raise problem(
            "E0605", "an extern names a function and its library", node.symbol.span, str(reason),
            helps=['write `= "erf from libm.so.6"`'],
        ) from None  # fmt: skip
    reader = TypeReader(module)
    if not node.params:
        raise problem(
            "E0606", f"`{node.name.name}` has no parameters", node.name.span,
            "what depends on nothing is a constant",
        )  # fmt: skip
    params = []
    for p in node.params:
        if p.type is None:
            raise problem(
                "E0606", f"parameter `{p.name.name}` of an extern has no type", p.span,
                "C needs to know it", helps=[f"write `{p.name.name}: f64`"],
            )  # fmt: skip
        params.append(_of_c(reader.read(p.type), p.type.span))
    declared = reader.read(node.result)
    parts = declared.parts if isinstance(declared, TupleType) else (declared,)
    names = declared.names if isinstance(declared, TupleType) else ()
    results = tuple(_of_c(part, part.span) for part in parts)
    sizes = tuple(dict.fromkeys(name for t in params for name in t.names()))
    for t in results:
        for name in t.names():
            if name not in sizes:
                raise problem(
                    "E0606", f"nothing gives the size `{name}`", t.span,
                    "a size of a result stands in a parameter too",
                )  # fmt: skip
    return Signature(module, node, symbol, library, tuple(params), results, names, sizes)


def _of_c(declared: Declared, span: Span) -> TensorType:
    """Raises E0606 for a type that C does not have."""
    if not isinstance(declared, TensorType) or not declared.fixed:
        raise problem(
            "E0606", "an extern has tensors of known dtype and rank", span, "C needs to know them",
        )  # fmt: skip
    assert declared.dtype is not None
    if declared.dtype.name not in DTYPES_OF_C:
        raise problem(
            "E0606", f"C has no type for {declared.dtype}", span, "not a type of C",
            helps=["convert before and after: `f16(f(f32(x)))`"],
        )  # fmt: skip
    return declared


# ---- calls


def call(
    env: Env,
    extern: ExternRef,
    args: Sequence[Argument],
    span: Span,
    nodes: Sequence[tree.Arg],
) -> Value:
    """
    The result of an extern for these arguments, which are written as `nodes`.

    Raises Problem for arguments that do not fit.
    """
    known = signature(extern.module, extern.node)
    head = FunctionRef(extern.module, _as_function(extern.node))
    given = functions.matched(env, head, args, span)
    written = {a.span: a.value for a in nodes}
    made = (
        _each(env, known, given, written, span) if known.each else _whole(env, known, given, span)
    )
    origin = Origin(span=span, how=f"the result of `{known.node.name.name}`")
    values = [Tensor(x.ssa, origin, x.batch) for x in made]
    return TupleOf(tuple(values), known.names, origin) if len(values) > 1 else values[0]


def _as_function(node: tree.Extern) -> tree.Function:
    """Its head, for what is the same for all functions."""
    head = node.name, node.params, node.result
    return tree.Function(node.span, node.lead, False, *head, (), node.symbol)


def _each(
    env: Env,
    known: Signature,
    given: Sequence[functions.Given],
    nodes: dict[Span, tree.Expr],
    span: Span,
) -> list[Tensor]:
    """Element by element, over shapes made to fit as those of operators."""
    name = known.node.name.name
    operands = []
    for g, declared in zip(given, known.params, strict=True):
        label = Label(g.param.span, f"`{g.param.name.name}` is declared here")
        place = Place(f"argument `{g.param.name.name}` of `{name}`", g.span, label)
        x = fit_dtype(env, g.value, declared, place)
        operands.append(Operand(nodes.get(g.span, known.node.symbol), x))
    tensors = [o.value for o in operands]
    dims = common_dims(env, Site(f"`{name}`", span), operands)
    batch = merged_batch(env, tensors)
    with env.at(span):
        xs = [spread(env, x, batch, dims).ssa for x in tensors]  # type: ignore[arg-type]
        dtype = known.results[0].dtype
        assert dtype is not None
        axes = tuple(Binder(f"axis {k}", span, d, True) for k, d in enumerate(dims))
        block = _derivative(env, known, xs, [tensor(dtype, dims_of(xs[0]))], (*batch, *axes), span)
        made = env.b.extern_map(known.symbol, known.library, xs, dtype, block)
    return [Tensor(made, batch=batch)]


def _whole(
    env: Env, known: Signature, given: Sequence[functions.Given], span: Span
) -> list[Tensor]:
    """Whole arrays; in index notation one call for each value of the index variables."""
    node = _as_function(known.node)
    inner = env.called(Frame(known.module, node, node.name.name, env.frame.chain))
    functions.bind_parameters(env, inner, list(given))
    values = [inner.local(p.name.name) for p in known.node.params]
    xs = [x for x in values if isinstance(x, Tensor)]
    types = [tensor(t.dtype, _filled(t, inner.frame.sizes)) for t in known.results if t.dtype]
    sizes = [inner.frame.sizes[name] for name in known.sizes]
    batch = merged_batch(env, xs)

    def step(b: Builder, t: SSAValue | None, rows: Sequence[SSAValue]) -> list[SSAValue]:
        block = _derivative(env, known, rows, types, (), span)
        return b.extern(known.symbol, known.library, sizes, rows, types, block)

    with env.at(span):
        if not batch:
            return [Tensor(x) for x in step(env.b, None, [x.ssa for x in xs])]
        rows = [rows_of(env, spread(env, x, batch, x.dims), batch) for x in xs]
        made = mapped(env.b, count_of(batch), rows, step)
        return [in_order(env, x, batch, ()) for x in made]


def _filled(declared: TensorType, sizes: Mapping[str, Poly]) -> tuple[Size, ...]:
    return tuple(put(d, sizes) for d in declared.dims if d is not None)


# ---- derivatives


def _derivative(
    env: Env,
    known: Signature,
    xs: Sequence[SSAValue],
    types: Sequence[TensorAttr],
    batch: tuple[Binder, ...],
    span: Span,
) -> Block | None:
    """
    The backward pass that `@vjp(g)` states: g of the arguments, perhaps the results, and the
    gradients of the results, all with `batch` as their leading axes. None without one.
    """
    attribute = known.vjp
    if attribute is None or env.unit.deriving.count(known.node) >= MOST_ORDERS:
        return None
    # What is written here is no part of the calls around it: it may call what they call.
    inner = env.called(replace(env.frame, active=()))
    inner.binders = (*env.binders, *(b for b in batch if b not in env.binders))
    env.unit.deriving.append(known.node)
    try:
        with inner.region() as block:
            for type_ in (*(x.type for x in xs), *types, *types):
                block.insert_arg(type_, len(block.args))
            values = [Tensor(a, batch=batch) for a in block.args]
            made = _stated(inner, known, attribute, values, span)
            rows = [spread(inner, g, batch, g.dims).ssa for g in made]
            wanted = [x for x in xs if dtype_of(x).is_float]
            _check_gradients(env, attribute, made, rows, wanted)
            block.add_op(YieldOp.create(operands=rows))
            return block
    finally:
        env.unit.deriving.pop()


def _stated(
    env: Env, known: Signature, attribute: tree.Attribute, values: list[Tensor], span: Span
) -> list[Tensor]:
    """What g gives, as a list of tensors."""
    arg = attribute.args[0].value if attribute.args and len(attribute.args) == 1 else None
    target = known.module.lookup(env, arg.name, arg.span) if isinstance(arg, tree.Name) else None
    if not isinstance(target, FunctionRef | ExternRef):
        raise env.error(
            "E0607", "`@vjp` names a function", attribute.span, "this names none",
            helps=["write `@vjp(g)`, with `def g(x, dy) = ...`"],
        )  # fmt: skip
    count, results = len(known.params), len(known.results)
    taken = len(target.node.params)
    if taken == count + results:
        values = [*values[:count], *values[count + results :]]
    elif taken != count + 2 * results:
        raise env.error(
            "E0607", f"`{target.name}` is no derivative of `{known.node.name.name}`",
            attribute.span, f"it has {functions.plural(taken, 'parameter')}",
            labels=[Label(target.node.name.span, f"`{target.name}` is defined here")],
            notes=[
                "it takes the arguments, the results if it needs them, and the gradients of the "
                f"results: {count + results} or {count + 2 * results} in all"
            ],
        )  # fmt: skip
    arguments: list[Argument] = [(None, value, span) for value in values]
    if isinstance(target, ExternRef):
        value = call(env, target, arguments, span, ())
    else:
        value = env.call(target, arguments, span)
    parts = value.items if isinstance(value, TupleOf) else (value,)
    return [env.tensor(part) for part in parts]


def _check_gradients(
    env: Env,
    attribute: tree.Attribute,
    made: Sequence[Tensor],
    rows: Sequence[SSAValue],
    wanted: Sequence[SSAValue],
) -> None:
    if [g.type for g in rows] == [x.type for x in wanted]:
        return
    given = ", ".join(g.type for g in made)
    raise env.error(
        "E0607", "a derivative gives a gradient for each float argument", attribute.span,
        f"it gives {given or 'nothing'}",
        notes=["a gradient has the dtype and the shape of its argument"],
    )  # fmt: skip
