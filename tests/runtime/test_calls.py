"""Calls from Python: what is accepted, what comes back, and what every refusal says."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from modules_by_hand import FIT

import irc
from irc.dtypes import DTYPES
from irc.runtime.arguments import numpy_dtype
from irc.runtime.module import Module

X = np.arange(12, dtype=np.float32).reshape(4, 3) / 12
Y = np.ones(4, np.float32)


def message_of(call: Callable[[], Any]) -> str:
    with pytest.raises(irc.IrcError) as caught:
        call()
    return str(caught.value)


# -- arguments and results


def test_positional_keyword_and_default_arguments_are_the_same_call(fit: Module) -> None:
    results = []
    for call in (
        lambda: fit.train(X, Y),
        lambda: fit.train(X, Y, 0.1),
        lambda: fit.train(y=Y, x=X, lr=0.1),
        lambda: fit.train(X, lr=0.1, y=Y),
        lambda: fit.functions["train"](X, Y),
        lambda: fit["train"](X, Y),
    ):
        fit.state.W = fit.state.b = 0.25
        results.append(call().cost)
    assert len(set(results)) == 1


def test_numbers_are_right(fit: Module) -> None:
    fit.state.W = [0.5, -1.0, 2.0]
    fit.state.b = 0.125
    expected = X @ np.float32([0.5, -1.0, 2.0]) + np.float32(0.125)
    assert np.allclose(fit.predict(X), expected, rtol=1e-6)
    assert np.isclose(fit.train(X, Y).cost, np.mean((expected - Y) ** 2), rtol=1e-6)


def test_a_scalar_result_is_a_numpy_scalar_and_an_array_is_fresh(fit: Module) -> None:
    cost = fit.train(X, Y).cost
    assert type(cost) is np.float32
    first, second = fit.predict(X), fit.predict(X)
    assert first.flags.owndata and first is not second
    assert not np.shares_memory(first, second)


def test_named_results_are_a_namedtuple(fit: Module) -> None:
    result = fit.train(X, Y)
    cost, step = result
    assert result._fields == ("cost", "step")
    assert (result.cost, result.step) == (cost, step)
    assert step == 1 and type(step) is np.int64
    assert pickle.loads(pickle.dumps(result)) == (cost, step)


def test_no_results_is_none(odd: Module) -> None:
    assert odd.nothing() is None


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_every_dtype_goes_through_unchanged(odd: Module, dtype: str) -> None:
    d, n = DTYPES[dtype], numpy_dtype(dtype)
    if d.kind == "float" and n.kind == "f":
        values = np.array([0.0, -0.0, 1.5, np.inf, -np.inf, np.nan, np.finfo(n).tiny / 2], n)
    elif d.kind == "bool":
        values = np.array([True, False, True])
    else:
        info = np.iinfo(n)
        values = np.array([0, 1, info.min, info.max], n)
    y, t = odd.functions[f"copy_{dtype}"](values, values[-1])
    assert y.dtype == n and y.tobytes() == values.tobytes()
    assert t.dtype == n and t.tobytes() == values[-1].tobytes()
    zero_d = odd.functions[f"copy_{dtype}"](values, np.array(values[-1]))[1]
    assert zero_d.tobytes() == values[-1].tobytes()


def test_extremes_of_integers_as_python_numbers(odd: Module) -> None:
    for name, d in DTYPES.items():
        if d.is_integer:
            copy = odd.functions[f"copy_{name}"]
            empty = np.empty(0, d.numpy)
            for value in (d.min, d.max, 0):
                assert copy(empty, value)[1] == value
            for value in (d.min - 1, d.max + 1, 10**30, -(10**30)):
                said = message_of(lambda: copy(empty, value))  # noqa: B023
                assert said == (
                    f"copy_{name}: argument `s` is {value}, outside the range of {name}: "
                    f"{d.min} to {d.max}"
                )


def test_python_numbers_take_the_declared_dtype(odd: Module) -> None:
    f32, f64 = np.empty(0, np.float32), np.empty(0)
    assert odd.copy_f32(f32, 0.1)[1] == np.float32(0.1)
    assert odd.copy_f32(f32, 3)[1] == np.float32(3)
    assert odd.copy_f64(f64, -7)[1] == -7.0
    assert odd.copy_f16(np.empty(0, np.float16), 0.1)[1] == np.float16(0.1)
    assert odd.copy_bool(np.empty(0, bool), True)[1] is np.True_


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("f32", True, "argument `s` is bool True, expected f32\n  hint: pass s=1"),
        ("i32", 1.0, "argument `s` is float 1.0, expected i32"),
        ("i32", True, "argument `s` is bool True, expected i32\n  hint: pass s=1"),
        ("bool", 1, "argument `s` is int 1, expected bool"),
        ("f32", np.float64(1), "argument `s` is float64, expected float32"),
        ("i32", np.int64(1), "argument `s` is int64, expected int32"),
        ("f64", 10**400, "argument `s` is an integer too large for f64"),
        ("f32", "1.0", "argument `s` is of type str, expected f32"),
        ("f32", None, "argument `s` is of type NoneType, expected f32"),
        ("f32", 1j, "argument `s` is complex128, expected float32"),
    ],
)
def test_other_numbers_are_refused(odd: Module, name: str, value: Any, said: str) -> None:
    empty = np.empty(0, DTYPES[name].numpy)
    with pytest.raises(irc.DTypeError) as caught:
        odd.functions[f"copy_{name}"](empty, value)
    assert str(caught.value).startswith(f"copy_{name}: {said}")


def test_lists_of_python_numbers_take_the_declared_dtype(odd: Module) -> None:
    assert odd.copy_f32([0.1, 2], 0)[0].dtype == np.float32
    assert odd.copy_i8([1, -128, 127], 0)[0].tolist() == [1, -128, 127]
    assert odd.copy_i8([], 0)[0].shape == (0,)
    assert odd.copy_bool((True, False), False)[0].tolist() == [True, False]
    assert "list of int64, expected int8" in message_of(lambda: odd.copy_i8([128], 0))
    assert "list of float64, expected int8" in message_of(lambda: odd.copy_i8([1.5], 0))
    assert "list of bool, expected float32" in message_of(lambda: odd.copy_f32([True], 0))
    assert "list that is no array" in message_of(lambda: odd.copy_f32([[1.0], [1.0, 2.0]], 0))


# -- arrays of every layout


def layouts() -> dict[str, np.ndarray[Any, Any]]:
    big = np.arange(48, dtype=np.float32).reshape(8, 6)
    raw = np.empty(4 * 12 + 1, np.uint8)
    misaligned = raw[1:].view(np.float32).reshape(4, 3)
    misaligned[...] = X
    readonly = X.copy()
    readonly.flags.writeable = False
    return {
        "plain": X,
        "fortran": np.asfortranarray(X),
        "negative strides": X[::-1, ::-1],
        "steps": big[::2, ::2],
        "zero strides": np.broadcast_to(np.float32([1, 2, 3]), (4, 3)),
        "transposed": big.T[:3].T,
        "byte-swapped": X.astype(">f4"),
        "misaligned": misaligned,
        "read-only": readonly,
        "empty": X[:0],
        "empty, strided": X[::2][:0],
        "subclass": X.view(np.matrix),
    }


@pytest.mark.parametrize("layout", list(layouts()))
def test_layouts(fit: Module, layout: str) -> None:
    array = layouts()[layout]
    before = array.tobytes()
    expected = fit.predict(np.array(array, np.float32, order="C"))
    assert fit.predict.stats.copies == 0
    assert np.array_equal(fit.predict(array), expected)
    copied = layout not in ("plain", "read-only", "subclass") and "empty" not in layout
    assert fit.predict.stats.copies == copied
    assert fit.predict.stats.copied_bytes == copied * 4 * array.size
    assert fit.predict.stats.arguments == ({"x": 1} if copied else {})
    assert array.tobytes() == before


def test_other_spellings_of_a_dtype_are_the_same(odd: Module) -> None:
    values = np.array([1, -2], np.longlong)
    assert odd.copy_i64(values, 0)[0].tolist() == [1, -2]
    assert odd.copy_i64.stats.copies == 0


def test_buffers_and_dlpack_objects(odd: Module) -> None:
    import array

    class Tensor:
        def __init__(self, data: np.ndarray[Any, Any], device: int = 1) -> None:
            self.data, self.device = data, device

        def __dlpack__(self, **options: Any) -> Any:
            return self.data.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.device, 0

    assert odd.copy_f64(array.array("d", [1.0, 2.0]), 0)[0].tolist() == [1.0, 2.0]
    assert odd.copy_f32(memoryview(Y), 0)[0].tolist() == Y.tolist()
    assert odd.copy_f32(Tensor(Y), 0)[0].tolist() == Y.tolist()
    with pytest.raises(irc.DeviceError, match="not in the memory of the CPU"):
        odd.copy_f32(Tensor(Y, device=2), 0)


def test_a_masked_array_is_refused(odd: Module) -> None:
    masked = np.ma.masked_array(Y, mask=[True, False, False, False])
    assert message_of(lambda: odd.copy_f32(masked, 0)) == (
        "copy_f32: argument `x` is masked; pass x.filled(value)"
    )
    assert odd.copy_f32(np.ma.masked_array(Y), 0)[0].tolist() == Y.tolist()


@pytest.mark.parametrize("value", [None, "text", b"bytes", {}, object(), 3.0])
def test_what_is_no_array_is_refused(fit: Module, value: Any) -> None:
    with pytest.raises((irc.DTypeError, irc.ShapeError, irc.ArgumentError), match="predict: arg"):
        fit.predict(value)


# -- out=


def test_out_is_written_and_returned(fit: Module) -> None:
    expected = fit.predict(X)
    out = np.empty(4, np.float32)
    assert fit.predict(X, out=out) is out
    assert np.array_equal(out, expected)
    assert fit.predict(X, out=None) is not out
    assert fit.predict(X, out=[out]) is out


def test_out_for_several_results(fit: Module) -> None:
    cost, step = np.empty((), np.float32), np.empty((), np.int64)
    result = fit.train(X, Y, out=(cost, step))
    assert result.cost is cost and result.step is step and step == 1
    result = fit.train(X, Y, out=(cost, None))
    assert result.cost is cost and result.step == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: np.empty(4), "`out` is float64, expected float32"),
        (lambda: np.empty(5, np.float32), "`out` has the wrong shape"),
        (lambda: np.empty((4, 1), np.float32), "`out` has the wrong shape"),
        (lambda: np.empty(8, np.float32)[::2], "`out` must be contiguous in row-major order"),
        (lambda: np.frombuffer(bytes(16), np.float32), "`out` is read-only"),
        (lambda: [0.0] * 4, "`out` must be 1 array"),
        (lambda: 3, "`out` must be a NumPy array to write to"),
        (lambda: X.reshape(-1)[:4], "`out` overlaps the argument `x`"),
    ],
)
def test_out_that_cannot_be_written(fit: Module, make: Callable[[], Any], said: str) -> None:
    assert message_of(lambda: fit.predict(X, out=make())).startswith(f"predict: {said}")


def test_outs_that_overlap_each_other_or_the_state(fit: Module, odd: Module) -> None:
    raw = np.empty(8, np.float32)
    one, other = raw[:4], raw[3:4].reshape(())
    assert message_of(lambda: odd.copy_f32(Y, 0, out=(one, other))) == (
        "copy_f32: `out` for `t` overlaps another one"
    )
    big = np.ones((3, 3), np.float32)
    assert message_of(lambda: fit.predict(big, out=fit.state.W)) == (
        "predict: `out` overlaps the module's state"
    )


def test_a_view_of_state_as_argument_is_read_before_the_call_changes_it(fit: Module) -> None:
    fit.state.W = [1, 2, 3]
    fit.state.b = 0
    live = fit.state.W.reshape(1, 3)
    cost = fit.train(live, np.float32([10])).cost
    assert cost == 16  # (1 + 4 + 9 - 10) ** 2
    assert fit.train.stats.arguments == {"x": 1}


# -- messages


def test_wrong_shape(fit: Module) -> None:
    assert message_of(lambda: fit.predict(np.zeros((32, 812), np.float32))) == (
        "predict: argument `x` has the wrong shape\n"
        "  expected  f32[n, 3]        (declared at fit.irc:12:20)\n"
        "  got       float32[32, 812]\n"
        "                        ^^^ dimension 1 must be 3"
    )


def test_wrong_rank(fit: Module) -> None:
    assert message_of(lambda: fit.predict(np.zeros(784, np.float32))) == (
        "predict: argument `x` has the wrong shape\n"
        "  expected  f32[n, 3]    (declared at fit.irc:12:20)\n"
        "  got       float32[784]\n"
        "                   ^^^^^ must have 2 dimensions"
    )
    assert message_of(lambda: fit.train(X, Y, np.float32([1]))).endswith(
        "  got       float32[1]\n                   ^^^ must have no dimensions"
    )


def test_disagreement_on_a_size(fit: Module) -> None:
    assert message_of(lambda: fit.train(np.zeros((32, 3), "f"), np.zeros(31, "f"))) == (
        "train: arguments `x` and `y` disagree on n\n"
        "  x: f32[n, 3]   got float32[32, 3]   -> n = 32\n"
        "  y: f32[n]      got float32[31]      -> n = 31"
    )


def test_wrong_dtype(fit: Module, odd: Module) -> None:
    assert message_of(lambda: fit.train(X.astype(np.float64), Y)) == (
        "train: argument `x` is float64, expected float32\n"
        "  hint: pass x.astype(np.float32), or compile with -D floatX=f64, "
        'or call m.train.casting("same_kind")'
    )
    assert message_of(lambda: odd.copy_i32(Y, 0)) == (
        "copy_i32: argument `x` is float32, expected int32\n  hint: pass x.astype(np.int32)"
    )


def test_sizes_that_follow_from_others(odd: Module) -> None:
    x = np.arange(7, dtype=np.float32)
    assert odd.windows(x, np.zeros(6, np.float32)).tolist() == [2, 3, 4]
    assert message_of(lambda: odd.windows(x[:6], np.zeros(6, np.float32))) == (
        "windows: dimension 0 of `x` is 6, which is 2*n + 1 for no n"
    )
    assert message_of(lambda: odd.windows(x, np.zeros(7, np.float32))) == (
        "windows: dimension 0 of `y` is 7, which is n*k for no k"
    )
    assert odd.shrink(x).tolist() == [2, 3, 4, 5, 6]
    assert odd.shrink(x[:2]).shape == (0,)
    assert message_of(lambda: odd.shrink(x[:1])) == (
        "shrink: dimension 0 of `result` is n - 2 = -1"
    )


def test_facts_are_checked(fit: Module) -> None:
    with pytest.raises(irc.ShapeError) as caught:
        fit.train(X[:0], Y[:0])
    assert str(caught.value) == "train: requires n > 0 (fit.irc:5:80), here n = 0"


def test_errors_of_the_program(fit: Module) -> None:
    with pytest.raises(IndexError) as caught:
        fit.pick(np.zeros(3), 5)
    assert type(caught.value) is irc.BoundsError
    assert str(caught.value) == ("fit.irc:20:7: index i = 5 is outside dimension 0 of x (size 3)")
    with pytest.raises(AssertionError, match="cost exploded: inf"):
        fit.train(X, Y * np.float32(3e38))


def test_a_failed_call_leaves_the_state(fit: Module) -> None:
    before = {name: value.copy() for name, value in fit.state.items()}
    for call in (
        lambda: fit.train(X, Y * np.float32(3e38)),
        lambda: fit.train(X, Y[:2]),
        lambda: fit.train(X.astype(float), Y),
    ):
        message_of(call)
    assert all(np.array_equal(fit.state[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((X,), {}, "train() lacks `y`: def train(x: f32[n, D], y: f32[n], lr: f32 = 0.1)"),
        ((), {}, "train() lacks `x`, `y`: def train("),
        ((X, Y, 0.1, 1), {}, "train() takes 3 arguments, 4 were given: def train("),
        ((X, Y), {"x": X}, "train() got two values for `x`"),
        ((X, Y), {"lrr": 1}, "train() has no parameter `lrr`; did you mean `lr`?"),
        ((X, Y), {"momentum": 1}, "train() has no parameter `momentum`: def train("),
    ],
)
def test_wrong_calls(fit: Module, args: Any, kwargs: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        fit.train(*args, **kwargs)
    assert str(caught.value).startswith(said)


def test_an_allocation_that_cannot_succeed_is_an_exception(odd: Module) -> None:
    x = np.broadcast_to(np.float32(0), (2**19,))  # 1.1e15 bytes of workspace
    with pytest.raises(MemoryError) as caught:
        odd.grow(0, x)
    assert type(caught.value) is irc.MemoryError_
    assert str(caught.value) == (
        f"grow: cannot allocate a workspace of {4096 * 2**38 + 4 * 2**19} bytes"
    )
    assert odd.grow(0, np.ones(3, np.float32)) == 3


def test_casting_is_a_choice_and_is_counted(fit: Module) -> None:
    fit.predict.casting("same_kind")
    assert np.allclose(fit.predict(X.astype(np.float64)), fit.predict(X))
    assert fit.predict.stats.copies == 1
    message_of(lambda: fit.predict(X.astype(np.complex64)))
    fit.predict.casting("no")
    message_of(lambda: fit.predict(X.astype(np.float64)))
    with pytest.raises(irc.ArgumentError, match="casting is one of"):
        fit.predict.casting("sometimes")


# -- description


def test_functions_describe_themselves(fit: Module) -> None:
    assert fit.train.__name__ == "train"
    assert fit.train.__doc__ == (
        "def train(x: f32[n, D], y: f32[n], lr: f32 = 0.1) -> (cost: f32, step: i64) where n > 0"
        "\n\nOne step of gradient descent. Returns the cost before it.\n\n"
        "Declared at fit.irc:5:12."
    )
    assert str(inspect.signature(fit.train)) == (
        "(x: 'f32[n, 3]', y: 'f32[n]', lr: 'f32' = 0.1, *, out=None) -> '(cost: f32, step: i64)'"
    )
    assert repr(fit.predict) == "<irc function fit.predict(x: f32[n, D]) -> f32[n]>"


def test_names_that_python_or_c_do_not_allow(odd: Module) -> None:
    f = odd.λ
    assert f(np.ones(2), **{"for": 2.0}).tolist() == [3.0, 3.0]
    assert f(np.ones(2)).tolist() == [2.0, 2.0]
    assert "for_" in inspect.signature(f).parameters


def test_the_module_describes_itself(fit: Module) -> None:
    assert repr(fit).splitlines()[0] == "<irc module fit from fit.irc>"
    assert fit.name == "fit" and fit.source == FIT.spec.text and fit.spec == FIT.spec
    assert fit.__doc__ == "Linear regression."
    assert list(fit.functions) == ["train", "predict", "draw", "pick", "tell"]
    assert {"train", "state", "save"} <= set(dir(fit))
    assert "<td>predict(x: f32[n, D]) -&gt; f32[n]</td>" in fit._repr_html_()
    with pytest.raises(AttributeError, match="no function `trian`; did you mean `train`"):
        _ = fit.trian


def test_print_goes_to_sys_stdout(fit: Module, capsys: pytest.CaptureFixture[str]) -> None:
    fit.tell(np.float32([0.1, 2.5, 1e20]))
    assert capsys.readouterr().out == "n 3 first 0.10 all [0.1, 2.5, 1e+20]\n"


def test_the_exception_of_a_failing_stdout_arrives(
    fit: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Broken())
    with pytest.raises(BrokenPipeError):
        fit.tell(Y)


def test_the_workspace_is_what_the_largest_call_needed(fit: Module) -> None:
    assert fit.workspace_bytes == 0
    for n in (10, 100, 50):
        fit.train(np.zeros((n, 3), np.float32), np.zeros(n, np.float32))
    assert fit.workspace_bytes == 400


@pytest.mark.parametrize("shape", [(2**40,), (2**58,)])
def test_a_broadcast_that_no_copy_can_hold(fit: Module, shape: tuple[int, ...]) -> None:
    x = np.lib.stride_tricks.as_strided(np.zeros(3, np.float32), (*shape, 3), (0, 4))
    with pytest.raises(irc.MemoryError_, match="argument `x` is not contiguous and too large"):
        fit.predict(x)
