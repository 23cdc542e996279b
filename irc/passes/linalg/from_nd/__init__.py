"""From nd to linalg: the lowerings of all ops, one table."""

from __future__ import annotations

from xdsl.ir import Operation

from irc.passes.linalg.from_nd import (
    effects,
    elementwise,
    indexing,
    reduction,
    sources,
    structure,
)
from irc.passes.linalg.from_nd.lowering import Lower

LOWERINGS: dict[type[Operation], Lower] = {
    **effects.LOWERINGS,
    **elementwise.LOWERINGS,
    **indexing.LOWERINGS,
    **reduction.LOWERINGS,
    **sources.LOWERINGS,
    **structure.LOWERINGS,
}
