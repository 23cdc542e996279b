"""The promises of tests/conftest.py."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"
INNER = """
import time
import pytest

@pytest.mark.timeout(0.1)
def test_endless():
    while True:
        time.sleep(0.01)

@pytest.mark.clang
def test_clang():
    pass
"""


def test_the_cache_of_a_test_is_private_and_temporary() -> None:
    cache = Path(os.environ["XDG_CACHE_HOME"])
    assert cache.is_relative_to(tempfile.gettempdir())
    assert cache.stat().st_mode & 0o777 == 0o700


def test_settings_of_the_caller_do_not_reach_a_test() -> None:
    assert not [name for name in os.environ if name.startswith("IRC_")]


def test_hangs_fail_and_missing_compilers_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile(INNER)
    monkeypatch.setenv("PATH", str(pytester.path))
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*still running after 0.1 s*", "*none of clang is installed*"])
