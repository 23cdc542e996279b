"""`extern def`: functions of other libraries, at every level and in the shared object."""

from __future__ import annotations

import copy
import ctypes
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc
from irc.dialects.context import make_context
from irc.dialects.text import module_text, parse_module
from irc.errors import LoadError, UserError
from irc.execution.program import Program
from irc.frontend import load_program
from irc.options import Options
from irc.pipeline import load, standard_pipeline
from irc.runtime.fallback import Library
from irc.target import parse as parse_target

pytestmark = pytest.mark.cc

LIBRARY = r"""
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
double twice(double x) { return 2 * x; }
float mixed(int32_t k, float x, bool b) { return b ? k * x : -x; }
uint8_t next(uint8_t x) { return (uint8_t)(x + 1); }
int8_t back(int8_t x) { return (int8_t)(x - 1); }
bool odd(int64_t x) { return x & 1; }
int scale(int64_t n, double a, const double *x, double *y)
{
    for (int64_t i = 0; i < n; ++i)
        y[i] = a * x[i];
    return n == 5 ? 7 : 0;
}
int table(int64_t m, int64_t n, const uint8_t *k, const float *x, float *sum, int32_t *rows)
{
    *sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        rows[i] = 0;
        for (int64_t j = 0; j < m; ++j)
            rows[i] += (int32_t)k[j] * (int32_t)x[i * m + j], *sum += x[i * m + j];
    }
    return 0;
}
int solve2(const double *a, const double *b, double *x)
{
    const double det = a[0] * a[3] - a[1] * a[2];
    if (det == 0)
        return 1;
    x[0] = (a[3] * b[0] - a[1] * b[1]) / det;
    x[1] = (a[0] * b[1] - a[2] * b[0]) / det;
    return 0;
}
"""

PROGRAM = """
def twice_vjp(x, dy) = dy * 2
@vjp(twice_vjp)
extern def double_of(x: f64) -> f64 = "twice from libirc_test.so"
extern def mixed(k: i32, x: f32, b: bool) -> f32 = "mixed from libirc_test.so"
extern def next_of(x: u8) -> u8 = "next from libirc_test.so"
extern def back_of(x: i8) -> i8 = "back from libirc_test.so"
extern def odd(x: i64) -> bool = "odd from libirc_test.so"

def scale_vjp(a, x, y, dy) = (sum(x * dy), a * dy)
@vjp(scale_vjp)
extern def scale(a: f64, x: f64[n]) -> f64[n] = "scale from libirc_test.so"
extern def table(k: u8[m], x: f32[n, m]) -> (sum: f32, rows: i32[n]) = "table from libirc_test.so"

def solve_vjp(A, b, x, dx) {
    let v = solve2(A.T, dx)
    return -outer(v, x), v
}
@vjp(solve_vjp)
extern def solve2(A: f64[2, 2], b: f64[2]) -> f64[2] = "solve2 from libirc_test.so"

state W: f64[3] = ones()

export def numbers(k: i32[n, 1], x: f32[m], u: u8[n], i: i8[n])
    -> (f32[n, m], u8[n], i8[n], bool[n]) {
    return mixed(k, x, true), next_of(u), back_of(i), odd(i64(u))
}
export def arrays(a: f64, x: f64[n], k: u8[m], z: f32[p, m]) -> (f64[n], f64[n], f32, i32[p]) {
    let t = table(k, z)
    return scale(a, x), scale(2, x[::-1]), t.sum, t.rows
}
export def derivatives(a: f64, x: f64[n]) -> (f64, f64[n], f64[n], f64[n]) {
    let y = scale(a, double_of(x))
    let c = sum(y * y)
    let da, dx = grad(c, wrt=(a, x))
    return da, dx, jvp(y, wrt=x, tangent=x), grad(sum(dx), wrt=x)
}
export def linear(A: f64[2, 2], b: f64[2]) -> (f64[2], f64[2, 2], f64[2, 2, 2], f64[2, 2]) {
    let x = solve2(A, b)
    return x, grad(sum(x * x), wrt=A), jacobian(x, wrt=A), hessian(sum(x * x), wrt=b)
}
export def each(x: f64[3, 2], A: f64[2, 2], a: f64[3]) -> (f64[3, 2], f64[3, 2], f64[3, 2]) {
    return [scale(a[i], x[i]) for i], [solve2(A, x[i]) for i], [double_of(x[i, k]) for i, k]
}
export def held(a: f64) -> f64[3] {
    update W = scale(a, W)
    return scale(a, W) + 1
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library and the program that calls it."""
    found = tmp_path_factory.mktemp("externs")
    (found / "lib.c").write_text(LIBRARY)
    command = ["cc", "-shared", "-fPIC", "-O1", "lib.c", "-o", "libirc_test.so", "-lm"]
    subprocess.run(command, cwd=found, check=True)
    (found / "program.irc").write_text(PROGRAM)
    return found


@pytest.fixture(scope="module", params=[0, 2])
def module(request: pytest.FixtureRequest, folder: Path) -> Any:
    return irc.compile(folder / "program.irc", O=request.param)


A, B = np.array([[2.0, 1.0], [0.5, -3.0]]), np.array([1.0, 4.0])
X = np.linspace(-1, 2, 4)
CALLS: dict[str, list[Any]] = {
    "numbers": [
        np.array([[2], [3]], np.int32), np.array([1.5, -2, 4], np.float32),
        np.array([255, 6], np.uint8), np.array([-128, 6], np.int8),
    ],
    "arrays": [
        np.float64(3), X, np.array([1, 200, 3], np.uint8),
        np.arange(6, dtype=np.float32).reshape(2, 3),
    ],
    "derivatives": [np.float64(3), X],
    "linear": [A, B],
    "each": [np.arange(6.0).reshape(3, 2), A, np.array([1.0, 2, 3])],
}  # fmt: skip


def expected(name: str) -> list[Any]:
    x, inverse = CALLS["each"][0], np.linalg.inv(A)
    s = inverse @ B
    return {
        "numbers": [
            [[3, -4, 8], [4.5, -6, 12]], [0, 7], [127, 5], [True, False],
        ],
        "arrays": [3 * X, 2 * X[::-1], 15, [206, 818]],
        "derivatives": [2 * 3 * 4 * (X * X).sum(), 72 * X, 6 * X, np.full(4, 72)],
        "linear": [
            s, -np.outer(inverse.T @ (2 * s), s), -np.einsum("ij,k->ijk", inverse, s),
            2 * inverse.T @ inverse,
        ],
        "each": [x * [[1], [2], [3]], x @ inverse.T, 2 * x],
    }[name]  # fmt: skip


def check(name: str, results: Any) -> None:
    for result, value in zip(results, expected(name), strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-12)


@pytest.mark.parametrize("name", CALLS)
def test_a_shared_object_calls_them(module: Any, name: str) -> None:
    check(name, getattr(module, name)(*CALLS[name]))


@pytest.mark.parametrize("opt_level", [0, 2])
def test_every_level_calls_them(folder: Path, opt_level: int) -> None:
    """And the text of each level, read again, means the same."""
    file = str(folder / "program.irc")
    lowered = load_program(PROGRAM, file=file).module
    target = parse_target("cpu:native")
    for stage, passes in standard_pipeline(Options(opt_level=opt_level), target):
        for one in passes:
            load(one).apply(make_context(), lowered)
            lowered.verify()
        if "grad" in {p.name for p in passes}:
            assert not any(op.regions for op in lowered.walk() if "extern" in op.name)
        program = Program(lowered)
        for name, inputs in CALLS.items():
            outcome = program.run(name, inputs)
            assert outcome.failure is None, (stage.name, outcome.failure)
            check(name, outcome.results)
        text = module_text(lowered)
        assert module_text(parse_module(text, "again.mlir", make_context())) == text


def test_a_status_ends_the_call_and_changes_no_state(module: Any, folder: Path) -> None:
    with pytest.raises(irc.AssertError) as failure:
        module.arrays(1.0, np.zeros(5), *CALLS["arrays"][2:])
    place = str(failure.value).split(": ")[0]
    assert place.startswith("program.irc:")
    assert str(failure.value) == f"{place}: `scale` of libirc_test.so failed with status 7"
    with pytest.raises(irc.AssertError, match="`solve2` of libirc_test.so failed with status 1"):
        module.linear(np.zeros((2, 2)), B)
    fresh = copy.deepcopy(module)
    fresh.state.W = [1.0, 2, 3]
    np.testing.assert_array_equal(fresh.held(2.0), [3, 5, 7])
    np.testing.assert_array_equal(fresh.state.W, [2, 4, 6])


def test_no_elements(module: Any) -> None:
    results = module.derivatives(3.0, np.zeros(0))
    assert [np.shape(r) for r in results] == [(), (0,), (0,), (0,)]


def test_a_copy_finds_the_library_too(module: Any) -> None:
    check("linear", pickle.loads(pickle.dumps(module)).linear(A, B))
    check("linear", copy.deepcopy(module).linear(A, B))
    assert module.spec.libraries == ("libirc_test.so",)


def test_a_file_finds_the_library_beside_it(folder: Path, tmp_path: Path) -> None:
    """From Python, also without the extension; and from C, by the module's own search path."""
    for name in ("libirc_test.so", "program.irc"):
        shutil.copy(folder / name, tmp_path)
    compile_ = [sys.executable, "-m", "irc.cli.compile", "program.irc", "--emit", "so,header"]
    subprocess.run([*compile_, "-o", "."], cwd=tmp_path, check=True)
    check("linear", irc.load(tmp_path / "program.so").linear(A, B))
    library = Library(str(tmp_path / "program.so"))
    error = ctypes.create_string_buffer(500)
    library.search(str(tmp_path))
    assert library.functions.irc_new(0, error, len(error)) is not None
    (tmp_path / "main.c").write_text(
        '#include "program.h"\n#include <stdio.h>\n'
        "int main(void) { program *m = program_new(0); double w[3];\n"
        "  if (m == NULL || program_held(m, 3.0, w)) return 1;\n"
        '  printf("%g", w[2]); program_free(m); return 0; }\n'
    )
    build = ["cc", "main.c", "-o", "main", "./program.so", "-Wl,-rpath," + str(tmp_path)]
    subprocess.run(build, cwd=tmp_path, check=True)
    done = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "4"


ELSEWHERE = "libraries are looked for beside the program, then where the system looks"


@pytest.mark.parametrize(
    "text, message",
    [
        ("twice from libirc_missing.so",
         "cannot open a library of an extern: libirc_missing.so: cannot open shared object file: "
         f"No such file or directory; {ELSEWHERE}"),
        ("thrice from libirc_test.so",
         "the library libirc_test.so has no function `thrice`, which an extern names"),
    ],
)  # fmt: skip
def test_what_is_missing_has_a_name(folder: Path, text: str, message: str) -> None:
    path = folder / "missing.irc"
    program = f'extern def f(x: f64) -> f64 = "{text}"\nexport def g(x: f64) -> f64 = f(x)\n'
    path.write_text(program)
    with pytest.raises(LoadError) as caught:
        irc.compile(path)
    assert str(caught.value) == f"missing: {message}"
    with pytest.raises(LoadError) as caught:
        Program(load_program(program, file=str(path)).module).run("g", [np.float64(1)])
    assert str(caught.value) == message


def test_a_library_that_is_damaged_is_not_passed_over(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "libm.so.6").write_text("no library")
    path = tmp_path / "damaged.irc"
    path.write_text('extern def f(x: f64) -> f64 = "erf from libm.so.6"\n'
                    "export def g(x: f64) -> f64 = f(x)\n")  # fmt: skip
    with pytest.raises(LoadError, match="cannot open a library of an extern: .*libm.so.6"):
        irc.compile(path)


def test_text_without_a_file_looks_nowhere_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(LoadError, match="libirc_test.so"):
        irc.compile(PROGRAM)
    libm = (
        'extern def f(x: f64) -> f64 = "erf from libm.so.6"\nexport def g(x: f64) -> f64 = f(x)\n'
    )
    assert irc.compile(libm).g(0.5) == pytest.approx(0.5204998778130465)


def test_a_derivative_may_use_its_own_function_a_few_times() -> None:
    """Each order is written into the one before, so there is an end."""
    text = """
def d(x, y, dy) = dy * my_exp(x)
@vjp(d)
extern def my_exp(x: f64) -> f64 = "exp from libm.so.6"
"""
    one = text + "export def g(x: f64) -> f64 = grad(grad(my_exp(x), wrt=x), wrt=x)\n"
    assert irc.compile(one).g(1.5) == pytest.approx(np.exp(1.5))
    five = text + "export def g(x: f64) -> f64 = {}\n".format(
        "grad(" * 5 + "my_exp(x)" + ", wrt=x)" * 5
    )
    with pytest.raises(UserError, match="E0404"):
        irc.compile(five)
