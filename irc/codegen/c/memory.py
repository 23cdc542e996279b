"""memref ops: pointers with sizes that the emitter remembers."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, memref, vector
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    MemRefType,
)
from xdsl.ir import Operation, SSAValue

from irc.codegen.c.foreign import value_type
from irc.codegen.c.scope import CHOICE, PRODUCT, SUM, Scope
from irc.codegen.c.types import c_type, literal, suffix
from irc.dialects.foreign import ForeignCallOp
from irc.dialects.routines import ROUTINES, RoutineOp
from irc.errors import InternalError
from irc.sizes import Poly, Quotient, Root


def polynomial(size: Poly, names: dict[str, str]) -> str:
    """A size in C, from the names of its symbols."""
    terms: list[tuple[str, str]] = []
    for monomial, factor in size.terms.items():
        parts = [] if factor in (1, -1) and monomial else [str(abs(factor))]
        for atom, power in monomial:
            if isinstance(atom, Quotient):
                text = f"(({polynomial(atom.numerator, names)}) / {atom.divisor})"
            elif isinstance(atom, Root):
                text = f"irc_root({polynomial(atom.radicand, names)})"
            else:
                text = names[atom]
            parts += [text] * power
        terms.append(("-" if factor < 0 else "+", " * ".join(parts)))
    text = ""
    for sign, term in terms:
        if not text:
            text = term if sign == "+" else f"-{term}"
        else:
            text += f" {sign} {term}"
    return text or "0"


def _rows(c: Scope, ref: SSAValue, indices: Sequence[SSAValue]) -> str:
    """The position of an element: ((i * d1 + j) * d2 + k)."""
    if not indices:
        return "0"
    text = c.name(indices[0], SUM)
    for axis in range(1, len(indices)):
        left = c.name(indices[0], PRODUCT) if axis == 1 else f"({text})"
        text = _offset(left, c.dim(ref, axis), c.name(indices[axis], SUM))
    return text


def _offset(row: str, width: str, column: str) -> str:
    if row == "0":
        return column
    return f"{row} * {width}" if column == "0" else f"{row} * {width} + {column}"


def emit_load(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.LoadOp)
    if op.res.first_use is None:
        return
    c.declare(op.res, f"{c.name(op.memref)}[{_rows(c, op.memref, op.indices)}]")


def emit_store(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.StoreOp)
    position = _rows(c, op.memref, op.indices)
    c.line(f"{c.name(op.memref)}[{position}] = {c.name(op.value, CHOICE)};")


def emit_vector_load(op: Operation, c: Scope) -> None:
    assert isinstance(op, vector.LoadOp)
    type_ = c.type(op.result)
    position = _rows(c, op.base, op.indices)
    c.declare(op.result, f"*(const {type_}_at *)&{c.name(op.base)}[{position}]")


def emit_vector_store(op: Operation, c: Scope) -> None:
    assert isinstance(op, vector.StoreOp)
    type_ = c.type(op.vector)
    position = _rows(c, op.base, op.indices)
    c.line(f"*({type_}_at *)&{c.name(op.base)}[{position}] = {c.name(op.vector, CHOICE)};")


def emit_view(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.ViewOp)
    (value,) = op.results
    c.dims[value] = _sizes(value.type, op.sizes)
    name = c.fresh(value.name_hint, "buffer")
    shift = c.name(op.byte_shift, SUM)
    source = c.name(op.source)
    start = source if shift == "0" else f"({source} + {shift})"
    pointer = c.pointer(value)
    c.line(f"{pointer}const {name} = ({pointer.strip()})(void *){start};")
    c.bind(value, name)


def emit_reinterpret(op: Operation, c: Scope) -> None:
    """Another shape of the same memory costs nothing."""
    assert isinstance(op, memref.ReinterpretCastOp)
    (value,) = op.results
    dynamic = iter(op.sizes)
    c.dims[value] = [
        next(dynamic) if s == DYNAMIC_INDEX else str(s) for s in op.static_sizes.get_values()
    ]
    if op.source in c.const:
        c.const.add(value)
    (offset,) = op.static_offsets.get_values()
    if offset == 0:
        c.bind(value, c.name(op.source))
        return
    shift = c.name(op.offsets[0], SUM) if offset == DYNAMIC_INDEX else str(offset)
    if shift == "0":
        c.bind(value, c.name(op.source))
        return
    name = c.fresh(value.name_hint, "view")
    c.line(f"{c.pointer(value)}const {name} = {c.name(op.source)} + {shift};")
    c.bind(value, name)


def emit_alloca(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.AllocaOp)
    value, type_ = op.memref, op.memref.type
    assert isinstance(type_, MemRefType)
    shape = type_.get_shape()
    name = c.fresh(value.name_hint, "local")
    count = " * ".join(str(max(d, 1)) for d in shape) or "1"
    aligned = ""
    if isinstance(op.alignment, IntegerAttr):
        aligned = f" __attribute__((aligned({op.alignment.value.data})))"
    c.line(f"{c_type(type_.element_type)} {name}[{count}]{aligned};")
    c.dims[value] = [str(d) for d in shape]
    c.bind(value, name)


def emit_get_global(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.GetGlobalOp)
    (value,) = op.results
    symbol = op.name_.root_reference.data
    c.dims[value] = [str(d) for d in value.type.get_shape()]  # type: ignore[attr-defined]
    field = c.fields.get(symbol)
    name = c.fresh(value.name_hint or symbol)
    if field is None:  # a constant of the module
        c.const.add(value)
        c.line(f"{c.pointer(value)}const {name} = irc_unseen(irc_{symbol});")
        c.bind(value, name)
        return
    # The member may be unsigned; integers have no sign here.
    cast = "(void *)" if c_type(value.type.element_type).startswith("int") else ""  # type: ignore[attr-defined]
    c.line(f"{c.pointer(value)}const {name} = {cast}ctx->{field};")
    c.bind(value, name)


def emit_select(op: Operation, c: Scope) -> None:
    """One of two memories."""
    assert isinstance(op, arith.SelectOp)
    if op.lhs in c.const or op.rhs in c.const:
        c.const.add(op.result)
    c.dims[op.result] = c.dims[op.lhs]
    name = c.fresh(op.result.name_hint, "chosen")
    condition = c.name(op.cond, SUM)
    x, y = c.name(op.lhs), c.name(op.rhs)
    c.line(f"{c.pointer(op.result)}const {name} = {condition} ? {x} : {y};")
    c.bind(op.result, name)


def emit_copy(op: Operation, c: Scope) -> None:
    assert isinstance(op, memref.CopyOp)
    dims = [c.dim(op.destination, axis) for axis in range(len(c.dims[op.destination]))]
    factors = [d for d in dims if d != "1"]
    unit = c_type(op.destination.type.element_type)  # type: ignore[attr-defined]
    count = " * ".join(factors) or "1"
    target, source = c.name(op.destination), c.name(op.source)
    c.line(f"irc_copy({target}, {source}, {count} * (int64_t)sizeof({unit}));")


def emit_routine(op: Operation, c: Scope) -> None:
    """`irc_lu_f64(systems, n, a, factors, pivots)`: the last two axes of the first result."""
    assert isinstance(op, RoutineOp)
    c.uses.support |= {"lapack.h", "linear.h"}
    routine, first = ROUTINES[op.routine.data], op.outs[0]
    dims = [c.dim(first, axis) for axis in range(len(c.dims[first]))]
    arguments = [" * ".join(dims[:-2]) or "1", *dims[-2:][: 1 + routine.columns]]
    arguments += ["true" if on else "false" for on in op.switches.values()]
    arguments += [c.name(x) for x in (*op.ins, *op.outs)]
    kind = suffix(first.type.element_type)  # type: ignore[attr-defined]
    c.line(f"irc_{op.routine.data}_{kind}({', '.join(arguments)});")


def emit_foreign_call(op: Operation, c: Scope) -> None:
    """`int32_t status = ctx->irc_extern_f(n, x, y);`"""
    assert isinstance(op, ForeignCallOp)
    types, arguments = ["int64_t"] * len(op.sizes), [c.name(n, CHOICE) for n in op.sizes]
    dtypes = [value_type(d.data) for d in op.dtypes.data]
    for k, (x, dtype) in enumerate(zip((*op.ins, *op.outs), dtypes, strict=True)):
        if not isinstance(x.type, MemRefType):
            types.append(dtype)
            arguments.append(c.name(x, CHOICE))
            continue
        types.append(f"{'const ' if k < len(op.ins) else ''}{dtype} *")
        same = types[-1].removeprefix("const ") == f"{c_type(x.type.element_type)} *"
        arguments.append(c.name(x) if same else f"({types[-1]}){c.name(x)}")
    member = c.uses.foreign.member(op.symbol.data, op.library.data, "int", types)
    c.declare(op.status, f"ctx->{member}({', '.join(arguments)})")


def _sizes(type_: object, dynamic: Sequence[SSAValue]) -> list[str | SSAValue]:
    names = iter(dynamic)
    shape = type_.get_shape()  # type: ignore[attr-defined]
    return [next(names) if d == DYNAMIC_INDEX else str(d) for d in shape]


def constant_text(op: memref.GlobalOp) -> str:
    """A constant array at file level."""
    type_, value = op.type, op.initial_value
    if not isinstance(value, DenseIntOrFPElementsAttr):
        raise InternalError(f"{op.sym_name.data} has no value")
    element = type_.element_type
    numbers = [literal(v, element) for v in value.get_values()] or ["0"]
    if len(set(numbers)) == 1 and numbers[0] in ("0", "0.0", "0.0f", "false"):
        body = numbers[0]
    else:
        if value.is_splat():
            count = 1
            for d in type_.get_shape():
                count *= d
            numbers = numbers[:1] * count
        lines = [", ".join(numbers[i : i + 8]) for i in range(0, len(numbers), 8)]
        body = ",\n    ".join(lines)
    count_text = " * ".join(str(max(d, 1)) for d in type_.get_shape()) or "1"
    return (
        f"static const {c_type(element)} irc_{op.sym_name.data}[{count_text}] "
        f"__attribute__((aligned(64), unused)) = {{\n    {body}\n}};"
    )
