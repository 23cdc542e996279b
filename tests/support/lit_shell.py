"""
A small shell for `RUN:` lines, fast because irc's commands run inside this process.

It knows pipes, `&&`, `;`, quotes, redirections, `not`, `cat`, `diff`, and the tools of `lit_tools`.
Another program is started without a shell; a line that needs more (`$x`, globs, `||`, subshells)
goes to bash as a whole, with the same tools on its PATH.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import lit_tools

TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<operator>&&|2>&1|2>>|2>(?!&)|>>|>(?![&|(])|<(?![<(&>])|\|(?![|&])|;)
    | (?P<quoted>'[^']*')
    | (?P<escaped>"(?:[^"\\$`]|\\.)*")
    | (?P<backslash>\\.)
    | (?P<plain>(?!\#)[^\s'"\\|&;<>()$`*?\[~]+)
    """,
    re.VERBOSE,
)
BASH_WORDS = {"!", "not", "if", "for", "while", "case", "cd", "set", "export", "exit"}
SUBSTITUTION = re.compile(r"%([sStT%])")


class NeedsShell(Exception):
    """The line says more than this module understands."""


@dataclass(frozen=True)
class Command:
    """`not` taken off and counted; redirections in the order in which they are written."""

    argv: tuple[str, ...]
    redirections: tuple[tuple[str, str], ...]
    negated: bool

    def __str__(self) -> str:
        words = ("not", *self.argv) if self.negated else self.argv
        return " ".join((*words, *(f"{op} {path}".strip() for op, path in self.redirections)))


@dataclass
class Step:
    """What one command did, for the report of a failure."""

    text: str
    code: int
    stdout: bytes = b""
    stderr: bytes = b""
    crashed: bool = False


@dataclass(frozen=True)
class Shell:
    """
    Runs lines in `directory`, the current directory meanwhile.

    substitutions  what %s, %S, %t and %T stand for
    steps          every command run so far
    """

    directory: Path
    substitutions: dict[str, str]
    steps: list[Step] = field(default_factory=list)

    def run(self, line: str) -> bool:
        """Whether the line succeeded: each `&&` or `;` part, and each command of a pipe."""
        try:
            pipelines = parse(line, self.substitute)
        except NeedsShell:
            return self.run_bash(line)
        with contextlib.chdir(self.directory):
            return all(self.run_pipeline(pipeline) for pipeline in pipelines)

    def substitute(self, word: str) -> str:
        return SUBSTITUTION.sub(lambda match: self.substitutions[match[1]], word)

    def run_pipeline(self, commands: list[Command]) -> bool:
        stdin = b""
        succeeded = True
        for command in commands:
            step, stdin = run_command(command, stdin)
            self.steps.append(step)
            succeeded = succeeded and not step.crashed and (step.code != 0) == command.negated
        return succeeded

    def run_bash(self, line: str) -> bool:
        script = self.substitute(line)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'not() {{ ! "$@"; }}; {script}'],
            cwd=self.directory,
            env=lit_tools.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        self.steps.append(Step(f"bash: {script}", done.returncode, done.stdout, done.stderr))
        return done.returncode == 0


def parse(line: str, substitute: Callable[[str], str] = str) -> list[list[Command]]:
    """The pipelines of a line, to be run until one fails. Raises NeedsShell."""
    pipelines: list[list[Command]] = []
    words: list[str] = []
    redirections: list[tuple[str, str]] = []
    commands: list[Command] = []
    pending = ""  # a redirection that waits for its file

    for kind, text in [*tokens(line), ("operator", ";")]:
        if kind == "word":
            word = substitute(text)
            if pending:
                redirections.append((pending, word))
                pending = ""
            else:
                words.append(word)
            continue
        if pending:
            raise NeedsShell(f"{pending} names no file")
        if text == "2>&1":
            redirections.append((text, ""))
        elif text in ("<", ">", ">>", "2>", "2>>"):
            pending = text
        elif words:
            commands.append(command_of(words, redirections))
            words, redirections = [], []
            if text != "|":
                pipelines.append(commands)
                commands = []
        elif text != ";" or commands or redirections:
            raise NeedsShell(f"nothing stands before {text}")
    return pipelines


def command_of(words: list[str], redirections: list[tuple[str, str]]) -> Command:
    negated = words[0] == "not"
    argv = tuple(words[negated:])
    if not argv or "=" in argv[0] or argv[0] in BASH_WORDS:
        raise NeedsShell(" ".join(words))
    return Command(argv, tuple(redirections), negated)


def tokens(line: str) -> Iterator[tuple[str, str]]:
    """Pairs ("word", its value) and ("operator", its spelling)."""
    at = 0
    word: str | None = None
    while at < len(line):
        match = TOKEN.match(line, at)
        if match is None:
            raise NeedsShell(line[at:])
        at = match.end()
        kind, text = match.lastgroup, match[0]
        if kind in ("space", "operator"):
            if word is not None:
                yield "word", word
            word = None
            if kind == "operator":
                yield kind, text
            continue
        if kind == "plain" and "{" in text and ("," in text or ".." in text):
            raise NeedsShell(f"{text} may be a brace expansion")
        word = (word or "") + unquote(kind, text)
    if word is not None:
        yield "word", word


def unquote(kind: str | None, text: str) -> str:
    if kind == "quoted":
        return text[1:-1]
    if kind == "escaped":
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return text[1:] if kind == "backslash" else text


def run_command(command: Command, stdin: bytes) -> tuple[Step, bytes]:
    """Runs one command and gives the report, and the bytes that go on to the next."""
    pipe, shown = BytesIO(), BytesIO()
    out, err = pipe, shown
    files: list[tuple[str, Path, BytesIO]] = []
    for operator, path in command.redirections:
        if operator == "2>&1":
            err = out
        elif operator == "<":
            stdin = Path(path).read_bytes()
        else:
            buffer = BytesIO()
            files.append((operator[-2:], Path(path), buffer))
            out, err = (out, buffer) if operator.startswith("2") else (buffer, err)

    step = Step(str(command), 0)
    try:
        step.code = dispatch(command.argv, stdin, out, err)
    except lit_tools.Crash as crash:
        step.crashed, step.code = True, 1
        shown.write(str(crash).encode())
    for operator, path, buffer in files:
        with path.open("ab" if operator == ">>" else "wb") as file:
            file.write(buffer.getvalue())
    step.stdout, step.stderr = pipe.getvalue(), shown.getvalue()
    return step, step.stdout


def dispatch(argv: tuple[str, ...], stdin: bytes, out: BytesIO, err: BytesIO) -> int:
    name, *args = argv
    if name in lit_tools.TOOLS:
        return lit_tools.call(name, args, stdin, out, err)
    if name in BUILTINS and not any(arg.startswith("-") for arg in args):
        return BUILTINS[name](args, stdin, out, err)
    return start(argv, stdin, out, err)


def start(argv: tuple[str, ...], stdin: bytes, out: BytesIO, err: BytesIO) -> int:
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            env=lit_tools.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if err is out else subprocess.PIPE,
        )
    except OSError as error:
        err.write(f"{argv[0]}: {error.strerror}\n".encode())
        return 127
    out.write(done.stdout)
    err.write(done.stderr or b"")
    return done.returncode


def cat(paths: list[str], stdin: bytes, out: BytesIO, err: BytesIO) -> int:
    return 0 if read_all(paths or ["/dev/stdin"], stdin, err, out.write) else 1


def diff(paths: list[str], stdin: bytes, out: BytesIO, err: BytesIO) -> int:
    contents: list[bytes] = []
    if not read_all(paths, stdin, err, contents.append) or len(contents) != 2:
        return 2
    if contents[0] == contents[1]:
        return 0
    a, b = (text.decode(errors="replace").splitlines(keepends=True) for text in contents)
    out.write("".join(difflib.unified_diff(a, b, *paths)).encode())
    return 1


def read_all(
    paths: Iterable[str], stdin: bytes, err: BytesIO, use: Callable[[bytes], object]
) -> bool:
    for path in paths:
        try:
            use(stdin if path in ("-", "/dev/stdin") else Path(path).read_bytes())
        except OSError as error:
            err.write(f"{path}: {os.strerror(error.errno or 0)}\n".encode())
            return False
    return True


BUILTINS = {"cat": cat, "diff": diff}
