"""The formatter: same tree, same comments, a fixed point; and how it looks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irc.frontend import tree
from irc.frontend.format import WIDTH, format_module
from irc.frontend.syntax import parse
from irc.frontend.walk import same

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.irc"))


def formatted(text: str) -> str:
    """The canonical text, after checking that it says the same and stays as it is."""
    module = parse(text, "t.irc")
    result = format_module(module)
    again = parse(result, "t.irc")
    assert same(module, again, ignore=("span", "comments")), result
    assert kept(module) == kept(again)
    assert format_module(again) == result
    return result


def kept(module: tree.Module) -> list[str]:
    """The comments, without what may change: how many `#` a moved one begins with."""
    return [comment.text.lstrip("#") for comment in module.comments]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples(path: Path) -> None:
    result = formatted(path.read_text(encoding="utf-8"))
    code = [line.split("  #")[0] for line in result.split("\n")]
    assert max(map(len, code)) <= WIDTH
    assert not any(line != line.rstrip() or "\t" in line for line in result.split("\n"))


def test_blanks_and_breaks() -> None:
    text = """
const  D=784 ;const K   =10
def f( x:f32[ n,2*m+1 ],p=0.5 )->( f32,g:f32[...] )where n>0,m>1{let a,b=-x[ i+1,:: 2,...]**2
let c=[ x[i]for i<n ];return (a,),if a<b<=c then not a else f(a,k=b)and c}
"""
    assert (
        formatted(text)
        == """\
const D = 784
const K = 10
def f(x: f32[n, 2 * m + 1], p = 0.5) -> (f32, g: f32[...]) where n > 0, m > 1 {
    let a, b = -x[i + 1, ::2, ...] ** 2
    let c = [x[i] for i < n]
    return (a,), if a < b <= c then not a else f(a, k=b) and c
}
"""
    )


def test_records_and_runs_of_states_are_aligned() -> None:
    text = """\
state net {
    W1: f32[D, H] = glorot_uniform()
    b: f32[H] = zeros() # bias
    ## Second layer.
    W2: f32[H, 10000] = glorot_uniform()
}
state m: like net = zeros()
export state step: f32 = 0 # counts

state other: f32 = 0
"""
    assert (
        formatted(text)
        == """\
state net {
    W1: f32[D, H] = glorot_uniform()
    b: f32[H]     = zeros()  # bias
    ## Second layer.
    W2: f32[H, 10000] = glorot_uniform()
}
state m: like net      = zeros()
export state step: f32 = 0  # counts

state other: f32 = 0
"""
    )


def test_comments_stay_where_they_are() -> None:
    text = """\
# first

## The file.

# before f
## Doc of f.
@inline
def f(x) {  # behind the brace
    # own line
    let a = 1    # one
    let bcd = 2  # two


    if a {  # if
        print "x"
        # end of if
    } else if b {  # elif
        print "y"
    } else {  # else
        # nothing
    }  # done
    return a
    # end of f
}  # behind f

# last
"""
    assert formatted(text) == text.replace("\n\n\n", "\n\n")


def test_comments_inside_an_expression_move_before_the_statement() -> None:
    text = """\
def f(
    x,  # the input
    ## the rate
    p
) {
    return g(x,
             # middle
             p)  # end
}
"""
    assert (
        formatted(text)
        == """\
# the input
# the rate
def f(x, p) {
    # middle
    return g(x, p)  # end
}
"""
    )


def test_long_lines_break() -> None:
    name = "a_rather_long_name"
    text = f"""\
export def f({", ".join(f"{name}{i}: f32[n, {i}]" for i in range(4))}) -> (f32, f32) where n > 0 {{
    let x = {" + ".join([name] * 7)} * {name}
    let y = {name}({", ".join([name] * 6)})
    let z = if {name} < {name} then {name} * {name} else {name} / {name} + {name} - {name}
    assert {name} < {name}, "a long message that does not fit {{{name}}} into the same line"
    loop k = {name}, {name} = {name} + 1, {name}3 = {name} while {name} < {name} max {name} {{
        next k = k
    }}
    return {", ".join([name] * 8)}
}}
def g(x: f32[n]) -> f32[n] = {name} + {name} + {name} + {name} + {name}
def h(x: f32[n], {name}: f32[n]) -> ({name}: f32[n], {name}: f32[n]) where n > 0, m > {name} {{ }}
"""
    assert (
        formatted(text)
        == """\
export def f(
    a_rather_long_name0: f32[n, 0],
    a_rather_long_name1: f32[n, 1],
    a_rather_long_name2: f32[n, 2],
    a_rather_long_name3: f32[n, 3]
) -> (f32, f32) where n > 0 {
    let x = a_rather_long_name + a_rather_long_name + a_rather_long_name + a_rather_long_name +
        a_rather_long_name + a_rather_long_name + a_rather_long_name * a_rather_long_name
    let y = a_rather_long_name(
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name
    )
    let z = if a_rather_long_name < a_rather_long_name
        then a_rather_long_name * a_rather_long_name
        else a_rather_long_name / a_rather_long_name + a_rather_long_name - a_rather_long_name
    assert a_rather_long_name < a_rather_long_name,
        "a long message that does not fit {a_rather_long_name} into the same line"
    loop k = a_rather_long_name,
         a_rather_long_name = a_rather_long_name + 1,
         a_rather_long_name3 = a_rather_long_name
    while a_rather_long_name < a_rather_long_name max a_rather_long_name {
        next k = k
    }
    return a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name,
        a_rather_long_name
}
def g(x: f32[n]) -> f32[n] =
    a_rather_long_name + a_rather_long_name + a_rather_long_name + a_rather_long_name +
        a_rather_long_name
def h(x: f32[n], a_rather_long_name: f32[n])
    -> (a_rather_long_name: f32[n], a_rather_long_name: f32[n])
    where n > 0, m > a_rather_long_name {
}
"""
    )


# ---- programs made at random


class Programs:
    """Text of random programs, each construct somewhere, laid out badly."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def many(self, make: Callable[[int], str], depth: int, least: int = 0) -> list[str]:
        return [make(depth) for _ in range(self.random.randint(least, 3))]

    def name(self) -> str:
        return self.pick("a", "x1", "init", "next", "max", "λ", "a_name_of_some_length")

    def expression(self, depth: int) -> str:
        if depth == 0:
            return self.pick(self.name(), "1", "2.5f64", "1e-3", "true", '"s"', "x.T")
        e = partial(self.expression, depth - 1)
        op = self.pick(*"+ - * / // % @ and or < == **".split())
        return self.random.choice(
            [
                lambda: f"({e()}) {op} ({e()})",
                lambda: " + ".join(["a * b", "c"] * self.random.randint(1, 12)),
                lambda: f"-({e()})",
                lambda: f"(not {self.name()})",
                lambda: f"(if {e()} then {e()} else {e()})",
                lambda: f"{self.name()}({', '.join(self.many(self.expression, depth - 1))})",
                lambda: f"{self.name()}( {e()}, k={e()}, )",
                lambda: f"{self.name()}[{e()},1:,::({e()}) , ...]",
                lambda: f"({self.name()} with [{e()}] += ({e()}))",
                lambda: f"[{e()} for i,j<({e()})]",
                lambda: f"({e()}, {e()},)",
                lambda: f"[{', '.join(self.many(self.expression, depth - 1))}]",
            ]
        )()

    def line(self, code: str) -> str:
        before = self.pick("", "", "\n", "\n\n", "# own\n", "\n## doc\n", "# a\n\n", "   ")
        after = self.pick("", "", "", "  # c", " ## d", ";")
        return f"{before}{code}{after}\n"

    def block(self, depth: int) -> str:
        comment = self.pick("", "# open")
        return f"{{{comment}\n{''.join(self.many(self.statement, depth))}}}"

    def statement(self, depth: int) -> str:
        e = partial(self.expression, 2)
        inner = partial(self.block, depth - 1)
        simple = [
            lambda: f"let {self.name()}, b = {e()}",
            lambda: f"let {self.name()}[i, j < ({e()})] = {e()}",
            lambda: f"update {self.name()}.b[{e()}] -= {e()}",
            lambda: f"return {', '.join(self.many(self.expression, 2))}",
            lambda: f'assert {e()}, "m {{x:.3f}} {{{{"',
            lambda: f"init {self.name()}[{e()}] = {e()}",
            lambda: f"x[{self.name()}] = {e()}",
        ]
        nested = [
            lambda: f"if {e()} {inner()}",
            lambda: f"if {e()} {inner()} else {inner()}",
            lambda: f"if a {inner()} else if {e()} {inner()} else {inner()}",
            lambda: f"scan t < {self.name()} {inner()}",
            lambda: f"loop v = {e()}, w = {e()} while {e()} max 9 {inner()}",
        ]
        return self.line(self.random.choice(simple + nested * (depth > 0))())

    def item(self, depth: int) -> str:
        e = partial(self.expression, 2)
        params = ", ".join(f"{self.name()}: f32[n, 2*m] = {e()}" for _ in self.many(str, 0))
        makers = [
            lambda: f"const D = {e()}",
            lambda: f"export state {self.name()}: f32[n, 2*m] = {e()}",
            lambda: f"@inline\ndef f({params}) = {e()}",
            lambda: f"## A\ndef f({params}) -> (f32, y: f32[...]) where {e()} {self.block(depth)}",
            lambda: f'test "t" {self.block(depth)}',
            lambda: f"state r {{# b\n## d\na: f32 = {e()}\n# c\n b: f32[3] = 1\n}}",
        ]
        return self.line(self.random.choice(makers)())


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_any_program(seed: int) -> None:
    programs = Programs(seed)
    formatted("".join(programs.many(programs.item, 2)))
