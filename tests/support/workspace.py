"""What `irc-compile --memory` says that a program needs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from irc.cli.compile import main as irc_compile


def predicted(
    source: Path, sizes: dict[str, int], capsys: pytest.CaptureFixture[str], *flags: str
) -> dict[str, int]:
    """Bytes of workspace by function, as `irc-compile --memory` prints them."""
    given = ",".join(f"{name}={value}" for name, value in sizes.items())
    capsys.readouterr()
    command = [str(source), *flags, f"--memory={given}", "--emit", "json", "-o", os.devnull]
    assert irc_compile(command) == 0
    lines = capsys.readouterr().err.splitlines()
    found = [re.fullmatch(r"(\w+): workspace (?:.* = )?(\d+) bytes", line) for line in lines]
    return {match[1]: int(match[2]) for match in found if match}
