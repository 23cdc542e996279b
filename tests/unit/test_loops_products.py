"""Products: every arrangement of axes, sizes around the tiles, epilogues, dtypes."""

from __future__ import annotations

from itertools import product as every

import numpy as np
import pytest
from kernels import Kernels, compile_text
from linalg_text import empty, generic, product, tensor

pytestmark = pytest.mark.cc

SIZES = [(0, 3, 2), (1, 1, 1), (1, 40, 70), (5, 7, 3), (12, 32, 32), (13, 0, 33), (20, 9, 31)]
SIZES += [(25, 16, 1), (100, 3, 33), (97, 65, 130)]


def function(name: str, body: str, parameters: str, sizes: str, result: str, dims: str) -> str:
    arguments = ", ".join(f"%{s}: index" for s in sizes)
    type_ = tensor(list(dims))
    return (
        f"func.func @{name}({arguments}, {parameters}) -> {type_} {{\n"
        f"{body}func.return %{result} : {type_}\n}}\n"
    )


def matmul(ta: bool, tb: bool) -> str:
    a = ("k", "m") if ta else ("m", "k")
    b = ("n", "k") if tb else ("k", "n")
    name = f"f{'t' if ta else 'n'}{'t' if tb else 'n'}"
    body = product("c", ("x", "ki" if ta else "ik", a), ("y", "jk" if tb else "kj", b), ("m", "n"))
    parameters = f"%x: {tensor(a)}, %y: {tensor(b)}"
    return function(name, body, parameters, "mkn", "c", "mn")


EPILOGUE = """  %s = arith.addf %a, %b : f32
  %t = math.absf %s : f32
  linalg.yield %t : f32"""


def with_epilogue() -> str:
    body = product("c", ("x", "ik", ("m", "k")), ("y", "kj", ("k", "n")), ("m", "n"))
    body += empty("e", ("m", "n"))
    body += generic(
        "r", "ij", [("c", "ij", ("m", "n")), ("z", "j", ("n",))], ("e", "ij", ("m", "n")), EPILOGUE
    )
    parameters = f"%x: {tensor('mk')}, %y: {tensor('kn')}, %z: {tensor('n')}"
    return function("epilogue", body, parameters, "mkn", "r", "mn")


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    text = "".join(matmul(ta, tb) for ta, tb in every((False, True), repeat=2))
    return compile_text(text + with_epilogue())


def close(got: np.ndarray, want: np.ndarray, k: int) -> None:
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * max(k, 1))


@pytest.mark.parametrize("name", ["fnn", "ftn", "fnt", "ftt"])
@pytest.mark.parametrize("m,k,n", SIZES)
def test_matrix_product(kernels: Kernels, name: str, m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n)))
    x = np.ascontiguousarray(a.T if name[1] == "t" else a)
    y = np.ascontiguousarray(b.T if name[2] == "t" else b)
    out = np.full((m, n), np.nan, np.float32)
    assert kernels(name, {"m": m, "k": k, "n": n}, [x, y], [out]) == 0
    close(out, a @ b, k)


@pytest.mark.parametrize("m,k,n", SIZES)
def test_epilogue_runs_on_the_tile(kernels: Kernels, m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(0)
    a, b, z = (rng.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n), (n,)))
    out = np.full((m, n), np.nan, np.float32)
    assert kernels("epilogue", {"m": m, "k": k, "n": n}, [a, b, z], [out]) == 0
    close(out, np.abs(a @ b + z), k)


def test_epilogue_leaves_no_buffer_for_the_product(kernels: Kernels) -> None:
    """The workspace is the panel of B alone."""
    assert kernels.text.arenas["epilogue"] == kernels.text.arenas["fnn"]


CASES = {
    # name: (loops, a, b, out, sizes of a, b, out)
    "matrix times vector": ("iK", "ik", "k", "i", (33, 70), (70,), (33,)),
    "transposed matrix times vector": ("iK", "ki", "k", "i", (70, 33), (70,), (33,)),
    "vector times matrix": ("jK", "k", "kj", "j", (70,), (70, 41), (41,)),
    "dot product": ("K", "k", "k", "", (1000,), (1000,), ()),
    "batch of products": ("bijK", "bik", "bkj", "bij", (3, 14, 20), (3, 20, 35), (3, 14, 35)),
    "batch inside": ("bijK", "ibk", "bkj", "ibj", (14, 3, 20), (3, 20, 35), (14, 3, 35)),
    "batch in A's middle": ("bijK", "kib", "kjb", "bij", (20, 14, 3), (20, 35, 3), (3, 14, 35)),
    "several rows axes": ("tijK", "tik", "kj", "tij", (5, 7, 20), (20, 33), (5, 7, 33)),
    "several sums": ("ijKL", "ikl", "klj", "ij", (13, 4, 9), (4, 9, 33), (13, 33)),
    "several sums apart": ("ijKL", "kil", "ljk", "ij", (4, 13, 9), (9, 33, 4), (13, 33)),
    "result transposed": ("ijK", "ik", "kj", "ji", (13, 20), (20, 33), (33, 13)),
    "outer product": ("ij", "i", "j", "ij", (20,), (30,), (20, 30)),
    "one column": ("ijK", "ik", "kj", "ij", (50, 30), (30, 1), (50, 1)),
    "one row": ("ijK", "ik", "kj", "ij", (1, 30), (30, 50), (1, 50)),
    "small": ("ijK", "ik", "kj", "ij", (2, 3), (3, 4), (2, 4)),
}


def case_text(name: str, number: int) -> str:
    loops, a, b, out, sa, sb, so = CASES[name]
    from linalg_text import PRODUCT, fill

    body = fill("z", so, "0.5")  # the sum starts from what the result held
    body += generic(
        "c", loops, [("x", a, sa), ("y", b, sb)], ("z", out, so), PRODUCT, contraction=True
    )
    types = f"%x: {tensor(sa)}, %y: {tensor(sb)}"
    end = f"func.return %c : {tensor(so)}\n}}\n"
    return f"func.func @f{number}({types}) -> {tensor(so)} {{\n{body}{end}"


@pytest.fixture(scope="module")
def arrangements() -> Kernels:
    return compile_text("".join(case_text(name, i) for i, name in enumerate(CASES)))


@pytest.mark.parametrize("name", CASES)
def test_arrangement(arrangements: Kernels, name: str) -> None:
    _, a, b, out, sa, sb, so = CASES[name]
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(s).astype(np.float32) for s in (sa, sb))
    got = np.full(so, np.nan, np.float32)
    assert arrangements(f"f{list(CASES).index(name)}", {}, [x, y], [got]) == 0
    np.testing.assert_allclose(got, np.einsum(f"{a},{b}->{out}", x, y) + 0.5, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cpu", ["cpu:x86-64", "cpu:x86-64-v3"])
def test_narrow_registers_give_the_same_product(cpu: str) -> None:
    kernels = compile_text(matmul(False, False), ("-O2", f"-march={cpu[4:]}"), target=cpu)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(s).astype(np.float32) for s in ((29, 31), (31, 37)))
    out = np.zeros((29, 37), np.float32)
    assert kernels("fnn", {"m": 29, "k": 31, "n": 37}, [x, y], [out]) == 0
    close(out, x @ y, 31)
