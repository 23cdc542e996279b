"""Names of values, and names that the language has and this compiler does not have yet."""

from __future__ import annotations

import math

from irc.diagnostics import Span
from irc.frontend.analysis.values import NewAxis, Number, Origin, Value

CONSTANTS: dict[str, float] = {
    "inf": math.inf,
    "nan": math.nan,
    "pi": math.pi,
    "e": math.e,
}

# Each with what to write instead.
PLANNED: dict[str, str] = {
    **{
        name: "the size of its result would depend on data; count with `sum(i32(mask))`, order "
        "with `sort` and `argsort`, keep the shape with `where`"
        for name in ("unique", "nonzero", "argwhere", "flatnonzero", "compress")
    },
    "eigh": "eigenvalues are planned; `v = A @ v / norm(A @ v)`, repeated, finds the largest",
    "qr": "`cholesky(a.T @ a)` gives the transpose of its second factor",
    "svd": "singular values are planned; `cholesky(a.T @ a)` and `solve` are there",
}


# Names of other languages, each with how this one says it.
FOREIGN: dict[str, str] = {
    "True": "write `true`",
    "False": "write `false`",
    "None": "there is no null; leave the argument out",
    "print": 'print is a statement: `print "x {x}"`',
    "len": "write `shape(x)[0]`",
    "range": "write `arange(n)`, or an index variable: `[... for i < n]`",
    "float": "write `f32(x)` or `f64(x)`",
    "int": "write `i32(x)` or `i64(x)`",
    "str": 'strings are text of messages only: `print "x {x}"`',
    "list": "arrays are written `[a, b]`",
    "array": "arrays are written `[a, b]`",
    "lambda": "write a function, `def f(x) = ...`, or index notation",
    "concatenate": "write `concat([a, b], axis=0)`",
    "hstack": "write `concat([a, b], axis=1)`",
    "vstack": "write `concat([a, b], axis=0)`",
    "matmul": "write `a @ b`",
    "power": "write `a ** b`",
    "add": "write `a + b`",
    "multiply": "write `a * b`",
    "logical_and": "write `a and b`",
    "logical_or": "write `a or b`",
    "logical_not": "write `not a`",
    "trace": "write `sum[i](x[i, i])`",
    "logaddexp": "write `logsumexp(stack([a, b]), axis=0)`",
    "swapaxes": "write `transpose(x, (1, 0))`",
    "permute": "write `transpose(x, (1, 0))`",
    "view": "write `reshape(x, [n, m])`",
    "conv": "write `conv1d`, `conv2d` or `conv3d`",
    "max_pool": "write `max_pool1d`, `max_pool2d` or `max_pool3d`",
    "avg_pool": "write `avg_pool1d`, `avg_pool2d` or `avg_pool3d`",
    "interpolate": "write index notation: `[x[n, c, i // 2, j // 2] for n, c, i < 2*h, j < 2*w]`",
    "cat": "write `concat([a, b], axis=0)`",
    "reduce": "write a loop, `loop v = start for i < n { next v = f(v, x[i]) }`, or a scan",
    "fori_loop": "write `loop v = start for i < n { next v = ... }`",
    "while_loop": "write `loop v = start while condition { next v = ... }`",
    "map": "write `[f(x[i]) for i]`",
    "vmap": "write `[f(x[i]) for i]`",
    "at": "write `x with [i] = v`, or `+= v`",
    "unsqueeze": "write `expand_dims(x, axis)`, or `x[:, newaxis]`",
    "detach": "write `stop_gradient(x)`",
    "backward": "write `grad(cost, wrt=x)`",
    "item": "a tensor without axes is a number already",
    "lstsq": "write `solve(A.T @ A, A.T @ b)`",
    "dropout": "import it: `import nn`, then `nn.dropout(x, p)`",
    "cross_entropy": "import it: `import nn`, then `nn.cross_entropy(logits, y)`",
    **{
        name: "functions need no prefix here: `sum(x)`, `exp(x)`"
        for name in ("np", "numpy", "jnp", "jax", "lax", "torch", "tf", "theano", "math")
    },
    **{
        name: "there are no objects: functions take their values as arguments"
        for name in ("self", "this")
    },
}


def lookup(name: str, span: Span) -> Value | None:
    """The value of a name; None when it is not one of these."""
    if name == "newaxis":
        return NewAxis(Origin(name, span))
    value = CONSTANTS.get(name)
    return None if value is None else Number(value, Origin(name, span, "const"))
