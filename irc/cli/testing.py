"""Running the `test` blocks of a program."""

from __future__ import annotations

import sys
import time

from irc.cli.common import Reporter
from irc.errors import CheckFailed, IrcError


def run_tests(data: bytes, name: str, reporter: Reporter, seed: int = 0, folder: str = "") -> int:
    """
    Runs each test on a module of its own, with fresh state, and prints a line for it.

    Raises CheckFailed when one did not hold.
    """
    from irc.runtime.module import load_bytes

    names = list(load_bytes(data, name, seed, folder).tests)
    if not names:
        reporter.note(f"{name} has no tests")
        return 0
    failed = 0
    for test in names:
        module = load_bytes(data, name, seed, folder)
        start = time.perf_counter()
        try:
            module.tests[test]()
        except IrcError as error:
            failed += 1
            print(f"test {title(test)} ... FAILED\n  {str(error).replace(chr(10), chr(10) + '  ')}")
            continue
        finally:
            sys.stdout.flush()
        print(f"test {title(test)} ... ok ({(time.perf_counter() - start) * 1e3:.1f} ms)")
    passed = len(names) - failed
    print(f"{passed} of {len(names)} passed")
    if failed:
        raise CheckFailed(f"{failed} of {len(names)} tests failed")
    return 0


def title(test: str) -> str:
    return test.removeprefix("test:").strip()
