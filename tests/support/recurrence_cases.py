"""Programs with scans and loops, arguments, and what NumPy makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

RNG = np.random.default_rng(7)
u, M = RNG.normal(size=6), RNG.normal(size=(6, 4))
single = u.astype(np.float32)
k6 = np.arange(6)


@dataclass(frozen=True)
class Written:
    """A program whose function `f` gives `expected`."""

    name: str
    text: str
    inputs: tuple[np.ndarray, ...]
    expected: tuple[np.ndarray, ...]


CASES: list[Written] = []


def case(name: str, text: str, expected: Any, *inputs: Any) -> None:
    results = expected if isinstance(expected, tuple) else (expected,)
    CASES.append(
        Written(name, text, tuple(map(np.asarray, inputs)), tuple(map(np.asarray, results)))
    )


def scanned(name: str, body: str, expected: Any, *inputs: Any, **header: str) -> None:
    """`u: f64[T]`, one scan over T, its `s` as the result; `header` changes these."""
    params, gives = header.get("params", "u: f64[T]"), header.get("gives", "f64[T]")
    text = (
        f"export def f({params}) -> {gives} {header.get('where', '')} {{\n"
        f"    scan t < {header.get('steps', 'T')} {{\n        {body}\n    }}\n"
        f"    return {header.get('result', 's')}\n}}\n"
    )
    case(name, text, expected, *inputs)


def folded(step: Callable[[Any, Any], Any], first: Any, values: Any) -> np.ndarray:
    """All values of x = step(x, value)."""
    found = []
    for value in values:
        first = step(first, value)
        found.append(first)
    return np.array(found)


# -- positions

scanned("backwards", "init s[-1] = 0; s[t] = s[t-1] + u[T - 1 - t]", np.cumsum(u[::-1]), u)
scanned("strided", "s[t] = u[2*t] - u[2*t + 1]", u[::2] - u[1::2], u, params="u: f64[2*T]")
scanned(
    "ahead", "s[t] = u[t+1] - u[t]", np.diff(u), u,
    params="u: f64[n]", gives="f64[n - 1]", steps="n - 1", where="where n > 0",
)  # fmt: skip
scanned("checked", "s[t] = u[t+1]", u[1:4], u, np.zeros(3), params="u: f64[n], z: f64[T]")
scanned(
    "columns", "init s[-1] = 0; s[t] = s[t-1] + sum(M[:, t])", np.cumsum(M.sum(0)), M,
    params="M: f64[n, T]",
)  # fmt: skip
scanned("diagonal", "s[t] = M[t, t]", np.diag(M), M[:4], params="M: f64[T, T]")
scanned(
    "rest of a row", "s[t] = M[t, ::2] * t + M[t, newaxis, 1]", M[:, ::2] * k6[:, None] + M[:, 1:2],
    M, params="M: f64[T, 4]", gives="f64[T, 2]",
)  # fmt: skip
scanned("guarded", "s[t] = if t > 0 then u[t-1] else 7", np.r_[7, u[:-1]], u)
scanned(
    "with index variables", "s[t] = [if i <= t then u[t - i] else 0 for i < T]",
    [[u[t - i] if i <= t else 0 for i in range(6)] for t in range(6)], u, gives="f64[T, T]",
)  # fmt: skip
scanned(
    "windows", "s[t] = sum[k < 3](u[t + k] * k) + max(u[t : t + 3])",
    [u[t + 1] + 2 * u[t + 2] + u[t : t + 3].max() for t in range(4)], u,
    params="u: f64[n]", gives="f64[n - 2]", steps="n - 2", where="where n > 1",
)  # fmt: skip
scanned(
    "data", "s[t] = u[k[t]] + u[max(t - 1, 0)]", u[[2, 0, 1]] + u[[0, 0, 1]], u,
    np.array([2, 0, 1]), params="u: f64[n], k: i64[T]",
)  # fmt: skip
scanned(
    "the time as a number", "s[t] = u[t] * t + f32(t) / 2 + 0.5 * t",
    np.float32(single * k6 + k6), single, params="u: f32[T]", gives="f32[T]",
)  # fmt: skip
scanned("known parity", "s[t] = if t % 2 == 0 then u[t] else -u[t // 2]",
        [u[0], -u[0], u[2], -u[1], u[4], -u[2]], u)  # fmt: skip

# -- the past

scanned(
    "several initial values", "init s[-1] = 1; init s[-3:-1] = [5, 6]; s[t] = s[t-3] + u[t]",
    [5 + u[0], 6 + u[1], 1 + u[2], 5 + u[0] + u[3], 6 + u[1] + u[4], 1 + u[2] + u[5]], u,
)  # fmt: skip
scanned(
    "before the inputs", "init u[-2] = 9; init u[-1] = 8; s[t] = u[t-2] - u[t] + u[0]",
    np.r_[9, 8, u[:4]] - u + u[0], u,
)  # fmt: skip
scanned(
    "more than is read", "init s[-5:0] = [9, 9, 9, 9, 1]; s[t] = s[t-1] * u[t]",
    np.cumprod(u), u,
)  # fmt: skip
scanned(
    "numbers take a dtype",
    "init s[-1] = 0; init k[-1] = 0; k[t] = k[t-1] + 2; s[t] = s[t-1] + u[t]",
    (np.cumsum(u), 2 * k6 + 2), u, gives="(f64[T], i64[T])", result="s, k",
)  # fmt: skip
scanned(
    "tuples", "init s[-1] = (0, 1.0); let a, b = s[t-1]; s[t] = (a + b, u[t])",
    (np.cumsum(np.r_[1.0, u[:-1]]), u), u, gives="(f64[T], f64[T])", result="s",
)  # fmt: skip
scanned(
    "the last value", "init s[-1] = 0; s[t] = s[t-1] + u[t]", u.sum(), u, gives="f64",
    result="s[-1]",
)  # fmt: skip
scanned(
    "until", "init s[-1] = 0.0; s[t] = s[t-1] + 1; r[t] = u[t] * s[t]; until s[t] >= 3",
    (np.float32([1, 2, 3, 3, 3, 3]), single[[0, 1, 2, 2, 2, 2]] * np.float32([1, 2, 3, 3, 3, 3])),
    single, params="u: f32[T]", gives="(f32[T], f32[T])", result="s, r",
)  # fmt: skip

# -- inside each other


def grid(m: np.ndarray) -> np.ndarray:
    """Row t from the row before, along s."""
    rows, row = [], np.zeros(m.shape[1])
    for t in range(m.shape[0]):
        row = folded(lambda a, s, t=t, r=row: a + m[t, s] * r[s] + t - s, 0.0, range(m.shape[1]))
        rows.append(row)
    return np.array(rows)


scanned(
    "nested",
    """init r[-1] = zeros([m])
        scan s < m {
            init a[-1] = 0
            a[s] = a[s-1] + M[t, s] * r[t-1][s] + t - s
        }
        r[t] = a""",
    grid(M), M, params="M: f64[T, m]", gives="f64[T, m]", result="r",
)  # fmt: skip
case(
    "one for each index",
    """def run(x, y) {
    scan t < size(x) { init s[-1] = 0; s[t] = s[t-1] * y + x[t] }
    return s
}
export def f(M: f64[n, m], y: f64[k]) -> (f64[n, m], f64[n, k]) where m > 0 {
    return [run(M[i], 1) for i], [run(M[i], y[j])[-1] for i, j]
}
""",
    (np.cumsum(M, 1), [[np.polyval(row, y) for y in u[:3]] for row in M]), M, u[:3],
)  # fmt: skip

# -- loops

case(
    "fibonacci", """export def f(n: i64) -> i64 {
    loop a = 0, b = 1 for i < n { next a = b; next b = a + b }
    return a
}
""", np.int64(55), np.int64(10),
)  # fmt: skip
case(
    "halving", """export def f(x: f64) -> (f64, i64) {
    loop y = x, k = 0 while y > 1 max 100 { next y /= 2; next k += 1 }
    return y, k
}
""", (0.78125, 7), 100.0,
)  # fmt: skip
case(
    "the limit ends it", """export def f(x: f64) -> (f64, i64) {
    loop y = x, k = 0 while y > 1 max 3 { next y = y / 2; next k += 1 }
    return y, k
}
""", (12.5, 3), 100.0,
)  # fmt: skip
case(
    "no step", """export def f(x: f64) -> (f64, f64) {
    loop y = x for i < 0 { next y = 0 }
    loop z = x while z < 0 { next z = 0 }
    return y, z
}
""", (3.0, 3.0), 3.0,
)  # fmt: skip
case(
    "the index in the condition", """export def f(x: f64[n]) -> i64 {
    loop k = 0 for i < n while x[i] > 0 { next k = i + 1 }
    return k
}
""", np.int64(3), np.array([1.0, 2, 3, -1, 5]),
)  # fmt: skip
case(
    "all positive", CASES[-1].text, np.int64(2), np.array([1.0, 2]),
)  # fmt: skip
case(
    "all next read old values", """export def f(x: f64) -> (f64, f64) {
    loop p = (x, 1.0), q = x for i < 5 {
        let a, b = p
        next p = (b, a + b)
        next q = q + p[0]
    }
    return p[0], q
}
""", (14.0, 3 + 3 + 1 + 4 + 5 + 9.0), 3.0,
)  # fmt: skip
case(
    "data and a limit", """export def f(n: i64) -> i64 {
    loop k = 0 for i < n max 4 { next k += i }
    return k
}
""", np.int64(6), np.int64(100),
)  # fmt: skip
case(
    "loops in loops", """export def f(x: f64[n]) -> f64 {
    loop s = 0 for i < n {
        loop p = 1 for j < n while j < i { next p *= x[j] }
        next s += p
    }
    return s
}
""", np.float64(sum(np.prod(u[:i]) for i in range(6))), u,
)  # fmt: skip
case(
    "numbers that start loops", """export def f(x: f32[n]) -> (f32, i64, i32) {
    loop s = 0, k = 0, j = 0 for i < n { next s += x[i]; next k += 1; next j = j + i32(2) }
    return s, k, j
}
""", (np.cumsum(single)[-1], np.int64(6), np.int32(12)), single,
)  # fmt: skip
case(
    "a buffer", """export def f(x: f64[n]) -> f64[n] {
    loop y = zeros([n]) for i < n { next y = y with [n - 1 - i] = x[i] * i }
    return y
}
""", (u * k6)[::-1], u,
)  # fmt: skip

# -- one search for each value of index variables


def collatz(n: int) -> int:
    """Steps to 1, 50 at most."""
    count = 0
    while n > 1 and count < 50:
        n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
    return count


def escape(c: complex) -> int:
    z, count = 0j, 0
    while abs(z) ** 2 < 4 and count < 30:
        z, count = z * z + c, count + 1
    return count


case(
    "searches side by side", """def steps(n) {
    loop m = n, c = 0 for i < 50 while m > 1 {
        next m = if m % 2 == 0 then m // 2 else 3 * m + 1
        next c = i + 1
    }
    return c
}
export def f(n: i64[T]) -> i64[T] = [steps(n[i]) for i]
""", [collatz(n) for n in range(1, 20)], np.arange(1, 20),
)  # fmt: skip
case(
    "what has stopped stays", """def escape(a, b) {
    loop z = (0.0, 0.0), n = 0 while z[0] ** 2 + z[1] ** 2 < 4 and n < 30 {
        let x, y = z
        next z = (x * x - y * y + a, 2 * x * y + b)
        next n += 1
    }
    return n
}
export def f(re: f64[w], im: f64[h]) -> i64[h, w] = [escape(re[j], im[i]) for i, j]
""", [[escape(a + 1j * b) for a in (-2.0, -1.1, 0.1, 1)] for b in (-1.0, 0.2, 0.3)],
    np.array([-2.0, -1.1, 0.1, 1]), np.array([-1.0, 0.2, 0.3]),
)  # fmt: skip
case(
    "each reads as far as it wants", """def until_zero(x, k) {
    loop n = k while x[n] > 0 { assert n < 4, "{n}"; next n += 1 }
    return n
}
export def f(x: f64[m], k: i64[T]) -> i64[T] = [until_zero(x, k[i]) for i]
""", [3, 3, 3, 4], np.array([1.0, 1, 1, 0, 0]), np.array([0, 1, 3, 4]),
)  # fmt: skip
case(
    "numbers of steps that are data", """def halved(x, k) {
    loop y = x for j < k { next y = y / 2 + j }
    return y
}
export def f(x: f64[T], k: i64[T]) -> f64[T, T] = [halved(x[i], k[j]) for i, j]
""", [[4.0, 2.0, 2.0], [8.0, 4.0, 3.0], [12.0, 6.0, 4.0]],
    np.array([4.0, 8, 12]), np.array([0, 1, 2]),
)  # fmt: skip


def stopped(row: np.ndarray) -> tuple[list[float], list[float]]:
    """Sums up to the first above 1, and ten times what was added."""
    total, sums, last, tens = 0.0, [], 0.0, []
    for v in row:
        if total <= 1:
            total, last = total + v, 10 * v
        sums.append(total)
        tens.append(last)
    return sums, tens


case(
    "each stops on its own", """def run(x) {
    scan t < size(x) {
        init s[-1] = 0
        s[t] = s[t-1] + x[t]
        r[t] = x[t] * 10
        assert s[t] < 6, "{s[t]}"
        until s[t] > 1
    }
    return s, r
}
export def f(M: f64[n, m]) -> (f64[n, m], f64[n, m]) {
    let a, b = [run(M[i]) for i]
    return a, b
}
""", tuple(np.array([stopped(row)[k] for row in np.abs(M)]) for k in (0, 1)), np.abs(M),
)  # fmt: skip

# -- names and types

scanned(
    "an index hides another",
    """let r = M[t]
        scan t < m { init a[-1] = 0; a[t] = a[t-1] + r[t] }
        s[t] = a[-1] + sum[t](r[t])""",
    2 * M.sum(1), M, params="M: f64[T, m]", where="where m > 0",
)  # fmt: skip
scanned(
    "a name for a time", "init s[-1] = 0; let n = t - 1; s[t] = s[n] + u[n + 1]", np.cumsum(u), u
)
scanned(
    "bools", "init b[-1] = true; b[t] = not b[t-1] or u[t] > 0",
    folded(lambda b, v: not b or v > 0, True, u), u, gives="bool[T]", result="b",
)  # fmt: skip
scanned(
    "bytes wrap", "init s[-1] = 250; s[t] = s[t-1] + u[t]", np.uint8([251, 253, 0, 4]),
    np.uint8([1, 2, 3, 4]), params="u: u8[T]", gives="u8[T]",
)  # fmt: skip
scanned(
    "a tensor filled step by step", "init s[-1] = zeros([T]); s[t] = s[t-1] with [t] = u[t]",
    np.tril(np.tile(u, (6, 1))), u, gives="f64[T, T]",
)  # fmt: skip
scanned(
    "a tensor from outside, changed", "s[t] = u with [t] += 1", np.tile(u, (6, 1)) + np.eye(6), u,
    gives="f64[T, T]",
)  # fmt: skip
scanned(
    "a window of the past", "init u[-2:0] = [0, 0]; s[t] = sum(u[t-2 : t+1])",
    np.convolve(u, [1, 1, 1])[:6], u,
)  # fmt: skip
case(
    "open values are made once", """export def f(u: f64[T]) -> f64[T] {
    let w = [1, 2, 3]
    scan t < T { s[t] = u[t] * w[t % 3] }
    return s
}
""", u * [1, 2, 3, 1, 2, 3], u,
)  # fmt: skip
case(
    "matrix power", """export def f(A: f64[n, n]) -> f64[n, n] {
    loop P = eye(n) for i < 5 { next P = P @ A }
    return P
}
""", np.linalg.matrix_power(M[:4], 5), M[:4],
)  # fmt: skip
case(
    "functions that return early", """def size_of(v) {
    if v > 0 { return v }
    return -v
}
export def f(u: f64[T]) -> f64[T] {
    scan t < T { s[t] = size_of(u[t]) }
    return s
}
""", np.abs(u), u,
)  # fmt: skip
