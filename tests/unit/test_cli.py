"""The commands as processes and as functions: exit codes, files, streams, what they import."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc import pipeline
from irc.cli import compile as irc_compile
from irc.cli import opt as irc_opt
from irc.cli import run as irc_run
from irc.cli.flags import Flag

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests/lit/cli/Inputs/small.irc"
COMMANDS = {"irc-compile": irc_compile, "irc-opt": irc_opt, "irc-run": irc_run}
IR = """\
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = nd.exp %x : tensor<2xf32>
  func.return %y : tensor<2xf32>
}
"""


def script(name: str) -> list[str]:
    module = COMMANDS[name].__name__
    return [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())"]


def started(name: str, *args: str, **more: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*script(name), *args], capture_output=True, text=True, env=environment, **more
    )  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def ir(tmp_path: Path) -> Path:
    path = tmp_path / "x.mlir"
    path.write_text(IR)
    return path


# ---- help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_one_screen(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[name].main(["--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("\n") <= 45 and max(map(len, text.split("\n"))) <= 100
    assert text.startswith(f"Usage: {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_all_flags_are_in_help_all(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    COMMANDS[name].main(["--help-all"])
    text = capsys.readouterr().out
    for param in COMMANDS[name].make_command().params:
        if isinstance(param, click.Option):
            assert isinstance(param, Flag) and param.help
            assert param.spelled() in text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flags", [["--help"], ["--version"], ["--show-completion", "bash"]])
def test_asking_is_cheap(name: str, flags: list[str]) -> None:
    """Neither NumPy nor xDSL is loaded to say what a command does."""
    code = textwrap.dedent(f"""
        import sys
        from {COMMANDS[name].__name__} import main
        assert main({flags!r}) == 0
        heavy = sorted(set(sys.modules) & {{"xdsl", "numpy", "lark", "irc.dialects"}})
        assert not heavy, heavy
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_explaining_is_cheap() -> None:
    code = textwrap.dedent("""
        import sys
        from irc.cli.compile import main
        assert main(["--explain", "E0201"]) == 0
        assert not set(sys.modules) & {"xdsl", "numpy", "lark"}
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_the_help_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line at the end of the help, in a folder with files of these names."""
    import numpy as np

    (tmp_path / "x.mlir").write_text(IR)
    (tmp_path / "model.irc").write_text(
        "const H = 10\n\nstate W: f32[784, H] = zeros()\n\n"
        "export def train(x: f32[n, 784], y: i32[n]) -> f32 = sum(x @ W) + f32(sum(y))\n\n"
        "export def predict(x: f32[n, 784]) -> f32[n, H] = x @ W\n"
    )
    np.save(tmp_path / "digits.npy", np.zeros((3, 784), np.float32))
    monkeypatch.chdir(tmp_path)
    if name == "irc-run":
        assert irc_compile.main(["model.irc", "-O0"]) == 0
    for example in COMMANDS[name].EXAMPLES:
        words = example.split("   ")[0].split()
        assert words[0] == name
        if "--bench" in words:
            words += ["--max-seconds", "0.1"]
        assert COMMANDS[name].main(words[1:]) == 0, (example, capsys.readouterr().err)


def test_completion_knows_the_flags() -> None:
    environment = {"_IRC_OPT_COMPLETE": "bash_complete", "COMP_WORDS": "irc-opt --print-a"}
    environment |= {"COMP_CWORD": "1"}
    done = subprocess.run(
        script("irc-opt"), capture_output=True, text=True, cwd=ROOT, env=os.environ | environment
    )
    assert "plain,--print-after-all" in done.stdout.split()


# ---- exit codes


def test_success(ir: Path) -> None:
    assert irc_opt.main([str(ir), "-o", os.devnull]) == 0


@pytest.mark.parametrize(
    ("command", "args", "code"),
    [
        ("irc-opt", ["missing.mlir"], 1),
        ("irc-opt", ["-p", "nothing", "x.mlir"], 2),
        ("irc-opt", ["--to", "nothing", "x.mlir"], 2),
        ("irc-opt", ["--nothing"], 2),
        ("irc-compile", [], 2),
        ("irc-compile", ["missing.irc"], 1),
        ("irc-compile", ["-O", "9", "x.irc"], 2),
        ("irc-compile", ["a.irc", "b.irc"], 2),
        ("irc-run", ["missing.so", "f"], 1),
        ("irc-run", ["--bench", "--test", "x.irc"], 2),
    ],
)
def test_mistakes(
    command: str, args: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert COMMANDS[command].main(args) == code
    err = capsys.readouterr().err
    assert err.startswith("error") and "Traceback" not in err


def test_a_missing_compiler_is_a_tools_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [str(SMALL), "--no-cache", "--cc", "no-such-cc", "-o", str(tmp_path / "x.so")]
    assert irc_compile.main(args) == 3
    assert "no-such-cc" in capsys.readouterr().err


def test_a_failing_compiler_shows_its_command_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [str(SMALL), "--no-cache", "--cc", "/bin/false", "-o", str(tmp_path / "x.so")]
    assert irc_compile.main(args) == 3
    assert capsys.readouterr().err.count("/bin/false ") == 1


def test_a_failing_test_is_neither(tmp_path: Path) -> None:
    program = SMALL.with_name("failing.irc")
    assert irc_compile.main([str(program), "--test", "-O0", "-o", str(tmp_path / "x.so")]) == 5


@contextmanager
def planted(apply: object) -> Iterator[None]:
    """nd-dce does something else meanwhile."""
    original = pipeline.pass_class

    class Planted(ModulePass):
        name = "nd-dce"

        def apply(self, ctx: Context, op: ModuleOp) -> None:
            apply(op)  # type: ignore[operator]

    pipeline.pass_class = lambda name: Planted if name == "nd-dce" else original(name)
    try:
        yield
    finally:
        pipeline.pass_class = original


def raise_(op: ModuleOp) -> None:
    raise RuntimeError("a planted bug")


def break_(op: ModuleOp) -> None:
    for function in op.ops:
        for inner in function.regions[0].block.ops:
            if inner.name == "nd.mul":
                inner.operands = (inner.results[0], inner.operands[1])


@pytest.mark.parametrize("bug", [raise_, break_])
def test_a_bug_of_ours_can_be_replayed(
    bug: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SMALL, "small.irc")
    with planted(bug):
        assert irc_compile.main(["small.irc", "--emit", "loops", "--verify-each"]) == 4
        err = capsys.readouterr().err
        assert "internal error: nd-dce" in err and "Traceback" not in err
        (reproducer,) = tmp_path.glob("small-reproducer-*.mlir")
        assert f"irc-opt --run-reproducer {reproducer.name}" in err
        text = reproducer.read_text()
        assert 'pipeline: "builtin.module(nd-dce' in text and "nd-expand-grad" not in text
        assert irc_opt.main(["--run-reproducer", reproducer.name]) == 4
        assert "internal error: nd-dce" in capsys.readouterr().err
    assert irc_opt.main(["--run-reproducer", reproducer.name, "-o", os.devnull]) == 0


def test_the_traceback_is_shown_with_v(
    ir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with planted(raise_):
        assert irc_opt.main([str(ir), "--nd-dce", "-v"]) == 4
    err = capsys.readouterr().err
    assert "RuntimeError: a planted bug" in err and "Traceback" in err


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, -signal.SIGTERM, "")],
)
def test_an_interrupt_ends_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, said: str
) -> None:
    """Ctrl-C, or an end, while the C compiler runs: nothing written, nothing left behind."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    slow = tmp_path / "slow-cc"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    target = tmp_path / "x.so"
    target.write_text("old")
    process = subprocess.Popen(
        [*script("irc-compile"), str(SMALL), "--no-cache", "--cc", str(slow), "-o", str(target)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    for _ in range(200):
        if subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True).stdout:
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate()
    assert (process.returncode, err.strip()) == (code, said)
    assert target.read_text() == "old"
    assert not list(temporary.iterdir())


# ---- files and streams


def test_a_closed_pipe_is_no_error(ir: Path) -> None:
    many = ir.with_name("many.mlir")
    many.write_text("".join(IR.replace("@f", f"@f{i}") for i in range(2000)))
    process = subprocess.Popen(
        [*script("irc-opt"), str(many)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stderr is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # so that the writer has to wait
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_a_failed_run_leaves_the_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.so"
    target.write_text("old")
    mistake = SMALL.with_name("mistake.irc")
    assert irc_compile.main([str(mistake), "-o", str(target)]) == 1
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_binary_is_not_written_to_a_terminal() -> None:
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [*script("irc-compile"), str(SMALL), "-O0", "-o", "-"],
            stdout=follower,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 1
    assert "the result is binary; write it to a file with -o" in done.stderr


def test_colour_on_a_terminal_unless_refused() -> None:
    mistake = str(SMALL.with_name("mistake.irc"))

    def shown(**environment: str) -> bytes:
        leader, follower = pty.openpty()
        subprocess.run(
            [*script("irc-compile"), mistake],
            stderr=follower,
            cwd=ROOT,
            env=os.environ | environment,
        )
        os.close(follower)
        text = b""
        try:
            while part := os.read(leader, 4096):
                text += part
        except OSError:
            pass
        os.close(leader)
        return text

    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    os.environ.pop("NO_COLOR", None)
    assert b"\x1b[1;31merror" in shown(**environment)
    assert b"\x1b[1;31m" not in shown(NO_COLOR="1")


def test_a_locale_without_the_letters(tmp_path: Path) -> None:
    """What is written is UTF-8, as what is read; what is said has escapes."""
    program = tmp_path / "greek.irc"
    text = 'export def f(λ: f32) -> f32 {\n    print "λ = {λ}"\n    return λ\n}\n'
    program.write_text(text, encoding="utf-8")
    ascii_ = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}

    def run(*argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*script(argv[0]), *argv[1:]], capture_output=True, env=ascii_)

    assert run("irc-compile", str(program), "--emit", "irc", "-o", "-").stdout == text.encode()
    assert run("irc-run", str(program)).stdout.count(b"\\u03bb") == 1
    called = run("irc-run", str(program), "f", "--arg", "2")
    assert called.returncode == 0, called.stderr
    assert called.stdout.splitlines() == [b"\\u03bb = 2.0", b"result: f32 = 2."]


def test_messages_go_to_stderr_and_results_to_stdout(ir: Path) -> None:
    done = started("irc-opt", str(ir), "--print-after-all", "--nd-cse", "--time-passes", "--stats")
    assert "IR Dump" in done.stderr and "pass times" in done.stderr
    assert done.stdout.startswith("builtin.module {") and "Dump" not in done.stdout


def test_json_diagnostics_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    program = SMALL.with_name("warned.irc")
    assert irc_compile.main([str(program), "--check-only", "--diagnostics=json"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["code"] == "W0401" and record["span"]["line"] == 1
    assert record["rendered"].startswith("warning[W0401]")


def test_arguments_from_a_file(
    tmp_path: Path, ir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "args"
    file.write_text(f"{ir} # the input\n--nd-cse\n-o -\n")
    assert irc_opt.main([f"@{file}"]) == 0
    assert "nd.exp" in capsys.readouterr().out


def test_python_dash_m_lists_the_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "irc"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:4]] == list(COMMANDS)


def test_a_stock_xdsl_opt_learns_our_dialects(ir: Path) -> None:
    from xdsl.universe import XDSL_UNIVERSE

    from irc.universe import IRC_UNIVERSE

    assert not set(IRC_UNIVERSE.all_dialects) & set(XDSL_UNIVERSE.all_dialects)
    assert not set(IRC_UNIVERSE.all_passes) & set(XDSL_UNIVERSE.all_passes)
    assert IRC_UNIVERSE.all_dialects["nd"]().name == "nd"
    assert IRC_UNIVERSE.all_passes["nd-cse"]().name == "nd-cse"


def test_a_bug_of_the_emitter_is_replayed_from_the_loops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from irc.codegen.c import emit

    def broken(*args: object, **more: object) -> None:
        raise KeyError("a planted bug")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(emit, "emit_functions", broken)
    assert irc_compile.main([str(SMALL), "--emit", "c", "--no-cache"]) == 4
    err = capsys.readouterr().err
    (reproducer,) = tmp_path.glob("small-reproducer-*.mlir")
    assert "internal error: C text: KeyError('a planted bug')" in err
    assert f"replay it: irc-opt -t c {reproducer.name}" in err
    assert irc_opt.main(["-t", "c", reproducer.name]) == 4
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert irc_opt.main(["-t", "c", reproducer.name, "-o", os.devnull]) == 0
