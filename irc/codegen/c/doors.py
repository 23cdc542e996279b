"""
The C functions around the kernels: doors 1 (named functions) and 2 (`generic.h`).

For each function F the file has
    irc_dims_F    sizes -> the sizes of all axes; refuses negative ones and what `where` forbids
    irc_bind_F    shapes of the arguments -> sizes; every axis verified
    MODULE_F      the public function: checks, workspace, kernel
    irc_call_F    the same from DLTensors
All decisions stand in the `ModuleSpec`; this file only spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from irc.abi import Dim, FunctionSpec, ModuleSpec, binding_plan
from irc.codegen.c.header import prototype, wrap_call
from irc.codegen.c.identifiers import identifier, string_literal
from irc.codegen.c.names import Arguments, ModuleNames, argument_names, kernel_name
from irc.dtypes import DTYPES
from irc.sizes import Monomial, Poly, Root, parse, poly

_INT64_MAX = 2**63 - 1
_MANY_AXES = 64


def function_doors(
    spec: ModuleSpec, names: ModuleNames, function: FunctionSpec, arena: str
) -> Iterator[str]:
    """The four C functions for one function; `arena` is its workspace in bytes, a size."""
    args = argument_names(function)
    yield _slots(function)
    yield _dims(function, args)
    yield _bind(function)
    yield _run(spec, names, function, args, arena)
    yield _call(names, function)


def invoke_table(names: ModuleNames, functions: Mapping[int, FunctionSpec]) -> str:
    """`irc_bind`, `irc_invoke` and `irc_call`: one switch each over the functions' numbers."""

    def switch(name: str, parts: list[str], returns: Callable[[FunctionSpec], str]) -> str:
        heading = ["void *context", "int32_t function", *parts]
        lines = [wrap_call(f"int32_t {name}(", heading, ")"), "{"]
        cases = [text for i, f in functions.items() for text in (f"    case {i}:", returns(f))]
        given = (part.rpartition("*")[2] for part in parts)
        lines += [f"    {names.prefix} *m = context;"]
        lines += [f"    (void){name};" for name in given if not _mentions(cases, name)]
        lines += ["    switch (function) {", *cases]
        lines += [
            "    default:",
            '        return irc_fail(&m->head, IRC_ARGUMENT, "no function has this number");',
            "    }",
            "}",
        ]
        return "\n".join(lines)

    sizes, dims = "int64_t *sizes", "int64_t *dims"
    invoke = ["const int64_t *sizes", "const void *const *in", "void *const *out"]
    call = ["const DLTensor *const *in", "DLTensor *const *out"]
    return "\n\n".join(
        (
            switch(
                "irc_bind",
                ["const int64_t *const *shapes", sizes, dims],
                lambda f: (
                    f"        return irc_bind_{identifier(f.name)}(&m->head, shapes, sizes, dims);"
                ),
            ),
            switch(
                "irc_invoke",
                invoke,
                lambda f: _pointer_call("        return (int32_t)", names, f, "in[{}]", "out[{}]"),
            ),
            switch(
                "irc_call",
                call,
                lambda f: f"        return irc_call_{identifier(f.name)}(m, in, out);",
            ),
        )
    )


def run_name(names: ModuleNames, function: FunctionSpec) -> str:
    """The C function that checks and runs: public for exports, static for tests."""
    return names.functions.get(function.name) or f"irc_run_{identifier(function.name)}"


def size_c(size: Dim | Poly, symbols: Mapping[str, str]) -> str:
    """A C expression for a size. What leaves int64 sets the variable `irc_ok` to false."""
    value = parse(size) if isinstance(size, str) else poly(size)
    terms = [_term_c(monomial, c, symbols) for monomial, c in _ordered(value)]
    if not terms:
        return "0"
    text = terms[0]
    for term in terms[1:]:
        text = f"irc_add({text}, {term}, &irc_ok)"
    return text


def _ordered(value: Poly) -> list[tuple[Monomial, int]]:
    """Highest degree first, as texts of sizes are written."""
    return sorted(value.terms.items(), key=lambda item: (-len(item[0]), str(item[0])))


def _term_c(monomial: Monomial, coefficient: int, symbols: Mapping[str, str]) -> str:
    factors = [] if coefficient == 1 and monomial else [_constant(coefficient)]
    for atom, power in monomial:
        if isinstance(atom, str):
            spelled = symbols[atom]
        elif isinstance(atom, Root):
            spelled = f"irc_root({size_c(atom.radicand, symbols)})"
        else:
            spelled = f"irc_floordiv({size_c(atom.numerator, symbols)}, {_constant(atom.divisor)})"
        factors += [spelled] * power
    text = factors[0]
    for factor in factors[1:]:
        text = f"irc_mul({text}, {factor}, &irc_ok)"
    return text


def _constant(value: int) -> str:
    if -(2**31) < value < 2**31:
        return str(value)
    if -_INT64_MAX <= value <= _INT64_MAX:
        return f"INT64_C({value})"
    return "irc_mul(INT64_MAX, 2, &irc_ok)"  # no such size exists


# -- the four functions


def _slots(function: FunctionSpec) -> str:
    def table(kind: str, entries: list[tuple[str, str, int]]) -> str:
        rows = [
            f"    {{{string_literal(name)}, {DTYPES[t].dlpack[0]}, {DTYPES[t].dlpack[1]}, {rank}}},"
            for name, t, rank in entries
        ]
        if not rows:
            rows = ["    {NULL, 0, 0, 0},"]
        name = f"{kind}_{identifier(function.name)}"
        return "\n".join([f"static const irc_slot {name}[] = {{", *rows, "};"])

    ins = [(p.name, p.dtype, p.rank) for p in function.params]
    outs = [(_result_label(function, i), r.dtype, r.rank) for i, r in enumerate(function.results)]
    return f"{table('irc_in', ins)}\n{table('irc_out', outs)}"


def _dims(function: FunctionSpec, args: Arguments) -> str:
    symbols = dict(zip(function.sizes, args.sizes, strict=True))
    # Compilers take long over hundreds of stores in a row, and a call with so many is no short one.
    linkage = "IRC_COLD" if sum(1 for _ in _axes(function)) > _MANY_AXES else "static"
    lines = [
        wrap_call(
            f"{linkage} int32_t irc_dims_{identifier(function.name)}(",
            ["irc_head *irc_where", *(f"int64_t {n}" for n in args.sizes), "int64_t *irc_extents"],
            ")",
        ),
        "{",
        "    bool irc_ok = true;",
        "    (void)irc_where;",
        "    (void)irc_extents;",
    ]
    for name, c in zip(function.sizes, args.sizes, strict=True):
        lines += _refuse(
            f"{c} < 0", f'{_quote(function)}: size {_quote(name)} = %" PRId64 " is negative', c
        )
    for i, (label, dim, axis) in enumerate(_axes(function)):
        lines.append(f"    irc_extents[{i}] = {size_c(dim, symbols)};")
        if isinstance(dim, str) and not parse(dim).nonnegative():
            lines += _refuse(
                f"irc_extents[{i}] < 0",
                f"{_quote(function)}: dimension {axis} of `{_quote(label)}` is {_quote(dim)}"
                ' = %" PRId64 "',
                f"irc_extents[{i}]",
            )
    for fact in function.facts:
        left, right = size_c(fact.left, symbols), size_c(fact.right, symbols)
        values = ", ".join(f'{_quote(n)} = %" PRId64 "' for n in function.sizes)
        place = f" ({_quote(fact.span)})" if fact.span else ""
        here = f", here {values}" if values else ""
        lines += _refuse(
            f"!({left} {fact.op} {right})",
            f"{_quote(function)}: requires {_quote(fact.spelled)}{place}{here}",
            *args.sizes,
        )
    lines += _refuse("!irc_ok", f"{_quote(function)}: the sizes are too large")
    return "\n".join([*lines, "    return IRC_OK;", "}"])


def _bind(function: FunctionSpec) -> str:
    stem = identifier(function.name)
    at = {name: f"sizes[{i}]" for i, name in enumerate(function.sizes)}
    lines = [
        wrap_call(
            f"static int32_t irc_bind_{stem}(",
            ["irc_head *head", "const int64_t *const *shapes", "int64_t *sizes", "int64_t *dims"],
            ")",
        ),
        "{",
        "    bool irc_ok = true;",
    ]
    for b in binding_plan(function):
        extent = f"shapes[{b.param}][{b.axis}]"
        if b.direct:
            lines.append(f"    {at[b.symbol]} = {extent};")
            continue
        p = function.params[b.param]
        factor, offset = size_c(b.factor, at), size_c(b.offset, at)
        lines += _refuse(
            f"!irc_solve({extent}, {factor}, {offset}, &{at[b.symbol]}) || !irc_ok",
            f'{_quote(function)}: dimension {b.axis} of `{_quote(p.name)}` is %" PRId64 "'
            f", which is {_quote(str(p.dims[b.axis]))} for no {_quote(b.symbol)}",
            extent,
            head="head",
        )
    call = wrap_call(f"irc_dims_{stem}(", ["head", *at.values(), "dims"], ")")
    lines += [
        "    (void)irc_ok;",
        "    (void)sizes;",
        f"    const int32_t status = {call};",
        "    if (status != IRC_OK)",
        "        return status;",
        f"    return irc_check_shapes(head, {string_literal(function.name)}, irc_in_{stem}, "
        f"{len(function.params)}, shapes, dims);",
        "}",
    ]
    return "\n".join(lines)


def _run(
    spec: ModuleSpec, names: ModuleNames, function: FunctionSpec, args: Arguments, arena: str
) -> str:
    """Out of line, so that the generic doors do not repeat it."""
    fresh = args.scope.fresh
    dims, status, arrays, extents, workspace, memory = map(
        fresh, ("dims", "status", "arrays", "bytes", "workspace", "memory")
    )
    head = f"&{args.context}->head"
    title = string_literal(function.name)
    stem = identifier(function.name)
    symbols = dict(zip(function.sizes, args.sizes, strict=True))
    public = function.name in names.functions
    pointers = [
        *("NULL" if p.rank == 0 else n for p, n in zip(function.params, args.params, strict=True)),
        *args.results,
    ]
    refuse = [f"    if ({status} != IRC_OK)", f"        return (irc_status){status};"]
    lines = [
        "__attribute__((noinline))",
        ("" if public else "static ") + prototype(names, function, name=run_name(names, function)),
        "{",
        "    bool irc_ok = true;",
        f"    int64_t {dims}[{max(sum(1 for _ in _axes(function)), 1)}] = {{0}};",
        wrap_call(f"    int32_t {status} = irc_dims_{stem}(", [head, *args.sizes, dims], ");"),
        *refuse,
    ]
    if pointers:
        inputs, outputs = str(len(function.params)), str(len(function.results))
        writes = "true" if function.writes else "false"
        slots = [f"irc_in_{stem}", inputs, f"irc_out_{stem}", outputs]
        lines += [
            wrap_call(f"    const void *const {arrays}[] = {{", pointers, "};"),
            f"    int64_t {extents}[{len(pointers)}];",
            wrap_call(
                f"    {status} = irc_check_arrays(",
                [head, title, *slots, arrays, dims, extents, writes],
                ");",
            ),
            *refuse,
        ]
    inputs_c = [
        _for_kernel(p.dtype, n if p.rank else f"&{n}", "const ")
        for p, n in zip(function.params, args.params, strict=True)
    ]
    outputs_c = [
        _for_kernel(r.dtype, n) for r, n in zip(function.results, args.results, strict=True)
    ]
    parts = [args.context, *args.sizes, *inputs_c, *outputs_c, memory]
    lines += [
        f"    const int64_t {workspace} = {size_c(arena, symbols)};",
        f"    char *{memory} = irc_arena({head}, {title}, irc_ok ? {workspace} : -1);",
        f"    if ({memory} == NULL)",
        "        return IRC_MEMORY;",
        "    IRC_THREADS();",
        wrap_call(f"    return (irc_status){kernel_name(function.name)}(", parts, ");"),
    ]
    return "\n".join([*lines, "}"])


def _for_kernel(dtype: str, pointer: str, const: str = "") -> str:
    """A pointer as a kernel takes it: integers have no sign there."""
    return f"({const}void *){pointer}" if DTYPES[dtype].kind == "uint" else pointer


def _call(names: ModuleNames, function: FunctionSpec) -> str:
    stem, title = identifier(function.name), string_literal(function.name)
    params, results = function.params, function.results
    total = sum(1 for _ in _axes(function))
    lines = [
        wrap_call(
            f"IRC_COLD int32_t irc_call_{stem}(",
            [f"{names.prefix} *m", "const DLTensor *const *in", "DLTensor *const *out"],
            ")",
        ),
        "{",
        "    irc_head *head = &m->head;",
        f"    int64_t sizes[{max(len(function.sizes), 1)}] = {{0}}, dims[{max(total, 1)}] = {{0}};",
        f"    const int64_t *shapes[{max(len(params), len(results), 1)}] = {{NULL}};",
        wrap_call(
            "    int32_t status = irc_check_tensors(",
            ["head", title, f"irc_in_{stem}", str(len(params)), "in"],
            ");",
        ),
    ]
    # NULL: a DLTensor of rank 0 may come without a shape
    lines += [f"    shapes[{i}] = status ? NULL : in[{i}]->shape;" for i in range(len(params))]
    lines += [
        "    if (status == IRC_OK)",
        f"        status = irc_bind_{stem}(head, shapes, sizes, dims);",
        "    if (status == IRC_OK)",
        wrap_call(
            "        status = irc_check_tensors(",
            ["head", title, f"irc_out_{stem}", str(len(results)), "(const DLTensor *const *)out"],
            ");",
        ),
    ]
    first = sum(p.rank for p in params)
    lines += [f"    shapes[{i}] = status ? NULL : out[{i}]->shape;" for i in range(len(results))]
    lines += [
        "    if (status == IRC_OK)",
        wrap_call(
            "        status = irc_check_shapes(",
            ["head", title, f"irc_out_{stem}", str(len(results)), "shapes", f"dims + {first}"],
            ");",
        ),
        "    if (status != IRC_OK)",
        "        return status;",
        "    (void)in;",
        "    (void)out;",
    ]
    lines.append(
        _pointer_call(
            "    return (int32_t)",
            names,
            function,
            "irc_tensor_data(in[{}])",
            "irc_tensor_data(out[{}])",
        )
    )
    return "\n".join([*lines, "}"])


def _pointer_call(
    start: str, names: ModuleNames, function: FunctionSpec, read: str, written: str
) -> str:
    """A call of the public function with `sizes` and pointers from arrays."""
    parts = ["m", *(f"sizes[{i}]" for i in range(len(function.sizes)))]
    for i, p in enumerate(function.params):
        pointer = read.format(i)
        parts.append(pointer if p.rank else f"*(const {DTYPES[p.dtype].c} *){pointer}")
    parts += [written.format(i) for i in range(len(function.results))]
    return wrap_call(f"{start}{run_name(names, function)}(", parts, ");")


# -- small pieces


def _mentions(lines: list[str], name: str) -> bool:
    return any(re.search(rf"\b{name}\b", line) for line in lines)


def _axes(function: FunctionSpec) -> Iterator[tuple[str, Dim, int]]:
    """(label, size, axis) of every axis, parameters first: the layout of `dims`."""
    for p in function.params:
        yield from ((p.name, d, k) for k, d in enumerate(p.dims))
    for i, r in enumerate(function.results):
        yield from ((_result_label(function, i), d, k) for k, d in enumerate(r.dims))


def _result_label(function: FunctionSpec, i: int) -> str:
    name = function.results[i].name
    return name or ("result" if len(function.results) == 1 else f"result {i}")


def _quote(text: str | FunctionSpec) -> str:
    """Text inside a C string that is a printf format."""
    name = text if isinstance(text, str) else text.name
    return string_literal(name.replace("%", "%%"))[1:-1]


def _refuse(condition: str, message: str, *values: str, head: str = "irc_where") -> list[str]:
    parts = [head, "IRC_SHAPE", f'"{message}"', *values]
    return [
        f"    if ({condition})",
        wrap_call("        return irc_fail(", parts, ");").replace(' ""', ""),
    ]
