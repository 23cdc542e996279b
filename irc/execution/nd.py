"""
The NumPy reference of `nd`, for the executors.

What each op gives stands with the dialect, in `irc.dialects.nd.evaluate`, where constant folding
reads it too; here its refusals become what a running program reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.ir import Operation

from irc.dialects.nd.evaluate import EVALUATE, EmptyReductionError, evaluate_op
from irc.dialects.nd.foreign_numpy import ForeignError
from irc.execution.control import CheckFailed
from irc.execution.outcome import ExecutionError, Failure


def evaluate(
    op: Operation, operands: Sequence[np.ndarray], sizes: Mapping[str, int]
) -> list[np.ndarray]:
    """
    The results of one op of `nd`; see `evaluate_op`.

    Raises CheckFailed where a program fails at run time, ExecutionError for what a right
    program never does.
    """
    if type(op) not in EVALUATE:
        raise ExecutionError("the op has no value of its own")
    try:
        return evaluate_op(op, operands, sizes)
    except EmptyReductionError as error:
        raise CheckFailed(Failure("shape", str(error))) from None
    except ForeignError as error:
        raise CheckFailed(Failure("assert", str(error))) from None
    except KeyError as error:
        raise ExecutionError(f"the size {error} has no value") from None
