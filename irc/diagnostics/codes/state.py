"""E05: state and recurrences."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0501",
        "a recurrence reads a value that has no beginning",
        """
        A scan starts at 0, so `x[t-3]` reads x at -3, -2 and -1 in its first steps. `init`
        gives these values; `init x[-3:0]` gives all three.
        """,
        """
        def f(u: f32[T], x0: f32[3]) {
            scan t < T { x[t] = u[t] + x[t - 3] }
            return x
        }
        """,
        """
        def f(u: f32[T], x0: f32[3]) {
            scan t < T {
                init x[-3:0] = x0
                x[t] = u[t] + x[t - 3]
            }
            return x
        }
        """,
    ),
    Page(
        "E0502",
        "a state is updated twice",
        """
        All updates take effect together when the function returns, so two of one state would
        contradict each other. Compute the new value first and update once.
        """,
        """
        state W: f32 = 0
        export def step(a: f32, b: f32) {
            update W += a
            update W += b
        }
        """,
        """
        state W: f32 = 0
        export def step(a: f32, b: f32) {
            update W += a + b
        }
        """,
    ),
    Page(
        "E0503",
        "records have different fields",
        """
        Arithmetic on records works field by field, so both must have the same fields in the
        same order: that of one state, its gradient, or a state declared `like` it.
        """,
        """
        state a { x: f32 = 0 }
        state b { y: f32 = 0 }
        export def step() { update a += b }
        """,
        """
        state a { x: f32 = 0 }
        state b: like a = zeros()
        export def step() { update a += b }
        """,
    ),
    Page(
        "E0504",
        "an initialiser reads a state",
        """
        States get their first values all at once, in no order, so none can be computed from
        another.
        """,
        """
        state a: f32 = 1
        state b: f32 = a + 1
        """,
        """
        const start = 1
        state a: f32 = start
        state b: f32 = start + 1
        """,
    ),
    Page(
        "E0505",
        "this cannot be updated",
        """
        `update` gives a new value to a state of the same file, or to fields of a record of
        states. Values that `let` binds never change, and a module changes only its own state.
        """,
        """
        export def f(x: f32) -> f32 {
            update x = x + 1
            return x
        }
        """,
        """
        state total: f32 = 0
        export def f(x: f32) -> f32 {
            update total += x
            return total
        }
        """,
    ),
)
