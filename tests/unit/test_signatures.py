"""The Python stub of a module is Python, whatever the program's names and texts are."""

from __future__ import annotations

import ast

from irc.driver import Source, compile_source
from irc.options import Options

PROGRAM = """
## He said "hi"
state net { W: f32[2] = zeros()
            b: f32 = 0 }
state lambda: f64 = 0

## In "quotes" \\ at the end\\
export def f(a: f32 = inf, b: bool = true, c: i64 = -3) -> (x: f32, y: f32) = (a, a)
export def late(a: f32 = 1, b: f32[2]) -> f32 = a + sum(b)
export def keywords(class: f32) -> (if_: f32, try: f32) = (class, class)
export def taken(self: f32, out: f32) -> f32 = self + out
export def import() -> i64 = 1
export def seed() -> i64 = 1
"""


def stub() -> str:
    return str(compile_source(Source(PROGRAM, "m.irc"), Options(), ["pyi"]).texts["pyi"])


def lines(start: str) -> list[str]:
    return [line.strip() for line in stub().splitlines() if line.strip().startswith(start)]


def test_it_is_python() -> None:
    tree = ast.parse(stub())
    assert ast.get_docstring(tree) == 'He said "hi"'


def test_values_that_python_cannot_write() -> None:
    a, b, c = "a: float | np.float32 = ...", "b: bool | np.bool_ = True", "c: int | np.int64 = -3"
    assert lines("def f(") == [f"def f(self, {a}, {b}, {c}, *, out: Any = ...) -> FResults:"]


def test_defaults_before_others() -> None:
    (line,) = lines("def late(")
    assert "= 1.0, *, b: NDArray[np.float32], out: Any" in line


def test_names_that_python_cannot_write() -> None:
    anything = "self, /, *args: Any, **kwargs: Any"
    two = "tuple[np.float32, np.float32]"
    assert lines("def keywords(") == [f"def keywords({anything}) -> {two}: ..."]
    assert lines("def taken(") == [f"def taken({anything}) -> np.float32: ..."]
    assert not lines("def import")
    assert lines("def seed(") == ["def seed(self, seed: int) -> None: ..."]
    assert lines("net") == ["net: Any  # a record"]
    assert not lines("lambda")
