"""Pieces of linalg text that tests put together."""

from __future__ import annotations

from collections.abc import Sequence

Dims = Sequence[int | str]


def tensor(dims: Dims, dtype: str = "f32") -> str:
    """`tensor<?x3xf32, #nd.dims<"n">>`; texts are symbols."""
    shape = "".join(f"{d if isinstance(d, int) else '?'}x" for d in dims)
    named = ", ".join(f'"{d}"' for d in dims if isinstance(d, str))
    return f"tensor<{shape}{dtype}, #nd.dims<{named}>>" if named else f"tensor<{shape}{dtype}>"


def empty(name: str, dims: Dims, dtype: str = "f32") -> str:
    """A tensor that nobody has written; symbols are the arguments of the same name."""
    sizes = ", ".join(f"%{d}" for d in dims if isinstance(d, str))
    return f"%{name} = tensor.empty({sizes}) : {tensor(dims, dtype)}\n"


def fill(name: str, dims: Dims, value: str = "0.0", dtype: str = "f32") -> str:
    """A tensor of one value."""
    axes = ", ".join(f"d{i}" for i in range(len(dims)))
    kinds = ", ".join('"parallel"' for _ in dims)
    type_ = tensor(dims, dtype)
    return (
        empty(f"{name}_memory", dims, dtype)
        + f"%{name}_value = arith.constant {value} : {dtype}\n"
        + f"%{name} = linalg.generic {{indexing_maps = [affine_map<({axes}) -> ({axes})>], "
        + f"iterator_types = [{kinds}]}} outs(%{name}_memory : {type_}) {{\n"
        + f"^bb0(%o: {dtype}):\n  linalg.yield %{name}_value : {dtype}\n}} -> {type_}\n"
    )


def generic(
    result: str,
    loops: str,
    ins: Sequence[tuple[str, str, Dims]],
    out: tuple[str, str, Dims],
    body: str,
    dtype: str = "f32",
    contraction: bool = False,
    kinds: str | None = None,
) -> str:
    """
    `%result = linalg.generic`: loops named in `loops`, reductions in capitals.

    ins, out   (value, indices, sizes); the body calls the elements a, b, ... and o
    """
    names = [f"%{chr(ord('a') + i)}" for i in range(len(ins))]
    lower = ", ".join(loops.lower())
    maps = [f"affine_map<({lower}) -> ({', '.join(x[1])})>" for x in (*ins, out)]
    iterators = [f'"{"reduction" if c.isupper() else "parallel"}"' for c in loops]
    types = [tensor(x[2], d) for x, d in zip(ins, kinds or [dtype] * len(ins), strict=True)]
    arguments = [f"{n}: {d}" for n, d in zip(names, kinds or [dtype] * len(ins), strict=True)]
    given = f"ins({', '.join('%' + x[0] for x in ins)} : {', '.join(types)}) " if ins else ""
    attrs = "attrs = {irc.contraction} " if contraction else ""
    type_ = tensor(out[2], dtype)
    return (
        f"%{result} = linalg.generic {{indexing_maps = [{', '.join(maps)}], "
        f"iterator_types = [{', '.join(iterators)}]}} {given}outs(%{out[0]} : {type_}) {attrs}{{\n"
        f"^bb0({', '.join([*arguments, f'%o: {dtype}'])}):\n{body}\n}} -> {type_}\n"
    )


PRODUCT = """  %p = arith.mulf %a, %b : f32
  %s = arith.addf %o, %p : f32
  linalg.yield %s : f32"""


def product(result: str, a: tuple[str, str, Dims], b: tuple[str, str, Dims], dims: Dims) -> str:
    """A matrix product over loops i, j, k into zeros."""
    return fill(f"{result}_zero", dims) + generic(
        result, "ijK", [a, b], (f"{result}_zero", "ij", dims), PRODUCT, contraction=True
    )
