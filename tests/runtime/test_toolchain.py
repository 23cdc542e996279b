"""The C compiler: equal bytes for equal text, and every way in which it can let us down."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from modules_by_hand import FIT

from irc.codegen.c.toolchain import (
    CcOptions,
    Compiler,
    compile_object,
    compile_shared,
    find_compiler,
    first_error,
)
from irc.errors import ToolError

ROOT = Path(__file__).parents[2]
TEXT = "int answer(void);\nint answer(void) { return 42; }\n"


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a failed compilation keeps goes away with the test."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))


def script(path: Path, body: str) -> Compiler:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Compiler((str(path),))


def failure(compiler: Compiler, **options: object) -> ToolError:
    with pytest.raises(ToolError) as caught:
        compile_shared(TEXT, CcOptions(**options), compiler)  # type: ignore[arg-type]
    return caught.value


def test_equal_text_gives_equal_bytes_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compile_shared(FIT.text.c).data
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("CPATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert compile_shared(FIT.text.c).data == first
    assert str(tmp_path).encode() not in first and b"/tmp" not in first


def test_the_command_has_an_absolute_compiler_and_no_shell(tmp_path: Path) -> None:
    built = compile_shared(TEXT, CcOptions(optimize=3, march="x86-64-v2", keep=tmp_path / "kept"))
    assert os.path.isabs(built.command[0])
    assert {"-O3", "-march=x86-64-v2", "-ffp-contract=off", "-shared"} <= set(built.command)
    assert not any("ffast-math" in flag for flag in built.command)
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["module.c", "module.so"]


def test_an_object_file(tmp_path: Path) -> None:
    (tmp_path / "m.o").write_bytes(compile_object(TEXT).data)
    out = subprocess.run(["nm", tmp_path / "m.o"], capture_output=True, text=True).stdout
    assert " answer" in out


def test_loading_leaves_denormals_on(tmp_path: Path) -> None:
    path = tmp_path / "m.so"
    path.write_bytes(compile_shared(FIT.text.c, CcOptions(march="native", optimize=3)).data)
    code = f"import ctypes; ctypes.CDLL({str(path)!r}); print(5e-324 * 1.0 != 0.0)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout == "True\n"


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolError, match="the C compiler '/none/cc' is not there"):
        find_compiler("/none/cc")
    monkeypatch.setenv("IRC_CC", "no-such-compiler -x")
    with pytest.raises(ToolError, match="the C compiler 'no-such-compiler -x' is not there"):
        find_compiler()
    monkeypatch.delenv("IRC_CC")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="none of cc, gcc and clang is on the PATH"):
        find_compiler()


def test_irc_cc_may_have_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_CC", "gcc -DEXTRA=1")
    compiler = find_compiler()
    assert os.path.isabs(compiler.argv[0]) and compiler.argv[1] == "-DEXTRA=1"
    assert compile_shared(f"#if EXTRA\n{TEXT}#endif\n", compiler=compiler).data
    assert "gcc" in compiler.version().lower() or "free software" in compiler.version().lower()


def test_a_failing_compiler_says_its_first_error_and_keeps_the_log() -> None:
    with pytest.raises(ToolError) as caught:
        compile_shared("int f(void) { return x; }\n")
    lines = str(caught.value).splitlines()
    assert "failed: module.c:1:" in lines[0] and "error" in lines[0]
    assert lines[1].startswith("  command: /")
    directory = Path(lines[2].removeprefix("  log and C text: "))
    assert sorted(p.name for p in directory.iterdir()) == ["command.txt", "log.txt", "module.c"]
    assert "error" in (directory / "log.txt").read_text()
    assert directory.stat().st_mode & 0o077 == 0


def test_a_compiler_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "cc"
    path.write_text("not a program")
    path.chmod(0o755)
    assert "cannot run cc: Exec format error" in str(failure(Compiler((str(path),))))


def test_a_hanging_compiler_is_stopped_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    compiler = script(tmp_path / "cc", f"sleep 100 & echo $! > {mark}; sleep 100")
    assert "cc took longer than 0.5 s" in str(failure(compiler, timeout_s=0.5))
    child = int(mark.read_text())
    for _ in range(50):  # it may take a moment to be reaped
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the compiler's child lives on")


def test_a_killed_compiler(tmp_path: Path) -> None:
    compiler = script(tmp_path / "cc", "echo working; kill -9 $$")
    error = failure(compiler)
    assert "cc was killed by SIGKILL" in str(error) and error.log == "working\n"


def test_a_silent_failure(tmp_path: Path) -> None:
    assert "cc failed: exit code 7" in str(failure(script(tmp_path / "cc", "exit 7")))


def test_a_compiler_that_writes_nothing(tmp_path: Path) -> None:
    error = failure(script(tmp_path / "cc", "exit 0"))
    assert "module.so" in str(error) and "No such file" in str(error)


def test_endless_output_is_cut(tmp_path: Path) -> None:
    error = failure(script(tmp_path / "cc", "yes | head -c 3000000; exit 1"))
    assert len(error.log) == 1 << 20


def test_a_compiler_without_openmp_gives_serial_code(tmp_path: Path) -> None:
    real = find_compiler().argv[0]
    compiler = script(
        tmp_path / "cc",
        'case "$* " in *"-fopenmp "*) echo "ld: cannot find -lomp"; exit 1;; esac\n'
        f'exec {real} "$@"',
    )
    built = compile_shared(TEXT, CcOptions(openmp=True), compiler)
    assert built.data and built.notes == ("cc has no OpenMP here: one thread only",)
    assert "-fopenmp" not in built.command


def test_the_identity_follows_the_compiler(tmp_path: Path) -> None:
    compiler = script(tmp_path / "cc", "exit 0")
    first = compiler.identity
    assert compiler.identity == first
    script(tmp_path / "cc", "exit 00")
    assert compiler.identity != first
    assert Compiler((*compiler.argv, "-m32")).identity != compiler.identity


def test_the_first_error_is_found_among_warnings() -> None:
    log = "a.c: In function 'f':\na.c:1: warning: w\na.c:2:3: error: bad\na.c:3:3: error: worse\n"
    assert first_error(log) == "a.c:2:3: error: bad"
    assert first_error("") == ""


def test_nothing_stays_in_the_temporary_directory(tmp_path: Path) -> None:
    compile_shared(TEXT)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_full_or_missing_temporary_directory_is_a_tool_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(ToolError, match="No such file or directory"):
        compile_shared(TEXT)
