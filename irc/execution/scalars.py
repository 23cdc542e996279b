"""Lines for `arith` and `math`: one expression for each op, on scalars, vectors and arrays."""

from __future__ import annotations

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerType,
    UnrealizedConversionCastOp,
)
from xdsl.ir import Attribute, Operation

from irc.dialects import rt
from irc.dialects.foreign import ForeignOp
from irc.dialects.foreign_calls import ForeignFunction
from irc.dialects.nd import special
from irc.dialects.verify import span_of
from irc.execution import numerics
from irc.execution.fma import fma, fma_bf16
from irc.execution.outcome import ExecutionError
from irc.execution.python_text import Handler, PythonText
from irc.execution.values import dense, dtype_of, element_type, is_bf16, scalar

# Exact on floats that bf16 holds, or without a float: nothing to round.
_EXACT: dict[type[Operation], str] = {
    arith.NegfOp: "-{0}",
    arith.MaximumfOp: "maximumf({0}, {1})",
    arith.MinimumfOp: "minimumf({0}, {1})",
    arith.MaxnumfOp: "maxnumf({0}, {1})",
    arith.MinnumfOp: "minnumf({0}, {1})",
    arith.SelectOp: "select({0}, {1}, {2})",
    arith.AndIOp: "{0} & {1}",
    arith.OrIOp: "{0} | {1}",
    arith.XOrIOp: "{0} ^ {1}",
    arith.DivSIOp: "divsi({0}, {1})",
    arith.DivUIOp: "divui({0}, {1})",
    arith.RemSIOp: "remsi({0}, {1})",
    arith.RemUIOp: "remui({0}, {1})",
    arith.FloorDivSIOp: "floordivsi({0}, {1})",
    arith.CeilDivSIOp: "ceildivsi({0}, {1})",
    arith.CeilDivUIOp: "ceildivui({0}, {1})",
    arith.ShLIOp: "shli({0}, {1})",
    arith.ShRUIOp: "shrui({0}, {1})",
    arith.ShRSIOp: "shrsi({0}, {1})",
    arith.MinSIOp: "minsi({0}, {1})",
    arith.MaxSIOp: "maxsi({0}, {1})",
    arith.MinUIOp: "minui({0}, {1})",
    arith.MaxUIOp: "maxui({0}, {1})",
    math.AbsFOp: "np.abs({0})",
    math.AbsIOp: "absi({0})",
    math.CeilOp: "np.ceil({0})",
    math.FloorOp: "np.floor({0})",
    math.TruncOp: "np.trunc({0})",
    math.RoundEvenOp: "np.rint({0})",
    math.RoundOp: "round_away({0})",
    math.CopySignOp: "np.copysign({0}, {1})",
    math.CtPopOp: "ctpop({0})",
    math.CountLeadingZerosOp: "ctlz({0})",
    math.CountTrailingZerosOp: "cttz({0})",
    math.IPowIOp: "ipowi({0}, {1})",
}

# One rounding, to the type of the result.
_ROUNDED: dict[type[Operation], str] = {
    arith.AddfOp: "{0} + {1}",
    arith.SubfOp: "{0} - {1}",
    arith.MulfOp: "{0} * {1}",
    arith.DivfOp: "np.divide({0}, {1})",
    math.SqrtOp: "np.sqrt({0})",
}

# Computed in float64 and rounded; other levels may differ in the last places.
ELEMENTARY: dict[type[Operation], str] = {
    math.AcosOp: "np.arccos",
    math.AcoshOp: "np.arccosh",
    math.AsinOp: "np.arcsin",
    math.AsinhOp: "np.arcsinh",
    math.AtanOp: "np.arctan",
    math.AtanhOp: "np.arctanh",
    math.Atan2Op: "np.arctan2",
    math.CbrtOp: "np.cbrt",
    math.CosOp: "np.cos",
    math.CoshOp: "np.cosh",
    math.ErfOp: "erf",
    math.ExpOp: "np.exp",
    math.Exp2Op: "np.exp2",
    math.ExpM1Op: "np.expm1",
    math.FPowIOp: "np.power",
    math.LogOp: "np.log",
    math.Log10Op: "np.log10",
    math.Log1pOp: "np.log1p",
    math.Log2Op: "np.log2",
    math.PowFOp: "np.power",
    math.RsqrtOp: "rsqrt",
    math.SinOp: "np.sin",
    math.SinhOp: "np.sinh",
    math.TanOp: "np.tan",
    math.TanhOp: "np.tanh",
}

# Op name, as upstream spells it, for ops that xDSL lacks and irc adds.
BY_NAME: dict[str, str] = {
    "arith.remf": "np.fmod({0}, {1})",
    "arith.index_castui": "",
}

_WRAPPING: dict[type[Operation], tuple[str, str]] = {  # on integers, on i1
    arith.AddiOp: ("{0} + {1}", "{0} ^ {1}"),
    arith.SubiOp: ("{0} - {1}", "{0} ^ {1}"),
    arith.MuliOp: ("{0} * {1}", "{0} & {1}"),
}

_PAIRS: dict[type[Operation], str] = {
    arith.AddUIExtendedOp: "addui_extended",
    arith.MulUIExtendedOp: "mului_extended",
    arith.MulSIExtendedOp: "mulsi_extended",
}

_CMPI = ["==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">="]
_CMPF = {
    "oeq": "{0} == {1}",
    "ogt": "{0} > {1}",
    "oge": "{0} >= {1}",
    "olt": "{0} < {1}",
    "ole": "{0} <= {1}",
    "one": "({0} < {1}) | ({0} > {1})",
    "ord": "({0} == {0}) & ({1} == {1})",
    "ueq": "np.logical_not(({0} < {1}) | ({0} > {1}))",
    "ugt": "np.logical_not({0} <= {1})",
    "uge": "np.logical_not({0} < {1})",
    "ult": "np.logical_not({0} >= {1})",
    "ule": "np.logical_not({0} > {1})",
    "une": "{0} != {1}",
    "uno": "({0} != {0}) | ({1} != {1})",
}


def _expression(template: str) -> Handler:
    def write(op: Operation, c: PythonText) -> None:
        c.assign(op, template.format(*c.names(op.operands)))

    return write


def _rounded(template: str) -> Handler:
    def write(op: Operation, c: PythonText) -> None:
        text = template.format(*c.names(op.operands))
        c.assign(op, f"round_bf16({text})" if is_bf16(op.results[0].type) else text)

    return write


def _elementary(function: str) -> Handler:
    return _rounded(f"elementary({function}, {{0}})")


def _elementary2(function: str) -> Handler:
    return _rounded(f"elementary({function}, {{0}}, {{1}})")


def _wrapping(on_integers: str, on_i1: str) -> Handler:
    def write(op: Operation, c: PythonText) -> None:
        t = element_type(op.results[0].type)
        one_bit = isinstance(t, IntegerType) and t.width.data == 1
        c.assign(op, (on_i1 if one_bit else on_integers).format(*c.names(op.operands)))

    return write


def _pair(function: str) -> Handler:
    def write(op: Operation, c: PythonText) -> None:
        x, y = c.names(op.operands)
        first, second = (c.define(r) for r in op.results)
        c.line(f"{first}, {second} = {function}({x}, {y})")

    return write


def _constant(op: arith.ConstantOp, c: PythonText) -> None:
    result = op.result
    if isinstance(op.value, DenseIntOrFPElementsAttr):
        c.alias(result, c.constant(dense(op.value), result.name_hint or "c"))
        return
    value = scalar(op.value, result.type)
    if isinstance(result.type, IndexType):
        c.alias(result, f"({value})" if isinstance(value, int) and value < 0 else str(value))
    else:
        c.alias(result, c.constant(value, result.name_hint or "c"))


def _cmpi(op: arith.CmpiOp, c: PythonText) -> None:
    predicate = op.predicate.value.data
    read = "unsigned" if predicate >= 6 else "signed"
    t = element_type(op.lhs.type)
    x, y = c.names(op.operands)
    one_bit = isinstance(t, IntegerType) and t.width.data == 1
    if predicate >= 6 or one_bit:
        x, y = f"{read}({x})", f"{read}({y})"
    c.assign(op, f"{x} {_CMPI[predicate]} {y}")


def _cmpf(op: arith.CmpfOp, c: PythonText) -> None:
    predicate = arith.CMPF_COMPARISON_OPERATIONS[op.predicate.value.data]
    if predicate in ("true", "false"):
        c.assign(op, f"np.full(np.shape({c.name(op.lhs)}), {predicate == 'true'})[()]")
        return
    c.assign(op, _CMPF[predicate].format(*c.names(op.operands)))


def _fma(op: Operation, c: PythonText) -> None:
    function = "fma_bf16" if is_bf16(op.results[0].type) else "fma"
    c.assign(op, f"{function}({', '.join(c.names(op.operands))})")


def _philox(op: rt.PhiloxOp, c: PythonText) -> None:
    c.assign(op, f"philox({', '.join(c.names(op.operands))}, {op.site.value.data})")


def _special(op: rt.SpecialOp, c: PythonText) -> None:
    c.assign(op, f"special.{op.function.data}({', '.join(c.names(op.operands))})[()]")


def _foreign(op: ForeignOp, c: PythonText) -> None:
    dtypes = tuple(d.data for d in op.dtypes.data)
    span = span_of(op)
    call = c.constant(
        ForeignFunction(op.symbol.data, op.library.data, dtypes, span.file if span else ""),
        op.symbol.data,
    )
    c.assign(op, f"{call}({', '.join(c.names(op.operands))})")


def _cast(function: str) -> Handler:
    def write(op: Operation, c: PythonText) -> None:
        target = op.results[0].type
        text = f"{function}({c.name(op.operands[0])}, {_dtype(target)})"
        c.assign(op, f"round_bf16({text})" if is_bf16(target) else text)

    return write


def _dtype(t: Attribute) -> str:
    return f"np.dtype('{dtype_of(t).str}')"


def _resize_float(op: Operation, c: PythonText) -> None:
    x, target = c.name(op.operands[0]), op.results[0].type
    c.assign(op, f"round_bf16({x})" if is_bf16(target) else f"{x}.astype({_dtype(target)})")


def _index_cast(op: arith.IndexCastOp, c: PythonText) -> None:
    """A scalar index is a Python int."""
    x, target = c.name(op.input), op.result.type
    if isinstance(element_type(target), IndexType):
        c.assign(op, f"to_index(signed({x}))")
    else:
        c.assign(op, f"trunci({x}, {_dtype(target)})")


def _bitcast(op: Operation, c: PythonText) -> None:
    x, source, target = c.name(op.operands[0]), op.operands[0].type, op.results[0].type
    bits = f"bf16_bits({x})" if is_bf16(source) else x
    c.assign(op, f"bf16_value({bits})" if is_bf16(target) else f"{bits}.view({_dtype(target)})")


def _reinterpret(op: UnrealizedConversionCastOp, c: PythonText) -> None:
    """Between the levels: signless and unsigned integers of one width."""
    if len(op.operands) != 1 or len(op.results) != 1:
        raise ExecutionError("unrealized_conversion_cast of several values")
    source, target = op.operands[0].type, op.results[0].type
    x = c.name(op.operands[0])
    same = dtype_of(source) == dtype_of(target)
    c.assign(op, x if same else f"{x}.view({_dtype(target)})")


def to_index(x: numerics.Value) -> numerics.Value:
    """int64 for arrays, a Python int for scalars."""
    return x.astype(np.int64) if isinstance(x, np.ndarray) and x.ndim else int(x)


def _handlers() -> dict[type[Operation], Handler]:
    table: dict[type[Operation], Handler] = {}
    table.update({op: _expression(text) for op, text in _EXACT.items()})
    table.update({op: _rounded(text) for op, text in _ROUNDED.items()})
    binary = (math.Atan2Op, math.PowFOp, math.FPowIOp)
    for op, text in ELEMENTARY.items():
        table[op] = _elementary2(text) if op in binary else _elementary(text)
    table.update({op: _wrapping(*texts) for op, texts in _WRAPPING.items()})
    table.update({op: _pair(function) for op, function in _PAIRS.items()})
    casts: dict[type[Operation], str] = {
        arith.ExtSIOp: "extsi",
        arith.ExtUIOp: "extui",
        arith.TruncIOp: "trunci",
        arith.FPToSIOp: "fptosi",
        arith.FPToUIOp: "fptoui",
        arith.SIToFPOp: "sitofp",
        arith.UIToFPOp: "uitofp",
    }
    table.update({op: _cast(function) for op, function in casts.items()})
    table[arith.ConstantOp] = _constant
    table[arith.CmpiOp] = _cmpi
    table[arith.CmpfOp] = _cmpf
    table[arith.ExtFOp] = table[arith.TruncFOp] = _resize_float
    table[arith.IndexCastOp] = _index_cast
    table[arith.BitcastOp] = _bitcast
    table[math.FmaOp] = _fma
    table[rt.PhiloxOp] = _philox
    table[rt.SpecialOp] = _special
    table[ForeignOp] = _foreign
    table[UnrealizedConversionCastOp] = _reinterpret
    return table


HANDLERS: dict[type[Operation], Handler] = _handlers()

# Ops that xDSL lacks and irc adds, under the names that upstream has for them.
ADDED: dict[str, Handler] = {"arith.remf": _expression("np.fmod({0}, {1})")}

NAMESPACE: dict[str, object] = {
    "np": np,
    "special": special,
    "to_index": to_index,
    **vars(numerics),
    "fma": fma,
    "fma_bf16": fma_bf16,
}
