"""Dominance, and what may be left after a stage."""

from __future__ import annotations

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import Builtin, FileLineColLoc, IntAttr, ModuleOp, StringAttr, f32
from xdsl.ir import Block, Region
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from irc.dialects.verify import describe, place, verify_dominance, verify_stage


def parse(text: str) -> ModuleOp:
    ctx = Context()
    for dialect in (Builtin, arith.Arith, func.Func, scf.Scf):
        ctx.load_dialect(dialect)
    return Parser(ctx, text).parse_module()


NESTED = """
func.func @f(%n: index, %c: i1) -> f32 {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : index
  %total = scf.for %i = %one to %n step %one iter_args(%acc = %zero) -> (f32) {
    %next = scf.if %c -> (f32) {
      %twice = arith.addf %acc, %acc : f32
      scf.yield %twice : f32
    } else {
      scf.yield %acc : f32
    }
    scf.yield %next : f32
  }
  func.return %total : f32
}
"""


def test_values_of_enclosing_blocks_are_visible() -> None:
    verify_dominance(parse(NESTED))


def test_use_before_definition_names_both_ops() -> None:
    module = parse(NESTED)
    total = [op for op in module.walk() if isinstance(op, scf.ForOp)][0]
    zero = total.prev_op.prev_op
    zero.location = FileLineColLoc(StringAttr("a.irc"), IntAttr(3), IntAttr(7))
    zero.detach()
    total.parent.insert_op_after(zero, total)
    with pytest.raises(VerifyException) as error:
        verify_dominance(module)
    assert str(error.value) == (
        "scf.for in @f: %zero is used before its definition; "
        "it is the result of arith.constant at a.irc:3:7 in @f"
    )


def test_values_of_a_closed_block_are_not_visible() -> None:
    module = parse(NESTED)
    ops = list(module.walk())
    twice = [op for op in ops if isinstance(op, arith.AddfOp)][0]
    ret = [op for op in ops if isinstance(op, func.ReturnOp)][0]
    ret.operands = [twice.results[0]]
    with pytest.raises(VerifyException, match="%twice is used before its definition"):
        verify_dominance(module)


def test_values_of_another_function_are_not_visible() -> None:
    module = parse(NESTED + NESTED.replace("@f", "@g"))
    first, second = module.ops
    first_zero = first.body.block.first_op.results[0]
    second.body.block.last_op.operands = [first_zero]
    with pytest.raises(VerifyException, match="func.return in @g: %zero is used before"):
        verify_dominance(module)


def test_several_blocks_are_refused() -> None:
    region = Region([Block(), Block()])
    module = ModuleOp([func.FuncOp("f", ((), ()), region)])
    with pytest.raises(VerifyException, match="a region has 2 blocks, irc uses one"):
        verify_dominance(module)


def test_deep_nesting_takes_no_recursion() -> None:
    condition = arith.ConstantOp.from_int_and_width(1, 1)
    inner: list = [arith.ConstantOp.create(result_types=[f32])]
    for _ in range(5000):
        inner = [scf.IfOp(condition, (), [*inner, scf.YieldOp()])]
    verify_dominance(module := ModuleOp([condition, *inner]))
    verify_stage(module, {"builtin", "arith", "scf"}, "loops")


def test_leftovers_are_named_with_their_places() -> None:
    module = parse(NESTED)
    for k, op in enumerate(module.walk()):
        op.location = FileLineColLoc(StringAttr("a.irc"), IntAttr(k), IntAttr(1))
    verify_stage(module, {"builtin", "func", "scf", "arith"}, "linalg")
    verify_stage(module, {"builtin", "func", "scf", "arith.addf", "arith.constant"}, "linalg")
    with pytest.raises(VerifyException) as error:
        verify_stage(module, {"builtin", "func", "arith"}, "linalg")
    assert str(error.value) == (
        "linalg: 5 ops should have gone:\n"
        "  scf.for at a.irc:4:1 in @f\n"
        "  scf.if at a.irc:5:1 in @f\n"
        "  scf.yield at a.irc:7:1 in @f\n"
        "  scf.yield at a.irc:8:1 in @f\n"
        "  scf.yield at a.irc:9:1 in @f"
    )


def test_place_of_unknown_is_empty() -> None:
    op = arith.ConstantOp.from_int_and_width(1, 1)
    assert place(op.location) == ""
    assert describe(op) == "arith.constant"
