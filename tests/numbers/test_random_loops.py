"""
Random programs with scans and loops, whose states have several shapes and dtypes, in the reference.

Their results are those of the same steps in NumPy; their gradients are those of the same steps
written one after the other, without a loop. Under index notation, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from language import run
from random_batches import Batch, random_batch
from random_loops import Program, random_program

SEEDS = st.integers(0, 10**6)
FLOATS = (("f64",), ("f32",), ("f32", "f64"))
CLOSE = {"f32": 1e-4, "f64": 1e-9}


def results_are_right(program: Program | Batch, floats: Sequence[str]) -> None:
    close = max(CLOSE[dtype] for dtype in floats)
    results = run(program.text(), *program.inputs)
    for got, wanted in zip(results, program.expected(), strict=True):
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(got, wanted, rtol=close, atol=close)


def gradients_are_right(program: Program | Batch) -> None:
    given = [*program.inputs, *program.weights()]
    found = run(program.gradients(written_out=False), *given)
    expected = run(program.gradients(written_out=True), *given)
    for k, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10, err_msg=f"result {k}")


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([0, 1, 2, 50]), st.sampled_from(FLOATS))
def test_results(seed: int, steps: int, floats: Sequence[str]) -> None:
    program = random_program(seed, steps, floats)
    note(program.text())
    results_are_right(program, floats)


@settings(max_examples=16)
@given(SEEDS, st.sampled_from([0, 1, 2, 5]))
def test_gradients(seed: int, steps: int) -> None:
    program = random_program(seed, steps, smooth=True)
    note(program.gradients(written_out=False))
    gradients_are_right(program)


@settings(max_examples=16)
@given(SEEDS, st.sampled_from([0, 1, 2, 5]), st.sampled_from(FLOATS))
def test_results_side_by_side(seed: int, steps: int, floats: Sequence[str]) -> None:
    batch = random_batch(seed, steps, floats)
    note(batch.text())
    results_are_right(batch, floats)


@settings(max_examples=10)
@given(SEEDS, st.sampled_from([0, 1, 2, 5]))
def test_gradients_side_by_side(seed: int, steps: int) -> None:
    batch = random_batch(seed, steps, smooth=True)
    note(batch.gradients(written_out=False))
    gradients_are_right(batch)


def test_programs_have_everything() -> None:
    """What the other tests are about is there."""
    programs = [random_program(seed, 2, ("f32", "f64")) for seed in range(60)]
    text = "\n".join(program.text() for program in programs)
    parts = ("scan s < S", "scan r < S", "until", "loop ", "while", "max 3", "let ", "bool[T",
             "i32[T", "f32[T", "f64[T, 2, n]", "T - 1 - t]", "[t-4]", "[t+2]", "[s-1]", "[-1]",
             "[-4:0]", "[:, t]", "sum(", " @ ", "where(", "if ")  # fmt: skip
    assert [part for part in parts if part not in text] == []
    smooth = [random_program(seed, 2, smooth=True) for seed in range(60)]
    assert sum(program.checkpoint for program in smooth) > 5
    found = [run(p.gradients(written_out=False), *p.inputs, *p.weights()) for p in smooth[:10]]
    assert sum(np.any(gradient) for gradients in found for gradient in gradients) > 20


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", range(0, 1000, 200))
def test_many(first: int) -> None:
    for seed in range(first, first + 200):
        floats = FLOATS[seed // 5 % 3]
        results_are_right(random_program(seed, (0, 1, 2, 5, 50)[seed % 5], floats), floats)
        gradients_are_right(random_program(seed, seed % 7, smooth=True))
        results_are_right(random_batch(seed, seed % 4, floats), floats)
        gradients_are_right(random_batch(seed, seed % 4, smooth=True))
