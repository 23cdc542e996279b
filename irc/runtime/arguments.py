"""
Makes whatever a caller passed exact, or says what is wrong with it.

Exact means: an ndarray of the declared dtype and rank, row-major, aligned, in native byte order.
The rules: a tensor's dtype is never converted silently; Python's own numbers, and lists of them,
take the declared dtype when they fit; layout is mended by a copy, which is counted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from irc.abi import Dim, FunctionSpec, ModuleSpec, ParamSpec, type_text
from irc.dtypes import DTYPES
from irc.errors import ArgumentError, DeviceError, DTypeError, MemoryError_, ShapeError
from irc.sizes import parse

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=32)
def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype; bfloat16 is that of ml_dtypes, or its bits as uint16 without that package."""
    if name != "bf16":
        return np.dtype(DTYPES[name].numpy)
    try:
        from ml_dtypes import bfloat16  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return np.dtype(np.uint16)
    return np.dtype(bfloat16)


def out_name(function: FunctionSpec) -> str:
    """The keyword for given results: `out`, or `out_` when a parameter is called so."""
    return "out_" if any(p.name == "out" for p in function.params) else "out"


def bind_names(
    function: FunctionSpec, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """
    Parameter -> value for those given, and the value of `out`.

    Raises ArgumentError as Python does for its own functions.
    """
    names = [p.name for p in function.params]
    if len(args) > len(names):
        raise ArgumentError(
            f"{function.name}() takes {_count(len(names), 'argument')}, {len(args)} were given: "
            f"{function.signature}"
        )
    given = dict(zip(names, args, strict=False))
    out = None
    for key, value in kwargs.items():
        name = key if key in names else _before_python(key, names)
        if name in given:
            raise ArgumentError(f"{function.name}() got two values for `{name}`")
        if name in names:
            given[name] = value
        elif key == out_name(function):
            out = value
        else:
            from irc.diagnostics.suggest import did_you_mean

            near = did_you_mean(key, names)
            hint = f"; did you mean `{near[0]}`?" if near else f": {function.signature}"
            raise ArgumentError(f"{function.name}() has no parameter `{key}`{hint}")
    missing = [p.name for p in function.params if p.name not in given and p.default is None]
    if missing:
        listed = ", ".join(f"`{n}`" for n in missing)
        raise ArgumentError(f"{function.name}() lacks {listed}: {function.signature}")
    return given, out


def make_exact(
    function: FunctionSpec, param: ParamSpec, value: Any, casting: str, module: ModuleSpec
) -> tuple[Array, int]:
    """
    (exact array, bytes copied) for one argument; its sizes are not checked yet.

    Raises DTypeError, DeviceError, or ArgumentError for what is no array.
    """
    expected = numpy_dtype(param.dtype)
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        if param.rank == 0:
            return np.array(_python_number(function, param, value), expected), 0
        raise ShapeError(
            f"{function.name}: argument `{param.name}` is a number, expected {param.type}"
        )
    array = _as_array(function, param, value)
    if array.dtype != expected and array.dtype.newbyteorder("=") != expected:
        if not _may_cast(array.dtype, expected, casting):
            raise _wrong_dtype(function, param, array.dtype, expected, module)
        return _copy(function, param, array, expected), array.size * expected.itemsize
    good = array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative
    if not good:
        copy = _copy(function, param, array, expected)
        return copy, copy.nbytes
    # longlong is not long for the loader, though equal to NumPy
    return (array if array.dtype.num == expected.num else array.view(expected)), 0


def _copy(function: FunctionSpec, param: ParamSpec, array: Array, expected: np.dtype[Any]) -> Array:
    """Raises MemoryError_: what is broadcast may be larger than all memory."""
    try:
        return np.array(array, expected, order="C")
    except (MemoryError, ValueError) as error:
        raise MemoryError_(
            f"{function.name}: argument `{param.name}` is not contiguous and too large to copy: "
            f"{describe(array)}"
        ) from error


def check_ranks(function: FunctionSpec, arrays: Sequence[Array]) -> None:
    """Raises ShapeError for an array with too many or too few axes."""
    for param, array in zip(function.params, arrays, strict=True):
        if array.ndim != len(param.dims):
            raise _wrong_rank(function, param, array)


def check_shapes(function: FunctionSpec, arrays: Sequence[Array]) -> None:
    """
    Raises ShapeError when sizes do not fit the declarations or each other. Ranks are right.

    The module checks the same and `where` facts too; this has better words for it.
    """
    bound: dict[str, tuple[int, ParamSpec, Array]] = {}
    for param, array in zip(function.params, arrays, strict=True):
        for axis, (dim, size) in enumerate(zip(param.dims, array.shape, strict=True)):
            if isinstance(dim, int):
                if dim != size:
                    raise _wrong_size(function, param, array, axis, str(dim))
            elif dim.isidentifier():
                if dim in bound and bound[dim][0] != size:
                    raise _disagreement(function, dim, bound[dim], (size, param, array))
                bound.setdefault(dim, (size, param, array))
    values = {name: size for name, (size, _, _) in bound.items()}
    for param, array in zip(function.params, arrays, strict=True):
        for axis, (dim, size) in enumerate(zip(param.dims, array.shape, strict=True)):
            if isinstance(dim, str) and not dim.isidentifier():
                _check_polynomial(function, param, array, axis, values, size)


def exact_outputs(
    function: FunctionSpec, out: Any, inputs: Sequence[Array], states: tuple[int, int]
) -> list[Array | None]:
    """
    The arrays for the results; None for those to be made.

    Raises ArgumentError or DTypeError for what cannot be written to. Shapes are checked by
    `check_output_shapes`, once the sizes are known.
    """
    results = function.results
    given = [out] if len(results) == 1 and not isinstance(out, (tuple, list)) else out
    if not isinstance(given, (tuple, list)) or len(given) != len(results):
        raise ArgumentError(
            f"{function.name}: `out` must be {_count(len(results), 'array')}"
            + (", one for each result" if len(results) > 1 else "")
        )
    found: list[Array | None] = []
    for result, array in zip(results, given, strict=True):
        label = f"`out` for `{result.name}`" if result.name else "`out`"
        if array is not None:
            _check_output(function, label, array, numpy_dtype(result.dtype), result.rank)
            for param, other in zip(function.params, inputs, strict=True):
                if np.may_share_memory(array, other):
                    raise ArgumentError(
                        f"{function.name}: {label} overlaps the argument `{param.name}`"
                    )
            for earlier in found:
                if earlier is not None and np.may_share_memory(array, earlier):
                    raise ArgumentError(f"{function.name}: {label} overlaps another one")
            if inside(array, states):
                raise ArgumentError(f"{function.name}: {label} overlaps the module's state")
        found.append(array)
    return found


def check_output_shapes(
    function: FunctionSpec, inputs: Sequence[Array], out: Sequence[Array | None]
) -> None:
    """Raises ShapeError when a given array has not its result's shape."""
    sizes = {
        dim: size
        for p, a in zip(function.params, inputs, strict=True)
        for dim, size in zip(p.dims, a.shape, strict=True)
        if isinstance(dim, str) and dim.isidentifier()
    }
    for result, array in zip(function.results, out, strict=True):
        if array is None:
            continue
        label = f"`out` for `{result.name}`" if result.name else "`out`"
        expected = [_evaluate(d, sizes) for d in result.dims]
        known = [s if e is None else e for e, s in zip(expected, array.shape, strict=False)]
        if array.ndim != result.rank or list(array.shape) != known:
            raise ShapeError(
                f"{function.name}: {label} has the wrong shape\n"
                f"  expected  {result.type} = {type_text(result.dtype, tuple(expected))}\n"  # type: ignore[arg-type]
                f"  got       {describe(array)}"
            )


def inside(array: Array, states: tuple[int, int]) -> bool:
    """Whether an array lies in the block of a module's states."""
    at = array.__array_interface__["data"][0]
    return states[0] <= at < states[1]


def describe(array: Array) -> str:
    """`float32[32, 784]`, NumPy's name and the sizes."""
    return type_text(str(array.dtype), array.shape)


def _before_python(key: str, names: Sequence[str]) -> str:
    """The parameter that Python's normalization of keywords made `key`; else `key`."""
    return next((n for n in names if unicodedata.normalize("NFKC", n) == key), key)


# -- one value


def _as_array(function: FunctionSpec, param: ParamSpec, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ArgumentError(
            f"{function.name}: argument `{param.name}` is masked; pass x.filled(value)"
        )
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if hasattr(value, "__cuda_array_interface__"):
        raise DeviceError(
            f"{function.name}: argument `{param.name}` is in a GPU's memory; copy it to the CPU"
        )
    if hasattr(value, "__dlpack__"):
        return _from_dlpack(function, param, value)
    if isinstance(value, (list, tuple)):
        return _from_list(function, param, value)
    if not isinstance(value, (str, bytes, dict, set, type(None))):
        try:
            array = np.asarray(value)
        except Exception as error:
            raise _no_array(function, param, value) from error
        if array.dtype != object:
            return array
    raise _no_array(function, param, value)


def _from_dlpack(function: FunctionSpec, param: ParamSpec, value: Any) -> Array:
    try:
        device = value.__dlpack_device__()[0]
        if device != 1:
            raise DeviceError(
                f"{function.name}: argument `{param.name}` is not in the memory of the CPU"
            )
        return np.from_dlpack(value)
    except DeviceError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"{function.name}: argument `{param.name}` cannot be read through DLPack: {error}"
        ) from error


def _from_list(function: FunctionSpec, param: ParamSpec, value: Any) -> Array:
    """Lists of Python's numbers take the declared dtype when every number fits."""
    expected = numpy_dtype(param.dtype)
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        raise ArgumentError(
            f"{function.name}: argument `{param.name}` is a list that is no array: {error}"
        ) from None
    kind = DTYPES[param.dtype].kind
    fits = array.size == 0 or (
        (kind == "float" and array.dtype.kind in "iuf")
        or (kind in ("int", "uint") and array.dtype.kind in "iu" and _in_range(array, param.dtype))
        or (kind == "bool" and array.dtype.kind == "b")
    )
    if not fits:
        raise DTypeError(
            f"{function.name}: argument `{param.name}` is a list of {array.dtype}, "
            f"expected {expected}"
        )
    return array.astype(expected)


def _in_range(array: Array, dtype: str) -> bool:
    limits = DTYPES[dtype]
    return int(array.min()) >= limits.min and int(array.max()) <= limits.max


def _python_number(
    function: FunctionSpec, param: ParamSpec, value: bool | int | float
) -> bool | int | float:
    dtype = DTYPES[param.dtype]
    given = type(value).__name__
    what = f"{function.name}: argument `{param.name}`"
    if isinstance(value, bool) != (dtype.kind == "bool"):
        hint = f"\n  hint: pass {param.name}={int(value)}" if isinstance(value, bool) else ""
        raise DTypeError(f"{what} is {given} {value!r}, expected {param.type}{hint}")
    if isinstance(value, float) and not dtype.is_float:
        raise DTypeError(f"{what} is float {value!r}, expected {param.type}")
    if dtype.is_integer and not dtype.min <= value <= dtype.max:
        raise DTypeError(
            f"{what} is {value}, outside the range of {dtype}: {dtype.min} to {dtype.max}"
        )
    if dtype.is_float:
        try:
            return float(value)
        except OverflowError:
            raise DTypeError(f"{what} is an integer too large for {dtype}") from None
    return value


def _may_cast(given: np.dtype[Any], expected: np.dtype[Any], casting: str) -> bool:
    return casting != "no" and np.can_cast(given, expected, casting)  # type: ignore[arg-type]


def _no_array(function: FunctionSpec, param: ParamSpec, value: Any) -> DTypeError:
    return DTypeError(
        f"{function.name}: argument `{param.name}` is of type {type(value).__name__}, "
        f"expected {'an array ' if param.rank else ''}{param.type}"
    )


def _wrong_dtype(
    function: FunctionSpec,
    param: ParamSpec,
    given: np.dtype[Any],
    expected: np.dtype[Any],
    module: ModuleSpec,
) -> DTypeError:
    hints = [f"pass {param.name}.astype(np.{expected})"]
    irc_name = next((d.name for d in DTYPES.values() if d.numpy == str(given)), None)
    alias = next((a for a, dtype in module.types.items() if dtype == param.dtype), None)
    if alias and irc_name and DTYPES[irc_name].kind == DTYPES[param.dtype].kind:
        hints.append(f"compile with -D {alias}={irc_name}")
    if function.params and np.can_cast(given, expected, "same_kind"):  # not for a state
        hints.append(f'call m.{function.name}.casting("same_kind")')
    hint = hints[0] if len(hints) == 1 else f"{', or '.join(hints)}"
    return DTypeError(
        f"{function.name}: argument `{param.name}` is {given}, expected {expected}\n  hint: {hint}"
    )


# -- sizes


def _evaluate(dim: Dim, sizes: dict[str, int]) -> int | None:
    if isinstance(dim, int):
        return dim
    try:
        return parse(dim).evaluate(sizes)
    except KeyError:
        return None


def _check_polynomial(
    function: FunctionSpec,
    param: ParamSpec,
    array: Array,
    axis: int,
    values: dict[str, int],
    size: int,
) -> None:
    dim = str(param.dims[axis])
    unknown = parse(dim).symbols() - set(values)
    expected = _evaluate(dim, values)
    if expected is not None and expected != size:
        raise _wrong_size(function, param, array, axis, f"{dim} = {expected}")
    if len(unknown) == 1:  # one linear equation for one size; others are the module's matter
        (symbol,) = unknown
        offset, one = (parse(dim).evaluate({**values, symbol: k}) for k in (0, 1))
        factor = one - offset
        if factor and (size - offset) % factor == 0 and (size - offset) // factor >= 0:
            values[symbol] = (size - offset) // factor


def _wrong_rank(function: FunctionSpec, param: ParamSpec, array: Array) -> ShapeError:
    got = describe(array)
    start = got.index("[") if array.ndim else 0
    need = _count(param.rank, "dimension") if param.rank else "no dimensions"
    return _wrong_shape(function, param, got, start, len(got), f"must have {need}")


def _wrong_size(
    function: FunctionSpec, param: ParamSpec, array: Array, axis: int, expected: str
) -> ShapeError:
    got = describe(array)
    before = type_text(str(array.dtype), array.shape[: axis + 1])[:-1]
    start = len(before) - len(str(array.shape[axis]))
    return _wrong_shape(
        function, param, got, start, len(before), f"dimension {axis} must be {expected}"
    )


def _wrong_shape(
    function: FunctionSpec, param: ParamSpec, got: str, start: int, end: int, cause: str
) -> ShapeError:
    place = f"(declared at {param.span})" if param.span else ""
    width = max(len(param.type), len(got))
    expected = f"  expected  {param.type:{width}} {place}".rstrip()
    marks = " " * (12 + start) + "^" * (end - start)
    return ShapeError(
        f"{function.name}: argument `{param.name}` has the wrong shape\n"
        f"{expected}\n  got       {got}\n{marks} {cause}"
    )


def _disagreement(
    function: FunctionSpec,
    symbol: str,
    first: tuple[int, ParamSpec, Array],
    second: tuple[int, ParamSpec, Array],
) -> ShapeError:
    rows = [(f"{p.name}: {p.type}", f"got {describe(a)}", size) for size, p, a in (first, second)]
    left = max(len(row[0]) for row in rows)
    middle = max(len(row[1]) for row in rows)
    lines = [f"  {a:{left}}   {b:{middle}}   -> {symbol} = {size}" for a, b, size in rows]
    names = first[1].name, second[1].name
    if names[0] == names[1]:
        title = f"argument `{names[0]}` disagrees with itself on {symbol}"
    else:
        title = f"arguments `{names[0]}` and `{names[1]}` disagree on {symbol}"
    return ShapeError("\n".join([f"{function.name}: {title}", *lines]))


def _check_output(
    function: FunctionSpec, label: str, array: Any, expected: np.dtype[Any], rank: int
) -> None:
    if not isinstance(array, np.ndarray):
        raise ArgumentError(f"{function.name}: {label} must be a NumPy array to write to")
    if array.dtype.num != expected.num or not array.dtype.isnative:
        raise DTypeError(f"{function.name}: {label} is {array.dtype}, expected {expected}")
    if not array.flags.writeable:
        raise ArgumentError(f"{function.name}: {label} is read-only")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ArgumentError(f"{function.name}: {label} must be contiguous in row-major order")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")
