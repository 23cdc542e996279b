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
    Page(
        "E0602",
        "files import each other",
        """
        An import needs the imported file to be complete. Put what both need into a third one.
        """,
    ),
    Page(
        "E0603",
        "an import leads out of its folder",
        """
        A file imports files beside or below itself, by a relative path, so that a program from
        elsewhere reads nothing else of this machine.
        """,
    ),
    Page(
        "E0604",
        "a name cannot be imported",
        """
        The imported module has no item of that name, or its file name is no name for a module:
        then `as` gives one.
        """,
    ),
)
