"""The calling convention as data: JSON there and back, and sizes from shapes."""

from __future__ import annotations

import math

import pytest

from irc import abi
from irc.abi import FactSpec, FunctionSpec, ModuleSpec, ParamSpec, ResultSpec, StateSpec

TRAIN = FunctionSpec(
    "train",
    doc="One step of gradient descent.",
    sizes=("n",),
    params=(
        ParamSpec("x", "f32", ("n", 784), declared="f32[n, D]", span="logreg.irc:17:18"),
        ParamSpec("y", "i32", ("n",), declared="i32[n]", span="logreg.irc:17:30"),
        ParamSpec("lr", "f32", (), default=0.13, declared="f32"),
    ),
    results=(ResultSpec("cost", "f32", declared="f32"), ResultSpec("wrong", "f32")),
    facts=(FactSpec("n", ">", 0, "n > 0"),),
    pure=False,
    writes=("W",),
    span="logreg.irc:17:12",
)
MODULE = ModuleSpec(
    "logreg",
    source="logreg.irc",
    consts={"D": 784, "eps": 1e-6, "big": math.inf, "on": True},
    types={"floatX": "f32"},
    states=(StateSpec("W", "f32", (784, 10)), StateSpec(abi.RNG_STATE, "i64", (2,), hidden=True)),
    functions=(TRAIN,),
)


def test_json_there_and_back_is_the_same() -> None:
    assert abi.module_from_json(abi.to_json(MODULE)) == MODULE
    assert abi.function_from_json(abi.to_json(TRAIN)) == TRAIN


@pytest.mark.parametrize("default", [math.inf, -math.inf, 0.1, 1, True, False, 0, 2**63])
def test_defaults_keep_value_and_type(default: float) -> None:
    f = FunctionSpec("f", params=(ParamSpec("a", "f64", default=default),))
    back = abi.function_from_json(abi.to_json(f)).params[0].default
    assert back == default and type(back) is type(default)


def test_json_is_ascii_and_has_no_bare_infinity() -> None:
    text = abi.to_json(ModuleSpec("λ", doc="µ", consts={"a": math.nan}))
    assert text.isascii()
    assert "NaN" not in text
    assert abi.module_from_json(text).name == "λ"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"name": "m", "abi": 2}', "ABI version 2, this irc speaks version 1"),
        ('{"abi": 1}', "missing"),
        ('{"name": "m", "states": [{"name": "s", "dtype": "f31"}]}', "unknown dtype `f31`"),
        ('{"name": "m", "functions": [3]}', "FunctionSpec is not a JSON object"),
    ],
)
def test_bad_json_is_an_abi_error(text: str, message: str) -> None:
    with pytest.raises(abi.AbiError, match=message):
        abi.module_from_json(text)


def test_fields_of_a_later_version_are_ignored() -> None:
    assert abi.module_from_json('{"name": "m", "abi": 1, "sparkles": [1]}') == ModuleSpec("m")


def test_signature_is_the_declaration() -> None:
    assert TRAIN.signature == (
        "def train(x: f32[n, D], y: i32[n], lr: f32 = 0.13) -> (cost: f32, wrong: f32) where n > 0"
    )
    f = FunctionSpec("f", params=(ParamSpec("b", "bool", default=True),))
    assert f.signature == "def f(b: bool = true)"
    g = FunctionSpec("g", results=(ResultSpec(None, "i32", ("n",)),))
    assert g.signature == "def g() -> i32[n]"


def plan(*shapes: tuple[abi.Dim, ...], sizes: tuple[str, ...]) -> list[tuple[object, ...]]:
    params = tuple(ParamSpec(f"p{i}", "f32", dims) for i, dims in enumerate(shapes))
    bindings = abi.binding_plan(FunctionSpec("f", sizes=sizes, params=params))
    return [(b.symbol, b.param, b.axis, str(b.factor), str(b.offset)) for b in bindings]


def test_an_axis_that_is_the_symbol_binds_it() -> None:
    assert plan(("2*n + 1", 3), ("n",), sizes=("n",)) == [("n", 1, 0, "1", "0")]


def test_a_linear_axis_is_solved() -> None:
    assert plan(("2*n + 1",), sizes=("n",)) == [("n", 0, 0, "2", "1")]
    assert plan(("m*n + m",), ("m",), sizes=("n", "m")) == [
        ("m", 1, 0, "1", "0"),
        ("n", 0, 0, "m", "m"),
    ]


@pytest.mark.parametrize("dims", [("n**2",), ("n*m",), ("(n + 1)//2",), (4,)])
def test_a_size_that_no_axis_tells_is_an_error(dims: tuple[abi.Dim, ...]) -> None:
    with pytest.raises(abi.AbiError, match="no argument tells the size `n`"):
        plan(dims, sizes=("n",))


def test_a_size_that_is_not_listed_is_an_error() -> None:
    with pytest.raises(abi.AbiError, match="size `k` is not among its sizes"):
        plan(("k",), sizes=())
