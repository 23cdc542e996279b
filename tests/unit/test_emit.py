"""The C text: what people read, and what strict compilers accept."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from kernels import compile_module, lower, parse_module
from linalg_text import empty, generic, product, tensor
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
)

from irc.codegen.c.effects import printf_format
from irc.codegen.c.emit import emit_functions
from irc.codegen.c.types import literal
from irc.errors import InternalError, Unsupported

TIMES = """  %p = arith.mulf %a, %b : f32
  linalg.yield %p : f32"""
SCALED = generic("y", "ij", [("x", "ij", ("n", 3)), ("by", "", ())], ("e", "ij", ("n", 3)), TIMES)
SCALE = f"""
func.func @scale(%n: index, %x: {tensor(("n", 3))}, %by: tensor<f32>) -> {tensor(("n", 3))} {{
  {empty("e", ("n", 3))}
  {SCALED}
  func.return %y : {tensor(("n", 3))}
}}
"""


def kernel(text: str, **options: object) -> str:
    """The functions alone, without the library before them."""
    options.setdefault("threads", 1)
    emitted = emit_functions(lower(parse_module(text), **options), "model").functions
    return emitted[emitted.rindex("#endif") + len("#endif") :]


def test_a_kernel_reads_like_a_hand_written_one() -> None:
    assert (
        kernel(SCALE).strip()
        == """
/* scale: x f32[n, 3], by f32, result f32[n, 3] */
static int32_t k_scale(struct model *ctx, int64_t n, const float *restrict x,
    const float *restrict by, float *restrict result, char *arena)
{
    (void)arena;
    (void)ctx;
    const int64_t size = 3 * n;
    const float by_2 = by[0];
    IRC_SIMD
    for (int64_t i = 0; i < size; ++i) {
        const float x_2 = x[i];
        result[i] = x_2 * by_2;
    }
    return IRC_OK;
}""".strip()
    )


def test_equal_input_gives_equal_text() -> None:
    assert kernel(SCALE) == kernel(SCALE)


def test_source_lines_are_comments_or_line_directives() -> None:
    module = lower(parse_module(SCALE), threads=1)
    from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

    for op in module.walk():
        op.location = FileLineColLoc(StringAttr("model.irc"), IntAttr(7), IntAttr(3))
    assert emit_functions(module, "m").functions.count("    /* model.irc:7 */\n") == 1
    assert emit_functions(module, "m", lines=True).functions.count('#line 7 "model.irc"\n') == 1


NUMBERS = [
    (1.0, Float32Type(), "1.0f"),
    (0.1, Float32Type(), "0.1f"),
    (1e30, Float32Type(), "1e+30f"),
    (float("inf"), Float32Type(), "INFINITY"),
    (float("-inf"), Float64Type(), "-(double)INFINITY"),
    (float("nan"), Float32Type(), "NAN"),
    (0.1, Float64Type(), "0.1"),
    (-0.0, Float64Type(), "-0.0"),
    (1.5, Float16Type(), "UINT16_C(0x3e00) /* 1.5 */"),
    (1.5, BFloat16Type(), "UINT16_C(0x3fc0) /* 1.5 */"),
    (-(2**63), IntegerType(64), "INT64_MIN"),
    (-(2**31), IntegerType(32), "INT32_MIN"),
    (2**40, IntegerType(64), "INT64_C(1099511627776)"),
    (200, IntegerType(8), "-56"),
    (1, IntegerType(1), "true"),
    (7, IndexType(), "7"),
]


@pytest.mark.parametrize(("value", "type_", "text"), NUMBERS)
def test_literals(value: float, type_: object, text: str) -> None:
    assert literal(value, type_) == text  # type: ignore[arg-type]


def test_formats() -> None:
    assert printf_format("", "float") == "NULL"
    assert printf_format(".4f", "float") == '"%.4f"'
    assert printf_format("8.3", "float") == '"%8.3g"'
    assert printf_format("05d", "int") == '"%05" PRId64'
    assert printf_format("", "uint") == "NULL"
    assert printf_format("x", "uint") == '"%" PRIx64'
    for spec, kind in ((".2f", "int"), ("d", "float"), ("^9", "int"), ("5", "bool")):
        with pytest.raises(Unsupported):
            printf_format(spec, kind)


def test_an_op_without_a_spelling_is_our_mistake() -> None:
    with pytest.raises(InternalError, match="linalg.generic has no spelling in C"):
        from kernels import context

        from irc.passes.loops.bufferize import BufferizePass

        module = parse_module(SCALE)
        BufferizePass().apply(context(), module)
        emit_functions(module, "m")


SHOWN = """rt.print "x = {0:.3f}, i = {1}, all = {2} {{}}", %a, %j, %x : f32, i32, tensor<f32>
    dtypes ["f32", "u32", "f32"]"""
MIXED = (
    SCALE
    + f"""
func.func @product(%m: index, %k: index, %x: {tensor("mk")}, %y: {tensor(("k", 20))})
    -> {tensor(("m", 20))} {{
  {product("c", ("x", "ik", ("m", "k")), ("y", "kj", ("k", 20)), ("m", 20))}
  func.return %c : {tensor(("m", 20))}
}}
func.func @checked(%x: tensor<f32>, %i: tensor<i32>) -> tensor<i8> {{
  %a = tensor.extract %x[] : tensor<f32>
  %j = tensor.extract %i[] : tensor<i32>
  {SHOWN}
  %zero = arith.constant 0.0 : f32
  %ok = arith.cmpf ogt, %a, %zero : f32
  rt.assert %ok : i1, "bounds", "x is {{0}}, not > 0", %a : f32
  %half = arith.constant 2 : i32
  %q = arith.floordivsi %j, %half : i32
  %b = arith.trunci %q : i32 to i8
  %e = tensor.empty() : tensor<i8>
  %r = tensor.insert %b into %e[] : tensor<i8>
  func.return %r : tensor<i8>
}}
"""
)

COMPILERS = [
    pytest.param("gcc", marks=pytest.mark.cc),
    pytest.param(
        "clang",
        marks=[pytest.mark.clang, pytest.mark.skipif(not shutil.which("clang"), reason="no clang")],
    ),
]


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize("flags", ["-O0", "-O2", "-O2 -march=x86-64", "-O2 -fopenmp"])
def test_strict_compilers_are_silent_and_results_agree(cc: str, flags: str) -> None:
    if cc == "clang" and "openmp" in flags:
        pytest.skip("clang comes without an OpenMP runtime here")
    module = lower(parse_module(MIXED), threads=2, target="cpu:x86-64-v3", min_work=1)
    kernels = compile_module(module, flags.split(), cc)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(s).astype(np.float32) for s in ((9, 30), (30, 20)))
    out = np.zeros((9, 20), np.float32)
    assert kernels("product", {"m": 9, "k": 30}, [x, y], [out]) == 0
    np.testing.assert_allclose(out, x @ y, rtol=1e-4, atol=1e-4)
    small = np.zeros((), np.int8)
    args = [np.array(1.5, np.float32), np.array(-7, np.int32)]
    assert kernels("checked", {}, args, [small]) == 0
    assert small == -4
    assert kernels.printed == ["x = 1.500, i = 4294967289, all = 1.5 {}"]
    args[0][...] = -2
    assert kernels("checked", {}, args, [small]) == 3
    assert kernels.message == "x is -2.0, not > 0"


@pytest.mark.cc
def test_the_products_inner_loop_is_fused_and_wide() -> None:
    """What vector.fma says reaches the machine: fused multiply-adds, accumulators in registers."""
    import subprocess
    import tempfile
    from pathlib import Path

    from kernels import FLAGS, c_file

    module = lower(parse_module(MIXED), threads=1, target="cpu:x86-64-v3")
    text = c_file(emit_functions(module, "module"), module)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "k.c"
        source.write_text(text)
        command = ["gcc", "-std=c99", "-O2", "-march=x86-64-v3", *FLAGS[:3], "-S", str(source)]
        subprocess.run([*command, "-o", f"{folder}/k.s"], check=True, timeout=60)
        assembly = (Path(folder) / "k.s").read_text()
    start = re.search(r"^irc_tile_f32_6x16_rows[.\w]*:", assembly, re.MULTILINE)
    assert start is not None
    body = assembly[start.end() :]
    body = body[: body.index(".cfi_endproc")]
    loops = re.split(r"\.L\d+:", body)
    inner = max(loops, key=lambda text: text.count("vfmadd"))
    assert inner.count("vfmadd") == 12
    assert not re.search(r"vmovups\s+%ymm\d+, [-\d]*\(%rsp", inner)


SEARCH = """
func.func @halvings(%x: tensor<i64>) -> (tensor<i64>, tensor<i64>) {
  %a = tensor.extract %x[] : tensor<i64>
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %four = arith.constant 4 : i64
  %twice, %count = scf.while (%v = %a, %n = %zero) : (i64, i64) -> (i64, i64) {
    %go = arith.cmpi sgt, %v, %one : i64
    %double = arith.addi %v, %v : i64
    scf.condition(%go) %double, %n : i64, i64
  } do {
  ^bb0(%double: i64, %n: i64):
    %half = arith.divsi %double, %four : i64
    %more = arith.addi %n, %one : i64
    scf.yield %half, %more : i64, i64
  }
  %e = tensor.empty() : tensor<i64>
  %r = tensor.insert %twice into %e[] : tensor<i64>
  %f = tensor.empty() : tensor<i64>
  %s = tensor.insert %count into %f[] : tensor<i64>
  func.return %r, %s : tensor<i64>, tensor<i64>
}
"""


def test_what_a_loop_passes_on_is_a_variable() -> None:
    assert "for (;;) {" in kernel(SEARCH)
    kernels = compile_module(lower(parse_module(SEARCH)), ["-O1"])
    for x in (37, 1, -5):
        found = [np.zeros((), np.int64) for _ in range(2)]
        assert kernels("halvings", {}, [np.array(x, np.int64)], found) == 0
        assert found == [2 * min(x, 1), max(x, 1).bit_length() - 1]


def test_a_recurrence_reads_like_a_hand_written_one() -> None:
    """Rows are pointers; a condition that is an expression stands in the head of its loop."""
    text = """
func.func @ends(%T: index, %u: tensor<?x3xf32, #nd.dims<"T">>, %stop: tensor<?xi1, #nd.dims<"T">>,
    %h0: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %h = nd.scan "T" until over (%u[0], %stop[0]) from (%h0[1])
    : (tensor<?x3xf32, #nd.dims<"T">>, tensor<?xi1, #nd.dims<"T">>, tensor<1x3xf32>)
    -> (tensor<1x3xf32>) {
  ^bb0(%t: index, %u1: tensor<3xf32>, %last: tensor<i1>, %h1: tensor<3xf32>):
    %e = tensor.empty() : tensor<3xf32>
    %sum = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
      affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%u1, %h1 : tensor<3xf32>, tensor<3xf32>) outs(%e : tensor<3xf32>) {
    ^bb1(%a: f32, %b: f32, %o: f32):
      %c = arith.addf %a, %b : f32
      linalg.yield %c : f32
    } -> tensor<3xf32>
    nd.yield %sum, %last : tensor<3xf32>, tensor<i1>
  }
  func.return %h : tensor<1x3xf32>
}
"""
    assert (
        kernel(text).strip()
        == """
/* ends: u f32[T, 3], stop bool[T], h0 f32[1, 3], result f32[1, 3] */
static int32_t k_ends(struct model *ctx, int64_t T, const float *restrict u,
    const bool *restrict stop, const float *restrict h0, float *restrict result, char *arena)
{
    (void)arena;
    (void)ctx;
    irc_copy(result, h0, 3 * (int64_t)sizeof(float));
    int64_t step = 0;
    bool stopped = false;
    while ((step < T) & !stopped) {
        const float *const row_u1 = u + step * 3;
        const bool *const row_last = stop + step;
        IRC_SIMD
        for (int64_t i = 0; i < 3; ++i) {
            const float row_u1_2 = row_u1[i];
            const float old_h1 = result[i];
            result[i] = row_u1_2 + old_h1;
        }
        const bool stopped_2 = row_last[0];
        step = step + 1;
        stopped = stopped_2;
    }
    return IRC_OK;
}""".strip()
    )
