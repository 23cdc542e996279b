"""The examples: the tests in the programs pass, and the drivers meet their goals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from irc.cli.common import Reporter
from irc.cli.testing import run_tests
from irc.driver import Options, Source, compile_source

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
# nn.irc is a library. That all compile, and give the same at every level, is for tests/levels.
PROGRAMS = [path for path in sorted(EXAMPLES.glob("*.irc")) if '\ntest "' in path.read_text()]
SHORT = ("recurrence", "power")  # the other drivers train for many seconds
LONG = ("sequences", "autoencoders", "convnet", "initialization", "catch", "hmc")


@pytest.mark.cc
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_what_a_program_says_of_itself(path: Path) -> None:
    source = Source(path.read_text(), str(path))
    outputs = compile_source(source, Options(tests=True), ["so"])
    run_tests(outputs.data("so"), source.file, Reporter())


def test_every_driver_is_run() -> None:
    beside = {path.stem for path in EXAMPLES.glob("*.py")} - {"common", "demo"}
    assert beside == {*SHORT, *LONG}


@pytest.mark.cc
@pytest.mark.parametrize(
    "name", [*SHORT, *(pytest.param(name, marks=pytest.mark.long) for name in LONG)]
)
def test_drivers_meet_their_goals(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "IRC_FIGURES": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " ok" in done.stdout and "MISSED" not in done.stdout
