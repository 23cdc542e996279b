"""
Python source for a function of the IR, and what its lines came from.

Each op writes lines; running them with NumPy executes the op, on scalars or on arrays alike.
A line remembers its op, so an exception is told in terms of the IR, at no cost while running.
"""

from __future__ import annotations

import itertools
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from xdsl.ir import Block, Operation, SSAValue

from irc.dialects.verify import describe
from irc.execution.outcome import ExecutionError

Handler = Callable[[Any, "PythonText"], None]

_NOT_IN_NAMES = re.compile(r"\W", re.ASCII)
_FILES = itertools.count()
MAX_DEPTH = 90  # CPython compiles at most 100 levels of indentation
MAX_LOOPS = 18  # ... and 20 loops inside each other


class PythonText:
    """
    The text of one module, written from top to bottom.

    handlers   op class -> function that writes its lines
    otherwise  writes the ops that have no handler, or raises
    """

    def __init__(self, handlers: Mapping[type[Operation], Handler], otherwise: Handler) -> None:
        self.handlers = handlers
        self.otherwise = otherwise
        self.namespace: dict[str, object] = {}
        self.file = f"<irc executor {next(_FILES)}>"
        self._lines: list[str] = []
        self._origins: list[Operation | None] = []
        self._op: Operation | None = None
        self._names: dict[SSAValue, str] = {}
        self._count = itertools.count()
        self._depth = 0
        self._loops = 0

    # -- names

    def name(self, value: SSAValue) -> str:
        """The expression for a value that was defined before."""
        return self._names[value]

    def names(self, values: Any) -> list[str]:
        return [self._names[v] for v in values]

    def define(self, value: SSAValue) -> str:
        """A new variable for `value`, called as in the IR."""
        name = self._names[value] = self.fresh(value.name_hint or "v")
        return name

    def alias(self, value: SSAValue, text: str) -> None:
        """`value` is the expression `text`, a name or a literal."""
        self._names[value] = text

    def fresh(self, hint: str) -> str:
        """A name that nothing else has."""
        return f"{_NOT_IN_NAMES.sub('_', hint)}_{next(self._count)}"

    def constant(self, value: object, hint: str = "c") -> str:
        """A name for an object made beforehand."""
        name = self.fresh(f"_{hint}")
        self.namespace[name] = value
        return name

    # -- lines

    def line(self, text: str) -> None:
        self._lines.append("  " * self._depth + text)
        self._origins.append(self._op)

    def assign(self, op: Operation, expression: str) -> None:
        """The only result of `op` is `expression`."""
        self.line(f"{self.define(op.results[0])} = {expression}")

    @contextmanager
    def indented(self, header: str) -> Iterator[None]:
        """Lines below `header`."""
        loop = header.startswith(("for ", "while "))
        if self._depth >= MAX_DEPTH or self._loops + loop > MAX_LOOPS:
            what = describe(self._op) if self._op else "the function"
            raise ExecutionError(f"{what}: nested too deeply for the executor")
        self.line(header)
        self._depth += 1
        self._loops += loop
        written = len(self._lines)
        yield
        if len(self._lines) == written:
            self.line("pass")
        self._depth -= 1
        self._loops -= loop

    def ops(self, block: Block) -> None:
        """All ops of a block; terminators have handlers of their own or write nothing."""
        for op in block.ops:
            self.op(op)

    def op(self, op: Operation) -> None:
        outer, self._op = self._op, op
        self.handlers.get(type(op), self.otherwise)(op, self)
        self._op = outer

    # -- the end

    def execute(self) -> dict[str, Any]:
        """Compiles the text and runs its definitions; gives the namespace."""
        text = "\n".join(self._lines) + "\n"
        linecache.cache[self.file] = (len(text), None, text.splitlines(True), self.file)
        exec(compile(text, self.file, "exec"), self.namespace)
        return self.namespace

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def origin(self, traceback: TracebackType | None) -> Operation | None:
        """The op whose line raised."""
        found = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.file:
                found = self._origins[traceback.tb_lineno - 1] or found
            traceback = traceback.tb_next
        return found
