"""E04: derivatives."""

from __future__ import annotations

from irc.diagnostics.codes.page import Page

PAGES = (
    Page(
        "E0401",
        "the cost does not depend on what it is differentiated by",
        """
        A gradient that is zero everywhere is nearly always a slip: a parameter that is not
        used, or a path that `stop_gradient` or an integer cuts. Where zero is meant, say
        `disconnected="zero"`.
        """,
        "export def f(x: f32, w: f32) -> f32 = grad(x * x, wrt=w)",
        "export def f(x: f32, w: f32) -> f32 = grad(w * x * x, wrt=w)",
    ),
    Page(
        "E0402",
        "this value cannot be differentiated",
        """
        Only floats have derivatives. `grad` and `hessian` take one number: the gradient of a
        tensor is not one tensor. Reduce it first, with `sum` or `mean`, say with
        `vjp(y, wrt=x, cotangent=v)` which combination is meant, or take the whole
        `jacobian(y, wrt=x)`.
        """,
        "export def f(x: f32[n]) -> f32[n] = grad(x * x, wrt=x)",
        "export def f(x: f32[n]) -> f32[n] = grad(sum(x * x), wrt=x)",
    ),
    Page(
        "E0403",
        "a `while` loop needs a bound to be differentiated",
        """
        The backward pass reads what each step computed. `max m` says how many steps there are
        at most, so that the memory for it has a size.
        """,
        """
        export def f(x: f64) -> f64 {
            loop y = x while y > 1.0 { next y = y / 2.0 }
            return grad(y, wrt=x)
        }
        """,
        """
        export def f(x: f64) -> f64 {
            loop y = x while y > 1.0 max 100 { next y = y / 2.0 }
            return grad(y, wrt=x)
        }
        """,
    ),
    Page(
        "E0404",
        "an `extern` function has no derivative",
        """
        irc cannot look into a function of another library. `@vjp(g)` names a function that
        gives its derivative: g takes the arguments and the gradient of the result.
        """,
        """
        extern def fast_erf(x: f64) -> f64 = "erf from libm.so.6"
        export def f(x: f64) -> f64 = grad(fast_erf(x), wrt=x)
        """,
        """
        def erf_vjp(x, dy) = dy * 1.1283791670955126 * exp(-x * x)
        @vjp(erf_vjp)
        extern def fast_erf(x: f64) -> f64 = "erf from libm.so.6"
        export def f(x: f64) -> f64 = grad(fast_erf(x), wrt=x)
        """,
    ),
    Page(
        "E0405",
        "there is no derivative with respect to this value",
        """
        `wrt` and `consts` hold tensors of a floating-point dtype: parameters, states, records
        of states, or values bound by `let`. Integers and constants do not vary.
        """,
        "export def f(k: i32, x: f32) -> f32 = grad(x * x, wrt=k)",
        "export def f(k: i32, x: f32) -> f32 = grad(x * x, wrt=x)",
    ),
    Page(
        "E0406",
        "a tangent or cotangent does not fit",
        """
        The cotangent of `vjp` weights the elements of the value, so it has the type of the
        value; the tangent of `jvp` is a direction for `wrt`, so it has the type of `wrt`. For
        records and tuples both have the same parts.
        """,
        "export def f(x: f32[n], v: f32[2]) -> f32[n] = jvp(x * x, wrt=x, tangent=v)",
        "export def f(x: f32[n], v: f32[n]) -> f32[n] = jvp(x * x, wrt=x, tangent=v)",
    ),
)
