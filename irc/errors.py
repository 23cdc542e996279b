"""
Every exception that irc raises on purpose.

    IrcError
      UserError        the program is wrong: carries diagnostics           exit 1
        Unsupported    the program is right, irc cannot do it yet          exit 1
      ToolError        cc, nvcc or another tool is missing or failed       exit 3
      InternalError    irc is wrong                                        exit 4
      CheckFailed      a test or a comparison did not hold                 exit 5
      ArgumentError, ShapeError, DTypeError, BoundsError, AssertError,
      MemoryError_, DeviceError, LoadError                                 at run time

Run-time errors are also the built-in exceptions that a NumPy user would expect, so
`except ValueError` catches a wrong shape. This file imports nothing of irc at load.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irc.diagnostics import Diagnostic, SourceMap


class IrcError(Exception):
    """What all errors of irc have in common. `exit_code` is that of the commands."""

    exit_code = 1


class UserError(IrcError):
    """
    A mistake in the user's program.

    diagnostics   what to tell; a plain string becomes one diagnostic without a place
    sources       texts of the files named there, so that `str(error)` can show the lines
    """

    default_code = ""

    def __init__(
        self,
        diagnostics: str | Diagnostic | Iterable[Diagnostic],
        sources: SourceMap | None = None,
    ) -> None:
        from irc.diagnostics import Diagnostic

        if isinstance(diagnostics, str):
            diagnostics = Diagnostic(self.default_code, diagnostics)
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: list[Diagnostic] = list(diagnostics)
        self.sources = sources
        super().__init__(self.diagnostics, sources)

    def __str__(self) -> str:
        from irc.diagnostics import render, render_short

        if self.sources is None:
            return "\n".join(render_short(d) for d in self.diagnostics)
        return "\n\n".join(render(d, self.sources) for d in self.diagnostics)


class Unsupported(UserError):
    """A known gap. The message says what is not supported and what to write instead."""

    default_code = "E0901"


class ToolError(IrcError):
    """
    A tool outside irc is missing, failed, hung or was killed.

    command   its argument list; empty when it could not be found
    log       everything that it wrote
    """

    exit_code = 3

    def __init__(self, message: str, command: Iterable[str] = (), log: str = "") -> None:
        self.command = tuple(command)
        self.log = log
        super().__init__(message, self.command, log)

    def __str__(self) -> str:
        return str(self.args[0])


class InternalError(IrcError):
    """
    A bug of irc.

    reproducer   path of the file that replays it, once it is written
    replay       how irc-opt does: its flags before that path
    """

    exit_code = 4
    replay = "--run-reproducer"

    def __init__(self, message: str, reproducer: str | None = None) -> None:
        self.reproducer = reproducer
        super().__init__(message, reproducer)

    def __str__(self) -> str:
        return str(self.args[0])


class CheckFailed(IrcError):
    """A test, a comparison of levels or an expectation that did not hold."""

    exit_code = 5


class ArgumentError(IrcError, TypeError):
    """A call with too many, too few, unknown or overlapping arguments."""


class ShapeError(IrcError, ValueError):
    """An argument whose shape does not fit its declaration or the other arguments."""


class DTypeError(IrcError, TypeError):
    """An argument whose dtype is not the declared one."""


class BoundsError(IrcError, IndexError):
    """An index, known only at run time, outside its tensor."""


class AssertError(IrcError, AssertionError):
    """An `assert` of the program that did not hold."""


class MemoryError_(IrcError, MemoryError):
    """The workspace or a result could not be allocated. State is unchanged."""


class DeviceError(IrcError, RuntimeError):
    """A device is missing or failed."""


class LoadError(IrcError, OSError):
    """A file that is no irc module, is damaged, or was made for another machine."""

    def __str__(self) -> str:
        return " ".join(str(a) for a in self.args)


PUBLIC: tuple[type[IrcError], ...] = (
    IrcError,
    UserError,
    Unsupported,
    ToolError,
    InternalError,
    CheckFailed,
    ArgumentError,
    ShapeError,
    DTypeError,
    BoundsError,
    AssertError,
    MemoryError_,
    DeviceError,
    LoadError,
)

# A traceback shows `irc.ShapeError`, the name under which users catch it.
for _error in PUBLIC:
    _error.__module__ = "irc"
