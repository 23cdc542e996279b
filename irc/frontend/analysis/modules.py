"""The names of one file, looked up when they are needed, so their order does not matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from irc.diagnostics import Label, Span
from irc.dtypes import DTYPES, F32, DType
from irc.frontend import tree
from irc.frontend.analysis import constants
from irc.frontend.analysis.constants import Constant
from irc.frontend.analysis.problems import Problem, Problems, guesses, problem
from irc.frontend.analysis.types import Declared, RecordType, TensorType, TypeReader, dtype_named
from irc.frontend.analysis.values import (
    DTypeRef,
    ExternRef,
    FunctionRef,
    ModuleRef,
    Number,
    Origin,
    Tensor,
    Value,
)
from irc.sizes import Poly, const

if TYPE_CHECKING:
    from irc.frontend.analysis.env import Env
    from irc.frontend.analysis.states import StateEntry

FLOATX = "floatX"
MAX_DEFINITIONS = 200
Named = tree.Const | tree.TypeDef | tree.State | tree.StateGroup | tree.Function | tree.Extern


@dataclass(frozen=True)
class Imported:
    """A name taken from another module, `from nn import relu`; the module itself without one."""

    module: ModuleScope
    name: str | None
    span: Span


class ModuleScope:
    """
    One file.

    name      of the module: its file without suffix
    prefix    of its states in the IR, "" for the main file
    defines   what `-D` gives for constants and types, as text
    imports   names that `import` brings, filled in by the loader
    """

    def __init__(
        self,
        name: str,
        node: tree.Module,
        problems: Problems,
        prefix: str = "",
        defines: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.tree = node
        self.prefix = prefix
        self.problems = problems
        self.defines = dict(defines or {})
        self.default_floatx = F32
        self.imports: dict[str, Imported] = {}
        self.defined: dict[str, Named] = {}
        self.tests: list[tree.Test] = []
        self.differentiates: dict[tree.Function, bool] = {}  # identity.py
        self._constants: dict[str, Constant] = {}
        self._types: dict[str, DType] = {}
        self._states: dict[str, StateEntry] = {}
        self._open: list[str] = []  # constants and states whose definitions are being read
        self._broken: set[str] = set()  # those with a reported mistake
        self._collect()

    def _collect(self) -> None:
        for item in self.tree.items:
            if isinstance(item, tree.Test):
                self.tests.append(item)
            elif isinstance(item, Named):
                name = item.name.name
                if name in self.defined:
                    self.problems.report(taken(name, item.name.span, self.defined[name]), self)
                self.defined.setdefault(name, item)

    def text_of(self, span: Span) -> str:
        """The source between the ends of a span, on one line."""
        lines = []
        for number in range(span.line, span.end_line + 1):
            line = self.problems.sources.line(span.file, number) or ""
            stop = span.end_col - 1 if number == span.end_line else len(line)
            start = span.col - 1 if number == span.line else 0
            lines.append(line[start:stop].strip())
        return " ".join(lines)

    # -- constants

    def constant(self, name: str) -> Constant:
        """
        The value of `const name`, or what `-D` says instead.

        Raises Problem when its definition is circular or not constant.
        """
        if name not in self._constants:
            node = self.defined[name]
            assert isinstance(node, tree.Const)
            self._enter(name, node.name.span)
            try:
                value = constants.evaluate(node.value, self.constant_named)
            finally:
                self._open.pop()
            if name in self.defines:
                value = overriding(name, self.defines[name], value)
            self._constants[name] = self._declared(node, value)
        return self._constants[name]

    def _declared(self, node: tree.Const, value: Constant) -> Constant:
        """The constant in its declared dtype, if it has one."""
        if node.type is None:
            return value
        dtype = self.constant_dtype(node)
        if dtype.is_float and not isinstance(value, bool):
            return float(value)
        fits = (
            isinstance(value, bool)
            if dtype.kind == "bool"
            else isinstance(value, int)
            and not isinstance(value, bool)
            and dtype.min <= value <= dtype.max
        )
        if not fits:
            shown = str(value).lower()
            raise problem(
                "E0304",
                f"{shown} is not a value of {dtype}",
                node.value.span,
                f"`{node.name.name}` is {dtype}",
            )
        return value

    def constant_dtype(self, node: tree.Const) -> DType:
        declared = TypeReader(self).read(node.type) if node.type else None
        if isinstance(declared, TensorType) and declared.dtype and declared.dims == ():
            return declared.dtype
        assert node.type is not None
        raise problem(
            "E0117",
            "a constant is a number",
            node.type.span,
            "only scalar types",
            helps=["a tensor that never changes can be a `state` that nothing updates"],
        )

    def constant_named(self, node: tree.Name) -> Constant:
        found = self.defined.get(node.name)
        if isinstance(found, tree.Const):
            return self.constant(node.name)
        imported = self.imports.get(node.name)
        if found is None and imported and imported.name:
            return imported.module.constant_named(tree.Name(node.span, imported.name))
        if found is None and node.name in constants.NUMBERS:
            return constants.NUMBERS[node.name]
        if found is None:
            known = [n for n, d in self.defined.items() if isinstance(d, tree.Const)]
            raise problem(
                "E0105",
                f"no constant named `{node.name}` here",
                node.span,
                "not found",
                helps=guesses(node.name, known),
            )
        raise problem(
            "E0117",
            "a constant expression is needed here",
            node.span,
            f"`{node.name}` is not a constant",
            labels=[Label(found.name.span, f"`{node.name}` is declared here")],
        )

    def size_constant(self, node: tree.Name) -> Poly | None:
        """The constant of that name as a size; None when the name is a symbolic size."""
        found = self.defined.get(node.name)
        if isinstance(found, tree.Const):
            value = self.constant(node.name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise problem(
                    "E0211",
                    f"`{node.name}` is {str(value).lower()}, which is not a size",
                    node.span,
                    "a size is an integer",
                    labels=[Label(found.name.span, "declared here")],
                )
            return const(value)
        imported = self.imports.get(node.name)
        if found is None and imported and imported.name:
            return imported.module.size_constant(tree.Name(node.span, imported.name))
        if isinstance(found, _STATES):
            raise taken(node.name, node.span, found, "a size cannot have the name of")
        return None

    # -- types

    @property
    def floatx(self) -> DType:
        """The dtype of open floats that nothing closes."""
        node = self.defined.get(FLOATX)
        return self.alias(node) if isinstance(node, tree.TypeDef) else self.default_floatx

    def dtype(self, name: str, span: Span) -> DType:
        """The dtype that `name` is, perhaps through `type`. Raises Problem."""
        node = self.defined.get(name)
        if isinstance(node, tree.TypeDef):
            return self.alias(node)
        imported = self.imports.get(name)
        if imported and imported.name:
            return imported.module.dtype(imported.name, span)
        if name in DTYPES:
            return DTYPES[name]
        aliases = {n: d for n, d in self.defined.items() if isinstance(d, tree.TypeDef)}
        return dtype_named(name, span, aliases)

    def alias(self, node: tree.TypeDef) -> DType:
        """The dtype of `type name = dtype`, or what `-D` says instead."""
        name = node.name.name
        if name not in self._types:
            if name in self.defines:
                self._types[name] = dtype_given(name, self.defines[name])
                return self._types[name]
            self._enter(name, node.name.span)
            try:
                declared = TypeReader(self).read(node.type)
            finally:
                self._open.pop()
            if not isinstance(declared, TensorType) or declared.dims or not declared.dtype:
                raise problem(
                    "E0118", "a type alias stands for a dtype", node.type.span, "not a dtype"
                )
            self._types[name] = declared.dtype
        return self._types[name]

    def like(self, name: tree.Ident) -> Declared:
        """The type of the state `name`."""
        node = self.defined.get(name.name)
        if not isinstance(node, tree.State | tree.StateGroup):
            states = [n for n, d in self.defined.items() if isinstance(d, _STATES)]
            raise problem(
                "E0105",
                f"no state named `{name.name}` here",
                name.span,
                "not found",
                helps=guesses(name.name, states),
            )
        return self.state(name.name).type

    # -- states

    def state(self, name: str) -> StateEntry:
        """The state or record of states called `name`."""
        from irc.frontend.analysis.states import declare

        if name not in self._states:
            node = self.defined[name]
            assert isinstance(node, _STATES)
            self._enter(name, node.name.span)
            try:
                self._states[name] = declare(self, node)
            finally:
                self._open.pop()
        return self._states[name]

    def states(self) -> list[StateEntry]:
        """All states in order."""
        return [self.state(n) for n, node in self.defined.items() if isinstance(node, _STATES)]

    def _enter(self, name: str, span: Span) -> None:
        if name in self._broken:
            raise Problem(None)
        if name in self._open:
            self._broken.update(self._open)
            way = " -> ".join([*self._open[self._open.index(name) :], name])
            raise problem("E0117", f"`{name}` is defined by itself: {way}", span, "circular")
        if len(self._open) >= MAX_DEFINITIONS:
            self._broken.update(self._open)
            title = f"more than {MAX_DEFINITIONS} definitions that wait for one another"
            raise problem("E0119", title, span, "one more", helps=["define them in order"])
        self._open.append(name)

    # -- lookup

    def lookup(self, env: Env, name: str, span: Span) -> Value | None:
        """The value of a name of this module or of the language; None when there is none."""
        from irc.frontend.analysis import builtins, states

        node = self.defined.get(name)
        match node:
            case tree.Const():
                return self._constant_value(env, node)
            case tree.Function():
                return FunctionRef(self, node, Origin(name, node.name.span))
            case tree.State() | tree.StateGroup():
                return states.read(env, self.state(name), span)
            case tree.TypeDef():
                return DTypeRef(name, self.alias(node), Origin(name, node.name.span))
            case tree.Extern():
                return ExternRef(self, node, Origin(name, node.name.span))
        imported = self.imports.get(name)
        if imported is not None:
            if imported.name is None:
                return ModuleRef(name, imported.module, Origin(name, imported.span))
            return imported.module.member(env, imported.name, span)
        if name in DTYPES:
            return DTypeRef(name, DTYPES[name], Origin(name, span))
        return builtins.lookup(env, name, span)

    def _constant_value(self, env: Env, node: tree.Const) -> Value:
        name = node.name.name
        origin = Origin(name, node.name.span, "const")
        value = self.constant(name)
        if node.type is None:
            return Number(value, origin)
        return Tensor(env.b.full((), self.constant_dtype(node), value), origin)

    def member(self, env: Env, name: str, span: Span) -> Value:
        """What another module sees under `name`. Raises Problem when there is no such name."""
        node = self.defined.get(name)
        if node is None:
            raise env.error(
                "E0105",
                f"module `{self.name}` has no `{name}`",
                span,
                "not found",
                helps=guesses(name, self.defined),
            )
        if not visible(node):
            raise env.error(
                "E0604",
                f"`{name}` is private to module `{self.name}`",
                span,
                "not exported",
                labels=[Label(node.name.span, "declared here")],
                helps=["write `export` before it there"],
            )
        value = self.lookup(env, name, span)
        assert value is not None
        return value

    def names(self) -> Iterable[str]:
        """Names that an expression could use."""
        from irc.frontend.analysis import builtins

        return [*self.defined, *self.imports, *builtins.names()]


_STATES = (tree.State, tree.StateGroup)


def visible(node: Named) -> bool:
    """Whether other modules see it: functions and states when exported, the rest always."""
    return bool(getattr(node, "exported", True))


def taken(name: str, span: Span, other: Named, why: str = "is defined twice, first as") -> Problem:
    """The name stands for something else already."""
    what = {
        tree.Const: "a constant",
        tree.TypeDef: "a type",
        tree.State: "state",
        tree.StateGroup: "state",
        tree.Function: "a function",
        tree.Extern: "a function",
    }[type(other)]
    title = f"`{name}` {why} {what}" if "twice" in why else f"{why} {what}: `{name}`"
    first = Label(other.name.span, f"`{name}` is declared as {what} here")
    code = "E0108" if "twice" in why else "E0110"
    return problem(code, title, span, "choose another name", labels=[first])


# ---- -D


_INT = re.compile(r"[+-]?\d[\d_]*")
_FLOAT = re.compile(r"[+-]?(\d[\d_]*\.?\d*([eE][+-]?\d+)?|inf)")


def overriding(name: str, text: str, original: Constant) -> Constant:
    """The value that `-D name=text` gives to a constant that is `original` in the source."""
    text = text.strip()
    if isinstance(original, bool):
        if text in ("true", "false"):
            return text == "true"
    elif isinstance(original, int):
        if _INT.fullmatch(text) and len(text) <= 20:
            return int(text)
    elif _FLOAT.fullmatch(text):
        return float(text)
    kind = {bool: "true or false", int: "an integer", float: "a number"}[type(original)]
    shown = str(original).lower()
    raise problem(
        "E0116", f"-D {name}={text}: `{name}` is {kind} ({name} = {shown} in the source)", None
    )


def dtype_given(name: str, text: str) -> DType:
    """The dtype that `-D name=text` gives to a type."""
    dtype = DTYPES.get(text.strip())
    if dtype is None:
        helps = guesses(text.strip(), DTYPES) or ["dtypes are " + ", ".join(DTYPES)]
        raise problem("E0116", f"-D {name}={text}: `{text}` is not a dtype", None, helps=helps)
    return dtype


def check_defines(module: ModuleScope, defines: Mapping[str, str]) -> list[Problem]:
    """A mistake for each `-D` that names nothing of the main file."""
    known = [n for n, d in module.defined.items() if isinstance(d, tree.Const | tree.TypeDef)]
    found = []
    for name in defines:
        if name not in known:
            helps = guesses(name, known)
            if not helps and known:
                helps = ["the file has " + ", ".join(f"`{n}`" for n in known)]
            found.append(
                problem(
                    "E0116", f"-D {name}: no `const` or `type` has that name", None, helps=helps
                )
            )
    return found


__all__ = ["Imported", "ModuleScope", "RecordType", "check_defines", "taken"]
