"""
Random programs with scans and loops, and their gradients: the same at every level; compiled, the
same as in NumPy and as central differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from language import run
from levels import GCC_O2, Call, Case, Road, differences
from random_batches import Batch, random_batch
from random_loops import Program, random_program

import irc
from irc.frontend import load_program

pytestmark = pytest.mark.cc
SEEDS = st.integers(0, 10**6)
FLOATS = (("f64",), ("f32",), ("f32", "f64"))
COUNTS = (0, 1, 2, 50)


def case(name: str, text: str, inputs: Sequence[np.ndarray]) -> Case:
    """The signature goes: functions of a level test have names of their own."""
    module = load_program(text, file="t.irc").module
    for op in module.ops:
        op.attributes.pop("irc.signature", None)
    return Case(name, module, [Call(list(inputs))])


def results(seeds: Iterable[int]) -> list[Case]:
    programs = {
        seed: random_program(seed, COUNTS[seed % 4], FLOATS[seed // 4 % 3]) for seed in seeds
    }
    return [case(f"seed {seed}", p.text(), p.inputs) for seed, p in programs.items()]


def gradients(seeds: Iterable[int]) -> list[Case]:
    programs = {seed: random_program(seed, (0, 1, 2, 20)[seed % 4], smooth=True) for seed in seeds}
    return [
        case(f"gradient, seed {seed}", p.gradients(written_out=False), [*p.inputs, *p.weights()])
        for seed, p in programs.items()
    ]


@pytest.mark.parametrize(("level", "count"), [(0, 3), (2, 8)])
def test_every_level(level: int, count: int) -> None:
    road = Road(opt_level=level, near=level > 0)
    assert differences([*results(range(count)), *gradients(range(count))], road, [GCC_O2]) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(100, 400, 20))
def test_every_level_of_many(first: int) -> None:
    seeds, road = range(first, first + 20), Road(opt_level=first // 20 % 3, near=True)
    assert differences([*results(seeds), *gradients(seeds)], road, [GCC_O2]) == []


def results_are_right(program: Program | Batch, floats: Sequence[str]) -> None:
    close = 1e-4 if "f32" in floats else 1e-9
    found = irc.compile(program.text()).f(*program.inputs)
    found = found if isinstance(found, tuple) else (found,)
    for got, wanted in zip(found, program.expected(), strict=True):
        assert got.dtype == wanted.dtype and np.shape(got) == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=close, atol=close)


def slopes_are_right(program: Program) -> None:
    """Gradients by inputs, initial values and weights, along a random direction of all of them."""
    f = irc.compile(program.gradients(written_out=False)).f
    weights, rng = program.weights(), np.random.default_rng(1)
    along = {name: rng.normal(size=program.arrays[name].shape) for name in program.variables}

    def cost(step: float) -> float:
        moved = [x + step * along[k] if k in along else x for k, x in program.arrays.items()]
        return float(f(*moved, *weights)[0])

    expected = program.expected()
    known = sum(np.sum(expected[k] * g) for k, g in zip(program.weighted, weights, strict=True))
    assert np.isclose(cost(0), known, rtol=1e-9, atol=1e-9)
    h = 2e-4
    difference = (8 * (cost(h) - cost(-h)) - (cost(2 * h) - cost(-2 * h))) / (12 * h)
    found = f(*program.inputs, *weights)[1:]
    slope = sum(np.sum(g * v) for g, v in zip(found, along.values(), strict=True))
    assert np.isclose(slope, difference, rtol=1e-7, atol=1e-9), (slope, difference)


def batch_is_right(batch: Batch) -> None:
    """Gradients of many side by side, against one call after the other in the reference."""
    given = [*batch.inputs, *batch.weights()]
    expected = run(batch.gradients(written_out=True), *given)
    found = irc.compile(batch.gradients(written_out=False)).f(*given)
    for k, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10, err_msg=f"result {k}")


@settings(max_examples=6)
@given(SEEDS, st.sampled_from(COUNTS), st.sampled_from(FLOATS))
def test_results_of_c(seed: int, steps: int, floats: Sequence[str]) -> None:
    program = random_program(seed, steps, floats)
    note(program.text())
    results_are_right(program, floats)


@settings(max_examples=6)
@given(SEEDS, st.sampled_from(COUNTS))
def test_gradients_of_c(seed: int, steps: int) -> None:
    program = random_program(seed, steps, smooth=True)
    note(program.gradients(written_out=False))
    slopes_are_right(program)


@settings(max_examples=4)
@given(SEEDS, st.sampled_from([0, 1, 2, 5]), st.sampled_from(FLOATS))
def test_side_by_side_in_c(seed: int, steps: int, floats: Sequence[str]) -> None:
    results_are_right(random_batch(seed, steps, floats), floats)
    batch_is_right(random_batch(seed, steps, smooth=True))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(1000, 1300, 50))
def test_c_of_many(first: int) -> None:
    for seed in range(first, first + 50):
        floats = FLOATS[seed // 4 % 3]
        results_are_right(random_program(seed, COUNTS[seed % 4], floats), floats)
        slopes_are_right(random_program(seed, COUNTS[seed % 4], smooth=True))
        results_are_right(random_batch(seed, seed % 4, floats), floats)
        batch_is_right(random_batch(seed, seed % 4, smooth=True))
