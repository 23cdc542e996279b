"""Convolutions and pooling as `nd` programs, for the tests that run every level."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from levels import Call, Case
from nd_programs import program, values
from xdsl.ir import SSAValue

from irc.dialects.nd import Builder
from irc.sizes import var

N, M = var("n"), var("m")
Build = Callable[..., SSAValue | Sequence[SSAValue]]
Dims = Sequence[Any]
Steps = Sequence[Sequence[int]]


def case(name: str, types: Sequence[tuple[str, Dims]], build: Build, *shapes: Any) -> Case:
    """`shapes`: for each call the shape of each argument; the sizes of the types when left out."""
    calls = shapes or ([dims for _, dims in types],)
    inputs = [
        [values(d, shape, k) for k, ((d, _), shape) in enumerate(zip(types, call, strict=True))]
        for call in calls
    ]
    return Case(name, program(types, build), [Call(i) for i in inputs])


def mild(made: Case) -> Case:
    """The same with numbers whose sums cannot overflow, where an op chooses by the sum."""
    rng = np.random.default_rng(0)
    calls = [Call([rng.normal(size=x.shape).astype(x.dtype) for x in c.inputs]) for c in made.calls]
    return Case(made.name, made.module, calls)


def conv(name: str, dtype: str, x: Dims, w: Dims, steps: Steps | None = None, *calls: Any) -> Case:
    return case(name, [(dtype, x), (dtype, w)], _conv(steps or plain(len(x) - 2)), *calls)


def _conv(steps: Steps) -> Build:
    return lambda b, x, w: b.conv(x, w, *steps)


def plain(count: int) -> Steps:
    one, none = (1,) * count, (0,) * count
    return one, none, none, one, one


def gradient(b: Builder, x: SSAValue, w: SSAValue) -> list[SSAValue]:
    """Of a strided, padded convolution, by both operands."""
    y = b.conv(x, w, (2, 2), (1, 1), (1, 1), (1, 1), (1, 1))
    return b.grad(b.sum(b.square(y), range(4)), [x, w])


def layer(b: Builder, x: SSAValue, w: SSAValue, v: SSAValue) -> SSAValue:
    """A convolution with its bias and rectifier, which run on its tiles."""
    y = b.conv(x, w, *plain(2))
    y = b.add(y, b.broadcast(v, [1], y.type.get_shape()))  # type: ignore[attr-defined]
    return b.scalar("maximum", y, b.like(y, 0))


def convolutions() -> list[Case]:
    """Small ones in plain loops, larger ones on register tiles, from every side."""
    holes = (1, 1), (2, 2), (2, 2), (2, 2), (1, 1)
    return [
        conv("tiny", "f32", (1, 1, 4, 4), (1, 1, 2, 2)),
        conv("plain", "f32", (2, 3, 9, 8), (4, 3, 3, 2)),
        conv("many rows", "f32", (3, 5, 12, 11), (20, 5, 5, 5)),
        conv("few places share panels", "f32", (7, 6, 5, 5), (9, 6, 3, 3)),
        conv("f64", "f64", (3, 5, 12, 11), (13, 5, 3, 3),
             ((2, 1), (1, 1), (1, 1), (1, 1), (1, 2))),
        conv("padded by -1 and 1", "f32", (1, 2, 9, 8), (4, 2, 3, 2),
             ((1, 2), (-1, 1), (1, -1), (1, 1), (1, 1))),
        conv("holes", "f32", (2, 6, 7, 7), (5, 6, 4, 4), holes),
        conv("one axis", "f32", (2, 3, 40), (7, 3, 5), ((2,), (2,), (2,), (1,), (1,))),
        conv("three axes", "f32", (1, 2, 6, 5, 7), (3, 2, 2, 3, 2),
             ((1, 1, 2), (1, 0, 0), (0, 0, 1), (1, 1, 1), (1, 1, 1))),
        conv("each channel by itself", "f32", (6, 1, 9, 8), (1, 1, 2, 3)),
        conv("groups", "f32", (3, 2, 4, 9, 8), (3, 5, 4, 2, 2),
             ((2, 2), (0, 0), (0, 0), (1, 1), (1, 1))),
        conv("groups of one", "f32", (3, 2, 1, 9, 8), (3, 1, 1, 2, 2),
             ((2, 1), (0, 0), (0, 0), (1, 1), (1, 2))),
        conv("sizes with names", "f32", (N, 3, M, 8), (4, 3, 3, 3),
             ((2, 1), (1, 1), (1, 1), (1, 1), (1, 1)),
             ((2, 3, 9, 8), (4, 3, 3, 3)), ((0, 3, 9, 8), (4, 3, 3, 3)),
             ((5, 3, 2, 8), (4, 3, 3, 3))),
        conv("holes and names", "f32", (N, 3, M, 8), (5, 3, 4, 4), holes,
             ((2, 3, 9, 8), (5, 3, 4, 4)), ((1, 3, 1, 8), (5, 3, 4, 4))),
        conv("a kernel of any size", "f32", (1, 2, 9, 9), (3, 2, M, N), None,
             ((1, 2, 9, 9), (3, 2, 1, 9)), ((1, 2, 9, 9), (3, 2, 4, 2))),
        mild(case("bias and rectifier",
                  [("f32", (2, 3, 9, 9)), ("f32", (18, 3, 3, 3)), ("f32", (18,))], layer)),
        case("gradients", [("f32", (2, 3, 9, 9)), ("f32", (4, 3, 3, 3))], gradient),
        case("gradients with names", [("f32", (N, 3, M, M)), ("f32", (4, 3, 3, 3))], gradient,
             ((2, 3, 9, 9), (4, 3, 3, 3)), ((1, 3, 8, 8), (4, 3, 3, 3))),
    ]  # fmt: skip


def dtypes() -> list[Case]:
    """Those whose sums are kept in another dtype, and those without vectors."""
    steps = (1, 1), (1, 1), (0, 0), (1, 1), (1, 1)
    cases = []
    for dtype in ("f16", "bf16", "i8", "i32", "u16", "i64"):
        cases.append(conv(f"of {dtype}", dtype, (2, 3, 9, 8), (4, 3, 3, 2), steps))
        cases.append(conv(f"each by itself, {dtype}", dtype, (2, 1, 9, 8), (1, 1, 2, 2), steps))
    return cases


def random_convolutions(first: int, count: int) -> list[Case]:
    """Any steps, sizes from 1, sometimes with the number of images unknown."""
    found: list[Case] = []
    seed = first
    while len(found) < count:
        rng = random.Random(seed)
        axes = rng.choice([1, 2, 2, 3])

        def some(choices: list[int], rng: random.Random = rng, axes: int = axes) -> list[int]:
            return [rng.choice(choices) for _ in range(axes)]

        pads = [-1, 0, 0, 1, 2]
        steps = [some([1, 1, 2, 3]), some(pads), some(pads), some([1, 1, 2]), some([1, 1, 2])]
        x = [rng.randint(1, 3), rng.randint(1, 4), *some([1, 3, 5, 8, 9])]
        w = [rng.randint(1, 14), x[1], *some([1, 2, 3])]
        fits = all(
            lo + (n - 1) * xd + 1 + hi >= (k - 1) * wd + 1
            for n, k, lo, hi, xd, wd in zip(x[2:], w[2:], *steps[1:], strict=True)
        )
        if fits:
            images = rng.choice([N, x[0]])
            dtype = rng.choice(["f32", "f32", "f64", "i32"])
            name = f"seed {seed}: {dtype} {x} {w} {steps}"
            found.append(conv(name, dtype, [images, *x[1:]], w, steps, (x, w)))
        seed += 1
    return found


def pools(dtypes: Sequence[str] = ("f32", "i32", "f16", "u8")) -> list[Case]:
    """Windows written out and looped over, their places, and gradients."""

    def both(window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Build:
        def build(b: Builder, x: SSAValue) -> list[SSAValue]:
            steps = window, stride, dilation
            return [b.max_pool(x, *steps), b.max_pool_index(x, *steps)]

        return build

    windows = [
        ((2, 2), (2, 2), (1, 1)),
        ((3, 2), (2, 1), (1, 2)),
        ((1, 1), (1, 2), (1, 1)),
        ((5, 4), (2, 2), (1, 1)),
    ]
    cases = [
        case(f"{dtype} {steps}", [(dtype, (2, 3, 9, 10))], both(*steps))
        for dtype in dtypes
        for steps in windows
    ]
    steps = (2, 2), (2, 2), (1, 1)
    shapes = ((2, 3, 9, 8),), ((0, 3, 5, 8),), ((1, 3, 2, 8),)
    cases.append(case("pools with names", [("f32", (N, 3, M, 8))], both(*steps), *shapes))
    wide = both((20,), (2,), (1,))
    cases.append(case("a wide one", [("f32", (N, M))], wide, ((2, 39),), ((2, 20),), ((0, 20),)))

    def backward(b: Builder, x: SSAValue) -> list[SSAValue]:
        y = b.max_pool(x, (3, 3), (2, 2), (1, 1))
        return b.grad(b.sum(b.square(y), range(4)), [x])

    cases.append(case("gradient of a maximum", [("f32", (2, 3, 9, 9))], backward))
    return cases
