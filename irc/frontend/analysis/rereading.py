"""
Recurrences that are read again, because what begins without a dtype met one too late.

    scan t < T {
        init x[-1] = zeros([n])
        x[t] = a[t] * x[t-1] / norm(x[t-1])      # a is f64
    }

`zeros` takes the dtype of the first operand that it meets. But `norm` needs one before, and
makes it f32; then `a[t] *` is a mistake. It is none if x begins as f64, so that is tried.
Only programs that would be refused are read again, and a few times at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.ir import Operation

from irc.dialects.verify import walk
from irc.dtypes import I64, DType
from irc.frontend.analysis.problems import Problem, TooMany

if TYPE_CHECKING:
    from irc.frontend.analysis.carried import Carried
    from irc.frontend.analysis.env import Env

Dtypes = dict[tuple[str, int], DType]
MAX_READINGS = 32  # of bodies once more, in one function: those inside are read with each


@dataclass(frozen=True)
class Clash:
    """Two dtypes that met and do not go together; `key` tells for what, where that is known."""

    one: DType
    other: DType
    key: tuple[str, int] | None = None


@dataclass
class Reading:
    """
    One reading of a body.

    dtypes   for what begins without one, by the key of what carries it
    begun    what did begin without one
    """

    dtypes: Dtypes = field(default_factory=dict)
    begun: dict[tuple[str, int], Carried] = field(default_factory=dict)


def read(env: Env, body: Callable[[], None]) -> None:
    """Reads a body, again with other dtypes if it cannot be read. Raises with fewest mistakes."""
    unit, problems = env.unit, env.problems
    mark, before = unit.mark(), problems.saved()
    reading, failures = Reading(), []
    while True:
        met = len(unit.clashes)
        try:
            return _once(env, body, reading)
        except (Problem, TooMany) as mistake:
            failures.append((_mistakes(env, mistake), mistake, problems.saved()))
        more = _others(env, reading, unit.clashes[met:])
        if not more or unit.rereadings == MAX_READINGS:
            break
        unit.rereadings += 1
        unit.back_to(mark)
        problems.restore(before)
        reading = Reading(reading.dtypes | more)
    _, failure, after = min(failures, key=lambda f: f[0])
    problems.restore(after)
    raise failure


def _mistakes(env: Env, last: Problem | TooMany) -> int:
    """How many are known, with the one on its way."""
    return len(env.problems.errors) + (isinstance(last, Problem) and last.diagnostic is not None)


def _once(env: Env, body: Callable[[], None], reading: Reading) -> None:
    env.unit.readings.append(reading)
    try:
        body()
    finally:
        env.unit.readings.pop()


def _others(env: Env, reading: Reading, clashes: list[Clash]) -> Dtypes:
    """Another dtype for what took one that did not fit; empty where there is none to try."""
    for clash in clashes:
        one, other = clash.one, clash.other
        if clash.key in reading.begun:
            return {clash.key: other}
        if clash.key is not None:
            continue
        defaults = (env.floatx, I64)
        for had, wanted in ((one, other), (other, one)) if one in defaults else ((other, one),):
            late = {k: wanted for k, c in reading.begun.items() if c.dtype is had}
            if late:
                return late
    return {}


def forget_given_up(function: Operation) -> None:
    """
    Values of the function are used by its own ops only.

    Bodies that were read again have left blocks behind, whose ops still use what is around them;
    passes would take that for a reason to keep it.
    """
    inside = set(walk(function))
    for op in inside:
        args = (arg for region in op.regions for block in region.blocks for arg in block.args)
        for value in (*op.results, *args):
            for use in tuple(value.uses):
                if use.operation not in inside:
                    value.remove_use(use)
