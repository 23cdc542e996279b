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
    Page(
        "E0506",
        "a recurrence changes its shape or dtype",
        """
        What goes from step to step has one type: that of its initial value. A number does not
        become a vector on the way, and an integer no float. Begin with the type that the steps
        give, or convert.
        """,
        """
        export def f(x: f32[T, n]) -> f32[T, n] {
            scan t < T {
                init s[-1] = 0.0
                s[t] = s[t-1] + x[t]
            }
            return s
        }
        """,
        """
        export def f(x: f32[T, n]) -> f32[T, n] {
            scan t < T {
                init s[-1] = zeros([n])
                s[t] = s[t-1] + x[t]
            }
            return s
        }
        """,
    ),
    Page(
        "E0507",
        "a recurrence is read at a time that it does not know",
        """
        Inside its scan a recurrence is known at this step and at a constant number of steps
        before: `x[t]`, `x[t-1]`, `x[t-4]`. Later times do not exist yet; times that vary, and
        the whole sequence, can be read behind the scan, where it is a tensor.
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T { x[t] = u[t] + 0.5 * x[t+1] }
            return x
        }
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                init x[-1] = 0
                x[t] = u[T - 1 - t] + 0.5 * x[t-1]
            }
            return x[::-1]
        }
        """,
    ),
    Page(
        "E0508",
        "a name has two definitions in a scan",
        """
        An equation says what a name is at every time, so there is one for each name, and the
        name means nothing else: no `let`, no parameter, no tensor from before.
        """,
        """
        export def f(x: f32[T]) -> f32[T] {
            scan t < T { x[t] = 2 * x[t] }
            return x
        }
        """,
        """
        export def f(x: f32[T]) -> f32[T] {
            scan t < T { y[t] = 2 * x[t] }
            return y
        }
        """,
    ),
    Page(
        "E0509",
        "a value depends on itself within one step",
        """
        Equations stand in any order, but each needs its right side first: a circle of
        equations needs a delay somewhere, `y[t-1]` in the place of `y[t]`.
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                x[t] = u[t] + y[t]
                y[t] = 0.5 * x[t]
            }
            return x
        }
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                init y[-1] = 0
                x[t] = u[t] + y[t-1]
                y[t] = 0.5 * x[t]
            }
            return x
        }
        """,
    ),
    Page(
        "E0510",
        "an initial value does not fit",
        """
        `init x[-1] = e` gives the value before the first step, `init x[-3:0] = e` the rows of e
        for the times -3, -2 and -1. The name has an equation in the scan, or is a tensor that
        the scan reads. Times are constants below 0, and each is given once.
        """,
        """
        export def f(u: f32[T], x0: f32[2]) -> f32[T] {
            scan t < T {
                init x[-3:0] = x0
                x[t] = u[t] + x[t-3]
            }
            return x
        }
        """,
        """
        export def f(u: f32[T], x0: f32[3]) -> f32[T] {
            scan t < T {
                init x[-3:0] = x0
                x[t] = u[t] + x[t-3]
            }
            return x
        }
        """,
    ),
    Page(
        "E0511",
        "this is no equation of a scan",
        """
        An equation gives the whole value of a name at the time of its scan: `x[t] = ...`.
        Other times follow from it, a part of a tensor is written with index notation, and
        outside of a scan there is no time.
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                init x[-1] = 0
                x[t+1] = x[t] + u[t]
            }
            return x
        }
        """,
        """
        export def f(u: f32[T]) -> f32[T] {
            scan t < T {
                init x[-1] = 0
                x[t] = x[t-1] + u[t]
            }
            return x
        }
        """,
    ),
    Page(
        "E0512",
        "the next value of a loop is missing, or one too many",
        """
        Each name in the head of a loop has one `next` in its body, and no other name has. A
        value that stays the same needs no loop: bind it before with `let`.
        """,
        """
        export def f(x: f32) -> f32 {
            loop y = x, k = 0 for i < 10 { next y = y / 2 }
            return y
        }
        """,
        """
        export def f(x: f32) -> f32 {
            loop y = x for i < 10 { next y = y / 2 }
            return y
        }
        """,
    ),
    Page(
        "E0513",
        "this statement does not belong here",
        """
        `init` and `until` stand directly in a `scan`, `next` directly in a `loop`. `return`
        ends a function, so it stands behind the block.
        """,
        """
        export def f(x: f32) -> f32 {
            loop y = x while y > 1 { if y > 2 { next y = y / 2 } }
            return y
        }
        """,
        """
        export def f(x: f32) -> f32 {
            loop y = x while y > 1 { next y = if y > 2 then y / 2 else y - 0.5 }
            return y
        }
        """,
    ),
    Page(
        "E0514",
        "the number of steps is not known, or there is none",
        """
        A scan gives tensors with a row for each step, and a derivative keeps values of each
        step, so these numbers are sizes: literals, constants, or sizes in types. A `loop` whose
        derivative is not asked for may count to a number that is data.
        """,
        """
        export def f(x: f32, n: i64) -> f32 {
            scan t < n {
                init y[-1] = x
                y[t] = y[t-1] / 2
            }
            return y[-1]
        }
        """,
        """
        export def f(x: f32, n: i64) -> f32 {
            loop y = x for t < n { next y = y / 2 }
            return y
        }
        """,
    ),
)
