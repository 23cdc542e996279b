"""
IR as text: reading it safely, and printing it.

xDSL's parser gives ops no location, reports an undefined value at the end of the file, and on
hostile text it hangs or lets a KeyError out. `parse_module` mends this: each op knows its
file:line:col, and whatever is wrong with the text is a UserError that shows the place.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Any, NoReturn

from xdsl.context import Context
from xdsl.dialects.builtin import (
    AnyFloat,
    FileLineColLoc,
    IntAttr,
    LocationAttr,
    ModuleOp,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import AttributeInvT, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.parser.attribute_parser import AttrParser  # the constructor that takes a lexer
from xdsl.parser.generic_parser import ParserState
from xdsl.printer import Printer
from xdsl.utils.exceptions import (
    DiagnosticException,
    MultipleSpansParseError,
    ParseError,
)
from xdsl.utils.lexer import Input
from xdsl.utils.lexer import Span as TextSpan
from xdsl.utils.mlir_lexer import MLIRLexer

from irc.diagnostics import Diagnostic, Label, SourceMap, Span, did_you_mean
from irc.dialects.verify import OpFault, span_of, verify_module
from irc.errors import UserError

MAX_REGION_DEPTH = 60  # reading, verifying and printing recurse on regions
MAX_DENSE_ELEMENTS = 1 << 24  # a splat is stored element by element
SYNTAX_CODE, VERIFY_CODE = "E0801", "E0802"

_UNKNOWN = UnknownLoc()
Resources = dict[str, dict[str, str | bool | int]]


@dataclass
class ParsedText:
    """A module, and what its `{-# external_resources #-}` said."""

    module: ModuleOp
    resources: Resources


def parse_module(text: str, file: str, ctx: Context) -> ModuleOp:
    """
    The module in `text`; ops that carry no location get that of their first character.

    Raises UserError E0801 when the text cannot be read. Nothing is verified.
    """
    return parse_text(text, file, ctx).module


def parse_text(text: str, file: str, ctx: Context) -> ParsedText:
    """As `parse_module`, with the resources."""
    sources = SourceMap()
    sources.add(file, text)
    places = Places(text, file)
    parser: IRParser | None = None

    def fail(title: str, at: Span | None, labels: Iterable[Label] = ()) -> NoReturn:
        marked = (Label(at, primary=True), *labels) if at else tuple(labels)
        raise UserError(Diagnostic(SYNTAX_CODE, title, marked), sources) from None

    def here() -> Span | None:
        return places.span(parser._current_token.span) if parser else places.at(0)

    try:
        parser = IRParser(ctx, text, file, places)
        module = parser.parse_module()
    except MultipleSpansParseError as error:
        labels = [Label(places.span(at), note or "") for at, note in error.refs]
        fail(_sentence(error.msg), places.span(error.span), labels)
    except ParseError as error:
        fail(_sentence(error.msg), places.span(error.span))
    except DiagnosticException as error:
        fail(_sentence(str(error)), here())
    except RecursionError:
        fail("this is nested too deeply", here())
    except Exception as error:  # KeyError, IndexError, ... out of the middle of xDSL's parser
        fail(f"this text is malformed ({type(error).__name__}: {error})", here())
    return ParsedText(module, parser.resources)


def _sentence(message: str) -> str:
    """The first line, without a capital or full stop, as messages here are written."""
    line = message.strip().split("\n")[0].rstrip("!. ")
    first = line.split(" ")[0]
    return line if first.isupper() or not first[:1].isupper() else line[0].lower() + line[1:]


class Places:
    """Lines and columns of offsets in a text, by bisection."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.name = StringAttr(file)
        self.size = len(text)
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.lines: dict[int, IntAttr] = {}

    def line_col(self, offset: int) -> tuple[int, int]:
        offset = min(offset, self.size)
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def at(self, offset: int) -> Span:
        line, col = self.line_col(offset)
        return Span(self.file, line, col, line, col + 1)

    def span(self, span: TextSpan[Any]) -> Span:
        line, col = self.line_col(span.start)
        end_line, end_col = self.line_col(max(span.end, span.start + 1))
        return Span(self.file, line, col, end_line, end_col)

    def location(self, offset: int) -> FileLineColLoc:
        line, col = self.line_col(offset)
        return FileLineColLoc(self.name, self.number(line), self.number(col))

    def number(self, value: int) -> IntAttr:
        known = self.lines.get(value)
        if known is None:
            known = self.lines[value] = IntAttr(value)
        return known


class SafeLexer(MLIRLexer):
    """xDSL's pattern for strings is exponential where the closing quote is missing."""

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')


class Bits(AttrParser._TensorLiteralElement):
    """An element written in hexadecimal: the bits of a float, or an integer."""

    def to_type(self, parser: AttrParser, type: Any) -> Any:
        if not isinstance(type, AnyFloat):
            return super().to_type(parser, type)
        assert isinstance(self.value, int)
        if self.value >> type.bitwidth:
            parser.raise_error(f"more bits than {type} has", self.span)
        (number,) = type.unpack(self.value.to_bytes(type.compile_time_size, "little"), 1)
        return number


class IRParser(Parser):
    """xDSL's parser with locations, limits and better places in messages."""

    def __init__(self, ctx: Context, text: str, file: str, places: Places) -> None:
        AttrParser.__init__(self, ParserState(SafeLexer(Input(text, file))), ctx)
        self.ssa_values = {}
        self.blocks = {}
        self.forward_block_references = {}
        self.forward_ssa_references = {}
        self.places = places
        self.depth = 0
        self.located_at = -1
        self.first_uses: dict[str, TextSpan[str]] = {}
        self.definitions: dict[int, TextSpan[str]] = {}
        self.resources: Resources = {}

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        """An empty file is an empty module, as for mlir-opt."""
        if self._current_token.kind.name == "EOF":
            return ModuleOp([])
        try:
            return super().parse_module(allow_implicit_module)
        except ParseError as error:
            if undefined := next(iter(self.forward_ssa_references), None):
                if error.msg.startswith("values used but not defined"):
                    self.raise_error(
                        f"%{undefined} is used and never defined", self.first_uses[undefined]
                    )
            raise

    def parse_operation(self) -> Operation:
        start = self._current_token.span.start
        op = super().parse_operation()
        if op.location == _UNKNOWN and self.located_at != self.pos:
            op.location = self.places.location(start)
        return op

    def parse_optional_location(self) -> LocationAttr | None:
        """Notes where it ended: `loc(unknown)` is not the same as none."""
        location = super().parse_optional_location()
        if location is not None:
            self.located_at = self.pos
        return location

    def parse_optional_region(self, arguments: Iterable[Any] | None = None) -> Region | None:
        if self.depth == MAX_REGION_DEPTH:
            self.raise_error(f"regions nest deeper than {MAX_REGION_DEPTH} levels")
        self.depth += 1
        region = super().parse_optional_region(arguments)
        self.depth -= 1
        return region

    def _get_op_by_name(self, name: str) -> type[Operation]:
        op = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if op is not None:
            return op
        start = self.lexer.input.content.rfind(name, 0, self.pos)
        close = did_you_mean(name, (op.name for op in self.ctx.loaded_ops))
        meant = f"; did you mean {close[0]}?" if close else ""
        self.raise_error(f"no operation is called {name}{meant}", start, start + len(name))

    def resolve_operand(self, operand: Any, type: AttributeInvT) -> SSAValue[AttributeInvT]:
        name = operand.operand_name
        values = self.ssa_values.get(name)
        if values is None:
            self.first_uses.setdefault(name, operand.span)
        elif operand.index < len(values) and values[operand.index].type != type:
            value = values[operand.index]
            at = self.definitions.get(id(values[0]))
            raise MultipleSpansParseError(
                operand.span,
                f"%{name} has type {value.type}, it is used as {type}",
                None,
                [(at, "defined here")] if at else [],
            )
        return super().resolve_operand(operand, type)

    def _register_ssa_definition(self, name: str, values: Any, span: TextSpan[str]) -> None:
        if values:
            self.definitions[id(values[0])] = span
        super()._register_ssa_definition(name, values, span)

    def _parse_tensor_literal_element(self) -> Any:
        """xDSL prints infinities and NaN of a dense literal as bits, and reads those as numbers."""
        element = super()._parse_tensor_literal_element()
        if type(element.value) is int and element.span.text[:2] in ("0x", "0X"):
            return Bits(element.is_negative, element.value, element.span)
        return element

    def _parse_dense_literal_type(self) -> Any:
        at = self.pos
        type = super()._parse_dense_literal_type()
        if math.prod(type.get_shape()) > MAX_DENSE_ELEMENTS:
            self.raise_error(f"a dense literal has at most {MAX_DENSE_ELEMENTS} elements", at)
        return type

    def _parse_external_resources(self) -> None:
        """`{ mlir_reproducer: { pipeline: "...", verify_each: true } }`, kept in `resources`."""

        def section() -> None:
            name = self.parse_identifier()
            self.parse_punctuation(":")
            entries: dict[str, str | bool | int] = {}

            def entry() -> None:
                key = self.parse_identifier()
                self.parse_punctuation(":")
                entries[key] = self._parse_resource_value()

            self.parse_comma_separated_list(self.Delimiter.BRACES, entry)
            self.resources[name] = entries

        self.parse_comma_separated_list(self.Delimiter.BRACES, section)

    def _parse_resource_value(self) -> str | bool | int:
        if (text := self.parse_optional_str_literal()) is not None:
            return text
        if (flag := self.parse_optional_boolean()) is not None:
            return flag
        return self.parse_integer()


def verify_text(module: ModuleOp, file: str, text: str) -> None:
    """
    Verifies a module that was read from `text`.

    Raises UserError E0802 at the op that is wrong: it is its author's, not ours.
    """
    try:
        verify_module(module)
    except OpFault as fault:
        span = span_of(fault.op)
        labels = (Label(span, primary=True),) if span else ()
        sources = SourceMap()
        sources.add(file, text)
        title = f"{fault.op.name}: {fault.reason}"
        raise UserError(Diagnostic(VERIFY_CODE, title, labels), sources) from None


def module_text(module: Operation, *, generic: bool = False, debuginfo: bool = False) -> str:
    """The IR of an op, with a final newline. Equal IR gives equal text."""
    stream = StringIO()
    printer = Printer(stream, print_generic_format=generic, print_debuginfo=debuginfo)
    printer.print_op(module)
    return stream.getvalue() + "\n"
