"""Compilation from the start: what needs only the text, then the road."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from irc.driver.records import TEXT_KINDS, Outputs, Source, Watch
from irc.errors import UserError
from irc.options import Options

_COLLECT_AFTER = 1_000_000  # new objects, some 100 MB; 700 is Python's own choice


def compile_fresh(source: Source, options: Options, kinds: list[str], watch: Watch) -> Outputs:
    """As `compile_source`, past the cache."""
    outputs = Outputs()
    _front_texts(source, kinds, outputs)
    if not set(kinds) - set(TEXT_KINDS) and kinds:
        return outputs
    from irc.driver.road import Road

    with _rare_collections():
        Road(source, options, watch, outputs).walk(kinds)
    return outputs


@contextmanager
def _rare_collections() -> Iterator[None]:
    """
    The IR is one web of cycles that lives until the end: to look for garbage in it, again and
    again as it grows, took a quarter of the time of the passes and found nothing.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _COLLECT_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
