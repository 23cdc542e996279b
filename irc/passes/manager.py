"""Runs passes one after the other: time, verification, and who watches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import DiagnosticException, VerifyException

from irc.dialects.verify import verify_module
from irc.errors import InternalError, IrcError


class PassFailure(InternalError):
    """
    A pass that raised, or left wrong IR.

    index   its position in the pipeline that ran, so that the IR before it can be made again
    """

    def __init__(self, message: str, pass_name: str, index: int) -> None:
        super().__init__(message)
        self.pass_name = pass_name
        self.index = index


class Observer:
    """Looks at the module between passes. It changes nothing; it may raise to stop."""

    def before(self, one: ModulePass, module: ModuleOp) -> None:
        """`one` is about to run."""

    def after(self, one: ModulePass, module: ModuleOp) -> None:
        """`one` has run, and the module was verified if it is at all."""

    def failed(self, one: ModulePass, module: ModuleOp) -> None:
        """`one` raised, or left wrong IR."""


@dataclass
class PassManager:
    """
    observers     in the order in which they are told
    verify_each   run the verifier after every pass
    seconds       (name, wall time) of each pass that ran, verification apart
    """

    ctx: Context
    observers: list[Observer] = field(default_factory=list)
    verify_each: bool = True
    seconds: list[tuple[str, float]] = field(default_factory=list)
    verify_seconds: float = 0.0

    def run(self, module: ModuleOp, passes: Sequence[ModulePass]) -> None:
        """
        Runs the passes on `module`.

        Raises what a pass says about the user's program (UserError), and PassFailure for
        everything else that a pass raises or leaves behind.
        """
        for one in passes:
            for observer in self.observers:
                observer.before(one, module)
            try:
                self._apply(one, module)
            except Exception:
                for observer in self.observers:
                    observer.failed(one, module)
                raise
            for observer in self.observers:
                observer.after(one, module)

    def _apply(self, one: ModulePass, module: ModuleOp) -> None:
        index = len(self.seconds)
        start = time.perf_counter()
        try:
            one.apply(self.ctx, module)
        except IrcError as error:
            if isinstance(error, InternalError):
                raise PassFailure(f"{one.name}: {error}", one.name, index) from error
            raise
        except DiagnosticException as error:
            raise PassFailure(f"{one.name}: {_first_line(error)}", one.name, index) from error
        except Exception as error:
            message = f"{one.name} raised {type(error).__name__}: {_first_line(error)}"
            raise PassFailure(message, one.name, index) from error
        self.seconds.append((one.name, time.perf_counter() - start))
        if self.verify_each:
            start = time.perf_counter()
            try:
                verify_module(module)
            except VerifyException as error:
                raise PassFailure(f"{one.name} left wrong IR: {error}", one.name, index) from error
            self.verify_seconds += time.perf_counter() - start


def _first_line(error: Exception) -> str:
    lines = str(error).strip().split("\n")
    return lines[0] if lines[0] else type(error).__name__
