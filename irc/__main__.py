"""`python -m irc`: the commands and the version."""

from __future__ import annotations

import sys

from irc.release import __version__

COMMANDS = {
    "irc-compile": "a program in, a shared object out, or any text on the way",
    "irc-opt": "runs passes on IR or on a program, one by one",
    "irc-run": "calls, tests and measures functions of a program or a module",
}


def main() -> int:
    print(f"irc {__version__}")
    for name, text in COMMANDS.items():
        print(f"  {name:<12} {text}")
    print("Each explains itself with --help.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
