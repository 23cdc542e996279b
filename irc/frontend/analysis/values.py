"""
What an expression can be while a program is analysed.

Only `Tensor` exists in the IR. `Number`, `SizeOf` and `Open` have no dtype yet: the first typed
operand gives them one (`Env.tensor` closes them), also through `let`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dialects.nd.types import dims_of, dtype_of
from irc.dtypes import DType
from irc.sizes import Poly, Size, const, var

if TYPE_CHECKING:
    from irc.frontend import tree
    from irc.frontend.analysis.modules import ModuleScope

Kind = Literal["expression", "parameter", "state", "const", "let", "literal", "size", "index"]
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a value was declared or came from, for the secondary labels of a message.

    name    as the program calls it: `W`, `net.W1`; "" for what has no name
    span    its declaration (`x: f32[n, D]`, the name in `let h =`), or the expression
    kind    what kind of declaration that is
    how     of a computed value: "the result of `mean` over f32[n]"; kept through `let`
    dims    the sizes as the declaration spells them: ("n", "D"); () when it spells none
    """

    name: str = ""
    span: Span | None = None
    kind: Kind = "expression"
    how: str = ""
    dims: tuple[str, ...] = ()

    @property
    def declared(self) -> bool:
        """Whether the source states its type at `span`."""
        return self.kind in ("parameter", "state")

    def named(self, name: str, span: Span) -> Origin:
        """The origin after `let name = ...`: found under its new name, made as before."""
        return replace(self, name=name, span=span, kind="let")

    def size(self, axis: int, value: Size) -> str:
        """Size of an axis as the user knows it: "K = 10" of a constant, else "n" or "10"."""
        spelled = self.dims[axis] if axis < len(self.dims) else ""
        return f"{spelled} = {value}" if spelled and spelled != str(value) else str(value)

    def label(self, text: str) -> Label | None:
        """A secondary label at the declaration; None where there is no place."""
        return Label(self.span, text) if self.span else None


NOWHERE = Origin()


@dataclass(frozen=True, slots=True, eq=False)
class Binder:
    """
    An index variable of a comprehension or of a reduction.

    size    its range is 0 to size - 1; None until a use gives it
    given   whether the program stated the range: `i < n`
    """

    name: str
    span: Span
    size: Size | None = None
    given: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """
    A value in the IR.

    batch   index variables that the leading axes of `ssa` stand for, inside a comprehension;
            `dims` and `rank` leave these axes out
    """

    ssa: SSAValue
    origin: Origin = NOWHERE
    batch: tuple[Binder, ...] = ()

    @property
    def dtype(self) -> DType:
        return dtype_of(self.ssa)

    @property
    def dims(self) -> tuple[Size, ...]:
        return dims_of(self.ssa)[len(self.batch) :]

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def type(self) -> str:
        """As the language writes it: `f32[n, 784]`."""
        return type_text(self.dtype.name, self.dims)


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A literal or an untyped constant: a scalar without a dtype."""

    value: int | float | bool
    origin: Origin = NOWHERE
    dims: tuple[Size, ...] = ()
    batch: tuple[Binder, ...] = ()

    @property
    def type(self) -> str:
        return str(self.value).lower()


@dataclass(frozen=True, slots=True, eq=False)
class SizeOf:
    """An integer without a dtype that is known as a polynomial: `n`, `n - 1`."""

    poly: Poly
    origin: Origin = NOWHERE
    dims: tuple[Size, ...] = ()
    batch: tuple[Binder, ...] = ()

    @property
    def type(self) -> str:
        return f"size {self.poly}"


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """
    A value without a dtype that is more than a number: `ones([n])`, `[0, 1, 2]`.

    make    writes the ops for one dtype; called each time a dtype is given
    kind    "float" takes float dtypes only; "int" and "any" any number, and left alone they
            become i64 and floatX
    """

    make: Callable[[DType], SSAValue]
    kind: Literal["int", "float", "any"]
    dims: tuple[Size, ...]
    origin: Origin = NOWHERE
    batch: tuple[Binder, ...] = ()

    @property
    def type(self) -> str:
        return type_text("_", self.dims)


@dataclass(frozen=True, slots=True, eq=False)
class Step(Open):
    """
    An integer without a dtype that counts with the steps of a recurrence: `t`, `T - 1 - t`.

    poly    in sizes, index variables and the symbols of recurrences (recurrences.py)
    """

    poly: Poly = const(0)

    @property
    def type(self) -> str:
        spoken = {s: var(s.partition("'")[0]) for s in self.poly.symbols() if "'" in s}
        return f"step {self.poly.substitute(spoken)}"


@dataclass(frozen=True, slots=True, eq=False)
class TupleOf:
    """Several values; `names` has one entry each (None without a name), or is empty."""

    items: tuple[Value, ...]
    names: tuple[str | None, ...] = ()
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return "(" + ", ".join(item.type for item in self.items) + ")"


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A record of states, or what arithmetic on records made: field by field."""

    name: str
    fields: Mapping[str, Value]
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return f"record {self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class ShapeOf:
    """What `shape(x)` gives: sizes in order. Indexing gives `SizeOf`."""

    dims: tuple[Size, ...]
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return "shape (" + ", ".join(map(str, self.dims)) + ")"


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A string literal: an option such as `disconnected="zero"`."""

    value: str
    origin: Origin = NOWHERE
    type: str = "text"


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRef:
    """A function of this or of an imported module."""

    module: ModuleScope
    node: tree.Function
    origin: Origin = NOWHERE

    @property
    def name(self) -> str:
        return self.node.name.name

    @property
    def type(self) -> str:
        return f"function `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class ExternRef:
    """A function of another library, of this or of an imported module."""

    module: ModuleScope
    node: tree.Extern
    origin: Origin = NOWHERE

    @property
    def name(self) -> str:
        return self.node.name.name

    @property
    def type(self) -> str:
        return f"function `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class BuiltinRef:
    """A function of the language; `entry` is its row in the table of builtins."""

    name: str
    entry: Any = field(repr=False, default=None)
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return f"function `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class ModuleRef:
    """An imported module."""

    name: str
    module: ModuleScope
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return f"module `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class DTypeRef:
    """A dtype, as in `f32(x)`; also a type alias."""

    name: str
    dtype: DType
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return f"dtype `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A name inside the scan that says what it is at each time; `holder` knows (series.py)."""

    name: str
    holder: Any = field(repr=False, default=None)
    origin: Origin = NOWHERE

    @property
    def type(self) -> str:
        return f"recurrence `{self.name}`"


@dataclass(frozen=True, slots=True, eq=False)
class NewAxis:
    """`newaxis` among indices."""

    origin: Origin = NOWHERE
    type: str = "newaxis"


Value = (
    Tensor | Number | SizeOf | Open | TupleOf | Record | ShapeOf | Text
    | FunctionRef | ExternRef | BuiltinRef | ModuleRef | DTypeRef | Series | NewAxis
)  # fmt: skip
Numeric = Tensor | Number | SizeOf | Open
NUMERIC = (Tensor, Number, SizeOf, Open)


def type_text(dtype: str, dims: tuple[Size, ...]) -> str:
    """`f32[n, 784]`, or `f32` for rank 0."""
    return f"{dtype}[{', '.join(map(str, dims))}]" if dims else dtype


def with_origin(value: Value, origin: Origin) -> Value:
    """The same value, known by another origin."""
    return replace(value, origin=origin)


def renamed(value: Value, name: str, span: Span) -> Value:
    """The value as `let name = value` knows it; the parts of a record as `name.field`."""
    if isinstance(value, Record):
        parts = {f: renamed(v, f"{name}.{f}", span) for f, v in value.fields.items()}
        return Record(value.name, parts, value.origin.named(name, span))
    return with_origin(value, value.origin.named(name, span))
