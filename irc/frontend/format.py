"""
The canonical text of a program.

Four blanks of indentation, one blank around operators, lines of at most 100 columns where
that is possible, `=` aligned in records and runs of states. Comments and single blank lines
stay; formatting twice changes nothing. Expressions are spelled in spell.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from irc.frontend import tree
from irc.frontend.layout import SPACE, Doc, Group, Nest, bracketed, joined, lay_out
from irc.frontend.spell import (
    arg,
    dotted,
    expression,
    expressions,
    index_items,
    index_var,
    index_vars,
    type_,
)

WIDTH = 100
INDENT = 4

Place = tuple[int, int]  # line and column of the source


def format_module(module: tree.Module) -> str:
    """
    The text of a file.

    Parsing it gives a tree that is `walk.same`, for every tree that comes from the parser. In
    other trees, Paren nodes must stand where the grammar needs parentheses.
    """
    writer = _Writer(module.comments)
    if module.doc:
        writer.doc(module.doc)
    writer.statements(module.items, None)
    rows = writer.rows
    _align_equals(rows)
    _align_comments(rows)
    return "".join(f"{row.code}{row.comment}\n" for row in rows)


@dataclass(slots=True)
class _Row:
    """
    A line of output.

    equals   column of the `=` that may move right with those of the rows around, or None
    """

    code: str
    comment: str = ""
    equals: int | None = None


class _Body(NamedTuple):
    """
    Statements between braces.

    head      what stands before `{`, behind the `}` of the body before
    begin     place of `{` or a little before
    end       place behind `}`
    """

    head: Doc
    begin: Place
    end: Place
    statements: Sequence[tree.Stmt | tree.Field]


class _Writer:
    """Writes statements in order, and each comment where it stood."""

    def __init__(self, comments: Sequence[tree.Comment]) -> None:
        self.rows: list[_Row] = []
        self._comments = comments
        self._taken = 0
        self._indent = 0
        self._line = 0  # of the source, up to which everything is written; 0 in a new block

    def statements(
        self, nodes: Sequence[tree.Item | tree.Stmt | tree.Field], end: Place | None
    ) -> None:
        """All statements of a block and the comments up to its end."""
        for i, node in enumerate(nodes):
            following = _begin(nodes[i + 1]) if i + 1 < len(nodes) else end
            self._statement(node, following)
        for comment in self._take(end):
            self._own_line(comment)

    def doc(self, doc: tree.Doc) -> None:
        for comment in self._take(doc.span[1:3]):
            self._own_line(comment)
        self._blank_line(doc.span.line)
        self._doc_rows(doc)
        self._line = doc.span.end_line

    def _statement(self, node: tree.Item | tree.Stmt | tree.Field, following: Place | None) -> None:
        begin, end = _begin(node), node.span[3:5]
        for comment in self._take(begin):
            self._own_line(comment)
        self._blank_line(begin[0])
        head, bodies = _split(node)
        # Comments inside an expression or a signature move before the statement.
        for comment in self._take(bodies[0].begin if bodies else end):
            self._row(_plain(comment))
        if isinstance(node, tree.Item):
            self._lead(node.lead)
        self._code(head, _aligns(node))
        for body in bodies:
            self._body(body)
        self._line = end[0]
        self._trailing(end, following)

    def _body(self, body: _Body) -> None:
        if self.rows[-1].code.endswith("}"):  # of the body before
            for comment in self._take(body.begin):
                self._row(_plain(comment))
            closed = self.rows.pop()
            self._code([closed.code.strip(), " ", body.head, " {"], None)
        first = _begin(body.statements[0]) if body.statements else body.end
        self._trailing(body.begin, first)
        self._indent += INDENT
        self._line = 0
        self.statements(body.statements, body.end)
        self._indent -= INDENT
        self._row("}")

    def _lead(self, lead: tree.Lead) -> None:
        if lead.doc:
            self._doc_rows(lead.doc)
        for attribute in lead.attributes:
            args = attribute.args
            doc = bracketed("(", [arg(a) for a in args], ")") if args is not None else ""
            self._code([f"@{attribute.name.name}", doc], None)

    def _doc_rows(self, doc: tree.Doc) -> None:
        for line in doc.text.split("\n"):
            self._row(f"## {line}".rstrip())

    # ---- rows

    def _row(self, text: str) -> None:
        self.rows.append(_Row(" " * self._indent + text))

    def _code(self, doc: Doc, equals: Doc | None) -> None:
        lines = lay_out(doc, self._indent, WIDTH)
        self.rows += [_Row(line) for line in lines]
        if equals is not None and len(lines) == 1:
            before = lay_out(equals, self._indent, WIDTH)
            self.rows[-1].equals = len(before[0]) if len(before) == 1 else None

    def _blank_line(self, line: int) -> None:
        """Blank lines between statements become one."""
        if self._line and line > self._line + 1:
            self.rows.append(_Row(""))

    # ---- comments

    def _take(self, end: Place | None) -> Iterator[tree.Comment]:
        """The comments before `end` that are not written yet."""
        while self._taken < len(self._comments):
            comment = self._comments[self._taken]
            if end is not None and comment.span[1:3] >= end:
                return
            self._taken += 1
            yield comment

    def _own_line(self, comment: tree.Comment) -> None:
        self._blank_line(comment.span.line)
        self._row(comment.text if comment.own_line else _plain(comment))
        self._line = comment.span.line

    def _trailing(self, end: Place, following: Place | None) -> None:
        """The comment behind something that ends at `end`, in the same line."""
        if self._taken == len(self._comments):
            return
        comment = self._comments[self._taken]
        if comment.own_line or comment.span.line != end[0]:
            return
        if following is None or comment.span[1:3] < following:
            self._taken += 1
            self.rows[-1].comment = f"  {comment.text}"


def _begin(node: tree.Item | tree.Stmt | tree.Field) -> Place:
    if isinstance(node, tree.Item) and (node.lead.doc or node.lead.attributes):
        return min(node.lead.span[1:3], node.span[1:3])
    return node.span[1:3]


def _plain(comment: tree.Comment) -> str:
    """A `##` that moves must not become the doc of what follows."""
    return "#" + comment.text.lstrip("#")


def _align_equals(rows: list[_Row]) -> None:
    """The `=` of neighbours stand in one column, unless a line would become too long."""
    for run in _runs(rows, lambda row: row.equals is not None):
        column = max(row.equals or 0 for row in run)
        for row in run:
            assert row.equals is not None
            if len(row.code) + column - row.equals <= WIDTH:
                head, tail = row.code[: row.equals], row.code[row.equals :]
                row.code = head + " " * (column - row.equals) + tail


def _align_comments(rows: list[_Row]) -> None:
    """So do the comments behind neighbours."""
    for run in _runs(rows, lambda row: bool(row.comment)):
        column = max(len(row.code) for row in run)
        for row in run:
            row.comment = " " * (column - len(row.code)) + row.comment


def _runs(rows: list[_Row], belongs: Callable[[_Row], bool]) -> Iterator[list[_Row]]:
    run: list[_Row] = []
    for row in rows:
        if belongs(row):
            run.append(row)
        elif run:
            yield run
            run = []
    if run:
        yield run


# ---- statements: what stands before the braces, and the bodies


def _split(node: tree.Node) -> tuple[Doc, list[_Body]]:
    """The text of a statement up to its first `{`, and its bodies."""
    doc = _HEADS[type(node)](node)
    bodies = _bodies(node)
    return ([doc, " {"] if bodies else doc), bodies


def _bodies(node: tree.Node) -> list[_Body]:
    match node:
        case tree.Function(body=tree.Block() as body):
            return [_block("", body)]
        case tree.Test(body=body) | tree.Scan(body=body) | tree.Loop(body=body):
            return [_block("", body)]
        case tree.StateGroup():
            return [_Body("", node.name.span[3:5], node.span[3:5], node.fields)]
        case tree.If():
            return list(_branches(node))
    return []


def _branches(node: tree.If) -> Iterator[_Body]:
    """`else if` is one word here; in the tree it is an `if` alone in a block without braces."""
    head: Doc = ""
    while True:
        yield _block(head, node.then)
        otherwise = node.otherwise
        if otherwise is None:
            return
        match otherwise.statements:
            case (tree.If() as inner,) if inner.span == otherwise.span:
                node = inner
                head = ["else if ", expression(inner.condition)]
            case _:
                yield _block("else", otherwise)
                return


def _block(head: Doc, block: tree.Block) -> _Body:
    return _Body(head, block.span[1:3], block.span[3:5], block.statements)


def _aligns(node: tree.Node) -> Doc | None:
    """What stands before the `=` that is aligned with those around."""
    if isinstance(node, tree.Field):
        return [f"{node.name.name}: ", type_(node.type)]
    if isinstance(node, tree.State):
        return [_export(node), f"state {node.name.name}: ", type_(node.type)]
    return None


def _export(node: tree.State | tree.StateGroup | tree.Function) -> str:
    return "export " if node.exported else ""


def _typed(node: tree.Type | None) -> list[Doc]:
    return [": ", type_(node)] if node else []


def _names(names: Sequence[tree.Ident]) -> str:
    return ", ".join(name.name for name in names)


def _source(node: tree.Import | tree.FromImport) -> str:
    return node.file.text if node.file else dotted(node.path)


def _import(node: tree.Import) -> Doc:
    return f"import {_source(node)}" + (f" as {node.alias.name}" if node.alias else "")


def _param(node: tree.Param) -> Doc:
    default: list[Doc] = [" = ", expression(node.default)] if node.default else []
    return [node.name.name, *_typed(node.type), *default]


def _params(nodes: Sequence[tree.Param]) -> Doc:
    return bracketed("(", [_param(node) for node in nodes], ")")


def _function(node: tree.Function) -> Doc:
    head: list[Doc] = [f"{_export(node)}def {node.name.name}", _params(node.params)]
    if node.result:
        head.append(Group(Nest([SPACE, "-> ", type_(node.result)])))
    if node.where:
        facts: list[Doc] = [expression(fact) for fact in node.where]
        head.append(Group(Nest([SPACE, "where ", Group(Nest(joined(",", facts)))])))
    if isinstance(node.body, tree.Expr):
        head += [" =", Group(Nest([SPACE, expression(node.body)]))]
    return head


def _loop(node: tree.Loop) -> Doc:
    carries: list[Doc] = [[f"{x.name.name} = ", expression(x.value)] for x in node.carries]
    parts: list[Doc] = ["loop ", Group(Nest(joined(",", carries), 5))]
    if node.index:
        parts.append(Group([SPACE, "for ", index_var(node.index)]))
    if node.condition:
        parts.append(Group([SPACE, "while ", expression(node.condition)]))
    # A line cannot begin with `max`, which is a name there.
    return [*parts, " max ", expression(node.limit)] if node.limit else parts


def _scan(node: tree.Scan) -> Doc:
    truncate: list[Doc] = [" truncate ", expression(node.truncate)] if node.truncate else []
    return ["scan ", index_var(node.index), *truncate]


def _target(node: tree.Target) -> Doc:
    return [dotted(node.path), index_items(node.items) if node.items is not None else ""]


def _state(node: tree.State) -> Doc:
    head = f"{_export(node)}state {node.name.name}"
    return [head, *_typed(node.type), " = ", expression(node.value)]


def _extern(node: tree.Extern) -> Doc:
    result: list[Doc] = [" -> ", type_(node.result), f" = {node.symbol.text}"]
    return [f"extern def {node.name.name}", _params(node.params), *result]


def _let_index(node: tree.LetIndex) -> Doc:
    indices = Group(Nest(index_vars(node.indices)))
    return [f"let {node.name.name}[", indices, "] = ", expression(node.value)]


def _return(node: tree.Return) -> Doc:
    return ["return ", Group(Nest(expressions(node.values)))] if node.values else "return"


def _assert(node: tree.Assert) -> Doc:
    parts: list[Doc] = ["assert ", expression(node.condition)]
    if node.message:
        parts += [",", Group(Nest([SPACE, node.message.text]))]
    return parts


_HEADS: dict[type, Callable[[Any], Doc]] = {
    tree.Import: _import,
    tree.FromImport: lambda x: f"from {_source(x)} import {_names(x.names)}",
    tree.Const: lambda x: [f"const {x.name.name}", *_typed(x.type), " = ", expression(x.value)],
    tree.TypeDef: lambda x: [f"type {x.name.name} = ", type_(x.type)],
    tree.State: _state,
    tree.Field: lambda x: [x.name.name, *_typed(x.type), " = ", expression(x.value)],
    tree.StateGroup: lambda x: f"{_export(x)}state {x.name.name}",
    tree.Function: _function,
    tree.Extern: _extern,
    tree.Test: lambda x: f"test {x.name.text}",
    tree.Let: lambda x: [f"let {_names(x.names)}", *_typed(x.type), " = ", expression(x.value)],
    tree.LetIndex: _let_index,
    tree.Update: lambda x: ["update ", _target(x.target), f" {x.op} ", expression(x.value)],
    tree.Return: _return,
    tree.Assert: _assert,
    tree.Print: lambda x: f"print {x.message.text}",
    tree.Scan: _scan,
    tree.Loop: _loop,
    tree.Init: lambda x: [f"init {x.name.name}", index_items(x.items), " = ", expression(x.value)],
    tree.Next: lambda x: [f"next {x.name.name} {x.op} ", expression(x.value)],
    tree.Until: lambda x: ["until ", expression(x.condition)],
    tree.If: lambda x: ["if ", expression(x.condition)],
    tree.Assign: lambda x: [expression(x.target), f" {x.op} ", expression(x.value)],
    tree.ExprStmt: lambda x: expression(x.value),
}
