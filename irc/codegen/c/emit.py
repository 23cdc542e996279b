"""
C99 from the loop level. It only spells: what must be decided has been decided by a pass.

Each function becomes `static int32_t k_NAME(struct M *ctx, sizes, inputs, outputs, arena)`;
functions that passes made, such as register tiles, become plain static functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import Attribute, Block, SSAValue

from irc.codegen.c.blocks import emit_block, helper_name
from irc.codegen.c.foreign import Foreign
from irc.codegen.c.header import read_support
from irc.codegen.c.identifiers import comment, string_literal
from irc.codegen.c.memory import constant_text, polynomial
from irc.codegen.c.names import kernel_name
from irc.codegen.c.scope import CHOICE, Scope, Uses
from irc.codegen.c.types import c_type, suffix, vector_typedef
from irc.dialects import rt
from irc.dialects.foreign import ForeignCallOp, ForeignOp
from irc.sizes import Poly

_WORD, _COMMENT = re.compile(r"\w+"), re.compile(r"/\*.*?\*/")

HELPER, CONTRACT = "irc.helper", "irc.contract"


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
        head = f"IRC_INLINE {c_type(type_)} {helper_name(name)}"
        return f"{_declared(head, parameters)}\n{{\n{body}\n}}"
    if helper:
        contract = "    IRC_CONTRACT\n" if c.contract else ""
        head = f"{'IRC_KERNEL' if c.contract else 'IRC_HELPER'} void {helper_name(name)}"
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
