"""E06: imports and externs."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0601",
        "a module is not found",
        """
        `import "file.irc" as m` looks beside the importing file and in the folders given with
        -I; `import nn` looks into the standard library. An import never leaves these folders.
        """,
    ),
)
