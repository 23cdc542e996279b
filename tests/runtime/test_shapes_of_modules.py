"""Modules of unusual shape: many arguments, test blocks, clashing names; and what a call costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from modules_by_hand import Program, array, result
from work import calls

import irc
from irc.abi import FunctionSpec, ModuleSpec
from irc.runtime.backend import backend
from irc.runtime.module import Module


def load(program: Program, directory: Path) -> Module:
    path = directory / "m.so"
    path.write_bytes(program.shared_object(optimize=1))
    return irc.load(path)


@pytest.mark.parametrize("count", [33, 200])
def test_many_arguments_and_results(loader: str, tmp_path: Path, count: int) -> None:
    spec = FunctionSpec(
        "f",
        sizes=("n",),
        params=tuple(array(f"a{i}", "f32", "n") for i in range(count)),
        results=tuple(result(f"r{i}", "f32", "n") for i in range(count)),
    )
    inputs = ", ".join(f"const float *a{i}" for i in range(count))
    outputs = ", ".join(f"float *r{i}" for i in range(count))
    body = " ".join(f"r{i}[k] = a{i}[k] + 1;" for i in range(count))
    kernel = (
        f"static int32_t k_f(struct many *ctx, int64_t n, {inputs}, {outputs}, char *arena)\n"
        f"{{ (void)ctx; (void)arena; for (int64_t k = 0; k < n; ++k) {{ {body} }} return 0; }}\n"
    )
    m = load(Program(ModuleSpec("many", functions=(spec,)), kernel), tmp_path)
    results = m.f(*(np.full(3, i, np.float32) for i in range(count)))
    assert [r.tolist() for r in results] == [[i + 1.0] * 3 for i in range(count)]
    with pytest.raises(irc.ShapeError, match="arguments `a0` and `a7` disagree on n"):
        m.f(*(np.zeros(4 if i == 7 else 3, np.float32) for i in range(count)))


KINDS = Program(
    ModuleSpec(
        "kinds",
        functions=(
            FunctionSpec("save", results=(result(None, "i32"),)),
            FunctionSpec("out", params=(array("out", "i32"),), results=(result(None, "i32"),)),
            FunctionSpec("it holds", kind="test"),
            FunctionSpec("it fails", kind="test"),
        ),
    ),
    r"""
static int32_t k_save(struct kinds *ctx, int32_t *r, char *arena)
{
    (void)ctx;
    (void)arena;
    *r = 7;
    return IRC_OK;
}
static int32_t k_out(struct kinds *ctx, const int32_t *x, int32_t *r, char *arena)
{
    (void)ctx;
    (void)arena;
    *r = *x;
    return IRC_OK;
}
static int32_t k_u_it_20_holds(struct kinds *ctx, char *arena)
{
    (void)ctx;
    (void)arena;
    return IRC_OK;
}
static int32_t k_u_it_20_fails(struct kinds *ctx, char *arena)
{
    (void)arena;
    return irc_fail(&ctx->head, IRC_ASSERT, "kinds.irc:9:5: assertion failed");
}
""",
)


def test_test_blocks_are_called_by_name(loader: str, tmp_path: Path) -> None:
    m = load(KINDS, tmp_path)
    assert list(m.tests) == ["it holds", "it fails"]
    assert "it holds" not in m.functions
    assert m.tests["it holds"]() is None
    with pytest.raises(irc.AssertError, match=r"kinds\.irc:9:5: assertion failed"):
        m.tests["it fails"]()
    assert "kinds_it" not in KINDS.text.header


def test_a_function_with_the_name_of_a_method_is_among_the_functions(
    loader: str, tmp_path: Path
) -> None:
    m = load(KINDS, tmp_path)
    assert m.functions["save"]() == 7
    m.save(tmp_path / "state")  # the module's own
    assert "irc_status kinds_save_(kinds *m, int32_t *result);" in KINDS.text.header


def test_a_parameter_called_out(loader: str, tmp_path: Path) -> None:
    m = load(KINDS, tmp_path)
    given = np.empty((), np.int32)
    assert m.out(3) == 3 and m.out(out=4) == 4
    assert m.out(5, out_=given) is given and given == 5


def test_a_call_runs_no_python(odd_path: Path) -> None:
    """What it costs is measured by `tools/bench`; a function in Python would be most of it."""
    if backend().__name__ != "irc.runtime._loader":
        pytest.skip("without the loader extension arguments are checked in Python")
    m, a = irc.load(odd_path), np.ones(16, np.float32)
    assert np.array_equal(m.fma3(a, a, a), a + a)
    assert calls(lambda: m.fma3(a, a, a)) <= calls(lambda: abs(0))
