"""Hand-written IR at the loop level."""

from __future__ import annotations

import numpy as np
import pytest
from parse_ir import parse_ir

from irc.execution import ExecutionError, Failure, execute
from irc.execution.program import Program

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


SCALE = """
  func.func @f(%n: index {irc.kind = "size"},
               %x: memref<?xf32> {irc.kind = "in", irc.dims = #nd.dims<"n">},
               %out: memref<?xf32> {irc.kind = "out", irc.dims = #nd.dims<"n">}) {
    %0 = arith.constant 0 : index
    %1 = arith.constant 1 : index
    %two = arith.constant 2.0 : f32
    scf.for %i = %0 to %n step %1 {
      %a = memref.load %x[%i] : memref<?xf32>
      %b = arith.mulf %a, %two : f32
      memref.store %b, %out[%i] : memref<?xf32>
    }
    func.return
  }"""


def test_results_are_written_to_fresh_buffers() -> None:
    x = normal(5)
    (y,) = execute(parse_ir(SCALE), "f", [x]).results
    np.testing.assert_array_equal(y, x * 2)


def test_elements_that_nobody_wrote_are_nan() -> None:
    (y,) = execute(parse_ir(SCALE.replace("%0 to %n", "%1 to %n")), "f", [normal(3)]).results
    assert np.isnan(y[0]) and not np.isnan(y[1:]).any()


def test_a_load_outside_names_the_op() -> None:
    module = parse_ir(SCALE.replace("%0 = arith.constant 0", "%0 = arith.constant -1"))
    with pytest.raises(ExecutionError) as error:
        execute(module, "f", [normal(3)])
    assert str(error.value) == "memref.load in @f: index -1 is outside axis 0 of size 3"


def test_writing_an_argument_is_refused() -> None:
    module = parse_ir(SCALE.replace("memref.store %b, %out", "memref.store %b, %x"))
    with pytest.raises(ExecutionError, match="@f writes to its argument `x`"):
        execute(module, "f", [normal(3)])


def test_buffers_without_kinds_are_inputs_and_results() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<4xi32>, %y: memref<4xi32>) {
        "memref.copy"(%x, %y) : (memref<4xi32>, memref<4xi32>) -> ()
        func.return
      }""")
    x, y = np.arange(4, dtype=np.int32), np.zeros(4, np.int32)
    first, second = execute(module, "f", [x, y]).results
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, x)
    assert not y.any()


def test_arena_views_are_checked() -> None:
    text = """
      func.func @f(%n: index {irc.kind = "size"},
                   %x: memref<?xf32> {irc.kind = "in", irc.dims = #nd.dims<"n">},
                   %out: memref<f32> {irc.kind = "out"}, %arena: memref<?xi8>)
          attributes {irc.arena = "64 + 4*n"} {
        %0 = arith.constant 0 : index
        %64 = arith.constant 64 : index
        %a = "memref.view"(%arena, %0) : (memref<?xi8>, index) -> memref<f32>
        %b = "memref.view"(%arena, %64, %n) : (memref<?xi8>, index, index) -> memref<?xf32>
        linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
            iterator_types = ["parallel"]} ins(%x : memref<?xf32>) outs(%b : memref<?xf32>) {
        ^bb0(%p: f32, %o: f32):
          %q = arith.addf %p, %p : f32
          linalg.yield %q : f32
        }
        %v = memref.load %b[%0] : memref<?xf32>
        memref.store %v, %a[] : memref<f32>
        %w = memref.load %a[] : memref<f32>
        memref.store %w, %out[] : memref<f32>
        func.return
      }"""
    x = normal(3)
    (y,) = execute(parse_ir(text), "f", [x]).results
    assert y == x[0] * 2
    with pytest.raises(ExecutionError, match="memref.view in @f: bytes 64 to 76 of 73"):
        execute(parse_ir(text.replace("64 + 4*n", "61 + 4*n")), "f", [x])


def test_a_race_in_a_parallel_loop_shows() -> None:
    text = """
      func.func @f(%x: memref<4xi32> {irc.kind = "in"}, %out: memref<4xi32> {irc.kind = "out"}) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %4 = arith.constant 4 : index
        %zero = arith.constant 0 : i32
        memref.store %zero, %out[%0] : memref<4xi32>
        LOOP {
          %before = arith.subi %i, %1 : index
          %a = memref.load %out[%before] : memref<4xi32>
          %b = memref.load %x[%i] : memref<4xi32>
          %c = arith.addi %a, %b : i32
          memref.store %c, %out[%i] : memref<4xi32>
        }
        func.return
      }"""
    serial = text.replace("LOOP", "scf.for %i = %1 to %4 step %1")
    parallel = text.replace("LOOP", "scf.parallel (%i) = (%1) to (%4) step (%1)")
    x = np.array([0, 1, 2, 3], np.int32)
    (y,) = execute(parse_ir(serial), "f", [x]).results
    (z,) = execute(parse_ir(parallel), "f", [x]).results
    np.testing.assert_array_equal(y, [0, 1, 3, 6])
    assert (z != y).any()


def test_parallel_reductions_and_while() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<6xi32> {irc.kind = "in"}, %out: memref<2xi32> {irc.kind = "out"}) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %6 = arith.constant 6 : index
        %zero = arith.constant 0 : i32
        %sum = scf.parallel (%i) = (%0) to (%6) step (%1) init (%zero) -> i32 {
          %a = memref.load %x[%i] : memref<6xi32>
          scf.reduce(%a : i32) {
          ^bb0(%p: i32, %q: i32):
            %r = arith.addi %p, %q : i32
            scf.reduce.return %r : i32
          }
        }
        memref.store %sum, %out[%0] : memref<2xi32>
        %half = scf.while (%v = %sum) : (i32) -> i32 {
          %ten = arith.constant 10 : i32
          %big = arith.cmpi sgt, %v, %ten : i32
          scf.condition(%big) %v : i32
        } do {
        ^bb0(%v: i32):
          %two = arith.constant 2 : i32
          %h = arith.divsi %v, %two : i32
          scf.yield %h : i32
        }
        memref.store %half, %out[%1] : memref<2xi32>
        func.return
      }""")
    x = np.array([10, 20, 30, 1, 2, 3], np.int32)
    (y,) = execute(module, "f", [x]).results
    assert y.tolist() == [66, 8]


def test_vectors() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<2x8xf32> {irc.kind = "in"}, %out: memref<8xf32> {irc.kind = "out"},
                   %sum: memref<f32> {irc.kind = "out"}) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %4 = arith.constant 4 : index
        %s = arith.constant 3.0 : f32
        %v = vector.broadcast %s : f32 to vector<4xf32>
        scf.for %j = %0 to %4 step %4 {
          %a = vector.load %x[%0, %j] : memref<2x8xf32>, vector<4xf32>
          %b = vector.load %x[%1, %j] : memref<2x8xf32>, vector<4xf32>
          %c = vector.fma %a, %v, %b : vector<4xf32>
          vector.store %c, %out[%j] : memref<8xf32>, vector<4xf32>
          %t = vector.reduction <add>, %c : vector<4xf32> into f32
          memref.store %t, %sum[] : memref<f32>
        }
        %three = arith.constant 3 : index
        %m = vector.create_mask %three : vector<4xi1>
        %w = vector.maskedload %x[%1, %4], %m, %v
            : memref<2x8xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
        vector.store %w, %out[%4] : memref<8xf32>, vector<4xf32>
        func.return
      }""")
    x = normal(2, 8)
    y, total = execute(module, "f", [x]).results
    exact = x[0, :4].astype(np.float64) * 3 + x[1, :4].astype(np.float64)
    np.testing.assert_array_equal(y[:4], exact.astype(np.float32))
    np.testing.assert_array_equal(y[4:7], x[1, 4:7])
    assert y[7] == 3.0
    assert total == (y[0] + y[2]) + (y[1] + y[3])


def test_a_vector_that_reaches_outside_is_refused() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<7xf32> {irc.kind = "in"}) {
        %4 = arith.constant 4 : index
        %a = vector.load %x[%4] : memref<7xf32>, vector<4xf32>
        func.return
      }""")
    with pytest.raises(ExecutionError, match="vector.load in @f: elements 4 to 8 are outside axis"):
        execute(module, "f", [normal(7)])


GLOBAL = """
  "memref.global"() {sym_name = "W", sym_visibility = "private", type = memref<2xf32>,
      initial_value} : () -> ()
  func.func @f(%x: memref<f32> {irc.kind = "in"}) {
    %0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %w = memref.get_global @W : memref<2xf32>
    %v = memref.load %x[] : memref<f32>
    memref.store %v, %w[%0] : memref<2xf32>
    %ok = arith.cmpf olt, %v, %one : f32
    rt.assert %ok : i1, "assert", "too large"
    func.return
  }"""


def test_state_lives_in_globals_and_a_write_before_a_failure_shows() -> None:
    program = Program(parse_ir(GLOBAL))
    state = {"W": np.zeros(2, np.float32)}
    good = program.run("f", [np.array(0.5, np.float32)], state)
    assert good.state["W"].tolist() == [0.5, 0.0] and not state["W"].any()
    bad = program.run("f", [np.array(2.0, np.float32)], state)
    assert bad.failure == Failure("assert", "too large")
    assert bad.state["W"].tolist() == [2.0, 0.0]


def in_place(first: str) -> str:
    return f"""
      func.func @f(%x: memref<3x3xf32>) {{
        linalg.generic {{indexing_maps = [{first}, affine_map<(i, j) -> (i, j)>],
            iterator_types = ["parallel", "parallel"]}}
            ins(%x : memref<3x3xf32>) outs(%x : memref<3x3xf32>) {{
        ^bb0(%p: f32, %o: f32):
          %q = arith.addf %p, %o : f32
          linalg.yield %q : f32
        }}
        func.return
      }}"""


def test_in_place_generics_may_read_only_what_they_overwrite() -> None:
    x = normal(3, 3)
    module = parse_ir(in_place("affine_map<(i, j) -> (i, j)>"))
    np.testing.assert_array_equal(execute(module, "f", [x]).results[0], x + x)
    module = parse_ir(in_place("affine_map<(i, j) -> (j, i)>"))
    with pytest.raises(ExecutionError, match="linalg.generic in @f: output 0 overwrites elements"):
        execute(module, "f", [x])


def test_bf16_takes_two_bytes_in_memory() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<3xbf16> {irc.kind = "in"}, %out: memref<3xi16> {irc.kind = "out"}) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %3 = arith.constant 3 : index
        scf.for %i = %0 to %3 step %1 {
          %a = memref.load %x[%i] : memref<3xbf16>
          %b = arith.bitcast %a : bf16 to i16
          memref.store %b, %out[%i] : memref<3xi16>
        }
        func.return
      }""")
    (bits,) = execute(module, "f", [np.array([1.0, 1.004, -2.0], np.float32)]).results
    assert [hex(b & 0xFFFF) for b in bits.tolist()] == ["0x3f80", "0x3f81", "0xc000"]


def test_subviews_share_memory() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<4x4xf32>) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %s = memref.subview %x[1, 0] [2, 2] [1, 2]
            : memref<4x4xf32> to memref<2x2xf32, strided<[4, 2], offset: 4>>
        %r = memref.subview %x[%1, 0] [1, 4] [1, 1]
            : memref<4x4xf32> to memref<4xf32, strided<[1], offset: ?>>
        %a = memref.load %r[%0] : memref<4xf32, strided<[1], offset: ?>>
        memref.store %a, %s[%1, %1] : memref<2x2xf32, strided<[4, 2], offset: 4>>
        func.return
      }""")
    x = normal(4, 4)
    (y,) = execute(module, "f", [x]).results
    wanted = x.copy()
    wanted[2, 2] = x[1, 0]
    np.testing.assert_array_equal(y, wanted)
