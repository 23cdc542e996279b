"""
Walks the road: a program's text in, IR, C, headers and shared objects out.

Both commands and `irc.compile` call this. Importing it costs nothing: the front end, xDSL and the
passes are loaded when there is work for them, so a result from the cache needs none of them.

records.py       Source, Watch, Outputs: what goes in, what is seen, what comes out
caching.py       results of earlier compilations
fresh.py         texts made from the program's text alone; then road.py:
road.py          front end, passes of each stage, C text, C compiler
foreign.py       messages about IR that somebody wrote
describe.py      the module's description, from which headers and signatures are made
signatures.py    Python stubs and manual pages
observations.py  memory, copies, vectors and threads, read off the loops
comparing.py     `--check compare`: runs before and after each pass
explorer.py      the page that shows program, IR and C side by side
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from irc.driver.fresh import check_only, compile_fresh
from irc.driver.records import BINARY, CACHED, KINDS, Outputs, Source, Watch
from irc.files import read_text, shown
from irc.options import Options, from_keywords

__all__ = [
    "BINARY",
    "KINDS",
    "Options",
    "Outputs",
    "Source",
    "Watch",
    "check_only",
    "compile_module",
    "compile_source",
]


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
    path.write_bytes(outputs.data("so"))
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
