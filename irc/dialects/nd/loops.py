"""
Loops as values: the recurrence `nd.scan` and the search `nd.while`.

A scan speaks of times. Its step t sees rows of sequences, earlier rows of its states, and all
values around it; it gives one row for each state and each output. Run in reverse it is the
mirror image: time falls, and what is "earlier" has a larger t. So the derivative of a scan is a
scan that runs the other way, with the same rules about rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, IndexType, UnitAttr
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import RecursiveMemoryEffect, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

from irc import sizes
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.types import (
    DimsAttr,
    IntsAttr,
    TensorType,
    dims_of,
    dtype_of,
    rank_of,
    tensor,
    type_text,
)
from irc.dtypes import BOOL, I64
from irc.sizes import Poly, Size

_FLAGS = ("reverse", "until", "checkpoint", "recompute")


@dataclass
class ScanSequence:
    """A tensor read row by row: `args[k]` is row t + `taps[k]`."""

    value: SSAValue
    taps: list[int]
    args: list[BlockArgument]


@dataclass
class ScanState:
    """
    A value that each step makes from earlier ones: `args[k]` is the one `taps[k]` steps before.

    init     [L, ...], the L rows before the first step, in order of time
    next     what a step yields
    history  the result is all rows, L more than steps, in order of time; else the last L
    """

    init: SSAValue
    taps: list[int]
    args: list[BlockArgument]
    next: SSAValue
    history: bool

    @property
    def depth(self) -> int:
        return cast(int, dims_of(self.init)[0])


@irdl_op_definition
class ScanOp(IRDLOperation):
    """
    A recurrence of `count` steps over time.

    Step t reads row t + o of a sequence for each of its taps o >= 0, and for each tap d of a
    state the row that was made d steps before; rows before the first step are those of `init`.
    The body yields the next row of each state, then a row of each output, then, with `until`,
    whether this step is the last: from then on every row repeats the one before it.

    Results are, in order, for each state its last L rows, or with `history` init and all rows,
    and for each output its `count` rows. Rows are in order of time; in `reverse` time runs from
    count - 1 to 0, and what comes before the first step has the times count .. count + L - 1.

    `truncate` bounds the steps that its derivative goes back, `checkpoint` makes the derivative
    recompute what it needs in stretches of about the square root of `count` steps. The derivative
    of a scan that is to `recompute` keeps nothing of a step but rows of its states.

    (C1) `count` is one size.
    (C2) A sequence has at least `count` rows more than its largest tap.
    (C3) The first size of an init is a number L >= 1, and taps are in 1..L.
    (C4) The body takes the time, an i64 scalar, a row for each tap of a sequence, a row for each
         tap of a state.
    (C5) The body yields rows of the states, rows of the outputs and, with `until`, a bool.
    (C6) Results have the row types of the body and the numbers of rows said above.
    """

    name = "nd.scan"
    count = prop_def(DimsAttr)
    seq_taps = prop_def(ArrayAttr[IntsAttr])
    state_taps = prop_def(ArrayAttr[IntsAttr])
    histories = prop_def(IntsAttr)
    reverse = opt_prop_def(UnitAttr)
    until = opt_prop_def(UnitAttr)
    truncate = opt_prop_def(DimsAttr)
    checkpoint = opt_prop_def(UnitAttr)
    recompute = opt_prop_def(UnitAttr)
    seqs = var_operand_def(TensorType)
    inits = var_operand_def(TensorType)
    body = region_def("single_block")
    res = var_result_def(TensorType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(SingleBlockImplicitTerminator(YieldOp), RecursiveMemoryEffect())

    # -- views, worked out anew at each call

    @property
    def steps(self) -> Size:
        """The number of steps."""
        return sizes.size(self.count.data[0])

    @property
    def time(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def end(self) -> YieldOp:
        return cast(YieldOp, self.body.block.last_op)

    @property
    def sequences(self) -> list[ScanSequence]:
        args = list(self.body.block.args[1:])
        found = []
        for value, taps in zip(self.seqs, self.seq_taps.data, strict=True):
            found.append(ScanSequence(value, list(taps.data), args[: len(taps.data)]))
            args = args[len(taps.data) :]
        return found

    @property
    def states(self) -> list[ScanState]:
        args = list(self.body.block.args[1 + sum(len(t.data) for t in self.seq_taps.data) :])
        kept, found = self.histories.data, []
        rows = zip(self.inits, self.state_taps.data, self.end.operands, strict=False)
        for k, (init, taps, row) in enumerate(rows):
            own = args[: len(taps.data)]
            found.append(ScanState(init, list(taps.data), own, row, k in kept))
            args = args[len(taps.data) :]
        return found

    @property
    def outputs(self) -> list[SSAValue]:
        """What the body yields for each output."""
        rows = list(self.end.operands[len(self.inits) :])
        return rows[:-1] if self.until is not None else rows

    @property
    def stop(self) -> SSAValue | None:
        """What the body yields for `until`."""
        return self.end.operands[-1] if self.until is not None else None

    # -- checks

    def verify_(self) -> None:
        if len(self.count.data) != 1 or (self.truncate and len(self.truncate.data) != 1):
            raise VerifyException("scan (C1): the count is not one size")
        if len(self.seqs) != len(self.seq_taps.data) or len(self.inits) != len(
            self.state_taps.data
        ):
            raise VerifyException("scan (C2): taps are listed for each sequence and state")
        expected: list[tuple[object, tuple[Size, ...]]] = []
        for value, taps in zip(self.seqs, self.seq_taps.data, strict=True):
            self._check_sequence(value, taps.data)
            expected += [_row(value)] * len(taps.data)
        for init, taps in zip(self.inits, self.state_taps.data, strict=True):
            self._check_init(init, taps.data)
            expected += [_row(init)] * len(taps.data)
        self._check_args(expected)
        self._check_results()

    def _check_sequence(self, value: SSAValue, taps: tuple[int, ...]) -> None:
        rows = sizes.poly(dims_of(value)[0]) if rank_of(value) else None
        increasing = all(a < b for a, b in zip((-1, *taps), taps, strict=False))
        if not taps or not increasing:
            raise VerifyException(f"scan (C2): taps {list(taps)} of {type_text(value)}")
        if rows is None or not (rows - self.count.data[0] - taps[-1]).nonnegative():
            raise VerifyException(
                f"scan (C2): {type_text(value)} with tap {taps[-1]} for {self.count.data[0]} steps"
            )

    def _check_init(self, init: SSAValue, taps: tuple[int, ...]) -> None:
        depth = dims_of(init)[0] if rank_of(init) else 0
        if not isinstance(depth, int) or depth < 1:
            raise VerifyException(f"scan (C3): init is {type_text(init)}")
        increasing = all(a < b for a, b in zip((0, *taps), taps, strict=False))
        if not increasing or (taps and taps[-1] > depth):
            raise VerifyException(f"scan (C3): taps {list(taps)} of init {type_text(init)}")

    def _check_args(self, expected: list[tuple[object, tuple[Size, ...]]]) -> None:
        args = self.body.block.args
        if not args or not _is_time(args[0]):
            raise VerifyException("scan (C4): the first argument of the body is not the time")
        given = [(dtype_of(a), dims_of(a)) for a in args[1:]]
        if given != expected:
            raise VerifyException("scan (C4): arguments of the body are not the rows of its taps")

    def _check_results(self) -> None:
        rows = list(self.end.operands)
        if self.until is not None:
            if not rows or dtype_of(rows[-1]) is not BOOL or rank_of(rows[-1]):
                raise VerifyException("scan (C5): the last value of the body is not a bool")
            rows.pop()
        if len(rows) < len(self.inits) or len(rows) != len(self.res):
            raise VerifyException("scan (C5): the body does not yield a row for each result")
        for init, row in zip(self.inits, rows, strict=False):
            if (dtype_of(row), dims_of(row)) != _row(init):
                raise VerifyException(
                    f"scan (C5): the body yields {type_text(row)} for a state "
                    f"that begins as {type_text(init)}"
                )
        if [r.type for r in self.res] != result_types(
            self.steps, self.inits, self.histories.data, rows
        ):
            raise VerifyException("scan (C6): results have not the rows of the body")

    # -- text

    def print(self, printer: Printer) -> None:
        """`nd.scan "T" reverse over (%u[0, 4]) from (history %x[1]) : types -> types { body }`"""
        printer.print_string(" ")
        printer.print_string_literal(str(self.count.data[0]))
        for flag in _FLAGS:
            if flag in self.properties:
                printer.print_string(f" {flag}")
        if self.truncate is not None:
            printer.print_string(" truncate ")
            printer.print_string_literal(str(self.truncate.data[0]))
        if self.seqs:
            printer.print_string(" over ")
            with printer.in_parens():
                pairs = zip(self.seqs, self.seq_taps.data, strict=True)
                printer.print_list(pairs, lambda p: _print_taps(printer, *p))
        if self.inits:
            printer.print_string(" from ")
            with printer.in_parens():
                pairs = zip(self.inits, self.state_taps.data, strict=True)
                marked = [(k in self.histories.data, *p) for k, p in enumerate(pairs)]
                printer.print_list(marked, lambda p: _print_state(printer, *p))
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" : (")
        printer.print_list([*self.seqs, *self.inits], lambda v: printer.print_attribute(v.type))
        printer.print_string(") -> (")
        printer.print_list(self.res, lambda v: printer.print_attribute(v.type))
        printer.print_string(") ")
        printer.print_region(self.body)

    @classmethod
    def parse(cls, parser: Parser) -> ScanOp:
        count = _parse_size(parser)
        flags: dict[str, Attribute] = {}
        for flag in _FLAGS:
            if parser.parse_optional_keyword(flag):
                flags[flag] = UnitAttr()
        if parser.parse_optional_keyword("truncate"):
            flags["truncate"] = _parse_size(parser)
        read = _TapReader(parser)
        seqs = read.list_after("over")
        states = read.list_after("from")
        attributes = parser.parse_optional_attr_dict_with_keyword()
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        values = parser.resolve_operands([v for _, v, _ in (*seqs, *states)], types, parser.pos)
        region = parser.parse_region()
        op = cls.build(
            operands=[values[: len(seqs)], values[len(seqs) :]],
            result_types=[results],
            properties={
                "count": count,
                "seq_taps": ArrayAttr([IntsAttr(t) for _, _, t in seqs]),
                "state_taps": ArrayAttr([IntsAttr(t) for _, _, t in states]),
                "histories": IntsAttr(tuple(k for k, (h, _, _) in enumerate(states) if h)),
                **flags,
            },
            attributes=attributes.data if attributes else {},
            regions=[region],
        )
        return op


@irdl_op_definition
class WhileOp(IRDLOperation):
    """
    Replaces values by those of the body as long as the condition holds, `limit` times at most.

    (C1) Both regions take values of the types of the operands, and the results have them.
    (C2) The condition yields a bool scalar.
    (C3) The body yields values of these types.
    """

    name = "nd.while"
    limit = opt_prop_def(DimsAttr)
    inits = var_operand_def(TensorType)
    cond = region_def("single_block")
    body = region_def("single_block")
    res = var_result_def(TensorType)
    traits = traits_def(SingleBlockImplicitTerminator(YieldOp), RecursiveMemoryEffect())
    assembly_format = (
        "(`limit` $limit^)? $inits attr-dict `:` type($inits) `while` $cond `do` $body"
        " `->` type($res)"
    )

    def verify_(self) -> None:
        types = [(dtype_of(x), dims_of(x)) for x in self.inits]
        for values in (self.cond.block.args, self.body.block.args, self.res):
            if [(dtype_of(x), dims_of(x)) for x in values] != types:
                raise VerifyException("while (C1): a region or the results have other types")
        given = _yielded(self.cond.block)
        if len(given) != 1 or dtype_of(given[0]) is not BOOL or rank_of(given[0]):
            raise VerifyException("while (C2): the condition is not a bool scalar")
        if [(dtype_of(x), dims_of(x)) for x in _yielded(self.body.block)] != types:
            raise VerifyException("while (C3): the body yields other types")


@dataclass
class ScanDraft:
    """
    A scan while it is written, or rewritten.

        scan = ScanDraft(count)                     or  ScanDraft.of(op): takes its body away
        u = scan.row(sequence, tap)                 an argument of the body
        x = scan.state(init); before = scan.tap(x, 1)
        ... ops into scan.block ...
        x.next = new; k = scan.output(row)
        op = scan.finish(); b.insert(op)            results: op.res, states first
    """

    count: Size
    reverse: bool = False
    truncate: DimsAttr | None = None
    checkpoint: bool = False
    recompute: bool = False
    time_type: Attribute | None = None
    block: Block = field(init=False)
    sequences: list[ScanSequence] = field(default_factory=list)
    states: list[ScanState] = field(default_factory=list)
    outputs: list[SSAValue] = field(default_factory=list)
    stop: SSAValue | None = None

    def __post_init__(self) -> None:
        self.block = Block(arg_types=[self.time_type or tensor(I64)])

    @classmethod
    def of(cls, op: ScanOp) -> ScanDraft:
        """The parts of `op`, whose body moves into the draft; its terminator is dropped."""
        flags = (op.checkpoint is not None, op.recompute is not None)
        draft = cls(op.steps, op.reverse is not None, op.truncate, *flags)
        draft.sequences, draft.states = op.sequences, op.states
        draft.outputs, draft.stop = op.outputs, op.stop
        draft.block = op.body.block
        draft.block.erase_op(op.end)
        op.body.detach_block(draft.block)
        return draft

    @property
    def time(self) -> BlockArgument:
        return self.block.args[0]

    def row(self, value: SSAValue, tap: int = 0) -> BlockArgument:
        """Row t + `tap` of a sequence, an argument of the body."""
        position = 1
        for one in self.sequences:
            if one.value is value:
                return self._tap(one, tap, position)
            position += len(one.args)
        new = ScanSequence(value, [], [])
        self.sequences.append(new)
        return self._tap(new, tap, position)

    def state(self, init: SSAValue, history: bool = False) -> ScanState:
        """A state that begins with the rows of `init`; its `next` is to be set."""
        new = ScanState(init, [], [], init, history)
        self.states.append(new)
        return new

    def tap(self, state: ScanState, back: int) -> BlockArgument:
        """The row made `back` steps before, an argument of the body."""
        position = 1 + sum(len(s.args) for s in self.sequences)
        for one in self.states:
            if one is state:
                break
            position += len(one.args)
        return self._tap(state, back, position)

    def _tap(self, holder: ScanSequence | ScanState, tap: int, position: int) -> BlockArgument:
        if tap in holder.taps:
            return holder.args[holder.taps.index(tap)]
        k = sum(1 for other in holder.taps if other < tap)
        whole = holder.value if isinstance(holder, ScanSequence) else holder.init
        arg = self.block.insert_arg(row_type(whole), position + k)
        arg.name_hint = whole.name_hint
        holder.taps.insert(k, tap)
        holder.args.insert(k, arg)
        return arg

    def output(self, row: SSAValue) -> int:
        """One more output; gives its number among the outputs."""
        self.outputs.append(row)
        return len(self.outputs) - 1

    def finish(self) -> ScanOp:
        """The op, not yet in a block."""
        rows = [*(s.next for s in self.states), *self.outputs]
        end = [*rows, *([self.stop] if self.stop is not None else [])]
        self.block.add_op(YieldOp.create(operands=end))
        histories = tuple(k for k, s in enumerate(self.states) if s.history)
        inits = [s.init for s in self.states]
        flags: dict[str, Attribute] = {}
        for name, on in (
            ("reverse", self.reverse),
            ("until", self.stop is not None),
            ("checkpoint", self.checkpoint),
            ("recompute", self.recompute),
        ):
            if on:
                flags[name] = UnitAttr()
        if self.truncate is not None:
            flags["truncate"] = self.truncate
        return ScanOp.build(
            operands=[[s.value for s in self.sequences], inits],
            result_types=[result_types(self.count, inits, histories, rows)],
            properties={
                "count": DimsAttr((sizes.poly(self.count),)),
                "seq_taps": ArrayAttr([IntsAttr(tuple(s.taps)) for s in self.sequences]),
                "state_taps": ArrayAttr([IntsAttr(tuple(s.taps)) for s in self.states]),
                "histories": IntsAttr(histories),
                **flags,
            },
            regions=[Region(self.block)],
        )


def result_types(
    count: Size, inits: Sequence[SSAValue], histories: Sequence[int], rows: Sequence[SSAValue]
) -> list[Attribute]:
    """The types of a scan's results, for what its body yields without the bool of `until`."""
    types: list[Attribute] = []
    for k, row in enumerate(rows):
        many = sizes.poly(count)
        if k < len(inits):
            depth = dims_of(inits[k])[0]
            many = many + depth if k in histories else sizes.poly(depth)
        types.append(stacked_type(row, many))
    return types


def stacked_type(row: Attribute | SSAValue, count: Size | Poly) -> TensorType:
    """The type of `count` rows."""
    return tensor(dtype_of(row), (sizes.size(count), *dims_of(row)))


def row_type(whole: Attribute | SSAValue) -> TensorType:
    """The type of one row."""
    return tensor(dtype_of(whole), dims_of(whole)[1:])


def _row(whole: SSAValue) -> tuple[object, tuple[Size, ...]]:
    return dtype_of(whole), dims_of(whole)[1:]


def _is_time(arg: BlockArgument) -> bool:
    """An i64 scalar; below `nd` an index."""
    if isinstance(arg.type, IndexType):
        return True
    return isinstance(arg.type, TensorType) and dtype_of(arg) is I64 and not rank_of(arg)


def _yielded(block: Block) -> Sequence[SSAValue]:
    end: Operation | None = block.last_op
    return end.operands if end is not None else ()


# -- text of a scan


def _print_taps(printer: Printer, value: SSAValue, taps: IntsAttr) -> None:
    printer.print_ssa_value(value)
    taps.print_parameter(printer)


def _print_state(printer: Printer, history: bool, value: SSAValue, taps: IntsAttr) -> None:
    if history:
        printer.print_string("history ")
    _print_taps(printer, value, taps)


class _TapReader:
    def __init__(self, parser: Parser) -> None:
        self.parser = parser

    def list_after(self, word: str) -> list[tuple[bool, UnresolvedOperand, tuple[int, ...]]]:
        if not self.parser.parse_optional_keyword(word):
            return []
        paren = self.parser.Delimiter.PAREN
        return self.parser.parse_comma_separated_list(paren, self.one)

    def one(self) -> tuple[bool, UnresolvedOperand, tuple[int, ...]]:
        history = self.parser.parse_optional_keyword("history") is not None
        value = self.parser.parse_unresolved_operand()
        return history, value, IntsAttr.parse_parameter(self.parser)


def _parse_size(parser: Parser) -> DimsAttr:
    at = parser.pos
    try:
        return DimsAttr((sizes.parse(parser.parse_str_literal()),))
    except ValueError as error:
        parser.raise_error(str(error), at)
