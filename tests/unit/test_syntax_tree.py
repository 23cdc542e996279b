"""Each construct becomes the tree that it should, with the right spans."""

from __future__ import annotations

from pathlib import Path

import pytest

from irc.diagnostics import Span
from irc.frontend import tree
from irc.frontend.syntax import parse
from irc.frontend.walk import children, dump, equation, fields, same, spine, unparen, walk

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.irc"))


def brief(node: object) -> str:
    """A tree in one line: `(Binary + a 1)`; names and numbers as they are."""
    match node:
        case tree.Name(name=name) | tree.Ident(name=name) | tree.ScalarType(name=name):
            return name
        case tree.Int(text=text) | tree.Float(text=text) | tree.String(text=text):
            return text
        case tree.Arg(name=None, value=value):
            return brief(value)
        case tree.Node():
            parts = [brief(getattr(node, f)) for f in fields(node)[1:] if f not in ("lead", "text")]
            return f"({' '.join([type(node).__name__, *parts])})"
        case tuple():
            return f"[{' '.join(map(brief, node))}]"
        case None:
            return "_"
        case str():
            return node
    return repr(node)


def expression(text: str) -> str:
    (item,) = parse(f"const x = {text}", "t.irc").items
    assert isinstance(item, tree.Const)
    return brief(item.value)


def statement(text: str) -> str:
    (item,) = parse(f"def f() {{\n{text}\n}}", "t.irc").items
    assert isinstance(item, tree.Function) and isinstance(item.body, tree.Block)
    return " ".join(brief(s) for s in item.body.statements)


def item(text: str) -> str:
    return " ".join(brief(i) for i in parse(text, "t.irc").items)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a + b * c - d", "(Binary - (Binary + a (Binary * b c)) d)"),
        ("a @ b / c // d % e", "(Binary % (Binary // (Binary / (Binary @ a b) c) d) e)"),
        ("-a ** -b ** c", "(Unary - (Binary ** a (Unary - (Binary ** b c))))"),
        ("not a and b or c", "(Binary or (Binary and (Unary not a) b) c)"),
        ("a < b <= c", "(Compare [a b c] [< <=])"),
        ("a == b", "(Compare [a b] [==])"),
        ("(a)", "(Paren a)"),
        ("(a, b)", "(Tuple [a b])"),
        ("(a,)", "(Tuple [a])"),
        ("(a, b,)", "(Tuple [a b])"),
        ("[]", "(Array [])"),
        ("[1, 2.5f64,]", "(Array [1 2.5f64])"),
        ("[x for i, j < n]", "(Comprehension x [(IndexVar i _ _) (IndexVar j < n)])"),
        ("if a then b else c", "(Conditional a b c)"),
        ("true", "(Bool True)"),
        ("f()", "(Call f [])"),
        ("f(a, k=b,)", "(Call f [a (Arg k b)])"),
        ("sum[k](x)", "(Call (Index sum [k]) [x])"),
        ("sum[k < n](x)", "(Call (Index sum [(Compare [k n] [<])]) [x])"),
        ("x.sum(axis=1).T", "(Attr (Call (Attr x sum) [(Arg axis 1)]) T)"),
        ("x[i, :, 1:, :2, ::3, 1:2:3]", None),
        ("x[..., newaxis]", "(Index x [(Ellipsis_) newaxis])"),
        ("x with [0, :] = 1", "(With x [0 (Slice _ _ _)] = 1)"),
        ("x with [0] += 1 with [1] = 2", "(With (With x [0] += 1) [1] = 2)"),
        ('"a\\n"', '"a\\n"'),
    ],
)
def test_expressions(text: str, expected: str | None) -> None:
    if expected is None:
        expected = (
            "(Index x [i (Slice _ _ _) (Slice 1 _ _) (Slice _ 2 _) (Slice _ _ 3) (Slice 1 2 3)])"
        )
    assert expression(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("let a = 1", "(Let [a] _ 1)"),
        ("let a, b: f32[n] = c", "(Let [a b] (TensorType f32 [n]) c)"),
        ("let y[i, j < n] = 1", "(LetIndex y [(IndexVar i _ _) (IndexVar j < n)] 1)"),
        ("update W -= g", "(Update (Target [W] _) -= g)"),
        ("update net.W[i, :] = g", "(Update (Target [net W] [i (Slice _ _ _)]) = g)"),
        ("return", "(Return [])"),
        ("return a, b", "(Return [a b])"),
        ("assert a", "(Assert a _)"),
        ('assert a, "m {b}"', "(Assert a (Template [m  (Interpolation b _)]))"),
        (
            'print "a {x:.4f} {{b}} {y[1:2]}"',
            "(Print (Template [a  (Interpolation x .4f)  {b}  "
            "(Interpolation (Index y [(Slice 1 2 _)]) _)]))",
        ),
        ("scan t < T { }", "(Scan (IndexVar t < T) _ (Block []))"),
        ("scan t < T truncate 5 { until a }", None),
        (
            "loop v = a, k = 0 for i < n while c max 9 { next v = b; next k += 1 }",
            "(Loop [(Carry v a) (Carry k 0)] (IndexVar i < n) c 9 "
            "(Block [(Next v = b) (Next k += 1)]))",
        ),
        ("loop v = a max 9 { }", "(Loop [(Carry v a)] _ _ 9 (Block []))"),
        ("init x[-3:0] = a", "(Init x [(Slice (Unary - 3) 0 _)] a)"),
        ("x[t] = a", "(Assign (Index x [t]) = a)"),
        ("W -= a", "(Assign W -= a)"),
        ("f(x)", "(ExprStmt (Call f [x]))"),
        ("if a { } else { return }", "(If a (Block []) (Block [(Return [])]))"),
        ("if a { }\nelse if b { }", "(If a (Block []) (Block [(If b (Block []) _)]))"),
        ("let a = 1; let b = 2;;", "(Let [a] _ 1) (Let [b] _ 2)"),
    ],
)
def test_statements(text: str, expected: str | None) -> None:
    expected = expected or "(Scan (IndexVar t < T) 5 (Block [(Until a)]))"
    assert statement(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ('import "a.irc" as m', '(Import "a.irc" [] m)'),
        ("import nn.layers", "(Import _ [nn layers] _)"),
        ("from nn import a, b", "(FromImport _ [nn] [a b])"),
        ('from "a.irc" import b', '(FromImport "a.irc" [] [b])'),
        ("const D = 1", "(Const D _ 1)"),
        ("const D: i64 = 1", "(Const D i64 1)"),
        ("type t = f32", "(TypeDef t f32)"),
        ("state W: f32[] = 0", "(State False W (TensorType f32 []) 0)"),
        ("export state m: like net = f()", "(State True m (LikeType net) (Call f []))"),
        ("state net {\n a: f32 = 0\n b: _[..., d] = 1 }", None),
        ("state net { }", "(StateGroup False net [])"),
        ("def f() = 1", "(Function False f [] _ [] 1)"),
        (
            "export def f(x, y: f32 = 1,) -> (a: f32, _[2*n]) where n > 0, m == n { }",
            "(Function True f [(Param x _ _) (Param y f32 1)] "
            "(TupleType [(Result a f32) (Result _ (TensorType _ [(Binary * 2 n)]))]) "
            "[(Compare [n 0] [>]) (Compare [m n] [==])] (Block []))",
        ),
        ('extern def f(x: f64) -> f64 = "g"', '(Extern f [(Param x f64 _)] f64 "g")'),
        ('test "a" { }', '(Test "a" (Block []))'),
    ],
)
def test_items(text: str, expected: str | None) -> None:
    expected = expected or (
        "(StateGroup False net [(Field a f32 0) (Field b (TensorType _ [(AnyDims) d]) 1)])"
    )
    assert item(text) == expected


def test_keywords_are_names_where_no_statement_begins() -> None:
    names = "init next test state max scan loop update let def import where for while type as"
    for name in names.split():
        (function,) = parse(f"def f({name}) {{\n let {name} = {name} + 1\n}}", "t.irc").items
        assert isinstance(function, tree.Function)
        assert function.params[0].name.name == name


@pytest.mark.parametrize(
    "text",
    [
        "a +\n b",
        "a\n + b",
        "a\n\n   # comment\n - b",
        "f(a,\n\n b\n)",
        "[a\n, b]",
        "a\n @ b",
        "if c\n then a\n else b",
        "a\n and b",
        "x\n .sum()",
        "x\n with [0] = 1",
        "a =="+"\n b",
        "f(a ## not a doc\n)",
    ],
)  # fmt: skip
def test_a_newline_that_ends_no_statement(text: str) -> None:
    assert statement(f"let x = {text}\nreturn").endswith(" (Return [])")


def test_an_attribute_is_no_product() -> None:
    text = "const a = b\n@inline\ndef f() = 1\n@vjp(g, 2)\ndef h() = b\n @ c"
    _, f, h = parse(text, "t.irc").items
    assert brief(f.lead.attributes) == "[(Attribute inline _)]"
    assert brief(h.lead.attributes) == "[(Attribute vjp [g 2])]"
    assert isinstance(h, tree.Function)
    assert brief(h.body) == "(Binary @ b c)"


def docs(text: str) -> list[str | None]:
    module = parse(text, "t.irc")
    leads = [i.lead.doc for i in module.items]
    return [doc.text if doc else None for doc in [module.doc, *leads]]


def test_docs_belong_to_what_follows() -> None:
    assert docs("## A\n## B\ndef f() = 1") == [None, "A\nB"]
    assert docs("## A\nconst x = 1\n## B\nconst y = 1") == ["A", None, "B"]
    assert docs("## A\n\n## B\ndef f() = 1") == ["A", "B"]
    assert docs("## A\n\ndef f() = 1") == ["A", None]
    assert docs("# c\n## A\n@a\n## B\ndef f() = 1") == [None, "A\nB"]
    assert docs("const x = 1\n## loose\n\nconst y = 1 ## no doc\n## end") == [None, None, None]
    (group,) = parse("state s {\n  ## Weights.\n  W: f32 = 0\n}", "t.irc").items
    assert isinstance(group, tree.StateGroup)
    assert brief(group.fields[0].lead.doc) == "(Doc)"


def test_comments_are_kept_in_order() -> None:
    text = "# a\nconst x = 1 # b\ndef f() {\n  ## c\n  return (1, # d\n 2)\n  # e\n}\n## f\n"
    comments = parse(text, "t.irc").comments
    assert [(c.text, c.own_line) for c in comments] == [
        ("# a", True),
        ("# b", False),
        ("## c", True),
        ("# d", False),
        ("# e", True),
        ("## f", True),
    ]


def source_of(text: str, span: Span) -> str:
    lines = text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_col - 1]
    return "\n".join(lines)[span.col - 1 :]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_spans_cover_the_text_of_their_node(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for node in walk(parse(text, path.name)):
        if isinstance(node, tree.Lead) and not node.span.line:
            continue
        covered = source_of(text, node.span)
        assert covered == covered.strip() or isinstance(node, tree.Module)
        if isinstance(node, tree.Name | tree.Ident | tree.ScalarType):
            assert covered == node.name
        if isinstance(node, tree.Int | tree.Float | tree.String | tree.Comment):
            assert covered == node.text
        for below in children(node):
            if below.span.line and not isinstance(below, tree.Lead | tree.Doc):
                assert node.span[1:3] <= below.span[1:3] <= below.span[3:5] <= node.span[3:5]


def test_the_span_of_a_statement_is_that_of_the_message() -> None:
    (function,) = parse("def f() {\n    W -= lr * gW  # why\n}", "t.irc").items
    (assign,) = function.body.statements  # type: ignore[attr-defined]
    assert assign.span == Span("t.irc", 2, 5, 2, 17)


def test_spans_inside_a_message() -> None:
    (function,) = parse('def f(λ) {\n    print "λ {  abc + d:.3f}"\n}', "t.irc").items
    names = [n for n in walk(function) if isinstance(n, tree.Name)]
    assert [(n.name, n.span.line, n.span.col) for n in names] == [("abc", 2, 17), ("d", 2, 23)]


def test_walking() -> None:
    (const,) = parse("const x = (a + b) - c * d", "t.irc").items
    assert isinstance(const, tree.Const)
    first, chain = spine(const.value)
    assert brief(first) == "(Paren (Binary + a b))" and [b.op for b in chain] == ["-"]
    assert brief(unparen(first)) == "(Binary + a b)"
    other = parse("const x = (a + b)\n - c*d", "u.irc").items[0]
    assert same(const, other)
    assert not same(const, parse("const x = (a + b) - c * e", "t.irc").items[0])
    scan = parse("def f() {\n x[t] = 1\n x[t] += 1\n x[0] = 1\n x = 1 }", "t.irc").items[0]
    found = [equation(s) for s in scan.body.statements]  # type: ignore[attr-defined]
    assert brief(found[0]) == "[x t 1]" and found[1:] == [None, None, None]


def test_dump() -> None:
    module = parse('## M\nconst D: i64 = n + 1\ndef f() {\n print "a {D}"\n}', "t.irc")
    assert (
        dump(module)
        == """\
Module 1:1
  doc: Doc 1:1 text='M'
  items: Const 2:1 name=D
    type: ScalarType 2:10 name='i64'
    value: Binary 2:16 op='+'
      left: Name 2:16 name='n'
      right: Int 2:20 value=1 text='1'
  items: Function 3:1 exported=False name=f
    body: Block 3:9
      statements: Print 4:2
        message: Template 4:8 text='"a {D}"'
          parts: Ident 4:8 name="'a '"
          parts: Interpolation 4:11
            value: Name 4:12 name='D'
"""
    )
