"""Private functions that lowerings call, made once in a module: tiles, halvings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from irc.passes.loops.builder import INDEX, Index, Pen, Pool

PREFIX = "irc."  # of a helper's symbol: no function of a program begins so
HELPER = "irc.helper"  # on a function: private, without a context or a status
CONTRACT = "irc.contract"  # on a helper: a * b + c may be one rounding in it


class Helpers:
    """The private functions of one module."""

    def __init__(self, module: ModuleOp) -> None:
        self.module = module
        self._known: set[str] = set()

    def call(
        self,
        pen: Pen,
        name: str,
        hints: Sequence[str],
        arguments: Sequence[SSAValue | Index],
        build: Callable[[Pen, list[SSAValue]], None],
        contract: bool = False,
    ) -> None:
        """
        Calls the helper `name`; the first call makes it.

        hints   names of the parameters; memrefs that it writes end with `!`
        build   writes the body, given a pen and the parameters
        """
        name = PREFIX + name
        operands = [pen.index(a) for a in arguments]
        if name not in self._known:
            self._known.add(name)
            function = _function(name, [v.type for v in operands], hints, pen, build)
            if contract:
                function.attributes[CONTRACT] = UnitAttr()
            self.module.body.block.add_op(function)
        pen.insert(func.CallOp(name, operands, []))


def _function(
    name: str,
    types: Sequence[Attribute],
    hints: Sequence[str],
    pen: Pen,
    build: Callable[[Pen, list[SSAValue]], None],
) -> func.FuncOp:
    block = Block(arg_types=types)
    kinds = [
        "size" if type_ == INDEX else "out" if hint.endswith("!") else "in"
        for type_, hint in zip(types, hints, strict=True)
    ]
    for arg, hint in zip(block.args, hints, strict=True):
        arg.name_hint = hint.rstrip("!")
    function = func.FuncOp(
        name,
        (types, []),
        Region(block),
        visibility=StringAttr("private"),
        arg_attrs=ArrayAttr([DictionaryAttr({"irc.kind": StringAttr(k)}) for k in kinds]),
    )
    function.location = pen.location
    function.attributes[HELPER] = UnitAttr()
    function.attributes["irc.sizes"] = ArrayAttr([])
    end = func.ReturnOp.create()
    block.add_op(end)
    build(Pen(Pool(function), block, end, pen.location), list(block.args))
    return function
