"""
click, with help in sections, values that may be left out, and spellings of other tools.

`--help` shows the flags of everyday use on one screen, `--help-all` every flag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from irc.diagnostics import did_you_mean

WIDTH = 100
COLUMN = 30  # where the explanations start


class Flag(click.Option):
    """
    An option that knows its place in the help.

    section   the heading it stands under
    rare      shown by --help-all only
    bare      its value when it is written without one: `--time` for `--time=list`
    takes     a pattern: a bare flag takes the next argument when that fits
    """

    def __init__(
        self,
        *args: Any,
        section: str = "Options",
        rare: bool = False,
        bare: str | None = None,
        takes: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.section, self.rare, self.bare = section, rare, bare
        self.takes = re.compile(takes) if takes else None

    def spelled(self) -> str:
        """The short name and the first long one; the others are aliases."""
        short = [name for name in self.opts if not name.startswith("--")]
        long = [name for name in self.opts if name.startswith("--")]
        names = [*short, *long[:1], *self.secondary_opts]
        metavar = self.metavar if self.metavar and not (self.is_flag or self.count) else ""
        text = ", ".join(names)
        if self.bare is not None:
            return f"{text}[={metavar}]" if metavar else text
        return f"{text} {metavar}" if metavar else text


class ReaderGone(Exception):
    """Whoever read our output has stopped. Not an OSError: click would exit with 1 for that."""


class Command(click.Command):
    """
    examples   lines at the end of the help; tests run them
    rewrite    takes the arguments before click sees them
    more       names, besides those of flags, that a wrong flag may have meant
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        rewrite: Callable[[list[str]], list[str]] | None = None,
        more: Callable[[], Iterable[str]] = tuple,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.rewrite = rewrite
        self.more = more

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Reads the flags; --help and its like print here."""
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError:
            raise ReaderGone from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if self.rewrite is not None:
            args = self.rewrite(args)
        try:
            return super().parse_args(ctx, self._fill_bare(args))
        except click.NoSuchOption as error:
            known = [name for param in self.params for name in param.opts]
            close = did_you_mean(error.option_name, [*known, *self.more()])
            hint = f"; did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"there is no flag {error.option_name}{hint}", ctx) from None

    def _fill_bare(self, args: list[str]) -> list[str]:
        """`--time model.irc` must not take the file for its value."""
        optional = {
            name: param
            for param in self.params
            if isinstance(param, Flag) and param.bare is not None
            for name in param.opts
        }
        filled: list[str] = []
        rest = iter(args)
        pending: str | None = None
        while (arg := pending or next(rest, None)) is not None:
            pending = None
            flag = optional.get(arg)
            if arg == "--":
                return [*filled, arg, *rest]
            if flag is None:
                filled.append(arg)
                continue
            value = flag.bare
            pending = next(rest, None)
            if pending is not None and flag.takes and flag.takes.fullmatch(pending):
                value, pending = pending, None
            filled.append(f"{arg}={value}")
        return filled

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return None  # ours are declared by `common`

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(self.help_text(everything=False))

    def help_text(self, *, everything: bool) -> str:
        lines = [str(self.help).strip(), ""]
        sections: dict[str, list[Flag]] = {}
        for param in self.params:
            if isinstance(param, Flag) and not param.hidden and (everything or not param.rare):
                sections.setdefault(param.section, []).append(param)
        for title, flags in sections.items():
            lines.append(f"{title}:")
            for flag in flags:
                lines += _entry(flag.spelled(), flag.help or "")
        if everything:
            lines.append("")
        if self.examples:
            lines += ["Examples:", *(f"  {example}" for example in self.examples)]
        return "\n".join(lines) + "\n"


def _entry(name: str, text: str) -> list[str]:
    """`  --flag VALUE      what it does`, the text wrapped in its column."""
    room = WIDTH - COLUMN
    words, rows, row = text.split(), [], ""
    for word in words:
        if row and len(row) + 1 + len(word) > room:
            rows.append(row)
            row = word
        else:
            row = f"{row} {word}" if row else word
    rows.append(row)
    head = f"  {name}"
    if len(head) + 2 > COLUMN:
        return [head, *(" " * COLUMN + r for r in rows)]
    return [head.ljust(COLUMN) + rows[0], *(" " * COLUMN + r for r in rows[1:])]


def flag(
    names: str,
    text: str,
    value: str = "",
    *,
    into: str = "",
    choice: Sequence[str] = (),
    many: bool = False,
    **more: Any,
) -> Flag:
    """
    One line of a table of flags.

    names   "-o --output", or "--verify-each/--no-verify-each"
    value   what stands for its value in the help; "" for a flag that is on or off
    into    the name of the parameter, when it is not the last long name
    many    may be repeated
    """
    kind: dict[str, Any] = {"metavar": value, "multiple": many} if value or choice else {}
    if choice:
        kind["type"] = click.Choice(choice)
    elif not value and "/" not in names and not more.get("count"):
        kind["is_flag"] = True
    return Flag([*names.split(), *([into] if into else [])], help=text, **kind, **more)


def section(title: str, *flags: Flag) -> list[click.Parameter]:
    """Flags under one heading of the help."""
    for one in flags:
        one.section = title
    return list(flags)


# fmt: off
def common() -> list[click.Parameter]:
    """The flags that all three commands have."""
    eager: dict[str, Any] = {"is_eager": True, "expose_value": False}
    return section(
        "General",
        flag("--diagnostics", "how messages are written: text, short (a line each) or json",
             "STYLE", choice=("text", "short", "json"), default="text", rare=True),
        flag("--color", "auto (a terminal, and no NO_COLOR), always or never",
             "WHEN", choice=("auto", "always", "never"), default="auto", rare=True),
        flag("-v --verbose", "say what is done; -vv: the commands that are run", count=True),
        flag("-q --quiet", "errors only", rare=True),
        flag("--version", "versions, tools and machine: what a bug report needs",
             callback=_show_version, **eager),
        flag("--show-completion", "print the completion script for bash, zsh or fish",
             "SHELL", choice=("bash", "zsh", "fish"), callback=_show_completion, rare=True,
             **eager),
        flag("-h --help", "this page; --help-all: every flag", callback=_show_help, **eager),
        flag("--help-all", "every flag", callback=_show_help, rare=True, **eager),
    )
# fmt: on


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    assert isinstance(ctx.command, Command)
    click.echo(ctx.command.help_text(everything=param.name == "help_all"), nl=False)
    ctx.exit()


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from irc.cli.version import version_text

    click.echo(version_text())
    ctx.exit()


def _show_completion(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if not value or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    shell = get_completion_class(value)
    assert shell is not None
    name = ctx.info_name or ctx.command.name or "irc"
    variable = f"_{name.upper().replace('-', '_')}_COMPLETE"
    click.echo(shell(ctx.command, {}, name, variable).source())
    ctx.exit()
