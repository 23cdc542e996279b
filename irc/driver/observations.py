"""
Remarks that follow from the loops themselves: what is in memory, what is copied, which loops run
in vectors and on several threads. What a pass decided before, it tells itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FileLineColLoc,
    IntAttr,
    IntegerAttr,
    LocationAttr,
    ModuleOp,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation

from irc.dialects.verify import walk
from irc.driver.records import Buffer
from irc.passes.loops.plan_memory import ARENA, BUFFERS
from irc.passes.remarks import Remark

SIMD, WORK, LEAST_WORK, KERNEL = "irc.simd", "irc.work", "irc.min_work", "irc.kernel"
TILE = re.compile(r"tile_(\w+?)_(\d+)x(\d+)")
PLACE = re.compile(r'"?([^"]*)"?:(\d+):(\d+)\)?$')
LOOPS = (scf.ForOp, scf.ParallelOp)


def observe(module: ModuleOp) -> list[Remark]:
    """Remarks about a module at the loop level, each once, in the order of the code."""
    found: dict[Remark, None] = {}
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and op.body.blocks and KERNEL not in op.attributes:
            for remark in [*_memory(op), *_loops(op)]:
                found[remark] = None
    return list(found)


def _memory(function: func.FuncOp) -> Iterator[Remark]:
    _, buffers = plan_of(function)
    for b in buffers:
        what = f"`{b.name}`" if b.name else "an intermediate value"
        text = f"{what} takes {b.bytes} bytes at {b.offset} of the workspace"
        yield Remark("memory", _location(b.place), text)


def _loops(function: func.FuncOp) -> Iterator[Remark]:
    for op in walk(function):
        match op:
            case memref.CopyOp():
                yield Remark("copy", op.location, "one array is copied into another")
            case func.CallOp() if tile := TILE.match(op.callee.root_reference.data):
                text = f"a product of {tile[1]} in register tiles of {tile[2]}x{tile[3]}"
                yield Remark("vectors", op.location, text)
            case scf.ForOp() | scf.ParallelOp():
                yield from _loop(op)


def _loop(op: Operation) -> Iterator[Remark]:
    work, least = op.attributes.get(WORK), op.attributes.get(LEAST_WORK)
    if isinstance(work, StringAttr) and isinstance(least, IntegerAttr):
        text = f"runs on several threads where its work, {work.data}, is above {least.value.data}"
        yield Remark("loop", op.location, text)
    if SIMD in op.attributes:
        yield Remark("vectors", op.location, "this loop runs in vectors")
    elif not any(isinstance(inner, (*LOOPS, func.CallOp)) for inner in walk(op) if inner is not op):
        yield Remark("vectors", op.location, "this loop runs one element at a time")


def plan_of(function: func.FuncOp) -> tuple[str, list[Buffer]]:
    """The workspace of a function and the buffers in it, as the memory plan left them."""
    arena, planned = function.attributes.get(ARENA), function.attributes.get(BUFFERS)
    if not isinstance(arena, StringAttr) or not isinstance(planned, ArrayAttr):
        return "0", []
    rows = [row for row in planned.data if isinstance(row, DictionaryAttr)]
    return arena.data, [_buffer(row) for row in rows]


def _buffer(row: DictionaryAttr) -> Buffer:
    name, size, offset, span = (row.data.get(k) for k in ("name", "bytes", "offset", "span"))
    match = PLACE.search(_text(span).removeprefix("loc("))
    place = f"{match[1]}:{match[2]}:{match[3]}" if match else ""
    return Buffer(_text(name), _text(size), _text(offset), place)


def _text(attribute: Attribute | None) -> str:
    return attribute.data if isinstance(attribute, StringAttr) else ""


def _location(place: str) -> LocationAttr:
    file, _, rest = place.rpartition(":")[0].rpartition(":")
    if not file:
        return UnknownLoc()
    column = place.rpartition(":")[2]
    return FileLineColLoc(StringAttr(file), IntAttr(int(rest)), IntAttr(int(column)))
