"""The state of a module, as live arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from irc.abi import FunctionSpec, ModuleSpec, ParamSpec, StateSpec
from irc.errors import ArgumentError, ShapeError
from irc.runtime.arguments import describe, make_exact, numpy_dtype


class _Block:
    """Memory of a context, for NumPy. An array made from it keeps the context alive."""

    def __init__(self, context: Any, address: int, state: StateSpec) -> None:
        self.context = context
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "shape": (state.bytes,),
            "typestr": "|u1",
        }


def state_view(context: Any, index: int, state: StateSpec) -> np.ndarray[Any, Any]:
    """State number `index` as an array over the module's own memory."""
    dtype = numpy_dtype(state.dtype)
    if state.bytes == 0:
        return np.empty(state.dims, dtype)
    data = np.asarray(_Block(context, context.state(index), state))
    return data.view(dtype).reshape(state.dims)


class States(Mapping[str, np.ndarray[Any, Any]]):
    """
    `m.state`: the tensors that a module keeps between calls.

    `m.state.W`, also `m.state["W"]`, is a live array: it shows later changes, writing to it
    changes the module, and it keeps the module's memory alive. `m.state.W = value` copies the
    values, after the checks that an argument gets. The fields of a record `net` are `m.state.net.W`
    or `m.state["net.W"]`.
    """

    __slots__ = ("_context", "_module", "_prefix", "_indices")

    def __init__(self, context: Any, module: ModuleSpec, prefix: str = "") -> None:
        indices = {
            s.name.removeprefix(prefix): i
            for i, s in enumerate(module.states)
            if not s.hidden and s.name.startswith(prefix)
        }
        object.__setattr__(self, "_context", context)
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_prefix", prefix)
        object.__setattr__(self, "_indices", indices)

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        index = self._indices[name]
        return state_view(self._context, index, self._module.states[index])

    def __getattr__(self, name: str) -> Any:
        if name in self._indices:
            return self[name]
        if any(key.startswith(f"{name}.") for key in self._indices):
            return States(self._context, self._module, f"{self._prefix}{name}.")
        raise AttributeError(self._unknown(name))

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._indices:
            raise KeyError(self._unknown(name))
        target = self[name]
        array = exact_state(self._module, self._module.states[self._indices[name]], value)
        with self._context:
            target[...] = array

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._indices:
            raise AttributeError(self._unknown(name))
        self[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name.split(".")[0] for name in self._indices)})

    def __repr__(self) -> str:
        rows = [
            f"  {self._prefix}{n}: {self._module.states[i].type}" for n, i in self._indices.items()
        ]
        return "\n".join([f"<state of {self._module.name}>", *rows])

    def _unknown(self, name: str) -> str:
        from irc.diagnostics.suggest import did_you_mean

        near = did_you_mean(name, list(self._indices))
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"{self._module.name} has no state `{self._prefix}{name}`{hint}"


def exact_state(module: ModuleSpec, state: StateSpec, value: Any) -> np.ndarray[Any, Any]:
    """
    `value` as an array of the state's dtype and shape.

    Raises DTypeError or ShapeError. A Python number fills the whole state.
    """
    param = ParamSpec(state.name, state.dtype, state.dims, span=state.span)
    holder = FunctionSpec(f"{module.name}.state")
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        scalar = ParamSpec(state.name, state.dtype)
        return make_exact(holder, scalar, value, "no", module)[0]
    array, _ = make_exact(holder, param, value, "no", module)
    if array.shape != state.dims:
        raise ShapeError(
            f"{module.name}: state `{state.name}` is {state.type}, got {describe(array)}"
        )
    return array


def restore_states(context: Any, module: ModuleSpec, values: dict[str, Any]) -> None:
    """Sets all states, hidden ones too, from a pickle."""
    arrays = {}
    for s in module.states:
        if s.name not in values:
            raise ArgumentError(f"{module.name}: the saved state lacks `{s.name}`")
        arrays[s.name] = exact_state(module, s, values[s.name])
    with context:
        for i, s in enumerate(module.states):
            state_view(context, i, s)[...] = arrays[s.name]


def copy_states(context: Any, module: ModuleSpec) -> dict[str, np.ndarray[Any, Any]]:
    """Copies of all states, hidden ones too, at one moment."""
    with context:
        return {s.name: state_view(context, i, s).copy() for i, s in enumerate(module.states)}
