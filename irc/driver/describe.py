"""
The description of a module, read from its IR.

The front end writes it as JSON: `irc.module` on the module, `irc.signature` on each function. IR
that a person wrote has neither; then names and types tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from xdsl.dialects.builtin import IndexType, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp

from irc import abi
from irc.abi import (
    INIT_FUNCTION,
    AbiError,
    FactSpec,
    FunctionSpec,
    ModuleSpec,
    ParamSpec,
    ResultSpec,
    StateSpec,
)
from irc.diagnostics import Diagnostic, Label, did_you_mean
from irc.dialects import nd
from irc.dialects.foreign import ForeignCallOp, ForeignOp
from irc.dialects.nd.foreign import Extern
from irc.dialects.verify import describe, span_of, walk
from irc.errors import UserError
from irc.execution.signature import signature_of
from irc.files import module_name, without_folder
from irc.passes.linalg.convert_nd_to_linalg import symbols_of

MODULE, SIGNATURE = "irc.module", "irc.signature"
UNKNOWN_ENTRY = "E0105"

T = TypeVar("T", FunctionSpec, ParamSpec, ResultSpec, FactSpec, StateSpec)


def describe_module(module: ModuleOp, file: str, target: str, version: str) -> ModuleSpec:
    """
    The description with every function of the module, and `irc.signature` on each of them.

    Raises UserError when what the IR says about itself cannot be.
    """
    try:
        given = module.attributes.get(MODULE)
        if isinstance(given, StringAttr):
            spec = abi.module_from_json(given.data)
        else:
            spec = ModuleSpec(module_name(file), source=file, states=states_of(module))
        functions = tuple(_describe_function(op) for op in functions_of(module))
    except AbiError as error:
        raise UserError(f"{file}: {error}") from None
    spec = replace(spec, functions=functions, irc_version=version, target=target)
    spec = replace(spec, libraries=libraries_of(module))
    return _without_folders(spec)


def _without_folders(spec: ModuleSpec) -> ModuleSpec:
    """Nothing in a result says where the program was on this machine."""

    def moved(part: T) -> T:
        return replace(part, span=without_folder(part.span))

    functions = [
        replace(
            moved(function),
            params=tuple(map(moved, function.params)),
            results=tuple(map(moved, function.results)),
            facts=tuple(map(moved, function.facts)),
        )
        for function in spec.functions
    ]
    states = tuple(map(moved, spec.states))
    source = without_folder(spec.source)
    return replace(spec, source=source, functions=tuple(functions), states=states)


def _describe_function(op: FuncOp) -> FunctionSpec:
    spec = signature_of(op).spec
    if SIGNATURE not in op.attributes:
        _check_sizes(op, spec)
        if spec.name == INIT_FUNCTION:
            spec = replace(spec, kind="init")
        op.attributes[SIGNATURE] = StringAttr(abi.to_json(spec))
    return spec


def _check_sizes(op: FuncOp, spec: FunctionSpec) -> None:
    """Raises UserError E0802 where `nd` speaks of a size that no argument has."""
    if any(isinstance(arg.type, IndexType) for arg in op.body.block.args):
        return  # below nd sizes are arguments
    known = {*spec.sizes, "?"}
    for inner in walk(op):
        unknown = sorted(symbols_of(inner) - known) if inner.name.startswith("nd.") else []
        if unknown:
            title = f"{describe(inner)}: `{unknown[0]}` is the size of no argument"
            span = span_of(inner)
            labels = (Label(span, "not known", primary=True),) if span else ()
            helps = (f'give an argument with that size: `tensor<?xf32, #nd.dims<"{unknown[0]}">>`',)
            raise UserError(Diagnostic("E0802", title, labels, helps=helps))


def functions_of(module: ModuleOp) -> list[FuncOp]:
    """Those with a body."""
    return [op for op in module.ops if isinstance(op, FuncOp) and op.body.blocks]


def libraries_of(module: ModuleOp) -> tuple[str, ...]:
    """Names of the libraries whose functions the module calls."""
    calls = [op for op in walk(module) if isinstance(op, Extern | ForeignOp | ForeignCallOp)]
    return tuple(sorted({op.library.data for op in calls}))


def states_of(module: ModuleOp) -> tuple[StateSpec, ...]:
    states = []
    for op in module.ops:
        if isinstance(op, nd.StateOp):
            name = op.sym_name.data
            dims = tuple(int(str(d)) for d in nd.dims_of(op.type_))
            states.append(
                StateSpec(name, nd.dtype_of(op.type_).name, dims, hidden=name == abi.RNG_STATE)
            )
    return tuple(states)


def keep_entries(module: ModuleOp, entry: Sequence[str]) -> None:
    """
    Drops exported functions that are not named in `entry`; all stay when it is empty.

    Raises UserError for a name that no exported function has.
    """
    if not entry:
        return
    specs = {op: signature_of(op).spec for op in functions_of(module)}
    exports = [spec.name for spec in specs.values() if spec.kind == "export"]
    for name in entry:
        if name not in exports:
            close = did_you_mean(name, exports)
            helps = [f"did you mean `{close[0]}`?"] if close else []
            helps += [f"exported: {', '.join(exports) or 'nothing'}"]
            title = f"no exported function is called `{name}`"
            raise UserError(Diagnostic(UNKNOWN_ENTRY, title, helps=tuple(helps)))
    for op, spec in specs.items():
        if spec.kind == "export" and spec.name not in entry:
            op.detach()
            op.erase()
