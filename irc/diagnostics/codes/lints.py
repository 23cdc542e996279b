"""W04: warnings. `-Wno-W0401` silences one, `-Werror` makes them errors."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "W0401",
        "a size is named only once",
        """
        A size in a signature is useful where it stands twice: the two are then equal. One that
        stands alone may be a slip of the pen, which would silently become a new size.
        """,
        "export def f(x: f32[n, 3], y: f32[m, 3]) -> f32[n, 3] = x + sum(y, axis=0)",
        "export def f(x: f32[n, 3], y: f32[_, 3]) -> f32[n, 3] = x + sum(y, axis=0)",
    ),
    Page(
        "W0402",
        "a state is never read",
        """
        It takes memory and is saved with the module, but no exported function needs it.
        """,
        """
        state W: f32[3] = zeros()
        export def f(x: f32[3]) -> f32[3] = x
        """,
        """
        state W: f32[3] = zeros()
        export def f(x: f32[3]) -> f32[3] = x * W
        """,
    ),
    Page(
        "W0403",
        "a gradient passes through a comparison",
        """
        A comparison is constant almost everywhere, so its derivative is zero. If a smooth
        function was meant, write it: `sigmoid(k * x)` instead of `f32(x > 0)`.
        """,
        "export def f(x: f32[n]) -> f32[n] = grad(sum(f32(x > 0) * x), wrt=x)",
        "export def f(x: f32[n]) -> f32[n] = grad(sum(sigmoid(10 * x) * x), wrt=x)",
    ),
    Page(
        "W0404",
        "an update is never read",
        """
        The function computes a new value of a state that nothing reads.
        """,
    ),
    Page(
        "W0405",
        "f64 in f32 code",
        """
        A conversion to f64 inside a computation in f32 doubles the memory traffic there.
        """,
    ),
    Page(
        "W0406",
        "dropout outside of training",
        """
        A function that updates no state draws a dropout mask. Pass p = 0 when predicting.
        """,
    ),
    Page(
        "W0407",
        "an equation is never used",
        """
        Nothing reads the equation, neither in its scan nor behind it, so it is not computed.
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                x[t] = 2 * u[t]
                y[t] = 3 * u[t]
            }
            return x
        }
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T { x[t] = 2 * u[t] }
            return x
        }
        """,
    ),
)
