"""
The loader over ctypes, for machines without a C compiler or Python's headers.

The same three classes as `loader/`; every call goes through `info.call`, so the behaviour is the
same and a call costs some microseconds more.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from functools import lru_cache
from typing import Any

import numpy as np

_PRINTER = ctypes.CFUNCTYPE(ctypes.c_int, c_void_p, POINTER(ctypes.c_char), c_size_t)
_SHAPE = POINTER(c_int64)
_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "irc_missing_cpu": (c_char_p, []),
    "irc_new": (c_void_p, [c_uint64, c_char_p, c_size_t]),
    "irc_free": (None, [c_void_p]),
    "irc_error": (c_char_p, [c_void_p]),
    "irc_seed": (None, [c_void_p, c_uint64]),
    "irc_bind": (c_int32, [c_void_p, c_int32, POINTER(_SHAPE), _SHAPE, _SHAPE]),
    "irc_invoke": (c_int32, [c_void_p, c_int32, _SHAPE, POINTER(c_void_p), POINTER(c_void_p)]),
    "irc_state": (c_void_p, [c_void_p, c_int32]),
    "irc_save": (c_int32, [c_void_p, c_char_p]),
    "irc_load": (c_int32, [c_void_p, c_char_p]),
    "irc_on_print": (None, [c_void_p, _PRINTER, c_void_p]),
    "irc_workspace": (c_int64, [c_void_p]),
}


class Library:
    """An open module. Raises OSError when the file cannot be opened or lacks a symbol."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _PROTOTYPES.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                raise OSError(f"no symbol {name}") from None
            function.restype, function.argtypes = result, arguments
        self.functions = library
        # A string has no length here; from_address makes an array of one char, string_at reads on.
        first = ctypes.c_char.in_dll(library, "irc_module_json")
        self.json = ctypes.string_at(ctypes.addressof(first))

    def search(self, folder: str) -> None:
        """Where libraries of contexts made from now on in this thread are looked for first."""
        search = getattr(self.functions, "irc_search", None)
        if search is not None:
            search(os.fsencode(folder))

    @property
    def missing_cpu(self) -> str:
        return (self.functions.irc_missing_cpu() or b"").decode()


class Context:
    """State and workspace, one thread at a time. Raises RuntimeError with the message."""

    def __init__(self, library: Library, seed: int, printer: Any, state_bytes: list[int]) -> None:
        self.library = library
        self.functions = library.functions
        self.handle: int | None = None
        self.lock, self.owner = threading.Lock(), 0
        self.failure: BaseException | None = None
        error = ctypes.create_string_buffer(2048)
        self.handle = self.functions.irc_new(seed, error, len(error))
        if self.handle is None:
            raise RuntimeError(error.value.decode("utf-8", "replace"))

        def print_text(_: Any, text: Any, length: int) -> int:
            try:
                if self.failure is None:
                    printer(text[:length])
            except BaseException as raised:
                self.failure = raised
            return 0

        self.print_text = _PRINTER(print_text)  # must live as long as the context
        self.functions.irc_on_print(self.handle, self.print_text, None)
        ranges = [(self.state(i), n) for i, n in enumerate(state_bytes)]
        self.states_begin = ranges[0][0] if ranges else 0
        self.states_end = ranges[-1][0] + ranges[-1][1] if ranges else 0

    def __del__(self) -> None:
        if self.handle is not None:
            self.functions.irc_free(self.handle)

    def __enter__(self) -> Context:
        me = threading.get_ident()
        if not self.lock.acquire(blocking=False):
            if self.owner == me:
                raise RuntimeError("this module is running already, in the same thread")
            self.lock.acquire()
        self.owner = me
        return self

    def __exit__(self, *_: object) -> None:
        self.owner = 0
        self.lock.release()

    def after_fork(self) -> None:
        self.lock, self.owner = threading.Lock(), 0

    def seed(self, seed: int) -> None:
        with self:
            self.functions.irc_seed(self.handle, seed)

    def save(self, path: str | os.PathLike[str]) -> tuple[int, str]:
        with self:
            return self._answer(self.functions.irc_save(self.handle, os.fsencode(path)))

    def load(self, path: str | os.PathLike[str]) -> tuple[int, str]:
        with self:
            return self._answer(self.functions.irc_load(self.handle, os.fsencode(path)))

    def state(self, index: int) -> int:
        return self.functions.irc_state(self.handle, index) or 0

    @property
    def workspace(self) -> int:
        return self.functions.irc_workspace(self.handle)

    def _answer(self, status: int) -> tuple[int, str]:
        return status, self.error() if status else ""

    def error(self) -> str:
        return (self.functions.irc_error(self.handle) or b"").decode("utf-8", "replace")


class Function:
    """One function of a module."""

    def __init__(
        self,
        context: Context,
        index: int,
        inputs: list[tuple[Any, ...]],
        outputs: list[tuple[Any, ...]],
        sizes: int,
        writes: bool,
        tuple_class: type,
        info: Any,
        out_name: str,
    ) -> None:
        self.context, self.index, self.info = context, index, info
        self.inputs, self.outputs = inputs, outputs
        self.sizes, self.writes, self.tuple_class = sizes, writes, tuple_class
        self.input_rank = sum(rank for _, _, rank, _, _ in inputs)
        self.rank = self.input_rank + sum(rank for _, _, rank, _, _ in outputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.info.call(self, args, kwargs)

    def exact(self, given: list[Any], out: Sequence[Any] | None) -> Any:
        """A call whose arguments `info.call` has made exact."""
        functions, context = self.context.functions, self.context
        shapes = (_SHAPE * max(len(given), 1))()
        pointers = (c_void_p * max(len(given), 1))()
        sizes = (c_int64 * max(self.sizes, 1))()
        dims = (c_int64 * max(self.rank, 1))()
        for i, a in enumerate(given):
            if a.ndim:
                shapes[i] = _shape_type(a.ndim)(*a.shape)
            pointers[i] = _address(a)
        with context:
            status = functions.irc_bind(context.handle, self.index, shapes, sizes, dims)
            if status:
                self.info.remember(status, context.error())
                return self.info.inexact()
            try:
                results = self._results(list(dims[self.input_rank :]), out)
            except (MemoryError, ValueError):
                return self.info.failed(5, "")
            targets = (c_void_p * max(len(results), 1))(*map(_address, results))
            status = functions.irc_invoke(context.handle, self.index, sizes, pointers, targets)
            message = context.error() if status else ""
            failure, context.failure = context.failure, None
        if failure is not None:
            raise failure
        if status:
            return self.info.failed(status, message)
        return self._give(results, out)

    def _results(self, dims: list[int], out: Sequence[Any] | None) -> list[Any]:
        results, at = [], 0
        for i, (_, dtype, rank, _, _) in enumerate(self.outputs):
            given = out[i] if out is not None else None
            shape = tuple(dims[at : at + rank])
            results.append(np.empty(shape, dtype) if given is None else given)
            at += rank
        return results

    def _give(self, results: list[Any], out: Sequence[Any] | None) -> Any:
        values = [
            r[()] if r.ndim == 0 and (out is None or out[i] is None) else r
            for i, r in enumerate(results)
        ]
        if len(values) < 2:
            return values[0] if values else None
        return tuple.__new__(self.tuple_class, values)

    def __getattr__(self, name: str) -> Any:
        if name == "info":
            raise AttributeError(name)
        return getattr(self.info, name)

    def __getattribute__(self, name: str) -> Any:
        if name in ("__doc__", "__name__", "__qualname__", "__signature__", "__module__"):
            return object.__getattribute__(self, "info").about(name)
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return repr(self.info)

    def __reduce__(self) -> Any:
        return self.info.reduce()


@lru_cache(maxsize=64)
def _shape_type(rank: int) -> Any:
    return c_int64 * rank


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]
