"""Hand-written IR at the linalg level, run and compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from parse_ir import parse_ir
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr

from irc.dialects.nd.arrays import tree_reduce
from irc.errors import ArgumentError, DTypeError, ShapeError
from irc.execution import ExecutionError, Failure, execute
from irc.execution.program import Program

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


N = '#nd.dims<"n">'


def test_contraction_with_a_symbolic_size() -> None:
    module = parse_ir(f"""
      func.func @f(%n: index, %x: tensor<?x3xf32, {N}>, %w: tensor<3x4xf32>)
          -> tensor<?x4xf32, {N}> {{
        %zero = arith.constant 0.0 : f32
        %e = tensor.empty(%n) : tensor<?x4xf32, {N}>
        %init = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>],
            iterator_types = ["parallel", "parallel"]}} outs(%e : tensor<?x4xf32, {N}>) {{
        ^bb0(%o: f32):
          linalg.yield %zero : f32
        }} -> tensor<?x4xf32, {N}>
        %y = linalg.generic {{indexing_maps = [affine_map<(i, j, k) -> (i, k)>,
            affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
            iterator_types = ["parallel", "parallel", "reduction"]}}
            ins(%x, %w : tensor<?x3xf32, {N}>, tensor<3x4xf32>)
            outs(%init : tensor<?x4xf32, {N}>) attrs = {{irc.contraction}} {{
        ^bb0(%p: f32, %q: f32, %acc: f32):
          %m = arith.mulf %p, %q : f32
          %s = arith.addf %acc, %m : f32
          linalg.yield %s : f32
        }} -> tensor<?x4xf32, {N}>
        func.return %y : tensor<?x4xf32, {N}>
      }}""")
    program = Program(module)
    w = normal(3, 4)
    for n in (0, 1, 5):
        x = normal(n, 3)
        np.testing.assert_allclose(program.run("f", [x, w]).results[0], x @ w, atol=1e-6)
    with pytest.raises(ShapeError, match=r"argument `x` is f32\[n, 3\], n = 2, got shape \[2, 4\]"):
        program.run("f", [normal(2, 4), w])
    with pytest.raises(DTypeError, match="argument `w` is float32, got float64"):
        program.run("f", [normal(2, 3), w.astype(np.float64)])
    with pytest.raises(ArgumentError, match="`f` takes 2 arguments, got 1"):
        program.run("f", [w])
    with pytest.raises(ArgumentError, match="no function `g`; there are: `f`"):
        program.run("g", [])


def test_float_sum_is_the_defined_tree() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<5x70xf32>) -> tensor<f32> {
        %zero = arith.constant dense<0.0> : tensor<f32>
        %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
            affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
            ins(%x : tensor<5x70xf32>) outs(%zero : tensor<f32>) {
        ^bb0(%p: f32, %acc: f32):
          %s = arith.addf %p, %acc : f32
          linalg.yield %s : f32
        } -> tensor<f32>
        func.return %y : tensor<f32>
      }""")
    x = normal(5, 70) * 1e3
    (y,) = execute(module, "f", [x]).results
    assert y.tobytes() == tree_reduce(x.reshape(-1), np.add, 0.0).tobytes()


ARGMAX = """
  func.func @f(%x: tensor<4x5xf32>) -> (tensor<4xf32>, tensor<4xi32>) {
    %low = arith.constant dense<-1.0e+30> : tensor<4xf32>
    %zero = arith.constant dense<0> : tensor<4xi32>
    %y:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
        affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<4x5xf32>) outs(%low, %zero : tensor<4xf32>, tensor<4xi32>) {
    ^bb0(%p: f32, %best: f32, %at: i32):
      %j = linalg.index 1 : index
      %k = arith.index_cast %j : index to i32
      %better = arith.cmpf ogt, %p, %best : f32
      %v = arith.select %better, %p, %best : f32
      %w = arith.select %better, %k, %at : i32
      linalg.yield %v, %w : f32, i32
    } -> (tensor<4xf32>, tensor<4xi32>)
    func.return %y#0, %y#1 : tensor<4xf32>, tensor<4xi32>
  }"""


def test_a_reduction_with_two_results_goes_step_by_step() -> None:
    x = np.array([[1, 3, 3, 0, 2], [0, -1, -2, -3, -4], [5, 6, 7, 8, 9], [0, 0, 0, 0, 0]], "f4")
    best, at = execute(parse_ir(ARGMAX), "f", [x]).results
    np.testing.assert_array_equal(best, x.max(axis=1))
    np.testing.assert_array_equal(at, x.argmax(axis=1).astype(np.int32))


def test_slices_reversed_axes_and_diagonals_in_maps() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<3x8xi32>, %d: tensor<3x3xi32>, %e: tensor<3x3xi32>)
          -> tensor<3x3xi32> {
        %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j * 2 + 1)>,
            affine_map<(i, j) -> (-i + 2, 7)>, affine_map<(i, j) -> (j, j)>,
            affine_map<(i, j) -> (j, i)>], iterator_types = ["parallel", "parallel"]}
            ins(%x, %x, %d : tensor<3x8xi32>, tensor<3x8xi32>, tensor<3x3xi32>)
            outs(%e : tensor<3x3xi32>) {
        ^bb0(%a: i32, %b: i32, %c: i32, %o: i32):
          %s = arith.addi %a, %b : i32
          %t = arith.subi %s, %c : i32
          linalg.yield %t : i32
        } -> tensor<3x3xi32>
        func.return %y : tensor<3x3xi32>
      }""")
    x = RNG.integers(-9, 9, (3, 8), dtype=np.int32)
    d = RNG.integers(-9, 9, (3, 3), dtype=np.int32)
    (y,) = execute(module, "f", [x, d, d]).results
    wanted = x[:, 1:7:2] + x[::-1, 7:8] - np.diag(d)[None, :]
    np.testing.assert_array_equal(y, wanted.T)


GATHER = """
  func.func @f(%x: tensor<3xf32>, %at: tensor<?xi32, #nd.dims<"n">>,
               %e: tensor<?xf32, #nd.dims<"n">>)
      -> tensor<?xf32, #nd.dims<"n">> {
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
        iterator_types = ["parallel"]}
        ins(%at : tensor<?xi32, #nd.dims<"n">>) outs(%e : tensor<?xf32, #nd.dims<"n">>) {
    ^bb0(%i: i32, %o: f32):
      %k = arith.index_cast %i : i32 to index
      %v = tensor.extract %x[%k] : tensor<3xf32>
      linalg.yield %v : f32
    } -> tensor<?xf32, #nd.dims<"n">>
    func.return %y : tensor<?xf32, #nd.dims<"n">>
  }"""


def test_gathers_stay_inside() -> None:
    program = Program(parse_ir(GATHER))
    x, at = normal(3), np.array([2, 0, 2, 1], np.int32)
    np.testing.assert_array_equal(program.run("f", [x, at, normal(4)]).results[0], x[at])
    for wrong in (3, -1):
        with pytest.raises(ExecutionError) as error:
            program.run("f", [x, np.array([0, wrong], np.int32), normal(2)])
        assert f"tensor.extract in @f: index {wrong} is outside axis 0 of size 3" in str(
            error.value
        )


def test_an_error_names_the_place_in_the_source() -> None:
    module = parse_ir(GATHER)
    for op in module.walk():
        if op.name == "tensor.extract":
            op.location = FileLineColLoc(StringAttr("m.irc"), IntAttr(4), IntAttr(9))
    with pytest.raises(ExecutionError, match="^tensor.extract at m.irc:4:9 in @f: index 9 is"):
        execute(module, "f", [normal(3), np.array([9], np.int32), normal(1)])


def test_scatter_loop_branch_and_slices() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<4xf32>, %c: tensor<i1>) -> (tensor<4xf32>, tensor<2x2xf32>) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %4 = arith.constant 4 : index
        %y = scf.for %i = %0 to %4 step %1 iter_args(%acc = %x) -> (tensor<4xf32>) {
          %j = arith.subi %4, %i : index
          %k = arith.subi %j, %1 : index
          %v = tensor.extract %x[%k] : tensor<4xf32>
          %next = tensor.insert %v into %acc[%i] : tensor<4xf32>
          scf.yield %next : tensor<4xf32>
        }
        %cond = tensor.extract %c[] : tensor<i1>
        %z = scf.if %cond -> (tensor<2xf32>) {
          %s = tensor.extract_slice %y[1] [2] [2] : tensor<4xf32> to tensor<2xf32>
          scf.yield %s : tensor<2xf32>
        } else {
          %s = tensor.extract_slice %y[%1] [2] [1] : tensor<4xf32> to tensor<2xf32>
          scf.yield %s : tensor<2xf32>
        }
        %w = tensor.insert_slice %z into %y[2] [2] [1] : tensor<2xf32> into tensor<4xf32>
        %m = tensor.expand_shape %w [[0, 1]] output_shape [2, 2]
            : tensor<4xf32> into tensor<2x2xf32>
        func.return %y, %m : tensor<4xf32>, tensor<2x2xf32>
      }""")
    x = normal(4)
    for c in (True, False):
        y, m = execute(module, "f", [x, np.array(c)]).results
        r = x[::-1]
        z = r[1::2] if c else r[1:3]
        np.testing.assert_array_equal(y, r)
        np.testing.assert_array_equal(m, np.concatenate([r[:2], z]).reshape(2, 2))


def test_a_body_with_control_flow_goes_point_by_point() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<2x3xi32>, %e: tensor<2x3xi32>) -> tensor<2x3xi32> {
        %zero = arith.constant 0 : i32
        %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
            affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
            ins(%x : tensor<2x3xi32>) outs(%e : tensor<2x3xi32>) {
        ^bb0(%p: i32, %o: i32):
          %c = arith.cmpi eq, %p, %zero : i32
          %v = scf.if %c -> (i32) {
            scf.yield %zero : i32
          } else {
            %q = arith.divsi %p, %p : i32
            scf.yield %q : i32
          }
          linalg.yield %v : i32
        } -> tensor<2x3xi32>
        func.return %y : tensor<2x3xi32>
      }""")
    x = np.array([[0, 1, -5], [7, 0, 2]], np.int32)
    (y,) = execute(module, "f", [x, x]).results
    np.testing.assert_array_equal(y, (x != 0).astype(np.int32))


STATE = """
  nd.state @W : tensor<2xf32>
  nd.state @V : tensor<2xf32>
  func.func @swap(%x: tensor<f32>) -> tensor<2xf32> {
    %limit = arith.constant 1.0 : f32
    %a = nd.state_read @W : tensor<2xf32>
    %b = nd.state_read @V : tensor<2xf32>
    %s = tensor.extract %x[] : tensor<f32>
    rt.print "x is {0}", %s : f32
    %ok = arith.cmpf olt, %s, %limit : f32
    rt.assert %ok : i1, "assert", "x = {0:.2f} is too large", %s : f32
    nd.state_write @W, %b : tensor<2xf32>
    nd.state_write @V, %a : tensor<2xf32>
    func.return %a : tensor<2xf32>
  }"""


def test_state_changes_together_or_not_at_all() -> None:
    program = Program(parse_ir(STATE))
    state = {"W": normal(2), "V": normal(2)}
    good = program.run("swap", [np.array(0.5, np.float32)], state)
    np.testing.assert_array_equal(good.state["W"], state["V"])
    np.testing.assert_array_equal(good.state["V"], state["W"])
    np.testing.assert_array_equal(good.results[0], state["W"])
    assert good.prints == ["x is 0.5"] and good.failure is None
    bad = program.run("swap", [np.array(2.0, np.float32)], state)
    assert bad.failure == Failure("assert", "x = 2.00 is too large")
    assert bad.results == [] and bad.prints == ["x is 2.0"]
    np.testing.assert_array_equal(bad.state["W"], state["W"])


def test_missing_state_starts_at_zero_and_unknown_state_is_refused() -> None:
    program = Program(parse_ir(STATE))
    outcome = program.run("swap", [np.array(0.5, np.float32)], {"W": np.ones(2, np.float32)})
    np.testing.assert_array_equal(outcome.state["W"], np.zeros(2))
    with pytest.raises(ArgumentError, match="no state `U`"):
        program.run("swap", [np.array(0.5, np.float32)], {"U": np.ones(2, np.float32)})


def test_nd_ops_and_linalg_ops_run_in_one_function() -> None:
    module = parse_ir("""
      func.func @f(%n: index, %x: tensor<?xf32, #nd.dims<"n">>) -> tensor<?xf32, #nd.dims<"n">> {
        %y = nd.exp %x : tensor<?xf32, #nd.dims<"n">>
        %e = tensor.empty(%n) : tensor<?xf32, #nd.dims<"n">>
        %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
            iterator_types = ["parallel"]} ins(%y : tensor<?xf32, #nd.dims<"n">>)
            outs(%e : tensor<?xf32, #nd.dims<"n">>) {
        ^bb0(%p: f32, %o: f32):
          %q = arith.negf %p : f32
          linalg.yield %q : f32
        } -> tensor<?xf32, #nd.dims<"n">>
        func.return %z : tensor<?xf32, #nd.dims<"n">>
      }""")
    x = normal(3)
    np.testing.assert_allclose(execute(module, "f", [x]).results[0], -np.exp(x), rtol=1e-6)


def test_nd_asserts_report_the_first_false_position() -> None:
    module = parse_ir("""
      func.func @f(%ok: tensor<2x2xi1>, %y: tensor<2x2xi32>) {
        nd.assert "bounds" %ok, "y[{@0}, {@1}] = {0}"(%y) : tensor<2x2xi1>, tensor<2x2xi32>
        nd.print "all {0}"(%y) : tensor<2x2xi32>
        func.return
      }""")
    y = np.array([[1, 2], [3, 4]], np.int32)
    ok = np.array([[True, True], [False, False]])
    assert execute(module, "f", [ok, y]).failure == Failure("bounds", "y[1, 0] = 3")
    assert execute(module, "f", [ok | True, y]).prints == ["all [[1, 2], [3, 4]]"]


def test_unwritten_elements_show() -> None:
    module = parse_ir("""
      func.func @f() -> tensor<2xf32> {
        %e = tensor.empty() : tensor<2xf32>
        func.return %e : tensor<2xf32>
      }""")
    assert np.isnan(execute(module, "f", []).results[0]).all()


def test_use_before_definition_is_found_before_running() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<f32>) -> tensor<f32> {
        %a = nd.exp %x : tensor<f32>
        %b = nd.neg %a : tensor<f32>
        func.return %b : tensor<f32>
      }""")
    block = module.body.block.first_op.body.block
    first = block.first_op
    first.detach()
    block.insert_op_before(first, block.last_op)
    with pytest.raises(ExecutionError, match="nd.neg in @f: %a is used before its definition"):
        execute(module, "f", [np.array(1.0, np.float32)])


def test_an_op_without_executor_is_named() -> None:
    module = parse_ir("""
      func.func @f() {
        "gpu.barrier"() : () -> ()
        func.return
      }""")
    with pytest.raises(ExecutionError, match="gpu.barrier in @f: there is no executor"):
        execute(module, "f", [])


def test_bf16_rounds_at_each_op() -> None:
    module = parse_ir("""
      func.func @f(%x: tensor<3xbf16>, %e: tensor<3xbf16>) -> tensor<3xbf16> {
        %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
            iterator_types = ["parallel"]} ins(%x : tensor<3xbf16>) outs(%e : tensor<3xbf16>) {
        ^bb0(%p: bf16, %o: bf16):
          %q = arith.mulf %p, %p : bf16
          linalg.yield %q : bf16
        } -> tensor<3xbf16>
        func.return %y : tensor<3xbf16>
      }""")
    x = np.array([1.0078125, 3.0, 1e30], np.float32)
    (y,) = execute(module, "f", [x, x]).results
    assert y.dtype == np.float32
    assert y[0] == 1.015625 and y[1] == 9.0 and np.isinf(y[2])
