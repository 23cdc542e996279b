"""What running a function gives, and the error of a program that cannot be run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from irc.errors import InternalError


class ExecutionError(InternalError):
    """
    The IR does something that no right IR does: reads outside a buffer, divides by zero,
    uses a value before its definition. The message names the op and its source location.
    """


@dataclass(frozen=True)
class Failure:
    """
    A check of the program that did not hold.

    kind      what the check said about itself: `assert`, `bounds`, `shape`, ...
    message   the text with the values filled in
    """

    kind: str
    message: str


@dataclass
class Outcome:
    """
    What one call left behind.

    results   one array for each result; rank-0 arrays for scalars, empty after a failure
    state     every state variable by name, as it is after the call
    prints    lines printed, in order
    failure   None, or the check that stopped the call

    bf16 has no NumPy dtype: its arrays are float32 holding values that bf16 can represent.
    Unsigned integers keep their dtype at the nd level and are signless, so signed, below it;
    `irc.execution.compare` looks at the bits.
    """

    results: list[np.ndarray] = field(default_factory=list)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    prints: list[str] = field(default_factory=list)
    failure: Failure | None = None
