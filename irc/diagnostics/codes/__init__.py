"""
The table of codes: what each means, with a wrong and a right program.

`irc-compile --explain E0201` prints a page, the manual prints all of them. A code has one
row, in the file of its family.

names.py        E01: names and syntax        state.py    E05: state and recurrences
shapes.py       E02: shapes, sizes, indices  modules.py  E06: imports and externs
dtypes.py       E03: dtypes                  tools.py    E07 to E09: targets, IR text, gaps
derivatives.py  E04: derivatives             lints.py    W04: warnings
page.py         what a page consists of
"""

from __future__ import annotations

from irc.diagnostics.codes import (
    derivatives,
    dtypes,
    lints,
    modules,
    names,
    shapes,
    state,
    tools,
)
from irc.diagnostics.codes.page import Page
from irc.diagnostics.model import Diagnostic
from irc.diagnostics.suggest import did_you_mean
from irc.errors import UserError

__all__ = ["PAGES", "Page", "explain"]

PAGES: dict[str, Page] = {
    page.code: page
    for family in (names, shapes, dtypes, derivatives, state, modules, tools, lints)
    for page in family.PAGES
}


def explain(code: str) -> str:
    """
    The page of a code as text; upper or lower case.

    Raises UserError for a code that does not exist, with the ones that look like it.
    """
    page = PAGES.get(code.strip().upper())
    if page is not None:
        return page.text()
    near = did_you_mean(code.strip().upper(), PAGES)
    helps = [f"did you mean {near[0]}?"] if near else ["codes look like E0201 and W0401"]
    raise UserError(
        Diagnostic("", f"there is no message with the code `{code}`", helps=tuple(helps))
    )
