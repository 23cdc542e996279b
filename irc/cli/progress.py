"""One line on a terminal for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from irc.cli.common import Reporter, is_terminal
from irc.driver import Watch

PATIENCE_S = 1.0


@contextmanager
def progress(what: str, watch: Watch, reporter: Reporter) -> Iterator[None]:
    """Shows the present step and the seconds so far, and takes the line away at the end."""
    if reporter.quiet or reporter.style != "text" or not is_terminal(sys.stderr):
        yield
        return
    done = threading.Event()
    start = time.monotonic()
    shown = False

    def show() -> None:
        nonlocal shown
        if done.wait(PATIENCE_S):
            return
        while not done.wait(0.2):
            seconds = time.monotonic() - start
            sys.stderr.write(f"\r\x1b[K{what}: {watch.now}, {seconds:.0f} s")
            sys.stderr.flush()
            shown = True

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
