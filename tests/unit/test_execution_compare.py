"""A wrong pass is named; right ones are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from parse_ir import parse_ir
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination

from irc.dialects import nd
from irc.dialects.context import make_context
from irc.execution import Failure, Outcome
from irc.execution.compare import EXACT, Tolerance, compare_passes, difference, tolerance_of

TEXT = """
nd.state @W : tensor<3xf32>
func.func @train(%x: tensor<?x3xf32, #nd.dims<"n">>, %k: tensor<?xi32, #nd.dims<"n">>)
    -> (tensor<?x3xf32, #nd.dims<"n">>, tensor<3xf32>) {
  %w = nd.state_read @W : tensor<3xf32>
  %b = nd.broadcast %w dims = [1] : tensor<3xf32> to tensor<?x3xf32, #nd.dims<"n">>
  %y = nd.sub %x, %b : tensor<?x3xf32, #nd.dims<"n">>
  %z = nd.sub %x, %b : tensor<?x3xf32, #nd.dims<"n">>
  %s = nd.sum %y axes = [0] : tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  nd.state_write @W, %s : tensor<3xf32>
  func.return %z, %s : tensor<?x3xf32, #nd.dims<"n">>, tensor<3xf32>
}
"""


@dataclass(frozen=True)
class SwapPass(ModulePass):
    """x - y -> y - x, which is wrong."""

    name = "swap"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if isinstance(inner, nd.ELEMENTWISE["sub"]):
                inner.operands = inner.operands[::-1]
                return


@dataclass(frozen=True)
class MovePass(ModulePass):
    """Puts an op below its user, which is wrong."""

    name = "move"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        block = [o for o in op.walk() if o.name == "func.func"][0].regions[0].block
        first = block.first_op
        assert first is not None and block.last_op is not None
        first.detach()
        block.insert_op_before(first, block.last_op)


@pytest.fixture
def text() -> str:
    return TEXT


def test_right_passes_agree(text: str) -> None:
    module = parse_ir(text)
    seen: list[str] = []
    passes = [CanonicalizePass(), CommonSubexpressionElimination()]
    result = compare_passes(make_context(), module, passes, after=lambda p: seen.append(p.name))
    assert result is None
    assert seen == ["canonicalize", "cse"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_wrong_pass_is_named(text: str, position: int) -> None:
    passes: list[ModulePass] = [CanonicalizePass(), CommonSubexpressionElimination()]
    passes.insert(position, SwapPass())
    result = compare_passes(make_context(), parse_ir(text), passes)
    assert result is not None
    assert (result.pass_name, result.function, result.seed) == ("swap", "train", 0)
    # cse leaves one subtraction for both results; before it the first feeds the sum only.
    output = "result 0, element [0, 0]" if position == 2 else "result 1, element [0]"
    assert str(result).startswith(f"pass `swap` changes @train (seed 0): {output}: ")
    assert "before" in result.what and "after" in result.what


def test_ir_that_cannot_run_is_put_down_to_its_pass(text: str) -> None:
    result = compare_passes(make_context(), parse_ir(text), [CanonicalizePass(), MovePass()])
    assert result is not None and result.pass_name == "move"
    assert "is used before its definition" in result.what


@dataclass(frozen=True)
class DropPass(ModulePass):
    """Erases every function."""

    name = "drop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in [o for o in op.ops if isinstance(o, func.FuncOp)]:
            function.detach()
            function.erase()


def test_a_function_may_not_go(text: str) -> None:
    result = compare_passes(make_context(), parse_ir(text), [DropPass()])
    assert str(result) == "pass `drop` changes @train (seed 0): the function is gone"


@dataclass(frozen=True)
class ExpandPass(ModulePass):
    """d (x * x) / d x = x + x, for the one function below."""

    name = "expand"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        (grad,) = [o for o in op.walk() if isinstance(o, nd.GradOp)]
        new = nd.ELEMENTWISE["add"].create(
            operands=[grad.wrt[0], grad.wrt[0]], result_types=[grad.res[0].type]
        )
        assert grad.parent is not None
        grad.parent.insert_op_before(new, grad)
        grad.res[0].replace_all_uses_with(new.results[0])
        grad.detach()
        grad.erase()


def test_comparing_starts_when_derivatives_are_expanded() -> None:
    grad = """
      func.func @f(%x: tensor<f32>) -> tensor<f32> {
        %y = nd.mul %x, %x : tensor<f32>
        %d = nd.grad %y wrt %x : tensor<f32> wrt tensor<f32> -> tensor<f32>
        %z = nd.sub %d, %x : tensor<f32>
        func.return %z : tensor<f32>
      }"""
    passes = [CanonicalizePass(), ExpandPass(), CanonicalizePass()]
    assert compare_passes(make_context(), parse_ir(grad), passes) is None
    result = compare_passes(make_context(), parse_ir(grad), [*passes, SwapPass()])
    assert result is not None and result.pass_name == "swap"


@dataclass(frozen=True)
class AddToSubPass(ModulePass):
    """Turns the first integer addition at any level into a subtraction."""

    name = "add-to-sub"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if isinstance(inner, arith.AddiOp):
                new = arith.SubiOp(inner.lhs, inner.rhs)
                assert inner.parent is not None
                inner.parent.insert_op_before(new, inner)
                inner.result.replace_all_uses_with(new.result)
                inner.detach()
                inner.erase()
                return


def test_a_wrong_rewrite_inside_a_loop() -> None:
    module = parse_ir("""
      func.func @f(%x: memref<4xi32> {irc.kind = "in"}, %y: memref<4xi32> {irc.kind = "out"}) {
        %0 = arith.constant 0 : index
        %1 = arith.constant 1 : index
        %4 = arith.constant 4 : index
        scf.for %i = %0 to %4 step %1 {
          %a = memref.load %x[%i] : memref<4xi32>
          %b = arith.addi %a, %a : i32
          memref.store %b, %y[%i] : memref<4xi32>
        }
        func.return
      }""")
    result = compare_passes(make_context(), module, [CanonicalizePass(), AddToSubPass()])
    assert result is not None and result.pass_name == "add-to-sub"
    assert "result 0 `y`, element" in result.what


def f32(*numbers: float) -> Outcome:
    return Outcome([np.array(numbers, np.float32)])


def test_floats_agree_to_the_bit_or_within_the_tolerance() -> None:
    loose = Tolerance(inexact=True)
    assert difference(f32(1.0, np.nan), f32(1.0, np.nan)) is None
    assert difference(f32(0.0), f32(-0.0)) == "result 0, element [0]: 0.0 before, -0.0 after"
    assert difference(f32(0.0), f32(-0.0), loose) is None
    near = float(np.nextafter(np.float32(1), np.float32(2)))
    assert difference(f32(1.0), f32(near), EXACT) is not None
    assert difference(f32(1.0), f32(near), loose) is None
    assert difference(f32(1.0), f32(1.001), loose) is not None
    assert difference(f32(1.0, 1e5), f32(1.1, 1e5), loose) is None  # 1e-6 of the largest
    assert difference(f32(1.0, 1e30), f32(1.1, 1e30), loose) is not None
    assert difference(f32(1e30), f32(1.001e30), loose) is not None
    assert difference(f32(np.inf), f32(np.nan), loose) is not None
    assert difference(f32(np.inf), f32(1.0), loose) is not None


def test_integers_agree_in_their_bits() -> None:
    a, b = Outcome([np.array([-1], np.int8)]), Outcome([np.array([255], np.uint8)])
    assert difference(a, b) is None
    c = Outcome([np.array([255], np.int16)])
    assert difference(a, c) == "result 0 is int8 before, int16 after"
    two = Outcome([np.array([1, 2, 3])]), Outcome([np.array([1, 5, 6])])
    assert difference(*two) == ("result 0, element [1]: 2 before, 5 after; 2 of 3 elements differ")


def test_failures_prints_states_and_shapes_count() -> None:
    fine, failed = Outcome(), Outcome(failure=Failure("assert", "no 1.5"))
    assert difference(fine, failed) == "success before, no 1.5 after"
    other = Outcome(failure=Failure("assert", "no 1.6"))
    assert difference(failed, other) is not None
    assert difference(failed, other, Tolerance(inexact=True)) is None
    assert difference(Outcome(prints=["a"]), fine) == "1 lines printed before, 0 after"
    assert difference(Outcome(prints=["a"]), Outcome(prints=["b"])) == (
        "printed line 0 is 'a' before, 'b' after"
    )
    w = np.zeros(2, np.float32)
    assert difference(Outcome(state={"W": w}), Outcome(state={"W": w + 1})) is not None
    assert difference(Outcome([w]), Outcome([w[:1]])) == (
        "result 0 has shape [2] before, [1] after"
    )


def test_what_may_differ_follows_from_the_ops() -> None:
    sub = parse_ir(TEXT)
    assert tolerance_of(sub) == EXACT
    exp = "func.func @f(%x: tensor<f32>) {\n %y = nd.exp %x : tensor<f32>\n func.return\n}"
    assert tolerance_of(parse_ir(exp)) == Tolerance(inexact=True)
    assert tolerance_of(parse_ir(exp.replace("nd.exp", "nd.sqrt"))) == EXACT
    assert tolerance_of(parse_ir(exp.replace("f32", "bf16"))) == Tolerance(inexact=True, bf16=True)


def test_products_may_overflow_on_the_way() -> None:
    products = Tolerance(inexact=True, products=True)
    assert difference(f32(np.inf), f32(np.nan), products) is None
    assert difference(f32(np.inf), f32(1.0), products) is not None
