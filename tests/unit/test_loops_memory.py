"""The plan of a function's workspace: what shares a place, and that the formula is exact."""

from __future__ import annotations

import numpy as np
import pytest
from kernels import compile_module, lower, parse_module
from linalg_text import empty, fill, generic, tensor
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import ArrayAttr, StringAttr

from irc.sizes import parse

N = ("n",)
REVERSED = "  linalg.yield %a : f32"


def chain(length: int, dims: tuple[int | str, ...] = N) -> str:
    """
    Reversals one after the other: none can be in place, and each needs only the one before.
    """
    body = ""
    last = "x"
    for i in range(length):
        body += empty(f"e{i}", dims)
        step = generic(f"y{i}", "i", [(last, "i", dims)], (f"e{i}", "i", dims), REVERSED)
        body += step.replace("affine_map<(i) -> (i)>", "affine_map<(i) -> (-i + 9)>", 1)
        last = f"y{i}"
    type_ = tensor(dims)
    sizes = "%n: index, " if "n" in dims else ""
    return (
        f"func.func @f({sizes}%x: {type_}) -> {type_} {{\n{body}func.return %{last} : {type_}\n}}"
    )


def arena(text: str) -> str:
    module = lower(parse_module(text), threads=1)
    (function,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    attr = function.attributes["irc.arena"]
    assert isinstance(attr, StringAttr)
    return attr.data


def test_a_chain_needs_two_places() -> None:
    """However long: the last value is written to the result."""
    assert arena(chain(2, (10,))) == "64"
    assert arena(chain(3, (10,))) == "128"
    assert arena(chain(9, (10,))) == "128"


def test_symbolic_buffers_share_when_sizes_are_equal() -> None:
    assert arena(chain(9)) == "128*((4*n + 63)//64)"


def test_nothing_is_needed_when_results_are_written_directly() -> None:
    assert arena(chain(1)) == "0"


def test_what_is_put_together_is_put_together_in_the_result() -> None:
    """Also when it starts as memory that nobody has written: parts, elements of a loop."""
    text = """
func.func @joined(%n: index, %x: tensor<?xf32, #nd.dims<"n">>) -> tensor<?xf32, #nd.dims<"2*n">> {
  %c2 = arith.constant 2 : index
  %m = arith.muli %n, %c2 : index
  %e = tensor.empty(%m) : tensor<?xf32, #nd.dims<"2*n">>
  %a = tensor.insert_slice %x into %e[0] [%n] [1] : tensor<?xf32, #nd.dims<"n">> into tensor<?xf32, #nd.dims<"2*n">>
  %b = tensor.insert_slice %x into %a[%n] [%n] [1] : tensor<?xf32, #nd.dims<"n">> into tensor<?xf32, #nd.dims<"2*n">>
  func.return %b : tensor<?xf32, #nd.dims<"2*n">>
}
"""  # noqa: E501
    assert arena(text) == "0"
    running = (
        text.partition("  %a =")[0].replace("@joined", "@running")
        + """
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %m step %c1 iter_args(%t = %e) -> (tensor<?xf32, #nd.dims<"2*n">>) {
    %p = tensor.insert %zero into %t[%i] : tensor<?xf32, #nd.dims<"2*n">>
    scf.yield %p : tensor<?xf32, #nd.dims<"2*n">>
  }
  func.return %r : tensor<?xf32, #nd.dims<"2*n">>
}
"""
    )
    assert arena(running) == "0"


TWO = """  %s = arith.addf %a, %a : f32
  linalg.yield %s : f32"""


def test_elementwise_chains_reuse_dead_operands() -> None:
    body = "".join(
        empty(f"e{i}", N)
        + generic(f"y{i}", "i", [(f"y{i - 1}" if i else "x", "i", N)], (f"e{i}", "i", N), TWO)
        for i in range(4)
    )
    type_ = tensor(N)
    text = (
        f"func.func @f(%n: index, %x: {type_}) -> {type_} {{\n{body}func.return %y3 : {type_}\n}}"
    )
    assert arena(text) == "64*((4*n + 63)//64)"


@pytest.mark.cc
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 1000])
def test_the_formula_is_the_last_byte_that_is_touched(n: int) -> None:
    """Two sums of different buffers are alive together; guards around the arena stay."""
    body = ""
    for k in range(3):
        body += empty(f"e{k}", N) + generic(f"y{k}", "i", [("x", "i", N)], (f"e{k}", "i", N), TWO)
    add = "  %s = arith.addf %a, %b : f32\n  linalg.yield %s : f32"
    ins = [("y0", "i", N), ("y1", "i", N)]
    body += empty("f", N) + generic("p", "i", ins, ("f", "i", N), add)
    body += fill("z", ()) + generic(
        "t", "I", [("p", "i", N), ("y2", "i", N)], ("z", "", ()),
        "  %u = arith.mulf %a, %b : f32\n  %s = arith.addf %o, %u : f32\n  linalg.yield %s : f32",
    )  # fmt: skip
    text = f"func.func @f(%n: index, %x: {tensor(N)}) -> tensor<f32> {{\n{body}"
    module = lower(parse_module(text + "func.return %t : tensor<f32>\n}"), threads=1)
    kernels = compile_module(module)
    x = np.arange(n, dtype=np.float32)
    out = np.zeros((), np.float32)
    assert kernels("f", {"n": n}, [x], [out]) == 0
    np.testing.assert_allclose(out, (8.0 * x.astype(np.float64) ** 2).sum(), rtol=1e-5)
    function = next(op for op in module.ops if isinstance(op, func.FuncOp))
    rows = function.attributes["irc.buffers"]
    assert isinstance(rows, ArrayAttr)
    ends = [
        parse(row.data["offset"].data).evaluate({"n": n})
        + parse(row.data["bytes"].data).evaluate({"n": n})
        for row in rows
    ]
    assert max(ends) == parse(kernels.text.arenas["f"]).evaluate({"n": n})


def test_a_size_in_several_formulas_is_computed_once() -> None:
    """Offsets and lengths are sums of few rounded sizes."""
    body = "".join(
        empty(f"e{k}", dims) + generic(f"y{k}", "i", [("x", "i", N)], (f"e{k}", "i", dims), TWO)
        for k, dims in enumerate([N, N, N])
    )
    last = generic(
        "p", "i", [(f"y{k}", "i", N) for k in range(3)], ("f", "i", N),
        "  %s = arith.addf %a, %b : f32\n  %t = arith.addf %s, %c : f32\n  linalg.yield %t : f32",
    )  # fmt: skip
    body += empty("f", N)
    body += last.replace("affine_map<(i) -> (i)>", "affine_map<(i) -> (-i + 9)>", 3)
    text = f"func.func @f(%n: index, %x: {tensor(N)}) -> {tensor(N)} {{\n{body}"
    module = lower(parse_module(text + f"func.return %p : {tensor(N)}\n}}"), threads=1)
    views = [op for op in module.walk() if isinstance(op, memref.ViewOp)]
    assert len({op.byte_shift for op in views}) == len(views) > 2
    assert sum(isinstance(op, arith.FloorDivSIOp) for op in module.walk()) == 1


def test_no_allocation_is_left() -> None:
    module = lower(parse_module(chain(4)), threads=1)
    assert not any(isinstance(op, memref.AllocOp) for op in module.walk())
