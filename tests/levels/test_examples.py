"""
The examples train alike at every level: the reference, each stage, C at -O0 and -O2, and their
emitted C compiles without a warning and runs under the sanitizers.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from levels import functions

import irc
from irc.codegen.c.toolchain import CcOptions, find_compiler, flags
from irc.dialects.context import make_context
from irc.driver import Source, compile_source
from irc.driver.describe import describe_module
from irc.execution.program import Program
from irc.frontend import load_program
from irc.options import Options
from irc.pipeline import load, standard_pipeline
from irc.target import parse as parse_target

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"1_logreg.irc": {"D": "16"}, "2_mlp.irc": {"D": "16", "H": "12"}}
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-std=c99", "-Werror")
SANITIZED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
pytestmark = [pytest.mark.cc, pytest.mark.timeout(240)]


def source(example: str) -> Source:
    path = EXAMPLES / example
    return Source(path.read_text(), str(path))


def digits(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, rows).astype(np.int32)
    x = rng.uniform(0, 1, (rows, width)).astype(np.float32)
    x[np.arange(rows), y] += 2
    return x, y


def training(call: Any) -> list[np.ndarray]:
    """What three steps give: each time the cost and all else that `train` returns."""
    x, y = digits(20, 16)
    return [np.asarray(r, np.float64) for _ in range(3) for r in call("train", x, y)]


def by_executor(example: str, stop: str | None) -> list[np.ndarray]:
    """The program run at one level of the IR."""
    file = source(example)
    module = load_program(file.text, SMALL[example], file=file.file).module
    describe_module(module, file.file, "cpu:native", "0")
    declared = {f: Program(module).signature(f).spec for f in functions(module)}
    ctx = make_context()
    if stop is None:
        load(next(one for _, ones in _passes("nd", 0) for one in ones if "grad" in one.name)).apply(
            ctx, module
        )
    else:
        for _, ones in _passes(stop, 2):
            for one in ones:
                load(one).apply(ctx, module)
    program = Program(module, declared)
    state = program.initial_state(seed=0)

    def call(name: str, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        nonlocal state
        spec = declared[name]
        given = [x, y] + [np.float32(p.default) for p in spec.params[2:]]
        outcome = program.run(name, given, state)
        assert outcome.failure is None, outcome.failure
        state = outcome.state
        return outcome.results

    return training(call)


def _passes(stop: str, level: int) -> Any:
    return standard_pipeline(Options(opt_level=level), parse_target("cpu:native"), stop=stop)


@pytest.mark.parametrize("example", SMALL)
def test_training_gives_the_same_numbers(example: str) -> None:
    expected = by_executor(example, None)
    found = {stop: by_executor(example, stop) for stop in ("nd", "linalg", "loops")}
    for level in (0, 2):
        m = irc.compile(EXAMPLES / example, D=SMALL[example], O=level)
        found[f"C -O{level}"] = training(
            lambda name, *xs, m=m: np.atleast_1d(getattr(m, name)(*xs))
        )
    assert expected[0] != expected[-1], "nothing is learnt"
    for way, numbers in found.items():
        for k, (a, b) in enumerate(zip(expected, numbers, strict=True)):
            np.testing.assert_allclose(a, b, rtol=2e-5, err_msg=f"{way}, result {k}")


@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.clang)])
@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("example", SMALL)
def test_the_c_compiles_without_a_warning(
    example: str, level: int, compiler: str, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    c = compile_source(source(example), Options(opt_level=level), ["c"]).texts["c"]
    assert isinstance(c, str)
    (tmp_path / "module.c").write_text(c)
    how = CcOptions(optimize=level, march="native", cflags=STRICT)
    command = [*find_compiler(compiler).argv, *flags(how), "-c", "module.c", "-o", "module.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr[:3000]) == (0, "")


def test_training_from_c_under_the_sanitizers(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("the sanitizers are GCC's here")
    sources = []
    for example, name in (("1_logreg.irc", "logreg"), ("2_mlp.irc", "mlp")):
        options = Options(defines=SMALL[example])
        program = Source((EXAMPLES / example).read_text(), str(EXAMPLES / f"{name}.irc"))
        texts = compile_source(program, options, ["c", "header"]).texts
        for kind, suffix in (("c", "c"), ("header", "h")):
            text = texts[kind]
            assert isinstance(text, str)
            (tmp_path / f"{name}.{suffix}").write_text(text)
        sources.append(f"{name}.c")
    shutil.copy(EXAMPLES / "train.c", tmp_path)
    write_digits(tmp_path / "digits")
    command = ["gcc", *SANITIZED, "train.c", *sources, "-o", "train", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["./train", "digits"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr[-3000:]) == (0, "")
    assert done.stdout.count("last cost") == 2


def write_digits(path: Path) -> None:
    """100 rows to train on and 30 to test, as `examples/train.c` reads them."""
    with path.open("wb") as file:
        file.write(np.array([100, 30], np.int32).tobytes())
        for rows in (100, 30):
            x, y = digits(rows, 16)
            file.write(x.tobytes() + y.tobytes())
