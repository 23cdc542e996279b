"""What a module says about itself: the records of abi.py."""

from __future__ import annotations

from collections.abc import Sequence

from irc.abi import (
    INIT_FUNCTION,
    RNG_STATE,
    Default,
    FactSpec,
    FunctionSpec,
    ModuleSpec,
    ParamSpec,
    ResultSpec,
    StateSpec,
)
from irc.frontend import tree
from irc.frontend.analysis.constants import Comparison, Constant
from irc.frontend.analysis.modules import ModuleScope
from irc.frontend.analysis.states import StateVar
from irc.frontend.analysis.types import TensorType, dim
from irc.sizes import size


def param_spec(node: tree.Param, declared: TensorType, default: Constant | None) -> ParamSpec:
    """A parameter of an exported function."""
    assert declared.dtype is not None
    given: Default = default
    if default is not None and declared.dtype.is_float:
        given = float(default)
    return ParamSpec(
        node.name.name,
        declared.dtype.name,
        tuple(dim(d) for d in declared.dims if d is not None),
        given,
        declared=declared.text,
        span=str(node.span),
    )


def result_spec(name: str | None, declared: TensorType) -> ResultSpec:
    """A result of an exported function."""
    assert declared.dtype is not None
    dims = tuple(dim(d) for d in declared.dims if d is not None)
    return ResultSpec(
        name, declared.dtype.name, dims, declared=declared.text, span=str(declared.span)
    )


def fact_spec(module: ModuleScope, fact: Comparison) -> FactSpec:
    """A `where` clause that the door checks."""
    return FactSpec(
        dim(size(fact.left)),
        fact.op,  # type: ignore[arg-type]
        dim(size(fact.right)),
        module.text_of(fact.node.span),
        str(fact.node.span),
    )


def state_spec(variable: StateVar) -> StateSpec:
    assert variable.type.dtype is not None
    return StateSpec(
        variable.name,
        variable.type.dtype.name,
        variable.dims,
        variable.doc,
        variable.type.text,
        str(variable.span),
    )


RNG = StateSpec(RNG_STATE, "i64", (2,), hidden=True)
INIT = FunctionSpec(INIT_FUNCTION, pure=False, kind="init")


def module_spec(
    module: ModuleScope, file: str, states: Sequence[StateSpec], functions: Sequence[FunctionSpec]
) -> ModuleSpec:
    """The whole module; constants and types are those of the main file, which `-D` can set."""
    consts = {n: module.constant(n) for n, d in module.defined.items() if isinstance(d, tree.Const)}
    types = {
        n: module.alias(d).name for n, d in module.defined.items() if isinstance(d, tree.TypeDef)
    }
    return ModuleSpec(
        module.name,
        source=file,
        doc=module.tree.doc.text if module.tree.doc else "",
        consts=consts,
        types=types,
        states=tuple(states),
        functions=tuple(functions),
    )
