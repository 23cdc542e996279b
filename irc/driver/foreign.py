"""Messages about IR that somebody wrote, where passes and the emitter would rely on more."""

from __future__ import annotations

from collections.abc import Collection

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from irc.diagnostics import Diagnostic, Label, SourceMap
from irc.dialects.verify import left_over, span_of
from irc.errors import UserError


def check_levels(module: ModuleOp, legal: Collection[str], file: str, text: str) -> None:
    """
    `legal` holds the dialects and ops of the level at which IR enters.

    Raises UserError E0802 for ops of other levels: those ahead of it are lowered by no pass.
    """
    found = left_over(module, legal)
    if found:
        level = ", ".join(sorted(name for name in legal if "." not in name))
        raise _refusal(
            f"{found[0].name} does not belong to the level of this IR",
            found[0],
            f"what enters here consists of {level}",
            file,
            text,
        )


def no_spelling(op: Operation, file: str = "", text: str = "") -> UserError:
    """For the op that made the emitter stop."""
    hint = "C text is made from what `loops-plan-memory` leaves"
    return _refusal(f"{op.name} has no spelling in C", op, hint, file, text)


def _refusal(title: str, op: Operation, note: str, file: str, text: str) -> UserError:
    span = span_of(op)
    labels = (Label(span, primary=True),) if span else ()
    sources = SourceMap()
    if text:
        sources.add(file, text)
    return UserError(Diagnostic("E0802", title, labels, notes=(note,)), sources if text else None)
