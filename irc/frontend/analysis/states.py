"""States: their declaration, their old values, their updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import TensorType as IrTensorType
from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.types import tensor
from irc.frontend import tree
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem, guesses, problem
from irc.frontend.analysis.types import (
    Declared,
    Place,
    RecordType,
    TensorType,
    TypeReader,
    check_literal,
    fit_tensor,
)
from irc.frontend.analysis.values import (
    Number,
    Origin,
    Record,
    Tensor,
    Value,
)
from irc.sizes import Poly

if TYPE_CHECKING:
    from irc.frontend.analysis.modules import ModuleScope


@dataclass(frozen=True)
class StateVar:
    """
    One tensor that the module keeps.

    name         in the IR and for users: `W`, `net.W1`; of an imported module `nn.W`
    spoken       as the source calls it
    initialiser  the expression behind `=`
    span         of `W: f32[D, K]`
    """

    name: str
    spoken: str
    type: TensorType
    initialiser: tree.Expr
    doc: str
    span: Span

    @property
    def dims(self) -> tuple[int, ...]:
        return tuple(d for d in self.type.dims if isinstance(d, int))

    @property
    def ir_type(self) -> IrTensorType:
        assert self.type.dtype is not None
        return tensor(self.type.dtype, self.dims)

    @property
    def origin(self) -> Origin:
        return Origin(self.spoken, self.span, "state", dims=self.type.spelled)


@dataclass(frozen=True)
class StateEntry:
    """
    A state of the source: one tensor, or a record of them.

    keyword   span of `state W`
    """

    module: ModuleScope
    name: str
    type: Declared
    variables: Mapping[str, StateVar]  # by field; "" for a single tensor
    keyword: Span

    @property
    def single(self) -> StateVar | None:
        return self.variables.get("")


def declare(module: ModuleScope, node: tree.State | tree.StateGroup) -> StateEntry:
    """Reads a declaration. Raises Problem when the type is not fully known."""
    name = node.name.name
    keyword = node.span.to(node.name.span)
    if isinstance(node, tree.StateGroup):
        return _group(module, node, keyword)
    declared = TypeReader(module).read(node.type)
    span = node.name.span.to(node.type.span)
    doc = node.lead.doc.text if node.lead.doc else ""
    match declared:
        case TensorType():
            _check_static(module, declared)
            variable = _variable(module, name, declared, node.value, doc, span)
            return StateEntry(module, name, declared, {"": variable}, keyword)
        case RecordType():
            variables = {
                f: _variable(module, f"{name}.{f}", t, node.value, "", span)
                for f, t in declared.fields.items()
            }
            record = RecordType(name, declared.fields, declared.text, declared.span)
            return StateEntry(module, name, record, variables, keyword)
    raise problem(
        "E0211", "a state is one tensor or a record", node.type.span, "not a state's type"
    )


def _group(module: ModuleScope, node: tree.StateGroup, keyword: Span) -> StateEntry:
    name = node.name.name
    reader = TypeReader(module)
    variables: dict[str, StateVar] = {}
    types: dict[str, TensorType] = {}
    for item in node.fields:
        field_name = item.name.name
        if field_name in types:
            first = Label(variables[field_name].span, "first declared here")
            raise problem(
                "E0108", f"field `{field_name}` is declared twice", item.name.span,
                "choose another name", labels=[first],
            )  # fmt: skip
        declared = reader.read(item.type)
        if not isinstance(declared, TensorType):
            raise problem("E0211", "a field is one tensor", item.type.span, "not a tensor type")
        _check_static(module, declared)
        span = item.name.span.to(item.type.span)
        doc = item.lead.doc.text if item.lead.doc else ""
        types[field_name] = declared
        variables[field_name] = _variable(
            module, f"{name}.{field_name}", declared, item.value, doc, span
        )
    record = RecordType(name, types, f"like {name}", node.name.span)
    return StateEntry(module, name, record, variables, keyword)


def _variable(
    module: ModuleScope, spoken: str, type_: TensorType, value: tree.Expr, doc: str, span: Span
) -> StateVar:
    return StateVar(module.prefix + spoken, spoken, type_, value, doc, span)


def _check_static(module: ModuleScope, declared: TensorType) -> None:
    if declared.dtype is None or None in declared.dims:
        raise problem(
            "E0211", "the type of a state must be fully known", declared.span,
            f"`{declared.text}` leaves something open",
        )  # fmt: skip
    for size in declared.dims:
        if isinstance(size, Poly):
            unknown = sorted(size.symbols())[0]
            raise problem(
                "E0210",
                f"the size `{unknown}` of this state is not known",
                declared.span,
                "states have constant sizes",
                helps=[f"declare it: `const {unknown} = 10`"],
            )


# ---- reading


def read(env: Env, entry: StateEntry, span: Span) -> Value:
    """The value that the state had when the function was called."""
    if env.unit.kind == "init":
        raise env.error(
            "E0504",
            f"an initialiser cannot read state `{entry.name}`",
            span,
            "states get their first values all at once",
            labels=[Label(entry.keyword, "declared here")],
        )
    parts = {
        f: Tensor(env.unit.read_state(v.name, v.ir_type), v.origin)
        for f, v in entry.variables.items()
    }
    if entry.single:
        return parts[""]
    return Record(entry.name, parts, Origin(entry.name, entry.keyword, "state"))


# ---- initialisers


def initialise(env: Env, variable: StateVar) -> None:
    """Writes the first value of a state, in the unit of the initialisers."""
    from irc.frontend.analysis.expressions import evaluate

    node, declared = variable.initialiser, variable.type
    assert declared.dtype is not None
    env.declared = (declared.dtype, variable.dims)
    try:
        value = evaluate(env, node, declared.dtype)
    finally:
        env.declared = None
    place = Place(
        f"the first value of `{variable.spoken}`", node.span,
        Label(variable.span, f"`{variable.spoken}` is declared here"),
    )  # fmt: skip
    if isinstance(value, Number) and variable.dims:
        check_literal(env, value, declared.dtype, place)
        with env.at(node.span) as b:
            value = Tensor(b.full(variable.dims, declared.dtype, value.value))
    result = fit_tensor(env, value, declared, {}, place)
    env.unit.updates.values[variable.name] = Update(result.ssa, variable, node.span)


# ---- updates


@dataclass(frozen=True)
class Update:
    """A new value for a state, and the `update` that gave it."""

    value: SSAValue
    variable: StateVar
    span: Span


@dataclass
class Updates:
    """
    The updates of one unit, in the order of the source.

    outer   those around an `if` whose branch is analysed: they count as given already
    """

    values: dict[str, Update] = field(default_factory=dict)
    outer: tuple[dict[str, Update], ...] = ()

    def branch(self) -> Updates:
        """For one branch of an `if`."""
        return Updates({}, (*self.outer, self.values))

    def earlier(self, name: str) -> Update | None:
        for known in (self.values, *self.outer):
            if name in known:
                return known[name]
        return None


def update(env: Env, node: tree.Update) -> None:
    """`update target op value`"""
    entry, fields = _target(env, node)
    if env.binders:
        raise env.error(
            "E0505",
            "`update` inside a comprehension",
            node.span,
            "it would happen once for each index",
            helps=["return the values, and update after the comprehension"],
        )
    if env.recurrences:
        word = env.recurrences[-1].word
        raise env.error(
            "E0505", f"`update` inside a {word}", node.span, "it would happen in each step",
            labels=[_declaration(entry, fields)],
            notes=["state changes once in a call, when the function returns"],
            helps=[f"carry the value through the {word}, and update behind it"],
        )  # fmt: skip
    for name in fields:
        _check_once(env, entry.variables[name], node)
    value = _new_value(env, node, entry, fields)
    place = Place(
        f"the new value of `{_spell(node.target)}`", node.value.span, _declaration(entry, fields)
    )
    if isinstance(value, Record):
        missing = set(fields) ^ set(value.fields)
        if missing:
            raise env.error(
                "E0503",
                f"{place.what} has other fields than `{entry.name}`",
                node.value.span,
                f"this is a {value.type}",
                labels=[place.declared],
            )
        for name in fields:
            part = Place(f"field `{name}` of {place.what}", place.span, place.declared)
            _record(env, entry.variables[name], value.fields[name], part, node)
    elif len(fields) != 1:
        first = next(iter(entry.variables))
        raise env.error(
            "E0203",
            f"`{entry.name}` is a record, its new value is {value.type}",
            node.value.span,
            "a record with the same fields is expected here",
            labels=[place.declared],
            helps=[f"update its fields: `update {entry.name}.{first} {node.op} ...`"],
        )
    else:
        _record(env, entry.variables[fields[0]], value, place, node)


def _record(env: Env, variable: StateVar, value: Value, place: Place, node: tree.Update) -> None:
    result = fit_tensor(env, value, variable.type, {}, place)
    env.unit.updates.values[variable.name] = Update(result.ssa, variable, node.span)


def _new_value(env: Env, node: tree.Update, entry: StateEntry, fields: list[str]) -> Value:
    from irc.frontend.analysis import operators
    from irc.frontend.analysis.expressions import evaluate
    from irc.frontend.analysis.partial import updated_state

    if node.target.items is not None:
        if len(fields) != 1:
            raise env.error(
                "E0505", f"record `{entry.name}` cannot be indexed", node.target.span,
                "this is a record", labels=[_declaration(entry, fields)],
            )  # fmt: skip
        return updated_state(env, node, entry.variables[fields[0]])
    dtype = entry.variables[fields[0]].type.dtype
    value = evaluate(env, node.value, dtype)
    if node.op == "=":
        return value
    old = _old(env, node.target, entry, fields)
    combined = tree.Binary(node.span, node.op[0], name_of(node.target), node.value)
    with env.at(node.span):
        return operators.binary(env, combined, old, value, dtype)


def _old(env: Env, target: tree.Target, entry: StateEntry, fields: list[str]) -> Value:
    whole = read(env, entry, target.span)
    if isinstance(whole, Record) and len(target.path) > 1:
        return whole.fields[fields[0]]
    return whole


def _target(env: Env, node: tree.Update) -> tuple[StateEntry, list[str]]:
    """The state that is updated, and which of its fields."""
    first, *rest = node.target.path
    entry = _entry(env, first)
    if entry is None and rest:  # the path begins with an imported module
        module = env.lookup(first.name, first.span)
        raise env.error(
            "E0505",
            f"`{first.name}.{rest[0].name}` cannot be updated here",
            node.target.span,
            f"`{first.name}` is a {module.type.split()[0]}",
            helps=["a state is updated by functions of its own file: call one"],
        )
    if entry is None:
        raise _not_state(env, node, first)
    if not rest:
        return entry, list(entry.variables)
    name = rest[0].name
    if entry.single is not None or len(rest) > 1 or name not in entry.variables:
        raise env.error(
            "E0105",
            f"state `{entry.name}` has no field `{'.'.join(r.name for r in rest)}`",
            rest[0].span.to(rest[-1].span),
            "not found",
            labels=[Label(entry.keyword, "declared here")],
            helps=guesses(name, [f for f in entry.variables if f]),
        )
    return entry, [name]


def _entry(env: Env, name: tree.Ident) -> StateEntry | None:
    module = env.frame.module
    node = module.defined.get(name.name)
    if isinstance(node, tree.State | tree.StateGroup):
        return module.state(name.name)
    return None


def _not_state(env: Env, node: tree.Update, name: tree.Ident) -> Problem:
    module = env.frame.module
    states = [n for n, d in module.defined.items() if isinstance(d, tree.State | tree.StateGroup)]
    value = env.lookup(name.name, name.span) if name.name in env.names() else None
    if value is None:
        return env.error(
            "E0105", f"no state named `{name.name}` here", name.span, "not found",
            helps=guesses(name.name, states),
        )  # fmt: skip
    helps = [f"write `let {name.name} = ...` for a new value of that name"]
    return env.error(
        "E0505",
        f"`{name.name}` is not state",
        name.span,
        "only state can be updated",
        labels=[value.origin.label(f"`{name.name}` is declared here")],
        helps=[*guesses(name.name, states), *helps],
    )


def _check_once(env: Env, variable: StateVar, node: tree.Update) -> None:
    earlier = env.unit.updates.earlier(variable.name)
    if earlier is None:
        return
    raise env.error(
        "E0502",
        f"`{variable.spoken}` is updated twice in one call",
        node.span,
        "second update",
        labels=[Label(earlier.span, "first update")],
        notes=["all updates happen together when the function returns"],
        helps=["combine them into one `update`, with a `let` for what lies between"],
    )


def _declaration(entry: StateEntry, fields: list[str]) -> Label:
    if len(fields) == 1:
        variable = entry.variables[fields[0]]
        return Label(variable.span, f"`{variable.spoken}` is declared here")
    return Label(entry.keyword, f"`{entry.name}` is declared here")


def name_of(target: tree.Target) -> tree.Expr:
    """The target's path as an expression."""
    first, *rest = target.path
    node: tree.Expr = tree.Name(first.span, first.name)
    for part in rest:
        node = tree.Attr(first.span.to(part.span), node, part)
    return node


def _spell(target: tree.Target) -> str:
    return ".".join(part.name for part in target.path)


def write_all(env: Env) -> Iterator[StateVar]:
    """Writes the updates, at the end of the unit; gives the states that change."""
    for pending in env.unit.updates.values.values():
        with env.at(pending.span) as b:
            b.state_write(pending.variable.name, pending.value)
        yield pending.variable
