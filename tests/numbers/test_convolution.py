"""Convolution and pooling against loops over the definition, and their derivatives."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from derivatives import check
from nd_programs import context, parse, program, run, smooth
from windows_oracle import convolve, grouped, pooled, positions, transposed
from xdsl.ir import SSAValue

import irc
from irc.dialects.nd import Builder
from irc.dialects.nd.convolution import ConvOp
from irc.dtypes import F64
from irc.passes.nd.expand_convolutions import ExpandConvolutionsPass
from irc.passes.nd.expand_grad import ExpandGradPass

Steps = tuple[tuple[int, ...], ...]


def plain(count: int) -> Steps:
    """Stride, zeros before and after, dilations."""
    one, none = (1,) * count, (0,) * count
    return one, none, none, one, one


# x, w, steps
CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Steps]] = {
    "plain": ((2, 3, 7, 6), (4, 3, 3, 2), plain(2)),
    "one axis": ((2, 3, 9), (4, 3, 4), ((2,), (1,), (2,), (1,), (1,))),
    "three axes": ((2, 2, 4, 5, 3), (3, 2, 2, 3, 2), ((1, 2, 1), (1, 0, 0), (0, 1, 1), (1, 1, 1),
                                                     (1, 1, 1))),
    "padded by -1 and 1": ((1, 2, 6, 6), (3, 2, 3, 3), ((1, 1), (-1, 1), (1, -1), (1, 1), (1, 1))),
    "cropped to nothing of the input": ((1, 1, 3, 3), (1, 1, 2, 2),
                                        ((1, 1), (-5, 0), (7, 0), (1, 1), (1, 1))),
    "dilated kernel": ((1, 2, 9, 8), (2, 2, 3, 2), ((1, 2), (0, 1), (2, 0), (1, 1), (3, 2))),
    "holes": ((2, 2, 4, 3), (3, 2, 3, 4), ((1, 1), (2, 3), (2, 3), (2, 3), (1, 1))),
    "holes under strides": ((1, 2, 5, 4), (2, 2, 3, 3), ((2, 3), (1, 0), (1, 2), (3, 2), (2, 1))),
    "holes and taps of one distance": ((1, 1, 4, 4), (1, 1, 3, 2),
                                       ((1, 1), (1, 0), (0, 0), (2, 4), (2, 2))),
    "1x1": ((2, 5, 3, 3), (4, 5, 1, 1), plain(2)),
    "the whole": ((2, 3, 4, 5), (6, 3, 4, 5), plain(2)),
    "no images": ((0, 3, 7, 6), (4, 3, 3, 2), plain(2)),
    "holes, and no images": ((0, 3, 4, 4), (2, 3, 2, 2),
                             ((1, 1), (1, 1), (1, 1), (2, 2), (1, 1))),
    "no channels": ((2, 0, 5, 5), (3, 0, 2, 2), plain(2)),
    "no results": ((2, 2, 5, 5), (0, 2, 2, 2), plain(2)),
    "nowhere": ((2, 2, 2, 5), (3, 2, 3, 2), plain(2)),
    "nothing but zeros": ((2, 2, 0, 5), (3, 2, 2, 2), ((1, 1), (1, 0), (2, 0), (1, 1), (1, 1))),
}  # fmt: skip


def build(steps: Steps) -> Any:
    return lambda b, x, w: b.conv(x, w, *steps)


def random_steps(rng: random.Random, count: int) -> Steps:
    def some(choices: list[int]) -> tuple[int, ...]:
        return tuple(rng.choice(choices) for _ in range(count))

    pads = [-2, -1, 0, 0, 1, 2, 3]
    return some([1, 1, 2, 3]), some(pads), some(pads), some([1, 1, 2, 3]), some([1, 1, 2, 3])


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_its_definition(name: str) -> None:
    x_shape, w_shape, steps = CONVOLUTIONS[name]
    x, w = smooth("f64", x_shape, 1), smooth("f64", w_shape, 2)
    module = program([("f64", x_shape), ("f64", w_shape)], build(steps))
    (y,) = run(module, x, w)
    expected = convolve(x, w, *steps)
    assert y.shape == expected.shape
    assert np.allclose(y, expected, rtol=1e-12, atol=1e-12)
    ExpandConvolutionsPass().apply(context(), module)
    module.verify()
    assert all(op.is_plain for op in module.walk() if isinstance(op, ConvOp))
    assert np.allclose(run(module, x, w)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_expansion_keeps_random_convolutions(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.choice([1, 2, 2, 3])
    steps = random_steps(rng, count)
    whole = [rng.randint(1, 6) for _ in range(count)]
    kernel = [rng.randint(1, 4) for _ in range(count)]
    if any(n < 0 for n in extents(whole, kernel, steps)):
        return
    x, w = smooth("f64", (2, 2, *whole), seed), smooth("f64", (3, 2, *kernel), seed + 1)
    module = program([("f64", x.shape), ("f64", w.shape)], build(steps))
    expected = convolve(x, w, *steps)
    assert np.allclose(run(module, x, w)[0], expected, rtol=1e-12, atol=1e-12)
    ExpandConvolutionsPass().apply(context(), module)
    module.verify()
    assert np.allclose(run(module, x, w)[0], expected, rtol=1e-12, atol=1e-12)


def extents(whole: list[int], kernel: list[int], steps: Steps) -> list[int]:
    """Positions, negative where even none is too many."""
    stride, low, high, x_dilation, w_dilation = steps
    return [
        (low[a] + (n - 1) * x_dilation[a] + 1 + high[a] - (k - 1) * w_dilation[a] - 1) // stride[a]
        + 1
        for a, (n, k) in enumerate(zip(whole, kernel, strict=True))
    ]


@pytest.mark.parametrize("dtype", ["i8", "u16", "i32", "i64", "f16", "bf16", "f32"])
def test_dtypes(dtype: str) -> None:
    """Integers wrap; half floats are rounded once."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (2, 3, 5, 5)).astype(np.float32)
    w = rng.integers(0, 9, (4, 3, 2, 2)).astype(np.float32)
    module = program([(dtype, x.shape), (dtype, w.shape)], build(plain(2)))
    types = {"i8": np.int8, "u16": np.uint16, "i32": np.int32, "i64": np.int64, "f16": np.float16}
    kind = types.get(dtype, np.float32)
    (y,) = run(module, x.astype(kind), w.astype(kind))
    expected = convolve(x.astype(kind), w.astype(kind), *plain(2))
    if dtype == "bf16":
        assert np.all(np.abs(y - expected) <= np.abs(expected) / 256)
    else:
        assert np.array_equal(y, expected.astype(kind))


def test_an_infinite_weight_over_a_hole_adds_nothing() -> None:
    """Elements stand at every other place; there is a zero on each side, and the rest is holes."""
    steps: Steps = ((1,), (2,), (2,), (2,), (1,))
    x, w = np.ones((1, 1, 2)), np.array([[[np.inf, 1.0]]])
    module = program([("f64", x.shape), ("f64", w.shape)], build(steps))
    expected = [np.nan, 1, np.inf, 1, np.inf, 0]
    assert np.array_equal(run(module, x, w)[0].ravel(), expected, equal_nan=True)
    ExpandConvolutionsPass().apply(context(), module)
    assert np.array_equal(run(module, x, w)[0].ravel(), expected, equal_nan=True)


# -- derivatives


@pytest.mark.parametrize(
    "name", [n for n in CONVOLUTIONS if n not in ("the whole", "three axes", "holes")]
)
def test_a_derivative_is_the_central_difference(name: str) -> None:
    x_shape, w_shape, steps = CONVOLUTIONS[name]
    small = tuple(min(n, 2) for n in x_shape[:2]), tuple(min(n, 2) for n in w_shape[:2])
    x, w = smooth("f64", (*small[0], *x_shape[2:]), 1), smooth("f64", (*small[1], *w_shape[2:]), 2)
    check(build(steps), x, w)


@pytest.mark.parametrize("seed", range(8))
def test_derivatives_of_random_convolutions(seed: int) -> None:
    rng = random.Random(seed + 100)
    count = rng.choice([1, 2])
    fits = False
    while not fits:
        steps = random_steps(rng, count)
        whole = [rng.randint(2, 4) for _ in range(count)]
        kernel = [rng.randint(1, 3) for _ in range(count)]
        fits = all(n > 0 for n in extents(whole, kernel, steps))
    check(build(steps), smooth("f64", (2, 2, *whole), 1), smooth("f64", (2, 2, *kernel), 2))


def test_second_derivatives() -> None:
    steps: Steps = ((2, 1), (1, 0), (0, 1), (1, 2), (1, 1))

    def squared(b: Builder, x: SSAValue, w: SSAValue) -> SSAValue:
        return b.square(b.conv(x, w, *steps))

    check(squared, smooth("f64", (2, 1, 3, 3), 1), smooth("f64", (2, 1, 2, 2), 2), orders=2)


def test_a_batch_axis_is_a_group() -> None:
    x, w = smooth("f64", (2, 2, 2, 3, 3), 1), smooth("f64", (2, 1, 2, 2, 2), 2)
    module = program([("f64", x.shape), ("f64", w.shape)], build(plain(2)))
    expected = np.stack([convolve(a, b, *plain(2)) for a, b in zip(x, w, strict=True)])
    assert np.allclose(run(module, x, w)[0], expected)
    check(build(plain(2)), x, w)


def test_the_gradient_of_a_maximum_goes_to_the_first() -> None:
    x = np.array([[[1.0, 3.0, 3.0, 2.0, np.nan, 9.0, np.nan]]])

    def gradient(b: Builder, x: SSAValue) -> list[SSAValue]:
        y = b.max_pool(x, (3,), (2,), (1,))
        return [y, *b.grad(y, [x], cotangent=b.constant(np.array([[[1.0, 2.0, 4.0]]]), F64))]

    module = program([("f64", x.shape)], gradient)
    ExpandGradPass().apply(context(), module)
    y, g = run(module, x)
    assert y[0, 0, 0] == 3.0 and np.isnan(y[0, 0, 1:]).all()
    assert np.array_equal(g, [[[0, 1, 0, 0, 6, 0, 0]]])


@pytest.mark.parametrize("window, stride, dilation", [
    ((2, 2), (2, 2), (1, 1)), ((3, 2), (1, 2), (1, 2)), ((1, 4), (3, 1), (1, 1)),
])  # fmt: skip
def test_derivatives_of_maxima(
    window: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> None:
    x = np.random.default_rng(0).permutation(60).reshape(2, 1, 6, 5) / 7.0

    def f(b: Builder, x: SSAValue) -> SSAValue:
        return b.max_pool(b.square(x), window, stride, dilation)

    check(f, x)
    check(f, x[:1, :, :4, :4], orders=2)


# -- the language, compiled

PROGRAM = """
export def strided(x: f32[n, 3, h, w], k: f32[5, 3, 3, 3]) -> f32[n, 5, (h + 1)//2, (w + 1)//2] =
    conv2d(x, k, stride=2, pad=1)
export def same(x: f32[n, 4, 9, 8], k: f32[6, 2, 3, 2]) -> f32[n, 6, 9, 8] =
    conv2d(x, k, pad="same", groups=2)
export def same_strided(x: f32[n, 4, 9], k: f32[6, 4, 4]) -> f32[n, 6, 5] =
    conv1d(x, k, pad="same", stride=2)
export def full(x: f32[n, 4, 9], k: f32[6, 4, 3]) -> f32[n, 6, 11] = conv1d(x, k, pad="full")
export def turned(x: f32[n, 4, 9], k: f32[6, 4, 3]) -> f32[n, 6, 8] =
    conv1d(x, k, pad=(-1, 2), flip=true)
export def solid(x: f32[n, 2, 4, 5, 6], k: f32[3, 2, 2, 3, 2]) -> f32[n, 3, 3, 3, 3] =
    conv3d(x, k, stride=(1, 1, 2), pad=[(0, 0), (1, -1), (1, 0)])
export def any_kernel(x: f32[n, 2, h, h], k: f32[3, 2, a, a]) -> f32[n, 3, h - a + 3, h - a + 3] =
    conv2d(x, k, pad=1)
export def apart(x: f32[n, 2, 9, 9], k: f32[3, 2, 3, 3]) -> f32[n, 3, 5, 7] =
    conv2d(x, k, dilation=(2, 1))
export def up(x: f32[n, 4, h, w], k: f32[4, 6, 4, 4]) -> f32[n, 6, 2*h, 2*w] =
    conv2d_transpose(x, k, stride=2, pad=1)
export def up_in_groups(x: f32[n, 4, 5, 6], k: f32[4, 3, 3, 3]) -> f32[n, 6, 10, 12] =
    conv2d_transpose(x, k, stride=2, pad=1, output_pad=1, groups=2)
export def up_apart(x: f32[n, 2, 5], k: f32[2, 3, 3]) -> f32[n, 3, 17] =
    conv1d_transpose(x, k, stride=3, dilation=2)
export def up_same(x: f32[n, 2, h], k: f32[2, 3, 5]) -> f32[n, 3, 2*h] =
    conv1d_transpose(x, k, stride=2, pad="same")
export def halves(x: f32[n, 2, h, w]) -> f32[n, 2, h//2, w//2] = max_pool2d(x, 2)
export def edges(x: f32[n, 2, 9, 8]) -> f32[n, 2, 5, 5] = max_pool2d(x, 3, stride=2, pad=(1, 2))
export def far(x: f32[n, 2, 9, h]) -> f32[n, 2, 9, h] = x.max_pool2d(3, stride=1, pad=2, dilation=2)
export def wide(x: f32[n, 2, 40]) -> f32[n, 2, 3] = max_pool1d(x, 20, stride=10)
export def whole_numbers(x: i32[n, 2, 6]) -> i32[n, 2, 4] = max_pool1d(x, 2, pad=1)
export def means(x: f32[n, 2, 9, 9]) -> f32[n, 2, 5, 5] = avg_pool2d(x, 3, stride=2, pad=1)
export def means_of_all(x: f32[n, 2, 9, 9]) -> f32[n, 2, 5, 5] =
    avg_pool2d(x, 3, stride=2, pad=1, include_pad=true)
export def means_of_many(x: f32[n, 2, 6, 6, 6]) -> f32[n, 2, 2, 2, 2] = avg_pool3d(x, 3)
export def each(x: f32[b, n, 2, 5, 5], k: f32[b, 3, 2, 2, 2]) -> f32[b, n, 3, 4, 4] =
    [conv2d(x[i], k[i]) for i]
export def each_image(x: f32[b, n, 2, 5, 5], k: f32[3, 2, 2, 2]) -> f32[b, n, 3, 4, 4] =
    [conv2d(x[i], k) for i]
export def each_kernel(x: f32[n, 2, 5, 5], k: f32[b, 3, 2, 2, 2]) -> f32[b, n, 3, 4, 4] =
    [conv2d(x, k[i]) for i]
"""


@pytest.fixture(scope="module")
def m() -> Any:
    return irc.compile(PROGRAM)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def close(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-5)


ONE2 = ((1, 1), (1, 1))


@pytest.mark.cc
def test_padding_and_strides(m: Any) -> None:
    x, k = normal(2, 3, 9, 8), normal(5, 3, 3, 3)
    assert close(m.strided(x, k), convolve(x, k, (2, 2), (1, 1), (1, 1), *ONE2))
    assert m.strided(x[:0], k).shape == (0, 5, 5, 4)
    x, k = normal(2, 4, 9, 8), normal(6, 2, 3, 2)
    assert close(m.same(x, k), grouped(x, k, 2, (1, 1), (1, 0), (1, 1), *ONE2))
    x, k = normal(2, 4, 9), normal(6, 4, 4)
    assert close(m.same_strided(x, k), convolve(x, k, (2,), (1,), (2,), (1,), (1,)))
    x, k = normal(2, 4, 9), normal(6, 4, 3)
    assert close(m.full(x, k), convolve(x, k, (1,), (2,), (2,), (1,), (1,)))
    assert close(m.turned(x, k), convolve(x, k[..., ::-1], (1,), (-1,), (2,), (1,), (1,)))
    x, k = normal(2, 2, 4, 5, 6), normal(3, 2, 2, 3, 2)
    three = (1, 1, 1)
    expected = convolve(x, k, (1, 1, 2), (0, 1, 1), (0, -1, 0), three, three)
    assert close(m.solid(x, k), expected)
    x, k = normal(1, 2, 9, 9), normal(3, 2, 3, 3)
    assert close(m.apart(x, k), convolve(x, k, (1, 1), (0, 0), (0, 0), (1, 1), (2, 1)))
    for size in (1, 3):
        k = normal(3, 2, size, size)
        assert close(m.any_kernel(x, k), convolve(x, k, (1, 1), (1, 1), (1, 1), *ONE2))


@pytest.mark.cc
def test_transposed(m: Any) -> None:
    for h, w in ((5, 6), (1, 1), (14, 14)):
        x, k = normal(2, 4, h, w), normal(4, 6, 4, 4)
        assert close(m.up(x, k), transposed(x, k, (2, 2), (1, 1), (0, 0), (1, 1)))
    x, k = normal(2, 4, 5, 6), normal(4, 3, 3, 3)
    steps = (2, 2), (1, 1), (1, 1), (1, 1)
    parts = [transposed(x[:, g : g + 2], k[g : g + 2], *steps) for g in (0, 2)]
    assert close(m.up_in_groups(x, k), np.concatenate(parts, axis=1))
    x, k = normal(2, 2, 5), normal(2, 3, 3)
    assert close(m.up_apart(x, k), transposed(x, k, (3,), (0,), (0,), (2,)))
    x, k = normal(2, 2, 5), normal(2, 3, 5)
    assert close(m.up_same(x, k), transposed(x, k, (2,), (0,), (0,), (1,))[..., 1:-2])


@pytest.mark.cc
def test_pooling(m: Any) -> None:
    x = normal(2, 2, 9, 8)
    assert close(m.halves(x), pooled(x, (2, 2), (2, 2), (0, 0), max))
    low = np.full_like(x, -np.inf)  # padding is never the largest, even of nothing but these
    for y in (x, low):
        expected = pooled(np.pad(y, ((0, 0),) * 4), (3, 3), (2, 2), (1, 2), max)
        assert close(m.edges(y), expected)
    x = normal(1, 2, 9, 7)
    assert close(m.far(x), pooled(x, (3, 3), (1, 1), (2, 2), max, (2, 2)))
    x = normal(1, 2, 40)
    assert close(m.wide(x), pooled(x, (20,), (10,), (0,), max))
    x = np.random.default_rng(0).integers(-9, -1, (1, 2, 6)).astype(np.int32)
    assert close(m.whole_numbers(x), pooled(x, (2,), (2,), (1,), max))
    x = normal(2, 2, 9, 9)
    assert close(m.means(x), pooled(x, (3, 3), (2, 2), (1, 1), np.mean))
    assert close(m.means_of_all(x), pooled(x, (3, 3), (2, 2), (1, 1), lambda v: sum(v) / 9))
    x = normal(1, 2, 6, 6, 6)
    assert close(m.means_of_many(x), pooled(x, (3, 3, 3), (3, 3, 3), (0, 0, 0), np.mean))


@pytest.mark.cc
def test_index_variables(m: Any) -> None:
    x, k = normal(3, 2, 2, 5, 5), normal(3, 3, 2, 2, 2)
    both = [convolve(x[i], k[i], *plain(2)) for i in range(3)]
    assert close(m.each(x, k), np.stack(both))
    images = [convolve(x[i], k[0], *plain(2)) for i in range(3)]
    assert close(m.each_image(x, k[0]), np.stack(images))
    kernels = [convolve(x[0], k[i], *plain(2)) for i in range(3)]
    assert close(m.each_kernel(x[0], k), np.stack(kernels))


@pytest.mark.cc
@pytest.mark.parametrize("call, message", [
    (lambda m: m.strided(normal(1, 3, 0, 8), normal(5, 3, 3, 3)),
     "conv2d: the kernel does not fit axis 2, which is 0"),
    (lambda m: m.any_kernel(normal(1, 2, 3, 3), normal(3, 2, 6, 6)),
     "conv2d: the kernel does not fit axis 2, which is 3"),
    (lambda m: m.halves(normal(1, 2, 4, 1)),
     "max_pool2d: the window does not fit axis 3, which is 1"),
    (lambda m: m.up(normal(1, 4, 2, 0), normal(4, 6, 4, 4)),
     "conv2d_transpose: nothing is left of axis 3, which is 0"),
    (lambda m: m.far(normal(1, 2, 9, 1)),
     "max_pool2d: a window sees nothing but padding of an axis of 1"),
])  # fmt: skip
def test_sizes_that_do_not_fit_fail_the_call(m: Any, call: Any, message: str) -> None:
    with pytest.raises(irc.ShapeError) as error:
        call(m)
    assert message in str(error.value)


@pytest.mark.cc
def test_gradients_of_the_language() -> None:
    """Each function against central differences, in f64."""
    program_text = """
    def blocks(x, k, u) {
        let h = max_pool2d(conv2d(x, k, stride=1, pad="same", groups=2), 2, stride=1, pad=1)
        return avg_pool2d(tanh(conv2d_transpose(h, u, stride=2, pad=1)), (3, 2), pad=(1, 0))
    }
    export def cost(x: f64[n, 2, 5, 4], k: f64[4, 1, 3, 3], u: f64[4, 2, 3, 3]) -> f64 =
        sum(blocks(x, k, u) ** 2)
    export def slope(x: f64[n, 2, 5, 4], k: f64[4, 1, 3, 3], u: f64[4, 2, 3, 3])
        -> (f64[n, 2, 5, 4], f64[4, 1, 3, 3], f64[4, 2, 3, 3]) {
        let c = sum(blocks(x, k, u) ** 2)
        let gx, gk, gu = grad(c, wrt=(x, k, u))
        return gx, gk, gu
    }
    """
    m = irc.compile(program_text)
    inputs = [normal(2, 2, 5, 4), normal(4, 1, 3, 3), normal(4, 2, 3, 3)]
    inputs = [x.astype(np.float64) for x in inputs]
    for which, gradient in enumerate(m.slope(*inputs)):
        for at in list(np.ndindex(inputs[which].shape))[::5]:
            sides = []
            for step in (1e-6, -1e-6):
                moved = [np.array(x) for x in inputs]
                moved[which][at] += step
                sides.append(float(m.cost(*moved)))
            assert np.isclose(gradient[at], (sides[0] - sides[1]) / 2e-6, rtol=1e-5, atol=1e-7)


def test_the_text_of_the_ops_is_read_again() -> None:
    module = program([("f32", (2, 3, 7, 6)), ("f32", (4, 3, 3, 2))], build(plain(2)))
    assert str(parse(str(module))) == str(module)


def test_places_are_counted() -> None:
    assert positions((7,), (3,), (2,), (0,), (0,), (1,), (1,)) == [3]
    assert positions((2,), (3,), (1,), (0,), (0,), (1,), (1,)) == [0]
