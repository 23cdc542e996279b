"""Calls of functions of other libraries from Python, for the levels that run there."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from irc.errors import LoadError

SEARCHED = "libraries are looked for beside the program, then where the system looks"
_TYPES: dict[str, Any] = {
    "bool": ctypes.c_bool,
    "i8": ctypes.c_int8,
    "i16": ctypes.c_int16,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "u8": ctypes.c_uint8,
    "u16": ctypes.c_uint16,
    "u32": ctypes.c_uint32,
    "u64": ctypes.c_uint64,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
}


@dataclass(frozen=True)
class ForeignFunction:
    """
    A function of numbers, called for each element of arrays, or of numbers.

    dtypes   of the arguments, then of the result; the arrays may be signless
    file     the program that names the library, beside which it is looked for
    """

    symbol: str
    library: str
    dtypes: tuple[str, ...]
    file: str = ""

    def __call__(self, *xs: Any) -> Any:
        """Raises LoadError when the library or the function is not found."""
        function = _find(self.symbol, self.library, self.file)
        types = [_TYPES[name] for name in self.dtypes]
        function.argtypes, function.restype = types[:-1], types[-1]
        given, result = np.broadcast_arrays(*xs), np.dtype(types[-1])
        shape = given[0].shape
        rows = zip(*(x.ravel().tolist() for x in given), strict=True)
        made = np.array([function(*row) for row in rows], result).reshape(shape)
        signless = made.view(f"i{result.itemsize}") if result.kind == "u" else made
        return signless[()]


@dataclass(frozen=True)
class ForeignRoutine:
    """
    A function of sizes, numbers and arrays that writes arrays.

    dtypes   of the arguments, then of the arrays that it writes
    """

    symbol: str
    library: str
    dtypes: tuple[str, ...]
    file: str = ""

    def __call__(
        self, sizes: Sequence[int], ins: Sequence[Any], outs: Sequence[np.ndarray]
    ) -> tuple[np.int32, Sequence[np.ndarray]]:
        """
        Its status and `outs`, which it has written; their memory has no gaps.

        Raises LoadError as `ForeignFunction` does.
        """
        function = _find(self.symbol, self.library, self.file)
        function.argtypes, function.restype = None, ctypes.c_int
        arguments: list[Any] = [ctypes.c_int64(n) for n in sizes]
        kept = [np.ascontiguousarray(x) if np.ndim(x) else x for x in ins]
        for x, dtype in zip(kept, self.dtypes, strict=False):
            arguments.append(_pointer(x) if np.ndim(x) else _TYPES[dtype](x.item()))
        status = function(*arguments, *map(_pointer, outs))
        return np.int32(status), outs


def _pointer(x: np.ndarray) -> Any:
    return ctypes.c_void_p(x.ctypes.data)


def _find(symbol: str, library: str, file: str) -> Any:
    named = file and not file.startswith("<")  # not text that somebody typed
    opened = _open(library, os.path.dirname(os.path.abspath(file)) if named else "")
    try:
        return opened[symbol]  # a new object each time: prototypes may differ
    except AttributeError:
        message = f"the library {library} has no function `{symbol}`, which an extern names"
        raise LoadError(message) from None


@lru_cache(maxsize=64)
def _open(library: str, folder: str) -> ctypes.CDLL:
    beside = os.path.join(folder, library)
    try:
        return ctypes.CDLL(beside if folder and os.path.exists(beside) else library)
    except OSError as error:
        raise LoadError(f"cannot open a library of an extern: {error}; {SEARCHED}") from None
