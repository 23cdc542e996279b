"""`--check nan`: the exact message about the first NaN or infinity, at every level and in C."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import irc
from irc.dialects.context import make_context
from irc.execution.program import Program
from irc.frontend import load_program
from irc.options import Options
from irc.pipeline import load, standard_pipeline
from irc.target import parse as parse_target

pytestmark = pytest.mark.cc

PROGRAM = """\
state W: f64[3] = ones()
state total: f64 = 0.0

export def forward(x: f64[n], y: f64[n]) -> f64[n] {
    let ratio = x / y
    let l = log(ratio)
    return l + 1
}

export def backward(x: f64[3]) -> f64[3] {
    let c = sum(sqrt(x * W))
    return grad(c, wrt=x)
}

export def direction(x: f64[3]) -> f64[3] {
    let y = sqrt(x)
    return jvp(y, wrt=x, tangent=x + 1)
}

export def attention(s: f64[n, n]) -> f64[n, n] {
    let masked = [if j <= i then s[i, j] else -inf for i, j]
    let p = softmax(masked, axis=1)
    return p * sum(s)
}

export def branch(x: f64) -> f64 = if x > 0 then log(x - 1) else x

export def product(A: f64[2, 2]) -> f64[2, 2] = A @ A

export def half(x: f16[2]) -> f16[2] = x * x

export def running(x: f64) -> f64 {
    update total += exp(x)
    return x
}

export def steps(x: f64[n]) -> f64[n] {
    scan t < n {
        init h[-1] = 1.0
        h[t] = log(h[t-1]) + x[t]
    }
    return h
}

export def steps_back(x: f64[n]) -> f64[n] {
    scan t < n {
        init h[-1] = 0.5
        h[t] = sqrt(h[t-1]) * x[t]
    }
    return grad(sum(h), wrt=x)
}
"""
INF, NAN = np.inf, np.nan


def a(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


FAILS: list[tuple[str, list[Any], str]] = [
    ("forward", [a(1, 2), a(1, 0)],
     "t.irc:5:17: `ratio` is inf at [1]: the first NaN or infinity, made by `/` of 2.0 and 0.0"),
    ("forward", [a(1, -2), a(1, 2)],
     "t.irc:6:13: `l` is nan at [1]: the first NaN or infinity, made by `log` of -1.0"),
    ("forward", [a(1, 2), a(1, NAN)],
     "t.irc:4:31: argument `y` is NaN at [1] before anything is computed"),
    # an infinity that is given is no mistake; what is made of two may be one
    ("forward", [a(1, INF), a(1, INF)],
     "t.irc:5:17: `ratio` is nan at [1]: the first NaN or infinity, made by `/` of inf and inf"),
    ("backward", [a(1, 0, 4)],
     "t.irc:11:17: the derivative of line 11 is inf at [1]: the first NaN or infinity, "
     "made by `/` of 1.0 and 0.0"),
    ("direction", [a(1, 0, 4)],
     "t.irc:16:13: the derivative of line 16 is inf at [1]: the first NaN or infinity, "
     "made by `/` of 1.0 and 0.0"),
    ("branch", [np.float64(0.5)],
     "t.irc:26:50: the value here is nan: the first NaN or infinity, made by `log` of -0.5"),
    ("branch", [np.float64(1)],
     "t.irc:26:50: the value here is -inf: the first NaN or infinity, made by `log` of 0.0"),
    ("product", [np.full((2, 2), 1e200)],
     "t.irc:28:49: the value here is inf at [0, 0]: the first NaN or infinity, made by `@`"),
    ("half", [np.array([2, 300], np.float16)],
     "t.irc:30:40: the value here is inf at [1]: the first NaN or infinity, "
     "made by `*` of 300.0 and 300.0"),
    ("running", [np.float64(800)],
     "t.irc:33:21: the value here is inf: the first NaN or infinity, made by `exp` of 800.0"),
    ("steps", [a(1, -2, 3)],
     "t.irc:40:16: the value here is nan in step 2: the first NaN or infinity, "
     "made by `log` of -2.0"),
    ("steps_back", [a(1, 0, 3, 4)],
     "t.irc:48:16: the derivative of line 48 is inf in step 3: the first NaN or infinity, "
     "made by `/` of 4.0 and 0.0"),
]  # fmt: skip

PASSES: list[tuple[str, list[Any]]] = [
    ("forward", [a(1, INF), a(2, 3)]),
    ("backward", [a(1, 2, 4)]),
    ("attention", [np.ones((3, 3))]),
    ("branch", [np.float64(-1)]),
    ("product", [np.array([[INF, 1], [2, 3]])]),
    ("running", [np.float64(1)]),
    ("steps", [a(1, 2, 3)]),
    ("steps_back", [a(1, 2, 3)]),
]


@pytest.fixture(scope="module", params=[0, 2])
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("nan") / "t.irc"
    path.write_text(PROGRAM)
    return irc.compile(path, check="nan", O=request.param)


@pytest.mark.parametrize("name, inputs, message", FAILS, ids=[m for _, _, m in FAILS])
def test_the_first_is_named(module: Any, name: str, inputs: list[Any], message: str) -> None:
    with pytest.raises(irc.AssertError) as failure:
        getattr(module, name)(*inputs)
    assert str(failure.value) == message


@pytest.mark.parametrize("name, inputs", PASSES)
def test_what_is_right_passes(module: Any, name: str, inputs: list[Any]) -> None:
    getattr(module, name)(*inputs)


def test_a_state_that_holds_nan_is_named(module: Any) -> None:
    module.state.W[1] = NAN
    with pytest.raises(irc.AssertError) as failure:
        module.backward(a(1, 2, 3))
    assert str(failure.value) == "state `W` is NaN at [1] before anything is computed"
    module.state.W[1] = 1


def test_a_failed_call_leaves_the_state(module: Any) -> None:
    before = float(module.state.total)
    with pytest.raises(irc.AssertError):
        module.running(800.0)
    assert float(module.state.total) == before


def test_every_level_says_the_same() -> None:
    lowered = load_program(PROGRAM, file="t.irc").module
    options = Options(checks=frozenset({"bounds", "nan"}))
    for _, passes in standard_pipeline(options, parse_target("cpu:native")):
        for one in passes:
            load(one).apply(make_context(), lowered)
        program = Program(lowered)
        for name, inputs, message in FAILS:
            failure = program.run(name, inputs, {"W": np.ones(3)}).failure
            assert failure is not None and failure.kind == "assert"
            assert failure.message == message.split(": ", 1)[1]
        for name, inputs in PASSES:
            assert program.run(name, inputs, {"W": np.ones(3)}).failure is None


def test_without_the_option_nothing_is_checked(tmp_path: Any) -> None:
    path = tmp_path / "t.irc"
    path.write_text(PROGRAM)
    found = irc.compile(path).forward(a(1, -2), a(0, 2))
    assert np.isinf(found[0]) and np.isnan(found[1])
