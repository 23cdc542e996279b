"""
One function while it is built.

A `Unit` is a function of the IR: an exported function, a test or the initialisers. An `Env` is
the view from one place of the source into it: the function whose text is read (an inlined call
has its own), the names in scope, the block being written. Expressions are evaluated in an `Env`.

    value = env.lookup("x", span)                what a name means
    ssa = env.tensor(value).ssa                  a value with a dtype, in the IR
    with env.at(node.span): env.b.exp(ssa)       ops that carry the place they come from
    raise env.error("E0202", title, span, text)  a mistake; labels, notes and helps as keywords
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, LocationAttr, StringAttr, TensorType
from xdsl.ir import Block, SSAValue

from irc.abi import RNG_STATE
from irc.diagnostics import Call, Label, Span
from irc.dialects.nd.builder import Builder
from irc.dialects.nd.types import dims_of, tensor
from irc.dtypes import BOOL, I64, DType
from irc.frontend.analysis.facts import Facts
from irc.frontend.analysis.problems import Problem, Problems, diagnostic, guesses
from irc.frontend.analysis.values import (
    NUMERIC,
    Binder,
    FunctionRef,
    Number,
    Numeric,
    Open,
    Origin,
    SizeOf,
    Tensor,
    Value,
)
from irc.sizes import Poly, Size, size

if TYPE_CHECKING:
    from irc.frontend import tree
    from irc.frontend.analysis.modules import ModuleScope
    from irc.frontend.analysis.recurrences import Recurrence
    from irc.frontend.analysis.rereading import Clash, Reading
    from irc.frontend.analysis.states import Updates

INIT_SITES = 1 << 30  # draws of initialisers never meet those of calls

# One argument of a call: its name or None, the value, where it stands.
Argument = tuple[str | None, Value, Span]


class Unit:
    """
    One function of the IR.

    name, kind   as in abi.FunctionSpec
    updates      new values of states, written when the body is complete
    """

    def __init__(self, name: str, kind: str, updates: Updates, first_site: int = 0) -> None:
        self.name = name
        self.kind = kind
        self.updates = updates
        self.block = Block()
        self.draws = False
        self.calls = 0  # written into this function so far
        self.masks: list[Frame] = []  # calls that draw a dropout mask
        self.trying = False  # whether a dtype is only tried on what goes from step to step
        self.clashes: list[Clash] = []
        self.readings: list[Reading] = []  # of the recurrences around
        self.rereadings = 0
        self.deriving: list[tree.Extern] = []  # externs whose derivatives are being written
        self.reads: dict[str, SSAValue] = {}
        self.times: dict[str, SSAValue] = {}  # by the symbol of a recurrence: its i64 scalar
        # Open values that were given a dtype: by their `make`, the dtype and the block.
        self.made: dict[tuple[object, DType, Block], SSAValue] = {}
        self._start = Builder(Block())  # reads of states; they go before the body
        self._sites = first_site
        self._rng: tuple[SSAValue, SSAValue] | None = None

    def read_state(self, name: str, type_: TensorType) -> SSAValue:
        """The value that the state had when the function was called, read once, at its start."""
        known = self.reads.get(name)
        if known is None:
            known = self.reads[name] = self._start.state_read(name, type_)
            known.name_hint = hint(name)
        return known

    def rng(self) -> tuple[SSAValue, SSAValue]:
        """Seed and counter of the random numbers of this call, i64 scalars."""
        if self._rng is None:
            self.draws = True
            both = self.read_state(RNG_STATE, tensor(I64, (2,)))
            b = self._start
            seed, counter = (b.reshape(b.slice(both, (1,), (i,), (1,)), ()) for i in range(2))
            seed.name_hint, counter.name_hint = "seed", "counter"
            self._rng = seed, counter
        return self._rng

    def finish(self) -> Block:
        """The block, with the reads of states where they belong."""
        first = self.block.first_op
        for op in list(self._start.point.block.ops):
            op.detach()
            if first is None:
                self.block.add_op(op)
            else:
                self.block.insert_op_before(op, first)
        return self.block

    def next_site(self) -> int:
        """
        The number of the next place that draws.

        Places count in the order of the source, each call of a function anew, so the numbers
        do not depend on optimisation.
        """
        self._sites += 1
        return self._sites - 1

    def mark(self) -> tuple[int, int]:
        """How far the counts have come, for a body that may have to be read again."""
        return self._sites, len(self.masks)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Counts from there again."""
        self._sites, masks = mark
        del self.masks[masks:]


@dataclass(eq=False)
class Frame:
    """
    One function of the source, for one call of it.

    module   whose names it sees
    node     what counts its mistakes; the function's node, or any object
    chain    how the analysis came here, innermost call first
    sizes    what its symbolic sizes stand for in the unit
    active   functions whose calls lead here, this one last
    checkpoint  whether scans written here are marked `@checkpoint`
    mentions    how often the function names what, for lints; None until asked
    """

    module: ModuleScope
    node: object
    name: str = ""
    chain: tuple[Call, ...] = ()
    sizes: dict[str, Poly] = field(default_factory=dict)
    active: tuple[object, ...] = ()
    checkpoint: bool = False
    mentions: Counter[str] | None = None


_POISON = object()


class Env:
    """
    A place of the source inside the function that is built. See the top of this file.

    b         writes ops; `at` sets the place that they come from
    facts     what is known about sizes here
    floatx    the dtype of open floats that nothing closes
    binders   index variables around this place, outermost first (comprehension.py)
    recurrences  the scans and loops around this place, outermost first (recurrences.py)
    blocks    the blocks around this place, outermost first; `b` writes into the last
    guard     where the value is wanted, a bool scalar: reads elsewhere must not fail
    hoisted   values of expressions that were computed ahead of the comprehension around them
    hints     what to say about names that are not known here, but elsewhere
    declared  while an initialiser of a state is evaluated, the dtype and sizes of the state, for
              functions that leave their shape out; else None
    """

    def __init__(self, unit: Unit, frame: Frame, problems: Problems) -> None:
        self.unit = unit
        self.frame = frame
        self.problems = problems
        self.b = Builder(unit.block)
        self.facts = Facts()
        self.scopes: list[dict[str, object]] = [{}]
        self.binders: tuple[Binder, ...] = ()
        self.recurrences: tuple[Recurrence, ...] = ()
        self.blocks: tuple[Block, ...] = (unit.block,)
        self.guard: Tensor | None = None
        self.hoisted: dict[tree.Expr, Value] = {}
        self.hints: dict[str, str] = {}
        self.declared: tuple[DType, tuple[Size, ...]] | None = None

    @property
    def floatx(self) -> DType:
        return self.frame.module.floatx

    def called(self, frame: Frame) -> Env:
        """The view of a function whose call is written here."""
        inner = Env(self.unit, frame, self.problems)
        inner.b, inner.facts = self.b, self.facts
        inner.binders, inner.guard = self.binders, self.guard
        inner.recurrences, inner.blocks = self.recurrences, self.blocks
        return inner

    # -- names

    def define(self, name: str, value: Value) -> None:
        """A local name, until the end of its block. It may hide an older one."""
        self.scopes[-1][name] = value

    def poison(self, name: str) -> None:
        """The name of a value whose computation was reported as a mistake."""
        self.scopes[-1][name] = _POISON

    def local(self, name: str) -> Value | None:
        """The local value of that name; Problem, already reported, when it is poisoned."""
        for scope in reversed(self.scopes):
            if name in scope:
                value = scope[name]
                if value is _POISON:
                    raise Problem(None)
                return value  # type: ignore[return-value]
        return None

    def lookup(self, name: str, span: Span) -> Value:
        """
        What `name` means here: local, size, then a name of the module, then of the language.

        Raises E0105 for an unknown name.
        """
        value = self.local(name)
        if value is not None:
            return value
        known = self.frame.sizes.get(name)
        if known is not None:
            return SizeOf(known, Origin(name, span, "size"))
        value = self.frame.module.lookup(self, name, span)
        if value is not None:
            return value
        raise self.error(
            "E0105",
            f"no value named `{name}` here",
            span,
            "not found",
            helps=[self.hints[name]] if name in self.hints else self.guesses(name),
        )

    def guesses(self, name: str) -> list[str]:
        """Helps for a name that is not known: what is nearest first."""
        mine = [name for scope in self.scopes for name in scope]
        module = self.frame.module
        nearest = [*mine, *self.frame.sizes], [*module.defined, *module.imports], self.names()
        return next(filter(None, (guesses(name, known) for known in nearest)), [])

    def names(self) -> list[str]:
        """All names that a value could be looked up by."""
        mine = [name for scope in self.scopes for name in scope]
        return [*mine, *self.frame.sizes, *self.frame.module.names()]

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Names defined inside end with it."""
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()

    # -- writing ops

    @contextmanager
    def at(self, span: Span) -> Iterator[Builder]:
        """Ops written inside come from `span`."""
        before = self.b.location
        self.b.location = location(span)
        try:
            yield self.b
        finally:
            self.b.location = before

    @contextmanager
    def region(self, block: Block | None = None) -> Iterator[Block]:
        """Ops written inside go to `block`, by default a new one; names and facts end with it."""
        b, facts, blocks = self.b, self.facts, self.blocks
        block = Block() if block is None else block
        self.b, self.facts = Builder(block, b.location), facts.copy()
        self.blocks = (*blocks, block)
        try:
            with self.scope():
                yield block
        finally:
            self.b, self.facts, self.blocks = b, facts, blocks

    def tensor(self, value: Value, dtype: DType | None = None) -> Tensor:
        """
        The value in the IR. What has no dtype yet gets `dtype`, else f32 (floatX) or i64.

        A tensor that has a dtype is returned as it is: whoever asks compares dtypes.
        Raises Problem for what is no number.
        """
        if isinstance(value, Tensor):
            return value
        if not isinstance(value, NUMERIC):
            raise self.error(
                "E0302",
                f"a {value.type} is not a tensor",
                value.origin.span or self.here,
                "a number or a tensor is expected here",
            )
        chosen = dtype or self.default_dtype(value)
        match value:
            case Number(value=number):
                ssa = self.b.full((), chosen, number)
            case SizeOf(poly=known) if not value.batch:
                ssa = self.b.size(size(known), chosen)
            case SizeOf():
                from irc.frontend.analysis.comprehension import materialize

                return materialize(self, value.poly, value.batch, chosen, value.origin)
            case Open(make=make):
                ssa = self._made(make, chosen)
        return Tensor(ssa, value.origin, value.batch)

    def _made(self, make: Callable[[DType], SSAValue], dtype: DType) -> SSAValue:
        """An open value with its dtype; one from outside of a recurrence is made there, once."""
        home = next((r for r in self.recurrences if make in r.opens), None)
        key = make, dtype, home.around if home else self.b.point.block
        ssa = self.unit.made.get(key)
        if ssa is None:
            with home.outside(self) if home else nullcontext():
                ssa = self.unit.made[key] = make(dtype)
        return ssa

    def made_of(self, value: Open) -> list[SSAValue]:
        """What has been made of an open value so far, in this block and in those around."""
        block: Block | None = self.b.point.block
        around: set[Block] = set()
        while block is not None:
            around.add(block)
            block = block.parent_block()
        found = (
            ssa for (make, _, home), ssa in self.unit.made.items()
            if make is value.make and home in around
        )  # fmt: skip
        return list(dict.fromkeys(found))

    def default_dtype(self, value: Numeric) -> DType:
        """The dtype that an open value has when nothing gives it one."""
        match value:
            case Tensor():
                return value.dtype
            case Number(value=bool()):
                return BOOL
            case Number(value=float()) | Open(kind="float" | "any"):
                return self.floatx
        return I64

    @property
    def here(self) -> Span | None:
        """The place that ops written now come from."""
        return span_of(self.b.location)

    def fitted(self, value: Tensor, dims: Sequence[Size]) -> Tensor:
        """The tensor with its sizes spelled as `dims`, which are proved equal to its own."""
        batch = dims_of(value.ssa)[: len(value.batch)]
        target = (*batch, *(size(d) for d in dims))
        if target == dims_of(value.ssa):
            return value
        rank = len(target)
        return Tensor(
            self.b.slice(value.ssa, target, [0] * rank, [1] * rank), value.origin, value.batch
        )

    # -- sizes

    def same_size(self, left: Size, right: Size) -> bool:
        """Whether two sizes are proved equal."""
        return self.facts.same(left, right)

    def nonnegative(self, value: Size) -> bool:
        """Whether `value` >= 0 is proved."""
        return self.facts.nonnegative(value)

    def require(
        self,
        value: Size,
        message: str,
        span: Span,
        kind: str = "shape",
        shown: Sequence[Size] = (),
    ) -> None:
        """
        Makes sure that `value` >= 0: nothing to do where that is proved, else a check at run time.

        The check fails the call with `message`, where `{0}` is what the first of `shown` is then;
        afterwards the fact is known.
        """
        if self.facts.nonnegative(value):
            return
        with self.at(span) as b:
            ok = b.scalar("ge", b.size(size(value)), b.full((), I64, 0))
            b.assert_(ok, message, [b.size(size(one)) for one in shown], kind)
        self.facts.add_nonnegative(value)

    # -- calls

    def call(self, function: FunctionRef, args: Sequence[Argument], span: Span) -> Value:
        """The result of a function of the language, whose body is written here."""
        from irc.frontend.analysis.functions import call

        return call(self, function, args, span)

    # -- messages

    def error(
        self,
        code: str,
        title: str,
        span: Span | None,
        text: str = "",
        *,
        labels: Iterable[Label | None] = (),
        notes: Iterable[str] = (),
        helps: Iterable[str] = (),
    ) -> Problem:
        """The exception for a mistake at `span`; absent labels are left out."""
        made = diagnostic(
            code, title, span, text,
            labels=labels, notes=notes, helps=helps, chain=self.frame.chain,
        )  # fmt: skip
        return Problem(made)

    def unsupported(
        self, title: str, span: Span | None, *, helps: Iterable[str] = (), notes: Iterable[str] = ()
    ) -> Problem:
        """The exception for what the language has and this compiler has not."""
        return self.error("E0901", title, span, "not supported", notes=notes, helps=helps)

    def warn(
        self,
        code: str,
        title: str,
        span: Span | None,
        text: str = "",
        *,
        labels: Iterable[Label | None] = (),
        notes: Iterable[str] = (),
        helps: Iterable[str] = (),
    ) -> None:
        """A lint."""
        made = diagnostic(
            code, title, span, text,
            labels=labels, notes=notes, helps=helps, chain=self.frame.chain, severity="warning",
        )  # fmt: skip
        self.problems.warn(made)


_LOCATIONS: dict[tuple[str, int, int], FileLineColLoc] = {}


def location(span: Span) -> FileLineColLoc:
    """The span as an attribute of ops."""
    key = span.file, span.line, span.col
    known = _LOCATIONS.get(key)
    if known is None:
        known = FileLineColLoc(StringAttr(span.file), IntAttr(span.line), IntAttr(span.col))
        if len(_LOCATIONS) > 100_000:
            _LOCATIONS.clear()
        _LOCATIONS[key] = known
    return known


def span_of(place: LocationAttr) -> Span | None:
    """The place of an op, one column wide."""
    if not isinstance(place, FileLineColLoc):
        return None
    line, column = place.line.data, place.column.data
    return Span(place.filename.data, line, column, line, column + 1)


def hint(name: str) -> str | None:
    """A name for values of the IR; None where the IR could not spell it."""
    text = name.replace(".", "_")
    return text if text.isascii() and text.isidentifier() else None
