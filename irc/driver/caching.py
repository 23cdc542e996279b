"""
Results from earlier compilations, found without loading the front end, xDSL or the passes.

A key says everything that a result depends on: the text, the options, the version of irc and its
own files, the C compiler, and the CPU where code is made for this very one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from irc.cache import Cache, Entry, cpu_identity, digest, open_cache, package_identity
from irc.codegen.c.toolchain import find_compiler
from irc.diagnostics import Call, Diagnostic, Label, SourceMap, Span, to_json
from irc.driver.fresh import compile_fresh
from irc.driver.records import Outputs, Source, Watch
from irc.options import Options

FILES = {"so": "module.so", "header": "module.h", "c": "module.c", "json": "module.json"}
PACKAGE = Path(__file__).parents[1]


def compile_cached(source: Source, options: Options, kinds: list[str], watch: Watch) -> Outputs:
    """As `compile_source`, for kinds of FILES."""
    with watch.timed("cache", "look up"):
        cache = open_cache(options.cache)
        key = key_of(source, options)
        entry = cache.lookup(key)
    if cache.reason and not cache.quiet:
        watch.warning(Diagnostic("", cache.reason, severity="warning"), SourceMap())
    if entry is not None and set(kinds) <= set(entry.note["kinds"]):
        for warning in entry.note["warnings"]:
            watch.warning(diagnostic_from_json(warning), SourceMap({source.file: source.text}))
        return from_entry(entry, kinds)
    return compile_and_store(source, options, kinds, watch, cache, key)


def compile_and_store(
    source: Source, options: Options, kinds: list[str], watch: Watch, cache: Cache, key: str
) -> Outputs:
    """Makes all that the cache keeps, not only what is asked for now."""
    warnings: list[dict[str, Any]] = []
    tell = watch.warning

    def warning(diagnostic: Diagnostic, sources: SourceMap) -> None:
        warnings.append(to_json(diagnostic))
        tell(diagnostic, sources)

    watch.warning = warning
    made = [k for k in FILES if k in kinds or k != "so" or "so" in kinds]
    outputs = compile_fresh(source, options, made, watch)
    files = {FILES[kind]: outputs.data(kind) for kind in made}
    imports = [name for name in outputs.sources if name != source.file]
    with watch.timed("cache", "store"):
        entry = cache.store(key, files, imports, {"kinds": made, "warnings": warnings})
    if entry is not None and "so" in made:
        outputs.path = entry.files[FILES["so"]]
    return outputs


def from_entry(entry: Entry, kinds: list[str]) -> Outputs:
    outputs = Outputs(cached=True)
    if "so" in entry.note["kinds"]:
        outputs.path = entry.files[FILES["so"]]
    for kind in kinds:
        data = entry.read(FILES[kind])
        outputs.texts[kind] = data if kind == "so" else data.decode("utf-8")
    return outputs


def key_of(source: Source, options: Options) -> str:
    """Raises ToolError when there is no C compiler."""
    from irc.release import __version__

    native = options.target in ("cpu", "cpu:native")
    return digest(
        source.text,
        source.file,
        source.kind,
        json.dumps(options.key(), sort_keys=True),
        json.dumps([str(path.absolute()) for path in options.import_paths]),
        str(Path(source.file).absolute().parent),
        __version__,
        package_identity(PACKAGE),
        find_compiler(options.cc or None).identity,
        cpu_identity() if native else "",
    )


def diagnostic_from_json(record: dict[str, Any]) -> Diagnostic:
    """The opposite of `to_json`."""
    return Diagnostic(
        record["code"],
        record["title"],
        tuple(Label(Span(**x["span"]), x["text"], x["primary"]) for x in record["labels"]),
        tuple(record["notes"]),
        tuple(record["helps"]),
        record["severity"],
        tuple(Call(c["function"], Span(**c["span"]), c["arguments"]) for c in record["calls"]),
    )
