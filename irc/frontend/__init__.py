"""
Text to `nd`.

syntax.py     text to tree.Module: lexer.py, parser.py and actions.py behind it
mistakes.py   syntax errors in words, for where failure.py says a parse stopped; slips.py has
              those of recurrences, wording.py the parts of messages
strings.py    string literals: escapes, interpolations
tree.py       the syntax tree; walk.py goes through it
format.py     the tree back to canonical text, by spell.py and layout.py
analysis/     names, types, sizes; the tree to `nd`
lib/          the standard library, in irc
grammar.lark  the grammar; build_grammar.py makes grammar.json from it, tables.py reads that
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from irc.abi import ModuleSpec
    from irc.diagnostics import Diagnostic, SourceMap

# A tree is at most 200 levels deep and calls 64; each level is some Python calls.
_RECURSION = 20_000


@dataclass(frozen=True)
class Program:
    """
    A checked program.

    module     in `nd`, with `irc.module` and on each function `irc.signature`
    spec       the same description as a record
    sources    the texts of all files, by the names that messages use
    warnings   lints, in the order in which they were found
    files      paths of the imported files, without the standard library
    """

    module: ModuleOp
    spec: ModuleSpec
    sources: SourceMap
    warnings: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = field(default=())


def load_program(
    text: str,
    defines: Mapping[str, str] | None = None,
    import_paths: Sequence[str | os.PathLike[str]] = (),
    *,
    file: str = "<text>",
    tests: bool = False,
) -> Program:
    """
    Checks a program and builds its `nd` module.

    defines       constants and types to override, `{"H": "1000"}`
    import_paths  folders in which imports are looked for, besides that of `file`
    file          how messages call the program; its imports are looked for beside it
    tests         whether `test` blocks become functions too, `test:NAME`

    Raises UserError with all mistakes that were found, Unsupported when the first of them is a
    known gap.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        return _load(text, dict(defines or {}), import_paths, file, tests)
    finally:
        sys.setrecursionlimit(before)


def _load(
    text: str,
    defines: Mapping[str, str],
    import_paths: Sequence[str | os.PathLike[str]],
    file: str,
    tests: bool,
) -> Program:
    from irc.diagnostics import SourceMap
    from irc.errors import Unsupported, UserError
    from irc.frontend.analysis.loading import Loader
    from irc.frontend.analysis.modules import check_defines
    from irc.frontend.analysis.problems import Problems, TooMany
    from irc.frontend.analysis.program import Builder

    problems = Problems(SourceMap())
    loader = Loader(problems, import_paths)
    built = None
    try:
        main = loader.load(text, file, defines)
        problems.errors += [p.diagnostic for p in check_defines(main, defines) if p.diagnostic]
        if not problems.errors:
            built = Builder(main, loader.modules, problems, file).build(tests)
    except UserError as error:
        error.sources = error.sources or problems.sources
        raise
    except TooMany:
        pass  # enough mistakes for one file
    if built is None:
        kind = Unsupported if problems.errors[0].code == "E0901" else UserError
        raise kind(problems.errors, problems.sources)
    module, spec = built
    return Program(
        module, spec, problems.sources, tuple(problems.warnings),
        tuple(map(os.fspath, loader.files)),
    )  # fmt: skip
