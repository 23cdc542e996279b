"""Random inputs, and those that a command line describes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from irc.abi import FactSpec, FunctionSpec, ParamSpec
from irc.errors import ArgumentError, DTypeError, ShapeError
from irc.execution.inputs import Argument, make_inputs, parse_argument, random_inputs, random_sizes

F = FunctionSpec(
    "f",
    sizes=("n", "m"),
    params=(
        ParamSpec("x", "f32", ("n", "2*n + 1")),
        ParamSpec("y", "i32", ("n",)),
        ParamSpec("z", "bf16", ("m", 3)),
        ParamSpec("lr", "f32", (), default=0.5),
    ),
    facts=(FactSpec("n", "<", "m"),),
)


def test_random_inputs_agree_in_their_sizes_and_with_the_facts() -> None:
    for seed in range(20):
        x, y, z, lr = random_inputs(F, seed)
        n, m = len(x), len(z)
        assert x.shape == (n, 2 * n + 1) and y.shape == (n,) and z.shape == (m, 3)
        assert n < m <= 7 and lr.shape == ()
        assert (x.dtype, y.dtype, z.dtype) == (np.float32, np.int32, np.float32)
        assert y.min() >= 0 and y.max() <= 2
        assert not (z.view(np.uint32) & 0xFFFF).any()


def test_equal_seeds_give_equal_inputs() -> None:
    first, again, other = (random_inputs(F, seed, special=True) for seed in (4, 4, 5))
    for a, b in zip(first, again, strict=True):
        assert a.tobytes() == b.tobytes()
    assert first[0].tobytes() != other[0].tobytes()


def test_special_inputs_hold_extremes() -> None:
    f = FunctionSpec("f", params=(ParamSpec("x", "f32", (500,)), ParamSpec("k", "u8", (99,))))
    x, k = random_inputs(f, special=True)
    assert np.isnan(x).any() and np.isinf(x).any() and (x == 0).any()
    assert ((x != 0) & (np.abs(x) < 1e-38)).any()
    assert k.max() == 255


def test_facts_that_no_small_size_satisfies() -> None:
    f = FunctionSpec("f", sizes=("n",), params=(ParamSpec("x", "f32", ("n",)),),
                     facts=(FactSpec("n", ">", 100),))  # fmt: skip
    with pytest.raises(ArgumentError, match="no small sizes that satisfy the facts of `f`"):
        random_sizes(f, 0)


@pytest.mark.parametrize(
    "text, name, shape, dtype, source",
    [
        ("x=32x784xf32:normal", "x", (32, 784), "f32", "normal"),
        ("y=@labels.npy", "y", None, None, "@labels.npy"),
        ("2x3xf32=1", None, (2, 3), "f32", "1"),
        ("x=2x3xf32=1", "x", (2, 3), "f32", "1"),
        ("f32=0.5", None, (), "f32", "0.5"),
        ("lr=0.5", "lr", None, None, "0.5"),
        ("@a=b.npy", None, None, None, "@a=b.npy"),
        ("x=@a:f32=b.npy", "x", None, None, "@a:f32=b.npy"),
        ("normal", None, None, None, "normal"),
        ("x=3xf64:uniform(-1,1)", "x", (3,), "f64", "uniform(-1,1)"),
    ],
)
def test_arguments_are_read(text, name, shape, dtype, source) -> None:
    assert parse_argument(text) == Argument(name, shape, dtype, source, text)


@pytest.mark.parametrize("text", ["", "x=", "x=2xf32:"])
def test_empty_arguments_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="cannot read argument"):
        parse_argument(text)


def made(*texts: str) -> list[np.ndarray]:
    return make_inputs([parse_argument(t) for t in texts], F)


def test_shapes_follow_from_other_arguments(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.array([3, 1], np.int32))
    x, y, z, lr = made("x=arange", f"y=@{tmp_path / 'y.npy'}", "z=4x3xbf16:normal")
    np.testing.assert_array_equal(x, np.arange(10, dtype=np.float32).reshape(2, 5))
    np.testing.assert_array_equal(y, [3, 1])
    assert z.shape == (4, 3) and lr == np.float32(0.5)


def test_positions_numbers_and_generators() -> None:
    x, y, z, lr = made("1x3xf32=1,2.5,-3", "y=[7]", "2x3xbf16=0.1", "lr=1e-3")
    assert x.tolist() == [[1.0, 2.5, -3.0]] and y.tolist() == [7]
    assert z.tolist() == [[0.10009765625] * 3] * 2
    assert lr == np.float32(1e-3)
    x = made("1x3xf32:uniform(2,4)", "y=1xi32:uniform(5,6)", "2x3xbf16:zeros")[0]
    assert ((x >= 2) & (x < 4)).all()


X, Y, Z = "x=1x3xf32:ones", "y=1xi32:ones", "z=2x3xbf16:ones"


@pytest.mark.parametrize(
    "texts, error, message",
    [
        ([X, Y, Z, "q=1"], ArgumentError, "`f` has no argument `q`; it has: `x`, `y`, `z`, `lr`"),
        ([X, X], ArgumentError, "argument `x` is given twice"),
        ([X, Y, Z, "1", "2"], ArgumentError, "`f` takes 4 arguments: `2`"),
        ([X], ArgumentError, "argument `y`, i32[n], is missing"),
        (["x=1x3xf64:ones", Y, Z], DTypeError, "argument `x` is f32[n, 2*n + 1], got f64"),
        (["x=1x4xf32:ones", Y, Z], ShapeError, "got shape [1, 4]"),
        (["x=normal", "y=uniform", Z], ArgumentError, "no argument tells the size n"),
        (["x=1x3xf32=1,2", Y, Z], ArgumentError, "2 numbers for shape [1, 3]"),
        ([X, "y=1xi32=1.5", Z], ArgumentError, "not a number of i32"),
        ([X, "y=1xi32=9999999999", Z], ArgumentError, "not a number of i32"),
        ([X, "y=1xi32:normal", Z], ArgumentError, "normal numbers are floats, not i32"),
        ([X, "y=@none.npy", Z], ArgumentError, "cannot read none.npy"),
        (["x=99999x99999xf32:ones", Y, Z], ArgumentError, "more than"),
        (["x=1x3xf32:bell", Y, Z], ArgumentError, "cannot read argument"),
        (["x=1x3xf32:arange(2)", Y, Z], ArgumentError, "arange"),
    ],
)
def test_arguments_that_do_not_fit(texts: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        made(*texts)
    assert message in str(caught.value)


def test_a_file_of_another_dtype_or_with_objects(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 3)))
    np.save(tmp_path / "o.npy", np.array([None], dtype=object), allow_pickle=True)
    rest = ["y=1xi32:ones", "z=2x3xbf16:ones"]
    with pytest.raises(DTypeError, match="holds float64"):
        made(f"x=@{tmp_path / 'x.npy'}", *rest)
    with pytest.raises(ArgumentError, match="cannot read"):
        made(f"x=@{tmp_path / 'o.npy'}", *rest)
