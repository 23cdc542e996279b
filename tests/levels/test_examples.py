"""
The examples give the same at every level: the reference, each stage, C at -O0 and -O2. Their
emitted C compiles without a warning; training from C runs under the sanitizers.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from example_scripts import EXAMPLES, FOLDER, Played, at_every_level, compiled, disagreements

from irc.codegen.c.toolchain import CcOptions, compile_object, find_compiler
from irc.driver import Outputs, Source, compile_source
from irc.options import Options
from irc.runtime.module import load_bytes
from irc.sizes import parse

STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")  # -std=c99 is what irc asks for anyway
SANITIZED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
LONG = (
    "4_conv_autoencoder.irc",
    "convnet.irc",
    "initialization.irc",
    "initialization_conv.irc",
    "stacked.irc",
)
PROGRAMS = [pytest.param(f, marks=[pytest.mark.long] if f in LONG else []) for f in EXAMPLES]
pytestmark = [pytest.mark.cc, pytest.mark.timeout(240)]


def test_every_program_is_played() -> None:
    assert {path.name for path in FOLDER.glob("*.irc")} - {"nn.irc"} == set(EXAMPLES)


@cache
def built(file: str, level: int) -> Outputs:
    """C and shared object, which the C compiler makes without a warning."""
    example = EXAMPLES[file]
    options = Options(
        defines=dict(example.defines), opt_level=level, cflags=STRICT, use_cache=False
    )
    return compile_source(example.source(file), options, ["c", "so"])


@pytest.mark.parametrize("file", PROGRAMS)
def test_the_same_at_every_level(file: str) -> None:
    reference, *others = at_every_level(file)
    for level in (0, 2):
        outputs = built(file, level)
        module = load_bytes(outputs.data("so"))
        others.append(Played(f"C -O{level}", compiled(file, module)))
        assert module.workspace_bytes == most_memory(file, outputs), "--memory is what calls take"
    assert disagreements(reference, others) == []
    for outcome in reference.outcomes:
        assert outcome.failure is None
        assert all(np.isfinite(x).all() for x in (*outcome.results, *outcome.state.values()))
    first, *_, last = (outcome.state for outcome in reference.outcomes)
    assert not first or any((first[name] != last[name]).any() for name in first), "learns nothing"


def most_memory(file: str, outputs: Outputs) -> int:
    """Bytes of workspace that the most demanding call was said to need."""
    steps = EXAMPLES[file].steps
    return max(parse(outputs.arenas[s.function]).evaluate(dict(s.sizes)) for s in steps)


@pytest.mark.clang
@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("file", PROGRAMS)
def test_clang_has_nothing_to_say(file: str, level: int) -> None:
    text = built(file, level).texts["c"]
    assert isinstance(text, str)
    how = CcOptions(optimize=level, march="native", cflags=STRICT)
    assert compile_object(text, how, find_compiler("clang")).log == ""


def test_training_from_c_under_the_sanitizers(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("the sanitizers are GCC's here")
    sources = []
    for example, name in (("1_logreg.irc", "logreg"), ("2_mlp.irc", "mlp")):
        options = Options(defines=dict(EXAMPLES[example].defines))
        program = Source((FOLDER / example).read_text(), str(FOLDER / f"{name}.irc"))
        texts = compile_source(program, options, ["c", "header"]).texts
        for kind, suffix in (("c", "c"), ("header", "h")):
            text = texts[kind]
            assert isinstance(text, str)
            (tmp_path / f"{name}.{suffix}").write_text(text)
        sources.append(f"{name}.c")
    shutil.copy(FOLDER / "train.c", tmp_path)
    write_digits(tmp_path / "digits")
    command = ["gcc", *SANITIZED, "train.c", *sources, "-o", "train", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["./train", "digits"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr[-3000:]) == (0, "")
    assert done.stdout.count("last cost") == 2


def digits(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, rows).astype(np.int32)
    x = rng.uniform(0, 1, (rows, width)).astype(np.float32)
    x[np.arange(rows), y] += 2
    return x, y


def write_digits(path: Path) -> None:
    """100 rows to train on and 30 to test, as `examples/train.c` reads them."""
    with path.open("wb") as file:
        file.write(np.array([100, 30], np.int32).tobytes())
        for rows in (100, 30):
            x, y = digits(rows, 16)
            file.write(x.tobytes() + y.tobytes())
