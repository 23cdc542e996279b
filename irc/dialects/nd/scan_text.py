"""
The text of a scan.

    nd.scan "T" reverse over (%u[0, 4]) from (history %x[1]) : types -> types { body }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ArrayAttr, UnitAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from irc import sizes
from irc.dialects.nd.types import DimsAttr, IntsAttr

if TYPE_CHECKING:
    from irc.dialects.nd.loops import ScanOp

Taps = tuple[UnresolvedOperand, tuple[int, ...]]

_FLAGS = ("reverse", "until", "checkpoint", "recompute")


def print_scan(op: ScanOp, printer: Printer) -> None:
    printer.print_string(" ")
    printer.print_string_literal(str(op.count.data[0]))
    for flag in _FLAGS:
        if flag in op.properties:
            printer.print_string(f" {flag}")
    if op.truncate is not None:
        printer.print_string(" truncate ")
        printer.print_string_literal(str(op.truncate.data[0]))
    if op.seqs:
        printer.print_string(" over ")
        with printer.in_parens():
            pairs = zip(op.seqs, op.seq_taps.data, strict=True)
            printer.print_list(pairs, lambda p: _print_taps(printer, *p))
    if op.inits:
        printer.print_string(" from ")
        with printer.in_parens():
            pairs = zip(op.inits, op.state_taps.data, strict=True)
            marked = [(k in op.histories.data, *p) for k, p in enumerate(pairs)]
            printer.print_list(marked, lambda p: _print_state(printer, *p))
    printer.print_op_attributes(op.attributes, print_keyword=True)
    printer.print_string(" : (")
    printer.print_list([*op.seqs, *op.inits], lambda v: printer.print_attribute(v.type))
    printer.print_string(") -> (")
    printer.print_list(op.res, lambda v: printer.print_attribute(v.type))
    printer.print_string(") ")
    printer.print_region(op.body)


def parse_scan(parser: Parser) -> dict[str, Any]:
    """What `ScanOp.build` takes."""
    count = _parse_size(parser)
    flags: dict[str, Attribute] = {}
    for flag in _FLAGS:
        if parser.parse_optional_keyword(flag):
            flags[flag] = UnitAttr()
    if parser.parse_optional_keyword("truncate"):
        flags["truncate"] = _parse_size(parser)
    paren, seqs, states = parser.Delimiter.PAREN, list[Taps](), list[tuple[bool, Taps]]()
    if parser.parse_optional_keyword("over"):
        seqs = parser.parse_comma_separated_list(paren, lambda: _parse_taps(parser))
    if parser.parse_optional_keyword("from"):
        states = parser.parse_comma_separated_list(paren, lambda: _parse_state(parser))
    attributes = parser.parse_optional_attr_dict_with_keyword()
    parser.parse_punctuation(":")
    types = parser.parse_comma_separated_list(paren, parser.parse_type)
    parser.parse_punctuation("->")
    results = parser.parse_comma_separated_list(paren, parser.parse_type)
    names = [name for name, _ in (*seqs, *(taps for _, taps in states))]
    values = parser.resolve_operands(names, types, parser.pos)
    region = parser.parse_region()
    return {
        "operands": [values[: len(seqs)], values[len(seqs) :]],
        "result_types": [results],
        "properties": {
            "count": count,
            "seq_taps": ArrayAttr([IntsAttr(t) for _, t in seqs]),
            "state_taps": ArrayAttr([IntsAttr(t) for _, (_, t) in states]),
            "histories": IntsAttr(tuple(k for k, (h, _) in enumerate(states) if h)),
            **flags,
        },
        "attributes": attributes.data if attributes else {},
        "regions": [region],
    }


def _print_taps(printer: Printer, value: SSAValue, taps: IntsAttr) -> None:
    printer.print_ssa_value(value)
    taps.print_parameter(printer)


def _print_state(printer: Printer, history: bool, value: SSAValue, taps: IntsAttr) -> None:
    if history:
        printer.print_string("history ")
    _print_taps(printer, value, taps)


def _parse_taps(parser: Parser) -> Taps:
    return parser.parse_unresolved_operand(), IntsAttr.parse_parameter(parser)


def _parse_state(parser: Parser) -> tuple[bool, Taps]:
    return parser.parse_optional_keyword("history") is not None, _parse_taps(parser)


def _parse_size(parser: Parser) -> DimsAttr:
    at = parser.pos
    try:
        return DimsAttr((sizes.parse(parser.parse_str_literal()),))
    except ValueError as error:
        parser.raise_error(str(error), at)
