"""What a user can choose about a compilation: plain data, part of the key of the cache."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from irc.diagnostics import did_you_mean
from irc.errors import UserError

CHECKS = ("bounds", "nan", "compare")
_LIBRARY = re.compile(r"[\w./+-]*")


@dataclass(frozen=True)
class Options:
    """
    defines        `-D`: const or type -> text of its value
    import_paths   `-I`: folders searched for imported files
    opt_level      0: only what lowering needs; 1: without fusion; 2: all; 3: as 2, cc -O3
    target         as written: `cpu:native`, `cpu:x86-64-v3`
    checks         of CHECKS; empty for none
    entry          exported functions to keep; empty for all
    tests          keep the `test` blocks as functions
    pipeline       replaces the passes of the table; "" for the table
    verify_each    run the verifier after every pass, not only at the ends of stages
    lines          `#line` directives in the C text
    lapack         a library with LAPACK's routines, for large linear systems; "" for none
    cc             the C compiler with its first arguments; "" for IRC_CC, cc, gcc or clang
    cflags         further arguments for it
    cache          folder of the compile cache; None for the user's
    use_cache      look there first, store there afterwards
    """

    defines: dict[str, str] = field(default_factory=dict)
    import_paths: tuple[Path, ...] = ()
    opt_level: int = 2
    target: str = "cpu:native"
    checks: frozenset[str] = frozenset({"bounds"})
    entry: tuple[str, ...] = ()
    tests: bool = False
    pipeline: str = ""
    verify_each: bool = False
    lines: bool = False
    lapack: str = ""
    cc: str = ""
    cflags: tuple[str, ...] = ()
    cache: Path | None = None
    use_cache: bool = True

    def __post_init__(self) -> None:
        if self.opt_level not in range(4):
            raise UserError(f"no optimization level {self.opt_level}: there are 0, 1, 2 and 3")
        for check in self.checks:
            if check not in CHECKS:
                raise UserError(f"no check is called `{check}`; there are {', '.join(CHECKS)}")
        if not _LIBRARY.fullmatch(self.lapack):
            raise UserError(f"`{self.lapack}` is no name of a library, as libopenblas.so.0 is")

    def key(self) -> dict[str, Any]:
        """What changes the result, as JSON, in one order."""
        return {
            "defines": dict(sorted(self.defines.items())),
            "opt_level": self.opt_level,
            "target": self.target,
            "checks": sorted(self.checks - {"compare"}),
            "entry": sorted(self.entry),
            "tests": self.tests,
            "pipeline": self.pipeline,
            "lines": self.lines,
            "lapack": self.lapack,
            "cflags": list(self.cflags),
        }


def from_keywords(**options: Any) -> Options:
    """
    Options as a Python caller gives them: plain containers, and `check="nan"` or `O=0` as the
    command line spells them.

    Raises TypeError with a suggestion for a name that is none.
    """
    names = {f.name for f in fields(Options)}
    values: dict[str, Any] = {}
    for name, value in options.items():
        match SPELLINGS.get(name, name):
            case "defines":
                values["defines"] = {
                    k: str(v).lower() if isinstance(v, bool) else str(v)
                    for k, v in dict(value).items()
                }
            case "checks":
                values["checks"] = parse_checks(value)
            case "import_paths":
                paths = [value] if isinstance(value, str | Path) else value
                values["import_paths"] = tuple(Path(p) for p in paths)
            case "entry" | "cflags" as plural:
                values[plural] = tuple([value] if isinstance(value, str) else value)
            case "cache":
                values["cache"] = Path(value) if value is not None else None
            case known if known in names:
                values[known] = value
            case unknown:
                close = did_you_mean(unknown, [*names, *SPELLINGS])
                hint = f"; did you mean `{close[0]}`?" if close else ""
                raise TypeError(f"compile() has no option `{unknown}`{hint}")
    return Options(**values)


SPELLINGS = {
    "D": "defines",
    "I": "import_paths",
    "O": "opt_level",
    "check": "checks",
}


def parse_checks(value: str | Iterable[str]) -> frozenset[str]:
    """`nan` is `bounds,nan`: only `none` takes `bounds` away."""
    words = value.split(",") if isinstance(value, str) else value
    names = {word.strip() for word in words} - {""}
    return frozenset(names - {"none"} if "none" in names else names | {"bounds"})
