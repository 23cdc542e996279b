"""E01: names and syntax."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0101",
        "the text does not follow the grammar",
        """
        Something is missing, or stands where it cannot. The message names what would fit.
        A statement ends with its line, unless the line ends with an operator or a comma, the
        next one begins with an operator, or a `(` or `[` is open.
        """,
        "def f(x) = x +* 2",
        "def f(x) = x * 2",
    ),
    Page(
        "E0102",
        "brackets do not match",
        """
        Each `(`, `[` and `{` is closed by its own kind, innermost first. The message shows
        the bracket that was opened, since the place where the parser noticed may be far away.
        """,
        "def f(x) = (x + 1] * 2",
        "def f(x) = (x + 1) * 2",
    ),
    Page(
        "E0103",
        "characters that are no token",
        """
        A number, string or operator is not one of irc's. Numbers are decimal, `1_000`, `2.5`,
        `1e-3`, `2.5f64`, and fit into 64 bits. Strings have double quotes, end on their line,
        and know the escapes \\n \\t \\r \\0 \\\\ \\". In the messages of `print` and `assert`
        braces hold an expression and perhaps a format: "cost {cost:.4f}". The operators of
        logic are `and`, `or`, `not`.
        """,
        "def f(x) = if !(x > 0) then 1. else x",
        "def f(x) = if not x > 0 then 1.0 else x",
    ),
    Page(
        "E0104",
        "a source cannot be read, or is larger than the limits",
        """
        A source is a regular file of UTF-8 text, at most 16 MiB and 500,000 tokens, with
        expressions and blocks nested at most 200 deep. A chain of operators such as
        `a + b + c` counts as one level, however long it is.
        """,
    ),
    Page(
        "E0105",
        "no value with this name",
        """
        A name must be bound before it is used: by `let`, as a parameter, a state, a constant,
        a size in a type, or an index variable in the brackets of a comprehension or reduction.
        Index variables are never implicit, so a misspelt name does not become a loop.
        """,
        """
        export def f(x: f32[n]) -> f32 {
            let cost = sum(x)
            return coost
        }
        """,
        """
        export def f(x: f32[n]) -> f32 {
            let cost = sum(x)
            return cost
        }
        """,
    ),
    Page(
        "E0106",
        "this cannot be called",
        """
        Functions and the built-in operations can be called, values cannot. Brackets before the
        parentheses bind index variables, which only the reductions do: `sum[k](x[k])`.
        """,
        "export def f(x: f32[n]) -> f32 = x(0)",
        "export def f(x: f32[n]) -> f32 where n > 0 = x[0]",
    ),
    Page(
        "E0107",
        "a statement begins with an expression",
        """
        Values never change. `let` binds a new one, and `update` says what a state will be when
        the function returns; until then every read gives the old value, so the order of
        updates does not matter and a failed call changes nothing. If `W -= g` were allowed,
        it would be unclear which of the two is meant.
        """,
        """
        state W: f32[3] = zeros()
        export def step(g: f32[3]) {
            W -= g
        }
        """,
        """
        state W: f32[3] = zeros()
        export def step(g: f32[3]) {
            update W -= g
        }
        """,
    ),
    Page(
        "E0108",
        "a name is declared twice",
        """
        Parameters, fields, items of a module and index variables of one list have different
        names. A `let` may bind a local name again, but not the name of a state.
        """,
        "export def f(x: f32, x: f32) -> f32 = x",
        "export def f(x: f32, y: f32) -> f32 = x",
    ),
    Page(
        "E0109",
        "the arguments of a call do not fit its parameters",
        """
        Each parameter without a default needs one argument, in order or by name, and no
        argument may be left over.
        """,
        """
        def f(x, p) = x * p
        export def g(x: f32) -> f32 = f(x)
        """,
        """
        def f(x, p) = x * p
        export def g(x: f32) -> f32 = f(x, 2.0)
        """,
    ),
)
