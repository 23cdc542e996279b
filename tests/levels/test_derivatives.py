"""
Every derivative agrees with central differences of its function, both computed by the same C.

The rules themselves are tested on the reference in `tests/numbers`; here they have gone through
all passes, loops and the C compiler, of which `nd-stabilize` even changes the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from kernels import Kernels, compile_module
from levels import Call, Case, Road, differences, functions, levels, merged, outcome_of
from nd_programs import program, smooth
from xdsl.ir import SSAValue

from irc.abi import FunctionSpec
from irc.dialects.nd import REDUCTIONS, SCALARS, Builder, rank_of
from irc.driver.describe import describe_module
from irc.dtypes import F64, I32, I64
from irc.execution.signature import signature_of

pytestmark = pytest.mark.cc
Function = Callable[..., SSAValue]


def weighted(b: Builder, y: SSAValue) -> SSAValue:
    """A sum in which every element counts differently."""
    place = b.linear_index(y.type.get_shape(), I64)  # type: ignore[attr-defined]
    weight = b.add(b.like(y, 0.7), b.mul(b.like(y, 0.31), b.sin(b.cast(place, F64))))
    return b.sum(b.mul(y, weight), range(rank_of(y)))


def derivative(name: str, f: Function, inputs: Sequence[np.ndarray]) -> Case:
    """A function that gives the cost and its gradients."""

    def build(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        cost = weighted(b, f(b, *xs))
        return [cost, *b.grad(cost, xs, disconnected=True)]

    return Case(name, program([("f64", x.shape) for x in inputs], build), [Call(inputs)])


def scalars() -> Iterator[Case]:
    for name, scalar in SCALARS.items():
        if scalar.vjp is None or "float" not in scalar.takes:
            continue
        xs = [smooth("f64", (3, 5), seed) for seed in range(scalar.arity)]
        if name == "acosh":
            xs[0] = xs[0] + 1
        if name == "mod":
            xs[0] = xs[0] * 7 + 0.01  # away from the jumps
        if name == "polygamma":  # orders are whole
            yield derivative(name, lambda b, x: b.scalar("polygamma", b.like(x, 2), x), xs[1:])
            continue
        yield derivative(name, lambda b, *vs, name=name: b.scalar(name, *vs), xs)


def reductions() -> Iterator[Case]:
    for name, reduction in REDUCTIONS.items():
        for axes in ([0], [1], [0, 2]) if "float" in reduction.takes else ():
            yield derivative(
                f"{name} along {axes}",
                lambda b, x, name=name, axes=axes: b.reduce(name, x, axes),
                [smooth("f64", (3, 4, 2))],
            )


def log_softmax(b: Builder, x: SSAValue) -> SSAValue:
    """What nd-stabilize looks for."""
    e = b.exp(x)
    return b.log(b.div(e, b.broadcast(b.sum(e, [1]), [0], (3, 4))))


def softplus_of_log(b: Builder, x: SSAValue) -> SSAValue:
    return b.log(b.add(b.like(x, 1), b.exp(x)))


def perceptron(b: Builder, x: SSAValue, w: SSAValue, v: SSAValue) -> SSAValue:
    hidden = b.scalar("tanh", b.dot(x, w, ([], []), ([1], [0])))
    return b.sigmoid(b.dot(hidden, v, ([], []), ([1], [0])))


MOVES: dict[str, tuple[Function, tuple[tuple[int, ...], ...]]] = {
    "broadcast": (lambda b, x: b.broadcast(x, [1], (4, 3)), ((3,),)),
    "transpose": (lambda b, x: b.transpose(x, [2, 0, 1]), ((2, 3, 4),)),
    "reshape": (lambda b, x: b.reshape(x, (6, 2)), ((3, 4),)),
    "slice": (lambda b, x: b.slice(x, (2, 2), (1, 3), (2, -1)), ((5, 4),)),
    "insert": (lambda b, x, v: b.insert_slice(x, v, (1,), (2,)), ((5,), (2,))),
    "concat": (lambda b, x, y: b.concat([x, y, x], 1), ((2, 1), (2, 3))),
    "gather": (lambda b, x: b.gather(x, [b.constant(np.array([2, 0, 2]), I32)], [0]), ((3, 2),)),
    "scatter add": (
        lambda b, x, v: b.scatter(x, v, [b.constant(np.array([1, 1, 0]), I32)], [0], "add"),
        ((2, 2), (3, 2)),
    ),
    "scatter set": (
        lambda b, x, v: b.scatter(x, v, [b.constant(np.array([1, 1, 5]), I32)], [0], "set"),
        ((3,), (3,)),
    ),
    "product": (lambda b, x, y: b.dot(x, y, ([], []), ([1], [0])), ((7, 9), (9, 5))),
    "batches": (lambda b, x, y: b.dot(x, y, ([0], [0]), ([2], [1])), ((2, 3, 4), (2, 4, 3))),
    "log of softmax": (log_softmax, ((3, 4),)),
    "log(1 + exp x)": (softplus_of_log, ((6,),)),
    "perceptron": (perceptron, ((5, 4), (4, 3), (3,))),
}


def moves() -> Iterator[Case]:
    for name, (f, shapes) in MOVES.items():
        yield derivative(name, f, [smooth("f64", s, seed) for seed, s in enumerate(shapes)])


CASES = [*scalars(), *reductions(), *moves()]


@pytest.fixture(scope="module", params=[pytest.param(0, marks=pytest.mark.long), 2])
def compiled(request: pytest.FixtureRequest) -> tuple[Kernels, dict[str, FunctionSpec]]:
    module, _ = merged(CASES)
    describe_module(module, "derivatives.mlir", "cpu:native", "0")
    declared = {f: signature_of(op).spec for f, op in functions(module).items()}
    *_, (_, lowered) = levels(module, Road(opt_level=request.param))
    return compile_module(lowered), declared


def test_central_differences(compiled: tuple[Kernels, dict[str, FunctionSpec]]) -> None:
    kernels, declared = compiled
    for k, case in enumerate(CASES):
        spec, inputs = declared[f"f{k}"], case.calls[0].inputs

        def run(arrays: Sequence[np.ndarray], spec: FunctionSpec = spec) -> list[np.ndarray]:
            return outcome_of(kernels, spec, Call(arrays)).results

        _, *gradients = run(inputs)
        for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):
            assert g.shape == x.shape, case.name
            for at in np.ndindex(x.shape):
                step = 1e-6 * max(1.0, abs(x[at]))
                sides = []
                for sign in (1, -1):
                    moved = [np.array(v) for v in inputs]
                    moved[i][at] += sign * step
                    sides.append(run(moved)[0])
                difference = (sides[0] - sides[1]) / (2 * step)
                assert np.isclose(g[at], difference, rtol=2e-5, atol=2e-6), (case.name, i, at)


def test_every_level_gives_the_same_gradients() -> None:
    assert differences(CASES, Road(near=True, executors=("loops",)), []) == []
