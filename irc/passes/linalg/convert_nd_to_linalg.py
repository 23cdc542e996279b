"""Whole tensors become loop nests over elements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    ModuleOp,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from irc import sizes
from irc.dialects import nd
from irc.dialects.nd.body import INDEX, storage
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dialects.verify import walk
from irc.passes.linalg.from_nd import LOWERINGS
from irc.passes.linalg.from_nd.histories import split_histories
from irc.passes.linalg.from_nd.lowering import Lowering
from irc.passes.linalg.generics import tensor_type
from irc.sizes import Poly

SIZES = "irc.sizes"  # names of the leading index arguments


@dataclass(frozen=True)
class ConvertNdToLinalgPass(ModulePass):
    """
    Needs nd without `nd.grad`. Leaves linalg, tensor, scf, arith, math, rt, state and recurrences.

    ```
    func @f(%x: tensor<?xf32, n>)      ->    func @f(%n: index, %x: tensor<?xf32, n>)
      %y = nd.exp %x                           %e = tensor.empty(%n)
                                               %y = linalg.generic ins(%x) outs(%e) { math.exp }
    ```

    Sizes become index arguments, unsigned and bool elements signless ones. `nd.scan` and `nd.while`
    stay, with bodies of this level; their time is an index.
    """

    name = "convert-nd-to-linalg"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for child in list(op.body.block.ops):
            if isinstance(child, nd.StateOp):
                child.type_ = _below(child.type_)  # type: ignore[assignment]
            elif isinstance(child, func.FuncOp) and child.body.blocks:
                _convert(child)


def _below(type_: Attribute) -> Attribute:
    """The type below nd: signless elements."""
    if not isinstance(type_, TensorType):
        return type_
    return tensor_type(storage(dtype_of(type_)), dims_of(type_))


def _convert(function: func.FuncOp) -> None:
    split_histories(function)
    old = function.body.blocks[0]
    names = size_names(function)
    block = Block(arg_types=[INDEX] * len(names) + [_below(a.type) for a in old.args])
    for arg, name in zip(block.args, names, strict=False):
        arg.name_hint = name if SSAValue.is_valid_name(name) else None
    c = Lowering(LOWERINGS, dict(zip(names, block.args, strict=False)), function.location)
    for before, after in zip(old.args, block.args[len(names) :], strict=True):
        c.define(before, after)
    c.block = block
    c.ops(old)
    if c.top:
        first = block.first_op
        assert first is not None
        block.insert_ops_before(c.top, first)
    _replace_body(function, block, names)


def _replace_body(function: func.FuncOp, block: Block, names: Sequence[str]) -> None:
    function.detach_region(function.body).erase()
    function.add_region(Region(block))
    function.function_type = FunctionType.from_lists(
        [a.type for a in block.args],
        [_below(t) for t in function.function_type.outputs],
    )
    function.attributes[SIZES] = ArrayAttr([StringAttr(n) for n in names])
    if function.arg_attrs is not None and names:
        added = [DictionaryAttr({}) for _ in names]
        function.properties["arg_attrs"] = ArrayAttr([*added, *function.arg_attrs.data])


def size_names(function: func.FuncOp) -> list[str]:
    """
    The symbolic sizes of a function, in the order of its leading arguments: that of its
    signature, else as they come in the argument types, then others that its ops know, sorted.
    """
    signature = function.attributes.get("irc.signature")
    if isinstance(signature, StringAttr):
        return list(json.loads(signature.data).get("sizes", ()))
    block = function.body.blocks[0]
    names: dict[str, None] = {}
    for arg in block.args:
        for d in dims_of(arg):
            if isinstance(d, Poly):
                direct = d.name
                names.update(dict.fromkeys([direct] if direct else sorted(d.symbols())))
    others = {s for op in walk(function) if op is not function for s in symbols_of(op)}
    names.update(dict.fromkeys(sorted(others - names.keys())))
    return [n for n in names if n != "?"]


def symbols_of(op: Operation) -> set[str]:
    """Symbols in the types and attributes of one op."""
    found = {
        s
        for r in op.results
        if isinstance(r.type, TensorType)
        for d in dims_of(r)
        if isinstance(d, Poly)
        for s in d.symbols()
    }
    if isinstance(op, nd.SizeOp):
        found |= sizes.parse(op.poly.data).symbols()
    elif isinstance(op, nd.SliceOp | nd.InsertSliceOp):
        found |= {s for p in op.offsets.data for s in p.symbols()}
    elif isinstance(op, nd.ScanOp | nd.WhileOp):
        bound = op.count if isinstance(op, nd.ScanOp) else op.limit
        found |= {s for p in (bound.data if bound else ()) for s in p.symbols()}
    return found
