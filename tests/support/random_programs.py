"""
Well-typed random `nd` programs, for comparing a program with what a pass or a level makes of it.

    module = random_program(np.random.default_rng(seed))
    inputs = random_inputs(module, np.random.default_rng(seed), {"n": 3, "m": 0})

Every kind of op occurs, with the numbers that rules look for (0, -0.0, 1, -1, 2) and sizes that
are symbolic, zero or one. A program may read outside with a gather, which gives 0, and never
takes an extremum of no elements. The function is called `f`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nd_programs import values
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Region, SSAValue

from irc.dialects import nd
from irc.dialects.nd import REDUCTIONS, SCALARS, Builder, dims_of, dtype_of, rank_of
from irc.dialects.nd.contraction import free_axes
from irc.dtypes import BOOL, DTYPES, F32, I32, I64, DType
from irc.sizes import Poly, Size, poly, var

N, M = var("n"), var("m")
SIZES: tuple[Size, ...] = (N, M, N + 1, 1, 2, 3, 0)
ALL_DTYPES = tuple(DTYPES.values())
PLAIN = tuple(DTYPES[n] for n in ("f32", "f64", "i32", "i64", "bool"))
NUMBERS = (0, 1, -1, 2, 3, 0.5)


@dataclass
class Growth:
    """A program while it grows. `pool` holds the values that later ops may read."""

    rng: np.random.Generator
    b: Builder
    pool: list[SSAValue]
    dtypes: Sequence[DType]
    smooth: bool
    grads: bool
    depth: int = 0

    def pick(self, items: Sequence[Any]) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def value(self, fits: Callable[[SSAValue], bool] = lambda x: True) -> SSAValue | None:
        """Some value, recent ones more often."""
        found = [x for x in self.pool if fits(x)]
        return found[-1 - int(self.rng.integers(len(found)) ** 2 // len(found))] if found else None

    def like(self, x: SSAValue) -> SSAValue:
        """A value with the type of `x`: one of the pool, or a number."""
        found = self.value(lambda v: v.type == x.type)
        if found is None or self.chance(0.3):
            return self.number(dims_of(x), dtype_of(x))
        return found

    def number(self, dims: Sequence[Size], dtype: DType) -> SSAValue:
        n = -0.0 if dtype.is_float and self.chance(0.15) else self.pick(NUMBERS)
        return self.b.full(dims, dtype, n if dtype.is_float else bool(n) if n in (0, 1) else int(n))

    def dims(self, rank: int | None = None) -> tuple[Size, ...]:
        count = int(self.rng.integers(0, 4)) if rank is None else rank
        return tuple(self.pick(SIZES) for _ in range(count))


def positive(size: Size) -> bool:
    return (poly(size) - 1).nonnegative()


# -- ops: each takes a Growth and gives a value, or None where nothing fits


def elementwise(g: Growth) -> SSAValue | None:
    x = g.value()
    if x is None:
        return None
    kind = dtype_of(x).kind
    fitting = [n for n, s in SCALARS.items() if kind in s.takes and not (g.smooth and s.inexact)]
    name = g.pick(fitting)
    operands = [x] + [g.like(x) for _ in range(SCALARS[name].arity - 1)]
    g.rng.shuffle(operands)  # type: ignore[arg-type]
    return g.b.scalar(name, *operands)


def arithmetic(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: dtype_of(v).kind != "bool")
    if x is None:
        return None
    name = g.pick(["add", "sub", "mul", "neg", "maximum", "square"])
    if name == "neg" and dtype_of(x).kind == "uint":
        name = "square"
    operands = [x] + [g.like(x) for _ in range(SCALARS[name].arity - 1)]
    return g.b.scalar(name, *operands)


def where(g: Growth) -> SSAValue | None:
    x = g.value()
    if x is None:
        return None
    cond = g.value(lambda v: dtype_of(v) is BOOL and dims_of(v) == dims_of(x))
    if cond is None:
        cond = g.number(dims_of(x), BOOL)
    return g.b.where(cond, x, g.like(x))


def cast(g: Growth) -> SSAValue | None:
    x = g.value()
    return None if x is None else g.b.cast(x, g.pick(g.dtypes))


def broadcast(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) < 3)
    if x is None:
        return None
    target: list[Size] = []
    axes: list[int] = []
    for size in dims_of(x):
        if g.chance(0.4):
            target.append(g.pick(SIZES))
        axes.append(len(target))
        target.append(g.pick(SIZES) if size == 1 and g.chance(0.5) else size)
    if g.chance(0.5):
        target.append(g.pick(SIZES))
    return g.b.broadcast(x, axes, target)


def reshape(g: Growth) -> SSAValue | None:
    x = g.value()
    if x is None:
        return None
    dims = list(dims_of(x))
    if len(dims) > 1 and g.chance(0.5):
        at = int(g.rng.integers(len(dims) - 1))
        dims[at : at + 2] = [poly(dims[at]) * dims[at + 1]]
    elif 1 in dims and g.chance(0.5):
        dims.remove(1)
    else:
        dims.insert(int(g.rng.integers(len(dims) + 1)), 1)
    return g.b.reshape(x, dims)


def transpose(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 1)
    return None if x is None else g.b.transpose(x, [int(i) for i in g.rng.permutation(rank_of(x))])


def window(g: Growth, x: SSAValue) -> tuple[list[Size], list[Size], list[int]]:
    """Sizes, offsets and steps inside `x`."""
    dims, at, steps = [], [], []
    for size in dims_of(x):
        if g.chance(0.3) or not positive(size):
            part: tuple[Size, Size, int] = (size, 0, 1)
        elif isinstance(size, Poly):
            part = g.pick([(size - 1, 1, 1), (size, size - 1, -1), (1, size - 1, 1)])
        else:
            start = int(g.rng.integers(size))
            step = int(g.pick([1, 2, -1]))
            room = (size - 1 - start) // step if step > 0 else start
            part = (int(g.rng.integers(room + 2)), start, step)
        for values_, value in zip((dims, at, steps), part, strict=True):
            values_.append(value)  # type: ignore[arg-type]
    return dims, at, steps  # type: ignore[return-value]


def slice_(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0)
    if x is None:
        return None
    dims, at, steps = window(g, x)
    return g.b.slice(x, dims, at, steps)


def slice_at_value(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0 and positive(dims_of(v)[0]))
    if x is None:
        return None
    rest = dims_of(x)[1:]
    at = [var("?"), *(0 for _ in rest)]
    return g.b.slice(x, [1, *rest], at, [1] * rank_of(x), [g.b.full((), I64, 0)])


def insert_slice(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0)
    if x is None:
        return None
    dims, at, steps = window(g, x)
    known = g.value(lambda v: dtype_of(v) is dtype_of(x) and dims_of(v) == tuple(dims))
    v = known if known is not None else g.number(dims, dtype_of(x))
    return g.b.insert_slice(x, v, at, steps)


def concat(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0)
    if x is None:
        return None
    axis = int(g.rng.integers(rank_of(x)))
    parts = [x, g.like(x)] if g.chance(0.7) else [x, x, g.like(x)]
    return g.b.concat(parts, axis)


def reduce(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0)
    if x is None:
        return None
    axes = [d for d in range(rank_of(x)) if g.chance(0.6)] or [0]
    safe = all(positive(dims_of(x)[a]) for a in axes)
    names = [
        n for n, r in REDUCTIONS.items()
        if dtype_of(x).kind in r.takes and (safe or not r.empty_is_error)
    ]  # fmt: skip
    return g.b.reduce(g.pick(names), x, axes)


def argext(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: dtype_of(v).kind != "bool" and any(map(positive, dims_of(v))))
    if x is None:
        return None
    axis = g.pick([d for d, s in enumerate(dims_of(x)) if positive(s)])
    return g.b.argmax(x, axis, g.pick([I32, I64]), smallest=g.chance(0.5))


def dot(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: dtype_of(v).kind != "bool")
    if x is None:
        return None
    y = g.value(lambda v: dtype_of(v) is dtype_of(x) and 0 < rank_of(v))
    if y is None:
        return None
    pairs, used = [], set[int]()
    for i, size in enumerate(dims_of(x)):
        for j, other in enumerate(dims_of(y)):
            if size == other and j not in used and g.chance(0.7):
                used.add(j)
                pairs.append((i, j, g.chance(0.3)))
                break
    batch = [(i, j) for i, j, b in pairs if b]
    contract = [(i, j) for i, j, b in pairs if not b]
    lb, rb = [i for i, _ in batch], [j for _, j in batch]
    lc, rc = [i for i, _ in contract], [j for _, j in contract]
    if len(free_axes(rank_of(x), lb, lc)) + len(free_axes(rank_of(y), rb, rc)) > 3:
        return None
    return g.b.dot(x, y, (lb, rb), (lc, rc))


def product_sum(g: Growth) -> SSAValue | None:
    """A contraction as index notation writes it."""
    x = g.value(lambda v: rank_of(v) == 2 and dtype_of(v).kind != "bool")
    if x is None:
        return None
    y = g.value(lambda v: rank_of(v) == 2 and dtype_of(v) is dtype_of(x))
    i, k = dims_of(x)
    if y is None or dims_of(y)[1] != k:
        y = x
    j = dims_of(y)[0]
    left, right = g.b.broadcast(x, [0, 2], (i, j, k)), g.b.broadcast(y, [1, 2], (i, j, k))
    return g.b.sum(g.b.mul(left, right), [2])


def index(g: Growth, dims: Sequence[Size], size: Size) -> SSAValue:
    """Positions, some of them outside."""
    if dims and g.chance(0.5):
        return g.b.iota(dims, g.pick([I32, I64]), int(g.rng.integers(len(dims))))
    known = g.value(lambda v: dtype_of(v).is_integer and dims_of(v) == tuple(dims))
    return known if known is not None else g.number(dims, I32)


def gather(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0)
    if x is None:
        return None
    dims, axes = g.dims(int(g.rng.integers(0, 3))), [d for d in range(rank_of(x)) if g.chance(0.6)]
    axes = axes or [0]
    if g.chance(0.5):  # rows counted, so that rules can see it
        dims = tuple(dims_of(x)[a] for a in axes[:2])
    if g.chance(0.3) and len(axes) == 2:
        dims = (dims_of(x)[axes[0]],)
    return g.b.gather(x, [index(g, dims, dims_of(x)[a]) for a in axes], axes)


def scatter(g: Growth) -> SSAValue | None:
    x = g.value(lambda v: rank_of(v) > 0 and dtype_of(v).kind != "bool")
    if x is None:
        return None
    axes = [0, 1] if rank_of(x) > 1 and g.chance(0.6) else [0]
    dims = (dims_of(x)[0],) if g.chance(0.7) else g.dims(1)
    indices = [index(g, dims, dims_of(x)[a]) for a in axes]
    rest = [s for d, s in enumerate(dims_of(x)) if d not in axes]
    shape = (*dims, *rest)
    known = g.value(lambda v: dtype_of(v) is dtype_of(x) and dims_of(v) == shape)
    v = known if known is not None else g.number(shape, dtype_of(x))
    target = g.number(dims_of(x), dtype_of(x)) if g.chance(0.5) else x
    return g.b.scatter(target, v, indices, axes, g.pick(["set", "add"]))


def source(g: Growth) -> SSAValue | None:
    dtype = g.pick(g.dtypes)
    kind = g.pick(["number", "iota", "size", "constant", "philox"])
    dims = g.dims()
    if kind == "iota" and dims and dtype is not BOOL:
        return g.b.iota(dims, dtype, int(g.rng.integers(len(dims))))
    if kind == "size" and dtype is not BOOL:
        return g.b.size(g.pick(SIZES), dtype)
    if kind == "constant":
        return g.b.constant(values(dtype, (2, 3), int(g.rng.integers(100))), dtype)
    if kind == "philox":
        bits = g.b.philox(g.b.full((), I64, 7), g.b.full((), I64, 1), 2, dims)
        return g.b.cast(bits, dtype)
    return g.number(dims, dtype)


def log_softmax(g: Growth) -> SSAValue | None:
    """What nd-stabilize looks for."""
    x = g.value(lambda v: dtype_of(v) is F32 and rank_of(v) == 2)
    if x is None or g.smooth:
        return None
    e = g.b.exp(x)
    total = g.b.broadcast(g.b.sum(e, [1]), [0], dims_of(x))
    return g.b.log(g.b.div(e, total))


def conditional(g: Growth) -> SSAValue | None:
    x = g.value()
    if x is None or g.depth > 1:
        return None
    cond = g.value(lambda v: dtype_of(v) is BOOL and rank_of(v) == 0)
    cond = cond if cond is not None else g.number((), BOOL)
    blocks = []
    for _ in range(2):
        block = Block()
        inner = Growth(
            g.rng, Builder(block), list(g.pool), g.dtypes, g.smooth, g.grads, g.depth + 1
        )
        grow(inner, 3)
        inner.b.insert(nd.YieldOp.create(operands=[inner.like(x)]))
        blocks.append(block)
    return g.b.if_(cond, *blocks)[0]


def gradient(g: Growth) -> SSAValue | None:
    """The derivative of a sum with respect to an earlier value."""
    y = g.value(lambda v: dtype_of(v) is F32)
    x = g.value(lambda v: dtype_of(v) is F32)
    if x is None or y is None or not g.grads:
        return None
    cost = g.b.sum(y, range(rank_of(y)))
    return g.b.grad(cost, [x], disconnected=True)[0]


def effect(g: Growth) -> None:
    x = g.value(lambda v: rank_of(v) == 0)
    if x is not None:
        g.b.print_("x = {0}", [x])


KINDS: tuple[tuple[Callable[[Growth], SSAValue | None], int], ...] = (
    (elementwise, 4), (arithmetic, 4), (where, 2), (cast, 2), (broadcast, 4), (reshape, 2),
    (transpose, 2), (slice_, 2), (slice_at_value, 1), (insert_slice, 1), (concat, 1), (reduce, 3),
    (argext, 1), (dot, 2), (product_sum, 2), (gather, 3), (scatter, 2), (source, 3),
    (log_softmax, 1), (conditional, 1), (gradient, 1), (effect, 1),
)  # fmt: skip


def grow(g: Growth, ops: int) -> None:
    weighted = [k for k, weight in KINDS for _ in range(weight)]
    for _ in range(ops):
        x = g.pick(weighted)(g)
        if x is not None and rank_of(x) <= 4:
            g.pool.append(x)


def random_program(
    rng: np.random.Generator,
    ops: int = 15,
    dtypes: Sequence[DType] = PLAIN,
    grads: bool = True,
    smooth: bool = False,
) -> ModuleOp:
    """
    A module with a state `s` and one function `f`.

    grads    whether derivatives occur, which have to be expanded before a level below nd
    smooth   no elementary functions: all results are then defined to the bit, but for products
    """
    count = int(rng.integers(1, 4))
    picked = [dtypes[int(i)] for i in rng.integers(0, len(dtypes), count)]
    types = [nd.tensor(F32, (N, 3))]  # makes n and m known
    types += [nd.tensor(picked[0], (M,))]
    for dtype in picked[1:]:
        dims = [SIZES[int(i)] for i in rng.integers(0, len(SIZES), int(rng.integers(0, 3)))]
        types.append(nd.tensor(dtype, dims))
    state = nd.tensor(F32, (2, 3))
    block = Block(arg_types=types)
    for i, arg in enumerate(block.args):
        arg.name_hint = f"x{i}"
    g = Growth(rng, Builder(block), list(block.args), dtypes, smooth, grads)
    g.pool.append(g.b.state_read("s", state))
    grow(g, ops)
    results = g.pool[-4:]
    new = g.value(lambda v: v.type == state)
    g.b.state_write("s", new if new is not None else g.b.full((2, 3), F32, 1))
    block.add_op(func.ReturnOp(*results))
    function = func.FuncOp("f", (types, [r.type for r in results]), Region(block), "public")
    declared = nd.StateOp.create(
        properties={"sym_name": StringAttr("s"), "type": state}
    )  # fmt: skip
    module = ModuleOp([declared, function])
    module.verify()
    return module


def random_inputs(
    module: ModuleOp, rng: np.random.Generator, sizes: Mapping[str, int]
) -> list[np.ndarray]:
    """Arguments for `f`, special values among them."""
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    return [
        values(
            dtype_of(arg),
            [d.evaluate(sizes) if isinstance(d, Poly) else d for d in dims_of(arg)],
            int(rng.integers(1000)),
        )
        for arg in function.body.block.args
    ]
