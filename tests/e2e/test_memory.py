"""`--memory` says what a call needs, to the byte, and a call in steady state allocates nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from workspace import predicted

import irc
from irc.cli.compile import main as irc_compile
from irc.codegen.c.toolchain import find_compiler

ROOT = Path(__file__).parents[2]
MLP = ROOT / "examples" / "2_mlp.irc"
LOGREG = ROOT / "examples" / "1_logreg.irc"
MANY = """\
state W: f32[30, 20] = uniform(-1.0, 1.0)

export def product(x: f32[n, 30]) -> f32[n, 20] = x @ W
export def chain(x: f32[n]) -> f32[n] = exp(tanh(x) * 2)
export def spread(x: f32[n, m]) -> f32[m] = sqrt(mean((x - mean(x, axis=0)) ** 2, axis=0))
export def gram(x: f32[n, m]) -> f32[n, n] = softmax(x @ x.T, axis=1) * 2
export def step(x: f32[n, 30], y: f32[n, 20]) -> f32 {
    let cost = mean((tanh(x @ W) - y) ** 2)
    update W -= 0.1 * grad(cost, wrt=W)
    return cost
}
export def last(x: f64[2*n + 1]) -> f64 = x[2*n] + sum(x)
"""

pytestmark = pytest.mark.cc


def workspace_of(path: Path, name: str, arguments: list[Any]) -> int:
    """What a fresh context holds after one call."""
    m = irc.load(path)
    assert m.workspace_bytes == 0
    m[name](*arguments)
    held: int = m.workspace_bytes
    return held


@pytest.mark.parametrize("source", [LOGREG, MLP], ids=["logreg", "mlp"])
def test_a_training_step_holds_what_was_predicted(
    source: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "m.so"
    assert irc_compile([str(source), "-D", "D=64", "-o", str(path)]) == 0
    for n in (1, 7, 100):
        expected = predicted(source, {"n": n}, capsys, "-D", "D=64")
        x, y = np.ones((n, 64), np.float32), np.zeros(n, np.int32)
        assert workspace_of(path, "train", [x, y]) == expected["train"] > 0
        other, rest = ("predict", [x]) if source is LOGREG else ("test_error", [x, y])
        assert workspace_of(path, other, rest) == expected[other]


@pytest.mark.parametrize("level", ["0", "2"])
def test_every_function_holds_what_was_predicted(
    level: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, path = tmp_path / "many.irc", tmp_path / "many.so"
    source.write_text(MANY)
    assert irc_compile([str(source), "-O", level, "-o", str(path)]) == 0
    for n, m in [(0, 1), (1, 1), (13, 5), (64, 64), (200, 3)]:
        expected = predicted(source, {"n": n, "m": m}, capsys, "-O", level)
        f32 = {shape: np.ones(shape, np.float32) for shape in [(n, 30), (n,), (n, m), (n, 20)]}
        arguments = {
            "product": [f32[n, 30]],
            "chain": [f32[(n,)]],
            "spread": [f32[n, m]],
            "gram": [f32[n, m]],
            "step": [f32[n, 30], f32[n, 20]],
            "last": [np.ones(2 * n + 1)],
        }
        for name, given in arguments.items():
            assert workspace_of(path, name, given) == expected[name], (name, n, m)


def test_a_call_in_steady_state_allocates_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = ["--emit", "so,header", "-o", str(tmp_path / "mlp.so")]
    assert irc_compile([str(MLP), "-D", "D=64", *made]) == 0
    program = tmp_path / "steady"
    flags = ["-std=c99", "-O1", "-fno-builtin", f"-I{tmp_path}", f"-Wl,-rpath,{tmp_path}"]
    source = Path(__file__).parent / "c" / "steady.c"
    libraries = [str(tmp_path / "mlp.so"), "-ldl"]
    command = [*find_compiler().argv, *flags, str(source), *libraries, "-o", str(program)]
    subprocess.run(command, check=True)

    sizes = (100, 20, 600)
    held, expected = 0, []
    for n in sizes:
        needed = predicted(MLP, {"n": n}, capsys, "-D", "D=64")["train"]
        allocated = f" {(needed + 64) // 64 * 64}" if needed > held else ""
        expected += [f"{n}:{allocated}", "steady: 0"]
        held = max(held, needed)
    for threads in ("1", "2"):
        env = {**os.environ, "OMP_NUM_THREADS": threads}
        words = [str(program), *map(str, sizes)]
        done = subprocess.run(words, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines() == expected
