"""
irc: tensor programs, with their derivatives and state, compiled to shared objects.

    m = irc.compile("model.irc")        m = irc.load("model.so")

Everything here is imported when it is first used: loading a module needs no compiler.

The road of a program:
frontend/     text to `nd`
dialects/     what each operation means
passes/       `nd` to linalg to loops
codegen/      loops to C
runtime/      a shared object and NumPy arrays to results

Who walks it:
pipeline.py   the table of stages and passes, and the reasons for their order
driver/       from source to artifacts; what was compiled before is in cache.py
cli/          the three commands; __main__.py names them
execution/    runs every level of the IR, to compare them

Facts that all of them read:
diagnostics/  messages; errors.py: the exceptions that carry them
dtypes.py     the table of dtypes
sizes.py      polynomials in symbolic sizes
abi.py        the calling convention as data; seal.py: is a file whole?
options.py    what a user can choose; target.py: what is known of the machine
files.py      reading and writing what users name
release.py    the version; universe.py: what a stock xdsl-opt learns from irc
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from irc.release import __version__

if TYPE_CHECKING:
    from irc.runtime.module import Module

_ERRORS = frozenset(
    """
    IrcError UserError Unsupported ToolError InternalError ArgumentError ShapeError DTypeError
    BoundsError AssertError MemoryError_ DeviceError LoadError CheckFailed
    """.split()
)

__all__ = ["__version__", "compile", "load", *sorted(_ERRORS)]


def load(path: str | os.PathLike[str], *, seed: int = 0) -> Module:
    """
    Loads a compiled module. Its code runs: load only what you trust.

    seed   of the random numbers that its initialisers draw

    Raises LoadError for a file that is no irc module, is damaged or made for another CPU.
    """
    from irc.runtime.module import load as load_module

    return load_module(path, seed)


def compile(source: str | os.PathLike[str], *, seed: int = 0, **options: Any) -> Module:
    """
    Compiles a program and loads it; the result is cached.

    source    a path, or the program's text: a str that ends in `.irc` is a path
    options   those of `irc.options.Options`, also as the command line spells them:
              `D={"H": 64}`, `O=0`, `check="bounds,nan"`

    Raises UserError with messages about the program, Unsupported for what irc cannot do yet, and
    ToolError when the C compiler is missing or fails.
    """
    from pathlib import Path

    from irc.driver import compile_module
    from irc.runtime.module import load as load_module

    text = isinstance(source, str) and ("\n" in source or not source.endswith(".irc"))
    program = str(source) if text else Path(source)
    folder = "" if text else str(Path(source).resolve().parent)
    return load_module(compile_module(program, **options), seed, folder)


def __getattr__(name: str) -> Any:
    if name in _ERRORS:
        import irc.errors

        return getattr(irc.errors, name)
    if name == "Module":
        from irc.runtime.module import Module

        return Module
    raise AttributeError(f"module 'irc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ERRORS, "Module"})
