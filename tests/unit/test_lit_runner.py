"""The shell that runs `RUN:` lines, and the collector around it."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import lit_tools
import pytest
from lit_shell import NeedsShell, Shell, parse

pytest_plugins = ["pytester"]

TESTS = Path(__file__).parents[1]


def shout(argv: list[str]) -> int:
    """Stands for a command of irc: copies its input in capitals, warns, obeys its arguments."""
    if "crash" in argv:
        raise KeyError("lost")
    if "exit" in argv:
        sys.exit(3)
    sys.stdout.write(sys.stdin.read().upper())
    print("careful", file=sys.stderr)
    return 1 if "fail" in argv else 0


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """In a folder with the file `in`; knows the tool `shout`."""
    module = types.ModuleType("shout_tool")
    module.main = shout  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shout_tool", module)
    monkeypatch.setitem(lit_tools.TOOLS, "shout", "shout_tool")
    (tmp_path / "in").write_text("one\ntwo\n")
    return Shell(tmp_path, {"s": str(tmp_path / "in"), "t": str(tmp_path / "tmp"), "%": "%"})


@pytest.mark.parametrize(
    "line",
    [
        "cat %s",
        "cat < %s | shout | cat > %t && diff %t out",
        "cat %s | shout 2>&1 | grep careful",
        "cat %s|shout 2>&1|grep careful",
        "shout < in 2> %t; grep careful %t",
        "shout < in > %t 2>&1 && grep -c . %t && grep ONE %t && grep careful %t",
        "echo 'a|b' >> log && echo c >> log && grep -x 'a|b' log && grep -x c log",
        "not shout fail < in",
        "not shout exit < in",
        "not cat missing",
        "not diff in out",
        "not no-such-program-anywhere",
        "test -e in",
        "> %t && test -e %t && not test -s %t",
        'for f in i*; do test "$f" = in; done',
        "false || not false",
    ],
)
def test_line_succeeds(shell: Shell, line: str) -> None:
    (shell.directory / "out").write_text("ONE\nTWO\n")
    assert shell.run(line), shell.steps


@pytest.mark.parametrize(
    "line",
    [
        "cat missing",
        "not cat %s",
        "false | cat",
        "shout fail < in | cat",
        "shout fail < in && true",
        "false; true",
        "shout crash",
        "not shout crash",
        "diff in missing",
        "false || false",
        "cat |",
        "| cat",
    ],
)
def test_line_fails(shell: Shell, line: str) -> None:
    assert not shell.run(line), shell.steps


def test_tools_run_in_this_process_and_in_order(shell: Shell) -> None:
    assert shell.run("cat %s | shout 2>&1 | cat")
    assert shell.steps[-1].stdout == b"ONE\nTWO\ncareful\n"
    assert [step.text for step in shell.steps][1] == "shout 2>&1"


def test_a_crash_shows_its_traceback_also_when_failure_is_expected(shell: Shell) -> None:
    assert not shell.run("not shout crash 2> %t")
    assert b"KeyError: 'lost'" in shell.steps[-1].stderr


def test_streams_come_back_after_a_crash(shell: Shell) -> None:
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    shell.run("shout crash")
    assert (sys.argv, sys.stdin, sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("line", ["a $x", "a `b`", "a *.c", "a || b", "a & b", "(a)", "a {b,c}"])
def test_what_the_shell_does_not_know_goes_to_bash(line: str) -> None:
    with pytest.raises(NeedsShell):
        parse(line)


def test_words_are_split_before_substitution(shell: Shell) -> None:
    shell.substitutions["s"] = str(shell.directory / "a name with blanks")
    assert shell.run("echo hello > %s && cat %s")
    assert shell.steps[-1].stdout == b"hello\n"


def test_quotes_and_braces() -> None:
    [[command]] = parse("""a -p 'b{c=1,d="e"}' "x \\" y" f{g=1} h\\ i '' """)
    assert command.argv == ("a", "-p", 'b{c=1,d="e"}', 'x " y', "f{g=1}", "h i", "")


def test_bash_finds_the_tools(shell: Shell) -> None:
    shell.directory.joinpath("check").write_text("// CHECK: hello\n")
    assert shell.run("for word in hello; do echo $word | filecheck check; done"), shell.steps


GOOD = """\
// RUN: cat %s \\
// RUN:   | filecheck %s
// RUN: cat %s > %t && diff %s %t
// CHECK: anchor
anchor
"""
BAD = """\
# RUN: cat %s | filecheck %s --check-prefix=ABSENT
# ABSENT: line {{[0-9][0-9]}}
line one
"""


def test_collector(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\npythonpath = {TESTS / 'support'}\nmarkers =\n  long:")
    pytester.makeconftest((TESTS / "lit" / "conftest.py").read_text())
    files = {"good.mlir": GOOD, "bad.irc": BAD, "empty.mlir": "// CHECK: nothing is run\n"}
    files["late.mlir"] = "// REQUIRES: long\n// RUN: false\n"
    files["Inputs/helper.mlir"] = "read by others\n"
    for name, text in files.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    result = pytester.runpytest_subprocess("-m", "not long")
    result.assert_outcomes(passed=1, failed=2, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*bad.irc:1: this line failed*",
            "  RUN: cat %s | filecheck %s --check-prefix=ABSENT",
            "$ filecheck *bad.irc --check-prefix=ABSENT",
            "  exit code 1",
            "*bad.irc:2: error: *",
            "*empty.mlir: no RUN: line*",
        ]
    )
