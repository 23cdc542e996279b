"""
Loops as values: the recurrence `nd.scan` and the search `nd.while`.

A scan speaks of times. Its step t sees rows of sequences, earlier rows of its states, and all
values around it; it gives one row for each state and each output. Run in reverse it is the
mirror image: time falls, and what is "earlier" has a larger t. So the derivative of a scan is a
scan that runs the other way, with the same rules about rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, IndexType, UnitAttr
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
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
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import RecursiveMemoryEffect, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

from irc import sizes
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.scan_text import parse_scan, print_scan
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
        print_scan(self, printer)

    @classmethod
    def parse(cls, parser: Parser) -> ScanOp:
        return cls.build(**parse_scan(parser))


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
