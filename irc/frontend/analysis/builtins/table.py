"""
The table of functions of the language, and how a call reaches its row.

A row states the signature as the manual prints it: `log_softmax(x: float, axis: axis = -1)`.
The kind after each colon says what the argument must be, and as what the function gets it:

    number   a number or tensor of any dtype, as an Operand (open literals stay open)
    float    a float tensor, as a Tensor
    open     an open number or a float tensor, as an Operand
    bool     a bool tensor, as a Tensor
    tensor   a tensor of any dtype, as a Tensor
    list     an array or tuple of tensors, as a list of Operands
    axis     one axis of the first argument, as a position from 0; none when left out
    axes     one axis or several, as a sorted list; all when left out
    ints     literal integers, `(1, 0)` or `[1, 0]`, as a list
    shape    sizes: `[n, 3]`, `shape(x)`, `n`; as a tuple of Size
    rest     a shape in which one size may be -1, for what is left
    size     one size
    pairs    widths: one for all, a pair, or a list with a pair for each axis; as a list of pairs
    known    an integer known from literals and sizes, as a Poly
    dtype    a dtype, or a tensor whose dtype is meant
    int      a literal integer
    flag     `true` or `false`
    text     a literal string
    value    anything
    written  the expression itself, which the function reads
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from irc.diagnostics import Label, Span, did_you_mean
from irc.dtypes import DType
from irc.frontend import tree
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.values import BuiltinRef, Origin, Value

REQUIRED = object()


@dataclass(frozen=True)
class Param:
    name: str
    kind: str
    default: Any = REQUIRED


@dataclass(frozen=True)
class Builtin:
    """
    One function of the language.

    signature   as the manual prints it
    build       `build(env, call, *arguments)`
    method      can be written `x.name(...)`; `prop` even without parentheses
    records     applies to each field of a record in the place of its first argument
    axis_hint   what a message about a wrong axis suggests, `axis=` at its end
    draws       its shape may be left out in the initialiser of a state
    raw         reads its own arguments: `build(env, call, args)`
    """

    name: str
    signature: str
    params: tuple[Param, ...]
    doc: str
    build: Callable[..., Value]
    as_method: bool = False
    as_property: bool = False
    records: bool = False
    axis_hint: str = ""
    draws: bool = False
    raw: bool = False


@dataclass
class Call:
    """
    A call of a builtin.

    name_span   the name of the function; `span` is the whole call
    base        of a method call, what stands before the dot
    expected    the dtype that an open result should take
    nodes       the expression behind each argument, by parameter
    keywords    where an argument is written `name=value`: that place
    values      the arguments that are converted already
    """

    entry: Builtin
    span: Span
    name_span: Span
    base: tree.Expr | None = None
    base_value: Value | None = None
    expected: DType | None = None
    nodes: dict[str, tree.Expr] = field(default_factory=dict)
    keywords: dict[str, Span] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        return Origin(span=self.span, how=f"the result of `{self.entry.name}`")

    def node(self, name: str) -> tree.Expr:
        return self.nodes[name]

    def span_of(self, name: str) -> Span:
        """The place of an argument; of the call when it was left out."""
        return self.nodes[name].span if name in self.nodes else self.span

    def first_label(self, text: str) -> Label | None:
        """A label from the name of the function to the end of its first argument."""
        first = next(iter(self.nodes.values()), None)
        if first is None or self.base is not None:
            return Label(self.base.span, text) if self.base is not None else None
        return Label(self.name_span.to(first.span), text)


BUILTINS: dict[str, Builtin] = {}


def builtin(signature: str, doc: str, **more: Any) -> Callable[..., Any]:
    """States a function of the language; its name and parameters come from the signature."""
    name, _, rest = signature.partition("(")
    params = tuple(_param(p) for p in _split(rest.rpartition(")")[0]))

    def state(build: Callable[..., Value]) -> Callable[..., Value]:
        assert name not in BUILTINS, name
        BUILTINS[name] = Builtin(name, signature, params, doc, build, **more)
        return build

    return state


def _split(text: str) -> list[str]:
    return [p.strip() for p in text.split(",") if p.strip()]


def _param(text: str) -> Param:
    name, _, kind = text.partition(":")
    kind, _, default = kind.partition("=")
    if not default:
        return Param(name.strip(), kind.strip())
    return Param(name.strip(), kind.strip(), _literal(default.strip()))


def _literal(text: str) -> Any:
    known = {"none": None, "true": True, "false": False}
    if text in known:
        return known[text]
    return float(text) if "." in text else int(text)


def lookup(env: Env, name: str, span: Span) -> Value | None:
    """The meaning of a name of the language itself; None when it has none."""
    from irc.frontend.analysis.builtins import constants

    entry = BUILTINS.get(name)
    if entry is not None:
        return BuiltinRef(name, entry, Origin(name, span))
    constant = constants.lookup(name, span)
    if constant is not None:
        return constant
    planned = constants.PLANNED.get(name)
    if planned is not None:
        raise env.unsupported(f"`{name}` is not supported yet", span, helps=[planned])
    foreign = constants.FOREIGN.get(name)
    if foreign is not None:
        raise env.error(
            "E0105", f"no value named `{name}` here", span, "not a name of irc", helps=[foreign]
        )
    return None


def names() -> list[str]:
    """All names of the language."""
    from irc.frontend.analysis.builtins import constants

    return [*BUILTINS, *constants.CONSTANTS]


def method(name: str) -> Builtin | None:
    """The function behind `x.name`."""
    entry = BUILTINS.get(name)
    return entry if entry is not None and entry.as_method else None


def bind(env: Env, call: Call, args: Sequence[tree.Arg], skip: int = 0) -> None:
    """
    Puts each argument to its parameter, into `call.nodes`. `skip` leaves out first parameters.

    Raises E0109 for arguments that are too many, unknown, given twice or missing.
    """
    entry, params = call.entry, call.entry.params[skip:]
    position = 0
    for arg in args:
        if arg.name is None:
            if position >= len(params):
                raise env.error(
                    "E0109",
                    f"`{entry.name}` takes {_count(len(params))}",
                    arg.span,
                    "one too many",
                    notes=[f"`{entry.signature}`"],
                    helps=_as_list(env, call, args, params),
                )
            param = params[position]
            position += 1
        else:
            param = _named(env, call, params, arg)
        if param.name in call.nodes:
            raise env.error("E0109", f"`{param.name}` is given twice", arg.span, "given again here")
        call.nodes[param.name] = arg.value
        if arg.name is not None:
            call.keywords[param.name] = arg.span
    for param in params:
        if param.default is REQUIRED and param.name not in call.nodes:
            raise env.error(
                "E0109",
                f"`{entry.name}` needs `{param.name}`",
                call.span,
                "the argument is missing",
                notes=[f"`{entry.signature}`"],
            )


def _as_list(env: Env, call: Call, args: Sequence[tree.Arg], params: Sequence[Param]) -> list[str]:
    """`x.reshape(n, 1)` as NumPy allows it."""
    from irc.frontend.analysis.describe import spelled

    kinds = ("shape", "rest", "ints", "list")
    if not params or params[-1].kind not in kinds or any(arg.name for arg in args):
        return []
    given = [spelled(env, arg.value) for arg in args]
    last = len(params) - 1
    joined = ", ".join([*given[:last], f"[{', '.join(given[last:])}]"])
    base = f"{spelled(env, call.base)}." if call.base is not None else ""
    return [f"write `{base}{call.entry.name}({joined})`"]


# Parameters as other libraries call them.
_OTHER_NAMES = {
    **{"dim": "axis", "kernel_size": "size", "window": "size", "padding": "pad"},
    **{"reverse": "descending", "strides": "stride", "rate": "dilation"},
}


def _named(env: Env, call: Call, params: Sequence[Param], arg: tree.Arg) -> Param:
    assert arg.name is not None
    for param in params:
        if param.name == arg.name.name:
            return param
    known = [p.name for p in params]
    meant = _OTHER_NAMES.get(arg.name.name)
    guesses = [meant] if meant in known else did_you_mean(arg.name.name, known)
    raise env.error(
        "E0109",
        f"`{call.entry.name}` has no parameter `{arg.name.name}`",
        arg.name.span,
        "unknown parameter",
        notes=[f"`{call.entry.signature}`"],
        helps=[f"did you mean `{g}`?" for g in guesses],
    )


def _count(n: int) -> str:
    return f"{n} argument{'s' if n != 1 else ''}" if n else "no arguments"
