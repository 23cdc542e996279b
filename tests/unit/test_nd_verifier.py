"""Each numbered constraint of an `nd` op has a program that breaks it, and its message."""

from __future__ import annotations

import re

import pytest
from nd_programs import context
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd import ND, SCALARS
from irc.dialects.nd.reduction import ArgOp, ReduceOp
from irc.dialects.nd.scalar import ElementwiseOp
from irc.dialects.nd.structure import WindowOp

F3, F4, F34, I3, B3 = (f"tensor<{t}>" for t in ("3xf32", "4xf32", "3x4xf32", "3xi32", "3xi1"))
F33, I33 = "tensor<3x3xf32>", "tensor<3x3xi32>"
N3 = 'tensor<?x3xf32, #nd.dims<"n">>'
SIGNATURE = (
    f"%x: {F3}, %y: {F4}, %m: {F34}, %i: {I3}, %p: {B3}, %n: {N3}, %s: tensor<f32>, "
    "%k: tensor<i64>, %b: tensor<i1>, %w: tensor<f64>, "
    f"%q3: {F33}, %j: {I33}"
)


def broken(line: str) -> str:
    """What the verifier says about a function with this line."""
    text = f"nd.state @state : {F3}\nfunc.func @f({SIGNATURE}) {{\n{line}\nfunc.return\n}}"
    module = Parser(context(), text).parse_module()
    with pytest.raises(VerifyException) as error:
        module.verify()
    return str(error.value)


def g(op: str, operands: str, properties: str, types: str) -> str:
    """The generic form, in which types need not agree."""
    return f'%r = "nd.{op}"({operands}) {properties} : {types}'


F234 = "tensor<2x3x4xf32>"


def conv(x: str, w: str, steps: str) -> str:
    """A convolution of tensors of any types, whose result is f32[2, 2, 1]."""
    lines = [
        f"%{name} = nd.full {'0 : i32' if 'i32' in type_ else '0.0 : f32'} : {type_}"
        for name, type_ in (("u", x), ("v", w))
    ]
    return "\n".join([*lines, f"%r = nd.conv %u, %v {steps} : {x}, {w} to tensor<2x2x1xf32>"])


def scan(head: str, args: str, end: str, result: str = F3) -> str:
    """A recurrence with one result, whose body has the arguments `args` and only ends."""
    return f"%r = nd.scan {head} -> ({result}) {{\n^bb0({args}):\nnd.yield {end}\n}}"


def search(cond: str, body: str, result: str = F3) -> str:
    """A search from %x."""
    return (
        f"%r = nd.while %x : {F3} while {{\n^bb0(%a: {F3}):\nnd.yield {cond}\n}} do {{\n"
        f"^bb0(%a: {F3}):\nnd.yield {body}\n}} -> {result}"
    )


TIME, ROW = "%t: tensor<i64>", "%u: tensor<f32>"

# op and constraint -> (line, message)
CASES: dict[str, tuple[str, str]] = {
    "elementwise (C1)": (
        g("add", "%x, %y", "", f"({F3}, {F4}) -> {F3}"),
        "add (C1): operands f32[3] and f32[4] differ"),
    "elementwise (C2)": ("%r = nd.exp %i : " + I3, "exp (C2): not defined for i32"),
    "elementwise (C3)": (
        g("lt", "%x, %x", "", f"({F3}, {F3}) -> {F3}"),
        "lt (C3): result is f32[3], expected bool[3]"),
    "where (C1)": (
        f"%r = nd.where %b, %x, %x : tensor<i1>, {F3}",
        "where (C1): condition is bool, result f32[3]"),
    "cast (C1)": (f"%r = nd.cast %x : {F3} to tensor<4xi32>", "cast (C1): f32[3] to i32[4]"),
    "broadcast (C1)": (
        f"%r = nd.broadcast %m dims = [1, 0] : {F34} to tensor<4x3xf32>",
        "broadcast (C1): dims [1, 0] for f32[3, 4]"),
    "broadcast (C2)": (
        f"%r = nd.broadcast %x dims = [1] : {F3} to tensor<2x4xf32>",
        "broadcast (C2): size 3 does not fit 4 on axis 1"),
    "broadcast (C3)": (
        f"%r = nd.broadcast %x dims = [0] : {F3} to tensor<3xf64>",
        "broadcast (C3): dtypes differ"),
    "reshape (C1)": (
        f'%r = nd.reshape %n : {N3} to tensor<?xf32, #nd.dims<"2*n">>',
        "reshape (C1): f32[n, 3] to f32[2*n]"),
    "reshape (C2)": (f"%r = nd.reshape %x : {F3} to {I3}", "reshape (C2): dtypes differ"),
    "transpose (C1)": (
        f"%r = nd.transpose %m perm = [0, 0] : {F34} to {F34}",
        "transpose (C1): [0, 0] does not permute 2"),
    "transpose (C2)": (
        f"%r = nd.transpose %m perm = [1, 0] : {F34} to {F34}",
        "transpose (C2): result is f32[3, 4]"),
    "slice (C1)": (
        f'%r = nd.slice %x[] at <"0", "0"> step [1] : {F3} to {F3}',
        "slice (C1): ranks, offsets and steps differ in number"),
    "slice (C2)": (
        f'%r = nd.slice %x[] at <"0"> step [0] : {F3} to {F3}', "slice (C2): a step is 0"),
    "slice (C3)": (
        f'%r = nd.slice %x[] at <"?"> step [1] : {F3} to {F3}',
        "slice (C3): one i64 scalar for each `?` offset"),
    "slice (C4)": (
        f'%r = nd.slice %x[] at <"1"> step [1] : {F3} to {F3}',
        "slice (C4): reaches outside axis 0 of size 3"),
    "slice (C5)": (
        f'%r = nd.slice %x[] at <"0"> step [1] : {F3} to tensor<3xf64>',
        "slice (C5): dtypes differ"),
    "insert_slice (C4)": (
        f'%r = nd.insert_slice %x into %y[] at <"3"> step [-2] : {F3} into {F4}',
        "insert_slice (C4): reaches outside axis 0 of size 4"),
    "concat (C1)": (
        f"%r = nd.concat %x, %m axis = 0 : {F3}, {F34} to tensor<6xf32>",
        "concat (C1): ranks or dtypes differ"),
    "concat (C2)": (
        f"%r = nd.concat %x, %y axis = 1 : {F3}, {F4} to tensor<7xf32>",
        "concat (C2): axis 1 is outside rank 1"),
    "concat (C3)": (
        f"%r = nd.concat %x, %y axis = 0 : {F3}, {F4} to tensor<6xf32>",
        "concat (C3): sizes on axis 0 do not make 6"),
    "reduction (C1)": (
        f"%r = nd.sum %m axes = [1, 0] : {F34} to tensor<f32>",
        "sum (C1): axes [1, 0] for rank 2"),
    "reduction (C2)": (
        f"%r = nd.sum %p axes = [0] : {B3} to tensor<i1>", "sum (C2): not defined for bool"),
    "reduction (C3)": (
        f"%r = nd.sum %m axes = [0] : {F34} to {F3}", "sum (C3): result is f32[3]"),
    "arg (C1)": (
        f"%r = nd.argmax %x axis = 1 : {F3} to tensor<i32>", "argmax (C1): axis 1 of f32[3]"),
    "arg (C2)": (
        f"%r = nd.argmin %x axis = 0 : {F3} to tensor<f32>", "argmin (C2): result is f32"),
    "cumulative (C1)": (
        f'%r = nd.cumulative "max" %x axis = 1 : {F3}',
        "cumulative (C1): max along axis 1 of f32[3]"),
    "cumulative (C2)": (
        f'%r = nd.cumulative "sum" %p axis = 0 : {B3}', "cumulative (C2): not defined for bool"),
    "argsort (C1)": (
        f"%r = nd.argsort %x axis = 1 : {F3} to {I3}", "argsort (C1): axis 1 of f32[3]"),
    "argsort (C2)": (
        f"%r = nd.argsort %y axis = 0 : {F4} to {I3}", "argsort (C2): result is i32[3]"),
    "dot (C1)": (
        f"%r = nd.dot %x, %x batch [], [] contract [0], [1] : {F3}, {F3} to tensor<f32>",
        "dot (C1): axes [1] of rank 1"),
    "dot (C2)": (
        f"%r = nd.dot %x, %y batch [], [] contract [0], [0] : {F3}, {F4} to tensor<f32>",
        "dot (C2): 3 on the left, 4 on the right"),
    "dot (C3)": (
        f"%r = nd.dot %x, %i batch [], [] contract [0], [0] : {F3}, {I3} to tensor<f32>",
        "dot (C3): operands and result need one dtype, a number"),
    "dot (C4)": (
        f"%r = nd.dot %x, %x batch [], [] contract [0], [0] : {F3}, {F3} to {F3}",
        "dot (C4): result is f32[3]"),
    "conv (C1)": (
        conv(F34, F34, "stride [1] pad <\"0\">, <\"0\"> dilate [1], [1]"),
        "conv (C1): f32[3, 4] and f32[3, 4] for 1 strides"),
    "conv (C2)": (
        conv(F234, F234, "stride [0] pad <\"0\">, <\"0\"> dilate [1], [1]"),
        "conv (C2): strides, padding and dilations"),
    "conv (C3)": (
        conv(F234, "tensor<2x4x4xf32>", "stride [1] pad <\"0\">, <\"0\"> dilate [1], [1]"),
        "conv (C3): f32[2, 3, 4] and f32[2, 4, 4] differ in channels"),
    "conv (C4)": (
        conv(F234, "tensor<2x3x4xi32>", "stride [1] pad <\"0\">, <\"0\"> dilate [1], [1]"),
        "conv (C4): operands and result need one dtype, a number"),
    "conv (C5)": (
        conv(F234, F234, "stride [1] pad <\"1\">, <\"0\"> dilate [1], [1]"),
        "conv (C5): result is f32[2, 2, 1]"),
    "max_pool (C1)": (
        f"%r = nd.max_pool %m window [2, 0] stride [1, 1] dilate [1, 1] : {F34} to {F3}",
        "max_pool (C1): windows for f32[3, 4]"),
    "max_pool (C2)": (
        f"%r = nd.max_pool %p window [2] stride [1] dilate [1] : {B3} to tensor<2xi1>",
        "max_pool (C2): not defined for bool"),
    "max_pool (C3)": (
        f"%r = nd.max_pool %m window [2] stride [1] dilate [2] : {F34} to {F3}",
        "max_pool (C3): result is f32[3]"),
    "max_pool_index (C3)": (
        f"%r = nd.max_pool_index %x window [2] stride [1] dilate [1] : {F3} to tensor<2xi32>",
        "max_pool_index (C3): the result is not i64"),
    "cholesky (C1)": (
        f"%r = nd.cholesky %m : {F34}", "cholesky (C1): f32[3, 4] is no square matrix"),
    "cholesky (C2)": (f"%r = nd.cholesky %j : {I33}", "cholesky (C2): not defined for i32"),
    "lu (C1)": (
        f"%r, %q = nd.lu %m : {F34}, {I3}", "lu (C1): f32[3, 4] is no square matrix"),
    "lu (C2)": (f"%r, %q = nd.lu %j : {I33}, {I3}", "lu (C2): not defined for i32"),
    "lu (C3)": (f"%r, %q = nd.lu %q3 : {F33}, {F3}", "lu (C3): pivots are f32[3]"),
    "swap_rows (C1)": (
        f"%r = nd.swap_rows %m by %x : {F34}, {F3}", "swap_rows (C1): f32[3] for f32[3, 4]"),
    "swap_rows (C2)": (
        f"%r = nd.swap_rows %j by %i : {I33}, {I3}", "swap_rows (C2): not defined for i32"),
    "triangular_solve (C1)": (
        f"%r = nd.triangular_solve %m, %m : {F34}, {F34}",
        "triangular_solve (C1): f32[3, 4] is no square matrix"),
    "triangular_solve (C2)": (
        f"%r = nd.triangular_solve %j, %j lower : {I33}, {I33}",
        "triangular_solve (C2): not defined for i32"),
    "triangular_solve (C3)": (
        f"%r = nd.triangular_solve %q3, %x : {F33}, {F3}",
        "triangular_solve (C3): f32[3] on the right of f32[3, 3]"),
    "solve (C1)": (
        f"%r = nd.solve %m = %m, %i, %m : {F34}, {F34}, {I3}, {F34}",
        "solve (C1): f32[3, 4] is no square matrix"),
    "solve (C2)": (
        f"%r = nd.solve %j = %j, %i, %j : {I33}, {I33}, {I3}, {I33}",
        "solve (C2): not defined for i32"),
    "solve (C3)": (
        f"%r = nd.solve %q3 = %q3, %i, %y : {F33}, {F33}, {I3}, {F4}",
        "solve (C3): f32[4] on the right of f32[3, 3]"),
    "solve (C4)": (
        f"%r = nd.solve %q3 = %q3, %x, %m : {F33}, {F33}, {F3}, {F34}",
        "solve (C4): factors f32[3, 3] and pivots f32[3] of f32[3, 3]"),
    "gather (C1)": (
        f"%r = nd.gather %m[%i] axes = [0, 1] : {F34}, {I3} to {F3}",
        "gather (C1): 2 axes, 1 index tensors"),
    "gather (C2)": (
        f"%r = nd.gather %x[%x] axes = [0] : {F3}, {F3} to {F3}",
        "gather (C2): indices are not integers of one shape"),
    "gather (C3)": (
        f"%r = nd.gather %m[%i] axes = [0] : {F34}, {I3} to {F34.replace('4', '3')}",
        "gather (C3): result is f32[3, 3]"),
    "scatter (C3)": (
        f'%r = nd.scatter "add" %y into %x[%i] axes = [0] : {F4}, {I3} into {F3}',
        "scatter (C3): value is f32[4]"),
    "scatter (C4)": (
        f'%r = nd.scatter "max" %x into %x[%i] axes = [0] : {F3}, {I3} into {F3}',
        "scatter (C4): kind is max"),
    "full (C1)": ("%r = nd.full 1.0 : f64 : tensor<f32>", "full (C1): 1.000000e+00 : f64 in f32"),
    "constant (C1)": (
        f"%r = nd.constant dense<1.0> : {F4} to {F3}", f"constant (C1): {F4} in f32[3]"),
    "iota (C1)": (f"%r = nd.iota axis = 1 : {I3}", "iota (C1): axis 1 in i32[3]"),
    "size (C1)": ('%r = nd.size "n/2" : tensor<i64>', "size (C1): `n/2` is not a size"),
    "size (C2)": (f'%r = nd.size "n" : {I3}', "size (C2): result is i32[3]"),
    "philox (C1)": (
        "%r = nd.philox %k, %k site = 0 : tensor<i64>, tensor<i64> to tensor<3xi32>",
        "philox (C1): i64 scalars give u32 bits"),
    "state (C1)": (f"nd.state @other : {N3}", "state (C1): the shape of f32[n, 3] is not static"),
    "state_read (C1)": (
        f"%r = nd.state_read @none : {F3}", "state_read (C1): there is no state @none"),
    "state_read (C2)": (
        f"%r = nd.state_read @state : {F4}",
        "state_read (C2): f32[4] for a state of type f32[3]"),
    "state_write (C1)": (
        f"nd.state_write @none, %x : {F3}", "state_write (C1): there is no state @none"),
    "state_write (C2)": (
        f"nd.state_write @state, %y : {F4}",
        "state_write (C2): f32[4] for a state of type f32[3]"),
    "assert (C1)": (
        'nd.assert "assert" %s, "no"() : tensor<f32>', "assert (C1): condition is f32"),
    "assert (C2)": (
        f'nd.assert "assert" %b, "no"(%x) : tensor<i1>, {F3}',
        "assert (C2): a shown operand has another shape"),
    "assert (C3)": ('nd.assert "oops" %b, "no"() : tensor<i1>', "assert (C3): kind is oops"),
    "if (C1)": (
        f"nd.if %p : {B3} {{\nnd.yield\n}} else {{\nnd.yield\n}}",
        "if (C1): condition is bool[3]"),
    "if (C2)": (
        "%r = nd.if %b : tensor<i1> -> tensor<f32> {\nnd.yield %s : tensor<f32>\n} else {\n"
        f"nd.yield %x : {F3}\n}}",
        "if (C2): a region yields other types than the results"),
    "scan (C1)": (
        f'%r = "nd.scan"(%x) <{{count = #nd.dims<"3", "3">, seq_taps = [#nd.ints[0]], '
        "state_taps = [], histories = #nd.ints[], operandSegmentSizes = array<i32: 1, 0>}> ({\n"
        f"^bb0({TIME}, {ROW}):\nnd.yield %u : tensor<f32>\n}}) : ({F3}) -> {F3}",
        "scan (C1): the count is not one size"),
    "scan (C2)": (
        scan(f'"3" over (%x[1]) : ({F3})', f"{TIME}, {ROW}", "%u : tensor<f32>"),
        "scan (C2): f32[3] with tap 1 for 3 steps"),
    "scan (C3)": (
        scan('"3" from (%s[]) : (tensor<f32>)', TIME, "%s : tensor<f32>"),
        "scan (C3): init is f32"),
    "scan (C4)": (
        scan(f'"3" over (%x[0]) : ({F3})', ROW, "%u : tensor<f32>"),
        "scan (C4): the first argument of the body is not the time"),
    "scan (C5)": (
        scan(f'"3" from (%x[1]) : ({F3})', f"{TIME}, {ROW}", f"%x : {F3}"),
        "scan (C5): the body yields f32[3] for a state that begins as f32[3]"),
    "scan (C6)": (
        scan(f'"3" over (%x[0]) : ({F3})', f"{TIME}, {ROW}", "%u : tensor<f32>", F4),
        "scan (C6): results have not the rows of the body"),
    "while (C1)": (
        search("%b : tensor<i1>", f"%a : {F3}", F4),
        "while (C1): a region or the results have other types"),
    "while (C2)": (
        search("%s : tensor<f32>", f"%a : {F3}"),
        "while (C2): the condition is not a bool scalar"),
    "while (C3)": (
        search("%b : tensor<i1>", "%s : tensor<f32>"),
        "while (C3): the body yields other types"),
    "grad (C1)": (
        f"%r = nd.grad %x wrt %x : {F3} wrt {F3} -> {F3}",
        "grad (C1): cost is f32[3], not a scalar"),
    "grad (C2)": (
        f"%r = nd.grad %s wrt %i : tensor<f32> wrt {I3} -> {I3}",
        "grad (C2): only floats have derivatives"),
    "extern_map (C1)": (
        f'%r = nd.extern_map "f()" from "libm.so.6"(%x) : ({F3}) -> {F3}',
        "extern_map (C1): `f()` is no name"),
    "extern_map (C2)": (
        f'%r = nd.extern_map "f" from "libm.so.6"(%x) : ({F3}) -> {F4}',
        "extern_map (C2): operands and result differ in shape"),
    "extern_map (C3)": (
        f'%r = nd.extern_map "f" from "libm.so.6"(%x) : ({F3}) -> tensor<3xf16>',
        "extern_map (C3): f16[3] has no type in C"),
    "extern_map (C4)": (
        f'%r = nd.extern_map "f" from "libm.so.6"(%x) : ({F3}) -> {F3} {{\n'
        f"^bb0(%a: {F3}, %d: {F3}):\nnd.yield %d : {F3}\n}}",
        "extern_map (C4): the derivative takes other values"),
    "extern (C1)": (
        f'%r = nd.extern "f" from "../libm.so.6" sizes <>(%x) : ({F3}) -> ({F3})',
        "extern (C1): `../libm.so.6` is no name"),
    "extern (C2)": (
        f'nd.extern "f" from "libm.so.6" sizes <>(%x) : ({F3}) -> ()',
        "extern (C2): there is no result"),
    "extern (C3)": (
        f'%r = nd.extern "f" from "libm.so.6" sizes <>(%x) : ({F3}) -> (tensor<f16>)',
        "extern (C3): f16 has no type in C"),
    "extern (C4)": (
        f'%r = nd.extern "f" from "libm.so.6" sizes <>(%x) : ({F3}) -> ({F3}) {{\n'
        f"^bb0(%a0: {F3}, %a1: {F3}, %a2: {F3}):\nnd.yield %a0, %a0 : {F3}, {F3}\n}}",
        "extern (C4): the derivative yields other values"),
    "jvp (C1)": (
        f"%r = nd.jvp %i wrt %x along %x : {I3} wrt {F3} along {F3}",
        "jvp (C1): a derivative of i32[3]"),
    "jvp (C2)": (
        f"%r = nd.jvp %x wrt %x along %y : {F3} wrt {F3} along {F4}",
        "jvp (C2): tangents have not the types of wrt"),
}  # fmt: skip

# What another test shows, or the same check serves under another name.
ELSEWHERE = {
    "insert_slice (C6)": "its type variable",
    "scatter (C1)": "gather (C1)",
    "scatter (C2)": "gather (C2)",
    "max_pool_index (C1)": "max_pool (C1)",
    "max_pool_index (C2)": "max_pool (C2)",
    "grad (C3)": "nd-expand-grad, which knows the path",
    "jvp (C3)": "nd-expand-grad, which knows the path",
}


@pytest.mark.parametrize("name", CASES)
def test_constraint(name: str) -> None:
    line, message = CASES[name]
    assert message in broken(line)


def test_every_constraint_has_a_case() -> None:
    missing = []
    for op in ND.operations:
        for number in re.findall(r"^\s*\(?(C\d+)\)", documentation(op), re.MULTILINE):
            title = f"{family(op)} ({number})"
            if title not in CASES and title not in ELSEWHERE:
                missing.append(title)
    assert sorted(set(missing)) == []


def documentation(op: type) -> str:
    for base in (ElementwiseOp, ReduceOp, ArgOp):
        if issubclass(op, base):
            return base.__doc__ or ""
    text = (op.__doc__ or "").replace(". (C", ".\n(C")
    return text.split("(C1) to (C5) as for slice")[-1] if issubclass(op, WindowOp) else text


def family(op: type) -> str:
    for base, name in ((ElementwiseOp, "elementwise"), (ReduceOp, "reduction"), (ArgOp, "arg")):
        if issubclass(op, base):
            return name
    return str(op.name).removeprefix("nd.")  # type: ignore[attr-defined]


def test_unknown_dtypes_are_refused() -> None:
    text = "func.func @f(%x: tensor<3xf80>) {\n%r = nd.exp %x : tensor<3xf80>\nfunc.return\n}"
    with pytest.raises(VerifyException, match="irc has no dtype f80"):
        Parser(context(), text).parse_module().verify()


@pytest.mark.parametrize("name", SCALARS)
def test_elementwise_ops_take_their_number_of_operands(name: str) -> None:
    operands = ", ".join(["%x"] * (3 - SCALARS[name].arity))
    text = f"func.func @f(%x: {F3}) {{\n%r = nd.{name} {operands} : {F3}\nfunc.return\n}}"
    with pytest.raises(Exception, match="operands and a tensor type"):
        Parser(context(), text).parse_module()
