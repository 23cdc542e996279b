"""The project's own machinery: one version, make's targets, tools/check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def test_the_version_is_said_once() -> None:
    import irc

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert irc.__version__ == project["version"]


def test_make_explains_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True)
    assert re.findall(r"^  make ([a-z-]+) +\w", done.stdout, re.MULTILINE) == phony[1].split()


@pytest.mark.parametrize("missing", ["python", "compiler"])
def test_make_says_what_the_machine_lacks(tmp_path: Path, missing: str) -> None:
    """A PATH with only make, a shell's tools and, for the second case, a Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh", "test", "echo"):
        found = subprocess.run(["which", name], capture_output=True, text=True).stdout.strip()
        (tools / name).symlink_to(found)
    if missing == "compiler":
        (tools / "python3").symlink_to(sys.executable)
    # What make says about itself to its children must not reach this make.
    environment = {"PATH": str(tools), "LC_ALL": "C"}
    done = subprocess.run(
        [tools / "make", "-C", ROOT, "venv", f"VENV={tmp_path / 'venv'}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    expected = {
        "python": "irc needs Python 3.11 or later",
        "compiler": "irc needs a C compiler (gcc or clang)",
    }
    assert expected[missing] in done.stdout
    assert not (tmp_path / "venv").exists()


def test_ci_is_a_script_that_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    assert script.read_text().rstrip().endswith("make test")


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/check as a module; it has no suffix, so `import` would not find it."""
    loader = SourceFileLoader("check", str(ROOT / "tools" / "check"))
    module = module_from_spec(spec_from_file_location("check", loader.path, loader=loader))
    monkeypatch.setitem(sys.modules, "check", module)  # dataclasses look their module up
    loader.exec_module(module)
    return module


def test_check_goes_on_after_a_failure_and_reports_it(
    check: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [check.Step("bad", ("false",)), check.Step("good", ("true",))]
    monkeypatch.setattr(check, "steps", lambda: {step.name: step for step in steps})
    monkeypatch.setattr(sys, "argv", ["check", "bad", "good"])
    assert check.main() == 1
    assert re.search(r"bad +FAILED +\d\.\d s\n +good +ok +\d\.\d s\n$", capsys.readouterr().out)
    monkeypatch.setattr(sys, "argv", ["check", "good"])
    assert check.main() == 0


def test_check_refuses_an_unknown_step(check: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["check", "typos"])
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 2


def test_every_set_of_checks_names_steps_that_exist(check: ModuleType) -> None:
    for names in (check.USUAL, *check.SETS.values()):
        assert set(names) <= set(check.steps())
