"""Removes the checks of computed indices and divisors, for `--check none`."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from irc.dialects.nd.effects import DIVISION_BY_ZERO, INDEFINITE, SINGULAR, AssertOp
from irc.dialects.nd.indexing import IndexedOp
from irc.dialects.verify import walk

# How checks begin that guard what has an answer without them.
ANSWERED = (DIVISION_BY_ZERO, INDEFINITE, SINGULAR)


@dataclass(frozen=True)
class DropChecksPass(ModulePass):
    """
    Without a check a gather reads 0 where its index is outside, and a scatter writes nothing:
    still no stray read. An integer divided by zero gives 0, a singular matrix infinity or NaN.

    ```
    nd.assert "bounds" %ok, "..."(%i)       ->
    %y = nd.gather %x[%i] in_bounds               %y = nd.gather %x[%i]
    ```

    Checks of windows stay: a slice has no way to leave out an element.
    Needs nd. Leaves nd with fewer checks.
    """

    name = "nd-drop-checks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        readers = [one for one in walk(op) if isinstance(one, IndexedOp)]
        positions: dict[SSAValue, list[IndexedOp]] = {}
        for reader in readers:
            for index in reader.indices:  # type: ignore[attr-defined]
                positions.setdefault(index, []).append(reader)
        for one in list(walk(op)):
            if not isinstance(one, AssertOp) or one.kind.data != "bounds":
                continue
            guarded = [reader for x in one.shown for reader in positions.get(x, ())]
            if guarded or one.message.data.startswith(ANSWERED):
                for reader in guarded:
                    reader.properties.pop("in_bounds", None)
                one.detach()
                one.erase()
