"""E02: shapes, sizes and indices."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0201",
        "inner dimensions of `@` do not match",
        """
        `x @ y` contracts the last dimension of x with the first of y when y is a vector, with
        the second to last otherwise. Both must be the same size: the same number, or
        polynomials in the symbolic sizes that are equal in normal form. Two different names
        are two different sizes, even when they happen to agree in a call.
        """,
        "export def f(W: f32[784, 10], x: f32[n, 784]) -> f32[n, 10] = W @ x",
        "export def f(W: f32[784, 10], x: f32[n, 784]) -> f32[n, 10] = x @ W",
    ),
    Page(
        "E0202",
        "shapes do not broadcast",
        """
        Dimensions are aligned at the right. Each pair must be the same size, or one of them
        the literal 1. A symbolic size never stretches, so a program does not change its
        meaning when n happens to be 1; write `newaxis` for a dimension that shall stretch.
        """,
        "export def f(x: f32[n, 64], b: f32[n]) -> f32[n, 64] = x + b",
        "export def f(x: f32[n, 64], b: f32[n]) -> f32[n, 64] = x + b[:, newaxis]",
    ),
    Page(
        "E0203",
        "a value has another rank or size than its declaration",
        """
        Types on parameters, results and `let` are checked: the rank must agree, and each size
        must be provably the declared one. Where irc cannot prove that two sizes are equal,
        `assert n == m` makes it a fact from there on.
        """,
        "export def f(x: f32[n, m]) -> f32[n] = x",
        "export def f(x: f32[n, m]) -> f32[n] = sum(x, axis=1)",
    ),
    Page(
        "E0204",
        "an axis is outside the rank",
        """
        A tensor of rank r has the axes 0 to r - 1, and -1 to -r counted from the end.
        """,
        "export def f(x: f32[n, 10]) -> f32[n, 10] = log_softmax(x, axis=2)",
        "export def f(x: f32[n, 10]) -> f32[n, 10] = log_softmax(x, axis=1)",
    ),
    Page(
        "E0207",
        "the range of an index variable is not known",
        """
        The range of an index variable is the common size of all dimensions where it is the
        whole index. When there is no such place, or when their sizes are not provably equal,
        write the range: `i < n`.
        """,
        "export def f(x: f32[n], y: f32[m]) -> f32 = sum([x[i] * y[i] for i])",
        "export def f(x: f32[n], y: f32[n]) -> f32 = sum([x[i] * y[i] for i])",
    ),
    Page(
        "E0208",
        "an index leaves its dimension",
        """
        An index that provably reaches a place outside the tensor is rejected; one that depends
        on data is checked when the program runs. Negative indices count from the end only when
        they are literals.
        """,
        "export def f(x: f32[n]) -> f32[n] = [x[i] + x[i + 1] for i < n]",
        "export def f(x: f32[n]) -> f32[n - 1] = [x[i] + x[i + 1] for i < n - 1]",
    ),
)
