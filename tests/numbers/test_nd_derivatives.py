"""Every derivative of `nd` against central differences in f64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
from derivatives import check, expanded, weighted
from nd_programs import FLOATS, context, one, program, run, smooth
from work import LINEAR, growth
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue

from irc.dialects import nd
from irc.dialects.nd import REDUCTIONS, SCALARS, Builder
from irc.dialects.nd.arrays import rounded
from irc.dtypes import BOOL, DTYPES, F64, I32, I64
from irc.errors import UserError
from irc.passes.nd.expand_grad import ExpandGradPass, expand
from irc.sizes import var

Function = Callable[..., SSAValue]
SHAPES = ((), (0,), (1,), (3, 5))
DIFFERENTIABLE = [
    n for n, s in SCALARS.items()
    if "float" in s.takes and s.vjp and n != "polygamma"  # test_special_functions.py
]  # fmt: skip
FLAT = [n for n, s in SCALARS.items() if "float" in s.takes and not s.vjp and not s.predicate]


def operands(name: str, shape: Sequence[int]) -> list[np.ndarray]:
    xs = [smooth("f64", shape, seed) for seed in range(SCALARS[name].arity)]
    if name == "acosh":
        xs[0] = xs[0] + 1
    if name == "mod":
        xs[0] = xs[0] * 7 + 0.01  # away from the jumps
    return xs


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_functions(name: str) -> None:
    for shape in SHAPES:
        check(lambda b, *xs: b.scalar(name, *xs), *operands(name, shape))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_way_forward_leaves_nothing_of_the_way_back(name: str) -> None:
    """It has as many ops as the backward pass, whose transpose it is, and not twice as many."""
    arity = SCALARS[name].arity

    def ops(forward: bool, length: int) -> int:
        def f(b: Builder, *xs: SSAValue) -> list[SSAValue]:
            y = xs[0]
            for _ in range(length):
                y = b.scalar(name, y, *xs[1:arity])
            if forward:
                return [b.jvp(y, xs[:arity], xs[arity:], disconnected=True)]
            return [y, *b.grad(y, xs[:arity], cotangent=xs[-1], disconnected=True)]

        module = expanded([("f64", (3,))] * 2 * arity, f)
        return sum(1 for _ in module.walk())

    forward, backward = (ops(way, 9) - ops(way, 5) for way in (True, False))
    assert forward <= 1.6 * backward


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_second_derivatives(name: str) -> None:
    check(lambda b, *xs: b.scalar(name, *xs), *operands(name, (2,)), orders=2)


@pytest.mark.parametrize("name", FLAT)
def test_flat_functions_have_derivative_zero(name: str) -> None:
    def gradient(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        return b.grad(weighted(b, b.scalar(name, *xs)), xs)

    inputs = [3.3 * smooth("f64", (3,), seed) for seed in range(SCALARS[name].arity)]
    for g in run(expanded([("f64", (3,))] * len(inputs), gradient), *inputs):
        assert np.array_equal(g, np.zeros(3))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_dtypes_keep_their_own(name: str, dtype: str) -> None:
    """The derivative in a narrow dtype is that of f64, as far as the dtype can tell."""

    def gradient(b: Builder, *xs: SSAValue) -> list[SSAValue]:
        return b.grad(b.sum(b.scalar(name, *xs), [0]), xs)

    wide = operands(name, (7,))
    if name == "mod":
        wide[1] = wide[1] * 0 + 0.75
    narrow = [rounded(x, DTYPES[dtype]) for x in wide]
    exact = run(
        expanded([("f64", (7,))] * len(wide), gradient), *(x.astype(np.float64) for x in narrow)
    )
    found = run(expanded([(dtype, (7,))] * len(wide), gradient), *narrow)
    for g, e in zip(found, exact, strict=True):
        assert g.dtype == narrow[0].dtype
        tolerance = {"f16": 2e-2, "bf16": 1.5e-1, "f32": 1e-4, "f64": 1e-9}[dtype]
        assert np.allclose(g, e, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [n for n, r in REDUCTIONS.items() if "float" in r.takes])
@pytest.mark.parametrize(("shape", "axes"), [((3, 4), [0]), ((3, 4), [1]), ((2, 3, 2), [0, 2]),
                                             ((5,), [0]), ((1, 3), [0])])  # fmt: skip
def test_reductions(name: str, shape: tuple[int, ...], axes: list[int]) -> None:
    check(lambda b, x: b.reduce(name, x, axes), smooth("f64", shape))
    check(lambda b, x: b.reduce(name, x, axes), smooth("f64", shape), orders=2)


def test_empty_reductions() -> None:
    check(lambda b, x: b.sum(x, [0]), np.zeros((0, 3)))
    check(lambda b, x: b.prod(x, [0]), np.zeros((0, 3)))
    check(lambda b, x: b.reduce("max", x, [1]), np.zeros((0, 3)))


def test_products_with_zeros() -> None:
    """One zero: the product of the others; two: nothing."""
    check(lambda b, x: b.prod(x, [1]), np.array([[0.0, 2, 3], [0, 0, 3], [1, 2, 3]]))


def test_equal_extrema_share_the_gradient() -> None:
    g = one(
        [("f64", (4,))], lambda b, x: expand_here(b, b.reduce("max", x, [0]), x),
        np.array([1.0, 3, 3, 2]),
    )  # fmt: skip
    assert g.tolist() == [0, 0.5, 0.5, 0]


def expand_here(b: Builder, cost: SSAValue, x: SSAValue) -> SSAValue:
    (g,) = b.grad(cost, [x])
    op = g.owner
    like = b.mul(g, b.like(g, 1.0))
    expand(op)
    return like


MOVES: dict[str, tuple[Function, tuple[tuple[int, ...], ...]]] = {
    "broadcast new axes": (lambda b, x: b.broadcast(x, [1], (2, 3)), ((3,),)),
    "broadcast stretched": (lambda b, x: b.broadcast(x, [0, 1], (4, 3)), ((1, 3),)),
    "broadcast scalar": (lambda b, x: b.broadcast(x, [], (2, 2)), ((),)),
    "broadcast to nothing": (lambda b, x: b.broadcast(x, [1], (0, 3)), ((3,),)),
    "reshape": (lambda b, x: b.reshape(x, (6, 2)), ((3, 4),)),
    "transpose": (lambda b, x: b.transpose(x, [2, 0, 1]), ((2, 3, 4),)),
    "slice": (lambda b, x: b.slice(x, (2, 2), (1, 3), (2, -1)), ((5, 4),)),
    "slice dynamic": (
        lambda b, x: b.slice(x, (2,), (var("?"),), (1,), [b.full((), I64, 2)]), ((5,),)),
    "insert": (
        lambda b, x, v: b.insert_slice(x, v, (1,), (2,)), ((5,), (2,))),
    "concat": (lambda b, x, y, z: b.concat([x, y, z], 1), ((2, 1), (2, 0), (2, 3))),
    "where": (
        lambda b, x, y: b.where(b.constant(np.array([True, False, True]), BOOL), x, y),
        ((3,), (3,))),
    "cast": (lambda b, x: b.cast(b.cast(x, DTYPES["f32"]), F64), ((0,),)),
    "same operand twice": (lambda b, x: b.mul(b.add(x, x), x), ((3,),)),
    "gather": (
        lambda b, x: b.gather(x, [b.constant(np.array([2, 0, 2]), I32)], [0]), ((3, 2),)),
    "gather outside": (
        lambda b, x: b.gather(x, [b.constant(np.array([2, -1, 7]), I32)], [1]), ((2, 3),)),
    "gather pairs": (
        lambda b, x: b.gather(x, [b.iota((3,), I32, 0), b.constant(np.array([1, 0, 1]), I32)],
                              [0, 1]), ((3, 2),)),
    "scatter add": (
        lambda b, x, v: b.scatter(x, v, [b.constant(np.array([1, 1, 0]), I32)], [0], "add"),
        ((2, 2), (3, 2))),
    "scatter set": (
        lambda b, x, v: b.scatter(x, v, [b.constant(np.array([1, 1, 5]), I32)], [0], "set"),
        ((3,), (3,))),
    "matrix product": (lambda b, x, y: b.dot(x, y, ((), ()), ((1,), (0,))), ((2, 3), (3, 4))),
    "matrix vector": (lambda b, x, y: b.dot(x, y, ((), ()), ((0,), (0,))), ((3, 2), (3,))),
    "inner product": (lambda b, x, y: b.dot(x, y, ((), ()), ((0,), (0,))), ((3,), (3,))),
    "outer product": (lambda b, x, y: b.dot(x, y, ((), ()), ((), ())), ((3,), (2,))),
    "batched, axes mixed": (
        lambda b, x, y: b.dot(x, y, ((1,), (2,)), ((0, 3), (1, 0))), ((2, 3, 2, 4), (4, 2, 3))),
    "product over nothing": (
        lambda b, x, y: b.dot(x, y, ((), ()), ((1,), (0,))), ((2, 0), (0, 3))),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_moves_and_products(name: str) -> None:
    f, shapes = MOVES[name]
    inputs = [smooth("f64", shape, seed) for seed, shape in enumerate(shapes)]
    check(f, *inputs)
    check(lambda b, *xs: f(b, *(b.square(x) for x in xs)), *inputs, orders=2)


def conditional(b: Builder, x: SSAValue, y: SSAValue) -> SSAValue:
    """if x[0] > 0.4 { tanh(x) * y } else { exp(x) }, with a check inside"""
    first = b.reshape(b.slice(x, (1,), (0,), (1,)), ())
    large = b.scalar("gt", first, b.like(first, 0.4))
    then, orelse = Block(), Block()
    inner = Builder(then)
    inner.assert_(large, "large")
    inner.insert(nd.YieldOp.create(operands=[inner.mul(inner.scalar("tanh", x), y)]))
    inner = Builder(orelse)
    inner.insert(nd.YieldOp.create(operands=[inner.exp(x)]))
    return b.if_(large, then, orelse)[0]


@pytest.mark.parametrize("first", [0.3, 0.6])
def test_conditionals(first: float) -> None:
    x, y = smooth("f64", (3,), 1), smooth("f64", (3,), 2)
    x[0] = first
    check(conditional, x, y)
    check(conditional, x, y, orders=2)


def test_what_is_constant_has_no_derivative() -> None:
    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        held = b.square(x)
        stopped = b.stop_gradient(b.exp(x))
        cost = b.sum(b.mul(b.mul(held, x), stopped), [0])
        return b.grad(cost, [x], consts=[held])

    x = smooth("f64", (3,))
    (g,) = run(expanded([("f64", (3,))], f), x)
    assert np.allclose(g, x**2 * np.exp(x))


def test_a_cotangent_weights_the_elements() -> None:
    def f(b: Builder, x: SSAValue, v: SSAValue) -> list[SSAValue]:
        return b.grad(b.scalar("tanh", x), [x], cotangent=v)

    x, v = smooth("f64", (3,), 0), smooth("f64", (3,), 1)
    (g,) = run(expanded([("f64", (3,)), ("f64", (3,))], f), x, v)
    assert np.allclose(g, v * (1 - np.tanh(x) ** 2))


def test_with_respect_to_an_intermediate_and_what_it_came_from() -> None:
    def f(b: Builder, x: SSAValue) -> list[SSAValue]:
        h = b.exp(x)
        return b.grad(b.sum(b.square(h), [0]), [h, x])

    x = smooth("f64", (3,))
    dh, dx = run(expanded([("f64", (3,))], f), x)
    assert np.allclose(dh, 2 * np.exp(x)) and np.allclose(dx, 2 * np.exp(2 * x))


def test_disconnected_is_an_error_or_zero() -> None:
    def f(disconnected: bool, cut: str) -> Function:
        def body(b: Builder, x: SSAValue, y: SSAValue) -> list[SSAValue]:
            through = {
                "unused": b.sum(y, [0]),
                "stopped": b.sum(b.stop_gradient(x), [0]),
                "integer": b.sum(b.cast(b.cast(x, I32), F64), [0]),
            }[cut]
            return b.grad(through, [x], disconnected=disconnected)

        return body

    types = [("f64", (3,)), ("f64", (3,))]
    for cut in ("unused", "stopped", "integer"):
        with pytest.raises(UserError, match="E0401") as error:
            expanded(types, f(False, cut))
        assert "disconnected" in error.value.diagnostics[0].helps[0]
        (g,) = run(expanded(types, f(True, cut)), np.ones(3), np.ones(3))
        assert np.array_equal(g, np.zeros(3))


def test_only_the_path_is_differentiated() -> None:
    """What led to `wrt`, and what came beside it, has no backward pass."""

    def f(b: Builder, x: SSAValue, y: SSAValue) -> list[SSAValue]:
        before = b.exp(x)
        beside = b.scalar("tanh", y)
        return b.grad(b.sum(b.mul(b.sin(before), beside), [0]), [before])

    module = expanded([("f64", (2,)), ("f64", (2,))], f)
    names = [op.name for op in module.walk() if op.name.startswith("nd.")]
    assert names == ["nd.exp", "nd.tanh", "nd.full", "nd.broadcast", "nd.mul", "nd.cos", "nd.mul"]


def test_a_long_chain_takes_linear_work_and_no_recursion() -> None:
    def chain(length: int) -> ModuleOp:
        def f(b: Builder, x: SSAValue) -> list[SSAValue]:
            y = x
            for _ in range(length):
                y = b.sin(y)
            return b.grad(y, [x])

        return program([("f64", ())], f)

    module = chain(5000)
    ExpandGradPass().apply(context(), module)
    assert sum(1 for op in module.walk() if op.name == "nd.cos") == 5000
    assert growth(lambda n: partial(ExpandGradPass().apply, context(), chain(n)), 200) < LINEAR
