"""What is read again, because index variables or dtypes turn out to matter, leaves no trace."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import ModuleOp

from irc.dialects.verify import walk
from irc.frontend import load_program

PROGRAMS = {
    "a loop depends on an index": """
def run(x) { loop y = 1.0 for k < 3 { next y = sin(y * x) }; return y }
export def f(x: f64[n]) -> f64[n] = [run(x[i]) for i]
""",
    "a condition depends on an index": """
def run(x) { loop y = 1.0 while y < 9 max 30 { next y = y + abs(x) + 1 }; return y }
export def f(x: f64[n]) -> f64[n] = [run(x[i]) for i]
""",
    "a state depends on an index": """
def run(x, u) {
    scan t < size(u) { init s[-1] = 0.0; s[t] = s[t-1] * x + u[t]; until s[t] > 5 }
    return s[-1]
}
export def f(x: f64[n], u: f64[T]) -> f64[n] where T > 0 = [run(x[i], u) for i]
""",
    "a loop in a loop depends on an index": """
def run(x, w) {
    loop y = w for k < 3 {
        let z = tanh(w)
        loop v = z while v < x max 4 { next v = v + z * w + 1 }
        next y = y + v
    }
    return y
}
export def f(x: f64[n], w: f64) -> f64[n] = [run(x[i], w) for i]
""",
    "a state has another dtype": """
export def f(a: f64[T, n]) -> f64[T, n] {
    scan t < T { init x[-1] = zeros([n]); x[t] = a[t] * x[t-1] / norm(x[t-1]) }
    return x
}
""",
    "a dtype is tried": """
export def f(a: f64) -> (f64, f64) {
    loop x = 1, y = a for k < 3 { next x = x / 2; next y = y + x }
    return x, y
}
""",
}


def strangers(module: ModuleOp) -> list[str]:
    """Ops that use a value of the module, and are not in it."""
    known = set(walk(module))
    found = []
    for op in known:
        args = [arg for region in op.regions for block in region.blocks for arg in block.args]
        for value in (*op.results, *args):
            found += [str(use.operation) for use in value.uses if use.operation not in known]
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_outside_uses_what_is_inside(name: str) -> None:
    assert strangers(load_program(PROGRAMS[name], file="t.irc").module) == []
