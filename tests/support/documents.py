"""
Runs the fenced blocks of a Markdown page, so that what a page shows is what happens.

The words behind the three backquotes say what a block is:

    irc                 a program: goes to the loops, and its `test` blocks hold in the reference
    irc NAME            the same, and a file for the blocks behind it
    irc error           a program with mistakes; the next block, `text`, is the message
    python              runs; all of a page share their names
    pycon               a dialogue with Python: every answer is exactly that
    console             commands behind `$ `, run by a shell, with all that they write
    python, c, mlir, make NAME    a file
    anything else       is not looked at

In answers `...` is any text within a line, and a line of `...` any lines. With UPDATE_GOLDEN in
the environment, answers without `...` are written anew, to be read in the diff.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from irc.dialects.context import make_context
from irc.driver import Source, compile_source
from irc.errors import UserError
from irc.execution.program import Program
from irc.frontend import load_program
from irc.options import Options
from irc.passes.nd.expand_grad import ExpandGradPass

FENCE = re.compile(r"^```(.*)$")
FILES = ("python", "c", "mlir", "make")
COMMAND_TIMEOUT_S = 60


@dataclass
class Block:
    """
    A fenced block.

    words   what stands behind the backquotes: its language and more
    line    of its first line in the page, counted from 1
    text    ends in a newline
    """

    words: list[str]
    line: int
    text: str

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    opened: Block | None = None
    for number, line in enumerate(page.splitlines(), 1):
        if fence := FENCE.match(line):
            if opened is None:
                opened = Block(fence[1].split(), number + 1, "")
            else:
                yield opened
                opened = None
        elif opened is not None:
            opened.text += f"{line}\n"
    assert opened is None, f"the block of line {opened and opened.line} is never closed"


class Page:
    """
    A page whose blocks run one after the other in `folder`.

    Raises AssertionError that names the line of the page where something else happened.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.expected: tuple[Block, str] | None = None
        self.updated: dict[int, str] = {}

    def run(self) -> None:
        for block in blocks(self.path.read_text(encoding="utf-8")):
            try:
                self.run_block(block)
            except AssertionError:
                raise
            except Exception as error:
                raise AssertionError(f"{self.place(block)}: {error}") from error
        assert self.expected is None, f"{self.place(self.expected[0])}: no `text` block follows"
        self.write()

    def run_block(self, block: Block) -> None:
        if self.expected is not None:
            wrong, message = self.expected
            assert block.language == "text", f"{self.place(wrong)}: no `text` block follows"
            self.expected = None
            self.compare(block, block.text, message)
            return
        match block.words:
            case ["irc", "error", *_]:
                self.expected = (block, self.message(block))
            case ["irc", *names]:
                self.program(block, names[0] if names else f"line{block.line}.irc")
            case ["python"]:
                self.python(block)
            case ["pycon"]:
                self.dialogue(block)
            case ["console"]:
                self.console(block)
            case [language, name] if language in FILES:
                self.save(name, block.text)

    def place(self, block: Block) -> str:
        return f"{self.path.name}:{block.line}"

    def save(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def program(self, block: Block, name: str) -> None:
        self.save(name, block.text)
        options = Options(use_cache=False, target="cpu:x86-64-v3")
        compile_source(Source(block.text, name), options, ["loops"])
        tested = load_program(block.text, file=name, tests=True)
        ExpandGradPass().apply(make_context(), tested.module)
        runner = Program(tested.module)
        for test in (f.name for f in tested.spec.functions if f.kind == "test"):
            failure = runner.run(test, []).failure
            assert failure is None, f"{self.place(block)}: {test}: {failure}"

    def message(self, block: Block) -> str:
        name = (*block.words, "page.irc")[2]
        try:
            load_program(block.text, file=name)
        except UserError as error:
            return f"{error}\n"
        raise AssertionError(f"{self.place(block)}: this program has no mistake")

    def python(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.text, str(self.path), "exec")
        with redirect_stdout(StringIO()):
            exec(code, self.names)

    def dialogue(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, self.path.name, str(self.path), block.line - 1
        )
        report = StringIO()
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        runner.run(test, out=report.write, clear_globs=False)
        self.names.update(test.globs)
        assert not runner.failures, report.getvalue()

    def console(self, block: Block) -> None:
        answers = []
        for command, expected in commands(block.text):
            answer = shell(command, self.folder)
            self.compare(block, expected, answer, command)
            answers.append(f"$ {command}\n{expected if '...' in expected else answer}")
        self.updated.setdefault(block.line, "".join(answers))

    def compare(self, block: Block, expected: str, answer: str, command: str = "") -> None:
        """Notes what the block should say when the page is being written anew."""
        if matches(expected, answer):
            return
        if "UPDATE_GOLDEN" in os.environ and "..." not in expected:
            if not command:
                self.updated[block.line] = answer
            return
        what = f" $ {command}" if command else ""
        raise AssertionError(f"{self.place(block)}:{what}\n{expected}--- but now ---\n{answer}")

    def write(self) -> None:
        """The page with new answers, when asked."""
        if "UPDATE_GOLDEN" not in os.environ:
            return
        text = self.path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for block in reversed(list(blocks(text))):
            if block.line in self.updated:
                end = block.line - 1 + block.text.count("\n")
                lines[block.line - 1 : end] = [self.updated[block.line]]
        self.path.write_text("".join(lines), encoding="utf-8")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console with what it writes; a command ends in a line without `\\`."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", text, flags=re.MULTILINE)
    assert parts[0] == "", "a console begins with a command"
    yield from zip(parts[1::2], parts[2::2], strict=True)


def shell(command: str, folder: Path) -> str:
    """What a command writes to both streams; colours and machine settings are those of tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )
    return done.stdout


def matches(expected: str, answer: str) -> bool:
    """Whether an answer is as expected, where `...` stands for what may differ."""
    pattern = ""
    for line in expected.splitlines():
        if line == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*?".join(map(re.escape, line.split("..."))) + "\n"
    return re.fullmatch(pattern, answer) is not None
