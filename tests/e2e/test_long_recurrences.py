"""
Many steps cost what few cost: compiling does not see how many there are, and workspace is what
`--memory` says, which is a few rows, all rows, or with `@checkpoint` about the root of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from example_scripts import FOLDER
from work import calls
from workspace import predicted

from irc.driver import Outputs, Source, compile_source
from irc.options import Options
from irc.runtime.module import load_bytes
from irc.sizes import parse

LAST = """
{mark}
def last(u: f64[T, 30], W: f64[30, 30], x0: f64[30]) -> f64[30] {{
    scan t < T {{
        init x[-1] = x0
        init c[-1] = x0
        c[t] = sin(W @ c[t-1]) * x[t-1]
        x[t] = tanh(W @ x[t-1] + c[t] + u[t])
    }}
    return x[-1]
}}
export def f(u: f64[T, 30], W: f64[30, 30], x0: f64[30]) -> (f64[30, 30], f64[30]) {{
    let y = last(u, W, x0)
    return grad(sum(y * y), wrt=(W, x0))
}}
export def g(u: f64[T, 30], W: f64[30, 30], x0: f64[30]) -> f64[30] = last(u, W, x0)
"""
NESTED = """
export def f(u: f64[T, T], w: f64[3]) -> (f64, f64[3]) {
    scan t < T {
        init x[-4:0] = zeros([4, 3])
        scan s < T {
            init y[-2:0] = zeros([2, 3])
            y[s] = tanh(y[s-2] * w + x[t-4] + u[t, s])
            until sum(y[s]) > 100
        }
        x[t] = sum(y, axis=0) * x[t-1]
    }
    let c = sum(x)
    return c, grad(c, wrt=w)
}
"""
SEARCH = """
export def f(x: f64[3], w: f64[3]) -> (f64[3], f64[3]) {
    loop y = x, k = 0 for i < T while sum(y) < 100 max T { next y += sin(y * w * i); next k += 1 }
    return y, grad(sum(y), wrt=w)
}
"""


def example(name: str) -> str:
    return (FOLDER / name).read_text()


PROGRAMS = {
    "a long short-term memory": (example("lstm.irc"), "T"),
    "samples": (example("hmc.irc"), "S"),
    "the talk's recurrence": (example("3_rnn.irc").replace("[T, ", "[N, ").replace("< T", "< N")
                              + "const N = 10\n", "N"),
    "checkpoints": ("const T = 10\n" + LAST.format(mark="@checkpoint"), "T"),
    "a scan in a scan": ("const T = 10\n" + NESTED, "T"),
    "a search": ("const T = 10\n" + SEARCH, "T"),
}  # fmt: skip


def work(text: str, defines: dict[str, str]) -> tuple[int, int]:
    """Calls while the program becomes C, and the lines of it."""
    found: list[Outputs] = []
    options = Options(defines=defines, use_cache=False)
    count = calls(lambda: found.append(compile_source(Source(text, "t.irc"), options, ["c"])))
    c = found[0].texts["c"]
    assert isinstance(c, str)
    return count, c.count("\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_thousand_steps_compile_like_ten(name: str) -> None:
    text, size = PROGRAMS[name]
    compile_source(Source(text, "t.irc"), Options(use_cache=False), ["c"])  # caches and imports
    few, lines_of_few = work(text, {size: "10"})
    many, lines_of_many = work(text, {size: "1000"})
    assert many < 1.1 * few
    assert lines_of_many < 1.1 * lines_of_few


def test_a_symbol_compiles_like_a_number() -> None:
    text, size = PROGRAMS["the talk's recurrence"]
    compile_source(Source(text, "t.irc"), Options(use_cache=False), ["c"])
    fixed, _ = work(text, {size: "1000"})
    symbolic, _ = work(example("3_rnn.irc"), {})
    assert symbolic < 1.25 * fixed


# -- memory


def built(text: str, defines: dict[str, str] | None = None) -> tuple[Outputs, bytes]:
    options = Options(defines=defines or {}, use_cache=False)
    outputs = compile_source(Source(text, "t.irc"), options, ["so", "loops"])
    return outputs, outputs.data("so")


def arguments(steps: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(steps, 30)), rng.normal(size=(30, 30)) / 6, rng.normal(size=30)]


@pytest.mark.cc
@pytest.mark.parametrize("mark", ["", "@checkpoint"])
def test_a_gradient_holds_what_was_predicted(
    mark: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "last.irc"
    path.write_text(LAST.format(mark=mark))
    _, library = built(path.read_text())
    taken = {}
    for steps in (1, 2, 100, 101, 10_000):
        expected = predicted(path, {"T": steps}, capsys)
        for name in ("f", "g"):
            module = load_bytes(library)
            module[name](*arguments(steps))
            assert module.workspace_bytes == expected[name], (name, steps)
        taken[steps] = expected
    assert taken[10_000]["g"] == taken[100]["g"] < 4 * 30 * 30 * 8, "as steps follow each other"
    row = 30 * 8
    few, many = taken[100]["f"], taken[10_000]["f"]
    if mark:  # some rows at the ends of 100 stretches, and some in each step of one
        assert (100 - 10) * 4 * row < many - few < (100 - 10) * 10 * row
        most = predicted(path, {"T": 1_000_000}, capsys)["f"]
        assert (1000 - 100) * 4 * row < most - many < (1000 - 100) * 10 * row
    else:
        assert (10_000 - 100) * 3 * row < many - few < (10_000 - 100) * 7 * row


@pytest.mark.cc
def test_checkpoints_change_no_number() -> None:
    results = []
    for mark in ("", "@checkpoint"):
        _, library = built(LAST.format(mark=mark))
        results.append(load_bytes(library).f(*arguments(1001)))
    for plain, again in zip(*results, strict=True):
        np.testing.assert_allclose(plain, again, rtol=1e-11, atol=1e-13)


@pytest.mark.cc
def test_scans_in_scans_and_searches_hold_what_was_predicted() -> None:
    outputs, library = built(NESTED)
    for steps in (0, 1, 2, 9):
        module = load_bytes(library)
        module.f(np.zeros((steps, steps)), np.ones(3))
        assert module.workspace_bytes == parse(outputs.arenas["f"]).evaluate({"T": steps})
    outputs, library = built("const T = 50\n" + SEARCH)
    module = load_bytes(library)
    module.f(np.zeros(3), np.ones(3))
    assert module.workspace_bytes == parse(outputs.arenas["f"]).evaluate({}) > 50 * 3 * 8
