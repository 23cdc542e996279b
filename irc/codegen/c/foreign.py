"""Calls of functions of other libraries, which are found when a context is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from irc.codegen.c.identifiers import string_literal
from irc.dtypes import DTYPES


@dataclass(frozen=True)
class Foreign:
    """
    A function of another library, as the module calls it.

    member   of the context: the pointer to it
    result   its C type; `arguments`: those of its parameters
    """

    member: str
    symbol: str
    library: str
    result: str
    arguments: tuple[str, ...]

    @property
    def declaration(self) -> str:
        return f"{self.result} (*{self.member})({', '.join(self.arguments) or 'void'})"


@dataclass(eq=False)
class ForeignTable:
    """The functions that a text calls, each once."""

    found: dict[tuple[str, str, str, tuple[str, ...]], Foreign]

    def member(self, symbol: str, library: str, result: str, arguments: Sequence[str]) -> str:
        """The member of the context for a function with these C types."""
        key = symbol, library, result, tuple(arguments)
        if key not in self.found:
            plain = f"irc_extern_{symbol}"
            taken = {f.member for f in self.found.values()}
            name = next(n for n in _numbered(plain) if n not in taken)
            self.found[key] = Foreign(name, symbol, library, result, tuple(arguments))
        return self.found[key].member

    def all(self) -> tuple[Foreign, ...]:
        return tuple(self.found.values())


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def value_type(dtype: str) -> str:
    """The C type of a number."""
    return DTYPES[dtype].c


# ---- in the module's file


def members(foreign: Sequence[Foreign]) -> list[str]:
    """Lines of the context's struct."""
    if not foreign:
        return []
    lines = [f"    void *irc_libraries[{len(libraries(foreign))}];"]
    return [*lines, *(f"    {f.declaration}; /* {f.symbol} from {f.library} */" for f in foreign)]


def libraries(foreign: Sequence[Foreign]) -> list[str]:
    return list(dict.fromkeys(f.library for f in foreign))


def opening(prefix: str, foreign: Sequence[Foreign]) -> list[str]:
    """Lines that find everything for a new context `m`."""
    lines: list[str] = []
    for i, name in enumerate(libraries(foreign)):
        text, place = string_literal(name), f"m->irc_libraries[{i}]"
        conditions = [f"({place} = irc_open_library({text}, error, error_bytes)) == NULL"]
        conditions += [
            f"!irc_find({place}, {text}, {string_literal(f.symbol)}, &m->{f.member}, error,\n"
            "                  error_bytes)"
            for f in foreign
            if f.library == name
        ]
        joined = "\n        || ".join(conditions)
        lines += [
            f"    if ({joined}) {{",
            f"        {prefix}_free(m);",
            "        return NULL;",
            "    }",
        ]
    return lines


def closing(foreign: Sequence[Foreign]) -> str:
    """Lines that let the libraries of `m` go."""
    return "".join(
        f"    if (m->irc_libraries[{i}] != NULL)\n        dlclose(m->irc_libraries[{i}]);\n"
        for i in range(len(libraries(foreign)))
    )
