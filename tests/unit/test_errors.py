"""The exceptions: one family, found under `irc`, kept by pickle."""

from __future__ import annotations

import pickle

import pytest

import irc
from irc.diagnostics import Diagnostic, Label, SourceMap, Span
from irc.errors import PUBLIC, InternalError, IrcError, ToolError, Unsupported, UserError

BUILTIN = {
    "ArgumentError": TypeError,
    "ShapeError": ValueError,
    "DTypeError": TypeError,
    "BoundsError": IndexError,
    "AssertError": AssertionError,
    "MemoryError_": MemoryError,
    "DeviceError": RuntimeError,
    "LoadError": OSError,
}


@pytest.mark.parametrize("error", PUBLIC, ids=lambda error: error.__name__)
def test_each_is_found_under_irc_and_survives_pickle(error: type[IrcError]) -> None:
    assert getattr(irc, error.__name__) is error
    assert issubclass(error, IrcError)
    again = pickle.loads(pickle.dumps(error("what happened")))
    assert type(again) is error and "what happened" in str(again)


@pytest.mark.parametrize("name", BUILTIN)
def test_a_run_time_error_is_also_the_builtin_that_numpy_would_raise(name: str) -> None:
    assert issubclass(getattr(irc, name), BUILTIN[name])


def test_exit_codes() -> None:
    assert [e.exit_code for e in (UserError, Unsupported, ToolError, InternalError)] == [1, 1, 3, 4]


def test_a_user_error_keeps_its_diagnostics_in_a_pickle() -> None:
    diagnostic = Diagnostic("E0105", "no", (Label(Span("f", 1, 1, 1, 2), "", True),))
    error = pickle.loads(pickle.dumps(UserError([diagnostic], SourceMap({"f": "x"}))))
    assert error.diagnostics == [diagnostic]
    assert "1 | x" in str(error)


def test_a_tool_error_has_the_command_and_the_log() -> None:
    error = pickle.loads(pickle.dumps(ToolError("cc failed", ["cc", "-O2"], "log")))
    assert (str(error), error.command, error.log) == ("cc failed", ("cc", "-O2"), "log")
