"""Threads: the same bits for any number of them, and none where there is too little to do."""

from __future__ import annotations

import ctypes
import re

import numpy as np
import pytest
from kernels import compile_module, lower, parse_module
from linalg_text import empty, fill, generic, product, tensor

from irc.dialects.context import make_context
from irc.passes.spelling import PassText
from irc.pipeline import load

pytestmark = pytest.mark.cc

SUM = """  %s = arith.addf %o, %a : f32
  linalg.yield %s : f32"""
SQUARE = """  %s = arith.mulf %a, %a : f32
  linalg.yield %s : f32"""


def program() -> str:
    n, m = ("n", 300), ("n",)
    body = product("c", ("x", "ik", n), ("y", "kj", (300, 70)), ("n", 70))
    body += fill("r_zero", m) + generic("r", "iJ", [("x", "ij", n)], ("r_zero", "i", m), SUM)
    columns = ("c_zero_", "j", (300,))
    body += fill("c_zero_", (300,)) + generic("u", "jI", [("x", "ij", n)], columns, SUM)
    body += fill("t_zero", ()) + generic("t", "IJ", [("x", "ij", n)], ("t_zero", "", ()), SUM)
    body += empty("e", n) + generic("q", "ij", [("x", "ij", n)], ("e", "ij", n), SQUARE)
    results = [tensor(("n", 70)), tensor(m), tensor((300,)), tensor(()), tensor(n)]
    parameters = f"%n: index, %x: {tensor(n)}, %y: {tensor((300, 70))}"
    return (
        f"func.func @f({parameters}) -> ({', '.join(results)}) {{\n{body}"
        f"func.return %c, %r, %u, %t, %q : {', '.join(results)}\n}}\n"
    )


def test_any_number_of_threads_gives_the_same_bits() -> None:
    module = lower(parse_module(program()), threads=4, min_work=1)
    kernels = compile_module(module, ("-O2", "-fopenmp"))
    assert kernels.text.threads
    openmp = ctypes.CDLL("libgomp.so.1")
    rng = np.random.default_rng(0)
    for n in (1, 13, 200):
        x = rng.standard_normal((n, 300)).astype(np.float32)
        y = rng.standard_normal((300, 70)).astype(np.float32)
        seen = []
        for threads in (1, 2, 3):
            openmp.omp_set_num_threads(threads)
            shapes = ((n, 70), (n,), (300,), (), (n, 300))
            outputs = [np.full(s, np.nan, np.float32) for s in shapes]
            assert kernels("f", {"n": n}, [x, y], outputs) == 0
            seen.append([o.tobytes() for o in outputs])
        assert seen[0] == seen[1] == seen[2]
        np.testing.assert_allclose(outputs[0], x @ y, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(outputs[3], x.sum(dtype=np.float64), rtol=1e-4, atol=1e-3)


def test_small_constant_work_has_no_parallel_loop() -> None:
    text = program().replace('#nd.dims<"n">', "").replace(", >", ">").replace("?x", "4x")
    text = text.replace("%n: index, ", "").replace("tensor.empty(%n)", "tensor.empty()")
    module = lower(parse_module(text), threads=4)
    assert "scf.parallel" not in str(module)


def test_symbolic_work_is_weighed_at_run_time() -> None:
    module = lower(parse_module(program()), threads=4)
    text = compile_module(module, ("-O2", "-fopenmp")).text.functions
    conditions = re.findall(r"if \((?:parallel: )?(\d+ \* n >= 131072)\)", text)
    assert len(conditions) == text.count("#pragma omp") and "2625 * n >= 131072" in conditions
    assert text.count("#ifdef _OPENMP") >= text.count("#pragma omp")


def test_parallel_loops_are_never_nested() -> None:
    module = lower(parse_module(program()), threads=4, min_work=1)
    for op in module.walk():
        if op.name == "scf.parallel":
            assert not any(o.name == "scf.parallel" for o in op.walk() if o is not op)


def recurrence(size: int | str) -> str:
    """x @ w again and again."""
    product = "nd.dot %x1, %w batch [], [] contract [1], [0]"
    rows = "?" if isinstance(size, str) else str(size)
    named = f', #nd.dims<"{size}">' if isinstance(size, str) else ""
    row, one = f"tensor<{rows}x256xf32{named}>", f"tensor<1x{rows}x256xf32{named}>"
    return f"""func.func @f(%x0: {one}, %w: tensor<256x256xf32>) -> {one} {{
      %x = nd.scan "100" from (%x0[1]) : ({one}) -> ({one}) {{
      ^bb0(%t: tensor<i64>, %x1: {row}):
        %y = {product} : {row}, tensor<256x256xf32> to {row}
        nd.yield %y : {row}
      }}
      func.return %x : {one}
    }}"""


@pytest.mark.parametrize(("size", "threaded"), [(32, True), (4, False), ("n", False)])
def test_a_step_asks_for_threads_only_where_it_is_known_that_they_pay(
    size: int | str, threaded: bool
) -> None:
    module = parse_module(recurrence(size))
    load(PassText("convert-nd-to-linalg", {})).apply(make_context(), module)
    found = [op for op in lower(module, threads=2).walk() if op.name == "scf.parallel"]
    assert bool(found) == threaded
