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
    Page(
        "E0205",
        "a size is not known where it must be",
        """
        The shape of a result follows from the shapes of the arguments. A size that depends on
        data would need memory that nobody can plan; rows of an array literal have one length.
        """,
        "export def f(k: i32) -> f32 = sum(ones([k]))",
        "export def f(x: f32[k]) -> f32 = sum(ones([k]))",
    ),
    Page(
        "E0206",
        "this index does not fit",
        """
        An index is an integer, a slice, `newaxis` or `...`, at most one for each dimension.
        Literal indices and slices must lie inside; negative literals count from the end. Masks
        are no indices, since the size of the result would depend on data: use
        `where(mask, x, 0)`.
        """,
        "export def f(x: f32[3]) -> f32 = x[3]",
        "export def f(x: f32[3]) -> f32 = x[2]",
    ),
    Page(
        "E0209",
        "the length of a slice depends on data",
        """
        `x[a:b]` with numbers a and b that are known only at run time has a size that nobody
        can plan. A slice of fixed length at a moving place is a comprehension.
        """,
        "export def f(x: f32[n], a: i32, b: i32) -> f32 = sum(x[a:b])",
        "export def f(x: f32[n], a: i64) -> f32[10] = [x[a + i] for i < 10]",
    ),
    Page(
        "E0210",
        "a size is not known, or is zero where it cannot be",
        """
        Sizes come from the types of parameters; states have constant ones. The maximum, the
        minimum and their positions need an element at least.
        """,
        "state W: f32[n] = zeros()",
        """
        const n = 10
        state W: f32[n] = zeros()
        """,
    ),
    Page(
        "E0211",
        "this is not a size or a type of a tensor",
        """
        A size is made of names and integers with + - * // and **, and is not negative. `...`
        stands at most once in a type.
        """,
        "export def f(x: f32[n, 1.5]) -> f32[n, 1.5] = x",
        "export def f(x: f32[n, 2]) -> f32[n, 2] = x",
    ),
    Page(
        "E0212",
        "a fact of a `where` clause does not hold",
        """
        A function with `where n > 0` may only be called where that is true; here it is
        provably false.
        """,
        """
        def first(x: f32[n]) -> f32 where n > 0 = x[0]
        export def f() -> f32 = first(zeros([0]))
        """,
        """
        def first(x: f32[n]) -> f32 where n > 0 = x[0]
        export def f() -> f32 = first(zeros([1]))
        """,
    ),
    Page(
        "E0213",
        "a message shows something that is no number",
        """
        The braces in a message of `assert` hold single numbers, which are printed when the
        assertion fails.
        """,
        """
        export def f(x: f32[n]) {
            assert sum(x) > 0, "x is {x}"
        }
        """,
        """
        export def f(x: f32[n]) {
            assert sum(x) > 0, "sum(x) is {sum(x)}"
        }
        """,
    ),
    Page(
        "E0214",
        "the operands of a convolution or of pooling do not go together",
        """
        `conv2d(x, w)` takes x[N, C, height, width] and w[O, C/groups, height, width], so both
        have one axis more for each direction that windows slide along, and w has weights for
        each channel of x. In groups, the channels of x and the O channels of the result are
        shared out evenly. `conv2d_transpose` takes w[C, O/groups, height, width].
        """,
        "export def f(x: f32[n, 3, 8, 8], w: f32[5, 4, 3, 3]) = conv2d(x, w)",
        "export def f(x: f32[n, 3, 8, 8], w: f32[5, 3, 3, 3]) -> f32[n, 5, 6, 6] = conv2d(x, w)",
    ),
    Page(
        "E0215",
        "a window does not fit",
        """
        A kernel or a pooling window must fit at least once into what it slides over, together
        with the zeros around that; strides and dilations are at least 1. Where sizes are known
        only when the program runs, a call fails instead.
        """,
        "export def f(x: f32[n, 1, 4, 4], w: f32[1, 1, 5, 5]) = conv2d(x, w)",
        "export def f(x: f32[n, 1, 4, 4], w: f32[1, 1, 5, 5]) -> f32[n, 1, 4, 4] = "
        "conv2d(x, w, pad=2)",
    ),
)
