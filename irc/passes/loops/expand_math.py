"""
Elementary functions from arithmetic: they vectorize in any compiler, with the same bits everywhere.

    math.exp %x : f32     ->     func.call @irc.exp_f32(%x)      // private, made of arith ops

Maximum errors in ulp, measured in tests: exp 1, log 1, the others 4. Special values
are NumPy's. What is not listed here stays a call of libm.

Sources: the reductions and the coefficients of the logarithm are those of fdlibm (Sun
Microsystems, 1993); exponentials use Taylor's series on |r| <= ln(2)/2, where it is short.
"""

from __future__ import annotations

import math as pymath
import struct
from collections.abc import Callable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    Float32Type,
    Float64Type,
    ModuleOp,
    StringAttr,
    UnitAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from irc.dialects.nd.body import Body, storage
from irc.dtypes import DTYPES, DType
from irc.passes.loops.helpers import HELPER, PREFIX
from irc.target import parse


@dataclass(frozen=True)
class ExpandMathPass(ModulePass):
    """
    Needs the loop level. Leaves exp, expm1, exp2, log, log1p, log2, log10 and tanh of f32 and f64
    as calls of private functions made of arithmetic.

    target   the CPU; where it has no fused multiply-add, a product and a sum take its place
    """

    name = "loops-expand-math"

    target: str = "cpu:native"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fused = parse(self.target).fma
        made: set[str] = set()
        for child in list(op.body.block.ops):
            if not isinstance(child, func.FuncOp):
                continue
            for inner in list(child.walk()):
                builder = _FUNCTIONS.get(type(inner))
                if builder is not None and type(inner.results[0].type) in _DTYPES:
                    _replace(inner, builder, op, made, fused)


def _replace(op: Operation, build: _Builder, module: ModuleOp, made: set[str], fused: bool) -> None:
    type_ = op.results[0].type
    name = f"{PREFIX}{op.name.removeprefix('math.')}_{type_}"
    if name not in made:
        made.add(name)
        module.body.block.add_op(_function(name, build, type_, fused, op))
    call = func.CallOp(name, [op.operands[0]], [type_])
    call.location = op.location
    assert op.parent is not None
    op.parent.insert_op_before(call, op)
    call.results[0].name_hint = op.results[0].name_hint
    op.results[0].replace_all_uses_with(call.results[0])
    op.detach()
    op.erase()


def _function(
    name: str, build: _Builder, type_: Attribute, fused: bool, op: Operation
) -> func.FuncOp:
    block = Block(arg_types=[type_])
    block.args[0].name_hint = "x"
    f = _Float(block, DTYPES[_DTYPES[type(type_)]], fused)
    block.add_op(func.ReturnOp(build(f, block.args[0])))
    function = func.FuncOp(
        name,
        ([type_], [type_]),
        Region(block),
        visibility=StringAttr("private"),
        arg_attrs=ArrayAttr([DictionaryAttr({"irc.kind": StringAttr("in")})]),
    )
    function.attributes[HELPER] = UnitAttr()
    function.attributes["irc.sizes"] = ArrayAttr([])
    function.location = op.location
    return function


_UNKNOWN = UnknownLoc()
_DTYPES: dict[type[Attribute], str] = {Float32Type: "f32", Float64Type: "f64"}

# ln(2) in two parts: products of the first with exponents are exact.
_LN2 = {
    "f32": (0.693359375, -2.12194440e-4),
    "f64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
_LOG = {
    "f32": (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
    "f64": (
        6.666666666666735130e-01,
        3.999999999940941908e-01,
        2.857142874366239149e-01,
        2.222219843214978396e-01,
        1.818357216161805012e-01,
        1.531383769920937332e-01,
        1.479819860511658591e-01,
    ),
}


class _Float:
    """A pen for functions of one float type, and what is known about that type."""

    def __init__(self, block: Block, dtype: DType, fused: bool) -> None:
        self.body = Body(block, _UNKNOWN)
        self.dtype = dtype
        self.fused = fused
        self.single = dtype.name == "f32"
        self.integer = DTYPES["i32" if self.single else "i64"]
        self.fraction_bits = 23 if self.single else 52
        self.bias = 127 if self.single else 1023
        # Adding this leaves the nearest integer in the lowest bits.
        self.magic = 1.5 * 2.0**self.fraction_bits

    # -- numbers

    def const(self, value: float) -> SSAValue:
        return self.body.const(value, self.dtype)

    def add(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.op(arith.AddfOp, a, b)

    def sub(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.op(arith.SubfOp, a, b)

    def mul(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.op(arith.MulfOp, a, b)

    def div(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.op(arith.DivfOp, a, b)

    def fma(self, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
        if self.fused:
            return self.body.op(math.FmaOp, a, b, c)
        return self.add(self.mul(a, b), c)

    def select(self, c: SSAValue, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.select(c, a, b)

    def less(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.compare("lt", a, b, self.dtype)

    def equal(self, a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.compare("eq", a, b, self.dtype)

    def horner(self, x: SSAValue, coefficients: list[float]) -> SSAValue:
        """A polynomial, the coefficient of the highest power first."""
        total = self.const(coefficients[0])
        for c in coefficients[1:]:
            total = self.fma(total, x, self.const(c))
        return total

    # -- bits

    def int(self, value: int) -> SSAValue:
        return self.body.const(value, self.integer)

    def int_op(self, cls: type[Operation], a: SSAValue, b: SSAValue) -> SSAValue:
        return self.body.op(cls, a, b)  # type: ignore[arg-type]

    def bits(self, x: SSAValue) -> SSAValue:
        return self.body.to(arith.BitcastOp, x, storage(self.integer))

    def value(self, bits: SSAValue) -> SSAValue:
        return self.body.to(arith.BitcastOp, bits, storage(self.dtype))

    def number(self, i: SSAValue) -> SSAValue:
        return self.body.to(arith.SIToFPOp, i, storage(self.dtype))

    def power(self, n: SSAValue) -> SSAValue:
        """2**n for an integer n in the range of normal numbers."""
        biased = self.int_op(arith.AddiOp, n, self.int(self.bias))
        return self.value(self.int_op(arith.ShLIOp, biased, self.int(self.fraction_bits)))


_Builder = Callable[[_Float, SSAValue], SSAValue]


# -- exponentials


def _split(f: _Float, x: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue]:
    """x = n ln(2) + r + rest: (n as an integer, r, rest), |r| <= ln(2)/2, rest below r's digits."""
    high, low = _LN2[f.dtype.name]
    shifted = f.fma(x, f.const(1 / pymath.log(2)), f.const(f.magic))
    n = f.sub(shifted, f.const(f.magic))
    whole = f.fma(n, f.const(-high), x)
    r = f.fma(n, f.const(-low), whole)
    rest = f.fma(n, f.const(-low), f.sub(whole, r))
    return _integer(f, shifted), r, rest


def _integer(f: _Float, shifted: SSAValue) -> SSAValue:
    """The integer in the lowest bits of a number to which `magic` was added."""
    magic = int.from_bytes(_pack(f.magic, f.single), "little")
    return f.int_op(arith.SubiOp, f.bits(shifted), f.int(magic))


def _pack(value: float, single: bool) -> bytes:
    return struct.pack("<f" if single else "<d", value)


def _series(f: _Float, r: SSAValue, rest: SSAValue | None = None) -> SSAValue:
    """e**(r + rest) - 1 = r + (r**2 (1/2 + r/6 + ...) + rest)."""
    degree = 7 if f.single else 13
    tail = f.horner(r, [1 / pymath.factorial(k) for k in range(degree, 1, -1)])
    if rest is None:
        return f.fma(f.mul(r, r), tail, r)
    return f.add(r, f.fma(f.mul(r, r), tail, rest))


def _scaled(f: _Float, p: SSAValue, n: SSAValue) -> SSAValue:
    """p 2**n in two steps, since 2**n alone may not be a normal number."""
    half = f.int_op(arith.ShRSIOp, n, f.int(1))
    rest = f.int_op(arith.SubiOp, n, half)
    return f.mul(f.mul(p, f.power(half)), f.power(rest))


def _clamp(f: _Float, x: SSAValue, low: float, high: float) -> SSAValue:
    """x between two bounds; NaN stays."""
    above = f.select(f.less(x, f.const(low)), f.const(low), x)
    return f.select(f.less(f.const(high), above), f.const(high), above)


def _exp(f: _Float, x: SSAValue) -> SSAValue:
    """Beyond the bounds the scaling gives 0 and infinity by itself."""
    bounded = _clamp(f, x, *((-104.0, 89.0) if f.single else (-746.0, 710.0)))
    n, r, rest = _split(f, bounded)
    return _scaled(f, f.add(_series(f, r, rest), f.const(1.0)), n)


def _exp2(f: _Float, x: SSAValue) -> SSAValue:
    bounded = _clamp(f, x, *((-151.0, 129.0) if f.single else (-1076.0, 1025.0)))
    shifted = f.add(bounded, f.const(f.magic))
    r = f.mul(f.sub(bounded, f.sub(shifted, f.const(f.magic))), f.const(pymath.log(2)))
    p = f.add(_series(f, r), f.const(1.0))
    return _scaled(f, p, _integer(f, shifted))


def _expm1(f: _Float, x: SSAValue) -> SSAValue:
    """2 (2**(n-1) (e**r - 1) + (2**(n-1) - 1/2)): nothing overflows before the result does."""
    bounded = _clamp(f, x, *((-30.0, 89.0) if f.single else (-60.0, 710.0)))
    n, r, rest = _split(f, bounded)
    scale = f.power(f.int_op(arith.SubiOp, n, f.int(1)))
    half = f.fma(_series(f, r, rest), scale, f.sub(scale, f.const(0.5)))
    result = f.add(half, half)
    return f.select(f.equal(x, f.const(0.0)), x, result)


def _tanh(f: _Float, x: SSAValue) -> SSAValue:
    """1 - 2/(e**2|x| + 1) for large |x|, t/(t + 2) with t = e**2|x| - 1 everywhere else."""
    size = f.body.op(math.AbsFOp, x)
    bounded = _clamp(f, size, 0.0, 10.0 if f.single else 22.0)
    t = _expm1(f, f.add(bounded, bounded))
    return f.body.op(math.CopySignOp, f.div(t, f.add(t, f.const(2.0))), x)


# -- logarithms


def _reduce(f: _Float, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x = 2**k (1 + g) for a normal x: (k as an integer, g), 1 + g between sqrt(1/2), sqrt(2)."""
    start = int.from_bytes(_pack(pymath.sqrt(0.5), f.single), "little")
    mask = (1 << f.fraction_bits) - 1
    offset = f.int_op(arith.SubiOp, f.bits(x), f.int(start))
    k = f.int_op(arith.ShRSIOp, offset, f.int(f.fraction_bits))
    low = f.int_op(arith.AndIOp, offset, f.int(mask))
    m = f.value(f.int_op(arith.AddiOp, low, f.int(start)))
    return k, f.sub(m, f.const(1.0))


def _log_parts(f: _Float, g: SSAValue) -> tuple[SSAValue, SSAValue]:
    """log(1 + g) = g - (h - s (h + R)): (h = g**2 / 2, s (h + R)), s = g / (2 + g)."""
    s = f.div(g, f.add(f.const(2.0), g))
    z = f.mul(s, s)
    tail = f.mul(z, f.horner(z, list(reversed(_LOG[f.dtype.name]))))
    half = f.mul(f.mul(f.const(0.5), g), g)
    return half, f.mul(s, f.add(half, tail))


def _normal(f: _Float, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """(x made normal, what that adds to its exponent)."""
    smallest = 2.0 ** (1 - f.bias)
    shift = 25 if f.single else 54
    tiny = f.less(x, f.const(smallest))
    scaled = f.select(tiny, f.mul(x, f.const(2.0**shift)), x)
    return scaled, f.select(tiny, f.int(shift), f.int(0))


def _edges(f: _Float, x: SSAValue, result: SSAValue, zero: float = 0.0) -> SSAValue:
    """The logarithm where x is `zero` (-inf), below (NaN), infinite or NaN (x)."""
    infinite = f.const(float("inf"))
    finite = f.less(x, infinite)
    result = f.select(finite, result, x)
    result = f.select(f.less(x, f.const(zero)), f.const(float("nan")), result)
    return f.select(f.equal(x, f.const(zero)), f.const(float("-inf")), result)


def _log(f: _Float, x: SSAValue) -> SSAValue:
    normal, shift = _normal(f, x)
    k, g = _reduce(f, normal)
    exponent = f.number(f.int_op(arith.SubiOp, k, shift))
    half, tail = _log_parts(f, g)
    high, low = _LN2[f.dtype.name]
    small = f.fma(exponent, f.const(low), tail)
    result = f.fma(exponent, f.const(high), f.sub(g, f.sub(half, small)))
    return _edges(f, x, result)


def _log_base(base: float) -> _Builder:
    """log(1 + g) / log(base) + k log(2) / log(base)."""

    def build(f: _Float, x: SSAValue) -> SSAValue:
        normal, shift = _normal(f, x)
        k, g = _reduce(f, normal)
        exponent = f.number(f.int_op(arith.SubiOp, k, shift))
        half, tail = _log_parts(f, g)
        natural = f.sub(g, f.sub(half, tail))
        step = pymath.log(2) / pymath.log(base)
        result = f.fma(
            natural,
            f.const(1 / pymath.log(base)),
            f.mul(exponent, f.const(step)) if step != 1 else exponent,
        )
        return _edges(f, x, result)

    return build


def _log1p(f: _Float, x: SSAValue) -> SSAValue:
    """log(u) for u = 1 + x as rounded, and what the rounding lost, divided by u."""
    one = f.const(1.0)
    u = f.add(x, one)
    k, g = _reduce(f, u)
    near = f.body.compare("eq", k, f.int(0), f.integer)
    large = f.less(one, x)
    lost = f.select(large, f.sub(one, f.sub(u, x)), f.sub(x, f.sub(u, one)))
    lost = f.select(near, f.const(0.0), f.div(lost, u))
    g = f.select(near, x, g)
    exponent = f.number(k)
    half, tail = _log_parts(f, g)
    high, low = _LN2[f.dtype.name]
    small = f.add(f.fma(exponent, f.const(low), lost), tail)
    result = f.fma(exponent, f.const(high), f.sub(g, f.sub(half, small)))
    result = f.select(f.equal(x, f.const(0.0)), x, result)
    return _edges(f, x, result, zero=-1.0)


_FUNCTIONS: dict[type[Operation], _Builder] = {
    math.ExpOp: _exp,
    math.Exp2Op: _exp2,
    math.ExpM1Op: _expm1,
    math.TanhOp: _tanh,
    math.LogOp: _log,
    math.Log2Op: _log_base(2.0),
    math.Log10Op: _log_base(10.0),
    math.Log1pOp: _log1p,
}
