"""Blocks and their control flow as C statements; the table of what spells each op."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xdsl.dialects import arith, func, memref, scf, vector
from xdsl.dialects.builtin import IntegerAttr, MemRefType, StringAttr
from xdsl.ir import Block, Operation, SSAValue

from irc.codegen.c.effects import emit_assert, emit_print, span
from irc.codegen.c.identifiers import comment, string_literal
from irc.codegen.c.memory import (
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
from irc.codegen.c.scalars import SPELL
from irc.codegen.c.scope import ATOM, CHOICE, SUM, UNARY, Expr, Scope
from irc.dialects import rt
from irc.dialects.foreign import ForeignCallOp
from irc.dialects.routines import RoutineOp
from irc.errors import InternalError
from irc.sizes import parse

_LONGEST = 64  # characters of an expression that is written where it is used
_SHORT_LOOP = 9  # lines of a loop that is written twice, for one thread and for several
_SIMD = "irc.simd"


class NoSpelling(InternalError):
    """`op` should have been lowered; in IR that somebody wrote it is their mistake."""

    def __init__(self, op: Operation) -> None:
        self.op = op
        super().__init__(f"{op.name} has no spelling in C")


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
    if _SIMD in op.attributes:
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
    pragma = f"parallel for{' simd' if _SIMD in op.attributes else ''} schedule(static)"
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


# -- calls


def helper_name(symbol: str) -> str:
    """`@irc.exp_f32` is `irc_exp_f32`."""
    return "irc_" + symbol.removeprefix("irc.")


def emit_call(op: Operation, c: Scope) -> None:
    assert isinstance(op, func.CallOp)
    arguments = ", ".join(c.name(v, CHOICE) for v in op.arguments)
    c.line(f"{helper_name(op.callee.root_reference.data)}({arguments});")


def spell_call(op: Operation, c: Scope) -> Expr:
    """A helper that gives one value and does nothing else."""
    assert isinstance(op, func.CallOp)
    arguments = ", ".join(c.name(v, CHOICE) for v in op.arguments)
    return f"{helper_name(op.callee.root_reference.data)}({arguments})", ATOM


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
