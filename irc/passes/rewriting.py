"""
Rewrites that keep their spans.

xDSL's rewriter gives new ops no location. Here each op that a pattern inserts gets the span of
the op that the pattern matched, unless the pattern set one itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects.builtin import LocationAttr, UnknownLoc
from xdsl.ir import Operation
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriterListener,
    PatternRewriteWalker,
    RewritePattern,
)

_UNKNOWN = UnknownLoc()


@dataclass(eq=False)
class _KeepSpans(RewritePattern):
    """Runs `pattern`; `mark` listens to what it inserts."""

    pattern: RewritePattern
    span: LocationAttr = field(default=_UNKNOWN, init=False)

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        self.span = op.location
        self.pattern.match_and_rewrite(op, rewriter)

    def mark(self, new: Operation) -> None:
        give_span(new, self.span)


def give_span(op: Operation, span: LocationAttr) -> None:
    """Sets the span of `op` and of what is inside it, where there is none yet."""
    if not op.regions:
        if op.location == _UNKNOWN:
            op.location = span
        return
    for inner in op.walk():
        if inner.location == _UNKNOWN:
            inner.location = span


def rewrite(root: Operation, *patterns: RewritePattern) -> bool:
    """Applies the patterns inside `root` until none fires. Gives whether any did."""
    applied = patterns[0] if len(patterns) == 1 else GreedyRewritePatternApplier(list(patterns))
    keeping = _KeepSpans(applied)
    listener = PatternRewriterListener(operation_insertion_handler=[keeping.mark])
    walker = PatternRewriteWalker(keeping, listener=listener)
    changed = False
    for region in root.regions:
        changed |= walker.rewrite_region(region)
    return changed
