"""What every test gets: a cache of its own, a time limit, and tools that may be missing."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import settings

DEFAULT_TIMEOUT_S = 240  # what hangs fails; a busy machine does not
COMPILERS = {"cc": ("cc", "gcc", "clang"), "clang": ("clang",)}
_cache_root = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """
    The session works in its own cache and ignores the caller's settings.

    Set in the environment and before collection, so that subprocesses and imports see it too.
    """
    config.stash[_cache_root] = tempfile.mkdtemp(prefix="irc-test-cache-")
    for name in [name for name in os.environ if name.startswith("IRC_")]:
        del os.environ[name]
    os.environ.pop("PYTHONUNBUFFERED", None)  # unbuffered, Python does not see that a pipe closed
    os.environ["XDG_CACHE_HOME"] = config.stash[_cache_root]
    os.environ["COLUMNS"] = "100"
    os.environ["NO_COLOR"] = "1"
    # A busy machine is no bug; the time limit below catches what really hangs.
    settings.register_profile("irc", deadline=None, print_blob=True)
    settings.load_profile("irc")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_cache_root], ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, names in COMPILERS.items():
        if item.get_closest_marker(marker) and not any(map(shutil.which, names)):
            pytest.skip(f"none of {', '.join(names)} is installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fails a test that runs too long. What never returns to Python is left to faulthandler."""
    marker = item.get_closest_marker("timeout")
    limit_s = marker.args[0] if marker else DEFAULT_TIMEOUT_S
    if threading.current_thread() is not threading.main_thread():
        return (yield)

    def expire(signum: int, frame: FrameType | None) -> None:
        pytest.fail(f"still running after {limit_s} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
