"""Lines for control flow, calls, state and run-time effects: `scf`, `func`, `rt`, `nd.state_*`."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ArrayAttr, IntegerType, StringAttr
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects import nd, rt
from irc.execution.messages import fill
from irc.execution.outcome import ExecutionError, Failure
from irc.execution.python_text import Handler, PythonText
from irc.execution.values import dtype_of


class CheckFailed(Exception):
    """A check of the program did not hold; the call ends."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def assign_all(targets: Sequence[str], values: Sequence[str], c: PythonText) -> None:
    """Simultaneous assignment."""
    if targets:
        c.line(f"{', '.join(targets)} = {', '.join(values)}")


def yielded(block: Block, c: PythonText) -> list[str]:
    """The values that a block ends with."""
    end = block.last_op
    return c.names(end.operands) if end is not None else []


# -- scf


def _for(op: scf.ForOp, c: PythonText) -> None:
    block = op.body.block
    induction, *carried = block.args
    names = [c.define(arg) for arg in carried]
    assign_all(names, c.names(op.iter_args), c)
    lb, ub, step = c.names((op.lb, op.ub, op.step))
    i = c.define(induction)
    with c.indented(f"for {i} in steps({lb}, {ub}, {step}):"):
        if isinstance(induction.type, IntegerType):
            c.line(f"{i} = np.dtype('{dtype_of(induction.type).str}').type({i})")
        c.ops(block)
        assign_all(names, yielded(block, c), c)
    for result, name in zip(op.results, names, strict=True):
        c.alias(result, name)


def steps(lb: int, ub: int, step: int) -> range:
    """The values of an induction variable."""
    if step <= 0:
        raise ExecutionError(f"a loop with step {step}")
    return range(int(lb), int(ub), int(step))


def _if(op: scf.IfOp, c: PythonText) -> None:
    names = [c.define(r) for r in op.results]
    with c.indented(f"if {c.name(op.cond)}:"):
        c.ops(op.true_region.block)
        assign_all(names, yielded(op.true_region.block, c), c)
    if op.false_region.blocks:
        with c.indented("else:"):
            c.ops(op.false_region.block)
            assign_all(names, yielded(op.false_region.block, c), c)


def _switch(op: scf.IndexSwitchOp, c: PythonText) -> None:
    names = [c.define(r) for r in op.results]
    word = "if"
    for case, region in zip(op.cases.get_values(), op.case_regions, strict=True):
        with c.indented(f"{word} {c.name(op.arg)} == {case}:"):
            c.ops(region.block)
            assign_all(names, yielded(region.block, c), c)
        word = "elif"
    with c.indented("else:" if word == "elif" else "if True:"):
        c.ops(op.default_region.block)
        assign_all(names, yielded(op.default_region.block, c), c)


def _while(op: scf.WhileOp, c: PythonText) -> None:
    before, after = op.before_region.block, op.after_region.block
    names = [c.define(arg) for arg in before.args]
    passed = [c.define(arg) for arg in after.args]
    assign_all(names, c.names(op.arguments), c)
    with c.indented("while True:"):
        c.ops(before)
        end = before.last_op
        assert isinstance(end, scf.ConditionOp)
        assign_all(passed, c.names(end.args), c)
        with c.indented(f"if not {c.name(end.condition)}:"):
            c.line("break")
        c.ops(after)
        assign_all(names, yielded(after, c), c)
    for result, name in zip(op.results, passed, strict=True):
        c.alias(result, name)


def _parallel(op: scf.ParallelOp, c: PythonText) -> None:
    """
    From the last iteration to the first: a right program cannot tell, a race shows.

    With a reduction the order is kept.
    """
    block = op.body.block
    end = block.last_op
    assert isinstance(end, scf.ReduceOp)
    totals = [c.fresh("total") for _ in op.initVals]
    assign_all(totals, c.names(op.initVals), c)
    order = "iterations" if totals else "backwards"
    bounds = zip(op.lowerBound, op.upperBound, op.step, strict=True)
    ranges = ", ".join(f"({', '.join(c.names(b))})" for b in bounds)
    ivs = ", ".join(c.define(arg) for arg in block.args)
    with c.indented(f"for {ivs}, in {order}({ranges}):"):
        c.ops(block)
        for total, value, region in zip(totals, end.args, end.reductions, strict=True):
            combine = region.block
            c.alias(combine.args[0], total)
            c.alias(combine.args[1], c.name(value))
            c.ops(combine)
            c.line(f"{total} = {yielded(combine, c)[0]}")
    for result, total in zip(op.results, totals, strict=True):
        c.alias(result, total)


def iterations(*bounds: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """All points of a loop nest, in order."""
    points: list[tuple[int, ...]] = [()]
    for bound in bounds:
        points = [(*p, i) for p in points for i in steps(*bound)]
    return points


def backwards(*bounds: tuple[int, int, int]) -> list[tuple[int, ...]]:
    return iterations(*bounds)[::-1]


# -- func


def _call(op: func.CallOp, c: PythonText) -> None:
    function = op.callee.string_value()
    results = [c.define(r) for r in op.results]
    call = f"functions[{function!r}](run{''.join(f', {x}' for x in c.names(op.operands))})"
    c.line(f"{', '.join(results)}, = {call}" if results else call)


def _return(op: func.ReturnOp, c: PythonText) -> None:
    values = "".join(f"{x}, " for x in c.names(op.operands))
    c.line(f"return ({values})")


# -- state


def _state_read(op: nd.StateReadOp, c: PythonText) -> None:
    name = op.state.string_value()
    c.assign(op, f"run.read({name!r}, np.dtype('{dtype_of(op.res.type).str}'))")


def _state_write(op: nd.StateWriteOp, c: PythonText) -> None:
    c.line(f"run.write({op.state.string_value()!r}, {c.name(op.value)})")


# -- effects


def _assert(op: rt.AssertOp, c: PythonText) -> None:
    with c.indented(f"if not {c.name(op.ok)}:"):
        text = _filled(op.message.data, op.shown, op.dtypes, c)
        c.line(f"raise CheckFailed(Failure({op.kind.data!r}, {text}))")


def _print(op: rt.PrintOp, c: PythonText) -> None:
    c.line(f"run.prints.append({_filled(op.text.data, op.shown, op.dtypes, c)})")


def _filled(text: str, shown: Sequence[SSAValue], dtypes: ArrayAttr | None, c: PythonText) -> str:
    """The call that puts values into a text; bf16 values are held as float32 already."""
    names = (
        [None for _ in shown]
        if dtypes is None
        else [d.data for d in dtypes.data if isinstance(d, StringAttr)]
    )
    return f"fill({text!r}, [{', '.join(c.names(shown))}], {names!r})"


def _nothing(op: Operation, c: PythonText) -> None:
    """Terminators: what they yield is read by the op around them."""


HANDLERS: dict[type[Operation], Handler] = {
    scf.ForOp: _for,
    scf.IfOp: _if,
    scf.IndexSwitchOp: _switch,
    scf.WhileOp: _while,
    scf.ParallelOp: _parallel,
    scf.YieldOp: _nothing,
    scf.ConditionOp: _nothing,
    scf.ReduceOp: _nothing,
    scf.ReduceReturnOp: _nothing,
    func.CallOp: _call,
    func.ReturnOp: _return,
    nd.StateReadOp: _state_read,
    nd.StateWriteOp: _state_write,
    rt.AssertOp: _assert,
    rt.PrintOp: _print,
}

NAMESPACE: dict[str, object] = {
    f.__name__: f for f in (steps, iterations, backwards, fill, CheckFailed, Failure)
}
