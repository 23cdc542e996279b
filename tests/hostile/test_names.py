"""Names that mean something elsewhere: in C, in its headers, in the emitted text, in Python."""

from __future__ import annotations

import keyword
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import irc
from irc.codegen.c.toolchain import find_compiler
from irc.driver import Source, compile_source
from irc.frontend.lexer import RESERVED
from irc.options import Options
from irc.runtime.module import Module

pytestmark = pytest.mark.cc

ALIEN = """
    int double main ctx arena n _Float16 IRC_OK IRC_MEMORY NULL EOF INFINITY NAN errno stdin printf
    malloc memcpy exp expf log irc irc_call irc_init k_f M m self out functions spec tests name
    source seed save load_state state workspace_bytes __init__ __class__ __dict__ __doc__
    __getattr__ __reduce__ __name _context int32_t size_t uint8_t bool _Bool restrict inline static
    INT32_MIN INT64_MAX UINT8_C SIZE_MAX DBL_MAX FLT_EPSILON DLTensor PRId64 I complex unix linux
    template new delete operator nullptr defined __LINE__ __COUNTER__ λ η ℌ é 変数 _ __ ___ x_ x__
""".split()


def words_of_c() -> list[str]:
    """Every identifier of the C text and the header of a program that uses most of it."""
    text = """
        const C = 3
        state W: f32[3] = normal()
        export def f(x: f32[n, 3], k: i32[n], a: i8, b: bf16, c: f16[n], lo: i64 = 0)
            -> (f32, i32, f32[n]) where n > 0 {
            assert lo > 0, "lo is {lo}"
            print "x {mean(x):.3f}"
            update W += normal([3])
            let y = exp(x) + log(x) + tanh(x) + sin(x) + erf(x) + x ** 2.5 + x @ eye(3) + round(x)
            let g = grad(sum(y), wrt=x)
            return sum(g[k[0]]), i32(argmax(y[0])) // 2 + i32(a) % 3, f32(c) + f32(b) + g[:, 0]
        }
    """
    texts = compile_source(Source(text, "words.irc"), Options(), ["c", "header"]).texts
    code = re.sub(
        r"/\*.*?\*/|\"(\\.|[^\"])*\"", "", f"{texts['c']!s}{texts['header']!s}", flags=re.S
    )
    return sorted(set(re.findall(r"[A-Za-z_]\w*", code)))


@pytest.fixture(scope="module")
def words() -> list[str]:
    found = dict.fromkeys([*words_of_c(), *keyword.kwlist, *ALIEN])
    words = [w for w in found if w not in RESERVED and not w.startswith("irc_")] + ["irc_fail"]
    assert len(words) > 400
    return words


@pytest.fixture(scope="module")
def some(words: list[str]) -> list[str]:
    """What is worth a program of its own, and a part of the rest."""
    return list(dict.fromkeys([*(w for w in ALIEN if w in words), *words[::4]]))


def check(text: str, folder: Path, name: str = "words") -> Module:
    """The module of a program whose C text and header raise no warning, as C or as C++."""
    made = compile_source(Source(text, f"{name}.irc"), Options(), ["c", "header", "pyi"]).texts
    compile(made["pyi"], f"{name}.pyi", "exec")
    header = folder / f"{name}.h"
    header.write_text(str(made["header"]))
    (folder / "module.c").write_text(str(made["c"]))
    compiler = find_compiler(None).argv[0]
    strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    before = [f"-include{name}.h" for name in ("stdio", "math", "complex", "errno", "inttypes")]
    runs = [
        ["-std=c99", "-x", "c", "module.c"],
        ["-std=gnu99", *before, "-x", "c", header.name],
        ["-std=c++17", "-x", "c++", header.name],
    ]  # fmt: skip
    for run in runs:
        done = subprocess.run([compiler, *strict, *run], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return irc.compile(text, cflags=["-O1"])


def test_parameters(words: list[str], tmp_path: Path) -> None:
    params = ", ".join(f"{name}: f32[2]" for name in words)
    sums = "\n".join(f"let zz = zz + {name}" for name in words)
    body = f"let zz = [0, 0]\n{sums}\nreturn zz"
    m = check(f"export def f_f({params}) -> f32[2] {{\n{body}\n}}", tmp_path)
    values = {name: np.full(2, i, np.float32) for i, name in enumerate(words)}
    assert m.f_f(**values).tolist() == [sum(range(len(words)))] * 2


def test_sizes_and_results(some: list[str], tmp_path: Path) -> None:
    names = [word for word in some if word != "_"]  # no size of its own
    params = ", ".join(f"a{i}_: f32[{name}]" for i, name in enumerate(names))
    results = ", ".join(f"{name}: i64" for name in names)
    m = check(f"export def f_f({params}) -> ({results}) = ({', '.join(names)})", tmp_path)
    got = m.f_f(*(np.zeros(i, np.float32) for i in range(len(names))))
    assert list(got) == list(range(len(names)))


def test_states_constants_and_fields(some: list[str], tmp_path: Path) -> None:
    text = "".join(f"state {name}: i64 = {i}\n" for i, name in enumerate(some))
    m = check(text + f"export def f_f() -> i64 = {' + '.join(some)}", tmp_path)
    assert m.f_f() == sum(range(len(some)))
    assert [int(m.state[name]) for name in some] == list(range(len(some)))

    text = "".join(f"const {name} = {i}{'.5' if i % 2 else ''}\n" for i, name in enumerate(some))
    m = check(text + f"export def f_f(zz: f64) -> f64 = zz + {' + '.join(some)}", tmp_path)
    assert m.f_f(0.0) == sum(i + 0.5 * (i % 2) for i in range(len(some)))

    # `;`, since a line that begins with `for` goes on with the one before
    fields = "; ".join(f"{name}: i64 = {i}" for i, name in enumerate(some))
    total = " + ".join(f"r_r.{name}" for name in some)
    m = check(f"state r_r {{\n{fields}\n}}\nexport def f_f() -> i64 = {total}", tmp_path)
    assert m.f_f() == sum(range(len(some)))


def test_functions(some: list[str], tmp_path: Path) -> None:
    """Those that a name of the module hides are reached as `m["name"]`."""
    m = check("\n".join(f"export def {n}() -> i64 = {i}" for i, n in enumerate(some)), tmp_path)
    assert [int(m[name]()) for name in some] == list(range(len(some)))
    assert m.functions.keys() == set(some)
    own = {name for name in some if getattr(m, name) is not m[name]}
    assert {"state", "seed", "save", "spec", "functions", "name", "__class__"} <= own
    assert not any(name in own for name in ("class", "lambda", "int", "λ", "n", "IRC_OK"))
    assert "irc module" in repr(m) and "IRC_OK" in m._repr_html_()


@pytest.mark.parametrize("name", ["words", "λ", "int", "m", "free", "-x", "a b", "1x", "IRC"])
def test_modules(name: str, tmp_path: Path) -> None:
    """A file may have any name; its own function and parameter may have it too."""
    own = name if name.isidentifier() and not keyword.iskeyword(name) else "f"
    path = tmp_path / f"{name}.irc"
    path.write_text(f"state {own}s: f32 = 1\nexport def {own}({own}_x: f32) -> f32 = {own}_x + 1")
    assert irc.compile(path)[own](1) == 2
