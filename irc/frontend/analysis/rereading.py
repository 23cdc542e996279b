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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.ir import Operation

from irc.dialects.verify import walk
from irc.dtypes import DType
from irc.frontend.analysis.problems import Problem, TooMany

if TYPE_CHECKING:
    from irc.frontend.analysis.carried import Carried
    from irc.frontend.analysis.env import Env

MAX_READINGS = 32  # of bodies once more, in one function: those inside are read with each


@dataclass
class Reading:
    """
    One reading of a body.

    dtypes   for what begins without one, by the key of what carries it
    begun    what did begin without one
    """

    dtypes: dict[tuple[str, int], DType] = field(default_factory=dict)
    begun: dict[tuple[str, int], Carried] = field(default_factory=dict)


def read(env: Env, body: Callable[[], None]) -> None:
    """Reads a body, again with other dtypes if it cannot be read. Raises with fewest mistakes."""
    unit, problems = env.unit, env.problems
    mark, before, met = unit.mark(), problems.saved(), len(unit.met)
    reading = Reading()
    try:
        return _once(env, body, reading)
    except (Problem, TooMany) as mistake:
        failure, after, fewest = mistake, problems.saved(), _mistakes(env, mistake)
    for dtypes in _others(reading, unit.met[met:]):
        if unit.rereadings >= MAX_READINGS:
            break
        unit.rereadings += 1
        unit.back_to(mark)
        problems.restore(before)
        try:
            return _once(env, body, Reading(dtypes))
        except (Problem, TooMany) as mistake:
            if (count := _mistakes(env, mistake)) < fewest:
                failure, after, fewest = mistake, problems.saved(), count
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


def _others(
    reading: Reading, met: list[tuple[DType, DType]]
) -> Iterator[dict[tuple[str, int], DType]]:
    """Other dtypes for what took one that did not fit."""
    for dtype in dict.fromkeys(d for pair in met for d in pair):
        against = {d for pair in met if dtype in pair for d in pair} - {dtype}
        late = {k: dtype for k, c in reading.begun.items() if c.dtype in against}
        if late:
            yield late


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
