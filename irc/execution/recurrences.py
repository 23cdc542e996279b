"""Lines for the loops of `nd`: a scan keeps all rows of its states, and cuts at the end."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation

from irc.dialects import nd
from irc.dialects.nd.evaluate import size_value
from irc.execution.control import assign_all, yielded
from irc.execution.python_text import Handler, PythonText
from irc.execution.values import dtype_of


def _scan(op: nd.ScanOp, c: PythonText) -> None:
    mirrored = op.reverse is not None
    count = c.fresh("count")
    c.line(f"{count} = size_of({c.constant(op.steps, 'size')}, run.sizes)")
    states = op.states
    rows = [(s.next, c.name(s.init), s.depth) for s in states]
    rows += [(row, "None", 0) for row in op.outputs]
    tables = [c.fresh("rows") for _ in rows]
    for table, (row, init, _) in zip(tables, rows, strict=True):
        dims = c.constant(nd.dims_of(row), "dims")
        dtype = f"np.dtype('{dtype_of(row.type).str}')"
        c.line(f"{table} = table({count}, {dims}, {dtype}, {init}, {mirrored}, run.sizes)")
    # A forward history begins with what came before; a mirrored one ends with it.
    places = [0 if mirrored else depth for _, _, depth in rows]
    earlier = 1 if mirrored else -1
    stopped = c.fresh("stopped")
    c.line(f"{stopped} = False")
    t = c.define(op.time)
    with c.indented(f"for {t} in times({count}, {mirrored}):"):
        with c.indented(f"if {stopped}:"):
            for table, place in zip(tables, places, strict=True):
                c.line(f"{table}[{t} + {place}] = {table}[{t} + {place + earlier}]")
            c.line("continue")
        _define_rows(op, tables, places, t, c)
        if not isinstance(op.time.type, IndexType):
            c.line(f"{t} = np.int64({t})")
        c.ops(op.body.block)
        for table, place, (row, _, _) in zip(tables, places, rows, strict=True):
            c.line(f"{table}[{t} + {place}] = {c.name(row)}")
        if op.stop is not None:
            c.line(f"{stopped} = bool({c.name(op.stop)})")
    for k, (result, table) in enumerate(zip(op.res, tables, strict=True)):
        name = c.define(result)
        depth = rows[k][2]
        whole = k >= len(states) or states[k].history
        cut = "" if whole else f"[:{depth}]" if mirrored else f"[{count}:]"
        c.line(f"{name} = {table}{cut}")


def _define_rows(
    op: nd.ScanOp, tables: list[str], places: list[int], t: str, c: PythonText
) -> None:
    """The arguments of the body: rows of sequences and tables, which are written only once."""
    for one in op.sequences:
        for tap, arg in zip(one.taps, one.args, strict=True):
            c.line(f"{c.define(arg)} = {c.name(one.value)}[{t} + {tap}]")
    sign = 1 if op.reverse is not None else -1
    for state, table, place in zip(op.states, tables, places, strict=False):
        for tap, arg in zip(state.taps, state.args, strict=True):
            c.line(f"{c.define(arg)} = {table}[{t} + {place + sign * tap}]")


def size_of(size: object, sizes: dict[str, int]) -> int:
    return max(0, size_value(size, sizes))  # type: ignore[arg-type]


def table(
    count: int,
    dims: tuple,
    dtype: np.dtype,
    init: np.ndarray | None,
    mirrored: bool,
    sizes: dict[str, int],
) -> np.ndarray:
    """Memory for `count` rows, with those of `init` before (mirrored: after) them."""
    rows = np.empty((count, *(size_value(d, sizes) for d in dims)), dtype)
    if init is None:
        return rows
    return np.concatenate([rows, init] if mirrored else [init, rows])


def times(count: int, mirrored: bool) -> range:
    return range(count - 1, -1, -1) if mirrored else range(count)


def _while(op: nd.WhileOp, c: PythonText) -> None:
    names = [c.define(r) for r in op.res]
    assign_all(names, c.names(op.inits), c)
    header = "while True:"
    if op.limit is not None:
        limit = c.constant(op.limit.data[0], "size")
        header = f"for {c.fresh('step')} in range(size_of({limit}, run.sizes)):"
    with c.indented(header):
        for block in (op.cond.block, op.body.block):
            for arg, name in zip(block.args, names, strict=True):
                c.alias(arg, name)
            c.ops(block)
            if block is op.cond.block:
                with c.indented(f"if not {yielded(block, c)[0]}:"):
                    c.line("break")
        assign_all(names, yielded(op.body.block, c), c)


HANDLERS: dict[type[Operation], Handler] = {nd.ScanOp: _scan, nd.WhileOp: _while}
NAMESPACE: dict[str, object] = {f.__name__: f for f in (size_of, table, times)}
