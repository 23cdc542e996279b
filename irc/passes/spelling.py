"""
How a pipeline is written, in both customs:

    canonicalize,nd-fold-constants{limit=64}
    builtin.module(func.func(canonicalize),nd-fold-constants{limit=64})

Nesting says only where a pass may look; irc's passes take the whole module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from irc.errors import UserError

TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
    | (?P<word>[A-Za-z0-9_.+\-:/]+)
    | (?P<mark>[(){}=,])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
NUMBER = re.compile(r"[-+]?\d+")
PLAIN = re.compile(r"(?!(true|false)$)[A-Za-z_][A-Za-z0-9_.\-:/]*")
BLANK = re.compile(r"\s*")
NEXT_OPTION = re.compile(r"\s*[A-Za-z][\w-]*\s*=")
REAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?")

Value = str | int | float | bool
Options = dict[str, tuple[Value, ...]]


class PipelineError(UserError):
    """A pipeline that cannot be read. The command line is wrong, not the program."""

    exit_code = 2


@dataclass(frozen=True)
class PassText:
    """One pass as written: its name and its options, each a tuple of values."""

    name: str
    options: Options = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.options:
            return self.name
        return f"{self.name}{{{' '.join(_option_text(k, v) for k, v in self.options.items())}}}"


def _option_text(key: str, values: tuple[Value, ...]) -> str:
    return f"{key}={','.join(map(_value_text, values))}" if values else key


def _value_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) or PLAIN.fullmatch(value):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def pipeline_text(passes: Sequence[PassText]) -> str:
    """The pipeline as one line that `parse_pipeline` reads back."""
    return ",".join(map(str, passes))


def parse_pipeline(text: str) -> list[PassText]:
    """The passes in order. Raises PipelineError that points at the place."""
    reader = _Reader(text)
    passes = list(reader.sequence())
    reader.expect("end", "`,` or the end")
    return passes


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.kind = self.value = ""
        self.start = 0
        self.advance()

    def fail(self, message: str) -> NoReturn:
        line = self.text.replace("\n", " ")
        raise PipelineError(f"{message}\n  {line}\n  {' ' * self.start}^")

    def advance(self) -> str:
        taken = self.value
        match = TOKEN.match(self.text, self.position)
        if match is None:
            blank = BLANK.match(self.text, self.position)
            self.start = blank.end() if blank else self.position
            self.fail(f"`{self.text[self.start]}` does not belong in a pipeline")
        self.kind = match.lastgroup or "end"
        self.value = match[self.kind]
        self.start = match.start(self.kind)
        self.position = match.end()
        return taken

    def at(self, mark: str) -> bool:
        return self.kind == "mark" and self.value == mark

    def expect(self, what: str, spelled: str) -> str:
        if self.kind != what and not self.at(what):
            self.fail(f"expected {spelled} in the pipeline")
        return self.advance() if self.kind != "end" else ""

    def sequence(self) -> Iterator[PassText]:
        """Passes and nested pipelines with commas between; open parentheses are counted."""
        depth = 0
        while True:
            while self.kind == "mark" and self.value == ")" and depth:
                self.advance()
                depth -= 1
            if self.at(","):
                self.advance()
                continue
            if self.kind != "word":
                if depth:
                    self.fail("expected a pass or `)` in the pipeline")
                return
            name = self.advance()
            if self.at("("):
                if name not in ("builtin.module", "func.func", "any"):
                    self.fail(f"a pipeline nests in builtin.module and func.func, not in `{name}`")
                self.advance()
                depth += 1
                continue
            yield PassText(name, self.options() if self.at("{") else {})
            if not (self.at(",") or self.at(")") or self.kind == "end"):
                self.fail("expected `,` after a pass in the pipeline")

    def options(self) -> Options:
        """`{key=1,2 flag}`; commas between options are taken too."""
        self.advance()
        options: Options = {}
        while not self.at("}"):
            key = self.expect("word", "an option or `}`")
            values: list[Value] = []
            if self.at("="):
                self.advance()
                values.append(self.one_value())
                while self.at(",") and not self.option_follows():
                    self.advance()
                    values.append(self.one_value())
            options[key.replace("-", "_")] = tuple(values)
            if self.at(","):
                self.advance()
        self.advance()
        return options

    def option_follows(self) -> bool:
        """After a comma: `name=` begins the next option."""
        return NEXT_OPTION.match(self.text, self.position) is not None

    def one_value(self) -> Value:
        if self.kind == "string":
            raw = self.advance()
            return re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[0] == '"' else raw[1:-1]
        word = self.expect("word", "a value")
        if word in ("true", "false"):
            return word == "true"
        if NUMBER.fullmatch(word):
            return int(word)
        return float(word) if REAL.fullmatch(word) else word
