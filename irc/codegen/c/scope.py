"""Names, expressions and lines of one C function being written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.dialects.builtin import MemRefType, VectorType
from xdsl.ir import Operation, SSAValue

from irc.codegen.c.foreign import ForeignTable
from irc.codegen.c.identifiers import identifier
from irc.codegen.c.types import c_type
from irc.errors import InternalError

# How tightly an expression's outermost operator binds; smaller is tighter.
ATOM, UNARY, PRODUCT, SUM, SHIFT, COMPARISON, EQUALITY, BITS, CHOICE = range(9)

Expr = tuple[str, int]
_STRANGE = re.compile(r"[^A-Za-z0-9_]+")


def within(expr: Expr, limit: int) -> str:
    """The text of an expression, in parentheses if its operator binds less tightly."""
    text, binding = expr
    return f"({text})" if binding > limit else text


@dataclass(eq=False)
class Uses:
    """What the text needs from outside: `support` are header files of this folder."""

    vectors: dict[str, VectorType] = field(default_factory=dict)
    support: set[str] = field(default_factory=set)
    foreign: ForeignTable = field(default_factory=lambda: ForeignTable({}))
    threads: bool = False


@dataclass(eq=False)
class Scope:
    """
    fields   state -> member of the context
    sizes    size symbol -> C name
    lines    the text; None keeps the place of a local that may turn out to be needed
    dims     memref -> each size, as C text or as a value
    const    memrefs that must not be written
    later    values whose expression is not written yet
    """

    fields: Mapping[str, str]
    uses: Uses
    lines: list[str | None] = field(default_factory=list)
    depth: int = 1
    names: dict[SSAValue, Expr] = field(default_factory=dict)
    dims: dict[SSAValue, list[str | SSAValue]] = field(default_factory=dict)
    const: set[SSAValue] = field(default_factory=set)
    sizes: dict[str, str] = field(default_factory=dict)
    later: dict[SSAValue, Callable[[], None]] = field(default_factory=dict)
    last_line: str = ""
    contract: bool = False
    _taken: list[set[str]] = field(default_factory=lambda: [{"ctx", "arena"}])
    # Of each block: name -> a number below which `fresh` would search in vain.
    _numbers: list[dict[str, int]] = field(default_factory=lambda: [{}])

    # -- names

    def fresh(self, hint: str | None, default: str = "v") -> str:
        """A name that no enclosing block uses; blocks side by side may use one name."""
        plain = _STRANGE.sub("_", hint).strip("_") if hint else ""
        name = identifier(plain or default)
        number = max(block.get(name, 1) for block in self._numbers)
        candidate = name if number == 1 else f"{name}_{number}"
        while any(candidate in taken for taken in self._taken):
            number += 1
            candidate = f"{name}_{number}"
        self._taken[-1].add(candidate)
        self._numbers[-1][name] = number
        return candidate

    def name(self, value: SSAValue, limit: int = ATOM) -> str:
        """The text of a value, to stand beside operators that bind up to `limit`."""
        if value in self.later:
            self._write_later(value)
        known = self.names.get(value)
        if known is None:
            raise InternalError(f"{value} is used before it is made")
        return within(known, limit)

    def bind(self, value: SSAValue, text: str, binding: int = ATOM) -> None:
        """From now on `value` is spelled so."""
        self.names[value] = (text, binding)

    def declare(self, value: SSAValue, expr: str) -> str:
        """A constant local with the value of an expression."""
        name = self.fresh(value.name_hint)
        self.line(f"const {self.type(value)} {name} = {expr};")
        self.bind(value, name)
        return name

    def spell_when_read(
        self, value: SSAValue, spell: Callable[[], Expr], longest: int | None
    ) -> None:
        """
        Only what is read is written. An expression longer than that becomes a local, here.
        """
        place, depth, taken = len(self.lines), self.depth, self._taken[-1]
        self.lines.append(None)

        def write() -> None:
            text, binding = spell()
            if longest is None or len(text) <= longest:
                self.bind(value, text, binding)
                return
            name = self.fresh(value.name_hint)
            taken.add(name)
            self.lines[place] = "    " * depth + f"const {self.type(value)} {name} = {text};"
            self.bind(value, name)

        self.later[value] = write

    def _write_later(self, value: SSAValue) -> None:
        """Operands before what they are operands of; a chain may be as long as the program."""
        stack = [value]
        while stack:
            last = stack[-1]
            if last not in self.later:
                stack.pop()
                continue
            assert isinstance(last.owner, Operation)
            waiting = [v for v in last.owner.operands if v in self.later]
            if not waiting:
                self.later.pop(last)()
            stack += reversed(waiting)

    def dim(self, ref: SSAValue, axis: int) -> str:
        """A size of a memref, to stand in a product."""
        size = self.dims[ref][axis]
        return size if isinstance(size, str) else self.name(size, PRODUCT)

    def type(self, value: SSAValue) -> str:
        """The C type of a value that is no memref."""
        if isinstance(value.type, VectorType):
            self.uses.vectors.setdefault(c_type(value.type), value.type)
        return c_type(value.type)

    def pointer(self, value: SSAValue) -> str:
        """The C type of a pointer to a memref's elements, with its space or star."""
        assert isinstance(value.type, MemRefType)
        text = c_type(value.type.element_type)
        return f"const {text} *" if value in self.const else f"{text} *"

    # -- lines

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def directive(self, text: str) -> None:
        """A preprocessor line, at the margin."""
        self.lines.append(text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """`head {` ... `}`, with names of its own."""
        self.line(f"{head} {{" if head else "{")
        self.depth += 1
        with self.names_inside():
            yield
        self.depth -= 1
        self.line("}")

    @contextmanager
    def names_inside(self) -> Iterator[None]:
        """Names taken here are free again afterwards."""
        self._taken.append(set())
        self._numbers.append({})
        yield
        self._numbers.pop()
        self._taken.pop()
