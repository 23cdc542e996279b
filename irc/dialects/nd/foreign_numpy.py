"""What functions of other libraries give, asked by way of ctypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from irc.dialects.foreign_calls import ForeignFunction, ForeignRoutine
from irc.dialects.nd.arrays import numpy_dtype
from irc.dialects.nd.foreign import ExternMapOp, ExternOp, refusal
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dialects.verify import span_of
from irc.sizes import poly

Array = NDArray[Any]


class ForeignError(RuntimeError):
    """A function of another library says that it failed."""


def extern_map(op: ExternMapOp, xs: Sequence[Array], sizes: Mapping[str, int]) -> Array:
    dtypes = tuple(dtype_of(x).name for x in (*op.xs, op.res))
    function = ForeignFunction(op.symbol.data, op.library.data, dtypes, _file(op))
    return np.asarray(function(*xs)).view(numpy_dtype(dtype_of(op.res)))


def extern(op: ExternOp, xs: Sequence[Array], sizes: Mapping[str, int]) -> tuple[Array, ...]:
    """Raises ForeignError for a status that is not 0."""
    results = []
    for r in op.res:
        shape = [poly(d).evaluate(sizes) for d in dims_of(r)]
        results.append(np.zeros(shape, numpy_dtype(dtype_of(r))))
    known = [d.evaluate(sizes) for d in op.sizes.data]
    dtypes = tuple(dtype_of(x).name for x in (*op.xs, *op.res))
    function = ForeignRoutine(op.symbol.data, op.library.data, dtypes, _file(op))
    status, made = function(known, xs, results)
    if status:
        raise ForeignError(refusal(op).format(status))
    return tuple(made)


def _file(op: Operation) -> str:
    span = span_of(op)
    return span.file if span else ""


EVALUATE: dict[type[Operation], Callable[..., Any]] = {
    ExternMapOp: extern_map,
    ExternOp: extern,
}
