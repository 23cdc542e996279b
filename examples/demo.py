#!/usr/bin/env python3
"""
Two models from text to trained: compiled, tested, trained from Python, then from C alone.

    examples/demo.py [FOLDER]     files go to FOLDER, build/demo by default

The data are scikit-learn's 8x8 digits: the first 1,500 train, the other 297, by other writers,
test. No step is random: weights and dropout come from the modules' own generator with seed 0, so
Python and C must agree to the last bit. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
TRAINING_ROWS, BATCH = 1500, 100
STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")


@dataclass(frozen=True)
class Model:
    """
    name      of the module, and of the files made from it
    defines   constants to override
    goal      largest share of wrong answers on the test images
    """

    name: str
    source: str
    defines: tuple[str, ...]
    epochs: int
    lr: float
    goal: float


@dataclass(frozen=True)
class Outcome:
    """What training left: the cost before the last step, and wrong answers of `rows`."""

    cost: float
    wrong: int
    rows: int

    @property
    def error(self) -> float:
        return self.wrong / self.rows


@dataclass(frozen=True)
class Images:
    """x: f32[rows, 64] in [0, 1]; y: i32[rows], the digits they show."""

    x: np.ndarray
    y: np.ndarray


MODELS = (
    Model("logreg", "1_logreg.irc", ("D=64",), epochs=15, lr=0.5, goal=0.12),
    Model("mlp", "2_mlp.irc", ("D=64", "H=100"), epochs=10, lr=1e-2, goal=0.10),
)


def main(arguments: Sequence[str]) -> int:
    start = time.perf_counter()
    folder = Path(arguments[0] if arguments else ROOT / "build" / "demo").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    training, testing = digits()

    print("Compile: a program becomes a shared object and a C header; its own tests run.")
    for model in MODELS:
        compile_model(model, folder)
    print("\nTrain from Python.")
    from_python = {model.name: train(model, folder, training, testing) for model in MODELS}
    print("\nTrain from C: examples/train.c, the two headers and the two shared objects.")
    from_c = train_in_c(folder, training, testing)

    print()
    passed = all([judge(model, from_python[model.name], from_c[model.name]) for model in MODELS])
    print(f"\n{'Done' if passed else 'FAILED'} in {time.perf_counter() - start:.1f} s.", end=" ")
    print(f"The files are in {shown(folder)}: the .so files are all that a program needs.")
    return 0 if passed else 1


def digits() -> tuple[Images, Images]:
    """The images to train with, and those to test with."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = np.ascontiguousarray(data.data / 16, np.float32)
    y = data.target.astype(np.int32)
    return (
        Images(x[:TRAINING_ROWS], y[:TRAINING_ROWS]),
        Images(x[TRAINING_ROWS:], y[TRAINING_ROWS:]),
    )


def compile_model(model: Model, folder: Path) -> None:
    command = ["irc-compile", shown(EXAMPLES / model.source)]
    for define in model.defines:
        command += ["-D", define]
    command += ["--test", "--emit", "so,header", "-o", shown(folder / f"{model.name}.so")]
    with step(f"$ {' '.join(command)}"):
        output = run(["-m", "irc.cli.compile", *command[1:]])
    for line in output.splitlines():
        print(f"    {line}")


def train(model: Model, folder: Path, training: Images, testing: Images) -> Outcome:
    """Loads a module and trains it on minibatches; every call is one whole step."""
    import irc

    with step(f"{model.name}: {model.epochs} epochs of {TRAINING_ROWS // BATCH} steps"):
        m = irc.load(folder / f"{model.name}.so", seed=0)
        for _ in range(model.epochs):
            for i in range(0, TRAINING_ROWS, BATCH):
                result = m.train(training.x[i : i + BATCH], training.y[i : i + BATCH], lr=model.lr)
        cost = float(getattr(result, "cost", result))  # one result comes as it is
        rows = len(testing.y)
        if model.name == "logreg":
            wrong = int(np.sum(m.predict(testing.x) != testing.y))
        else:
            wrong = round(float(m.test_error(testing.x, testing.y)) * rows)
    return Outcome(cost, wrong, rows)


def train_in_c(folder: Path, training: Images, testing: Images) -> dict[str, Outcome]:
    """The same steps without Python. Gives the outcome by model."""
    from irc.codegen.c.toolchain import find_compiler

    program, data = folder / "train", folder / "digits.bin"
    write_digits(data, training, testing)
    objects = [str(folder / f"{model.name}.so") for model in MODELS]
    include, rpath = f"-I{folder}", f"-Wl,-rpath,{folder}"
    source = str(EXAMPLES / "train.c")
    with step("cc train.c"):
        compiler = list(find_compiler().argv)
        call([*compiler, *STRICT, include, source, *objects, rpath, "-o", str(program)])
    with step("the same epochs and steps"):
        lines = call([str(program), str(data)]).splitlines()
    found = {}
    for line in lines:  # logreg: last cost 0.247, test error 32 of 297
        name, _, text = line.partition(": last cost ")
        cost, _, counts = text.partition(", test error ")
        wrong, _, rows = counts.partition(" of ")
        found[name] = Outcome(float(np.float32(cost)), int(wrong), int(rows))
    return found


def write_digits(path: Path, training: Images, testing: Images) -> None:
    """As examples/train.c reads it."""
    sets = (training, testing)
    with open(path, "wb") as file:
        file.write(np.array([len(one.y) for one in sets], np.int32).tobytes())
        for one in sets:
            file.write(one.x.tobytes() + one.y.tobytes())


def judge(model: Model, python: Outcome, c: Outcome) -> bool:
    """Prints a model's line and says whether it met its goal in both languages."""
    good = python.error <= model.goal and c.error <= model.goal and python == c
    print(
        f"  {model.name:<7} cost {python.cost:.3f}   test error {python.error:5.1%} in Python, "
        f"{c.error:5.1%} in C   goal {model.goal:.0%}   {'ok' if good else 'MISSED'}"
    )
    if python != c:
        print(f"    Python and C differ: {python} and {c}")
    return good


# ---- steps and commands


@contextmanager
def step(title: str) -> Iterator[None]:
    """Shows what is being done, then how long it took."""
    print(f"  {title}", end="", flush=True)
    start = time.perf_counter()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f"  ({time.perf_counter() - start:.2f} s)", flush=True)


def run(arguments: Sequence[str]) -> str:
    """Runs this Python."""
    return call([sys.executable, *arguments])


def call(command: Sequence[str]) -> str:
    """A command's output. Ends the demo with what it said when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"\n{done.stdout}{done.stderr}", file=sys.stderr)
        sys.exit(f"demo: {Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
