"""What a stock `xdsl-opt` learns from irc, through the entry point `xdsl.universe`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes
from xdsl.universe import Universe

from irc.dialects.context import OWN
from irc.pipeline import PASSES, pass_class


def _passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """
    irc's passes; each is imported when it runs.

    A name that xDSL has too would stop every xdsl-opt: those passes are for irc-opt only.
    """
    taken = get_all_passes()
    return {name: partial(pass_class, name) for name in PASSES if name not in taken}


IRC_UNIVERSE = Universe(all_dialects=dict(OWN), all_passes=_passes())
