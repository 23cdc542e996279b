"""What a caller gives to the driver, may watch on the way, and gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from irc.diagnostics import Diagnostic, SourceMap

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from irc.abi import ModuleSpec
    from irc.passes.manager import Observer
    from irc.passes.remarks import Remark

TEXT_KINDS = ("tokens", "ast", "irc")  # of the program's text, before its meaning
IR_KINDS = ("nd", "linalg", "loops")
KINDS = (*TEXT_KINDS, *IR_KINDS, "mlir", "dot", "html", "json", "pyi", "doc", "header", "c", "obj",
         "so")  # fmt: skip
BINARY = frozenset({"obj", "so"})
CACHED = frozenset({"so", "header", "c", "json"})  # what a compilation leaves in the cache


@dataclass(frozen=True)
class Source:
    """
    A program or IR.

    file   as messages name it; imports are looked for beside it
    kind   irc or mlir
    """

    text: str
    file: str
    kind: str = "irc"


@dataclass
class Watch:
    """
    What a caller wants to see on the way.

    warning    gets each warning of the front end
    observers  look at the module between passes
    stage_end  gets each stage's name and module
    keep       folder for the C text, the command and the log of the compiler
    seconds    (group, step, wall time), filled in
    now        what is being done, for those who wait
    remarks    what passes decided, filled in when `collect` is set
    """

    warning: Callable[[Diagnostic, SourceMap], None] = lambda diagnostic, sources: None
    observers: Sequence[Observer] = ()
    stage_end: Callable[[str, ModuleOp], None] | None = None
    keep: Path | None = None
    collect: bool = False
    seconds: list[tuple[str, str, float]] = field(default_factory=list)
    now: str = "reading"
    remarks: list[Remark] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)

    @contextmanager
    def timed(self, group: str, step: str) -> Iterator[None]:
        self.now = f"{group}: {step}"
        start = time.perf_counter()
        yield
        self.seconds.append((group, step, time.perf_counter() - start))


@dataclass(frozen=True)
class Buffer:
    """A piece of a function's workspace: bytes and offset are polynomials in its sizes."""

    name: str
    bytes: str
    offset: str
    place: str


@dataclass
class Outputs:
    """
    What was made.

    texts    kind -> text or bytes
    spec     the module's description, when the road went that far
    arenas   function -> bytes of its workspace as a polynomial
    buffers  function -> what is in it
    sources  the files that the result depends on
    cached   it came from the cache
    path     of the shared object in the cache
    """

    texts: dict[str, str | bytes] = field(default_factory=dict)
    spec: ModuleSpec | None = None
    arenas: dict[str, str] = field(default_factory=dict)
    buffers: dict[str, list[Buffer]] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    cached: bool = False
    path: Path | None = None

    def data(self, kind: str) -> bytes:
        """What was made of one kind; text as UTF-8."""
        made = self.texts[kind]
        return made.encode("utf-8") if isinstance(made, str) else made
