"""
Random `nd` programs with recurrences, for comparing a program with what a pass makes of it.

    module = random_scans(np.random.default_rng(seed))
    inputs = random_inputs(module, np.random.default_rng(seed), {"n": 3, "m": 0})

Scans run forwards and in reverse, some end early, with several taps on sequences and states, with
histories, outputs, products by captured matrices, accumulated sums, the time itself, scans inside
scans; of n, n + 1, 0, 1, 2 or 3 steps. Results read whole stacks, parts of them and last rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from random_programs import (
    KINDS,
    Growth,
    M,
    N,
    arithmetic,
    broadcast,
    cast,
    concat,
    dot,
    elementwise,
    gather,
    reduce,
    reshape,
    transpose,
    where,
)
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region, SSAValue

from irc.dialects import nd
from irc.dialects.nd import Builder, ScanDraft, dims_of, dtype_of, rank_of
from irc.dtypes import BOOL, F32, F64, DType
from irc.sizes import Size, poly

COUNTS: tuple[Size, ...] = (N, N, N, N + 1, 0, 1, 2, 3)


def random_scans(
    rng: np.random.Generator, scans: int = 2, dtypes: Sequence[DType] = (F64,), tame: bool = False
) -> ModuleOp:
    """
    A module with one function `f`.

    tame   no elementary functions and no gathers; values are squashed before they feed back
    """
    types = [nd.tensor(F32, (N, M)), *(nd.tensor(d, (N, 3)) for d in dtypes)]
    types += [nd.tensor(d, (3, 3)) for d in dtypes] * 2 + [nd.tensor(dtypes[0], (N, 2, 3))]
    types += [nd.tensor(d, (3,)) for d in dtypes] + [nd.tensor(BOOL)]
    block = Block(arg_types=types)
    for i, arg in enumerate(block.args):
        arg.name_hint = f"x{i}"
    g = Growth(rng, Builder(block), list(block.args), dtypes, tame, False)
    results: list[SSAValue] = []
    for _ in range(scans):
        stacks = scan(g, tame)
        g.pool += stacks
        results += [part(g, x) for x in stacks if g.chance(0.7)]
    block.add_op(func.ReturnOp(*results))
    function = func.FuncOp("f", (types, [r.type for r in results]), Region(block), "public")
    module = ModuleOp([function])
    module.verify()
    return module


def part(g: Growth, x: SSAValue) -> SSAValue:
    """The whole of a stack, or its last row, or the one before, or its beginning."""
    rows = dims_of(x)[0]
    if g.chance(0.5) or not (poly(rows) - 2).nonnegative():
        return x
    rest = dims_of(x)[1:]
    at: Size = g.pick([poly(rows) - 1, poly(rows) - 2, 0])
    return g.b.slice(x, (1, *rest), (at, *(0 for _ in rest)), [1] * rank_of(x))


def scan(g: Growth, tame: bool) -> list[SSAValue]:
    """One recurrence; gives its results."""
    count = g.pick(COUNTS)
    draft = ScanDraft(count, reverse=g.chance(0.3))
    inside = Growth(g.rng, Builder(draft.block), [], g.dtypes, g.smooth, False, g.depth + 1)
    inside.pool = [x for x in g.pool if rank_of(x) < 3 and g.chance(0.5)]
    for x in list(g.pool):
        if rank_of(x) and g.chance(0.6):
            room = poly(dims_of(x)[0]) - count
            for tap in range(3):
                if (room - tap).nonnegative() and g.chance(0.6):
                    inside.pool.append(draft.row(x, tap))
    inside.pool += [inside.b.cast(draft.time, d) for d in g.dtypes if g.chance(0.4)]
    states = [state(g, draft, inside) for _ in range(int(g.rng.integers(0, 4)))]
    grow_body(inside, tame)
    if g.depth < 1 and g.chance(0.25):
        inside.pool += scan(inside, tame)
    for one in states:
        row = inside.like(one.args[0])
        if dtype_of(row).is_float and g.chance(0.8):
            row = inside.b.scalar("maximum", row, inside.b.like(row, -2))
            row = inside.b.scalar("minimum", row, inside.b.like(row, 2))
        one.next = row
    for _ in range(2):
        accumulator(g, draft, inside)
    shown = [x for x in inside.pool if rank_of(x) < 3]
    for _ in range(int(g.rng.integers(0, 4)) if shown else 0):
        made = matvec(inside) if g.chance(0.5) else None
        draft.output(g.pick(shown) if made is None else made)
    stops = [x for x in inside.pool if dtype_of(x) is BOOL and rank_of(x) == 0]
    if stops and g.chance(0.3):
        draft.stop = g.pick(stops)
    op = draft.finish()
    g.b.insert(op)
    return list(op.res)


def state(g: Growth, draft: ScanDraft, inside: Growth) -> nd.ScanState:
    """A state of one to three rows, some taps of which the body reads."""
    dims = g.pick([(), (3,), (3,), (2, 3)])
    depth = int(g.rng.integers(1, 4))
    one = draft.state(g.number((depth, *dims), g.pick(g.dtypes)), history=g.chance(0.5))
    for back in range(1, depth + 1):
        if back == 1 or g.chance(0.6):
            inside.pool.append(draft.tap(one, back))
    return one


def accumulator(g: Growth, draft: ScanDraft, inside: Growth) -> None:
    """A state that only adds, as derivatives with respect to captured values are."""
    b, x = inside.b, None
    if g.chance(0.7):
        x = outer(inside)
        if x is not None and g.chance(0.3):
            x = b.transpose(x, [1, 0])
    elif g.chance(0.5):
        x = inside.value(lambda v: dtype_of(v).kind != "bool" and 0 < rank_of(v) < 3)
    if x is None:
        return
    total = draft.state(g.b.full((1, *dims_of(x)), dtype_of(x), 1))
    before = draft.tap(total, 1)
    total.next = b.add(before, x) if g.chance(0.7) else b.sub(b.add(x, before), x)


def outer(g: Growth) -> SSAValue | None:
    """What a step adds to the gradient of a matrix."""
    x = g.value(lambda v: dtype_of(v).is_float and rank_of(v) == 1)
    y = g.value(lambda v: x is not None and dtype_of(v) is dtype_of(x) and rank_of(v) == 1)
    return None if x is None or y is None else g.b.dot(x, y, ([], []), ([], []))


def matvec(g: Growth) -> SSAValue | None:
    """What a step does with a matrix."""
    x = g.value(lambda v: dtype_of(v).is_float and dims_of(v) == (3,))
    w = g.value(lambda v: x is not None and dtype_of(v) is dtype_of(x) and dims_of(v) == (3, 3))
    return None if x is None or w is None else g.b.dot(w, x, ([], []), ([1], [0]))


def grow_body(g: Growth, tame: bool) -> None:
    # Ops that keep numbers of a size: what a recurrence does over and over.
    calm = ((arithmetic, 3), (where, 1), (cast, 1), (broadcast, 2), (reshape, 1), (transpose, 2),
            (reduce, 2), (dot, 2), (matvec, 5), (concat, 1))  # fmt: skip
    kinds = calm if tame else (*KINDS[:9], *calm, (elementwise, 3), (gather, 1))
    weighted = [k for k, weight in kinds for _ in range(weight)]
    for _ in range(int(g.rng.integers(3, 10))):
        x = g.pick(weighted)(g)
        if x is not None and rank_of(x) <= 3:
            g.pool.append(x)
