"""The module from C and C++: header, generic door, sanitizers, allocation failures."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from modules_by_hand import FIT, ODD, Program, array, renamed, result

from irc.abi import FunctionSpec, ModuleSpec, StateSpec
from irc.codegen.c.names import kernel_name
from irc.driver import compile_source
from irc.driver.records import Source
from irc.dtypes import DTYPES
from irc.options import Options

HERE = Path(__file__).parent / "c"
SUPPORT = Path(__file__).parents[2] / "irc" / "codegen" / "c"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
COMPILERS = ["gcc", pytest.param("clang", marks=pytest.mark.clang)]
REFUSALS = """\
train: requires n > 0 (fit.irc:5:80), here n = 0
train: size n = -1 is negative
train: an array of the size of `x` cannot exist
train: cannot allocate a workspace of 576460752303423484 bytes
train: `x` is NULL
train: `cost` overlaps `x`
train: `x` overlaps the module's state
predict: `x` is not aligned to its elements
n 4 first 0.00 all [0.0, 0.4, 0.8, 0.2]
"""

pytestmark = pytest.mark.cc


def cc(compiler: str, *args: str | Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    done = subprocess.run([compiler, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]


def write(program: Program, directory: Path) -> tuple[Path, Path]:
    text = program.text
    source, header = (directory / f"{program.spec.name}.{suffix}" for suffix in "ch")
    source.write_text(text.c)
    header.write_text(text.header)
    return source, header


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("language", ["c99", "c++11"])
def test_a_program_with_header_and_so_trains_the_model(
    tmp_path: Path, fit_path: Path, compiler: str, language: str
) -> None:
    write(FIT, tmp_path)
    (tmp_path / "libfit.so").write_bytes(fit_path.read_bytes())
    kind = "c" if language == "c99" else "c++"
    flags = (
        *STRICT,
        f"-std={language}",
        f"-I{tmp_path}",
        f"-L{tmp_path}",
        f"-Wl,-rpath,{tmp_path}",
    )
    cc(compiler, *flags, "-x", kind, HERE / "train.c", "-o", tmp_path / "main", "-lfit", "-lm")
    assert run(tmp_path / "main", tmp_path / "state") == REFUSALS


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("program", [FIT, ODD], ids=["fit", "odd"])
def test_the_text_has_no_warnings(
    tmp_path: Path, compiler: str, level: str, program: Program
) -> None:
    source, _ = write(program, tmp_path)
    cc(compiler, *STRICT, "-std=c99", level, "-fPIC", "-c", source, "-o", tmp_path / "m.o")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_support_files_stand_alone(tmp_path: Path, compiler: str) -> None:
    names = ["prelude.h", "text.h", "storage.h", "tensors.h", "generic.h"]
    lines = ["#define _POSIX_C_SOURCE 200809L", *(f'#include "{name}"' for name in names)]
    for name, body in {"all": lines, **{n: [lines[0], f'#include "{n}"'] for n in names}}.items():
        source = tmp_path / f"{name}.c"
        source.write_text("\n".join([*body, "int main(void) { return 0; }\n"]))
        cc(compiler, *STRICT, "-std=c99", f"-I{SUPPORT}", "-c", source, "-o", tmp_path / "s.o")


def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    source, _ = write(FIT, tmp_path)
    sanitize = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    main = tmp_path / "main"
    cc("gcc", *sanitize, f"-I{tmp_path}", source, HERE / "train.c", "-o", main, "-lm")
    env = {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1"}
    assert run(main, tmp_path / "state", env=env) == REFUSALS
    library = tmp_path / "fit.so"
    cc("gcc", *sanitize, "-fPIC", "-shared", "-fvisibility=hidden", source, "-o", library, "-lm")
    cc("gcc", *sanitize, f"-I{SUPPORT}", HERE / "generic.c", "-o", main, "-ldl")
    assert run(main, library, env=env) == GENERIC


GENERIC = """\
good: 0
offset: 0
dtype: 1 predict: `x` has the wrong dtype
rank: 2 predict: `x` has rank 1, expected 2
device: 6 predict: `x` is not in the memory of the CPU
strides: 1 predict: `x` is not contiguous in row-major order
size: 2 predict: dimension 1 of `x` is 2, expected 3
result: 2 predict: dimension 0 of `result` is 3, expected 4
negative: 2 predict: `x` has a negative size
null: 1 predict: `x` is NULL
number: 1 no function has this number
init: 1 no function has this number
pick: 0
20
bounds: 3 fit.irc:20:7: index i = 3 is outside dimension 0 of x (size 3)
misaligned: 1 pick: `i` is NULL or not aligned
"""
GENERIC = GENERIC.replace(": 0\n", ": 0 \n")


def test_the_generic_door(tmp_path: Path, fit_path: Path) -> None:
    cc("gcc", "-std=c99", f"-I{SUPPORT}", HERE / "generic.c", "-o", tmp_path / "main", "-ldl")
    assert run(tmp_path / "main", fit_path) == GENERIC


def test_every_allocation_may_fail(tmp_path: Path) -> None:
    source, _ = write(FIT, tmp_path)
    renames = [f"-D{a}={b}" for a, b in RENAMED.items()]
    cc("gcc", "-std=c99", "-g", *renames, "-c", source, "-o", tmp_path / "m.o")
    sources = (HERE / "allocation.c", tmp_path / "m.o")
    cc("gcc", "-D_GNU_SOURCE", f"-I{tmp_path}", *sources, "-o", tmp_path / "main", "-lm")
    lines = run(tmp_path / "main", tmp_path / "state").splitlines()
    # new: context, states, arena; train: arena; save: the other name; load: text, staging, found
    assert lines.pop() == "opened 7 alive 0"
    failing = [line for line in lines if line.endswith("5")]
    assert failing == ["train 0: 5", "save 0: 5", "load 0: 5", "load 1: 5", "load 2: 5"]
    assert [line for line in lines if not line.endswith(("5", "0"))] == []


RENAMED = {
    "posix_memalign": "test_memalign",
    "malloc": "test_malloc",
    "calloc": "test_calloc",
    "free": "test_free",
}


def test_two_modules_in_one_program(tmp_path: Path) -> None:
    first, second = (renamed(ODD, name) for name in ("first", "second"))
    main = """
#include <stdio.h>
#include "first.h"
#include "second.h"
int main(void)
{
    float x[3] = {1, 2, 3}, y[3], s = 4, t;
    first *a = first_new(0);
    second *b = second_new(0);
    if (first_copy_f32(a, 3, x, s, y, &t) || second_copy_f32(b, 3, y, t, x, &s))
        return 1;
    first_free(a);
    second_free(b);
    printf("%g %g\\n", (double)x[2], (double)s);
    return 0;
}
"""
    (tmp_path / "main.c").write_text(main)
    sources = [write(p, tmp_path)[0] for p in (first, second)]
    cc("gcc", *STRICT, "-std=c99", tmp_path / "main.c", *sources, "-o", tmp_path / "main", "-lm")
    assert run(tmp_path / "main") == "3 4\n"


def test_only_its_own_names_are_public(fit_path: Path) -> None:
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", fit_path], capture_output=True, text=True
    )
    names = [line.split()[-1] for line in symbols.stdout.splitlines()]
    assert names and all(name.startswith(("fit_", "irc_")) for name in names)
    needed = subprocess.run(["ldd", fit_path], capture_output=True, text=True).stdout
    libraries = {line.split()[0].split(".so")[0] for line in needed.splitlines()}
    assert libraries <= {"linux-vdso", "libc", "libm", "/lib64/ld-linux-x86-64", "libgcc_s"}


WORST = """
    int for class new NULL errno exp sqrtf malloc main ctx arena status dims blocks ok m n memory
    workspace head u_x k_f irc_x λ naïve _x __y x_ int_ bool true I result sizes shapes
""".split()


def hostile() -> Program:
    """Every name is a trap: keywords, functions of C, locals of the doors. `kill` is a function."""
    functions, kernels = [], []
    for name, other, third in zip(WORST, WORST[1:] + WORST[:1], WORST[2:] + WORST[:2], strict=True):
        functions.append(
            FunctionSpec(
                name,
                doc="*/ int x; /* \\",
                sizes=(name,),
                params=(array(other, "f32", name, f"2*{name} + 1"), array("p", "i32")),
                results=(result(third, "f32", name), result("r", "f64")),
                writes=("W",),
            )
        )
        kernels.append(
            f"static int32_t {kernel_name(name)}(struct kill_ *ctx, int64_t a, const float *b,\n"
            "    const int32_t *c, float *d, double *e, char *arena)\n"
            "{ (void)ctx; (void)a; (void)b; (void)c; (void)d; (void)e; (void)arena; return 0; }\n"
        )
    spec = ModuleSpec(
        "kill",
        doc="?" + "?/ */",
        states=tuple(StateSpec(n, "f32", (2,)) for n in ("W", *WORST, "net.W", "net_W")),
        functions=tuple(functions),
        consts=dict.fromkeys(WORST, 1),
    )
    return Program(spec, "".join(kernels))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_hostile_names_compile_as_c_and_cpp(tmp_path: Path, compiler: str) -> None:
    source, header = write(hostile(), tmp_path)
    flags = (*STRICT, "-std=c99", "-fPIC", "-shared")
    cc(compiler, *flags, source, "-o", tmp_path / "evil.so", "-lm")
    library = ctypes.CDLL(str(tmp_path / "evil.so"))
    assert ctypes.string_at(library.irc_module_json)
    user = tmp_path / "user.cpp"
    includes = ["errno.h", "math.h", "signal.h", "stdio.h", "stdlib.h", "string.h", "unistd.h"]
    user.write_text("".join(f"#include <{i}>\n" for i in includes) + f'#include "{header}"\n')
    cc(compiler, *STRICT, "-std=c++17", "-x", "c++", "-c", user, "-o", tmp_path / "user.o")
    cc(compiler, *STRICT, "-std=c99", "-x", "c", "-c", user, "-o", tmp_path / "user.o")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_dtype_compiles_without_a_warning(tmp_path: Path, compiler: str) -> None:
    """As state, as number, as array and as result; kernels know no unsigned integers."""
    lines = []
    for d in DTYPES:
        one = "false" if d == "bool" else "1"
        lines.append(f"state s_{d}: {d}[3] = full([3], {one})")
        lines.append(
            f"export def f_{d}(x: {d}[n], y: {d}) -> ({d}[n], {d}, {d}[3]) {{\n"
            f"    update s_{d} = full([3], {one})\n    return x, y, s_{d}\n}}"
        )
    source = tmp_path / "all.irc"
    source.write_text("\n".join(lines) + "\n")
    outputs = compile_source(Source(source.read_text(), "all.irc"), Options(), ["c"])
    (tmp_path / "all.c").write_text(outputs.texts["c"])
    cc(compiler, *STRICT, "-std=c99", "-c", tmp_path / "all.c", "-o", tmp_path / "all.o")


def test_equal_input_gives_equal_text() -> None:
    assert FIT.text == Program(replace(FIT.spec), FIT.kernels, dict(FIT.arenas)).text
