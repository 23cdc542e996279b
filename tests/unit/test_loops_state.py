"""State changes in place where nothing can go wrong any more, by a copy at the end elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from kernels import Kernels, compile_module, lower, parse_module
from linalg_text import empty, generic, product, tensor
from xdsl.dialects import func, memref

from irc.execution import execute

pytestmark = pytest.mark.cc

V = tensor([8])
STEP = """  %s = arith.subf %a, %b : f32
  linalg.yield %s : f32"""


def update(result: str, state: str, step: str) -> str:
    """%result = %state - %step"""
    ins = [(state, "i", (8,)), (step, "i", (8,))]
    return empty(f"{result}_e", [8]) + generic(result, "i", ins, (f"{result}_e", "i", (8,)), STEP)


READ = f"%p = nd.state_read @a : {V}\n%q = nd.state_read @b : {V}\n"
CHECK = """%zero = arith.constant 0 : index
%first = tensor.extract %x[%zero] : tensor<8xf32>
%limit = arith.constant 100.0 : f32
%ok = arith.cmpf olt, %first, %limit : f32
rt.assert %ok : i1, "assert", "x is {0}", %first : f32
"""


def write(**values: str) -> str:
    return "".join(f"nd.state_write @{s}, %{v} : {V}\n" for s, v in values.items())


# name -> (body, memref.copy ops, what is returned)
CASES = {
    "one_step": (READ + update("n", "p", "x") + write(a="n"), 1, "x"),
    "check_before": (READ + CHECK + update("n", "p", "x") + write(a="n"), 1, "x"),
    "check_after_is_waited_for": (READ + update("n", "p", "x") + CHECK + write(a="n"), 1, "x"),
    "both_read_both": (
        READ + update("n", "p", "q") + update("m", "q", "p") + write(a="n", b="m"), 2, "x"),
    "reader_goes_first": (
        READ + update("n", "p", "x") + update("m", "q", "p") + write(a="n", b="m"), 1, "x"),
    "exchange": (READ + write(a="q", b="p"), 5, "x"),
    "shift": (READ + write(a="q", b="x"), 4, "p"),
    "new_value_is_returned": (READ + update("n", "p", "x") + write(a="n"), 1, "n"),
    "old_value_is_returned": (READ + update("n", "p", "x") + write(a="n"), 2, "p"),
    "old_value_is_used_later": (
        READ + update("n", "p", "x") + update("m", "p", "q") + write(a="n"), 0, "m"),
}  # fmt: skip


def text(name: str) -> str:
    body, _, returned = CASES[name]
    return (
        f"nd.state @a : {V}\nnd.state @b : {V}\n"
        f"func.func @f(%x: {V}) -> {V} {{\n{body}func.return %{returned} : {V}\n}}\n"
    )


@pytest.mark.parametrize("name", CASES)
def test_update(name: str) -> None:
    module = parse_module(text(name))
    rng = np.random.default_rng(0)
    x, a, b = (rng.standard_normal(8).astype(np.float32) for _ in range(3))
    kernels = compile_module(lower(module))
    for first in (0.0, 1000.0):
        x[0] = first
        want = execute(parse_module(text(name)), "f", [x], {"a": a, "b": b})
        kernels.state["a"][:], kernels.state["b"][:] = a, b
        out = np.zeros(8, np.float32)
        status = kernels("f", {}, [x], [out])
        assert (status == 0) == (want.failure is None)
        for state in ("a", "b"):
            np.testing.assert_array_equal(kernels.state[state], want.state[state])
        if want.failure is None:
            np.testing.assert_array_equal(out, want.results[0])
        else:
            assert kernels.message == want.failure.message == "x is 1000.0"


@pytest.mark.parametrize("name", CASES)
def test_copies(name: str) -> None:
    """No more copies than the meaning asks for; those of results count too."""
    module = lower(parse_module(text(name)))
    (function,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    copies = [op for op in function.walk() if isinstance(op, memref.CopyOp)]
    assert len(copies) == CASES[name][1]


def descent() -> Kernels:
    body = "%W = nd.state_read @W : tensor<40x30xf32>\n"
    body += product("g", ("x", "ki", ("n", 40)), ("d", "kj", ("n", 30)), (40, 30))
    body += empty("e", [40, 30])
    two = [("W", "ij", (40, 30)), ("g", "ij", (40, 30))]
    body += generic("v", "ij", two, ("e", "ij", (40, 30)), STEP)
    body += "nd.state_write @W, %v : tensor<40x30xf32>\nfunc.return\n"
    types = f"%n: index, %x: {tensor(['n', 40])}, %d: {tensor(['n', 30])}"
    module = f"nd.state @W : tensor<40x30xf32>\nfunc.func @step({types}) {{\n{body}}}\n"
    return compile_module(lower(parse_module(module)))


def test_a_gradient_step_has_no_gradient() -> None:
    """W -= x.T @ d accumulates in the state: the workspace is a panel of d, whatever 40 x 30 is."""
    kernels = descent()
    rng = np.random.default_rng(0)
    W = rng.standard_normal((40, 30)).astype(np.float32)
    for n in (0, 1, 50):
        x, d = (rng.standard_normal((n, m)).astype(np.float32) for m in (40, 30))
        kernels.state["W"][:] = W
        assert kernels("step", {"n": n}, [x, d], []) == 0
        np.testing.assert_allclose(kernels.state["W"], W - x.T @ d, rtol=1e-5, atol=1e-5)
    assert "1200" not in kernels.text.arenas["step"]
    assert "k" not in kernels.text.arenas["step"]


COPY = generic("y", "i", [("x", "i", (4,))], ("e", "i", (4,)), "  linalg.yield %a : f32")
T = "tensor<4xf32>"
CARRIED = f"""
func.func @f(%x: {T}) -> ({T}, {T}) {{
  {empty("e", (4,))}
  {COPY}
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %p, %q = scf.for %i = %zero to %three step %one iter_args(%u = %y, %v = %y) -> ({T}, {T}) {{
    %next = arith.addi %i, %one : index
    %s = tensor.extract READ[%i] : {T}
    %c = tensor.insert %s into %u[%next] : {T}
    scf.yield SWAP : {T}, {T}
  }}
  func.return %p, %q : {T}, {T}
}}
"""


@pytest.mark.parametrize("read", ["%u", "%v", "%y"])
@pytest.mark.parametrize("swap", ["%c, %v", "%v, %c"])
def test_carried_tensors_do_not_disturb_each_other(read: str, swap: str) -> None:
    """Two values carried from one, read inside from outside, exchanged at the end."""
    text = CARRIED.replace("READ", read).replace("SWAP", swap)
    x = np.arange(4, dtype=np.float32) + 1
    want = execute(parse_module(text), "f", [x])
    kernels = compile_module(lower(parse_module(text)))
    out = [np.zeros(4, np.float32) for _ in range(2)]
    assert kernels("f", {}, [x], out) == 0
    for got, expected in zip(out, want.results, strict=True):
        np.testing.assert_array_equal(got, expected)
