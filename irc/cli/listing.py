"""What there is: passes, dialects, ops. Read from the definitions themselves."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from typing import Any

from irc.cli.common import usage
from irc.diagnostics import did_you_mean
from irc.pipeline import EXTRA, PASSES, STAGES, pass_class, stage_of_pass, upstream_passes


def passes(pattern: str = "") -> str:
    """A line for each pass, by stage; xDSL's own at the end."""
    lines: list[str] = []
    groups = [(f"{s.name}: {s.reason}", [p.name for p in s.passes]) for s in STAGES]
    groups.append(("elsewhere", [p.name for p in EXTRA]))
    for title, names in groups:
        found = [name for name in names if pattern in name]
        if found:
            lines += [title, *(f"  {name:<26} {summary(name)}" for name in found)]
    others = sorted(name for name in upstream_passes() if pattern in name)
    if others and pattern:
        lines += ["xDSL", *(f"  {name}" for name in others)]
    elif others:
        lines.append(f"and {len(others)} of xDSL: --list-passes PATTERN shows those that fit")
    if not lines:
        close = did_you_mean(pattern, [*PASSES, *upstream_passes()])
        hint = f"; did you mean `{close[0]}`?" if close else ""
        usage(f"no pass is called like `{pattern}`{hint}")
    return "\n".join(lines)


def summary(name: str) -> str:
    """The first sentence of what a pass does: its own, or that of its module."""
    cls = pass_class(name)
    return first_sentence(doc_of(cls))


def doc_of(cls: type) -> str:
    """A pass says what it needs; what it does stands at the head of its file."""
    own = inspect.cleandoc(vars(cls).get("__doc__") or "")
    own = "" if own.startswith(f"{cls.__name__}(") else own  # what @dataclass makes up
    module = inspect.getmodule(cls)
    file = inspect.cleandoc(module.__doc__ or "") if module and module.__doc__ else ""
    return "\n\n".join(part for part in (file, own) if part)


def first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    end = paragraph.find(". ")
    return (paragraph if end < 0 else paragraph[:end]).rstrip(".:")


def pass_page(name: str) -> str:
    """What a pass does, where it stands, its options with their defaults."""
    from irc.passes.spelling import PipelineError

    try:
        cls = pass_class(name)
    except PipelineError as error:
        usage(error.diagnostics[0].title)
    stage = stage_of_pass(name)
    lines = [name, "", textwrap.indent(doc_of(cls), "  "), ""]
    if stage is not None:
        row = PASSES[name]
        level = f", from -O{row.level} on" if row.level else ", always"
        lines.append(f"  stage    {stage.name}{level}")
    options = [f for f in dataclasses.fields(cls) if f.init and f.name != "name"]
    lines.append(f"  options  {'' if options else 'none'}".rstrip())
    for option in options:
        kind = option.type if isinstance(option.type, str) else option.type.__name__
        given = "" if option.default is dataclasses.MISSING else f" = {option.default}"
        lines.append(f"    {option.name.replace('_', '-')}: {kind}{given}")
    example = name if not options else f"{name}{{{options[0].name}=...}}"
    lines.append(f"  example  irc-opt x.mlir -p '{example}'")
    return "\n".join(lines)


def dialects() -> str:
    """irc's dialects with all their ops, the others with their names."""
    from irc.dialects.context import OWN, make_context

    ctx = make_context()
    used = sorted({d for s in STAGES for d in s.legal if "." not in d} | set(OWN))
    lines: list[str] = []
    for name in used:
        dialect = ctx.get_dialect(name)
        ops = sorted(op.name.partition(".")[2] for op in dialect.operations)
        text = textwrap.fill(", ".join(ops), 94, initial_indent="  ", subsequent_indent="  ")
        lines += [f"{name} ({len(ops)} ops)", text]
    others = sorted(set(ctx.registered_dialect_names) - set(used))
    text = textwrap.fill(", ".join(others), 94, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([*lines, "readable, not used by the standard pipeline", text])


def op_page(name: str) -> str:
    """What an op takes and gives, as its definition says."""
    from irc.dialects.context import make_context

    ctx = make_context()
    cls = ctx.get_optional_op(name)
    if cls is None:
        for dialect in ("nd", "rt", "linalg", "tensor", "memref", "scf", "vector", "arith", "math"):
            ctx.get_dialect(dialect)
        close = did_you_mean(name, [op.name for op in ctx.loaded_ops])
        hint = f"; did you mean `{close[0]}`?" if close else ""
        usage(f"no operation is called `{name}`{hint}")
    return "\n".join([name, "", textwrap.indent(inspect.getdoc(cls) or "(no text)", "  "),
                      *op_rows(cls)])  # fmt: skip


def op_rows(cls: Any) -> list[str]:
    """Operands, results, properties, attributes, regions and traits of an op."""
    definition = cls.get_irdl_definition()
    rows: list[str] = []
    for title, members in (
        ("operands", definition.operands),
        ("results", definition.results),
        ("properties", definition.properties.items()),
        ("attributes", definition.attributes.items()),
        ("regions", definition.regions),
        ("successors", definition.successors),
    ):
        names = [f"{n}{_count(d)}" for n, d in members]
        if names:
            rows.append(f"  {title:<11} {', '.join(names)}")
    traits = sorted({type(t).__name__ for t in cls.traits})
    if traits:
        rows.append(f"  {'traits':<11} {', '.join(traits)}")
    return ["", *rows] if rows else []


def _count(definition: Any) -> str:
    kind = type(definition).__name__
    if kind.startswith("Var"):
        return "..."
    return "?" if kind.startswith("Opt") else ""
