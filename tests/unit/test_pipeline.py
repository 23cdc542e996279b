"""The table of stages and passes, and how pipelines are written."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irc.options import Options
from irc.passes.spelling import PassText, PipelineError, parse_pipeline, pipeline_text
from irc.pipeline import (
    BEFORE,
    EXTRA,
    PASSES,
    STAGES,
    load,
    pass_class,
    passes_of,
    stage,
    stage_of_pass,
    standard_pipeline,
)
from irc.target import parse as parse_target

TARGET = parse_target("cpu:x86-64-v3")
ALL_CHECKS = Options(checks=frozenset({"nan"}))


def names(options: Options, start: str | None = None, stop: str | None = None) -> list[str]:
    stages = standard_pipeline(options, TARGET, start, stop)
    return [one.name for _, passes in stages for one in passes]


# ---- the table


@pytest.mark.parametrize(("first", "second", "reason"), BEFORE)
def test_order(first: str, second: str, reason: str) -> None:
    order = [row.name for s in STAGES for row in s.passes]
    assert order.index(first) < order.index(second), reason


def test_every_pass_has_a_reason_for_its_place() -> None:
    placed = {name for first, second, _ in BEFORE for name in (first, second)}
    assert [row.name for s in STAGES for row in s.passes if row.name not in placed] == []


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_has_one_name(name: str) -> None:
    """On the command line, as a file, as a class."""
    cls = pass_class(name)
    assert cls.name == name
    module, _, class_name = PASSES[name].path.partition(":")
    stem = module.rpartition(".")[2]
    prefix = module.split(".")[-2]
    assert name in (stem.replace("_", "-"), f"{prefix}-{stem.replace('_', '-')}")
    short = name.removeprefix(f"{prefix}-")
    assert class_name.lower() == short.replace("-", "") + "pass"
    assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_says_what_it_needs_and_leaves(name: str) -> None:
    text = inspect.getdoc(pass_class(name)) or ""
    assert "Needs" in text and "Leaves" in text


@pytest.mark.parametrize("name", PASSES)
def test_settings_are_options_of_the_pass(name: str) -> None:
    fields = {f.name for f in dataclasses.fields(pass_class(name))}
    assert set(PASSES[name].settings) <= fields
    for value in PASSES[name].settings.values():
        assert isinstance(value(Options(), TARGET), str | int | float | bool | tuple)


def test_stages_are_found_by_name() -> None:
    assert [stage(s.name) for s in STAGES] == list(STAGES)
    with pytest.raises(PipelineError, match="unknown stage `linlag`; did you mean `linalg`?"):
        stage("linlag")


def test_a_pass_knows_its_stage() -> None:
    assert stage_of_pass("bufferize") is stage("loops")
    assert stage_of_pass("canonicalize") is None
    assert all(stage_of_pass(row.name) is None for row in EXTRA)


# ---- what runs


def test_at_level_0_only_what_lowering_needs_runs() -> None:
    lowering = {row.name for s in STAGES for row in s.passes if not row.level}
    assert set(names(Options(opt_level=0))) < lowering | {"nd-drop-checks"}
    assert "linalg-fuse" not in names(Options(opt_level=1))
    assert "linalg-fuse" in names(Options(opt_level=2))


def test_each_level_runs_what_the_one_below_runs() -> None:
    for level in (1, 2, 3):
        assert set(names(Options(opt_level=level - 1))) <= set(names(Options(opt_level=level)))


def test_checks_bring_and_take_passes() -> None:
    assert "nd-drop-checks" not in names(Options()) and "nd-check-nan" not in names(Options())
    assert "nd-drop-checks" in names(ALL_CHECKS) and "nd-check-nan" in names(ALL_CHECKS)


def test_parts_of_the_road() -> None:
    whole = names(Options())
    parts = [names(Options(), None, "nd"), names(Options(), "nd", "linalg")]
    parts.append(names(Options(), "linalg"))
    assert [name for part in parts for name in part] == whole
    assert names(Options(), "nd", "nd") == []
    with pytest.raises(PipelineError, match="stage `nd` comes before stage `loops`"):
        names(Options(), "loops", "nd")


def test_passes_are_told_the_target() -> None:
    (convert,) = [
        p for p in passes_of(stage("loops"), Options(), TARGET)
        if p.name == "convert-linalg-to-loops"
    ]  # fmt: skip
    assert convert.options["target"] == ("cpu:native",)


def test_the_standard_pipeline_reads_back() -> None:
    for _, passes in standard_pipeline(ALL_CHECKS, TARGET):
        assert parse_pipeline(pipeline_text(passes)) == passes
        assert [load(p).name for p in passes] == [p.name for p in passes]


# ---- how it is written

NAMES = st.sampled_from(["a", "nd-cse", "convert-nd-to-linalg", "x86-64"])
VALUES = (
    st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=8)
)
OPTIONS = st.dictionaries(
    st.sampled_from(["x", "tile_size", "of", "true_"]),
    st.lists(VALUES, max_size=3).map(tuple),
    max_size=3,
)
PASS_TEXTS = st.builds(PassText, NAMES, OPTIONS)


@given(st.lists(PASS_TEXTS, max_size=4))
def test_text_reads_back(passes: list[PassText]) -> None:
    assert parse_pipeline(pipeline_text(passes)) == passes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        (" a , b ", ["a", "b"]),
        ("builtin.module(a)", ["a"]),
        ("builtin.module(func.func(a,b{x=1}),c)", ["a", "b{x=1}", "c"]),
        ("any(a),b", ["a", "b"]),
        ("a{x=1,2 y=true}", ["a{x=1,2 y=true}"]),
        ("a{x=1, y=2}", ["a{x=1 y=2}"]),
        ("a{tile-size=4}", ["a{tile_size=4}"]),
        ("a{flag}", ["a{flag}"]),
        ("a{s='x y'}", ['a{s="x y"}']),
        ("a{t=cpu:x86-64-v3}", ["a{t=cpu:x86-64-v3}"]),
    ],
)
def test_both_spellings(text: str, expected: list[str]) -> None:
    assert [str(p) for p in parse_pipeline(text)] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b", "expected `,` after a pass in the pipeline\n  a b\n    ^"),
        ("a{x", "expected an option or `}` in the pipeline\n  a{x\n     ^"),
        ("a{x=}", "expected a value in the pipeline\n  a{x=}\n      ^"),
        ("a)", "expected `,` or the end in the pipeline\n  a)\n   ^"),
        ("builtin.module(a", "expected a pass or `)` in the pipeline\n  builtin.module(a\n    "),
        ("scf.for(a)", "a pipeline nests in builtin.module and func.func, not in `scf.for`"),
        ("a;b", "`;` does not belong in a pipeline\n  a;b\n   ^"),
    ],
)
def test_a_wrong_pipeline_is_shown(text: str, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


@given(st.text(st.sampled_from("ab{}()=,1. \"'-\\"), max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_pipeline(text)
    except PipelineError:
        pass


def test_unknown_passes_and_options_have_suggestions() -> None:
    with pytest.raises(PipelineError, match="unknown pass `nd-csee`; did you mean `nd-cse`?"):
        load(PassText("nd-csee"))
    with pytest.raises(PipelineError, match="unknown option of convert-linalg-to-loops `targe`"):
        load(PassText("convert-linalg-to-loops", {"targe": ("cpu",)}))
    with pytest.raises(PipelineError, match="convert-linalg-to-loops.*threads"):
        load(PassText("convert-linalg-to-loops", {"threads": ("many",)}))


def test_upstream_passes_are_there_too() -> None:
    assert load(PassText("canonicalize")).name == "canonicalize"
