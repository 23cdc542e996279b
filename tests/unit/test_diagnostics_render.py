"""How messages look. The eight programs of the language's manual come out as printed there."""

from __future__ import annotations

import json

import pytest

from irc.diagnostics import (
    Call,
    Diagnostic,
    Label,
    SourceMap,
    Span,
    render,
    render_short,
    to_json,
)
from irc.errors import Unsupported, UserError

TRAIN = """\
const D = 784
const K = 10
state W: f32[D, K] = zeros()
state b: f32[K] = zeros()

export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
    let h = W @ x + b
    let logp = log_softmax(h, axis=2)
    let cost = -mean([logp[i, y[i]] for i])
    let z = cost * y
    let gW = grad(cost, wrt=c)
    W -= lr * gW
    let r = sum[k](x[i, k + 1])
}
"""


def span(line: int, text: str, source: str = TRAIN, file: str = "train.irc") -> Span:
    """Where `text` stands first in a line."""
    col = source.split("\n")[line - 1].index(text) + 1
    return Span(file, line, col, line, col + len(text))


def here(line: int, text: str, label: str = "") -> Label:
    return Label(span(line, text), label, primary=True)


def there(line: int, text: str, label: str = "") -> Label:
    return Label(span(line, text), label)


def show(diagnostic: Diagnostic, source: str = TRAIN, file: str = "train.irc") -> str:
    return render(diagnostic, SourceMap({file: source})) + "\n"


def test_inner_dimensions() -> None:
    diagnostic = Diagnostic(
        "E0201",
        "inner dimensions of `@` do not match",
        (
            here(7, "W @ x", "cannot contract K = 10 with n"),
            there(
                3,
                "W: f32[D, K]",
                "`W` is f32[784, 10]; its last dimension is K = 10, declared here",
            ),
            there(6, "x: f32[n, D]", "`x` is f32[n, 784]; its first dimension is n, declared here"),
        ),
        ("left  operand  W : f32[784, 10]\nright operand  x : f32[n, 784]",),
        ("swap the operands: `x @ W` has type f32[n, 10]",),
    )
    assert (
        show(diagnostic)
        == """\
error[E0201]: inner dimensions of `@` do not match
 --> train.irc:7:13
  |
3 | state W: f32[D, K] = zeros()
  |       ------------ `W` is f32[784, 10]; its last dimension is K = 10, declared here
...
6 | export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
  |                  ------------ `x` is f32[n, 784]; its first dimension is n, declared here
7 |     let h = W @ x + b
  |             ^^^^^ cannot contract K = 10 with n
  |
  = note: left  operand  W : f32[784, 10]
          right operand  x : f32[n, 784]
  = help: swap the operands: `x @ W` has type f32[n, 10]
"""
    )


def test_two_labels_on_one_line() -> None:
    diagnostic = Diagnostic(
        "E0204",
        "axis 2 is out of range for a tensor of rank 2",
        (
            here(8, "axis=2", "valid axes are 0, 1, -1 and -2"),
            there(8, "log_softmax(h", "`h` is f32[n, 10]"),
        ),
        helps="axes count from 0; for the classes write `axis=1`",
    )
    assert (
        show(diagnostic)
        == """\
error[E0204]: axis 2 is out of range for a tensor of rank 2
 --> train.irc:8:31
  |
8 |     let logp = log_softmax(h, axis=2)
  |                -------------  ^^^^^^ valid axes are 0, 1, -1 and -2
  |                |
  |                `h` is f32[n, 10]
  |
  = help: axes count from 0; for the classes write `axis=1`
"""
    )


def test_index_range() -> None:
    diagnostic = Diagnostic(
        "E0207",
        "cannot prove that index variable `i` has one range",
        (
            here(9, "[i, y[i]]", "`i` indexes dimension n here ..."),
            there(6, "x: f32[n, D]", "n comes from here"),
            there(6, "y: i32[m]", "... and dimension m of `y`, declared here"),
        ),
        (
            "n and m are different symbolic sizes: "
            "nothing in the signature says that they are equal",
            "dimension `m` is used only once in this signature",
        ),
        (
            "if they must be equal, use one name: `y: i32[n]`",
            "or give the range: `for i < n` with `where m >= n`",
        ),
    )
    assert (
        show(diagnostic)
        == """\
error[E0207]: cannot prove that index variable `i` has one range
 --> train.irc:9:27
  |
6 | export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
  |                  ------------  --------- ... and dimension m of `y`, declared here
  |                  |
  |                  n comes from here
...
9 |     let cost = -mean([logp[i, y[i]] for i])
  |                           ^^^^^^^^^ `i` indexes dimension n here ...
  |
  = note: n and m are different symbolic sizes: nothing in the signature says that they are equal
  = note: dimension `m` is used only once in this signature
  = help: if they must be equal, use one name: `y: i32[n]`
  = help: or give the range: `for i < n` with `where m >= n`
"""
    )


def test_line_numbers_of_two_digits_widen_the_gutter() -> None:
    diagnostic = Diagnostic(
        "E0301",
        "operands of `*` have different dtypes: f32 and i32",
        (
            here(10, "cost * y", "irc never converts a tensor to another dtype silently"),
            there(6, "y: i32[m]", "`y` is i32 because it is declared here"),
        ),
        ("`cost` is f32: the result of `mean` over f32[n]",),
        ("convert explicitly: `cost * f32(y)`",),
    )
    assert (
        show(diagnostic)
        == """\
error[E0301]: operands of `*` have different dtypes: f32 and i32
  --> train.irc:10:13
   |
 6 | export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
   |                                --------- `y` is i32 because it is declared here
...
10 |     let z = cost * y
   |             ^^^^^^^^ irc never converts a tensor to another dtype silently
   |
   = note: `cost` is f32: the result of `mean` over f32[n]
   = help: convert explicitly: `cost * f32(y)`
"""
    )


def test_unknown_name() -> None:
    diagnostic = Diagnostic(
        "E0105",
        "no value named `c` here",
        here(11, "wrt=c", "not found"),
        helps="did you mean `cost`?",
    )
    assert (
        show(diagnostic)
        == """\
error[E0105]: no value named `c` here
  --> train.irc:11:25
   |
11 |     let gW = grad(cost, wrt=c)
   |                         ^^^^^ not found
   |
   = help: did you mean `cost`?
"""
    )


def test_assigned_state() -> None:
    diagnostic = Diagnostic(
        "E0107",
        "`W` is state: it cannot be assigned in place",
        (
            here(12, "W -= lr * gW", "statements cannot start with an expression"),
            there(3, "state W", "`W` is declared as state here"),
        ),
        ("state changes when the function returns; until then every read gives the old value",),
        ("write `update W -= lr * gW`",),
    )
    assert (
        show(diagnostic)
        == """\
error[E0107]: `W` is state: it cannot be assigned in place
  --> train.irc:12:5
   |
 3 | state W: f32[D, K] = zeros()
   | ------- `W` is declared as state here
...
12 |     W -= lr * gW
   |     ^^^^^^^^^^^^ statements cannot start with an expression
   |
   = note: state changes when the function returns; until then every read gives the old value
   = help: write `update W -= lr * gW`
"""
    )


def test_index_out_of_range() -> None:
    # The manual marks `x[i, k + 1]`.
    diagnostic = Diagnostic(
        "E0208",
        "index `k + 1` can reach 784, the size of dimension 1 of `x`",
        (
            here(13, "x[i, k + 1]", "reads x[i, 784] when k = 783"),
            there(6, "x: f32[n, D]", "dimension 1 has size D = 784: valid indices are 0 to 783"),
        ),
        ("`k` has no range of its own: it appears only inside `k + 1`",),
        ("give the range that stays inside: `sum[k < D - 1](...)`",),
    )
    assert (
        show(diagnostic)
        == """\
error[E0208]: index `k + 1` can reach 784, the size of dimension 1 of `x`
  --> train.irc:13:20
   |
 6 | export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
   |                  ------------ dimension 1 has size D = 784: valid indices are 0 to 783
...
13 |     let r = sum[k](x[i, k + 1])
   |                    ^^^^^^^^^^^ reads x[i, 784] when k = 783
   |
   = note: `k` has no range of its own: it appears only inside `k + 1`
   = help: give the range that stays inside: `sum[k < D - 1](...)`
"""
    )


def test_a_warning_hangs_the_left_label() -> None:
    diagnostic = Diagnostic(
        "W0401",
        "dimension name `m` is used only once",
        (
            Label(Span("train.irc", 6, 39, 6, 41), "this can be any size", primary=True),
            Label(Span("train.irc", 6, 25, 6, 27), "did you mean `n`?"),
        ),
        helps="write `_` when the size does not matter",
        severity="warning",
    )
    assert (
        show(diagnostic)
        == """\
warning[W0401]: dimension name `m` is used only once
 --> train.irc:6:39
  |
6 | export def train(x: f32[n, D], y: i32[m], lr: f32 = 0.1) -> f32 {
  |                         --            ^^ this can be any size
  |                         |
  |                         did you mean `n`?
  |
  = help: write `_` when the size does not matter
"""
    )


def test_three_labels_on_one_line() -> None:
    source = "let z = left + right"
    diagnostic = Diagnostic(
        "",
        "three",
        (
            Label(Span("f", 1, 14, 1, 15), "operator", primary=True),
            Label(Span("f", 1, 9, 1, 13), "first"),
            Label(Span("f", 1, 16, 1, 21), "second"),
        ),
    )
    assert (
        show(diagnostic, source, "f")
        == """\
error: three
 --> f:1:14
  |
1 | let z = left + right
  |         ---- ^ ----- second
  |         |    |
  |         |    operator
  |         first
"""
    )


def test_a_label_inside_another_hangs_too() -> None:
    source = "let z = f(x, y)"
    diagnostic = Diagnostic(
        "",
        "nested",
        (
            Label(Span("f", 1, 14, 1, 15), "inner", primary=True),
            Label(Span("f", 1, 9, 1, 16), "outer"),
            Label(Span("f", 1, 9, 1, 10), "also here"),
        ),
    )
    assert (
        show(diagnostic, source, "f")
        == """\
error: nested
 --> f:1:14
  |
1 | let z = f(x, y)
  |         -----^-
  |         |    |
  |         |    inner
  |         outer
  |         also here
"""
    )


def test_a_gap_of_one_line_is_shown_instead_of_dots() -> None:
    diagnostic = Diagnostic("", "gap", (here(9, "mean"), there(7, "W @ x", "from here")))
    assert (
        show(diagnostic)
        == """\
error: gap
 --> train.irc:9:17
  |
7 |     let h = W @ x + b
  |             ----- from here
8 |     let logp = log_softmax(h, axis=2)
9 |     let cost = -mean([logp[i, y[i]] for i])
  |                 ^^^^
"""
    )


def test_labels_in_two_files() -> None:
    sources = SourceMap({"a.irc": "let y = relu(x)", "nn.irc": "\ndef relu(x) = max(x, 0)"})
    diagnostic = Diagnostic(
        "E0301",
        "clash",
        (
            Label(Span("nn.irc", 2, 5, 2, 12), "defined here"),
            Label(Span("a.irc", 1, 9, 1, 16), "called here", primary=True),
            Label(Span("gone.irc", 4, 1, 4, 2), "a file that is not known"),
        ),
    )
    assert (
        render(diagnostic, sources)
        == """\
error[E0301]: clash
 --> a.irc:1:9
  |
1 | let y = relu(x)
  |         ^^^^^^^ called here
 ::: nn.irc:2:5
  |
2 | def relu(x) = max(x, 0)
  |     ------- defined here
 ::: gone.irc:4:1"""
    )


def test_the_call_chain_is_noted_innermost_first() -> None:
    call = Call("relu", Span("mlp.irc", 21, 13, 21, 20), "x: f32[n, 500]")
    text = show(Diagnostic("", "t", here(7, "W"), call_chain=[call]))
    assert "  = note: in `relu`, called from mlp.irc:21:13 with x: f32[n, 500]\n" in text

    deep = [Call(f"f{i}", Span("m.irc", i, 1, i, 2)) for i in range(1, 10)]
    notes = [x for x in show(Diagnostic("", "t", (), call_chain=deep)).split("\n") if "note" in x]
    assert notes == [
        "  = note: in `f1`, called from m.irc:1:1",
        "  = note: in `f2`, called from m.irc:2:1",
        "  = note: ... 6 more calls ...",
        "  = note: in `f9`, called from m.irc:9:1",
    ]


def test_tabs_wide_letters_and_marks_keep_the_carets_in_place() -> None:
    source = "\tlet λ = 数値 + e\u0301x"
    plus = source.index("+") + 1
    diagnostic = Diagnostic(
        "",
        "columns",
        (
            Label(Span("f", 1, plus, 1, plus + 1), "plus", primary=True),
            Label(Span("f", 1, 6, 1, 7)),
        ),
    )
    lines = show(diagnostic, source, "f").split("\n")
    assert lines[1] == f" --> f:1:{plus}"
    assert lines[3] == "1 |     let λ = 数値 + e\u0301x"
    # 数値 takes four columns of a terminal.
    assert lines[4] == "  |         -        ^ plus"


def test_carriage_returns_and_a_missing_last_newline() -> None:
    source = "let a = 1\r\nlet b = c"
    assert (
        show(Diagnostic("", "t", Label(Span("f", 2, 9, 2, 10), "", True)), source, "f")
        == """\
error: t
 --> f:2:9
  |
2 | let b = c
  |         ^
"""
    )


def test_the_end_of_a_file_has_a_caret() -> None:
    text = show(Diagnostic("", "t", Label(Span("f", 2, 4, 2, 4), "here", True)), "ab\nabc", "f")
    assert text.endswith("2 | abc\n  |    ^ here\n")


def test_a_range_over_lines_marks_its_first_line() -> None:
    text = show(Diagnostic("", "t", Label(Span("f", 1, 3, 2, 2), "long", True)), "a (b\n c)", "f")
    assert text.endswith("1 | a (b\n  |   ^^ long\n")


@pytest.mark.parametrize("length", [2000, 50_000])
@pytest.mark.parametrize("column", [1, 90, 130, 150, 500, 1990, 2000])
def test_a_long_line_is_shown_around_its_labels(column: int, length: int) -> None:
    source = "".join(str(i % 10) for i in range(length))
    label = Label(Span("f", 1, column, 1, column + 3), "x", primary=True)
    _, _, _, line, carets, _ = show(Diagnostic("", "t", label), source, "f").split("\n")
    assert len(line) < 150
    at = carets.index("^")
    assert line[at] == str((column - 1) % 10)
    assert carets[at:] == "^" * min(3, length + 1 - column) + " x"


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = show(
        Diagnostic("", "t \x1b[2J", Label(Span("f\x07", 1, 1, 1, 2), "\u202e", True), ["\x00"]),
        "\x1b[31m \u202e",
        "f\x07",
    )
    assert not set(text) & set("\x1b\x07\x00\u202e")


def test_colour_changes_nothing_but_colour() -> None:
    import re

    diagnostic = Diagnostic("E1", "t", (here(7, "W", "l"), there(7, "x", "r")), ["n"], ["h"])
    sources = SourceMap({"train.irc": TRAIN})
    colored = render(diagnostic, sources, color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(diagnostic, sources)


def test_without_a_place() -> None:
    assert (
        show(Diagnostic("E0601", "no file", helps="look"))
        == """\
error[E0601]: no file
  = help: look
"""
    )


def test_one_line_form() -> None:
    assert render_short(Diagnostic("E0105", "no", here(11, "wrt"))) == (
        "train.irc:11:25: error[E0105]: no"
    )


def test_json_has_everything() -> None:
    diagnostic = Diagnostic("E0105", "no value", (here(11, "wrt=c", "not found"),), ["n"], ["h"])
    record = json.loads(json.dumps(to_json(diagnostic, SourceMap({"train.irc": TRAIN}))))
    place = {"file": "train.irc", "line": 11, "col": 25, "end_line": 11, "end_col": 30}
    assert record.pop("rendered").startswith("error[E0105]: no value\n")
    assert record == {
        "code": "E0105",
        "severity": "error",
        "title": "no value",
        "span": place,
        "labels": [{"span": place, "text": "not found", "primary": True}],
        "notes": ["n"],
        "helps": ["h"],
        "calls": [],
    }


def test_an_exception_reads_like_its_diagnostics() -> None:
    diagnostic = Diagnostic("E0105", "no value", here(11, "wrt=c"))
    assert str(UserError(diagnostic)) == "train.irc:11:25: error[E0105]: no value"
    shown = str(UserError([diagnostic], SourceMap({"train.irc": TRAIN})))
    assert "11 |     let gW = grad(cost, wrt=c)" in shown
    assert str(Unsupported("`scan` is not supported yet")) == (
        "error[E0901]: `scan` is not supported yet"
    )
