"""One function of a loaded module: what it says about itself, and the way of inexact calls."""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from irc.abi import FunctionSpec, ModuleSpec, ParamSpec
from irc.dtypes import DTYPES
from irc.errors import (
    ArgumentError,
    AssertError,
    BoundsError,
    DeviceError,
    InternalError,
    IrcError,
    MemoryError_,
    ShapeError,
)
from irc.runtime.arguments import (
    bind_names,
    check_output_shapes,
    check_ranks,
    check_shapes,
    exact_outputs,
    inside,
    make_exact,
    numpy_dtype,
    out_name,
)

if TYPE_CHECKING:
    from inspect import Signature

# irc_status -> exception
STATUS: dict[int, type[IrcError]] = {
    1: ArgumentError,
    2: ShapeError,
    3: BoundsError,
    4: AssertError,
    5: MemoryError_,
    6: DeviceError,
}
_CASTINGS = ("no", "equiv", "safe", "same_kind", "unsafe")


@dataclass
class Stats:
    """
    What a function's calls cost beside the work.

    copies         arguments that were copied: strided, misaligned, byte-swapped or cast
    copied_bytes   their bytes
    arguments      the same by parameter
    """

    copies: int = 0
    copied_bytes: int = 0
    arguments: dict[str, int] = field(default_factory=dict)

    def count(self, param: str, copied: int) -> None:
        self.copies += 1
        self.copied_bytes += copied
        self.arguments[param] = self.arguments.get(param, 0) + 1

    def reset(self) -> None:
        self.copies = self.copied_bytes = 0
        self.arguments.clear()


class FunctionInfo:
    """
    Behind every `Function` of the loader: it calls `call`, `failed`, `remember`, `inexact`.

    reduce   pickles the function; the module provides it
    """

    def __init__(
        self,
        module: ModuleSpec,
        spec: FunctionSpec,
        states: tuple[int, int],
        reduce: Callable[[], tuple[Any, ...]],
    ) -> None:
        self.module, self.spec = module, spec
        self.states = states
        self.reduce = reduce
        self.stats = Stats()
        self._casting = "no"
        self._last = threading.local()

    # -- calls

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with any arguments: makes them exact, or raises."""
        spec = self.spec
        given, out = bind_names(spec, args, kwargs)
        inputs = [self._exact(p, given.get(p.name, p.default)) for p in spec.params]
        check_ranks(spec, inputs)
        outputs = None
        if out is not None:
            check_shapes(spec, inputs)
            outputs = exact_outputs(spec, out, inputs, self.states)
            check_output_shapes(spec, inputs, outputs)
        try:
            return function.exact(inputs, outputs)
        except ShapeError as error:
            problem = error
        check_shapes(spec, inputs)  # says it better, or finds nothing
        raise problem

    def _exact(self, param: ParamSpec, value: Any) -> Any:
        array, copied = make_exact(self.spec, param, value, self._casting, self.module)
        if self.spec.writes and inside(array, self.states):
            array, copied = array.copy(), array.nbytes  # the call changes what it would read
        if copied:
            self.stats.count(param.name, copied)
        return array

    def failed(self, status: int, message: str) -> None:
        """Raises the exception for a module's status."""
        if status == 5 and not message:
            message = f"{self.spec.name}: a result of this size cannot be allocated"
        raise STATUS.get(status, InternalError)(message)

    def remember(self, status: int, message: str) -> None:
        """What the module said about the sizes; raised when nothing here says it better."""
        self._last.problem = status, message

    def inexact(self) -> None:
        """Raises: the module refused arrays that looked exact."""
        problem = getattr(self._last, "problem", None)
        if problem is None:
            raise InternalError(f"{self.spec.name}: the loader refused exact arguments")
        self._last.problem = None
        self.failed(*problem)

    def casting(self, rule: str) -> None:
        """
        Lets arguments of other dtypes be converted, as far as NumPy's `rule` allows: "safe",
        "same_kind", "unsafe"; "no" goes back to exact dtypes. Conversions count as copies.
        """
        if rule not in _CASTINGS:
            raise ArgumentError(f"casting is one of {', '.join(_CASTINGS)}, not {rule!r}")
        self._casting = rule

    # -- description

    def about(self, name: str) -> Any:
        """`__doc__` and its like, NotImplemented for other names."""
        match name:
            case "__name__" | "__qualname__":
                return self.spec.name
            case "__doc__":
                return self.doc
            case "__signature__":
                return self.signature
            case "__module__":
                return self.module.name
        return NotImplemented

    @cached_property
    def doc(self) -> str:
        parts = [self.spec.signature, self.spec.doc.strip()]
        details = [f"    {p.name}: {p.doc}" for p in self.spec.params if p.doc]
        details += [f"    {r.name}: {r.doc}" for r in self.spec.results if r.doc]
        parts.append("\n".join(details))
        parts.append(f"Declared at {self.spec.span}." if self.spec.span else "")
        return "\n\n".join(part for part in parts if part)

    @cached_property
    def signature(self) -> Signature:
        import inspect
        import keyword

        def name_of(p: ParamSpec) -> str:
            return f"{p.name}_" if keyword.iskeyword(p.name) else p.name

        Parameter = inspect.Parameter
        kind: Any = Parameter.POSITIONAL_OR_KEYWORD
        params: list[inspect.Parameter] = []
        for p in self.spec.params:
            # Python wants defaults last; irc does not, so the rest shows as keywords.
            if p.default is None and params and params[-1].default is not Parameter.empty:
                kind = Parameter.KEYWORD_ONLY
            default = Parameter.empty if p.default is None else p.default
            params.append(Parameter(name_of(p), kind, default=default, annotation=p.type))
        params.append(Parameter(out_name(self.spec), Parameter.KEYWORD_ONLY, default=None))
        results = [f"{r.name}: {r.type}" if r.name else r.type for r in self.spec.results]
        gives = results[0] if len(results) == 1 else f"({', '.join(results)})" if results else None
        return inspect.Signature(params, return_annotation=gives)

    def __repr__(self) -> str:
        return f"<irc function {self.module.name}.{self.spec.signature.removeprefix('def ')}>"


def make_function(loader: Any, context: Any, index: int, info: FunctionInfo) -> Any:
    """The loader's object for function number `index`."""
    spec = info.spec
    inputs = [
        (p.name, numpy_dtype(p.dtype), p.rank, _number_kind(p.dtype), _packed(p))
        for p in spec.params
    ]
    outputs = [(None, numpy_dtype(r.dtype), r.rank, 0, None) for r in spec.results]
    return loader.Function(
        context,
        index,
        inputs,
        outputs,
        len(spec.sizes),
        bool(spec.writes),
        _result_class(spec),
        info,
        out_name(spec),
    )


def _number_kind(dtype: str) -> int:
    """Which of Python's numbers the loader may take itself; half floats it leaves to NumPy."""
    d = DTYPES[dtype]
    return 0 if d.is_float and d.bits < 32 else ord({"uint": "u"}.get(d.kind, d.kind[0]))


def _packed(param: ParamSpec) -> bytes | None:
    if param.default is None:
        return None
    return np.array(param.default, numpy_dtype(param.dtype)).tobytes()


def _result_class(spec: FunctionSpec) -> type:
    """tuple, or a NamedTuple when every result has a name. It pickles as a plain tuple."""
    names = [r.name for r in spec.results]
    if len(names) < 2 or not all(names):
        return tuple
    cls = namedtuple(f"{spec.name}_results", [str(n) for n in names], rename=True)  # type: ignore[misc]
    cls.__doc__ = f"What {spec.name} gives."
    setattr(cls, "__reduce__", _as_plain_tuple)  # noqa: B010
    return cls


def _as_plain_tuple(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple, (tuple(values),)
