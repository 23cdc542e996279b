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
        "an index variable is bound twice",
        """
        The index variables of one comprehension or reduction have different names.
        """,
        "export def f(x: f32[n, n]) -> f32 = sum[i, i](x[i, i])",
        "export def f(x: f32[n, n]) -> f32 = sum[i](x[i, i])",
    ),
    Page(
        "E0109",
        "the arguments of an operation do not fit",
        """
        Operations take their arguments in order or by name; each one once. The message names
        those that the operation has.
        """,
        "export def f(x: f32[n, m]) -> f32[n] = sum(x, dim=1)",
        "export def f(x: f32[n, m]) -> f32[n] = sum(x, axis=1)",
    ),
    Page(
        "E0110",
        "a name is taken",
        """
        Items of a module, fields of a record and parameters of a function have different
        names. A `let` may bind a local name again, but never that of a state: a reader could
        not tell which of the two is meant.
        """,
        """
        state W: f32 = 0
        export def f(x: f32) -> f32 {
            let W = x + 1
            return W
        }
        """,
        """
        state W: f32 = 0
        export def f(x: f32) -> f32 {
            let W1 = x + 1
            return W1 * W
        }
        """,
    ),
    Page(
        "E0111",
        "a function does not return once, at its end",
        """
        A function that declares a result ends with `return`, and nothing stands behind it.
        There is no early return: `if c then a else b` chooses between values.
        """,
        """
        export def f(x: f32) -> f32 {
            let y = x + 1
        }
        """,
        """
        export def f(x: f32) -> f32 {
            let y = x + 1
            return y
        }
        """,
    ),
    Page(
        "E0112",
        "a function calls itself",
        """
        Functions are expanded where they are called, so a recursion would have no end.
        Repetition is written with a comprehension, a reduction, `scan` or `loop`.
        """,
        """
        def power(x, k) = if k == 0 then 1.0 else x * power(x, k - 1)
        export def f(x: f64) -> f64 = power(x, 3)
        """,
        "export def f(x: f64) -> f64 = prod([x for k < 3])",
    ),
    Page(
        "E0113",
        "the number of names does not fit the number of values",
        """
        `let a, b` takes apart a function's two results or a tuple of two; it does not take
        apart a tensor along its first dimension.
        """,
        """
        def both(x) = (x, x * 2)
        export def f(x: f32) -> f32 {
            let a, b, c = both(x)
            return a + b + c
        }
        """,
        """
        def both(x) = (x, x * 2)
        export def f(x: f32) -> f32 {
            let a, b = both(x)
            return a + b
        }
        """,
    ),
    Page(
        "E0114",
        "an exported function does not state all its types",
        """
        Callers from Python and C need to know what to pass and what comes back, and irc makes
        one version of the function for them. So its parameters and results have full types:
        a dtype, and a size for each dimension. Private functions may leave types out; they are
        checked again for every call.
        """,
        "export def f(x) = x * 2",
        "export def f(x: f32[n]) -> f32[n] = x * 2",
    ),
    Page(
        "E0115",
        "the number of results does not fit the declaration",
        """
        A function that declares several results returns as many.
        """,
        "export def f(x: f32) -> (a: f32, b: f32) { return x }",
        "export def f(x: f32) -> (a: f32, b: f32) { return x, x * 2 }",
    ),
    Page(
        "E0116",
        "-D does not fit the program",
        """
        `-D NAME=VALUE` replaces the value of a `const` by a number of its kind, or the dtype
        behind a `type`. Both must exist in the program.
        """,
    ),
    Page(
        "E0117",
        "a constant expression is needed",
        """
        Constants are numbers that are known before anything runs: literals, other constants
        and arithmetic on them.
        """,
        """
        state W: f32 = 0
        const D = W + 1
        """,
        """
        state W: f32 = 0
        const D = 1
        """,
    ),
    Page(
        "E0118",
        "no type with this name",
        """
        Types are the dtypes, `f32` and its kind, and the names given by `type`. A module may
        also be too large to load; the message says so.
        """,
        "export def f(x: float32[n]) -> float32[n] = x",
        "export def f(x: f32[n]) -> f32[n] = x",
    ),
    Page(
        "E0119",
        "calls are nested too deeply",
        """
        Functions are expanded where they are called. A chain of functions that call each
        other twice grows exponentially; limits stop that before memory does.
        """,
    ),
    Page(
        "E0120",
        "no attribute with this name",
        """
        An attribute such as `@inline` changes how a function is compiled, so a misspelt one is
        an error and not ignored.
        """,
        """
        @checkpiont
        def f(x) = exp(x)
        """,
        """
        @checkpoint
        def f(x) = exp(x)
        """,
    ),
)
