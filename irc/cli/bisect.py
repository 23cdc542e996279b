"""Finding the pass, and the part of the input, that makes a command fail."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from irc.cli.common import usage
from irc.dialects.text import module_text
from irc.dialects.verify import verify_module, walk
from irc.errors import ToolError, UserError
from irc.files import write_file
from irc.passes.manager import PassManager

TIMEOUT_S = 120


class Question:
    """A command that is asked about IR: `COMMAND FILE`, without a shell."""

    def __init__(self, command: str) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            usage(f"cannot read the command `{command}`: {str(error).lower()}")
        found = shutil.which(words[0]) if words else None
        if found is None:
            raise ToolError(f"cannot run `{command}`: there is no such program")
        self.argv = [os.path.abspath(found), *words[1:]]
        self.asked = 0

    def succeeds(self, text: str) -> bool:
        """Whether the command exits with 0. One that hangs fails."""
        self.asked += 1
        with tempfile.TemporaryDirectory(prefix="irc-bisect-") as folder:
            path = Path(folder) / "module.mlir"
            path.write_text(text, encoding="utf-8")
            try:
                done = subprocess.run(
                    [*self.argv, str(path)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=TIMEOUT_S,
                )
            except subprocess.TimeoutExpired:
                return False
            except OSError as error:
                raise ToolError(f"cannot run {self.argv[0]}: {error.strerror}") from None
        return done.returncode == 0


def first_bad_pass(
    manager: PassManager, module: ModuleOp, passes: Sequence[ModulePass], command: str
) -> str:
    """
    Runs all passes, then asks about the IR between them by bisection.

    gives   a report, with the IR before and after the pass in two files

    Raises UserError when the command fails on the input already, or never.
    """
    question = Question(command)
    texts = [module_text(module)]
    for one in passes:
        manager.run(module, [one])
        texts.append(module_text(module))
    if not question.succeeds(texts[0]):
        raise UserError("the command fails on the input already, before any pass")
    if question.succeeds(texts[-1]):
        raise UserError("the command succeeds after the last pass: there is nothing to find")
    good, bad = 0, len(passes)
    while bad - good > 1:
        middle = (good + bad) // 2
        if question.succeeds(texts[middle]):
            good = middle
        else:
            bad = middle
    name = passes[bad - 1].name
    before, after = f"{bad:02}_before_{name}.mlir", f"{bad:02}_after_{name}.mlir"
    write_file(before, texts[good])
    write_file(after, texts[bad])
    return (
        f"pass {bad} of {len(passes)}, `{passes[bad - 1]}`, is the first after which the command "
        f"fails\n  before: {before}\n  after:  {after}\n"
        f"  replay: irc-opt {before} -p '{passes[bad - 1]}'\n"
    )


def shrink(module: ModuleOp, command: str) -> str:
    """
    The smallest IR found on which the command still succeeds.

    Drops functions, then ops, as long as the rest verifies and the command succeeds.
    Raises UserError when it does not on the whole input.
    """
    question = Question(command)
    best = module_text(module)
    if not question.succeeds(best):
        raise UserError("the command fails on the input: it must succeed on what is to be shrunk")
    current = module
    changed = True
    while changed:
        changed = False
        for edit in edits(current):
            candidate = current.clone()
            if not edit(candidate) or not _verifies(candidate):
                continue
            text = module_text(candidate)
            if len(text) < len(best) and question.succeeds(text):
                current, best, changed = candidate, text, True
                break
    return best


def edits(module: ModuleOp) -> Iterator[Callable[[ModuleOp], bool]]:
    """Ways to make a copy of the module smaller, the boldest first."""
    for number, op in enumerate(module.ops):
        if not isinstance(op, FuncOp) or len(list(module.ops)) > 1:
            yield lambda copy, n=number: _drop_top_level(copy, n)  # type: ignore[misc]
    count = sum(1 for _ in walk(module))
    for number in range(count - 1, 0, -1):
        yield lambda copy, n=number: _drop_op(copy, n)  # type: ignore[misc]
    for number, op in enumerate(walk(module)):
        if isinstance(op, ReturnOp):
            for result in range(len(op.operands)):
                yield lambda copy, n=number, r=result: _drop_result(copy, n, r)  # type: ignore[misc]


def _drop_top_level(module: ModuleOp, number: int) -> bool:
    op = list(module.ops)[number]
    op.detach()
    op.erase()
    return True


def _drop_op(module: ModuleOp, number: int) -> bool:
    """Erases an op; what used a result uses an operand of the same type instead."""
    op = list(walk(module))[number]
    if op.has_trait(IsTerminator, value_if_unregistered=False) or isinstance(op, FuncOp):
        return False
    for result in op.results:
        if not result.uses:
            continue
        substitute = _value_like(op, result)
        if substitute is None:
            return False
        result.replace_all_uses_with(substitute)
    op.detach()
    op.erase()
    return True


def _value_like(op: Operation, result: SSAValue) -> SSAValue | None:
    block = op.parent_block()
    candidates = [*op.operands, *(block.args if block else ())]
    return next((value for value in candidates if value.type == result.type), None)


def _drop_result(module: ModuleOp, number: int, result: int) -> bool:
    """Returns one value less."""
    op = list(walk(module))[number]
    function = op.parent_op()
    if not isinstance(function, FuncOp):
        return False
    op.operands = [v for i, v in enumerate(op.operands) if i != result]
    function.update_function_type()
    function.attributes.pop("irc.signature", None)
    return True


def _verifies(module: ModuleOp) -> bool:
    try:
        verify_module(module)
    except VerifyException:
        return False
    return True
