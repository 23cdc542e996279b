"""The context in which IR is read: irc's dialects, and all of xDSL's, each loaded on first use."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect


def _nd() -> Dialect:
    from irc.dialects.nd import ND

    return ND


def _rt() -> Dialect:
    from irc.dialects.rt import RT

    return RT


OWN: dict[str, Callable[[], Dialect]] = {"nd": _nd, "rt": _rt}


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows every dialect by name and has loaded none but builtin and func."""
    from irc.dialects import upstream

    upstream.mend()
    ctx = Context(allow_unregistered=allow_unregistered)
    for name, load in (get_all_dialects() | OWN).items():
        ctx.register_dialect(name, load)
    ctx.load_registered_dialect("builtin")
    ctx.load_registered_dialect("func")
    return ctx
