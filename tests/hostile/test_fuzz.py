"""Damaged programs and damaged IR end in located messages, or in C text: never in a traceback."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from mutations import mutants
from recurrence_cases import CASES

from irc.diagnostics import render
from irc.dialects.text import module_text, parse_module
from irc.driver import Outputs, Source, Watch, compile_source
from irc.driver.road import Road
from irc.errors import UserError
from irc.frontend.analysis.builtins.table import names
from irc.options import Options

ROOT = Path(__file__).parents[2]
SLOWEST_S = 5.0
TEXTS = ["c", "header", "pyi", "doc", "json"]
HOSTILE_IR = """
    tensor<9999999999xf32> tensor<-1xf32> memref<?xi8> index i1 f128 !nd.x #nd.dims<"n">
    #nd.dims<"n*"> #nd.dims<"(n"> dense<1>:tensor<999999999xi32> @f %0 ^bb0 loc("a":1:2) {-# #-}
    affine_map<(d0)->(d0)> !dialect.x "builtin.module" func.func "nd.add"() nd.constant
    vector<8xf32> -9223372036854775809 18446744073709551616 0x7FC00000 1e999 unit symbol
""".split()


def programs() -> list[str]:
    files = [*ROOT.glob("examples/*.irc"), *ROOT.glob("irc/frontend/lib/*.irc")]
    files += ROOT.glob("tests/numbers/programs/*")
    return [path.read_text() for path in sorted(files)] + [case.text for case in CASES]


def modules() -> list[str]:
    """IR of every level."""
    texts = []
    for path in (ROOT / "examples/1_logreg.irc", ROOT / "examples/2_mlp.irc"):
        made = compile_source(Source(path.read_text(), str(path)), Options(), ["nd", "linalg"])
        texts += [str(text) for text in made.texts.values()]
    for path in sorted(ROOT.glob("tests/l*/**/*.mlir")):
        texts += path.read_text().split("// -----")
    return [text for text in texts if len(text) < 12_000]


def survives(text: str, kind: str, rng: random.Random) -> str:
    """
    What became of a text: refused, accepted, or lowered. An accepted text is sometimes lowered.

    Raises what should not have come out.
    """
    start = time.process_time()
    outcome = "refused"
    source = Source(text, str(ROOT / "examples" / f"fuzz.{kind}"), kind)
    try:
        road = Road(source, Options(tests=True, verify_each=True), Watch(), Outputs())
        module = road.read()
        outcome = "accepted"
        if kind == "mlir":
            printed = module_text(module)
            assert module_text(parse_module(printed, "printed", road.ctx)) == printed
        if rng.random() < 0.3:
            Road(source, road.options, Watch(), Outputs()).walk(TEXTS)
            outcome = "lowered"
    except UserError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            render(diagnostic, error.sources) if error.sources else str(error)
            assert outcome != "refused" or any(label.primary for label in diagnostic.labels)
    assert time.process_time() - start < SLOWEST_S
    return outcome


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a bug may leave its reproducer."""
    monkeypatch.chdir(tmp_path)


def fuzz(kind: str, seed: int, count: int) -> dict[str, int]:
    """How many texts had which end. The text behind a failure is shown."""
    corpus, words = (programs(), names()) if kind == "irc" else (modules(), HOSTILE_IR)
    rng = random.Random(seed)
    ends = {"refused": 0, "accepted": 0, "lowered": 0}
    for text in mutants(corpus, seed, count, words):
        try:
            ends[survives(text, kind, rng)] += 1
        except BaseException as error:
            error.add_note(f"--- the text:\n{text}")
            raise
    return ends


@pytest.mark.parametrize(("kind", "count"), [("irc", 400), ("mlir", 300)])
def test_damaged_texts(kind: str, count: int) -> None:
    ends = fuzz(kind, 20250101, count)
    assert min(ends.values()) > 0, ends  # the fuzzer reaches what it is for


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("kind", "count"), [("irc", 4000), ("mlir", 2000)])
def test_many_damaged_texts(kind: str, count: int, seed: int) -> None:
    fuzz(kind, seed, count)


SCALARS = "func.func @f(%x: f32) -> f32 {\n  %y = math.exp %x : f32\n  func.return %y : f32\n}\n"
EMPTY = "\nfunc.func @f(%x: f32) -> f32 {\n}\n"
UNBOUND = """func.func @f() {
  %a = nd.full 1.0 : f32 : tensor<?xf32, #nd.dims<"q">>
  func.return
}
"""
BUFFER = "func.func @f() {\n  %a = memref.alloc() : memref<4xf32>\n  func.return\n}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SCALARS, "math.exp does not belong to the level of this IR"),
        (EMPTY, "func.func: its body is empty, and lacks a terminator at least"),
        (UNBOUND, "nd.full at x.mlir:2:3 in @f: `q` is the size of no argument"),
        (BUFFER, "memref.alloc has no spelling in C"),
    ],
)
def test_ir_that_its_author_must_change(text: str, message: str) -> None:
    """A mistake of who wrote it, with its place, and no bug of irc."""
    with pytest.raises(UserError) as caught:
        compile_source(Source(text, "x.mlir", "mlir"), Options(), ["c"])
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.title, diagnostic.span and diagnostic.span.line) == (message, 2)
