"""
C99 from the loop level. It only spells: what must be decided has been decided by a pass.

Each function becomes `static int32_t k_NAME(struct M *ctx, sizes, inputs, outputs, arena)`;
functions that passes made, such as register tiles, become plain static functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.dialects import arith, func, memref, scf, vector
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from irc.codegen.c.effects import emit_assert, emit_print, span
from irc.codegen.c.foreign import Foreign
from irc.codegen.c.header import read_support
from irc.codegen.c.identifiers import comment, string_literal
from irc.codegen.c.memory import (
    constant_text,
    emit_alloca,
    emit_copy,
    emit_foreign_call,
    emit_get_global,
    emit_load,
    emit_reinterpret,
    emit_routine,
    emit_select,
    emit_store,
    emit_vector_load,
    emit_vector_store,
    emit_view,
    polynomial,
)
from irc.codegen.c.names import kernel_name
from irc.codegen.c.scalars import SPELL
from irc.codegen.c.scope import ATOM, CHOICE, SUM, UNARY, Expr, Scope, Uses
from irc.codegen.c.types import c_type, suffix, vector_typedef
from irc.dialects import rt
from irc.dialects.foreign import ForeignCallOp, ForeignOp
from irc.dialects.routines import RoutineOp
from irc.errors import InternalError
from irc.sizes import Poly, parse

_LONGEST = 64  # characters of an expression that is written where it is used
_SHORT_LOOP = 9  # lines of a loop that is written twice, for one thread and for several
_WORD, _COMMENT = re.compile(r"\w+"), re.compile(r"/\*.*?\*/")

HELPER, CONTRACT, SIMD = "irc.helper", "irc.contract", "irc.simd"


class NoSpelling(InternalError):
    """`op` should have been lowered; in IR that somebody wrote it is their mistake."""

    def __init__(self, op: Operation) -> None:
        self.op = op
        super().__init__(f"{op.name} has no spelling in C")


@dataclass(frozen=True)
class KernelText:
    """
    functions   everything that the kernels need, for the module's file
    arenas      function -> bytes of workspace, a polynomial in its sizes
    threads     whether the text has OpenMP loops
    foreign     functions of other libraries that it calls
    """

    functions: str
    arenas: dict[str, str] = field(default_factory=dict)
    threads: bool = False
    foreign: tuple[Foreign, ...] = ()


def emit_functions(
    module: ModuleOp,
    prefix: str = "module",
    fields: Mapping[str, str] | None = None,
    lines: bool = False,
    lapack: str = "",
) -> KernelText:
    """
    The C text of all functions of a module at the loop level.

    prefix   struct tag of the context
    fields   state -> member of the context; states that are missing keep their names
    lines    `#line` directives, so that a debugger shows the program
    lapack   the library of large linear systems, see lapack.h

    Raises InternalError for an op that has no spelling in C.
    """
    uses = Uses()
    constants: list[str] = []
    members: dict[str, str] = {}
    inner: list[str] = []
    outer: list[str] = []
    arenas: dict[str, str] = {}
    for op in module.body.block.ops:
        if isinstance(op, memref.GlobalOp):
            name = op.sym_name.data
            if "irc.state" in op.attributes:
                members[name] = (fields or {}).get(name, name)
            else:
                constants.append(constant_text(op))
    for op in module.body.block.ops:
        if not isinstance(op, func.FuncOp) or not op.body.blocks:
            continue
        text = _function(op, Scope(members, uses), prefix, lines)
        (inner if HELPER in op.attributes else outer).append(text)
        arena = op.attributes.get("irc.arena")
        if isinstance(arena, StringAttr):
            arenas[op.sym_name.data] = arena.data
    vectors = [vector_typedef(t) for _, t in sorted(uses.vectors.items())]
    support = ["mathlib.h", *sorted(uses.support)]
    library = [_without_includes(read_support(name)) for name in support]
    if lapack and "lapack.h" in uses.support:
        library.insert(1, f"#define IRC_LAPACK {string_literal(lapack)}")
    parts = [*library, *vectors, *constants, *inner, *outer]
    return KernelText("\n\n".join(parts) + "\n", arenas, uses.threads, uses.foreign.all())


def _without_includes(text: str) -> str:
    return "\n".join(x for x in text.splitlines() if not x.startswith('#include "')).strip()


# -- functions


def _function(op: func.FuncOp, c: Scope, prefix: str, lines: bool) -> str:
    name = op.sym_name.data
    block = op.body.blocks[0]
    helper = HELPER in op.attributes
    c.contract = CONTRACT in op.attributes
    attrs = _argument_attributes(op)
    parameters = [] if helper else [f"struct {prefix} *ctx"]
    described: list[str] = []
    symbols = _strings(op.attributes.get("irc.sizes"))
    for i, arg in enumerate(block.args):
        own, given = attrs[i], attrs[i].get("irc.kind")
        kind = given.data if isinstance(given, StringAttr) else "in"
        text = _parameter(arg, kind, own.get("irc.dims"), c)
        parameters.append(text)
        if i < len(symbols):
            c.sizes[symbols[i]] = c.name(arg)
        if isinstance(arg.type, MemRefType) and kind in ("in", "out") and not helper:
            described.append(f"{c.name(arg)} {_shape(arg.type, own.get('irc.dims'))}")
    for arg, own in zip(block.args, attrs, strict=True):
        if isinstance(arg.type, MemRefType):
            c.dims[arg] = [*_argument_dims(arg.type, own.get("irc.dims"), c)]
    place = len(c.lines)
    c.lines += [None] * len(block.args)
    if not helper and not _uses_context(op, c.fields):
        c.line("(void)ctx;")
    emit_block(block, c, lines)
    _mark_unread(block, place, c)
    if not helper:
        c.line("return IRC_OK;")
    body = "\n".join(line for line in c.lines if line is not None)
    if helper and op.function_type.outputs.data:
        (type_,) = op.function_type.outputs.data
        last = block.last_op
        assert isinstance(last, func.ReturnOp)
        c.line(f"return {c.name(last.arguments[0], CHOICE)};")
        body = "\n".join(line for line in c.lines if line is not None)
        head = f"IRC_INLINE {c_type(type_)} {_helper_name(name)}"
        return f"{_declared(head, parameters)}\n{{\n{body}\n}}"
    if helper:
        contract = "    IRC_CONTRACT\n" if c.contract else ""
        head = f"{'IRC_KERNEL' if c.contract else 'IRC_HELPER'} void {_helper_name(name)}"
        return f"{_declared(head, parameters)}\n{{\n{contract}{body}\n}}"
    head = _declared(f"static int32_t {kernel_name(name)}", parameters)
    arena = op.attributes.get("irc.arena")
    if isinstance(arena, StringAttr) and arena.data != "0":
        described.append(f"workspace: {arena.data} bytes")
    note = comment(f"{name}: " + ", ".join(described)) if described else comment(name)
    return f"{note}\n{head}\n{{\n{body}\n}}"


def _mark_unread(block: Block, place: int, c: Scope) -> None:
    """
    Arguments that the text does not read, in the lines kept for them. An op that reads one may
    have been left out, so the text tells, not the IR.
    """
    read = {word for line in c.lines if line for word in _WORD.findall(_COMMENT.sub("", line))}
    for i, arg in enumerate(block.args):
        if c.name(arg) not in read:
            c.lines[place + i] = f"    (void){c.name(arg)};"


def _helper_name(symbol: str) -> str:
    """`@irc.exp_f32` is `irc_exp_f32`."""
    return "irc_" + symbol.removeprefix("irc.")


def _argument_attributes(op: func.FuncOp) -> list[Mapping[str, Attribute]]:
    """The attributes of each argument."""
    given = op.arg_attrs.data if isinstance(op.arg_attrs, ArrayAttr) else ()
    known: list[Mapping[str, Attribute]] = [
        attr.data for attr in given if isinstance(attr, DictionaryAttr)
    ]
    return [*known, *({} for _ in range(len(op.body.blocks[0].args) - len(known)))]


def _declared(head: str, parameters: list[str]) -> str:
    """`head(parameters)`, in lines of at most 100 characters where names allow that."""
    lines, line = [], f"{head}("
    for k, parameter in enumerate(parameters):
        text = parameter + (")" if k == len(parameters) - 1 else ",")
        if line.strip() and not line.endswith("(") and len(line) + len(text) + 1 > 100:
            lines.append(line)
            line = f"    {text}"
        else:
            line += text if line.endswith("(") else f" {text}"
    return "\n".join([*lines, line])


def _parameter(arg: SSAValue, kind: str, dims: Attribute | None, c: Scope) -> str:
    if kind == "arena":
        c.bind(arg, "arena")
        return "char *arena"
    name = c.fresh(arg.name_hint, "argument")
    c.bind(arg, name)
    if not isinstance(arg.type, MemRefType):
        return f"{c_type(arg.type)} {name}"
    if kind == "in":
        c.const.add(arg)
    return f"{c.pointer(arg)}restrict {name}"


def _argument_dims(type_: MemRefType, dims: Attribute | None, c: Scope) -> list[str]:
    names = _named(dims)
    texts: list[str] = []
    for d in type_.get_shape():
        if d >= 0:
            texts.append(str(d))
            continue
        size = next(names, None)
        text = polynomial(size, c.sizes) if size is not None else "0"
        texts.append(text if re.fullmatch(r"\w+", text) else f"({text})")
    return texts


def _named(dims: Attribute | None) -> Iterator[Poly]:
    """The polynomials of an `irc.dims` attribute, one for each `?`."""
    return iter(getattr(dims, "data", ()))


def _shape(type_: MemRefType, dims: Attribute | None) -> str:
    names = _named(dims)
    sizes = [str(d) if d >= 0 else str(next(names, "?")) for d in type_.get_shape()]
    dtype = suffix(type_.element_type)
    dtype = "bool" if dtype == "i1" else dtype
    return f"{dtype}[{', '.join(sizes)}]" if sizes else dtype


def _strings(attr: Attribute | None) -> list[str]:
    parts = attr.data if isinstance(attr, ArrayAttr) else ()
    return [part.data for part in parts if isinstance(part, StringAttr)]


def _uses_context(op: func.FuncOp, fields: Mapping[str, str]) -> bool:
    for inner in op.walk():
        if isinstance(inner, rt.AssertOp | rt.PrintOp | ForeignOp | ForeignCallOp):
            return True
        if isinstance(inner, memref.GetGlobalOp) and inner.name_.root_reference.data in fields:
            return True
    return False


# -- blocks


def emit_block(block: Block, c: Scope, lines: bool = False) -> None:
    """The statements of a block; its terminator is the business of the op around it."""
    for op in block.ops:
        emit = EMIT.get(type(op))
        speller = spell_call if isinstance(op, func.CallOp) else SPELL.get(type(op))
        if speller is not None and op.results and not isinstance(op.results[0].type, MemRefType):
            _value(op, speller, c)
            continue
        if emit is None:
            raise NoSpelling(op)
        if c.depth == 1 and not c.contract:
            _place(op, c, lines)
        emit(op, c)


def _place(op: Operation, c: Scope, lines: bool) -> None:
    """Which line of the program comes next."""
    if isinstance(op, func.ReturnOp):
        return
    where = span(op.location)
    if not where:
        return
    file, line, _ = where.rsplit(":", 2)
    if f"{file}:{line}" == c.last_line:
        return
    c.last_line = f"{file}:{line}"
    if lines:
        c.directive(f"#line {line} {string_literal(file)}")
    else:
        c.line(comment(c.last_line))


def _value(op: Operation, speller: Callable[[Operation, Scope], Expr], c: Scope) -> None:
    """
    Short expressions with one reader in the same block, and constants, go where they are read;
    others get a name. A value that nobody reads is left out.
    """
    (value,) = op.results
    if value.first_use is None:
        return
    inline = isinstance(op, arith.ConstantOp | vector.BroadcastOp)
    limit = None if inline else _LONGEST if _read_once(value, op) else 0
    c.spell_when_read(value, lambda: speller(op, c), limit)


def _read_once(value: SSAValue, op: Operation) -> bool:
    if not value.has_one_use():
        return False
    user: Operation = next(iter(value.uses)).operation
    if user.parent is not op.parent:
        return False
    # A loop reads its bounds again and again, and its carried values change.
    return not isinstance(user, scf.ForOp | scf.ParallelOp)


# -- control flow


def emit_for(op: Operation, c: Scope) -> None:
    """Carried values are variables; the loop's results are their last values."""
    assert isinstance(op, scf.ForOp)
    block = op.body.blocks[0]
    for arg, init, result in zip(block.args[1:], op.iter_args, op.results, strict=True):
        name = c.fresh(arg.name_hint, "carried")
        c.line(f"{c.type(arg)} {name} = {c.name(init, CHOICE)};")
        c.bind(arg, name)
        c.bind(result, name)
    if SIMD in op.attributes:
        c.line("IRC_SIMD")
    with _counting(block.args[0], op.lb, op.ub, op.step, c):
        emit_block(block, c)
        last = block.last_op
        assert isinstance(last, scf.YieldOp)
        _assign([c.name(a) for a in block.args[1:]], list(last.operands), c)


@contextmanager
def _counting(iv: SSAValue, lb: SSAValue, ub: SSAValue, step: SSAValue, c: Scope) -> Iterator[None]:
    """The head of a loop, and its block."""
    start, end, by = c.name(lb, CHOICE), c.name(ub, SUM), c.name(step, SUM)
    with c.names_inside():
        name = c.fresh(iv.name_hint, "i")
        c.bind(iv, name)
        advance = f"++{name}" if by == "1" else f"{name} += {by}"
        with c.block(f"for (int64_t {name} = {start}; {name} < {end}; {advance})"):
            yield


def _assign(names: list[str], values: list[SSAValue], c: Scope) -> None:
    """All at once: a value that needs a variable which changes before it is read goes first."""
    texts = [c.name(v, CHOICE) for v in values]
    words = [set(re.findall(r"\w+", text)) for text in texts]
    for k, name in enumerate(names):
        if any(name in later for later in words[k + 1 :]):
            for n in range(k + 1, len(names)):
                if name in words[n]:
                    texts[n] = c.declare(values[n], texts[n])
                    words[n] = {texts[n]}
        if texts[k] != name:
            c.line(f"{name} = {texts[k]};")


def emit_while(op: Operation, c: Scope) -> None:
    """Carried values are variables; so is what the condition passes on, if it is no such."""
    assert isinstance(op, scf.WhileOp)
    before, after = op.before_region.block, op.after_region.block
    end, last = before.last_op, after.last_op
    assert isinstance(end, scf.ConditionOp) and isinstance(last, scf.YieldOp)
    for arg, init in zip(before.args, op.arguments, strict=True):
        name = c.fresh(arg.name_hint, "carried")
        c.line(f"{c.type(arg)} {name} = {c.name(init, CHOICE)};")
        c.bind(arg, name)
    others = [k for k, value in enumerate(end.args) if value not in before.args]
    for k, (value, arg, result) in enumerate(zip(end.args, after.args, op.results, strict=True)):
        if k in others:
            name = c.fresh(arg.name_hint, "passed")
            c.line(f"{c.type(arg)} {name};")
        else:
            name = c.name(value)
        c.bind(arg, name)
        c.bind(result, name)
    place = len(c.lines)
    with c.block("for (;;)"):
        emit_block(before, c)
        _assign([c.name(after.args[k]) for k in others], [end.args[k] for k in others], c)
        condition = c.name(end.condition, CHOICE)
        if all(line is None for line in c.lines[place + 1 :]):
            c.lines[place] = "    " * (c.depth - 1) + f"while ({condition}) {{"
        else:
            with c.block(f"if (!{c.name(end.condition, UNARY)})"):
                c.line("break;")
        emit_block(after, c)
        _assign([c.name(a) for a in before.args], list(last.operands), c)


def emit_parallel(op: Operation, c: Scope) -> None:
    """Threads share out the iterations; the text means the same without OpenMP."""
    assert isinstance(op, scf.ParallelOp)
    if len(op.lowerBound) != 1 or op.initVals:
        raise InternalError("scf.parallel over several dimensions, or with a reduction")
    c.uses.threads = True
    pragma = f"parallel for{' simd' if SIMD in op.attributes else ''} schedule(static)"
    start = len(c.lines)
    with _counting(op.body.blocks[0].args[0], op.lowerBound[0], op.upperBound[0], op.step[0], c):
        emit_block(op.body.blocks[0], c)
    loop = c.lines[start:]
    del c.lines[start:]
    _shared_out(loop, pragma, _worth_threads(op, c), c)


def _shared_out(loop: list[str | None], pragma: str, condition: str, c: Scope) -> None:
    """
    Entering a parallel region costs 0.3 us even when its condition is false, so a short loop is
    written twice. `parallel:` keeps a false condition from switching vectors off as well.
    """
    serial = ["    " * c.depth + "IRC_SIMD"] if "simd" in pragma else []
    c.directive("#ifdef _OPENMP")
    if not condition or len(loop) > _SHORT_LOOP:
        clause = f" if (parallel: {condition})" if condition else ""
        c.directive(f"#pragma omp {pragma}{clause}")
        if serial:
            c.lines += ["#else", *serial]
        c.lines += ["#endif", *loop]
        return
    c.line(f"if ({condition}) {{")
    c.directive(f"#pragma omp {pragma}")
    c.lines += [f"    {line}" if line and line[0] == " " else line for line in loop]
    c.line("} else")
    c.lines += ["#endif", *serial, *loop]


def _worth_threads(op: Operation, c: Scope) -> str:
    """The condition on the sizes under which a loop has work for several threads, or none."""
    work, least = op.attributes.get("irc.work"), op.attributes.get("irc.min_work")
    if not isinstance(work, StringAttr) or not isinstance(least, IntegerAttr):
        return ""
    return f"{polynomial(parse(work.data), c.sizes)} >= {least.value.data}"


def emit_if(op: Operation, c: Scope) -> None:
    assert isinstance(op, scf.IfOp)
    then = op.true_region.blocks[0]
    other = op.false_region.blocks[0] if op.false_region.blocks else None
    for result in op.results:
        name = c.fresh(result.name_hint, "chosen")
        c.line(f"{c.type(result)} {name};")
        c.bind(result, name)
    results = [c.name(r) for r in op.results]
    if other is not None and _is_empty(other):
        other = None
    if _is_empty(then) and other is not None:
        with c.block(f"if (!{c.name(op.cond, UNARY)})"):
            emit_block(other, c)
        return
    with c.block(f"if ({c.name(op.cond, CHOICE)})"):
        _branch(then, results, c)
    if other is not None:
        c.lines.pop()
        with c.block("} else"):
            _branch(other, results, c)


def _branch(block: Block, results: list[str], c: Scope) -> None:
    emit_block(block, c)
    last = block.last_op
    if isinstance(last, scf.YieldOp):
        for name, value in zip(results, last.operands, strict=True):
            c.line(f"{name} = {c.name(value, CHOICE)};")


def _is_empty(block: Block) -> bool:
    return isinstance(block.first_op, scf.YieldOp) and not block.first_op.operands


def emit_call(op: Operation, c: Scope) -> None:
    assert isinstance(op, func.CallOp)
    arguments = ", ".join(c.name(v, CHOICE) for v in op.arguments)
    c.line(f"{_helper_name(op.callee.root_reference.data)}({arguments});")


def spell_call(op: Operation, c: Scope) -> Expr:
    """A helper that gives one value and does nothing else."""
    assert isinstance(op, func.CallOp)
    arguments = ", ".join(c.name(v, CHOICE) for v in op.arguments)
    return f"{_helper_name(op.callee.root_reference.data)}({arguments})", ATOM


def emit_nothing(op: Operation, c: Scope) -> None:
    """Terminators are spelled by what is around them."""


EMIT: dict[type[Operation], Callable[[Operation, Scope], None]] = {
    scf.ForOp: emit_for,
    scf.WhileOp: emit_while,
    scf.ParallelOp: emit_parallel,
    scf.IfOp: emit_if,
    scf.YieldOp: emit_nothing,
    scf.ConditionOp: emit_nothing,
    scf.ReduceOp: emit_nothing,
    func.ReturnOp: emit_nothing,
    func.CallOp: emit_call,
    memref.LoadOp: emit_load,
    memref.StoreOp: emit_store,
    memref.ViewOp: emit_view,
    memref.ReinterpretCastOp: emit_reinterpret,
    memref.AllocaOp: emit_alloca,
    memref.GetGlobalOp: emit_get_global,
    memref.CopyOp: emit_copy,
    vector.LoadOp: emit_vector_load,
    vector.StoreOp: emit_vector_store,
    arith.SelectOp: emit_select,
    rt.AssertOp: emit_assert,
    rt.PrintOp: emit_print,
    RoutineOp: emit_routine,
    ForeignCallOp: emit_foreign_call,
}
