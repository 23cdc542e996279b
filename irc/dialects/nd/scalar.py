"""
The elementwise functions, each stated once.

A statement gives a function its name, the dtypes it takes, its meaning in NumPy, its lowering to
scalar ops, its derivative and its prose. The op class, the function of the language, the
reference, the tests and the manual are made from it.

A derivative is `vjp(b, dy, y, *operands)`: the gradients of the operands for the gradient `dy` of
the result `y`, None where there is none. A function without one has derivative zero everywhere
(comparisons, rounding).
"""

from __future__ import annotations

import abc
import math as pymath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects import arith, math
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from irc.dialects.nd import scalar_bodies as body
from irc.dialects.nd import scalar_numpy as ref
from irc.dialects.nd import special
from irc.dialects.nd.body import Body, Lowering, by_kind
from irc.dialects.nd.rows import repeated
from irc.dialects.nd.types import TensorType, dims_of, dtype_of, tensor, type_text
from irc.dtypes import BOOL, DType, Kind, accumulator
from irc.sizes import Size

FLOAT: frozenset[Kind] = frozenset({"float"})
INTEGER: frozenset[Kind] = frozenset({"int", "uint"})
NUMBER: frozenset[Kind] = FLOAT | INTEGER
SIGNED: frozenset[Kind] = frozenset({"float", "int"})
LOGICAL: frozenset[Kind] = frozenset({"bool"})
BITS: frozenset[Kind] = INTEGER | LOGICAL
ANY: frozenset[Kind] = NUMBER | LOGICAL

Vjp = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Scalar:
    """
    The statement of one elementwise function.

    takes      kinds of dtype it accepts; all operands have one dtype
    predicate  the result is bool, otherwise it has the dtype of the operands
    numpy      meaning on arrays of one dtype (f16 and bf16 arrive as float32)
    lower      meaning on scalars, `lower(body, dtype, *operands)`
    inexact    computed by a polynomial or libm: levels agree within ulps, not bits
    """

    name: str
    arity: int
    takes: frozenset[Kind]
    numpy: Callable[..., Any]
    lower: Lowering
    doc: str
    vjp: Vjp | None = None
    predicate: bool = False
    commutes: bool = False
    inexact: bool = False
    symbol: str | None = None


class PointwiseOp(IRDLOperation, abc.ABC):
    """An op that makes each element from the elements at the same place in its operands."""

    @abc.abstractmethod
    def lower_scalar(self, s: Body, *operands: SSAValue) -> SSAValue:
        """The scalar program for one element."""

    @abc.abstractmethod
    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        """Gradients of the operands for the gradient `dy` of the result."""

    def batched(
        self, b: Any, count: Size, xs: Sequence[SSAValue], rows: Sequence[bool]
    ) -> SSAValue | None:
        """Element by element, there is no difference."""
        row = self.results[0]
        type_ = tensor(dtype_of(row), (count, *dims_of(row)))
        op = type(self).create(operands=repeated(b, count, xs, rows), result_types=[type_])
        b.insert(op)
        return op.results[0]


class ElementwiseOp(PointwiseOp):
    """
    Applies a scalar function to each element.

    (C1) All operands have one shape and one dtype.
    (C2) The function is defined for that dtype.
    (C3) The result has that shape, and that dtype or bool if the function is a predicate.
    """

    SCALAR: ClassVar[Scalar]

    def verify_(self) -> None:
        scalar, first = self.SCALAR, self.operands[0].type
        for x in self.operands[1:]:
            if x.type != first:
                raise VerifyException(
                    f"{scalar.name} (C1): operands {type_text(first)} and {type_text(x)} differ"
                )
        if dtype_of(first).kind not in scalar.takes:
            raise VerifyException(f"{scalar.name} (C2): not defined for {dtype_of(first)}")
        if self.results[0].type != result_type(scalar, first):
            raise VerifyException(
                f"{scalar.name} (C3): result is {type_text(self.results[0])}, "
                f"expected {type_text(result_type(scalar, first))}"
            )

    def lower_scalar(self, s: Body, *operands: SSAValue) -> SSAValue:
        """The function of the statement; the half floats compute in f32 and round once."""
        dtype, lower = dtype_of(self.operands[0]), self.SCALAR.lower
        if accumulator(dtype) is dtype:
            return lower(s, dtype, *operands)
        wide = accumulator(dtype)
        result = lower(s, wide, *(body.cast(s, dtype, wide, x) for x in operands))
        return result if self.SCALAR.predicate else body.cast(s, wide, dtype, result)

    def vjp(self, b: Any, dy: SSAValue) -> Sequence[SSAValue | None]:
        rule = self.SCALAR.vjp
        if rule is None:
            return (None,) * len(self.operands)
        gradients = rule(b, dy, self.results[0], *self.operands)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.operands[0].type)

    @classmethod
    def parse(cls, parser: Parser) -> ElementwiseOp:
        at = parser.pos
        names = parser.parse_comma_separated_list(
            parser.Delimiter.NONE, parser.parse_unresolved_operand
        )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        if len(names) != cls.SCALAR.arity or not isinstance(type_, TensorType):
            parser.raise_error(
                f"{cls.name} takes {cls.SCALAR.arity} operands and a tensor type", at
            )
        operands = parser.resolve_operands(names, [type_] * len(names), at)
        op = cls.create(operands=operands, result_types=[result_type(cls.SCALAR, type_)])
        op.attributes.update(attributes)
        return op


def result_type(scalar: Scalar, operand: Attribute) -> TensorType:
    """Type of the result for operands of type `operand`."""
    if scalar.predicate:
        return tensor(BOOL, dims_of(operand))
    return operand  # type: ignore[return-value]


SCALARS: dict[str, Scalar] = {}
ELEMENTWISE: dict[str, type[ElementwiseOp]] = {}


def _define(scalar: Scalar) -> type[ElementwiseOp]:
    names = ("x",) if scalar.arity == 1 else ("lhs", "rhs")
    members: dict[str, Any] = {n: operand_def(TensorType) for n in names}
    members |= {
        "name": f"nd.{scalar.name}",
        "SCALAR": scalar,
        "res": result_def(TensorType),
        "traits": traits_def(Pure()),
        "__doc__": scalar.doc,
        "__module__": __name__,
        "__annotations__": {"SCALAR": "ClassVar[Scalar]"},
    }
    title = "".join(part.capitalize() for part in scalar.name.split("_")) + "Op"
    cls: type[ElementwiseOp] = irdl_op_definition(type(title, (ElementwiseOp,), members))
    SCALARS[scalar.name], ELEMENTWISE[scalar.name] = scalar, cls
    return cls


def unary(
    name: str, takes: frozenset[Kind], numpy: Callable[..., Any], lower: Any, doc: str, **more: Any
) -> type[ElementwiseOp]:
    """States a function of one argument; `lower` may be just an op class."""
    return _define(Scalar(name, 1, takes, numpy, _lowering(lower), doc, **more))


def binary(
    name: str, takes: frozenset[Kind], numpy: Callable[..., Any], lower: Any, doc: str, **more: Any
) -> type[ElementwiseOp]:
    """States a function of two arguments."""
    return _define(Scalar(name, 2, takes, numpy, _lowering(lower), doc, **more))


def _lowering(lower: Any) -> Lowering:
    if isinstance(lower, type) and issubclass(lower, IRDLOperation):
        return by_kind(lower, lower, lower, lower)
    return lower


# fmt: off
# -- one argument

NegOp = unary("neg", SIGNED, np.negative, by_kind(arith.NegfOp, body.int_neg), "-x.",
              vjp=lambda b, dy, y, x: b.neg(dy), symbol="-")
AbsOp = unary("abs", NUMBER, np.abs, by_kind(math.AbsFOp, body.int_abs, body.identity), "|x|.",
              vjp=lambda b, dy, y, x: b.mul(dy, b.sign(x)))
SignOp = unary("sign", NUMBER, np.sign, by_kind(body.float_sign, body.int_sign),
               "-1, 0 or 1, the sign of x; NaN stays.")
SquareOp = unary("square", NUMBER, np.square, by_kind(body.float_square, body.int_square), "x * x.",
                 vjp=lambda b, dy, y, x: b.mul(dy, b.mul(b.like(x, 2), x)))
ReciprocalOp = unary("reciprocal", FLOAT, ref.reciprocal, body.reciprocal, "1 / x.",
                     vjp=lambda b, dy, y, x: b.neg(b.mul(dy, b.square(y))))
SqrtOp = unary("sqrt", FLOAT, np.sqrt, math.SqrtOp, "Square root.",
               vjp=lambda b, dy, y, x: b.div(dy, b.mul(b.like(x, 2), y)))
RsqrtOp = unary("rsqrt", FLOAT, ref.rsqrt, body.rsqrt, "1 / sqrt(x).",
                vjp=lambda b, dy, y, x: b.mul(dy, b.mul(b.like(x, -0.5), b.div(y, x))))
CbrtOp = unary("cbrt", FLOAT, np.cbrt, math.CbrtOp, "Cube root.", inexact=True,
               vjp=lambda b, dy, y, x: b.div(dy, b.mul(b.like(x, 3), b.square(y))))
ExpOp = unary("exp", FLOAT, np.exp, math.ExpOp, "e to the power x.", inexact=True,
              vjp=lambda b, dy, y, x: b.mul(dy, y))
Exp2Op = unary("exp2", FLOAT, np.exp2, math.Exp2Op, "2 to the power x.", inexact=True,
               vjp=lambda b, dy, y, x: b.mul(dy, b.mul(b.like(x, pymath.log(2)), y)))
Expm1Op = unary("expm1", FLOAT, np.expm1, math.ExpM1Op, "exp(x) - 1, exact near x = 0.",
                inexact=True, vjp=lambda b, dy, y, x: b.mul(dy, b.exp(x)))
LogOp = unary("log", FLOAT, np.log, math.LogOp, "Natural logarithm.", inexact=True,
              vjp=lambda b, dy, y, x: b.div(dy, x))
Log2Op = unary("log2", FLOAT, np.log2, math.Log2Op, "Logarithm to base 2.", inexact=True,
               vjp=lambda b, dy, y, x: b.div(dy, b.mul(b.like(x, pymath.log(2)), x)))
Log10Op = unary("log10", FLOAT, np.log10, math.Log10Op, "Logarithm to base 10.", inexact=True,
                vjp=lambda b, dy, y, x: b.div(dy, b.mul(b.like(x, pymath.log(10)), x)))
Log1pOp = unary("log1p", FLOAT, np.log1p, math.Log1pOp, "log(x + 1), exact near x = 0.",
                inexact=True,
                vjp=lambda b, dy, y, x: b.div(dy, b.add(b.like(x, 1), x)))
SinOp = unary("sin", FLOAT, np.sin, math.SinOp, "Sine of x in radians.", inexact=True,
              vjp=lambda b, dy, y, x: b.mul(dy, b.cos(x)))
CosOp = unary("cos", FLOAT, np.cos, math.CosOp, "Cosine of x in radians.", inexact=True,
              vjp=lambda b, dy, y, x: b.neg(b.mul(dy, b.sin(x))))
TanOp = unary("tan", FLOAT, np.tan, math.TanOp, "Tangent of x in radians.", inexact=True,
              vjp=lambda b, dy, y, x: b.mul(dy, b.add(b.like(x, 1), b.square(y))))
AsinOp = unary("asin", FLOAT, np.arcsin, math.AsinOp, "Inverse sine, in radians.", inexact=True,
               vjp=lambda b, dy, y, x: b.div(dy, b.sqrt(b.sub(b.like(x, 1), b.square(x)))))
AcosOp = unary("acos", FLOAT, np.arccos, math.AcosOp, "Inverse cosine, in radians.", inexact=True,
               vjp=lambda b, dy, y, x:
               b.neg(b.div(dy, b.sqrt(b.sub(b.like(x, 1), b.square(x))))))
AtanOp = unary("atan", FLOAT, np.arctan, math.AtanOp, "Inverse tangent, in radians.", inexact=True,
               vjp=lambda b, dy, y, x: b.div(dy, b.add(b.like(x, 1), b.square(x))))
SinhOp = unary("sinh", FLOAT, np.sinh, math.SinhOp, "Hyperbolic sine.", inexact=True,
               vjp=lambda b, dy, y, x: b.mul(dy, b.cosh(x)))
CoshOp = unary("cosh", FLOAT, np.cosh, math.CoshOp, "Hyperbolic cosine.", inexact=True,
               vjp=lambda b, dy, y, x: b.mul(dy, b.sinh(x)))
TanhOp = unary("tanh", FLOAT, np.tanh, math.TanhOp, "Hyperbolic tangent.", inexact=True,
               vjp=lambda b, dy, y, x: b.mul(dy, b.sub(b.like(x, 1), b.square(y))))
AsinhOp = unary("asinh", FLOAT, np.arcsinh, math.AsinhOp, "Inverse hyperbolic sine.", inexact=True,
                vjp=lambda b, dy, y, x:
                b.div(dy, b.sqrt(b.add(b.square(x), b.like(x, 1)))))
AcoshOp = unary("acosh", FLOAT, np.arccosh, math.AcoshOp, "Inverse hyperbolic cosine.",
                inexact=True, vjp=lambda b, dy, y, x:
                b.div(dy, b.sqrt(b.sub(b.square(x), b.like(x, 1)))))
AtanhOp = unary("atanh", FLOAT, np.arctanh, math.AtanhOp, "Inverse hyperbolic tangent.",
                inexact=True, vjp=lambda b, dy, y, x:
                b.div(dy, b.sub(b.like(x, 1), b.square(x))))
ErfOp = unary("erf", FLOAT, ref.erf, math.ErfOp, "Error function.", inexact=True,
              vjp=lambda b, dy, y, x: b.mul(dy, b.mul(
                  b.like(x, 2 / pymath.sqrt(pymath.pi)), b.exp(b.neg(b.square(x))))))
ErfcOp = unary("erfc", FLOAT, special.erfc, body.special("erfc"),
               "1 - erf(x), with all digits where erf is near 1.", inexact=True,
               vjp=lambda b, dy, y, x: b.mul(dy, b.mul(
                   b.like(x, -2 / pymath.sqrt(pymath.pi)), b.exp(b.neg(b.square(x))))))
ErfinvOp = unary("erfinv", FLOAT, special.erfinv, body.special("erfinv"),
                 "The inverse of erf on [-1, 1].", inexact=True,
                 vjp=lambda b, dy, y, x: b.mul(dy, b.mul(
                     b.like(x, pymath.sqrt(pymath.pi) / 2), b.exp(b.square(y)))))
LgammaOp = unary("lgamma", FLOAT, special.lgamma, body.special("lgamma"),
                 "log|gamma(x)|, the logarithm of (x - 1)!.", inexact=True,
                 vjp=lambda b, dy, y, x: b.mul(dy, b.scalar("digamma", x)))
DigammaOp = unary("digamma", FLOAT, special.digamma, body.special("digamma"),
                  "The derivative of lgamma.", inexact=True,
                  vjp=lambda b, dy, y, x:
                  b.mul(dy, b.scalar("polygamma", b.like(x, 1), x)))
SigmoidOp = unary("sigmoid", FLOAT, ref.sigmoid, body.sigmoid, "1 / (1 + exp(-x)).", inexact=True,
                  vjp=lambda b, dy, y, x:
                  b.mul(dy, b.mul(y, b.sub(b.like(x, 1), y))))
SoftplusOp = unary("softplus", FLOAT, ref.softplus, body.softplus,
                   "log(1 + exp(x)) without overflow.", inexact=True,
                   vjp=lambda b, dy, y, x: b.mul(dy, b.sigmoid(x)))
FloorOp = unary("floor", FLOAT, np.floor, math.FloorOp, "Largest integer not above x.")
CeilOp = unary("ceil", FLOAT, np.ceil, math.CeilOp, "Smallest integer not below x.")
TruncOp = unary("trunc", FLOAT, np.trunc, math.TruncOp, "x without its fraction.")
RoundOp = unary("round", FLOAT, np.round, math.RoundEvenOp, "Nearest integer, ties to even.")
IsnanOp = unary("isnan", FLOAT, np.isnan, body.isnan, "Whether x is NaN.", predicate=True)
IsinfOp = unary("isinf", FLOAT, np.isinf, body.isinf, "Whether x is infinite.", predicate=True)
IsfiniteOp = unary("isfinite", FLOAT, np.isfinite, body.isfinite,
                   "Whether x is neither infinite nor NaN.", predicate=True)
NotOp = unary("not", BITS, np.invert, body.bit_not, "Logical not, or all bits inverted.")

# -- two arguments
# fmt: on


def _extremum(b: Any, dy: SSAValue, y: SSAValue, x1: SSAValue, x2: SSAValue) -> Sequence[SSAValue]:
    """The larger (smaller) operand takes the gradient, equal ones half each."""
    half, zero = b.mul(dy, b.like(dy, 0.5)), b.like(dy, 0)
    tie = b.eq(x1, x2)
    return tuple(b.where(tie, half, b.where(b.eq(x, y), dy, zero)) for x in (x1, x2))


def _power(b: Any, dy: SSAValue, y: SSAValue, x: SSAValue, k: SSAValue) -> Sequence[SSAValue]:
    """k * x**(k - 1) with 0 at k = 0, and y * log(x) with 0 where x = 0."""
    zero, one = b.like(x, 0), b.like(x, 1)
    dx = b.where(b.eq(k, zero), zero, b.mul(k, b.pow(x, b.sub(k, one))))
    dk = b.mul(y, b.log(b.where(b.eq(x, zero), one, x)))
    return b.mul(dy, dx), b.mul(dy, dk)


def _hypotenuse(b: Any, y: SSAValue, x: SSAValue) -> SSAValue:
    return b.add(b.square(y), b.square(x))


# fmt: off
AddOp = binary("add", NUMBER, np.add, by_kind(arith.AddfOp, arith.AddiOp), "x + y.",
               vjp=lambda b, dy, r, x, y: (dy, dy), commutes=True, symbol="+")
SubOp = binary("sub", NUMBER, np.subtract, by_kind(arith.SubfOp, arith.SubiOp), "x - y.",
               vjp=lambda b, dy, r, x, y: (dy, b.neg(dy)), symbol="-")
MulOp = binary("mul", NUMBER, np.multiply, by_kind(arith.MulfOp, arith.MuliOp), "x * y.",
               vjp=lambda b, dy, r, x, y: (b.mul(dy, y), b.mul(dy, x)),
               commutes=True, symbol="*")
DivOp = binary("div", FLOAT, np.divide, arith.DivfOp, "x / y.",
               vjp=lambda b, dy, r, x, y: (b.div(dy, y), b.neg(b.div(b.mul(dy, r), y))),
               symbol="/")
FloordivOp = binary("floordiv", NUMBER, ref.floordiv,
                    by_kind(body.float_floordiv, body.int_floordiv), "x / y rounded down.",
                    symbol="//")
ModOp = binary("mod", NUMBER, ref.mod, by_kind(body.float_mod, body.int_mod),
               "The remainder of x // y, with the sign of y.",
               vjp=lambda b, dy, r, x, y: (dy, b.neg(b.mul(dy, b.floordiv(x, y)))),
               symbol="%")
PowOp = binary("pow", NUMBER, ref.power, by_kind(math.PowFOp, body.int_pow), "x to the power y.",
               vjp=_power, inexact=True, symbol="**")
MaxOp = binary("maximum", NUMBER, ref.maximum,
               by_kind(arith.MaximumfOp, arith.MaxSIOp, arith.MaxUIOp),
               "The larger of x and y; NaN if either is.", vjp=_extremum, commutes=True)
MinOp = binary("minimum", NUMBER, ref.minimum,
               by_kind(arith.MinimumfOp, arith.MinSIOp, arith.MinUIOp),
               "The smaller of x and y; NaN if either is.", vjp=_extremum, commutes=True)
FmaxOp = binary("fmax", FLOAT, ref.fmax, arith.MaxnumfOp, "The larger of x and y, ignoring NaN.",
                vjp=_extremum, commutes=True)
FminOp = binary("fmin", FLOAT, ref.fmin, arith.MinnumfOp, "The smaller of x and y, ignoring NaN.",
                vjp=_extremum, commutes=True)
Atan2Op = binary("atan2", FLOAT, np.arctan2, math.Atan2Op,
                 "Angle of the point (y, x), in radians; the first operand is y.", inexact=True,
                 vjp=lambda b, dy, r, y, x: (
                     b.div(b.mul(dy, x), _hypotenuse(b, y, x)),
                     b.neg(b.div(b.mul(dy, y), _hypotenuse(b, y, x)))))
PolygammaOp = binary("polygamma", FLOAT, special.polygamma, body.special("polygamma"),
                     "The derivative of digamma at x, of an order from 0 to 170; order first.",
                     inexact=True, vjp=lambda b, dy, r, n, x: (
                         None, b.mul(dy, b.scalar("polygamma", b.add(n, b.like(n, 1)), x))))
CopysignOp = binary("copysign", FLOAT, np.copysign, math.CopySignOp, "|x| with the sign of y.",
                    vjp=lambda b, dy, r, x, y:
                    (b.mul(dy, b.mul(b.sign(x), b.sign(r))), None))
AndOp = binary("and", BITS, np.bitwise_and, arith.AndIOp, "x and y, bit by bit.", commutes=True)
OrOp = binary("or", BITS, np.bitwise_or, arith.OrIOp, "x or y, bit by bit.", commutes=True)
XorOp = binary("xor", BITS, np.bitwise_xor, arith.XOrIOp, "Bits in which x and y differ.",
               commutes=True)
ShiftLeftOp = binary("shift_left", INTEGER, ref.shift_left, body.shift_left,
                     "x * 2**y, without the bits that leave.")
ShiftRightOp = binary("shift_right", INTEGER, ref.shift_right, body.shift_right,
                      "x / 2**y rounded down.")
# fmt: on


def _comparison(name: str, how: str, numpy: Callable[..., Any], doc: str, symbol: str) -> Any:
    def lower(s: Body, dtype: DType, x: SSAValue, y: SSAValue) -> SSAValue:
        return s.compare(how, x, y, dtype)

    takes = ANY if how in ("eq", "ne") else NUMBER
    commutes = how in ("eq", "ne")
    return binary(name, takes, numpy, lower, doc, predicate=True, symbol=symbol, commutes=commutes)


EqOp = _comparison("eq", "eq", np.equal, "Whether x equals y; NaN equals nothing.", "==")
NeOp = _comparison("ne", "ne", np.not_equal, "Whether x differs from y.", "!=")
LtOp = _comparison("lt", "lt", np.less, "Whether x is below y.", "<")
LeOp = _comparison("le", "le", np.less_equal, "Whether x is y or below.", "<=")
GtOp = _comparison("gt", "gt", np.greater, "Whether x is above y.", ">")
GeOp = _comparison("ge", "ge", np.greater_equal, "Whether x is y or above.", ">=")
