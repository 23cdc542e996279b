"""Products of all steps of a scan at once."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from irc.dialects.nd.loops import ScanOp
from irc.passes.nd.batch_early import Early
from irc.passes.nd.batch_late import Late, needed_by_steps
from irc.passes.nd.batch_rows import PRODUCTS
from irc.passes.nd.dce import remove_dead
from irc.passes.nd.raise_contractions import dot_of_transposes, transpose_of_dot
from irc.passes.nd.rules import Rules, apply_rules, nested_ops, opaque_values
from irc.passes.nd.scans import KIND, has_derivatives, loop_title, scans_in, title
from irc.passes.nd.simplify_scans import simplify_scan
from irc.passes.remarks import listening, remark


@dataclass(frozen=True)
class BatchScansPass(ModulePass):
    """
    Computes products that a recurrence does not wait for for all of its steps at once.

    Before it, what reads no state, with all that this needs, and what is elementwise after it:

        scan t < T:                        z = u @ wu + c
          x = tanh(u[t] @ wu + c      ->   scan t < T:
                   + x @ wx)                 x = tanh(z[t] + x @ wx)

    After it, on the stacks of states, what no later step reads; and sums of products, as one
    product along time:

        scan t < T:                        scan t < T:
          x = ...                     ->     x = ...
          y = x @ wy                       y = x @ wy
          s = s + outer(d[t], x)           s = s + d.T @ x

    A scan without states is computed before it as a whole, and has no loop then. Otherwise work
    moves only with a product: what is elementwise costs nothing in a loop, and memory outside.
    A stack is made for a product only if the product gives or reads one of about its size.

    Needs nd. Leaves nd, equal in exact arithmetic: a product has no order. Sums of floats
    without a product keep theirs.

    explain   tell why products are left in a loop
    """

    name = "nd-batch-scans"

    explain: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        scans = scans_in(op)
        if not scans:
            return
        opaque = opaque_values(nested_ops(op))
        for scan in scans:
            left = _batched(scan, opaque)
            if left is not None and self.explain and listening():
                _explain(left)
        remove_dead(op)
        apply_rules(op, Rules(dot_of_transposes, transpose_of_dot))


def _batched(op: ScanOp, opaque: set[SSAValue]) -> ScanOp | None:
    """The scan that is left."""
    # What a pending derivative is cut off by, or stops at, must still be there when it is taken.
    pending = bool(opaque)
    if not opaque.isdisjoint(op.res) or (pending and (op.truncate or has_derivatives(op))):
        return op
    left: ScanOp | None = op
    early = Early(op)
    if early.move():
        left = simplify_scan(early.new, opaque) if early.new is not None else None
    if left is not None and not pending:
        late = Late(left)
        if late.move():
            left = simplify_scan(late.new, opaque)
    return left


def _explain(op: ScanOp) -> None:
    """Why products are still in the loop."""
    waited = needed_by_steps(op)
    for one in op.body.block.ops:
        if isinstance(one, PRODUCTS):
            if one in waited:
                reason = "the next step waits for it"
            elif op.stop is not None:
                reason = "no step after the one that ends it may be computed"
            else:
                reason = "stacks of what it reads would be much larger than what there is"
            text = f"{title(one)} is computed step by step in {loop_title(op)}: {reason}"
            remark(KIND, one.location, text)
