"""
Walks the road: a program's text in, IR, C, headers and shared objects out.

Both commands and `irc.compile` call this. Importing it costs nothing: the front end, xDSL and the
passes are loaded when there is work for them, so a result from the cache needs none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irc.diagnostics import Diagnostic, SourceMap
from irc.errors import UserError
from irc.files import read_text, shown
from irc.options import Options, from_keywords

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from irc.abi import ModuleSpec
    from irc.passes.manager import Observer
    from irc.passes.remarks import Remark

__all__ = ["Options", "Outputs", "Source", "Watch", "compile_module", "compile_source"]

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


def compile_module(source: str | Path, options: Options | None = None, **keywords: Any) -> Path:
    """
    The shared object for a program, in the cache, or in a temporary folder when there is none.

    source    a path, or the text itself
    keywords  options as `irc.options.from_keywords` reads them
    """
    options = options if options is not None else from_keywords(**keywords)
    if isinstance(source, Path):
        kind = "mlir" if source.suffix == ".mlir" else "irc"
        given = Source(read_text(source), shown(source), kind)
    else:
        given = Source(source, "<string>")
    outputs = compile_source(given, options, ["so"])
    if outputs.path is not None:
        return outputs.path
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="irc-module-"))
    path = folder / "module.so"
    path.write_bytes(_bytes(outputs.texts["so"]))
    return path


def compile_source(
    source: Source, options: Options, wanted: Iterable[str], watch: Watch | None = None
) -> Outputs:
    """
    Makes what is wanted, kinds of KINDS.

    Raises UserError for mistakes in the program, Unsupported for what irc cannot do yet,
    ToolError when the C compiler is missing or fails, InternalError with a reproducer for bugs.
    """
    watch = watch or Watch()
    kinds = list(dict.fromkeys(wanted))
    if kinds and not set(kinds) - CACHED and not _is_watched(watch, options):
        from irc.driver.caching import compile_cached

        return compile_cached(source, options, kinds, watch)
    return compile_fresh(source, options, kinds, watch)


def _is_watched(watch: Watch, options: Options) -> bool:
    """What watches must see the work being done."""
    return bool(
        watch.observers
        or watch.stage_end
        or watch.collect
        or watch.keep
        or "compare" in options.checks
        or not options.use_cache
    )


def compile_fresh(source: Source, options: Options, kinds: list[str], watch: Watch) -> Outputs:
    """As `compile_source`, past the cache."""
    outputs = Outputs()
    _front_texts(source, kinds, outputs)
    if not set(kinds) - set(TEXT_KINDS) and kinds:
        return outputs
    from irc.driver.road import Road

    Road(source, options, watch, outputs).walk(kinds)
    return outputs


def check_only(source: Source, options: Options, watch: Watch) -> None:
    """Parses, checks types, and stops."""
    from irc.driver.road import Road

    Road(source, options, watch, Outputs()).read()


def _front_texts(source: Source, kinds: list[str], outputs: Outputs) -> None:
    """tokens, ast and irc: from the text alone, as editors want them."""
    if not set(kinds) & set(TEXT_KINDS):
        return
    if source.kind != "irc":
        raise UserError(f"{source.file} is IR: tokens, ast and irc are made from programs")
    from irc.frontend import syntax
    from irc.frontend.format import format_module
    from irc.frontend.walk import dump

    if "tokens" in kinds:
        rows = syntax.tokens(source.text, source.file)
        outputs.texts["tokens"] = "".join(f"{row}\n" for row in rows)
    if "ast" in kinds or "irc" in kinds:
        tree = syntax.parse(source.text, source.file)
        outputs.texts["ast"] = dump(tree)
        outputs.texts["irc"] = format_module(tree)


def _bytes(data: str | bytes) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data
