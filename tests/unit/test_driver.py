"""The walk from source to shared object, and the cache in front of it."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import irc
from irc.driver import KINDS, Source, Watch, compile_module, compile_source
from irc.errors import CheckFailed, UserError
from irc.options import Options, from_keywords, parse_checks
from irc.runtime.module import load_bytes

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests/lit/cli/Inputs/small.irc"
TEXT = SMALL.read_text()
QUICK = Options(opt_level=0)


def source(text: str = TEXT, file: str = "small.irc") -> Source:
    return Source(text, file)


# ---- what is made


def test_every_kind_is_made_in_one_walk() -> None:
    outputs = compile_source(source(), QUICK, KINDS)
    assert set(KINDS) <= set(outputs.texts)
    assert all(outputs.texts[kind] for kind in KINDS)
    assert isinstance(outputs.texts["so"], bytes) and isinstance(outputs.texts["obj"], bytes)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("so", "obj")])
def test_a_kind_alone_is_what_it_is_among_others(kind: str) -> None:
    alone = compile_source(source(), QUICK, [kind]).texts[kind]
    assert alone == compile_source(source(), QUICK, KINDS).texts[kind]


def test_results_do_not_say_where_the_program_was(tmp_path: Path) -> None:
    """With a run-time check, a message, a state and an import: each has a place in the source."""
    text = """
        import "parts.irc" as parts
        state total: f32 = 0
        ## Adds.
        export def f(x: f32[n]) -> f32 where n >= 2 {
          assert x[0] > 0, "not positive"
          print "total {total}"
          update total += parts.twice(x[1])
          return total
        }
    """
    kinds = ["c", "header", "json", "pyi", "doc", "obj", "so"]
    made = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        part = "export def twice(x) {\n  assert x < 9\n  return x * 2\n}\n"
        (tmp_path / name / "parts.irc").write_text(part)
        given = Source(textwrap.dedent(text), str(tmp_path / name / "model.irc"))
        made.append(compile_source(given, Options(opt_level=0, lines=True), kinds))
    for kind in kinds:
        assert made[0].data(kind) == made[1].data(kind)
        assert str(tmp_path).encode() not in made[0].data(kind)
    assert b'#line 6 "model.irc"' in made[0].data("c")
    assert b"parts.irc:2:" in made[0].data("c")


@pytest.mark.parametrize("level", range(4))
def test_a_module_computes_at_every_level(level: int) -> None:
    options = Options(opt_level=level, target="cpu:x86-64")
    data = compile_source(source(), options, ["so"]).texts["so"]
    assert isinstance(data, bytes)
    module = load_bytes(data)
    x = np.array([1, 3], np.float32)
    assert module.f(x).tolist() == [2, 6]
    assert module.add(x, scale=2.0) == (4, 3)
    assert module.state.total.tolist() == [2, 6]


def test_memory_is_predicted_exactly() -> None:
    from irc.sizes import parse

    text = """
    export def f(x: f32[n, 30], w: f32[30, k]) -> f32[k] {
        let h = tanh(x @ w)
        return sum(h * h, axis=0)
    }
    """
    outputs = compile_source(source(textwrap.dedent(text)), Options(), ["so", "loops"])
    data = outputs.texts["so"]
    assert isinstance(data, bytes)
    for n, k in ((1, 1), (7, 5), (64, 33)):
        module = load_bytes(data)
        module.f(np.ones((n, 30), np.float32), np.ones((30, k), np.float32))
        assert module.workspace_bytes == parse(outputs.arenas["f"]).evaluate({"n": n, "k": k})


def test_the_pipeline_of_the_user_replaces_ours() -> None:
    options = Options(pipeline="nd-expand-grad,convert-nd-to-linalg")
    text = compile_source(source(), options, ["linalg"]).texts["linalg"]
    assert "linalg.generic" in str(text)
    with pytest.raises(UserError, match="--pipeline ends at stage linalg; bufferize would go on"):
        compile_source(source(), options, ["c"])
    with pytest.raises(UserError, match="--pipeline: after stage loops: .* should have gone"):
        options = Options(pipeline="nd-expand-grad,convert-nd-to-linalg,bufferize")
        compile_source(source(), options, ["loops"])


def test_warnings_reach_the_watch() -> None:
    seen: list[str] = []
    watch = Watch(warning=lambda diagnostic, sources: seen.append(diagnostic.code))
    text = "export def f(x: f32[n], y: f32[m]) -> f32[n] = x + sum(y)\n"
    compile_source(source(text), QUICK, ["nd"], watch)
    assert seen == ["W0401"]


def test_passes_are_compared_when_asked() -> None:
    compile_source(source(), Options(checks=frozenset({"compare"})), ["loops"])


def test_a_wrong_pass_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from xdsl.context import Context
    from xdsl.dialects.builtin import ModuleOp

    from irc.dialects import nd
    from irc.dialects.verify import walk
    from irc.passes.nd.dce import DcePass

    def swap_mul_for_add(self: DcePass, ctx: Context, op: ModuleOp) -> None:
        for one in list(walk(op)):
            if isinstance(one, nd.ELEMENTWISE["mul"]):
                new = nd.ELEMENTWISE["add"].create(
                    operands=one.operands, result_types=[one.results[0].type]
                )
                assert one.parent is not None
                one.parent.insert_op_before(new, one)
                one.results[0].replace_all_uses_with(new.results[0])
                one.detach()
                one.erase()

    monkeypatch.setattr(DcePass, "apply", swap_mul_for_add)
    with pytest.raises(CheckFailed, match="pass `nd-dce` changes @f .*element .* before, .* after"):
        compile_source(source(), Options(checks=frozenset({"compare"})), ["nd"])


def test_only_the_named_functions_are_exported() -> None:
    outputs = compile_source(source(), Options(entry=("f",)), ["json"])
    assert '"add"' not in str(outputs.texts["json"])


# ---- the cache


def test_the_second_time_nothing_is_compiled(tmp_path: Path) -> None:
    options = Options(opt_level=0, cache=tmp_path)
    first = compile_source(source(), options, ["so"])
    second = compile_source(source(), options, ["so", "header", "c"])
    assert not first.cached and second.cached
    assert first.texts["so"] == second.texts["so"]


def test_a_cached_result_needs_no_compiler_of_ours(tmp_path: Path) -> None:
    compile_source(source(), Options(opt_level=0, cache=tmp_path), ["so"])
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from irc.driver import Options, Source, compile_source
        options = Options(opt_level=0, cache=Path({str(tmp_path)!r}))
        outputs = compile_source(Source({TEXT!r}, "small.irc"), options, ["so"])
        assert outputs.cached
        heavy = sorted(set(sys.modules) & {{"xdsl", "lark", "numpy", "click", "irc.frontend"}})
        assert not heavy, heavy
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "change",
    [{"opt_level": 1}, {"defines": {"K": "3"}}, {"checks": frozenset()}, {"lines": True}],
)
def test_another_option_is_another_result(tmp_path: Path, change: dict[str, object]) -> None:
    compile_source(source(), Options(cache=tmp_path, target="cpu:x86-64"), ["c"])
    options = Options(cache=tmp_path, target="cpu:x86-64", **change)  # type: ignore[arg-type]
    assert not compile_source(source(), options, ["c"]).cached


def test_a_changed_import_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "lib.irc").write_text("export def twice(x: f32) -> f32 = 2.0 * x\n")
    text = 'import "lib.irc" as lib\nexport def f(x: f32) -> f32 = lib.twice(x)\n'
    options = Options(opt_level=0, cache=tmp_path / "cache")
    main = source(text, str(tmp_path / "main.irc"))
    assert not compile_source(main, options, ["c"]).cached
    assert compile_source(main, options, ["c"]).cached
    (tmp_path / "lib.irc").write_text("export def twice(x: f32) -> f32 = x + x\n")
    assert not compile_source(main, options, ["c"]).cached


def test_warnings_are_repeated_from_the_cache(tmp_path: Path) -> None:
    text = "export def f(x: f32[n], y: f32[m]) -> f32[n] = x + sum(y)\n"
    seen: list[object] = []
    for _ in range(2):
        watch = Watch(warning=lambda diagnostic, sources: seen.append(diagnostic))
        compile_source(source(text), Options(opt_level=0, cache=tmp_path), ["c"], watch)
    assert len(seen) == 2 and seen[0] == seen[1]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    made = [
        compile_source(source(), Options(opt_level=1, cache=tmp_path / name), ["so"]).texts["so"]
        for name in "ab"
    ]
    assert made[0] == made[1]


# ---- from Python


def test_compile_takes_text_or_a_path(tmp_path: Path) -> None:
    by_text = irc.compile("export def f(x: f32) -> f32 = 2.0 * x\n", O=0)
    assert by_text.f(3.0) == 6
    by_path = irc.compile(SMALL, D={"K": 3}, opt_level=0)
    assert by_path.f(np.ones(3, np.float32)).tolist() == [2, 2, 2]


def test_without_a_cache_the_file_is_elsewhere() -> None:
    path = compile_module(SMALL, opt_level=0, use_cache=False)
    assert path.read_bytes() and path.name == "module.so"


def test_a_mistake_shows_its_line() -> None:
    with pytest.raises(irc.UserError) as caught:
        irc.compile("export def f(x: f32) -> f32 = y\n")
    assert "--> <string>:1:31" in str(caught.value)


def test_a_mistake_that_a_pass_finds_shows_its_line() -> None:
    text = "export def f(x: f64) -> f64 {\n    loop y = x while y > 1 { next y = y / 2 }\n"
    with pytest.raises(irc.UserError) as caught:
        irc.compile(text + "    return grad(y, wrt=x)\n}\n")
    assert "--> <string>:2:5" in str(caught.value) and "max 100" in str(caught.value)


def test_options_are_spelled_in_both_ways() -> None:
    options = from_keywords(D={"H": 3, "flag": True}, O=1, check="nan", I="lib", entry="f")
    assert options.defines == {"H": "3", "flag": "true"} and options.opt_level == 1
    assert options.checks == {"bounds", "nan"} and options.import_paths == (Path("lib"),)
    assert options.entry == ("f",)
    with pytest.raises(TypeError, match="has no option `opt_levle`; did you mean `opt_level`?"):
        from_keywords(opt_levle=1)
    with pytest.raises(UserError, match="no check is called `everything`"):
        from_keywords(check="everything")
    with pytest.raises(UserError, match="no optimization level 7"):
        from_keywords(O=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bounds", {"bounds"}),
        ("nan", {"bounds", "nan"}),
        ("bounds, nan", {"bounds", "nan"}),
        ("none", set()),
        ("none,nan", {"nan"}),
    ],
)
def test_bounds_are_checked_unless_refused(text: str, expected: set[str]) -> None:
    assert parse_checks(text) == expected


def test_the_garbage_collector_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(irc.UserError):
        irc.compile("export def f(x: f32[n]) -> f32[n] = y", use_cache=False)
    irc.compile("export def f(x: f32[n]) -> f32[n] = x", use_cache=False)
    assert gc.get_threshold() == before
