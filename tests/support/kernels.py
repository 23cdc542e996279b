"""Kernels from linalg text, compiled and called: what tests of the loop level share."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, builtin, func, linalg, math, memref, scf, tensor, vector
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass

import irc.dialects.upstream  # noqa: F401
from irc.abi import FunctionSpec
from irc.codegen.c.emit import KernelText, emit_functions
from irc.codegen.c.header import read_support
from irc.dialects.nd import ND
from irc.dialects.rt import RT
from irc.dtypes import DTYPES
from irc.execution.compare import difference, tolerance_of
from irc.execution.numerics import bf16_bits, bf16_value
from irc.execution.outcome import Failure, Outcome
from irc.execution.program import Program
from irc.execution.signature import bind_sizes, evaluate_dims, signature_of
from irc.passes.loops.bufferize import BufferizePass
from irc.passes.loops.convert_linalg_to_loops import ConvertLinalgToLoopsPass
from irc.passes.loops.plan_memory import PlanMemoryPass
from irc.sizes import parse

_PRINTER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
FLAGS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")


def context() -> Context:
    """A context with the dialects below nd."""
    ctx = Context()
    for dialect in (
        *(builtin.Builtin, func.Func, arith.Arith, scf.Scf, linalg.Linalg, tensor.Tensor),
        *(memref.MemRef, math.Math, vector.Vector, RT, ND),
    ):
        ctx.load_dialect(dialect)
    return ctx


def parse_module(text: str) -> ModuleOp:
    """IR text as a verified module."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def lower(module: ModuleOp, **options: object) -> ModuleOp:
    """Down to the loop level, verified after each pass."""
    passes: list[ModulePass] = [
        BufferizePass(),
        ConvertLinalgToLoopsPass(**options),  # type: ignore[arg-type]
        PlanMemoryPass(),
    ]
    for one in passes:
        one.apply(context(), module)
        module.verify()
    return module


@dataclass
class Kernels:
    """Compiled functions. `state` holds the module's states by name."""

    library: ctypes.CDLL
    text: KernelText
    module: ModuleOp
    state: dict[str, np.ndarray] = field(default_factory=dict)
    message: str = ""
    printed: list[str] = field(default_factory=list)

    def __call__(
        self,
        function: str,
        sizes: dict[str, int],
        inputs: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
    ) -> int:
        """Calls a kernel; gives its status."""
        pointers = (ctypes.c_void_p * max(len(self.state), 1))()
        for i, array in enumerate(self.state.values()):
            pointers[i] = array.ctypes.data
        self.library.make.restype = ctypes.c_void_p
        lines: list[bytes] = []
        printer = _PRINTER(lambda user, text, length: lines.append(text[:length]) or 0)
        ctx = ctypes.c_void_p(self.library.make(pointers, printer))
        size = parse(self.text.arenas[function]).evaluate(sizes)
        # One guard row on each side: a stray write is seen.
        arena = np.full(size + 192, 0xA5, dtype=np.uint8)
        start = (-arena.ctypes.data) % 64 + 64
        arguments: list[object] = [ctx, *map(ctypes.c_int64, sizes.values())]
        arguments += [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)]
        arguments.append(ctypes.c_void_p(arena.ctypes.data + start))
        status = getattr(self.library, f"k_{function}")(*arguments)
        assert (arena[:start] == 0xA5).all() and (arena[start + size :] == 0xA5).all()
        self.library.message.restype = ctypes.c_char_p
        self.printed = b"".join(lines).decode().splitlines()
        self.message = (self.library.message(ctx) or b"").decode()
        self.library.drop(ctx)
        return status

    def run(self, spec: FunctionSpec, inputs: Sequence[np.ndarray]) -> Outcome:
        """A call as the executors make it."""
        given = [_to_c(x, p.dtype) for x, p in zip(inputs, spec.params, strict=True)]
        bound = bind_sizes(spec, [x.shape for x in given])
        op = next(
            op
            for op in self.module.ops
            if isinstance(op, func.FuncOp) and op.sym_name.data == spec.name
        )
        sizes = {name: bound[name] for name in signature_of(op).sizes}
        outputs = [np.zeros(evaluate_dims(r.dims, sizes), _storage(r.dtype)) for r in spec.results]
        status = self(spec.name, sizes, given, outputs)
        state = {name: array.copy() for name, array in self.state.items()}
        if status:
            kind = KINDS[status]
            return Outcome([], state, self.printed, Failure(kind, self.message))
        results = [
            np.asarray(bf16_value(o)).reshape(o.shape) if r.dtype == "bf16" else o
            for o, r in zip(outputs, spec.results, strict=True)
        ]
        return Outcome(results, state, self.printed)


KINDS = {1: "argument", 2: "shape", 3: "bounds", 4: "assert", 5: "memory", 6: "device"}


def compile_text(
    text: str, flags: Sequence[str] = ("-O2",), cc: str = "gcc", **options: object
) -> Kernels:
    """Linalg text to a loaded library, without a warning."""
    options.setdefault("threads", 1)
    return compile_module(lower(parse_module(text), **options), flags, cc)


def compile_module(module: ModuleOp, flags: Sequence[str] = ("-O2",), cc: str = "gcc") -> Kernels:
    """A module at the loop level to a loaded library."""
    states = {
        op.sym_name.data: np.zeros(op.type.get_shape(), _dtype(op.type.element_type))
        for op in module.body.block.ops
        if isinstance(op, memref.GlobalOp) and "irc.state" in op.attributes
    }
    kernels = emit_functions(module, "module")
    folder = Path(tempfile.mkdtemp(prefix="irc-kernels-"))
    try:
        source, library = folder / "kernels.c", folder / "kernels.so"
        source.write_text(c_file(kernels, module))
        march = () if any(f.startswith("-march") for f in flags) else ("-march=native",)
        simd = () if "-fopenmp" in flags else ("-fopenmp-simd", "-DIRC_OPENMP_SIMD")
        command = [cc, *STRICT, *FLAGS, *march, *simd, *flags, str(source), "-o", str(library)]
        result = subprocess.run([*command, "-lm"], capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr[:4000]
        return Kernels(ctypes.CDLL(str(library)), kernels, module, states)
    finally:
        shutil.rmtree(folder)


def c_file(kernels: KernelText, module: ModuleOp) -> str:
    """The kernels with just enough around them to be called."""
    support = "\n".join(
        line
        for name in ("prelude.h", "text.h")
        for line in read_support(name).splitlines()
        if not line.startswith('#include "')
    )
    states = [
        (op.sym_name.data, op)
        for op in module.body.block.ops
        if isinstance(op, memref.GlobalOp) and "irc.state" in op.attributes
    ]
    from irc.codegen.c.types import c_type

    fields = "".join(f" {c_type(op.type.element_type)} *{name};" for name, op in states)
    sets = "".join(f" m->{name} = s[{i}];" for i, (name, _) in enumerate(states))
    head = "#define _POSIX_C_SOURCE 200809L\n#include <stdint.h>\n"
    status = "\n".join(read_support("status.h").splitlines())
    tail = f"""
typedef int print_function(void *user, const char *text, size_t length);
struct module *make(void **s, print_function *print);
struct module *make(void **s, print_function *print)
{{
    struct module *m = calloc(1, sizeof *m);
    m->head.print = print;
    (void)s;{sets}
    return m;
}}
const char *message(struct module *m);
const char *message(struct module *m) {{ return m->head.error; }}
void drop(struct module *m);
void drop(struct module *m) {{ free(m); }}
"""
    text = kernels.functions.replace("static int32_t k_", "int32_t k_")
    context_type = f"struct module {{ irc_head head;{fields} }};"
    return "\n".join((head, status, support, context_type, text, tail))


def c_differs(
    module: ModuleOp,
    passes: Sequence[ModulePass],
    calls: Sequence[Sequence[np.ndarray]],
    function: str = "f",
    flags: Sequence[str] = ("-O2",),
    cc: str = "gcc",
) -> str | None:
    """
    What the compiled C of a module does differently from the module, in words; None: nothing.

    `passes` lead down to the loop level.
    """
    program = Program(module)
    declared = program.signature(function).spec
    before = [program.run(function, inputs) for inputs in calls]
    tolerance = tolerance_of(module)
    for one in passes:
        one.apply(context(), module)
        module.verify()
    kernels = compile_module(module, flags, cc)
    for inputs, outcome in zip(calls, before, strict=True):
        now = kernels.run(declared, inputs)
        what = difference(outcome, now, tolerance, declared)
        if what is not None:
            return f"for shapes {[list(np.shape(x)) for x in inputs]}: {what}"
    return None


def _to_c(array: np.ndarray, dtype: str) -> np.ndarray:
    array = np.asarray(array, order="C")
    return np.asarray(bf16_bits(array)).reshape(array.shape) if dtype == "bf16" else array


def _storage(dtype: str) -> np.dtype:
    return np.dtype("u2" if dtype == "bf16" else DTYPES[dtype].numpy)


def _dtype(element: object) -> np.dtype:
    text = str(element)
    names = {"i1": "bool", "f32": "f4", "f64": "f8", "f16": "f2", "bf16": "u2"}
    return np.dtype(names.get(text, f"i{int(text[1:]) // 8}" if text[1:].isdigit() else text))
