"""
One C file and one header from a description and the kernels' text.

What the kernels' text must keep to:
* `static int32_t k_F(struct M *ctx, int64_t sizes..., const T *inputs..., T *outputs..., char
  *arena)` for every function F of the description; the name is `kernel_name(F)`, rank-0 values
  come by pointer, M is `module_names(spec).prefix`. The initialiser takes only ctx and arena.
* `ctx->FIELD` with `state_field(spec, state)` points to a state; they are aligned to 64 bytes.
* `arena` has the bytes asked for, aligned to 64, never NULL.
* A kernel returns an `irc_status`. With `return irc_fail(&ctx->head, IRC_BOUNDS, format, ...)`
  or the functions of `text.h` it leaves a message. No state may have changed by then.
* Reserved for this file: identifiers that begin with `irc_`, and the public names of
  `module_names`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from irc.abi import INIT_FUNCTION, RNG_STATE, ModuleSpec, StateSpec, to_json
from irc.codegen.c.doors import function_doors, invoke_table, size_c
from irc.codegen.c.foreign import Foreign, closing, members, opening
from irc.codegen.c.header import header_text, read_support
from irc.codegen.c.identifiers import string_literal
from irc.codegen.c.names import ModuleNames, kernel_name, module_names
from irc.dtypes import DTYPES
from irc.errors import Unsupported

_ALIGNMENT = 64
_LARGEST_STATE = 2**62


@dataclass(frozen=True, slots=True)
class ModuleText:
    """The texts of a module's C file and header."""

    c: str
    header: str


def module_text(
    spec: ModuleSpec,
    kernels: str,
    arenas: Mapping[str, str],
    foreign: Sequence[Foreign] = (),
) -> ModuleText:
    """
    The complete module around `kernels`.

    arenas    function -> bytes of workspace, a size in the function's symbols; "0" when missing
    foreign   functions of other libraries that the kernels call

    Raises Unsupported for states that no memory can hold.
    """
    names = module_names(spec)
    header = header_text(spec)
    numbered = {i: f for i, f in enumerate(spec.functions) if f.kind != "init"}
    parts = [
        "#define _POSIX_C_SOURCE 200809L",
        "#pragma GCC visibility push(default)",
        header,
        "#pragma GCC visibility pop",
        *map(_support, _support_files(spec, kernels, foreign)),
        _context(spec, names, foreign),
        kernels.strip("\n"),
        *(
            text
            for f in numbered.values()
            for text in function_doors(spec, names, f, arenas.get(f.name, "0"))
        ),
        *_life(spec, names, arenas, foreign),
        *_accessors(spec, names),
        *_storage(spec, names),
        _generic(spec, names),
        invoke_table(names, numbered),
    ]
    return ModuleText("\n\n".join(parts) + "\n", header)


def _support_files(spec: ModuleSpec, kernels: str, foreign: Sequence[Foreign]) -> Iterator[str]:
    """What the module uses; a C compiler needs its time for the rest, too."""
    yield "prelude.h"
    if "irc_text" in kernels:
        yield "text.h"
    yield from ("generic.h", "tensors.h", "storage.h")
    if foreign:
        yield "foreign.h"


def _support(name: str) -> str:
    """The text of a support file; what it includes of ours is already there."""
    lines = read_support(name).splitlines()
    return "\n".join(line for line in lines if not line.startswith('#include "')).strip()


def _context(spec: ModuleSpec, names: ModuleNames, foreign: Sequence[Foreign]) -> str:
    lines = [f"struct {names.prefix} {{", "    irc_head head;"]
    for s in spec.states:
        lines.append(f"    {DTYPES[s.dtype].c} *{names.fields[s.name]}; /* {s.type} */")
    lines += members(foreign)
    return "\n".join([*lines, "};"])


def _offsets(states: tuple[StateSpec, ...]) -> tuple[list[int], int]:
    """Where each state begins in the block of all states, and the block's bytes."""
    offsets, end = [], 0
    for s in states:
        offsets.append(end)
        end += -(-s.bytes // _ALIGNMENT) * _ALIGNMENT
        if end > _LARGEST_STATE:
            raise Unsupported(f"state `{s.name}`: {s.type} is larger than any memory")
    return offsets, end


def _life(
    spec: ModuleSpec, names: ModuleNames, arenas: Mapping[str, str], foreign: Sequence[Foreign]
) -> Iterator[str]:
    """new, free, seed, error."""
    p = names.prefix
    offsets, total = _offsets(spec.states)
    init = any(f.kind == "init" for f in spec.functions)
    lines = [
        f"static {p} *irc_open_context(uint64_t seed, char *error, size_t error_bytes)",
        "{",
        "    const char *lacking = irc_cpu_lacks();",
        "    if (lacking != NULL) {",
        '        snprintf(error, error_bytes, "made for another CPU: this one lacks %s", lacking);',
        "        return NULL;",
        "    }",
        f"    {p} *m = calloc(1, sizeof *m);",
        "    if (m == NULL) {",
        '        snprintf(error, error_bytes, "cannot allocate a context");',
        "        return NULL;",
        "    }",
        f"    m->head.state_bytes = INT64_C({total});",
    ]
    if total:
        lines += [
            "    m->head.states = irc_allocate(m->head.state_bytes);",
            "    if (m->head.states == NULL) {",
            '        snprintf(error, error_bytes, "cannot allocate %" PRId64 " bytes of state",',
            "                 m->head.state_bytes);",
            "        free(m);",
            "        return NULL;",
            "    }",
            "    memset(m->head.states, 0, (size_t)m->head.state_bytes);",
        ]
    elif spec.states:
        lines += ["    static char none[IRC_ALIGNMENT];", "    m->head.states = none;"]
    for s, offset in zip(spec.states, offsets, strict=True):
        lines.append(f"    m->{names.fields[s.name]} = (void *)(m->head.states + {offset});")
    lines += opening(p, foreign)
    lines.append(f"    {p}_seed(m, seed);")
    if init:
        lines += _run_init(names, arenas)
    lines += ["    return m;", "}"]
    new = (
        f"{p} *{p}_new(uint64_t seed)\n{{\n    char error[IRC_ERROR_BYTES];\n"
        f"    return irc_open_context(seed, error, sizeof error);\n}}"
    )
    release = "    free(m->head.states);\n" if total else ""
    free = (
        f"void {p}_free({p} *m)\n{{\n    if (m == NULL)\n        return;\n"
        f"    free(m->head.arena);\n{release}{closing(foreign)}    free(m);\n}}"
    )
    error = f"const char *{p}_error(const {p} *m)\n{{\n    return m->head.error;\n}}"
    yield from (_seed(spec, names), free, "\n".join(lines), new, error)


def _run_init(names: ModuleNames, arenas: Mapping[str, str]) -> list[str]:
    """The initialisers' workspace may be large and is given back."""
    p = names.prefix
    return [
        "    bool irc_ok = true;",
        f"    const int64_t workspace = {size_c(arenas.get(INIT_FUNCTION, '0'), {})};",
        f'    char *arena = irc_arena(&m->head, "{INIT_FUNCTION}", irc_ok ? workspace : -1);',
        "    IRC_THREADS();",
        f"    if (arena == NULL || {kernel_name(INIT_FUNCTION)}(m, arena) != IRC_OK) {{",
        '        snprintf(error, error_bytes, "%s", m->head.error);',
        f"        {p}_free(m);",
        "        return NULL;",
        "    }",
        "    free(m->head.arena);",
        "    m->head.arena = NULL;",
        "    m->head.arena_bytes = 0;",
    ]


def _seed(spec: ModuleSpec, names: ModuleNames) -> str:
    lines = [f"void {names.prefix}_seed({names.prefix} *m, uint64_t seed)", "{"]
    if RNG_STATE in names.fields:
        field = names.fields[RNG_STATE]
        lines += [f"    m->{field}[0] = (int64_t)seed;", f"    m->{field}[1] = 0;"]
    else:
        lines += ["    (void)m;", "    (void)seed;"]
    return "\n".join([*lines, "}"])


def _accessors(spec: ModuleSpec, names: ModuleNames) -> Iterator[str]:
    for s in spec.states:
        if not s.hidden:
            yield (
                f"{DTYPES[s.dtype].c} *{names.accessors[s.name]}({names.prefix} *m)\n"
                f"{{\n    return m->{names.fields[s.name]};\n}}"
            )


def _storage(spec: ModuleSpec, names: ModuleNames) -> Iterator[str]:
    """save and load, over a table of the states and the finished header of the file."""
    p, count = names.prefix, len(spec.states)
    offsets, _ = _offsets(spec.states)
    if count:
        for i, s in enumerate(spec.states):
            if s.dims:
                dims = ", ".join(f"INT64_C({d})" for d in s.dims)
                yield f"static const int64_t irc_state_dims_{i}[] = {{{dims}}};"
        rows = [
            f"    {{{string_literal(s.name)}, {string_literal(s.dtype.upper())}, "
            f"{f'irc_state_dims_{i}' if s.dims else 'NULL'}, {len(s.dims)}, "
            f"{'true' if s.hidden else 'false'}, INT64_C({offset}), INT64_C({s.bytes})}},"
            for i, (s, offset) in enumerate(zip(spec.states, offsets, strict=True))
        ]
        yield "\n".join(["static const irc_state_info irc_state_table[] = {", *rows, "};"])
    table = "irc_state_table" if count else "NULL"
    yield (
        f"irc_status {p}_save({p} *m, const char *path)\n{{\n"
        f"    static const char header[] =\n{_long_literal(_safetensors_header(spec))};\n"
        f"    return (irc_status)irc_save_states(&m->head, path, header, {table}, {count});\n}}"
    )
    yield (
        f"irc_status {p}_load({p} *m, const char *path)\n{{\n"
        f"    return (irc_status)irc_load_states(&m->head, path, {table}, {count});\n}}"
    )


def _safetensors_header(spec: ModuleSpec) -> str:
    import json

    entries: dict[str, object] = {"__metadata__": {"format": "irc", "module": spec.name}}
    at = 0
    for s in spec.states:
        entries[s.name] = {
            "dtype": s.dtype.upper(),
            "shape": list(s.dims),
            "data_offsets": [at, at + s.bytes],
        }
        at += s.bytes
    text = json.dumps(entries, separators=(",", ":"))
    return text + " " * (-len(text) % 8)


def _generic(spec: ModuleSpec, names: ModuleNames) -> str:
    p = names.prefix
    cases = "".join(
        f"    case {i}:\n        return m->{names.fields[s.name]};\n"
        for i, s in enumerate(spec.states)
    )
    state = f"    switch (index) {{\n{cases}    default:\n        return NULL;\n    }}"
    return f"""\
const int32_t irc_abi_version = {spec.abi};

const char irc_module_json[] =
{_long_literal(to_json(spec))};

const char *irc_missing_cpu(void)
{{
    return irc_cpu_lacks();
}}

void *irc_new(uint64_t seed, char *error, size_t error_bytes)
{{
    return irc_open_context(seed, error, error_bytes);
}}

void irc_free(void *context)
{{
    {p}_free(context);
}}

const char *irc_error(const void *context)
{{
    return {p}_error(context);
}}

void irc_seed(void *context, uint64_t seed)
{{
    {p}_seed(context, seed);
}}

void *irc_state(void *context, int32_t index)
{{
    {p} *m = context;
    (void)m;
{state}
}}

int32_t irc_save(void *context, const char *path)
{{
    return (int32_t){p}_save(context, path);
}}

int32_t irc_load(void *context, const char *path)
{{
    return (int32_t){p}_load(context, path);
}}

void irc_on_print(void *context, irc_printer *print, void *user)
{{
    {p} *m = context;
    m->head.print = print;
    m->head.print_user = user;
}}

int64_t irc_workspace(const void *context)
{{
    const {p} *m = context;
    return m->head.arena_bytes;
}}"""


def _long_literal(text: str) -> str:
    """A string literal in pieces of one line each."""
    pieces = [text[i : i + 88] for i in range(0, len(text), 88)] or [""]
    return "\n".join(f"    {string_literal(piece)}" for piece in pieces)
