"""A scan while it is written, or rewritten."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ArrayAttr, UnitAttr
from xdsl.ir import Attribute, Block, BlockArgument, Region, SSAValue

from irc import sizes
from irc.dialects.nd.control import YieldOp
from irc.dialects.nd.loops import ScanOp, ScanSequence, ScanState, result_types, row_type
from irc.dialects.nd.types import DimsAttr, IntsAttr, tensor
from irc.dtypes import I64
from irc.sizes import Size


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
