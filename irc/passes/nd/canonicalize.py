"""The normal form of `nd`: what is equal to the bit and simpler."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc.passes.nd.algebra import ALGEBRA
from irc.passes.nd.conditionals import CONDITIONALS
from irc.passes.nd.rules import Rules, apply_rules
from irc.passes.nd.shapes import SHAPES
from irc.passes.nd.sinking import SINKING

CANONICAL = Rules(*ALGEBRA, *SHAPES, *SINKING, *CONDITIONALS)


@dataclass(frozen=True)
class CanonicalizePass(ModulePass):
    """
    Applies the identities of elementwise functions, moves and conditionals until none fires.

    Needs nd. Leaves nd with the same bits: constants on the right, broadcasts last.
    """

    name = "nd-canonicalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_rules(op, CANONICAL)
