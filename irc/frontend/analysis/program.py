"""A whole program: every exported function, test and initialiser becomes a function of `nd`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Region, SSAValue

from irc import abi
from irc.abi import INIT_FUNCTION, AbiError, FunctionSpec, ModuleSpec, StateSpec, binding_plan
from irc.diagnostics import Label, Span
from irc.dialects.nd.effects import StateOp
from irc.dialects.nd.types import tensor
from irc.dtypes import DTYPES
from irc.frontend import tree
from irc.frontend.analysis import (
    externs,
    functions,
    lints,
    returns,
    signature,
    statements,
    states,
)
from irc.frontend.analysis.constants import Comparison, Constant
from irc.frontend.analysis.env import INIT_SITES, Env, Frame, Unit, hint
from irc.frontend.analysis.modules import ModuleScope
from irc.frontend.analysis.problems import Problem, Problems, TooMany, guesses, problem
from irc.frontend.analysis.rereading import forget_given_up
from irc.frontend.analysis.states import Updates
from irc.frontend.analysis.types import (
    Declared,
    Place,
    RecordType,
    TensorType,
    TupleType,
    TypeReader,
    check_literal,
    fit_tensor,
    known_as,
)
from irc.frontend.analysis.values import (
    NUMERIC,
    FunctionRef,
    Number,
    Tensor,
    TupleOf,
    Value,
    type_text,
)
from irc.sizes import Size, var


class Builder:
    """
    Builds the module of a program; mistakes are collected in `problems`.

    main       the main file
    imported   the files it imports, which only contribute state and private functions
    """

    def __init__(
        self, main: ModuleScope, imported: Sequence[ModuleScope], problems: Problems, file: str
    ) -> None:
        self.main = main
        self.imported = list(imported)
        self.problems = problems
        self.file = file
        self.ops: list[FuncOp] = []
        self.specs: list[FunctionSpec] = []
        self.units: list[Unit] = []

    def build(self, tests: bool) -> tuple[ModuleOp, ModuleSpec] | None:
        """The module and its description; None when there was a mistake."""
        self._definitions()
        if self.problems.errors:
            return None
        variables = [
            v for m in (self.main, *self.imported) for e in m.states() for v in e.variables.values()
        ]
        if variables:
            self._guarded(self.main, lambda: self._initialisers(variables))
        for node in self.main.defined.values():
            if isinstance(node, tree.Function) and node.exported:
                self._guarded(node, lambda node=node: self._exported(node))
        for test in self.main.tests if tests else ():
            self._guarded(test, lambda test=test: self._test(test))
        self._unused_functions()
        if self.problems.errors:
            return None
        lints.check_states(self.problems, self.main, variables, self.units)
        return self._module(variables)

    def _guarded(self, key: object, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Problem as mistake:
            try:
                self.problems.report(mistake, key)
            except TooMany:
                pass
        except TooMany:
            pass

    def _definitions(self) -> None:
        """Constants, types and states are read even when nothing uses them."""
        for module in (self.main, *self.imported):
            for name, node in module.defined.items():
                self._guarded(module, lambda d=node: _check_attributes(d))
                match node:
                    case tree.Const():
                        self._guarded(module, lambda m=module, n=name: m.constant(n))
                    case tree.TypeDef():
                        self._guarded(module, lambda m=module, d=node: m.alias(d))
                    case tree.State() | tree.StateGroup():
                        self._guarded(module, lambda m=module, n=name: m.state(n))
                    case tree.Extern():
                        self._guarded(module, lambda d=node: _check_params(d))
                        self._guarded(module, lambda m=module, d=node: externs.signature(m, d))
                    case tree.Function():
                        self._guarded(module, lambda d=node: _check_params(d))
                        if module is self.main:
                            lints.check_sizes(self.problems, module, node)

    # -- functions of the IR

    def _env(self, unit: Unit, module: ModuleScope, node: object, name: str = "") -> Env:
        active = (node,) if isinstance(node, tree.Function) else ()
        marked = functions.checkpointed(node)
        frame = Frame(module, node, name, active=active, checkpoint=marked)
        return Env(unit, frame, self.problems)

    def _initialisers(self, variables: Sequence[states.StateVar]) -> None:
        """`irc_init`: each state gets its first value."""
        unit = Unit(INIT_FUNCTION, "init", Updates(), INIT_SITES)
        good = True
        owner = {
            v.name: m
            for m in (self.main, *self.imported)
            for e in m.states()
            for v in e.variables.values()
        }
        for variable in variables:
            env = self._env(unit, owner[variable.name], variable)
            try:
                states.initialise(env, variable)
            except Problem as mistake:
                good = False
                self.problems.report(mistake, self.main)
        if not good:
            return
        env = self._env(unit, self.main, self.main)
        list(states.write_all(env))
        spec = replace(signature.INIT, draws=unit.draws, writes=tuple(v.name for v in variables))
        self._finish(unit, env, [], spec)

    def _exported(self, node: tree.Function) -> None:
        name = node.name.name
        unit = Unit(name, "export", Updates())
        env = self._env(unit, self.main, node, name)
        functions.check_attributes(env, node)
        reader = TypeReader(self.main)
        declared = [_exported_param(env, reader, p) for p in node.params]
        sizes = list(dict.fromkeys(n for d in declared for n in d.names()))
        env.frame.sizes.update({n: var(n) for n in sizes})
        params = []
        for p, d in zip(node.params, declared, strict=True):
            functions.check_name(env, p.name, env.frame.sizes)
            assert d.dtype is not None
            arg = unit.block.insert_arg(tensor(d.dtype, _known(d)), len(unit.block.args))
            arg.name_hint = hint(p.name.name)
            env.define(
                p.name.name, known_as(Tensor(arg), p.name.name, p.span, d.spelled, "parameter")
            )
            params.append(signature.param_spec(p, d, self._default(env, p, d)))
        declared_result = reader.read(node.result) if node.result else None
        result = _exported_result(env, declared_result)
        facts = self._facts(env, node)
        spec = FunctionSpec(
            name,
            _doc(node),
            tuple(sizes),
            tuple(params),
            facts=tuple(facts),
            span=str(node.name.span),
        )
        self._check_bound(env, node, spec, result)
        value, span = functions.body(env, node, declared_result)
        results = self._results(env, node, result, value, span)
        self._close(unit, env, results, spec)

    def _default(self, env: Env, p: tree.Param, declared: TensorType) -> Constant | None:
        if p.default is None:
            return None
        if declared.dims:
            raise env.error(
                "E0114",
                f"`{p.name.name}` has a default, but is a tensor",
                p.default.span,
                "only scalars have defaults",
            )
        value = functions.default(FunctionRef(self.main, env.frame.node), p)  # type: ignore[arg-type]
        place = Place(f"the default of `{p.name.name}`", p.default.span)
        check_literal(env, Number(value), declared.dtype, place)
        return value

    def _facts(self, env: Env, node: tree.Function) -> Iterator[abi.FactSpec]:
        """Facts about sizes go to the door; conditions on values are checked in the function."""
        for fact in functions.facts(env, node):
            if isinstance(fact, Comparison):
                functions.assume(env, fact)
                yield signature.fact_spec(self.main, fact)
            else:
                text = self.main.text_of(fact.span).replace("{", "{{").replace("}", "}}")
                statements.check(env, fact, f"{node.name.name} needs {text}", fact.span)

    def _check_bound(
        self, env: Env, node: tree.Function, spec: FunctionSpec, result: Sequence[Part]
    ) -> None:
        """Each size must follow from the shape of some argument."""
        try:
            binding_plan(spec)
        except AbiError as error:
            raise env.error(
                "E0210",
                str(error).partition(": ")[2],
                node.name.span,
                "sizes are found from the shapes of the arguments",
                helps=["use the size alone in one parameter, such as `x: f32[n]`"],
            ) from None
        for _, declared in result:
            for name in declared.names():
                if name not in spec.sizes:
                    raise env.error(
                        "E0210",
                        f"the size `{name}` of a result is the size of no argument",
                        declared.span,
                        f"nothing tells `{name}`",
                    )

    def _results(
        self, env: Env, node: tree.Function, result: Sequence[Part], value: Value, span: Span
    ) -> list[tuple[Tensor, Part]]:
        """The values that are returned, in their declared types."""
        items = value.items if isinstance(value, TupleOf) else (value,)
        if len(items) != len(result):
            given = ", ".join(_declarable(env, v) for v in items)
            given = given if len(items) == 1 else f"({given})"
            raise env.error(
                "E0114" if not result else "E0115",
                _miscount(node.name.name, len(items), len(result)),
                span,
                f"this is {value.type}",
                labels=[Label(node.name.span, f"`{node.name.name}` is declared here")],
                helps=[f"declare what it returns: `-> {given}`"] if items else [],
            )
        made = []
        for item, part in zip(items, result, strict=True):
            what = f"result `{part[0]}`" if part[0] else "the result"
            label = Label(part[1].span, "declared here")
            place = Place(f"{what} of `{node.name.name}`", span, label)
            made.append((fit_tensor(env, item, part[1], env.frame.sizes, place), part))
        return made

    def _test(self, node: tree.Test) -> None:
        name = f"test:{node.name.value}"
        if any(s.name == name for s in self.specs):
            raise problem(
                "E0108", f"two tests are called {node.name.text}", node.name.span, "the second one"
            )
        unit = Unit(name, "test", Updates())
        env = self._env(unit, self.main, node, name)
        ident = tree.Ident(node.name.span, node.name.value)
        returned = returns.run_function(env, node.body, None, ident)
        if not (isinstance(returned.value, TupleOf) and not returned.value.items):
            raise env.error("E0111", "a test returns nothing", returned.span, "not expected here")
        spec = FunctionSpec(name, _doc(node), kind="test", span=str(node.name.span))
        self._close(unit, env, [], spec)

    def _close(
        self, unit: Unit, env: Env, results: list[tuple[Tensor, Part]], spec: FunctionSpec
    ) -> None:
        written = [v.name for v in states.write_all(env)]
        if unit.draws:
            self._count_draw(unit, env)
        pure = not unit.reads and not written
        if not written and unit.kind == "export":
            lints.warn_masks(self.problems, spec.name, unit.masks)
        spec = replace(
            spec,
            results=tuple(signature.result_spec(name, declared) for _, (name, declared) in results),
            pure=pure,
            draws=unit.draws,
            writes=tuple(written),
        )
        self._finish(unit, env, [t.ssa for t, _ in results], spec)

    def _count_draw(self, unit: Unit, env: Env) -> None:
        """The next call draws other numbers."""
        seed, counter = unit.rng()
        b = env.b
        one = b.full((), DTYPES["i64"], 1)
        both = [b.reshape(x, (1,)) for x in (seed, b.add(counter, one))]
        b.state_write(abi.RNG_STATE, b.concat(both, 0))

    def _finish(
        self, unit: Unit, env: Env, results: Sequence[SSAValue], spec: FunctionSpec
    ) -> None:
        block = unit.finish()
        block.add_op(ReturnOp(*results))
        inputs = [a.type for a in block.args]
        visibility = "private" if spec.kind == "init" else None
        op = FuncOp(
            unit.name, (inputs, [r.type for r in results]), Region(block), visibility=visibility
        )
        op.attributes["irc.signature"] = StringAttr(abi.to_json(spec))
        forget_given_up(op)
        self.ops.append(op)
        self.specs.append(spec)
        self.units.append(unit)

    # -- the module

    def _unused_functions(self) -> None:
        """A private function that nothing calls is checked when its types are complete."""
        for node in self.main.defined.values():
            if not isinstance(node, tree.Function) or node.exported:
                continue
            if node in self.problems.called or any(p.type is None for p in node.params):
                continue
            self._guarded(node, lambda node=node: self._checked_only(node))

    def _checked_only(self, node: tree.Function) -> None:
        unit = Unit(node.name.name, "export", Updates())
        env = self._env(unit, self.main, node, node.name.name)
        reader = TypeReader(self.main)
        declared = [reader.read(p.type) for p in node.params if p.type]
        if not all(isinstance(d, TensorType) and d.fixed for d in declared):
            return
        for p, d in zip(node.params, declared, strict=True):
            assert isinstance(d, TensorType) and d.dtype is not None
            env.frame.sizes.update({n: var(n) for n in d.names()})
            arg = unit.block.insert_arg(tensor(d.dtype, _known(d)), len(unit.block.args))
            functions.check_name(env, p.name, env.frame.sizes)
            env.define(
                p.name.name, known_as(Tensor(arg), p.name.name, p.span, d.spelled, "parameter")
            )
        for fact in functions.facts(env, node):
            if isinstance(fact, Comparison):
                functions.assume(env, fact)
        result = reader.read(node.result) if node.result else None
        functions.run(env, node, result)

    def _module(self, variables: Sequence[states.StateVar]) -> tuple[ModuleOp, ModuleSpec]:
        kept = [signature.state_spec(v) for v in variables]
        ops = [_state_op(s) for s in kept]
        if any(u.draws for u in self.units):
            kept.append(signature.RNG)
            ops.append(_state_op(signature.RNG))
        spec = signature.module_spec(self.main, self.file, kept, self.specs)
        described = StringAttr(abi.to_json(replace(spec, functions=())))
        module = ModuleOp([*ops, *self.ops], {"irc.module": described})
        return module, spec


Part = tuple[str | None, TensorType]
ATTRIBUTES = ("inline", "checkpoint", "vjp")


def _known(declared: TensorType) -> list[Size]:
    return [d for d in declared.dims if d is not None]


def _state_op(spec: StateSpec) -> StateOp:
    properties: dict[str, object] = {
        "sym_name": StringAttr(spec.name),
        "type": tensor(DTYPES[spec.dtype], spec.dims),
    }
    if spec.doc:
        properties["doc"] = StringAttr(spec.doc)
    return StateOp.create(properties=properties)  # type: ignore[arg-type]


def _doc(node: tree.Item) -> str:
    return node.lead.doc.text if node.lead.doc else ""


def _miscount(name: str, given: int, declared: int) -> str:
    values = f"{given or 'no'} value{'' if given == 1 else 's'}"
    if not declared:
        return f"`{name}` returns {values}, but declares no result"
    return f"`{name}` returns {values}, {declared} {'is' if declared == 1 else 'are'} declared"


def _declarable(env: Env, value: Value) -> str:
    """The type as a signature would declare it; an open value with the dtype it gets alone."""
    if not isinstance(value, NUMERIC):
        return "..."
    return type_text(env.default_dtype(value).name, value.dims)


def _check_attributes(node: tree.Item) -> None:
    known = ATTRIBUTES if isinstance(node, tree.Function | tree.Extern) else ()
    for attribute in node.lead.attributes:
        name = attribute.name.name
        if name not in known:
            title = f"no attribute named `@{name}`"
            if name in ATTRIBUTES:
                title = f"`@{name}` belongs before a function"
            raise problem(
                "E0120", title, attribute.name.span, "not expected here",
                helps=guesses(name, ATTRIBUTES),
            )  # fmt: skip


def _check_params(node: tree.Function | tree.Extern) -> None:
    known: dict[str, tree.Param] = {}
    for p in node.params:
        if p.name.name in known:
            raise problem(
                "E0108", f"two parameters are called `{p.name.name}`", p.name.span,
                "choose another name",
                labels=[Label(known[p.name.name].span, "the first one")],
            )  # fmt: skip
        known[p.name.name] = p


def _exported_param(env: Env, reader: TypeReader, p: tree.Param) -> TensorType:
    name = p.name.name
    if p.type is None:
        raise env.error(
            "E0114",
            f"parameter `{name}` of an exported function has no type",
            p.span,
            "callers need to know what to pass",
            helps=[f"write its type: `{name}: f32[n]`"],
        )
    return _complete(env, reader.read(p.type), f"parameter `{name}`", p.type.span)


def _complete(env: Env, declared: Declared, what: str, span: Span) -> TensorType:
    if isinstance(declared, RecordType | TupleType):
        kind = "record" if isinstance(declared, RecordType) else "tuple"
        raise env.unsupported(
            f"{what} of an exported function is a {kind}",
            span,
            helps=["pass and return its tensors one by one"],
        )
    if not declared.fixed:
        raise env.error(
            "E0114",
            f"the type of {what} is not complete",
            span,
            "exported functions have one dtype and rank for everything",
        )
    return declared


def _exported_result(env: Env, declared: Declared | None) -> list[Part]:
    if declared is None:
        return []
    if not isinstance(declared, TupleType):
        return [(None, _complete(env, declared, "the result", declared.span))]
    parts: list[Part] = []
    for i, name, part in zip(count(), declared.names, declared.parts, strict=False):
        what = f"result `{name}`" if name else f"result {i}"
        if name and name in [n for n, _ in parts]:
            raise env.error("E0108", f"two results are called `{name}`", part.span, "the second")
        parts.append((name, _complete(env, part, what, part.span)))
    return parts
