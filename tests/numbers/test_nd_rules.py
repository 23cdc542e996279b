"""Each case of the lit tests, run before and after its pass on special values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nd_programs import context, parse, same_bits, values
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from irc.dialects.nd import dims_of, dtype_of
from irc.execution import execute
from irc.passes.nd.canonicalize import CanonicalizePass
from irc.passes.nd.expand_grad import ExpandGradPass
from irc.passes.nd.fold_constants import FoldConstantsPass
from irc.passes.nd.raise_contractions import RaiseContractionsPass
from irc.passes.nd.simplify_gathers import SimplifyGathersPass
from irc.passes.nd.stabilize import StabilizePass
from irc.sizes import Poly

CASES = Path(__file__).parents[1] / "lit" / "passes" / "nd"
SIZES = {"n": 5}


def cases(name: str) -> ModuleOp:
    text = (CASES / f"{name}.mlir").read_text().replace("// -----", "")
    return parse(text)


def functions(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.ops if isinstance(op, func.FuncOp)]


def arguments(function: func.FuncOp, seed: int) -> list[np.ndarray]:
    """Special values, and positions of which some are outside where nothing says otherwise."""
    safe, inputs = "in_bounds" in str(function), []
    for i, arg in enumerate(function.body.block.args):
        shape = [d.evaluate(SIZES) if isinstance(d, Poly) else d for d in dims_of(arg)]
        dtype = dtype_of(arg)
        if dtype.is_integer and dtype.bits >= 32:
            low, high = (0, 2) if not shape else (0, 4) if safe else (-2, 9)
            positions = np.random.default_rng([seed, i]).integers(low, high, shape)
            inputs.append(np.asarray(positions).astype(dtype.numpy))
        else:
            inputs.append(values(dtype, shape, seed + i))
    return inputs


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("algebra", CanonicalizePass),
        ("shapes", CanonicalizePass),
        ("sinking", CanonicalizePass),
        ("conditionals", CanonicalizePass),
        ("fold_constants", FoldConstantsPass),
        ("simplify_gathers", SimplifyGathersPass),
    ],
)
def test_rules_keep_every_bit(name: str, one: Any) -> None:
    before, after = cases(name), cases(name)
    for module in (before, after):
        ExpandGradPass().apply(context(), module)
    one().apply(context(), after)
    for function in functions(before):
        for seed in range(4):
            inputs = arguments(function, seed)
            title = function.sym_name.data
            a, b = (execute(module, title, inputs) for module in (before, after))
            assert a.failure == b.failure, title
            assert all(map(same_bits, a.results, b.results)), title


@pytest.mark.parametrize(
    ("name", "one"), [("stabilize", StabilizePass), ("raise_contractions", RaiseContractionsPass)]
)
def test_rules_are_equal_in_exact_arithmetic(name: str, one: Any) -> None:
    before, after = cases(name), cases(name)
    one().apply(context(), after)
    for module in (before, after):
        ExpandGradPass().apply(context(), module)
    rng = np.random.default_rng(0)
    for function in functions(before):
        title = function.sym_name.data
        inputs = arguments(function, 0)
        for i, x in enumerate(inputs):
            if x.dtype.kind == "f":
                inputs[i] = rng.uniform(0.1, 0.9, x.shape).astype(x.dtype)
        a, b = (execute(module, title, inputs) for module in (before, after))
        assert a.failure is None and b.failure is None
        for x, y in zip(a.results, b.results, strict=True):
            tolerance = 1e-5 if x.dtype == np.float32 else 1e-12
            assert np.allclose(x, y, rtol=tolerance, atol=0), title


STABLE: dict[str, tuple[list[list[float]], list[Any]]] = {
    # the function of the lit test, its arguments, and the exact value of its first result
    "log_of_plus_one": ([[1e-20, 0.0, 1e300]], [1e-20, 0.0, 690.7755278982137]),
    "log_of_one_minus": ([[1e-20, 0.0, 0.5]], [-1e-20, 0.0, -0.6931471805599453]),
    "exp_minus_one": ([[1e-20, 0.0, -800.0]], [1e-20, 0.0, -1.0]),
    "log_of_exp": ([[1000.0, -1000.0, 0.0]], [1000.0, -1000.0, 0.0]),
    "root_of_square": ([[1e200, -1e-200, 3.0]], [1e200, 1e-200, 3.0]),
    "logistic": ([[1000.0, -1000.0, 0.0]], [1.0, 0.0, 0.5]),
    "one_minus_sigmoid": ([[40.0, 1000.0, 0.0]], [4.248354255291589e-18, 0.0, 0.5]),
    "log_of_sigmoid": ([[-1000.0, 1000.0, 0.0]], [-1000.0, 0.0, -0.6931471805599453]),
    "log1p_of_minus_sigmoid": ([[1000.0, -1000.0, 0.0]], [-1000.0, 0.0, -0.6931471805599453]),
    "log1p_of_exp": ([[1000.0, -1000.0, 0.0]], [1000.0, 0.0, 0.6931471805599453]),
    "log_of_two_exponentials": (
        [[1000.0, -np.inf, np.inf], [1000.0, -np.inf, 0.0]],
        [1000.6931471805599, -np.inf, np.inf],
    ),
    "shifted_already": ([[0.0, 0.0, 0.0, 0.0]], [1.3862943611198906]),
}


@pytest.mark.parametrize("name", STABLE)
def test_stable_forms_keep_what_the_formula_loses(name: str) -> None:
    module = cases("stabilize")
    StabilizePass().apply(context(), module)
    ExpandGradPass().apply(context(), module)
    given, expected = STABLE[name]
    outcome = execute(module, name, [np.array(x) for x in given])
    assert np.allclose(outcome.results[0], expected, rtol=1e-15, atol=0)


def test_stable_softmax_and_log_sum_exp() -> None:
    module = cases("stabilize")
    StabilizePass().apply(context(), module)
    ExpandGradPass().apply(context(), module)
    x = np.array([[1000.0, 1000, -1000, 0], [-np.inf] * 4, [np.inf, 0, 0, 0]])
    (r,) = execute(module, "log_of_sum_of_exponentials", [x]).results
    assert np.allclose(r[0], 1000.6931471805599) and r[1] == -np.inf and r[2] == np.inf
    (r,) = execute(module, "log_of_softmax", [x[:1]]).results
    assert np.allclose(
        r, [[-0.6931471805599453, -0.6931471805599453, -2000.69314718, -1000.69314718]]
    )
    (g,) = execute(module, "a_derivative_does_not_see_the_shift", [x[0]]).results
    assert np.allclose(g, [0.5, 0.5, 0, 0])
