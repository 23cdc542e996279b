"""What begins without a dtype may meet one late: the body is read again, and not too often."""

from __future__ import annotations

import re

import pytest
from work import calls

from irc.driver import compile_source
from irc.driver.records import Source
from irc.errors import UserError
from irc.options import Options

ACCEPTED = {
    "a reduction first": """
export def f(a: f64[T, n]) -> f64[T, n] {
    scan t < T {
        init x[-1] = ones([n])
        x[t] = x[t-1] / sqrt(sum(x[t-1] ** 2)) + a[t]
    }
    return x
}""",
    "an index first": """
export def f(E: f32[V, D], O: f32[D, V]) -> i32[5] where V > 0 {
    scan t < 5 {
        init word[-1] = 0
        word[t] = argmax(E[word[t-1]] @ O)
    }
    return word
}""",
    "joined, in a scan in a scan": """
export def f(x: f64[n], y: f64[m], g: f64) -> f64[m + 1] where n > 0 {
    scan i < n {
        init row[-1] = [if j == 0 then 0.0 else inf for j < m + 1]
        let above = row[i-1]
        scan j < m {
            init r[-1] = inf
            r[j] = (x[i] - y[j]) ** 2 - g * logsumexp(-stack([above[j], above[j+1], r[j-1]]) / g)
        }
        row[i] = concat([[inf], r])
    }
    return row[-1]
}""",
    "two that need different dtypes": """
export def f(v: f64[T]) -> (f64[T], i64[T]) {
    scan t < T {
        init b[-1] = 0
        init k[-1] = 0
        b[t] = f64(i32(b[t-1])) + v[t] * f64(k[t-1])
        k[t] = k[t-1] + i64(b[t] > 0)
    }
    return b, k
}""",
    "a loop that searches": """
export def f(A: f64[n, n]) -> f64[n] {
    loop v = ones([n]), k = 0 while k < 10 {
        let size = norm(v)
        next v = A @ v / size
        next k += 1
    }
    return v
}""",
}


def check(text: str) -> str:
    """The IR of the program."""
    source = Source(text + "\n", "p.irc")
    return compile_source(source, Options(use_cache=False), ["nd"]).data("nd").decode()


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_dtype_that_fits_is_found(name: str) -> None:
    made = re.search(r"nd\.(?:scan|while).*", check(ACCEPTED[name]))
    assert made


def test_a_mistake_of_another_kind_keeps_its_first_message() -> None:
    text = ACCEPTED["a reduction first"].replace("+ a[t]", "+ a[t] * i32(t)")
    with pytest.raises(UserError, match="different dtypes: f64 and i32"):
        check(text)


def test_two_that_cannot_both_be_right() -> None:
    text = """
export def f(a: f64, b: f32) -> f64 {
    loop x = 1.0 for i < 3 { next x = a + f64(b + sum([x, x])) + a * sum([x, x]) }
    return x
}"""
    with pytest.raises(UserError, match=r"E0301.*f(32|64) and f(32|64)"):
        check(text)


def nested(depth: int) -> str:
    """A mistake inside of `depth` scans whose values begin open."""
    text = "let bad = x * sum(y[0]) * k"
    for d in range(depth):
        text = (
            f"scan t{d} < 3 {{\n init s{d}[-1] = 0.0\n {text}\n"
            f" s{d}[t{d}] = x * sum([s{d}[t{d}-1], 1])\n}}"
        )
    return (
        f"export def f(x: f64, y: f32[2, 3], k: i32) -> f64 {{\n{text}\nreturn s{depth - 1}[-1]\n}}"
    )


def test_mistakes_inside_of_many_are_found_once() -> None:
    def work(depth: int) -> int:
        def compiled() -> None:
            with pytest.raises(UserError, match="different dtypes"):
                check(nested(depth))

        return calls(compiled)

    assert work(12) < 40 * work(1)
