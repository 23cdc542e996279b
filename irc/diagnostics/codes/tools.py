"""E07 to E09: targets, IR text, and what is not there yet."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0701",
        "a target is not known",
        """
        Targets are `cpu`, which is `cpu:native`, and the levels `cpu:x86-64-v2`, `-v3` and
        `-v4`. A module made for one CPU refuses to load on a lesser one.
        """,
    ),
    Page(
        "E0801",
        "IR text cannot be read",
        """
        The text is not MLIR as irc-opt reads it: a syntax error, an unknown operation or type,
        or a use without a definition.
        """,
    ),
    Page(
        "E0802",
        "IR does not hold what its operations demand",
        """
        The text was read, but an operation breaks a numbered constraint of its definition.
        `irc-opt --show-op NAME` prints them.
        """,
    ),
    Page(
        "E0901",
        "not supported yet",
        """
        The program is right, irc cannot compile it. The message says what to write instead.
        """,
    ),
)
