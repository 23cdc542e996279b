"""Values in printed lines and messages: as Python writes them, in any locale."""

from __future__ import annotations

import locale
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modules_by_hand import Program, array

import irc
from irc.abi import FunctionSpec, ModuleSpec
from irc.runtime.module import Module

KERNELS = r"""
static int32_t k_show(struct say *ctx, const double *x, const float *y, const int64_t *i,
                      const uint64_t *u, const bool *b, char *arena)
{
    (void)arena;
    irc_text t = irc_print_begin(&ctx->head);
    irc_put_f64(&t, *x, NULL);
    irc_put(&t, " ");
    irc_put_f32(&t, *y, NULL);
    irc_put(&t, " ");
    irc_put_f64(&t, *x, "%.4f");
    irc_put(&t, " ");
    irc_put_f64(&t, *x, "%.3e");
    irc_put(&t, " ");
    irc_put_i64(&t, *i, NULL);
    irc_put(&t, " ");
    irc_put_u64(&t, *u, NULL);
    irc_put(&t, " ");
    irc_put_bool(&t, *b);
    irc_print_end(&t);
    return IRC_OK;
}

static int32_t k_rows(struct say *ctx, int64_t n, int64_t k, const int32_t *x, char *arena)
{
    (void)arena;
    const int64_t dims[2] = {n, k};
    irc_text t = irc_print_begin(&ctx->head);
    irc_put_tensor(&t, x, dims, 2, sizeof *x, irc_put_i32_at, NULL);
    irc_print_end(&t);
    return IRC_OK;
}

static int32_t k_complain(struct say *ctx, const int64_t *n, char *arena)
{
    (void)arena;
    irc_text t = irc_message_begin(&ctx->head);
    for (int64_t i = 0; i < *n; ++i)
        irc_put(&t, "\xce\xbb");
    return irc_message_end(&t, IRC_ASSERT);
}
"""
SAY = Program(
    ModuleSpec(
        "say",
        functions=(
            FunctionSpec(
                "show",
                params=tuple(
                    array(n, t)
                    for n, t in zip("xyiub", ("f64", "f32", "i64", "u64", "bool"), strict=True)
                ),
            ),
            FunctionSpec("rows", sizes=("n", "k"), params=(array("x", "i32", "n", "k"),)),
            FunctionSpec("complain", params=(array("n", "i64"),)),
        ),
    ),
    KERNELS,
)


class Lines:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


@pytest.fixture(scope="module")
def say(tmp_path_factory: pytest.TempPathFactory) -> Module:
    path = tmp_path_factory.mktemp("say") / "say.so"
    path.write_bytes(SAY.shared_object())
    return irc.load(path)


@pytest.fixture(scope="module")
def stdout() -> Lines:
    return Lines()


def show(say: Module, x: float, y: float, i: int = 0, u: int = 0, b: bool = False) -> list[str]:
    import contextlib

    lines = Lines()
    with contextlib.redirect_stdout(lines):  # type: ignore[type-var]
        say.show(x, y, i, u, b)
    return lines.text.rstrip("\n").split(" ")


@settings(max_examples=300, deadline=None)
@given(st.floats(), st.floats(width=32), st.integers(-(2**63), 2**63 - 1), st.booleans())
def test_numbers_look_as_in_python(say: Module, x: float, y: float, i: int, b: bool) -> None:
    shown = show(say, x, y, i, i + 2**63, b)
    single = np.float32(y)
    expected = str(single) if np.isfinite(single) else repr(float(single))
    assert shown[0] == repr(x)
    assert float(shown[1]) == float(expected) or np.isnan(single)
    assert len(shown[1]) <= len(repr(float(expected)))
    finite = np.isfinite(x)
    assert shown[2] == (f"{x:.4f}" if finite else repr(x))
    assert shown[3] == (f"{x:.3e}" if finite else repr(x))
    assert shown[4:] == [str(i), str(i + 2**63), str(b).lower()]


def test_the_locale_has_no_say(say: Module) -> None:
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        try:
            assert show(say, 1234.5, 0.1)[:3] == ["1234.5", "0.1", "1234.5000"]
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)


def rows(say: Module, x: np.ndarray, capsys: pytest.CaptureFixture[str]) -> str:
    say.rows(x.astype(np.int32))
    return capsys.readouterr().out.rstrip("\n")


def test_tensors(say: Module, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(say, np.array([[1, 2], [3, 4]]), capsys) == "[[1, 2], [3, 4]]"
    assert rows(say, np.empty((0, 3)), capsys) == "[]"
    assert rows(say, np.empty((2, 0)), capsys) == "[[], []]"
    large = np.arange(40 * 30).reshape(40, 30)
    text = rows(say, large, capsys)
    assert text.startswith("[[0, 1, 2, ..., 27, 28, 29], [30,") and text.count("...") == 7
    assert text.endswith("1197, 1198, 1199]]")
    exactly = np.zeros((10, 100))
    assert rows(say, exactly, capsys).count("0") == 1000


def test_long_lines_arrive_whole(say: Module, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.arange(990).reshape(1, 990) + 1_000_000
    assert rows(say, x, capsys) == str(x.tolist())


def test_a_long_message_is_cut_between_characters(say: Module) -> None:
    for n in (1, 255, 256, 257, 1023):
        with pytest.raises(irc.AssertError) as caught:
            say.complain(n)
        assert str(caught.value) == "λ" * n
    with pytest.raises(irc.AssertError) as caught:
        say.complain(5000)
    assert set(str(caught.value)) == {"λ"} and 1000 < len(str(caught.value)) < 1024


def test_c_prints_to_stdout_by_itself(tmp_path: Path) -> None:
    import subprocess

    text = SAY.text
    (tmp_path / "say.c").write_text(text.c)
    (tmp_path / "say.h").write_text(text.header)
    (tmp_path / "main.c").write_text(
        '#include "say.h"\nint main(void)\n{\n    say *m = say_new(0);\n'
        "    return say_show(m, 0.1, 0.1f, -1, 1, true);\n}\n"
    )
    main = tmp_path / "main"
    subprocess.run(["cc", tmp_path / "say.c", tmp_path / "main.c", "-o", main, "-lm"], check=True)
    out = subprocess.run([main], capture_output=True, text=True)
    assert (out.returncode, out.stdout) == (0, "0.1 0.1 0.1000 1.000e-01 -1 1 true\n")


def test_a_print_without_a_stdout(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = 'print "s {s}"\nupdate s += 1\nreturn s'
    m = irc.compile(f"state s: f32 = 1\nexport def f() -> f32 {{\n{body}\n}}")
    with monkeypatch.context() as without:
        without.setattr("sys.stdout", None)
        assert m.f() == 1
    assert m.state.s == 2
