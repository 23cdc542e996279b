"""A module's description as a Python stub and as a page of its manual."""

from __future__ import annotations

import keyword
import math

from irc.abi import FunctionSpec, ModuleSpec, ParamSpec, ResultSpec

# NumPy's scalar types; bf16 comes from ml_dtypes.
NUMPY = {
    "bool": "np.bool_",
    "f16": "np.float16",
    "f32": "np.float32",
    "f64": "np.float64",
    **{f"i{bits}": f"np.int{bits}" for bits in (8, 16, 32, 64)},
    **{f"u{bits}": f"np.uint{bits}" for bits in (8, 16, 32, 64)},
}
PYTHON = {"bool": "bool", "f": "float", "i": "int", "u": "int", "b": "float"}


# What every module has. A function of such a name, or of that of a keyword, is `m["name"]`.
_OWN = """\
    state: State
    def seed(self, seed: int) -> None: ...
    def save(self, path: str) -> None: ...
    def load_state(self, path: str) -> None: ...
    def __getitem__(self, name: str) -> Any: ...""".split("\n")
_OWN_NAMES = frozenset("state seed save load_state functions tests name source spec".split())


def exports(spec: ModuleSpec) -> list[FunctionSpec]:
    return [f for f in spec.functions if f.kind == "export"]


def python_stub(spec: ModuleSpec) -> str:
    """A `.pyi`: the module as a protocol, so that editors know functions, results and state."""
    lines = [f'"""{_doc(spec.doc) or spec.name}"""', ""]
    lines += ["from typing import Any, NamedTuple", "", "import numpy as np", ""]
    lines += ["from numpy.typing import NDArray", ""]
    for function in exports(spec):
        lines += _result_class(function)
    lines += ["class State:", "    def __getitem__(self, name: str) -> Any: ..."]
    lines += [
        f"    {s.name}: {_array(s.dtype)}  # {s.type}"
        for s in spec.states
        if not s.hidden and not _is_hidden(s.name)
    ]
    records = dict.fromkeys(s.name.partition(".")[0] for s in spec.states if "." in s.name)
    lines += [f"    {name}: Any  # a record" for name in records if not _is_hidden(name)]
    lines += ["", "class Module:", *_OWN, ""]
    for function in exports(spec):
        if function.name not in _OWN_NAMES and not _is_hidden(function.name):
            lines += _method(function)
    return "\n".join(lines) + "\n"


def _result_class(function: FunctionSpec) -> list[str]:
    """Several named results come as a NamedTuple."""
    if not _is_named(function):
        return []
    fields = [f"    {r.name}: {_result(r)}  # {r.type}" for r in function.results]
    return [f"class {_class_name(function)}(NamedTuple):", *fields, ""]


def _is_named(function: FunctionSpec) -> bool:
    names = [r.name for r in function.results]
    return len(names) > 1 and all(n and not n.startswith("_") and not _is_hidden(n) for n in names)


def _is_hidden(name: str) -> bool:
    """Python has no plain attribute for it: a keyword, a field of a record, a private name."""
    return not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__")


def _class_name(function: FunctionSpec) -> str:
    return "".join(part.capitalize() for part in function.name.split("_")) + "Results"


def _method(function: FunctionSpec) -> list[str]:
    names = {p.name for p in function.params}
    text = ", ".join(["self", *_params(function), "out: Any = ..."])
    if names & {"self", "out"} or any(map(_is_hidden, names)):
        text = "self, /, *args: Any, **kwargs: Any"
    match function.results:
        case ():
            result = "None"
        case (one,):
            result = _result(one)
        case _ if _is_named(function):
            result = _class_name(function)
        case several:
            result = f"tuple[{', '.join(map(_result, several))}]"
    doc = _doc(function.doc)
    body = [f'        """{doc}"""', "        ..."] if doc else []
    head = f"    def {function.name}({text}) -> {result}:"
    return [head, *body] if body else [f"{head} ..."]


def _params(function: FunctionSpec) -> list[str]:
    """With the star: a parameter without a default, behind one with, is given by name."""
    params = [f"{p.name}: {_param(p)}{_default(p)}" for p in function.params]
    defaults = [p.default is not None for p in function.params]
    late = [i for i, given in enumerate(defaults) if not given and any(defaults[:i])]
    star = late[0] if late else len(params)
    return [*params[:star], "*", *params[star:]]


def _param(param: ParamSpec) -> str:
    if param.rank:
        return _array(param.dtype)
    return f"{PYTHON.get(param.dtype, PYTHON[param.dtype[0]])} | {_scalar(param.dtype)}"


def _default(param: ParamSpec) -> str:
    """As in the program; `...` for what Python has no literal for."""
    if param.default is None:
        return ""
    is_literal = not isinstance(param.default, float) or math.isfinite(param.default)
    return f" = {param.default!r}" if is_literal else " = ..."


def _result(result: ResultSpec) -> str:
    return _array(result.dtype) if result.rank else _scalar(result.dtype)


def _scalar(dtype: str) -> str:
    return NUMPY.get(dtype, "Any")


def _array(dtype: str) -> str:
    return f"NDArray[{_scalar(dtype)}]"


def _doc(text: str) -> str:
    """Inside triple quotes."""
    return text.strip().replace("\\", "\\\\").replace('"', '\\"')


def manual_page(spec: ModuleSpec) -> str:
    """Markdown: what the program says about itself, its functions and its state."""
    lines = [f"# {spec.name}", ""]
    if spec.doc:
        lines += [spec.doc.strip(), ""]
    for function in exports(spec):
        lines += [f"## {function.name}", "", "```", function.signature, "```", ""]
        if function.doc:
            lines += [function.doc.strip(), ""]
        lines += _table("parameter", [(p.name, p.type, p.doc) for p in function.params])
        named = [(r.name or "", r.type, r.doc) for r in function.results]
        lines += _table("result", named)
        if function.writes:
            lines += [f"Changes {', '.join(f'`{name}`' for name in function.writes)}.", ""]
    visible = [(s.name, s.type, s.doc) for s in spec.states if not s.hidden]
    if visible:
        lines += ["## State", "", *_table("state", visible)]
    consts = [(name, str(value), "") for name, value in spec.consts.items()]
    if consts:
        lines += ["## Constants", "", *_table("constant", consts)]
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, rows: list[tuple[str, str, str]]) -> list[str]:
    if not rows:
        return []
    head = [f"| {title} | type | |", "|---|---|---|"]
    body = [f"| {f'`{name}`' if name else ''} | `{kind}` | {_cell(doc)} |"
            for name, kind, doc in rows]  # fmt: skip
    return [*head, *body, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
