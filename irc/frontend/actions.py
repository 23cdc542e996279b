"""What each rule of the grammar builds. Names are those behind `->` in grammar.lark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from irc.diagnostics import Diagnostic, Label, Span
from irc.frontend import tree
from irc.frontend.failure import SyntaxMistake
from irc.frontend.lexer import Token
from irc.frontend.strings import ParseExpression, string_value, template
from irc.frontend.walk import replace

MAX_INTEGER_BITS = 64
SUFFIXES = ("bf16", "f16", "f32", "f64")  # bf16 before f16, which it ends with

BINARY = {
    **{"or_": "or", "and_": "and", "add": "+", "sub": "-", "mul": "*", "div": "/"},
    **{"floordiv": "//", "mod": "%", "matmul": "@", "pow": "**"},
}


class Actions:
    """
    by_name   action -> function of a span and the parts

    parse_expression   parses what stands in the braces of a message
    """

    def __init__(self, parse_expression: ParseExpression) -> None:
        self._parse_expression = parse_expression
        # `##` lines that stand before an item, but not directly.
        self.loose_docs: list[tree.Doc] = []
        self.by_name: Mapping[str, Callable[..., Any]] = {**_PLAIN, **self._own()}

    def _own(self) -> dict[str, Callable[..., Any]]:
        return {
            "item": self._item,
            "field": self._field,
            "assert_": self._assert,
            "print_": self._print,
        }

    def _item(self, span: Span, *parts: Any) -> tree.Item:
        *leads, item = parts
        return replace(item, lead=self._lead(leads, item.span)) if leads else item

    def _field(self, span: Span, *parts: Any) -> tree.Field:
        *leads, name, type_, value = parts
        span = name.span.to(value.span)
        return tree.Field(span, self._lead(leads, span), ident(name), type_, value)

    def _lead(self, leads: list[tree.Doc | tree.Attribute], item: Span) -> tree.Lead:
        """Only `##` lines without a blank line below them document what follows."""
        if not leads:
            return NO_LEAD
        docs: list[tree.Doc] = []
        attributes: list[tree.Attribute] = []
        attached = True
        line = item.line
        for lead in reversed(leads):
            attached = attached and lead.span.end_line >= line - 1
            line = lead.span.line
            if isinstance(lead, tree.Attribute):
                attributes.insert(0, lead)
            elif attached:
                docs.insert(0, lead)
            else:
                self.loose_docs.append(lead)
        spans = sorted(lead.span for lead in [*docs, *attributes])
        if not spans:
            return NO_LEAD
        return tree.Lead(spans[0].to(spans[-1]), join_docs(docs), tuple(attributes))

    def _assert(self, span: Span, condition: tree.Expr, message: Token | None) -> tree.Assert:
        text = template(message, self._parse_expression) if message else None
        return tree.Assert(span, condition, text)

    def _print(self, span: Span, message: Token) -> tree.Print:
        return tree.Print(span, template(message, self._parse_expression))


def join_docs(docs: list[tree.Doc]) -> tree.Doc | None:
    if not docs:
        return None
    return tree.Doc(docs[0].span.to(docs[-1].span), "\n".join(doc.text for doc in docs))


def ident(token: Token) -> tree.Ident:
    return tree.Ident(token.span, token.text)


def _ident(token: Token | None) -> tree.Ident | None:
    return ident(token) if token else None


def _idents(tokens: tuple[Token, ...]) -> tuple[tree.Ident, ...]:
    return tuple(ident(token) for token in tokens)


# ---- items

NO_LEAD = tree.Lead(Span("", 0, 0, 0, 0), None, ())


def _doc(span: Span, token: Token) -> tree.Doc:
    return tree.Doc(token.span, token.text[2:].removeprefix(" ").rstrip())


def _attribute(span: Span, name: Token, args: tuple[tree.Arg, ...] | None) -> tree.Attribute:
    return tree.Attribute(span, ident(name), args)


def _module_path(source: Any) -> tuple[tree.String | None, tuple[tree.Ident, ...]]:
    if isinstance(source, Token):
        return _string(source.span, source), ()
    return None, source


def _import(span: Span, source: Any, alias: Token | None) -> tree.Import:
    file, path = _module_path(source)
    return tree.Import(span, NO_LEAD, file, path, _ident(alias))


def _from_import(span: Span, source: Any, names: tuple[tree.Ident, ...]) -> tree.FromImport:
    file, path = _module_path(source)
    return tree.FromImport(span, NO_LEAD, file, path, names)


def _const(span: Span, name: Token, type_: tree.Type | None, value: tree.Expr) -> tree.Const:
    return tree.Const(span, NO_LEAD, ident(name), type_, value)


def _typedef(span: Span, name: Token, type_: tree.Type) -> tree.TypeDef:
    return tree.TypeDef(span, NO_LEAD, ident(name), type_)


def _state(
    span: Span, export: Token | None, name: Token, type_: tree.Type, value: tree.Expr
) -> tree.State:
    return tree.State(span, NO_LEAD, export is not None, ident(name), type_, value)


def _state_group(
    span: Span, export: Token | None, name: Token, fields: tuple[tree.Field, ...]
) -> tree.StateGroup:
    return tree.StateGroup(span, NO_LEAD, export is not None, ident(name), fields)


def _function(
    span: Span,
    export: Token | None,
    name: Token,
    params: tuple[tree.Param, ...],
    result: tree.Type | None,
    where: tuple[tree.Expr, ...] | None,
    body: tree.Block | tree.Expr,
) -> tree.Function:
    exported = export is not None
    return tree.Function(span, NO_LEAD, exported, ident(name), params, result, where or (), body)


def _extern(
    span: Span, name: Token, params: tuple[tree.Param, ...], result: tree.Type, symbol: Token
) -> tree.Extern:
    return tree.Extern(span, NO_LEAD, ident(name), params, result, _string(symbol.span, symbol))


def _test(span: Span, name: Token, body: tree.Block) -> tree.Test:
    return tree.Test(span, NO_LEAD, _string(name.span, name), body)


def _parameter(
    span: Span, name: Token, type_: tree.Type | None, default: tree.Expr | None
) -> tree.Param:
    return tree.Param(span, ident(name), type_, default)


# ---- statements


def _let(
    span: Span, names: tuple[tree.Ident, ...], type_: tree.Type | None, value: tree.Expr
) -> tree.Let:
    return tree.Let(span, names, type_, value)


def _let_index(
    span: Span, name: Token, indices: tuple[tree.IndexVar, ...], value: tree.Expr
) -> tree.LetIndex:
    return tree.LetIndex(span, ident(name), indices, value)


def _return(span: Span, values: tuple[tree.Expr, ...] | None) -> tree.Return:
    return tree.Return(span, values or ())


def _init(
    span: Span, name: Token, items: tuple[tree.IndexItem, ...], value: tree.Expr
) -> tree.Init:
    return tree.Init(span, ident(name), items, value)


def _next(span: Span, name: Token, op: str, value: tree.Expr) -> tree.Next:
    return tree.Next(span, ident(name), op, value)


def _if(
    span: Span, condition: tree.Expr, then: tree.Block, otherwise: tree.Block | tree.If | None
) -> tree.If:
    if isinstance(otherwise, tree.If):
        otherwise = tree.Block(otherwise.span, (otherwise,))
    return tree.If(span, condition, then, otherwise)


# ---- expressions


def _binary(op: str) -> Callable[..., tree.Binary]:
    return lambda span, left, right: tree.Binary(span, op, left, right)


def _unary(op: str) -> Callable[..., tree.Unary]:
    return lambda span, operand: tree.Unary(span, op, operand)


def _compare(span: Span, *parts: Any) -> tree.Compare:
    return tree.Compare(span, parts[::2], tuple(token.text for token in parts[1::2]))


def _range(span: Span, name: Token, op: Token, bound: tree.Expr) -> tree.IndexVar:
    return tree.IndexVar(span, ident(name), op.text, bound)


def _int(span: Span, token: Token) -> tree.Int:
    """Digits are counted first: reading a million of them would take a second."""
    digits = token.text.replace("_", "").lstrip("0") or "0"
    if len(digits) > 20 or int(digits).bit_length() > MAX_INTEGER_BITS:
        raise _bad_number(span, f"this integer needs more than {MAX_INTEGER_BITS} bits")
    return tree.Int(span, int(digits), token.text)


def _float(span: Span, token: Token) -> tree.Float:
    text = token.text
    dtype = next((suffix for suffix in SUFFIXES if text.endswith(suffix)), None)
    value = float(text.removesuffix(dtype or "").replace("_", ""))
    if value in (float("inf"), float("-inf")):
        raise _bad_number(span, "this number is larger than any f64; infinity is written `inf`")
    return tree.Float(span, value, text, dtype)


def _bad_number(span: Span, why: str) -> SyntaxMistake:
    return SyntaxMistake(Diagnostic("E0103", why, (Label(span, "too large", primary=True),)))


def _string(span: Span, token: Token) -> tree.String:
    return tree.String(span, string_value(token), token.text)


_PLAIN: dict[str, Callable[..., Any]] = {
    "start": lambda span, *items: items,
    "expression": lambda span, expr: expr,
    "doc": _doc,
    "attribute": _attribute,
    "import_": _import,
    "from_import": _from_import,
    "const": _const,
    "typedef": _typedef,
    "state": _state,
    "state_group": _state_group,
    "function": _function,
    "extern": _extern,
    "test": _test,
    "path": lambda span, *names: _idents(names),
    "names": lambda span, *names: _idents(names),
    "fields": lambda span, *fields: fields,
    "parameters": lambda span, *params: tuple(p for p in params if p is not None),
    "parameter": _parameter,
    "where": lambda span, *facts: facts,
    # types
    "scalar_type": lambda span, name: tree.ScalarType(span, name.text),
    "tensor_type": lambda span, name, *dims: tree.TensorType(
        span, ident(name), tuple(d for d in dims if d is not None)
    ),
    "like_type": lambda span, name: tree.LikeType(span, ident(name)),
    "tuple_type": lambda span, *results: tree.TupleType(span, results),
    "result": lambda span, name, type_: tree.Result(span, _ident(name), type_),
    "any_dims": lambda span: tree.AnyDims(span),
    # statements
    "block": lambda span, *statements: tree.Block(span, statements),
    "let": _let,
    "let_index": _let_index,
    "update": lambda span, target, op, value: tree.Update(span, target, op, value),
    "return_": _return,
    "scan": lambda span, index, truncate, body: tree.Scan(span, index, truncate, body),
    "loop": lambda span, *parts: tree.Loop(span, *parts),
    "init": _init,
    "next_": _next,
    "until": lambda span, condition: tree.Until(span, condition),
    "if_stmt": _if,
    "assign": lambda span, target, op, value: tree.Assign(span, target, op, value),
    "expr_stmt": lambda span, value: tree.ExprStmt(span, value),
    "carries": lambda span, *carries: carries,
    "carry": lambda span, name, value: tree.Carry(span, ident(name), value),
    "target": lambda span, path, items: tree.Target(span, path, items),
    "assign_op": lambda span, token: token.text,
    "ivars": lambda span, *indices: indices,
    "ivar": lambda span, name: tree.IndexVar(span, ident(name), None, None),
    "range": _range,
    # expressions
    "exprs": lambda span, *exprs: exprs,
    "conditional": lambda span, *parts: tree.Conditional(span, *parts),
    **{name: _binary(op) for name, op in BINARY.items()},
    "not_": _unary("not"),
    "neg": _unary("-"),
    "compare": _compare,
    "with_": lambda span, base, items, op, value: tree.With(span, base, items, op, value),
    "call": lambda span, callee, args: tree.Call(span, callee, args or ()),
    "index": lambda span, base, items: tree.Index(span, base, items),
    "attr": lambda span, base, name: tree.Attr(span, base, ident(name)),
    "name": lambda span, token: tree.Name(span, token.text),
    "int": _int,
    "float": _float,
    "string": _string,
    "true": lambda span: tree.Bool(span, True),
    "false": lambda span: tree.Bool(span, False),
    "paren": lambda span, value: tree.Paren(span, value),
    "tuple": lambda span, *elements: tree.Tuple(span, _present(elements)),
    "array": lambda span, *elements: tree.Array(span, _present(elements)),
    "comprehension": lambda span, body, indices: tree.Comprehension(span, body, indices),
    "args": lambda span, *args: args,
    "arg": lambda span, name, value: tree.Arg(span, _ident(name), value),
    "idx": lambda span, *items: items,
    "slice": lambda span, start, stop, step=None: tree.Slice(span, start, stop, step),
    "ellipsis": lambda span: tree.Ellipsis_(span),
}


def _present(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the None of an option that is left out."""
    return tuple(part for part in parts if part is not None)
