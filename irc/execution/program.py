"""
A module made ready to run, at any level or between levels.

Each function becomes one Python function: `nd` ops go to the NumPy reference, generics run over
whole arrays, loops as loops. Everything that a right program never does is an ExecutionError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from irc.abi import INIT_FUNCTION, RNG_STATE, FunctionSpec
from irc.dialects import nd
from irc.dialects.verify import describe, verify_dominance
from irc.dtypes import DTYPES
from irc.errors import ArgumentError, DTypeError, LoadError, Unsupported
from irc.execution import control, linalg, loops, memory, recurrences, scalars, tensors
from irc.execution.numerics import bf16_bits, bf16_value, round_bf16
from irc.execution.outcome import ExecutionError, Outcome
from irc.execution.python_text import Handler, PythonText
from irc.execution.signature import Signature, bind_sizes, evaluate_dims, signature_of
from irc.execution.values import dense, dtype_of, is_bf16, storage_of
from irc.sizes import parse

HANDLERS: dict[type[Operation], Handler] = {
    **scalars.HANDLERS,
    **linalg.HANDLERS,
    **control.HANDLERS,
    **loops.HANDLERS,
    **tensors.HANDLERS,
    **recurrences.HANDLERS,
}
NAMESPACE: dict[str, object] = {
    **scalars.NAMESPACE,
    **linalg.NAMESPACE,
    **control.NAMESPACE,
    **loops.NAMESPACE,
    **tensors.NAMESPACE,
    **recurrences.NAMESPACE,
}


class Run:
    """What one call works with besides its arguments."""

    def __init__(
        self,
        sizes: dict[str, int],
        state: dict[str, np.ndarray],
        buffers: dict[str, np.ndarray],
    ) -> None:
        self.sizes = sizes
        self.state = state
        self.buffers = buffers
        self.written: dict[str, np.ndarray] = {}
        self.prints: list[str] = []

    def read(self, name: str, dtype: np.dtype) -> np.ndarray:
        """The value before the call, whatever was written since."""
        return self.state[name].view(dtype)

    def write(self, name: str, value: np.ndarray) -> None:
        """Takes effect when the call succeeds."""
        self.written[name] = np.array(value).view(self.state[name].dtype)

    def buffer(self, name: str) -> np.ndarray:
        return self.buffers[name]


class Program:
    """
    The functions of a module, callable.

    declared   signatures that a level above knew, for functions that do not carry their own

    Raises ExecutionError when a value is used before its definition, or when a function has
    ops that cannot be executed.
    """

    def __init__(
        self, module: ModuleOp, declared: Mapping[str, FunctionSpec] | None = None
    ) -> None:
        self._declared = declared or {}
        try:
            verify_dominance(module)
        except VerifyException as error:
            raise ExecutionError(str(error)) from None
        self._text = PythonText(HANDLERS, tensors.otherwise)
        self._text.namespace.update(NAMESPACE)
        self.functions: dict[str, func.FuncOp] = {}
        self.states: dict[str, nd.StateOp | memref.GlobalOp] = {}
        self._constants: dict[str, np.ndarray] = {}
        self._names: dict[str, str] = {}
        self._signatures: dict[str, Signature] = {}
        for op in module.ops:
            if isinstance(op, func.FuncOp) and op.body.blocks:
                self._define(op)
            elif isinstance(op, nd.StateOp):
                self.states[op.sym_name.data] = op
            elif isinstance(op, memref.GlobalOp):
                self._global(op)
        namespace = self._text.execute()
        self._callables = {f: namespace[name] for f, name in self._names.items()}
        namespace["functions"] = self._callables

    @property
    def text(self) -> str:
        """The Python source, for those who debug the executor."""
        return self._text.text

    def signature(self, function: str) -> Signature:
        """How `function` is called. Raises ArgumentError when there is none of that name."""
        if function not in self.functions:
            known = ", ".join(f"`{f}`" for f in self.functions) or "none"
            raise ArgumentError(f"no function `{function}`; there are: {known}")
        if function not in self._signatures:
            self._signatures[function] = signature_of(
                self.functions[function], self._declared.get(function)
            )
        return self._signatures[function]

    def state_dtype(self, name: str) -> np.dtype:
        return dtype_of(self._state_type(name))

    def state_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._state_type(name).get_shape())

    def initial_state(self, seed: int = 0) -> dict[str, np.ndarray]:
        """What the module's initialisers give; zeros where there are none."""
        state = {n: np.zeros(self.state_shape(n), self.state_dtype(n)) for n in self.states}
        if RNG_STATE in state:
            state[RNG_STATE][...] = (seed, 0)
        if INIT_FUNCTION not in self.functions:
            return state
        outcome = self.run(INIT_FUNCTION, [], state)
        if outcome.failure is not None:
            raise ExecutionError(f"the initialisers failed: {outcome.failure.message}")
        return outcome.state

    def run(
        self,
        function: str,
        inputs: Sequence[np.ndarray],
        state: Mapping[str, np.ndarray] | None = None,
    ) -> Outcome:
        """
        Calls a function.

        inputs   an array for each parameter; where the sizes follow from no parameter, an
                 integer for each leading index argument first
        state    every state variable; those left out have their initial values

        Raises ArgumentError, ShapeError and DTypeError for arguments that do not fit, and
        ExecutionError for IR that does what it must not.
        """
        signature = self.signature(function)
        before = self._state(state or {}, function)
        call = _Call(signature, self.functions[function], inputs)
        run = Run(call.sizes, before, self._buffers(before))
        outcome = Outcome(prints=run.prints)
        try:
            with self._explained():
                values = self._callables[function](run, *call.arguments)
            outcome.results = call.results(values)
        except control.CheckFailed as failed:
            outcome.failure = failed.failure
            run.written.clear()
        outcome.state = {n: self._after(n, run) for n in self.states}
        return outcome

    # -- making

    def _define(self, op: func.FuncOp) -> None:
        c = self._text
        name = self._names[op.sym_name.data] = c.fresh(f"f_{op.sym_name.data}")
        self.functions[op.sym_name.data] = op
        block = op.body.block
        args = "".join(f", {c.define(arg)}" for arg in block.args)
        with c.indented(f"def {name}(run{args}):"):
            c.ops(block)

    def _global(self, op: memref.GlobalOp) -> None:
        name = op.sym_name.data
        if op.constant is None:
            self.states[name] = op
        elif isinstance(op.initial_value, DenseIntOrFPElementsAttr):
            value = dense(op.initial_value)
            self._constants[name] = _to_storage(value, is_bf16(op.type))

    # -- running

    def _state_type(self, name: str) -> Any:
        op = self.states[name]
        return op.type_ if isinstance(op, nd.StateOp) else op.type

    def _state(self, given: Mapping[str, np.ndarray], function: str) -> dict[str, np.ndarray]:
        unknown = sorted(set(given).difference(self.states))
        if unknown:
            raise ArgumentError(f"no state `{unknown[0]}`")
        missing = set(self.states).difference(given)
        initial: Mapping[str, np.ndarray] = {}
        if missing and function != INIT_FUNCTION:
            initial = self.initial_state()
        state = {}
        for name in self.states:
            value = np.array(given[name] if name in given else initial[name])
            shape, dtype = self.state_shape(name), self.state_dtype(name)
            if value.shape != shape or not _same_bits(value.dtype, dtype):
                raise ArgumentError(
                    f"state `{name}` is {dtype}{list(shape)}, got {value.dtype}{list(value.shape)}"
                )
            state[name] = value
        return state

    def _buffers(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Memory of the globals: states as they are now, constants for good."""
        buffers = dict(self._constants)
        for name, op in self.states.items():
            if isinstance(op, memref.GlobalOp):
                value = state[name].view(self.state_dtype(name))
                buffers[name] = np.array(_to_storage(value, is_bf16(op.type)))
        return buffers

    def _after(self, name: str, run: Run) -> np.ndarray:
        op = self.states[name]
        if isinstance(op, memref.GlobalOp):
            return _from_storage(run.buffers[name], is_bf16(op.type), run.state[name].dtype)
        return run.written.get(name, run.state[name])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Exceptions while running are told in terms of the IR."""
        try:
            with np.errstate(all="ignore"):
                yield
        except (control.CheckFailed, Unsupported, LoadError):
            raise
        except Exception as error:
            op = self._text.origin(error.__traceback__)
            what = str(error) or type(error).__name__
            raise ExecutionError(f"{describe(op)}: {what}" if op else what) from error


class _Call:
    """Arguments in the form a function takes, and its results in the form the caller gets."""

    def __init__(
        self, signature: Signature, function: func.FuncOp, inputs: Sequence[np.ndarray]
    ) -> None:
        self.signature = signature
        spec = signature.spec
        args = function.body.block.args
        count = len(signature.sizes)
        explicit = len(inputs) == count + len(spec.params) and bool(count)
        if not explicit and len(inputs) != len(spec.params):
            raise ArgumentError(
                f"`{spec.name}` takes {len(spec.params)} arguments, got {len(inputs)}"
            )
        given = [np.asarray(x) for x in inputs[count if explicit else 0 :]]
        if explicit:
            self.sizes = {s: int(x) for s, x in zip(signature.sizes, inputs, strict=False)}
        else:
            self.sizes = bind_sizes(spec, [x.shape for x in given])
        leading = [self.sizes[s] for s in signature.sizes]
        types = [a.type for a in args[count:]]
        values = [
            _argument(x, t, p.name) for x, t, p in zip(given, types, spec.params, strict=False)
        ]
        self.inputs = values
        self.outputs: list[np.ndarray] = []
        if signature.in_memory:
            self.inputs = [np.array(v, order="C") for v in values]
            if not signature.in_place:
                self.outputs = [
                    memory.fresh(evaluate_dims(r.dims, self.sizes), storage_of(t))
                    for r, t in zip(spec.results, types[len(values) :], strict=False)
                ]
            values = [v.copy() for v in self.inputs]
        self._buffers = values
        self.arguments: list[Any] = [*leading, *values, *self.outputs]
        if signature.arena is not None:
            size_bytes = parse(signature.arena).evaluate(self.sizes)
            self.arguments.append(memory.arena(size_bytes))
        self._types = types

    def results(self, values: tuple[Any, ...]) -> list[np.ndarray]:
        """The results, with the dtypes that the signature names."""
        spec = self.signature.spec
        if not self.signature.in_memory:
            return [self._result(v, k) for k, v in enumerate(values)]
        if self.signature.in_place:
            found = [*values, *self._buffers]
            bits = [False] * len(values) + [is_bf16(t) for t in self._types]
            return [_from_storage(v, b) for v, b in zip(found, bits, strict=False)]
        for p, x, y in zip(spec.params, self.inputs, self._buffers, strict=True):
            if x.tobytes() != y.tobytes():
                raise ExecutionError(f"@{spec.name} writes to its argument `{p.name}`")
        types = self._types[len(self._buffers) :]
        return [
            self._result(_from_storage(y, is_bf16(t)), k)
            for k, (y, t) in enumerate(zip(self.outputs, types, strict=False))
        ]

    def _result(self, value: Any, number: int) -> np.ndarray:
        x = np.array(value)
        results = self.signature.spec.results
        if number >= len(results):
            return x
        dtype = DTYPES[results[number].dtype]
        return x.view(dtype.numpy) if dtype.kind == "uint" else x


def _argument(x: np.ndarray, t: Any, name: str) -> np.ndarray:
    """An argument as a value of type t."""
    dtype = dtype_of(t)
    if not _same_bits(x.dtype, dtype):
        raise DTypeError(f"argument `{name}` is {dtype}, got {x.dtype}")
    x = np.array(x).view(dtype)
    if is_bf16(t):
        x = np.asarray(round_bf16(x))
    return np.asarray(_to_storage(x, is_bf16(t) and "memref" in t.name))


def _same_bits(given: np.dtype, wanted: np.dtype) -> bool:
    integers = given.kind in "iu" and wanted.kind in "iu"
    return given == wanted or integers and given.itemsize == wanted.itemsize


def _to_storage(x: np.ndarray, bf16: bool) -> np.ndarray:
    return np.asarray(bf16_bits(x)) if bf16 else x


def _from_storage(x: np.ndarray, bf16: bool, dtype: np.dtype | None = None) -> np.ndarray:
    value = np.array(bf16_value(x)) if bf16 else np.array(x)
    return value if dtype is None else value.view(dtype)
