"""What irc-run does with one request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from irc.abi import FunctionSpec, ModuleSpec
from irc.cli.bench import Measured, compared, measure
from irc.cli.common import Reporter, usage
from irc.cli.lints import Lints
from irc.cli.progress import progress
from irc.diagnostics import did_you_mean
from irc.driver import Source, Watch, compile_source
from irc.errors import IrcError, LoadError, UserError
from irc.files import read_text, shown, write_file
from irc.options import Options


@dataclass
class Request:
    """The command line of irc-run, read. Fields are named as the flags."""

    file: str
    function: str | None
    options: Options
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    seed: int
    repeat: int
    load_state: str | None
    save_state: str | None
    run_tests: bool
    bench: bool
    json: bool
    compare: str | None
    max_seconds: float


def run(request: Request, reporter: Reporter) -> int:
    from irc.runtime.module import load_bytes

    data, name = module_bytes(request, reporter)
    folder = "" if request.file == "-" else str(Path(request.file).resolve().parent)
    if request.run_tests:
        from irc.cli.testing import run_tests

        return run_tests(data, name, reporter, request.seed, folder)
    module = load_bytes(data, name, request.seed, folder)
    if request.function is None:
        print(overview(module.spec))
        return 0
    function, spec = find(module, request.function)
    inputs = arguments(spec, request)
    wanted = wanted_outputs(spec, request)
    if request.load_state:
        state_file(module.load_state, request.load_state)
    if request.bench:
        bench(function, spec, inputs, request)
    else:
        for _ in range(request.repeat):
            result = function(*inputs)
        show(spec, result, wanted)
    if request.save_state:
        state_file(module.save, request.save_state)
    return 0


def module_bytes(request: Request, reporter: Reporter) -> tuple[bytes, str]:
    """The shared object: the file itself, or compiled from it. And a name for messages."""
    path = request.file
    if Path(path).suffix == ".so":
        try:
            return Path(path).read_bytes(), shown(path)
        except OSError as error:
            raise LoadError(f"cannot open `{shown(path)}`: {error.strerror}") from None
    name = "<stdin>" if path == "-" else shown(path)
    kind = "mlir" if path.endswith(".mlir") else "irc"
    source = Source(read_text(path), name, kind)
    reporter.sources.add(source.file, source.text)
    watch = Watch(warning=Lints((), reporter).report)
    with progress(source.file, watch, reporter):
        outputs = compile_source(source, request.options, ["so"], watch)
    return outputs.data("so"), name


def overview(spec: ModuleSpec) -> str:
    lines = [f"{spec.name}{f': {spec.doc.strip()}' if spec.doc else ''}"]
    for function in spec.functions:
        if function.kind == "export":
            lines.append(f"  {function.signature}")
    lines += [f"  state {s.name}: {s.declared or s.type}" for s in spec.states if not s.hidden]
    return "\n".join(lines)


def find(module: Any, name: str) -> tuple[Any, FunctionSpec]:
    if name not in module.functions:
        known = ", ".join(module.functions) or "none"
        usage(f"{module.name} has no function {name}; it has: {known}")
    return module.functions[name], module.spec.function(name)


def arguments(spec: FunctionSpec, request: Request) -> list[np.ndarray]:
    from irc.execution.inputs import make_inputs, parse_argument

    try:
        return make_inputs([parse_argument(a) for a in request.arguments], spec, request.seed)
    except IrcError as error:
        raise UserError(f"{spec.name}: {error}") from None


def wanted_outputs(spec: FunctionSpec, request: Request) -> dict[int, str]:
    """Index of a result -> file or `-`. `-o -` and `-o FILE` are for functions with one result."""
    names = result_names(spec)
    wanted: dict[int, str] = {}
    for text in request.outputs:
        name, given, path = text.partition("=")
        if not given:
            if len(names) != 1:
                usage(f"-o needs NAME=FILE: {spec.name} has the results {', '.join(names)}")
            name, path = names[0], text
        if name not in names:
            close = did_you_mean(name, names)
            hint = f"; did you mean {close[0]}?" if close else f"; it has: {', '.join(names)}"
            usage(f"{spec.name} has no result {name}{hint}")
        if not path:
            usage(f"-o {text}: which file?")
        wanted[names.index(name)] = path
    return wanted


def result_names(spec: FunctionSpec) -> list[str]:
    if len(spec.results) == 1 and not spec.results[0].name:
        return ["result"]
    return [r.name or f"result{i}" for i, r in enumerate(spec.results)]


def show(spec: FunctionSpec, result: Any, wanted: dict[int, str]) -> None:
    """Without -o: every result with its name and type; else those that were asked for."""
    names = result_names(spec)
    values = list(result) if len(names) > 1 else [result] if names else []
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        array = np.asarray(value)
        text = np.array2string(array, separator=", ", max_line_width=96, threshold=200)
        if not wanted:
            print(f"{name}: {concrete(spec.results[index].dtype, array.shape)} = {text}")
        elif wanted.get(index) == "-":
            print(text)
        elif index in wanted:
            save_array(wanted[index], array)


def concrete(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype}[{', '.join(map(str, shape))}]" if shape else dtype


def save_array(path: str, array: np.ndarray) -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_file(path, buffer.getvalue())


def state_file(transfer: Any, path: str) -> None:
    try:
        transfer(path)
    except IrcError:
        raise
    except OSError as error:
        raise UserError(f"cannot use `{shown(path)}`: {error.strerror or error}") from None


# ---- measuring


def bench(function: Any, spec: FunctionSpec, inputs: list[np.ndarray], request: Request) -> None:
    measured = measure(lambda: function(*inputs), request.max_seconds)
    before = read_earlier(request.compare) if request.compare else None
    if request.json:
        print(json.dumps({"function": spec.name, "file": shown(request.file), **measured.data()}))
        return
    print(f"{spec.name}: {measured}")
    if before is not None:
        print(compared(before, measured))


def read_earlier(path: str) -> Measured:
    try:
        return Measured(**{k: v for k, v in json.loads(read_text(path)).items()
                           if k in Measured.__dataclass_fields__})  # fmt: skip
    except (ValueError, TypeError, AttributeError):
        raise UserError(f"`{shown(path)}` is not what --bench --json prints") from None
