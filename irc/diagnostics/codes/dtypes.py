"""E03: dtypes."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0301",
        "operands have different dtypes",
        """
        irc never converts a tensor to another dtype silently: i32 with f32 would be f64 in
        NumPy, at twice the memory. Literals and sizes have an open dtype that the first typed
        operand closes; everything else is converted by name, `f32(y)`.
        """,
        "export def f(x: f32[n], y: i32[n]) -> f32[n] = x * y",
        "export def f(x: f32[n], y: i32[n]) -> f32[n] = x * f32(y)",
    ),
    Page(
        "E0302",
        "an operation is not defined for this kind of value",
        """
        Arithmetic needs numbers, conditions need bool, and tensors cannot be mixed with
        records, strings or functions. A bool is not a number: `f32(b)` makes it one.
        """,
        "export def f(x: f32[n]) -> f32 = mean(x > 0)",
        "export def f(x: f32[n]) -> f32 = mean(f32(x > 0))",
    ),
    Page(
        "E0303",
        "`/` is not defined for integers",
        """
        NumPy gives a float there and C an integer, so one half of the readers would be wrong.
        `//` rounds down; a conversion before `/` gives the quotient of real numbers.
        """,
        "export def f(a: i32, b: i32) -> i32 = a / b",
        "export def f(a: i32, b: i32) -> i32 = a // b",
    ),
    Page(
        "E0304",
        "a value has another dtype than its declaration",
        """
        The dtype that a parameter, result or `let` declares must be that of the value. A
        conversion is written out; a literal must be a value of the dtype.
        """,
        "export def f(x: f32[n]) -> i32[n] = x",
        "export def f(x: f32[n]) -> i32[n] = i32(x)",
    ),
    Page(
        "E0305",
        "an integer is divided by zero",
        """
        Integers have no infinity, so `//` and `%` by zero have no result. A divisor that is data
        is checked when the program runs; floats give an infinity or NaN.
        """,
        "export def f(a: i32) -> i32 = a // 0",
        "export def f(a: i32, b: i32) -> i32 = if b == 0 then 0 else a // b",
    ),
)
