"""
The syntax tree: one class per construct of the language, each with the span of its text.

Nodes are compared by identity, so they can be keys; `walk.same` compares what they say.
A chain of left-associative operators, `a + b + c + ...`, is as deep as it is long: take it
apart with walk.py, which does not recurse. All other nesting is bounded by
`parser.MAX_NESTING`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, dataclass_transform

from irc.diagnostics import Span


@dataclass_transform(frozen_default=True, eq_default=False)
class _NodeType(type):
    """
    Makes slots, `__init__` and `__match_args__` from the annotations.

    What dataclasses do, at a tenth of the import time; the type checker sees frozen ones.
    """

    def __new__(mcls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _NodeType:
        own = tuple(body.get("__annotations__", ()))
        fields = tuple(f for base in bases for f in getattr(base, "__match_args__", ())) + own
        sets = "".join(f"\n self.{f} = {f}" for f in fields)
        made: dict[str, Callable[..., None]] = {}
        exec(f"def __init__(self, {', '.join(fields)}):{sets}", made)
        body.update(__slots__=own, __match_args__=fields, __init__=made["__init__"])
        return super().__new__(mcls, name, bases, body)


class Node(metaclass=_NodeType):
    span: Span

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.span}>"


class Ident(Node):
    """A name where it is declared or selected."""

    name: str


# ---- expressions


class Expr(Node):
    pass


class Name(Expr):
    name: str


class Int(Expr):
    """`text` is the literal as written."""

    value: int
    text: str


class Float(Expr):
    """`dtype` is the suffix: "f32" of `2.5f32`, None without one."""

    value: float
    text: str
    dtype: str | None


class Bool(Expr):
    value: bool


class String(Expr):
    """`value` has its escapes resolved, `text` is the literal with its quotes."""

    value: str
    text: str


class Interpolation(Node):
    """`{value:format}` in a template; `format` is None without a colon."""

    value: Expr
    format: str | None


class Template(Node):
    """A message: literal text and interpolations. `text` is the literal with its quotes."""

    parts: tuple[str | Interpolation, ...]
    text: str


class Paren(Expr):
    """`(value)`, kept because people put parentheses for a reason."""

    value: Expr


class Tuple(Expr):
    elements: tuple[Expr, ...]


class Array(Expr):
    elements: tuple[Expr, ...]


class IndexVar(Node):
    """`i` or `i < bound`; also `t < T` of `scan` and `for`. `op` is "<" or "<="..., or None."""

    name: Ident
    op: str | None
    bound: Expr | None


class Comprehension(Expr):
    """`[body for i, j < n]`"""

    body: Expr
    indices: tuple[IndexVar, ...]


class Conditional(Expr):
    """`if condition then then else otherwise`"""

    condition: Expr
    then: Expr
    otherwise: Expr


class Unary(Expr):
    """`op` is "-" or "not"."""

    op: str
    operand: Expr


class Binary(Expr):
    """`op` is one of `+ - * / // % @ ** and or`."""

    op: str
    left: Expr
    right: Expr


class Compare(Expr):
    """`a < b <= c` is operands (a, b, c) and ops ("<", "<=")."""

    operands: tuple[Expr, ...]
    ops: tuple[str, ...]


class Slice(Node):
    """`start:stop:step`, each may be None."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


class Ellipsis_(Node):
    """`...` among indices."""


IndexItem = Expr | Slice | Ellipsis_


class Index(Expr):
    base: Expr
    items: tuple[IndexItem, ...]


class Attr(Expr):
    """`base.name`"""

    base: Expr
    name: Ident


class Arg(Node):
    """A positional argument has no name."""

    name: Ident | None
    value: Expr


class Call(Expr):
    """Also a reduction with binders: `sum[k](body)` is a call of an indexed name."""

    callee: Expr
    args: tuple[Arg, ...]


class With(Expr):
    """`base with [items] op value`; `op` is "=" or "+=" ..."""

    base: Expr
    items: tuple[IndexItem, ...]
    op: str
    value: Expr


# ---- types


class Type(Node):
    pass


class ScalarType(Type):
    """`f32`, or the name of a type."""

    name: str


class AnyDims(Node):
    """`...` among dimensions: any number of them."""


class TensorType(Type):
    """`dtype[dims]`; the dtype `_` is any."""

    dtype: Ident
    dims: tuple[Expr | AnyDims, ...]


class LikeType(Type):
    """`like name`: the type of that state."""

    name: Ident


class Result(Node):
    """A part of a tuple type, perhaps named."""

    name: Ident | None
    type: Type


class TupleType(Type):
    results: tuple[Result, ...]


# ---- statements


class Stmt(Node):
    pass


class Block(Node):
    statements: tuple[Stmt, ...]


class Let(Stmt):
    """`let a, b: type = value`"""

    names: tuple[Ident, ...]
    type: Type | None
    value: Expr


class LetIndex(Stmt):
    """`let y[i, j < n] = value`"""

    name: Ident
    indices: tuple[IndexVar, ...]
    value: Expr


class Target(Node):
    """`net.W1[i, :]`; `items` is None without brackets."""

    path: tuple[Ident, ...]
    items: tuple[IndexItem, ...] | None


class Update(Stmt):
    """`update target op value`"""

    target: Target
    op: str
    value: Expr


class Return(Stmt):
    values: tuple[Expr, ...]


class Assert(Stmt):
    condition: Expr
    message: Template | None


class Print(Stmt):
    message: Template


class Scan(Stmt):
    """`scan t < T truncate k { body }`"""

    index: IndexVar
    truncate: Expr | None
    body: Block


class Carry(Node):
    name: Ident
    value: Expr


class Loop(Stmt):
    """`loop v = e, ... for k < n while c max m { body }`"""

    carries: tuple[Carry, ...]
    index: IndexVar | None
    condition: Expr | None
    limit: Expr | None
    body: Block


class Init(Stmt):
    """`init x[-3:0] = value`"""

    name: Ident
    items: tuple[IndexItem, ...]
    value: Expr


class Next(Stmt):
    """`next v op value`"""

    name: Ident
    op: str
    value: Expr


class Until(Stmt):
    condition: Expr


class If(Stmt):
    """`otherwise` of `else if` is a block that holds that `if` alone."""

    condition: Expr
    then: Block
    otherwise: Block | None


class Assign(Stmt):
    """
    `target op value`.

    With op "=" and a target `x[t]` inside a scan this is one of its equations, see `walk.equation`.
    Anywhere else it is a mistake, which the analyser explains: only it knows what is state.
    """

    target: Expr
    op: str
    value: Expr


class ExprStmt(Stmt):
    """An expression where a statement should be: a mistake, explained by the analyser."""

    value: Expr


# ---- items


class Attribute(Node):
    """`@name(args)`; `args` is None without parentheses."""

    name: Ident
    args: tuple[Arg, ...] | None


class Doc(Node):
    """Lines of `##`, without the marks, joined by newlines."""

    text: str


class Lead(Node):
    """What stands before an item or a field."""

    doc: Doc | None
    attributes: tuple[Attribute, ...]


class Item(Node):
    """The span begins at the first keyword, after the lead."""

    lead: Lead


class Import(Item):
    """`import "file.irc" as m` has a file, `import nn.layers` has names."""

    file: String | None
    path: tuple[Ident, ...]
    alias: Ident | None


class FromImport(Item):
    """`from nn import relu, dropout`"""

    file: String | None
    path: tuple[Ident, ...]
    names: tuple[Ident, ...]


class Const(Item):
    name: Ident
    type: Type | None
    value: Expr


class TypeDef(Item):
    name: Ident
    type: Type


class State(Item):
    exported: bool
    name: Ident
    type: Type
    value: Expr


class Field(Item):
    """One line of a record of states."""

    name: Ident
    type: Type
    value: Expr


class StateGroup(Item):
    """`state net { fields }`"""

    exported: bool
    name: Ident
    fields: tuple[Field, ...]


class Param(Node):
    name: Ident
    type: Type | None
    default: Expr | None


class Function(Item):
    """`body` is a block, or the expression after `=`."""

    exported: bool
    name: Ident
    params: tuple[Param, ...]
    result: Type | None
    where: tuple[Expr, ...]
    body: Block | Expr


class Extern(Item):
    name: Ident
    params: tuple[Param, ...]
    result: Type
    symbol: String


class Test(Item):
    name: String
    body: Block


class Comment(Node):
    """A `#` comment with its mark. `own_line`: nothing else stands on its line."""

    text: str
    own_line: bool


class Module(Node):
    """
    A file.

    doc        the `##` lines at its top; those directly above a function belong to the function
    comments   all `#` comments in order, for the formatter
    """

    doc: Doc | None
    items: tuple[Item, ...]
    comments: tuple[Comment, ...]
