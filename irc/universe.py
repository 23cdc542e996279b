"""What a stock `xdsl-opt` learns from irc, through the entry point `xdsl.universe`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xdsl.passes import ModulePass
from xdsl.universe import Universe

from irc.dialects.context import OWN
from irc.pipeline import PASSES, pass_class


def _passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """irc's passes; each is imported when it runs."""
    return {name: partial(pass_class, name) for name in PASSES}


IRC_UNIVERSE = Universe(all_dialects=dict(OWN), all_passes=_passes())
