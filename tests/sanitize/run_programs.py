"""
Runs programs whose C is compiled with sanitizers; started by a test with their library preloaded.

    run_programs.py random | loops FIRST COUNT
    run_programs.py regressions | arrays | convolutions | linear | recurrences | planted
    run_programs.py examples FILE ...

Prints what differs from the reference. A report of a sanitizer ends the process.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS / "support")]

# GCC warns of conversions that only its own instrumentation makes.
SANITIZED = (
    *("gcc", "-O1", "-g", "-Wno-conversion"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)


def random_cases(first: int, count: int) -> list[str]:
    from levels import Call, Case, Road, differences
    from nd_programs import values
    from random_programs import ALL_DTYPES, random_inputs, random_program

    found = []
    sizes = ({"n": 3, "m": 2}, {"n": 0, "m": 1}, {"n": 1, "m": 0}, {"n": 5, "m": 9})
    for start in range(first, first + count, 30):
        cases = []
        for seed in range(start, min(start + 30, first + count)):
            rng = np.random.default_rng(seed)
            module = random_program(rng, dtypes=ALL_DTYPES)
            state = {"s": values("f32", (2, 3), seed)}
            calls = [Call(random_inputs(module, rng, at), state) for at in sizes]
            cases.append(Case(f"seed {seed}", module, calls))
        level = 2 if start // 30 % 2 else 0
        found += differences(cases, Road(level, executors=(), near=level == 2), [SANITIZED])
    return found


def regressions() -> list[str]:
    from levels import Call, Case, Road, differences
    from nd_programs import parse
    from random_programs import random_inputs

    cases = []
    for path in sorted((TESTS / "levels" / "regressions").glob("*.mlir")):
        module, rng = parse(path.read_text()), np.random.default_rng(0)
        calls = [Call(random_inputs(module, rng, {"n": n, "m": n // 2})) for n in (0, 1, 67)]
        cases.append(Case(path.stem, module, calls))
    return differences(cases, Road(executors=()), [SANITIZED])


def convolutions() -> list[str]:
    from convolution_cases import convolutions, pools, random_convolutions
    from levels import Road, differences

    cases = [*convolutions(), *pools(["f32"]), *random_convolutions(500, 10)]
    return differences(cases, Road(executors=()), [SANITIZED])


def linear() -> list[str]:
    from levels import Road, differences
    from linear_cases import cases

    return differences([*cases("f32"), *cases("f64")], Road(executors=()), [SANITIZED])


def recurrences() -> list[str]:
    from levels import Road, differences
    from recurrence_programs import a_few, moves, nested, random_case, sequences
    from scan_gradients import gradient_cases

    cases = [*a_few(), *moves(), *nested(), *sequences()]
    cases += [random_case(seed, seed % 6, seed % 2 == 0) for seed in range(20)]
    cases += gradient_cases(range(8))
    return differences(cases, Road(executors=()), [SANITIZED])


def arrays() -> list[str]:
    from array_groups import GROUPS, cases
    from levels import Road, differences

    every = [c for group in GROUPS.values() for c in group]
    return differences(cases(every), Road(executors=()), [SANITIZED])


def loops(first: int, count: int) -> list[str]:
    """Random programs with scans and loops, many side by side, and their gradients."""
    from language import run
    from random_batches import random_batch

    from irc.driver import Source, compile_source
    from irc.options import Options
    from irc.runtime.module import load_bytes

    found = []
    options = Options(cc="gcc", cflags=SANITIZED[1:])
    for seed in range(first, first + count):
        batch = random_batch(seed, (0, 1, 2, 5)[seed % 4], smooth=True)
        given = [*batch.inputs, *batch.weights()]
        text = batch.gradients(written_out=False)
        module = load_bytes(compile_source(Source(text, "t.irc"), options, ["so"]).data("so"))
        for k, (x, y) in enumerate(zip(module.f(*given), run(text, *given), strict=True)):
            if not np.allclose(x, y, rtol=1e-9, atol=1e-10):
                found.append(f"seed {seed}, result {k}")
    return found


def examples(*files: str) -> list[str]:
    """Calls of programs in examples/ through the loader, whose workspace is allocated exactly."""
    from example_scripts import EXAMPLES, Played, at_every_level, compiled, disagreements

    from irc.driver import compile_source
    from irc.options import Options
    from irc.runtime.module import load_bytes

    found = []
    for file in files:
        example = EXAMPLES[file]
        options = Options(defines=dict(example.defines), cc="gcc", cflags=SANITIZED[1:])
        so = compile_source(example.source(file), options, ["so"]).data("so")
        reference = next(at_every_level(file))
        found += disagreements(reference, [Played(file, compiled(file, load_bytes(so)))])
    return found


def planted() -> list[str]:
    """A read behind the end: what the sanitizers are there for."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "wrong.c", Path(folder) / "wrong.so"
        source.write_text("double wrong(const double *x, long n) { return x[n]; }\n")
        command = [*SANITIZED, "-shared", "-fPIC", str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        x = np.zeros(300)
        ctypes.CDLL(str(library)).wrong(ctypes.c_void_p(x.ctypes.data), ctypes.c_long(x.size))
    return []


def main(kind: str, *which: str) -> int:
    match kind:
        case "random":
            found = random_cases(*map(int, which))
        case "loops":
            found = loops(*map(int, which))
        case "regressions":
            found = regressions()
        case "arrays":
            found = arrays()
        case "linear":
            found = linear()
        case "recurrences":
            found = recurrences()
        case "examples":
            found = examples(*which)
        case "convolutions":
            found = convolutions()
        case _:
            found = planted()
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
