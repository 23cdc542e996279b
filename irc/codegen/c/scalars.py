"""How arith, math and vector ops are spelled: tables, and the few that need more."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    Float32Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    VectorType,
)
from xdsl.ir import Attribute, Operation, SSAValue

from irc.codegen.c.foreign import value_type
from irc.codegen.c.scope import (
    ATOM,
    BITS,
    CHOICE,
    COMPARISON,
    EQUALITY,
    PRODUCT,
    SHIFT,
    SUM,
    UNARY,
    Expr,
    Scope,
)
from irc.codegen.c.types import c_type, is_bool, is_half, literal, suffix, unsigned
from irc.dialects import rt
from irc.dialects.foreign import ForeignOp
from irc.dialects.upstream import RemfOp
from irc.errors import InternalError

Speller = Callable[[Operation, Scope], Expr]

# Operators on floats, on indices and on vectors; integers wrap through helpers.
_INFIX: dict[type[Operation], tuple[str, int]] = {
    arith.AddfOp: ("+", SUM),
    arith.SubfOp: ("-", SUM),
    arith.MulfOp: ("*", PRODUCT),
    arith.DivfOp: ("/", PRODUCT),
    arith.AddiOp: ("+", SUM),
    arith.SubiOp: ("-", SUM),
    arith.MuliOp: ("*", PRODUCT),
    arith.AndIOp: ("&", BITS),
    arith.OrIOp: ("|", BITS),
    arith.XOrIOp: ("^", BITS),
    arith.DivUIOp: ("/", PRODUCT),
    arith.RemUIOp: ("%", PRODUCT),
    arith.DivSIOp: ("/", PRODUCT),
    arith.RemSIOp: ("%", PRODUCT),
}
# Helpers of mathlib.h, one for each integer type: irc_add_i32.
_INTEGER: dict[type[Operation], str] = {
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "xor",
    arith.DivSIOp: "divs",
    arith.DivUIOp: "divu",
    arith.RemSIOp: "rems",
    arith.RemUIOp: "remu",
    arith.FloorDivSIOp: "floordivs",
    arith.CeilDivSIOp: "ceildivs",
    arith.CeilDivUIOp: "ceildivu",
    arith.ShLIOp: "shl",
    arith.ShRUIOp: "shru",
    arith.ShRSIOp: "shrs",
    arith.MinSIOp: "mins",
    arith.MaxSIOp: "maxs",
    arith.MinUIOp: "minu",
    arith.MaxUIOp: "maxu",
    math.AbsIOp: "abs",
    math.CountLeadingZerosOp: "ctlz",
    math.CountTrailingZerosOp: "cttz",
    math.CtPopOp: "ctpop",
    math.IPowIOp: "pow",
}
# Functions of libm; float adds an f.
_LIBM: dict[type[Operation], str] = {
    math.AbsFOp: "fabs",
    math.AcosOp: "acos",
    math.AcoshOp: "acosh",
    math.AsinOp: "asin",
    math.AsinhOp: "asinh",
    math.Atan2Op: "atan2",
    math.AtanOp: "atan",
    math.AtanhOp: "atanh",
    math.CbrtOp: "cbrt",
    math.CeilOp: "ceil",
    math.CopySignOp: "copysign",
    math.CosOp: "cos",
    math.CoshOp: "cosh",
    math.ErfOp: "erf",
    math.Exp2Op: "exp2",
    math.ExpM1Op: "expm1",
    math.ExpOp: "exp",
    math.FloorOp: "floor",
    math.FmaOp: "fma",
    math.Log10Op: "log10",
    math.Log1pOp: "log1p",
    math.Log2Op: "log2",
    math.LogOp: "log",
    math.PowFOp: "pow",
    math.RoundEvenOp: "rint",
    math.RoundOp: "round",
    math.SinOp: "sin",
    math.SinhOp: "sinh",
    math.SqrtOp: "sqrt",
    math.TanOp: "tan",
    math.TanhOp: "tanh",
    math.TruncOp: "trunc",
    RemfOp: "fmod",
}
# Helpers for floats: irc_maximum_f32.
_FLOAT: dict[type[Operation], str] = {
    arith.MaximumfOp: "maximum",
    arith.MinimumfOp: "minimum",
    arith.MaxnumfOp: "maxnum",
    arith.MinnumfOp: "minnum",
    math.RsqrtOp: "rsqrt",
}
_COMPARE = {0: "==", 1: "!=", 2: "<", 3: "<=", 4: ">", 5: ">=", 6: "<", 7: "<=", 8: ">", 9: ">="}
# cmpf: ordered comparisons are C's; an unordered one is the opposite of the opposite.
_ORDERED = {1: "==", 2: ">", 3: ">=", 4: "<", 5: "<=", 13: "!="}
_UNORDERED = {9: "<=", 10: "<", 11: ">=", 12: ">"}


def _operand(op: Operation, c: Scope, number: int, limit: int) -> str:
    return c.name(op.operands[number], limit)


def _float_operand(value: SSAValue, c: Scope, limit: int) -> str:
    """A float value to compute with: half floats as float."""
    if is_half(value.type):
        return f"irc_{suffix(value.type)}_to_f32({c.name(value, CHOICE)})"
    return c.name(value, limit)


def _float_result(expr: Expr, type_: Attribute) -> Expr:
    if is_half(type_):
        return f"irc_f32_to_{suffix(type_)}({expr[0]})", ATOM
    return expr


def spell_infix(op: Operation, c: Scope) -> Expr:
    """Floats, indices and vectors by operators; integers, which wrap, by helpers."""
    type_ = op.results[0].type
    symbol, binding = _INFIX[type(op)]
    if isinstance(type_, IndexType | VectorType) or type(op) in (
        arith.AddfOp,
        arith.SubfOp,
        arith.MulfOp,
        arith.DivfOp,
    ):
        left = _float_operand(op.operands[0], c, binding)
        right = _float_operand(op.operands[1], c, binding - 1)
        return _float_result((f"{left} {symbol} {right}", binding), type_)
    if is_bool(type_):
        return _spell_logic(op, c)
    return spell_integer(op, c)


_LOGIC: dict[type[Operation], tuple[str, int]] = {
    arith.AndIOp: ("&", BITS),
    arith.OrIOp: ("|", BITS),
    arith.MuliOp: ("&", BITS),
    arith.XOrIOp: ("!=", EQUALITY),
    arith.AddiOp: ("!=", EQUALITY),
    arith.SubiOp: ("!=", EQUALITY),
}


def _spell_logic(op: Operation, c: Scope) -> Expr:
    symbol, binding = _LOGIC[type(op)]
    if isinstance(op, arith.XOrIOp) and _is_true(op.operands[1]):
        return f"!{_operand(op, c, 0, UNARY)}", UNARY
    if symbol == "!=" and op.operands[0] is op.operands[1]:  # C compilers warn of that
        return f"((void){_operand(op, c, 0, ATOM)}, false)", ATOM
    # Two different operators of bits beside each other are easy to misread: always parentheses.
    left, right = (_operand(op, c, n, UNARY) for n in (0, 1))
    return f"{left} {symbol} {right}", binding


def _is_true(value: SSAValue) -> bool:
    op = value.owner
    return (
        isinstance(op, arith.ConstantOp)
        and isinstance(op.value, IntegerAttr)
        and bool(op.value.value.data)
    )


# On 32 and 64 bits C's operators do, on unsigned operands where a result may wrap.
_DIRECT: dict[type[Operation], tuple[str, int]] = {
    arith.AndIOp: ("&", BITS),
    arith.OrIOp: ("|", BITS),
    arith.XOrIOp: ("^", BITS),
}
_WRAPPING: dict[type[Operation], tuple[str, int]] = {
    arith.AddiOp: ("+", SUM),
    arith.SubiOp: ("-", SUM),
    arith.MuliOp: ("*", PRODUCT),
    arith.ShRUIOp: (">>", SHIFT),
    arith.ShLIOp: ("<<", SHIFT),
}


def spell_integer(op: Operation, c: Scope) -> Expr:
    type_ = op.results[0].type
    if isinstance(type_, IntegerType) and type_.width.data >= 32:
        if type(op) in _DIRECT:
            symbol, binding = _DIRECT[type(op)]
            return f"{_operand(op, c, 0, UNARY)} {symbol} {_operand(op, c, 1, UNARY)}", binding
        if type(op) in _WRAPPING:
            symbol, _ = _WRAPPING[type(op)]
            left = f"({unsigned(type_)}){_operand(op, c, 0, UNARY)}"
            right = _operand(op, c, 1, UNARY)
            if symbol in "+-*":
                right = f"({unsigned(type_)}){right}"
            return f"({c_type(type_)})({left} {symbol} {right})", UNARY
    name = _INTEGER[type(op)]
    arguments = ", ".join(c.name(v, CHOICE) for v in op.operands)
    return f"irc_{name}_{suffix(type_)}({arguments})", ATOM


def spell_libm(op: Operation, c: Scope) -> Expr:
    type_ = op.results[0].type
    end = "" if c_type(type_) == "double" else "f"
    arguments = ", ".join(_float_operand(v, c, CHOICE) for v in op.operands)
    return _float_result((f"{_LIBM[type(op)]}{end}({arguments})", ATOM), type_)


def spell_float(op: Operation, c: Scope) -> Expr:
    type_ = op.results[0].type
    end = "f32" if is_half(type_) else suffix(type_)
    arguments = ", ".join(_float_operand(v, c, CHOICE) for v in op.operands)
    return _float_result((f"irc_{_FLOAT[type(op)]}_{end}({arguments})", ATOM), type_)


def spell_negf(op: Operation, c: Scope) -> Expr:
    operand = op.operands[0]
    return _float_result((f"-{_float_operand(operand, c, ATOM)}", UNARY), operand.type)


def spell_fpowi(op: Operation, c: Scope) -> Expr:
    type_ = op.results[0].type
    end = "" if c_type(type_) == "double" else "f"
    base, power = _float_operand(op.operands[0], c, CHOICE), _operand(op, c, 1, UNARY)
    kind = "double" if not end else "float"
    return _float_result((f"pow{end}({base}, ({kind}){power})", ATOM), type_)


def spell_cmpi(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    symbol = _COMPARE[predicate]
    type_ = op.lhs.type
    limit = COMPARISON if predicate >= 2 else EQUALITY
    if (known := _settled(op, predicate)) is not None:
        read = _operand(op, c, int(isinstance(op.lhs.owner, arith.ConstantOp)), ATOM)
        return f"((void){read}, {'true' if known else 'false'})", ATOM
    if predicate >= 6 and not is_bool(type_):
        cast = unsigned(type_) if not isinstance(type_, IndexType) else "uint64_t"
        left, right = (f"({cast}){_operand(op, c, n, UNARY)}" for n in (0, 1))
    elif 2 <= predicate <= 5 and is_bool(type_):  # true is -1
        left, right = (f"-{_operand(op, c, n, ATOM)}" for n in (0, 1))
    else:
        left, right = _operand(op, c, 0, SUM), _operand(op, c, 1, SUM)
    return f"{left} {symbol} {right}", limit


def _settled(op: arith.CmpiOp, predicate: int) -> bool | None:
    """
    What a comparison with itself, or with the smallest or largest number of the type, must give:
    C compilers warn of those. None for all others.
    """
    type_ = op.lhs.type
    if isinstance(type_, VectorType):
        return None
    if op.lhs is op.rhs:
        return predicate in (0, 3, 5, 7, 9)  # ==, <=, >=
    if predicate < 2 or is_bool(type_):
        return None
    bits = type_.width.data if isinstance(type_, IntegerType) else 64
    signed = predicate < 6
    lowest = -(1 << (bits - 1)) if signed else 0
    highest = lowest + (1 << bits) - 1
    kind = (predicate - 2) % 4  # <, <=, >, >=
    for value, number in ((op.rhs, kind), (op.lhs, (kind + 2) % 4)):
        if not isinstance(value.owner, arith.ConstantOp):
            continue
        attr = value.owner.value
        if not isinstance(attr, IntegerAttr):
            continue
        constant = (attr.value.data - lowest) % (1 << bits) + lowest
        if constant == lowest and number in (0, 3):
            return number == 3
        if constant == highest and number in (1, 2):
            return number == 1
    return None


def spell_cmpf(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    a, b = (_float_operand(v, c, SUM) for v in op.operands)
    if predicate in _ORDERED:
        limit = EQUALITY if predicate in (1, 13) else COMPARISON
        return f"{a} {_ORDERED[predicate]} {b}", limit
    if predicate in _UNORDERED:
        return f"!({a} {_UNORDERED[predicate]} {b})", UNARY
    match predicate:
        case 6:
            return f"({a} < {b}) | ({a} > {b})", BITS
        case 8:
            return f"!(({a} < {b}) | ({a} > {b}))", UNARY
        case 7:
            return f"({a} == {a}) & ({b} == {b})", BITS
        case 14:
            return f"({a} != {a}) | ({b} != {b})", BITS
    return ("true" if predicate else "false"), ATOM


def spell_select(op: Operation, c: Scope) -> Expr:
    type_ = op.results[0].type
    condition, x, y = (_operand(op, c, n, SUM) for n in range(3))
    expr = f"{condition} ? {x} : {y}", CHOICE
    if c_type(type_) in ("int8_t", "int16_t", "irc_f16", "irc_bf16"):
        return f"({c_type(type_)})({expr[0]})", UNARY
    return expr


def spell_cast(op: Operation, c: Scope) -> Expr:
    """Conversions between integers, indices and floats."""
    source, target = op.operands[0].type, op.results[0].type
    x = _operand(op, c, 0, UNARY)
    to = c_type(target)
    match op:
        case arith.ExtFOp() | arith.TruncFOp():
            inner = _float_operand(op.operands[0], c, UNARY)
            if is_half(target) and c_type(source) == "double":
                return f"irc_f64_to_{suffix(target)}({inner})", ATOM
            if is_half(target):
                return _float_result((inner, UNARY), target)
            if is_half(source) and isinstance(target, Float32Type):
                return inner, ATOM
            return f"({to}){inner}", UNARY
        case arith.SIToFPOp() if is_bool(source):
            return _float_result((f"{x} ? -1.0f : 0.0f", CHOICE), target)
        case arith.SIToFPOp() | arith.UIToFPOp():
            wide = isinstance(op, arith.UIToFPOp) and not is_bool(source)
            inner = f"({unsigned(source)}){x}" if wide else x
            kind = "float" if is_half(target) else to
            return _float_result((f"({kind}){inner}", UNARY), target)
        case arith.FPToSIOp() | arith.FPToUIOp():
            inner = _float_operand(op.operands[0], c, UNARY)
            if is_bool(target):
                return f"{inner} != 0", EQUALITY
            if isinstance(op, arith.FPToUIOp):
                return f"({to})({unsigned(target)}){inner}", UNARY
            return f"({to}){inner}", UNARY
        case arith.ExtUIOp() if not is_bool(source):
            return f"({to})({unsigned(source)}){x}", UNARY
        case arith.ExtSIOp() if is_bool(source):
            return f"({to})(-{x})", UNARY
        case arith.TruncIOp() | arith.IndexCastOp() if is_bool(target):
            return f"({x} & 1) != 0", EQUALITY
    return f"({to}){x}", UNARY


def spell_bitcast(op: Operation, c: Scope) -> Expr:
    source, target = op.operands[0].type, op.results[0].type
    x = _operand(op, c, 0, CHOICE)
    if is_half(source) or is_half(target):
        return f"({c_type(target)}){_operand(op, c, 0, UNARY)}", UNARY
    return f"irc_{suffix(source)}_as_{suffix(target)}({x})", ATOM


def spell_constant(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, arith.ConstantOp)
    value, type_ = op.value, op.result.type
    if isinstance(value, DenseIntOrFPElementsAttr) and isinstance(type_, VectorType):
        c.type(op.result)
        numbers = [literal(v, type_.element_type) for v in value.get_values()]
        return f"({c_type(type_)}){{{', '.join(numbers)}}}", ATOM
    assert isinstance(value, IntegerAttr | FloatAttr)
    text = literal(value.value.data, type_)
    return text, UNARY if text.startswith(("-", "(")) else ATOM


def spell_broadcast(op: Operation, c: Scope) -> Expr:
    """C's vector operators take a scalar beside a vector, so a factor stays a scalar."""
    assert isinstance(op, vector.BroadcastOp)
    type_ = op.vector.type
    c.type(op.vector)
    uses = [(use.operation, use.index) for use in op.vector.uses]
    scalar = c.name(op.source, UNARY)
    if all(isinstance(u, vector.FMAOp | arith.MuliOp) and i == 0 for u, i in uses):
        element = type_.element_type
        return (scalar, UNARY) if not _wraps(element) else (f"({unsigned(element)}){scalar}", UNARY)
    source = op.source.owner
    if isinstance(source, arith.ConstantOp) and _number(source) == 0:
        return f"({c_type(type_)}){{0}}", ATOM
    (lanes,) = type_.get_shape()
    return f"({c_type(type_)}){{{', '.join([scalar] * lanes)}}}", ATOM


def _number(op: arith.ConstantOp) -> int | float | None:
    return op.value.value.data if isinstance(op.value, IntegerAttr | FloatAttr) else None


def _wraps(element: Attribute) -> bool:
    return c_type(element).startswith("int")


def spell_fma(op: Operation, c: Scope) -> Expr:
    """One rounding: functions marked as kernels let the compiler contract."""
    if not c.contract:
        raise InternalError("vector.fma in a function without `irc.contract`")
    a, b = (_operand(op, c, n, PRODUCT) for n in (0, 1))
    return f"{a} * {b} + {_operand(op, c, 2, PRODUCT)}", SUM


def spell_philox(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, rt.PhiloxOp)
    words = ", ".join(c.name(v, CHOICE) for v in op.operands)
    return f"irc_philox({words}, INT64_C({op.site.value.data}))", ATOM


def spell_special(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, rt.SpecialOp)
    c.uses.support.add("special.h")
    arguments = ", ".join(c.name(v, CHOICE) for v in op.operands)
    return f"irc_{op.function.data}_{suffix(op.res.type)}({arguments})", ATOM


def spell_foreign(op: Operation, c: Scope) -> Expr:
    assert isinstance(op, ForeignOp)
    *arguments, result = [value_type(d.data) for d in op.dtypes.data]
    member = c.uses.foreign.member(op.symbol.data, op.library.data, result, arguments)
    given = ", ".join(c.name(v, CHOICE) for v in op.operands)
    return f"ctx->{member}({given})", ATOM


SPELL: dict[type[Operation], Speller] = {
    **dict.fromkeys(_INTEGER, spell_integer),
    **dict.fromkeys(_INFIX, spell_infix),
    **dict.fromkeys(_LIBM, spell_libm),
    **dict.fromkeys(_FLOAT, spell_float),
    arith.NegfOp: spell_negf,
    arith.CmpiOp: spell_cmpi,
    arith.CmpfOp: spell_cmpf,
    arith.SelectOp: spell_select,
    arith.ConstantOp: spell_constant,
    arith.BitcastOp: spell_bitcast,
    math.FPowIOp: spell_fpowi,
    rt.PhiloxOp: spell_philox,
    rt.SpecialOp: spell_special,
    ForeignOp: spell_foreign,
    vector.BroadcastOp: spell_broadcast,
    vector.FMAOp: spell_fma,
    **dict.fromkeys(
        (
            arith.ExtFOp,
            arith.TruncFOp,
            arith.SIToFPOp,
            arith.UIToFPOp,
            arith.FPToSIOp,
            arith.FPToUIOp,
            arith.ExtUIOp,
            arith.ExtSIOp,
            arith.TruncIOp,
            arith.IndexCastOp,
        ),
        spell_cast,
    ),
}


def spells(op: Operation) -> bool:
    """Whether the op is an expression of C."""
    return type(op) in SPELL and not isinstance(op.results[0].type, MemRefType)
