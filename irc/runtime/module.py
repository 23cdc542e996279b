"""What a user holds: `m = irc.load("model.so")`."""

from __future__ import annotations

import os
import sys
import weakref
from codecs import getincrementaldecoder
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from irc.abi import FunctionSpec, ModuleSpec
from irc.errors import LoadError, MemoryError_
from irc.runtime.backend import backend
from irc.runtime.functions import STATUS, FunctionInfo, make_function
from irc.runtime.opening import OpenModule, open_module, read_module_file
from irc.runtime.state import States, copy_states, restore_states

_contexts: weakref.WeakSet[Context] = weakref.WeakSet()


def load(path: str | os.PathLike[str], seed: int = 0, folder: str | None = None) -> Module:
    """
    Loads a compiled module. Its code runs: load only what you trust.

    seed     of the random numbers that its initialisers draw, 0 <= seed < 2**64
    folder   where libraries that it names are looked for first; that of the file if left out

    Raises LoadError for a file that is no irc module, is damaged or made for another CPU, and
    when a library or one of its functions is not found.
    """
    name = os.fspath(path)
    beside = os.path.dirname(os.path.abspath(name)) if folder is None else folder
    return load_bytes(read_module_file(path), name, seed, beside)


def load_bytes(data: bytes, name: str = "module.so", seed: int = 0, folder: str = "") -> Module:
    """As `load`, from a file's content; `name` is for messages."""
    return Module(Context(open_module(data, str(name)), seed, folder))


class Context:
    """One state of a module, shared by the objects that a user holds."""

    def __init__(self, opened: OpenModule, seed: int, folder: str = "") -> None:
        self.opened = opened
        self.spec: ModuleSpec = opened.spec
        self.folder = folder
        if self.spec.libraries:
            opened.library.search(folder)
        try:
            self.loader = backend().Context(
                opened.library, _checked_seed(seed), Printer(), [s.bytes for s in self.spec.states]
            )
        except RuntimeError as error:
            raise _opening_error(self.spec, str(error)) from None
        addresses = [self.loader.state(i) for i in range(len(self.spec.states))]
        last = self.spec.states[-1].bytes if addresses else 0
        self.states = (addresses[0], addresses[-1] + last) if addresses else (0, 0)
        _contexts.add(self)

    def function(self, index: int) -> Any:
        """A callable for function number `index`."""
        spec = self.spec.functions[index]
        info = FunctionInfo(self.spec, spec, self.states, lambda: (_function, (self, spec.name)))
        return make_function(backend(), self.loader, index, info)

    def __reduce__(self) -> tuple[Any, ...]:
        states = copy_states(self.loader, self.spec)
        return _restore, (self.opened.data, self.spec.name, states, self.folder)


class Module:
    """
    A loaded module: its functions are attributes.

    m.train(x, y, lr=0.1)    positional, keyword and default arguments; `out=` for given results
    m.state.W                live arrays; assignment copies
    m.seed(7)                restarts the random numbers
    m.save(path)             the state, in one file (safetensors); m.load_state(path) reads it
    m.functions              name -> function, also those hidden by a name of this class
    m.source                 the program, when the module carries it
    m.spec                   everything it says about itself

    It pickles as its bytes and its state; `copy.deepcopy` gives an independent one. Calls from
    several threads are serialized; a call that fails changes no state.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.spec = context.spec
        self.functions: Mapping[str, Any] = MappingProxyType(
            self._callables(lambda f: f.kind == "export")
        )
        self.__doc__ = context.spec.doc or f"The module {context.spec.name}."
        self.state = States(context.loader, context.spec)
        # Plain attributes: a call must not pay for a search by `__getattr__`.
        own = {*dir(Module), *self.__dict__}
        self.__dict__.update({n: f for n, f in self.functions.items() if n not in own})

    @property
    def tests(self) -> Mapping[str, Any]:
        """The `test` blocks, when they were compiled in."""
        return MappingProxyType(self._callables(lambda f: f.kind == "test"))

    def _callables(self, wanted: Any) -> dict[str, Any]:
        functions = enumerate(self.spec.functions)
        return {f.name: self._context.function(i) for i, f in functions if wanted(f)}

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def source(self) -> str:
        return self.spec.text

    @property
    def workspace_bytes(self) -> int:
        """Workspace held now: that of the most demanding call so far."""
        return self._context.loader.workspace

    def seed(self, seed: int) -> None:
        """Restarts the random numbers. Other state stays as it is."""
        self._context.loader.seed(_checked_seed(seed))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all state to one file, a safetensors file. An old file stays if this fails."""
        self._transfer(self._context.loader.save, path)

    def load_state(self, path: str | os.PathLike[str]) -> None:
        """Reads what `save` wrote, or any safetensors file with these tensors. All or nothing."""
        self._transfer(self._context.loader.load, path)

    def _transfer(self, work: Any, path: str | os.PathLike[str]) -> None:
        status, message = work(os.fspath(path))
        if status == 1:
            raise LoadError(message)
        if status:
            raise STATUS[status](message)

    def __getattr__(self, name: str) -> Any:
        functions = self.__dict__.get("functions", {})
        if name in functions:
            return functions[name]
        if name.startswith("__"):
            raise AttributeError(name)
        from irc.diagnostics.suggest import did_you_mean

        near = did_you_mean(name, list(functions))
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise AttributeError(f"module {self.__dict__['spec'].name} has no function `{name}`{hint}")

    def __getitem__(self, name: str) -> Any:
        return self.functions[name]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.functions})

    def __reduce__(self) -> tuple[Any, ...]:
        return Module, (self._context,)

    def __repr__(self) -> str:
        lines = [
            f"<irc module {self.name}{f' from {self.spec.source}' if self.spec.source else ''}>"
        ]
        lines += [f"  {f.signature}" for f in self._exports()]
        lines += [f"  state {s.name}: {s.type}" for s in self.spec.states if not s.hidden]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        def row(*cells: str) -> str:
            return "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"

        functions = "".join(row(f.signature.removeprefix("def "), f.doc) for f in self._exports())
        states = "".join(
            row(f"{s.name}: {s.type}", s.doc) for s in self.spec.states if not s.hidden
        )
        tables = f"<table><tr><th>function</th><th></th></tr>{functions}</table>"
        if states:
            tables += f"<table><tr><th>state</th><th></th></tr>{states}</table>"
        about = f"<p>{escape(self.spec.doc)}</p>" if self.spec.doc else ""
        return f"<b>irc module {escape(self.name)}</b>{about}{tables}"

    def _exports(self) -> list[FunctionSpec]:
        return [f for f in self.spec.functions if f.kind == "export"]


class Printer:
    """Where the module's `print` goes: `sys.stdout` at that moment, if there is one."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def __call__(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if sys.stdout is not None:
            sys.stdout.write(text)


def _restore(data: bytes, name: str, states: dict[str, Any], folder: str = "") -> Context:
    context = Context(open_module(data, f"the pickled module {name}"), 0, folder)
    restore_states(context.loader, context.spec, states)
    return context


def _function(context: Context, name: str) -> Any:
    functions = [f.name for f in context.spec.functions]
    return context.function(functions.index(name))


def _checked_seed(seed: int) -> int:
    value = int(seed)
    if not 0 <= value < 2**64:
        raise ValueError(f"a seed is between 0 and 2**64 - 1, not {seed}")
    return value


def _opening_error(spec: ModuleSpec, message: str) -> Exception:
    kind = MemoryError_ if message.startswith("cannot allocate") else LoadError
    return kind(f"{spec.name}: {message}")


def _after_fork() -> None:
    for context in list(_contexts):
        context.loader.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
