"""
Programs with scans and loops in three forms: the text, the same steps written out one after the
other as text without loops, and the same steps in NumPy.

A body is a list of items, each in terms of expressions whose text means the same in the language
and in Python. `Walk` goes through the steps once and for all; a `Machine` says what a step is
made of, values or lines of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "bool": np.bool_}


@dataclass(frozen=True)
class Kind:
    """A dtype, and sizes as text."""

    dtype: str
    dims: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(self.dims)}]" if self.dims else self.dtype

    def stacked(self, count: str) -> Kind:
        return Kind(self.dtype, (count, *self.dims))


# -- what an expression reads


@dataclass(frozen=True)
class Plain:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class At:
    """The row of a time: `u[t-3]`, mirrored `u[T - 1 - t]`."""

    name: str
    index: str
    offset: int = 0
    mirror: str = ""

    def __str__(self) -> str:
        sign = f"{self.offset:+d}" if self.offset else ""
        position = f"{self.mirror} - 1 - {self.index}" if self.mirror else f"{self.index}{sign}"
        return f"{self.name}[{position}]"


@dataclass(frozen=True)
class Row:
    """A row whose number is known: `p[2]`."""

    name: str
    at: int

    def __str__(self) -> str:
        return f"{self.name}[{self.at}]"


@dataclass(frozen=True)
class Column:
    """`M[:, t]`"""

    name: str
    index: str

    def __str__(self) -> str:
        return f"{self.name}[:, {self.index}]"


@dataclass(frozen=True)
class Behind:
    """What is read of an equation after its scan: `x[-1]`, `x[0]`, `sum(x, axis=0)`."""

    name: str
    how: str

    def __str__(self) -> str:
        return f"sum({self.name}, axis=0)" if self.how == "sum" else f"{self.name}[{self.how}]"


@dataclass(frozen=True)
class Time:
    """The time as a number of a dtype."""

    index: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}({self.index})"


Read = Plain | At | Row | Column | Behind | Time


@dataclass(frozen=True)
class Expr:
    """`text` with {0}, {1}, ... for what it reads; `python` where that is spelled otherwise."""

    text: str
    reads: tuple[Read, ...]
    kind: Kind
    python: str = ""

    def __str__(self) -> str:
        return self.text.format(*self.reads)


# -- what a body consists of


@dataclass
class Equation:
    name: str
    value: Expr


@dataclass
class Let:
    name: str
    value: Expr


@dataclass
class Loop:
    """`loop` over carried values: name, first value, next value; `going` is the condition."""

    carried: list[tuple[str, Expr, Expr]]
    index: str
    count: int
    going: Expr | None = None
    by_limit: bool = False

    def lines(self) -> list[str]:
        carried = ", ".join(f"{name} = {first}" for name, first, _ in self.carried)
        head = "" if self.by_limit else f" for {self.index} < {self.count}"
        condition = f" while {self.going}" if self.going is not None else ""
        limit = f" max {self.count}" if self.by_limit else ""
        nexts = [f"    next {name} = {value}" for name, _, value in self.carried]
        return [f"loop {carried}{head}{condition}{limit} {{", *nexts, "}"]


@dataclass
class Scan:
    """
    inits   by name, the values before the first step in order of time
    items   in an order in which each needs only what stands before
    shown   the order of the source
    """

    index: str
    count: str
    inits: dict[str, list[Expr]] = field(default_factory=dict)
    items: list[Equation | Let | Loop | Scan] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    until: Expr | None = None

    @property
    def equations(self) -> dict[str, Kind]:
        return {i.name: i.value.kind for i in self.items if isinstance(i, Equation)}

    def lines(self) -> list[str]:
        found = [f"scan {self.index} < {self.count} {{"]
        for name, rows in self.inits.items():
            match [row.reads for row in rows]:
                case [(Row(whole, 0),), _, *_]:
                    found.append(f"    init {name}[{-len(rows)}:0] = {whole}")
                case _:
                    times = range(-len(rows), 0)
                    found += [
                        f"    init {name}[{t}] = {row}" for t, row in zip(times, rows, strict=True)
                    ]
        for k in self.shown:
            item = self.items[k]
            match item:
                case Equation(name, value):
                    found.append(f"    {name}[{self.index}] = {value}")
                case Let(name, value):
                    found.append(f"    let {name} = {value}")
                case Loop() | Scan():
                    found += [f"    {line}" for line in item.lines()]
        stop = [f"    until {self.until}"] if self.until is not None else []
        return [*found, *stop, "}"]


def bound(item: Equation | Let | Loop | Scan) -> list[str]:
    """The names that are known only below a statement."""
    match item:
        case Let(name):
            return [name]
        case Loop(carried):
            return [name for name, _, _ in carried]
        case Scan():
            return list(item.equations)
    return []


# -- the steps, one after the other


class Machine(Protocol):
    """How values are made; `Any` is an array, or the text that stands for one."""

    def value(self, name: str, expr: Expr, reads: Sequence[Any]) -> Any:
        """A new value; `name` is what it is in the program."""

    def select(self, name: str, kind: Kind, going: Any, new: Any, old: Any) -> Any: ...
    def both(self, name: str, going: Any, also: Any, negated: bool) -> Any:
        """`going` and `also`, or and not; `going` is None as long as nothing has stopped."""

    def part(self, whole: Any, read: Read, at: int) -> Any: ...
    def number(self, dtype: str, value: int) -> Any: ...
    def total(self, name: str, kind: Kind, rows: Sequence[Any]) -> Any: ...


FLAG = Kind("bool")


@dataclass
class Walk:
    """`names` are parameters, sizes, and what has been made: a value, or one for each time."""

    machine: Machine
    sizes: Mapping[str, int]
    kinds: dict[str, Kind] = field(default_factory=dict)

    def scan(self, scan: Scan, names: Mapping[str, Any]) -> dict[str, Any]:
        """The equations by time, those of the times before included."""
        local, going, m = dict(names), None, self.machine
        before = {
            name: {
                k - len(rows): m.value(f"{name}_init", row, self.reads(row, names))
                for k, row in enumerate(rows)
            }
            for name, rows in scan.inits.items()
        }
        made: dict[str, dict[int, Any]] = {name: {} for name in scan.equations}
        for name, rows in before.items():
            if name in made:
                made[name].update(rows)
            else:
                local[name] = _Prefixed(rows, names[name])
        local |= made
        self.kinds |= scan.equations
        for t in range(self.sizes[scan.count]):
            local[scan.index] = t
            for item in scan.items:
                match item:
                    case Equation(name, value):
                        new = m.value(name, value, self.reads(value, local))
                        if going is not None:
                            new = m.select(name, value.kind, going, new, made[name][t - 1])
                        made[name][t] = new
                    case Let(name, value):
                        local[name] = m.value(name, value, self.reads(value, local))
                    case Loop():
                        local |= self.loop(item, local)
                    case Scan():
                        local |= self.scan(item, local)
            if scan.until is not None:
                stop = m.value("stop", scan.until, self.reads(scan.until, local))
                going = m.both("going", going, stop, negated=True)
        return dict(made)

    def loop(self, loop: Loop, names: Mapping[str, Any]) -> dict[str, Any]:
        """The carried values at the end."""
        local, going, m = dict(names), None, self.machine
        for name, first, _ in loop.carried:
            local[name] = m.value(name, first, self.reads(first, names))
        for k in range(loop.count):
            local[loop.index] = k
            if loop.going is not None:
                holds = m.value("holds", loop.going, self.reads(loop.going, local))
                going = m.both("going", going, holds, negated=False)
            new = {
                name: m.value(name, value, self.reads(value, local))
                for name, _, value in loop.carried
            }
            for name, _, value in loop.carried:
                if going is not None:
                    new[name] = m.select(name, value.kind, going, new[name], local[name])
            local |= new
        return {name: local[name] for name, _, _ in loop.carried}

    def reads(self, expr: Expr, names: Mapping[str, Any]) -> list[Any]:
        return [self.read(one, names) for one in expr.reads]

    def read(self, one: Read, names: Mapping[str, Any]) -> Any:
        m = self.machine
        match one:
            case Plain(name):
                return names[name]
            case Time(index, dtype):
                return m.number(dtype, names[index])
            case Row(name, at):
                return m.part(names[name], one, at)
            case Column(name, index):
                return m.part(names[name], one, names[index])
            case Behind(name, how):
                rows = [row for t, row in sorted(names[name].items()) if t >= 0]
                return m.total(name, self.kinds[name], rows) if how == "sum" else rows[int(how)]
            case At(name, index, offset, mirror):
                at = self.sizes[mirror] - 1 - names[index] if mirror else names[index] + offset
                whole = names[name]
                if isinstance(whole, _Prefixed) and at >= 0:
                    whole = whole.rest
                elif isinstance(whole, _Prefixed):
                    whole = whole.before
                return whole[at] if isinstance(whole, dict) else m.part(whole, one, at)


@dataclass
class _Prefixed:
    """A parameter with rows of negative times."""

    before: dict[int, Any]
    rest: Any


# -- the two machines

FUNCTIONS: dict[str, Any] = {
    "tanh": np.tanh, "sin": np.sin, "where": np.where, "any": np.any,
    "f32": np.float32, "f64": np.float64, "i32": np.int32,
    "sum": lambda x: np.sum(x, dtype=np.asarray(x).dtype),
}  # fmt: skip


@dataclass
class InNumPy:
    sizes: Mapping[str, int]

    def value(self, name: str, expr: Expr, reads: Sequence[Any]) -> Any:
        spelled = (expr.python or expr.text).format(*(f"r{k}" for k in range(len(reads))))
        names = {f"r{k}": value for k, value in enumerate(reads)}
        found = eval(spelled, {"__builtins__": {}}, {**FUNCTIONS, **names})
        return np.asarray(found, DTYPES[expr.kind.dtype])[()]

    def select(self, name: str, kind: Kind, going: Any, new: Any, old: Any) -> Any:
        return new if going else old

    def both(self, name: str, going: Any, also: Any, negated: bool) -> Any:
        holds = not also if negated else bool(also)
        return holds if going is None else going and holds

    def part(self, whole: Any, read: Read, at: int) -> Any:
        return whole[:, at] if isinstance(read, Column) else whole[at]

    def number(self, dtype: str, value: int) -> Any:
        return DTYPES[dtype](value)

    def total(self, name: str, kind: Kind, rows: Sequence[Any]) -> Any:
        zero: np.ndarray = np.zeros(
            [self.sizes.get(d) or int(d) for d in kind.dims], DTYPES[kind.dtype]
        )
        return sum(rows, start=zero)


@dataclass
class InText:
    """Lines without a loop; a value is the name of a `let`."""

    lines: list[str] = field(default_factory=list)

    def let(self, name: str, kind: Kind, text: str) -> str:
        new = f"{name}_{len(self.lines)}"
        self.lines.append(f"let {new}: {kind} = {text}")
        return new

    def value(self, name: str, expr: Expr, reads: Sequence[Any]) -> Any:
        return self.let(name, expr.kind, expr.text.format(*reads))

    def select(self, name: str, kind: Kind, going: Any, new: Any, old: Any) -> Any:
        return self.let(name, kind, f"if {going} then {new} else {old}")

    def both(self, name: str, going: Any, also: Any, negated: bool) -> Any:
        holds = f"not {also}" if negated else also
        return self.let(name, FLAG, holds if going is None else f"{going} and {holds}")

    def part(self, whole: Any, read: Read, at: int) -> Any:
        return f"{whole}[:, {at}]" if isinstance(read, Column) else f"{whole}[{at}]"

    def number(self, dtype: str, value: int) -> Any:
        return f"{dtype}({value})"

    def total(self, name: str, kind: Kind, rows: Sequence[Any]) -> Any:
        empty = f"zeros([{', '.join(kind.dims)}])" if kind.dims else "0"
        return self.let(name, kind, " + ".join(rows) if rows else empty)
