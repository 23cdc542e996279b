"""
What xDSL 0.74 lacks in dialects that irc uses: syntax, traits, one op.

Importing this module mends xDSL, once. Each piece follows upstream MLIR, so it can go when
xDSL has its own.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from xdsl.dialects import arith, scf, tensor
from xdsl.dialects.builtin import AnyFloat, ArrayAttr, IndexType, MemRefType, StringAttr
from xdsl.dialects.linalg.attrs import IteratorType, IteratorTypeAttr
from xdsl.dialects.linalg.ops import GenericOp, IndexOp
from xdsl.dialects.memref import LoadOp, StoreOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, traits_def
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.traits import (
    EffectInstance,
    MemoryEffect,
    MemoryEffectKind,
    NoMemoryEffect,
    Pure,
)


@irdl_op_definition
class RemfOp(arith.FloatingPointLikeBinaryOperation):
    """The rest of a division, with the sign of the dividend: C's `fmod`."""

    name = "arith.remf"
    traits = traits_def(Pure())


class GenericEffects(MemoryEffect):
    """On tensors a generic is pure; on memrefs it reads its operands and writes its outputs."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        assert isinstance(op, GenericOp)
        effects: set[EffectInstance] = set()
        for value in op.operands:
            if isinstance(value.type, MemRefType):
                effects.add(EffectInstance(MemoryEffectKind.READ, value))
        for value in op.outputs:
            if isinstance(value.type, MemRefType):
                effects.add(EffectInstance(MemoryEffectKind.WRITE, value))
        for inner in op.body.block.ops:
            if isinstance(inner, LoadOp):
                effects.add(EffectInstance(MemoryEffectKind.READ, inner.memref))
            elif isinstance(inner, StoreOp):
                return None
        return effects


def parse_generic(cls: type[GenericOp], parser: Parser) -> GenericOp:
    """As upstream: several results come in parentheses."""
    at = parser.pos
    attrs = parser.parse_optional_attr_dict()
    maps, iterators = attrs.pop("indexing_maps", None), attrs.pop("iterator_types", None)
    if not isinstance(maps, ArrayAttr) or not isinstance(iterators, ArrayAttr):
        parser.raise_error("linalg.generic needs indexing_maps and iterator_types", at)
    kinds = [_iterator(parser, at, kind) for kind in iterators.data]
    inputs = _parse_operands(parser, "ins")
    outputs = _parse_operands(parser, "outs")
    extra: dict[str, Attribute] = {}
    if parser.parse_optional_keyword("attrs"):
        parser.parse_punctuation("=")
        extra = parser.parse_optional_attr_dict()
    body = parser.parse_region()
    results: list[Attribute] = []
    if parser.parse_optional_punctuation("->"):
        results = _parse_types(parser)
    doc, library_call = attrs.pop("doc", None), attrs.pop("library_call", None)
    assert doc is None or isinstance(doc, StringAttr)
    assert library_call is None or isinstance(library_call, StringAttr)
    op = cls(inputs, outputs, body, maps, kinds, results, doc, library_call)
    op.attributes |= attrs | extra
    return op


def _parse_types(parser: Parser) -> list[Attribute]:
    """One type, or several in parentheses."""
    several = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
    return [parser.parse_type()] if several is None else [*several]


def _iterator(parser: Parser, at: int, kind: Attribute) -> IteratorTypeAttr:
    if isinstance(kind, IteratorTypeAttr):
        return kind
    if isinstance(kind, StringAttr) and kind.data in ("parallel", "reduction", "window"):
        return IteratorTypeAttr(IteratorType(kind.data))
    parser.raise_error(f"{kind} is no iterator type", at)


def _parse_operands(parser: Parser, keyword: str) -> list[SSAValue]:
    at = parser.pos
    if not parser.parse_optional_characters(keyword):
        return []
    parser.parse_punctuation("(")
    names = parser.parse_comma_separated_list(
        parser.Delimiter.NONE, parser.parse_unresolved_operand
    )
    parser.parse_punctuation(":")
    types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
    parser.parse_punctuation(")")
    return list(parser.resolve_operands(names, types, at))


def print_parallel(op: scf.ParallelOp, printer: Printer) -> None:
    """`scf.parallel (%i) = (%lb) to (%ub) step (%s) init (%x) -> f32 { ... }`"""
    block = op.body.block

    def group(values: Any) -> None:
        with printer.in_parens():
            printer.print_list(values, printer.print_ssa_value)

    printer.print_string(" ")
    with printer.in_parens():
        printer.print_list(block.args, printer.print_ssa_value)
    printer.print_string(" = ")
    group(op.lowerBound)
    printer.print_string(" to ")
    group(op.upperBound)
    printer.print_string(" step ")
    group(op.step)
    if op.initVals:
        printer.print_string(" init ")
        group(op.initVals)
        printer.print_string(" -> ")
        if len(op.res) == 1:
            printer.print_attribute(op.res[0].type)
        else:
            with printer.in_parens():
                printer.print_list(op.res, lambda r: printer.print_attribute(r.type))
    printer.print_string(" ")
    printer.print_region(
        op.body,
        print_entry_block_args=False,
        print_block_terminators=bool(op.initVals),
    )
    printer.print_op_attributes(op.attributes)


def parse_parallel(cls: type[scf.ParallelOp], parser: Parser) -> scf.ParallelOp:
    index = IndexType()

    def group() -> list[SSAValue]:
        names = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        return [parser.resolve_operand(name, index) for name in names]

    ivs = [
        a.resolve(index)
        for a in parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
        )
    ]
    parser.parse_punctuation("=")
    lower = group()
    parser.parse_keyword("to")
    upper = group()
    parser.parse_keyword("step")
    step = group()
    at = parser.pos
    names = []
    types: list[Attribute] = []
    if parser.parse_optional_keyword("init"):
        names = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        parser.parse_punctuation("->")
        types = _parse_types(parser)
    inits = parser.resolve_operands(names, types, at)
    body = parser.parse_region(ivs)
    block = body.block
    if not isinstance(block.last_op, scf.ReduceOp):
        block.add_op(scf.ReduceOp())
    op = cls(lower, upper, step, body, inits)
    op.attributes |= parser.parse_optional_attr_dict()
    return op


def element_to_type(self: Any, parser: AttrParser, type: Any) -> Any:
    """An element of a dense literal; in a float type `0xff80` are its bits, not a number."""
    digits = self.span.text.lstrip("-").lower()
    if not isinstance(type, AnyFloat) or not digits.startswith("0x"):
        return _to_type(self, parser, type)
    if self.value >> (8 * type.size):
        parser.raise_error(f"{digits} has more than {8 * type.size} bits", self.span)
    return type.unpack(int(self.value).to_bytes(type.size, "little"), 1)[0]


_to_type = AttrParser._TensorLiteralElement.to_type  # pyright: ignore


class _Mended:
    """Whether this module has been at work."""

    done: ClassVar[bool] = False


def mend() -> None:
    """Puts the pieces in place; a second call does nothing."""
    if _Mended.done:
        return
    _Mended.done = True
    GenericOp.traits.add_trait(GenericEffects())
    IndexOp.traits.add_trait(NoMemoryEffect())
    for cls in (arith.RemUIOp, arith.ExtSIOp, tensor.DimOp):
        cls.traits.add_trait(Pure())
    GenericOp.parse = classmethod(parse_generic)  # type: ignore[method-assign,assignment]
    scf.ParallelOp.parse = classmethod(parse_parallel)  # type: ignore[method-assign,assignment]
    scf.ParallelOp.print = print_parallel  # type: ignore[method-assign,assignment]
    AttrParser._TensorLiteralElement.to_type = element_to_type  # type: ignore[method-assign]
    arith.Arith._operations.append(RemfOp)  # pyright: ignore


mend()
