"""Texts with values in them, and what the executor says about its own limits."""

from __future__ import annotations

import numpy as np
import pytest
from parse_ir import parse_ir

from irc.execution import ExecutionError, execute
from irc.execution.messages import fill, show


def test_placeholders() -> None:
    values = [np.float32(0.1), np.int32(-7), np.bool_(True)]
    assert fill("{0} {1} {2} {{0}}", values) == "0.1 -7 true {0}"
    assert fill("{0:.3f}|{1:5d}", values) == "0.100|   -7"
    assert fill("y[{@1}, {@0}]", [], position=(4, 5)) == "y[5, 4]"


def test_signless_bits_are_read_as_their_dtype_says() -> None:
    assert fill("{0} {1}", [np.int8(-1), np.int8(-1)], ["u8", "i8"]) == "255 -1"
    assert fill("{0}", [np.array([-1, 1], np.int16)], ["u16"]) == "[65535, 1]"


@pytest.mark.parametrize(
    "value, text",
    [
        (np.float32(0.1), "0.1"),
        (np.float64(0.1), "0.1"),
        (np.float16(0.1), "0.099975586"),
        (np.float32(1e15), "1000000000000000.0"),
        (np.float32(1e16), "1e+16"),
        (np.float64(1.5e-5), "1.5e-05"),
        (np.float32(np.nan), "nan"),
        (np.float32(-np.inf), "-inf"),
        (np.float32(-0.0), "-0.0"),
    ],
)
def test_numbers_have_the_fewest_digits(value: np.generic, text: str) -> None:
    assert show(value) == text


def test_tensors_are_nested_lists_and_large_ones_are_cut() -> None:
    assert show(np.array([[1.0, 2.0], [3.0, 4.0]])) == "[[1.0, 2.0], [3.0, 4.0]]"
    assert show(np.array([0.5, 0.25]), ".1f") == "[0.5, 0.2]"
    assert show(np.zeros((0, 3))) == "[]" and show(np.zeros((2, 0))) == "[[], []]"
    assert show(np.arange(1001)) == "[0, 1, 2, ..., 998, 999, 1000]"
    assert show(np.arange(1000)).count(",") == 999
    assert show(np.zeros((2, 501), bool)).startswith("[[false, false, false, ..., false")


def nest(depth: int) -> str:
    head = "".join(f"scf.for %i{k} = %0 to %1 step %1 {{\n" for k in range(depth))
    return f"""
      func.func @f(%x: memref<i32>) {{
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        {head}
        %v = memref.load %x[] : memref<i32>
        %w = arith.addi %v, %v : i32
        memref.store %w, %x[] : memref<i32>
        {"}" * depth}
        func.return
      }}"""


def test_nests_up_to_the_limit_run_and_deeper_ones_are_refused() -> None:
    (x,) = execute(parse_ir(nest(18)), "f", [np.array(3, np.int32)]).results
    assert x == 6
    with pytest.raises(ExecutionError, match="scf.for in @f: nested too deeply for the executor"):
        execute(parse_ir(nest(19)), "f", [np.array(3, np.int32)])


def test_a_loop_without_a_positive_step_is_refused() -> None:
    text = nest(1).replace("step %1", "step %0")
    with pytest.raises(ExecutionError, match="scf.for in @f: a loop with step 0"):
        execute(parse_ir(text), "f", [np.array(3, np.int32)])
