"""
State changes when a function returns, all of it together, and not at all when it fails: at every
level, in place or not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from levels import functions
from xdsl.context import Context

import irc
from irc.dialects.context import make_context
from irc.driver.describe import describe_module
from irc.execution.program import Program
from irc.frontend import load_program
from irc.options import Options
from irc.pipeline import load, standard_pipeline
from irc.target import parse as parse_target

pytestmark = pytest.mark.cc

PROGRAM = """
state a: f32[4] = 1
state b: f32[4] = 2
state n: i64 = 0
state before: i64 = 1
state table: f64[3, 4] = zeros()
state kept: f32[2] = 5

## Two states change places.
export def swap() {
    update a = b
    update b = a
}

## Each reads the other's old value.
export def fibonacci() -> i64 {
    update n = n + before
    update before = n
    return n
}

## A sum of what was, whatever stands before the return.
export def turn(x: f32[4]) -> (f32[4], f32[4]) {
    update a = a + b * x
    let old = a
    update b = a - b
    return old, a + b
}

## A row, a part of a row, every other row, a row that is data.
export def row(v: f64[4]) { update table[0] = v }
export def part(v: f64[4]) { update table[1, 1:3] += v[1:3] }
export def every_other(v: f64[4]) { update table[::2] = table[1:, :] * 2 + v }
export def some_row(i: i32, v: f64[4]) { update table[i] += v }

export def duplicates(i: i32[m], v: f64[m]) { update table[i, 0] += v }

## Everything is computed before the check; nothing may have been written by then.
export def guarded(x: f32[4], limit: f32) -> f32 {
    update a = a + x
    update b += a
    update n += 1
    update table[2] = 7
    assert max(x) < limit, "too large: {max(x)}"
    return sum(a)
}

export def outside(x: f32[4], i: i32) -> f32 {
    update a = a * 2
    update n += 1
    return x[i]
}

export def outside_row(i: i32) {
    update a = a * 2
    update table[i] += 1
}

export def by_zero(d: i64) -> i64 {
    update a = a * 2
    return n // d
}

export def no_elements(x: f32[k]) -> f32 {
    update a = a * 2
    update b = a
    return max(x)
}

export def draws(limit: f32) -> f32 {
    let x = uniform([3])
    update a = a + x[0]
    assert sum(x) < limit, "unlucky"
    return x[0]
}
"""

Calls = list[tuple[str, list[Any]]]
X, V = np.arange(4, dtype=np.float32), np.arange(1, 5, dtype=np.float64)
SUCCEED: Calls = [
    ("swap", []),
    ("fibonacci", []),
    ("fibonacci", []),
    ("fibonacci", []),
    ("turn", [X]),
    ("row", [V]),
    ("part", [V]),
    ("every_other", [V]),
    ("some_row", [2, V]),
    ("duplicates", [np.array([2, 0, 2, 2], np.int32), V]),
    ("guarded", [X, 10]),
    ("outside", [X, 3]),
    ("draws", [9]),
    ("swap", []),
]
FAIL: Calls = [
    ("guarded", [X, 3]),
    ("guarded", [X * np.float32(np.nan), 3]),
    ("outside", [X, 4]),
    ("outside", [X, -1]),
    ("outside_row", [3]),
    ("some_row", [5, V]),
    ("duplicates", [np.array([2, 3], np.int32), V[:2]]),
    ("by_zero", [0]),
    ("no_elements", [X[:0]]),
    ("draws", [0]),
]


class Reference:
    """The program at one level of the IR, called as a module is."""

    def __init__(self, level: str, opt_level: int) -> None:
        module = load_program(PROGRAM, {}, file="t.irc").module
        describe_module(module, "t.irc", "cpu:native", "0")
        declared = {f: Program(module).signature(f).spec for f in functions(module)}
        ctx: Context = make_context()
        if level:
            options, target = Options(opt_level=opt_level), parse_target("cpu:native")
            for _, passes in standard_pipeline(options, target, stop=level):
                for one in passes:
                    load(one).apply(ctx, module)
        self.program = Program(module, declared)
        self.states = self.program.initial_state(seed=0)

    def call(self, name: str, arguments: list[Any]) -> list[np.ndarray] | None:
        spec = self.program.signature(name).spec
        dtypes = {"i32": np.int32, "i64": np.int64, "f32": np.float32, "f64": np.float64}
        given = [
            np.asarray(x, dtypes[p.dtype]) for x, p in zip(arguments, spec.params, strict=True)
        ]
        outcome = self.program.run(name, given, self.states)
        self.states = outcome.state
        return None if outcome.failure else outcome.results


class Compiled:
    """The shared object, under the same interface."""

    def __init__(self, **options: Any) -> None:
        self.module = irc.compile(PROGRAM, **options)

    @property
    def states(self) -> dict[str, np.ndarray]:
        return {s.name: self.module.state[s.name].copy() for s in self.module.spec.states
                if not s.hidden}  # fmt: skip

    def call(self, name: str, arguments: list[Any]) -> list[np.ndarray] | None:
        try:
            results = getattr(self.module, name)(*arguments)
        except irc.IrcError:
            return None
        if results is None:
            return []
        return list(results) if isinstance(results, tuple) else [results]


WAYS = {
    "nd passes": lambda: Reference("nd", 2),
    "linalg": lambda: Reference("linalg", 2),
    "loops -O0": lambda: Reference("loops", 0),
    "loops": lambda: Reference("loops", 2),
    "C -O0": lambda: Compiled(O=0),
    "C -O2": lambda: Compiled(O=2),
}


def same_states(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    for name in a.keys() & b.keys():
        np.testing.assert_array_equal(a[name], b[name], err_msg=f"state {name}")


@pytest.mark.parametrize("way", WAYS)
def test_updates_take_effect_together(way: str) -> None:
    reference, other = Reference("", 0), WAYS[way]()
    for number, (name, arguments) in enumerate(SUCCEED):
        wanted, got = (one.call(name, arguments) for one in (reference, other))
        assert wanted is not None and got is not None, f"call {number} of {name} failed"
        for x, y in zip(wanted, got, strict=True):
            np.testing.assert_array_equal(x, y, err_msg=f"call {number}, {name}")
        same_states(reference.states, other.states)


def test_the_reference_is_right() -> None:
    one = Reference("", 0)
    one.call("swap", [])
    assert one.states["a"].tolist() == [2] * 4 and one.states["b"].tolist() == [1] * 4
    assert [one.call("fibonacci", [])[0].item() for _ in range(6)] == [0, 1, 1, 2, 3, 5]  # type: ignore[index]
    old, total = one.call("turn", [X])  # type: ignore[misc]
    assert old.tolist() == [2] * 4 and total.tolist() == [3] * 4
    assert one.states["a"].tolist() == [2, 3, 4, 5] and one.states["b"].tolist() == [1] * 4
    assert one.states["kept"].tolist() == [5, 5]
    one.call("duplicates", [np.array([2, 0, 2, 2], np.int32), V])
    assert one.states["table"][:, 0].tolist() == [2, 0, 8]


@pytest.mark.parametrize("way", ["reference", *WAYS])
@pytest.mark.parametrize(("name", "arguments"), FAIL)
def test_a_failed_call_changes_nothing(way: str, name: str, arguments: list[Any]) -> None:
    one = Reference("", 0) if way == "reference" else made(way)
    before = {n: v.copy() for n, v in one.states.items()}
    assert one.call(name, arguments) is None, "the call succeeded"
    after = one.states
    assert before.keys() == after.keys()
    for state, value in before.items():
        assert value.tobytes() == after[state].tobytes(), f"state {state} changed"


_made: dict[str, Any] = {}


def made(way: str) -> Any:
    """One for all failing calls, which leave it as it was."""
    if way not in _made:
        _made[way] = WAYS[way]()
    return _made[way]


def test_a_failed_draw_gives_the_same_numbers_again() -> None:
    first, second = Compiled(), Compiled()
    assert first.call("draws", [0]) is None
    np.testing.assert_array_equal(first.call("draws", [9]), second.call("draws", [9]))
